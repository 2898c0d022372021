"""The six kinds of error. Every message is a sentence for people that says what to do."""

from __future__ import annotations

from collections.abc import Mapping


class MydiaError(Exception):
    """The root: `str(error)` may be shown to a user as it is."""

    kind = "error"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})
        """Form field -> sentence, for pages and problem+json."""


class NotFound(MydiaError):
    """What was requested does not exist, or this caller may not see it."""

    kind = "not_found"


class Conflict(MydiaError):
    """It collides with what is there already."""

    kind = "conflict"


class Invalid(MydiaError):
    """The input cannot be used as it is."""

    kind = "invalid"


class Forbidden(MydiaError):
    """The caller lacks a permission."""

    kind = "forbidden"


class Unavailable(MydiaError):
    """Something Mydia depends on does not answer; the same call may work later."""

    kind = "unavailable"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, fields=fields)
        self.retry_after_s = retry_after_s


class Misconfigured(MydiaError):
    """A setting is wrong: the message names the key, its source and what is allowed."""

    kind = "misconfigured"

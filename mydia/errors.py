"""The six kinds of error. Every message is a sentence for users that says what to do."""

from __future__ import annotations

from collections.abc import Mapping


class MydiaError(Exception):
    """The base class. `str(error)` can be shown to users."""

    kind = "error"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})
        """Form field -> message, for pages and problem+json."""


class NotFound(MydiaError):
    """The requested resource does not exist, or the caller may not see it."""

    kind = "not_found"


class Conflict(MydiaError):
    """A conflict with existing data."""

    kind = "conflict"


class Invalid(MydiaError):
    """Validation error."""

    kind = "invalid"


class Forbidden(MydiaError):
    """Permission denied."""

    kind = "forbidden"


class Unavailable(MydiaError):
    """A service that Mydia depends on does not answer; the same call may work later."""

    kind = "unavailable"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, fields=fields)
        self.retry_after_s = retry_after_s


class Misconfigured(MydiaError):
    """An invalid setting; the message names the key, its source and the allowed values."""

    kind = "misconfigured"

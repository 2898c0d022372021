"""The four causes of a failed call to a service. An adapter never returns an empty list for a failure."""

from __future__ import annotations

from mydia.errors import Unavailable


class AdapterError(Unavailable):
    """A call to a service failed.

    Args:
        service: The user's name for the service, or its product name.
        cause: The rest of the sentence: what happened and what to do.
        retry_after_s: How long the service asked us to wait, if it did.
    """

    code = "failed"

    def __init__(self, service: str, cause: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{service}: {cause}", retry_after_s=retry_after_s)
        self.service = service
        self.cause = cause


class Unreachable(AdapterError):
    """No answer: connection refused, name unknown, time-out, 5xx."""

    code = "unreachable"


class Refused(AdapterError):
    """It refused: wrong credentials, banned, not allowed. Retrying cannot help."""

    code = "refused"


class Limited(AdapterError):
    """Too many requests, or a quota is used up; `retry_after_s` says when to retry, if known."""

    code = "limited"


class Nonsense(AdapterError):
    """It broke its own contract (broken XML, wrong types, HTML instead of JSON)."""

    code = "nonsense"

"""The four causes of a failed call to a service. An adapter never returns an empty list for a failure."""

from __future__ import annotations

from mydia.errors import Unavailable


class AdapterError(Unavailable):
    """A call to a service failed.

    Args:
        service: The user's name for the service, or its product name.
        cause: The rest of the message: what happened and what to do.
        retry_after_s: Seconds to wait, if the service sent them.
    """

    code = "failed"

    def __init__(self, service: str, cause: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{service}: {cause}", retry_after_s=retry_after_s)
        self.service = service
        self.cause = cause


class Unreachable(AdapterError):
    """No answer: connection refused, unknown host, timeout, 5xx."""

    code = "unreachable"


class ServerError(Unreachable):
    """It answered that it has a problem of its own (5xx). Unlike a missing connection, this makes indexers wait longer."""


class Refused(AdapterError):
    """Refused: wrong credentials, banned, not allowed. Retrying does not help."""

    code = "refused"


class Limited(AdapterError):
    """Rate limit or quota reached; `retry_after_s` says when to retry, if known."""

    code = "limited"


class Nonsense(AdapterError):
    """An invalid response (broken XML, wrong types, HTML instead of JSON)."""

    code = "nonsense"

"""The four causes for which a service outside may fail us. An adapter never answers a failure with an empty list."""

from __future__ import annotations

from mydia.errors import Unavailable


class AdapterError(Unavailable):
    """A call to a service failed.

    Args:
        service: The name a person gave the service, or its product name.
        cause: The rest of the sentence: what happened and what to do.
        retry_after_s: How long the service asked to be left alone, where it said so.
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
    """It answered and said no: wrong credentials, banned, not allowed. Retrying cannot help."""

    code = "refused"


class Limited(AdapterError):
    """Too many requests or a quota is used up; `retry_after_s` says when, where known."""

    code = "limited"


class Nonsense(AdapterError):
    """It answered with something that breaks its own contract (broken XML, wrong types, HTML instead of JSON)."""

    code = "nonsense"

"""What the relay caches and what it answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import msgspec

JSON_TYPE = "application/json; charset=utf-8"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One cached answer of an upstream."""

    status: int
    body: bytes
    content_type: str
    etag: str
    """Strong, quoted."""
    stored_at_s: float
    """Seconds since 1970."""
    expires_at_s: float
    """When it stops being fresh. It is kept longer, to be used while the upstream is down."""

    @classmethod
    def made(cls, status: int, body: bytes, *, now_s: float, ttl_s: float, content_type: str = JSON_TYPE) -> Entry:
        """Make the entry for an answer that has just arrived."""
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        return cls(
            status=status,
            body=body,
            content_type=content_type,
            etag=etag,
            stored_at_s=now_s,
            expires_at_s=now_s + ttl_s,
        )

    def answer(self, how: str, now_s: float) -> RelayAnswer:
        """Return the answer for a caller.

        Args:
            how: `HIT`, `MISS` or `STALE`.
        """
        return RelayAnswer(
            self.status,
            self.body,
            self.content_type,
            cache=how,
            age_s=max(0, int(now_s - self.stored_at_s)),
            fresh_s=max(0, int(self.expires_at_s - now_s)),
            etag=self.etag,
        )


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """What a caller receives."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    _: KW_ONLY
    cache: str | None = None
    """`HIT`, `MISS` or `STALE`; None for an answer that is never cached."""
    age_s: int = 0
    fresh_s: int = 0
    """How long it stays fresh."""
    etag: str | None = None
    retry_after_s: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    """Why the upstream could not answer, in a few words. It is not sent to other machines."""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def refusal(status: int, error: str, message: str, *, retry_after_s: float | None = None) -> RelayAnswer:
    """Return an error of the relay itself, without internals."""
    body = json.dumps({"error": error, "message": message}).encode()
    wait = None if retry_after_s is None else max(1, round(retry_after_s))
    return RelayAnswer(status, body, retry_after_s=wait)

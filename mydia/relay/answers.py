"""What the relay keeps and what it hands out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept answer of an upstream."""

    status: int
    body: bytes
    content_type: str
    etag: str
    """Strong, quoted."""
    stored_at_s: float
    """Seconds since 1970."""
    expires_at_s: float
    """When it stops being fresh; it is kept longer than that, for the day the upstream is down."""

    @classmethod
    def made(cls, status: int, body: bytes, *, now_s: float, ttl_s: float, content_type: str = JSON_TYPE) -> Entry:
        """Keep an answer that has just arrived."""
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        return cls(status, body, content_type, etag, now_s, now_s + ttl_s)


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """What a caller gets."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    cache: str | None = None
    """`HIT`, `MISS` or `STALE`; None for what is never cached."""
    age_s: int = 0
    fresh_s: int = 0
    """How long it stays fresh."""
    etag: str | None = None
    retry_after_s: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def refusal(status: int, error: str, message: str, *, retry_after_s: float | None = None) -> RelayAnswer:
    """Answer in the relay's own words, without internals."""
    body = json.dumps({"error": error, "message": message}).encode()
    wait = None if retry_after_s is None else max(1, round(retry_after_s))
    return RelayAnswer(status, body, retry_after_s=wait)

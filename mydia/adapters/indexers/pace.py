"""Requests to indexers: no more per minute than the settings of one allow, and a count of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from mydia.adapters.errors import Limited
from mydia.adapters.kinds import Connection
from mydia.limits import RateLimiter

_WINDOW_S = 60.0


class Requests:
    """How many requests were sent."""

    def __init__(self) -> None:
        self.count = 0


_counting: ContextVar[Requests | None] = ContextVar("_counting", default=None)


@contextmanager
def counted() -> Iterator[Requests]:
    """Count the requests that this thread sends to indexers within the block."""
    requests = Requests()
    token = _counting.set(requests)
    try:
        yield requests
    finally:
        _counting.reset(token)


def keep_pace(connection: Connection) -> None:
    """Wait until the indexer may be queried, by its option `rate_limit_per_min`; without one, return immediately.

    Every request calls it first, so it also counts them.

    Raises:
        Limited: The wait would be longer than the connection's timeout; it says when to retry.
    """
    if (requests := _counting.get()) is not None:
        requests.count += 1
    allowed = connection.options.get("rate_limit_per_min")
    if not isinstance(allowed, int | float) or allowed < 1:
        return
    wait_s, taken = _limiter(int(allowed)).take(connection.id, max_wait_s=connection.timeout_s)
    if not taken:
        raise Limited(
            connection.name,
            f"is limited to {int(allowed)} requests per minute in its settings",
            retry_after_s=wait_s,
        )
    if wait_s > 0:
        time.sleep(wait_s)


@cache
def _limiter(per_min: int) -> RateLimiter:
    return RateLimiter(per_min, _WINDOW_S)

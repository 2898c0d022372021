"""Rate limit of an indexer: no more requests per minute than its settings allow."""

from __future__ import annotations

import time
from functools import cache

from mydia.adapters.errors import Limited
from mydia.adapters.kinds import Connection
from mydia.limits import RateLimiter

_WINDOW_S = 60.0


def keep_pace(connection: Connection) -> None:
    """Wait until the indexer may be queried, by its option `rate_limit_per_min`; without one, return immediately.

    Raises:
        Limited: The wait would be longer than the connection's timeout; it says when to retry.
    """
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

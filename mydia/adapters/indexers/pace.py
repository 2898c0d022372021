"""How fast an indexer is asked: no more often in a minute than its admin or its rules allow."""

from __future__ import annotations

import threading
import time
from collections import deque

from mydia import clock
from mydia.adapters.errors import Limited
from mydia.adapters.kinds import Connection

_WINDOW_S = 60.0

_lock = threading.Lock()
_sent: dict[str, deque[float]] = {}
"""Connection -> when its last requests of this process went out, the future ones of those who wait among them."""


def keep_pace(connection: Connection) -> None:
    """Wait until the indexer may be asked again, by its option `rate_limit_per_min`; without one, at once.

    Raises:
        Limited: That would take longer than its answer may take; it says when.
    """
    allowed = connection.options.get("rate_limit_per_min")
    if not isinstance(allowed, int | float) or allowed < 1:
        return
    now_s = clock.monotonic_s()
    with _lock:
        sent = _sent.setdefault(connection.id, deque())
        while sent and now_s - sent[0] >= _WINDOW_S:
            sent.popleft()
        turn_s = now_s if len(sent) < int(allowed) else sent[-int(allowed)] + _WINDOW_S
        if turn_s - now_s > connection.timeout_s:
            raise Limited(
                connection.name,
                f"is asked at most {int(allowed)} times a minute, as its settings say",
                retry_after_s=turn_s - now_s,
            )
        sent.append(turn_s)
    if turn_s > now_s:
        time.sleep(turn_s - now_s)

"""The only place that asks what time it is, and the maker of ids that sort by time."""

from __future__ import annotations

import os
import threading
import time as _time
from datetime import UTC, datetime

_lock = threading.Lock()
_last_ns = 0


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back, for measuring and waiting."""
    return _time.monotonic()


def new_id() -> str:
    """Return a UUIDv7 as text: ids made later in one process sort after earlier ones (RFC 9562 §5.7)."""
    global _last_ns
    with _lock:
        # Sub-millisecond time fills rand_a, so ids made within one millisecond still sort.
        ns = max(_time.time_ns(), _last_ns + 256)
        _last_ns = ns
    ms, rest = divmod(ns, 1_000_000)
    rand = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (ms << 80) | (0x7 << 76) | ((rest * 4096 // 1_000_000) << 64) | (0b10 << 62) | rand
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

"""The only module that reads the clock; also creates ids that sort by time."""

from __future__ import annotations

import os
import threading
import time as _time
from datetime import UTC, datetime

_lock = threading.Lock()
_last_ns = 0


def now() -> datetime:
    """Return the current time as an aware instant in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds of a monotonic clock, for measuring and waiting."""
    return _time.monotonic()


class SetBack:
    """Detects that the wall clock was set back by comparing it with the monotonic clock."""

    _SMALLEST_S = 5.0
    """Smaller steps are corrections by a time server, which cause no noticeable delay."""

    def __init__(self) -> None:
        self._offset_s = self._present_s()

    def look(self) -> float:
        """Return by how many seconds the clock was set back since the last call; 0 if it was not."""
        present_s = self._present_s()
        moved_s, self._offset_s = self._offset_s - present_s, present_s
        return moved_s if moved_s >= self._SMALLEST_S else 0.0

    @staticmethod
    def _present_s() -> float:
        return now().timestamp() - monotonic_s()


def new_id() -> str:
    """Return a UUIDv7 as text. Ids created later in one process sort after earlier ones (RFC 9562 §5.7)."""
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

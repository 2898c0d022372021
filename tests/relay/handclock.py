"""A clock that is advanced manually and by waiting."""

from __future__ import annotations

import threading

from mydia import clock


class HandClock:
    def __init__(self) -> None:
        self._now_s = clock.now().timestamp()
        self._lock = threading.Lock()
        self.waited_s: list[float] = []

    def now_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._now_s

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waited_s.append(seconds)
            self._now_s += seconds

    def pass_(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        with self._lock:
            self._now_s += seconds + 60 * minutes + 3600 * hours + 86_400 * days

"""Clocks and waiting, so that tests can control time."""

from __future__ import annotations

import threading
from typing import Protocol

from mydia import clock


class Times(Protocol):
    """A wall clock, a monotonic clock, and waiting."""

    def now_s(self) -> float:
        """Return seconds since 1970; entries outlive the process, so their age needs a wall clock."""

    def monotonic_s(self) -> float:
        """Return seconds on a monotonic clock."""

    def wait(self, seconds: float) -> None:
        """Sleep in this thread."""


class _RealTimes:
    def __init__(self) -> None:
        self._never = threading.Event()

    def now_s(self) -> float:
        return clock.now().timestamp()

    def monotonic_s(self) -> float:
        return clock.monotonic_s()

    def wait(self, seconds: float) -> None:
        self._never.wait(seconds)


REAL_TIMES: Times = _RealTimes()

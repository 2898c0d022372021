"""Waiting for a change by another thread or process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mydia import clock


def until(true: Callable[[], bool], *, within_s: float = 20) -> None:
    """Wait until a condition is true; fail after the deadline."""
    ends_at_s = clock.monotonic_s() + within_s
    pause = threading.Event()
    while not true():
        assert clock.monotonic_s() < ends_at_s, "it did not become true in time"
        pause.wait(0.01)

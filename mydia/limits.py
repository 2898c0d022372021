"""Rate limiting per key."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from mydia import clock


class RateLimiter:
    """Allows at most `count` turns in any period of `seconds` for each key.

    Args:
        count: At least 1.
        max_turns: Maximum number of remembered turns for all keys, which limits memory (about 40 bytes each). Beyond that,
            the least recently used key is dropped.
        monotonic_s: The clock, in seconds.
    """

    def __init__(
        self,
        count: int,
        seconds: float,
        *,
        max_turns: int = 100_000,
        monotonic_s: Callable[[], float] = clock.monotonic_s,
    ) -> None:
        self._count = count
        self._seconds = seconds
        self._max_turns = max(max_turns, count)
        self._monotonic_s = monotonic_s
        self._turns: OrderedDict[str, deque[float]] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def take(self, key: str = "", *, max_wait_s: float = 0.0) -> tuple[float, bool]:
        """Take the key's next turn if it comes within `max_wait_s`.

        Returns:
            The seconds until that turn, and whether it was taken. The caller must wait; turns taken at the same time
            are queued.
        """
        with self._lock:
            now_s = self._monotonic_s()
            turns = self._turns.get(key) or deque()
            while turns and turns[0] <= now_s - self._seconds:
                turns.popleft()
                self._total -= 1
            at_s = now_s if len(turns) < self._count else max(now_s, turns[-self._count] + self._seconds)
            if at_s - now_s > max_wait_s:
                return at_s - now_s, False
            turns.append(at_s)
            self._total += 1
            self._turns[key] = turns
            self._turns.move_to_end(key)
            while self._total > self._max_turns:
                self._total -= len(self._turns.popitem(last=False)[1])
            return at_s - now_s, True

    def admit(self, key: str = "") -> float | None:
        """Take a turn now and return None, or return the seconds until the next one."""
        wait_s, taken = self.take(key)
        return None if taken else wait_s

    def reserve(self, key: str = "", *, max_wait_s: float) -> float | None:
        """Take the next turn and return the seconds until then; None if that is later than `max_wait_s`."""
        wait_s, taken = self.take(key, max_wait_s=max_wait_s)
        return wait_s if taken else None

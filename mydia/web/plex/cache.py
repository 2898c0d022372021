"""The cache of answers for Plex: five minutes in memory, hours or days in the relay's cache file."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import replace
from typing import Any

from mydia.adapters.errors import Limited
from mydia.errors import NotFound, Unavailable
from mydia.limits import RateLimiter
from mydia.relay.answers import Entry
from mydia.relay.memory import Memory
from mydia.relay.stores import Store
from mydia.relay.times import REAL_TIMES, Times

MEMORY_S = 300.0
NOTHING_S = 600
"""How long the absence of a title is cached."""
TTL_S = {
    "match": 300,
    "movie": 86_400,
    "show": 7 * 86_400,
    "airing": 86_400,
    "children": 86_400,
    "season": 86_400,
    "episode": 86_400,
}
"""Seconds by kind; `airing` is a continuing show. Source: design document 003 (site 7 d, scenes and films
24 h, searches 5 min)."""
_PER_S, _BURST = 2.0, 5  # design document 003
_PATIENCE_S = 20.0


class Turns:
    """Allows five requests at once, then two a second; further requests wait."""

    def __init__(self, times: Times = REAL_TIMES) -> None:
        self._limiter = RateLimiter(_BURST, _BURST / _PER_S, monotonic_s=times.monotonic_s)
        self._times = times

    def take(self) -> None:
        """Wait for a turn.

        Raises:
            Limited: The wait would be too long.
        """
        wait_s = self._limiter.reserve(max_wait_s=_PATIENCE_S)
        if wait_s is None:
            raise Limited("Plex", "exceeds the rate limit of the catalogues", retry_after_s=_PATIENCE_S)
        if wait_s > 0:
            self._times.wait(wait_s)


class Cache:
    """The cache with both levels.

    Args:
        store: The second level; None means only memory.
    """

    def __init__(self, store: Store | None, *, times: Times = REAL_TIMES) -> None:
        self._memory = Memory(5_000, 16 * 1024**2)
        self._store = store
        self._times = times

    def close(self) -> None:
        """Close the file."""
        if self._store is not None:
            self._store.close()

    def get(self, key: str, make: Callable[[], tuple[Any, str]]) -> Any:
        """Return the cached value, or fetch it.

        Args:
            make: Returns the value and its kind, a key of `TTL_S`. A NotFound is cached too.

        Raises:
            NotFound: There is no such title.
            Unavailable: The source does not answer, and no older value is cached.
        """
        key = f"plex:{key}"
        now_s = self._times.now_s()
        entry = self._memory.get(key)
        if entry is not None and entry.expires_at_s > now_s:
            return _opened(entry)
        entry = self._store.get(key) if self._store is not None else None
        if entry is not None and entry.expires_at_s > now_s:
            self._remember(key, entry)
            return _opened(entry)
        try:
            value, kind = make()
            made = Entry.made(200, json.dumps(value).encode(), now_s=now_s, ttl_s=TTL_S[kind])
        except NotFound as error:
            made = Entry.made(404, json.dumps(error.message).encode(), now_s=now_s, ttl_s=NOTHING_S)
        except Unavailable:
            if entry is None:
                raise
            # An outdated answer is better than an error in the library.
            return _opened(entry)
        if self._store is not None:
            self._store.put(key, made)
        self._remember(key, made)
        return _opened(made)

    def _remember(self, key: str, entry: Entry) -> None:
        until_s = min(entry.expires_at_s, self._times.now_s() + MEMORY_S)
        self._memory.put(key, replace(entry, expires_at_s=until_s))


def _opened(entry: Entry) -> Any:
    value = json.loads(entry.body)
    if entry.status == 404:
        raise NotFound(str(value))
    return value

"""Cache what pages read often, until the next commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import media
from mydia.contexts.users import SYSTEM
from mydia.db import Database

_LONGEST_S = 5.0
"""The age limit, because some answers also depend on the clock, such as what is released today."""


class UntilCommit[Key: Hashable, Found]:
    """Caches what was read from a database, by key, until the next commit.

    Args:
        kept: The number of entries; the oldest is dropped. None is never cached.
    """

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Key], tuple[int, float, Found]] = {}

    def peek(self, database: Database, version: int | None, key: Key) -> Found | None:
        """Return the cached value, or None. Reads only memory."""
        with self._lock:
            known = self._known.get((database.url, key))
        if known is None or known[0] != version or clock.monotonic_s() - known[1] >= _LONGEST_S:
            return None
        return known[2]

    def keep(self, database: Database, version: int | None, key: Key, found: Found) -> None:
        """Cache a value.

        Args:
            version: The database's version from before the session that read the value had read anything, so that the value
                is never older than its version. None (a database without versions) caches nothing.
        """
        if version is None:
            return
        place = (database.url, key)
        with self._lock:
            self._known.pop(place, None)
            while len(self._known) >= self._kept:
                self._known.pop(next(iter(self._known)))
            self._known[place] = (version, clock.monotonic_s(), found)

    def get(self, database: Database, version: int | None, key: Key, read: Callable[[], Found]) -> Found:
        """Return the cached value, else what `read()` returns; `version` is the same as for `keep`."""
        found = self.peek(database, version, key)
        if found is None:
            found = read()
            self.keep(database, version, key, found)
        return found


_states: UntilCommit[None, str] = UntilCommit(kept=4)


def library_state(database: Database, session: Session) -> str:
    """Return a token that changes whenever a list of titles may change.

    Args:
        session: A session that has read nothing yet, so that what it reads is at least as new as the token.
    """
    return _states.get(database, database.version(), None, lambda: media.lists.snapshot(session, SYSTEM))

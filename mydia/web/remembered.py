"""What pages read again and again, remembered until anybody commits anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import media
from mydia.db import Database

_LONGEST_S = 5.0
"""What follows from the clock as well, such as what is out today, is never older."""


class UntilCommit[Key: Hashable, Found]:
    """Remembers what was read of a database, by key, for as long as it is as it was.

    Args:
        kept: How many entries at most; the oldest makes room. None stands for nothing and is never an entry.
    """

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Key], tuple[int, float, Found]] = {}

    def peek(self, database: Database, version: int | None, key: Key) -> Found | None:
        """Return what is remembered, None for nothing; touches nothing but memory."""
        with self._lock:
            known = self._known.get((database.url, key))
        if known is None or known[0] != version or clock.monotonic_s() - known[1] >= _LONGEST_S:
            return None
        return known[2]

    def keep(self, database: Database, version: int | None, key: Key, found: Found) -> None:
        """Remember what was found.

        Args:
            version: The database's, asked before the session that read it had read anything: what is remembered is then
                never older than its version says. None, of a database that has none, remembers nothing.
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
        """Return what is remembered, else what `read()` returns; `version` as for `keep`."""
        found = self.peek(database, version, key)
        if found is None:
            found = read()
            self.keep(database, version, key, found)
        return found


_states: UntilCommit[None, str] = UntilCommit(kept=4)


def library_state(database: Database, session: Session) -> str:
    """Return a token that changes whenever any list of titles may.

    Args:
        session: One that has read nothing yet, so that what it reads is at least as new as the token.
    """
    return _states.get(database, database.version(), None, lambda: media.lists.snapshot(session))

"""Units of work: the only place in the project that commits."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mydia import clock, writing
from mydia.db.changes import ServerChanges, SqliteChanges
from mydia.db.engine import LOOK_EVERY_S, PATIENCE_S, busy, disk_full, make_engine

_LONG_S = 0.02
_REST_S = 3 * LOOK_EVERY_S


VERSION = "version"
"""Key of `session.info`: `Database.version()` from before the session read anything."""


class ReadOnly(Session):
    """A session that refuses to write; what `reads()` yields."""

    def _flush(self, objects: object = None) -> None:
        msg = "a write inside reads(); use writes()"
        raise RuntimeError(msg)


class _Writer:
    """A fair lock for the one writer of a process: threads get it in order of arrival.

    SQLite gives its lock to any thread that asks at the right moment, so a thread in a loop could starve the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()
        self._rest_until_s = 0.0

    @contextmanager
    def turn(self, patience_s: float) -> Iterator[None]:
        """Wait for the lock and hold it.

        Raises:
            Unavailable: The lock was not free in time.
        """
        if not self._take(patience_s):
            raise busy()
        try:
            # After a long write the lock stays free for a moment, because other processes retry only every few milliseconds.
            if (rest_s := self._rest_until_s - clock.monotonic_s()) > 0:
                time.sleep(rest_s)
            began_s = clock.monotonic_s()
            yield
            ended_s = clock.monotonic_s()
            self._rest_until_s = ended_s + (_REST_S if ended_s - began_s > _LONG_S else 0.0)
        finally:
            self._leave()

    @property
    def waiting(self) -> int:
        """The number of waiting threads."""
        with self._lock:
            return len(self._waiting)

    def _take(self, patience_s: float) -> bool:
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(patience_s):
            return True
        with self._lock:
            if mine.is_set():
                return True
            self._waiting.remove(mine)
            return False

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


class Database:
    """One database: snapshots to read from and short transactions to write in.

    Args:
        url: SQLAlchemy URL, `sqlite:///…/mydia.db` or `postgresql+psycopg://…`.
        pool_size: Connections kept.
        sparing: Keep little of the file in memory, for a background process.
        patience_s: How long a write waits for other writers.
    """

    def __init__(self, url: str, *, pool_size: int = 8, sparing: bool = False, patience_s: float = PATIENCE_S) -> None:
        self.url = url
        # A job reads whole tables once; caching them would only use memory.
        memory = {"cache_kib": 1_000} if sparing else {}
        self.engine: Engine = make_engine(url, pool_size=pool_size, patience_s=patience_s, **memory)
        self._patience_s = patience_s
        self._writer = _Writer()
        self._reading = self.engine.execution_options(readonly=True)
        self._changes = self._make_changes()
        self._after_commit: list[Callable[[], None]] = []
        self.info: dict[str, Any] = {}
        """Copied to `session.info` of every session; `contexts.settings.bind` stores the process's settings here."""

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None for another database."""
        name = self.engine.url.database
        return Path(name) if self.engine.dialect.name == "sqlite" and name and name != ":memory:" else None

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call `call()` after every commit of this process; the outbox wakes its dispatcher this way."""
        self._after_commit.append(call)

    def version(self) -> int | None:
        """Return a number that differs after any process has committed; takes microseconds.

        None if there is no such number: for a database in memory, or while PostgreSQL does not answer.
        """
        return None if self._changes is None else self._changes.version()

    def _make_changes(self) -> SqliteChanges | ServerChanges | None:
        if self.engine.dialect.name == "sqlite":
            return None if self.path is None else SqliteChanges(self.path)
        return ServerChanges(self.engine)

    @property
    def waiting_writers(self) -> int:
        """The number of threads of this process that wait to write."""
        return self._writer.waiting

    @contextmanager
    def reads(self) -> Iterator[Session]:
        """Yield a read-only session on one consistent snapshot."""
        with ReadOnly(self._reading, expire_on_commit=False, autoflush=False, info=self._info()) as session:
            yield session

    @contextmanager
    def writes(self) -> Iterator[Session]:
        """Yield a session in the one write transaction; commit at the end, roll back on any exception.

        Never call anything outside the process within it; adapters raise RuntimeError.

        Raises:
            Unavailable: Other writers held the lock for too long, or the disk is full.
        """
        writing.begin()
        try:
            with (
                self._writer.turn(self._patience_s),
                Session(self.engine, expire_on_commit=False, info=self._info()) as session,
            ):
                yield session
                if self._changes is not None:
                    self._changes.announce(session)
                session.commit()
        except OperationalError as error:
            if (full := disk_full(error, self.path)) is not None:
                raise full from error
            raise
        finally:
            writing.end()
        if self._changes is not None:
            self._changes.committed()
        for call in self._after_commit:
            call()

    def _info(self) -> dict[str, Any]:
        # Read before the snapshot begins, so that what the session reads is never older than this version.
        return {**self.info, VERSION: self.version()}

    def close(self) -> None:
        """Close all connections."""
        if self._changes is not None:
            self._changes.close()
        self.engine.dispose()

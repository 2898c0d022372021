"""Units of work: the only place in the project that commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from mydia import writing
from mydia.db.engine import make_engine, sqlite_module


class ReadOnly(Session):
    """A session that refuses to write; what `reads()` yields."""

    def _flush(self, objects: object = None) -> None:
        msg = "a change inside reads(); open writes() for it"
        raise RuntimeError(msg)


class Database:
    """One database: snapshots to read from and short transactions to write in.

    Args:
        url: SQLAlchemy address, `sqlite:///…/mydia.db` or `postgresql+psycopg://…`.
        pool_size: Connections kept.
        sparing: Keep little of the file in memory, for a process that nobody waits for.
    """

    def __init__(self, url: str, *, pool_size: int = 8, sparing: bool = False) -> None:
        self.url = url
        # A job reads through whole tables once; keeping what it read would only hold memory.
        memory = {"cache_kib": 4_000, "mapped_bytes": 0} if sparing else {}
        self.engine: Engine = make_engine(url, pool_size=pool_size, **memory)
        self._version_lock = threading.Lock()
        self._version_connection: Any = None
        self._reading = self.engine.execution_options(readonly=True)
        self._after_commit: list[Callable[[], None]] = []

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None for another database."""
        name = self.engine.url.database
        return Path(name) if self.engine.dialect.name == "sqlite" and name and name != ":memory:" else None

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call()` called after every commit that changed something (the outbox wakes its dispatcher so)."""
        self._after_commit.append(call)

    def version(self) -> int | None:
        """Return a number that differs as soon as anybody has committed; nearly free. None where there is no such number.

        `PRAGMA data_version` tells of the commits of all other connections, so one that never writes is kept for asking.
        """
        if (path := self.path) is None:
            return None
        with self._version_lock:
            if self._version_connection is None:
                connect = sqlite_module().connect
                self._version_connection = connect(str(path), isolation_level=None, check_same_thread=False)
            return int(self._version_connection.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def reads(self) -> Iterator[Session]:
        """Yield a session on one consistent snapshot. Nothing can be written through it."""
        with ReadOnly(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def writes(self) -> Iterator[Session]:
        """Yield a session in the one write transaction; commit at the end, roll back on any exception.

        Never call anything outside the process within it: adapters raise RuntimeError when that is tried.
        """
        writing.begin()
        try:
            with Session(self.engine, expire_on_commit=False) as session:
                yield session
                session.commit()
        finally:
            writing.end()
        for call in self._after_commit:
            call()

    def close(self) -> None:
        """Let go of all connections."""
        with self._version_lock:
            if self._version_connection is not None:
                self._version_connection.close()
                self._version_connection = None
        self.engine.dispose()

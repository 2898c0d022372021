"""Units of work: the only place in the project that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from mydia import writing
from mydia.db.engine import make_engine


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
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.engine: Engine = make_engine(url, pool_size=pool_size)
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
        self.engine.dispose()

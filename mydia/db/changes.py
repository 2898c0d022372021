"""Detect commits of other processes without reading any table."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mydia import clock
from mydia.db.engine import sqlite_module

_CHANNEL = "mydia_changed"
_RETRY_S = 5.0


class SqliteChanges:
    """`PRAGMA data_version` counts the commits of all other connections, so this one never writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: Any = None

    def version(self) -> int | None:
        """Return a number that differs after every commit; takes microseconds."""
        with self._lock:
            if self._connection is None:
                connect = sqlite_module().connect
                self._connection = connect(str(self._path), isolation_level=None, check_same_thread=False)
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def announce(self, session: Session) -> None:
        """Do nothing, because SQLite counts commits itself."""

    def committed(self) -> None:
        """Do nothing, because SQLite counts commits itself."""

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


class ServerChanges:
    """PostgreSQL's NOTIFY, sent with every commit and received on a connection of its own.

    Commits of this process count at once, those of others as soon as the server has delivered the notification, usually
    within a few milliseconds.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None
        self._version = 0
        self._retry_at_s = 0.0

    def version(self) -> int | None:
        """Return a number that differs after every commit; None while the connection is down."""
        with self._lock:
            try:
                if self._connection is None and not self._listen():
                    return None
                self._version += sum(1 for _ in self._connection.notifies(timeout=0))
            except self._errors:
                self._drop()
                return None
            return self._version

    def announce(self, session: Session) -> None:
        """Send a notification with the session's transaction."""
        session.execute(text(f"NOTIFY {_CHANNEL}"))

    def committed(self) -> None:
        """Count a commit of this process."""
        with self._lock:
            self._version += 1

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()
            self._retry_at_s = 0.0

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        driver: Any = self._engine.dialect.dbapi
        return (driver.Error, SQLAlchemyError, OSError)

    def _listen(self) -> bool:
        if clock.monotonic_s() < self._retry_at_s:
            return False
        self._retry_at_s = clock.monotonic_s() + _RETRY_S
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        self._connection = self._engine.dialect.connect(*arguments, **options)
        self._connection.autocommit = True
        self._connection.execute(f"LISTEN {_CHANNEL}")
        # Commits may have been missed while the connection was down.
        self._version += 1
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

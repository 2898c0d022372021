"""Engines: the SQLite library, its PRAGMAs, and transactions without lost updates."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import OperationalError

from mydia import clock
from mydia.errors import Unavailable
from mydia.private import private

logger = logging.getLogger(__name__)

_SMALLEST_ROOM_BYTES = 1024**2
_WRITER = 0x6D79646961  # "mydia"; the number of the lock that PostgreSQL's one writer holds

# Below 3.51.3 a checkpoint racing a reader's restart of the WAL can lose a page. Source: SQLite's changes log, 3.51.3.
_SAFE_SQLITE = (3, 51, 3)
# Most pages of the file stay in the system's cache, which all processes share and which shrinks when memory is short. With 64 MB
# for each connection and the file mapped into memory a list took a fifth less time, and a process grew by up to 400 MB.
# Each of the pooled connections fills its own: with 8 MB they took 36 MB more, and no list was faster.
_CACHE_KIB = 2_000
PATIENCE_S = 5.0
"""How long a statement, and the start of a write, waits for the writer: the longest acceptable wait for a page."""
# SQLite's own busy handler sleeps up to 0.1 s between attempts and misses the short pauses of a process that writes one
# transaction after another. Source: sqliteDefaultBusyCallback in SQLite's main.c.
LOOK_EVERY_S = 0.004


def sqlite_module() -> ModuleType:
    """Return the newest available SQLite driver: pysqlite3 where a wheel exists, else the standard library's."""
    try:
        import pysqlite3.dbapi2 as module
    except ImportError:
        return sqlite3
    return module


def sqlite_version() -> tuple[int, ...]:
    """Return the version of the SQLite library in use."""
    return tuple(sqlite_module().sqlite_version_info)


def warn_if_old() -> None:
    """Log a warning when the SQLite library has the WAL-reset fault."""
    if sqlite_version() < _SAFE_SQLITE:
        logger.warning(
            "this version of SQLite has a bug that can, in rare cases, damage a database in WAL mode; use 3.51.3 or newer",
            extra={"version": ".".join(map(str, sqlite_version()))},
        )


class DiskFull(Unavailable):
    """The disk of the database has no room, so nothing was saved."""


def disk_full(error: BaseException, path: Path | None) -> DiskFull | None:
    """Return the error for a write that found no room on the disk; None if that is not what happened.

    SQLite reports a full disk as SQLITE_FULL, or as SQLITE_IOERR when it cannot extend its shared memory; PostgreSQL as 53100.

    Args:
        path: The SQLite file; None for PostgreSQL.
    """
    said = str(error)
    if path is None:
        is_full = getattr(getattr(error, "orig", error), "sqlstate", None) == "53100"
        place = "The disk of the database server"
    else:
        is_full = "disk is full" in said or ("disk I/O error" in said and _is_without_room(path))
        place = f"The data folder {path.parent}"
    return DiskFull(f"{place} is full, so this was not saved. Free some space, then try again.") if is_full else None


def _is_without_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _SMALLEST_ROOM_BYTES
    except OSError:
        return False


def busy() -> Unavailable:
    """Return the error for a write that could not begin in time."""
    return Unavailable("The database is busy, so this was not saved. Try again in a moment.", retry_after_s=5)


def from_json(stored: str | bytes) -> Any:
    """Decode the JSON of a column. The standard library takes three times as long, but knows `NaN` and halves of surrogate pairs."""
    try:
        return msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return json.loads(stored)


def make_engine(
    url: str,
    *,
    pool_size: int = 8,
    cache_kib: int = _CACHE_KIB,
    patience_s: float = PATIENCE_S,
) -> Engine:
    """Return the engine for a database URL.

    Args:
        url: `sqlite:///path`, or `postgresql+psycopg://…`.
        pool_size: Connections kept; web threads and job threads each hold one while they work.
        cache_kib: SQLite page cache of one connection, in KiB; pages are only taken when they are used.
        patience_s: How long to wait for the one writer of SQLite before `Unavailable` is raised.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return _make_server_engine(url, pool_size, patience_s)
    engine = create_engine(
        url,
        module=sqlite_module(),
        pool_size=pool_size,
        max_overflow=8,
        # The connection used last is used next, so that a quiet process fills the caches of one or two instead of all.
        pool_use_lifo=True,
        # Errors are logged and may be reported, so they must not contain what a household watches.
        hide_parameters=True,
        json_deserializer=from_json,
        # The driver must not open transactions itself, because by default it runs SELECTs outside any,
        # and 1,360 of 1,600 concurrent read-modify-write updates were lost. Source: stack notes §1, measured.
        connect_args={"timeout": patience_s, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def _make_private(_dialect: Any, _record: Any, _arguments: Any, _named: Any) -> None:
        if engine.url.database not in (None, "", ":memory:"):
            private(Path(str(engine.url.database)))

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        for pragma in (
            "journal_mode=wal",
            "synchronous=normal",
            "foreign_keys=on",
            f"cache_size=-{cache_kib}",
            "temp_store=memory",
            f"busy_timeout={int(patience_s * 1000)}",
            "mmap_size=0",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("readonly", False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection.connection.driver_connection, patience_s)

    return engine


def _make_server_engine(url: str, pool_size: int, patience_s: float) -> Engine:
    """Return the engine for PostgreSQL with SQLite's guarantees: reads see one snapshot, and there is one writer."""
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=8, pool_pre_ping=True, hide_parameters=True, json_deserializer=from_json
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("readonly", False):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return
        # Held until the transaction ends, so reads after it see what the previous writer committed.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience_s * 1000)}")
        try:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
        except OperationalError as error:
            raise busy() from error
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")

    return engine


def _begin_writing(connection: Any, patience_s: float) -> None:
    """Begin a transaction as the one writer, retrying at short intervals.

    Raises:
        Unavailable: Another writer kept the lock for too long.
    """
    gives_up_s = clock.monotonic_s() + patience_s
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite_module().OperationalError as error:
                if "locked" not in str(error):
                    raise
                if clock.monotonic_s() >= gives_up_s:
                    raise busy() from error
                time.sleep(LOOK_EVERY_S)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(patience_s * 1000)}")

"""Engines: the SQLite library that is used, the PRAGMA set, and transactions that lose no update."""

from __future__ import annotations

import logging
import sqlite3
from types import ModuleType
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url

logger = logging.getLogger(__name__)

# Below 3.51.3 a checkpoint racing a reader's restart of the WAL can lose a page. Source: SQLite's changes log, 3.51.3.
_SAFE_SQLITE = (3, 51, 3)
_CACHE_KIB = 64_000
_MAPPED_BYTES = 256 * 2**20
_BUSY_TIMEOUT_S = 5.0


def sqlite_module() -> ModuleType:
    """Return the newest SQLite driver at hand: pysqlite3 where a wheel exists, else the standard library's."""
    try:
        import pysqlite3.dbapi2 as module
    except ImportError:
        return sqlite3
    return module


def sqlite_version() -> tuple[int, ...]:
    """Return the version of the SQLite library in use."""
    return tuple(sqlite_module().sqlite_version_info)


def warn_if_old() -> None:
    """Log once at start when the SQLite library has the WAL-reset fault."""
    if sqlite_version() < _SAFE_SQLITE:
        logger.warning(
            "this SQLite has a fault that can, rarely, damage a database in WAL mode; 3.51.3 or newer is safe",
            extra={"version": ".".join(map(str, sqlite_version()))},
        )


def make_engine(
    url: str, *, pool_size: int = 8, cache_kib: int = _CACHE_KIB, mapped_bytes: int = _MAPPED_BYTES
) -> Engine:
    """Return the engine for a database address.

    Args:
        url: `sqlite:///path`, or `postgresql+psycopg://…`.
        pool_size: Connections kept; web threads and job threads each hold one while they work.
        cache_kib: SQLite page cache of one connection, in KiB; pages are only taken when they are used.
        mapped_bytes: How much of the SQLite file is mapped into memory; 0 reads it piece by piece.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_size=pool_size, pool_pre_ping=True)
    engine = create_engine(
        url,
        module=sqlite_module(),
        pool_size=pool_size,
        max_overflow=8,
        # The driver must not open transactions by itself: its default runs SELECTs outside any,
        # and 1,360 of 1,600 concurrent read-modify-write updates were lost. Source: stack notes §1, measured.
        connect_args={"timeout": _BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        for pragma in (
            "journal_mode=wal",
            "synchronous=normal",
            "foreign_keys=on",
            f"cache_size=-{cache_kib}",
            "temp_store=memory",
            f"busy_timeout={int(_BUSY_TIMEOUT_S * 1000)}",
            f"mmap_size={mapped_bytes}",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        readonly = connection.get_execution_options().get("readonly", False)
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine

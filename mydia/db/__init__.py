"""The database: engines, units of work, lookups by key, migrations."""

from mydia.db.base import Base, EnumText, HasId, Instant, one_of, partial_index
from mydia.db.engine import PATIENCE_S, DiskFull, make_engine, sqlite_module, sqlite_version, warn_if_old
from mydia.db.fetch import cursor_day, cursor_id, cursor_instant, decode_cursor, encode_cursor, get
from mydia.db.migrate import upgrade
from mydia.db.session import VERSION, Database
from mydia.db.snapshot import NOT_IN_SNAPSHOTS, Snapshot, put_back, take_snapshot
from mydia.db.sqlite_file import SqliteFile

__all__ = [
    "NOT_IN_SNAPSHOTS",
    "PATIENCE_S",
    "VERSION",
    "Base",
    "Database",
    "DiskFull",
    "EnumText",
    "HasId",
    "Instant",
    "Snapshot",
    "SqliteFile",
    "cursor_day",
    "cursor_id",
    "cursor_instant",
    "decode_cursor",
    "encode_cursor",
    "get",
    "make_engine",
    "one_of",
    "partial_index",
    "put_back",
    "sqlite_module",
    "sqlite_version",
    "take_snapshot",
    "upgrade",
    "warn_if_old",
]

"""What `mydia serve` asks about the database at every start, without loading SQLAlchemy or Alembic.

Its process lives as long as Mydia does, so what it loads stays in memory: 20 MiB for SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

RESTORE_REQUEST = "restore-request.json"
"""File beside the database in which a requested restore is noted; `mydia.db.restoring` writes and deletes it."""
_SCRIPTS = Path(__file__).resolve().parents[1] / "migrations" / "versions"


def head() -> str:
    """Return the newest revision: scripts are named NNNN_topic.py and their number is their revision."""
    return max(path.name.split("_")[0] for path in _SCRIPTS.glob("[0-9]*_*.py"))


def is_current(database_url: str) -> bool:
    """Return whether a SQLite database is certainly at the newest revision; False if it needs a closer look."""
    prefix, _, path = database_url.partition(":///")
    if prefix != "sqlite" or not Path(path).is_file():
        return False
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=1)
    except sqlite3.Error:
        return False
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    return row is not None and row[0] == head()


def is_restore_pending(database_url: str) -> bool:
    """Return whether a restore was requested that has not been carried out."""
    prefix, _, path = database_url.partition(":///")
    return prefix == "sqlite" and Path(path).with_name(RESTORE_REQUEST).exists()

"""A full disk: nothing is saved, the message says why, and reading and later writing work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, text

from mydia.db import Database, DiskFull, SqliteFile


def fill_up(database: Database) -> None:
    """Allow the file no further page, which is how SQLite sees a full disk."""

    @event.listens_for(database.engine, "checkout")
    def _limit(connection: object, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]


def test_a_write_to_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'mydia.db'}")
    with database.writes() as session:
        session.execute(text("CREATE TABLE notes (words TEXT)"))
    fill_up(database)
    with (
        pytest.raises(DiskFull, match=r"The data folder .* is full, so this was not saved\. Free some space"),
        database.writes() as session,
    ):
        session.execute(text("INSERT INTO notes VALUES (:words)"), {"words": "x" * 100_000})
    with database.reads() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar() == 0
    with database.writes() as session:
        session.execute(text("INSERT INTO notes VALUES ('short')"))
    database.close()


def test_a_small_file_on_a_full_disk_says_so_and_is_not_taken_for_damaged(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "jobs.db", ("CREATE TABLE notes (words TEXT)",))
    with file.using() as connection:
        connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DiskFull, match="is full"), file.writes() as connection:
        connection.execute("INSERT INTO notes VALUES (?)", ("x" * 100_000,))
    assert file.rows("SELECT count(*) FROM notes") == [(0,)]
    assert file.replaced == 0
    file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_log_file_on_a_full_disk_does_not_fill_standard_error_with_tracebacks(tmp_path: Path) -> None:
    (tmp_path / "web.log").symlink_to("/dev/full")
    program = (
        "import logging, pathlib, sys; from mydia import logs; "
        "logs.configure('info', 'text', pathlib.Path(sys.argv[1]), 'web'); logging.getLogger('mydia').info('words')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "words" in done.stderr
    assert "Logging error" not in done.stderr

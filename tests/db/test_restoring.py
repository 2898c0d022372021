"""A restore that a page requests: carried out while nothing runs, and never half."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from mydia.db import Database, maintenance, restoring, upgrade


@pytest.fixture
def now() -> datetime:
    return datetime.fromisoformat("2026-11-21T12:00:00+00:00")


def _users(path: Path) -> int:
    return maintenance.contents(path)["users"]


@pytest.fixture
def backup(tmp_path: Path, now: datetime) -> Path:
    """A backup without accounts, of a database that has one since."""
    database = Database(f"sqlite:///{tmp_path / 'mydia.db'}")
    upgrade(database.engine)
    made = maintenance.back_up(database, tmp_path / "backups", now)
    with database.writes() as session:
        session.execute(
            text(
                "INSERT INTO users (id, username, role, preferences, created_at, managed) "
                "VALUES ('1', 'robin', 'admin', '{}', '2026-11-21', 0)"
            )
        )
    database.close()
    assert made is not None
    return made.path


def test_the_requested_backup_takes_the_place_of_the_database(tmp_path: Path, backup: Path, now: datetime) -> None:
    path = tmp_path / "mydia.db"
    assert restoring.carry_out(path, tmp_path / "backups", now) is None
    restoring.request(path, backup, "Robin")
    assert restoring.is_pending(path)
    outcome = restoring.carry_out(path, tmp_path / "backups", now)
    assert outcome is not None
    assert outcome.restored
    assert _users(path) == 0
    assert _users(tmp_path / "backups" / outcome.former) == 1
    assert [one.before_restore for one in maintenance.list_backups(tmp_path / "backups")] == [True, False]
    assert not restoring.is_pending(path)
    assert restoring.last_outcome(path) == outcome
    restoring.forget_outcome(path)
    assert restoring.last_outcome(path) is None


@pytest.mark.parametrize("damage", ["gone", "damaged", "newer"])
def test_a_restore_that_fails_leaves_the_database_in_use(
    tmp_path: Path, backup: Path, now: datetime, damage: str
) -> None:
    path = tmp_path / "mydia.db"
    restoring.request(path, backup, "Robin")
    if damage == "gone":
        backup.unlink()
    elif damage == "damaged":
        backup.write_bytes(b"no database" * 1000)
    else:
        with maintenance._connected(backup) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
    outcome = restoring.carry_out(path, tmp_path / "backups", now)
    assert outcome is not None
    assert not outcome.restored
    assert outcome.problem
    assert _users(path) == 1
    assert not restoring.is_pending(path)
    assert [one.name for one in tmp_path.glob(".mydia.db*")] == []


_KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from mydia.db import restoring
left = int(sys.argv[2])
def count(event, args):
    global left
    if event in ("os.rename", "os.link", "os.remove", "open", "shutil.copyfile", "sqlite3.connect"):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(count)
restoring.carry_out(Path(sys.argv[1]), Path(sys.argv[1]).with_name("backups"), datetime.now(UTC))
"""


def test_a_restore_killed_at_any_point_leaves_the_old_or_the_new_database_and_ends_at_the_next_start(
    tmp_path: Path, backup: Path, now: datetime
) -> None:
    path = tmp_path / "mydia.db"
    original = path.read_bytes()
    reached = set()
    for step in (*range(1, 34, 4), 10_000):
        path.write_bytes(original)
        restoring.request(path, backup, "Robin")
        ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(step)], check=False, env={**os.environ})
        assert maintenance.check_integrity(path) == []
        reached.add(_users(path))
        assert ended.returncode in (0, 9)
        if restoring.is_pending(path):
            restoring.carry_out(path, tmp_path / "backups", now)
        assert _users(path) == 0
    assert reached == {0, 1}

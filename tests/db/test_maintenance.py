"""Verified backups, rotation, integrity checks, compaction."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mydia import events
from mydia.contexts.users import SYSTEM
from mydia.db import Database, maintenance
from mydia.db.maintenance import Backup
from mydia.errors import Conflict, NotFound, Unavailable


def fill(database: Database, number: int, *, size: int = 500) -> None:
    with database.writes() as session:
        for n in range(number):
            events.emit(session, SYSTEM, events.SettingsChanged(f"key {n} {'x' * size}", {}))


def rows_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
    finally:
        connection.close()


def test_a_backup_is_one_file_with_everything_committed(database: Database, tmp_path: Path, now: datetime) -> None:
    fill(database, 10)
    made = maintenance.back_up(database, tmp_path / "backups", now)
    assert made is not None
    assert made.path.name == "mydia-20261121T120000Z.db"
    assert rows_in(made.path) == 10
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == [made.path.name]
    assert maintenance.list_backups(tmp_path / "backups") == [made]


def test_a_checkpoint_yields_to_readers_and_blocks_no_writer(database: Database) -> None:
    fill(database, 10)
    assert database.path is not None
    with database.reads() as session:
        assert events.last_id(session) == 10
        fill(database, 10)
        assert not maintenance.checkpoint(database.path)
        fill(database, 10)
    assert maintenance.checkpoint(database.path)


def test_a_backup_can_be_made_while_others_write(database: Database, tmp_path: Path, now: datetime) -> None:
    # A few megabytes, because a copy in small steps would restart with every commit.
    fill(database, 500, size=20_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            fill(database, 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = maintenance.back_up(database, tmp_path / "backups", now)
    finally:
        stop.set()
        writer.join()
    assert made is not None
    assert rows_in(made.path) >= 500
    assert maintenance.check_integrity(made.path) == []


def test_a_failed_backup_leaves_no_partial_file(database: Database, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "backups").write_text("a file where the folder belongs")
    with pytest.raises(Unavailable, match="could not be written"):
        maintenance.back_up(database, tmp_path / "backups", now)


def test_a_damaged_source_makes_no_backup(database: Database, tmp_path: Path, now: datetime) -> None:
    fill(database, 2000)
    path = database.path
    assert path is not None
    maintenance.checkpoint(path)
    database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 65536)
    assert maintenance.check_integrity(path) != []
    with pytest.raises(Unavailable):
        maintenance.back_up(Database(f"sqlite:///{path}"), tmp_path / "backups", now)
    assert list((tmp_path / "backups").iterdir()) == []


def backup(day: str, *, before: bool = False) -> Backup:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Backup(path=Path(day), made_at=at, size_bytes=1, before_migration=before)


def test_two_backups_of_the_same_second_are_both_kept(database: Database, tmp_path: Path, now: datetime) -> None:
    directory = tmp_path / "backups"
    for _ in range(2):
        maintenance.back_up(database, directory, now)
    assert maintenance.rotate(directory, keep_daily=1, keep_weekly=1, now=now) == 0
    assert [made.path.name for made in maintenance.list_backups(directory)] == [
        "mydia-20261121T120001Z.db",
        "mydia-20261121T120000Z.db",
    ]


def test_rotation_keeps_days_then_weeks_and_the_last_before_migrations() -> None:
    start = datetime(2026, 11, 21, 3, tzinfo=UTC)
    daily = [backup((start - timedelta(days=n)).isoformat()) for n in range(40)]
    today = [backup((start + timedelta(hours=n)).isoformat()) for n in range(6, 0, -1)]
    migrations = [backup((start - timedelta(days=n, hours=1)).isoformat(), before=True) for n in range(5)]
    gone = maintenance.to_remove([*daily, *today, *migrations], keep_daily=7, keep_weekly=4)
    kept = [b for b in [*today, *daily] if b not in gone]
    # 21 November 2026 is a Saturday: the days of its week, then the Sundays before.
    assert [b.made_at.strftime("%d.%m. %H") for b in kept] == [
        "21.11. 09",
        "21.11. 08",
        "21.11. 07",
        "21.11. 06",
        "21.11. 05",
        "20.11. 03",
        "19.11. 03",
        "18.11. 03",
        "17.11. 03",
        "16.11. 03",
        "15.11. 03",
        "08.11. 03",
        "01.11. 03",
    ]
    assert [b in gone for b in migrations] == [False, False, False, True, True]


def test_rotation_deletes_only_its_own_backups(database: Database, tmp_path: Path, now: datetime) -> None:
    directory = tmp_path / "backups"
    for n in range(4):
        maintenance.back_up(database, directory, now - timedelta(days=30 * n))
    (directory / "my-own-copy.db").write_text("mine")
    assert maintenance.rotate(directory, keep_daily=1, keep_weekly=2, now=now) == 2
    assert {path.name for path in directory.iterdir()} == {
        "my-own-copy.db",
        "mydia-20261121T120000Z.db",
        "mydia-20261022T120000Z.db",
    }


def test_a_restored_backup_replaces_the_database_and_keeps_the_former_one(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    fill(database, 3)
    made = maintenance.back_up(database, tmp_path / "backups", now)
    assert made is not None
    fill(database, 4)
    path = database.path
    assert path is not None
    database.close()
    former = maintenance.restore(made.path, path, tmp_path / "backups", now)
    assert former is not None
    assert (rows_in(path), rows_in(former)) == (3, 7)
    assert former.parent == tmp_path / "backups"


def test_the_last_three_databases_that_a_restore_replaced_are_kept_and_older_ones_are_deleted(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    directory = tmp_path / "backups"
    fill(database, 1)
    made = maintenance.back_up(database, directory, now)
    path = database.path
    assert made is not None
    assert path is not None
    database.close()
    formers = [maintenance.restore(made.path, path, directory, now + timedelta(hours=n)) for n in range(5)]
    assert maintenance.rotate(directory, keep_daily=1, keep_weekly=1, now=now) == 2
    kept = [one for one in maintenance.list_backups(directory) if one.before_restore]
    assert [one.path for one in kept] == formers[:1:-1]
    assert made.path.exists()


def test_databases_that_earlier_versions_kept_after_a_restore_become_backups(
    database: Database, tmp_path: Path, now: datetime
) -> None:
    directory = tmp_path / "backups"
    fill(database, 2)
    made = maintenance.back_up(database, directory, now)
    path = database.path
    assert made is not None
    assert path is not None
    for day in (1, 2):
        made.path.with_name("copy").write_bytes(made.path.read_bytes())
        made.path.with_name("copy").rename(path.with_name(f"{path.name}.before-restore-2026110{day}T120000Z"))
    (path.with_name(f"{path.name}.before-restore-mine")).write_text("mine")
    assert maintenance.take_in_former(path, directory) == 2
    assert [
        (one.path.name, rows_in(one.path)) for one in maintenance.list_backups(directory) if one.before_restore
    ] == [
        ("mydia-20261102T120000Z-before-restore.db", 2),
        ("mydia-20261101T120000Z-before-restore.db", 2),
    ]
    assert [one.name for one in path.parent.glob(f"{path.name}.before-restore-*")] == [
        f"{path.name}.before-restore-mine"
    ]


def test_nothing_is_restored_under_a_running_mydia(database: Database, tmp_path: Path, now: datetime) -> None:
    made = maintenance.back_up(database, tmp_path / "backups", now)
    assert made is not None
    assert database.path is not None
    with database.reads() as session:
        events.last_id(session)
        with pytest.raises(Conflict, match="still running"):
            maintenance.restore(made.path, database.path, tmp_path / "backups", now)


def test_a_damaged_or_missing_backup_is_not_restored(database: Database, tmp_path: Path, now: datetime) -> None:
    assert database.path is not None
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(Conflict, match="is damaged"):
        maintenance.restore(tmp_path / "bad.db", database.path, tmp_path / "backups", now)
    with pytest.raises(NotFound):
        maintenance.restore(tmp_path / "none.db", database.path, tmp_path / "backups", now)
    assert maintenance.check_integrity(database.path) == []


def test_vacuum_runs_only_if_it_frees_space(database: Database) -> None:
    path = database.path
    assert path is not None
    assert maintenance.vacuum(database) == "nothing to compact"
    fill(database, 4000)
    with database.writes() as session:
        session.execute(events.EventRow.__table__.delete())  # type: ignore[attr-defined]
    maintenance.checkpoint(path)
    before = path.stat().st_size
    assert "freed" in maintenance.vacuum(database)
    assert path.stat().st_size < before / 2


def test_a_checkpoint_empties_the_log(database: Database) -> None:
    fill(database, 100)
    path = database.path
    assert path is not None
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size > 0
    assert maintenance.checkpoint(path)
    assert log.stat().st_size == 0


def test_statistics_are_refreshed(database: Database) -> None:
    fill(database, 10)
    maintenance.analyze(database)
    assert database.path is not None
    connection = sqlite3.connect(database.path)
    assert connection.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'events'").fetchone()[0] > 0
    connection.close()

"""Maintenance of database files: statistics, compaction, checkpoints, integrity checks, and verified backups."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

from mydia.db.engine import sqlite_module
from mydia.db.session import Database
from mydia.errors import Conflict, Invalid, NotFound, Unavailable
from mydia.private import private

logger = logging.getLogger(__name__)

_BUSY_TIMEOUT_S = 30
_CUT_WITHIN_MS = 100
"""How long truncating the log may block writers while waiting for readers; after that it is left for the next time."""
_WORTH_VACUUM = 0.10
"""Share of free pages above which the file is rewritten."""
_VACUUM_ROOM = 2.2
"""VACUUM needs up to twice the file's size as free space. Source: sqlite.org/lang_vacuum.html."""

_DAILY = re.compile(r"mydia-(\d{8}T\d{6}Z)\.(?:db|dump)")
_BEFORE_MIGRATION = re.compile(r"mydia-(\d{8}T\d{6}Z)-before-.+\.db")
_UPLOADED = re.compile(r"mydia-(\d{8}T\d{6}Z)-uploaded\.db")
_BEFORE_RESTORE = re.compile(r"mydia-(\d{8}T\d{6}Z)-before-restore\.db")
_FORMER = re.compile(r".+\.before-restore-(\d{8}T\d{6}Z)")
"""How earlier versions named the database that a restore replaced, beside the new one."""
_HEADER = b"SQLite format 3\0"
"""The first bytes of every SQLite database. Source: sqlite.org/fileformat.html."""
_STAMP = "%Y%m%dT%H%M%SZ"
KEEP_PER_DAY = 5
KEEP_BEFORE_MIGRATION = 3
KEEP_UPLOADED = 3
KEEP_BEFORE_RESTORE = 3


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One backup file: a complete SQLite database, or a dump of PostgreSQL (`.dump`)."""

    path: Path
    made_at: datetime
    size_bytes: int
    before_migration: bool
    uploaded: bool = False
    before_restore: bool = False
    """The database that a restore replaced."""

    @property
    def regular(self) -> bool:
        """Whether it was made daily or by a user."""
        return not (self.before_migration or self.uploaded or self.before_restore)


@contextmanager
def _connected(path: Path) -> Iterator[Any]:
    connection = sqlite_module().connect(str(path), timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    with closing(connection):
        yield connection


def analyze(database: Database) -> str:
    """Refresh the query planner's statistics."""
    path = database.path
    if path is None:
        _autocommit(database, "ANALYZE")
    else:
        with _connected(path) as connection:
            # Bounds the rows looked at in each index, which keeps it to milliseconds. Source: sqlite.org/lang_analyze.html.
            connection.execute("PRAGMA analysis_limit = 1000")
            connection.execute("ANALYZE")
    return "statistics refreshed"


def vacuum(database: Database) -> str:
    """Rewrite the database without its free pages, if there are enough of them.

    Raises:
        Unavailable: There is too little free disk space.
    """
    path = database.path
    if path is None:
        _autocommit(database, "VACUUM")
        return "vacuumed"
    return vacuum_file(path)


def vacuum_file(path: Path) -> str:
    """Compact one SQLite file."""
    with _connected(path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if not pages or free / pages < _WORTH_VACUUM:
            return "nothing to compact"
        size_bytes = path.stat().st_size
        if shutil.disk_usage(path.parent).free < size_bytes * _VACUUM_ROOM:
            raise Unavailable(
                f"There is too little free space in {path.parent} to compact {path.name}. Free some space first."
            )
        connection.execute("VACUUM")
        _cut_log(connection)
    return f"{100 * free // pages} % of {path.name} freed"


def checkpoint(path: Path) -> bool:
    """Move the write-ahead log into the file and truncate it; returns False if readers prevented that."""
    if not path.exists():
        return True
    with _connected(path) as connection:
        return _cut_log(connection)


def _cut_log(connection: Any) -> bool:
    # Most is moved without blocking anything. Truncating holds the write lock until the last reader is done.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    connection.execute(f"PRAGMA busy_timeout = {_CUT_WITHIN_MS}")
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return busy == 0


def check_integrity(path: Path, *, quick: bool = False) -> list[str]:
    """Return the problems of a SQLite file; an empty list if there are none.

    Args:
        quick: Skip comparing indexes with their tables, which takes most of the time.
    """
    try:
        with _connected(path) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA {'quick' if quick else 'integrity'}_check(20)")]
            if found == ["ok"]:
                found = [
                    f"a row of {row[0]} refers to a missing row of {row[2]}"
                    for row in connection.execute("PRAGMA foreign_key_check").fetchmany(0 if quick else 20)
                ]
    except sqlite_module().DatabaseError as error:
        return [str(error)]
    return found


def back_up(database: Database, directory: Path, now: datetime, *, before: str | None = None) -> Backup | None:
    """Copy the database while it is in use, verify the copy, and only then give it its final name.

    Args:
        directory: Made when missing.
        before: The schema revision that a migration is about to apply; such backups are kept separately.

    Returns:
        The backup, or None if the database is not SQLite.

    Raises:
        Unavailable: The disk is full or not writable, or the copy is damaged.
    """
    source = database.path
    if source is None:
        return None
    final = new_path(directory, now, f"{f'-before-{before}' if before else ''}.db")
    name, temporary = final.name, part_of(final)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with _connected(source) as reading, _connected(private(temporary)) as writing:
            # Copy in one step, which reads one snapshot and blocks no writer. With smaller steps every commit of another
            # connection restarts the copy, endlessly while something writes. Source: sqlite.org/backup.html.
            reading.backup(writing, pages=-1)
            # Leave WAL mode, so that the backup is one file instead of three.
            writing.execute("PRAGMA journal_mode = delete")
        if wrong := check_integrity(temporary, quick=True):
            raise Unavailable(f"The backup {name} was damaged and has been deleted: {wrong[0]}.")
        _flush(temporary)
        temporary.rename(final)
        _flush(directory)
    except (OSError, sqlite_module().Error) as error:
        raise Unavailable(f"The backup could not be written to {directory}: {error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return read_backup(final)


def new_path(directory: Path, now: datetime, ending: str) -> Path:
    """Return the path of a new backup, which does not exist: a second one of the same second gets the next second."""
    at = now.astimezone(UTC)
    while (path := directory / f"mydia-{at.strftime(_STAMP)}{ending}").exists():
        at += timedelta(seconds=1)
    return path


def part_of(path: Path) -> Path:
    """Return the temporary path of a backup; leftovers are removed by `rotate`."""
    return path.with_name(f".{path.name}.part")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_backup(path: Path) -> Backup | None:
    """Parse the file name of a backup; None if it is not one."""
    daily = _DAILY.fullmatch(path.name)
    before = _BEFORE_MIGRATION.fullmatch(path.name)
    uploaded = _UPLOADED.fullmatch(path.name)
    former = _BEFORE_RESTORE.fullmatch(path.name)
    match = former or daily or before or uploaded
    if match is None:
        return None
    made_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    return Backup(
        path=path,
        made_at=made_at,
        size_bytes=path.stat().st_size,
        before_migration=before is not None and former is None,
        uploaded=uploaded is not None,
        before_restore=former is not None,
    )


def add_uploaded(part: Path, directory: Path, now: datetime, *, known: Callable[[str], bool]) -> Backup:
    """Check an uploaded file and list it among the backups. The file is moved, or deleted if it is refused.

    Args:
        part: The uploaded file, in the same folder.
        known: Whether this Mydia knows a schema revision.

    Raises:
        Invalid: It is empty, no database of Mydia, damaged, or made by a newer Mydia.
        Unavailable: The disk is not writable.
    """
    try:
        if problem := _uploaded_problem(part, known):
            raise Invalid(problem, fields={"backup": problem})
        with _connected(part) as connection:
            # As in `back_up`: a backup is one file without a log.
            connection.execute("PRAGMA journal_mode = delete")
        _flush(part)
        final = new_path(directory, now, "-uploaded.db")
        part.rename(final)
        _flush(directory)
    except (OSError, sqlite_module().Error) as error:
        raise Unavailable(f"The backup could not be written to {directory}: {error}.") from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
    added = read_backup(final)
    assert added is not None
    return added


def _uploaded_problem(part: Path, known: Callable[[str], bool]) -> str | None:
    """Return why a file cannot be restored; None if it can."""
    if part.stat().st_size == 0:
        return "Choose a backup file."
    with part.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            return "This file is not a backup of Mydia: it is not an SQLite database."
    if wrong := check_integrity(part):
        return f"This file is damaged: {wrong[0]}."
    try:
        with _connected(part) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite_module().DatabaseError:
        row = None
    if row is None:
        return "This file is not a backup of Mydia: it is another program's database."
    if not known(str(row[0])):
        return f"This backup was made by a newer Mydia (schema {row[0]}). Update Mydia before you restore it."
    try:
        contents(part)
    except Conflict:
        return "This file is not a complete backup of Mydia: tables are missing."
    return None


def list_backups(directory: Path) -> list[Backup]:
    """Return the backups in a folder, newest first."""
    if not directory.is_dir():
        return []
    found = [backup for path in directory.iterdir() if (backup := read_backup(path)) is not None]
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def to_remove(backups: Iterable[Backup], *, keep_daily: int, keep_weekly: int) -> list[Backup]:
    """Return the backups that rotation deletes.

    It keeps the newest few of each of the last `keep_daily` days that have one (so one that a user made is not replaced by
    the daily one), the newest of each of the last `keep_weekly` weeks that have one, the last few made before migrations, the
    last few uploaded, and the last few databases that a restore replaced.
    """
    newest_first = sorted(backups, key=lambda backup: backup.made_at, reverse=True)
    regular = [backup for backup in newest_first if backup.regular]
    days: dict[object, list[Backup]] = {}
    weeks: dict[object, Backup] = {}
    for backup in regular:
        days.setdefault(backup.made_at.date(), []).append(backup)
        weeks.setdefault(backup.made_at.isocalendar()[:2], backup)
    kept = {backup for day in list(days.values())[:keep_daily] for backup in day[:KEEP_PER_DAY]}
    kept |= {*list(weeks.values())[:keep_weekly]}
    kept |= {*[backup for backup in newest_first if backup.before_migration][:KEEP_BEFORE_MIGRATION]}
    kept |= {*[backup for backup in newest_first if backup.uploaded][:KEEP_UPLOADED]}
    kept |= {*[backup for backup in newest_first if backup.before_restore][:KEEP_BEFORE_RESTORE]}
    return [backup for backup in newest_first if backup not in kept]


def rotate(directory: Path, *, keep_daily: int, keep_weekly: int, now: datetime) -> int:
    """Delete backups that are no longer kept and leftovers of interrupted backups; return their number."""
    gone = [
        backup.path for backup in to_remove(list_backups(directory), keep_daily=keep_daily, keep_weekly=keep_weekly)
    ]
    stale = (now - timedelta(days=1)).timestamp()
    gone += [path for path in directory.glob(".mydia-*.part") if path.stat().st_mtime < stale]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def take_in_former(database_path: Path, directory: Path) -> int:
    """Move the databases that earlier versions kept beside the database after a restore to the backups; return their number."""
    moved = 0
    for path in database_path.parent.glob(f"{database_path.name}.before-restore-*"):
        if found := _FORMER.fullmatch(path.name):
            directory.mkdir(parents=True, exist_ok=True)
            made_at = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
            _keep_as(path, new_path(directory, made_at, "-before-restore.db"))
            path.unlink()
            moved += 1
    return moved


def restore(
    backup: Path,
    database_path: Path,
    directory: Path,
    now: datetime,
    *,
    prepare: Callable[[Path], None] | None = None,
) -> Path | None:
    """Replace the database by a backup while nothing uses it, and keep the previous database among the backups.

    The backup is copied, checked and prepared beside the database and then renamed over it in one step, so a crash at any
    point leaves either the old database or the restored one.

    Args:
        directory: The folder of backups.
        prepare: Called with the copy, e.g. to migrate it. If it raises, the database stays as it is.

    Returns:
        The path of the previous database, or None if there was none.

    Raises:
        NotFound: There is no such backup.
        Conflict: The backup is damaged, or Mydia is still running on the database.
        OSError: The disk is full or not writable.
    """
    if not backup.is_file():
        raise NotFound(f"There is no backup {backup}.")
    if wrong := check_integrity(backup):
        raise Conflict(f"{backup.name} is damaged and was not restored: {wrong[0]}.")
    former: Path | None = None
    copied = database_path.with_name(f".{database_path.name}.restoring")
    beside = [copied.with_name(copied.name + suffix) for suffix in ("-wal", "-shm", "-journal")]
    try:
        for path in (copied, *beside):
            path.unlink(missing_ok=True)
        shutil.copyfile(backup, private(copied))
        if prepare is not None:
            prepare(copied)
        with _connected(copied) as connection:
            # The copy becomes one file again, without a log of its own.
            connection.execute("PRAGMA journal_mode = delete")
        _flush(copied)
        if database_path.exists():
            _assert_unused(database_path)
            directory.mkdir(parents=True, exist_ok=True)
            former = new_path(directory, now, "-before-restore.db")
            _keep_as(database_path, former)
            _flush(directory)
            for suffix in ("-wal", "-shm"):
                # A remaining log would be replayed into the restored file and damage it.
                database_path.with_name(database_path.name + suffix).unlink(missing_ok=True)
        copied.replace(database_path)
        _flush(database_path.parent)
    except BaseException:
        if former is not None:
            # It is the database itself under a second name.
            former.unlink(missing_ok=True)
        raise
    finally:
        for path in (copied, *beside):
            path.unlink(missing_ok=True)
    return former


def _keep_as(path: Path, former: Path) -> None:
    """Give a file a second name; it keeps its own until another file takes it."""
    try:
        os.link(path, former)
    except OSError:
        part = part_of(former)
        try:
            shutil.copyfile(path, private(part))
            _flush(part)
            part.rename(former)
        finally:
            part.unlink(missing_ok=True)


_COUNTED = {
    "media_items": "titles",
    "media_files": "files",
    "downloads": "downloads",
    "users": "users",
    "events": "history entries",
}


def contents(path: Path) -> dict[str, int]:
    """Return how many titles, files, downloads, users and history entries a SQLite database holds.

    Raises:
        Conflict: It cannot be read.
    """
    try:
        with _connected(path) as connection:
            return {
                word: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  names of our own
                for table, word in _COUNTED.items()
            }
    except sqlite_module().Error as error:
        raise Conflict(f"{path.name} cannot be read: {error}.") from error


def _assert_unused(path: Path) -> None:
    connection = sqlite_module().connect(str(path), timeout=1, isolation_level=None)
    with closing(connection):
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            # Leaving WAL mode fails while any other connection is open.
            connection.execute("PRAGMA journal_mode = delete")
        except sqlite_module().OperationalError as error:
            raise Conflict("Mydia is still running on this database. Stop it, then restore.") from error


def _autocommit(database: Database, statement: str) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))

"""The backups of the database, for administrators; `db.maintenance` makes and rotates them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from mydia import clock, events
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, maintenance, restoring
from mydia.db.migrate import is_known_revision
from mydia.errors import Conflict, NotFound, Unavailable
from mydia.private import private


def list_backups(caller: Caller, directory: Path) -> list[maintenance.Backup]:
    """Return the backups in a folder, newest first."""
    caller.require(Permission.MANAGE_SETTINGS)
    return maintenance.list_backups(directory)


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What restoring a backup changes: how much there is now, and how much there is in the backup."""

    what: str
    now: int
    then: int


def losses(caller: Caller, database_path: Path | None, backup: Path) -> list[Loss]:
    """Compare the database with a backup.

    Raises:
        Conflict: The backup cannot be read, or the database is not SQLite.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    if database_path is None:
        raise Conflict("A PostgreSQL backup is restored with pg_restore while Mydia is stopped.")
    present, past = maintenance.contents(database_path), maintenance.contents(backup)
    return [Loss(what=what, now=number, then=past[what]) for what, number in present.items()]


def request_restore(
    database: Database, caller: Caller, now: datetime, backup: Path, restart: Callable[[], None] | None
) -> None:
    """Restore a backup: all processes stop, the database is replaced, and they start again.

    Args:
        restart: Restarts the processes of `mydia serve`; None if they cannot be restarted from here.

    Raises:
        Conflict: It cannot be restored from here, a restore is under way, or the backup is damaged.
    Emits:
        RestoreRequested.
    """
    _require_all(caller)
    database_path = database.path
    if database_path is None:
        raise Conflict("A PostgreSQL backup is restored with pg_restore while Mydia is stopped.")
    if restart is None:
        raise Conflict(f"Mydia cannot restart itself here. Stop it and run: mydia backup restore {backup.name}")
    if restoring.is_pending(database_path):
        raise Conflict("A restore is under way.")
    if wrong := maintenance.check_integrity(backup):
        raise Conflict(f"{backup.name} is damaged and cannot be restored: {wrong[0]}.")
    _record(database, caller, now, events.RestoreRequested(backup.name))
    restoring.request(database_path, backup, caller.name)
    restart()


def prepare_upload(caller: Caller, database_path: Path | None, directory: Path, size_bytes: int) -> Path:
    """Return the path to which an uploaded backup is written before `add_uploaded`.

    Args:
        size_bytes: What the sender announces; 0 if it does not say.

    Raises:
        Conflict: The database is not SQLite.
        Unavailable: There is too little free space, or the folder cannot be made.
    """
    _require_all(caller)
    if database_path is None:
        raise Conflict("A PostgreSQL backup is restored with pg_restore while Mydia is stopped.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(directory).free
    except OSError as error:
        raise Unavailable(f"Backups cannot be stored in {directory}: {error.strerror}.") from error
    if free_bytes < size_bytes:
        raise Unavailable(f"There is too little free space in {directory} for this backup.")
    return private(maintenance.part_of(directory / f"mydia-{clock.new_id()}-uploaded.db"))


def add_uploaded(database: Database, caller: Caller, now: datetime, directory: Path, part: Path) -> maintenance.Backup:
    """Check an uploaded file and list it among the backups; restoring it is a separate step.

    Raises:
        Invalid: It is no backup, is damaged, or was made by a newer Mydia.
    Emits:
        BackupUploaded.
    """
    _require_all(caller)
    added = maintenance.add_uploaded(part, directory, now, known=is_known_revision)
    _record(database, caller, now, events.BackupUploaded(added.path.name, added.size_bytes))
    return added


def download_backup(database: Database, caller: Caller, now: datetime, directory: Path, name: str) -> Path:
    """Return the file of a backup that is sent to the caller.

    Raises:
        NotFound: There is no such backup.
    Emits:
        BackupDownloaded.
    """
    path = get_backup(caller, directory, name)
    _record(database, caller, now, events.BackupDownloaded(path.name))
    return path


def remove_backup(database: Database, caller: Caller, now: datetime, directory: Path, name: str) -> None:
    """Delete a backup.

    Raises:
        NotFound: There is no such backup.
        Conflict: A restore is under way.
        Unavailable: The file cannot be deleted.
    Emits:
        BackupRemoved.
    """
    path = get_backup(caller, directory, name)
    if database.path is not None and restoring.is_pending(database.path):
        raise Conflict("A restore is under way.")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{name} cannot be deleted: {error.strerror}.") from error
    _record(database, caller, now, events.BackupRemoved(path.name))


def record_made(database: Database, now: datetime, made: maintenance.Backup) -> None:
    """Record that a backup was made.

    Emits:
        BackupMade.
    """
    _record(database, SYSTEM, now, events.BackupMade(made.path.name, made.size_bytes))


def record_restored(database: Database, now: datetime, backup: str, asked_by: str) -> None:
    """Record in the restored database that it was restored.

    Args:
        backup: The name of its file.
        asked_by: Who asked for it; empty for the command line.
    Emits:
        BackupRestored.
    """
    _record(database, SYSTEM, now, events.BackupRestored(backup, asked_by))


def _record(database: Database, caller: Caller, now: datetime, event: events.Event) -> None:
    with database.writes() as session:
        events.emit(session, caller, event, at=now)


def last_outcome(caller: Caller, database_path: Path | None) -> restoring.Outcome | None:
    """Return how the last restore ended, None if there was none or somebody has read it."""
    caller.require(Permission.MANAGE_SETTINGS)
    return None if database_path is None else restoring.last_outcome(database_path)


def forget_outcome(caller: Caller, database_path: Path | None) -> None:
    """Forget how the last restore ended."""
    caller.require(Permission.MANAGE_SETTINGS)
    if database_path is not None:
        restoring.forget_outcome(database_path)


def get_backup(caller: Caller, directory: Path, name: str) -> Path:
    """Return the file of a backup by its name in the list.

    Raises:
        NotFound: There is no such backup.
    """
    _require_all(caller)
    found = next((one.path for one in list_backups(caller, directory) if one.path.name == name), None)
    if found is None:
        raise NotFound("There is no such backup.")
    return found


def _require_all(caller: Caller) -> None:
    """A backup holds all accounts: reading one reveals password hashes, and restoring one can make anyone an administrator."""
    caller.require_all()

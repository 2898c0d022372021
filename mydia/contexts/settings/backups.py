"""The backups of the database, for administrators; `db.maintenance` makes and rotates them."""

from __future__ import annotations

from pathlib import Path

from mydia.contexts.users import Caller, Permission
from mydia.db import maintenance
from mydia.errors import NotFound


def list_backups(caller: Caller, directory: Path) -> list[maintenance.Backup]:
    """Return the backups in a folder, newest first."""
    caller.require(Permission.MANAGE_SETTINGS)
    return maintenance.list_backups(directory)


def get_backup(caller: Caller, directory: Path, name: str) -> Path:
    """Return the file of a backup by its name in the list.

    Raises:
        NotFound: There is no such backup.
    """
    found = next((one.path for one in list_backups(caller, directory) if one.path.name == name), None)
    if found is None:
        raise NotFound("There is no such backup.")
    return found

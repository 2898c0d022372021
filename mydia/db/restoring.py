"""A restore that was requested while Mydia runs: noted in a file, carried out while every process is stopped, with its outcome.

`serve` stops its processes, runs `mydia backup restore-requested`, and starts them again. The request stays until its
outcome is written, so a restore that was interrupted is carried out at the next start.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from mydia.db import maintenance
from mydia.db.migrate import upgrade
from mydia.db.session import Database
from mydia.errors import MydiaError
from mydia.schema import RESTORE_REQUEST

logger = logging.getLogger(__name__)

_OUTCOME = "restore-outcome.json"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the last requested restore ended."""

    backup: str
    at: str
    """ISO 8601."""
    restored: bool
    problem: str = ""
    former: str = ""
    """The name of the backup that is the previous database."""
    asked_by: str = ""


def request(database_path: Path, backup: Path, asked_by: str) -> None:
    """Note that a backup is to be restored at the next restart."""
    (database_path.parent / _OUTCOME).unlink(missing_ok=True)
    _write(database_path.parent / RESTORE_REQUEST, {"backup": str(backup), "asked_by": asked_by})


def is_pending(database_path: Path) -> bool:
    """Return whether a restore waits for the restart."""
    return (database_path.parent / RESTORE_REQUEST).exists()


def last_outcome(database_path: Path) -> Outcome | None:
    """Return how the last restore ended; None if there was none."""
    try:
        return Outcome(**json.loads((database_path.parent / _OUTCOME).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget_outcome(database_path: Path) -> None:
    """Forget how the last restore ended, once somebody has read it."""
    (database_path.parent / _OUTCOME).unlink(missing_ok=True)


def carry_out(database_path: Path, directory: Path, now: datetime) -> Outcome | None:
    """Carry out the restore that was requested, while no process uses the database. None if there is none.

    The backup is migrated to this version before it takes the place of the database. If anything fails, the database
    stays as it was, and the outcome says why.

    Args:
        directory: The folder of backups, where the previous database is kept.
    """
    path = database_path.parent / RESTORE_REQUEST
    try:
        asked = json.loads(path.read_text())
        backup, asked_by = Path(asked["backup"]), str(asked.get("asked_by", ""))
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return None
    try:
        former = maintenance.restore(backup, database_path, directory, now, prepare=_migrate)
        outcome = Outcome(
            backup=backup.name,
            at=now.isoformat(),
            restored=True,
            former=former.name if former else "",
            asked_by=asked_by,
        )
    except (MydiaError, OSError) as error:
        outcome = Outcome(backup=backup.name, at=now.isoformat(), restored=False, problem=str(error))
        logger.warning("backup not restored", extra={"backup": backup.name, "problem": str(error)})
    _write(database_path.parent / _OUTCOME, asdict(outcome))
    path.unlink(missing_ok=True)
    return outcome


def _migrate(path: Path) -> None:
    database = Database(f"sqlite:///{path}")
    try:
        upgrade(database.engine)
    finally:
        database.close()


def _write(path: Path, told: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

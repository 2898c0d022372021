"""Check that a library folder is mounted before every write and delete in it.

An unmounted disk leaves an empty folder on the parent disk. Files written there are hidden when the disk is mounted
again, and files missing there still exist. A folder is trusted if it was never a mount point or still is one, and if at
least one of its known files exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from sqlalchemy import bindparam, select, union_all
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import Files, MountState, to_os
from mydia.contexts import settings
from mydia.contexts.library.models import LibraryIdentity, MediaFile
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict

_FILES_TRIED = 12
"""How many of the oldest and of the newest known files to check; one that exists is enough."""
_FEW_FILES = 2
"""A single missing file was probably deleted manually."""


class Absence(StrEnum):
    """Why a library folder is not trusted."""

    MISSING = "missing"
    NOT_A_FOLDER = "not_a_folder"
    UNREADABLE = "unreadable"
    NOT_MOUNTED = "not_mounted"
    """It was a mount point and no longer is one."""
    NO_KNOWN_FILE = "no_known_file"
    """None of its known files exists."""


_SENTENCES = {
    Absence.MISSING: "{path} does not exist. Mount the disk or correct the path, then try again.",
    Absence.NOT_A_FOLDER: "{path} is not a folder. Correct the path under Settings, Libraries.",
    Absence.UNREADABLE: "{path} cannot be read. Give Mydia's user access to it, then try again.",
    Absence.NOT_MOUNTED: "The disk of {path} is not mounted. Mount it, then try again.",
    Absence.NO_KNOWN_FILE: "None of the known files of {path} exists. The disk is probably not mounted. Mount it, or "
    "scan the folder if the files are gone.",
}


class NotMounted(Conflict):
    """A library folder is not mounted, or another folder is in its place."""

    def __init__(self, path: str, absence: Absence) -> None:
        super().__init__(f"{_SENTENCES[absence].format(path=path)} Nothing was changed.")
        self.path = path
        self.absence = absence


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The expected state of a library folder."""

    library_path_id: str
    path: str
    was_mount: bool
    device: int | None
    """Whether it was a mount point when last seen; None if it was never seen."""
    known_files: tuple[str, ...]
    """Relative paths of some files that should exist."""


_HERE = select(MediaFile.relative_path).where(
    MediaFile.library_path_id == bindparam("library_path_id"), MediaFile.missing_since.is_(None)
)
_KNOWN_FILES = union_all(
    *(select(_HERE.order_by(order).limit(_FILES_TRIED).subquery()) for order in (MediaFile.id, MediaFile.id.desc()))
)
"""The files that were found first and last."""


def expected(session: Session, library_path_id: str) -> Expected:
    """Return the expected state of a library folder. Raises NotFound."""
    path = settings.library_paths.get_library_path(session, SYSTEM, library_path_id)
    row = session.get(LibraryIdentity, library_path_id)
    known = session.scalars(_KNOWN_FILES, {"library_path_id": library_path_id})
    return Expected(
        library_path_id=library_path_id,
        path=path.path,
        was_mount=row is not None and row.is_mount,
        device=None if row is None else row.device,
        known_files=tuple(dict.fromkeys(known)),
    )


def absence(files: Files, wanted: Expected, state: MountState | None = None) -> Absence | None:
    """Return why a library folder cannot be trusted, or None."""
    root = Path(wanted.path)
    state = state or files.mount_state(root)
    if not state.exists:
        return Absence.MISSING
    if not state.is_folder:
        return Absence.NOT_A_FOLDER
    if state.empty is None:
        return Absence.UNREADABLE
    if any(_exists(files, root / to_os(name)) for name in wanted.known_files):
        return None
    if wanted.was_mount and not state.is_mount:
        return Absence.NOT_MOUNTED
    moved = wanted.device is not None and wanted.device != state.device
    if len(wanted.known_files) >= _FEW_FILES or (wanted.known_files and (moved or state.empty)):
        return Absence.NO_KNOWN_FILE
    return None


def problem(database: Database, files: Files, caller: Caller, library_path_id: str) -> str | None:
    """Return a sentence that says why a library folder cannot be trusted, or None. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    with database.reads() as session:
        wanted = expected(session, library_path_id)
    found = absence(files, wanted)
    return None if found is None else _SENTENCES[found].format(path=wanted.path)


def require_mounted(
    database: Database, files: Files, library_path_ids: Iterable[str], *, concerned: Iterable[Path] = ()
) -> None:
    """Raise if a library folder is not mounted; called before every write and delete.

    Args:
        concerned: Known files that are about to be changed. If one exists, its folder is the right one.

    Raises:
        NotMounted: With the reason as a code.
    """
    paths = tuple(concerned)
    with database.reads() as session:
        wanted = [expected(session, path_id) for path_id in dict.fromkeys(library_path_ids)]
    for one in wanted:
        reason = absence(files, one)
        if reason is Absence.NO_KNOWN_FILE and any(
            path.is_relative_to(one.path) and _exists(files, path) for path in paths
        ):
            continue
        if reason is not None:
            raise NotMounted(one.path, reason)


def note_seen(session: Session, now: datetime, library_path_id: str, state: MountState) -> None:
    """Record the state of a library folder that is certainly mounted."""
    if state.device is None:
        return
    row = session.get(LibraryIdentity, library_path_id)
    if row is None:
        row = LibraryIdentity(
            library_path_id=library_path_id, is_mount=state.is_mount, device=state.device, seen_at=now
        )
        session.add(row)
    row.is_mount, row.device, row.seen_at = state.is_mount, state.device, now


def _exists(files: Files, path: Path) -> bool:
    try:
        return files.exists(path)
    except AdapterError:
        return False

"""Folders whose files are left alone: scans go on listing them, but they never wait for a decision."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import PurePosixPath

import msgspec
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import settings
from mydia.contexts.library.models import IgnoredFolder, InboxEntry, MediaFile
from mydia.contexts.library.reasons import ReviewReason
from mydia.contexts.library.recognise.entries import count_entry, count_waiting
from mydia.contexts.library.words import MatchState, ReviewState
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Conflict, Invalid
from mydia.events import InboxChanged, ScanRequested, emit


class IgnoredFolderView(msgspec.Struct, frozen=True, kw_only=True):
    """An ignored folder with the number of its files."""

    id: str
    library_path_id: str
    folder: str
    """Relative to the library folder, in the stable text form."""
    path: str
    """Absolute, for display."""
    files: int
    """Videos in it that belong to no title."""
    created_at: datetime


def list_ignored_folders(session: Session, caller: Caller) -> list[IgnoredFolderView]:
    """Return the ignored folders in the order of their paths."""
    caller.require(Permission.MANAGE_MEDIA)
    roots = {path.id: path.path for path in settings.library_paths.list_library_paths(session, caller)}
    rows = session.scalars(select(IgnoredFolder)).all()
    return sorted((_view(session, roots[row.library_path_id], row) for row in rows), key=lambda one: one.path)


def folders_above(session: Session, caller: Caller, inbox_id: str) -> list[tuple[str, int]]:
    """Return the folders that hold all files of an entry, the closest first, each with the number of files waiting in it.

    Raises:
        NotFound: There is no such entry.
    """
    caller.require(Permission.MANAGE_MEDIA)
    entry = get(session, InboxEntry, inbox_id, what="This entry of the review")
    paths = session.scalars(select(MediaFile.relative_path).where(MediaFile.inbox_id == inbox_id)).all()
    if not paths:
        return []
    parts = [PurePosixPath(path).parts[:-1] for path in paths]
    shared = next((place for place, names in enumerate(zip(*parts, strict=False)) if len(set(names)) > 1), None)
    closest = parts[0][: min(len(one) for one in parts) if shared is None else shared]
    return [
        (folder, _number(session, entry.library_path_id, folder, (MatchState.NEW, MatchState.WAITING)))
        for folder in ("/".join(closest[:depth]) for depth in range(len(closest), 0, -1))
    ]


def ignore_folder(
    session: Session, caller: Caller, now: datetime, library_path_id: str, folder: str
) -> IgnoredFolderView:
    """Leave all files of a folder alone that belong to no title, now and at later scans.

    Files that belong to a title stay as they are. Entries of the review whose files are all in the folder are ignored.

    Args:
        folder: Relative to the library folder.

    Raises:
        NotFound: There is no such library folder.
        Invalid: It is the library folder itself, or leads out of it.
        Conflict: It is ignored already.

    Emits: InboxChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    path = settings.library_paths.get_library_path(session, caller, library_path_id)
    folder = folder.strip("/")
    if not folder or ".." in PurePosixPath(folder).parts:
        sentence = "Choose a folder inside the library folder."
        raise Invalid(sentence, fields={"folder": sentence})
    ignored = session.scalars(
        select(IgnoredFolder.folder).where(IgnoredFolder.library_path_id == library_path_id)
    ).all()
    if (above := _holder(folder, ignored)) is not None:
        raise Conflict(f"{shown(above)} is ignored already.")
    row = IgnoredFolder(library_path_id=library_path_id, folder=folder, created_by=caller.id, created_at=now)
    session.add(row)
    session.flush()
    _ignore_files(session, now, row, (MatchState.NEW, MatchState.WAITING))
    emit(session, caller, InboxChanged(None, count_waiting(session)), at=now)
    return _view(session, path.path, row)


def stop_ignoring(session: Session, caller: Caller, now: datetime, ignored_id: str) -> None:
    """Let the files of an ignored folder be recognised again, by a scan that starts now.

    Raises:
        NotFound: There is no such ignored folder.

    Emits: ScanRequested, InboxChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, IgnoredFolder, ignored_id, what="This ignored folder")
    inside = (
        MediaFile.library_path_id == row.library_path_id,
        _below(row.folder),
        MediaFile.match_state == MatchState.IGNORED,
    )
    entries = session.scalars(select(MediaFile.inbox_id).where(*inside, MediaFile.inbox_id.is_not(None)).distinct())
    by_rule = set(
        session.scalars(
            select(InboxEntry.id).where(
                InboxEntry.id.in_(entries.all()), InboxEntry.reason_code == ReviewReason.FOLDER_IGNORED
            )
        )
    )
    session.execute(
        update(MediaFile)
        .where(*inside, MediaFile.inbox_id.is_(None) | MediaFile.inbox_id.in_(by_rule))
        .values(match_state=MatchState.NEW, inbox_id=None)
    )
    session.execute(delete(InboxEntry).where(InboxEntry.id.in_(by_rule)))
    session.delete(row)
    emit(session, caller, ScanRequested(row.library_path_id, row.folder), at=now)
    emit(session, caller, InboxChanged(None, count_waiting(session)), at=now)


def ignore_new_files(session: Session, now: datetime, library_path_id: str) -> int:
    """Apply the rules of a library folder to its new files and return how many are ignored by them."""
    rows = session.scalars(select(IgnoredFolder).where(IgnoredFolder.library_path_id == library_path_id)).all()
    return sum(_ignore_files(session, now, row, (MatchState.NEW,)) for row in rows)


def _ignore_files(session: Session, now: datetime, row: IgnoredFolder, states: Collection[str]) -> int:
    inside = (
        MediaFile.library_path_id == row.library_path_id,
        _below(row.folder),
        MediaFile.match_state.in_(states),
    )
    entries = session.scalars(
        select(MediaFile.inbox_id).where(*inside, MediaFile.inbox_id.is_not(None)).distinct()
    ).all()
    number = len(
        session.execute(
            update(MediaFile).where(*inside).values(match_state=MatchState.IGNORED).returning(MediaFile.id)
        ).all()
    )
    for entry in session.scalars(select(InboxEntry).where(InboxEntry.id.in_(entries))):
        waiting = select(func.count()).where(
            MediaFile.inbox_id == entry.id, MediaFile.match_state == MatchState.WAITING
        )
        entry.updated_at = now
        if session.scalar(waiting):
            # The rest of the entry is elsewhere and goes on waiting.
            session.execute(
                update(MediaFile)
                .where(MediaFile.inbox_id == entry.id, MediaFile.match_state == MatchState.IGNORED)
                .values(inbox_id=None)
            )
            count_entry(session, entry)
            continue
        entry.state, entry.reason_text = ReviewState.IGNORED, None
        entry.reason_code, entry.reason_facts = ReviewReason.FOLDER_IGNORED, {"folder": shown(row.folder)}
    return number


def _below(folder: str) -> ColumnElement[bool]:
    # LIKE ignores case on SQLite, and a folder is not its namesake in capitals.
    prefix = f"{folder}/"
    return func.substr(MediaFile.relative_path, 1, len(prefix)) == prefix


def _holder(folder: str, ignored: Collection[str]) -> str | None:
    return next((one for one in ignored if folder == one or folder.startswith(f"{one}/")), None)


def _number(session: Session, library_path_id: str, folder: str, states: Collection[str]) -> int:
    return (
        session.scalar(
            select(func.count()).where(
                MediaFile.library_path_id == library_path_id, _below(folder), MediaFile.match_state.in_(states)
            )
        )
        or 0
    )


def _view(session: Session, root: str, row: IgnoredFolder) -> IgnoredFolderView:
    return IgnoredFolderView(
        id=row.id,
        library_path_id=row.library_path_id,
        folder=row.folder,
        path=f"{root}/{shown(row.folder)}",
        files=_number(session, row.library_path_id, row.folder, (MatchState.IGNORED,)),
        created_at=row.created_at,
    )

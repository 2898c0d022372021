"""Move titles' files to another library folder: first a preview, then the move, with each step in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from copy import replace
from datetime import datetime
from itertools import batched
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library import journal, mounts
from mydia.contexts.library.journal import Cause, Step
from mydia.contexts.library.models import JournalEntry, MediaFile, Sidecar
from mydia.contexts.library.words import Operation
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import NotFound
from mydia.events import FilesRenamed, emit
from mydia.runs import Run, Unwatched


class MoveLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its current and its new path."""

    id: str
    """Id of the file or sidecar."""
    library_path_id: str
    """The current library folder."""
    relative_path: str
    """The relative path, which does not change."""
    old: str
    new: str
    """Absolute paths for display."""
    size_bytes: int
    video_id: str | None = None
    """Of a sidecar: the video that it stays with."""
    objection: str | None = None
    """Why it cannot be moved."""


class MovePreview(msgspec.Struct, frozen=True, kw_only=True):
    """Preview of a move."""

    lines: tuple[MoveLine, ...]
    """The first files, each checked on the disk; see `files` for how many there are."""
    files: int
    moving_bytes: int
    """Of all files that move."""
    size_bytes: int
    """Bytes to copy; 0 if both folders are on the same disk."""
    free_bytes: int | None
    """Free space in the new folder; None if unknown."""

    @property
    def fits(self) -> bool:
        """Whether there is enough space."""
        return self.free_bytes is None or self.size_bytes <= self.free_bytes


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a move."""

    batch_id: str | None
    """For `undo_move`; None if nothing was moved."""
    files: int
    failures: tuple[str, ...] = ()


PREVIEWED_FILES = 200
"""Files that a preview checks on the disk: a slow share answers a few hundred questions a second."""


def move_preview(
    database: Database, outside: Outside, caller: Caller, item_ids: Sequence[str], library_path_id: str
) -> MovePreview:
    """Return the files of some titles that would move to another library folder. Nothing is changed.

    Raises:
        NotFound: The library folder does not exist.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        totals = _totals(session, item_ids, library_path_id)
        lines: list[MoveLine] = []
        for part in batched(item_ids, _TITLES_AT_ONCE, strict=False):
            lines += _lines(session, part, library_path_id, limit=PREVIEWED_FILES - len(lines))
            if len(lines) >= PREVIEWED_FILES:
                break
        roots = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, caller)}
    target = roots[library_path_id]
    judged = [_judged(outside, line, roots) for line in lines]
    try:
        free = outside.files.space(target).free_bytes
    except AdapterError:
        free = None
    copied = sum(size for path, (_, size) in totals.items() if not _same_disk(outside, roots[path], target))
    return MovePreview(
        lines=tuple(judged),
        files=sum(number for number, _ in totals.values()),
        moving_bytes=sum(size for _, size in totals.values()),
        size_bytes=copied,
        free_bytes=free,
    )


_TITLES_AT_ONCE = 100


def _totals(session: Session, item_ids: Sequence[str], library_path_id: str) -> dict[str, tuple[int, int]]:
    """Return library folder -> (files, bytes) that would leave it."""
    found: dict[str, tuple[int, int]] = {}
    for part in batched(item_ids, _TITLES_AT_ONCE, strict=False):
        rows = session.execute(
            select(MediaFile.library_path_id, func.count(), func.sum(MediaFile.size_bytes))
            .where(*_leaving(part, library_path_id))
            .group_by(MediaFile.library_path_id)
        )
        for path_id, number, size in rows:
            files, bytes_ = found.get(path_id, (0, 0))
            found[path_id] = (files + number, bytes_ + int(size or 0))
    return found


def _leaving(item_ids: Sequence[str], library_path_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        MediaFile.media_item_id.in_(item_ids),
        MediaFile.library_path_id != library_path_id,
        MediaFile.missing_since.is_(None),
    )


def move_files(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_id: str,
    *,
    run: Run | None = None,
    batch_id: str | None = None,
) -> Moved:
    """Move a title's files to its library folder. Files that are already there stay.

    If it is repeated after an interruption, it moves the remaining files.

    Args:
        batch_id: A new id for the batch of the journal; None makes one.

    Raises:
        NotMounted: One of the folders is not mounted.
        NotFound: The title does not exist.

    Emits: FilesRenamed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    run = run or Unwatched()
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        if item.library_path_id is None:
            return Moved(batch_id=None, files=0)
        lines = _lines(session, [item_id], item.library_path_id)
        roots = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, caller)}
    if not lines:
        return Moved(batch_id=None, files=0)
    target = roots[item.library_path_id]
    mounts.require_mounted(
        database,
        outside.files,
        [item.library_path_id, *(line.library_path_id for line in lines)],
        concerned=[roots[line.library_path_id] / to_os(line.relative_path) for line in lines],
    )
    batch_id = batch_id or clock.new_id()
    failures: list[str] = []
    stayed: set[str] = set()
    moved = 0
    with journal.working_on(batch_id):
        for place, line in enumerate(lines):
            if run.cancelled():
                break
            run.progress(place, len(lines), shown(line.relative_path))
            if line.video_id in stayed:
                continue
            sentences = _move_one(database, outside, caller, now, batch_id, place, item_id, line, roots, target)
            failures += sentences
            stayed |= {line.id} if sentences else set()
            moved += not sentences
    with database.writes() as session:
        if moved:
            emit(session, caller, FilesRenamed(item_id, batch_id, moved), at=now)
    return Moved(batch_id=batch_id if moved else None, files=moved, failures=tuple(failures))


def undo_move(database: Database, outside: Outside, caller: Caller, now: datetime, batch_id: str) -> list[str]:
    """Undo a move and restore the old library folder of the title; return messages about files that could not be moved back.

    Raises:
        NotFound: The move does not exist.
        Conflict: A name is taken; nothing was changed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entry = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.batch_id == batch_id, JournalEntry.cause == Cause.MOVE)
            .order_by(JournalEntry.step)
        ).first()
        if entry is None or entry.source is None:
            raise NotFound("This move does not exist.")
        source = entry.source
        old = next(
            (
                path.id
                for path in settings.library_paths.list_library_paths(session, caller)
                if source.startswith(f"{path.path}/")
            ),
            None,
        )
        item_id = entry.cause_ref
        roots = [Path(path.path) for path in settings.library_paths.list_library_paths(session, caller)]
        places = session.scalars(
            select(JournalEntry.target).where(JournalEntry.batch_id == batch_id, JournalEntry.cause == Cause.MOVE)
        ).all()
    failures = journal.undo_batch(database, outside, caller, now, batch_id)
    for place in (Path(to_os(one)) for one in places if one is not None):
        root = next((root for root in roots if place.is_relative_to(root)), None)
        if root is not None:
            with suppress(AdapterError):
                outside.files.remove_empty_parents(place, root)
    with database.writes() as session:
        if old is not None and item_id is not None and session.get(media.MediaItem, item_id) is not None:
            media.change_item(session, caller, now, item_id, {"library_path_id": old})
    return failures


def _lines(
    session: Session, item_ids: Sequence[str], library_path_id: str, *, limit: int | None = None
) -> list[MoveLine]:
    paths = {path.id: path.path for path in settings.library_paths.list_library_paths(session, SYSTEM)}
    if library_path_id not in paths:
        raise NotFound("This library folder does not exist.")
    files = session.scalars(
        select(MediaFile).where(*_leaving(item_ids, library_path_id)).order_by(MediaFile.relative_path).limit(limit)
    ).all()
    # By their own folders, because an interrupted move may have taken the videos already.
    beside = session.scalars(
        select(Sidecar)
        .join(MediaFile, MediaFile.id == Sidecar.file_id)
        .where(
            MediaFile.media_item_id.in_(item_ids),
            MediaFile.missing_since.is_(None),
            Sidecar.library_path_id != library_path_id,
        )
        .order_by(Sidecar.relative_path)
        .limit(limit)
    ).all()
    # Move videos first, because a sidecar without its video would be assigned to another one.
    rows: Sequence[MediaFile | Sidecar] = [*files, *beside]
    return [
        MoveLine(
            id=row.id,
            library_path_id=row.library_path_id,
            relative_path=row.relative_path,
            old=shown(f"{paths[row.library_path_id]}/{row.relative_path}"),
            new=shown(f"{paths[library_path_id]}/{row.relative_path}"),
            size_bytes=row.size_bytes,
            video_id=row.file_id if isinstance(row, Sidecar) else None,
        )
        for row in rows
    ]


def _judged(outside: Outside, line: MoveLine, roots: dict[str, Path]) -> MoveLine:
    source = roots[line.library_path_id] / to_os(line.relative_path)
    objection = None
    try:
        if not outside.files.exists(source):
            objection = f"{line.old} does not exist. Scan the folder first."
        elif outside.files.exists(Path(to_os(line.new))):
            objection = f"{line.new} already exists."
    except AdapterError as error:
        objection = error.cause
    return line if objection is None else replace(line, objection=objection)


def _same_disk(outside: Outside, one: Path, other: Path) -> bool:
    try:
        return outside.files.same_filesystem(one, other)
    except AdapterError:
        return False


def _move_one(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    batch_id: str,
    place: int,
    item_id: str,
    line: MoveLine,
    roots: dict[str, Path],
    root: Path,
) -> list[str]:
    source = confine(roots[line.library_path_id], line.relative_path)
    target = confine(root, line.relative_path)
    try:
        proof = journal.fingerprint(outside.files, source)
    except (AdapterError, NotFound) as error:
        return [str(error)]
    step = Step(
        operation=Operation.RENAME,
        source=source,
        target=target,
        fingerprint=proof,
        file_id=line.id,
        media_item_id=item_id,
        size_bytes=line.size_bytes,
    )
    with database.writes() as session:
        ids = journal.write_steps(session, now, caller, batch_id, Cause.MOVE, [step], ref=item_id, unit=place)
    failures = journal.run_steps(database, outside, caller, now, ids)
    if not failures:
        try:
            outside.files.remove_empty_parents(source, roots[line.library_path_id])
        except AdapterError:
            return []
    return failures

"""Remove files from the library: to the recycle bin, from which they can be restored, or permanently."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import replace
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library import mounts
from mydia.contexts.library.filekinds import RECYCLE_FOLDER
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.journal import (
    Cause,
    Step,
    fingerprint,
    fingerprint_of_text,
    run_steps,
    working_on,
    write_steps,
)
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile, RecycledFile, Sidecar
from mydia.contexts.library.reasons import ReviewReason
from mydia.contexts.library.removed import inbox_key, note_batch, remember
from mydia.contexts.library.words import MatchState, Operation, ReviewState
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, cursor_id, decode_cursor, encode_cursor, get
from mydia.errors import Conflict, Invalid, NotFound
from mydia.events import FileRestored, RecycleBinEmptied, emit
from mydia.vocabulary import MediaType

FILES = ("keep", "recycle", "delete")
"""What can happen to the files of a removed title."""
AFTERWARDS = ("unmonitor", "search")
"""What can happen to a film or episode without files: it is unmonitored, or searched for again."""

_EXAMPLES = 20
"""How many paths the event of an emptied recycle bin names."""

MANIFEST = "restore.json"
"""File in each batch of the recycle bin that lists the original paths, for use without the database."""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a removal."""

    files: int
    size_bytes: int
    batch_id: str | None
    """For `undo_batch`; None if no file was changed."""
    failures: tuple[str, ...]
    """One message for each file that could not be removed."""
    unmonitored: int = 0
    """Number of films and episodes that were unmonitored because their last file was removed."""
    recycled: bool = False
    """Whether the files are in the recycle bin."""
    removal_id: str | None = None
    """Of a title, for `removed.undo_removal`."""


class RecycledView(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the recycle bin, as pages and APIs show it."""

    id: str
    name: str
    original_path: str
    """Absolute, for display."""
    size_bytes: int
    media_item_id: str | None
    media_title: str | None
    cause: str
    """`journal.Cause`: import (replaced by a better file), remove, undo."""
    batch_id: str | None
    """For `undo_batch`, which restores everything that was removed at the same time."""
    recycled_at: datetime
    expires_at: datetime


class RecyclePage(msgspec.Struct, frozen=True):
    """A page of the recycle bin, newest first."""

    files: tuple[RecycledView, ...]
    next_cursor: str | None


class RecycleTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of the recycle bin."""

    files: int
    size_bytes: int
    keep_days: int
    """Days that files are kept; 0 deletes immediately."""
    next_expiry_at: datetime | None


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    """A file to remove, with everything its step needs."""

    path: Path
    root: Path
    library_path_id: str
    row_id: str
    media_item_id: str | None
    size_bytes: int


def remove_item(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_id: str,
    *,
    files: str = "keep",
    removal_id: str | None = None,
) -> Removed:
    """Remove a title from the library. `removed.restore_titles` undoes it.

    Args:
        files: `keep` leaves them where they are and ignores them in the review, `recycle` moves them to the recycle
            bin, `delete` deletes them permanently.
        removal_id: Shared by titles that are removed together, for `removed.undo_removal`; None makes one.

    Raises:
        NotMounted: The library folder is not mounted, so its files only seem to be gone.
        Conflict: A file could not be removed, so the title stays too.

    Emits: FileRemoved, MediaRemoved.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if files not in FILES:
        raise Invalid(f"“{files}” is not a choice. Choose one of {', '.join(FILES)}.", fields={"files": "Choose one."})
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        going = _files_of(session, item_id, item.folder, item.library_path_id)
    removal_id = removal_id or clock.new_id()
    if files == "keep":
        with database.writes() as session:
            remember(session, caller, now, item_id, files=files, removal_id=removal_id)
            _keep_files(session, caller, now, item_id)
            media.remove_row(session, caller, now, item_id, files_deleted=0)
        return Removed(files=0, size_bytes=0, batch_id=None, failures=(), removal_id=removal_id)
    removed = _take_out(database, outside, caller, now, going, ref=item_id, for_good=files == "delete")
    if removed.failures:
        raise Conflict(f"The title was not removed. {removed.failures[0]}")
    with database.writes() as session:
        remember(session, caller, now, item_id, files=files, removal_id=removal_id)
        note_batch(session, item_id, removed.batch_id if removed.recycled else None)
        media.remove_row(session, caller, now, item_id, files_deleted=removed.files)
    return replace(removed, removal_id=removal_id)


def remove_files(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    file_ids: Sequence[str],
    *,
    for_good: bool = False,
    afterwards: str | None = None,
) -> Removed:
    """Remove files from the library. They go to the recycle bin unless `for_good` is set.

    Args:
        afterwards: One of `AFTERWARDS`, for films and episodes without another file; None uses the setting
            `library.after_file_removal`.

    Raises:
        NotMounted: The library folder is not mounted.

    Emits: FileRemoved, MediaChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        choice = afterwards or settings.of(session).library.after_file_removal
        if choice not in AFTERWARDS:
            sentence = f"“{choice}” is not a choice. Choose one of {', '.join(AFTERWARDS)}."
            raise Invalid(sentence, fields={"afterwards": sentence})
        rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(file_ids))).all()
        if not rows:
            raise NotFound("This file is no longer in the library.")
        going = _with_sidecars(session, rows)
        concerned = _concerned(session, rows)
    removed = _take_out(database, outside, caller, now, going, for_good=for_good)
    if choice != "unmonitor":
        return removed
    with database.writes() as session:
        unmonitored = sum(_unmonitor(session, caller, now, item_id, ids) for item_id, ids in concerned.items())
    return replace(removed, unmonitored=unmonitored)


def remove_file(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    file_id: str,
    *,
    for_good: bool = False,
    afterwards: str | None = None,
) -> Removed:
    """Remove one file from the library; see `remove_files`."""
    removed = remove_files(database, outside, caller, now, [file_id], for_good=for_good, afterwards=afterwards)
    if removed.failures:
        raise Conflict(removed.failures[0])
    return removed


def _concerned(session: Session, rows: Sequence[MediaFile]) -> dict[str, list[str]]:
    """Return title id -> the episodes in some files; no episodes for a film."""
    concerned: dict[str, list[str]] = {row.media_item_id: [] for row in rows if row.media_item_id is not None}
    linked = select(MediaFile.media_item_id, FileEpisode.episode_id).join(
        MediaFile, MediaFile.id == FileEpisode.file_id
    )
    for item_id, episode_id in session.execute(linked.where(MediaFile.id.in_([row.id for row in rows]))):
        if item_id is not None:
            concerned.setdefault(item_id, []).append(episode_id)
    return concerned


def _unmonitor(session: Session, caller: Caller, now: datetime, item_id: str, episode_ids: list[str]) -> int:
    """Unmonitor films and episodes that have no file left; return their number."""
    item = session.get(media.MediaItem, item_id)
    if item is None:
        return 0
    if item.type == MediaType.MOVIE:
        held = session.scalar(select(func.count()).where(MediaFile.media_item_id == item_id, MediaFile.kind == "video"))
        if held or not item.monitored:
            return 0
        media.monitoring.change_monitoring(session, caller, now, item_id, monitored=False)
        return 1
    still_held = set(
        session.scalars(select(FileEpisode.episode_id).where(FileEpisode.episode_id.in_(episode_ids)).distinct())
    )
    gone = [one for one in dict.fromkeys(episode_ids) if one not in still_held]
    if gone:
        media.monitoring.change_monitoring(session, caller, now, item_id, monitored=False, episode_ids=gone)
    return len(gone)


def _files_of(session: Session, item_id: str, folder: str | None, library_path_id: str | None) -> list[_Going]:
    rows = list(session.scalars(select(MediaFile).where(MediaFile.media_item_id == item_id)))
    if folder and library_path_id:
        # Extras and samples in the title's own folder are removed too.
        known = {row.id for row in rows}
        rows += [
            row
            for row in session.scalars(
                select(MediaFile).where(
                    MediaFile.library_path_id == library_path_id,
                    MediaFile.relative_path.startswith(f"{folder}/", autoescape=True),
                    MediaFile.kind != "video",
                )
            )
            if row.id not in known
        ]
    return _with_sidecars(session, rows, item_id=item_id)


def _with_sidecars(session: Session, rows: Sequence[MediaFile], *, item_id: str | None = None) -> list[_Going]:
    roots = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, SYSTEM)}
    owners = {row.id: row.media_item_id or item_id for row in rows}
    sidecars = session.scalars(select(Sidecar).where(Sidecar.file_id.in_([row.id for row in rows]))).all()

    def going(row: MediaFile | Sidecar, owner: str | None) -> _Going:
        root = roots[row.library_path_id]
        return _Going(
            path=root / to_os(row.relative_path),
            root=root,
            library_path_id=row.library_path_id,
            row_id=row.id,
            media_item_id=owner,
            size_bytes=row.size_bytes,
        )

    # Remove sidecars first, because their rows depend on the video's row.
    beside = [going(row, owners.get(row.file_id or "", item_id)) for row in sidecars]
    return [*beside, *(going(row, owners[row.id]) for row in rows)]


def _take_out(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    going: Sequence[_Going],
    *,
    for_good: bool,
    ref: str | None = None,
) -> Removed:
    mounts.require_mounted(
        database, outside.files, [one.library_path_id for one in going], concerned=[one.path for one in going]
    )
    with database.reads() as session:
        wanted = settings.of(session).library
    for_good = for_good or wanted.recycle_days == 0
    batch_id = clock.new_id()
    steps: list[Step] = []
    gone: list[_Going] = []
    for one in going:
        path = confine(one.root, one.path.relative_to(one.root).as_posix())
        if not outside.files.exists(path):
            gone.append(one)
            continue
        steps.append(
            Step(
                operation=Operation.DELETE if for_good else Operation.RECYCLE,
                source=path,
                target=None if for_good else recycle_place(wanted.recycle_directory, one.root, batch_id, path),
                fingerprint=fingerprint(outside.files, path),
                file_id=one.row_id,
                media_item_id=one.media_item_id,
                size_bytes=one.size_bytes,
            )
        )
    if steps and not for_good:
        steps += [
            _manifest(wanted.recycle_directory, root, batch_id, steps) for root in dict.fromkeys(g.root for g in going)
        ]
    with working_on(batch_id):
        with database.writes() as session:
            _forget_gone(session, now, gone)
            ids = write_steps(session, now, caller, batch_id, Cause.REMOVE, steps, ref=ref)
        failures = run_steps(database, outside, caller, now, ids)
    for one in going:
        try:
            outside.files.remove_empty_parents(one.path, one.root)
        except AdapterError:
            continue
    return Removed(
        files=len(going) - len(failures),
        size_bytes=sum(one.size_bytes for one in going),
        batch_id=batch_id if steps else None,
        failures=tuple(failures),
        recycled=bool(steps) and not for_good,
    )


def _manifest(bin_directory: str | None, root: Path, batch_id: str, steps: Sequence[Step]) -> Step:
    """Return the step that writes the original paths of a batch to a file next to it."""
    place = recycle_place(bin_directory, root, batch_id, root / MANIFEST)
    listed = [
        {"file": step.target.relative_to(place.parent).as_posix(), "from": str(step.source)}
        for step in steps
        if step.source is not None and step.target is not None and step.target.is_relative_to(place.parent)
    ]
    text = json.dumps({"batch": batch_id, "files": listed}, indent=2, ensure_ascii=True) + "\n"
    return Step(operation=Operation.WRITE, target=place, content=text, fingerprint=fingerprint_of_text(text))


def _forget_gone(session: Session, now: datetime, gone: Sequence[_Going]) -> None:
    """Delete the rows of files that are no longer on disk."""
    items: set[str] = set()
    for one in gone:
        row = session.get(MediaFile, one.row_id) or session.get(Sidecar, one.row_id)
        if row is not None:
            session.delete(row)
        if one.media_item_id is not None:
            items.add(one.media_item_id)
    session.flush()
    for item_id in items:
        if session.get(media.MediaItem, item_id) is not None:
            refresh_holdings(session, now, item_id)


def _keep_files(session: Session, caller: Caller, now: datetime, item_id: str) -> None:
    """Ignore a removed title's files in the review, because the next scan would otherwise add it again."""
    item = media.get_item(session, caller, item_id)
    rows = session.scalars(select(MediaFile).where(MediaFile.media_item_id == item_id)).all()
    by_folder: dict[tuple[str, str], list[MediaFile]] = {}
    for row in rows:
        folder = item.folder or row.relative_path.rpartition("/")[0]
        by_folder.setdefault((row.library_path_id, folder), []).append(row)
    for (library_path_id, folder), files in by_folder.items():
        entry = InboxEntry(
            library_path_id=library_path_id,
            folder=folder,
            group_key=inbox_key(item_id),
            type=item.type,
            title=item.title,
            year=item.year,
            state=ReviewState.IGNORED,
            files_count=len(files),
            size_bytes=sum(file.size_bytes for file in files),
            parsed={"files": [{"id": file.id, "path": shown(file.relative_path)} for file in files]},
            candidates=[],
            reason_code=ReviewReason.TITLE_REMOVED,
            reason_facts={},
            decided_by=caller.id,
            decided_at=now,
            created_at=now,
            updated_at=now,
        )
        session.add(entry)
        session.flush()
        for file in files:
            file.media_item_id = file.version_id = None
            file.match_state, file.inbox_id = MatchState.IGNORED, entry.id
    session.flush()


def recycle_place(bin_directory: str | None, root: Path, batch_id: str, path: Path) -> Path:
    """Return the path of a file in the recycle bin: below the batch, so that two files never collide.

    Args:
        bin_directory: The setting `library.recycle_directory`; None means a folder in the library folder.
    """
    bin_ = Path(bin_directory) / (root.name or "root") if bin_directory else root / RECYCLE_FOLDER
    return bin_ / batch_id / path.relative_to(root)


def list_recycled(session: Session, caller: Caller, *, cursor: str | None = None, limit: int = 50) -> RecyclePage:
    """Return the files in the recycle bin, newest first."""
    caller.require(Permission.MANAGE_MEDIA)
    query = (
        select(RecycledFile, media.MediaItem.title)
        .outerjoin(media.MediaItem, media.MediaItem.id == RecycledFile.media_item_id)
        .order_by(RecycledFile.id.desc())
        .limit(limit + 1)
    )
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(RecycledFile.id < cursor_id(key[0]))
    rows = session.execute(query).all()
    views = tuple(
        RecycledView(
            id=row.id,
            name=shown(row.original_path.rpartition("/")[2]),
            original_path=shown(row.original_path),
            size_bytes=row.size_bytes,
            media_item_id=row.media_item_id,
            media_title=title,
            cause=row.reason,
            batch_id=row.batch_id,
            recycled_at=row.recycled_at,
            expires_at=row.expires_at,
        )
        for row, title in rows[:limit]
    )
    return RecyclePage(views, encode_cursor(rows[limit - 1][0].id) if len(rows) > limit else None)


def recycled_ids(session: Session, caller: Caller) -> list[str]:
    """Return the ids of all files in the recycle bin, newest first."""
    caller.require(Permission.MANAGE_MEDIA)
    return list(session.scalars(select(RecycledFile.id).order_by(RecycledFile.id.desc())))


def recycled_totals(session: Session, caller: Caller) -> RecycleTotals:
    """Return the size of the recycle bin and how long files are kept."""
    caller.require(Permission.MANAGE_MEDIA)
    number, size, first = session.execute(
        select(
            func.count(), func.coalesce(func.sum(RecycledFile.size_bytes), 0), func.min(RecycledFile.expires_at)
        ).select_from(RecycledFile)
    ).one()
    return RecycleTotals(
        files=int(number),
        size_bytes=int(size),
        keep_days=settings.of(session).library.recycle_days,
        next_expiry_at=first,
    )


def restore_file(database: Database, outside: Outside, caller: Caller, now: datetime, recycled_id: str) -> str:
    """Move a file back to its original path and return that path.

    Raises:
        Conflict: Another file has its name now, or it is no longer in the recycle bin.
        NotMounted: The library folder is not mounted.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        row = get(session, RecycledFile, recycled_id, what="This file")
        path = (
            None
            if row.library_path_id is None
            else settings.library_paths.get_library_path(session, caller, row.library_path_id)
        )
    if path is None:
        raise Conflict("Its library folder was removed from the settings.")
    mounts.require_mounted(database, outside.files, [path.id])
    target = _home(path, row)
    source = Path(to_os(row.present_path))
    if outside.files.exists(target):
        raise Conflict(f"{shown(str(target))} already exists. Move it away first.")
    batch_id = clock.new_id()
    step = Step(
        operation=Operation.RESTORE,
        source=source,
        target=target,
        fingerprint=fingerprint(outside.files, source),
        media_item_id=row.media_item_id,
        size_bytes=row.size_bytes,
    )
    with working_on(batch_id):
        with database.writes() as session:
            ids = write_steps(session, now, caller, batch_id, Cause.RESTORE, [step], ref=recycled_id)
        failures = run_steps(database, outside, caller, now, ids)
    if failures:
        raise Conflict(failures[0])
    _tidy(outside, source)
    with database.writes() as session:
        emit(session, caller, FileRestored(shown(row.original_path)), at=now)
    return str(target)


def _home(path: LibraryPath, row: RecycledFile) -> Path:
    prefix = f"{path.path}/"
    if not row.original_path.startswith(prefix):
        raise Conflict("The path of its library folder has changed. Copy the file back manually.")
    return confine(Path(path.path), row.original_path[len(prefix) :])


def empty_recycle_bin(
    database: Database,
    outside: Outside,
    now: datetime,
    *,
    caller: Caller = SYSTEM,
    recycled_ids: Sequence[str] | None = None,
    limit: int = 500,
) -> int:
    """Permanently delete expired files of the recycle bin, or the given files, and return how many were deleted.

    Files of a library folder that is not mounted are skipped.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        query = select(RecycledFile).order_by(RecycledFile.expires_at).limit(limit)
        query = (
            query.where(RecycledFile.id.in_(recycled_ids))
            if recycled_ids is not None
            else query.where(RecycledFile.expires_at <= now)
        )
        rows = session.scalars(query).all()
    absent = _not_mounted(database, outside, {row.library_path_id for row in rows if row.library_path_id})
    steps: list[Step] = []
    vanished: list[str] = []
    for row in rows:
        if row.library_path_id in absent:
            continue
        path = Path(to_os(row.present_path))
        try:
            steps.append(
                Step(
                    operation=Operation.DELETE,
                    source=path,
                    fingerprint=fingerprint(outside.files, path),
                    media_item_id=row.media_item_id,
                    size_bytes=row.size_bytes,
                )
            )
        except NotFound:
            vanished.append(row.id)
        except AdapterError:
            continue
    batch_id = clock.new_id()
    with working_on(batch_id):
        with database.writes() as session:
            for recycled_id in vanished:
                if (gone := session.get(RecycledFile, recycled_id)) is not None:
                    session.delete(gone)
            ids = write_steps(session, now, caller, batch_id, Cause.EXPIRE, steps)
        failures = run_steps(database, outside, caller, now, ids)
    for step in steps:
        if step.source is not None:
            _tidy(outside, step.source)
    _record_emptied(database, caller, now, rows)
    return len(steps) - len(failures) + len(vanished)


def _record_emptied(database: Database, caller: Caller, now: datetime, rows: Sequence[RecycledFile]) -> None:
    with database.writes() as session:
        left = set(session.scalars(select(RecycledFile.id).where(RecycledFile.id.in_([row.id for row in rows]))))
        gone = [shown(row.original_path) for row in rows if row.id not in left]
        if gone:
            emit(session, caller, RecycleBinEmptied(len(gone), gone[:_EXAMPLES]), at=now)


def _not_mounted(database: Database, outside: Outside, library_path_ids: set[str]) -> set[str]:
    absent: set[str] = set()
    for library_path_id in library_path_ids:
        try:
            mounts.require_mounted(database, outside.files, [library_path_id])
        except mounts.NotMounted:
            absent.add(library_path_id)
    return absent


def _tidy(outside: Outside, path: Path) -> None:
    """Remove empty folders in the recycle bin, and the manifest of an empty batch."""
    bin_ = next((parent for parent in path.parents if parent.name == RECYCLE_FOLDER), None)
    if bin_ is None:
        return
    batch = bin_ / path.relative_to(bin_).parts[0]
    outside.files.remove_empty_parents(path, batch)
    try:
        if outside.files.list_folder(batch) == [MANIFEST]:
            outside.files.delete(batch / MANIFEST)
    except AdapterError:
        return
    outside.files.remove_empty_parents(batch / MANIFEST, bin_)

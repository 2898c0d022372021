"""Taking files out of the library: into the recycle bin, from where they can come back, or for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import RECYCLE_FOLDER
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.journal import Step, fingerprint, run_steps, write_steps
from mydia.contexts.library.models import InboxEntry, MediaFile, RecycledFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, decode_cursor, encode_cursor, get
from mydia.errors import Conflict, Invalid, NotFound

FILES = ("keep", "recycle", "delete")
"""What may become of the files of a title that is removed."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did."""

    files: int
    size_bytes: int
    batch_id: str | None
    """For `undo_batch`; None when no file was touched."""
    failures: tuple[str, ...]
    """Sentences, one for each file that stayed."""


@dataclass(frozen=True, slots=True)
class RecyclePage:
    """A page of the recycle bin, newest first."""

    files: tuple[RecycledFile, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Going:
    """A file that is to go, with all that is needed."""

    path: Path
    root: Path
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
) -> Removed:
    """Take a title out of the library.

    Args:
        files: `keep` leaves them where they are and never asks about them again, `recycle` moves them to the recycle
            bin, `delete` deletes them for good.

    Raises:
        Conflict: The library folder is not there: the files would only seem gone. Or some file stayed; then the title
            stays, too.

    Emits: FileRemoved, MediaRemoved.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if files not in FILES:
        raise Invalid(f"“{files}” is not a choice. Choose one of {', '.join(FILES)}.", fields={"files": "Choose one."})
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        own_folder = item.folder
        going = _files_of(session, item_id, own_folder, item.library_path_id)
    if files == "keep":
        with database.writes() as session:
            _keep_files(session, caller, now, item_id)
            media.remove_row(session, caller, now, item_id, files_deleted=0)
        return Removed(0, 0, None, ())
    removed = _take_out(database, outside, caller, now, going, f"remove {item_id}", for_good=files == "delete")
    if removed.failures:
        raise Conflict(f"{removed.failures[0]} The title stays until all its files are gone.")
    with database.writes() as session:
        media.remove_row(session, caller, now, item_id, files_deleted=removed.files)
    return removed


def remove_files(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    file_ids: Sequence[str],
    *,
    for_good: bool = False,
) -> Removed:
    """Take files out of the library, into the recycle bin unless `for_good`. Emits: FileRemoved."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(file_ids))).all()
        if not rows:
            raise NotFound("This file is not in the library (any more).")
        going = _with_sidecars(session, rows)
    return _take_out(database, outside, caller, now, going, "remove", for_good=for_good)


def remove_file(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    file_id: str,
    *,
    for_good: bool = False,
) -> Removed:
    """Take one file out of the library, into the recycle bin unless `for_good`. Emits: FileRemoved."""
    removed = remove_files(database, outside, caller, now, [file_id], for_good=for_good)
    if removed.failures:
        raise Conflict(removed.failures[0])
    return removed


def _files_of(session: Session, item_id: str, folder: str | None, library_path_id: str | None) -> list[_Going]:
    rows = list(session.scalars(select(MediaFile).where(MediaFile.media_item_id == item_id)))
    if folder and library_path_id:
        # Extras and samples in the title's own folder go with it.
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
    roots = {path.id: Path(path.path) for path in settings.list_library_paths(session)}
    going = [
        _Going(
            roots[row.library_path_id] / to_os(row.relative_path),
            roots[row.library_path_id],
            row.id,
            row.media_item_id or item_id,
            row.size_bytes,
        )
        for row in rows
    ]
    sidecars = session.scalars(select(Sidecar).where(Sidecar.file_id.in_([row.id for row in rows]))).all()
    beside = [
        _Going(
            roots[row.library_path_id] / to_os(row.relative_path),
            roots[row.library_path_id],
            row.id,
            item_id,
            row.size_bytes,
        )
        for row in sidecars
    ]
    # Beside first: their rows hang on the video's row.
    return [*beside, *going]


def _take_out(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    going: Sequence[_Going],
    cause: str,
    *,
    for_good: bool,
) -> Removed:
    for root in {one.root for one in going}:
        _check_root(outside, root)
    with database.reads() as session:
        chosen = settings.of(session).library
    for_good = for_good or chosen.recycle_days == 0
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
                "delete" if for_good else "recycle",
                path,
                None if for_good else recycle_place(chosen.recycle_directory, one.root, batch_id, path),
                fingerprint(outside.files, path),
                one.row_id,
                one.media_item_id,
                one.size_bytes,
            )
        )
    with database.writes() as session:
        _forget_gone(session, now, gone)
        ids = write_steps(session, now, caller, batch_id, cause, steps)
    failures = run_steps(database, outside, caller, now, ids)
    for one in going:
        try:
            outside.files.remove_empty_parents(one.path, one.root)
        except AdapterError:
            continue
    return Removed(
        len(going) - len(failures), sum(one.size_bytes for one in going), batch_id if steps else None, tuple(failures)
    )


def _check_root(outside: Outside, root: Path) -> None:
    state = outside.files.mount_state(root)
    if not state.exists or state.empty is not False:
        raise Conflict(f"{root} is not there or empty. Mount the disk first; nothing was changed.")


def _forget_gone(session: Session, now: datetime, gone: Sequence[_Going]) -> None:
    """Drop the rows of files that are not on disk any more."""
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
    """Put a removed title's files aside, else the next scan would add it again."""
    item = media.get_item(session, caller, item_id)
    rows = session.scalars(select(MediaFile).where(MediaFile.media_item_id == item_id)).all()
    by_folder: dict[tuple[str, str], list[MediaFile]] = {}
    for row in rows:
        folder = item.folder or row.relative_path.rpartition("/")[0]
        by_folder.setdefault((row.library_path_id, folder), []).append(row)
    for (library_path_id, folder), files in by_folder.items():
        key = f"removed {item_id}"
        entry = InboxEntry(
            library_path_id=library_path_id,
            folder=folder,
            group_key=key,
            type=item.type,
            title=item.title,
            year=item.year,
            state="ignored",
            files_count=len(files),
            size_bytes=sum(file.size_bytes for file in files),
            parsed={"files": [{"id": file.id, "path": shown(file.relative_path)} for file in files]},
            candidates=[],
            reason="The title was removed and its files were kept.",
            decided_by=caller.id,
            decided_at=now,
            created_at=now,
            updated_at=now,
        )
        session.add(entry)
        session.flush()
        for file in files:
            file.media_item_id = file.version_id = None
            file.match_state, file.inbox_id = "ignored", entry.id
    session.flush()


def recycle_place(directory: str | None, root: Path, batch_id: str, path: Path) -> Path:
    """Return the path of a file in the recycle bin: in a folder of its batch, so that names never collide.

    Args:
        directory: The setting `library.recycle_directory`; None keeps the bin in the library folder.
    """
    bin_ = Path(directory) / (root.name or "root") if directory else root / RECYCLE_FOLDER
    return bin_ / batch_id / path.relative_to(root)


# --- the bin -------------------------------------------------------------------------------------------------------------


def list_recycled(session: Session, caller: Caller, *, cursor: str | None = None, limit: int = 50) -> RecyclePage:
    """Return what is in the recycle bin, newest first."""
    caller.require(Permission.MANAGE_MEDIA)
    query = select(RecycledFile).order_by(RecycledFile.id.desc()).limit(limit + 1)
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(RecycledFile.id < key[0])
    rows = session.scalars(query).all()
    return RecyclePage(tuple(rows[:limit]), encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


def recycled_totals(session: Session) -> tuple[int, int]:
    """Return how many files the bin holds and how many bytes."""
    number, size = session.execute(
        select(func.count(), func.coalesce(func.sum(RecycledFile.size_bytes), 0)).select_from(RecycledFile)
    ).one()
    return int(number), int(size)


def restore_file(database: Database, outside: Outside, caller: Caller, now: datetime, recycled_id: str) -> str:
    """Bring a file back to where it was and return that path.

    Raises:
        Conflict: Another file has its name now, or it is not in the bin any more.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        row = get(session, RecycledFile, recycled_id, what="This file")
        path = None if row.library_path_id is None else settings.get_library_path(session, row.library_path_id)
    if path is None:
        raise Conflict("The library folder it came from is not set up any more.")
    target = _home(path, row)
    source = Path(to_os(row.present_path))
    if outside.files.exists(target):
        raise Conflict(f"{shown(str(target))} exists already. Move it away first.")
    batch_id = clock.new_id()
    step = Step("restore", source, target, fingerprint(outside.files, source), None, row.media_item_id, row.size_bytes)
    with database.writes() as session:
        ids = write_steps(session, now, caller, batch_id, f"restore {recycled_id}", [step])
    if failures := run_steps(database, outside, caller, now, ids):
        raise Conflict(failures[0])
    _tidy(outside, source)
    return str(target)


def _home(path: LibraryPath, row: RecycledFile) -> Path:
    prefix = f"{path.path}/"
    if not row.original_path.startswith(prefix):
        raise Conflict("Its library folder has moved since; copy it back by hand.")
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
    """Delete for good what has been in the bin long enough, or these files; return how many went."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        query = select(RecycledFile).order_by(RecycledFile.expires_at).limit(limit)
        query = (
            query.where(RecycledFile.id.in_(recycled_ids))
            if recycled_ids is not None
            else query.where(RecycledFile.expires_at <= now)
        )
        rows = session.scalars(query).all()
    steps: list[Step] = []
    vanished: list[str] = []
    for row in rows:
        path = Path(to_os(row.present_path))
        try:
            steps.append(
                Step("delete", path, None, fingerprint(outside.files, path), None, row.media_item_id, row.size_bytes)
            )
        except NotFound:
            vanished.append(row.id)
        except AdapterError:
            continue
    with database.writes() as session:
        for recycled_id in vanished:
            if (gone := session.get(RecycledFile, recycled_id)) is not None:
                session.delete(gone)
        ids = write_steps(session, now, caller, clock.new_id(), "expire", steps)
    failures = run_steps(database, outside, caller, now, ids)
    for step in steps:
        if step.source is not None:
            _tidy(outside, step.source)
    return len(steps) - len(failures) + len(vanished)


def _tidy(outside: Outside, path: Path) -> None:
    """Remove the folders in the bin that have become empty."""
    bin_ = next((parent for parent in path.parents if parent.name == RECYCLE_FOLDER), None)
    if bin_ is not None:
        outside.files.remove_empty_parents(path, bin_)

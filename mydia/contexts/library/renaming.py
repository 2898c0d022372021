"""Rename files by the templates: first a preview, then the rename, with each step in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library import journal, mounts, naming, scoring
from mydia.contexts.library.filekinds import disc_folder, title_folder
from mydia.contexts.library.journal import Step
from mydia.contexts.library.models import FileEpisode, JournalEntry, MediaFile, Sidecar
from mydia.contexts.library.naming_facts import naming_facts, rules_of
from mydia.contexts.library.words import Operation
from mydia.contexts.media import EpisodeRef, MediaItem
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, NotFound
from mydia.events import FilesRenamed, emit
from mydia.runs import Run, Unwatched
from mydia.vocabulary import MediaType


class RenameLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file with its old and new name."""

    id: str
    """Id of the file or sidecar."""
    media_item_id: str
    kind: str
    """`video`, `extra` or `sidecar`."""
    old: str
    new: str
    """Both paths are relative to the library folder."""
    objection: str | None = None
    """Why it cannot be renamed."""

    @property
    def changes(self) -> bool:
        """Whether the name differs."""
        return self.old != self.new


class Renamed(msgspec.Struct, frozen=True):
    """The result of a rename."""

    batch_id: str | None
    """For `undo_batch`; None if nothing changed."""
    files: int
    failures: tuple[str, ...] = ()


def rename_preview(
    session: Session, outside: Outside, caller: Caller, item_ids: Sequence[str], *, folders: bool = False
) -> list[RenameLine]:
    """Return the new names of the files of some titles. Nothing is changed.

    Args:
        folders: Also rename the titles' folders with their content.
    """
    caller.require(Permission.MANAGE_MEDIA)
    lines: list[RenameLine] = []
    for item_id in item_ids:
        lines += _lines(session, media.get_item(session, caller, item_id), folders=folders)
    return _judged(session, outside, lines)


def rename(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_ids: Sequence[str],
    *,
    file_ids: Sequence[str] | None = None,
    folders: bool = False,
    run: Run | None = None,
    batch_id: str | None = None,
) -> Renamed:
    """Rename files as `rename_preview` shows; files with an objection keep their names.

    Args:
        file_ids: Only these files, with their sidecars; None renames all.
        batch_id: A new id for the batch of the journal; None makes one.

    Emits: FilesRenamed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    run = run or Unwatched()
    with database.reads() as session:
        lines = rename_preview(session, outside, caller, item_ids, folders=folders)
        roots = _roots(session, lines)
        path_ids = {Path(path.path): path.id for path in settings.library_paths.list_library_paths(session, SYSTEM)}
        if file_ids is not None:
            wanted = set(file_ids) | set(session.scalars(select(Sidecar.id).where(Sidecar.file_id.in_(file_ids))))
            lines = [line for line in lines if line.id in wanted]
    # First, because on an unmounted disk every file seems to be gone.
    mounts.require_mounted(
        database,
        outside.files,
        [path_ids[roots[line.id]] for line in lines if line.changes],
        concerned=[roots[line.id] / to_os(line.old) for line in lines if line.changes],
    )
    todo = [line for line in lines if line.changes and line.objection is None]
    if not todo:
        return Renamed(None, 0, tuple(line.objection for line in lines if line.objection))
    batch_id = batch_id or clock.new_id()
    failures = [line.objection for line in lines if line.objection]
    done: dict[str, int] = {}
    with journal.working_on(batch_id):
        for place, line in enumerate(todo):
            if run.cancelled():
                break
            run.progress(place, len(todo), shown(line.old))
            sentences = _rename_one(database, outside, caller, now, batch_id, place, line, roots[line.id])
            failures += sentences
            if not sentences:
                done[line.media_item_id] = done.get(line.media_item_id, 0) + 1
    with database.writes() as session:
        for item_id, number in done.items():
            sync_folder(session, caller, now, item_id)
            emit(session, caller, FilesRenamed(item_id, batch_id, number), at=now)
    return Renamed(batch_id if done else None, sum(done.values()), tuple(failures))


def undo_rename(database: Database, outside: Outside, caller: Caller, now: datetime, batch_id: str) -> list[str]:
    """Undo a rename; return messages about files that keep the new name."""
    failures = journal.undo_batch(database, outside, caller, now, batch_id)
    with database.writes() as session:
        items = session.scalars(
            select(JournalEntry.media_item_id).where(JournalEntry.batch_id == batch_id).distinct()
        ).all()
        for item_id in items:
            if item_id is not None:
                sync_folder(session, caller, now, item_id)
    return failures


def sync_folder(session: Session, caller: Caller, now: datetime, item_id: str) -> None:
    """Store the folder of a title's files, if they are all in one folder."""
    item = session.get(MediaItem, item_id)
    if item is None:
        return
    paths = session.scalars(
        select(MediaFile.relative_path).where(
            MediaFile.media_item_id == item_id,
            MediaFile.kind == "video",
            MediaFile.library_path_id == item.library_path_id,
        )
    ).all()
    folders = {title_folder(path) if item.type == MediaType.TV_SHOW else path.rpartition("/")[0] for path in paths}
    if len(folders) == 1 and (folder := folders.pop()) and folder != item.folder:
        media.change_item(session, caller, now, item_id, {"folder": folder})


def _lines(session: Session, item: MediaItem, *, folders: bool) -> list[RenameLine]:
    rows = session.scalars(
        select(MediaFile)
        .where(MediaFile.media_item_id == item.id, MediaFile.missing_since.is_(None))
        .order_by(MediaFile.relative_path)
    ).all()
    episodes = (
        {ref.id: ref for ref in media.episodes.episodes_of(session, SYSTEM, item.id)}
        if item.type == MediaType.TV_SHOW
        else {}
    )
    linked: dict[str, list[EpisodeRef]] = {}
    for file_id, episode_id in session.execute(
        select(FileEpisode.file_id, FileEpisode.episode_id).where(FileEpisode.file_id.in_([row.id for row in rows]))
    ):
        if episode_id in episodes:
            linked.setdefault(file_id, []).append(episodes[episode_id])
    suffixes = {version.id: version.suffix for version in item.versions}
    lines: list[RenameLine] = []
    for row in rows:
        if row.kind != "video" or (item.type == MediaType.TV_SHOW and row.id not in linked):
            continue
        if disc_folder(row.relative_path) is not None:
            continue  # players need the original names of a disc's streams
        rules = rules_of(settings.naming_rules.get_naming_set(session, SYSTEM, row.library_path_id))
        columns: dict[str, Any] = {name: getattr(row, name) for name in _NAMED}
        columns["custom_formats"] = scoring.names_of_formats(
            session,
            item,
            {name: getattr(row, name) for name in scoring.LOOKED_AT},
            row.relative_path.rpartition("/")[2].rpartition(".")[0],
            len(linked.get(row.id, ())),
        )
        extension = f".{row.relative_path.rpartition('.')[2]}"
        facts = naming_facts(
            item, linked.get(row.id, ()), columns, extension, suffix=suffixes.get(row.version_id or "")
        )
        folder = None if folders or not item.folder else item.folder
        new = (
            naming.movie_path(rules, facts, folder=folder)
            if item.type == MediaType.MOVIE
            else naming.episode_path(rules, facts, folder=folder)
        )
        lines.append(RenameLine(id=row.id, media_item_id=item.id, kind="video", old=row.relative_path, new=new))
        lines += _beside(session, row, item.id, new)
    if folders and item.folder and item.library_path_id:
        lines += _rest_of_folder(session, item, lines)
    return lines


_NAMED = (
    "quality",
    "edition",
    "release_group",
    "release_name",
    "video_codec",
    "bit_depth",
    "hdr_format",
    "audio_codec",
    "audio_channels",
    "languages",
    "streams",
)


def _beside(session: Session, row: MediaFile, item_id: str, new: str) -> list[RenameLine]:
    """Rename sidecars with the video's name; a `poster.jpg` only moves if the folder changes."""
    old_stem, new_stem = row.relative_path.rpartition(".")[0], new.rpartition(".")[0]
    found = session.scalars(select(Sidecar).where(Sidecar.file_id == row.id)).all()
    return [
        RenameLine(
            id=one.id,
            media_item_id=item_id,
            kind="sidecar",
            old=one.relative_path,
            new=new_stem + one.relative_path[len(old_stem) :],
        )
        for one in found
        if one.relative_path.startswith(f"{old_stem}.") or one.relative_path.startswith(f"{old_stem}-")
    ]


def _rest_of_folder(session: Session, item: MediaItem, lines: list[RenameLine]) -> list[RenameLine]:
    """Move extras, artwork and NFO files when a title's folder is renamed."""
    tops = {
        title_folder(line.new) if item.type == MediaType.TV_SHOW else line.new.rpartition("/")[0]
        for line in lines
        if line.kind == "video"
    }
    if len(tops) != 1 or (top := tops.pop()) == item.folder or not top:
        return []
    known = {line.id for line in lines}
    prefix = f"{item.folder}/"
    found: list[RenameLine] = []
    for kind, table in (("extra", MediaFile), ("sidecar", Sidecar)):
        rows = session.execute(
            select(table.id, table.relative_path).where(
                table.library_path_id == item.library_path_id, table.relative_path.startswith(prefix, autoescape=True)
            )
        )
        found += [
            RenameLine(id=id_, media_item_id=item.id, kind=kind, old=path, new=f"{top}/{path[len(prefix) :]}")
            for id_, path in rows
            if id_ not in known
        ]
    return found


def _roots(session: Session, lines: Sequence[RenameLine]) -> dict[str, Path]:
    paths = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, SYSTEM)}
    ids = [line.id for line in lines]
    found: dict[str, Path] = {}
    for table in (MediaFile, Sidecar):
        for id_, path_id in session.execute(select(table.id, table.library_path_id).where(table.id.in_(ids))):
            found[id_] = paths[path_id]
    return found


def _judged(session: Session, outside: Outside, lines: list[RenameLine]) -> list[RenameLine]:
    """Add to each line why it cannot be renamed."""
    roots = _roots(session, lines)
    wanted: dict[tuple[Path, str], str] = {}
    judged: list[RenameLine] = []
    for line in lines:
        root = roots[line.id]
        key = (root, line.new.casefold())
        objection = None
        if line.changes:
            if key in wanted:
                objection = f"{wanted[key]} would have the same name."
            else:
                objection = _objection(outside, root, line)
        wanted.setdefault(key, shown(line.old))
        judged.append(
            RenameLine(
                id=line.id,
                media_item_id=line.media_item_id,
                kind=line.kind,
                old=line.old,
                new=line.new,
                objection=objection,
            )
        )
    return judged


def _objection(outside: Outside, root: Path, line: RenameLine) -> str | None:
    source, target = root / to_os(line.old), confine(root, line.new)
    try:
        if not outside.files.exists(source):
            return f"{shown(line.old)} does not exist. Scan the folder first."
        if outside.files.exists(target) and not outside.files.same_file(source, target):
            return f"Another file is already named {shown(line.new)}."
    except AdapterError as error:
        return error.cause
    return None


def _rename_one(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    batch_id: str,
    place: int,
    line: RenameLine,
    root: Path,
) -> list[str]:
    source, target = confine(root, line.old), confine(root, line.new)
    try:
        proof = journal.fingerprint(outside.files, source)
        facts = outside.files.facts(source)
    except (AdapterError, NotFound) as error:
        return [str(error)]
    size = facts.size_bytes if facts is not None else None
    with database.writes() as session:
        ids = journal.write_steps(
            session, now, caller, batch_id, journal.Cause.RENAME,
            [
                Step(
                    operation=Operation.RENAME,
                    source=source,
                    target=target,
                    fingerprint=proof,
                    file_id=line.id,
                    media_item_id=line.media_item_id,
                    size_bytes=size,
                )
            ],
            unit=place,
        )  # fmt: skip
    failures = journal.run_steps(database, outside, caller, now, ids)
    if not failures:
        try:
            outside.files.remove_empty_parents(source, root)
        except (AdapterError, Conflict):
            return []
    return failures

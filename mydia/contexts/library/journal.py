"""Every file operation is written down before it happens, so that a process killed at any instruction loses nothing.

A single step (rename, recycle, restore, delete) is planned, performed and settled: `perform` looks at the disk first and
does only what is left to do, so running it again after a crash is the same as running it once, and `settle` writes what
follows in the database in one transaction with the step's end. Steps of one `unit` that bring a file in stay planned
until the transaction that stores its row: a crash before it takes all of them back, a crash after it goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import PART_PREFIX, PART_SUFFIX, Files, shown, to_os, to_text
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import FileEpisode, JournalEntry, MediaFile, RecycledFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, MydiaError, NotFound
from mydia.events import FileRemoved, emit

logger = logging.getLogger(__name__)

BRINGS_IN = ("link", "reflink", "copy", "move")
"""Operations by which a file from outside gets its name in the library."""

in_flight: set[str] = set()
"""Batches that this process is working on: not left by a crash."""

type AfterStep = Callable[[str], None]
"""Called with the name of each point that was passed; tests kill the process in it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to be written down."""

    operation: str
    source: Path | None
    target: Path | None
    fingerprint: str | None = None
    file_id: str | None = None
    media_item_id: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the steps that a crash left open."""

    completed: int = 0
    taken_back: int = 0
    failed: tuple[str, ...] = ()
    """Sentences about what could neither be completed nor taken back."""


def nothing_after(_point: str) -> None:
    """Go on."""


def fingerprint(files: Files, path: Path) -> str:
    """Return what proves that a path holds a certain file: its size with a hash, and its inode for the record.

    Raises:
        NotFound: Nothing is there.
    """
    facts = files.facts(path)
    if facts is None:
        raise NotFound(f"{shown(str(path))} is not there (any more).")
    digest = files.oshash(path) or files.sha256(path)
    return f"{facts.inode}:{facts.device}|{facts.size_bytes}:{digest}"


def is_it(files: Files, path: Path, proof: str | None) -> bool:
    """Say whether a path holds the file with this fingerprint: the same size and hash.

    The inode alone proves nothing: a file system gives the number of a deleted file to the next one.
    """
    facts = files.facts(path)
    if facts is None or proof is None or facts.is_folder:
        return False
    size, _, digest = proof.partition("|")[2].partition(":")
    return size == str(facts.size_bytes) and digest == (files.oshash(path) or files.sha256(path))


def write_steps(
    session: Session,
    now: datetime,
    caller: Caller,
    batch_id: str,
    cause: str,
    steps: Sequence[Step],
    *,
    unit: int = 0,
) -> list[str]:
    """Write steps down as planned and return their ids in order; the transaction must end before the first happens."""
    last = session.scalars(
        select(JournalEntry.step).where(JournalEntry.batch_id == batch_id).order_by(JournalEntry.step.desc()).limit(1)
    ).first()
    first = 0 if last is None else last + 1
    rows = [
        JournalEntry(
            batch_id=batch_id,
            step=first + place,
            unit=unit,
            operation=step.operation,
            source=None if step.source is None else to_text(str(step.source)),
            target=None if step.target is None else to_text(str(step.target)),
            size_bytes=step.size_bytes,
            fingerprint=step.fingerprint,
            cause=cause,
            media_item_id=step.media_item_id,
            file_id=step.file_id,
            actor=caller.name,
            at=now,
        )
        for place, step in enumerate(steps)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def run_steps(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    step_ids: Sequence[str],
    *,
    after_step: AfterStep = nothing_after,
) -> list[str]:
    """Perform and settle planned single steps, one after the other; return sentences about those that failed."""
    failures: list[str] = []
    for step_id in step_ids:
        with database.reads() as session:
            entry = session.get(JournalEntry, step_id)
        if entry is None or entry.state != "planned":
            continue
        try:
            perform(outside.files, entry)
        except MydiaError as error:
            with database.writes() as session:
                if _fail(session, now, step_id, str(error)):
                    failures.append(str(error))
            continue
        after_step(f"{entry.operation} performed")
        with database.writes() as session:
            settle(session, caller, now, step_id)
        after_step(f"{entry.operation} settled")
    return failures


# --- on the disk -------------------------------------------------------------------------------------------------------


def perform(files: Files, entry: JournalEntry) -> None:
    """Do what is left to do of a single step; doing it twice is doing it once.

    Raises:
        Conflict: Another file is at the target.
        NotFound: The file is at neither place.
        AdapterError: The disk refuses.
    """
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == "mkdir":
        assert target is not None
        files.make_folder(target)
    elif entry.operation == "delete":
        assert source is not None
        # Only the file that was meant: another one may have taken its name since.
        if files.exists(source) and is_it(files, source, entry.fingerprint):
            files.delete(source)
    else:
        assert source is not None
        assert target is not None
        _bring(files, source, target, entry.fingerprint)


def _bring(files: Files, source: Path, target: Path, proof: str | None) -> None:
    """Move a file from one place to another, from wherever a crash may have left it."""
    here, there = files.exists(source), files.exists(target)
    if there and is_it(files, target, proof):
        # A copy between two disks that was complete when the process died.
        if here and is_it(files, source, proof) and not files.same_file(source, target):
            files.delete(source)
        elif here and files.same_file(source, target) and source != target:
            _drop_second_name(files, source, target)
        return
    if not here:
        raise NotFound(f"{shown(str(source))} is not there (any more).")
    if there:
        raise Conflict(f"{shown(str(target))} exists already and is another file. Move it away first.")
    files.move(source, target)


def _drop_second_name(files: Files, source: Path, target: Path) -> None:
    # On a file system that ignores case both names are one and must not be deleted.
    if str(source).casefold() == str(target).casefold():
        with suppress(Conflict):
            files.rename(source, target)
        return
    files.delete(source)


def clear_parts(files: Files, folder: Path) -> None:
    """Delete what copies that were cut off left in a folder."""
    try:
        names = files.list_folder(folder)
    except AdapterError:
        return
    for name in names:
        if name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX):
            files.delete(folder / to_os(name))


# --- in the database ---------------------------------------------------------------------------------------------------


def settle(session: Session, caller: Caller, now: datetime, step_id: str) -> None:
    """Write what follows from a performed step, and that it is done, in one transaction."""
    entry = session.get(JournalEntry, step_id)
    if entry is None or entry.state in ("done", "undone"):
        return
    # `failed` is overruled: it was performed after all, by another process at the same moment.
    entry.state, entry.finished_at, entry.error = "done", now, None
    match entry.operation:
        case "rename":
            _settle_rename(session, now, entry)
        case "recycle":
            _settle_recycle(session, caller, now, entry)
        case "delete":
            _settle_delete(session, caller, now, entry)
        case "restore":
            _settle_restore(session, now, entry)


def _settle_rename(session: Session, now: datetime, entry: JournalEntry) -> None:
    path = _library_of(session, entry.target or "")
    if path is None:
        return
    relative = (entry.target or "")[len(path.path) + 1 :]
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    if row is not None:
        row.relative_path, row.library_path_id, row.verified_at = relative, path.id, now
        return
    sidecar = session.get(Sidecar, entry.file_id) if entry.file_id else None
    if sidecar is not None:
        sidecar.relative_path, sidecar.library_path_id = relative, path.id


def _settle_recycle(session: Session, caller: Caller, now: datetime, entry: JournalEntry) -> None:
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    path = _library_of(session, entry.source or "")
    days = settings.of(session).library.recycle_days
    session.add(
        RecycledFile(
            library_path_id=None if path is None else path.id,
            original_path=entry.source or "",
            present_path=entry.target or "",
            size_bytes=entry.size_bytes or 0,
            facts={} if row is None else row_facts(session, row),
            media_item_id=entry.media_item_id,
            reason=entry.cause,
            recycled_at=now,
            expires_at=now + timedelta(days=max(days, 1)),
        )
    )
    if row is not None:
        _forget(session, caller, now, row, entry, recycled=True)
    else:
        _forget_sidecar(session, entry)


def _settle_delete(session: Session, caller: Caller, now: datetime, entry: JournalEntry) -> None:
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    if row is not None:
        _forget(session, caller, now, row, entry, recycled=False)
    else:
        _forget_sidecar(session, entry)
    for recycled in session.scalars(select(RecycledFile).where(RecycledFile.present_path == entry.source)):
        session.delete(recycled)


def _settle_restore(session: Session, now: datetime, entry: JournalEntry) -> None:
    recycled = session.scalars(select(RecycledFile).where(RecycledFile.present_path == entry.source)).first()
    if recycled is None:
        return
    if recycled.facts:
        restore_row(session, now, recycled)
    session.delete(recycled)


def _forget(
    session: Session, caller: Caller, now: datetime, row: MediaFile, entry: JournalEntry, *, recycled: bool
) -> None:
    item_id = row.media_item_id
    emit(
        session,
        caller,
        FileRemoved(item_id, row.id, shown(row.relative_path), recycled, _reason(entry.cause)),
        at=now,
    )
    session.delete(row)
    session.flush()
    if item_id is not None and session.get(media.MediaItem, item_id) is not None:
        refresh_holdings(session, now, item_id)


def _forget_sidecar(session: Session, entry: JournalEntry) -> None:
    sidecar = session.get(Sidecar, entry.file_id) if entry.file_id else None
    if sidecar is not None:
        session.delete(sidecar)


def _reason(cause: str) -> str:
    word = cause.partition(" ")[0]
    return {"import": "upgraded", "remove": "removed", "undo": "taken back", "expire": "expired"}.get(word, word)


def _library_of(session: Session, path: str) -> LibraryPath | None:
    for folder in settings.list_library_paths(session):
        if path.startswith(f"{folder.path}/"):
            return folder
    return None


_FACTS = tuple(column.key for column in MediaFile.__table__.columns)
_INSTANTS = ("analysed_at", "added_at", "verified_at", "missing_since")


def row_facts(session: Session, row: MediaFile) -> dict[str, Any]:
    """Return a file's row as JSON, with its episodes, so that it can come back as it was."""
    facts: dict[str, Any] = {}
    for name in _FACTS:
        value = getattr(row, name)
        facts[name] = value.isoformat() if isinstance(value, datetime) else value
    facts["episodes"] = [
        {"episode_id": episode_id, "part": part}
        for episode_id, part in session.execute(
            select(FileEpisode.episode_id, FileEpisode.part).where(FileEpisode.file_id == row.id)
        )
    ]
    return facts


def restore_row(session: Session, now: datetime, recycled: RecycledFile) -> None:
    """Bring a file's row back as it was, as far as what it was linked to is still here."""
    facts = dict(recycled.facts)
    episodes = facts.pop("episodes", [])
    values = {name: facts[name] for name in _FACTS if name in facts}
    for name in _INSTANTS:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    if session.get(MediaFile, values["id"]) is not None or session.get(LibraryPath, values["library_path_id"]) is None:
        return
    item_id = values.get("media_item_id")
    if item_id is None or session.get(media.MediaItem, item_id) is None:
        # The title went meanwhile: the file is looked at anew.
        values |= {"media_item_id": None, "version_id": None, "match_state": "new"}
        item_id = None
    elif values.get("version_id") is None or session.get(media.Version, values["version_id"]) is None:
        values["version_id"] = media.default_version(session, item_id).id
    values |= {"inbox_id": None, "missing_since": None, "verified_at": now}
    session.add(MediaFile(**values))
    session.flush()
    for link in episodes:
        if item_id is not None and session.get(media.Episode, link["episode_id"]) is not None:
            session.add(FileEpisode(file_id=values["id"], episode_id=link["episode_id"], part=link.get("part")))
    session.flush()
    if item_id is not None:
        refresh_holdings(session, now, item_id)


def _fail(session: Session, now: datetime, step_id: str, sentence: str) -> bool:
    """Note that a step failed; False when another process has brought it to its end meanwhile."""
    entry = session.get(JournalEntry, step_id)
    if entry is None or entry.state != "planned":
        return False
    entry.state, entry.error, entry.finished_at = "failed", sentence, now
    return True


# --- after a crash -----------------------------------------------------------------------------------------------------


def recover_journal(
    database: Database, outside: Outside, now: datetime, *, after_step: AfterStep = nothing_after
) -> Recovered:
    """Bring every step that a crash left open to an end; called when a worker starts, before it takes jobs.

    A file that was on its way in goes back to where it came from, for its import starts again by itself; everything else
    is completed. What is decided is decided by looking at the disk.
    """
    with database.reads() as session:
        open_entries = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.state == "planned")
            .order_by(JournalEntry.batch_id, JournalEntry.step)
        ).all()
    units: dict[tuple[str, int], list[JournalEntry]] = {}
    for entry in open_entries:
        if entry.batch_id in in_flight:
            continue
        units.setdefault((entry.batch_id, entry.unit), []).append(entry)
    completed = taken_back = 0
    failed: list[str] = []
    for entries in units.values():
        if any(entry.operation in BRINGS_IN for entry in entries):
            for folder in {Path(to_os(entry.target)).parent for entry in entries if entry.target}:
                clear_parts(outside.files, folder)
            sentences = take_back(database, outside.files, now, entries, after_step=after_step)
            taken_back += not sentences
            failed += sentences
        else:
            ids = [entry.id for entry in entries]
            sentences = run_steps(database, outside, SYSTEM, now, ids, after_step=after_step)
            completed += len(ids) - len(sentences)
            failed += sentences
    if open_entries:
        logger.info(
            "journal recovered", extra={"completed": completed, "taken_back": taken_back, "failed": len(failed)}
        )
    return Recovered(completed, taken_back, tuple(failed))


def take_back(
    database: Database,
    files: Files,
    now: datetime,
    entries: Sequence[JournalEntry],
    *,
    after_step: AfterStep = nothing_after,
) -> list[str]:
    """Undo, last step first, what a unit that brings a file in has done before its row was stored.

    Nothing is deleted that does not exist elsewhere too: if the source is gone meanwhile, what was placed stays, and the
    next scan finds it.
    """
    sentences: list[str] = []
    for entry in sorted(entries, key=lambda one: one.step, reverse=True):
        state, sentence = "undone", None
        try:
            _take_back_one(files, entry)
        except MydiaError as error:
            state, sentence = "failed", str(error)
            sentences.append(str(error))
        after_step(f"{entry.operation} taken back")
        with database.writes() as session:
            row = session.get(JournalEntry, entry.id)
            if row is not None:
                row.state, row.error, row.finished_at = state, sentence, now
    return sentences


def _take_back_one(files: Files, entry: JournalEntry) -> None:
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == "mkdir":
        # An empty folder hurts nobody, and somebody else may be about to use it.
        return
    if source is None or target is None:
        return
    if not (files.exists(target) and is_it(files, target, entry.fingerprint)):
        return
    if entry.operation in ("link", "reflink", "copy"):
        if is_it(files, source, entry.fingerprint):
            files.delete(target)
        elif target.name.startswith(PART_PREFIX):
            raise Conflict(
                f"{shown(source.name)} is gone from where it was; what is left of it is kept at {shown(str(target))}."
            )
    # move, rename, recycle: put it back where it was.
    elif not files.exists(source):
        files.move(target, source)
    elif is_it(files, source, entry.fingerprint) and not files.same_file(source, target):
        files.delete(target)


# --- taking back what is done ----------------------------------------------------------------------------------------------


def undo_batch(database: Database, outside: Outside, caller: Caller, now: datetime, batch_id: str) -> list[str]:
    """Take a whole import, rename or removal back, last step first; return sentences about what could not be.

    Raises:
        NotFound: There is no such batch.
        Conflict: A name that is needed again is taken, a file that was linked has no other place any more, …; nothing
            was changed then.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entries = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.batch_id == batch_id, JournalEntry.state == "done")
            .order_by(JournalEntry.step.desc())
        ).all()
    if not entries:
        raise NotFound("There is nothing (left) to take back here.")
    disk = _Imagined(outside.files)
    steps = [(entry, step) for entry in entries if (step := _opposite(disk, entry)) is not None]
    undo_id = clock.new_id()
    with database.writes() as session:
        ids = write_steps(session, now, caller, undo_id, f"undo {batch_id}", [step for _, step in steps])
    failures = run_steps(database, outside, caller, now, ids)
    with database.writes() as session:
        done = {
            row.step
            for row in session.scalars(
                select(JournalEntry).where(JournalEntry.batch_id == undo_id, JournalEntry.state == "done")
            )
        }
        for place, (entry, _) in enumerate(steps):
            row = session.get(JournalEntry, entry.id)
            if row is not None and place in done:
                row.state = "undone"
    return failures


class _Imagined:
    """The disk as it will be after the steps thought of so far, so that a whole batch is judged before it begins."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._changed: dict[Path, str | None] = {}

    def holds(self, path: Path, proof: str | None) -> bool:
        """Say whether a path will hold a file."""
        if path in self._changed:
            return self._changed[path] is not None and self._changed[path] == proof
        return is_it(self._files, path, proof)

    def taken(self, path: Path) -> bool:
        """Say whether anything will be at a path."""
        return self._changed[path] is not None if path in self._changed else self._files.exists(path)

    def put(self, path: Path, proof: str | None) -> None:
        """Note what will be at a path; None for nothing."""
        self._changed[path] = proof


def _opposite(disk: _Imagined, entry: JournalEntry) -> Step | None:
    """Return the step that takes a step back, or None when there is nothing to do. Raises Conflict when it cannot be."""
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == "mkdir" or source is None:
        return None
    if entry.operation == "delete":
        raise Conflict(f"{shown(source.name)} was deleted for good and cannot come back.")
    assert target is not None
    proof = entry.fingerprint
    if not disk.holds(target, proof):
        raise Conflict(f"{shown(str(target))} is not there any more, or is another file.")
    operation, place = {"recycle": "restore", "restore": "recycle"}.get(entry.operation, "rename"), source
    if entry.operation in ("link", "reflink", "copy"):
        if not disk.holds(source, proof):
            raise Conflict(f"{shown(target.name)} exists only in the library now; removing it would lose it.")
        operation = "delete"
    elif disk.taken(source):
        raise Conflict(f"{shown(str(source))} is taken by another file. Move that away first.")
    else:
        disk.put(source, proof)
    disk.put(target, None)
    return Step(
        operation,
        target,
        None if operation == "delete" else place,
        proof,
        entry.file_id,
        entry.media_item_id,
        entry.size_bytes,
    )


def batches_of_item(session: Session, item_id: str, *, limit: int = 50) -> list[JournalEntry]:
    """Return the newest steps that concerned a title, newest first, for its history."""
    query = (
        select(JournalEntry).where(JournalEntry.media_item_id == item_id).order_by(JournalEntry.id.desc()).limit(limit)
    )
    return list(session.scalars(query))


def prune_journal(session: Session, now: datetime, *, keep_days: int = 90) -> int:
    """Forget steps that ended long ago and return how many; they cannot be taken back any more."""
    old = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.state != "planned", JournalEntry.at < now - timedelta(days=keep_days))
        .limit(5000)
    ).all()
    for entry in old:
        session.delete(entry)
    return len(old)

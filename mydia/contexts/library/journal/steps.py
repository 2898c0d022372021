"""Plan file operations and carry them out, one step at a time.

Every step is stored before it happens. `perform` looks at the disk first and does only what is left to do, so that running
it again after a crash is the same as running it once. `settle` stores what follows from a step in one transaction with its
end. Steps of one `unit` that import a file stay planned until the transaction that stores its row: a crash before that
undoes all of them, a crash after it keeps them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters import processes
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import PART_PREFIX, PART_SUFFIX, Files, shown, to_os, to_text
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.library import mounts
from mydia.contexts.library.journal.settling import settle
from mydia.contexts.library.models import JournalEntry
from mydia.contexts.library.words import Operation, StepState
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict, MydiaError, NotFound

BRINGS_IN = (Operation.LINK, Operation.REFLINK, Operation.COPY, Operation.MOVE)
"""Operations that bring a file from outside into the library."""

MANUAL_REF = "manual:"
"""Begins the `cause_ref` of a manual import; the id of its job run follows."""

_BEAT_EVERY_S = 5.0

type AfterStep = Callable[[str], None]
"""Called with the name of each point that was passed; tests use it to kill the process."""


class Cause(StrEnum):
    """Why a step was planned."""

    IMPORT = "import"
    RENAME = "rename"
    MOVE = "move"
    """Another library folder for a title."""
    REMOVE = "remove"
    RESTORE = "restore"
    UNDO = "undo"
    EXPIRE = "expire"
    """The file's time in the recycle bin is over."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An operation to plan."""

    operation: Operation
    source: Path | None = None
    target: Path | None = None
    fingerprint: str | None = None
    file_id: str | None = None
    media_item_id: str | None = None
    size_bytes: int | None = None
    content: str | None = None
    """For a `write`: the text of the file."""


_at_work: set[str] = set()
"""Batches that threads of this process are carrying out."""


@contextmanager
def working_on(batch_id: str) -> Iterator[None]:
    """Mark a batch as running in this process, so that recovery skips it."""
    _at_work.add(batch_id)
    try:
        yield
    finally:
        _at_work.discard(batch_id)


def is_at_work(batch_id: str) -> bool:
    """Return whether a thread of this process is carrying out a batch."""
    return batch_id in _at_work


class Heartbeat:
    """Reports to other processes, a few times a minute, that a batch is still running."""

    def __init__(self, database: Database, batch_id: str) -> None:
        self._database = database
        self._batch_id = batch_id
        self._at_s = clock.monotonic_s()

    def __call__(self, _done: int = 0) -> None:
        """Record progress. Takes the number of bytes copied."""
        if clock.monotonic_s() - self._at_s < _BEAT_EVERY_S:
            return
        self._at_s = clock.monotonic_s()
        with self._database.writes() as session:
            session.execute(
                update(JournalEntry)
                .where(JournalEntry.batch_id == self._batch_id, JournalEntry.state == StepState.PLANNED)
                .values(seen_at=clock.now())
            )


def last_reports(session: Session, refs: Sequence[str]) -> dict[str, datetime]:
    """Return what steps were planned for (such as a download) -> when their process last reported, while any is open."""
    rows = session.execute(
        select(JournalEntry.cause_ref, func.max(func.coalesce(JournalEntry.seen_at, JournalEntry.at)))
        .where(JournalEntry.cause_ref.in_(refs), JournalEntry.state == StepState.PLANNED)
        .group_by(JournalEntry.cause_ref)
    )
    return {ref: at for ref, at in rows if ref is not None}


def nothing_after(_point: str) -> None:
    """Do nothing."""


def fingerprint(files: Files, path: Path) -> str:
    """Return the fingerprint of the file at a path: its size and hash, and its inode for information.

    Raises:
        NotFound: The file does not exist.
    """
    facts = files.facts(path)
    if facts is None:
        raise NotFound(f"{shown(str(path))} does not exist.")
    digest = files.oshash(path) or files.sha256(path)
    return f"{facts.inode}:{facts.device}|{facts.size_bytes}:{digest}"


def is_it(files: Files, path: Path, proof: str | None) -> bool:
    """Return whether the file at a path has this fingerprint: the same size and hash.

    The inode alone proves nothing: a file system reuses the number of a deleted file.
    """
    facts = files.facts(path)
    if facts is None or proof is None or facts.is_folder:
        return False
    size, _, digest = proof.partition("|")[2].partition(":")
    return size == str(facts.size_bytes) and digest == (files.oshash(path) or files.sha256(path))


def fingerprint_of_text(text: str) -> str:
    """Return the fingerprint that a file with this text will have."""
    data = text.encode()
    return f"|{len(data)}:{hashlib.sha256(data).hexdigest()}"


def write_steps(
    session: Session,
    now: datetime,
    caller: Caller,
    batch_id: str,
    cause: Cause,
    steps: Sequence[Step],
    *,
    ref: str | None = None,
    unit: int = 0,
) -> list[str]:
    """Store planned steps and return their ids in order; the transaction must end before the first one is performed.

    Args:
        ref: What the cause refers to: the download of an import, the run of a manual one, the batch of an undo, the title of
            a removal.
        unit: Steps with the same number are undone or kept together after a crash.
    """
    if not steps:
        return []
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
            cause_ref=ref,
            content=step.content,
            owner=processes.this_process(),
            seen_at=now,
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
    """Perform and settle planned steps one after the other; return sentences about those that failed.

    Raises:
        NotMounted: A library folder is not mounted. Its steps stay planned and are completed once it is back.
    """
    failures: list[str] = []
    if not step_ids:
        return failures
    with database.reads() as session:
        planned = [entry for step_id in step_ids if (entry := session.get(JournalEntry, step_id)) is not None]
    # Files that the batch has already moved show that the folder is mounted.
    concerned = [Path(to_os(path)) for one in planned for path in (one.source, one.target) if path is not None]
    for step_id in step_ids:
        with database.reads() as session:
            entry = session.get(JournalEntry, step_id)
            paths = [] if entry is None else library_paths_of(session, entry)
        if entry is None or entry.state != StepState.PLANNED:
            continue
        mounts.require_mounted(database, outside.files, paths, concerned=concerned)
        try:
            perform(outside.files, entry, on_progress=Heartbeat(database, entry.batch_id))
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


def library_paths_of(session: Session, entry: JournalEntry) -> list[str]:
    """Return the ids of the library folders that a step reads or changes."""
    return [
        folder.id
        for folder in settings.library_paths.list_library_paths(session, SYSTEM)
        if any(path is not None and path.startswith(f"{folder.path}/") for path in (entry.source, entry.target))
    ]


def perform(files: Files, entry: JournalEntry, *, on_progress: Callable[[int], None] | None = None) -> None:
    """Complete a step. Idempotent.

    Raises:
        Conflict: Another file is at the target.
        NotFound: The file is neither at the source nor at the target.
        AdapterError: The file system returned an error.
    """
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    match entry.operation:
        case Operation.MKDIR:
            assert target is not None
            files.make_folder(target)
        case Operation.WRITE:
            assert target is not None
            _write(files, target, entry.content or "", entry.fingerprint)
        case Operation.DELETE:
            assert source is not None
            # Check that it is still the same file, because another one may have its name now.
            if files.exists(source) and is_it(files, source, entry.fingerprint):
                files.delete(source)
        case _:
            assert source is not None
            assert target is not None
            _bring(files, source, target, entry.fingerprint, on_progress)


def _write(files: Files, target: Path, text: str, proof: str | None) -> None:
    if files.exists(target):
        if is_it(files, target, proof):
            return
        raise Conflict(f"{shown(str(target))} already exists and is another file. Move it away first.")
    files.make_folder(target.parent)
    files.write_text(target, text)


def _bring(
    files: Files, source: Path, target: Path, proof: str | None, on_progress: Callable[[int], None] | None
) -> None:
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
        raise NotFound(f"{shown(str(source))} does not exist.")
    if there:
        raise Conflict(f"{shown(str(target))} already exists and is another file. Move it away first.")
    files.move(source, target, on_progress=on_progress)


def _drop_second_name(files: Files, source: Path, target: Path) -> None:
    # On a file system that ignores case both names are one and must not be deleted.
    if str(source).casefold() == str(target).casefold():
        with suppress(Conflict):
            files.rename(source, target)
        return
    files.delete(source)


def clear_parts(files: Files, folder: Path) -> None:
    """Delete the partial files of interrupted copies in a folder."""
    try:
        names = files.list_folder(folder)
    except AdapterError:
        return
    for name in names:
        if name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX):
            files.delete(folder / to_os(name))


def _fail(session: Session, now: datetime, step_id: str, sentence: str) -> bool:
    """Record that a step failed; returns False if another process has completed it meanwhile."""
    entry = session.get(JournalEntry, step_id)
    if entry is None or entry.state != StepState.PLANNED:
        return False
    entry.state, entry.error, entry.finished_at = StepState.FAILED, sentence, now
    return True

"""Complete or undo the steps that a crash left open."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from mydia.adapters import processes
from mydia.adapters.filesystem import PART_PREFIX, Files, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts.library import mounts
from mydia.contexts.library.journal.steps import (
    BRINGS_IN,
    AfterStep,
    clear_parts,
    is_at_work,
    is_it,
    library_paths_of,
    nothing_after,
    run_steps,
)
from mydia.contexts.library.models import JournalEntry
from mydia.contexts.library.words import Operation, StepState
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Conflict, MydiaError

logger = logging.getLogger(__name__)


class Recovered(msgspec.Struct, frozen=True):
    """The outcome of recovery."""

    completed: int = 0
    taken_back: int = 0
    failed: tuple[str, ...] = ()
    """Messages about steps that could neither be completed nor undone."""
    postponed: int = 0
    """Units whose library folder is not mounted; they are retried."""


def recover_journal(
    database: Database, outside: Outside, now: datetime, *, after_step: AfterStep = nothing_after
) -> Recovered:
    """Complete or undo every step that a crash left open; called when a process starts and on a schedule.

    A file that was being imported goes back to where it came from, because its import starts again; everything else is
    completed. The state of the disk shows what is left to do. Steps of live processes are skipped.
    """
    with database.reads() as session:
        open_entries = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.state == StepState.PLANNED)
            .order_by(JournalEntry.batch_id, JournalEntry.step)
        ).all()
        places = {entry.id: library_paths_of(session, entry) for entry in open_entries}
    units: dict[tuple[str, int], list[JournalEntry]] = {}
    for entry in open_entries:
        if not _is_being_done(entry, now):
            units.setdefault((entry.batch_id, entry.unit), []).append(entry)
    completed = taken_back = postponed = 0
    failed: list[str] = []
    for entries in units.values():
        try:
            mounts.require_mounted(
                database,
                outside.files,
                [path for entry in entries for path in places[entry.id]],
                concerned=[Path(to_os(path)) for entry in entries for path in (entry.source, entry.target) if path],
            )
        except mounts.NotMounted:
            postponed += 1
            continue
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
    if units:
        logger.info(
            "journal recovered",
            extra={"completed": completed, "undone": taken_back, "failed": len(failed), "postponed": postponed},
        )
    return Recovered(completed, taken_back, tuple(failed), postponed)


def _is_being_done(entry: JournalEntry, now: datetime) -> bool:
    if is_at_work(entry.batch_id):
        return True
    if entry.owner is None or entry.owner == processes.this_process():
        return False
    return processes.may_be_working(entry.owner, (now - (entry.seen_at or entry.at)).total_seconds())


def take_back(
    database: Database,
    files: Files,
    now: datetime,
    entries: Sequence[JournalEntry],
    *,
    after_step: AfterStep = nothing_after,
) -> list[str]:
    """Undo the steps of an import for a file whose row was not stored, last step first.

    A file is only deleted if it exists elsewhere too. If its source no longer exists, the placed file stays, and the
    next scan finds it.
    """
    sentences: list[str] = []
    for entry in sorted(entries, key=lambda one: one.step, reverse=True):
        state, sentence = StepState.UNDONE, None
        try:
            _take_back_one(files, entry)
        except MydiaError as error:
            state, sentence = StepState.FAILED, str(error)
            sentences.append(str(error))
        after_step(f"{entry.operation} undone")
        with database.writes() as session:
            row = session.get(JournalEntry, entry.id)
            if row is not None:
                row.state, row.error, row.finished_at = state, sentence, now
    return sentences


def _take_back_one(files: Files, entry: JournalEntry) -> None:
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == Operation.MKDIR:
        # Keep the empty folder, because another step may be about to use it.
        return
    if source is None or target is None:
        return
    if not (files.exists(target) and is_it(files, target, entry.fingerprint)):
        return
    if entry.operation in (Operation.LINK, Operation.REFLINK, Operation.COPY):
        if is_it(files, source, entry.fingerprint):
            files.delete(target)
        elif target.name.startswith(PART_PREFIX):
            raise Conflict(f"{shown(source.name)} is no longer where it was; the copy is kept at {shown(str(target))}.")
    # move, rename, recycle: put it back.
    elif not files.exists(source):
        files.move(target, source)
    elif is_it(files, source, entry.fingerprint) and not files.same_file(source, target):
        files.delete(target)

"""Undo a whole import, rename or removal."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.filesystem import Files, shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts.library.journal.steps import Cause, Step, is_it, run_steps, working_on, write_steps
from mydia.contexts.library.models import JournalEntry
from mydia.contexts.library.words import Operation, StepState
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, NotFound

_OPPOSITES = {Operation.RECYCLE: Operation.RESTORE, Operation.RESTORE: Operation.RECYCLE}


def undo_batch(database: Database, outside: Outside, caller: Caller, now: datetime, batch_id: str) -> list[str]:
    """Undo a whole import, rename or removal, last step first; return messages about what could not be undone.

    Raises:
        NotFound: The batch does not exist.
        Conflict: A name is taken, a linked file has no other copy, or a file was deleted permanently. Nothing is
            changed in this case.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.writes() as session:
        continued = _note_undone(session, batch_id)
        entries = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.batch_id == batch_id, JournalEntry.state == StepState.DONE)
            .order_by(JournalEntry.step.desc())
        ).all()
    if continued and not entries:
        return []
    if not entries:
        raise NotFound("There is nothing to undo.")
    disk = _Imagined(outside.files)
    steps = [(entry, step) for entry in entries if (step := _opposite(disk, entry)) is not None]
    undo_id = clock.new_id()
    with working_on(undo_id):
        with database.writes() as session:
            ids = write_steps(session, now, caller, undo_id, Cause.UNDO, [step for _, step in steps], ref=batch_id)
        failures = run_steps(database, outside, caller, now, ids)
    with database.writes() as session:
        done = {
            row.step
            for row in session.scalars(
                select(JournalEntry).where(JournalEntry.batch_id == undo_id, JournalEntry.state == StepState.DONE)
            )
        }
        for place, (entry, _) in enumerate(steps):
            row = session.get(JournalEntry, entry.id)
            if row is not None and place in done:
                row.state = StepState.UNDONE
    return failures


def _note_undone(session: Session, batch_id: str) -> bool:
    """Mark what an interrupted undo of this batch has already undone; return whether there was one."""
    undone = select(JournalEntry.source).where(
        JournalEntry.cause == Cause.UNDO, JournalEntry.cause_ref == batch_id, JournalEntry.state == StepState.DONE
    )
    rows = session.scalars(
        select(JournalEntry).where(
            JournalEntry.batch_id == batch_id, JournalEntry.state == StepState.DONE, JournalEntry.target.in_(undone)
        )
    ).all()
    for row in rows:
        row.state = StepState.UNDONE
    session.flush()
    return bool(rows)


class _Imagined:
    """Simulates the disk after the steps so far, so that a whole batch can be checked before it starts."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._changed: dict[Path, str | None] = {}

    def holds(self, path: Path, proof: str | None) -> bool:
        """Return whether a path will be a file."""
        if path in self._changed:
            return self._changed[path] is not None and self._changed[path] == proof
        return is_it(self._files, path, proof)

    def taken(self, path: Path) -> bool:
        """Return whether a path will exist."""
        return self._changed[path] is not None if path in self._changed else self._files.exists(path)

    def put(self, path: Path, proof: str | None) -> None:
        """Set what will be at a path; None for nothing."""
        self._changed[path] = proof


def _opposite(disk: _Imagined, entry: JournalEntry) -> Step | None:
    """Return the step that undoes a step, or None if there is nothing to do. Raises Conflict if it cannot be undone."""
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == Operation.WRITE and target is not None:
        # A file that was changed or removed since is left alone.
        if not disk.holds(target, entry.fingerprint):
            return None
        disk.put(target, None)
        return Step(operation=Operation.DELETE, source=target, fingerprint=entry.fingerprint)
    if entry.operation == Operation.MKDIR or source is None:
        return None
    if entry.operation == Operation.DELETE:
        raise Conflict(f"{shown(source.name)} was deleted permanently and cannot be restored.")
    assert target is not None
    proof = entry.fingerprint
    if not disk.holds(target, proof):
        raise Conflict(f"{shown(str(target))} no longer exists, or is another file.")
    operation = _OPPOSITES.get(entry.operation, Operation.RENAME)
    place = source
    if entry.operation in (Operation.LINK, Operation.REFLINK, Operation.COPY):
        if not disk.holds(source, proof):
            raise Conflict(
                f"{shown(target.name)} now only exists in the library, so undoing the import would delete it."
            )
        operation = Operation.DELETE
    elif disk.taken(source):
        raise Conflict(f"{shown(str(source))} is taken by another file. Move that file away first.")
    else:
        disk.put(source, proof)
    disk.put(target, None)
    return Step(
        operation=operation,
        source=target,
        target=None if operation == Operation.DELETE else place,
        fingerprint=proof,
        file_id=entry.file_id,
        media_item_id=entry.media_item_id,
        size_bytes=entry.size_bytes,
    )


def batches_of_item(session: Session, caller: Caller, item_id: str, *, limit: int = 50) -> list[JournalEntry]:
    """Return the latest steps for a title, newest first, for its history."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(JournalEntry).where(JournalEntry.media_item_id == item_id).order_by(JournalEntry.id.desc()).limit(limit)
    )
    return list(session.scalars(query))


def prune_journal(session: Session, now: datetime, *, keep_days: int = 90) -> int:
    """Delete old finished steps, which can then no longer be undone, and return their number."""
    old = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.state != StepState.PLANNED, JournalEntry.at < now - timedelta(days=keep_days))
        .limit(5000)
    ).all()
    for entry in old:
        session.delete(entry)
    return len(old)

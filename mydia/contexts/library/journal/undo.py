"""Undo what is done: take a whole import, rename or removal back."""

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
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, NotFound


def undo_batch(database: Database, outside: Outside, caller: Caller, now: datetime, batch_id: str) -> list[str]:
    """Undo a whole import, rename or removal, last step first; return sentences about what could not be undone.

    Raises:
        NotFound: There is no such batch.
        Conflict: A name is taken, a linked file has no other copy any more, or a file was deleted for good. Nothing was
            changed then.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        entries = session.scalars(
            select(JournalEntry)
            .where(JournalEntry.batch_id == batch_id, JournalEntry.state == "done")
            .order_by(JournalEntry.step.desc())
        ).all()
    if not entries:
        raise NotFound("There is nothing (left) to undo here.")
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
                select(JournalEntry).where(JournalEntry.batch_id == undo_id, JournalEntry.state == "done")
            )
        }
        for place, (entry, _) in enumerate(steps):
            row = session.get(JournalEntry, entry.id)
            if row is not None and place in done:
                row.state = "undone"
    return failures


class _Imagined:
    """The disk as it will be after the steps so far, so that a whole batch is checked before it begins."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._changed: dict[Path, str | None] = {}

    def holds(self, path: Path, proof: str | None) -> bool:
        """Return whether a path will hold a file."""
        if path in self._changed:
            return self._changed[path] is not None and self._changed[path] == proof
        return is_it(self._files, path, proof)

    def taken(self, path: Path) -> bool:
        """Return whether anything will be at a path."""
        return self._changed[path] is not None if path in self._changed else self._files.exists(path)

    def put(self, path: Path, proof: str | None) -> None:
        """Note what will be at a path; None for nothing."""
        self._changed[path] = proof


def _opposite(disk: _Imagined, entry: JournalEntry) -> Step | None:
    """Return the step that undoes a step, or None when there is nothing to do. Raises Conflict when it cannot be undone."""
    source = None if entry.source is None else Path(to_os(entry.source))
    target = None if entry.target is None else Path(to_os(entry.target))
    if entry.operation == "write" and target is not None:
        # A file that a person has changed or removed since is left alone.
        if not disk.holds(target, entry.fingerprint):
            return None
        disk.put(target, None)
        return Step(operation="delete", source=target, fingerprint=entry.fingerprint)
    if entry.operation == "mkdir" or source is None:
        return None
    if entry.operation == "delete":
        raise Conflict(f"{shown(source.name)} was deleted for good and cannot be restored.")
    assert target is not None
    proof = entry.fingerprint
    if not disk.holds(target, proof):
        raise Conflict(f"{shown(str(target))} does not exist any more, or is another file.")
    operation, place = {"recycle": "restore", "restore": "recycle"}.get(entry.operation, "rename"), source
    if entry.operation in ("link", "reflink", "copy"):
        if not disk.holds(source, proof):
            raise Conflict(f"{shown(target.name)} exists only in the library now. Removing it would lose it.")
        operation = "delete"
    elif disk.taken(source):
        raise Conflict(f"{shown(str(source))} is taken by another file. Move that file away first.")
    else:
        disk.put(source, proof)
    disk.put(target, None)
    return Step(
        operation=operation,
        source=target,
        target=None if operation == "delete" else place,
        fingerprint=proof,
        file_id=entry.file_id,
        media_item_id=entry.media_item_id,
        size_bytes=entry.size_bytes,
    )


def batches_of_item(session: Session, caller: Caller, item_id: str, *, limit: int = 50) -> list[JournalEntry]:
    """Return the newest steps that concerned a title, newest first, for its history."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(JournalEntry).where(JournalEntry.media_item_id == item_id).order_by(JournalEntry.id.desc()).limit(limit)
    )
    return list(session.scalars(query))


def prune_journal(session: Session, now: datetime, *, keep_days: int = 90) -> int:
    """Delete steps that ended long ago and return how many; they cannot be undone any more."""
    old = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.state != "planned", JournalEntry.at < now - timedelta(days=keep_days))
        .limit(5000)
    ).all()
    for entry in old:
        session.delete(entry)
    return len(old)

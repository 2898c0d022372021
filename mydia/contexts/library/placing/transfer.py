"""Carry out one file's steps on disk, verify them, or undo them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from mydia.adapters.errors import Unreachable
from mydia.adapters.filesystem import (
    CrossDevice,
    Files,
    shown,
)
from mydia.adapters.outside import Outside
from mydia.contexts.library import journal
from mydia.contexts.library.journal import AfterStep
from mydia.contexts.library.models import JournalEntry, MediaFile
from mydia.contexts.library.placing.plan import ImportPlan
from mydia.contexts.library.words import Operation, StepState
from mydia.db import Database

METHODS = {
    "hardlink": Operation.LINK,
    "reflink": Operation.REFLINK,
    "copy": Operation.COPY,
    "move": Operation.MOVE,
}


@dataclass(slots=True, kw_only=True)
class Unit:
    """The steps of importing one file."""

    file_id: str
    source: Path
    target: Path
    staging: Path | None
    proof: str
    ids: list[str] = field(default_factory=list)
    operation: Operation = Operation.LINK
    swapped: list[MediaFile] = field(default_factory=list)
    """Old files with the name of the new one, which are moved away first."""
    beside: list[tuple[str, Path, Path]] = field(default_factory=list)
    """(sidecar id, source, target)."""


def bring_in(database: Database, files: Files, plan: ImportPlan, unit: Unit, after_step: AfterStep) -> str | None:
    """Carry out a unit's steps on disk; returns a message if a file was not placed in the requested way."""
    files.make_folder(unit.target.parent)
    after_step("folder made")
    note = _transfer(database, files, plan, unit, unit.staging or unit.target, after_step)
    after_step("transferred")
    if not journal.is_it(files, unit.staging or unit.target, unit.proof):
        raise Unreachable(
            "Disk", f"{shown(unit.target.name)} differs from its source after the transfer; check the disk"
        )
    after_step("verified")
    for _, source, target in unit.beside:
        files.copy(source, target)
        after_step("subtitle copied")
    if unit.staging is not None:
        with database.reads() as session:
            entries = session.scalars(
                select(JournalEntry)
                .where(JournalEntry.id.in_(unit.ids), JournalEntry.operation.in_((Operation.RECYCLE, Operation.RENAME)))
                .order_by(JournalEntry.step)
            ).all()
        for entry in entries:
            journal.perform(files, entry)
            after_step(f"{entry.operation} performed")
    return note


def _transfer(
    database: Database, files: Files, plan: ImportPlan, unit: Unit, target: Path, after_step: AfterStep
) -> str | None:
    if unit.operation == Operation.LINK:
        try:
            files.hardlink(unit.source, target)
        except CrossDevice as error:
            # Store the fingerprint first, because after a crash a copy is recognised by its content, not by its inode.
            unit.operation = Operation.COPY
            with database.writes() as session:
                session.execute(
                    update(JournalEntry).where(JournalEntry.id == unit.ids[1]).values(operation=Operation.COPY)
                )
            after_step("link refused")
            files.copy(unit.source, target, verify=True, on_progress=_beat(database, plan, after_step))
            return f"Copied instead of hard-linked: {error.cause}."
        return None
    if unit.operation == Operation.MOVE:
        files.move(unit.source, target, on_progress=_beat(database, plan, after_step))
        return None
    files.copy(unit.source, target, verify=True, on_progress=_beat(database, plan, after_step))
    return None


def _beat(database: Database, plan: ImportPlan, after_step: AfterStep) -> Callable[[int], None]:
    beat = journal.Heartbeat(database, plan.batch_id)

    def copying(done: int) -> None:
        beat(done)
        after_step("copying")

    return copying


def give_up(database: Database, outside: Outside, now: datetime, plan: ImportPlan, unit_number: int) -> None:
    """Undo the steps for a file whose import failed."""
    with database.reads() as session:
        entries = session.scalars(
            select(JournalEntry).where(
                JournalEntry.batch_id == plan.batch_id,
                JournalEntry.unit == unit_number,
                JournalEntry.state == StepState.PLANNED,
            )
        ).all()
    journal.take_back(database, outside.files, now, entries)

"""Import files: a new file is placed, verified and stored before an old one is moved.

For each file the steps are planned, the folder is created, the file is linked (or copied, or moved) to its final name and
verified. One transaction then ends the steps, stores the row, emits the import and plans to recycle the files it
replaces, which happens afterwards. See `journal` for what happens when the process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.adapters.filesystem import (
    PART_PREFIX,
    confine,
    shown,
)
from mydia.adapters.outside import Outside
from mydia.contexts.library import journal, mounts
from mydia.contexts.library.journal import AfterStep, Step, nothing_after
from mydia.contexts.library.models import MediaFile
from mydia.contexts.library.placing.plan import ImportPlan, PlannedFile
from mydia.contexts.library.placing.store import store_placed
from mydia.contexts.library.placing.subtitles import subtitles_beside
from mydia.contexts.library.placing.transfer import METHODS, Unit, bring_in, give_up
from mydia.contexts.library.recycle import recycle_place
from mydia.contexts.library.words import Operation
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, MydiaError


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import."""

    batch_id: str
    file_ids: tuple[str, ...]
    """All files of the request, including those of earlier attempts."""
    method: str
    """hardlink | reflink | copy | move; `mixed` if they differ."""
    replaced: tuple[str, ...] = ()
    """Relative paths of the files that went to the recycle bin."""
    notes: tuple[str, ...] = ()
    """Messages: why a file was copied, what could not be recycled."""


def place(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_failure: Callable[[Path, MydiaError], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    after_step: AfterStep = nothing_after,
) -> Placed:
    """Carry out an import. If repeated after a crash or error, it imports what is still missing and nothing twice.

    Args:
        on_progress: Called with (files done, files in all).
        on_failure: Called with the path of a file that could not be imported; the others are imported all the same. None
            ends the import with the first error.
        cancelled: Checked before each file; when true the rest is left.
        after_step: For tests: called after every step; can end the process.

    Raises:
        NotMounted: The library folder is not mounted.
        Conflict: The target exists. Files that were already imported stay, the rest is undone.
        AdapterError: The file system returned an error; handled likewise. `filesystem.LOCAL_TROUBLE` lists the errors
            that are not caused by the file.

    Emits: FileImported, FileRemoved.
    """
    caller.require(Permission.MANAGE_MEDIA)
    root = Path(plan.root)
    file_ids, methods, replaced, notes = list(plan.placed_already), [], [], []
    with journal.working_on(plan.batch_id):
        for number, planned in enumerate(plan.files):
            if cancelled():
                break
            try:
                # Check again for each file, because a disk can disappear during a long import.
                mounts.require_mounted(database, outside.files, [plan.library_path_id])
                unit = _plan_unit(database, outside, caller, now, plan, planned, number * 2)
                after_step("planned")
                note = bring_in(database, outside.files, plan, unit, after_step)
            except MydiaError as error:
                give_up(database, outside, now, plan, number * 2)
                if on_failure is None:
                    raise
                on_failure(planned.source.path, error)
                continue
            going = store_placed(database, outside.files, caller, now, plan, planned, unit, number * 2 + 1)
            after_step("stored")
            notes += [note] if note else []
            notes += journal.run_steps(database, outside, caller, now, going.ids, after_step=after_step)
            replaced += going.names
            for left in going.paths:
                outside.files.remove_empty_parents(left, root)
            file_ids.append(unit.file_id)
            methods.append({"link": "hardlink"}.get(unit.operation, unit.operation))
            if on_progress is not None:
                on_progress(number + 1, len(plan.files))
    method = methods[0] if len(set(methods)) == 1 else "mixed" if methods else plan.mode
    return Placed(
        batch_id=plan.batch_id,
        file_ids=tuple(file_ids),
        method=method,
        replaced=tuple(replaced),
        notes=tuple(dict.fromkeys(notes)),
    )


def _plan_unit(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    planned: PlannedFile,
    unit_number: int,
) -> Unit:
    root = Path(plan.root)
    files = outside.files
    target = confine(root, planned.relative_path)
    source = planned.source.path
    if files.facts(source) is None:
        raise Unreachable("Disk", f"{shown(str(source))} does not exist. Is its folder mounted?")
    old: Sequence[MediaFile] = []
    if planned.replaces:
        with database.reads() as session:
            old = session.scalars(select(MediaFile).where(MediaFile.id.in_(planned.replaces))).all()
    swapped = [
        row
        for row in old
        if row.library_path_id == plan.library_path_id
        and row.relative_path == planned.relative_path
        and files.exists(target)
    ]
    if files.exists(target) and not swapped:
        raise Conflict(f"{shown(str(target))} already exists and is not in the library. Scan the folder first.")
    file_id = clock.new_id()
    proof = journal.fingerprint(files, source)
    staging = target.with_name(f"{PART_PREFIX}{file_id}{target.suffix}") if swapped else None
    unit = Unit(
        file_id=file_id,
        source=source,
        target=target,
        staging=staging,
        proof=proof,
        operation=METHODS[plan.mode],
        swapped=list(swapped),
    )
    unit.beside = [] if not plan.subtitles else subtitles_beside(files, source, target)
    facts = files.facts(source)
    size = facts.size_bytes if facts is not None else None
    steps = [
        Step(operation=Operation.MKDIR, target=target.parent, media_item_id=plan.item_id),
        Step(
            operation=unit.operation,
            source=source,
            target=staging or target,
            fingerprint=proof,
            file_id=file_id,
            media_item_id=plan.item_id,
            size_bytes=size,
        ),
    ]
    for sidecar_id, from_, to in unit.beside:
        steps.append(
            Step(
                operation=Operation.COPY,
                source=from_,
                target=to,
                fingerprint=journal.fingerprint(files, from_),
                file_id=sidecar_id,
                media_item_id=plan.item_id,
            )
        )
    for row in swapped:
        bin_ = recycle_place(plan.bin_directory, root, plan.batch_id, target)
        steps.append(
            Step(
                operation=Operation.RECYCLE,
                source=target,
                target=bin_,
                fingerprint=journal.fingerprint(files, target),
                file_id=row.id,
                media_item_id=plan.item_id,
                size_bytes=row.size_bytes,
            )
        )
    if staging is not None:
        steps.append(
            Step(
                operation=Operation.RENAME,
                source=staging,
                target=target,
                fingerprint=proof,
                file_id=file_id,
                media_item_id=plan.item_id,
                size_bytes=size,
            )
        )
    with database.writes() as session:
        unit.ids = journal.write_steps(
            session, now, caller, plan.batch_id, journal.Cause.IMPORT, steps, ref=plan.ref, unit=unit_number
        )
    return unit

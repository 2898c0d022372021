"""Store an imported file's row in the same transaction that ends its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import (
    FileFacts,
    Files,
    relative_text,
    shown,
    to_os,
)
from mydia.contexts import media, settings
from mydia.contexts.library import journal
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.journal import Step
from mydia.contexts.library.models import FileEpisode, JournalEntry, MediaFile, Sidecar
from mydia.contexts.library.placing.plan import ImportPlan, PlannedFile
from mydia.contexts.library.placing.transfer import Unit
from mydia.contexts.library.recycle import recycle_place
from mydia.contexts.library.sidecars import subtitle_ending
from mydia.contexts.library.words import MatchState, Operation, SidecarKind, StepState
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database, get
from mydia.events import FileImported, emit, reason


@dataclass(slots=True)
class Going:
    """Old files that are replaced."""

    ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)


def store_placed(
    database: Database,
    files: Files,
    caller: Caller,
    now: datetime,
    plan: ImportPlan,
    planned: PlannedFile,
    unit: Unit,
    unit_number: int,
) -> Going:
    """End the steps, store the row and plan what to recycle next. After this, a crash no longer undoes the import."""
    proofs = _look_at_old(database, files, planned)
    placed = files.facts(unit.target)
    assert placed is not None, "verified just before"
    going = Going()
    with database.writes() as session:
        for row in unit.swapped:
            going.names.append(shown(row.relative_path))
            entry_id = next(
                id_
                for id_ in unit.ids
                if (entry := session.get(JournalEntry, id_)) is not None and entry.operation == Operation.RECYCLE
            )
            journal.settle(session, caller, now, entry_id)
        session.execute(
            update(JournalEntry).where(JournalEntry.id.in_(unit.ids)).values(state=StepState.DONE, finished_at=now)
        )
        # Replace a row of the same name whose file was missing.
        gone = session.scalars(
            select(MediaFile).where(
                MediaFile.library_path_id == plan.library_path_id, MediaFile.relative_path == planned.relative_path
            )
        ).first()
        if gone is not None:
            session.delete(gone)
            session.flush()
        session.add(_row(plan, planned, unit, placed, now))
        session.flush()
        session.add_all(
            FileEpisode(file_id=unit.file_id, episode_id=episode_id, part=planned.source.part)
            for episode_id in dict.fromkeys(planned.source.episode_ids)
        )
        for sidecar_id, _, target in unit.beside:
            session.add(_sidecar(plan, sidecar_id, unit.file_id, target))
        steps = []
        for row_id, path, root, proof, size in proofs:
            old = session.get(MediaFile, row_id)
            if old is None:
                continue
            if proof is None:
                session.delete(old)
                continue
            going.names.append(shown(old.relative_path))
            going.paths.append(path)
            bin_ = recycle_place(plan.bin_directory, root, plan.batch_id, path)
            steps.append(
                Step(
                    operation=Operation.RECYCLE,
                    source=path,
                    target=bin_,
                    fingerprint=proof,
                    file_id=row_id,
                    media_item_id=plan.item_id,
                    size_bytes=size,
                )
            )
        going.ids = journal.write_steps(
            session, now, caller, plan.batch_id, journal.Cause.IMPORT, steps, ref=plan.ref, unit=unit_number
        )
        item = get(session, media.MediaItem, plan.item_id, what="This title")
        if item.folder is None and plan.library_path_id == item.library_path_id:
            media.change_item(session, caller, now, item.id, {"folder": plan.folder})
        refresh_holdings(session, now, plan.item_id)
        emit(
            session,
            caller,
            FileImported(
                media_item_id=plan.item_id,
                file_id=unit.file_id,
                download_id=plan.download_id,
                source=shown(str(unit.source)),
                target=shown(planned.relative_path),
                method={"link": "hardlink"}.get(unit.operation, unit.operation),
                replaced=list(going.names),
            ),
            at=now,
        )
    return going


def _look_at_old(
    database: Database, files: Files, planned: PlannedFile
) -> list[tuple[str, Path, Path, str | None, int]]:
    """Return (file id, path, root, fingerprint or None if it is missing, size) of replaced files with another name."""
    found: list[tuple[str, Path, Path, str | None, int]] = []
    if not planned.replaces:
        return found
    with database.reads() as session:
        rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(planned.replaces))).all()
        roots = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, SYSTEM)}
    for row in rows:
        root = roots[row.library_path_id]
        path = root / to_os(row.relative_path)
        try:
            proof = journal.fingerprint(files, path) if files.exists(path) else None
        except AdapterError:
            continue
        found.append((row.id, path, root, proof, row.size_bytes))
    return found


def _row(plan: ImportPlan, planned: PlannedFile, unit: Unit, placed: FileFacts, now: datetime) -> MediaFile:
    analysed = {"analysed_at": now} if planned.source.facts is not None else {}
    return MediaFile(
        id=unit.file_id,
        library_path_id=plan.library_path_id,
        relative_path=planned.relative_path,
        size_bytes=placed.size_bytes,
        mtime_ns=placed.mtime_ns,
        inode=placed.inode,
        device=placed.device,
        kind=FileKind.VIDEO,
        match_state=MatchState.MATCHED,
        media_item_id=plan.item_id,
        version_id=plan.version_id,
        match_score=1.0,
        match_evidence=[reason("match.downloaded" if plan.download_id else "match.imported").to_json()],
        download_id=plan.download_id,
        added_at=now,
        verified_at=now,
        **planned.columns,
        **analysed,
    )


def _sidecar(plan: ImportPlan, sidecar_id: str, file_id: str, target: Path) -> Sidecar:
    language, flags = subtitle_ending(shown(target.name))
    return Sidecar(
        id=sidecar_id,
        library_path_id=plan.library_path_id,
        file_id=file_id,
        relative_path=relative_text(Path(plan.root), target),
        kind=SidecarKind.SUBTITLE,
        language=language,
        flags=flags,
        ours=True,
    )

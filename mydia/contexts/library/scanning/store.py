"""Store the results of a scan in short writes."""

from __future__ import annotations

from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import select, update

from mydia.adapters.filesystem import FoundFile, shown
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import JournalEntry, MediaFile
from mydia.contexts.library.scanning.known import ROWS_PER_WRITE, Known, KnownSidecar
from mydia.contexts.library.scanning.new_files import Store, taken_paths
from mydia.contexts.library.scanning.sidecars import store_sidecars
from mydia.contexts.library.scanning.walk import Walked
from mydia.contexts.library.words import MatchState, StepState
from mydia.contexts.users import Caller
from mydia.events import FilesMissing, emit


def store_all(
    store: Store,
    caller: Caller,
    walked: Walked,
    moved: dict[str, FoundFile],
    missing: list[Known],
    sidecars: dict[str, KnownSidecar],
) -> dict[str, int]:
    """Store the result of a walk and return its counts. Emits: FilesMissing."""
    new = walked.stored + store.insert_new(walked.new)
    now = store.now_fn()
    affected: set[str] = set()
    changes: list[dict[str, Any]] = []
    for old, found in walked.changed:
        # The content has changed, so the analysis is outdated.
        changes.append(
            _facts(old.id, found, now)
            | {"oshash": None, "analysed_at": None, "analysis_error": None, "missing_since": None}
        )
        affected.add(old.id)
    returned = [one.id for one in walked.returned]
    affected |= set(returned) | set(moved) | {one.id for one in missing}
    for part in batched(changes, ROWS_PER_WRITE, strict=False):
        with store.database.writes() as session:
            session.execute(update(MediaFile), list(part))
    for part in batched([_facts(old.id, found, now) for old, found in walked.touched], ROWS_PER_WRITE, strict=False):
        with store.database.writes() as session:
            session.execute(update(MediaFile), list(part))
    moves = [
        _facts(id_, found, now) | {"relative_path": found.path, "missing_since": None} for id_, found in moved.items()
    ]
    for ids in batched([one.id for one in walked.rejudged], 500, strict=False):
        with store.database.writes() as session:
            session.execute(
                update(MediaFile)
                .where(MediaFile.id.in_(ids), MediaFile.kind != "video")
                .values(kind=FileKind.VIDEO, left_out=None, match_state=MatchState.NEW, inbox_id=None)
            )
    marked = 0
    with store.database.writes() as session:
        taken = taken_paths(session, store.library_path_id, [move["relative_path"] for move in moves])
        for move in moves:
            if move["relative_path"] not in taken:
                session.execute(update(MediaFile), [move])
        for ids in batched(returned, 500, strict=False):
            session.execute(update(MediaFile).where(MediaFile.id.in_(ids)).values(missing_since=None, verified_at=now))
        busy = set(session.scalars(select(JournalEntry.file_id).where(JournalEntry.state == StepState.PLANNED)))
        for one in missing:
            if one.id in busy:
                continue
            # Only if the path of the row is unchanged, because the file may have been renamed meanwhile.
            result = session.execute(
                update(MediaFile)
                .where(MediaFile.id == one.id, MediaFile.relative_path == one.path, MediaFile.missing_since.is_(None))
                .values(missing_since=now)
            )
            marked += getattr(result, "rowcount", 0)
        if marked:
            examples = [shown(one.path) for one in missing[:5]]
            emit(session, caller, FilesMissing(store.library_path_id, marked, examples), at=now)
        items: set[str] = set()
        for ids in batched(affected, 500, strict=False):
            linked = select(MediaFile.media_item_id).where(MediaFile.id.in_(ids))
            items |= {item_id for item_id in session.scalars(linked) if item_id is not None}
        for item_id in items:
            refresh_holdings(session, now, item_id)
    store_sidecars(store, walked, sidecars)
    return {
        "new": new,
        "changed": len(walked.changed),
        "moved": len(moved),
        "missing": marked,
        "returned": len(returned),
    }


def _facts(file_id: str, found: FoundFile, now: datetime) -> dict[str, Any]:
    return {
        "id": file_id,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "inode": found.inode,
        "device": found.device,
        "verified_at": now,
    }

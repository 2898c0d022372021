"""The row of a scan: create it, close it, and read it for pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import WalkProblem, shown
from mydia.contexts import settings
from mydia.contexts.library.models import Scan
from mydia.contexts.library.reasons import ScanReason
from mydia.contexts.library.scanning.belief import Refusal
from mydia.contexts.library.scanning.walk import Walked
from mydia.contexts.library.words import ScanPhase, ScanState
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.events import FilesFound, ScanFinished, emit

logger = logging.getLogger(__name__)


_PROBLEMS_KEPT = 200


def begin_scan(session: Session, now: datetime, path: LibraryPath) -> str:
    """Continue the row of a scan that was killed, or create a new one."""
    scan = session.scalars(
        select(Scan)
        .where(Scan.library_path_id == path.id, Scan.state == ScanState.RUNNING)
        .order_by(Scan.started_at.desc())
    ).first()
    if scan is None:
        scan = Scan(library_path_id=path.id, started_at=now, counts={}, problems=[])
        session.add(scan)
    scan.phase, scan.progress_done, scan.progress_total, scan.current = ScanPhase.WALKING, 0, None, None
    session.flush()
    return scan.id


def end_walk(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    library_path_id: str,
    walked: Walked,
    counts: dict[str, int],
) -> None:
    """Store the counts of the walk and move the scan to its matching phase. Emits: FilesFound."""
    with database.writes() as session:
        scan = get(session, Scan, scan_id, what="This scan")
        scan.counts = {**scan.counts, **counts}
        scan.problems = sentences_about(walked.problems)
        scan.phase, scan.current = ScanPhase.MATCHING, None
        scan.progress_done, scan.progress_total = 0, None
        if counts["new"]:
            emit(session, caller, FilesFound(library_path_id, scan_id, counts["new"]), at=now)


def sentences_about(problems: list[WalkProblem]) -> list[Any]:
    """Return the problems of a walk as messages."""
    return [f"{shown(one.path) or 'The folder'}: {one.sentence}" for one in problems[:_PROBLEMS_KEPT]]


def refuse_scan(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    refusal: Refusal,
    problems: list[Any] | None = None,
) -> str:
    """Close a scan as refused and return its id. Emits: ScanFinished."""
    logger.warning("scan refused", extra={"scan_id": scan_id, "reason": refusal.code, **refusal.facts})
    end_scan(
        database, caller, now, scan_id, ScanState.REFUSED, code=refusal.code, facts=refusal.facts, problems=problems
    )
    return scan_id


def finish_scan(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    counts: dict[str, int],
    *,
    code: ScanReason | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Close a scan whose files are matched and analysed.

    Args:
        code: What is still open, with the facts of its sentence.

    Emits: ScanFinished.
    """
    end_scan(database, caller, now, scan_id, ScanState.DONE, counts=counts, code=code, facts=facts)


def fail_scan(database: Database, caller: Caller, now: datetime, scan_id: str, error: str) -> None:
    """Close a scan that failed with an error. Emits: ScanFinished."""
    end_scan(database, caller, now, scan_id, ScanState.FAILED, text=error)


def cancel_scan(database: Database, caller: Caller, now: datetime, scan_id: str, counts: dict[str, int]) -> None:
    """Close a scan that a user cancelled, keeping what it stored. Emits: ScanFinished."""
    end_scan(database, caller, now, scan_id, ScanState.CANCELLED, counts=counts)


def end_scan(
    database: Database,
    caller: Caller,
    now: datetime,
    scan_id: str,
    state: ScanState,
    *,
    counts: Mapping[str, int] | None = None,
    code: ScanReason | None = None,
    facts: Mapping[str, Any] | None = None,
    text: str | None = None,
    problems: list[Any] | None = None,
) -> None:
    """Close a running scan in a given state. Emits: ScanFinished."""
    with database.writes() as session:
        scan = get(session, Scan, scan_id, what="This scan")
        if scan.state != ScanState.RUNNING:
            return
        scan.state, scan.phase, scan.finished_at = state, ScanPhase.FINISHED, now
        scan.reason_code, scan.reason_facts, scan.reason_text = code, dict(facts or {}), text
        scan.counts = {**scan.counts, **(counts or {})}
        scan.current = None
        if problems is not None:
            scan.problems = problems
        path = session.get(LibraryPath, scan.library_path_id)
        if path is not None:
            settings.library_paths.record_scan(session, now, path.id, state=state, reason=scan.reason)
        emit(
            session,
            caller,
            ScanFinished(
                scan_id=scan_id,
                library_path_id=scan.library_path_id,
                state=state,
                reason=scan.reason,
                counts=dict(scan.counts),
            ),
            at=now,
        )


def get_scan(session: Session, caller: Caller, scan_id: str) -> Scan:
    """Return a scan with its progress. Raises NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    return get(session, Scan, scan_id, what="This scan")


def latest_scans(session: Session, caller: Caller) -> dict[str, Scan]:
    """Return the newest scan of each library folder, by the folder's id."""
    caller.require(Permission.VIEW_ACTIVITY)
    newest = select(Scan.library_path_id, func.max(Scan.id).label("id")).group_by(Scan.library_path_id).subquery()
    return {scan.library_path_id: scan for scan in session.scalars(select(Scan).join(newest, newest.c.id == Scan.id))}


def list_scans(session: Session, caller: Caller, library_path_id: str | None = None, *, limit: int = 50) -> list[Scan]:
    """Return scans, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(Scan).order_by(Scan.id.desc()).limit(limit)
    if library_path_id is not None:
        query = query.where(Scan.library_path_id == library_path_id)
    return list(session.scalars(query))


def prune_scans(session: Session, *, keep: int = 20) -> int:
    """Delete old scans except the newest of each folder; return their number."""
    ranked = select(
        Scan.id, func.row_number().over(partition_by=Scan.library_path_id, order_by=Scan.id.desc()).label("place")
    ).subquery()
    old = session.scalars(select(Scan).join(ranked, ranked.c.id == Scan.id).where(ranked.c.place > keep)).all()
    for scan in old:
        session.delete(scan)
    return len(old)

"""Report the progress of long-running work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from mydia import clock
from mydia.adapters.filesystem import shown
from mydia.contexts.library.models import Scan
from mydia.contexts.library.words import ScanPhase, ScanState
from mydia.db import Database
from mydia.runs import Run

_PROGRESS_EVERY_S = 0.5


class Progress:
    """Stores the progress of a scan, at most a few times a second."""

    def __init__(self, database: Database, scan_id: str, run: Run, total: int | None) -> None:
        self._database = database
        self._scan_id = scan_id
        self._run = run
        self._total = total
        self._at = clock.monotonic_s()

    def look(self, done: int, current: str) -> None:
        """Store the folder that is being scanned."""
        now = clock.monotonic_s()
        if now - self._at < _PROGRESS_EVERY_S:
            return
        self._at = now
        total = None if self._total is None else max(self._total, done)
        self._run.progress(done, total, shown(current))
        record_progress(self._database, self._scan_id, done, total, current)

    def cancelled(self) -> bool:
        """Return whether to stop."""
        return self._run.cancelled()


def record_progress(
    database: Database,
    scan_id: str,
    done: int,
    total: int | None,
    current: str | None,
    *,
    phase: ScanPhase | None = None,
) -> None:
    """Store a scan's progress."""
    values: dict[str, Any] = {"progress_done": done, "progress_total": total, "current": current}
    if phase is not None:
        values["phase"] = phase
    with database.writes() as session:
        session.execute(update(Scan).where(Scan.id == scan_id, Scan.state == ScanState.RUNNING).values(**values))

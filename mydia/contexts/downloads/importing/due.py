"""Which imports should be started: requested by a person, finished, interrupted or worth another try."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.downloads.models import Download, DownloadState
from mydia.contexts.downloads.moving import note
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Conflict
from mydia.events import ImportRequested, emit, reason

# A worker that imports for longer than its time limit is dead.
DEAD_AFTER = timedelta(hours=7)
_RETRIED = (
    "import.packed",
    "import.path-missing",
    "import.path-removed",
    "import.no-path",
    "import.no-library-folder",
    "import.library-missing",
    "import.no-room",
    "import.failed",
)
"""Codes of blocked imports that may resolve without a user: a mount comes back, an archive is unpacked, space is freed."""
_RETRY_AFTER = timedelta(minutes=10)
_RETRY_FOR = timedelta(days=14)
_MOST_ATTEMPTS = 10
in_flight: set[str] = set()
"""Downloads that this process is importing now; recovery after a crash skips them."""


def request_import(session: Session, caller: Caller, download_id: str) -> None:
    """Request the import of a finished download. Emits: ImportRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, Download, download_id, what="This download")
    if row.state not in (DownloadState.COMPLETED, DownloadState.BLOCKED):
        raise Conflict(f"This download is {row.state}; only a finished one can be imported.")
    emit(session, caller, ImportRequested(download_id))


def due_imports(session: Session, now: datetime) -> list[str]:
    """Return downloads whose import the sweep must start.

    These are finished ones without an import, interrupted imports, and blocked ones whose cause may have passed.
    """
    completed = (Download.state == DownloadState.COMPLETED) & (Download.state_since < now - timedelta(minutes=2))
    interrupted = (Download.state == DownloadState.IMPORTING) & (
        Download.interrupted_at.is_not(None) | (Download.state_since < now - DEAD_AFTER)
    )
    blocked = (
        (Download.state == DownloadState.BLOCKED)
        & (Download.import_attempts < _MOST_ATTEMPTS)
        & Download.block_code.in_(_RETRIED)
        & (Download.state_since < now - _RETRY_AFTER)
        & (Download.state_since > now - _RETRY_FOR)
    )
    return list(
        session.scalars(select(Download.id).where(completed | interrupted | blocked).order_by(Download.added_at))
    )


def recover_imports(session: Session, now: datetime) -> int:
    """Mark imports that a crash interrupted, so that the sweep continues them. Runs when the worker starts."""
    importing = session.scalars(select(Download).where(Download.state == DownloadState.IMPORTING)).all()
    rows = [row for row in importing if row.id not in in_flight]
    for row in rows:
        row.interrupted_at = now
        note(row, now, reason("import.interrupted"), "note")
    return len(rows)

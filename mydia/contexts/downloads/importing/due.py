"""Which imports should be started: requested by a person, finished, interrupted or worth another try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters import processes
from mydia.contexts import library
from mydia.contexts.downloads.models import Download, DownloadState
from mydia.contexts.downloads.moving import note
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Conflict
from mydia.events import ImportRequested, emit, reason

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
_in_flight: set[str] = set()
"""Downloads that threads of this process are importing. `Download.import_owner` names the process to all others."""


@contextmanager
def importing_here(download_id: str) -> Iterator[None]:
    """Mark a download as being imported by this process, so that its own recovery leaves it alone."""
    _in_flight.add(download_id)
    try:
        yield
    finally:
        _in_flight.discard(download_id)


def interrupted_imports(session: Session, now: datetime, *, download_id: str | None = None) -> list[Download]:
    """Return downloads whose import was begun and that no process carries out any more.

    Args:
        download_id: Only this one.
    """
    query = select(Download).where(Download.state == DownloadState.IMPORTING)
    if download_id is not None:
        query = query.where(Download.id == download_id)
    rows = session.scalars(query).all()
    reports = library.journal.last_reports(session, [row.id for row in rows])
    return [row for row in rows if not _is_being_done(row, now, reports.get(row.id))]


def _is_being_done(row: Download, now: datetime, reported_at: datetime | None) -> bool:
    if row.id in _in_flight:
        return True
    if row.import_owner is None or row.import_owner == processes.this_process():
        return False
    last = max(row.state_since, reported_at or row.state_since)
    return processes.may_be_working(row.import_owner, (now - last).total_seconds())


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
    interrupted = Download.id.in_([row.id for row in interrupted_imports(session, now)])
    completed = (Download.state == DownloadState.COMPLETED) & (Download.state_since < now - timedelta(minutes=2))
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
    """Record which imports a crash interrupted; the sweep continues them. Runs when the worker starts."""
    rows = interrupted_imports(session, now)
    for row in rows:
        row.interrupted_at = now
        note(row, now, reason("import.interrupted"), "note")
    return len(rows)

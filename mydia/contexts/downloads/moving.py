"""The one place that changes a download's state, checked against the table, with time, reason and event."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadState
from mydia.contexts.downloads.states import may_move
from mydia.contexts.users import Caller
from mydia.errors import Conflict
from mydia.events import DownloadChanged, Reason, emit
from mydia.vocabulary import Activity


def move(
    session: Session, caller: Caller, now: datetime, row: Download, new: DownloadState, *, because: Reason | None = None
) -> None:
    """Put a download into another state.

    Raises:
        Conflict: The table does not allow it, for example because another process was faster.

    Emits: DownloadChanged.
    """
    old = row.state
    if not may_move(old, new):
        raise Conflict(f"This download is {old} and cannot become {new}.")
    row.state, row.state_since = new, now
    session.flush()
    stored = None if because is None else because.to_json()
    emit(
        session,
        caller,
        DownloadChanged(download_id=row.id, media_item_id=row.media_item_id, old=old, new=new, reason=stored),
        at=now,
    )
    update_card(session, now, row.media_item_id)


def note(row: Download, now: datetime, because: Reason, kind: str) -> bool:
    """Add a reason to a download's history and return True, unless it already exists.

    A block is recorded once, however often the import is retried; any other reason only if the last one of its kind differs.

    Args:
        kind: `grab`, `block`, `fail` or `note`.
    """
    stored = because.to_json()
    known = [(entry.get("code"), entry.get("facts")) for entry in row.reasons if entry.get("kind") == kind]
    if (stored["code"], stored["facts"]) in (known if kind == "block" else known[-1:]):
        return False
    row.reasons = [*row.reasons, {"at": now.isoformat(), "kind": kind, **stored}]
    return True


def update_card(session: Session, now: datetime, item_id: str | None) -> None:
    """Update the download state of an item, which its card shows."""
    if item_id is None:
        return
    session.flush()
    activities: dict[str | None, Activity | None] = {}
    running = select(Download.version_id, Download.state).where(
        Download.media_item_id == item_id, Download.state.in_(OPEN_STATES)
    )
    for version_id, state in session.execute(running):
        if state is DownloadState.BLOCKED:
            activities[version_id] = Activity.BLOCKED
        else:
            activities.setdefault(version_id, Activity.DOWNLOADING)
    media.holdings.record_activity(session, now, item_id, activities)

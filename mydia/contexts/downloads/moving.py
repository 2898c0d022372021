"""Changing a download's state, in one place: checked against the table, with its instant, reason and event."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadState
from mydia.contexts.downloads.states import may_move
from mydia.contexts.users import Caller
from mydia.errors import Conflict
from mydia.events import DownloadChanged, emit


def move(
    session: Session, caller: Caller, now: datetime, row: Download, new: DownloadState, *, reason: str | None = None
) -> None:
    """Put a download into another state.

    Raises:
        Conflict: The table does not allow it; somebody else was faster.

    Emits: DownloadChanged.
    """
    old = row.state
    if not may_move(old, new):
        raise Conflict(f"This download is {old} and cannot become {new}.")
    row.state, row.state_since = new, now
    session.flush()
    emit(session, caller, DownloadChanged(row.id, row.media_item_id, old, new, reason), at=now)
    tell_media(session, now, row.media_item_id)


def note(row: Download, now: datetime, text: str, kind: str) -> None:
    """Add a sentence to a download's story, unless it was the last thing said.

    Args:
        kind: `grab`, `block`, `fail` or `note`.
    """
    reasons = [dict(reason) for reason in row.reasons]
    if reasons and reasons[-1]["text"] == text:
        return
    row.reasons = [*reasons, {"at": now.isoformat(), "text": text, "kind": kind}]


def tell_media(session: Session, now: datetime, item_id: str | None) -> None:
    """Have the item's card show what its downloads are doing."""
    if item_id is None:
        return
    session.flush()
    states = set(
        session.scalars(
            select(Download.state).where(Download.media_item_id == item_id, Download.state.in_(OPEN_STATES))
        )
    )
    activity = "blocked" if DownloadState.BLOCKED in states else "downloading" if states else None
    media.record_activity(session, now, item_id, activity)

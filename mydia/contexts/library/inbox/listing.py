"""Read the import review: entries, their files, and how many wait."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from mydia.contexts.library.models import InboxEntry, MediaFile
from mydia.contexts.library.words import ReviewState
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, decode_cursor, encode_cursor, get
from mydia.errors import Invalid

WAITING = (ReviewState.NEW, ReviewState.READY, ReviewState.NEEDS_ATTENTION, ReviewState.NO_MATCH)
"""States in which an entry waits for a decision."""
STATES = tuple(ReviewState)


class InboxPage(msgspec.Struct, frozen=True):
    """A page of entries."""

    entries: tuple[InboxEntry, ...]
    next_cursor: str | None


class InboxCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Number of entries in each state."""

    ready: int = 0
    needs_attention: int = 0
    no_match: int = 0
    ignored: int = 0
    done: int = 0
    new: int = 0
    queued: int = 0

    @property
    def waiting(self) -> int:
        """Entries that wait for a decision."""
        return self.ready + self.needs_attention + self.no_match + self.new


def list_inbox(
    session: Session,
    caller: Caller,
    *,
    state: str | Collection[str] | None = None,
    library_path_id: str | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> InboxPage:
    """Return entries, oldest first.

    Args:
        state: One or several of STATES; None means all entries that wait for a decision.
    """
    caller.require(Permission.MANAGE_MEDIA)
    query = select(InboxEntry).where(*_filter(state, library_path_id, text)).order_by(InboxEntry.id).limit(limit + 1)
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(InboxEntry.id > cursor_id(key[0]))
    rows = session.scalars(query).all()
    return InboxPage(tuple(rows[:limit]), encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


def inbox_ids(
    session: Session, caller: Caller, *, state: str | Collection[str] | None = None, text: str | None = None
) -> list[str]:
    """Return the ids of all entries that a filter matches, oldest first; arguments as of `list_inbox`."""
    caller.require(Permission.MANAGE_MEDIA)
    return list(session.scalars(select(InboxEntry.id).where(*_filter(state, None, text)).order_by(InboxEntry.id)))


def _filter(
    state: str | Collection[str] | None, library_path_id: str | None, text: str | None
) -> list[ColumnElement[bool]]:
    states = WAITING if state is None else (state,) if isinstance(state, str) else tuple(state)
    if unknown := [one for one in states if one not in STATES]:
        raise Invalid(f"“{unknown[0]}” is not a state. Choose one of {', '.join(STATES)}.")
    found: list[ColumnElement[bool]] = [InboxEntry.state.in_(states)]
    if library_path_id is not None:
        found.append(InboxEntry.library_path_id == library_path_id)
    if text and text.strip():
        found.append(
            or_(
                InboxEntry.title.icontains(text.strip(), autoescape=True),
                InboxEntry.folder.icontains(text.strip(), autoescape=True),
            )
        )
    return found


def inbox_counts(session: Session, caller: Caller) -> InboxCounts:
    """Return the number of entries in each state."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.execute(select(InboxEntry.state, func.count()).group_by(InboxEntry.state)).all()
    return InboxCounts(**{row[0]: row[1] for row in rows})


def get_entry(session: Session, caller: Caller, inbox_id: str) -> InboxEntry:
    """Return one entry. Raises NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    return get(session, InboxEntry, inbox_id, what="This entry of the review")


def find_entry(session: Session, caller: Caller, inbox_id: str) -> InboxEntry | None:
    """Return one entry, None when it is gone: decided by somebody else, or its files are."""
    caller.require(Permission.MANAGE_MEDIA)
    return session.get(InboxEntry, inbox_id)


def files_of_entry(session: Session, caller: Caller, inbox_id: str) -> list[MediaFile]:
    """Return the files that wait in an entry, sorted by path."""
    caller.require(Permission.MANAGE_MEDIA)
    query = select(MediaFile).where(MediaFile.inbox_id == inbox_id).order_by(MediaFile.relative_path)
    return list(session.scalars(query))

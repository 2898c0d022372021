"""The table of events: outbox, history, audit log and backlog of live updates."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Index, Integer, Text, cast, delete, func, insert, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from mydia.db import Base, Instant, one_of, partial_index
from mydia.events.catalog import EVENTS, Event


class EventRow(Base):
    """One event. `payload` holds its fields: ids and plain values only."""

    __tablename__ = "events"
    __table_args__ = (
        one_of("severity", "info", "warning", "error"),
        Index("ix_events_resource", "resource_kind", "resource_id", "id"),
        Index("ix_events_type_id", "type", "id"),
        Index("ix_events_at", "at"),
        partial_index("ix_events_undispatched", "id", where="dispatched_at IS NULL"),
        partial_index("ix_events_audit", "id", where="audit = 1", postgresql="audit"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Instant)
    type: Mapped[str] = mapped_column(Text)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str | None] = mapped_column(Text)
    actor_name: Mapped[str | None] = mapped_column(Text)
    resource_kind: Mapped[str] = mapped_column(Text)
    resource_id: Mapped[str | None] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text, default="info")
    payload: Mapped[dict[str, Any]]
    audit: Mapped[bool] = mapped_column(default=False)
    """Whether it belongs to the audit; `Event.audit` when it was recorded."""
    dispatched_at: Mapped[datetime | None] = mapped_column(Instant)


class Happened(msgspec.Struct, frozen=True):
    """An event as read from the log."""

    id: int
    at: datetime
    type: str
    actor_kind: str
    actor_id: str | None
    actor_name: str | None
    resource_kind: str
    resource_id: str | None
    severity: str
    payload: dict[str, Any]

    def event(self) -> Event | None:
        """Return the typed event, or None if this version does not have its type."""
        kind = EVENTS.get(self.type)
        return None if kind is None else kind(**self.payload)


_COLUMNS = (
    EventRow.id,
    EventRow.at,
    EventRow.type,
    EventRow.actor_kind,
    EventRow.actor_id,
    EventRow.actor_name,
    EventRow.resource_kind,
    EventRow.resource_id,
    EventRow.severity,
    EventRow.payload,
)


_LARGEST = 2**31 - 1
"""The largest number of an event: PostgreSQL refuses to compare with more, and no log has as many."""


def _number(event_id: int) -> int:
    return max(0, min(event_id, _LARGEST))


def _happened(rows: Iterable[Sequence[Any]]) -> list[Happened]:
    return [Happened(*row) for row in rows]


def last_id(session: Session) -> int:
    """Return the newest event's number, 0 for an empty log."""
    return session.scalar(select(EventRow.id).order_by(EventRow.id.desc()).limit(1)) or 0


def since(session: Session, after_id: int, *, limit: int = 1000) -> list[Happened]:
    """Return the events after a given one, oldest first."""
    return _happened(
        session.execute(select(*_COLUMNS).where(EventRow.id > _number(after_id)).order_by(EventRow.id).limit(limit))
    )


def feed(
    session: Session,
    *,
    before_id: int | None = None,
    types: Iterable[str] = (),
    resource: tuple[str, str] | None = None,
    about: Collection[str] | None = None,
    severity: str | None = None,
    limit: int = 50,
) -> list[Happened]:
    """Return a page of events, newest first; pass the last `id` as `before_id` for the next page.

    Args:
        about: Ids of titles: only their events and those of their downloads and files. None: all events.
    """
    query = select(*_COLUMNS).order_by(EventRow.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(EventRow.id < _number(before_id))
    if wanted := list(types):
        query = query.where(EventRow.type.in_(wanted))
    if resource is not None:
        query = query.where(EventRow.resource_kind == resource[0], EventRow.resource_id == resource[1])
    if about is not None:
        named = EventRow.payload["media_item_id"].as_string().in_(about)
        query = query.where(or_((EventRow.resource_kind == "media_item") & EventRow.resource_id.in_(about), named))
    if severity is not None:
        query = query.where(EventRow.severity == severity)
    return _happened(session.execute(query))


def feeds(
    session: Session, kind: str, ids: Collection[str], *, types: Iterable[str], most: int
) -> dict[str, list[Happened]]:
    """Return the newest events about each of several resources of a kind, newest first, by id; one without any is left out.

    Args:
        types: Only events of these types; empty for all.
        most: Events of one resource.
    """
    place = func.row_number().over(partition_by=EventRow.resource_id, order_by=EventRow.id.desc())
    query = select(EventRow.id, place.label("place")).where(
        EventRow.resource_kind == kind, EventRow.resource_id.in_(ids)
    )
    if wanted := list(types):
        query = query.where(EventRow.type.in_(wanted))
    numbered = query.subquery()
    newest = (
        select(*_COLUMNS)
        .join(numbered, numbered.c.id == EventRow.id)
        .where(numbered.c.place <= most)
        .order_by(EventRow.id.desc())
    )
    found: dict[str, list[Happened]] = {}
    for one in _happened(session.execute(newest)):
        found.setdefault(one.resource_id or "", []).append(one)
    return found


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of the audit to read; the empty filter reads all."""

    person: str | None = None
    """Id of an account: what it did, and what happened to it."""
    by_system: bool = False
    """Only what Mydia did on its own."""
    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(word, types that are called so): each word is in the fields or the actor's name, or the type is called so."""


def audit(session: Session, wanted: AuditFilter, *, before_id: int | None = None, limit: int = 50) -> list[Happened]:
    """Return a page of the audit, newest first; pass the last `id` as `before_id` for the next page."""
    query = select(*_COLUMNS).where(EventRow.audit).order_by(EventRow.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(EventRow.id < _number(before_id))
    if wanted.person is not None:
        about = (EventRow.resource_kind == "user") & (EventRow.resource_id == wanted.person)
        query = query.where(or_(EventRow.actor_id == wanted.person, about))
    if wanted.by_system:
        query = query.where(EventRow.actor_kind == "system")
    if wanted.types:
        query = query.where(EventRow.type.in_(wanted.types))
    if wanted.since is not None:
        query = query.where(EventRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(EventRow.at <= wanted.until)
    if wanted.subject_kind is not None:
        query = query.where(EventRow.resource_kind == wanted.subject_kind)
    if wanted.subject_id is not None:
        query = query.where(EventRow.resource_id == wanted.subject_id)
    for word, called in wanted.words:
        # The payload is stored as JSON with escaped letters.
        escaped = json.dumps(word)[1:-1]
        query = query.where(
            or_(
                cast(EventRow.payload, Text).icontains(escaped, autoescape=True),
                EventRow.actor_name.icontains(word, autoescape=True),
                EventRow.type.in_(called),
            )
        )
    return _happened(session.execute(query))


def names_of_removed(session: Session, *, ids: Collection[str] | None = None, text: str = "") -> dict[str, str]:
    """Return id -> name of titles that were removed, newest first.

    Args:
        ids: Only these titles.
        text: Only titles whose name contains it.
    """
    name = EventRow.payload["title"].as_string()
    query = select(EventRow.resource_id, name).where(EventRow.type == "MediaRemoved").order_by(EventRow.id.desc())
    if ids is not None:
        query = query.where(EventRow.resource_id.in_(ids))
    if text.strip():
        query = query.where(name.icontains(text.strip(), autoescape=True))
    return {str(id_): str(title) for id_, title in session.execute(query.limit(_REMOVED_AT_MOST)) if id_ is not None}


_REMOVED_AT_MOST = 200

INSERT = insert(EventRow)


def prune(session: Session, before: datetime, *, audit: bool = False, limit: int = 5_000) -> int:
    """Delete up to `limit` dispatched events before an instant and return how many.

    Args:
        audit: Whether to delete events of the audit, or all others.
    """
    old = (
        select(EventRow.id)
        .where(EventRow.at < before, EventRow.dispatched_at.is_not(None), EventRow.audit.is_(audit))
        .limit(limit)
    )
    doomed = list(session.scalars(old))
    session.execute(delete(EventRow).where(EventRow.id.in_(doomed)))
    return len(doomed)

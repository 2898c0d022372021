"""The table of events: outbox, history, audit log and backlog of live updates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, Text, delete, insert, or_, select
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
    dispatched_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Happened:
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


def _happened(rows: Iterable[Sequence[Any]]) -> list[Happened]:
    return [Happened(*row) for row in rows]


def last_id(session: Session) -> int:
    """Return the newest event's number, 0 for an empty log."""
    return session.scalar(select(EventRow.id).order_by(EventRow.id.desc()).limit(1)) or 0


def since(session: Session, after_id: int, *, limit: int = 1000) -> list[Happened]:
    """Return the events after a given one, oldest first."""
    return _happened(
        session.execute(select(*_COLUMNS).where(EventRow.id > after_id).order_by(EventRow.id).limit(limit))
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
        query = query.where(EventRow.id < before_id)
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


def prune(session: Session, before: datetime, *, limit: int = 5_000) -> int:
    """Delete up to `limit` events before an instant and return how many; audit and undispatched events stay."""
    audit = [name for name, kind in EVENTS.items() if kind.audit]
    old = (
        select(EventRow.id)
        .where(EventRow.at < before, EventRow.dispatched_at.is_not(None), EventRow.type.not_in(audit))
        .limit(limit)
    )
    doomed = list(session.scalars(old))
    session.execute(delete(EventRow).where(EventRow.id.in_(doomed)))
    return len(doomed)

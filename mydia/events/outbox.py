"""Recording an event together with its change, and queueing its jobs after the commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import asdict
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.db import Database
from mydia.events.catalog import EVENTS, Event
from mydia.events.log import INSERT, EventRow, last_id

logger = logging.getLogger(__name__)


class Actor(Protocol):
    """The user, key or system that causes an event; every Caller is one."""

    @property
    def kind(self) -> str:
        """`user`, `api_key` or `system`."""

    @property
    def id(self) -> str | None:
        """The id of the user or key."""

    @property
    def name(self) -> str:
        """The name shown in the history."""


def emit(session: Session, actor: Actor, event: Event, *, at: datetime | None = None) -> None:
    """Record an event in the same transaction as its change."""
    emit_all(session, actor, [event], at=at)


def emit_all(session: Session, actor: Actor, events: Sequence[Event], *, at: datetime | None = None) -> None:
    """Record several events in one statement."""
    # Flush first, so that the rows an event refers to exist before it.
    session.flush()
    at = at or clock.now()
    if events:
        session.execute(INSERT, [_row(actor, event, at) for event in events])


def _row(actor: Actor, event: Event, at: datetime) -> dict[str, Any]:
    payload = asdict(event)
    resource_id = payload.get(f"{event.resource}_id")
    return {
        "at": at,
        "type": type(event).__name__,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "resource_kind": event.resource,
        "resource_id": None if resource_id is None else str(resource_id),
        "severity": event.severity,
        "payload": payload,
        "audit": event.audit,
    }


class Trigger(msgspec.Struct, frozen=True):
    """A job that an event starts."""

    job: str
    params: Callable[[Any], Mapping[str, object]]
    """Event -> the job's parameters."""
    dedup: Callable[[Any], str] | None = None
    """Event -> deduplication key: if a job with this key is waiting, no second one is queued."""
    when: Callable[[Any], bool] | None = None
    delay_s: float = 0.0
    for_actor: bool = False
    """Whether the job acts for the event's actor, whom the history then names. The job gets `actor`: its kind, id and name."""


class Enqueue(Protocol):
    """The part of the broker that the dispatcher needs."""

    def __call__(
        self, job: str, params: Mapping[str, object], *, dedup: str | None, delay_s: float, cause: str
    ) -> object:
        """Queue a job; raises when the broker is down."""


class Dispatcher:
    """Turns events into jobs, in order, at least once.

    Runs in the worker process. An event is stamped after its jobs are queued. A crash in between queues them twice, which
    deduplication keys and idempotent jobs tolerate.
    """

    def __init__(
        self, database: Database, enqueue: Enqueue, on_event: Mapping[type[Event], tuple[Trigger, ...]]
    ) -> None:
        self._database = database
        self._enqueue = enqueue
        self._on_event = on_event
        self._wake = threading.Event()

    def wake(self) -> None:
        """Make `run` check for events immediately."""
        self._wake.set()

    def dispatch(self, *, limit: int = 500) -> int:
        """Queue the jobs of undispatched events and return how many events were stamped."""
        with self._database.reads() as session:
            rows = session.execute(
                select(
                    EventRow.id,
                    EventRow.type,
                    EventRow.payload,
                    EventRow.actor_kind,
                    EventRow.actor_id,
                    EventRow.actor_name,
                )
                .where(EventRow.dispatched_at.is_(None))
                .order_by(EventRow.id)
                .limit(limit)
            ).all()
        done: list[int] = []
        for row in rows:
            kind = EVENTS.get(row.type)
            triggers = self._on_event.get(kind, ()) if kind else ()
            if kind and triggers:
                event = kind(**row.payload)
                actor = {"kind": row.actor_kind, "id": row.actor_id, "name": row.actor_name}
                for trigger in triggers:
                    if trigger.when is None or trigger.when(event):
                        self._enqueue(
                            trigger.job,
                            {**trigger.params(event), "actor": actor} if trigger.for_actor else trigger.params(event),
                            dedup=trigger.dedup(event) if trigger.dedup else None,
                            delay_s=trigger.delay_s,
                            cause=f"{row.type} by {row.actor_name}",
                        )
            done.append(row.id)
        if done:
            with self._database.writes() as session:
                session.execute(update(EventRow).where(EventRow.id.in_(done)).values(dispatched_at=clock.now()))
        return len(done)

    def run(self, stop: threading.Event, *, poll_s: float = 0.1) -> None:
        """Dispatch until `stop` is set. Commits of this process are seen at once, those of others by polling."""
        version: object = None
        while not stop.is_set():
            try:
                seen = data_version(self._database)
                if seen != version or self._wake.is_set():
                    self._wake.clear()
                    while self.dispatch():
                        pass
                    version = seen
            except Exception:
                # The dispatcher must survive any error: events that failed are still undispatched and are tried again.
                logger.exception("events could not be dispatched")
                stop.wait(5)
            self._wake.wait(poll_s)


def data_version(database: Database) -> object:
    """Return a value that changes when any process commits to the database; usually takes microseconds.

    Without a version, the newest event's number is used. Call it before reading, so that a commit in between is noticed next time.
    """
    version = database.version()
    if version is not None:
        return version
    with database.reads() as session:
        return last_id(session)

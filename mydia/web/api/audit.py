"""`/api/v1/audit`: who did what."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from litestar import get
from litestar.params import FromQuery, PathParameter, QueryParameter
from litestar.response import Stream

from mydia import clock
from mydia.contexts import users
from mydia.events import AuditFilter, stories, trail
from mydia.web import audit_export
from mydia.web.api.schemas import Limit, Page, Struct, Text
from mydia.web.deps import CallerDep, DatabaseDep

if TYPE_CHECKING:
    Kind = str
    SubjectKind = str
else:
    Kind = Literal[tuple(trail.KINDS)]
    SubjectKind = Literal[tuple(trail.SUBJECTS)]

Person = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Id of an account: what it did, and what happened to it."),
]
SubjectId = Annotated[str | None, QueryParameter(max_length=500)]
Since = Annotated[date | None, QueryParameter(description="The first day, in UTC.")]
Until = Annotated[date | None, QueryParameter(description="The last day, in UTC.")]
EventId = Annotated[int, PathParameter(ge=1, le=2**53)]


class ChangeShape(Struct):
    """A value that changed."""

    field: str
    old: str | None
    """null: there was none"""
    new: str | None
    """null: there is none any more"""


class AuditEntry(Struct):
    """An entry of the audit."""

    id: int
    at: datetime
    kind: str
    type: str
    """The event."""
    title: str
    text: str
    person: str
    person_id: str | None
    actor: str
    """user | api_key | system"""
    address: str | None
    agent: str | None
    subject_kind: str
    subject_id: str | None
    subject: str | None
    """Its name when it happened."""
    severity: str
    changes: list[ChangeShape]
    details: list[str]


def _shape(one: trail.Entry) -> AuditEntry:
    return AuditEntry(
        id=one.id,
        at=one.at,
        kind=one.kind,
        type=one.type,
        title=one.title,
        text=one.text,
        person=one.person,
        person_id=one.person_id,
        actor=one.actor_kind,
        address=one.address or None,
        agent=one.agent or None,
        subject_kind=one.subject_kind,
        subject_id=one.subject_id,
        subject=one.subject or None,
        severity=one.severity,
        changes=[ChangeShape(field=change.field, old=change.old, new=change.new) for change in one.changes],
        details=list(one.details),
    )


def _filter(
    *,
    q: str | None,
    person: str | None,
    by_system: bool,
    kind: str | None,
    subject_kind: str | None,
    subject_id: str | None,
    since: date | None,
    until: date | None,
) -> AuditFilter:
    return AuditFilter(
        person=person,
        by_system=by_system,
        types=trail.types_of(kind) if kind else (),
        since=None if since is None else datetime.combine(since, time(), UTC),
        until=None if until is None else datetime.combine(until, time.max, UTC),
        subject_kind=subject_kind,
        subject_id=subject_id,
        words=stories.words_of(q or ""),
    )


@get("/audit", sync_to_thread=True, summary="List the audit")
def list_audit(
    database: DatabaseDep,
    caller: CallerDep,
    q: Text = None,
    person: Person = None,
    by_system: FromQuery[bool] = False,
    kind: FromQuery[Kind | None] = None,
    subject_kind: FromQuery[SubjectKind | None] = None,
    subject_id: SubjectId = None,
    since: Since = None,
    until: Until = None,
    cursor: Annotated[int | None, QueryParameter(ge=1, le=2**53)] = None,
    limit: Limit = 50,
) -> Page[AuditEntry]:
    """Return a page of the audit, newest first: sign-ins, accounts, keys, settings, grabs, deletions and backups."""
    wanted = _filter(
        q=q,
        person=person,
        by_system=by_system,
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        since=since,
        until=until,
    )
    with database.reads() as session:
        told = users.history.list_audit(session, caller, wanted, before_id=cursor, limit=limit)
    following = str(told[-1].id) if len(told) == limit else None
    return Page(items=[_shape(trail.entry(event)) for event in told], next_cursor=following)


@get("/audit/{event_id:int}", sync_to_thread=True, summary="Get an entry of the audit")
def get_entry(database: DatabaseDep, caller: CallerDep, event_id: EventId) -> AuditEntry:
    """Return one entry."""
    with database.reads() as session:
        return _shape(trail.entry(users.history.get_entry(session, caller, event_id)))


@get("/audit/export", sync_to_thread=True, summary="Export the audit", media_type="application/octet-stream")
def export_audit(
    database: DatabaseDep,
    caller: CallerDep,
    format: FromQuery[audit_export.Format] = "csv",
    q: Text = None,
    person: Person = None,
    by_system: FromQuery[bool] = False,
    kind: FromQuery[Kind | None] = None,
    subject_kind: FromQuery[SubjectKind | None] = None,
    subject_id: SubjectId = None,
    since: Since = None,
    until: Until = None,
) -> Stream:
    """Return all entries that match as CSV or JSON, newest first. The export is recorded in the audit."""
    named: dict[str, Any] = {
        "q": q,
        "person": person,
        "by_system": by_system,
        "kind": kind,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "since": since,
        "until": until,
    }
    filters = {name: str(value) for name, value in named.items() if value}
    found = users.history.export(database, caller, clock.now(), _filter(**named), format=format, filters=filters)
    return audit_export.download(map(trail.entry, found), format)


ROUTES: tuple[Any, ...] = (list_audit, export_audit, get_entry)

"""The audit: who did what, with filters and an export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from mydia import clock, events
from mydia.contexts import users
from mydia.errors import Invalid
from mydia.events import AuditFilter, stories, trail
from mydia.web import audit_export
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.pages.activity.history import day_label
from mydia.web.render import dialog, fragment, is_htmx, page, query, renderer_of

_PAGE = 60
_LAST_YEAR = 9000
"""Later dates have no equal in every time zone."""
SYSTEM = "system"
"""The choice of what Mydia did on its own."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one day."""

    on: date
    label: str
    """Empty if the previous page began this day."""
    entries: tuple[trail.Entry, ...]


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """The audit with its filters."""

    days: tuple[Day, ...]
    q: str
    person: str
    people: tuple[tuple[str, str], ...]
    kind: str
    kinds: tuple[tuple[str, str], ...]
    subject: str
    subject_label: str
    since: str
    until: str
    filtered: bool
    without_subject: str
    """Address of the list without the filter of the subject."""
    csv_url: str
    json_url: str
    more: str | None


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit."""

    entry: trail.Entry
    actor: str
    subject_label: str
    same_subject: str | None
    same_person: str | None


class _Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of the page, as they are in its address."""

    q: str
    person: str
    kind: str
    subject: str
    since: str
    until: str

    def named(self, **changed: object) -> dict[str, object]:
        """Return the parameters of the address."""
        fields = ("q", "person", "kind", "subject", "since", "until")
        return {name: getattr(self, name) for name in fields} | changed

    def given(self) -> dict[str, str]:
        """Return the filters that are set."""
        return {name: str(value) for name, value in self.named().items() if value}


def filter_of(
    *, q: str, person: str, kind: str, subject: str, since: datetime | None, until: datetime | None
) -> AuditFilter:
    """Return the filter of a list.

    Args:
        person: The id of an account, `system`, or empty.
        subject: `kind` or `kind:id` of what it happened to, or empty.

    Raises:
        Invalid: There is no such kind of entry or subject.
    """
    subject_kind, _, subject_id = subject.partition(":")
    if kind and kind not in trail.KINDS:
        raise Invalid(f"Show one of {', '.join(trail.KINDS)}.", fields={"kind": "Unknown kind of entry."})
    if subject_kind and subject_kind not in trail.SUBJECTS:
        raise Invalid(f"Show one of {', '.join(trail.SUBJECTS)}.", fields={"subject": "Unknown kind of subject."})
    return AuditFilter(
        person=person if person and person != SYSTEM else None,
        by_system=person == SYSTEM,
        types=trail.types_of(kind) if kind else (),
        since=since,
        until=until,
        subject_kind=subject_kind or None,
        subject_id=subject_id or None,
        words=stories.words_of(q),
    )


@get("/system/audit", sync_to_thread=True, include_in_schema=False)
def show_audit(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    q: FromQuery[str] = "",
    person: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    day: FromQuery[str] = "",
) -> Response[str]:
    """Show the audit, newest first."""
    chosen = _Chosen(q=q, person=person, kind=kind, subject=subject, since=since, until=until)
    zone = renderer_of(request).zone
    wanted = _filter(chosen, zone)
    with database.reads() as session:
        told = users.history.list_audit(session, caller, wanted, before_id=before, limit=_PAGE)
        people = users.history.list_names(session, caller)
    days = _by_day(told, zone, day)
    last = f"{days[-1].on:%Y-%m-%d}" if days else ""
    more = query(chosen.named(before=told[-1].id, day=last)) if len(told) == _PAGE else None
    export = "/system/audit/export" + query(chosen.named())
    view = AuditView(
        days=days,
        q=q,
        person=person,
        people=((SYSTEM, "Mydia itself"), *people),
        kind=kind,
        kinds=tuple(trail.KINDS.items()),
        subject=subject,
        subject_label=_subject_label(told, subject),
        since=since,
        until=until,
        filtered=bool(chosen.given()),
        without_subject="/system/audit" + query(chosen.named(subject=None)),
        csv_url=f"{export}{'&' if '?' in export else '?'}format=csv",
        json_url=f"{export}{'&' if '?' in export else '?'}format=json",
        more=f"/system/audit{more}" if more else None,
    )
    if before is not None and is_htmx(request):
        return fragment(request, "system/_audit_days.html", view)
    return page(request, "system/audit.html", view, active="system")


@get("/system/audit/{event_id:int}", sync_to_thread=True, include_in_schema=False)
def show_entry(request: WebRequest, database: DatabaseDep, caller: CallerDep, event_id: FromPath[int]) -> Response[str]:
    """Show one entry with every old and new value."""
    with database.reads() as session:
        entry = trail.entry(users.history.get_entry(session, caller, event_id))
    named = f"{entry.subject_kind}:{entry.subject_id}" if entry.subject_id else None
    view = EntryView(
        entry=entry,
        actor="API key" if entry.actor_kind == "api_key" else "",
        subject_label=trail.SUBJECTS.get(entry.subject_kind, entry.subject_kind),
        same_subject="/system/audit" + query({"subject": named}) if named else None,
        same_person="/system/audit" + query({"person": entry.person_id}) if entry.person_id else None,
    )
    return dialog(request, "system/_audit_entry.html", view, title=entry.title, active="system", back="/system/audit")


@get("/system/audit/export", sync_to_thread=True, include_in_schema=False)
def export_audit(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    format: FromQuery[audit_export.Format] = "csv",
    q: FromQuery[str] = "",
    person: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
) -> Stream:
    """Send the entries that match the filters as a file."""
    chosen = _Chosen(q=q, person=person, kind=kind, subject=subject, since=since, until=until)
    wanted = _filter(chosen, renderer_of(request).zone)
    found = users.history.export(database, caller, clock.now(), wanted, format=format, filters=chosen.given())
    return audit_export.download(map(trail.entry, found), format)


def _filter(chosen: _Chosen, zone: tzinfo) -> AuditFilter:
    since, until = _day(chosen.since, "since"), _day(chosen.until, "until")
    return filter_of(
        q=chosen.q,
        person=chosen.person,
        kind=chosen.kind,
        subject=chosen.subject,
        since=None if since is None else datetime.combine(since, time(), zone),
        until=None if until is None else datetime.combine(until, time.max, zone),
    )


def _day(text: str, field: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
        return found if found is None else found.replace(year=min(max(found.year, 1970), _LAST_YEAR))
    except ValueError as error:
        raise Invalid("Write a date such as 2026-07-12.", fields={field: "This is not a date."}) from error


def _by_day(told: Sequence[events.Happened], zone: tzinfo, begun: str) -> tuple[Day, ...]:
    today = clock.now().astimezone(zone).date()
    days: dict[date, list[trail.Entry]] = {}
    for event in told:
        days.setdefault(event.at.astimezone(zone).date(), []).append(trail.entry(event))
    return tuple(
        Day(on=on, label="" if f"{on:%Y-%m-%d}" == begun else day_label(on, today), entries=tuple(entries))
        for on, entries in days.items()
    )


def _subject_label(told: Sequence[events.Happened], subject: str) -> str:
    """Return the name of the chosen subject, from the newest entry about it."""
    kind, _, identifier = subject.partition(":")
    label = trail.SUBJECTS.get(kind, kind)
    name = trail.entry(told[0]).subject if told and identifier else ""
    return f"{label}: {name or identifier}" if identifier else label


ROUTES: tuple[Any, ...] = (show_audit, export_audit, show_entry)

"""What happened, for a caller: the log of events without what the caller may not see, and the audit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users.models import User
from mydia.contexts.users.permissions import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, NotFound
from mydia.events import EVENTS, AuditExported, AuditFilter, Happened

_PRIVATE = frozenset({"api_key", "audit", "backup", "jobs", "settings", "user"})
"""Events about these are shown only to callers who manage accounts."""
_LONGEST_NUMBER = 18
"""Digits; a database holds numbers up to 2^63."""
_EVERYDAY = tuple(name for name, kind in EVENTS.items() if kind.resource not in _PRIVATE)

_SLICE = 500
"""Events that an export reads at a time, so that it never keeps a snapshot open for long."""


def sees_audit(caller: Caller) -> bool:
    """Return whether sign-ins, accounts and changes of settings are part of the caller's history."""
    return caller.can(Permission.MANAGE_USERS)


def feed(
    session: Session,
    caller: Caller,
    *,
    before_id: int | None = None,
    types: Collection[str] = (),
    resource: tuple[str, str] | None = None,
    about: Collection[str] | None = None,
    severity: str | None = None,
    limit: int = 50,
) -> list[Happened]:
    """Return a page of events that the caller may see, newest first; arguments as of `events.feed`."""
    caller.require(Permission.VIEW_ACTIVITY)
    if not sees_audit(caller):
        types = [name for name in types or _EVERYDAY if name in _EVERYDAY]
        if not types:
            return []
    return events.feed(
        session, before_id=before_id, types=types, resource=resource, about=about, severity=severity, limit=limit
    )


def of_titles(session: Session, caller: Caller, item_ids: Collection[str], *, most: int) -> dict[str, list[Happened]]:
    """Return the newest events about each of several titles that the caller may see, newest first, by title."""
    caller.require(Permission.VIEW_ACTIVITY)
    return events.feeds(session, "media_item", item_ids, types=() if sees_audit(caller) else _EVERYDAY, most=most)


def position(session: Session, caller: Caller, after: str | None) -> int:
    """Return where a stream of events begins: after the event with a given number, or at the end of the log.

    Raises:
        Invalid: It is not a number of an event.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    newest = events.last_id(session)
    if after is None:
        return newest
    if not (after.isascii() and after.isdigit() and len(after) <= _LONGEST_NUMBER):
        sentence = "Pass the id of an event."
        raise Invalid(sentence, fields={"after": sentence})
    # A number beyond the end belongs to another log: a backup was restored.
    return min(int(after), newest)


def since(session: Session, caller: Caller, after_id: int, *, limit: int) -> tuple[list[Happened], int]:
    """Return the events of the library after a given one, oldest first, and the number of the last event that was read.

    Sign-ins, accounts and settings are left out for every caller, so fewer than `limit` events may come back from a full page.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    rows = events.since(session, after_id, limit=limit)
    return [one for one in rows if one.resource_kind not in _PRIVATE], rows[-1].id if rows else after_id


def names_of_removed(
    session: Session, caller: Caller, *, ids: Collection[str] | None = None, text: str = ""
) -> dict[str, str]:
    """Return id -> name of titles that were removed, newest first; arguments as of `events.names_of_removed`."""
    caller.require(Permission.VIEW_ACTIVITY)
    return events.names_of_removed(session, ids=ids, text=text)


def acting_for(session: Session, actor: Mapping[str, Any] | None) -> Caller:
    """Return the caller of a job that does what somebody asked for: it may do everything, and the history names who asked.

    The permission was checked when the wish was recorded.

    Args:
        actor: The `kind`, `id` and `name` of the event's actor; None for a job that nobody asked for.
    """
    if actor is None or actor["kind"] == "system":
        return SYSTEM
    known = actor["id"] is not None and session.get(User, actor["id"]) is not None
    return replace(SYSTEM, kind=actor["kind"], id=actor["id"] if known else None, name=actor["name"])


def list_audit(
    session: Session, caller: Caller, wanted: AuditFilter, *, before_id: int | None = None, limit: int = 50
) -> list[Happened]:
    """Return a page of the audit, newest first; pass the last `id` as `before_id` for the next page."""
    _require_audit(caller)
    return events.audit(session, wanted, before_id=before_id, limit=limit)


def list_names(session: Session, caller: Caller) -> list[tuple[str, str]]:
    """Return (id, name) of all accounts, for the filter."""
    _require_audit(caller)
    rows = session.execute(select(User.id, User.display_name, User.username).order_by(User.username))
    return [(id_, name or username) for id_, name, username in rows]


def get_entry(session: Session, caller: Caller, event_id: int) -> Happened:
    """Return one event of the audit.

    Raises:
        NotFound: There is none, or it was deleted with age.
    """
    _require_audit(caller)
    found = events.audit(session, AuditFilter(), before_id=event_id + 1, limit=1)
    if not found or found[0].id != event_id:
        raise NotFound("This entry is not in the audit. It may have been deleted because of its age.")
    return found[0]


def export(
    database: Database, caller: Caller, now: datetime, wanted: AuditFilter, *, format: str, filters: Mapping[str, str]
) -> Iterator[Happened]:
    """Record that the audit is exported, and return the events that match, newest first, read in slices.

    Args:
        filters: The filter in words, for the record.
    Emits:
        AuditExported.
    """
    _require_audit(caller)
    with database.writes() as session:
        events.emit(session, caller, AuditExported(format, dict(filters)), at=now)
    return _all(database, wanted)


def _all(database: Database, wanted: AuditFilter) -> Iterator[Happened]:
    last: int | None = None
    while True:
        with database.reads() as session:
            found = events.audit(session, wanted, before_id=last, limit=_SLICE)
        yield from found
        if len(found) < _SLICE:
            return
        last = found[-1].id


def _require_audit(caller: Caller) -> None:
    caller.require(Permission.MANAGE_SETTINGS)
    caller.require(Permission.MANAGE_USERS)

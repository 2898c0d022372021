"""What happened, for a caller: the log of events without what the caller may not see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users.models import User
from mydia.contexts.users.permissions import SYSTEM, Caller, Permission
from mydia.events import EVENTS, Happened

_PRIVATE = frozenset({"api_key", "settings", "user"})
"""Events about these are shown only to callers who manage accounts."""
_EVERYDAY = tuple(name for name, kind in EVENTS.items() if kind.resource not in _PRIVATE)


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

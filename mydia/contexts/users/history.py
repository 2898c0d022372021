"""What happened, for a caller: the log of events without what the caller may not see."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users.permissions import Caller, Permission
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

"""The audit as entries: who did what to what, and every old and new value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mydia.events import EVENTS, Happened, SettingsChanged
from mydia.events.stories import shown_value, story

KINDS = {
    "sign_in": "Sign-ins",
    "people": "People",
    "keys": "API keys",
    "settings": "Settings",
    "requests": "Request decisions",
    "grabs": "Grabs and blocklist",
    "deletions": "Deletions and restores",
    "backups": "Backups and exports",
}
"""Kind of an entry -> its label."""

_SIGN_INS = frozenset({"SignedIn", "SignInFailed", "SessionsEnded"})
_BY_RESOURCE = {
    "user": "people",
    "api_key": "keys",
    "settings": "settings",
    "library_path": "settings",
    "request": "requests",
    "blocked_title": "requests",
    "blocklist": "grabs",
    "jobs": "settings",
    "backup": "backups",
    "audit": "backups",
    "media_item": "deletions",
    "download": "deletions",
    "recycle_bin": "deletions",
}
_GRABS = frozenset({"ReleaseGrabbed"})

SUBJECTS = {
    "user": "Accounts",
    "api_key": "API keys",
    "settings": "Settings",
    "library_path": "Library folders",
    "request": "Requests",
    "blocked_title": "Blocked titles",
    "media_item": "Titles",
    "download": "Downloads",
    "blocklist": "Blocklist",
    "jobs": "Jobs",
    "recycle_bin": "Recycle bin",
    "backup": "Backups",
    "audit": "Audit",
}
"""Kind of a subject -> its label."""

_NAMES = ("username", "name", "title", "release_title", "relative_path", "path", "backup_id")
"""Fields that name the subject, best first."""
_SHOWN_ELSEWHERE = frozenset({"address", "agent", "changed", "evidence", "reasons"})


def kind_of(type_: str) -> str | None:
    """Return the kind of an event's type; None if the audit does not have it."""
    event = EVENTS.get(type_)
    if event is None or not event.audit:
        return None
    if type_ in _SIGN_INS or type_ in _GRABS:
        return "sign_in" if type_ in _SIGN_INS else "grabs"
    return _BY_RESOURCE.get(event.resource)


def types_of(kind: str) -> tuple[str, ...]:
    """Return the event types of a kind."""
    return tuple(name for name in EVENTS if kind_of(name) == kind)


class Change(msgspec.Struct, frozen=True):
    """A value that changed. None: there was none, or there is none any more."""

    field: str
    old: str | None
    new: str | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit."""

    id: int
    at: datetime
    type: str
    kind: str
    icon: str
    tone: str
    title: str
    text: str
    person: str
    """Who did it."""
    person_id: str | None
    actor_kind: str
    """`user`, `api_key` or `system`."""
    address: str
    agent: str
    subject_kind: str
    subject_id: str | None
    subject: str
    """Its name when it happened."""
    changes: tuple[Change, ...]
    details: tuple[str, ...]
    """Further sentences: reasons, and names of files."""
    facts: tuple[tuple[str, str], ...]
    """The other fields of the event."""
    severity: str


def entry(told: Happened) -> Entry:
    """Return an event as an entry."""
    line = story(told)
    payload = told.payload
    changed = payload.get("changed")
    changes = _changes(changed) if isinstance(changed, Mapping) else ()
    return Entry(
        id=told.id,
        at=told.at,
        type=told.type,
        kind=kind_of(told.type) or told.resource_kind,
        icon=line.icon,
        tone=line.tone,
        title=line.title,
        text=line.text,
        person=told.actor_name or "",
        person_id=told.actor_id,
        actor_kind=told.actor_kind,
        address=str(payload.get("address") or ""),
        agent=str(payload.get("agent") or ""),
        subject_kind=told.resource_kind,
        subject_id=told.resource_id,
        subject=next((str(payload[name]) for name in _NAMES if payload.get(name)), "")
        or (line.text if told.type == SettingsChanged.__name__ else ""),
        changes=changes,
        details=() if changes else line.details,
        facts=tuple(
            (name.replace("_", " "), shown_value(value))
            for name, value in payload.items()
            if name not in _SHOWN_ELSEWHERE and value not in (None, "", [], {})
        ),
        severity=told.severity,
    )


def _changes(changed: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(name.replace("_", " "), *(None if one in (None, "", [], {}) else shown_value(one) for one in pair))
        for name, pair in changed.items()
    )

"""How pages show accounts: their signed-in browsers and their ways to sign in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from mydia.contexts import users
from mydia.contexts.users import Permission
from mydia.web.auth import proxy

_BROWSERS = ("Firefox", "Edg", "OPR", "Chrome", "Safari")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


PERMISSIONS: tuple[tuple[Permission, str, str], ...] = (
    (Permission.BROWSE, "See the library", "Titles, the calendar and the quality of files"),
    (Permission.REQUEST, "Request titles", "And report problems with them"),
    (Permission.MANAGE_REQUESTS, "Decide requests", "Approve, decline, and request for others"),
    (Permission.VIEW_ACTIVITY, "View activity", "Downloads, history, decisions and paths"),
    (Permission.MANAGE_MEDIA, "Change the library", "Add, search, grab, import, rename and remove"),
    (Permission.MANAGE_SETTINGS, "Change settings", "And see logs, run tasks and make backups"),
    (Permission.MANAGE_USERS, "Manage accounts", "Accounts, invitations and other people's keys"),
)
"""(permission, what it allows, what that includes), as shown to people."""
_LABELS = {str(permission): label.lower() for permission, label, _ in PERMISSIONS}


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An API key."""

    id: str
    name: str
    prefix: str
    allows: tuple[str, ...] | None
    """What it may do; None for everything its owner may."""
    managed: bool
    last_used_at: datetime | None
    expires_at: datetime | None
    is_expired: bool


def key_rows(found: Iterable[users.ApiKey], now: datetime) -> tuple[KeyRow, ...]:
    """Return the rows of a list of keys."""
    return tuple(
        KeyRow(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            allows=None if row.scopes is None else tuple(_LABELS.get(scope, scope) for scope in row.scopes),
            managed=row.managed,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            is_expired=row.expires_at is not None and row.expires_at <= now,
        )
        for row in found
    )


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in."""

    id: str
    agent: str
    address: str
    last_seen_at: datetime
    here: bool
    """Whether it is the browser that shows the page."""


def session_rows(found: Iterable[users.sessions.UserSession], here: str | None) -> tuple[SessionRow, ...]:
    """Return the rows of a list of sessions.

    Args:
        here: The id of the session of this request.
    """
    return tuple(
        SessionRow(
            id=one.id,
            agent=agent_name(one.agent or ""),
            address=one.address or "",
            last_seen_at=one.last_seen_at,
            here=one.id == here,
        )
        for one in found
    )


def provider_name(names: Mapping[str, str], issuer: str) -> str:
    """Return the name of an issuer; its host if its provider was removed."""
    if issuer == proxy.ISSUER:
        return proxy.NAME.capitalize()
    return names.get(issuer.rstrip("/")) or urlsplit(issuer).hostname or issuer


def sign_in_methods(person: users.people.Person, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ways in which a person signs in, in words."""
    said = ["Password"] if person.has_password else []
    said += ["Passkey"] if person.has_passkey else []
    said += [provider_name(names, issuer) for issuer in person.issuers]
    return (*said, "Authenticator app") if person.has_app else tuple(said)


def agent_name(text: str) -> str:
    """Return browser and system in words.

    >>> agent_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    """
    browser = next((name for name in _BROWSERS if f"{name}/" in text), "")
    system = next((name for name in _SYSTEMS if name in text), "")
    said = [_NAMES.get(browser, browser) or "A browser"]
    return " on ".join([*said, _NAMES.get(system, system)] if system else said)

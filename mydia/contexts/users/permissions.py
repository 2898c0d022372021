"""Who is asking, and what they may do. Checked in contexts, so that no way in can forget it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from mydia.errors import Forbidden


class Role(StrEnum):
    """The four roles, mightiest first."""

    ADMIN = "admin"
    USER = "user"
    READONLY = "readonly"
    GUEST = "guest"


class Permission(StrEnum):
    """What can be allowed."""

    BROWSE = "browse"
    """See the library, the calendar, titles and their files' quality."""
    REQUEST = "request"
    """Ask for titles."""
    MANAGE_MEDIA = "manage_media"
    """Add, change, search, grab, import, scan, rename, remove."""
    VIEW_ACTIVITY = "view_activity"
    """See the queue, history, decisions and paths."""
    MANAGE_SETTINGS = "manage_settings"
    """Change settings, see logs and tasks, run upkeep."""
    MANAGE_USERS = "manage_users"
    """Accounts and other people's keys."""


_ROLES: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.USER: frozenset({Permission.BROWSE, Permission.REQUEST, Permission.MANAGE_MEDIA, Permission.VIEW_ACTIVITY}),
    Role.READONLY: frozenset({Permission.BROWSE}),
    Role.GUEST: frozenset({Permission.BROWSE, Permission.REQUEST}),
}

_SENTENCES = {
    Permission.BROWSE: "see the library",
    Permission.REQUEST: "ask for titles",
    Permission.MANAGE_MEDIA: "change the library",
    Permission.VIEW_ACTIVITY: "see the activity",
    Permission.MANAGE_SETTINGS: "change settings",
    Permission.MANAGE_USERS: "manage accounts",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf something is done; every event names it."""

    kind: str
    """`user`, `api_key` or `system`."""
    id: str | None
    """The user's id, also behind an API key."""
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None

    def can(self, permission: Permission) -> bool:
        """Say whether the caller may; for pages that leave out what would be refused."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the caller may."""
        if permission not in self.permissions:
            raise Forbidden(f"{self.name} may not {_SENTENCES[permission]}. An administrator can grant it.")


SYSTEM = Caller("system", None, "Mydia", frozenset(Permission))
"""Jobs run as this."""

NOBODY = Caller("user", None, "Nobody", frozenset())
"""Whoever has not signed in."""


def permissions_of(role: Role, *, scopes: Collection[str] | None = None) -> frozenset[Permission]:
    """Return what a role may, narrowed by an API key's scopes (None: no narrowing)."""
    allowed = _ROLES[role]
    return allowed if scopes is None else allowed & frozenset(Permission(scope) for scope in scopes)

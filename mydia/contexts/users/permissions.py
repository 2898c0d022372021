"""Callers and their permissions. Contexts check them, so no page, API or job can skip the check."""

from __future__ import annotations

from collections.abc import Collection
from copy import replace
from enum import StrEnum

import msgspec

from mydia.errors import Forbidden


class Role(StrEnum):
    """The four roles, from most to least permissions."""

    ADMIN = "admin"
    USER = "user"
    READONLY = "readonly"
    GUEST = "guest"


class Permission(StrEnum):
    """Permissions that a role or an API key can have."""

    BROWSE = "browse"
    """See the library, the calendar, titles and their files' quality."""
    REQUEST = "request"
    """Request titles and report problems with them."""
    MANAGE_REQUESTS = "manage_requests"
    """Decide requests, request for others without a quota, and answer reported problems."""
    MANAGE_MEDIA = "manage_media"
    """Add, change, search, grab, import, scan, rename, remove."""
    VIEW_ACTIVITY = "view_activity"
    """See the queue, history, decisions and paths."""
    MANAGE_SETTINGS = "manage_settings"
    """Change settings, see logs and tasks, run upkeep."""
    MANAGE_USERS = "manage_users"
    """Manage accounts and other people's API keys."""


_ROLES: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.USER: frozenset(
        {
            Permission.BROWSE,
            Permission.REQUEST,
            Permission.MANAGE_REQUESTS,
            Permission.MANAGE_MEDIA,
            Permission.VIEW_ACTIVITY,
        }
    ),
    Role.READONLY: frozenset({Permission.BROWSE}),
    Role.GUEST: frozenset({Permission.BROWSE, Permission.REQUEST}),
}

_SENTENCES = {
    Permission.BROWSE: "see the library",
    Permission.REQUEST: "request titles",
    Permission.MANAGE_REQUESTS: "decide requests",
    Permission.MANAGE_MEDIA: "change the library",
    Permission.VIEW_ACTIVITY: "view activity",
    Permission.MANAGE_SETTINGS: "change settings",
    Permission.MANAGE_USERS: "manage accounts",
}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The user, API key or system on whose behalf something is done. Every event names it."""

    kind: str
    """`user`, `api_key` or `system`."""
    id: str | None
    """The user's id; for an API key, its owner's."""
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None

    def can(self, permission: Permission) -> bool:
        """Return whether the caller has a permission, so pages can hide what would be refused."""
        return permission in self.permissions

    def refusal(self, permission: Permission) -> Forbidden | None:
        """Return the error for a missing permission, or None if the caller has it."""
        if permission in self.permissions:
            return None
        return Forbidden(f"{self.name} does not have permission to {_SENTENCES[permission]}. Ask an administrator.")

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the caller has a permission."""
        if (refused := self.refusal(permission)) is not None:
            raise refused

    def require_all(self) -> None:
        """Raise Forbidden unless the caller has all permissions. Required where a caller could make anyone an administrator."""
        for permission in Permission:
            self.require(permission)

    def require_at_least(self, permissions: frozenset[Permission], message: str) -> None:
        """Raise Forbidden if any of these permissions is missing: a caller can grant only what it has."""
        if permissions - self.permissions:
            raise Forbidden(message)

    def with_permissions(self, *permissions: Permission) -> Caller:
        """Return the same caller with more permissions, for an action that a context takes on its behalf."""
        return replace(self, permissions=self.permissions | set(permissions))


NO_KEYS = "An API key cannot see or change an account. Sign in with a browser to do that."
"""The refusal of everything that only a signed-in person may do."""

SYSTEM = Caller(kind="system", id=None, name="Mydia", permissions=frozenset(Permission))
"""The caller of jobs."""

NOBODY = Caller(kind="user", id=None, name="Nobody", permissions=frozenset())
"""The caller of requests that are not signed in."""


_INCLUDED: dict[Permission, frozenset[Permission]] = {
    Permission.REQUEST: frozenset({Permission.BROWSE}),
    Permission.MANAGE_REQUESTS: frozenset({Permission.BROWSE, Permission.REQUEST, Permission.VIEW_ACTIVITY}),
    Permission.VIEW_ACTIVITY: frozenset({Permission.BROWSE}),
    Permission.MANAGE_MEDIA: frozenset({Permission.BROWSE, Permission.VIEW_ACTIVITY}),
    Permission.MANAGE_SETTINGS: frozenset({Permission.BROWSE, Permission.VIEW_ACTIVITY}),
}
"""A permission -> what it cannot be used without, and therefore includes."""


def permissions_of(role: Role, *, scopes: Collection[str] | None = None) -> frozenset[Permission]:
    """Return the permissions of a role, limited to an API key's scopes and what they include. None means no limit.

    >>> sorted(permissions_of(Role.ADMIN, scopes=["view_activity"]))
    [<Permission.BROWSE: 'browse'>, <Permission.VIEW_ACTIVITY: 'view_activity'>]
    """
    if scopes is None:
        return _ROLES[role]
    named = frozenset(Permission(scope) for scope in scopes)
    return _ROLES[role] & named.union(*(_INCLUDED.get(one, frozenset()) for one in named))

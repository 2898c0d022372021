"""The frame of settings pages: a column with all pages, which is a page of its own on phones."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response

from mydia.contexts.users import Caller, Permission
from mydia.errors import MydiaError
from mydia.web.deps import WebRequest
from mydia.web.render import page


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One settings page."""

    id: str
    label: str
    icon: str
    hint: str
    permission: Permission = Permission.MANAGE_SETTINGS

    @property
    def href(self) -> str:
        """Its address."""
        return f"/settings/{self.id}"


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Library",
        (
            Entry(id="folders", label="Folders", icon="folder", hint="Where your movies and shows are"),
            Entry(id="naming", label="Naming", icon="text-cursor-input", hint="Names of folders and files"),
            Entry(id="profiles", label="Quality profiles", icon="list-checks", hint="Wanted qualities and upgrades"),
            Entry(id="formats", label="Custom formats", icon="funnel", hint="Scores by name, group, language and more"),
            Entry(id="sizes", label="Quality sizes", icon="gauge", hint="Size limits per minute"),
            Entry(id="delays", label="Delay profiles", icon="clock", hint="How long to wait for better releases"),
            Entry(id="words", label="Release profiles", icon="tag", hint="Words that names must or must not contain"),
        ),
    ),
    (
        "Sources",
        (
            Entry(id="metadata", label="Metadata", icon="globe", hint="Source of titles and posters"),
            Entry(id="indexers", label="Indexers", icon="radar", hint="Where Mydia searches for releases"),
            Entry(id="clients", label="Download clients", icon="download", hint="Programs that download releases"),
        ),
    ),
    (
        "People",
        (
            Entry(
                id="users",
                label="Users",
                icon="users",
                hint="Accounts and permissions",
                permission=Permission.MANAGE_USERS,
            ),
            Entry(id="requests", label="Requests", icon="hand-heart", hint="Quotas, approval and rules"),
            Entry(
                id="sign-in",
                label="Sign-in",
                icon="key-round",
                hint="Passwords and OIDC providers",
                permission=Permission.MANAGE_USERS,
            ),
        ),
    ),
    (
        "Server",
        (
            Entry(id="mail", label="Mail", icon="mail", hint="The server that sends mail"),
            Entry(id="general", label="General", icon="settings", hint="All other settings and their sources"),
        ),
    ),
)
_BY_ID = {entry.id: entry for _, entries in SECTIONS for entry in entries}


class SettingsFrame(msgspec.Struct, frozen=True):
    """The column and the title of one page."""

    sections: tuple[tuple[str, tuple[Entry, ...]], ...]
    current: str
    title: str
    parent: tuple[str, str] | None = None
    """(label, address) of the list that a page belongs to."""


def frame(caller: Caller, current: str, title: str = "") -> SettingsFrame:
    """Return the frame of a page, with links to the pages that the caller may open.

    Args:
        title: The title of a page within a list; empty for the list itself.
    """
    entry = _BY_ID.get(current)
    allowed = tuple(
        (label, kept) for label, entries in SECTIONS if (kept := tuple(e for e in entries if caller.can(e.permission)))
    )
    if entry is None:
        return SettingsFrame(allowed, "", "Settings")
    return SettingsFrame(allowed, current, title or entry.label, (entry.label, entry.href) if title else None)


def show(request: WebRequest, template: str, view: object, *, status: int = 200) -> Response[str]:
    """Answer with a settings page."""
    return page(request, f"settings/{template}", view, active="settings", status=status)


def errors_of(error: MydiaError) -> Mapping[str, str]:
    """Return the errors by field; `""` is the form itself."""
    return error.fields or {"": error.message}

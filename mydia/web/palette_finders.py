"""What the command palette finds in addition to pages: titles, actions, settings, and a title to add."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote_plus

from mydia.contexts import media
from mydia.contexts.users import Caller, Permission
from mydia.vocabulary import MediaType
from mydia.web.deps import WebDeps
from mydia.web.pages.settings import finder as settings
from mydia.web.palette import Finder, Group, Hit

_ACTIONS = (
    ("Scan library", "/library/scan", "folder-search", Permission.MANAGE_MEDIA),
    ("Search all missing", "/wanted/search", "search", Permission.MANAGE_MEDIA),
    ("Import confident matches", "/imports/ready", "folder-input", Permission.MANAGE_MEDIA),
    ("Pause all downloads", "/activity/pause-all", "pause", Permission.MANAGE_MEDIA),
    ("Resume all downloads", "/activity/resume-all", "play", Permission.MANAGE_MEDIA),
    ("Back up database", "/system/backups", "archive", Permission.MANAGE_SETTINGS),
)
_SETTINGS = 5


def find_titles(deps: WebDeps, caller: Caller, q: str) -> Iterable[Group]:
    """Find films and series by any of their names; without text, return the newest ones."""
    if not caller.can(Permission.BROWSE):
        return
    with deps.database.reads() as session:
        found = (
            media.lists.search_library(session, caller, q)
            if q
            else media.lists.recently_added(session, caller, limit=5)
        )
    hits = tuple(
        Hit(
            label=item.title,
            href=f"/{'shows' if item.type == MediaType.TV_SHOW else 'movies'}/{item.id}",
            icon="tv" if item.type == MediaType.TV_SHOW else "film",
            hint=str(item.year or ""),
        )
        for item in found
    )
    if hits:
        yield Group("Library" if q else "Recently added", hits)


def find_actions(_deps: WebDeps, caller: Caller, q: str) -> Iterable[Group]:
    """Find actions by name."""
    wanted = q.casefold()
    hits = tuple(
        Hit(label=label, href=href, icon=icon, posts=True)
        for label, href, icon, permission in _ACTIONS
        if caller.can(permission) and wanted in label.casefold()
    )
    if hits:
        yield Group("Actions", hits)


def find_new(_deps: WebDeps, caller: Caller, q: str) -> Iterable[Group]:
    """Offer to search for a title to add."""
    if q and caller.can(Permission.MANAGE_MEDIA):
        yield Group("Add", (Hit(label=f"Look “{q}” up to add it", href=f"/add?q={quote_plus(q)}", icon="plus"),))


def find_settings(_deps: WebDeps, caller: Caller, q: str) -> Iterable[Group]:
    """Find settings pages and single settings."""
    found = settings.find(caller, q)[:_SETTINGS] if q else ()
    if found:
        yield Group(
            "Settings", tuple(Hit(label=one.label, href=one.href, icon="settings", hint=one.place) for one in found)
        )


FINDERS: tuple[Finder, ...] = (find_titles, find_actions, find_settings, find_new)

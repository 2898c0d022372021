"""The shell around every page: navigation with counts, the transfer summary, a banner, the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from mydia.contexts.users import Caller, Permission
from mydia.web.deps import WebDeps


class NavItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the sidebar."""

    id: str
    icon: str
    label: str
    href: str
    permission: Permission
    group: str = ""
    key: str = ""
    """The letter that opens it after `g`."""


NAV: tuple[NavItem, ...] = (
    NavItem(id="home", icon="house", label="Home", href="/", permission=Permission.BROWSE, key="h"),
    NavItem(
        id="movies", icon="film", label="Movies", href="/movies", permission=Permission.BROWSE, group="Library", key="m"
    ),
    NavItem(
        id="shows", icon="tv", label="Shows", href="/shows", permission=Permission.BROWSE, group="Library", key="s"
    ),
    NavItem(
        id="calendar",
        icon="calendar-days",
        label="Calendar",
        href="/calendar",
        permission=Permission.BROWSE,
        group="Library",
        key="c",
    ),
    NavItem(
        id="wanted",
        icon="circle-dashed",
        label="Wanted",
        href="/wanted",
        permission=Permission.MANAGE_MEDIA,
        group="Library",
        key="w",
    ),
    NavItem(
        id="requests",
        icon="hand-heart",
        label="Requests",
        href="/requests",
        permission=Permission.REQUEST,
        group="Library",
        key="r",
    ),
    NavItem(
        id="activity",
        icon="arrow-down-to-line",
        label="Downloads",
        href="/activity",
        permission=Permission.VIEW_ACTIVITY,
        group="Activity",
        key="a",
    ),
    NavItem(
        id="imports",
        icon="folder-input",
        label="Imports",
        href="/imports",
        permission=Permission.MANAGE_MEDIA,
        group="Activity",
        key="i",
    ),
    NavItem(
        id="system",
        icon="activity",
        label="System",
        href="/system",
        permission=Permission.MANAGE_SETTINGS,
        group="Server",
        key="y",
    ),
    NavItem(
        id="settings",
        icon="sliders-horizontal",
        label="Settings",
        href="/settings",
        permission=Permission.MANAGE_SETTINGS,
        group="Server",
        key=",",
    ),
)
TABS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("home", "Home", "house", ("home",)),
    ("movies", "Movies", "film", ("movies",)),
    ("shows", "Shows", "tv", ("shows",)),
    ("activity", "Activity", "arrow-down-to-line", ("activity",)),
    ("requests", "Requests", "hand-heart", ("requests",)),
)
"""The tab bar on phones before `More`: the entry it opens, label, icon, and the entries that it covers. The first four that
the caller may open are shown."""


class NavCount(msgspec.Struct, frozen=True):
    """A number beside an entry: `""` for a size, `live` for something running, `alert` for something to decide."""

    text: str
    tone: str = ""


class Transfers(msgspec.Struct, frozen=True):
    """The small summary above the account."""

    label: str
    """`3 downloading`"""
    speed: str
    """`42.6 MB/s`"""
    percent: float


class Banner(msgspec.Struct, frozen=True):
    """A sentence above every page about a problem that needs action."""

    text: str
    href: str = ""
    action: str = ""


class ShellView(msgspec.Struct, frozen=True):
    """What the shell shows."""

    counts: Mapping[str, NavCount] = msgspec.field(default_factory=dict)
    """Counts by the entry's id."""
    transfers: Transfers | None = None
    banner: Banner | None = None


type ShellProvider = Callable[[WebDeps, Caller], ShellView]


def empty_shell(_deps: WebDeps, _caller: Caller) -> ShellView:
    """Return an empty shell, for applications without one."""
    return ShellView()


def navigation(caller: Caller) -> list[tuple[str, list[NavItem]]]:
    """Return the entries a caller may open, by group."""
    groups: dict[str, list[NavItem]] = {}
    for item in NAV:
        if caller.can(item.permission):
            groups.setdefault(item.group, []).append(item)
    return list(groups.items())


def initials(name: str) -> str:
    """Return one or two letters for the account's icon.

    >>> initials("Robin Baker")
    'RB'
    """
    words = name.replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

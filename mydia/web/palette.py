"""The command palette: find pages, titles and actions by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from mydia.contexts.users import Caller
from mydia.web.deps import CallerDep, DepsDep, WebDeps, WebRequest
from mydia.web.render import fragment
from mydia.web.shell import NAV


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    label: str
    href: str
    icon: str
    hint: str = ""
    posts: bool = False
    """Whether choosing it sends a POST to `href` instead of opening it."""


class Group(msgspec.Struct, frozen=True):
    """Lines under one heading."""

    title: str
    hits: tuple[Hit, ...]


type Finder = Callable[[WebDeps, Caller, str], Iterable[Group]]


def find_pages(_deps: WebDeps, caller: Caller, q: str) -> Iterable[Group]:
    """Find pages by name."""
    wanted = q.casefold()
    hits = tuple(
        Hit(label=item.label, href=item.href, icon=item.icon, hint=f"g {item.key}")
        for item in NAV
        if caller.can(item.permission) and wanted in item.label.casefold()
    )
    if hits:
        yield Group("Pages", hits)


@get("/palette", sync_to_thread=True, include_in_schema=False)
def palette(request: WebRequest, deps: DepsDep, caller: CallerDep, q: FromQuery[str] = "") -> Response[str]:
    """Answer with what matches, in groups."""
    finders: tuple[Finder, ...] = (*request.app.state.finders, find_pages)
    groups = [group for finder in finders for group in finder(deps, caller, q.strip())]
    return fragment(request, "components/palette/_hits.html", groups, q=q)

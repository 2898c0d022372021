"""The lists of movies and shows: posters in chunks, a table paged by key, filters in the address."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.params import FromPath
from sqlalchemy.orm import Session

from mydia.contexts import media, settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.library.list_columns import Rows, rows_of
from mydia.web.pages.library.list_filters import (
    FILTERS,
    KEPT,
    Choices,
    ListChoices,
    applied,
    params_of,
    read_query,
)
from mydia.web.pages.library.saved_filters import FilterLink, links_of
from mydia.web.pages.library.sections import Section, section_of
from mydia.web.remembered import UntilCommit, library_state
from mydia.web.render import fragment, is_htmx, page, query, redirect
from mydia.web.views import Card
from mydia.web.views.cards import cards

_QUICK = (
    ("missing", "Missing", "circle-dashed"),
    ("upgradable", "Upgradable", "chevrons-up"),
    ("downloading", "Downloading", "arrow-down-to-line"),
    ("upcoming", "Upcoming", "clock"),
    ("unmonitored", "Not monitored", "eye-off"),
)
_SORTS = (
    ("title", "Title"),
    ("added", "Added"),
    ("year", "Year"),
    ("rating", "Rating"),
    ("size", "Size"),
    ("runtime", "Runtime"),
)
_ROWS = 100


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A filter as the panel shows it."""

    name: str
    label: str
    value: str
    choices: Choices | None
    """None for a field in which people type."""
    number: bool
    suggests: str = ""
    """The address of suggestions."""


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of movies or shows."""

    section: Section
    params: dict[str, str]
    query: media.lists.ItemQuery
    total: int
    whole_total: int
    size_bytes: int
    view: str
    quick: tuple[tuple[str, str, str, int, bool], ...]
    """(filter, label, icon, count, chosen)."""
    sorts: tuple[tuple[str, str, bool], ...]
    applied: tuple[tuple[str, str, str], ...]
    """(label, value, parameter)."""
    fields: tuple[Field, ...]
    saved: tuple[FilterLink, ...]
    letters: tuple[tuple[str, int], ...]
    chunks: int
    last_chunk: int
    first: tuple[Card, ...]
    rows: Rows
    profiles: Choices
    grid: str
    """Address of this list's chunks, without the number at its end."""
    can_manage: bool

    def url(self, **changes: Any) -> str:
        """Return the list's address with some parameters changed."""
        return self.section.path + query(self.params, **changes)

    @property
    def unfiltered(self) -> str:
        """The address of everything, in the same order and view."""
        return self.section.path + query({name: self.params[name] for name in (*KEPT, "all") if name in self.params})

    @property
    def more_filters(self) -> int:
        """How many filters of the panel are set."""
        return sum(1 for field in self.fields if field.value)


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is cached for one list."""

    token: str
    """The token of the state in which it was read."""
    plan: media.lists.Outline
    counts: media.lists.Counts
    choices: ListChoices


class _Outlines:
    """Caches the outlines of lists until a title changes."""

    def __init__(self, kept: int = 64) -> None:
        self._lock = threading.Lock()
        self._kept = kept
        self._known: dict[tuple[str, media.lists.ItemQuery, bool], _Known] = {}

    def of(self, database: Database, session: Session, caller: Caller, asked: media.lists.ItemQuery) -> _Known:
        """Return what is known of a list as it is now."""
        token = library_state(database, session)
        # Not everyone who may see titles may see library folders.
        key = (database.url, asked, caller.can(Permission.VIEW_ACTIVITY))
        with self._lock:
            found = self._known.get(key)
        if found is None or found.token != token:
            type_ = asked.type or MediaType.MOVIE
            counts = media.lists.counts(session, caller)[type_]
            plan = media.lists.outline(session, caller, asked)
            found = _Known(token=token, plan=plan, counts=counts, choices=_choices(session, caller, type_))
            with self._lock:
                while len(self._known) >= self._kept:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = found
        return found


def _choices(session: Session, caller: Caller, type_: MediaType) -> ListChoices:
    suits = ("mixed", "movies" if type_ == MediaType.MOVIE else "series")
    sees_folders = caller.can(Permission.VIEW_ACTIVITY)
    paths = settings.library_paths.list_library_paths(session, caller) if sees_folders else []
    return ListChoices(
        genres=tuple((genre, genre) for genre in media.lists.genres(session, caller, type_)),
        profiles=tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session, caller)),
        folders=tuple((path.id, path.name) for path in paths if path.type in suits),
        tags=tuple((tag.id, tag.name) for tag in media.tags.list_tags(session, caller, type_)),
        qualities=tuple((name, name) for name in media.lists.qualities(session, caller, type_)),
    )


_outlines = _Outlines()
_firsts: UntilCommit[media.lists.ItemQuery, tuple[Card, ...]] = UntilCommit(kept=8)
"""The first screen of a list, before scrolling."""


def _cookie_of(type_: MediaType) -> str:
    return f"list-{type_.value}"


def _remember(response: Response[str], type_: MediaType, params: dict[str, str]) -> Response[str]:
    """Keep which list a browser shows, so that `j` and `k` on a title's page follow it."""
    value = urlencode(params)
    if len(value) <= _COOKIE_AT_MOST:
        response.set_cookie(Cookie(key=_cookie_of(type_), value=value, httponly=True, samesite="lax", path="/"))
    return response


_COOKIE_AT_MOST = 500
"""Characters; a longer filter is not remembered."""


def list_before(request: WebRequest, caller: Caller, type_: MediaType) -> media.lists.ItemQuery:
    """Return the list that this browser showed last, by title if it showed none."""
    try:
        return read_query(caller, type_, params_of(dict(parse_qsl(request.cookies.get(_cookie_of(type_), "")))))
    except Invalid:
        return media.lists.ItemQuery(type=type_)


@get(["/movies", "/shows"], sync_to_thread=True, include_in_schema=False)
def show_list(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show movies or shows. Without parameters, with the caller's default filter if there is one."""
    section, params = section_of(request), params_of(request.query_params)
    with database.reads() as session:
        saved = media.saved_filters.list_filters(session, caller, section.type)
    if default := next((one for one in saved if one.is_default), None):
        params = (params or params_of(default.params)) | {"all": "true"}
    asked = read_query(caller, section.type, params)
    as_table = params.get("view") == "table"
    version = database.version()
    with database.reads() as session:
        known = _outlines.of(database, session, caller, asked)
        counts, plan = known.counts, known.plan
        first = (
            ()
            if as_table
            else _firsts.get(database, version, asked, lambda: cards(media.lists.chunk(session, caller, asked, 0)))
        )
        rows = _table(session, caller, section, params, asked, request.query_params.get("cursor"), empty=not as_table)
    chosen_sort = params.get("sort", "title")
    view = ListView(
        section=section,
        params=params,
        query=asked,
        total=plan.total,
        whole_total=counts.total,
        size_bytes=plan.size_bytes,
        view="table" if as_table else "posters",
        quick=tuple(
            (name, label, icon, counts.of(name), asked.state == name)
            for name, label, icon in _QUICK
            if counts.of(name) or asked.state == name or name in ("missing", "upgradable")
        ),
        sorts=tuple((name, label, name == chosen_sort) for name, label in _SORTS),
        applied=applied(section.type, params, known.choices),
        fields=_fields(section, params, known.choices),
        saved=links_of(section, saved, params),
        letters=plan.letters,
        chunks=plan.chunks,
        last_chunk=plan.total - media.lists.CHUNK * (plan.chunks - 1),
        first=first,
        rows=rows,
        profiles=known.choices.profiles,
        grid=f"{section.path}/grid{query(params, s=known.token)}&chunk=",
        can_manage=caller.can(Permission.MANAGE_MEDIA),
    )
    answer = page(request, "library/list.html", view, active=section.id, topics=[f"library:{section.id}", "queue"])
    return _remember(answer, section.type, params)


def _fields(section: Section, params: dict[str, str], known: ListChoices) -> tuple[Field, ...]:
    found = (
        Field(
            name=one.name,
            label=one.label_for(section.type),
            value=params.get(one.name, ""),
            choices=one.choices(section.type, known) if one.choices else None,
            number=bool(one.number),
            suggests=f"{section.path}/studios" if one.name == "studio" else "",
        )
        for one in FILTERS
    )
    return tuple(field for field in found if field.choices is None or field.value or _is_choice(field))


def _is_choice(field: Field) -> bool:
    """Return whether there is anything to choose: tags that exist, or a second library folder."""
    return len(field.choices or ()) > (field.name == "library_path_id")


def _table(
    session: Session,
    caller: Caller,
    section: Section,
    params: dict[str, str],
    asked: media.lists.ItemQuery,
    cursor: str | None,
    *,
    empty: bool = False,
) -> Rows:
    if empty:
        return Rows(items=(), columns=(), tags={}, more=None, can_manage=caller.can(Permission.MANAGE_MEDIA))
    items, following = media.lists.list_items(session, caller, asked, cursor=cursor, limit=_ROWS)
    more = f"{section.path}/rows" + query(params, cursor=following) if following else None
    return rows_of(session, caller, section.type, items, more)


@get(["/movies/grid", "/shows/grid"], sync_to_thread=True, include_in_schema=False)
def show_chunk(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show one chunk of posters."""
    section, params = section_of(request), params_of(request.query_params)
    asked = read_query(caller, section.type, params)
    number = whole_number(request.query_params.get("chunk")) or 0
    with database.reads() as session:
        found = cards(media.lists.chunk(session, caller, asked, number))
    return fragment(request, "library/_cards.html", found)


@get(["/movies/rows", "/shows/rows"], sync_to_thread=True, include_in_schema=False)
def show_rows(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show further rows of the table; where there is no script, the table goes on as a page."""
    section, params = section_of(request), params_of(request.query_params)
    asked = read_query(caller, section.type, params)
    if not is_htmx(request):
        return redirect(request, section.path + query(request.query_params, view="table"))
    with database.reads() as session:
        rows = _table(session, caller, section, params, asked, request.query_params.get("cursor"))
    return fragment(request, "library/_rows.html", rows=rows)


@get(["/movies/studios", "/shows/studios"], sync_to_thread=True, include_in_schema=False)
def show_studios(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Suggest studios or networks for the filter."""
    with database.reads() as session:
        found = media.lists.studios(session, caller, section_of(request).type)
    return fragment(request, "library/_studios.html", found)


@get("/items/{item_id:str}/card", sync_to_thread=True, include_in_schema=False)
def show_card(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show one card again."""
    with database.reads() as session:
        found = media.lists.cards_of(session, caller, [item_id])
    return fragment(request, "library/_cards.html", cards(found))


ROUTES = (show_list, show_chunk, show_rows, show_studios, show_card)

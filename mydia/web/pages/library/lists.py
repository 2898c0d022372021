"""The lists of films and series: posters by chunks, a table by key-set, filters in the address, bulk actions."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from msgspec import Struct
from msgspec import field as form_field
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, media, settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, MydiaError
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.remembered import UntilCommit, library_state
from mydia.web.render import Toast, fragment, is_htmx, nothing, page, query, redirect
from mydia.web.views import Artwork, Card
from mydia.web.views.cards import artwork, card, cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Films or series."""

    path: str
    type: MediaType
    id: str
    title: str
    noun: str
    add: str


SECTIONS = {
    "movies": Section(path="/movies", type=MediaType.MOVIE, id="movies", title="Movies", noun="movie", add="Add movie"),
    "shows": Section(path="/shows", type=MediaType.TV_SHOW, id="shows", title="Shows", noun="show", add="Add show"),
}
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
_TEXTS = (
    "q",
    "state",
    "genre",
    "profile_id",
    "library_path_id",
    "status",
    "sort",
    "dir",
    "view",
    "resolution",
    "monitored",
    "year_from",
    "year_to",
)
_ROWS = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the table, and where the next ones are."""

    items: tuple[media.lists.Card, ...]
    more: str | None
    can_manage: bool

    @staticmethod
    def art(item: media.lists.Card) -> Artwork:
        """Return a row's picture."""
        return artwork(item.poster)


_KEPT = ("sort", "dir", "view")
"""Parameters that do not filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """The page of films or series."""

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
    letters: tuple[tuple[str, int], ...]
    chunks: int
    last_chunk: int
    first: tuple[Card, ...]
    rows: Rows
    profiles: tuple[tuple[str, str], ...]
    genres: tuple[tuple[str, str], ...]
    grid: str
    """The address of this list's chunks, without the number at its end."""
    can_manage: bool
    providers: bool

    def url(self, **changes: Any) -> str:
        """Return the list's address with some parameters changed."""
        return self.section.path + query(self.params, **changes)

    @property
    def unfiltered(self) -> str:
        """The address of the unfiltered list, with the same sorting and view."""
        return self.section.path + query({name: self.params[name] for name in _KEPT if name in self.params})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is cached for one list."""

    token: str
    """The token of the state in which it was read."""
    plan: media.lists.Outline
    counts: media.lists.Counts
    genres: tuple[str, ...]
    profiles: tuple[tuple[str, str], ...]
    """(id, name)."""


class _Outlines:
    """Caches the outlines of lists until a title changes, so that a chunk costs one look-up."""

    def __init__(self, kept: int = 64) -> None:
        self._lock = threading.Lock()
        self._kept = kept
        self._known: dict[tuple[str, media.lists.ItemQuery], _Known] = {}

    def of(self, database: Database, session: Any, caller: Caller, asked: media.lists.ItemQuery) -> _Known:
        """Return the outline of a list in its present state."""
        token = library_state(database, session)
        key = (database.url, asked)
        with self._lock:
            found = self._known.get(key)
        if found is None or found.token != token:
            type_ = asked.type or MediaType.MOVIE
            counts, genres = (
                media.lists.counts(session, caller)[type_],
                tuple(media.lists.genres(session, caller, type_)),
            )
            profiles = tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session, caller))
            found = _Known(
                token=token,
                plan=media.lists.outline(session, caller, asked),
                counts=counts,
                genres=genres,
                profiles=profiles,
            )
            with self._lock:
                while len(self._known) >= self._kept:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = found
        return found


_outlines = _Outlines()
_firsts: UntilCommit[media.lists.ItemQuery, tuple[Card, ...]] = UntilCommit(kept=8)
"""The first chunk of each list, which is visible before scrolling."""


def section_of(request: WebRequest) -> Section:
    """Return which list an address belongs to."""
    return SECTIONS[request.url.path.split("/")[1]]


def _params(request: WebRequest) -> dict[str, str]:
    return _filled(request.query_params)


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a list that are not empty."""
    return {name: value for name in _TEXTS if (value := given.get(name, "").strip())}


def read_query(caller: Caller, type_: MediaType, params: dict[str, str]) -> media.lists.ItemQuery:
    """Turn the parameters of an address into a query.

    Raises:
        Forbidden: The caller may not list titles.
        Invalid: A value is not a number, or not one of its choices.
    """
    return media.lists.ItemQuery(
        type=type_,
        state=params.get("state"),
        text=params.get("q"),
        genre=params.get("genre"),
        year_from=_number(params, "year_from"),
        year_to=_number(params, "year_to"),
        resolution=_number(params, "resolution"),
        monitored={"true": True, "false": False}.get(params.get("monitored", "")),
        profile_id=params.get("profile_id"),
        library_path_id=params.get("library_path_id"),
        status=params.get("status"),
        sort=params.get("sort", "title"),
        descending=params.get("dir", "desc" if params.get("sort", "title") != "title" else "asc") == "desc",
    ).check(caller)


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
        return read_query(caller, type_, _filled(dict(parse_qsl(request.cookies.get(_cookie_of(type_), "")))))
    except Invalid:
        return media.lists.ItemQuery(type=type_)


def _number(params: dict[str, str], name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(f"{name} must be a number.", fields={name: "Write a number."}) from error


@get(["/movies", "/shows"], sync_to_thread=True, include_in_schema=False)
def show_list(request: WebRequest, database: DatabaseDep, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show films or series."""
    section, params = section_of(request), _params(request)
    asked = read_query(caller, section.type, params)
    as_table = params.get("view") == "table"
    version = database.version()
    with database.reads() as session:
        known = _outlines.of(database, session, caller, asked)
        counts, plan = known.counts, known.plan
        first = (
            ()
            if as_table
            else _firsts.get(
                database, version, asked, lambda: cards(media.lists.chunk(session, caller, asked, plan, 0))
            )
        )
        cursor = request.query_params.get("cursor")
        rows, following = (
            media.lists.list_items(session, caller, asked, cursor=cursor, limit=_ROWS) if as_table else ([], None)
        )
    profiles = known.profiles
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
        applied=_applied(params, dict(profiles)),
        letters=plan.letters if not asked.filtered and asked.sort == "title" and not asked.descending else (),
        chunks=len(plan.starts) + 1,
        last_chunk=plan.total - media.lists.CHUNK * len(plan.starts),
        first=first,
        rows=_rows(section, params, rows, following, caller),
        profiles=profiles,
        genres=tuple((genre, genre) for genre in known.genres),
        grid=f"{section.path}/grid{query(params, s=known.token)}&chunk=",
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        providers=deps.outside.metadata().available,
    )
    answer = page(request, "library/list.html", view, active=section.id, topics=[f"library:{section.id}", "queue"])
    return _remember(answer, section.type, params)


def _applied(params: dict[str, str], profiles: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    told = [
        ("Genre", params.get("genre", ""), "genre"),
        ("Resolution", f"{params['resolution']}p" if "resolution" in params else "", "resolution"),
        ("Profile", profiles.get(params.get("profile_id", ""), params.get("profile_id", "")), "profile_id"),
        ("From", params.get("year_from", ""), "year_from"),
        ("To", params.get("year_to", ""), "year_to"),
        ("Monitored", {"true": "yes", "false": "no"}.get(params.get("monitored", ""), ""), "monitored"),
        ("Status", params.get("status", "").replace("_", " "), "status"),
        ("Title", params.get("q", ""), "q"),
    ]
    return tuple((label, value, name) for label, value, name in told if value)


@get(["/movies/grid", "/shows/grid"], sync_to_thread=True, include_in_schema=False)
def show_chunk(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show one chunk of posters."""
    section, params = section_of(request), _params(request)
    asked = read_query(caller, section.type, params)
    number = _number(dict(request.query_params), "chunk") or 0
    with database.reads() as session:
        plan = _outlines.of(database, session, caller, asked).plan
        found = cards(media.lists.chunk(session, caller, asked, plan, number))
    return fragment(request, "library/_cards.html", found)


@get(["/movies/rows", "/shows/rows"], sync_to_thread=True, include_in_schema=False)
def show_rows(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show further rows of the table; a browser without script gets them as a page."""
    section, params = section_of(request), _params(request)
    asked = read_query(caller, section.type, params)
    if not is_htmx(request):
        return redirect(request, section.path + query(request.query_params, view="table"))
    with database.reads() as session:
        rows, following = media.lists.list_items(
            session, caller, asked, cursor=request.query_params.get("cursor"), limit=_ROWS
        )
    return fragment(request, "library/_rows.html", rows=_rows(section, params, rows, following, caller))


def _rows(
    section: Section, params: dict[str, str], items: list[media.lists.Card], following: str | None, caller: Caller
) -> Rows:
    more = f"{section.path}/rows" + query(params, cursor=following) if following else None
    return Rows(tuple(items), more, caller.can(Permission.MANAGE_MEDIA))


@get("/items/{item_id:str}/card", sync_to_thread=True, include_in_schema=False)
def show_card(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show one card again."""
    with database.reads() as session:
        found = media.lists.cards_of(session, caller, [item_id])
    return fragment(request, "library/_cards.html", cards(found))


_BULK_LIMIT = 20_000
_BULK = {
    "monitor": "monitored",
    "unmonitor": "no longer monitored",
    "search": "being searched",
    "refresh": "being refreshed",
    "profile": "moved to another profile",
}
"""Action on many titles -> the words of its message."""
_UNDOES = {"monitor": "unmonitor", "unmonitor": "monitor"}


class SelectedTitles(Struct, kw_only=True):
    """A selection in a list: the listed ids, or all titles of the list's filter but some."""

    scope: str = "ids"
    """`ids` or `filter`."""
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = form_field(default=(), name="except")
    values: dict[str, str] = {}
    """Among them the parameters of the list."""

    def fields(self) -> dict[str, str]:
        """Return the fields that send the same selection again."""
        sent = {"scope": self.scope, "ids": ",".join(self.ids), "except": ",".join(self.left_out)}
        return {name: value for name, value in sent.items() if value} | _filled(self.values)


class BulkFields(SelectedTitles, kw_only=True):
    """The selected titles, and the quality profile to move them to."""

    to: str = ""


def chosen_ids(session: Session, caller: Caller, chosen: SelectedTitles, type_: MediaType) -> Sequence[str]:
    """Return the ids of a selection."""
    if chosen.scope != "filter":
        if not chosen.ids:
            raise Invalid("Nothing is selected.")
        return chosen.ids[:_BULK_LIMIT]
    asked, left_out = read_query(caller, type_, _filled(chosen.values)), set(chosen.left_out)
    return [id_ for id_ in media.lists.all_ids(session, caller, asked, limit=_BULK_LIMIT) if id_ not in left_out]


@post(
    ["/movies/bulk/{action:str}", "/shows/bulk/{action:str}"],
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def change_many(
    request: WebRequest,
    database: DatabaseDep,
    deps: DepsDep,
    caller: CallerDep,
    action: FromPath[str],
    form: FormOf[BulkFields],
) -> Response[str]:
    """Do one thing to all selected titles and report the result."""
    section, wanted = section_of(request), form.read()
    if action not in _BULK:
        raise Invalid("This action is not available for a selection.")
    with database.reads() as session:
        ids = chosen_ids(session, caller, wanted, section.type)
    done, problems = 0, []
    for item_id in ids:
        try:
            _change_one(deps, caller, action, item_id, wanted)
            done += 1
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    toast = Toast(
        f"{done:,} {section.noun if done == 1 else section.noun + 's'} {_BULK[action]}",
        problems[0] if problems else "",
        tone="miss" if problems else "ok",
    )
    if action in _UNDOES and not problems:
        toast = undoable(toast, f"{section.path}/bulk/{_UNDOES[action]}", ids)
    if not is_htmx(request):
        return redirect(request, section.path, toast=toast)
    return nothing(toast=toast, trigger={"library-changed": {}, "selection-clear": {}})


_UNDONE_AT_MOST = 40
"""The most ids in an undo address."""


def undoable(toast: Toast, path: str, ids: Sequence[str]) -> Toast:
    """Return a message with an undo button, if few enough titles were changed."""
    if not 0 < len(ids) <= _UNDONE_AT_MOST:
        return toast
    return replace(toast, action_label="Undo", action_href=path + query({"ids": ",".join(ids)}), action_posts=True)


def _change_one(deps: WebDeps, caller: Caller, action: str, item_id: str, wanted: BulkFields) -> None:
    now = clock.now()
    with deps.database.writes() as session:
        match action:
            case "monitor" | "unmonitor":
                media.monitoring.change_monitoring(session, caller, now, item_id, action == "monitor")
            case "search":
                downloads.request_search(session, caller, item_id)
            case "refresh":
                media.request_refresh(session, caller, item_id)
            case "profile":
                media.change_item(session, caller, now, item_id, {"profile_id": wanted.to})
            case _:
                raise Invalid("This action is not available for several titles.")


ROUTES = (show_list, show_chunk, show_rows, show_card, change_many)


def one_card(item: media.lists.Card) -> Card:
    """Return one title as a card, for live updates."""
    return card(item)

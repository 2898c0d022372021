"""Ask for a title: search, and the dialog with its seasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import metadata, requests, settings
from mydia.contexts.requests import (
    NothingToRequest,
    NotRequestable,
    Offer,
    OfferState,
    Outcome,
    QuotaExceeded,
    WantedTitle,
    Wish,
)
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, MydiaError, Unavailable
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import Count, message
from mydia.web.pages.requests.shown import QuotaShown, quotas_shown, topics
from mydia.web.render import Toast, dialog, fragment, is_htmx, nothing, page, query, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import preview

_NO_SUCH_TITLE = message("There is no such title. Search for it again.")
_TYPES = {MediaType.MOVIE: "Movies", MediaType.TV_SHOW: "Shows"}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A search result, and what can be done with it."""

    type: MediaType
    title: str
    year: int | None
    overview: str | None
    number: str
    """What the dialog's address has, such as `tmdb:19`."""
    artwork: Artwork
    item_href: str | None
    request_href: str | None
    available: bool
    mine: bool
    blocked: str | None
    """Why it cannot be requested; empty if no reason was given, None if it can be."""
    blocked_id: str | None
    """The entry of the blocklist, for those who can remove it."""


class SearchView(msgspec.Struct, frozen=True, kw_only=True):
    """The page on which people look for titles to request."""

    q: str
    type: MediaType
    types: tuple[tuple[str, str], ...]
    found: tuple[Found, ...] | None
    """None before the first search."""
    notice: str | None
    quotas: tuple[QuotaShown, ...]


@get("/requests/new", sync_to_thread=True, include_in_schema=False)
def search(request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep) -> Response[str]:
    """Show the search form; with `q`, also the results."""
    view = _search(request, database, outside, caller)
    return page(request, "requests/new.html", view, active="requests", topics=topics(caller))


@get("/requests/new/results", sync_to_thread=True, include_in_schema=False)
def results(request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep) -> Response[str]:
    """Show only the results."""
    if not is_htmx(request):
        return redirect(request, f"/requests/new{query(request.query_params)}")
    return fragment(request, "requests/_results.html", _search(request, database, outside, caller))


def _search(request: WebRequest, database: Database, outside: Outside, caller: Caller) -> SearchView:
    q = request.query_params.get("q", "").strip()
    type_ = find_member(MediaType, request.query_params.get("type", MediaType.MOVIE))
    if type_ is None:
        raise Invalid("Search for movies or shows.")
    manages = caller.can(Permission.MANAGE_REQUESTS)
    with database.reads() as session:
        quotas = () if manages else quotas_shown(requests.quotas.quotas(session, caller, clock.now()))
        language = settings.of(session).metadata.language
    candidates: list[metadata.Candidate] = []
    notice = None if metadata.available(outside) else metadata.WITHOUT_PROVIDER
    if q and notice is None:
        try:
            candidates = metadata.search(outside, caller, type_, q, language=language)
        except Unavailable as error:
            notice = error.message
    with database.reads() as session:
        known = requests.listing.known_of(session, caller, candidates)
    return SearchView(
        q=q,
        type=type_,
        types=tuple(_TYPES.items()),
        found=tuple(_found(one, told, manages=manages) for one, told in zip(candidates, known, strict=True))
        if q
        else None,
        notice=notice,
        quotas=quotas,
    )


def _found(one: metadata.Candidate, known: requests.listing.Known, *, manages: bool) -> Found:
    section = "shows" if one.type == MediaType.TV_SHOW else "movies"
    return Found(
        type=one.type,
        title=one.title,
        year=one.year,
        overview=one.overview,
        number=number_of(one.ids),
        artwork=preview("poster", one.poster_path),
        item_href=f"/{section}/{known.media_item_id}" if known.media_item_id else None,
        request_href=f"/requests/{known.request_id}" if known.request_id and known.mine else None,
        available=known.available,
        mine=known.mine,
        blocked=known.blocked.reason or "" if known.blocked else None,
        blocked_id=known.blocked.id if known.blocked and manages else None,
    )


def number_of(ids: metadata.Ids) -> str:
    """Return a title's id as addresses have it: `tmdb:19`."""
    return f"tmdb:{ids.tmdb_id}" if ids.tmdb_id else f"tvdb:{ids.tvdb_id}" if ids.tvdb_id else str(ids.imdb_id or "")


class AskView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a title is requested."""

    wanted: WantedTitle
    number: str
    offer: Offer
    art: Artwork
    quota: QuotaShown | None
    people: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    folders: tuple[tuple[str, str], ...]
    """People, profiles and folders to choose; empty for callers who do not decide requests."""
    values: Mapping[str, str]
    chosen: frozenset[int]
    """The seasons that are ticked."""
    states: Mapping[str, str]
    """State of a season -> its words."""
    can_block: bool

    @property
    def show(self) -> bool:
        """Whether it is a series."""
        return self.wanted.type == MediaType.TV_SHOW

    @property
    def possible(self) -> bool:
        """Whether anything is left to request or to follow."""
        states = {one.state for one in self.offer.seasons} if self.show else {self.offer.state}
        used_up = self.offer.quota is not None and self.offer.quota.left == 0
        return bool(states & ({OfferState.REQUESTED} if used_up else {OfferState.REQUESTED, OfferState.FREE}))


_SAID = {
    OfferState.AVAILABLE: "Available",
    OfferState.REQUESTED: "Requested by someone else; you will follow it",
    OfferState.MINE: "Requested",
    OfferState.NOT_ALLOWED: "Cannot be requested",
    OfferState.BLOCKED: "Cannot be requested",
    OfferState.FREE: "",
}


class AskFields(Struct, kw_only=True):
    """The requested title, and what of it."""

    type: Annotated[MediaType, _NO_SUCH_TITLE]
    number: Annotated[str, _NO_SUCH_TITLE]
    """Such as `tmdb:19`."""
    seasons: tuple[Count, ...] = ()
    for_user_id: str | None = None
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: str = ""


@get("/requests/new/{type_:str}/{number:str}", sync_to_thread=True, include_in_schema=False)
def ask_form(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    type_: FromPath[MediaType],
    number: FromPath[str],
) -> Response[str]:
    """Show the dialog of a title."""
    wanted = _wanted(database, outside, caller, type_, number)
    view = _form(database, caller, wanted, number, {}, None)
    return dialog(
        request, "requests/_ask.html", view, title=f"Request {wanted.title}", active="requests", back="/requests/new"
    )


@post("/requests/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def ask(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[AskFields]
) -> Response[str]:
    """Request a title."""
    asked = form.read()
    wanted = _wanted(database, outside, caller, asked.type, asked.number)
    manages = caller.can(Permission.MANAGE_REQUESTS)
    wish = Wish(
        seasons=frozenset(asked.seasons) if asked.type == MediaType.TV_SHOW else None,
        for_user_id=asked.for_user_id,
        profile_id=asked.profile_id if manages else None,
        library_path_id=asked.library_path_id if manages else None,
        tags=settings.tags.split_names(asked.tags) if manages else (),
    )
    try:
        with database.writes() as session:
            done = requests.ask(session, caller, clock.now(), wanted, wish)
    except (Invalid, NothingToRequest, NotRequestable, QuotaExceeded) as error:
        view = _form(database, caller, wanted, asked.number, form.sent, frozenset(asked.seasons))
        return dialog(
            request,
            "requests/_ask.html",
            view,
            title=f"Request {wanted.title}",
            back="/requests/new",
            status=422,
            errors=_errors(error),
        )
    toast = Toast(_DONE[done.outcome].format(title=wanted.title), " ".join(map(str, done.left_out)))
    if is_htmx(request):
        return nothing(toast=toast, trigger={"requests-changed": {}, "dialog-close": {}})
    return redirect(request, f"/requests/{done.request_id}", toast=toast)


_DONE = {
    Outcome.PENDING: "{title} requested",
    Outcome.APPROVED: "{title} requested and approved",
    Outcome.JOINED: "You follow the request for {title}",
}


def _errors(error: MydiaError) -> dict[str, str]:
    return dict(error.fields) if error.fields and "seasons" in error.fields else {"": error.message}


def _wanted(database: Database, outside: Outside, caller: Caller, type_: MediaType, number: str) -> WantedTitle:
    ids = metadata.ids_in(number)
    if ids is None:
        raise Invalid("There is no such title. Search for it again.")
    language = settings.of(database).metadata.language
    return requests.look_up(outside, caller, type_, ids, language=language)


def _form(
    database: Database,
    caller: Caller,
    wanted: WantedTitle,
    number: str,
    values: Mapping[str, str],
    chosen: frozenset[int] | None,
) -> AskView:
    manages = caller.can(Permission.MANAGE_REQUESTS)
    people: tuple[tuple[str, str], ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    with database.reads() as session:
        offered = requests.offer(
            session, caller, clock.now(), wanted, for_user_id=values.get("for_user_id") or None if manages else None
        )
        if manages:
            people = tuple((one.id or "", one.name) for one in requests.listing.people(session, caller))
            profiles = tuple((one.id, one.name) for one in settings.profiles.list_profiles(session, caller))
            folders = tuple(
                (path.id, path.name)
                for path in settings.library_paths.list_library_paths(session, caller)
                if settings.library_paths.suits(path, wanted.type)
            )
    free = frozenset(one.number for one in offered.seasons if one.state == OfferState.FREE and one.number > 0)
    return AskView(
        wanted=wanted,
        number=number,
        offer=offered,
        art=preview("poster", wanted.poster_path),
        quota=next(iter(quotas_shown([offered.quota])), None) if offered.quota else None,
        people=people,
        profiles=profiles,
        folders=folders,
        values={"for_user_id": caller.id or ""} | dict(values),
        chosen=free if chosen is None else chosen,
        states={str(state): words for state, words in _SAID.items()},
        can_block=manages and offered.blocked is None,
    )


ROUTES: tuple[Any, ...] = (search, results, ask_form, ask)

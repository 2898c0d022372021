"""Add a title: search, choose, set folder, profile and monitoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import media, metadata, settings
from mydia.contexts.media import MonitorPattern
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Invalid, Unavailable
from mydia.units import size
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import message
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, page, query, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import preview

_NO_SUCH_TITLE = message("There is no such title. Search for it again.")
_TYPES = {MediaType.MOVIE: "Movies", MediaType.TV_SHOW: "Shows"}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One search result."""

    type: MediaType
    title: str
    year: int | None
    overview: str | None
    number: str
    """What the form sends, such as `tmdb:19`."""
    artwork: Artwork
    here: str | None
    """Its page, if it is in the library."""


class AddView(msgspec.Struct, frozen=True, kw_only=True):
    """The page: the search text, and the results or why there are none."""

    q: str
    type: MediaType
    types: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...] | None
    """None before the first search."""
    notice: str | None = None


class AddForm(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog with the options of a chosen title."""

    choice: Choice
    folders: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    monitors: tuple[tuple[str, str], ...]
    values: dict[str, str]


@get("/add", sync_to_thread=True, include_in_schema=False)
def show_add(request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep) -> Response[str]:
    """Show the search form; with `q`, also the results."""
    view = _answers(request, database, outside, caller)
    return page(request, "add/page.html", view, active="movies" if view.type == MediaType.MOVIE else "shows")


@get("/add/results", sync_to_thread=True, include_in_schema=False)
def show_results(request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep) -> Response[str]:
    """Show only the results."""
    if not is_htmx(request):
        return redirect(request, f"/add{query(request.query_params)}")
    return fragment(request, "add/_results.html", _answers(request, database, outside, caller))


def _answers(request: WebRequest, database: Database, outside: Outside, caller: Caller) -> AddView:
    q = request.query_params.get("q", "").strip()
    type_ = find_member(MediaType, request.query_params.get("type", MediaType.MOVIE))
    if type_ is None:
        raise Invalid("Search for movies or shows.")
    types = tuple(_TYPES.items())
    if not q:
        notice = None if metadata.available(outside) else metadata.WITHOUT_PROVIDER
        return AddView(q=q, type=type_, types=types, choices=None, notice=notice)
    with database.reads() as session:
        language = settings.of(session).metadata.language
    try:
        found = metadata.search(outside, caller, type_, q, language=language)
    except Unavailable as error:
        return AddView(q=q, type=type_, types=types, choices=(), notice=error.message)
    with database.reads() as session:
        here = [media.find_by_ids(session, caller, c.type, c.ids) for c in found]
    return AddView(
        q=q,
        type=type_,
        types=types,
        choices=tuple(_choice(c, item.id if item else None) for c, item in zip(found, here, strict=True)),
    )


def _choice(candidate: metadata.Candidate, item_id: str | None) -> Choice:
    ids = candidate.ids
    number = f"tmdb:{ids.tmdb_id}" if ids.tmdb_id else f"tvdb:{ids.tvdb_id}" if ids.tvdb_id else str(ids.imdb_id or "")
    section = "shows" if candidate.type == MediaType.TV_SHOW else "movies"
    return Choice(
        type=candidate.type,
        title=candidate.title,
        year=candidate.year,
        overview=candidate.overview,
        number=number,
        artwork=preview("poster", candidate.poster_path),
        here=f"/{section}/{item_id}" if item_id else None,
    )


@get("/add/{type_:str}/{number:str}", sync_to_thread=True, include_in_schema=False)
def show_form(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    type_: FromPath[MediaType],
    number: FromPath[str],
) -> Response[str]:
    """Show the options of a chosen title in a dialog."""
    view = _form(database, outside, caller, type_, number, {})
    return dialog(
        request, "add/_form.html", view, title=f"Add {view.choice.title}", active=_page_of(type_)[1:], back="/add"
    )


def _form(
    database: Database,
    outside: Outside,
    caller: Caller,
    type_: MediaType,
    number: str,
    values: dict[str, str],
) -> AddForm:
    ids = metadata.ids_in(number)
    if ids is None:
        raise Invalid("There is no such title. Search for it again.")
    found = metadata.by_ids(outside, caller, type_, ids)
    if not found:
        raise Invalid("The catalogue no longer has this title. Search for it again.")
    with database.reads() as session:
        folders = [
            path
            for path in settings.library_paths.list_library_paths(session, caller)
            if path.type in ("mixed", "movies" if type_ == MediaType.MOVIE else "series")
        ]
        profiles = tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session, caller))
        default_profile = settings.profiles.default_profile_id(session, caller)
        search_now = settings.of(session).media.auto_search_on_add
        own = settings.person_defaults.own(session, caller)[type_]
    first = next((path for path in folders if path.id == own.library_path_id), folders[0] if folders else None)
    defaults = {
        "library_path_id": first.id if first else "",
        "profile_id": own.profile_id or (first.default_profile_id if first else None) or default_profile,
        "monitor": own.monitor or "all",
        "monitor_new_seasons": "",
        "series_type": "",
        "minimum_availability": "released",
        "search_now": "true" if search_now else "",
    }
    told = []
    for path in folders:
        try:
            room = f"{size(outside.files.space(Path(path.path)).free_bytes)} free"
        except AdapterError:
            room = "not reachable"
        told.append((path.id, f"{path.path} · {room}"))
    return AddForm(
        choice=_choice(found[0], None),
        folders=tuple(told),
        profiles=profiles,
        monitors=tuple(media.monitoring.PATTERNS.items()),
        values=defaults | values,
    )


class AddFields(Struct, kw_only=True):
    """The chosen title and its options."""

    type: Annotated[MediaType, _NO_SUCH_TITLE]
    number: Annotated[str, _NO_SUCH_TITLE]
    """Such as `tmdb:19`."""
    library_path_id: str | None = None
    profile_id: str | None = None
    monitor: MonitorPattern = MonitorPattern.ALL
    monitor_new_seasons: media.NewSeasons | None = None
    series_type: media.SeriesType | None = None
    minimum_availability: media.Availability = media.Availability.RELEASED
    search_now: bool = False


@post("/add", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_title(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[AddFields]
) -> Response[str]:
    """Add a title with all its details."""
    wanted = form.read()
    new = _new_item(database, outside, caller, wanted)
    page_of_type = _page_of(wanted.type)
    try:
        with database.writes() as session:
            item_id = media.add_item(session, caller, clock.now(), new, search_now=wanted.search_now).id
    except media.AlreadyHere as error:
        return redirect(request, f"{page_of_type}/{error.item_id}", toast=Toast(error.message, tone="miss"))
    except Invalid as error:
        view = _form(database, outside, caller, wanted.type, wanted.number, form.sent)
        return invalid_form(request, "add/_form.html", view, error, title=f"Add {view.choice.title}", back="/add")
    said = "Mydia searches for it now." if wanted.search_now and new.monitored else "It is in the library."
    return redirect(request, f"{page_of_type}/{item_id}", toast=Toast(f"{new.title} added", said))


def _new_item(database: Database, outside: Outside, caller: Caller, wanted: AddFields) -> media.NewItem:
    """Return the chosen title with its details from the catalogue.

    Raises:
        Invalid: The catalogue does not have it.
    """
    ids = metadata.ids_in(wanted.number)
    if ids is None:
        raise Invalid("There is no such title. Search for it again.")
    with database.reads() as session:
        wish = media.refresh.asking(session, caller, wanted.library_path_id)
    found = metadata.by_ids(outside, caller, wanted.type, ids, language=wish.language)
    if not found:
        raise Invalid("The catalogue no longer has this title. Search for it again.")
    details, seasons = media.refresh.fetch(
        outside, caller, wanted.type, found[0].ids, language=wish.language, source=wish.source, region=wish.region
    )
    return media.NewItem(
        type=wanted.type,
        title=details.title,
        year=details.year,
        ids=details.ids,
        library_path_id=wanted.library_path_id,
        profile_id=wanted.profile_id,
        monitored=wanted.monitor != MonitorPattern.NONE,
        monitor=wanted.monitor,
        monitor_new_seasons=wanted.monitor_new_seasons,
        series_type=wanted.series_type,
        minimum_availability=wanted.minimum_availability,
        provider=details.provider,
        details=details,
        seasons=seasons,
    )


def _page_of(type_: MediaType) -> str:
    return "/shows" if type_ == MediaType.TV_SHOW else "/movies"


ROUTES = (show_add, show_results, show_form, add_title)

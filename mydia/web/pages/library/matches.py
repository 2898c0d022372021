"""Change the match of a title."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import library, media, metadata
from mydia.errors import Invalid, Unavailable
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import message
from mydia.web.pages.library.item_actions import media_changed, surroundings
from mydia.web.render import Toast, dialog, is_htmx, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import preview


class MatchView(msgspec.Struct, frozen=True):
    """The dialog in which a wrong match is corrected."""

    item: media.MediaItem
    q: str
    choices: tuple[tuple[str, str, int | None, str | None, Artwork, bool], ...]
    """(number, title, year, overview, picture, whether it is the present match)."""
    notice: str | None


@get("/items/{item_id:str}/match", sync_to_thread=True, include_in_schema=False)
def show_match(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
) -> Response[str]:
    """Show other matches of a title."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        language = media.refresh.language_of(session, caller, item)
    q = request.query_params.get("q", "").strip() or item.title
    found, notice = [], None
    try:
        found = metadata.search(outside, caller, item.type, q, language=language)
    except Unavailable as error:
        notice = error.message
    choices = tuple(
        (
            f"tmdb:{c.ids.tmdb_id}" if c.ids.tmdb_id else f"tvdb:{c.ids.tvdb_id}",
            c.title,
            c.year,
            c.overview,
            preview("poster", c.poster_path),
            c.ids.tmdb_id == item.tmdb_id,
        )
        for c in found
    )
    alone = is_htmx(request) and "q" in request.query_params
    template = "item/_matches.html" if alone else "item/_match.html"
    view = MatchView(item, q, choices, notice)
    return dialog(request, template, view, title=f"Match of {item.title}", **surroundings(item))


class MatchFields(Struct, kw_only=True):
    """The title that was chosen, such as `tmdb:19`."""

    number: Annotated[str, message("Choose one of the titles.")]


@post("/items/{item_id:str}/match", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_match(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[MatchFields],
) -> Response[str]:
    """Change the match of a title; its files and settings stay."""
    ids = metadata.ids_in(form.read().number)
    if ids is None:
        raise Invalid("Choose one of the titles.")
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
    choice = library.matching.Choice(
        type=item.type, title=item.title, year=item.year, ids=ids, provider="tmdb" if ids.tmdb_id else "tvdb"
    )
    now_id = library.inbox.rematch_item(database, outside, caller, clock.now(), item_id, choice)
    if now_id != item_id:
        return redirect(
            request,
            f"/items/{now_id}",
            toast=Toast("Match changed", "The files were added to the title that is already in the library."),
        )
    return media_changed(request, item_id, Toast("Match changed", "The details of the chosen title were loaded."))


ROUTES: tuple[Any, ...] = (show_match, change_match)

"""Downloads that Mydia did not start: ignore them, or adopt them for a title."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from mydia import clock
from mydia.contexts import downloads, media
from mydia.errors import Conflict
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import message
from mydia.web.pages.activity.queue_actions import queue_changed
from mydia.web.render import Toast, dialog
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork


@post("/activity/unknown/{unknown_id:str}/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_unknown(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, unknown_id: FromPath[str]
) -> Response[str]:
    """Ignore a download that Mydia did not start."""
    with database.writes() as session:
        downloads.unknown.ignore_unknown(session, caller, unknown_id)
    return queue_changed(request, Toast("Ignored", "It is no longer shown."))


class AdoptFields(Struct, kw_only=True):
    """The title that was chosen for a download."""

    item_id: Annotated[str, message("Choose a title.")]


class AdoptView(msgspec.Struct, frozen=True):
    """The dialog that adopts a download for a title."""

    unknown: downloads.UnknownDownload
    q: str
    found: tuple[tuple[str, str, int | None, str, Artwork], ...]
    """(id, title, year, kind, picture)."""


@get("/activity/unknown/{unknown_id:str}/adopt", sync_to_thread=True, include_in_schema=False)
def ask_adopt(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    unknown_id: FromPath[str],
    q: FromQuery[str | None] = None,
) -> Response[str]:
    """Ask which title a download belongs to."""
    with database.reads() as session:
        unknown = next((one for one in downloads.unknown.list_unknown(session, caller) if one.id == unknown_id), None)
        if unknown is None:
            raise Conflict("This download is no longer in its client, or has already been adopted.")
        guessed = specs.title_in(unknown.name) if q is None else q
        found = media.lists.search_library(session, caller, guessed, limit=12)
    view = AdoptView(
        unknown,
        guessed,
        tuple(
            (one.id, one.title, one.year, "Show" if one.type == MediaType.TV_SHOW else "Movie", artwork(one.poster))
            for one in found
        ),
    )
    template = "activity/_adopt.html" if q is None else "activity/_adopt_found.html"
    return dialog(request, template, view, title="Adopt a download", active="activity", back="/activity")


@post("/activity/unknown/{unknown_id:str}/adopt", sync_to_thread=True, status_code=200, include_in_schema=False)
def adopt_download(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, unknown_id: FromPath[str], form: FormOf[AdoptFields]
) -> Response[str]:
    """Follow and import a download that Mydia did not start."""
    item_id = form.read().item_id
    with database.writes() as session:
        downloads.unknown.adopt(session, caller, clock.now(), unknown_id, item_id)
    return queue_changed(request, Toast("Adopted", "It is imported when it is complete.", tone="live"))


ROUTES: tuple[Any, ...] = (ignore_unknown, ask_adopt, adopt_download)

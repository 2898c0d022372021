"""Manual search: start a search, show its releases with their verdicts, grab one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.downloads import SearchTarget
from mydia.contexts.metadata import Picture
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, MydiaError, NotFound
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, OutsideDep, WebDeps, WebRequest
from mydia.web.forms import Season
from mydia.web.pages.activity.release_rows import Results, Row, read_params, results_of, row_of
from mydia.web.render import Toast, dialog, fragment, is_htmx, query, redirect
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

_LOOK_AGAIN_S = 3
"""How often a browser without script loads the page again while a search runs."""


class SearchDialog(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog of a manual search."""

    item: media.MediaItem
    title: str
    year: str
    poster: Artwork
    have: specs.Strip | None
    have_words: str
    goal: str
    sends_to: str
    start: Mapping[str, str]
    results: Results | None
    has_indexers: bool
    can_settings: bool


@get("/items/{item_id:str}/releases", sync_to_thread=True, include_in_schema=False)
def show_releases(
    request: WebRequest,
    database: DatabaseDep,
    deps: DepsDep,
    caller: CallerDep,
    item_id: FromPath[str],
    season: FromQuery[int | None] = None,
    episode: FromQuery[str] = "",
    search: FromQuery[str] = "",
) -> Response[str]:
    """Open the dialog. It starts a search itself, unless an earlier search was requested."""
    with database.reads() as session:
        view = _dialog(deps, session, caller, item_id, season, episode)
        if search:
            found = downloads.history.get_search(session, caller, search)
            results = results_of(found, caller, read_params(request))
            view = SearchDialog(**{**_fields(view), "results": results})
    return dialog(
        request,
        "releases/_dialog.html",
        view,
        refresh_s=_LOOK_AGAIN_S if view.results and view.results.running else 0,
        title=f"Releases of {view.title}",
        active="shows" if view.item.type == MediaType.TV_SHOW else "movies",
        back=f"/items/{item_id}",
    )


def _fields(view: SearchDialog) -> dict[str, Any]:
    return {name: getattr(view, name) for name in SearchDialog.__struct_fields__}


def _dialog(
    deps: WebDeps, session: Session, caller: Caller, item_id: str, season: int | None, episode: str
) -> SearchDialog:
    item = media.get_item(session, caller, item_id)
    title, start = item.title, {}
    if season is not None:
        title, start = f"{item.title}, season {season}", {"season": str(season)}
    files = library.files.files_of_item(session, caller, item_id, videos_only=True)
    if episode:
        chosen = next((one for one in media.episodes.episodes_of(session, caller, item_id) if one.id == episode), None)
        if chosen is None:
            raise NotFound("This episode is not in the library.")
        title, start = f"{item.title} {chosen.code}", {"episode": episode}
        files = [file for file in files if episode in file.episode_ids]
    version = item.versions[0] if item.versions else None
    profile = settings.profiles.get_profile(session, caller, version.profile_id) if version else None
    best = max(files, key=lambda file: file.size_bytes, default=None)
    goal = ""
    if profile is not None:
        goal = (
            f"{profile.name} upgrades up to {profile.cutoff}"
            if profile.upgrades_allowed and profile.cutoff
            else f"{profile.name} does not allow upgrades"
        )
        goal = goal if best else f"Wanted in {profile.name}"
    clients = [
        client.name for client in settings.services.list_services(session, caller, "download_client") if client.enabled
    ]
    picture = item.poster
    poster = None
    if picture is not None and picture.state == "present":
        poster = Picture(picture.id, picture.content_hash or "0", picture.color)
    return SearchDialog(
        item=item,
        title=title,
        year=str(item.year or ""),
        poster=artwork(poster),
        have=specs.strip_of(best.spec) if best else None,
        have_words=best.quality.name if best else "",
        goal=goal,
        sends_to=" or ".join(clients[:2]),
        start=start,
        results=None,
        has_indexers=settings.indexers.has_interactive(session, caller),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
    )


class SearchFields(Struct, kw_only=True):
    """What is searched for: a title, one of its seasons or one of its episodes."""

    season: Season | None = None
    episode: str = ""


@post("/items/{item_id:str}/releases", sync_to_thread=True, status_code=200, include_in_schema=False)
def start_search(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[SearchFields]
) -> Response[str]:
    """Start a search. The answer is updated while the indexers respond."""
    wanted = form.read()
    target = SearchTarget(item_id, None, wanted.season, (wanted.episode,) if wanted.episode else ())
    with database.writes() as session:
        search_id = downloads.open_search(session, caller, clock.now(), target)
    if not is_htmx(request):
        return redirect(request, f"/items/{item_id}/releases?search={search_id}")
    return _show(request, database, caller, search_id)


@get("/searches/{search_id:str}", sync_to_thread=True, include_in_schema=False)
def show_results(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, search_id: FromPath[str]
) -> Response[str]:
    """Show the results of a search so far."""
    if not is_htmx(request):
        with database.reads() as session:
            item_id = downloads.history.get_search(session, caller, search_id).search.media_item_id
        return redirect(request, f"/items/{item_id}/releases{query(request.query_params, search=search_id)}")
    return _show(request, database, caller, search_id)


@post(
    "/searches/{search_id:str}/indexers/{indexer_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False
)
def retry_indexer(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    search_id: FromPath[str],
    indexer_id: FromPath[str],
) -> Response[str]:
    """Search one indexer again."""
    with database.writes() as session:
        downloads.request_retry(session, caller, clock.now(), search_id, indexer_id)
    if not is_htmx(request):
        return redirect(request, f"/searches/{search_id}")
    return _show(request, database, caller, search_id)


def _show(request: WebRequest, database: Database, caller: Caller, search_id: str) -> Response[str]:
    with database.reads() as session:
        found = downloads.history.get_search(session, caller, search_id)
    return fragment(request, "releases/_results.html", results_of(found, caller, read_params(request)))


class GrabFields(Struct, kw_only=True):
    """How a release is grabbed."""

    override: bool = False
    """Grab it although a rule rejects it."""


@post("/releases/{release_id:str}/grab", sync_to_thread=True, status_code=200, include_in_schema=False)
def grab_release(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    release_id: FromPath[str],
    form: FormOf[GrabFields],
) -> Response[str]:
    """Send a release to a client; a problem is shown in its row."""
    try:
        download_id = downloads.grab(database, outside, caller, clock.now(), release_id, override=form.read().override)
    except Forbidden:
        raise
    except MydiaError as error:
        if not is_htmx(request) or (isinstance(error, NotFound) and not isinstance(error, downloads.ReleaseGone)):
            raise
        insists = isinstance(error, downloads.Refusal | Conflict) and not isinstance(error, downloads.AlreadyInClient)
        row = _one(database, caller, release_id, error=error.message, insists=insists)
        return fragment(request, "releases/_row.html", row=row)
    row = _one(database, caller, release_id)
    toast = Toast(
        "Sent",
        f"{row.title} is being fetched.",
        tone="live",
        action_label="Undo",
        action_href=f"/activity/queue/{download_id}/undo",
        action_posts=True,
    )
    if not is_htmx(request):
        with database.reads() as session:
            item_id = downloads.history.get_release(session, caller, release_id).media_item_id
        return redirect(request, f"/items/{item_id}" if item_id else "/activity", toast=toast)
    return fragment(
        request, "releases/_row.html", row=row, toast=toast, trigger={"queue-changed": {}, "media-changed": {}}
    )


def _one(
    database: Database, caller: Caller, release_id: str, *, error: str | None = None, insists: bool = False
) -> Row:
    with database.reads() as session:
        release = downloads.history.get_release(session, caller, release_id)
    best = release.position == 0 and release.verdict in ("approved", "grabbed")
    return row_of(release, clock.now(), None, best=best, can_grab=True, error=error, insists=insists)


ROUTES: tuple[Any, ...] = (show_releases, start_search, show_results, retry_indexer, grab_release)

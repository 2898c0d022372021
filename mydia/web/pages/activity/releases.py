"""Manual search: every release that the indexers have, with its verdict in sentences; and taking one."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.orm import Session

from mydia import clock, units
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.downloads import SearchTarget
from mydia.contexts.metadata import Picture
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, MydiaError, NotFound
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.fields import season_of
from mydia.web.render import Toast, dialog, fragment, is_htmx, query, redirect
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

logger = logging.getLogger(__name__)

_FLAGS = {
    "freeleech": "Freeleech",
    "halfleech": "Half leech",
    "double_upload": "Double upload",
    "internal": "Internal",
    "scene": "Scene",
}
_EARLIER = {
    "imported": "Imported before",
    "failed": "Failed before",
    "removed": "Removed before",
    "ignored": "Removed before",
}
_LOOK_AGAIN_S = 3
"""How long a browser without script waits before it asks for the page again while a search runs."""
_SHOWS = ("all", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Row:
    """One release."""

    id: str
    title: str
    spec: specs.Strip | None
    quality: str
    score: int
    place: int
    best: bool
    accepted: bool
    sent: bool
    size: str
    age: str
    indexer: str
    swarm: str
    page_url: str | None
    tags: tuple[str, ...]
    objections: tuple[str, ...]
    waiting: bool
    preference: tuple[str, ...]
    earlier: str | None
    can_grab: bool
    error: str | None = None
    insists: bool = False
    """The error can be overridden."""


@dataclass(frozen=True, slots=True)
class IndexerState:
    """What an indexer has answered so far."""

    id: str
    name: str
    state: str
    """`ok`, `failed`, `skipped`, `searching`."""
    said: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Results:
    """What was found so far."""

    search_id: str
    item_id: str
    running: bool
    rows: tuple[Row, ...]
    rejected: tuple[Row, ...]
    total: int
    accepted_count: int
    rejected_count: int
    by_reason: str
    indexers: tuple[IndexerState, ...]
    sentence: str
    params: Mapping[str, str]
    indexer_names: tuple[str, ...]
    qualities: tuple[str, ...]
    can_settings: bool
    can_grab: bool
    seen: str
    """How far the search had come; the stream says when it has come further."""

    def url(self, **changes: str | None) -> str:
        """Return the address of these results with another filter."""
        return f"/searches/{self.search_id}" + query(self.params, **changes)


@dataclass(frozen=True, slots=True)
class SearchDialog:
    """The dialog around them."""

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
    database: Database,
    deps: WebDeps,
    caller: Caller,
    item_id: FromPath[str],
    season: FromQuery[int | None] = None,
    episode: FromQuery[str] = "",
    search: FromQuery[str] = "",
) -> Response[str]:
    """Open the dialog at once; it starts the search itself, unless a past one is asked for."""
    caller.require(Permission.VIEW_ACTIVITY)
    with database.reads() as session:
        view = _dialog(deps, session, caller, item_id, season, episode)
        if search:
            found = downloads.get_search(session, caller, search)
            results = _results(found, caller, _params(request))
            view = SearchDialog(**{**_fields(view), "results": results})
    return dialog(
        request,
        "releases/_dialog.html",
        view,
        refresh_s=_LOOK_AGAIN_S if view.results and view.results.running else 0,
        title=f"Releases of {view.title}",
        active="shows" if view.item.type == "tv_show" else "movies",
        back=f"/items/{item_id}",
    )


def _fields(view: SearchDialog) -> dict[str, Any]:
    return {name: getattr(view, name) for name in SearchDialog.__slots__}


def _dialog(
    deps: WebDeps, session: Session, caller: Caller, item_id: str, season: int | None, episode: str
) -> SearchDialog:
    item = media.get_item(session, item_id)
    title, start = item.title, {}
    if season is not None:
        title, start = f"{item.title}, season {season}", {"season": str(season)}
    files = library.files_of_item(session, item_id, videos_only=True)
    if episode:
        chosen = next((one for one in media.episodes_of(session, item_id) if one.id == episode), None)
        if chosen is None:
            raise NotFound("This episode is not in the library (any more).")
        title, start = f"{item.title} {chosen.code}", {"episode": episode}
        files = [file for file in files if episode in file.episode_ids]
    version = item.versions[0] if item.versions else None
    profile = settings.get_profile(session, version.profile_id) if version else None
    best = max(files, key=lambda file: file.size_bytes, default=None)
    goal = ""
    if profile is not None:
        goal = (
            f"{profile.name} upgrades up to {profile.cutoff}"
            if profile.upgrades_allowed and profile.cutoff
            else f"{profile.name} does not upgrade"
        )
        goal = goal if best else f"Wanted in {profile.name}"
    clients = [client.name for client in settings.list_clients(session) if client.enabled]
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
        has_indexers=bool(settings.indexer_connections(session, deps.sealer, usage="interactive")),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
    )


@post("/items/{item_id:str}/releases", sync_to_thread=True, status_code=200, include_in_schema=False)
def start_search(
    request: WebRequest, database: Database, deps: WebDeps, caller: Caller, item_id: FromPath[str], form: dict[str, str]
) -> Response[str]:
    """Ask the indexers; the answer fills while they do."""
    season = season_of(form.get("season"))
    episodes = (form["episode"],) if form.get("episode") else ()
    target = SearchTarget(item_id, None, season, episodes)
    with database.writes() as session:
        search_id = downloads.open_search(session, caller, clock.now(), target, announce=False)
    _run(deps, caller, search_id)
    if not is_htmx(request):
        return redirect(request, f"/items/{item_id}/releases?search={search_id}")
    return _show(request, database, caller, search_id)


def _run(deps: WebDeps, caller: Caller, search_id: str) -> None:
    """Ask the indexers in a thread of its own: a person waits, and the worker's two search slots may be taken.

    Whoever watches is told by the topic `search:`, which reads how far it has come from the database; so it does not matter
    which process asks. A search whose process ends is closed by upkeep.
    """

    def work() -> None:
        try:
            downloads.run_search(deps.database, deps.outside, deps.config, caller, clock.now(), search_id=search_id)
        except NotFound:
            logger.info("the title was removed while it was searched", extra={"search_id": search_id})
        except Exception:
            # The thread is an edge: what it raises would be lost. The search is closed by upkeep.
            logger.exception("manual search failed", extra={"search_id": search_id})

    threading.Thread(target=work, name=f"search-{search_id[-6:]}", daemon=True).start()


@get("/searches/{search_id:str}", sync_to_thread=True, include_in_schema=False)
def show_results(request: WebRequest, database: Database, caller: Caller, search_id: FromPath[str]) -> Response[str]:
    """Show what a search has found so far."""
    if not is_htmx(request):
        with database.reads() as session:
            item_id = downloads.get_search(session, caller, search_id).search.media_item_id
        return redirect(request, f"/items/{item_id}/releases{query(request.query_params, search=search_id)}")
    return _show(request, database, caller, search_id)


@post(
    "/searches/{search_id:str}/indexers/{indexer_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False
)
def retry_indexer(
    request: WebRequest,
    database: Database,
    deps: WebDeps,
    caller: Caller,
    search_id: FromPath[str],
    indexer_id: FromPath[str],
) -> Response[str]:
    """Ask one indexer again."""
    with database.writes() as session:
        downloads.request_retry(session, caller, clock.now(), search_id, indexer_id, announce=False)
    _run(deps, caller, search_id)
    if not is_htmx(request):
        return redirect(request, f"/searches/{search_id}")
    return _show(request, database, caller, search_id)


def _show(request: WebRequest, database: Database, caller: Caller, search_id: str) -> Response[str]:
    with database.reads() as session:
        found = downloads.get_search(session, caller, search_id)
    return fragment(request, "releases/_results.html", _results(found, caller, _params(request)))


def _params(request: WebRequest) -> dict[str, str]:
    given = {name: request.query_params.get(name, "").strip() for name in ("show", "q", "indexer", "quality")}
    given["show"] = given["show"] if given["show"] in _SHOWS else "all"
    return given


def _results(found: downloads.SearchView, caller: Caller, params: Mapping[str, str]) -> Results:
    now = clock.now()
    search = found.search
    can_grab = caller.can(Permission.MANAGE_MEDIA)
    first = next((release.id for release in found.releases if release.verdict in ("approved", "grabbed")), None)
    rows = [
        row_of(release, now, found.earlier.get(release.id), best=release.id == first, can_grab=can_grab)
        for release in found.releases
    ]
    words = params["q"].casefold().split()
    shown = [
        row
        for row in rows
        if all(word in row.title.casefold() for word in words)
        and params["indexer"] in ("", row.indexer)
        and params["quality"] in ("", row.quality)
    ]
    accepted = [row for row in shown if row.accepted]
    rejected = [row for row in shown if not row.accepted]
    reasons = Counter(
        _reason_word(str(release.objections[0]["reason"])) for release in found.releases if release.objections
    )
    return Results(
        search_id=search.id,
        item_id=search.media_item_id,
        running=search.state == "running",
        rows=tuple(accepted) if params["show"] != "rejected" else (),
        rejected=tuple(rejected) if params["show"] != "accepted" else (),
        total=len(rows),
        accepted_count=sum(1 for row in rows if row.accepted),
        rejected_count=sum(1 for row in rows if not row.accepted),
        by_reason=" · ".join(f"{count} {word}" for word, count in reasons.most_common(5)),
        indexers=tuple(_indexer(entry) for entry in search.indexers),
        sentence=str(search.summary.get("sentence") or ""),
        params=params,
        indexer_names=tuple(dict.fromkeys(row.indexer for row in rows)),
        qualities=tuple(dict.fromkeys(row.quality for row in rows)),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        can_grab=can_grab,
        seen=_seen(search),
    )


def _seen(search: downloads.Search) -> str:
    answered = sum(1 for entry in search.indexers if entry["state"] not in ("searching", "retry"))
    return f"{search.state}-{answered}-{len(search.indexers)}"


def search_tick(session: Session, search_id: str) -> tuple[str, str] | None:
    """Return what `releases/_tick.html` needs of a search, for the live stream; None when there is no such search."""
    search = session.get(downloads.Search, search_id)
    return None if search is None else (search.id, _seen(search))


_REASON_WORDS = {
    "quality-not-wanted": "quality",
    "size-min": "size",
    "size-max": "size",
    "seeders-min": "seeders",
    "wrong-title": "wrong title",
    "unparsable": "wrong title",
    "wrong-year": "wrong year",
    "already-have-better": "not better",
    "upgrade-not-allowed": "not better",
    "goal-reached": "not better",
}


def _reason_word(reason: str) -> str:
    return _REASON_WORDS.get(reason, reason.replace("-", " "))


def _indexer(entry: Mapping[str, Any]) -> IndexerState:
    state = "searching" if entry["state"] == "retry" else str(entry["state"])
    ms = entry.get("ms")
    said = f"{entry.get('found', 0)}" + (f" · {ms / 1000:.1f} s" if ms is not None else "")
    error = f"{entry['error']}".replace("?.", "?") if entry.get("error") else None
    return IndexerState(str(entry["id"]), str(entry["name"]), state, said, error)


def row_of(
    release: downloads.Release,
    now: datetime,
    earlier: tuple[str, datetime] | None,
    *,
    best: bool,
    can_grab: bool,
    error: str | None = None,
    insists: bool = False,
) -> Row:
    """Return a release as the dialog shows it."""
    parsed = release.parsed
    tags = [_FLAGS[flag] for flag in release.flags if flag in _FLAGS]
    if parsed.get("season_pack"):
        tags.append("Season pack")
    if parsed.get("proper"):
        tags.append("Proper")
    if parsed.get("edition"):
        tags.append(str(parsed["edition"]))
    if release.protocol == "usenet":
        swarm = "Usenet"
    elif release.seeders is None:
        swarm = "seeds unknown"
    else:
        leechers = max(0, (release.peers or release.seeders) - release.seeders)
        swarm = f"{release.seeders} {'seed' if release.seeders == 1 else 'seeds'}" + (
            f" · {leechers} peers" if leechers else ""
        )
    before = f"{_EARLIER[earlier[0]]}, {earlier[1]:%-d %b %Y}" if earlier and earlier[0] in _EARLIER else None
    return Row(
        id=release.id,
        title=release.title,
        spec=specs.strip_of_release(release.quality, parsed),
        quality=release.quality_name,
        score=release.format_score,
        place=release.position + 1,
        best=best,
        accepted=release.verdict in ("approved", "grabbed"),
        sent=release.verdict == "grabbed" if earlier is None else earlier[0] not in _EARLIER,
        size=units.size(release.size_bytes),
        age=_age(release.published_at, now),
        indexer=release.indexer_name,
        swarm=swarm,
        page_url=release.page_url if (release.page_url or "").startswith(("http://", "https://")) else None,
        tags=tuple(tags),
        objections=tuple(str(objection["text"]) for objection in release.objections),
        waiting=release.verdict == "waiting",
        preference=tuple(str(entry["text"]) for entry in release.preference if entry["text"]),
        earlier=before,
        can_grab=can_grab,
        error=error,
        insists=insists,
    )


def _age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    days = (now - at).total_seconds() / 86_400
    if days < 1:
        return f"{max(0, round(days * 24))} h"
    return f"{round(days)} d" if days < 730 else f"{days / 365.25:.0f} y"


@post("/releases/{release_id:str}/grab", sync_to_thread=True, status_code=200, include_in_schema=False)
def grab_release(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    release_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Hand a release to a client; what stands in the way is told in its row."""
    try:
        download_id = downloads.grab(
            database, outside, config, caller, clock.now(), release_id, override=form.get("override") == "true"
        )
    except MydiaError as error:
        if not is_htmx(request) or (isinstance(error, NotFound) and not isinstance(error, downloads.ReleaseGone)):
            raise
        insists = isinstance(error, downloads.Refusal | Conflict)
        row = _one(database, caller, release_id, error=error.message, insists=insists)
        return fragment(request, "releases/_row.html", row=row)
    row = _one(database, caller, release_id)
    toast = Toast("Sent", f"{row.title} is being fetched.", "live", "Undo", f"/activity/queue/{download_id}/undo", True)
    if not is_htmx(request):
        with database.reads() as session:
            item_id = downloads.get_release(session, caller, release_id).media_item_id
        return redirect(request, f"/items/{item_id}" if item_id else "/activity", toast=toast)
    return fragment(
        request, "releases/_row.html", row=row, toast=toast, trigger={"queue-changed": {}, "media-changed": {}}
    )


def _one(
    database: Database, caller: Caller, release_id: str, *, error: str | None = None, insists: bool = False
) -> Row:
    with database.reads() as session:
        release = downloads.get_release(session, caller, release_id)
    best = release.position == 0 and release.verdict in ("approved", "grabbed")
    return row_of(release, clock.now(), None, best=best, can_grab=True, error=error, insists=insists)


ROUTES: tuple[Any, ...] = (show_releases, start_search, show_results, retry_indexer, grab_release)

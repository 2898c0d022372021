"""The page of one film or series: details, files, seasons, history, and why something is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.orm import Session

from mydia import clock, events
from mydia.contexts import downloads, library, media, metadata, settings
from mydia.contexts.users import Caller, Permission
from mydia.errors import NotFound
from mydia.events import stories
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.activity import queue
from mydia.web.render import fragment, page
from mydia.web.views import Artwork
from mydia.web.views.cards import artwork, preview

_HISTORY = 50
_DETAILED_TABS = ("files", "history")
"""Tabs that show paths and who did what: they need `view_activity`, as in the API."""


_STATUSES = {
    "announced": "Announced",
    "in_production": "In production",
    "in_cinemas": "In cinemas",
    "released": "Released",
    "continuing": "Continuing",
    "ended": "Ended",
    "cancelled": "Cancelled",
    "unknown": "",
}


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode in its season's table."""

    id: str
    number: int
    code: str
    title: str
    air_on: date | None
    finale: str | None
    monitored: bool
    state: str
    """A key of `views.STATES`."""
    chip: str
    file: library.files.FileView | None
    percent: float | None


@dataclass(frozen=True, slots=True)
class SeasonView:
    """One season; `episodes` is None while it is closed."""

    number: int
    title: str
    monitored: bool
    total: int
    held: int
    size_bytes: int
    rail: tuple[tuple[str, float], ...]
    open: bool
    episodes: tuple[EpisodeRow, ...] | None


@dataclass(frozen=True, slots=True)
class ItemView:
    """The page of a title."""

    item: media.MediaItem
    show: bool
    tab: str
    poster: Artwork
    backdrop: Artwork
    spec: library.files.SpecStrip | None
    files: tuple[library.files.FileView, ...]
    seasons: tuple[SeasonView, ...]
    next_air_on: date | None
    profile: str
    path: str | None
    why: str | None
    why_id: str | None
    search_running: bool
    downloads: tuple[queue.Line, ...]
    """What is under way for the title."""
    history: tuple[stories.Story, ...]
    history_more: int | None
    recommendations: tuple[Recommendation, ...]
    titles: tuple[str, ...]
    previous: str | None
    following: str | None
    status: str
    can_manage: bool
    sees_files: bool
    """Whether paths and file names are shown: they need `view_activity`."""
    missing: int

    @property
    def url(self) -> str:
        """Return the page's address."""
        return f"/{'shows' if self.show else 'movies'}/{self.item.id}"

    @property
    def opened(self) -> frozenset[int]:
        """Return the seasons whose episodes are shown."""
        return frozenset(season.number for season in self.seasons if season.open)

    def opening(self, number: int) -> str:
        """Return `open=` of the page with one season opened, or closed where it is open."""
        return ",".join(str(n) for n in sorted(self.opened ^ {number}, reverse=True)) or "none"

    @property
    def years(self) -> str:
        """Return `1927`, or `2022–` for a series that goes on, `1959–1961` for one that ended."""
        item = self.item
        if not self.show:
            return str(item.year or "")
        last = f"{item.last_air_on:%Y}" if item.status in ("ended", "cancelled") and item.last_air_on else ""
        return f"{item.year or '?'}–{last}" if last != str(item.year) else str(item.year)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A title like this one."""

    title: str
    year: int | None
    artwork: Artwork
    href: str


@get("/items/{item_id:str}", sync_to_thread=True, include_in_schema=False)
def find_item(database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Redirect:
    """Lead to a title's page, whatever it is."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
    return Redirect(f"/{'shows' if item.type == MediaType.TV_SHOW else 'movies'}/{item.id}")


@get(["/movies/{item_id:str}", "/shows/{item_id:str}"], sync_to_thread=True, include_in_schema=False)
def show_item(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show a title."""
    with database.reads() as session:
        view = _view(session, request, caller, item_id)
    if request.url.path.startswith("/shows") != view.show:
        raise NotFound("This title is not in the library.")
    section = "shows" if view.show else "movies"
    return page(request, "item/page.html", view, active=section, topics=[f"media:{item_id}", "queue"])


def _view(session: Session, request: WebRequest, caller: Caller, item_id: str) -> ItemView:
    caller.require(Permission.BROWSE)
    item = media.get_item(session, caller, item_id)
    show = item.type == MediaType.TV_SHOW
    tab = request.query_params.get("tab", "episodes" if show else "overview")
    today = clock.now().date()
    detailed = caller.can(Permission.VIEW_ACTIVITY)
    if tab in _DETAILED_TABS and not detailed:
        tab = "episodes" if show else "overview"
    files = library.files.files_of_item(session, caller, item_id, videos_only=True)
    open_downloads = downloads.queue.open_downloads_of(session, caller, item_id) if detailed else []
    last = downloads.history.last_search(session, caller, item_id) if detailed else None
    told = (
        events.feed(session, resource=("media_item", item_id), limit=_HISTORY) if tab == "history" and detailed else []
    )
    previous, following = media.lists.neighbours(session, caller, item)
    path = settings.library_paths.get_library_path(session, item.library_path_id) if item.library_path_id else None
    version = item.versions[0] if item.versions else None
    best = max(files, key=lambda f: f.size_bytes, default=None)
    return ItemView(
        item=item,
        show=show,
        tab=tab,
        poster=artwork(_picture(item.poster)),
        backdrop=artwork(_picture(item.backdrop), "backdrop"),
        spec=best.spec if best else None,
        files=tuple(files),
        seasons=_seasons(session, caller, request, item, files, open_downloads, today) if show else (),
        next_air_on=item.next_air_on,
        profile=settings.profiles.get_profile(session, version.profile_id).name if version else "",
        path=f"{path.path}/{item.folder}" if path and item.folder else path.path if path else None,
        why=last.sentence if last and item.state in ("missing", "partial", "upgradable") else None,
        why_id=last.id if last else None,
        search_running=bool(last and last.running),
        downloads=tuple(queue.line(row) for row in open_downloads),
        history=tuple(stories.story(event) for event in told),
        history_more=told[-1].id if len(told) == _HISTORY else None,
        recommendations=_recommendations(item),
        titles=tuple(row.title for row in media.titles_of(session, caller, item_id)[1:]) if tab == "details" else (),
        previous=previous,
        following=following,
        status=_STATUSES[item.status],
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        sees_files=detailed,
        missing=max(0, item.episodes_total - item.episodes_held) if show else int(item.state == "missing"),
    )


def _picture(image: metadata.Image | None) -> metadata.Picture | None:
    if image is None or image.state != "present":
        return None
    return metadata.Picture(image.id, image.content_hash or "0", image.color)


def _recommendations(item: media.MediaItem) -> tuple[Recommendation, ...]:
    told = item.metadata_json.get("recommendations") or []
    return tuple(
        Recommendation(
            r["title"], r["year"], preview("poster", r.get("poster")), f"/add?type={r['type']}&q=tmdb:{r['tmdb_id']}"
        )
        for r in told
        if r.get("tmdb_id")
    )


def _seasons(
    session: Session,
    caller: Caller,
    request: WebRequest,
    item: media.MediaItem,
    files: Sequence[library.files.FileView],
    open_downloads: Sequence[Any],
    today: date,
) -> tuple[SeasonView, ...]:
    episodes = media.episodes.episodes_of(session, caller, item.id)
    rows = media.seasons_of(session, caller, item.id)
    by_episode = {episode_id: file for file in files for episode_id in file.episode_ids}
    progress = {episode_id: row for row in open_downloads for episode_id in row.episode_ids}
    asked = request.query_params.get("open")
    numbers = [row.number for row in rows]
    regular = [n for n in numbers if n > 0]
    newest = max(
        (e.season_number for e in episodes if e.season_number and media.status.has_aired(e.air_on, today)), default=None
    )
    opened = {whole_number(n) for n in asked.split(",")} if asked is not None else {newest or max(regular, default=0)}
    views = []
    for row in sorted(rows, key=lambda r: (r.number == 0, -r.number)):
        of_season = [
            _episode(e, by_episode.get(e.id), progress.get(e.id), item, today)
            for e in episodes
            if e.season_number == row.number
        ]
        counted = [e for e in of_season if e.state not in ("upcoming", "unmonitored")]
        seen_files = {e.file.id: e.file.size_bytes for e in of_season if e.file}
        views.append(
            SeasonView(
                number=row.number,
                title=row.title or ("Specials" if row.number == 0 else f"Season {row.number}"),
                monitored=row.monitored,
                total=len(counted),
                held=sum(1 for e in counted if e.file),
                size_bytes=sum(seen_files.values()),
                rail=_rail(of_season),
                open=row.number in opened,
                episodes=tuple(reversed(of_season)) if row.number in opened else None,
            )
        )
    return tuple(views)


_EPISODE_RAILS = {
    "available": "ok",
    "upgradable": "up",
    "missing": "miss",
    "upcoming": "soon",
    "downloading": "live",
    "importing": "live",
    "blocked": "fail",
    "queued": "wait",
    "stalled": "hold",
    "paused": "hold",
    "failed": "fail",
    "unmonitored": "",
}


def _rail(rows: Sequence[EpisodeRow]) -> tuple[tuple[str, float], ...]:
    """Return one segment for each run of episodes in the same state."""
    if not rows:
        return ()
    share = 100 / len(rows)
    segments: list[list[Any]] = []
    for row in rows:
        kind = _EPISODE_RAILS.get(row.state, "")
        if segments and segments[-1][0] == kind:
            segments[-1][1] += share
        else:
            segments.append([kind or "none", share])
    return tuple((kind, width) for kind, width in segments)


def _episode(
    ref: media.EpisodeRef, file: library.files.FileView | None, download: Any, item: media.MediaItem, today: date
) -> EpisodeRow:
    chip, percent = "", None
    if download is not None:
        state = download.shown_state
        percent = 100 * download.progress
        chip = f"{percent:.0f} %" if state == "downloading" else ""
    elif file is not None:
        state = "upgradable" if ref.upgradable and item.monitored else "available"
    elif not (ref.monitored and item.monitored):
        state = "unmonitored"
    elif media.status.has_aired(ref.air_on, today):
        state = "missing"
    else:
        state = "upcoming"
        chip = "Not dated" if ref.air_on is None else ""
    return EpisodeRow(
        ref.id,
        ref.episode_number,
        ref.code,
        ref.title or f"Episode {ref.episode_number}",
        ref.air_on,
        ref.finale,
        ref.monitored,
        state,
        chip,
        file,
        percent,
    )


@get("/shows/{item_id:str}/season/{number:int}", sync_to_thread=True, include_in_schema=False)
def show_season(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], number: FromPath[int]
) -> Response[str]:
    """Show one season's episodes."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        detailed = caller.can(Permission.VIEW_ACTIVITY)
        files = library.files.files_of_item(session, caller, item_id, videos_only=True)
        open_downloads = downloads.queue.open_downloads_of(session, caller, item_id) if detailed else []
        seasons = _seasons(session, caller, request, item, files, open_downloads, clock.now().date())
    chosen = [season for season in seasons if season.number == number]
    if not chosen:
        raise NotFound(f"{item.title} has no season {number}.")
    return fragment(
        request, "item/_episodes.html", item=item, season=chosen[0], can_manage=caller.can(Permission.MANAGE_MEDIA)
    )


@get("/items/{item_id:str}/history", sync_to_thread=True, include_in_schema=False)
def show_history(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]
) -> Response[str]:
    """Show older lines of a title's history."""
    caller.require(Permission.VIEW_ACTIVITY)
    before = request.query_params.get("before", "")
    with database.reads() as session:
        told = events.feed(
            session,
            before_id=whole_number(before),
            resource=("media_item", item_id),
            limit=_HISTORY,
        )
    more = f"/items/{item_id}/history?before={told[-1].id}" if len(told) == _HISTORY else None
    return fragment(request, "item/_history.html", stories=[stories.story(event) for event in told], more=more)


ROUTES: tuple[Any, ...] = (find_item, show_item, show_season, show_history)

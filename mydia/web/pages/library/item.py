"""One film or series: what it is, what of it is here, why what is missing is missing, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.orm import Session

from mydia import clock, events
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import downloads, library, media, metadata, settings
from mydia.contexts.library import FileView, SpecStrip
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, NotFound, Unavailable
from mydia.events import stories
from mydia.web.deps import WebRequest
from mydia.web.fields import season_of, whole_number
from mydia.web.pages.activity import activity
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, page, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import artwork, preview

_HISTORY = 50
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
    file: FileView | None
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
    spec: SpecStrip | None
    files: tuple[FileView, ...]
    seasons: tuple[SeasonView, ...]
    next_air_on: date | None
    profile: str
    path: str | None
    why: str | None
    why_id: str | None
    search_running: bool
    downloads: tuple[activity.Line, ...]
    """What is under way for the title."""
    history: tuple[stories.Story, ...]
    history_more: int | None
    recommendations: tuple[Recommendation, ...]
    titles: tuple[str, ...]
    previous: str | None
    following: str | None
    status: str
    can_manage: bool
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
def find_item(database: Database, caller: Caller, item_id: FromPath[str]) -> Redirect:
    """Lead to a title's page, whatever it is."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        item = media.get_item(session, item_id)
    return Redirect(f"/{'shows' if item.type == 'tv_show' else 'movies'}/{item.id}")


@get(["/movies/{item_id:str}", "/shows/{item_id:str}"], sync_to_thread=True, include_in_schema=False)
def show_item(request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str]) -> Response[str]:
    """Show a title."""
    with database.reads() as session:
        view = _view(session, request, caller, item_id)
    if request.url.path.startswith("/shows") != view.show:
        raise NotFound("This title is not in the library (any more).")
    section = "shows" if view.show else "movies"
    return page(request, "item/page.html", view, active=section, topics=[f"media:{item_id}", "queue"])


def _view(session: Session, request: WebRequest, caller: Caller, item_id: str) -> ItemView:
    caller.require(Permission.BROWSE)
    item = media.get_item(session, item_id)
    show = item.type == "tv_show"
    tab = request.query_params.get("tab", "episodes" if show else "overview")
    today = clock.now().date()
    detailed = caller.can(Permission.VIEW_ACTIVITY)
    files = library.files_of_item(session, item_id, videos_only=True)
    open_downloads = downloads.open_downloads_of(session, item_id) if detailed else []
    last = downloads.last_search(session, item_id) if detailed else None
    told = (
        events.feed(session, resource=("media_item", item_id), limit=_HISTORY) if tab == "history" and detailed else []
    )
    previous, following = media.lists.neighbours(session, caller, item)
    path = settings.get_library_path(session, item.library_path_id) if item.library_path_id else None
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
        seasons=_seasons(session, request, item, files, open_downloads, today) if show else (),
        next_air_on=item.next_air_on,
        profile=settings.get_profile(session, version.profile_id).name if version else "",
        path=f"{path.path}/{item.folder}" if path and item.folder else path.path if path else None,
        why=last.sentence if last and item.state in ("missing", "partial", "upgradable") else None,
        why_id=last.id if last else None,
        search_running=bool(last and last.running),
        downloads=tuple(activity.line(row) for row in open_downloads),
        history=tuple(stories.story(event) for event in told),
        history_more=told[-1].id if len(told) == _HISTORY else None,
        recommendations=_recommendations(item),
        titles=tuple(row.title for row in media.titles_of(session, item_id)[1:]) if tab == "details" else (),
        previous=previous,
        following=following,
        status=_STATUSES[item.status],
        can_manage=caller.can(Permission.MANAGE_MEDIA),
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
    request: WebRequest,
    item: media.MediaItem,
    files: Sequence[FileView],
    open_downloads: Sequence[Any],
    today: date,
) -> tuple[SeasonView, ...]:
    episodes = media.episodes_of(session, item.id)
    rows = media.seasons_of(session, item.id)
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
    ref: media.EpisodeRef, file: FileView | None, download: Any, item: media.MediaItem, today: date
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
    request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str], number: FromPath[int]
) -> Response[str]:
    """Show one season's episodes."""
    caller.require(Permission.BROWSE)
    with database.reads() as session:
        item = media.get_item(session, item_id)
        detailed = caller.can(Permission.VIEW_ACTIVITY)
        files = library.files_of_item(session, item_id, videos_only=True)
        open_downloads = downloads.open_downloads_of(session, item_id) if detailed else []
        seasons = _seasons(session, request, item, files, open_downloads, clock.now().date())
    chosen = [season for season in seasons if season.number == number]
    if not chosen:
        raise NotFound(f"{item.title} has no season {number}.")
    return fragment(
        request, "item/_episodes.html", item=item, season=chosen[0], can_manage=caller.can(Permission.MANAGE_MEDIA)
    )


@get("/items/{item_id:str}/history", sync_to_thread=True, include_in_schema=False)
def show_history(request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str]) -> Response[str]:
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


# --- actions -------------------------------------------------------------------------------------------------------


def _back(request: WebRequest, item_id: str, toast: Toast) -> Response[str]:
    """Answer an action: the page re-fetches itself, or is loaded anew where there is no script."""
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}", toast=toast)


def _around(item: media.MediaItem) -> dict[str, Any]:
    """Return what a dialog of a title stands under where it is a page of its own."""
    return {"active": "shows" if item.type == "tv_show" else "movies", "back": f"/items/{item.id}"}


@post("/items/{item_id:str}/monitored", sync_to_thread=True, status_code=200, include_in_schema=False)
def set_monitored(
    request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str], form: dict[str, str]
) -> Response[str]:
    """Monitor a title, a season or an episode, or stop."""
    wanted = form.get("monitored") == "true"
    season = season_of(form.get("season"))
    episode_ids = [part for part in form.get("ids", form.get("episode_id", "")).split(",") if part]
    with database.writes() as session:
        media.change_monitoring(
            session,
            caller,
            clock.now(),
            item_id,
            wanted,
            season_number=season,
            episode_ids=episode_ids or None,
        )
    return _back(request, item_id, Toast("Monitored" if wanted else "No longer monitored"))


@post("/items/{item_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_item(
    request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str], form: dict[str, str]
) -> Response[str]:
    """Ask for an automatic search of a title, a season or an episode."""
    season = season_of(form.get("season"))
    episode_ids = [part for part in form.get("ids", form.get("episode_id", "")).split(",") if part]
    with database.writes() as session:
        downloads.request_search(
            session,
            caller,
            item_id,
            season_number=season,
            episode_ids=episode_ids,
        )
    return _back(request, item_id, Toast("Searching", "The best release that passes every rule is fetched.", "live"))


@post("/items/{item_id:str}/refresh", sync_to_thread=True, status_code=200, include_in_schema=False)
def refresh_item(request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str]) -> Response[str]:
    """Ask for the details to be fetched again."""
    with database.writes() as session:
        media.request_refresh(session, caller, item_id)
    return _back(request, item_id, Toast("Refreshing", "The details are being fetched.", "live"))


@dataclass(frozen=True, slots=True)
class EditForm:
    """The dialog in which a title's choices and words are changed."""

    item: media.MediaItem
    folders: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    monitors: tuple[tuple[str, str], ...]
    catalogues: tuple[tuple[str, str], ...]
    values: dict[str, str]


def _edit_form(session: Session, item_id: str, values: dict[str, str]) -> EditForm:
    item = media.get_item(session, item_id)
    suits = ("mixed", "movies" if item.type == "movie" else "series")
    given = {
        "title": item.title,
        "year": str(item.year or ""),
        "overview": item.overview or "",
        "profile_id": item.versions[0].profile_id if item.versions else "",
        "library_path_id": item.library_path_id or "",
        "minimum_availability": item.minimum_availability,
        "series_type": item.series_type or "",
        "provider": item.provider,
        "monitor_new_seasons": item.monitor_new_seasons,
        "monitor": "",
    }
    return EditForm(
        item,
        tuple((path.id, path.path) for path in settings.list_library_paths(session) if path.type in suits),
        tuple((profile.id, profile.name) for profile in settings.list_profiles(session)),
        (("", "Leave as it is"), *media.PATTERNS.items()),
        (("tmdb", "TMDB"), ("tvdb", "TheTVDB"), ("none", "Nobody: names and NFO files")),
        given | values,
    )


@get("/items/{item_id:str}/edit", sync_to_thread=True, include_in_schema=False)
def show_edit(request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str]) -> Response[str]:
    """Show the dialog."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        view = _edit_form(session, item_id, {})
    return dialog(request, "item/_edit.html", view, title=f"Edit {view.item.title}", **_around(view.item))


@post("/items/{item_id:str}/edit", sync_to_thread=True, status_code=200, include_in_schema=False)
def edit_item(
    request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str], form: dict[str, str]
) -> Response[str]:
    """Take over what the dialog says."""
    changes: dict[str, Any] = {
        name: form[name]
        for name in ("title", "profile_id", "minimum_availability", "monitor_new_seasons", "series_type", "provider")
        if form.get(name)
    }
    if "overview" in form:
        changes["overview"] = form["overview"].strip() or None
    if form.get("library_path_id"):
        changes["library_path_id"] = form["library_path_id"]
    try:
        if form.get("year"):
            year = whole_number(form["year"])
            if year is None:
                raise Invalid("Write a year such as 1927.", fields={"year": "Write a year such as 1927."})
            changes["year"] = year
        with database.writes() as session:
            now = clock.now()
            media.change_item(session, caller, now, item_id, changes)
            if form.get("monitor"):
                media.change_pattern(session, caller, now, item_id, form["monitor"])
    except Invalid as error:
        with database.reads() as session:
            view = _edit_form(session, item_id, form)
        return invalid_form(
            request, "item/_edit.html", view, error, title=f"Edit {view.item.title}", **_around(view.item)
        )
    return _back(request, item_id, Toast("Saved"))


@get("/items/{item_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def show_remove(request: WebRequest, database: Database, caller: Caller, item_id: FromPath[str]) -> Response[str]:
    """Ask what is to become of the files."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        item = media.get_item(session, item_id)
    return dialog(request, "item/_remove.html", item, title=f"Remove {item.title}", **_around(item))


@post("/items/{item_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_item(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    item_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Remove a title."""
    with database.reads() as session:
        item = media.get_item(session, item_id)
    library.remove_item(database, outside, config, caller, clock.now(), item_id, files=form.get("files", "keep"))
    back = "/shows" if item.type == "tv_show" else "/movies"
    return redirect(request, back, toast=Toast(f"{item.title} removed"))


@dataclass(frozen=True, slots=True)
class MatchView:
    """The dialog in which a wrong match is put right."""

    item: media.MediaItem
    q: str
    choices: tuple[tuple[str, str, int | None, str | None, Artwork, bool], ...]
    """(number, title, year, overview, picture, is the present one)."""
    notice: str | None


@get("/items/{item_id:str}/match", sync_to_thread=True, include_in_schema=False)
def show_match(
    request: WebRequest, database: Database, outside: Outside, config: Config, caller: Caller, item_id: FromPath[str]
) -> Response[str]:
    """Show what else a title may be."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        item = media.get_item(session, item_id)
        language = media.language_of(session, config, item)
    q = request.query_params.get("q", "").strip() or item.title
    found, notice = [], None
    try:
        found = metadata.search(outside, item.type, q, language=language)
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
    return dialog(request, template, view, title=f"Match of {item.title}", **_around(item))


@post("/items/{item_id:str}/match", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_match(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    item_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Make a title another one; its files and choices stay."""
    ids = metadata.ids_in(form.get("number", ""))
    if ids is None:
        raise Invalid("Choose one of the titles.")
    with database.reads() as session:
        item = media.get_item(session, item_id)
    choice = library.matching.Choice(item.type, item.title, item.year, ids, provider="tmdb" if ids.tmdb_id else "tvdb")
    now_id = library.rematch_item(database, outside, config, caller, clock.now(), item_id, choice)
    if now_id != item_id:
        return redirect(
            request, f"/items/{now_id}", toast=Toast("Match changed", "The files joined the title that was here.")
        )
    return _back(request, item_id, Toast("Match changed", "The details are those of the chosen title."))


ROUTES = (
    find_item,
    show_item,
    show_season,
    show_history,
    set_monitored,
    search_item,
    refresh_item,
    show_edit,
    edit_item,
    show_remove,
    remove_item,
    show_match,
    change_match,
)

"""The page of one film or series: details, files, seasons, history, and why something is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.orm import Session

from mydia.contexts import downloads, library, media, metadata, settings, users
from mydia.contexts.users import Caller, Permission
from mydia.errors import NotFound
from mydia.events import stories
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.activity import queue
from mydia.web.pages.library import episodes, files, lists
from mydia.web.pages.requests.on_title import OnTitle, on_title
from mydia.web.pages.requests.shown import topics as request_topics
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


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a title."""

    item: media.MediaItem
    show: bool
    tab: str
    poster: Artwork
    backdrop: Artwork
    state: str
    """A key of `views.STATES`, more exact than the title's own while it is being imported."""
    spec: library.files.SpecStrip | None
    rows: files.Rows | None
    """The files; read only for the tab that shows them."""
    seasons: tuple[episodes.SeasonView, ...]
    episodes_total: int
    """All episodes, aired or not: what can be selected."""
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
    asked: OnTitle
    """Its requests and problems."""

    @property
    def url(self) -> str:
        """Return the page's address."""
        return f"/{'shows' if self.show else 'movies'}/{self.item.id}"

    @property
    def opened(self) -> frozenset[int]:
        """Return the seasons whose episodes are shown."""
        return frozenset(season.number for season in self.seasons if season.open)

    def opening(self, number: int) -> str:
        """Return `open=` of the page with one season opened, or closed if it is open."""
        return ",".join(str(n) for n in sorted(self.opened ^ {number}, reverse=True)) or "none"

    @property
    def years(self) -> str:
        """Return `1927`, or `2022–` for a continuing series, `1959–1961` for one that ended."""
        item = self.item
        if not self.show:
            return str(item.year or "")
        last = f"{item.last_air_on:%Y}" if item.status in ("ended", "cancelled") and item.last_air_on else ""
        return f"{item.year or '?'}–{last}" if last != str(item.year) else str(item.year)


class Recommendation(msgspec.Struct, frozen=True):
    """A title like this one."""

    title: str
    year: int | None
    artwork: Artwork
    href: str


@get("/items/{item_id:str}", sync_to_thread=True, include_in_schema=False)
def find_item(database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Redirect:
    """Redirect to a title's page."""
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
    return page(
        request,
        "item/page.html",
        view,
        active=section,
        topics=[f"media:{item_id}", "queue", "problems", *request_topics(caller)],
    )


def _view(session: Session, request: WebRequest, caller: Caller, item_id: str) -> ItemView:
    item = media.get_item(session, caller, item_id)
    show = item.type == MediaType.TV_SHOW
    tab = request.query_params.get("tab", "episodes" if show else "overview")
    detailed = caller.can(Permission.VIEW_ACTIVITY)
    if tab in _DETAILED_TABS and not detailed:
        tab = "episodes" if show else "overview"
    shows_files = detailed and (tab == "files" or (tab == "overview" and not show))
    rows = files.rows_of(session, caller, item) if shows_files else None
    best = library.files.find_best_file(session, caller, item_id)
    open_downloads = downloads.queue.open_downloads_of(session, caller, item_id) if detailed else []
    last = downloads.history.last_search(session, caller, item_id) if detailed else None
    told = (
        users.history.feed(session, caller, resource=("media_item", item_id), limit=_HISTORY)
        if tab == "history" and detailed
        else []
    )
    previous, following = media.lists.neighbours(session, caller, item, lists.list_before(request, caller, item.type))
    path = (
        settings.library_paths.get_library_path(session, caller, item.library_path_id)
        if item.library_path_id and detailed
        else None
    )
    version = item.versions[0] if item.versions else None
    # Other tabs show how many seasons there are, but none of their episodes.
    opened = episodes.opened_seasons(request) if tab == "episodes" else set()
    return ItemView(
        item=item,
        show=show,
        tab=tab,
        poster=artwork(_picture(item.poster)),
        backdrop=artwork(_picture(item.backdrop), "backdrop"),
        state=_state(item, open_downloads),
        spec=best.spec if best else None,
        rows=rows,
        seasons=episodes.seasons_of(session, caller, item, open_downloads, opened) if show else (),
        episodes_total=media.episodes.count_episodes(session, caller, item_id) if show and tab == "episodes" else 0,
        next_air_on=item.next_air_on,
        profile=settings.profiles.get_profile(session, caller, version.profile_id).name if version else "",
        path=f"{path.path}/{item.folder}" if path and item.folder else path.path if path else None,
        why=last.sentence if last and item.state in ("missing", "partial", "upgradable") else None,
        why_id=last.id if last else None,
        search_running=bool(last and last.running),
        downloads=tuple(queue.line(row) for row in open_downloads),
        history=tuple(stories.folded(told)),
        history_more=told[-1].id if len(told) == _HISTORY else None,
        recommendations=_recommendations(item),
        titles=tuple(row.title for row in media.titles_of(session, caller, item_id)[1:]) if tab == "details" else (),
        previous=previous,
        following=following,
        status=_STATUSES[item.status],
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        sees_files=detailed,
        missing=max(0, item.episodes_total - item.episodes_held) if show else int(item.state == "missing"),
        asked=on_title(session, caller, item),
    )


def _state(item: media.MediaItem, open_downloads: Sequence[downloads.queue.QueueRow]) -> str:
    if item.state == media.ItemState.DOWNLOADING and any(row.shown_state == "importing" for row in open_downloads):
        return "importing"
    return item.state


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


@get("/items/{item_id:str}/history", sync_to_thread=True, include_in_schema=False)
def show_history(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]
) -> Response[str]:
    """Show older lines of a title's history."""
    before = request.query_params.get("before", "")
    with database.reads() as session:
        told = users.history.feed(
            session,
            caller,
            before_id=whole_number(before),
            resource=("media_item", item_id),
            limit=_HISTORY,
        )
    more = f"/items/{item_id}/history?before={told[-1].id}" if len(told) == _HISTORY else None
    return fragment(request, "item/_history.html", stories=stories.folded(told), more=more)


ROUTES: tuple[Any, ...] = (find_item, show_item, show_history)

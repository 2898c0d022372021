"""Wanted: released, monitored titles that are missing or upgradable, and why the last search grabbed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, TaskBoardDep, WebRequest
from mydia.web.forms import Selection
from mydia.web.pages.library.bulk import undoable
from mydia.web.render import Toast, fragment, is_htmx, nothing, page, query, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import artwork

_KINDS = ("movies", "episodes")
_JOB = "downloads.search_wanted"


class WantedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One film or episode."""

    key: str
    item_id: str
    episode_id: str | None
    href: str
    title: str
    detail: str
    out_on: date | None
    art: Artwork
    have: str
    outside: bool
    """Whether a file has a quality that the profile does not allow."""
    searched_at: datetime | None
    due_at: datetime | None
    misses: int
    sentence: str
    search_id: str | None
    searching: bool


class WantedView(msgspec.Struct, frozen=True, kw_only=True):
    """The list."""

    upgrades: bool
    kind: str
    counts: dict[str, int]
    lines: tuple[WantedLine, ...]
    more: str | None
    can_manage: bool
    off: tuple[UpgradesOff, ...] = ()
    """Profiles in use that do not upgrade."""
    all_off: bool = False
    """Whether no profile in use upgrades."""
    can_set: bool = False
    next_run_at: datetime | None = None
    """When the next automatic search starts; None if it is off."""
    feeds_read_at: datetime | None = None
    """When RSS sync last read a feed."""
    has_indexer: bool = True
    """Whether an indexer can be searched now: not paused, and its limit not used up."""

    def total(self, *, upgrades: bool) -> int:
        """Return how many films and episodes there are of a tab."""
        word = "upgradable" if upgrades else "missing"
        return self.counts[f"{word}_movies"] + self.counts[f"{word}_episodes"]

    def number(self, kind: str) -> int:
        """Return how many there are of a kind under this tab."""
        return self.counts[f"{'upgradable' if self.upgrades else 'missing'}_{kind}"]

    @property
    def path(self) -> str:
        """Return the tab's address."""
        return "/wanted/upgrades" if self.upgrades else "/wanted"


@get(["/wanted", "/wanted/missing", "/wanted/upgrades"], sync_to_thread=True, include_in_schema=False)
def show_wanted(
    request: WebRequest,
    database: DatabaseDep,
    taskboard: TaskBoardDep,
    caller: CallerDep,
    kind: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show the wanted titles."""
    if kind and kind not in _KINDS:
        raise Invalid("Show movies or episodes.")
    upgrades = request.url.path.endswith("upgrades")
    now = clock.now()
    with database.reads() as session:
        counts = media.wanted.wanted_counts(session, caller)
        word = "upgradable" if upgrades else "missing"
        chosen = kind or ("movies" if counts[f"{word}_movies"] or not counts[f"{word}_episodes"] else "episodes")
        if chosen == "movies":
            found, following = media.wanted.wanted_movies(session, caller, upgrades=upgrades, cursor=cursor or None)
        else:
            found, following = media.wanted.wanted_episodes(
                session, caller, now, upgrades=upgrades, cursor=cursor or None
            )
        ids = sorted({one.version_id for one in found})
        held = library.holdings.qualities_of_wanted(session, caller, found) if upgrades else {}
        off = _upgrades_off(session, caller) if upgrades else ()
        results = downloads.history.last_results(session, caller, ids)
        states = downloads.history.search_states(session, caller, ids)
        feeds_read_at = downloads.feeds.last_read_at(session, caller)
        has_indexer = settings.indexers.any_available(session, caller, now)
    path = "/wanted/upgrades" if upgrades else "/wanted"
    view = WantedView(
        upgrades=upgrades,
        kind=chosen,
        counts=counts,
        lines=tuple(_line(one, results, states, held) for one in found),
        more=f"{path}{query({'kind': chosen, 'cursor': following})}" if following else None,
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        off=tuple(one for one in off if one.off),
        all_off=bool(off) and all(one.off for one in off),
        can_set=caller.can(Permission.MANAGE_SETTINGS),
        next_run_at=next((entry.next_at for entry in taskboard.scheduled(SYSTEM) if entry.name == _JOB), None),
        feeds_read_at=feeds_read_at,
        has_indexer=has_indexer,
    )
    if cursor and is_htmx(request):
        return fragment(request, "wanted/_rows.html", view)
    return page(request, "wanted/page.html", view, active="wanted", topics=["wanted"])


class UpgradesOff(msgspec.Struct, frozen=True):
    """A profile that titles use, and whether it upgrades."""

    id: str
    name: str
    off: bool


def _upgrades_off(session: Session, caller: Caller) -> tuple[UpgradesOff, ...]:
    used = media.versions.profiles_in_use(session, caller)
    return tuple(
        UpgradesOff(one.id, one.name, not one.upgrades_allowed)
        for one in settings.profiles.list_profiles(session, caller)
        if one.id in used
    )


def _key(one: media.wanted.Wanted) -> str:
    return f"{one.version_id}-{one.episode_id}" if one.episode_id else one.version_id


def _line(
    one: media.wanted.Wanted,
    results: dict[str, downloads.history.LastSearch],
    states: dict[tuple[str, str], downloads.SearchState],
    held: Mapping[tuple[str, str | None], library.holdings.WantedQuality],
) -> WantedLine:
    state = states.get((one.version_id, one.episode_id or "")) or states.get((one.version_id, ""))
    last = results.get(one.version_id)
    episode = one.episode_id is not None
    if episode and last is not None and (state is None or state.last_search_id != last.id) and not last.running:
        last = None
    show = one.type == MediaType.TV_SHOW
    here = held.get((one.version_id, one.episode_id))
    return WantedLine(
        key=_key(one),
        item_id=one.media_item_id,
        episode_id=one.episode_id,
        href=f"/{'shows' if show else 'movies'}/{one.media_item_id}"
        + (f"?open={one.season_number}" if episode else ""),
        title=one.title if episode else f"{one.title}",
        detail=" ".join(part for part in _details(one) if part),
        out_on=one.out_on,
        art=artwork(one.poster),
        have=here.name if here else f"{one.best_resolution}p" if one.best_resolution else "",
        outside=bool(here and here.outside),
        searched_at=state.last_searched_at if state else None,
        due_at=state.next_due_at if state else None,
        misses=state.misses if state else 0,
        sentence=last.sentence if last else "" if state else "Never searched.",
        search_id=last.id if last else None,
        searching=bool(last and last.running),
    )


def _details(one: media.wanted.Wanted) -> tuple[str, ...]:
    """Return the label that distinguishes an entry from others of its title; the default version has none."""
    version = "" if one.version_name == media.versions.DEFAULT_NAME else f"({one.version_name})"
    if one.episode_id is None:
        return str(one.year or ""), version
    return one.code, one.episode_title or "", version


@post("/wanted/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_all(request: WebRequest, database: DatabaseDep, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Start the automatic search for everything wanted, in the worker."""
    with database.reads() as session:
        counts = media.wanted.wanted_counts(session, caller)
    number = sum(counts.values())
    deps.taskboard.run_now(caller, _JOB)
    toast = Toast("Searching", f"{number:,} wanted, least recently searched first.", tone="live")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"wanted-changed": {}})
    return redirect(request, "/wanted", toast=toast)


class OneFields(Struct, kw_only=True):
    """Which episode of the title is meant; None for a film."""

    episode_id: str | None = None


@post("/wanted/{item_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_one(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[OneFields]
) -> Response[str]:
    """Search for one film or episode."""
    episode_id = form.read().episode_id
    with database.writes() as session:
        downloads.request_search(session, caller, item_id, episode_ids=[episode_id] if episode_id else [])
    return _done(request, Toast("Searching", "The best release that passes every rule is grabbed.", tone="live"))


@post("/wanted/{item_id:str}/unmonitor", sync_to_thread=True, status_code=200, include_in_schema=False)
def unmonitor(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[OneFields]
) -> Response[str]:
    """Stop monitoring one film or episode."""
    episode_id = form.read().episode_id
    episodes = [episode_id] if episode_id else None
    with database.writes() as session:
        media.monitoring.change_monitoring(session, caller, clock.now(), item_id, False, episode_ids=episodes)
    known = f"{item_id}:{episode_id}" if episode_id else item_id
    return _done(request, undoable(Toast("No longer monitored"), "/wanted/bulk/monitor", [known]))


@post("/wanted/bulk/{action:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, action: FromPath[str], form: FormOf[Selection]
) -> Response[str]:
    """Search for the selected titles, or monitor them or stop; ids are `item` or `item:episode`."""
    ids = form.read().ids
    chosen = [part.partition(":") for part in ids]
    if action not in ("search", "unmonitor", "monitor"):
        raise Invalid("This action is not available for a selection.")
    with database.writes() as session:
        for item_id, _, episode_id in chosen:
            if action == "search":
                downloads.request_search(session, caller, item_id, episode_ids=[episode_id] if episode_id else [])
            else:
                media.monitoring.change_monitoring(
                    session,
                    caller,
                    clock.now(),
                    item_id,
                    action == "monitor",
                    episode_ids=[episode_id] if episode_id else None,
                )
    word = {"search": "being searched", "unmonitor": "no longer monitored", "monitor": "monitored again"}[action]
    toast = Toast(f"{len(chosen):,} {word}", tone="live" if action == "search" else "ok")
    return _done(request, undoable(toast, "/wanted/bulk/monitor", ids) if action == "unmonitor" else toast)


def _done(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"wanted-changed": {}, "selection-clear": {}})
    return redirect(request, "/wanted", toast=toast)


ROUTES: tuple[Any, ...] = (show_wanted, search_all, search_one, unmonitor, change_many)

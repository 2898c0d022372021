"""The episodes of a series: seasons on its page, one episode in full, and actions on several episodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct
from msgspec import field as form_field
from sqlalchemy.orm import Session

from mydia import clock, events
from mydia.contexts import downloads, library, media, users
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, NotFound
from mydia.events import stories
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.fields import whole_number
from mydia.web.forms import Season
from mydia.web.pages.library.item_actions import media_changed
from mydia.web.render import Toast, dialog, fragment, plural

_CLOSED = "none"
"""`open=none`: no season is open."""
_EPISODE_EVENTS = 300
"""How many of a series' newest events are searched for those about one episode."""


class EpisodeRow(msgspec.Struct, frozen=True, kw_only=True):
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
    held: bool
    size_bytes: int
    file: library.files.FileView | None
    """None while its season is closed."""
    percent: float | None


class SeasonView(msgspec.Struct, frozen=True, kw_only=True):
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


class DownloadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A download that holds an episode."""

    id: str
    release: str
    state: str
    at: datetime
    quality: str


class EpisodeView(msgspec.Struct, frozen=True, kw_only=True):
    """One episode in full."""

    item: media.MediaItem
    details: media.episodes.EpisodeDetails
    row: EpisodeRow
    files: tuple[library.files.FileView, ...]
    formats: Mapping[str, tuple[tuple[str, int], ...]]
    """File -> (custom format, score)."""
    downloads: tuple[DownloadLine, ...]
    history: tuple[stories.Story, ...]
    can_manage: bool
    sees_files: bool


def opened_seasons(request: WebRequest) -> set[int] | None:
    """Return the seasons that the address opens, or None if it says nothing about them."""
    asked = request.query_params.getall("open", [])
    if not asked:
        return None
    return {number for part in ",".join(asked).split(",") if (number := whole_number(part)) is not None}


def seasons_of(
    session: Session,
    caller: Caller,
    item: media.MediaItem,
    open_downloads: Iterable[downloads.queue.QueueRow],
    opened: set[int] | None,
) -> tuple[SeasonView, ...]:
    """Return all seasons of a series, newest first, with the episodes of those that are open.

    Closed seasons cost one light read for all of them; the facts of files are read for open seasons alone.

    Args:
        opened: None opens the season that aired last.
    """
    today = clock.now().date()
    refs = media.episodes.episodes_of(session, caller, item.id)
    held = {row.episode_id: row for row in library.files.held_episodes(session, caller, item.id)}
    progress = _progress(open_downloads)
    rows = media.seasons_of(session, caller, item.id)
    if opened is None:
        aired = [e.season_number for e in refs if e.season_number and media.status.has_aired(e.air_on, today)]
        opened = {max(aired or [row.number for row in rows], default=0)}
    by_season: dict[int, list[media.EpisodeRef]] = {}
    for ref in refs:
        by_season.setdefault(ref.season_number, []).append(ref)
    shown = [ref.id for number in opened for ref in by_season.get(number, ())]
    files = _by_episode(library.files.files_of_episodes(session, caller, shown)) if shown else {}
    return tuple(
        _season(row, item, by_season.get(row.number, ()), held, files, progress, today, is_open=row.number in opened)
        for row in sorted(rows, key=lambda row: (row.number == 0, -row.number))
    )


def _progress(open_downloads: Iterable[downloads.queue.QueueRow]) -> dict[str, downloads.queue.QueueRow]:
    return {episode_id: row for row in open_downloads for episode_id in row.episode_ids}


def _by_episode(files: Iterable[library.files.FileView]) -> dict[str, library.files.FileView]:
    return {episode_id: file for file in files for episode_id in file.episode_ids}


def _season(
    row: media.Season,
    item: media.MediaItem,
    refs: Sequence[media.EpisodeRef],
    held: Mapping[str, library.files.HeldEpisode],
    files: Mapping[str, library.files.FileView],
    progress: Mapping[str, downloads.queue.QueueRow],
    today: date,
    *,
    is_open: bool,
) -> SeasonView:
    episodes = [_episode(ref, held.get(ref.id), files.get(ref.id), progress.get(ref.id), item, today) for ref in refs]
    counted = [e for e in episodes if e.state not in ("upcoming", "unmonitored")]
    sizes = {held[ref.id].file_id: held[ref.id].size_bytes for ref in refs if ref.id in held}
    return SeasonView(
        number=row.number,
        title=row.title or ("Specials" if row.number == 0 else f"Season {row.number}"),
        monitored=row.monitored,
        total=len(counted),
        held=sum(1 for e in counted if e.held),
        size_bytes=sum(sizes.values()),
        rail=_rail(episodes),
        open=is_open,
        episodes=tuple(reversed(episodes)) if is_open else None,
    )


_RAILS = {
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
        kind = _RAILS.get(row.state, "")
        if segments and segments[-1][0] == kind:
            segments[-1][1] += share
        else:
            segments.append([kind or "none", share])
    return tuple((kind, width) for kind, width in segments)


def _episode(
    ref: media.EpisodeRef,
    held: library.files.HeldEpisode | None,
    file: library.files.FileView | None,
    download: downloads.queue.QueueRow | None,
    item: media.MediaItem,
    today: date,
) -> EpisodeRow:
    chip, percent = "", None
    if download is not None:
        state = download.shown_state
        percent = 100 * download.progress
        chip = f"{percent:.0f} %" if state == "downloading" else ""
    elif held is not None:
        state = "upgradable" if ref.upgradable and item.monitored else "available"
    elif not (ref.monitored and item.monitored):
        state = "unmonitored"
    elif media.status.has_aired(ref.air_on, today):
        state = "missing"
    else:
        state = "upcoming"
        chip = "Not dated" if ref.air_on is None else ""
    return EpisodeRow(
        id=ref.id,
        number=ref.episode_number,
        code=ref.code,
        title=ref.title or f"Episode {ref.episode_number}",
        air_on=ref.air_on,
        finale=ref.finale,
        monitored=ref.monitored,
        state=state,
        chip=chip,
        held=held is not None,
        size_bytes=held.size_bytes if held else 0,
        file=file,
        percent=percent,
    )


@get("/shows/{item_id:str}/season/{number:int}", sync_to_thread=True, include_in_schema=False)
def show_season(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], number: FromPath[int]
) -> Response[str]:
    """Show one season's episodes; the other seasons are not read."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        row = next((one for one in media.seasons_of(session, caller, item_id) if one.number == number), None)
        if row is None:
            raise NotFound(f"{item.title} has no season {number}.")
        refs = media.episodes.episodes_of(session, caller, item_id, season_number=number)
        files = library.files.files_of_episodes(session, caller, [ref.id for ref in refs])
        moving = _open_downloads(session, caller, item_id)
        season = _season(
            row, item, refs, _held_by(files), _by_episode(files), _progress(moving), clock.now().date(), is_open=True
        )
    return fragment(
        request, "item/_episodes.html", item=item, season=season, can_manage=caller.can(Permission.MANAGE_MEDIA)
    )


def _open_downloads(session: Session, caller: Caller, item_id: str) -> list[downloads.queue.QueueRow]:
    if not caller.can(Permission.VIEW_ACTIVITY):
        return []
    return downloads.queue.open_downloads_of(session, caller, item_id)


def _held_by(files: Iterable[library.files.FileView]) -> dict[str, library.files.HeldEpisode]:
    return {
        episode_id: library.files.HeldEpisode(episode_id, file.id, file.size_bytes)
        for file in files
        for episode_id in file.episode_ids
    }


@get("/items/{item_id:str}/episodes/{episode_id:str}", sync_to_thread=True, include_in_schema=False)
def show_episode(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], episode_id: FromPath[str]
) -> Response[str]:
    """Show one episode: what it is about, its files with their streams, its downloads and its history."""
    detailed = caller.can(Permission.VIEW_ACTIVITY)
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        details = media.episodes.get_episode(session, caller, item_id, episode_id)
        files = library.files.files_of_episodes(session, caller, [episode_id])
        formats = {file.id: library.scoring.scored_formats(session, caller, file.id) for file in files}
        moving = _progress(_open_downloads(session, caller, item_id)).get(episode_id)
        past = downloads.history.downloads_of_episode(session, caller, episode_id) if detailed else []
        told = (
            users.history.feed(session, caller, resource=("media_item", item_id), limit=_EPISODE_EVENTS)
            if detailed
            else []
        )
    ours = {file.id for file in files} | {row.id for row in past}
    view = EpisodeView(
        item=item,
        details=details,
        row=_episode(
            details.ref,
            _held_by(files).get(episode_id),
            files[0] if files else None,
            moving,
            item,
            clock.now().date(),
        ),
        files=tuple(files),
        formats=formats,
        downloads=tuple(
            DownloadLine(
                id=row.id, release=row.release_title, state=row.state, at=row.added_at, quality=row.quality_name
            )
            for row in past
        ),
        history=tuple(stories.story(event) for event in told if _is_about(event, ours)),
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        sees_files=detailed,
    )
    return dialog(
        request,
        "item/_episode.html",
        view,
        title=f"{item.title} {details.ref.code}",
        active="shows",
        back=f"/items/{item_id}?open={details.ref.season_number}",
    )


def _is_about(event: events.Happened, ids: Collection[str]) -> bool:
    return event.payload.get("file_id") in ids or event.payload.get("download_id") in ids


class EpisodeSelection(Struct, kw_only=True):
    """Which part of a series is meant: one episode, selected ones, all but some, a season, or all of it."""

    season: Season | None = None
    episode_id: str | None = None
    scope: Literal["", "ids", "filter"] = ""
    """`ids` or `filter` when the bar of a selection sends it."""
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = form_field(default=(), name="except")


class MonitorFields(EpisodeSelection, kw_only=True):
    """Which part of a title to monitor, or to stop monitoring."""

    monitored: bool = False


def chosen_episodes(session: Session, caller: Caller, item_id: str, chosen: EpisodeSelection) -> list[str] | None:
    """Return the episodes that are meant; None for the whole title or a season.

    Raises:
        Invalid: A selection was sent, and nothing is selected.
    """
    if chosen.scope == "filter":
        left_out = set(chosen.left_out)
        return [id_ for id_ in media.episodes.episode_ids_of(session, caller, item_id) if id_ not in left_out]
    ids = list(chosen.ids) or ([chosen.episode_id] if chosen.episode_id else [])
    if not ids and chosen.scope == "ids":
        raise Invalid("Nothing is selected.")
    return ids or None


@post("/items/{item_id:str}/monitored", sync_to_thread=True, status_code=200, include_in_schema=False)
def set_monitored(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[MonitorFields]
) -> Response[str]:
    """Monitor a title, a season or episodes, or stop monitoring them."""
    wanted = form.read()
    with database.writes() as session:
        ids = chosen_episodes(session, caller, item_id, wanted)
        media.monitoring.change_monitoring(
            session,
            caller,
            clock.now(),
            item_id,
            wanted.monitored,
            season_number=wanted.season,
            episode_ids=ids,
        )
    many = f"{plural(len(ids), 'episode')} " if ids and len(ids) > 1 else ""
    said = f"{many}{'monitored' if wanted.monitored else 'no longer monitored'}"
    return media_changed(request, item_id, Toast(said[0].upper() + said[1:]))


@post("/items/{item_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_item(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[EpisodeSelection],
) -> Response[str]:
    """Start an automatic search for a title, a season or episodes."""
    wanted = form.read()
    with database.writes() as session:
        ids = chosen_episodes(session, caller, item_id, wanted)
        downloads.request_search(session, caller, item_id, season_number=wanted.season, episode_ids=ids or [])
    return media_changed(
        request, item_id, Toast("Searching", "The best release that passes every rule is grabbed.", tone="live")
    )


ROUTES: tuple[Any, ...] = (show_season, show_episode, set_monitored, search_item)

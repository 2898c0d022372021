"""Fetch a title's details again: read, call, then write. Recent details and ended series are skipped."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import metadata, settings
from mydia.contexts.media.details import LOCKABLE, apply_details  # noqa: F401  refreshes leave LOCKABLE fields alone
from mydia.contexts.media.holdings import refresh_state
from mydia.contexts.media.models import MediaItem, MonitorPattern, Season
from mydia.contexts.media.monitoring import apply_pattern
from mydia.contexts.metadata import Details, Ids, SeasonDetails
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import NotFound, Unavailable
from mydia.events import MediaReady, MediaRefreshed, emit
from mydia.units import plural
from mydia.vocabulary import MediaType

logger = logging.getLogger(__name__)

_FRESH = timedelta(hours=6)
_AFTER_AN_ERROR = timedelta(hours=6)
_WITHOUT_PROVIDER = timedelta(days=7)


class Asking(msgspec.Struct, frozen=True):
    """Catalogue, language and region for the titles of a library folder."""

    source: str
    """`tmdb` or `tvdb`."""
    language: str
    region: str | None
    """The country of release dates and age ratings; None takes the country of the language."""


def asking(session: Session, caller: Caller, library_path_id: str | None) -> Asking:
    """Return catalogue, language and region for a library folder, or those of the general settings."""
    caller.require(Permission.MANAGE_MEDIA)
    path = settings.library_paths.get_library_path(session, caller, library_path_id) if library_path_id else None
    language = (path.language if path else None) or settings.of(session).metadata.language
    region = settings.of(session).metadata.region
    return Asking(path.provider if path else "tmdb", language, str(region) if region else None)


def fetch(
    outside: Outside,
    caller: Caller,
    type: MediaType,
    ids: Ids,
    *,
    language: str,
    source: str = "tmdb",
    region: str | None = None,
    known_seasons: frozenset[int] = frozenset(),
    ended: bool = False,
    fresh: bool = False,
) -> tuple[Details, tuple[SeasonDetails, ...]]:
    """Return a title's details with its seasons.

    Args:
        known_seasons: Seasons whose episodes are already stored; for an ended series only the others are fetched.
        fresh: Bypass all caches.
    """
    caller.require(Permission.MANAGE_MEDIA)
    details = metadata.details(outside, caller, type, ids, language=language, source=source, region=region, fresh=fresh)
    if type != MediaType.TV_SHOW:
        return details, ()
    complete = tuple(season for season in details.seasons if season.episodes is not None)
    told = {season.number for season in complete}
    settled = known_seasons if ended else frozenset()
    wanted = [season.number for season in details.seasons if season.number not in told and season.number not in settled]
    # Use the catalogue of the details, because the two number episodes differently.
    told_by = details.provider
    return details, (
        *complete,
        *metadata.seasons(outside, caller, details.ids, wanted, language=language, source=told_by, fresh=fresh),
    )


def refresh_item(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_id: str,
    *,
    force: bool = False,
    search_now: bool = False,
) -> str:
    """Update a title's details and return the outcome in a few words.

    Args:
        force: A user requested the refresh, so fetch recent details too.
        search_now: Passed on with MediaReady if these are the first details.

    Emits: MediaReady the first time, otherwise MediaRefreshed if anything changed.
    """
    with database.reads() as session:
        item = get(session, MediaItem, item_id, what="This title")
        first = item.refreshed_at is None
        fresh = item.refreshed_at is not None and now - item.refreshed_at < _FRESH
        ids = Ids(item.tmdb_id, item.tvdb_id, item.imdb_id)
        type_, source, ended = item.type, item.provider, item.status in ("ended", "cancelled") and not force
        wish = asking(session, caller, item.library_path_id)
        told_by = item.metadata_json.get("provider")
        known = frozenset(session.scalars(select(Season.number).where(Season.media_item_id == item_id)))
    if fresh and not force:
        return "fresh"
    if source == "none" or not metadata.available(outside):
        _postpone(database, item_id, now + _WITHOUT_PROVIDER, None if source == "none" else metadata.WITHOUT_PROVIDER)
        return "no provider"
    if told_by == source and source not in metadata.sources(outside):
        # The other catalogue numbers episodes differently, and a missing key must not renumber a library.
        name = {"tmdb": "TMDB", "tvdb": "TheTVDB"}.get(source, source)
        _postpone(
            database,
            item_id,
            now + _WITHOUT_PROVIDER,
            f"The details of this title come from {name}, which has no key. They are not updated.",
        )
        return "its catalogue is not configured"
    try:
        details, seasons = fetch(
            outside,
            caller,
            type_,
            ids,
            language=wish.language,
            source=source,
            region=wish.region,
            known_seasons=known if told_by in (None, source) else frozenset(),
            ended=ended,
            fresh=force,
        )
    except NotFound as error:
        _postpone(database, item_id, now + _WITHOUT_PROVIDER, f"{error} The details are not updated.")
        return "no longer in the catalogue"
    except Unavailable as error:
        _postpone(database, item_id, now + _AFTER_AN_ERROR, str(error))
        metadata.record_answer(database, outside, caller, now, error)
        raise
    metadata.record_answer(database, outside, caller, now, None)
    with database.writes() as session:
        row = session.get(MediaItem, item_id)
        if row is None:
            return "removed meanwhile"
        switched = told_by not in (None, details.provider)
        changed, added = apply_details(session, now, row, details, seasons, drop_others=switched)
        if first and row.type == MediaType.TV_SHOW:
            apply_pattern(session, now, row, row.monitor_pattern if row.monitored else MonitorPattern.NONE)
        refresh_state(session, now, row)
        if first:
            emit(session, caller, MediaReady(item_id, search_now))
        elif changed or added:
            emit(session, caller, MediaRefreshed(item_id, changed, added))
    return f"{plural(len(changed), 'change')}, {plural(added, 'new episode')}"


def due_for_refresh(session: Session, now: datetime, *, limit: int = 200) -> list[str]:
    """Return the ids of titles that are due for a refresh, oldest first."""
    query = (
        select(MediaItem.id).where(MediaItem.next_refresh_at <= now).order_by(MediaItem.next_refresh_at).limit(limit)
    )
    return list(session.scalars(query))


class RefreshTrouble(msgspec.Struct, frozen=True):
    """Titles whose last refresh failed."""

    titles: int
    last: str
    """The error of the latest attempt."""


def refresh_trouble(session: Session, caller: Caller) -> RefreshTrouble | None:
    """Return the titles whose refresh failed, None if there are none."""
    caller.require(Permission.VIEW_ACTIVITY)
    troubled = MediaItem.refresh_error.is_not(None)
    titles = session.scalar(select(func.count()).select_from(MediaItem).where(troubled)) or 0
    if not titles:
        return None
    last = session.scalar(
        select(MediaItem.refresh_error).where(troubled).order_by(MediaItem.next_refresh_at.desc()).limit(1)
    )
    return RefreshTrouble(titles, last or "")


def uses_tvdb(session: Session, caller: Caller) -> bool:
    """Return whether the details of a title come from TheTVDB."""
    caller.require(Permission.BROWSE)
    return session.scalar(select(MediaItem.id).where(text("provider = 'tvdb'")).limit(1)) is not None


def language_of(session: Session, caller: Caller, item: MediaItem | None) -> str:
    """Return the language of a title's details: that of its library folder, or the general one."""
    return asking(session, caller, item.library_path_id if item is not None else None).language


def _postpone(database: Database, item_id: str, until: datetime, error: str | None) -> None:
    with database.writes() as session:
        row = session.get(MediaItem, item_id)
        if row is not None:
            row.next_refresh_at, row.refresh_error = until, error

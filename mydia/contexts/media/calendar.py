"""The calendar: episodes by air date, films by their release dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mydia.contexts.media.models import Episode, MediaItem
from mydia.contexts.users import Caller, Permission
from mydia.vocabulary import MediaType

_FILM_DATES = (("cinema", MediaItem.cinema_on), ("digital", MediaItem.digital_on), ("physical", MediaItem.physical_on))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One release on one day."""

    on: date
    kind: str
    """`episode`, `cinema`, `digital` or `physical`."""
    media_item_id: str
    type: MediaType
    title: str
    """Id of the film or series."""
    state: str
    """ok (in the library) | live (downloading) | miss (released and missing) | soon | off."""
    monitored: bool
    episode_id: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    episode_title: str | None = None
    finale: str | None = None
    airs_at: datetime | None = None
    overview: str | None = None


def entries(
    session: Session,
    caller: Caller,
    today: date,
    first: date,
    last: date,
    *,
    type: MediaType | None = None,
    monitored_only: bool = False,
) -> list[CalendarEntry]:
    """Return the releases between two days, both included, by day and title."""
    caller.require(Permission.BROWSE)
    found: list[CalendarEntry] = []
    if type in (None, MediaType.TV_SHOW):
        found += _episodes(session, today, first, last)
    if type in (None, MediaType.MOVIE):
        found += _films(session, today, first, last)
    if monitored_only:
        found = [entry for entry in found if entry.monitored]
    return sorted(found, key=lambda e: (e.on, e.title.casefold(), e.season_number or 0, e.episode_number or 0))


def next_entry_on(session: Session, caller: Caller, after: date) -> date | None:
    """Return the next day with a release after this one."""
    caller.require(Permission.BROWSE)
    days = [session.scalar(select(Episode.air_on).where(Episode.air_on > after).order_by(Episode.air_on).limit(1))]
    days += [
        session.scalar(select(column).where(column > after).order_by(column).limit(1)) for _, column in _FILM_DATES
    ]
    return min((day for day in days if day is not None), default=None)


def _episodes(session: Session, today: date, first: date, last: date) -> list[CalendarEntry]:
    rows = session.execute(
        select(
            Episode.air_on,
            MediaItem.id,
            MediaItem.title,
            Episode.held,
            Episode.monitored,
            MediaItem.monitored,
            MediaItem.activity,
            Episode.id,
            Episode.season_number,
            Episode.episode_number,
            Episode.title,
            Episode.finale,
            Episode.airs_at,
            Episode.overview,
        )
        .join(MediaItem, MediaItem.id == Episode.media_item_id)
        .where(Episode.air_on.between(first, last))
    )
    return [
        CalendarEntry(
            on=on,
            kind="episode",
            media_item_id=item_id,
            type=MediaType.TV_SHOW,
            title=title,
            state=_state(held=held, monitored=wanted and item_wanted, on=on, today=today, activity=None),
            monitored=wanted and item_wanted,
            episode_id=episode_id,
            season_number=season,
            episode_number=number,
            episode_title=name,
            finale=finale,
            airs_at=airs_at,
            overview=overview,
        )
        for on, item_id, title, held, wanted, item_wanted, _activity, episode_id, season, number, name, finale, airs_at, overview in rows
        if on is not None
    ]


def _films(session: Session, today: date, first: date, last: date) -> list[CalendarEntry]:
    rows = session.execute(
        select(
            MediaItem.id,
            MediaItem.title,
            MediaItem.files_count,
            MediaItem.monitored,
            MediaItem.activity,
            MediaItem.overview,
            *(column for _, column in _FILM_DATES),
        ).where(MediaItem.type == MediaType.MOVIE, or_(*(column.between(first, last) for _, column in _FILM_DATES)))
    )
    return [
        CalendarEntry(
            on=day,
            kind=kind,
            media_item_id=item_id,
            type=MediaType.MOVIE,
            title=title,
            state=_state(held=files > 0, monitored=monitored, on=day, today=today, activity=activity),
            monitored=monitored,
            overview=overview,
        )
        for item_id, title, files, monitored, activity, overview, *days in rows
        for (kind, _), day in zip(_FILM_DATES, days, strict=True)
        if day is not None and first <= day <= last
    ]


def _state(*, held: bool, monitored: bool, on: date, today: date, activity: str | None) -> str:
    if held:
        return "ok"
    if activity is not None:
        return "live" if activity == "downloading" else "fail"
    if not monitored:
        return "off"
    return "miss" if on <= today else "soon"

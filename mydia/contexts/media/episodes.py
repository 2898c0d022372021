"""A series' episodes: read them, and add those that a file proves and no provider lists."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.media.models import Episode, MediaItem, Season, Title
from mydia.contexts.media.numbering import EpisodeRef, SeriesNumbers
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.parsing import normalise_title

_COLUMNS = (
    Episode.id,
    Episode.season_number,
    Episode.episode_number,
    Episode.absolute_number,
    Episode.title,
    Episode.air_on,
    Episode.runtime_min,
    Episode.monitored,
    Episode.held,
    Episode.upgradable,
    Episode.finale,
)


def episodes_of(
    session: Session, caller: Caller, item_id: str, *, season_number: int | None = None
) -> list[EpisodeRef]:
    """Return a series' episodes in order."""
    caller.require(Permission.BROWSE)
    query = (
        select(*_COLUMNS)
        .where(Episode.media_item_id == item_id)
        .order_by(Episode.season_number, Episode.episode_number)
    )
    if season_number is not None:
        query = query.where(Episode.season_number == season_number)
    return [EpisodeRef(*row) for row in session.execute(query)]


def episodes_by_number(session: Session, caller: Caller, item_id: str) -> dict[tuple[int, int], EpisodeRef]:
    """Return a series' episodes by (season, number)."""
    return {(ref.season_number, ref.episode_number): ref for ref in episodes_of(session, caller, item_id)}


def series_numbers(session: Session, caller: Caller, item_id: str) -> SeriesNumbers:
    """Return what `numbering.meant_episodes` needs to know of a series. Raises NotFound."""
    caller.require(Permission.BROWSE)
    item = get(session, MediaItem, item_id, what="This series")
    titles = session.execute(select(Title.normalised, Title.season_number).where(Title.media_item_id == item_id)).all()
    return SeriesNumbers(
        episodes=episodes_of(session, caller, item_id),
        is_anime=item.series_type == "anime",
        year=item.year,
        titles=frozenset(name for name, season in titles if season is None) | {normalise_title(item.title)},
        season_titles={name: season for name, season in titles if season is not None},
    )


def ensure_episode(
    session: Session,
    now: datetime,
    item_id: str,
    season_number: int,
    number: int,
    *,
    title: str | None = None,
    air_on: date | None = None,
) -> EpisodeRef:
    """Return an episode, adding it (and its season) when no provider lists it: a file proves that it exists."""
    row = session.scalar(
        select(Episode).where(
            Episode.media_item_id == item_id, Episode.season_number == season_number, Episode.episode_number == number
        )
    )
    if row is None:
        item = get(session, MediaItem, item_id, what="This series")
        season = session.scalar(select(Season).where(Season.media_item_id == item_id, Season.number == season_number))
        if season is None:
            season = Season(media_item_id=item_id, number=season_number, monitored=item.monitored and season_number > 0)
            session.add(season)
            session.flush()
        row = Episode(
            media_item_id=item_id,
            season_id=season.id,
            season_number=season_number,
            episode_number=number,
            title=title,
            air_on=air_on,
            monitored=season.monitored,
            held=False,
        )
        session.add(row)
        item.updated_at = now
        session.flush()
    return EpisodeRef(
        row.id,
        row.season_number,
        row.episode_number,
        row.absolute_number,
        row.title,
        row.air_on,
        row.runtime_min,
        row.monitored,
        row.held,
    )

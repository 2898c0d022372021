"""Episodes: found by number, absolute number or date; made from file names where no provider knows them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.media.models import Episode, MediaItem, Season
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get


@dataclass(frozen=True, slots=True)
class EpisodeRef:
    """One episode in brief."""

    id: str
    season_number: int
    episode_number: int
    absolute_number: int | None
    title: str | None
    air_on: date | None
    runtime_min: int | None
    monitored: bool
    held: bool
    upgradable: bool = False
    finale: str | None = None

    @property
    def code(self) -> str:
        """`S01E02`."""
        return f"S{self.season_number:02}E{self.episode_number:02}"


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


def find_episodes(
    session: Session,
    item_id: str,
    *,
    season: int | None = None,
    episodes: Collection[int] = (),
    absolute: Collection[int] = (),
    air_on: date | None = None,
) -> list[EpisodeRef]:
    """Return the episodes that a name speaks of, in order; what is not listed is left out.

    Args:
        season: With no `episodes`: the whole season.
        absolute: Numbers across seasons; where the provider has none, they are counted from the first regular episode.
        air_on: For daily shows; a day off by one (time zones) is taken when nothing aired on the day itself.
    """
    known = episodes_of(session, SYSTEM, item_id)
    if air_on is not None:
        for wanted in (0, 1, -1):
            if found := [ref for ref in known if ref.air_on is not None and (ref.air_on - air_on).days == wanted]:
                return found
        return []
    if absolute:
        numbered = {ref.absolute_number: ref for ref in known if ref.absolute_number is not None}
        if not numbered:
            numbered = dict(enumerate((ref for ref in known if ref.season_number > 0), 1))
        return [numbered[number] for number in absolute if number in numbered]
    if season is None:
        return []
    wanted_numbers = set(episodes)
    return [
        ref
        for ref in known
        if ref.season_number == season and (not wanted_numbers or ref.episode_number in wanted_numbers)
    ]


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
    """Return an episode, making it (and its season) when no provider told of it: a file proves that it exists."""
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

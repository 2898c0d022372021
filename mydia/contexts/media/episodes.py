"""A series' episodes: list them, and add those that no provider lists but a file has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts.media.models import Episode, MediaItem, Season, Title
from mydia.contexts.media.numbering import EpisodeRef, SeriesNumbers
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import NotFound
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


def episodes_of_items(session: Session, caller: Caller, item_ids: Collection[str]) -> dict[str, list[EpisodeRef]]:
    """Return the episodes of several series in order, by series; one without episodes is left out."""
    caller.require(Permission.BROWSE)
    query = (
        select(Episode.media_item_id, *_COLUMNS)
        .where(Episode.media_item_id.in_(item_ids))
        .order_by(Episode.media_item_id, Episode.season_number, Episode.episode_number)
    )
    found: dict[str, list[EpisodeRef]] = {}
    for item_id, *row in session.execute(query):
        found.setdefault(item_id, []).append(EpisodeRef(*row))
    return found


class EpisodeDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One episode in full."""

    ref: EpisodeRef
    overview: str | None
    rating: float | None
    airs_at: datetime | None
    """When it airs, where the provider knows the hour."""


def get_episode(session: Session, caller: Caller, item_id: str, episode_id: str) -> EpisodeDetails:
    """Return an episode of a series. Raises NotFound."""
    caller.require(Permission.BROWSE)
    row = session.execute(
        select(*_COLUMNS, Episode.overview, Episode.rating, Episode.airs_at).where(
            Episode.id == episode_id, Episode.media_item_id == item_id
        )
    ).first()
    if row is None:
        raise NotFound("This episode is not in the library.")
    *ref, overview, rating, airs_at = row
    return EpisodeDetails(ref=EpisodeRef(*ref), overview=overview, rating=rating, airs_at=airs_at)


def count_episodes(session: Session, caller: Caller, item_id: str) -> int:
    """Return how many episodes a series has."""
    caller.require(Permission.BROWSE)
    return session.scalar(select(func.count()).where(Episode.media_item_id == item_id)) or 0


class SeasonProgress(msgspec.Struct, frozen=True):
    """How much of a season is in the library."""

    held: int
    total: int
    """All known episodes, aired or not."""

    @property
    def complete(self) -> bool:
        """Whether every known episode has a file."""
        return 0 < self.total <= self.held


def season_progress(
    session: Session, caller: Caller, item_ids: Collection[str]
) -> dict[str, dict[int, SeasonProgress]]:
    """Return title -> season -> what is held of it, for several series in one read."""
    caller.require(Permission.BROWSE)
    held = func.coalesce(func.sum(case((Episode.held, 1), else_=0)), 0)
    rows = session.execute(
        select(Episode.media_item_id, Episode.season_number, held, func.count())
        .where(Episode.media_item_id.in_(item_ids))
        .group_by(Episode.media_item_id, Episode.season_number)
    )
    found: dict[str, dict[int, SeasonProgress]] = {item_id: {} for item_id in item_ids}
    for item_id, number, here, total in rows:
        found[item_id][number] = SeasonProgress(int(here), int(total))
    return found


def episode_ids_of(session: Session, caller: Caller, item_id: str, *, season_number: int | None = None) -> list[str]:
    """Return the ids of a series' episodes in order."""
    return [ref.id for ref in episodes_of(session, caller, item_id, season_number=season_number)]


def episodes_by_number(session: Session, caller: Caller, item_id: str) -> dict[tuple[int, int], EpisodeRef]:
    """Return a series' episodes by (season, number)."""
    return {(ref.season_number, ref.episode_number): ref for ref in episodes_of(session, caller, item_id)}


def numbers_by_item(
    session: Session, caller: Caller, item_ids: Collection[str]
) -> dict[str, frozenset[tuple[int, int]]]:
    """Return series -> (season, number) of each episode, for several series in one read."""
    caller.require(Permission.BROWSE)
    found: dict[str, set[tuple[int, int]]] = {item_id: set() for item_id in item_ids}
    rows = select(Episode.media_item_id, Episode.season_number, Episode.episode_number)
    for item_id, season, number in session.execute(rows.where(Episode.media_item_id.in_(item_ids))):
        found[item_id].add((season, number))
    return {item_id: frozenset(numbers) for item_id, numbers in found.items()}


def series_numbers(session: Session, caller: Caller, item_id: str) -> SeriesNumbers:
    """Return what `numbering.meant_episodes` needs to know about a series. Raises NotFound."""
    caller.require(Permission.BROWSE)
    item = get(session, MediaItem, item_id, what="This show")
    titles = session.execute(select(Title.normalised, Title.season_number).where(Title.media_item_id == item_id)).all()
    return SeriesNumbers(
        episodes=episodes_of(session, caller, item_id),
        is_anime=item.series_type == "anime",
        year=item.year,
        titles=frozenset(name for name, season in titles if season is None) | {normalise_title(item.title)},
        main_title=normalise_title(item.title),
        season_titles={name: season for name, season in titles if season is not None},
    )


class NewEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """An episode that a file proves to exist."""

    season_number: int
    episode_number: int
    title: str | None = None
    air_on: date | None = None


def ensure_episodes(
    session: Session, now: datetime, item_id: str, wanted: Sequence[NewEpisode]
) -> dict[tuple[int, int], str]:
    """Return (season, number) -> id of episodes. Those that no provider lists are added with their season."""
    if not wanted:
        return {}
    numbers = {one.season_number for one in wanted}
    rows = select(Episode.season_number, Episode.episode_number, Episode.id).where(
        Episode.media_item_id == item_id, Episode.season_number.in_(numbers)
    )
    found = {(season, number): id_ for season, number, id_ in session.execute(rows)}
    missing: dict[tuple[int, int], NewEpisode] = {}
    for one in wanted:
        if (place := (one.season_number, one.episode_number)) not in found:
            missing.setdefault(place, one)
    if missing:
        item = get(session, MediaItem, item_id, what="This show")
        seasons = _ensure_seasons(session, item, sorted({season for season, _ in missing}))
        new = [
            Episode(
                id=clock.new_id(),
                media_item_id=item_id,
                season_id=seasons[season].id,
                season_number=season,
                episode_number=number,
                title=one.title,
                air_on=one.air_on,
                monitored=seasons[season].monitored,
                held=False,
            )
            for (season, number), one in missing.items()
        ]
        session.add_all(new)
        item.updated_at = now
        session.flush()
        found |= {(row.season_number, row.episode_number): row.id for row in new}
    return found


def _ensure_seasons(session: Session, item: MediaItem, numbers: Collection[int]) -> dict[int, Season]:
    rows = select(Season).where(Season.media_item_id == item.id, Season.number.in_(numbers))
    seasons = {row.number: row for row in session.scalars(rows)}
    new = [
        Season(media_item_id=item.id, number=number, monitored=item.monitored and number > 0)
        for number in numbers
        if number not in seasons
    ]
    session.add_all(new)
    session.flush()
    return seasons | {row.number: row for row in new}

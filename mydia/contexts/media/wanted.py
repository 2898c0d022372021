"""What is wanted and not here, or here and not good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from mydia.contexts.media.models import Episode, ItemState, MediaItem
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_day, decode_cursor, encode_cursor
from mydia.vocabulary import MediaType


@dataclass(frozen=True, slots=True)
class Wanted:
    """One film or episode that is wanted."""

    media_item_id: str
    type: MediaType
    title: str
    year: int | None
    out_on: date | None
    """Release or air date."""
    poster: Picture | None
    episode_id: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    episode_title: str | None = None
    best_resolution: int | None = None

    @property
    def code(self) -> str:
        """`S01E02`, empty for films."""
        return "" if self.episode_id is None else f"S{self.season_number:02}E{self.episode_number:02}"


def wanted_movies(
    session: Session, caller: Caller, *, upgrades: bool = False, cursor: str | None = None, limit: int = 50
) -> tuple[list[Wanted], str | None]:
    """Return films that are missing (or upgradable), by title, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    state = ItemState.UPGRADABLE if upgrades else ItemState.MISSING
    query = (
        select(
            MediaItem.id,
            MediaItem.title,
            MediaItem.year,
            func.coalesce(MediaItem.digital_on, MediaItem.physical_on, MediaItem.cinema_on),
            MediaItem.best_resolution,
            MediaItem.sort_title,
            Image.id,
            Image.content_hash,
            Image.color,
        )
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .where(MediaItem.type == MediaType.MOVIE, MediaItem.state == state)
        .order_by(MediaItem.sort_title, MediaItem.id)
        .limit(limit + 1)
    )
    if after := decode_cursor(cursor, 2):
        query = query.where(tuple_(MediaItem.sort_title, MediaItem.id) > after)
    rows = session.execute(query).all()
    found = [
        Wanted(row[0], MediaType.MOVIE, row[1], row[2], row[3], _picture(row[6:]), best_resolution=row[4])
        for row in rows[:limit]
    ]
    return found, encode_cursor(rows[limit - 1][5], rows[limit - 1][0]) if len(rows) > limit else None


def wanted_episodes(
    session: Session,
    caller: Caller,
    now: datetime,
    *,
    upgrades: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Wanted], str | None]:
    """Return episodes that aired and are missing (or upgradable), newest first, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(
            MediaItem.id,
            MediaItem.title,
            MediaItem.year,
            Episode.air_on,
            Episode.id,
            Episode.season_number,
            Episode.episode_number,
            Episode.title,
            Image.id,
            Image.content_hash,
            Image.color,
        )
        .join(MediaItem, MediaItem.id == Episode.media_item_id)
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .where(*_episode_conditions(now, upgrades=upgrades))
        .order_by(Episode.air_on.desc(), Episode.id.desc())
        .limit(limit + 1)
    )
    if after := decode_cursor(cursor, 2):
        query = query.where(tuple_(Episode.air_on, Episode.id) < (cursor_day(after[0]), after[1]))
    rows = session.execute(query).all()
    found = [
        Wanted(row[0], MediaType.TV_SHOW, row[1], row[2], row[3], _picture(row[8:]), row[4], row[5], row[6], row[7])
        for row in rows[:limit]
    ]
    return found, encode_cursor(str(rows[limit - 1][3]), rows[limit - 1][4]) if len(rows) > limit else None


def _episode_conditions(now: datetime, *, upgrades: bool) -> tuple[ColumnElement[bool], ...]:
    here = Episode.upgradable.is_(True) if upgrades else Episode.held.is_(False)
    return (Episode.monitored.is_(True), MediaItem.monitored.is_(True), here, Episode.air_on <= now.date())


def wanted_counts(session: Session, caller: Caller, now: datetime) -> dict[str, int]:
    """Return how much is wanted: `missing_movies, missing_episodes, upgradable_movies, upgradable_episodes`."""
    caller.require(Permission.BROWSE)
    by_state = (
        select(MediaItem.state, func.count())
        .where(MediaItem.type == MediaType.MOVIE, MediaItem.state.in_([ItemState.MISSING, ItemState.UPGRADABLE]))
        .group_by(MediaItem.state)
    )
    films = {state: number for state, number in session.execute(by_state)}  # noqa: C416  rows are not pairs to dict()
    episodes = {
        upgrades: session.scalar(
            select(func.count())
            .select_from(Episode)
            .join(MediaItem, MediaItem.id == Episode.media_item_id)
            .where(*_episode_conditions(now, upgrades=upgrades))
        )
        or 0
        for upgrades in (False, True)
    }
    return {
        "missing_movies": films.get(ItemState.MISSING, 0),
        "upgradable_movies": films.get(ItemState.UPGRADABLE, 0),
        "missing_episodes": episodes[False],
        "upgradable_episodes": episodes[True],
    }


def _picture(parts: Sequence[Any]) -> Picture | None:
    image_id, content_hash, color = parts
    return Picture(image_id, content_hash or "0", color) if image_id else None

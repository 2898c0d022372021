"""What is wanted and not here, or here and not good enough: for each monitored version of a title."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, and_, false, func, select, true, tuple_
from sqlalchemy.orm import Session

from mydia.contexts.media import list_counts
from mydia.contexts.media.models import Episode, HeldEpisode, ItemState, MediaItem, Version
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_day, cursor_id, decode_cursor, encode_cursor
from mydia.vocabulary import MediaType


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One film or episode that is wanted in one version."""

    media_item_id: str
    version_id: str
    version_name: str
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


# Booleans are compared with `== true()`, as the indexes are written: SQLite uses none for `IS 1`.
_FILM = MediaItem.type == MediaType.MOVIE
_MISSING_FILM = (_FILM, MediaItem.lacking == true(), Version.state == ItemState.MISSING)
_UPGRADABLE_FILM = (_FILM, MediaItem.upgradable == true(), Version.state == ItemState.UPGRADABLE)


def wanted_movies(
    session: Session, caller: Caller, *, upgrades: bool = False, cursor: str | None = None, limit: int = 50
) -> tuple[list[Wanted], str | None]:
    """Return films that are missing (or upgradable) in a version, by title, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(
            MediaItem.id,
            Version.id,
            Version.name,
            MediaItem.title,
            MediaItem.year,
            func.coalesce(MediaItem.digital_on, MediaItem.physical_on, MediaItem.cinema_on),
            MediaItem.best_resolution,
            MediaItem.sort_title,
            Image.id,
            Image.content_hash,
            Image.color,
        )
        .join(Version, Version.media_item_id == MediaItem.id)
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .where(*(_UPGRADABLE_FILM if upgrades else _MISSING_FILM))
        .order_by(MediaItem.sort_title, MediaItem.id, Version.id)
        .limit(limit + 1)
    )
    if after := decode_cursor(cursor, 3):
        place = tuple_(MediaItem.sort_title, MediaItem.id, Version.id)
        query = query.where(place > tuple(cursor_id(part) for part in after))
    rows = session.execute(query).all()
    found = [
        Wanted(
            media_item_id=row[0],
            version_id=row[1],
            version_name=row[2],
            type=MediaType.MOVIE,
            title=row[3],
            year=row[4],
            out_on=row[5],
            poster=_picture(row[8:]),
            best_resolution=row[6],
        )
        for row in rows[:limit]
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return found, None if last is None else encode_cursor(last[7], last[0], last[1])


def wanted_episodes(
    session: Session,
    caller: Caller,
    now: datetime,
    *,
    upgrades: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Wanted], str | None]:
    """Return episodes that aired and are missing (or upgradable) in a version, newest first, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        _of_episodes(
            now,
            MediaItem.id,
            Version.id,
            Version.name,
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
            upgrades=upgrades,
        )
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .order_by(Episode.air_on.desc(), Episode.id.desc(), Version.id.desc())
        .limit(limit + 1)
    )
    if after := decode_cursor(cursor, 3):
        query = query.where(
            tuple_(Episode.air_on, Episode.id, Version.id)
            < (cursor_day(after[0]), cursor_id(after[1]), cursor_id(after[2]))
        )
    rows = session.execute(query).all()
    found = [
        Wanted(
            media_item_id=row[0],
            version_id=row[1],
            version_name=row[2],
            type=MediaType.TV_SHOW,
            title=row[3],
            year=row[4],
            out_on=row[5],
            poster=_picture(row[10:]),
            episode_id=row[6],
            season_number=row[7],
            episode_number=row[8],
            episode_title=row[9],
        )
        for row in rows[:limit]
    ]
    last = rows[limit - 1] if len(rows) > limit else None
    return found, None if last is None else encode_cursor(str(last[5]), last[6], last[1])


def films_to_search(session: Session) -> list[tuple[str, str]]:
    """Return (title, version) of every film that is missing or upgradable in that version."""
    query = select(Version.media_item_id, Version.id).where(
        Version.state.in_([ItemState.MISSING, ItemState.UPGRADABLE])
    )
    return [(item_id, version_id) for item_id, version_id in session.execute(query)]


def episodes_to_search(session: Session, now: datetime) -> list[tuple[str, str, str]]:
    """Return (title, version, episode) of what aired and is missing or upgradable in that version; specials are left out."""
    regular = Episode.season_number > 0
    columns = (MediaItem.id, Version.id, Episode.id)
    return [
        (item_id, version_id, episode_id)
        for upgrades in (False, True)
        for item_id, version_id, episode_id in session.execute(
            _of_episodes(now, *columns, upgrades=upgrades).where(regular)
        )
    ]


def _of_episodes(now: datetime, *columns: Any, upgrades: bool) -> Select[Any]:
    """Return a select over episodes and monitored versions: those without a file, or with one below the cutoff."""
    held = and_(HeldEpisode.version_id == Version.id, HeldEpisode.episode_id == Episode.id)
    query = (
        select(*columns)
        .select_from(Episode)
        .join(MediaItem, MediaItem.id == Episode.media_item_id)
        .join(Version, Version.media_item_id == Episode.media_item_id)
    )
    if upgrades:
        query = query.join(HeldEpisode, held).where(Episode.upgradable == true(), HeldEpisode.upgradable.is_(True))
    else:
        query = query.outerjoin(HeldEpisode, held).where(Episode.complete == false(), HeldEpisode.version_id.is_(None))
    return query.where(
        Episode.monitored == true(),
        MediaItem.monitored.is_(True),
        Version.monitored.is_(True),
        Episode.air_on <= now.date(),
    )


def wanted_counts(session: Session, caller: Caller) -> dict[str, int]:
    """Return the number of wanted titles: `missing_movies, missing_episodes, upgradable_movies, upgradable_episodes`.

    They are counted with the state of each title: an episode that airs today counts after the daily update of states.
    """
    caller.require(Permission.BROWSE)
    counted = list_counts.wanted(session)
    movies, shows = counted.get(MediaType.MOVIE, (0, 0)), counted.get(MediaType.TV_SHOW, (0, 0))
    return {
        "missing_movies": movies[0],
        "upgradable_movies": movies[1],
        "missing_episodes": shows[0],
        "upgradable_episodes": shows[1],
    }


def _picture(parts: Sequence[Any]) -> Picture | None:
    image_id, content_hash, color = parts
    return Picture(image_id, content_hash or "0", color) if image_id else None

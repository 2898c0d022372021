"""What is wanted and not here, or here and not good enough: for each monitored version of a title."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import batched
from typing import Any

import msgspec
from sqlalchemy import Select, and_, false, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from mydia.contexts.media import list_counts
from mydia.contexts.media.models import Episode, HeldEpisode, ItemState, MediaItem, Title, Version
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


def just_out(session: Session, now: datetime, *, within: timedelta) -> list[tuple[str, str, str, datetime]]:
    """Return (title, version, episode or "", when) of what came out lately and has no file in that version.

    Without a time of day, an episode counts as aired at the end of its day and a film as out at its beginning.
    """
    since = now - within
    found = [
        (item_id, version_id, episode_id, airs_at or _end_of(air_on))
        for item_id, version_id, episode_id, airs_at, air_on in session.execute(
            _of_episodes(
                now, MediaItem.id, Version.id, Episode.id, Episode.airs_at, Episode.air_on, upgrades=False
            ).where(Episode.season_number > 0, Episode.air_on >= since.date() - timedelta(days=1))
        )
    ]
    for on in (MediaItem.digital_on, MediaItem.physical_on):
        rows = session.execute(
            select(MediaItem.id, Version.id, on)
            .join(Version, Version.media_item_id == MediaItem.id)
            .where(*_MISSING_FILM, on >= since.date(), on <= now.date())
        )
        found += [
            (item_id, version_id, "", _end_of(day) - timedelta(days=1)) for item_id, version_id, day in rows if day
        ]
    return sorted({entry for entry in found if since <= entry[3] <= now})


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC) + timedelta(days=1)


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


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A title of the library that a name or an id in a feed may mean."""

    id: str
    type: MediaType
    title: str
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    monitored: bool

    @property
    def label(self) -> str:
        """`Alien (1979)`."""
        return f"{self.title} ({self.year})" if self.year else self.title


class NamedIndex(msgspec.Struct, frozen=True, kw_only=True):
    """The titles that the names and ids of a feed may mean."""

    by_name: Mapping[str, tuple[Named, ...]]
    """Normalised name -> titles."""
    by_id: Mapping[tuple[str, int | str], tuple[Named, ...]]
    """(`tmdb`, `tvdb` or `imdb`, id) -> titles."""
    wanted: Mapping[str, tuple[str, ...]]
    """Title id -> monitored versions in which something is missing or upgradable, also episodes that have not aired."""
    monitored: Mapping[str, tuple[str, ...]]
    """Title id -> all monitored versions."""


_SOME = 500
"""Values of one IN list; databases limit the number of parameters."""
_NAMED = (
    MediaItem.id,
    MediaItem.type,
    MediaItem.title,
    MediaItem.year,
    MediaItem.tmdb_id,
    MediaItem.tvdb_id,
    MediaItem.imdb_id,
    MediaItem.monitored,
)


def titles_named(
    session: Session, caller: Caller, names: Collection[str], ids: Collection[tuple[str, int | str]]
) -> NamedIndex:
    """Return the titles that have one of these names or ids, and the versions of them that want something.

    Args:
        names: Normalised.
        ids: (`tmdb`, `tvdb` or `imdb`, id).
    """
    caller.require(Permission.BROWSE)
    by_name: dict[str, list[Named]] = {}
    by_id: dict[tuple[str, int | str], list[Named]] = {}
    known: dict[str, Named] = {}
    for some in batched(sorted(names), _SOME, strict=False):
        query = select(Title.normalised, *_NAMED).join(MediaItem, MediaItem.id == Title.media_item_id)
        for name, *facts in session.execute(query.where(Title.normalised.in_(some)).distinct()):
            by_name.setdefault(name, []).append(_named(known, facts))
    columns = {"tmdb": MediaItem.tmdb_id, "tvdb": MediaItem.tvdb_id, "imdb": MediaItem.imdb_id}
    for catalogue, column in columns.items():
        for some_ids in batched(sorted(value for kind, value in ids if kind == catalogue), _SOME, strict=False):
            for identifier, *facts in session.execute(select(column, *_NAMED).where(column.in_(some_ids))):
                assert identifier is not None
                by_id.setdefault((catalogue, identifier), []).append(_named(known, facts))
    monitored, wanted = _versions_of(session, [one.id for one in known.values() if one.monitored])
    return NamedIndex(
        by_name={name: tuple(found) for name, found in by_name.items()},
        by_id={key: tuple(found) for key, found in by_id.items()},
        wanted=wanted,
        monitored=monitored,
    )


def _named(known: dict[str, Named], facts: Sequence[Any]) -> Named:
    item_id, type, title, year, tmdb_id, tvdb_id, imdb_id, monitored = facts
    if item_id not in known:
        known[item_id] = Named(
            id=item_id,
            type=type,
            title=title,
            year=year,
            tmdb_id=tmdb_id,
            tvdb_id=tvdb_id,
            imdb_id=imdb_id,
            monitored=monitored,
        )
    return known[item_id]


def _versions_of(
    session: Session, item_ids: Collection[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return (title -> its monitored versions, title -> those of them that want something)."""
    monitored: dict[str, tuple[str, ...]] = {}
    wanted: dict[str, tuple[str, ...]] = {}
    held = and_(HeldEpisode.version_id == Version.id, HeldEpisode.episode_id == Episode.id)
    for some in batched(sorted(item_ids), _SOME, strict=False):
        rows = session.execute(
            select(Version.media_item_id, Version.id, Version.state)
            .where(Version.media_item_id.in_(some), Version.monitored.is_(True))
            .order_by(Version.position, Version.id)
        ).all()
        lacking = set(
            session.scalars(
                select(Version.id)
                .join(Episode, Episode.media_item_id == Version.media_item_id)
                .outerjoin(HeldEpisode, held)
                .where(
                    Version.media_item_id.in_(some),
                    Version.state.is_(None),
                    Episode.monitored == true(),
                    or_(HeldEpisode.version_id.is_(None), HeldEpisode.upgradable.is_(True)),
                )
                .distinct()
            )
        )
        for item_id, version_id, state in rows:
            monitored[item_id] = (*monitored.get(item_id, ()), version_id)
            if version_id in lacking or state in (ItemState.MISSING, ItemState.UPGRADABLE):
                wanted[item_id] = (*wanted.get(item_id, ()), version_id)
    return monitored, wanted


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

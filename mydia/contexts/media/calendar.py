"""The calendar: episodes by air date, films by their release dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import batched

import msgspec
from sqlalchemy import ColumnElement, and_, exists, func, literal, literal_column, select, true, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from mydia.contexts.media.models import Episode, MediaItem
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_day, cursor_id, decode_cursor, encode_cursor
from mydia.errors import Invalid
from mydia.vocabulary import MediaType

_FILM_DATES = (("cinema", MediaItem.cinema_on), ("digital", MediaItem.digital_on), ("physical", MediaItem.physical_on))
"""In alphabetical order, which cursors rely on."""
_AT_ONCE = 500
"""Ids in one `IN`."""
_plain_type = MediaItem.__table__.c.type.op("||")(literal_column("''"))
"""The type in a form that no index matches, so that the index of a date is used."""


class CalendarEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One release on one day."""

    on: date
    kind: str
    """`episode`, `cinema`, `digital` or `physical`."""
    media_item_id: str
    type: MediaType
    title: str
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


class CalendarDay(msgspec.Struct, frozen=True):
    """The releases of one day."""

    on: date
    entries: tuple[CalendarEntry, ...]
    """By title, if these are all; else the first of `page`, by title."""
    total: int
    cursor: str | None
    """Of the next page of `page`, None if these are all."""


_EPISODE, _FILM = 0, 1
"""Episodes come before films on a day, so that each is read along its own index."""
type _Key = tuple[date, int, str, str]
"""Place of an entry in the calendar: (day, episode or film, title's id, id of the episode or kind of the film's date)."""


def page(
    session: Session,
    caller: Caller,
    today: date,
    first: date,
    last: date,
    *,
    type: MediaType | None = None,
    monitored_only: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[CalendarEntry], str | None]:
    """Return a page of the releases between two days, both included, and the next page's cursor. Pages go day by day."""
    caller.require(Permission.BROWSE)
    after: _Key | None = None
    if (parts := decode_cursor(cursor, 4)) is not None:
        if parts[1] not in (_EPISODE, _FILM):
            raise Invalid("The cursor belongs to another list. Start again from the first page.")
        after = (cursor_day(parts[0]), int(parts[1]), cursor_id(parts[2]), cursor_id(parts[3]))
        first = max(first, after[0])
    keys: list[_Key] = []
    if type in (None, MediaType.TV_SHOW):
        keys += _episode_keys(session, first, last, after, limit + 1, monitored_only=monitored_only)
    if type in (None, MediaType.MOVIE):
        keys += _film_keys(session, first, last, after, limit + 1, monitored_only=monitored_only)
    keys.sort()
    following = encode_cursor(str(keys[limit - 1][0]), *keys[limit - 1][1:]) if len(keys) > limit else None
    return _sorted(_entries(session, today, keys[:limit])), following


def days(
    session: Session,
    caller: Caller,
    today: date,
    first: date,
    last: date,
    *,
    type: MediaType | None = None,
    monitored_only: bool = False,
    each: int = 20,
) -> list[CalendarDay]:
    """Return the days with releases between two days, both included, each with its first entries.

    Args:
        each: Entries of a day; the others are counted.
    """
    caller.require(Permission.BROWSE)
    found: list[tuple[_Key, int]] = []
    if type in (None, MediaType.TV_SHOW):
        found += _first_episodes(session, first, last, each, monitored_only=monitored_only)
    if type in (None, MediaType.MOVIE):
        found += _first_films(session, first, last, each, monitored_only=monitored_only)
    totals: dict[date, dict[int, int]] = {}
    keys: dict[date, list[_Key]] = {}
    for key, total in sorted(found):
        totals.setdefault(key[0], {})[key[1]] = total
        keys.setdefault(key[0], []).append(key)
    shown = {on: of_day[:each] for on, of_day in keys.items()}
    entries: dict[date, list[CalendarEntry]] = {on: [] for on in shown}
    for entry in _entries(session, today, [key for of_day in shown.values() for key in of_day]):
        entries[entry.on].append(entry)
    return [
        CalendarDay(
            on,
            tuple(_sorted(entries[on])),
            total := sum(totals[on].values()),
            encode_cursor(str(on), *shown[on][-1][1:]) if total > len(shown[on]) else None,
        )
        for on in sorted(entries)
    ]


def _sorted(found: list[CalendarEntry]) -> list[CalendarEntry]:
    return sorted(found, key=lambda e: (e.on, e.title.casefold(), e.season_number or 0, e.episode_number or 0))


def next_entry_on(session: Session, caller: Caller, after: date, *, type: MediaType | None = None) -> date | None:
    """Return the next day with a release after this one.

    Args:
        type: Only releases of movies or of shows; None looks at both.
    """
    caller.require(Permission.BROWSE)
    columns: list[InstrumentedAttribute[date | None]] = []
    if type != MediaType.MOVIE:
        columns.append(Episode.air_on)
    if type != MediaType.TV_SHOW:
        columns += [column for _, column in _FILM_DATES]
    days = [session.scalar(select(column).where(column > after).order_by(column).limit(1)) for column in columns]
    return min((day for day in days if day is not None), default=None)


def _monitored_episodes() -> ColumnElement[bool]:
    monitored_item = exists().where(MediaItem.id == Episode.media_item_id, MediaItem.monitored == true())
    return and_(Episode.monitored == true(), monitored_item)


def _episode_keys(
    session: Session, first: date, last: date, after: _Key | None, limit: int, *, monitored_only: bool
) -> list[_Key]:
    place = tuple_(Episode.air_on, Episode.media_item_id, Episode.id)
    query = (
        select(Episode.air_on, Episode.media_item_id, Episode.id)
        .where(Episode.air_on.between(first, last))
        .order_by(Episode.air_on, Episode.media_item_id, Episode.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(
            place > (after[0], after[2], after[3]) if after[1] == _EPISODE else Episode.air_on > after[0]
        )
    if monitored_only:
        query = query.where(_monitored_episodes())
    return [(on, _EPISODE, item_id, id_) for on, item_id, id_ in session.execute(query) if on is not None]


def _film_keys(
    session: Session, first: date, last: date, after: _Key | None, limit: int, *, monitored_only: bool
) -> list[_Key]:
    found: list[_Key] = []
    for kind, column in _FILM_DATES:
        query = (
            select(column, MediaItem.id)
            .where(column.between(first, last), _plain_type == MediaType.MOVIE.value)
            .order_by(column, MediaItem.id)
            .limit(limit)
        )
        if after is not None and after[1] == _FILM:
            # The kinds of a film's dates are in order, so those up to the cursor's begin after its film.
            place, here = tuple_(column, MediaItem.id), (after[0], after[2])
            query = query.where(place > here if kind <= after[3] else place >= here)
        if monitored_only:
            query = query.where(MediaItem.monitored == true())
        found += [(on, _FILM, item_id, kind) for on, item_id in session.execute(query) if on is not None]
    return found


def _first_episodes(
    session: Session, first: date, last: date, each: int, *, monitored_only: bool
) -> list[tuple[_Key, int]]:
    """Return the first episodes of each day with the number of the day's episodes; reads the index of air dates alone."""
    order = (Episode.media_item_id, Episode.id)
    numbered = select(
        Episode.air_on,
        Episode.media_item_id,
        Episode.id,
        func.row_number().over(partition_by=Episode.air_on, order_by=order).label("place"),
        func.count().over(partition_by=Episode.air_on).label("total"),
    ).where(Episode.air_on.between(first, last))
    if monitored_only:
        numbered = numbered.where(_monitored_episodes())
    of_day = numbered.subquery()
    rows = session.execute(select(of_day).where(of_day.c.place <= each))
    return [((on, _EPISODE, item_id, id_), total) for on, item_id, id_, _, total in rows if on is not None]


def _first_films(
    session: Session, first: date, last: date, each: int, *, monitored_only: bool
) -> list[tuple[_Key, int]]:
    dates = union_all(
        *(
            select(column.label("day"), MediaItem.id.label("id"), literal(kind).label("kind")).where(
                column.between(first, last),
                _plain_type == MediaType.MOVIE.value,
                *((MediaItem.monitored == true(),) if monitored_only else ()),
            )
            for kind, column in _FILM_DATES
        )
    ).subquery()
    of_day = select(
        dates,
        func.row_number().over(partition_by=dates.c.day, order_by=(dates.c.id, dates.c.kind)).label("place"),
        func.count().over(partition_by=dates.c.day).label("total"),
    ).subquery()
    rows = session.execute(select(of_day).where(of_day.c.place <= each))
    return [((on, _FILM, item_id, kind), total) for on, item_id, kind, _, total in rows]


def _entries(session: Session, today: date, keys: Sequence[_Key]) -> list[CalendarEntry]:
    """Return the entries at these places, in their order."""
    found: dict[tuple[str, str], CalendarEntry] = {}
    episode_ids = [key[3] for key in keys if key[1] == _EPISODE]
    film_ids = list({key[2] for key in keys if key[1] == _FILM})
    for some in batched(episode_ids, _AT_ONCE, strict=False):
        found |= {(e.media_item_id, e.episode_id or ""): e for e in _episodes(session, today, some)}
    for some in batched(film_ids, _AT_ONCE, strict=False):
        found |= {(e.media_item_id, e.kind): e for e in _films(session, today, some)}
    return [found[key[2], key[3]] for key in keys]


def _episodes(session: Session, today: date, ids: Sequence[str]) -> list[CalendarEntry]:
    rows = session.execute(
        select(
            Episode.air_on,
            MediaItem.id,
            MediaItem.title,
            Episode.held,
            Episode.monitored,
            MediaItem.monitored,
            Episode.id,
            Episode.season_number,
            Episode.episode_number,
            Episode.title,
            Episode.finale,
            Episode.airs_at,
            Episode.overview,
        )
        .join(MediaItem, MediaItem.id == Episode.media_item_id)
        .where(Episode.id.in_(ids))
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
        for on, item_id, title, held, wanted, item_wanted, episode_id, season, number, name, finale, airs_at, overview in rows
        if on is not None
    ]


def _films(session: Session, today: date, ids: Sequence[str]) -> list[CalendarEntry]:
    rows = session.execute(
        select(
            MediaItem.id,
            MediaItem.title,
            MediaItem.files_count,
            MediaItem.monitored,
            MediaItem.activity,
            MediaItem.overview,
            *(column for _, column in _FILM_DATES),
        ).where(MediaItem.id.in_(ids))
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
        if day is not None
    ]


def _state(*, held: bool, monitored: bool, on: date, today: date, activity: str | None) -> str:
    if held:
        return "ok"
    if activity is not None:
        return "live" if activity == "downloading" else "fail"
    if not monitored:
        return "off"
    return "miss" if on <= today else "soon"

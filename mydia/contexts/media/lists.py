"""Lists of titles with key-set paging. Each shape of query is built once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from mydia.contexts.media.models import ItemState, ItemTag, MediaItem, Title, Version
from mydia.contexts.media.title_index import Begins, HasWords, typed
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.settings import LibraryPath, QualityProfile
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor
from mydia.errors import Invalid
from mydia.events import last_id
from mydia.parsing import lacks_word_spaces, normalise_title
from mydia.vocabulary import MediaType

CHUNK = 120
"""Cards of one section of the poster grid; divides by every column count. Source: design README, Library grid."""

_SORTS: dict[str, ColumnElement[Any]] = {
    "title": MediaItem.__table__.c.sort_title,
    "added": MediaItem.__table__.c.added_at,
    "year": func.coalesce(MediaItem.__table__.c.year, 0),
    "size": MediaItem.__table__.c.size_bytes,
    "rating": func.coalesce(MediaItem.__table__.c.rating, 0.0),
    "runtime": func.coalesce(MediaItem.__table__.c.runtime_min, 0),
}
SORTS = tuple(_SORTS)

STATE_FILTERS: dict[str, tuple[str, ...]] = {
    "missing": (ItemState.MISSING, ItemState.PARTIAL),
    "upgradable": (ItemState.UPGRADABLE,),
    "downloading": (ItemState.DOWNLOADING,),
    "blocked": (ItemState.BLOCKED,),
    "available": (ItemState.AVAILABLE, ItemState.UPGRADABLE),
    "upcoming": (ItemState.UPCOMING,),
    "unmonitored": (ItemState.UNMONITORED,),
}
"""Filter on the page -> states it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemQuery:
    """Filters and order of a list of titles. Every field is optional."""

    type: MediaType | None = None
    state: str | None = None
    text: str | None = None
    genre: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    resolution: int | None = None
    monitored: bool | None = None
    profile_id: str | None = None
    library_path_id: str | None = None
    status: str | None = None
    tag_id: str | None = None
    studio: str | None = None
    """Part of the name of a series' network or a film's studio."""
    quality: str | None = None
    """Of the best file: `Bluray-1080p`."""
    size_from: int | None = None
    """In bytes, as `size_to`."""
    size_to: int | None = None
    sort: str = "title"
    descending: bool = False

    @property
    def words(self) -> str | None:
        """The text, if it has words: the full-text index finds them."""
        return None if self.text is None or lacks_word_spaces(self.text) else self.text

    @property
    def inside(self) -> str | None:
        """The text, if its script has no spaces between words: it is searched for anywhere in a name."""
        return self.text if self.text is not None and lacks_word_spaces(self.text) else None

    def check(self, caller: Caller) -> ItemQuery:
        """Return the query itself. Call it before showing a cached answer, too.

        Raises:
            Forbidden: The caller may not list titles.
            Invalid: A value is not one of its choices.
        """
        caller.require(Permission.BROWSE)
        if self.sort not in _SORTS:
            raise Invalid(f"Sort by one of {', '.join(_SORTS)}.", fields={"sort": "Unknown order."})
        if self.state is not None and self.state not in STATE_FILTERS:
            raise Invalid(f"Filter by one of {', '.join(STATE_FILTERS)}.", fields={"state": "Unknown state."})
        return self

    @property
    def filtered(self) -> bool:
        """Whether a filter other than the type is set."""
        return any(name != "type" for name in _shape(self))


class Card(NamedTuple):
    """One title in a list. A tuple in the order of the select, because lists hold thousands."""

    id: str
    type: MediaType
    title: str
    year: int | None
    state: str
    monitored: bool
    best_resolution: int | None
    episodes_total: int
    episodes_held: int
    files_count: int
    size_bytes: int
    status: str
    rating: float | None
    runtime_min: int | None
    added_at: datetime
    next_air_on: Any
    upgradable: bool
    poster: Picture | None
    profile: str | None
    studio: str | None
    quality: str | None
    """Of the best file."""
    folder: str | None
    """Of the library folder, its name and not its path."""
    sort_key: Any


_CONDITIONS: dict[str, Callable[[], ColumnElement[bool]]] = {
    "type": lambda: MediaItem.type == bindparam("type"),
    "state": lambda: MediaItem.state.in_(bindparam("state", expanding=True)),
    "words": lambda: MediaItem.id.in_(select(Title.media_item_id).where(HasWords())),
    "inside": lambda: MediaItem.id.in_(
        select(Title.media_item_id).where(Title.normalised.contains(bindparam("inside")))
    ),
    "genre": lambda: func.lower(func.cast(MediaItem.genres, _text())).like(bindparam("genre")),
    "year_from": lambda: MediaItem.year >= bindparam("year_from"),
    "year_to": lambda: MediaItem.year <= bindparam("year_to"),
    "resolution": lambda: MediaItem.best_resolution == bindparam("resolution"),
    "monitored": lambda: MediaItem.monitored == bindparam("monitored"),
    "profile_id": lambda: MediaItem.id.in_(
        select(Version.media_item_id).where(Version.profile_id == bindparam("profile_id"))
    ),
    "library_path_id": lambda: MediaItem.library_path_id == bindparam("library_path_id"),
    "status": lambda: MediaItem.status == bindparam("status"),
    "tag_id": lambda: MediaItem.id.in_(select(ItemTag.media_item_id).where(ItemTag.tag_id == bindparam("tag_id"))),
    "studio": lambda: func.lower(MediaItem.studio).like(bindparam("studio")),
    "quality": lambda: MediaItem.best_quality == bindparam("quality"),
    "size_from": lambda: MediaItem.size_bytes >= bindparam("size_from"),
    "size_to": lambda: MediaItem.size_bytes <= bindparam("size_to"),
}
"""Part of a question -> its condition, with bind parameters, so that each shape of question is built once."""


def _text() -> Any:
    from sqlalchemy import Text

    return Text()


def _shape(query: ItemQuery) -> tuple[str, ...]:
    return tuple(name for name in _CONDITIONS if getattr(query, name) is not None)


def _values(session: Session, query: ItemQuery) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(query, name) for name in _shape(query)}
    if query.state is not None:
        values["state"] = list(STATE_FILTERS[query.state])
    if query.words is not None:
        values["words"] = typed(query.words, session)["words"]
    if query.inside is not None:
        values["inside"] = normalise_title(query.inside)
    if query.studio is not None:
        values["studio"] = f"%{query.studio.lower().replace('%', '').replace('_', ' ')}%"
    if query.genre is not None:
        values["genre"] = f'%"{query.genre.lower()}"%'
    return values


@cache
def _page_select(shape: tuple[str, ...], sort: str, descending: bool, resumed: bool) -> Select[*tuple[Any, ...]]:
    key = _SORTS[sort]
    query: Select[*tuple[Any, ...]] = (
        select(
            MediaItem.id,
            MediaItem.type,
            MediaItem.title,
            MediaItem.year,
            MediaItem.state,
            MediaItem.monitored,
            MediaItem.best_resolution,
            MediaItem.episodes_total,
            MediaItem.episodes_held,
            MediaItem.files_count,
            MediaItem.size_bytes,
            MediaItem.status,
            MediaItem.rating,
            MediaItem.runtime_min,
            MediaItem.added_at,
            MediaItem.next_air_on,
            MediaItem.upgradable,
            Image.id.label("image_id"),
            Image.content_hash,
            Image.color,
            QualityProfile.name.label("profile"),
            MediaItem.studio,
            MediaItem.best_quality,
            LibraryPath.name.label("library_folder"),
            key.label("sort_key"),
        )
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .outerjoin(Version, (Version.media_item_id == MediaItem.id) & (Version.position == 0))
        .outerjoin(QualityProfile, QualityProfile.id == Version.profile_id)
        .outerjoin(LibraryPath, LibraryPath.id == MediaItem.library_path_id)
        .where(*(_CONDITIONS[name]() for name in shape))
        .limit(bindparam("limit"))
    )
    place = tuple_(key, MediaItem.id)
    if resumed:
        here = tuple_(bindparam("key", type_=key.type), bindparam("id"))
        query = query.where(place < here if descending else place > here)
    return query.order_by(key.desc(), MediaItem.id.desc()) if descending else query.order_by(key, MediaItem.id)


def _cards(rows: Sequence[Any]) -> list[Card]:
    return [
        Card._make((*row[:17], Picture(row[17], row[18] or "0", row[19]) if row[17] else None, *row[20:]))
        for row in rows
    ]


def list_items(
    session: Session, caller: Caller, query: ItemQuery, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[Card], str | None]:
    """Return a page of titles and the cursor of the next page, None after the last.

    Args:
        limit: At most 200.
    """
    query.check(caller)
    after = decode_cursor(cursor, 2)
    cards = _after(session, query, after, min(max(limit, 1), 200) + 1)
    more = len(cards) > min(max(limit, 1), 200)
    cards = cards[: min(max(limit, 1), 200)]
    if not more:
        return cards, None
    last = cards[-1]
    key = last.sort_key.isoformat() if isinstance(last.sort_key, datetime) else last.sort_key
    return cards, encode_cursor(key, last.id)


def _after(session: Session, query: ItemQuery, after: tuple[Any, ...] | None, limit: int) -> list[Card]:
    statement = _page_select(_shape(query), query.sort, query.descending, after is not None)
    values = {**_values(session, query), "limit": limit}
    if after is not None:
        key = after[0]
        if query.sort == "added":
            key = cursor_instant(key)
        elif isinstance(key, str) != (query.sort == "title") or key is None:
            raise Invalid("The cursor belongs to another list. Start again from the first page.")
        values |= {"key": key, "id": cursor_id(after[1])}
    # Read plain columns on the connection, because the session's loaders would take a third of the time.
    return _cards(session.connection().execute(statement, values).all())


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of a list without its rows: its length, and where each chunk begins."""

    total: int
    size_bytes: int
    starts: tuple[tuple[Any, str], ...]
    """Key of the last row before each chunk after the first; a chunk is read from its key."""
    letters: tuple[tuple[str, int], ...]
    """First letter -> chunk in which it begins; only for lists sorted by title."""


@cache
def _outline_select(shape: tuple[str, ...], sort: str, descending: bool) -> Select[*tuple[Any, ...]]:
    key = _SORTS[sort]
    order = (key.desc(), MediaItem.id.desc()) if descending else (key, MediaItem.id)
    return (
        select(key.label("k"), MediaItem.id, MediaItem.size_bytes)
        .where(*(_CONDITIONS[name]() for name in shape))
        .order_by(*order)
    )


def outline(session: Session, caller: Caller, query: ItemQuery) -> Outline:
    """Return the outline of a list in one pass over an index. Pages cache it until the database changes."""
    query.check(caller)
    rows = session.execute(_outline_select(_shape(query), query.sort, query.descending), _values(session, query)).all()
    starts = tuple((rows[i - 1][0], rows[i - 1][1]) for i in range(CHUNK, len(rows), CHUNK))
    letters: dict[str, int] = {}
    if query.sort == "title":
        for i, row in enumerate(rows):
            first = (row[0] or "#")[0].upper()
            letters.setdefault(first if first.isascii() and first.isalpha() else "#", i // CHUNK)
    return Outline(len(rows), sum(row[2] for row in rows), starts, tuple(sorted(letters.items())))


def chunk(session: Session, caller: Caller, query: ItemQuery, plan: Outline, number: int) -> list[Card]:
    """Return one chunk of the poster grid, found by its key instead of an offset."""
    caller.require(Permission.BROWSE)
    if number == 0:
        return _after(session, query, None, CHUNK)
    if not 0 < number <= len(plan.starts):
        return []
    key, id_ = plan.starts[number - 1]
    return _after(session, query, (key, id_), CHUNK)


_COUNTS = select(MediaItem.type, MediaItem.state, func.count(), func.sum(MediaItem.size_bytes)).group_by(
    MediaItem.type, MediaItem.state
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Number of titles of a type, by state."""

    total: int
    size_bytes: int
    by_state: dict[str, int]

    def of(self, filter_: str) -> int:
        """Return the number of titles that a filter of the page shows."""
        return sum(self.by_state.get(state, 0) for state in STATE_FILTERS[filter_])


def counts(session: Session, caller: Caller) -> dict[str, Counts]:
    """Return the counts of films and series in one query."""
    caller.require(Permission.BROWSE)
    found: dict[str, dict[str, tuple[int, int]]] = {MediaType.MOVIE: {}, MediaType.TV_SHOW: {}}
    for type_, state, number, size in session.execute(_COUNTS):
        found[type_][state] = (number, size or 0)
    return {
        type_: Counts(
            sum(n for n, _ in states.values()),
            sum(s for _, s in states.values()),
            {k: n for k, (n, _) in states.items()},
        )
        for type_, states in found.items()
    }


def genres(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the genres in use, sorted."""
    caller.require(Permission.BROWSE)
    # Cast to text, because PostgreSQL cannot compare JSON.
    rows = session.scalars(select(func.cast(MediaItem.genres, _text())).where(MediaItem.type == type).distinct())
    return sorted({str(genre) for row in rows for genre in json.loads(row)})


def studios(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the networks of the series or the studios of the films that occur, in order; read from an index."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(
        select(MediaItem.studio).where(MediaItem.type == type, MediaItem.studio.is_not(None)).distinct()
    )
    return sorted((name for name in rows if name), key=str.casefold)


def qualities(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the qualities that titles have files of; read from an index."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(
        select(MediaItem.best_quality).where(MediaItem.type == type, MediaItem.best_quality.is_not(None)).distinct()
    )
    return [name for name in rows if name]


def all_ids(session: Session, caller: Caller, query: ItemQuery, *, limit: int) -> list[str]:
    """Return the ids of all titles that match a query, in its order, for bulk actions on a filter."""
    query.check(caller)
    statement = _outline_select(_shape(query), query.sort, query.descending)
    return [row[1] for row in session.execute(statement.limit(limit), _values(session, query))]


class Totals(NamedTuple):
    """How much some titles hold."""

    titles: int
    files: int
    size_bytes: int


def totals_of(session: Session, caller: Caller, ids: Sequence[str]) -> Totals:
    """Return how many of these titles there are, with their files and their size."""
    caller.require(Permission.BROWSE)
    columns = (
        func.count(),
        func.coalesce(func.sum(MediaItem.files_count), 0),
        func.coalesce(func.sum(MediaItem.size_bytes), 0),
    )
    parts = [
        session.execute(select(*columns).where(MediaItem.id.in_(ids[start : start + 500]))).one()
        for start in range(0, len(ids), 500)
    ]
    return Totals(*(sum(int(part[place]) for part in parts) for place in range(3)))


def cards_of(session: Session, caller: Caller, ids: Sequence[str]) -> list[Card]:
    """Return titles by id, leaving out those that were removed."""
    caller.require(Permission.BROWSE)
    statement = _page_select((), "title", False, False).where(MediaItem.id.in_(ids))
    return _cards(session.execute(statement, {"limit": len(ids)}).all())


_CANDIDATES = 500
"""Names looked at for a search; more only for a word or two letters, where any choice would do."""
_BEGINNING = select(Title.media_item_id).where(Begins()).order_by(Title.normalised).limit(bindparam("limit"))
_WITH_WORDS = (
    select(MediaItem.id)
    .where(MediaItem.id.in_(select(Title.media_item_id).where(HasWords()).limit(_CANDIDATES)))
    .order_by(MediaItem.sort_title, MediaItem.id)
    .limit(bindparam("limit"))
)
_WITH_TEXT_INSIDE = (
    select(Title.media_item_id)
    .where(Title.normalised.contains(bindparam("begins")))
    .order_by(Title.normalised)
    .limit(bindparam("limit"))
)


def search_library(session: Session, caller: Caller, text: str, *, limit: int = 8) -> list[Card]:
    """Return titles with a name that begins with the text, then those with words that begin with its words."""
    caller.require(Permission.BROWSE)
    if not text.strip():
        return []
    values = typed(text, session) | {"limit": 4 * limit}
    # A title may have several names that begin alike.
    found = list(dict.fromkeys(session.scalars(_BEGINNING, values)))
    if len(found) < limit:
        others = _WITH_TEXT_INSIDE if lacks_word_spaces(text) else _WITH_WORDS
        found = list(dict.fromkeys([*found, *session.scalars(others, values)]))
    found = found[:limit]
    cards = {card.id: card for card in cards_of(session, caller, found)}
    return [cards[id_] for id_ in found if id_ in cards]


def recently_added(session: Session, caller: Caller, *, limit: int = 12) -> list[Card]:
    """Return the newest titles that have files."""
    caller.require(Permission.BROWSE)
    return _after(session, ItemQuery(state="available", sort="added", descending=True), None, limit)


def neighbours(
    session: Session, caller: Caller, item: MediaItem, query: ItemQuery | None = None
) -> tuple[str | None, str | None]:
    """Return the ids of the titles before and after one in a list, for `j` and `k`.

    Args:
        query: The list; the title itself need not be in it. None is the list of its type by title.
    """
    asked = (query or ItemQuery(type=item.type)).check(caller)
    place = session.scalar(select(_SORTS[asked.sort]).where(MediaItem.id == item.id)), item.id
    after = _after(session, asked, place, 1)
    before = _after(session, replace(asked, descending=not asked.descending), place, 1)
    return before[0].id if before else None, after[0].id if after else None


_NEWEST_CHANGE = select(func.max(MediaItem.updated_at))


def snapshot(session: Session, caller: Caller) -> str:
    """Return a token that changes whenever a list of titles may have changed; costs two index lookups."""
    caller.require(Permission.BROWSE)
    changed = session.scalar(_NEWEST_CHANGE)
    return f"{int(changed.timestamp() * 1_000_000) if changed else 0:x}-{last_id(session):x}"

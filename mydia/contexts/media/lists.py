"""Lists of titles with key-set paging. Each shape of query is built once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, joinedload, selectinload

from mydia.contexts.media.list_counts import GENRE, amounts
from mydia.contexts.media.models import HERE, ItemGenre, ItemState, ItemTag, MediaItem, Title, Version
from mydia.contexts.media.title_index import Begins, HasWords, NameOrder, OfTitleHasWords, RowsWithWords, typed
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.settings import LibraryPath, QualityProfile
from mydia.contexts.users import Caller, Permission
from mydia.db import EnumText, cursor_id, cursor_instant, decode_cursor, encode_cursor
from mydia.errors import Invalid, NotFound
from mydia.events import last_id
from mydia.parsing import lacks_word_spaces, normalise_title
from mydia.vocabulary import MediaType

CHUNK = 120
"""Cards of one section of the poster grid; divides by every column count. Source: design README, Library grid."""

_SORTS: dict[str, ColumnElement[Any]] = {
    "title": MediaItem.__table__.c.sort_title,
    "added": MediaItem.__table__.c.added_at,
    "year": func.coalesce(MediaItem.__table__.c.year, literal_column("0"), type_=Integer()),
    "size": MediaItem.__table__.c.size_bytes,
    "rating": func.coalesce(MediaItem.__table__.c.rating, literal_column("0.0"), type_=Float()),
    "runtime": func.coalesce(MediaItem.__table__.c.runtime_min, literal_column("0"), type_=Integer()),
}
"""Order -> its key, written as in the index of this order: a bound parameter in place of 0 would match no index."""
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


class ItemQuery(msgspec.Struct, frozen=True, kw_only=True):
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


_Where = Callable[[Any], ColumnElement[bool]]


def _plain(column: Any) -> Any:
    """Return a column in a form that no index matches, so that a list walks along the index of its order and nothing else."""
    return (
        column.op("||")(literal_column("''"))
        if isinstance(column.type, Text | EnumText)
        else column + literal_column("0")
    )


_FILTERS: dict[str, _Where] = {
    "state": lambda row: _plain(row.state).in_(bindparam("state", expanding=True, type_=Text())),
    "year_from": lambda row: _plain(row.year) >= bindparam("year_from"),
    "year_to": lambda row: _plain(row.year) <= bindparam("year_to"),
    "resolution": lambda row: _plain(row.best_resolution) == bindparam("resolution"),
    "monitored": lambda row: row.monitored == bindparam("monitored"),
    "library_path_id": lambda row: _plain(row.library_path_id) == bindparam("library_path_id"),
    "status": lambda row: _plain(row.status) == bindparam("status", type_=Text()),
    "studio": lambda row: _plain(row.studio).in_(bindparam("studio", expanding=True)),
    "quality": lambda row: _plain(row.best_quality) == bindparam("quality"),
    "size_from": lambda row: _plain(row.size_bytes) >= bindparam("size_from"),
    "size_to": lambda row: _plain(row.size_bytes) <= bindparam("size_to"),
}
"""Part of a question -> its condition on a table with the columns `LISTED`, with bind parameters, so that each shape of question is
built once."""

_SETS: dict[str, tuple[Any, _Where]] = {
    "words": (Title, lambda _: HasWords()),
    "inside": (Title, lambda row: row.normalised.contains(bindparam("inside"))),
    "genre": (ItemGenre, lambda row: row.genre == bindparam("genre")),
    "profile_id": (Version, lambda row: row.profile_id == bindparam("profile_id")),
    "tag_id": (ItemTag, lambda row: row.tag_id == bindparam("tag_id")),
}
"""Part of a question -> the table that has its titles, and the condition there."""
_CHECKS: dict[str, _Where] = {"words": lambda _: OfTitleHasWords()}
"""Conditions that are written differently where they are checked title by title."""
_BOUNDS: dict[str, dict[str, _Where]] = {
    "year": {
        "year_from": lambda key: key >= bindparam("year_from"),
        "year_to": lambda key: and_(key > literal_column("0"), key <= bindparam("year_to")),
    },
    "size": {
        "size_from": lambda key: key >= bindparam("size_from"),
        "size_to": lambda key: key <= bindparam("size_to"),
    },
}
"""Order -> filters that bound its key, so that a list does not walk over what comes before."""
_FEW = 2_000
"""A set of titles up to this size is read and sorted; with a larger one, a list walks along its order and looks each title up."""


def _shape(query: ItemQuery) -> tuple[str, ...]:
    return tuple(name for name in ("type", *_FILTERS, *_SETS) if getattr(query, name) is not None)


def _values(session: Session, query: ItemQuery) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(query, name) for name in _shape(query)}
    if query.state is not None:
        values["state"] = list(STATE_FILTERS[query.state])
    if query.words is not None:
        values["words"] = typed(query.words, session)["words"]
    if query.inside is not None:
        values["inside"] = normalise_title(query.inside)
    if query.studio is not None:
        part = query.studio.lower()
        values["studio"] = [name for _, name in amounts(session, "studio", type=query.type) if part in name.lower()]
    if query.genre is not None:
        values["genre"] = query.genre.lower()
    return values


@cache
def _set_size(name: str) -> Select[*tuple[Any, ...]]:
    if name == "words":
        return select(RowsWithWords(_FEW + 1))
    table, where = _SETS[name]
    return select(func.count()).select_from(select(table.media_item_id).where(where(table)).limit(_FEW + 1).subquery())


def _driver(session: Session, query: ItemQuery, values: Mapping[str, Any]) -> str | None:
    """Return the part of a question that only few titles match, None if there is none."""
    asked = (name for name in _shape(query) if name in _SETS)
    return next((name for name in asked if (session.scalar(_set_size(name), values) or 0) <= _FEW), None)


def _conditions(shape: Iterable[str], driver: str | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in shape:
        if name == "type":
            continue
        if name in _FILTERS:
            found.append(_FILTERS[name](MediaItem))
            continue
        table, where = _SETS[name]
        if name == driver:
            found.append(MediaItem.id.in_(select(table.media_item_id).where(where(table))))
        else:
            check = _CHECKS.get(name, where)
            found.append(exists().where(table.media_item_id == MediaItem.id, check(table)))
    return found


@cache
def _places_select(
    shape: tuple[str, ...], driver: str | None, sort: str, descending: bool, resumed: bool
) -> Select[*tuple[Any, ...]]:
    """Return a select of (id, key) of one page of a list; it reads an index alone."""
    key = _SORTS[sort]
    place = tuple_(key, MediaItem.id)
    order = (key.desc(), MediaItem.id.desc()) if descending else (key, MediaItem.id)

    def of_type(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
        query = select(MediaItem.id, key.label("sort_key")).where(condition, *_conditions(shape, driver))
        if (bounds := _BOUNDS.get(sort)) is not None:
            query = query.where(*(bound(key) for name, bound in bounds.items() if name in shape))
        if resumed:
            here = tuple_(bindparam("key", type_=key.type), bindparam("id"))
            query = query.where(place < here if descending else place > here)
        return query.order_by(*order)

    if "type" in shape:
        kind = MediaItem.type if driver is None else _plain(MediaItem.type)
        return of_type(kind == bindparam("type", type_=Text())).limit(bindparam("limit")).offset(bindparam("skipped"))
    # Each type has its part of the index. Both parts are read in order and merged, as no index has all titles in order.
    parts = [select(of_type(MediaItem.type == type_).limit(bindparam("limit")).subquery()) for type_ in MediaType]
    both = union_all(*parts).subquery()
    merged = (both.c.sort_key.desc(), both.c.id.desc()) if descending else (both.c.sort_key, both.c.id)
    return select(both.c.id, both.c.sort_key).order_by(*merged).limit(bindparam("limit"))


def _card_select(places: Any, order: Sequence[Any]) -> Select[*tuple[Any, ...]]:
    return (
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
            places.c.sort_key,
        )
        .select_from(places)
        .join(MediaItem, MediaItem.id == places.c.id)
        .outerjoin(Image, (Image.id == MediaItem.poster_id) & (Image.state == "present"))
        .outerjoin(Version, (Version.media_item_id == MediaItem.id) & (Version.position == 0))
        .outerjoin(QualityProfile, QualityProfile.id == Version.profile_id)
        .outerjoin(LibraryPath, LibraryPath.id == MediaItem.library_path_id)
        .order_by(*order)
    )


@cache
def _page_select(
    shape: tuple[str, ...], driver: str | None, sort: str, descending: bool, resumed: bool
) -> Select[*tuple[Any, ...]]:
    places = _places_select(shape, driver, sort, descending, resumed).cte("places")
    order = (places.c.sort_key, places.c.id)
    return _card_select(places, [column.desc() for column in order] if descending else order)


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


def _after(
    session: Session, query: ItemQuery, after: tuple[Any, ...] | None, limit: int, *, skipped: int = 0
) -> list[Card]:
    values = {**_values(session, query), "limit": limit, "skipped": skipped}
    driver = _driver(session, query, values)
    statement = _page_select(_shape(query), driver, query.sort, query.descending, after is not None)
    if after is not None:
        key = after[0]
        if query.sort == "added":
            key = cursor_instant(key)
        elif isinstance(key, str) != (query.sort == "title") or key is None:
            raise NotFound("There is no such page of this list. Start again from the first page.")
        values |= {"key": key, "id": cursor_id(after[1])}
    # Read plain columns on the connection, because the session's loaders would take a third of the time.
    return _cards(session.connection().execute(statement, values).all())


class Outline(msgspec.Struct, frozen=True):
    """The outline of a list without its rows: its length, and where each letter begins."""

    total: int
    size_bytes: int
    letters: tuple[tuple[str, int], ...]
    """First letter -> chunk in which it begins; only for all titles of a type, sorted by title."""

    @property
    def chunks(self) -> int:
        """The number of chunks; an empty list has one."""
        return max(1, -(-self.total // CHUNK))


def outline(session: Session, caller: Caller, query: ItemQuery) -> Outline:
    """Return the outline of a list. Pages cache it until the database changes."""
    query.check(caller)
    total, size_bytes = _amount(session, query)
    by_title = query.type is not None and not query.filtered and query.sort == "title" and not query.descending
    return Outline(total, size_bytes, _letters(session, query.type) if by_title else ())


_FACETS = {
    "state": "state",
    "monitored": "monitored",
    "status": "status",
    "resolution": "resolution",
    "quality": "quality",
    "library_path_id": "library_path_id",
    "studio": "studio",
    "year_from": "year",
    "year_to": "year",
}
"""Part of a question -> the facet that has its titles counted."""


def _amount(session: Session, query: ItemQuery) -> tuple[int, int]:
    """Return how many titles match a question, and their size.

    A question about one facet is answered from the counts. Others count along an index that has all columns they need.
    """
    if (kept := _kept_amount(session, query)) is not None:
        return kept
    shape, values = _shape(query), _values(session, query)
    sets = [name for name in shape if name in _SETS]
    # Every title with the words has to be counted, so they are looked up however many there are.
    driver = sets[0] if sets in (["genre"], ["words"]) else _driver(session, query, values)
    titles, size_bytes = session.execute(_amount_select(shape, driver, alone=sets == ["genre"]), values).one()
    return titles, size_bytes or 0


def _kept_amount(session: Session, query: ItemQuery) -> tuple[int, int] | None:
    """Return the amount of a question about one facet, None for other questions."""
    shape = _shape(query)
    facets = {_FACETS.get(name) for name in shape if name != "type"} or {"all"}
    if len(facets) > 1 or (facet := facets.pop()) is None:
        return None
    values, found = _values(session, query), amounts(session, facet, type=query.type)
    chosen = [amount for (_, value), amount in found.items() if _matches(query, values, value)]
    return sum(one.titles for one in chosen), sum(one.size_bytes for one in chosen)


def _matches(query: ItemQuery, values: Mapping[str, Any], value: str) -> bool:
    """PURE. Return whether a counted value is asked for."""
    if query.year_from is not None and int(value) < query.year_from:
        return False
    if query.year_to is not None and int(value) > query.year_to:
        return False
    wanted = {"monitored": "1" if query.monitored else "0", "resolution": str(query.resolution)}
    for name in ("state", "monitored", "status", "resolution", "quality", "library_path_id", "studio"):
        given = values.get(name)
        if given is not None and value not in (given if isinstance(given, list) else [wanted.get(name, given)]):
            return False
    return True


@cache
def _amount_select(shape: tuple[str, ...], driver: str | None, *, alone: bool) -> Select[*tuple[Any, ...]]:
    """Return a select of (number, size) of the titles that match.

    Args:
        alone: The genre is the only set, so the genre's rows have all columns.
    """
    if alone:
        where = [_FILTERS[name](ItemGenre) for name in shape if name in _FILTERS]
        if "type" in shape:
            where.append(ItemGenre.type == bindparam("type", type_=Text()))
        genre = ItemGenre.genre == bindparam("genre")
        return select(func.count(), func.sum(ItemGenre.size_bytes)).where(genre, *where)
    where = _conditions(shape, driver)
    if "type" in shape:
        kind = MediaItem.type if driver is None else _plain(MediaItem.type)
        where.append(kind == bindparam("type", type_=Text()))
    return select(func.count(), func.sum(MediaItem.size_bytes)).where(*where)


def _letters(session: Session, type: MediaType | None) -> tuple[tuple[str, int], ...]:
    letters: dict[str, int] = {}
    before = 0
    for (_, initial), amount in amounts(session, "initial", type=type).items():
        first = (initial or "#").upper()
        letters.setdefault(first if first.isascii() and first.isalpha() else "#", before // CHUNK)
        before += amount.titles
    return tuple(sorted(letters.items()))


def chunk(session: Session, caller: Caller, query: ItemQuery, number: int) -> list[Card]:
    """Return one chunk of the poster grid.

    The rows before it are skipped within the index. If the length of the list is kept by the database, a chunk of the second half
    is read from the end, and the rows after it are skipped.
    """
    query.check(caller)
    start = max(0, number) * CHUNK
    kept = _kept_amount(session, query) if query.type is not None and number > 0 else None
    if kept is None or start * 2 <= kept[0]:
        return _after(session, query, None, CHUNK, skipped=start)
    left = max(0, kept[0] - start)
    backwards = replace(query, descending=not query.descending)
    return _after(session, backwards, None, min(CHUNK, left), skipped=max(0, left - CHUNK))[::-1]


class Counts(msgspec.Struct, frozen=True):
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
    found = amounts(session, "state")
    return {
        kind: Counts(
            sum(amount.titles for (type_, _), amount in found.items() if type_ == kind),
            sum(amount.size_bytes for (type_, _), amount in found.items() if type_ == kind),
            {state: amount.titles for (type_, state), amount in found.items() if type_ == kind},
        )
        for kind in MediaType
    }


def genres(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the genres in use, sorted."""
    caller.require(Permission.BROWSE)
    return sorted(value for _, value in amounts(session, GENRE, type=type))


def studios(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the networks of the series or the studios of the films that occur, in order."""
    caller.require(Permission.BROWSE)
    return sorted((value for _, value in amounts(session, "studio", type=type) if value), key=str.casefold)


def qualities(session: Session, caller: Caller, type: MediaType) -> list[str]:
    """Return the qualities that titles have files of."""
    caller.require(Permission.BROWSE)
    return [value for _, value in amounts(session, "quality", type=type) if value]


@cache
def _ids_select(shape: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    where = _conditions(shape, None)
    if "type" in shape:
        where.append(_plain(MediaItem.type) == bindparam("type", type_=Text()))
    after = MediaItem.id > bindparam("after")
    return select(MediaItem.id).where(after, *where).order_by(MediaItem.id).limit(bindparam("limit"))


def ids_of(session: Session, caller: Caller, query: ItemQuery, *, after: str = "", limit: int = 1000) -> list[str]:
    """Return the ids of titles that match a query, by id; give the last one as `after` to get the following.

    The order does not depend on what a title is, so that a job that changes the titles meets each one once.
    """
    query.check(caller)
    values = {**_values(session, query), "after": after, "limit": limit}
    return list(session.scalars(_ids_select(_shape(query)), values))


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


_CHOSEN = select(MediaItem.id, MediaItem.sort_title.label("sort_key")).where(
    MediaItem.id.in_(bindparam("ids", expanding=True))
)
_chosen = _CHOSEN.cte("places")
_CARDS_OF = _card_select(_chosen, (_chosen.c.sort_key, _chosen.c.id))


def cards_of(session: Session, caller: Caller, ids: Sequence[str]) -> list[Card]:
    """Return titles by id, leaving out those that were removed."""
    caller.require(Permission.BROWSE)
    return _cards(session.execute(_CARDS_OF, {"ids": list(ids)}).all())


_CANDIDATES = 500
"""Names looked at for a search; more only for a word or two letters, where any choice would do."""
_BEGINNING = select(Title.media_item_id).where(Begins()).order_by(NameOrder()).limit(bindparam("limit"))
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


def items_of(session: Session, caller: Caller, ids: Collection[str]) -> list[MediaItem]:
    """Return titles with their seasons, versions and pictures, in no order; those that do not exist are left out."""
    caller.require(Permission.BROWSE)
    query = select(MediaItem).where(MediaItem.id.in_(ids))
    pictures = (joinedload(MediaItem.poster), joinedload(MediaItem.backdrop))
    return list(
        session.scalars(query.options(*pictures, selectinload(MediaItem.seasons), selectinload(MediaItem.versions)))
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


_newest = (
    select(MediaItem.id, MediaItem.added_at.label("sort_key"))
    .where(text(HERE))
    .order_by(MediaItem.added_at.desc(), MediaItem.id.desc())
    .limit(bindparam("limit"))
    .cte("places")
)
_NEWEST = _card_select(_newest, (_newest.c.sort_key.desc(), _newest.c.id.desc()))


def recently_added(session: Session, caller: Caller, *, limit: int = 12) -> list[Card]:
    """Return the newest titles that have files."""
    caller.require(Permission.BROWSE)
    return _cards(session.execute(_NEWEST, {"limit": limit}).all())


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

"""Counts of titles by state, genre and other values. Triggers keep them, so that no page has to count all titles.

`list_counts` has a row for each value of each facet, `item_genres` one for each genre of a title. A migration that rebuilds
the table `media_items` has to create the triggers again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import DDL, event, select
from sqlalchemy.orm import Session

from mydia.contexts.media.models import LISTED, ListCount, MediaItem
from mydia.vocabulary import MediaType

FACETS = {
    "all": "''",
    "state": "{row}.state",
    "initial": "substr({row}.sort_title, 1, 1)",
    "year": "CAST({row}.year AS TEXT)",
    "monitored": "CASE WHEN {row}.monitored THEN '1' ELSE '0' END",
    "status": "{row}.status",
    "resolution": "CAST({row}.best_resolution AS TEXT)",
    "quality": "{row}.best_quality",
    "library_path_id": "{row}.library_path_id",
    "studio": "{row}.studio",
}
"""Facet -> SQL of its value. A title without a value is not counted in that facet. `genre` is one more facet."""
GENRE = "genre"
_WATCHED = (*(name for name in LISTED), "type", "sort_title", "genres", "missing_count", "upgradable_count")
_EACH_GENRE = {
    "sqlite": "json_each({row}.genres) AS each_genre",
    "postgresql": "json_array_elements_text({row}.genres) AS each_genre(value)",
}


def _signed(dialect: str, row: str, sign: int) -> str:
    """Return a select of what one version of a row adds to the counts, or takes from them."""
    source = _EACH_GENRE[dialect].format(row=row)
    values = [f"SELECT '{facet}' AS facet, {sql.format(row=row)} AS value" for facet, sql in FACETS.items()]
    values.append(f"SELECT DISTINCT '{GENRE}', CAST(each_genre.value AS TEXT) FROM {source}")
    numbers = (f"{row}.size_bytes", f"{row}.missing_count", f"{row}.upgradable_count")
    signed = ", ".join(f"{sign} * {number} AS {name}" for number, name in zip(numbers, ("b", "m", "u"), strict=True))
    return f"SELECT {row}.type AS type, facet, value, {sign} AS t, {signed} FROM ({' UNION ALL '.join(values)}) AS f"


def _count(dialect: str, *parts: str) -> str:
    """Return the statement that adds up the changes of one row and applies those that are left."""
    changes = " UNION ALL ".join(parts)
    sums = "sum(t), sum(b), sum(m), sum(u)"
    return (
        f"INSERT INTO list_counts (type, facet, value, titles, size_bytes, missing, upgradable) "
        f"SELECT type, facet, value, {sums} FROM ({changes}) AS changes WHERE value IS NOT NULL "
        "GROUP BY type, facet, value HAVING sum(t) <> 0 OR sum(b) <> 0 OR sum(m) <> 0 OR sum(u) <> 0 "
        "ON CONFLICT (type, facet, value) DO UPDATE SET titles = list_counts.titles + excluded.titles, "
        "size_bytes = list_counts.size_bytes + excluded.size_bytes, missing = list_counts.missing + excluded.missing, "
        "upgradable = list_counts.upgradable + excluded.upgradable"
    )


def _add_genres(dialect: str, row: str) -> str:
    source = _EACH_GENRE[dialect].format(row=row)
    columns = ", ".join(LISTED)
    copied = ", ".join(f"{row}.{name}" for name in LISTED)
    return (
        f"INSERT INTO item_genres (media_item_id, genre, type, {columns}) "
        f"SELECT DISTINCT {row}.id, lower(CAST(each_genre.value AS TEXT)), {row}.type, {copied} "
        f"FROM {source} WHERE each_genre.value IS NOT NULL"
    )


_COPY = f"UPDATE item_genres SET {', '.join(f'{name} = new.{name}' for name in ('type', *LISTED))} WHERE media_item_id = new.id"
_DROP_GENRES = "DELETE FROM item_genres WHERE media_item_id = old.id"
_TABLE_IS = "ON media_items FOR EACH ROW"


def _differs(names: Iterable[str]) -> str:
    """Return the condition of a trigger after updates; text is compared, because PostgreSQL cannot compare JSON."""
    return " OR ".join(f"CAST(old.{name} AS TEXT) IS DISTINCT FROM CAST(new.{name} AS TEXT)" for name in names)


def _sqlite() -> tuple[str, ...]:
    old, new = _signed("sqlite", "old", -1), _signed("sqlite", "new", 1)
    return (
        (
            f"CREATE TRIGGER list_counts_insert AFTER INSERT {_TABLE_IS} BEGIN "
            f"{_count('sqlite', new)}; {_add_genres('sqlite', 'new')}; END"
        ),
        f"CREATE TRIGGER list_counts_delete AFTER DELETE {_TABLE_IS} BEGIN {_count('sqlite', old)}; {_DROP_GENRES}; END",
        (
            f"CREATE TRIGGER list_counts_update AFTER UPDATE OF {', '.join(_WATCHED)} {_TABLE_IS} "
            f"WHEN {_differs(_WATCHED)} BEGIN {_count('sqlite', old, new)}; END"
        ),
        (
            f"CREATE TRIGGER item_genres_copy AFTER UPDATE OF {', '.join(('type', *LISTED))} {_TABLE_IS} "
            f"WHEN {_differs(('type', *LISTED))} BEGIN {_COPY}; END"
        ),
        (
            f"CREATE TRIGGER item_genres_update AFTER UPDATE OF genres {_TABLE_IS} "
            f"WHEN {_differs(('genres',))} BEGIN {_DROP_GENRES}; {_add_genres('sqlite', 'new')}; END"
        ),
    )


def _postgresql() -> tuple[str, ...]:
    old, new = _signed("postgresql", "old", -1), _signed("postgresql", "new", 1)
    bodies = {
        "list_counts_insert": ("AFTER INSERT", "", f"{_count('postgresql', new)}; {_add_genres('postgresql', 'new')};"),
        "list_counts_delete": ("AFTER DELETE", "", f"{_count('postgresql', old)}; {_DROP_GENRES};"),
        "list_counts_update": (
            f"AFTER UPDATE OF {', '.join(_WATCHED)}",
            f"WHEN ({_differs(_WATCHED)})",
            f"{_count('postgresql', old, new)};",
        ),
        "item_genres_copy": (
            f"AFTER UPDATE OF {', '.join(('type', *LISTED))}",
            f"WHEN ({_differs(('type', *LISTED))})",
            f"{_COPY};",
        ),
        "item_genres_update": (
            "AFTER UPDATE OF genres",
            f"WHEN ({_differs(('genres',))})",
            f"{_DROP_GENRES}; {_add_genres('postgresql', 'new')};",
        ),
    }
    found: list[str] = []
    for name, (moment, condition, body) in bodies.items():
        found.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN {body.replace(chr(39), 2 * chr(39))} RETURN NULL; END'"
        )
        found.append(f"CREATE TRIGGER {name} {moment} {_TABLE_IS} {condition} EXECUTE FUNCTION {name}()")
    return tuple(found)


TRIGGERS = {"sqlite": _sqlite(), "postgresql": _postgresql()}
"""Dialect -> the statements that create the triggers."""

for _dialect, _statements in TRIGGERS.items():
    for _statement in _statements:
        event.listen(MediaItem.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


class Amount(NamedTuple):
    """What the titles with one value hold."""

    titles: int
    size_bytes: int


def amounts(session: Session, facet: str, *, type: MediaType | None = None) -> dict[tuple[MediaType, str], Amount]:
    """Return (type, value) -> amount of every value in use, in the order of the database."""
    query = (
        select(ListCount.type, ListCount.value, ListCount.titles, ListCount.size_bytes)
        .where(ListCount.facet == facet, ListCount.titles > 0, ListCount.type.in_([type] if type else list(MediaType)))
        .order_by(ListCount.type, ListCount.value)
    )
    return {(type_, value): Amount(titles, size) for type_, value, titles, size in session.execute(query)}


def wanted(session: Session) -> dict[MediaType, tuple[int, int]]:
    """Return type -> number of wanted items that are (missing, upgradable)."""
    query = select(ListCount.type, ListCount.missing, ListCount.upgradable).where(ListCount.facet == "all")
    return {type_: (missing, upgradable) for type_, missing, upgradable in session.execute(query)}

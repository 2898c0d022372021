"""Snapshots: everything that goes with a row when it is deleted, so that the deletion can be undone.

The foreign keys of the tables say what goes: rows that a key with `ON DELETE CASCADE` ties to the row, and the columns
that `ON DELETE SET NULL` clears. A new table with such a key is part of the snapshot without further code; a table
marked `{"info": NOT_IN_SNAPSHOTS}` is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Column, Date, DateTime, Table, and_, insert, select, update
from sqlalchemy.orm import Session

from mydia.db.base import Base, Instant

NOT_IN_SNAPSHOTS = {"in_snapshots": False}
"""`Table.info` of tables whose rows are not worth restoring, such as cached search results, and `Column.info` of columns
that the database fills in."""
_AT_ONCE = 500
"""Values in one `IN`; SQLite allows at most 32,766 variables in a statement."""

type Snapshot = dict[str, Any]
"""{"rows": {table: [{column: value}]}, "links": [{"table", "key": {column: value}, "column", "value"}]}, as JSON."""


def take_snapshot(session: Session, kind: type[Base], key: str) -> Snapshot:
    """Return a row with everything that its deletion would delete or clear. Call it before the deletion."""
    session.flush()
    root = Base.metadata.tables[kind.__tablename__]
    rows: dict[str, dict[tuple[Any, ...], Mapping[str, Any]]] = {}
    links: list[dict[str, Any]] = []
    waiting = [(root, _read(session, root, root.c.id, [key]))]
    while waiting:
        table, found = waiting.pop()
        known = rows.setdefault(table.name, {})
        fresh = {key_: row for row in found if (key_ := _key_of(table, row)) not in known}
        known.update(fresh)
        ids = [row["id"] for row in fresh.values() if "id" in row]
        for child, column, cascades in _children(table) if ids else ():
            below = _read(session, child, column, ids)
            if cascades:
                waiting.append((child, below))
            else:
                links += [_link(child, column, row) for row in below]
    kept = [link for link in links if _key_in(link) not in rows.get(link["table"], {})]
    return {"rows": {name: list(map(_to_json, found.values())) for name, found in rows.items()}, "links": kept}


def put_back(session: Session, snapshot: Snapshot) -> None:
    """Insert the rows of a snapshot again and restore the cleared columns.

    What exists again is left as it is, a column that has another value by now keeps it, and a row whose parent in
    another table is gone stays out.
    """
    session.flush()
    present: set[tuple[str, Any]] = set()
    for table in Base.metadata.sorted_tables:
        for stored in snapshot["rows"].get(table.name, ()):
            row = _from_json(table, stored)
            if not _exists(session, table, _key_of(table, row)) and _has_parents(session, table, row, present):
                session.execute(insert(table).values(row))
    for link in snapshot["links"]:
        linked = Base.metadata.tables.get(link["table"])
        if linked is None or link["column"] not in linked.c:
            continue
        column = linked.c[link["column"]]
        same = and_(*(linked.c[name] == value for name, value in link["key"].items()))
        session.execute(update(linked).where(same, column.is_(None)).values({column.name: link["value"]}))
    session.expire_all()


def _children(parent: Table) -> Iterator[tuple[Table, Column[Any], bool]]:
    """Return the tables with a key to this one: (table, column, whether its rows are deleted along)."""
    for table in Base.metadata.sorted_tables:
        if not table.info.get("in_snapshots", True):
            continue
        for foreign in table.foreign_keys:
            if foreign.column.table is parent and foreign.ondelete in ("CASCADE", "SET NULL"):
                yield table, foreign.parent, foreign.ondelete == "CASCADE"


def _read(session: Session, table: Table, column: Column[Any], values: list[Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    kept = [one for one in table.c if one.info.get("in_snapshots", True)]
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        found += [dict(row) for row in session.execute(select(*kept).where(column.in_(some))).mappings()]
    return found


def _key_of(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _key_in(link: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(link["key"].values())


def _link(table: Table, column: Column[Any], row: Mapping[str, Any]) -> dict[str, Any]:
    key = {part.name: row[part.name] for part in table.primary_key}
    return {"table": table.name, "key": key, "column": column.name, "value": row[column.name]}


def _exists(session: Session, table: Table, key: Iterable[Any]) -> bool:
    same = and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))
    return session.execute(select(*table.primary_key).where(same)).first() is not None


def _has_parents(session: Session, table: Table, row: dict[str, Any], present: set[tuple[str, Any]]) -> bool:
    """Clear keys to rows that are gone; return False if one of them is required.

    Args:
        present: (table, key) of rows that were found before; hundreds of episodes share a few parents.
    """
    for foreign in table.foreign_keys:
        name, parent = foreign.parent.name, foreign.column
        if row.get(name) is None or (parent.table.name, row[name]) in present:
            continue
        if session.execute(select(parent).where(parent == row[name])).first() is not None:
            present.add((parent.table.name, row[name]))
        elif foreign.parent.nullable:
            row[name] = None
        else:
            return False
    return True


def _to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _from_json(table: Table, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the columns that exist; what a later version added takes its default."""
    return {name: _typed(table.c[name], value) for name, value in stored.items() if name in table.c}


def _typed(column: Column[Any], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if isinstance(column.type, Instant | DateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(column.type, Date) else value

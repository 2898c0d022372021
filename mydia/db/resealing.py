"""Encrypts every sealed value of the database again, with another key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, select, update
from sqlalchemy.orm import Session

from mydia.db.base import Base
from mydia.errors import Misconfigured
from mydia.secret import Sealer

SEALED = "sealed"
"""How the names of columns with sealed text begin, and those of sealed texts in JSON."""
JSON_COLUMNS = frozenset({("settings", "value"), ("removed_titles", "snapshot")})
"""Columns of JSON with sealed texts in them."""


def sealed_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Yield every column that holds sealed values. All models must be imported."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.startswith(SEALED) or (table.name, column.name) in JSON_COLUMNS:
                yield table, column


def reseal(session: Session, old: Sealer, new: Sealer) -> dict[str, int]:
    """Encrypt every sealed value again.

    Returns:
        Table -> number of rows that changed; tables without sealed values are left out.

    Raises:
        Misconfigured: A value is not encrypted with the old key. Roll back.
    """
    counts: dict[str, int] = {}
    for table, column in sealed_columns():
        keys = list(table.primary_key.columns)
        for *key, value in session.execute(select(*keys, column).where(column.is_not(None))).all():
            try:
                fresh = _resealed(value, old, new, sealed=column.name.startswith(SEALED))
            except Misconfigured as error:
                raise Misconfigured(
                    f"A value in {table.name} is not encrypted with the old key, so nothing was changed. Check "
                    "OLD_SECRET_KEY_BASE."
                ) from error
            if fresh != value:
                place = [one == part for one, part in zip(keys, key, strict=True)]
                session.execute(update(table).where(*place).values({column.name: fresh}))
                counts[table.name] = counts.get(table.name, 0) + 1
    return counts


def is_sealed_with(session: Session, sealer: Sealer) -> bool | None:
    """Return whether the sealed values of the database open with this key; None if there are none."""
    for _, column in sealed_columns():
        for (value,) in session.execute(select(column).where(column.is_not(None)).limit(100)):
            for sealed in _sealed_in(value, sealed=column.name.startswith(SEALED)):
                try:
                    sealer.open(sealed)
                except Misconfigured:
                    return False
                return True
    return None


def _resealed(value: Any, old: Sealer, new: Sealer, *, sealed: bool = False) -> Any:
    """Return a value with every sealed text in it encrypted again."""
    if isinstance(value, str):
        return new.seal(old.open(value).reveal()) if sealed else value
    if isinstance(value, dict):
        return {name: _resealed(one, old, new, sealed=name.startswith(SEALED)) for name, one in value.items()}
    return [_resealed(one, old, new) for one in value] if isinstance(value, list) else value


def _sealed_in(value: Any, *, sealed: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if sealed:
            yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _sealed_in(one, sealed=name.startswith(SEALED))
    elif isinstance(value, list):
        for one in value:
            yield from _sealed_in(one)

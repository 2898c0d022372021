"""The declarative base and the column types that every table uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Index, MetaData, Text, event, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON, TypeDecorator

from mydia import clock


class Base(DeclarativeBase):
    """Every row's base. Constraint names are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text(), dict[str, Any]: JSON(), list[Any]: JSON()}


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite stores no zone, so it is removed when writing and added when reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants, which would be read back as different ones."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "an instant must be aware; use mydia.clock.now()"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Add the zone."""
        return None if value is None else value.replace(tzinfo=UTC)


class EnumText(TypeDecorator[StrEnum]):
    """Text in the database, a member of a StrEnum in Python; pair it with `one_of`, which keeps the column to its members.

    The processors are overridden as a whole instead of `process_result_value`: lists read thousands of values, and a dictionary's own
    `__getitem__` converts one in 40 ns.
    """

    impl = Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def bind_processor(self, dialect: Dialect) -> Callable[[StrEnum | None], Any] | None:
        """Bind members as they are: drivers take any subclass of `str`."""
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], StrEnum | None]:
        """Return the member of a stored text. An unknown text raises KeyError instead of passing through as a plain string."""
        known: dict[str | None, StrEnum | None] = {None: None, **{member.value: member for member in self.members}}
        return known.__getitem__


class HasId:
    """A row known by a UUIDv7 as text, so that ids sort by time."""

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=clock.new_id)


def one_of(column: str, *allowed: str | type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that restricts a text column to its members (NULL passes if the column allows it)."""
    members: list[str] = []
    for entry in allowed:
        members += [entry] if isinstance(entry, str) else [str(member) for member in entry]
    listed = ", ".join(f"'{member}'" for member in members)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_POSTGRESQL_WHERE = "postgresql_where"


def partial_index(name: str, *columns: str, where: str, postgresql: str | None = None) -> Index:
    """Return an index of the rows that meet a condition.

    Args:
        postgresql: The condition for PostgreSQL, if it is written differently there: SQLite uses an index only for a query with the
            same expression, and queries compare booleans with numbers.
    """
    return Index(name, *columns, sqlite_where=text(where), info={_POSTGRESQL_WHERE: text(postgresql or where)})


@event.listens_for(Base.metadata, "before_create")
def _add_conditions(metadata: MetaData, connection: Connection, **_: Any) -> None:
    """Give partial indexes their condition for PostgreSQL. As an argument of `Index` it would load that dialect at every start."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.tables.values():
        for index in table.indexes:
            if (where := index.info.get(_POSTGRESQL_WHERE)) is not None:
                index.dialect_kwargs[_POSTGRESQL_WHERE] = where

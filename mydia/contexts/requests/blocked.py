"""Titles that cannot be requested; for use in this package only, without checking permissions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from mydia.contexts.metadata import Ids
from mydia.contexts.requests.models import BlockedTitle, Request
from mydia.vocabulary import MediaType


def find(session: Session, type: MediaType, ids: Ids) -> BlockedTitle | None:
    """Return what blocks a title."""
    return session.scalar(select(BlockedTitle).where(BlockedTitle.type == type, shares_id(BlockedTitle, ids)).limit(1))


def among(session: Session, titles: Iterable[tuple[MediaType, Ids]]) -> Sequence[BlockedTitle]:
    """Return what blocks any of these titles."""
    named = [and_(BlockedTitle.type == type, shares_id(BlockedTitle, ids)) for type, ids in titles]
    return session.scalars(select(BlockedTitle).where(or_(*named))).all() if named else ()


def sentence(row: BlockedTitle) -> str:
    """Return why a title cannot be requested.

    >>> sentence(BlockedTitle(title="Metropolis", reason="We have it on disc"))
    'Metropolis cannot be requested: We have it on disc'
    """
    return f"{row.title} cannot be requested{f': {row.reason}' if row.reason else '.'}"


def shares_id(table: type[BlockedTitle | Request], ids: Ids) -> ColumnElement[bool]:
    """Return the condition for rows that have one of these ids."""
    named = [
        column == number
        for column, number in (
            (table.tmdb_id, ids.tmdb_id),
            (table.tvdb_id, ids.tvdb_id),
            (table.imdb_id, ids.imdb_id),
        )
        if number is not None
    ]
    return or_(*named) if named else table.id.is_(None)

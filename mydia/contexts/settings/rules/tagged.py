"""Tags of rules: stored as ids, shown as names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings import tags


def ids_of(session: Session, names: Iterable[str]) -> list[str]:
    """Return the ids of tags, sorted; those that do not exist yet are created. Raises: Invalid."""
    return sorted(tags.ids_by_name(session, names).values())


def names_of(session: Session, ids: Sequence[str]) -> tuple[str, ...]:
    """Return the names of tags, sorted; tags that were deleted are left out."""
    if not ids:
        return ()
    found = session.scalars(select(tags.Tag.name).where(tags.Tag.id.in_(list(ids))))
    return tuple(sorted(found, key=str.casefold))

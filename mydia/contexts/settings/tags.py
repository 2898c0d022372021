"""Tags: the names; what carries them is known to the contexts above."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import Tag
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid

__all__ = ["LONGEST", "Tag", "ensure_tags", "ids_by_name", "names_by_id", "split_names"]

LONGEST = 40
"""Characters of a tag's name: more does not fit the chips of a list."""


def split_names(text: str) -> tuple[str, ...]:
    """Return the tags in what a person typed, without repetitions.

    >>> split_names("kids, 4K ,Kids")
    ('kids', '4K')
    """
    names = (" ".join(part.split()) for part in text.split(","))
    return tuple({name.casefold(): name for name in reversed([n for n in names if n])}.values())[::-1]


def names_by_id(session: Session) -> dict[str, str]:
    """Return id -> name of all tags."""
    return {row.id: row.name for row in session.scalars(select(Tag))}


def ensure_tags(session: Session, caller: Caller, names: Iterable[str]) -> dict[str, str]:
    """Return name -> id of these tags; those that do not exist yet are created. Upper and lower case are the same.

    Raises:
        Invalid: A name is empty or longer than 40 characters.
    """
    caller.require(Permission.MANAGE_MEDIA)
    return ids_by_name(session, names)


def ids_by_name(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Do the same as `ensure_tags`, for functions that have checked another permission. Raises: Invalid."""
    found: dict[str, str] = {}
    # Compared here, because SQLite's lower() knows ASCII only.
    known = {row.name.casefold(): row for row in session.scalars(select(Tag))}
    for name in names:
        wanted = " ".join(name.split())
        if not wanted or len(wanted) > LONGEST or "," in wanted:
            raise Invalid(
                f"A tag has 1 to {LONGEST} characters and no comma.", fields={"tags": f"1 to {LONGEST} characters."}
            )
        row = known.get(wanted.casefold())
        if row is None:
            row = known[wanted.casefold()] = Tag(name=wanted)
            session.add(row)
            session.flush()
        found[row.name] = row.id
    return found

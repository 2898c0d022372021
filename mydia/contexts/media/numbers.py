"""Integer ids for foreign APIs that cannot use UUIDs; each is assigned once and never changes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from mydia.contexts.media.models import Number, NumberedKind
from mydia.contexts.users import Caller, Permission
from mydia.errors import NotFound

_AT_ONCE = 500
"""Ids per query. SQLite allows 32,766 parameters, but plans long lists badly."""


def give_numbers(session: Session, kind: NumberedKind, ids: Collection[str]) -> dict[str, int]:
    """Return id -> number, assigning numbers where there are none yet. Needs a unit of work that writes."""
    known = _known(session, kind, ids)
    new = [id_ for id_ in dict.fromkeys(ids) if id_ not in known]
    if new:
        session.flush()
        session.execute(insert(Number), [{"kind": kind, "subject_id": id_} for id_ in new])
        known |= _known(session, kind, new)
    return known


def number_of(session: Session, caller: Caller, kind: NumberedKind, id_: str) -> int:
    """Return the number of an item, an episode or a file.

    Raises:
        NotFound: It has none.
    """
    caller.require(Permission.BROWSE)
    known = _known(session, kind, [id_])
    if id_ not in known:
        raise NotFound("This resource has no number.")
    return known[id_]


def numbers_of(session: Session, caller: Caller, kind: NumberedKind, ids: Collection[str]) -> dict[str, int]:
    """Return id -> number of items, episodes or files; those without a number are left out."""
    caller.require(Permission.BROWSE)
    return _known(session, kind, ids)


def id_of(session: Session, caller: Caller, kind: NumberedKind, number: int) -> str:
    """Return the id behind a number.

    Raises:
        NotFound: No resource of this kind has the number. Removed ones keep theirs.
    """
    caller.require(Permission.BROWSE)
    found = session.scalar(select(Number.subject_id).where(Number.number == number, Number.kind == kind))
    if found is None:
        raise NotFound(f"The number {number} does not exist.")
    return found


def _known(session: Session, kind: NumberedKind, ids: Collection[str]) -> dict[str, int]:
    wanted = list(dict.fromkeys(ids))
    known: dict[str, int] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        rows = select(Number.subject_id, Number.number).where(
            Number.kind == kind, Number.subject_id.in_(wanted[at : at + _AT_ONCE])
        )
        known |= dict(session.execute(rows).all())
    return known

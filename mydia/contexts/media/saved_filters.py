"""What a person keeps of the library lists: filters under a name, one of them as default, and the columns of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia.contexts.media.models import ListColumns, SavedFilter
from mydia.contexts.users import Caller, Permission
from mydia.errors import Conflict, Invalid, NotFound
from mydia.vocabulary import MediaType

__all__ = [
    "SavedFilter",
    "choose_columns",
    "columns_of",
    "delete_filter",
    "get_filter",
    "list_filters",
    "rename_filter",
    "save_filter",
    "set_default_filter",
]

LONGEST_NAME = 60
MOST = 50
"""Filters per person and list: enough for a menu that can still be read."""


def list_filters(session: Session, caller: Caller, type: MediaType | None = None) -> list[SavedFilter]:
    """Return the caller's filters of a list, or of both lists, by name."""
    caller.require(Permission.BROWSE)
    own = select(SavedFilter).where(SavedFilter.user_id == caller.id).order_by(func.lower(SavedFilter.name))
    return list(session.scalars(own if type is None else own.where(SavedFilter.media_type == type)))


def save_filter(
    session: Session, caller: Caller, now: datetime, type: MediaType, name: str, params: Mapping[str, str]
) -> SavedFilter:
    """Save a filter under a name; a filter of the same name is replaced.

    Args:
        params: The parameters of the list's address.

    Raises:
        Invalid: The name is empty or too long, or there are too many filters.
    """
    caller.require(Permission.BROWSE)
    if caller.id is None:
        raise Invalid("Filters are saved for accounts.")
    wanted = _name(name)
    present = list_filters(session, caller, type)
    row = next((one for one in present if one.name.casefold() == wanted.casefold()), None)
    if row is None:
        if len(present) >= MOST:
            raise Invalid(f"You have {MOST} filters. Delete one first.", fields={"name": "Delete a filter first."})
        row = SavedFilter(user_id=caller.id, media_type=type, created_at=now)
        session.add(row)
    row.name, row.params = wanted, dict(params)
    session.flush()
    return row


def rename_filter(session: Session, caller: Caller, filter_id: str, name: str) -> SavedFilter:
    """Give a filter another name. Raises: NotFound, Invalid, Conflict."""
    row, wanted = get_filter(session, caller, filter_id), _name(name)
    others = list_filters(session, caller, row.media_type)
    if any(one.id != row.id and one.name.casefold() == wanted.casefold() for one in others):
        raise Conflict(f"You already have a filter called “{wanted}”.", fields={"name": "Choose another name."})
    row.name = wanted
    return row


def set_default_filter(session: Session, caller: Caller, filter_id: str, *, default: bool) -> SavedFilter:
    """Open the list with this filter, or no longer. Raises: NotFound."""
    row = get_filter(session, caller, filter_id)
    session.execute(
        update(SavedFilter)
        .where(SavedFilter.user_id == row.user_id, SavedFilter.media_type == row.media_type)
        .values(is_default=False)
    )
    row.is_default = default
    return row


def delete_filter(session: Session, caller: Caller, filter_id: str) -> None:
    """Delete a filter. Raises: NotFound."""
    session.delete(get_filter(session, caller, filter_id))


def get_filter(session: Session, caller: Caller, filter_id: str) -> SavedFilter:
    """Return one of the caller's filters. Raises: NotFound, also for a filter of somebody else."""
    caller.require(Permission.BROWSE)
    row = session.get(SavedFilter, filter_id)
    if row is None or row.user_id != caller.id:
        raise NotFound("This filter does not exist or has been deleted.")
    return row


def columns_of(session: Session, caller: Caller, type: MediaType) -> tuple[str, ...] | None:
    """Return the columns that the caller chose for a table; None for the usual ones."""
    caller.require(Permission.BROWSE)
    row = None if caller.id is None else session.get(ListColumns, (caller.id, type))
    return None if row is None else tuple(str(name) for name in row.columns)


def choose_columns(session: Session, caller: Caller, type: MediaType, columns: Sequence[str] | None) -> None:
    """Keep the columns of a table for the caller; None goes back to the usual ones."""
    caller.require(Permission.BROWSE)
    if caller.id is None:
        raise Invalid("Columns are kept for accounts.")
    row = session.get(ListColumns, (caller.id, type))
    if columns is None:
        if row is not None:
            session.delete(row)
            session.flush()
    elif row is None:
        session.add(ListColumns(user_id=caller.id, media_type=type, columns=list(columns)))
    else:
        row.columns = list(columns)


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(
            f"A name has 1 to {LONGEST_NAME} characters.", fields={"name": f"Enter 1 to {LONGEST_NAME} characters."}
        )
    return name

"""The blocklist of titles: block a title so that it cannot be requested, and unblock it."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts.metadata import Ids
from mydia.contexts.requests import blocked, catalogue, deciding
from mydia.contexts.requests.catalogue import WantedTitle
from mydia.contexts.requests.models import BlockedTitle, Request, RequestState
from mydia.contexts.requests.people import Person, names_of
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor, get
from mydia.errors import Conflict, Invalid
from mydia.events import TitleBlocked, TitleUnblocked, emit
from mydia.vocabulary import MediaType

__all__ = [
    "Blocked",
    "BlockedTitle",
    "NewBlock",
    "block",
    "count",
    "decline",
    "find_blocked",
    "get_blocked",
    "list_blocked",
    "look_up",
    "of_title",
    "unblock",
]


class NewBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A title to block, as the catalogue has it."""

    type: MediaType
    ids: Ids
    title: str
    year: int | None
    poster_path: str | None


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """A blocked title with the name of the person who blocked it."""

    row: BlockedTitle
    by: Person | None


def look_up(outside: Outside, caller: Caller, type: MediaType, ids: Ids, *, language: str) -> NewBlock:
    """Return a title of the catalogue that is to be blocked. Raises as `catalogue.look_up` does."""
    caller.require(Permission.MANAGE_REQUESTS)
    return of_title(catalogue.look_up(outside, caller, type, ids, language=language))


def of_title(wanted: WantedTitle) -> NewBlock:
    """Return a title of the catalogue as it is blocked."""
    return NewBlock(
        type=wanted.type, ids=wanted.ids, title=wanted.title, year=wanted.year, poster_path=wanted.poster_path
    )


def decline(
    session: Session,
    caller: Caller,
    now: datetime,
    request_id: str,
    *,
    reason: str | None = None,
    block: bool = False,
) -> Request:
    """Decline a request, and if wanted block its title, so that it cannot be requested again.

    A title that is blocked already stays so, with its own reason. Raises and emits as `deciding.decline` and `block` do.
    """
    row = deciding.decline(session, caller, now, request_id, reason=reason)
    ids = Ids(row.tmdb_id, row.tvdb_id, row.imdb_id)
    if block and blocked.find(session, row.type, ids) is None:
        new = NewBlock(type=row.type, ids=ids, title=row.title, year=row.year, poster_path=row.poster_path)
        _block(session, caller, now, new, reason)
    return row


def block(session: Session, caller: Caller, now: datetime, new: NewBlock, reason: str | None = None) -> BlockedTitle:
    """Refuse requests for a title from now on, and decline those that wait. Approved requests go on.

    Args:
        reason: Shown to people who want to request it.

    Raises:
        Conflict: It is blocked already.
        Invalid: The reason is too long.

    Emits: TitleBlocked, and RequestDeclined for each request that waited.
    """
    return _block(session, caller, now, new, reason)


def _block(session: Session, caller: Caller, now: datetime, new: NewBlock, reason: str | None) -> BlockedTitle:
    caller.require(Permission.MANAGE_REQUESTS)
    words = " ".join((reason or "").split())
    if len(words) > deciding.LONGEST_REASON:
        raise Invalid("The reason is too long.", fields={"reason": f"At most {deciding.LONGEST_REASON} characters."})
    if blocked.find(session, new.type, new.ids) is not None:
        raise Conflict(f"{new.title} is blocked already.")
    row = BlockedTitle(
        type=new.type,
        tmdb_id=new.ids.tmdb_id,
        tvdb_id=new.ids.tvdb_id,
        imdb_id=new.ids.imdb_id,
        title=new.title,
        year=new.year,
        poster_path=new.poster_path,
        reason=words or None,
        blocked_by=caller.id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    emit(session, caller, TitleBlocked(row.id, row.type, row.title, row.reason), at=now)
    waiting = select(Request.id).where(
        Request.type == new.type, blocked.shares_id(Request, new.ids), Request.state == RequestState.PENDING
    )
    for request_id in session.scalars(waiting).all():
        deciding.decline(session, caller, now, request_id, reason=row.reason)
    return row


def unblock(session: Session, caller: Caller, now: datetime, blocked_id: str) -> BlockedTitle:
    """Allow requests for a title again. Declined requests stay declined. Emits: TitleUnblocked."""
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, BlockedTitle, blocked_id, what="This blocked title")
    emit(session, caller, TitleUnblocked(row.id, row.type, row.title), at=now)
    session.delete(row)
    return row


def list_blocked(
    session: Session, caller: Caller, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[Blocked], str | None]:
    """Return the blocked titles, newest first, and the next page's cursor."""
    caller.require(Permission.MANAGE_REQUESTS)
    query = select(BlockedTitle).order_by(BlockedTitle.created_at.desc(), BlockedTitle.id.desc()).limit(limit + 1)
    if after := decode_cursor(cursor, 2):
        place = (cursor_instant(after[0]), cursor_id(after[1]))
        query = query.where(tuple_(BlockedTitle.created_at, BlockedTitle.id) < place)
    rows = list(session.scalars(query))
    following = encode_cursor(rows[limit - 1].created_at.isoformat(), rows[limit - 1].id) if len(rows) > limit else None
    named = names_of(session, [row.blocked_by for row in rows])
    return [Blocked(row=row, by=named.get(row.blocked_by or "")) for row in rows[:limit]], following


def find_blocked(session: Session, caller: Caller, type: MediaType, ids: Ids) -> BlockedTitle | None:
    """Return the entry of the blocklist for a title, for people who want to request it."""
    caller.require(Permission.REQUEST)
    return blocked.find(session, type, ids)


def get_blocked(session: Session, caller: Caller, blocked_id: str) -> Blocked:
    """Return an entry of the blocklist. Raises NotFound."""
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, BlockedTitle, blocked_id, what="This blocked title")
    return Blocked(row=row, by=names_of(session, [row.blocked_by]).get(row.blocked_by or ""))


def count(session: Session, caller: Caller) -> int:
    """Return the number of blocked titles."""
    caller.require(Permission.MANAGE_REQUESTS)
    return session.scalar(select(func.count()).select_from(BlockedTitle)) or 0

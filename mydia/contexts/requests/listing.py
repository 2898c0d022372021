"""Lists of requests: each person's own, and all of them for those who decide."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.metadata import Candidate, Image, Picture
from mydia.contexts.requests import blocked
from mydia.contexts.requests.asking import of_title
from mydia.contexts.requests.models import (
    OPEN,
    UNDER_WAY,
    BlockedTitle,
    Request,
    RequestFollower,
    RequestSeason,
    RequestState,
)
from mydia.contexts.requests.people import GONE, Person, names_of
from mydia.contexts.users import Caller, Permission, User
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor
from mydia.errors import Invalid, NotFound
from mydia.vocabulary import MediaType

GROUPS: Mapping[str, frozenset[RequestState]] = {
    "pending": frozenset({RequestState.PENDING}),
    "under_way": UNDER_WAY,
    "available": frozenset({RequestState.AVAILABLE}),
    "declined": frozenset({RequestState.DECLINED}),
    "failed": frozenset({RequestState.FAILED}),
}
"""Filter of the lists -> its states."""


class SeasonLine(msgspec.Struct, frozen=True, kw_only=True):
    """A requested season."""

    number: int
    state: RequestState
    episodes_held: int
    episodes_total: int


class RequestLine(msgspec.Struct, frozen=True, kw_only=True):
    """A request with what lists show."""

    row: Request
    asker: Person
    followers: tuple[Person, ...]
    decided_by: Person | None
    seasons: tuple[SeasonLine, ...]
    poster: Picture | None
    """Of the library; the catalogue's is `row.poster_path`."""


class RequestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A filter of the list."""

    mine: bool = False
    """Only what the caller asked for or follows; always so for callers who do not decide requests."""
    group: str | None = None
    """A key of GROUPS."""
    type: MediaType | None = None
    user_id: str | None = None
    """Only what this person asked for or follows; for callers who decide requests."""
    text: str = ""


EVERYTHING = RequestQuery()


def list_requests(
    session: Session, caller: Caller, asked: RequestQuery = EVERYTHING, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[RequestLine], str | None]:
    """Return requests, newest first, and the next page's cursor."""
    caller.require(Permission.REQUEST)
    query = (
        select(Request)
        .where(*_conditions(caller, asked))
        .order_by(Request.created_at.desc(), Request.id.desc())
        .limit(limit + 1)
    )
    if after := decode_cursor(cursor, 2):
        place = (cursor_instant(after[0]), cursor_id(after[1]))
        query = query.where(tuple_(Request.created_at, Request.id) < place)
    rows = list(session.scalars(query))
    following = encode_cursor(rows[limit - 1].created_at.isoformat(), rows[limit - 1].id) if len(rows) > limit else None
    return _lines(session, rows[:limit]), following


def get_request(session: Session, caller: Caller, request_id: str) -> RequestLine:
    """Return a request that the caller may see: an own or followed one, or any for those who decide requests.

    Raises:
        NotFound: There is none, or it is another person's.
    """
    caller.require(Permission.REQUEST)
    row = session.scalar(select(Request).where(Request.id == request_id, *_conditions(caller, EVERYTHING)))
    if row is None:
        raise NotFound("This request does not exist or has been withdrawn.")
    return _lines(session, [row])[0]


def counts(session: Session, caller: Caller, asked: RequestQuery = EVERYTHING) -> dict[str, int]:
    """Return how many requests there are in each group, and in `all`, whatever group the filter names."""
    caller.require(Permission.REQUEST)
    conditions = _conditions(
        caller, RequestQuery(mine=asked.mine, type=asked.type, user_id=asked.user_id, text=asked.text)
    )
    rows = session.execute(select(Request.state, func.count()).where(*conditions).group_by(Request.state))
    by_state = {state: int(number) for state, number in rows}
    found = {name: sum(by_state.get(state, 0) for state in states) for name, states in GROUPS.items()}
    return {"all": sum(by_state.values()), **found}


def pending_count(session: Session, caller: Caller) -> int:
    """Return how many requests wait for a decision."""
    caller.require(Permission.MANAGE_REQUESTS)
    return session.scalar(select(func.count()).where(Request.state == RequestState.PENDING)) or 0


def people(session: Session, caller: Caller) -> list[Person]:
    """Return the people who may be asked for, by name: everybody whose account is enabled."""
    caller.require(Permission.MANAGE_REQUESTS)
    rows = session.scalars(select(User).where(User.disabled_at.is_(None)).order_by(func.lower(User.username)))
    return [Person(row.id, row.display_name or row.username) for row in rows]


def of_item(session: Session, caller: Caller, item_id: str) -> list[RequestLine]:
    """Return the open requests of a title that the caller may see, for its page."""
    caller.require(Permission.REQUEST)
    rows = session.scalars(
        select(Request)
        .where(Request.media_item_id == item_id, Request.state.in_(OPEN), *_conditions(caller, EVERYTHING))
        .order_by(Request.created_at)
    ).all()
    return _lines(session, rows)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a search result."""

    media_item_id: str | None
    available: bool
    """A film with a file, or a series with every aired episode that is wanted."""
    request_id: str | None
    mine: bool
    blocked: BlockedTitle | None
    """The entry of the blocklist, if the title cannot be requested."""


def known_of(session: Session, caller: Caller, found: Sequence[Candidate]) -> list[Known]:
    """Return for each search result whether the library has it and whether it is requested, in four reads."""
    caller.require(Permission.REQUEST)
    if not found:
        return []
    item = media.MediaItem
    of_items = or_(*(_of_item(one) for one in found))
    items = session.execute(
        select(item.id, item.type, item.tmdb_id, item.tvdb_id, item.imdb_id, item.state, item.files_count).where(
            of_items
        )
    ).all()
    rows = session.scalars(
        select(Request)
        .where(or_(*(of_title(one.type, one.ids, None) for one in found)), Request.state.in_(OPEN))
        .order_by(Request.created_at)
    ).all()
    followed = set(
        session.scalars(select(RequestFollower.request_id).where(RequestFollower.user_id == caller.id))
        if caller.id
        else ()
    )
    on_blocklist = blocked.among(session, [(one.type, one.ids) for one in found])
    told = []
    for one in found:
        here = next((row for row in items if row.type == one.type and _same(row, one)), None)
        asked = [row for row in rows if row.type == one.type and _same(row, one)]
        mine = next((row for row in asked if row.asker_id == caller.id or row.id in followed), None)
        shown = mine or (asked[0] if asked else None)
        whole = here is not None and (
            here.files_count > 0 if one.type == MediaType.MOVIE else here.state in ("available", "upgradable")
        )
        told.append(
            Known(
                media_item_id=here.id if here else None,
                available=whole,
                request_id=shown.id if shown else None,
                mine=mine is not None,
                blocked=next((row for row in on_blocklist if row.type == one.type and _same(row, one)), None),
            )
        )
    return told


def _of_item(one: Candidate) -> ColumnElement[bool]:
    item = media.MediaItem
    named = [
        column == number
        for column, number in (
            (item.tmdb_id, one.ids.tmdb_id),
            (item.tvdb_id, one.ids.tvdb_id),
            (item.imdb_id, one.ids.imdb_id),
        )
        if number is not None
    ]
    return and_(item.type == one.type, or_(*named)) if named else item.id.is_(None)


def _same(row: Any, one: Candidate) -> bool:
    pairs = ((row.tmdb_id, one.ids.tmdb_id), (row.tvdb_id, one.ids.tvdb_id), (row.imdb_id, one.ids.imdb_id))
    return any(number is not None and number == known for known, number in pairs)


def _conditions(caller: Caller, asked: RequestQuery) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter, limited to what the caller may see."""
    found: list[ColumnElement[bool]] = []
    if asked.mine or not caller.can(Permission.MANAGE_REQUESTS):
        found.append(_concerns(caller.id))
    if asked.user_id is not None:
        found.append(_concerns(asked.user_id))
    if asked.group is not None:
        if asked.group not in GROUPS:
            raise Invalid(f"Requests are filtered by {', '.join(GROUPS)}.", fields={"state": "Unknown state."})
        found.append(Request.state.in_(GROUPS[asked.group]))
    if asked.type is not None:
        found.append(Request.type == asked.type)
    if words := asked.text.strip():
        found.append(Request.title.icontains(words, autoescape=True))
    return found


def _concerns(user_id: str | None) -> ColumnElement[bool]:
    followed = select(RequestFollower.request_id).where(RequestFollower.user_id == user_id)
    return or_(Request.asker_id == user_id, Request.id.in_(followed))


def _lines(session: Session, rows: Sequence[Request]) -> list[RequestLine]:
    """Return rows with their people, seasons and pictures, in four reads for all of them."""
    ids = [row.id for row in rows]
    seasons: dict[str, list[SeasonLine]] = {id_: [] for id_ in ids}
    for one in session.scalars(
        select(RequestSeason).where(RequestSeason.request_id.in_(ids)).order_by(RequestSeason.number)
    ):
        line = SeasonLine(
            number=one.number, state=one.state, episodes_held=one.episodes_held, episodes_total=one.episodes_total
        )
        seasons[one.request_id].append(line)
    followers: dict[str, list[str]] = {id_: [] for id_ in ids}
    for request_id, user_id in session.execute(
        select(RequestFollower.request_id, RequestFollower.user_id)
        .where(RequestFollower.request_id.in_(ids))
        .order_by(RequestFollower.since)
    ):
        followers[request_id].append(user_id)
    named = names_of(
        session,
        [
            *(row.asker_id for row in rows),
            *(row.decided_by for row in rows),
            *(id_ for all_ in followers.values() for id_ in all_),
        ],
    )
    pictures = _pictures(session, [row.media_item_id for row in rows if row.media_item_id])
    return [
        RequestLine(
            row=row,
            asker=named.get(row.asker_id or "", GONE),
            followers=tuple(named.get(id_, GONE) for id_ in followers[row.id]),
            decided_by=named.get(row.decided_by) if row.decided_by else None,
            seasons=tuple(seasons[row.id]),
            poster=pictures.get(row.media_item_id or ""),
        )
        for row in rows
    ]


def _pictures(session: Session, item_ids: Collection[str]) -> dict[str, Picture]:
    if not item_ids:
        return {}
    item = media.MediaItem
    rows = session.execute(
        select(item.id, Image.id, Image.content_hash, Image.color)
        .join(Image, Image.id == item.poster_id)
        .where(item.id.in_(item_ids), Image.state == "present")
    )
    return {item_id: Picture(image_id, content_hash or "0", color) for item_id, image_id, content_hash, color in rows}

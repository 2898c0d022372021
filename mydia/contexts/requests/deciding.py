"""Decide requests: approve them with choices, decline them with a reason, retry and withdraw them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.metadata import Ids
from mydia.contexts.requests import blocked
from mydia.contexts.requests.models import (
    UNDER_WAY,
    Request,
    RequestFollower,
    RequestSeason,
    RequestState,
)
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.events import RequestApproved, RequestDeclined, RequestRetried, RequestWithdrawn, emit
from mydia.vocabulary import MediaType

LONGEST_REASON = 500


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the person who approves chooses. None keeps what the request has."""

    seasons: frozenset[int] | None = None
    """Fewer than were requested; the others are declined."""
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: tuple[str, ...] | None = None
    search_now: bool | None = None


AS_REQUESTED = Choices()


def approve(
    session: Session, caller: Caller, now: datetime, request_id: str, choices: Choices = AS_REQUESTED
) -> Request:
    """Approve a request; a job adds the title next. A declined one can be approved after all.

    Approving twice has no further effect.

    Raises:
        Invalid: A season was not requested, or none is left; the folder does not suit the type.
        Conflict: It is available already, or the title is on the blocklist.

    Emits: RequestApproved.
    """
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, Request, request_id, what="This request")
    if row.state in UNDER_WAY:
        return row
    if row.state == RequestState.AVAILABLE:
        raise Conflict(f"{row.title} is available already.")
    if (entry := blocked.find(session, row.type, Ids(row.tmdb_id, row.tvdb_id, row.imdb_id))) is not None:
        raise Conflict(f"{blocked.sentence(entry).rstrip('.')}. Unblock it first.")
    seasons = seasons_of_request(session, row.id)
    approved = {one.number for one in seasons} if choices.seasons is None else set(choices.seasons)
    if strangers := sorted(approved - {one.number for one in seasons}):
        raise Invalid(
            f"Season {', '.join(map(str, strangers))} was not requested.",
            fields={"seasons": "Choose among the requested seasons."},
        )
    if row.type == MediaType.TV_SHOW and not approved:
        raise Invalid("Choose at least one season, or decline the request.", fields={"seasons": "Choose a season."})
    row.choices = _chosen(session, caller, row, choices)
    for season in seasons:
        season.state = RequestState.APPROVED if season.number in approved else RequestState.DECLINED
    row.state, row.reason, row.because = RequestState.APPROVED, None, None
    row.automatic, row.fulfilled_at = False, None
    _decided(row, caller, now)
    event = RequestApproved(
        request_id=row.id, media_item_id=row.media_item_id, title=row.title, automatic=False, because=None
    )
    emit(session, caller, event, at=now)
    return row


def decline(session: Session, caller: Caller, now: datetime, request_id: str, *, reason: str | None = None) -> Request:
    """Decline a request that waits or has failed; a title that was added already stays in the library.

    Args:
        reason: Shown to the people who asked for it.

    Raises:
        Conflict: It is available already.

    Emits: RequestDeclined.
    """
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, Request, request_id, what="This request")
    if row.state == RequestState.DECLINED:
        return row
    if row.state == RequestState.AVAILABLE:
        raise Conflict(f"{row.title} is available already.")
    words = " ".join((reason or "").split())
    if len(words) > LONGEST_REASON:
        raise Invalid("The reason is too long.", fields={"reason": f"At most {LONGEST_REASON} characters."})
    for season in seasons_of_request(session, row.id):
        if season.state != RequestState.AVAILABLE:
            season.state = RequestState.DECLINED
    row.state, row.reason, row.because = RequestState.DECLINED, words or None, None
    row.automatic = False
    _decided(row, caller, now)
    emit(session, caller, RequestDeclined(row.id, row.title, row.reason), at=now)
    return row


def retry(session: Session, caller: Caller, now: datetime, request_id: str) -> Request:
    """Carry out a failed request again. Emits: RequestRetried."""
    caller.require(Permission.MANAGE_REQUESTS)
    row = get(session, Request, request_id, what="This request")
    if row.state != RequestState.FAILED:
        raise Conflict("Only failed requests can be retried.")
    row.state, row.because, row.fulfilled_at, row.updated_at = RequestState.APPROVED, None, None, now
    for season in seasons_of_request(session, row.id):
        if season.state == RequestState.FAILED:
            season.state = RequestState.APPROVED
    emit(session, caller, RequestRetried(row.id, row.title), at=now)
    return row


def withdraw(session: Session, caller: Caller, now: datetime, request_id: str) -> None:
    """Withdraw a request: a follower stops following it, and the person who asked takes back what is still undecided.

    If others follow it, the first of them becomes the person who asked. Callers who manage requests may remove any request; a
    title that was added already stays in the library.

    Raises:
        Conflict: It has been decided.
        Forbidden: It is another person's request.

    Emits: RequestWithdrawn, unless others still want it.
    """
    caller.require(Permission.REQUEST)
    row = get(session, Request, request_id, what="This request")
    followers = session.scalars(
        select(RequestFollower)
        .where(RequestFollower.request_id == row.id)
        .order_by(RequestFollower.since, RequestFollower.user_id)
    ).all()
    own = caller.id is not None and row.asker_id == caller.id
    followed = next((one for one in followers if one.user_id == caller.id), None)
    manages = caller.can(Permission.MANAGE_REQUESTS)
    if followed is not None and not manages:
        session.delete(followed)
        return
    if not own and not manages:
        raise Forbidden("This is another person's request.")
    if own and row.state != RequestState.PENDING and not manages:
        raise Conflict("This request has been decided. Ask someone who decides requests to remove it.")
    if own and followers and row.state == RequestState.PENDING:
        heir = followers[0]
        row.asker_id, row.updated_at = heir.user_id, now
        session.delete(heir)
        return
    people = [one for one in (row.asker_id, *(follower.user_id for follower in followers)) if one]
    emit(session, caller, RequestWithdrawn(row.id, row.title, people), at=now)
    session.delete(row)


def approve_many(session: Session, caller: Caller, now: datetime, request_ids: Sequence[str]) -> int:
    """Approve the waiting requests among these as they are, and return their number."""
    caller.require(Permission.MANAGE_REQUESTS)
    waiting = _waiting(session, request_ids)
    for request_id in waiting:
        approve(session, caller, now, request_id)
    return len(waiting)


def decline_many(
    session: Session, caller: Caller, now: datetime, request_ids: Sequence[str], *, reason: str | None = None
) -> int:
    """Decline the waiting requests among these and return their number."""
    caller.require(Permission.MANAGE_REQUESTS)
    waiting = _waiting(session, request_ids)
    for request_id in waiting:
        decline(session, caller, now, request_id, reason=reason)
    return len(waiting)


def seasons_of_request(session: Session, request_id: str) -> list[RequestSeason]:
    """Return a request's seasons in order, without checking permissions; for use in this package only."""
    return list(
        session.scalars(
            select(RequestSeason).where(RequestSeason.request_id == request_id).order_by(RequestSeason.number)
        )
    )


def _waiting(session: Session, request_ids: Sequence[str]) -> list[str]:
    query = select(Request.id).where(Request.id.in_(request_ids), Request.state == RequestState.PENDING)
    return list(session.scalars(query.order_by(Request.created_at, Request.id)))


def _decided(row: Request, caller: Caller, now: datetime) -> None:
    row.decided_by, row.decided_at, row.updated_at = caller.id, now, now


def _chosen(session: Session, caller: Caller, row: Request, choices: Choices) -> dict[str, object]:
    """Return the request's choices with those that were made now."""
    chosen = dict(row.choices)
    if choices.profile_id is not None:
        settings.profiles.get_profile(session, caller, choices.profile_id)
        chosen["profile_id"] = choices.profile_id
    if choices.library_path_id is not None:
        path = settings.library_paths.get_library_path(session, caller, choices.library_path_id)
        settings.library_paths.check_type(path, row.type)
        chosen["library_path_id"] = choices.library_path_id
    if choices.tags is not None:
        chosen["tags"] = list(choices.tags)
    if choices.search_now is not None:
        chosen["search_now"] = choices.search_now
    return chosen

"""Ask for a title: what of it can be requested, and the request itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from mydia.contexts import media, settings
from mydia.contexts.metadata import Ids
from mydia.contexts.requests import blocked, rules
from mydia.contexts.requests.catalogue import WantedTitle
from mydia.contexts.requests.models import (
    OPEN,
    BlockedTitle,
    Request,
    RequestFollower,
    RequestSeason,
    RequestState,
)
from mydia.contexts.requests.quotas import Allowance, Quota, QuotaExceeded, allowance_of, quota_of
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, User
from mydia.db import get
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.events import Reason, RequestAdded, RequestApproved, RequestJoined, emit, reason
from mydia.vocabulary import MediaType


class OfferState(StrEnum):
    """Whether a film or a season can be requested."""

    FREE = "free"
    AVAILABLE = "available"
    REQUESTED = "requested"
    """By another person; requesting it follows that request."""
    MINE = "mine"
    """The person has requested it, or follows the request."""
    NOT_ALLOWED = "not_allowed"
    """Specials, unless they are allowed."""
    BLOCKED = "blocked"
    """The title is on the blocklist."""


class SeasonOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A season, and whether it can be requested."""

    number: int
    title: str
    episodes: int | None
    held: int
    state: OfferState
    request_id: str | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What of a title a person can request."""

    state: OfferState
    """Of a film, or of a series as a whole: FREE while any season is."""
    seasons: tuple[SeasonOffer, ...]
    quota: Quota | None
    """None: the quota does not apply to the caller."""
    media_item_id: str | None
    request_id: str | None
    """The open request of a film."""
    blocked: BlockedTitle | None = None
    """The entry of the blocklist, if the title cannot be requested."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person requests. Everything but the seasons is for callers who manage requests."""

    seasons: frozenset[int] | None = None
    """None: every regular season that is free. Not used for films."""
    for_user_id: str | None = None
    """None: the caller."""
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What became of a wish."""

    PENDING = "pending"
    APPROVED = "approved"
    JOINED = "joined"
    """Everything was requested by others; the person follows their requests."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The result of asking."""

    outcome: Outcome
    request_id: str
    """The new request, or the joined one."""
    left_out: tuple[Reason, ...] = ()
    """Why some seasons are not part of the request."""


class NotRequestable(Conflict):
    """The title is on the blocklist."""


class NothingToRequest(Conflict):
    """Everything that was asked for is available, or requested by the same person already."""


def offer(
    session: Session, caller: Caller, now: datetime, wanted: WantedTitle, *, for_user_id: str | None = None
) -> Offer:
    """Return what of a title the caller, or another person, can request."""
    caller.require(Permission.REQUEST)
    return _offer(session, caller, now, wanted, _asker(session, caller, for_user_id))


def ask(session: Session, caller: Caller, now: datetime, wanted: WantedTitle, wish: Wish) -> Asked:
    """Request a title. What others requested already is joined, and what is available is left out.

    Raises:
        NotRequestable: The title is on the blocklist.
        NothingToRequest: Nothing is left to request.
        QuotaExceeded: The person has requested as much as they may. Callers who manage requests are exempt.
        Forbidden: Only callers who manage requests may ask for others, or choose profile, folder and tags.

    Emits: RequestAdded, and RequestApproved if it needs no approval; RequestJoined for each joined request.
    """
    caller.require(Permission.REQUEST)
    manages = caller.can(Permission.MANAGE_REQUESTS)
    if not manages and any((wish.profile_id, wish.library_path_id, wish.tags)):
        raise Forbidden("Only people who decide requests can choose the profile, folder or tags.")
    user = _asker(session, caller, wish.for_user_id)
    offered = _offer(session, caller, now, wanted, user)
    if offered.blocked is not None:
        raise NotRequestable(blocked.sentence(offered.blocked))
    numbers, joined, left_out = _sort_out(wanted, wish, offered)
    for request_id in joined:
        _join(session, caller, now, request_id, user)
    is_film = wanted.type == MediaType.MOVIE
    if not numbers and not (is_film and offered.state == OfferState.FREE):
        if joined:
            return Asked(outcome=Outcome.JOINED, request_id=joined[0], left_out=left_out)
        raise NothingToRequest(_nothing(wanted, offered, left_out))
    quota = offered.quota
    count = 1 if is_film else len(numbers)
    if quota is not None and quota.left is not None and count > quota.left:
        raise QuotaExceeded(quota, count)
    request_id, outcome = _store(session, caller, now, wanted, wish, user, offered, numbers)
    return Asked(outcome=outcome, request_id=request_id, left_out=left_out)


def of_title(type: MediaType, ids: Ids, media_item_id: str | None) -> ColumnElement[bool]:
    """Return the condition for requests of a title, which is in the library or not."""
    named = [
        column == number
        for column, number in (
            (Request.tmdb_id, ids.tmdb_id),
            (Request.tvdb_id, ids.tvdb_id),
            (Request.imdb_id, ids.imdb_id),
        )
        if number is not None
    ]
    if media_item_id is not None:
        named.append(Request.media_item_id == media_item_id)
    return and_(Request.type == type, or_(*named)) if named else Request.id.is_(None)


def _asker(session: Session, caller: Caller, for_user_id: str | None) -> User:
    """Return the account that the request is for."""
    if for_user_id is not None and for_user_id != caller.id:
        caller.require(Permission.MANAGE_REQUESTS)
        return get(session, User, for_user_id, what="This account")
    if caller.id is None:
        raise Invalid("Requests belong to an account.", fields={"for_user_id": "Choose who it is for."})
    return get(session, User, caller.id, what="Your account")


def _offer(session: Session, caller: Caller, now: datetime, wanted: WantedTitle, user: User) -> Offer:
    offered = _without_blocklist(session, caller, now, wanted, user)
    entry = blocked.find(session, wanted.type, wanted.ids)
    return offered if entry is None else _blocked(offered, entry)


def _blocked(offered: Offer, entry: BlockedTitle) -> Offer:
    """PURE. Return what is left of an offer for a blocked title: what is available or requested by the person."""

    def left(state: OfferState) -> OfferState:
        return state if state in (OfferState.AVAILABLE, OfferState.MINE) else OfferState.BLOCKED

    seasons = tuple(replace(one, state=left(one.state)) for one in offered.seasons)
    return replace(offered, state=left(offered.state), seasons=seasons, blocked=entry)


def _without_blocklist(session: Session, caller: Caller, now: datetime, wanted: WantedTitle, user: User) -> Offer:
    item = media.find_by_ids(session, caller, wanted.type, wanted.ids)
    item_id = item.id if item else None
    open_requests = list(
        session.scalars(
            select(Request)
            .where(of_title(wanted.type, wanted.ids, item_id), Request.state.in_(OPEN))
            .order_by(Request.created_at, Request.id)
        )
    )
    ids = [row.id for row in open_requests]
    mine = {row.id for row in open_requests if row.asker_id == user.id} | set(
        session.scalars(
            select(RequestFollower.request_id).where(
                RequestFollower.user_id == user.id, RequestFollower.request_id.in_(ids)
            )
        )
    )
    quota = None if caller.can(Permission.MANAGE_REQUESTS) else quota_of(session, now, user.id, wanted.type)
    if wanted.type == MediaType.MOVIE:
        first = ids[0] if ids else None
        state = OfferState.AVAILABLE if item is not None and item.files_count else _claimed(first, mine)
        return Offer(state=state, seasons=(), quota=quota, media_item_id=item_id, request_id=first)
    by_season: dict[int, str] = {}
    for request_id, number, season_state in session.execute(
        select(RequestSeason.request_id, RequestSeason.number, RequestSeason.state).where(
            RequestSeason.request_id.in_(ids)
        )
    ):
        if season_state in OPEN:
            by_season.setdefault(number, request_id)
    held = media.episodes.season_progress(session, caller, [item_id])[item_id] if item_id else {}
    specials = settings.of(session).requests.specials
    seasons = []
    for season in wanted.seasons:
        progress = held.get(season.number)
        if progress is not None and progress.complete and progress.total >= (season.episodes or 0):
            state = OfferState.AVAILABLE
        else:
            state = _claimed(by_season.get(season.number), mine)
        if season.number == 0 and not specials and state == OfferState.FREE:
            state = OfferState.NOT_ALLOWED
        seasons.append(
            SeasonOffer(
                number=season.number,
                title=season.title,
                episodes=season.episodes,
                held=progress.held if progress else 0,
                state=state,
                request_id=by_season.get(season.number),
            )
        )
    return Offer(
        state=_whole([one for one in seasons if one.state != OfferState.NOT_ALLOWED]),
        seasons=tuple(seasons),
        quota=quota,
        media_item_id=item_id,
        request_id=None,
    )


def _claimed(request_id: str | None, mine: Collection[str]) -> OfferState:
    if request_id is None:
        return OfferState.FREE
    return OfferState.MINE if request_id in mine else OfferState.REQUESTED


def _whole(seasons: Sequence[SeasonOffer]) -> OfferState:
    states = {one.state for one in seasons}
    order = (OfferState.FREE, OfferState.REQUESTED, OfferState.MINE, OfferState.AVAILABLE)
    return next((state for state in order if state in states), OfferState.NOT_ALLOWED)


def _sort_out(wanted: WantedTitle, wish: Wish, offered: Offer) -> tuple[list[int], list[str], tuple[Reason, ...]]:
    """PURE. Return the seasons to request, the requests to join, and why other seasons are left out."""
    if wanted.type == MediaType.MOVIE:
        joins = offered.state == OfferState.REQUESTED and offered.request_id is not None
        return [], [offered.request_id] if joins and offered.request_id else [], ()
    known = {one.number: one for one in offered.seasons}
    if wish.seasons is None:
        chosen = [one for one in offered.seasons if one.number > 0]
    else:
        if strangers := sorted(wish.seasons - known.keys()):
            raise Invalid(
                f"{wanted.title} has no season {', '.join(map(str, strangers))}.",
                fields={"seasons": "There is no such season."},
            )
        chosen = [one for one in offered.seasons if one.number in wish.seasons]
        if not chosen:
            raise Invalid("Choose at least one season.", fields={"seasons": "Choose at least one season."})
    if any(one.state == OfferState.NOT_ALLOWED for one in chosen):
        raise Invalid("Specials cannot be requested here.", fields={"seasons": "Specials cannot be requested here."})
    numbers = [one.number for one in chosen if one.state == OfferState.FREE]
    joined = [one.request_id for one in chosen if one.state == OfferState.REQUESTED and one.request_id]
    left_out = tuple(
        reason(f"request.left-out.{one.state}", season=one.number) for one in chosen if one.state != OfferState.FREE
    )
    return numbers, list(dict.fromkeys(joined)), left_out


def _nothing(wanted: WantedTitle, offered: Offer, left_out: Sequence[Reason]) -> str:
    if left_out:
        return " ".join(map(str, left_out))
    if offered.state == OfferState.AVAILABLE:
        return f"{wanted.title} is available already."
    return f"You have requested {wanted.title} already."


def _join(session: Session, caller: Caller, now: datetime, request_id: str, user: User) -> None:
    row = get(session, Request, request_id, what="This request")
    session.add(RequestFollower(request_id=request_id, user_id=user.id, since=now))
    emit(session, caller, RequestJoined(request_id, row.title, user.display_name or user.username), at=now)


def _store(
    session: Session,
    caller: Caller,
    now: datetime,
    wanted: WantedTitle,
    wish: Wish,
    user: User,
    offered: Offer,
    numbers: Sequence[int],
) -> tuple[str, Outcome]:
    facts = rules.RuleFacts(
        asker_id=user.id, type=wanted.type, genres=wanted.genres, language=wanted.language, keywords=wanted.keywords
    )
    rule = rules.choose(rules.rules_in_order(session), facts)
    choices, explanation = _choices(session, caller, wanted.type, wish, user, rule)
    approved, because = verdict(
        caller,
        user,
        rule,
        allowance_of(session, user.id, wanted.type),
        guests=settings.of(session).requests.auto_approve_guests,
        wanted_already=_is_wanted(session, offered.media_item_id, numbers),
    )
    state = RequestState.APPROVED if approved else RequestState.PENDING
    row = Request(
        asker_id=user.id,
        type=wanted.type,
        tmdb_id=wanted.ids.tmdb_id,
        tvdb_id=wanted.ids.tvdb_id,
        imdb_id=wanted.ids.imdb_id,
        title=wanted.title,
        year=wanted.year,
        poster_path=wanted.poster_path,
        details=wanted.to_json(),
        media_item_id=offered.media_item_id,
        state=state,
        because=because.to_json(),
        explanation=[one.to_json() for one in explanation],
        automatic=approved,
        decided_by=caller.id if approved and because.code == "request.auto.manager" else None,
        decided_at=now if approved else None,
        choices=choices,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    totals = {one.number: one for one in offered.seasons}
    session.add_all(
        RequestSeason(
            request_id=row.id,
            number=number,
            state=state,
            episodes_held=totals[number].held,
            episodes_total=totals[number].episodes or 0,
        )
        for number in numbers
    )
    added = RequestAdded(
        request_id=row.id,
        media_item_id=row.media_item_id,
        type=row.type,
        title=row.title,
        seasons=list(numbers),
        asker=user.display_name or user.username,
    )
    emit(session, caller, added, at=now)
    if approved:
        approval = RequestApproved(
            request_id=row.id,
            media_item_id=row.media_item_id,
            title=row.title,
            automatic=True,
            because=because.to_json(),
        )
        emit(session, caller, approval, at=now)
    return row.id, Outcome.APPROVED if approved else Outcome.PENDING


def verdict(
    caller: Caller,
    user: User,
    rule: rules.ChosenRule | None,
    allowance: Allowance,
    *,
    guests: bool,
    wanted_already: bool,
) -> tuple[bool, Reason]:
    """PURE. Return whether a request is approved automatically, and why: the most specific of all answers counts.

    Args:
        guests: Whether requests by guests are approved.
        wanted_already: Whether the library is looking for all of it, so that an approval changes nothing.
    """
    name = user.display_name or user.username
    if caller.can(Permission.MANAGE_REQUESTS):
        return True, reason("request.auto.manager", by=caller.name)
    if wanted_already:
        return True, reason("request.auto.wanted")
    if rule is not None and rule.rule.approves is not None:
        code = "request.auto.rule" if rule.rule.approves else "request.waits.rule"
        return rule.rule.approves, reason(code, rule=rule.rule.name)
    if allowance.auto_approve is not None:
        code = "request.auto.person" if allowance.auto_approve else "request.waits.person"
        return allowance.auto_approve, reason(code, asker=name)
    if guests and user.role == Role.GUEST:
        return True, reason("request.auto.role", role=user.role)
    return False, reason("request.waits")


def _choices(
    session: Session, caller: Caller, type: MediaType, wish: Wish, user: User, rule: rules.ChosenRule | None
) -> tuple[dict[str, Any], list[Reason]]:
    """Return profile, folder and tags: what the caller chose, else what the rule says, else the person's defaults."""
    defaults = settings.person_defaults.of_person(session, user.id, type)
    told: list[Reason] = []
    profile_id, path_id, tags = wish.profile_id, wish.library_path_id, list(wish.tags)
    if path_id is not None:
        settings.library_paths.check_type(settings.library_paths.get_library_path(session, caller, path_id), type)
    if profile_id is not None:
        settings.profiles.get_profile(session, caller, profile_id)
    if rule is not None:
        profile_id = profile_id or rule.rule.profile_id
        path_id = path_id or _suitable(session, rule.rule.library_path_id, type)
        tags += [tag for tag in rule.rule.tags if tag not in tags]
        code = "request.rule" if rule.conditions else "request.rule.general"
        told.append(reason(code, rule=rule.rule.name, conditions=list(rule.conditions)))
    if (defaults.profile_id and not profile_id) or (defaults.library_path_id and not path_id):
        told.append(reason("request.defaults", asker=user.display_name or user.username))
    if settings.of(session).requests.tag_requester and user.username not in tags:
        tags.append(user.username[: settings.tags.LONGEST])
    choices = {
        "profile_id": profile_id or defaults.profile_id,
        "library_path_id": path_id or defaults.library_path_id,
        "tags": tags,
        "search_now": None,
    }
    return choices, told


def _suitable(session: Session, path_id: str | None, type: MediaType) -> str | None:
    """Return a folder if it takes titles of the type."""
    if path_id is None:
        return None
    path = settings.library_paths.get_library_path(session, SYSTEM, path_id)
    return path_id if settings.library_paths.suits(path, type) else None


def _is_wanted(session: Session, item_id: str | None, numbers: Sequence[int]) -> bool:
    """Return whether the library is looking for a film, or for all of these seasons."""
    item = session.get(media.MediaItem, item_id) if item_id else None
    if item is None or not item.monitored:
        return False
    if item.type == MediaType.MOVIE:
        return True
    monitored = set(
        session.scalars(
            select(media.Season.number).where(media.Season.media_item_id == item.id, media.Season.monitored)
        )
    )
    return set(numbers) <= monitored

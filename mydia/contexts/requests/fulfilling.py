"""Carry out approved requests: add the title, or monitor the requested seasons of one that is in the library."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.media import MonitorPattern, NewSeasons
from mydia.contexts.metadata import Details, Ids, SeasonDetails
from mydia.contexts.requests.deciding import seasons_of_request
from mydia.contexts.requests.models import Request, RequestSeason, RequestState
from mydia.contexts.users import SYSTEM, Caller, Permission, User
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, NotFound, Unavailable
from mydia.events import Reason, RequestFailed, SearchRequested, emit, reason
from mydia.vocabulary import MediaType

_TEMPORARY = ("request.failed.metadata",)
"""Failures that a later try may not have."""


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is read before the catalogue is asked."""

    type: MediaType
    title: str
    ids: Ids
    item_id: str | None
    seasons: frozenset[int]
    unknown: frozenset[int]
    """Requested seasons that the library does not know yet."""
    choices: Mapping[str, Any]
    language: str
    source: str
    region: str | None


def due_requests(session: Session) -> list[str]:
    """Return the approved requests that are not carried out yet, and those that may work if they are tried again."""
    approved = select(Request.id).where(Request.state == RequestState.APPROVED, Request.fulfilled_at.is_(None))
    failed = select(Request.id, Request.because).where(Request.state == RequestState.FAILED)
    again = [id_ for id_, because in session.execute(failed) if (because or {}).get("code") in _TEMPORARY]
    return [*session.scalars(approved), *again]


def fulfil(database: Database, outside: Outside, now: datetime, request_id: str) -> str:
    """Carry out an approved request and return the outcome in a few words. Repeating it changes nothing.

    A title is added once, with the request's choices. Of a title that is in the library, only the requested seasons (or the
    film) become monitored; everything else that a user chose stays.

    Emits: RequestFailed if the catalogue does not have the title or does not answer; SearchRequested for what is monitored now.
    """
    with database.reads() as session:
        row = session.get(Request, request_id)
        if row is None or not _is_due(row):
            return "nothing to do"
        plan = _plan(session, row)
    found: tuple[Details, tuple[SeasonDetails, ...]] | None = None
    try:
        if plan.item_id is None:
            found = media.refresh.fetch(
                outside,
                SYSTEM,
                plan.type,
                plan.ids,
                language=plan.language,
                source=plan.source,
                region=plan.region,
            )
        elif plan.unknown:
            media.refresh.refresh_item(database, outside, SYSTEM, now, plan.item_id, force=True)
    except NotFound:
        return _fail(database, now, request_id, reason("request.failed.gone"))
    except Unavailable as error:
        return _fail(database, now, request_id, reason("request.failed.metadata", cause=str(error)))
    try:
        with database.writes() as session:
            return _carry_out(session, now, request_id, plan, found)
    except (Invalid, Conflict, NotFound) as error:
        return _fail(database, now, request_id, reason("request.failed.refused", cause=str(error)))


def _is_due(row: Request) -> bool:
    failed = row.state == RequestState.FAILED and (row.because or {}).get("code") in _TEMPORARY
    return (row.state == RequestState.APPROVED and row.fulfilled_at is None) or failed


def _plan(session: Session, row: Request) -> _Plan:
    ids = Ids(row.tmdb_id, row.tvdb_id, row.imdb_id)
    item = media.find_by_ids(session, SYSTEM, row.type, ids)
    seasons = frozenset(one.number for one in seasons_of_request(session, row.id) if one.state != RequestState.DECLINED)
    known = {one.number for one in media.seasons_of(session, SYSTEM, item.id)} if item else set()
    path_id = row.choices.get("library_path_id")
    wish = media.refresh.asking(session, SYSTEM, path_id)
    return _Plan(
        type=row.type,
        title=row.title,
        ids=ids,
        item_id=item.id if item else None,
        seasons=seasons,
        unknown=frozenset(seasons - known) if item else frozenset(),
        choices=row.choices,
        language=wish.language,
        source=wish.source,
        region=wish.region,
    )


def _carry_out(
    session: Session,
    now: datetime,
    request_id: str,
    plan: _Plan,
    found: tuple[Details, tuple[SeasonDetails, ...]] | None,
) -> str:
    row = get(session, Request, request_id, what="This request")
    if not _is_due(row):
        return "nothing to do"
    caller = _caller(session, row)
    search_now = plan.choices.get("search_now")
    if search_now is None:
        search_now = settings.of(session).media.auto_search_on_add
    item_id, done = plan.item_id, "monitored"
    if found is not None:
        try:
            item_id, done = _add(session, caller, now, plan, found, search_now=search_now), "added"
        except media.AlreadyHere as error:
            # It was added while the catalogue was asked.
            item_id = error.item_id
    if item_id is None:
        msg = "a title is in the library, or its details were fetched"
        raise AssertionError(msg)
    if done == "monitored":
        _monitor(session, caller, now, plan, item_id, search_now=search_now)
    if tags := [str(tag) for tag in plan.choices.get("tags") or ()]:
        media.tags.change_tags(session, caller, now, item_id, add=tags)
    row.media_item_id, row.fulfilled_at, row.updated_at = item_id, now, now
    row.state, row.because = RequestState.APPROVED, row.because if row.automatic else None
    for season in seasons_of_request(session, row.id):
        _reopen(season)
    return done


def _reopen(season: RequestSeason) -> None:
    if season.state == RequestState.FAILED:
        season.state = RequestState.APPROVED


def _add(
    session: Session,
    caller: Caller,
    now: datetime,
    plan: _Plan,
    found: tuple[Details, tuple[SeasonDetails, ...]],
    *,
    search_now: bool,
) -> str:
    """Add the title. Of a series only the requested seasons are monitored."""
    details, seasons = found
    new = media.NewItem(
        type=plan.type,
        title=details.title,
        year=details.year,
        ids=_all_ids(plan.ids, details.ids),
        library_path_id=plan.choices.get("library_path_id"),
        profile_id=plan.choices.get("profile_id"),
        provider=details.provider,
        details=details,
        seasons=seasons,
    )
    if plan.type == MediaType.TV_SHOW:
        new = replace(new, monitor=MonitorPattern.NONE, monitor_new_seasons=NewSeasons.NONE)
    item = media.add_item(session, caller, now, new, search_now=search_now)
    if plan.type == MediaType.TV_SHOW:
        media.monitoring.monitor_seasons(session, caller, now, item.id, plan.seasons)
    return item.id


def _all_ids(asked: Ids, found: Ids) -> Ids:
    return Ids(
        found.tmdb_id or asked.tmdb_id, found.tvdb_id or asked.tvdb_id, found.imdb_id or asked.imdb_id, found.third_id
    )


def _monitor(session: Session, caller: Caller, now: datetime, plan: _Plan, item_id: str, *, search_now: bool) -> None:
    """Monitor what was requested of a title that is in the library, and search for it."""
    if plan.type == MediaType.TV_SHOW:
        raised = media.monitoring.monitor_seasons(session, caller, now, item_id, plan.seasons)
        wanted: list[int | None] = list(raised)
    else:
        item = get(session, media.MediaItem, item_id, what="This title")
        wanted = [] if item.monitored else [None]
        if not item.monitored:
            media.monitoring.change_monitoring(session, caller, now, item_id, True)
    if search_now:
        for number in wanted:
            emit(session, caller, SearchRequested(item_id, number), at=now)


def _caller(session: Session, row: Request) -> Caller:
    """Return on whose behalf the title is added: the person who approved it, else the requester."""
    user_id = row.decided_by or row.asker_id
    user = session.get(User, user_id) if user_id else None
    if user is None:
        return SYSTEM
    caller = Caller(kind="user", id=user.id, name=user.display_name or user.username, permissions=frozenset())
    return caller.with_permissions(
        Permission.BROWSE, Permission.REQUEST, Permission.MANAGE_MEDIA, Permission.VIEW_ACTIVITY
    )


def _fail(database: Database, now: datetime, request_id: str, because: Reason) -> str:
    with database.writes() as session:
        row = session.get(Request, request_id)
        if row is None or not _is_due(row):
            return "nothing to do"
        if row.state != RequestState.FAILED:
            fail(session, now, row, because)
    return f"failed: {because.code}"


def fail(session: Session, now: datetime, row: Request, because: Reason) -> None:
    """Mark a request as failed; for use in this package only. Emits: RequestFailed."""
    row.state, row.because, row.updated_at = RequestState.FAILED, because.to_json(), now
    for season in seasons_of_request(session, row.id):
        if season.state not in (RequestState.DECLINED, RequestState.AVAILABLE):
            season.state = RequestState.FAILED
    emit(session, SYSTEM, RequestFailed(row.id, row.title, because.to_json()), at=now)

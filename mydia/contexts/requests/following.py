"""Follow approved requests until everything is available: their states come from the library's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.requests.fulfilling import fail
from mydia.contexts.requests.models import UNDER_WAY, Request, RequestFollower, RequestSeason, RequestState
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.events import RequestChanged, emit, reason
from mydia.vocabulary import Activity, MediaType

_FOLLOWED = UNDER_WAY | {RequestState.PENDING}


class _Title(msgspec.Struct, frozen=True, kw_only=True):
    """What the library has of a title."""

    type: MediaType
    files: int
    downloading: bool
    seasons: Mapping[int, media.episodes.SeasonProgress]
    coming: frozenset[int]
    """Seasons that are being downloaded."""


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """What the library says about a request that differs from what is stored."""

    request_id: str
    state: RequestState
    seasons: tuple[tuple[int, RequestState, int, int], ...]
    """(number, state, episodes held, episodes in total)."""


def followed_titles(session: Session) -> list[str]:
    """Return the titles of open requests, so that the caller can tell which of their seasons are being downloaded."""
    query = select(Request.media_item_id).where(Request.state.in_(_FOLLOWED), Request.media_item_id.is_not(None))
    return [item_id for item_id in session.scalars(query.distinct()) if item_id is not None]


def follow(database: Database, now: datetime, coming: Mapping[str, Collection[int]]) -> int:
    """Bring open requests up to date with the library and return how many changed. Repeating it changes nothing.

    It reads a fixed number of queries, however many requests there are, and writes only if something differs.

    Args:
        coming: Title -> its seasons that are being downloaded.

    Emits: RequestChanged for each request whose state is another now; RequestFailed if the title was removed.
    """
    with database.reads() as session:
        if not _changes(session, coming) and not _orphans(session) and not _unlinked(session):
            return 0
    with database.writes() as session:
        _link(session)
        changes = _changes(session, coming)
        for change in changes:
            _apply(session, now, change)
        orphans = _orphans(session)
        for row in orphans:
            fail(session, now, row, reason("request.failed.removed"))
        return len(changes) + len(orphans)


def people_of(session: Session, caller: Caller, request_id: str) -> list[str]:
    """Return the accounts that asked for a request or follow it."""
    caller.require(Permission.REQUEST)
    asker = session.scalar(select(Request.asker_id).where(Request.id == request_id))
    followers = session.scalars(select(RequestFollower.user_id).where(RequestFollower.request_id == request_id))
    return [*([asker] if asker else []), *followers]


def _changes(session: Session, coming: Mapping[str, Collection[int]]) -> list[_Change]:
    rows = session.execute(
        select(Request.id, Request.type, Request.state, Request.fulfilled_at, Request.media_item_id).where(
            Request.state.in_(_FOLLOWED), Request.media_item_id.is_not(None)
        )
    ).all()
    if not rows:
        return []
    titles = _titles(session, {row.media_item_id for row in rows}, coming)
    seasons: dict[str, list[RequestSeason]] = {row.id: [] for row in rows}
    for one in session.scalars(
        select(RequestSeason)
        .where(RequestSeason.request_id.in_(seasons))
        .order_by(RequestSeason.request_id, RequestSeason.number)
    ):
        seasons[one.request_id].append(one)
    found = []
    for row in rows:
        title = titles.get(row.media_item_id)
        if title is None:
            continue
        change = _compare(
            row.id, row.state, seasons[row.id], title, waiting=row.state == RequestState.PENDING or not row.fulfilled_at
        )
        if change is not None:
            found.append(change)
    return found


def _titles(session: Session, ids: Collection[str], coming: Mapping[str, Collection[int]]) -> dict[str, _Title]:
    progress = media.episodes.season_progress(session, SYSTEM, ids)
    rows = session.execute(
        select(media.MediaItem.id, media.MediaItem.type, media.MediaItem.files_count, media.MediaItem.activity).where(
            media.MediaItem.id.in_(ids)
        )
    )
    return {
        id_: _Title(
            type=type_,
            files=files,
            downloading=activity == Activity.DOWNLOADING,
            seasons=progress[id_],
            coming=frozenset(coming.get(id_, ())),
        )
        for id_, type_, files, activity in rows
    }


def _compare(
    request_id: str, state: RequestState, seasons: Sequence[RequestSeason], title: _Title, *, waiting: bool
) -> _Change | None:
    """PURE. Return what differs, or None. What waits for a decision or is not carried out yet can only become available."""
    if title.type == MediaType.MOVIE:
        found = film_state(files=title.files, downloading=title.downloading)
        if waiting and found != RequestState.AVAILABLE:
            return None
        return None if found == state else _Change(request_id=request_id, state=found, seasons=())
    fresh = []
    for one in seasons:
        progress = title.seasons.get(one.number, media.episodes.SeasonProgress(0, one.episodes_total))
        known = one.state
        if known != RequestState.DECLINED:
            known = season_state(progress, downloading=one.number in title.coming)
            if waiting and known != RequestState.AVAILABLE:
                known = one.state
        fresh.append((one.number, known, progress.held, max(progress.total, progress.held)))
    whole = series_state([known for _, known, _, _ in fresh])
    if waiting and whole != RequestState.AVAILABLE:
        whole = state
    stored = [(one.number, one.state, one.episodes_held, one.episodes_total) for one in seasons]
    if whole == state and fresh == stored:
        return None
    return _Change(request_id=request_id, state=whole, seasons=tuple(fresh))


def film_state(*, files: int, downloading: bool) -> RequestState:
    """Return the state of an approved request of a film.

    >>> film_state(files=0, downloading=True)
    <RequestState.DOWNLOADING: 'downloading'>
    """
    if files:
        return RequestState.AVAILABLE
    return RequestState.DOWNLOADING if downloading else RequestState.APPROVED


def season_state(progress: media.episodes.SeasonProgress, *, downloading: bool) -> RequestState:
    """Return the state of an approved season: available once every known episode is here."""
    if progress.complete:
        return RequestState.AVAILABLE
    if downloading:
        return RequestState.DOWNLOADING
    return RequestState.PARTIAL if progress.held else RequestState.APPROVED


def series_state(seasons: Iterable[RequestState]) -> RequestState:
    """Return the state of a request from those of its seasons; declined ones do not count.

    >>> series_state([RequestState.AVAILABLE, RequestState.APPROVED])
    <RequestState.PARTIAL: 'partial'>
    """
    states = {state for state in seasons if state != RequestState.DECLINED}
    if states == {RequestState.AVAILABLE}:
        return RequestState.AVAILABLE
    if RequestState.DOWNLOADING in states:
        return RequestState.DOWNLOADING
    if states & {RequestState.AVAILABLE, RequestState.PARTIAL}:
        return RequestState.PARTIAL
    return RequestState.APPROVED


def _apply(session: Session, now: datetime, change: _Change) -> None:
    row = session.get(Request, change.request_id)
    if row is None:
        return
    for number, state, held, total in change.seasons:
        session.execute(
            update(RequestSeason)
            .where(RequestSeason.request_id == row.id, RequestSeason.number == number)
            .values(state=state, episodes_held=held, episodes_total=total)
        )
    old, row.state, row.updated_at = row.state, change.state, now
    if old == RequestState.PENDING and change.state == RequestState.AVAILABLE:
        row.because, row.automatic, row.decided_at = reason("request.auto.here").to_json(), True, now
    if old != change.state or change.seasons:
        event = RequestChanged(
            request_id=row.id, media_item_id=row.media_item_id, title=row.title, old=old, new=change.state
        )
        emit(session, SYSTEM, event, at=now)


def _orphans(session: Session) -> list[Request]:
    """Return the requests that were carried out and whose title was removed since."""
    query = select(Request).where(
        Request.state.in_(UNDER_WAY), Request.media_item_id.is_(None), Request.fulfilled_at.is_not(None)
    )
    return list(session.scalars(query))


def _unlinked(session: Session) -> list[tuple[str, str]]:
    """Return (request, title) of waiting requests whose title was added to the library by someone since."""
    item = media.MediaItem
    same = or_(Request.tmdb_id == item.tmdb_id, Request.tvdb_id == item.tvdb_id, Request.imdb_id == item.imdb_id)
    query = (
        select(Request.id, item.id)
        .join(item, and_(item.type == Request.type, same))
        .where(Request.state == RequestState.PENDING, Request.media_item_id.is_(None))
    )
    return [(request_id, item_id) for request_id, item_id in session.execute(query)]


def _link(session: Session) -> None:
    for request_id, item_id in _unlinked(session):
        session.execute(update(Request).where(Request.id == request_id).values(media_item_id=item_id))

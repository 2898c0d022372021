"""The queue as pages show it, with its actions: pause, resume, remove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from mydia.adapters.download_clients import DownloadClient
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.downloads.blocklist import block_download
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    Download,
    DownloadEpisode,
    DownloadState,
    SearchCause,
)
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.downloads.ownership import may_leave_client
from mydia.contexts.downloads.states import is_open, may_move
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.settings import ServiceStatus
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, MydiaError, NotFound
from mydia.events import DownloadFailed, DownloadRemoved, Reason, SearchRequested, emit, reason, say

_OVER = "This download has ended. Manage its files on the title's page."
# Groups of the page, in its order. Source: reference/ui.md, 13.
GROUPS = ("needs you", "importing", "downloading", "queued", "paused", "seeding")
_GROUP_OF = {
    DownloadState.BLOCKED: "needs you",
    DownloadState.STALLED: "needs you",
    DownloadState.COMPLETED: "importing",
    DownloadState.IMPORTING: "importing",
    DownloadState.DOWNLOADING: "downloading",
    DownloadState.GRABBING: "queued",
    DownloadState.QUEUED: "queued",
    DownloadState.PAUSED: "paused",
    DownloadState.IMPORTED: "seeding",
}
# Labels of transient states.
_SHOWN = {DownloadState.GRABBING: "queued", DownloadState.COMPLETED: "importing", DownloadState.IMPORTED: "seeding"}


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One download of the queue."""

    id: str
    media_item_id: str | None
    media_title: str
    release_title: str
    quality_name: str
    protocol: str
    state: str
    state_since: datetime
    progress: float
    """From 0 to 1."""
    speed_bytes_per_s: int | None
    eta_s: int | None
    size_bytes: int | None
    seeders: int | None
    peers: int | None
    ratio: float | None
    client_id: str | None
    client_name: str
    indexer_name: str | None
    category: str | None
    cause: SearchCause
    added_at: datetime
    owned: bool
    """Whether Mydia added it; otherwise it stays in its client with all files."""
    quality: dict[str, Any]
    parsed: dict[str, Any]
    """The parsed release name, as in `Release.parsed`; empty for downloads of older versions."""
    reasons: tuple[dict[str, Any], ...]
    trouble: dict[str, Any] | None
    message: str | None
    """The client's message."""
    unreachable_since: datetime | None
    """When its client stopped answering; the row then shows the last known state."""
    episode_ids: tuple[str, ...]
    poster: Picture | None

    @property
    def group(self) -> str:
        """The one of GROUPS it belongs to."""
        if self.trouble is not None:
            return "needs you"
        return _GROUP_OF[DownloadState(self.state)]

    @property
    def shown_state(self) -> str:
        """The label of the state."""
        return _SHOWN.get(DownloadState(self.state), self.state)

    @property
    def remaining_bytes(self) -> int:
        """Bytes that are still missing."""
        return int((self.size_bytes or 0) * (1 - self.progress)) if self.group in ("downloading", "queued") else 0

    @property
    def sentence(self) -> str | None:
        """Why it does not continue automatically, or None."""
        if self.unreachable_since is not None and self.group != "seeding":
            return f"{self.client_name} has not answered since {self.unreachable_since:%-d %B, %H:%M} UTC."
        if self.state == DownloadState.BLOCKED:
            last = next((entry for entry in reversed(self.reasons) if entry["kind"] == "block"), None)
            return say(last) if last is not None else None
        return say(self.trouble) if self.trouble is not None else self.message


class QueueSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary above the queue."""

    counts: dict[str, int]
    """Group -> downloads."""
    speed_bytes_per_s: int
    remaining_bytes: int
    unreachable: tuple[tuple[str, datetime], ...]
    """(client, since)."""

    @property
    def total(self) -> int:
        """Downloads that have not ended."""
        return sum(count for group, count in self.counts.items() if group != "seeding")


_COLUMNS = (
    Download.id,
    Download.media_item_id,
    Download.media_title,
    Download.release_title,
    Download.quality_name,
    Download.protocol,
    Download.state,
    Download.state_since,
    Download.progress,
    Download.speed_bytes_per_s,
    Download.eta_s,
    Download.size_bytes,
    Download.seeders,
    Download.peers,
    Download.ratio,
    Download.client_id,
    Download.client_name,
    Download.indexer_name,
    Download.category,
    Download.cause,
    Download.added_at,
    Download.owned,
    Download.quality,
    Download.parsed,
    Download.trouble,
)
_FACTS = tuple(column.key for column in _COLUMNS)
_SELECT = (
    select(
        *_COLUMNS,
        Download.reasons,
        Download.remote_message,
        Image.id.label("image_id"),
        Image.content_hash,
        Image.color,
    )
    .outerjoin(media.MediaItem, media.MediaItem.id == Download.media_item_id)
    .outerjoin(Image, (Image.id == media.MediaItem.poster_id) & (Image.state == "present"))
)


_IS_OPEN = Download.state.in_([*OPEN_STATES])
_IS_SHARED = (
    (Download.state == DownloadState.IMPORTED) & Download.left_client_at.is_(None) & Download.client_ref.is_not(None)
)
_OPEN = _SELECT.where(_IS_OPEN).order_by(Download.added_at, Download.id).limit(bindparam("limit"))
_OPEN_OR_SHARED = (
    _SELECT.where(_IS_OPEN | _IS_SHARED).order_by(Download.added_at, Download.id).limit(bindparam("limit"))
)


def list_queue(session: Session, caller: Caller, *, seeding: bool = False, limit: int = 500) -> list[QueueRow]:
    """Return open downloads in the order of GROUPS, oldest first within each.

    Args:
        seeding: Also return imported downloads that are still seeding.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    query = _OPEN_OR_SHARED if seeding else _OPEN
    rows = _rows(session, session.execute(query, {"limit": limit}).all())
    return sorted(rows, key=lambda row: GROUPS.index(row.group))


def open_downloads_of(session: Session, caller: Caller, item_id: str) -> list[QueueRow]:
    """Return the open downloads of one title, for its page."""
    caller.require(Permission.BROWSE)
    query = _SELECT.where(Download.media_item_id == item_id, Download.state.in_(OPEN_STATES))
    return _rows(session, session.execute(query.order_by(Download.added_at)).all())


def coming_seasons(session: Session, caller: Caller, item_ids: Collection[str]) -> dict[str, set[int]]:
    """Return title -> the seasons that are being downloaded or imported, for several series in one read."""
    caller.require(Permission.BROWSE)
    rows = session.execute(
        select(Download.media_item_id, media.Episode.season_number)
        .join(DownloadEpisode, DownloadEpisode.download_id == Download.id)
        .join(media.Episode, media.Episode.id == DownloadEpisode.episode_id)
        .where(Download.media_item_id.in_(item_ids), Download.state.in_(OPEN_STATES))
        .distinct()
    )
    found: dict[str, set[int]] = {}
    for item_id, number in rows:
        if item_id is not None:
            found.setdefault(item_id, set()).add(number)
    return found


def find_queue_row(session: Session, caller: Caller, download_id: str) -> QueueRow | None:
    """Return one download as the queue shows it, or None if it is no longer in a group."""
    caller.require(Permission.VIEW_ACTIVITY)
    rows = _rows(session, session.execute(_SELECT.where(Download.id == download_id)).all())
    return next((row for row in rows if DownloadState(row.state) in _GROUP_OF), None)


def queue_summary(session: Session, caller: Caller) -> QueueSummary:
    """Return the counts, the speed and the clients that don't answer."""
    rows = list_queue(session, caller)
    failing = tuple(
        (client.name, client.status.since_at)
        for client in settings.services.list_services(session, caller, "download_client")
        if client.enabled and client.status is not None and client.status.state != "ok"
    )
    return QueueSummary(
        counts=dict(Counter(row.group for row in rows)),
        speed_bytes_per_s=sum(row.speed_bytes_per_s or 0 for row in rows if row.unreachable_since is None),
        remaining_bytes=sum(row.remaining_bytes for row in rows),
        unreachable=failing,
    )


def _rows(session: Session, found: Sequence[Row[Any]]) -> list[QueueRow]:
    if not found:
        return []
    statuses = settings.services.statuses(session, SYSTEM, "download_client")
    episodes: dict[str, list[str]] = {}
    ids = [row.id for row in found]
    for download_id, episode_id in session.execute(
        select(DownloadEpisode.download_id, DownloadEpisode.episode_id).where(DownloadEpisode.download_id.in_(ids))
    ):
        episodes.setdefault(download_id, []).append(episode_id)
    return [_row(row, statuses, episodes.get(row.id, ())) for row in found]


def _row(row: Row[Any], statuses: dict[str, ServiceStatus], episode_ids: Iterable[str]) -> QueueRow:
    status = statuses.get(row.client_id or "")
    since = status.since_at if status is not None and status.state != "ok" else None
    poster = Picture(row.image_id, row.content_hash or "0", row.color) if row.image_id else None
    facts: dict[str, Any] = {name: getattr(row, name) for name in _FACTS}
    return QueueRow(
        **facts,
        reasons=tuple(row.reasons),
        message=row.remote_message,
        unreachable_since=since,
        episode_ids=tuple(episode_ids),
        poster=poster,
    )


def pause(database: Database, outside: Outside, caller: Caller, now: datetime, download_id: str) -> None:
    """Pause a download in its client. Raises: Unavailable, Conflict."""
    caller.require(Permission.MANAGE_MEDIA)
    row, client = _reach(database, outside, download_id)
    client.pause(row.client_ref or "")
    _moved(database, caller, now, download_id, DownloadState.PAUSED, reason("user.paused", by=caller.name))


def resume(database: Database, outside: Outside, caller: Caller, now: datetime, download_id: str) -> None:
    """Resume a paused download. Raises: Unavailable, Conflict."""
    caller.require(Permission.MANAGE_MEDIA)
    row, client = _reach(database, outside, download_id)
    client.resume(row.client_ref or "")
    _moved(database, caller, now, download_id, DownloadState.QUEUED, reason("user.resumed", by=caller.name))


def remove(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    download_id: str,
    *,
    from_client: bool = True,
    delete_files: bool = True,
    blocklist: bool = False,
    search_again: bool = False,
) -> None:
    """Remove a download from the queue.

    A download that Mydia did not add stays in its client with all files, and so does a torrent that another download needs.

    Args:
        from_client: Also remove it from the client; False leaves it there and stops tracking it (state `ignored`).
        delete_files: Also delete the downloaded files; files in the library are never touched.
        blocklist: Never grab this release again.
        search_again: Search for another release.

    Raises:
        Unavailable: The client does not answer; nothing was changed.
        Conflict: It has ended already.

    Emits: DownloadChanged, DownloadRemoved, and SearchRequested with `search_again`.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        episodes = list(
            session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == download_id))
        )
        leaves = from_client and may_leave_client(session, row)
    if not is_open(row.state):
        raise Conflict(_OVER)
    if leaves:
        row, client = _reach(database, outside, download_id)
        client.remove(row.client_ref or "", delete_files=delete_files)
    with database.writes() as session:
        present = get(session, Download, download_id, what="This download")
        if not is_open(present.state):
            raise Conflict(_OVER)  # a double click, or two users at once
        removed = reason("user.removed" if leaves else "user.forgot", by=caller.name)
        if blocklist:
            block_download(session, now, present, removed)
        present.left_client_at = now if leaves else present.left_client_at
        note(present, now, removed, "note")
        if from_client and not present.owned:
            note(present, now, reason("client.kept", client=present.client_name), "note")
        new = DownloadState.REMOVED if leaves or present.client_ref is None else DownloadState.IGNORED
        move(session, caller, now, present, new, because=removed)
        emit(session, caller, DownloadRemoved(download_id, present.media_item_id, leaves, blocklist), at=now)
        if search_again and present.media_item_id is not None:
            emit(session, caller, SearchRequested(present.media_item_id, None, episodes or None), at=now)


def mark_failed(session: Session, caller: Caller, now: datetime, download_id: str) -> None:
    """Put the release of a download that has ended on the blocklist and search for another one.

    Its files in the library stay.

    Raises:
        Conflict: It has not ended yet; `remove` takes it out of the queue.

    Emits: DownloadFailed, which starts the search.
    """
    caller.require(Permission.MANAGE_MEDIA)
    row = get(session, Download, download_id, what="This download")
    if is_open(row.state):
        raise Conflict("This download is still in the queue. Remove it there, and block its release.")
    failed = reason("user.marked-failed", by=caller.name)
    block_download(session, now, row, failed)
    note(row, now, failed, "fail")
    emit(session, caller, DownloadFailed(row.id, row.media_item_id, failed.to_json(), blocklisted=True), at=now)


class Steered(msgspec.Struct, frozen=True):
    """The outcome of pausing or resuming all downloads."""

    done: int
    problems: tuple[str, ...]
    """Why the others could not be paused or resumed."""


def pause_all(database: Database, outside: Outside, caller: Caller, now: datetime) -> Steered:
    """Pause every download that is under way. One that fails does not stop the others."""
    return _steer_all(
        database, caller, ("downloading", "queued", "stalled"), partial(pause, database, outside, caller, now)
    )


def resume_all(database: Database, outside: Outside, caller: Caller, now: datetime) -> Steered:
    """Resume every paused download. One that fails does not stop the others."""
    return _steer_all(database, caller, ("paused",), partial(resume, database, outside, caller, now))


def _steer_all(database: Database, caller: Caller, states: Collection[str], act: Callable[[str], None]) -> Steered:
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        ids = [row.id for row in list_queue(session, caller) if row.state in states]
    done, problems = 0, []
    for download_id in ids:
        try:
            act(download_id)
            done += 1
        except MydiaError as error:
            problems.append(error.message)
    return Steered(done, tuple(problems))


def _reach(database: Database, outside: Outside, download_id: str) -> tuple[Download, DownloadClient]:
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        choices = settings.clients.client_connections(session, enabled_only=False)
    choice = next((choice for choice in choices if choice.row.id == row.client_id), None)
    if choice is None or row.client_ref is None:
        raise NotFound(f"{row.client_name} is no longer configured, so this download can't be changed.")
    return row, outside.download_client(choice.connection)


def _moved(
    database: Database, caller: Caller, now: datetime, download_id: str, new: DownloadState, because: Reason
) -> None:
    with database.writes() as session:
        row = get(session, Download, download_id, what="This download")
        row.trouble, row.idle_s = None, 0
        if may_move(row.state, new):
            move(session, caller, now, row, new, because=because)

"""The queue as people see it, and what they can do with it: pause, resume, remove, adopt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from mydia.adapters.download_clients import DownloadClient
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.downloads.blocklist import block_download
from mydia.contexts.downloads.decisions import find_episodes
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    Download,
    DownloadEpisode,
    DownloadState,
    UnknownDownload,
)
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.downloads.states import is_open, may_move
from mydia.contexts.metadata import Image, Picture
from mydia.contexts.settings import ServiceStatus
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, NotFound
from mydia.events import DownloadRemoved, ReleaseGrabbed, SearchRequested, emit
from mydia.parsing import Quality, parse_release
from mydia.vocabulary import MediaType

_OVER = "This download is over already. Its files can be managed on the title's page."
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
# What the page shows of states that pass by themselves.
_SHOWN = {DownloadState.GRABBING: "queued", DownloadState.COMPLETED: "importing", DownloadState.IMPORTED: "seeding"}


@dataclass(frozen=True, slots=True)
class QueueRow:
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
    """0 to 1."""
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
    cause: str
    added_at: datetime
    reasons: tuple[dict[str, Any], ...]
    message: str | None
    unreachable_since: datetime | None
    """When its client stopped answering: what is shown is what was last known."""
    episode_ids: tuple[str, ...]
    poster: Picture | None

    @property
    def group(self) -> str:
        """Which of GROUPS it stands in."""
        return _GROUP_OF[DownloadState(self.state)]

    @property
    def shown_state(self) -> str:
        """The state in the page's words."""
        return _SHOWN.get(DownloadState(self.state), self.state)

    @property
    def remaining_bytes(self) -> int:
        """How much is still to come."""
        return int((self.size_bytes or 0) * (1 - self.progress)) if self.group in ("downloading", "queued") else 0

    @property
    def sentence(self) -> str | None:
        """Why it does not go on by itself, or None."""
        if self.unreachable_since is not None and self.group != "seeding":
            return f"{self.client_name} has not answered since {self.unreachable_since:%-d %B, %H:%M} UTC."
        if self.state == DownloadState.BLOCKED:
            told = [str(reason["text"]) for reason in self.reasons if reason["kind"] == "block"]
            return told[-1] if told else None
        return self.message


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """The line above the queue."""

    counts: dict[str, int]
    """Group -> downloads."""
    speed_bytes_per_s: int
    remaining_bytes: int
    unreachable: tuple[tuple[str, datetime], ...]
    """(client, since)."""

    @property
    def total(self) -> int:
        """Downloads that are not over."""
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
    Download.reasons,
    Download.remote_message,
    Image.id.label("image_id"),
    Image.content_hash,
    Image.color,
)
_SELECT = (
    select(*_COLUMNS)
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
    """Return what is under way, in the order of GROUPS and by age within them.

    Args:
        seeding: Also what is imported and still shared.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    query = _OPEN_OR_SHARED if seeding else _OPEN
    rows = _rows(session, session.execute(query, {"limit": limit}).all())
    return sorted(rows, key=lambda row: GROUPS.index(row.group))


def open_downloads_of(session: Session, item_id: str) -> list[QueueRow]:
    """Return what is under way for one title; for its page, whoever looks."""
    query = _SELECT.where(Download.media_item_id == item_id, Download.state.in_(OPEN_STATES))
    return _rows(session, session.execute(query.order_by(Download.added_at)).all())


def find_queue_row(session: Session, caller: Caller, download_id: str) -> QueueRow | None:
    """Return one download as the queue shows it, also after its end (as long as it has a group there)."""
    caller.require(Permission.VIEW_ACTIVITY)
    rows = _rows(session, session.execute(_SELECT.where(Download.id == download_id)).all())
    return next((row for row in rows if DownloadState(row.state) in _GROUP_OF), None)


def queue_summary(session: Session, caller: Caller) -> QueueSummary:
    """Return the counts, the speed and the clients that do not answer."""
    rows = list_queue(session, caller)
    names = {row.id: row.name for row in settings.list_clients(session) if row.enabled}
    failing = tuple(
        (names[id], status.since_at)
        for id, status in settings.statuses(session, "download_client").items()
        if id in names and status.state != "ok"
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
    statuses = settings.statuses(session, "download_client")
    episodes: dict[str, list[str]] = {}
    ids = [row.id for row in found]
    for download_id, episode_id in session.execute(
        select(DownloadEpisode.download_id, DownloadEpisode.episode_id).where(DownloadEpisode.download_id.in_(ids))
    ):
        episodes.setdefault(download_id, []).append(episode_id)
    return [_row(row, statuses, episodes.get(row.id, ())) for row in found]


def _row(row: Row[Any], statuses: dict[str, ServiceStatus], episode_ids: Iterable[str]) -> QueueRow:
    *facts, reasons, message, image_id, content_hash, color = tuple[Any, ...](row)
    status = statuses.get(row.client_id or "")
    since = status.since_at if status is not None and status.state != "ok" else None
    poster = Picture(image_id, content_hash or "0", color) if image_id else None
    values: list[Any] = [*facts, tuple(reasons), message, since, tuple(episode_ids), poster]
    return QueueRow(*values)


# --- what people do -------------------------------------------------------------------------------------------------


def pause(database: Database, outside: Outside, caller: Caller, now: datetime, download_id: str) -> None:
    """Stop a download in its client. Raises: Unavailable, Conflict."""
    caller.require(Permission.MANAGE_MEDIA)
    row, client = _reach(database, outside, download_id)
    client.pause(row.client_ref or "")
    _moved(database, caller, now, download_id, DownloadState.PAUSED, f"{caller.name} paused it.")


def resume(database: Database, outside: Outside, caller: Caller, now: datetime, download_id: str) -> None:
    """Let a paused download go on. Raises: Unavailable, Conflict."""
    caller.require(Permission.MANAGE_MEDIA)
    row, client = _reach(database, outside, download_id)
    client.resume(row.client_ref or "")
    _moved(database, caller, now, download_id, DownloadState.QUEUED, f"{caller.name} let it go on.")


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
    """Take a download out of the queue.

    Args:
        from_client: Also out of the client; False leaves it there and forgets it (state `ignored`).
        delete_files: With what it has fetched; files in the library are never touched.
        blocklist: And never take this release again.
        search_again: And look for another one.

    Raises:
        Unavailable: The client does not answer; nothing was changed.
        Conflict: It is over already.

    Emits: DownloadChanged, DownloadRemoved, and SearchRequested when asked for.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        episodes = list(
            session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == download_id))
        )
    if not is_open(row.state):
        raise Conflict(_OVER)
    if from_client and row.client_ref is not None:
        row, client = _reach(database, outside, download_id)
        client.remove(row.client_ref or "", delete_files=delete_files)
    with database.writes() as session:
        present = get(session, Download, download_id, what="This download")
        if not is_open(present.state):
            raise Conflict(_OVER)  # somebody pressed twice, or two people once
        if blocklist:
            block_download(session, now, present, f"{caller.name} removed it.")
        left = from_client and present.client_ref is not None
        present.left_client_at = now if left else present.left_client_at
        note(present, now, f"{caller.name} removed it{'' if left else ' from the queue'}.", "note")
        new = DownloadState.REMOVED if from_client else DownloadState.IGNORED
        move(session, caller, now, present, new, reason=f"{caller.name} removed it.")
        emit(session, caller, DownloadRemoved(download_id, present.media_item_id, left, blocklist), at=now)
        if search_again and present.media_item_id is not None:
            emit(session, caller, SearchRequested(present.media_item_id, None, episodes or None), at=now)


def _reach(database: Database, outside: Outside, download_id: str) -> tuple[Download, DownloadClient]:
    with database.reads() as session:
        row = get(session, Download, download_id, what="This download")
        choices = settings.client_connections(session, enabled_only=False)
    choice = next((choice for choice in choices if choice.row.id == row.client_id), None)
    if choice is None or row.client_ref is None:
        raise NotFound(f"{row.client_name} is not set up any more, so this download cannot be reached.")
    return row, outside.download_client(choice.connection)


def _moved(
    database: Database, caller: Caller, now: datetime, download_id: str, new: DownloadState, reason: str
) -> None:
    with database.writes() as session:
        row = get(session, Download, download_id, what="This download")
        row.moved_at = now
        if may_move(row.state, new):
            move(session, caller, now, row, new, reason=reason)


# --- what Mydia did not start ---------------------------------------------------------------------------------------


def list_unknown(session: Session, caller: Caller) -> list[UnknownDownload]:
    """Return what lies in our categories of the clients without being ours, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(UnknownDownload).where(UnknownDownload.ignored.is_(False))
    return list(session.scalars(query.order_by(UnknownDownload.first_seen_at.desc(), UnknownDownload.id)))


def ignore_unknown(session: Session, caller: Caller, unknown_id: str) -> None:
    """Leave an unknown download alone for good."""
    caller.require(Permission.MANAGE_MEDIA)
    get(session, UnknownDownload, unknown_id, what="This download").ignored = True


def adopt(
    session: Session,
    caller: Caller,
    now: datetime,
    unknown_id: str,
    item_id: str,
    *,
    episode_ids: Sequence[str] = (),
    version_id: str | None = None,
) -> str:
    """Follow and import a download that Mydia did not start; returns its id.

    Args:
        episode_ids: What it brings; read from its name when not given.

    Raises:
        Invalid: Its name tells no episode of the series.

    Emits: ReleaseGrabbed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    unknown = get(session, UnknownDownload, unknown_id, what="This download")
    item = media.get_item(session, item_id)
    parsed = parse_release(unknown.name, "movie" if item.type == MediaType.MOVIE else "tv")
    quality = parsed.quality if parsed else Quality()
    brings = list(episode_ids)
    if item.type == MediaType.TV_SHOW and not brings and parsed is not None:
        known = media.episodes_of(session, item_id)
        brings = [episode.id for episode in find_episodes(parsed, known, anime=item.series_type == "anime")]
    if item.type == MediaType.TV_SHOW and not brings:
        raise Invalid(f"“{unknown.name}” tells no episode of {item.title}. Say which ones it brings.")
    client = settings.get_client(session, unknown.client_id)
    row = Download(
        media_item_id=item_id,
        version_id=version_id or media.default_version(session, item_id).id,
        media_title=f"{item.title} ({item.year})" if item.year else item.title,
        client_id=client.id,
        client_name=client.name,
        client_ref=unknown.client_ref,
        indexer_name=None,
        release_title=unknown.name,
        protocol=unknown.protocol,
        info_hash=unknown.client_ref if unknown.protocol == "torrent" else None,
        quality=quality.to_json(),
        quality_name=quality.name,
        size_bytes=unknown.size_bytes,
        cause="manual",
        requested_by=caller.id,
        reasons=[{"at": now.isoformat(), "text": f"{caller.name} adopted it from {client.name}.", "kind": "grab"}],
        state=DownloadState.QUEUED,
        state_since=now,
        progress=unknown.progress,
        output_path=unknown.output_path,
        added_at=now,
        moved_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(DownloadEpisode(download_id=row.id, episode_id=id) for id in brings)
    session.delete(unknown)
    event = ReleaseGrabbed(item_id, row.id, row.release_title, client.name, None, "manual", [row.reasons[0]["text"]])
    emit(session, caller, event, at=now)
    return row.id

"""Looks at the download clients and takes over what they tell. A client that does not answer changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from mydia import units
from mydia.adapters import download_clients
from mydia.adapters.download_clients import DownloadClient, RemoteDownload, RemoteState
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.blocklist import block_download
from mydia.contexts.downloads.grab import DEFAULT_CATEGORIES, grab_pending, recover_grabs
from mydia.contexts.downloads.history import finish_interrupted
from mydia.contexts.downloads.importing import recover_imports
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadState, PendingRelease, UnknownDownload
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.downloads.states import may_move, of_remote
from mydia.contexts.settings import ClientChoice
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.events import DownloadCompleted, DownloadFailed, emit

logger = logging.getLogger(__name__)

_S = DownloadState
_FETCHING = frozenset({_S.GRABBING, _S.QUEUED, _S.DOWNLOADING, _S.STALLED, _S.PAUSED})

# Looks in a row without it, and at least so long, before a download counts as removed: clients restart and re-check.
_STRIKES = 3
_GONE_AFTER = timedelta(seconds=30)
# Clients call a torrent stalled the moment nothing comes; people would not. Source: our judgement.
_STALLED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """What a pass over the clients found."""

    clients: int
    unreachable: int
    active: int
    """Downloads that are still coming in or wait for their import: look again soon."""
    completed: int
    failed: int

    def __str__(self) -> str:
        parts = [f"{self.active} active", f"{self.completed} completed", f"{self.failed} failed"]
        if self.unreachable:
            parts.append(f"{self.unreachable} of {self.clients} clients unreachable")
        return ", ".join(parts)


def monitor(database: Database, outside: Outside, now: datetime) -> MonitorReport:
    """Look at every client once.

    Emits: DownloadChanged, DownloadCompleted, DownloadFailed, ServiceStateChanged.
    """
    with database.reads() as session:
        choices = settings.client_connections(session)
        waiting = session.scalars(select(PendingRelease.id).limit(1)).first() is not None
    recover_grabs(database, outside, now)
    unreachable = completed = failed = 0
    for choice in choices:
        seen = _look_at(database, outside, now, choice)
        if seen is None:
            unreachable += 1
        else:
            completed, failed = completed + seen[0], failed + seen[1]
    if waiting and unreachable < len(choices):
        grab_pending(database, outside, now)
    with database.reads() as session:
        active = session.scalars(select(Download.id).where(Download.state.in_(_ACTIVE))).all()
    return MonitorReport(len(choices), unreachable, len(active), completed, failed)


_ACTIVE = (_S.GRABBING, _S.QUEUED, _S.DOWNLOADING, _S.COMPLETED, _S.IMPORTING)


def _look_at(database: Database, outside: Outside, now: datetime, choice: ClientChoice) -> tuple[int, int] | None:
    """Look at one client; returns how many downloads completed and failed, None when it did not answer."""
    client = outside.download_client(choice.connection)
    try:
        remotes = {remote.ref: remote for remote in client.list()}
    except AdapterError as error:
        with database.writes() as session:
            settings.record_failure(session, SYSTEM, now, "download_client", choice.row.id, error)
        return None
    completed = failed = 0
    leaving: list[tuple[str, str]] = []
    with database.writes() as session:
        settings.record_ok(session, now, "download_client", choice.row.id)
        for row in _followed(session, choice.row.id):
            before = row.state
            if _take_over(session, now, row, remotes.get(row.client_ref or "")):
                leaving.append((row.id, row.client_ref or ""))
            completed += before != row.state == _S.COMPLETED
            failed += before != row.state == _S.FAILED
        _note_unknown(session, now, choice, list(remotes.values()))
    for download_id, ref in leaving:
        _take_out(database, client, now, download_id, ref)
    return completed, failed


def _followed(session: Session, client_id: str) -> Sequence[Download]:
    """Return a client's downloads that are still of interest: open ones, and imported ones that go on seeding."""
    return session.scalars(
        select(Download).where(
            Download.client_id == client_id,
            Download.client_ref.is_not(None),
            or_(
                Download.state.in_(OPEN_STATES),
                (Download.state == _S.IMPORTED) & Download.left_client_at.is_(None),
            ),
        )
    ).all()


def _take_over(session: Session, now: datetime, row: Download, remote: RemoteDownload | None) -> bool:
    """Bring one row up to date; True when it is to be taken out of the client."""
    if remote is None:
        _missed(session, now, row)
        return False
    row.strikes, row.seen_at = 0, now
    row.speed_bytes_per_s, row.eta_s = remote.speed_bytes_per_s, remote.eta_s
    row.seeders, row.peers, row.ratio = remote.seeders, remote.peers, remote.ratio
    row.remote_message = remote.message
    row.size_bytes = remote.size_bytes or row.size_bytes
    row.output_path = remote.output_path or row.output_path
    if remote.progress > row.progress or row.moved_at is None:
        row.moved_at = now
    row.progress = remote.progress
    if row.state == _S.IMPORTED:
        return _has_seeded(row, remote)
    if row.state not in _FETCHING:
        return False
    new, reason = _judge(row, remote, now)
    hours = settings.of(session).downloads.give_up_stalled_hours
    if new in (_S.STALLED, _S.QUEUED) and hours and row.moved_at and now - row.moved_at > timedelta(hours=hours):
        fail(session, SYSTEM, now, row, f"Nothing came for {hours} hours; {_swarm(row)}.")
        return True
    if new is _S.FAILED:
        fail(session, SYSTEM, now, row, reason or f"{row.client_name} reports an error.")
        return False
    if new != row.state and may_move(row.state, new):
        move(session, SYSTEM, now, row, new, reason=reason)
        if new is _S.COMPLETED:
            row.completed_at, row.progress, row.eta_s, row.speed_bytes_per_s = now, 1.0, None, None
            emit(session, SYSTEM, DownloadCompleted(row.id, row.media_item_id), at=now)
    if new is _S.STALLED and reason:
        row.remote_message = reason
    return False


def _judge(row: Download, remote: RemoteDownload, now: datetime) -> tuple[DownloadState, str | None]:
    """Return the state that a client's words mean, with the sentence where there is one."""
    new = of_remote(remote.state)
    idle = now - (row.moved_at or now)
    if new is _S.STALLED and idle < _STALLED_AFTER:
        return (_S.DOWNLOADING if remote.progress > 0 else _S.QUEUED), None
    if new is _S.STALLED or (remote.state is RemoteState.FETCHING_METADATA and idle >= _STALLED_AFTER):
        what = "Its description cannot be fetched" if remote.state is RemoteState.FETCHING_METADATA else "Nothing comes"
        return _S.STALLED, f"{what} since {units.duration(idle.total_seconds())}; {_swarm(row)}."
    return new, remote.message


def _swarm(row: Download) -> str:
    if not row.seeders:
        return "nobody who has all of it is connected"
    return f"{row.seeders} {'has' if row.seeders == 1 else 'have'} all of it"


def _missed(session: Session, now: datetime, row: Download) -> None:
    """Note that a client answered without a download; after three looks it is believed."""
    row.strikes += 1
    last_seen = row.seen_at or row.state_since
    if row.strikes < _STRIKES or now - last_seen < _GONE_AFTER:
        return
    if row.state in _FETCHING:
        sentence = f"{row.client_name} no longer has it: somebody removed it there."
        note(row, now, sentence, "note")
        move(session, SYSTEM, now, row, _S.REMOVED, reason=sentence)
    elif row.state == _S.IMPORTED:
        row.left_client_at = now


def _has_seeded(row: Download, remote: RemoteDownload) -> bool:
    """Say whether an imported download may leave the client: only when that is configured and its goals are reached."""
    if not row.remove_after_seeding or remote.state not in (RemoteState.SEEDING, RemoteState.COMPLETED):
        return False
    goals = []
    if row.seed_ratio_goal is not None:
        goals.append(remote.ratio is not None and remote.ratio >= row.seed_ratio_goal)
    if row.seed_time_goal_min is not None:
        goals.append(remote.seeding_time_s is not None and remote.seeding_time_s >= row.seed_time_goal_min * 60)
    # Without goals of ours the client's own count: it stops a torrent that has reached them.
    return any(goals) if goals else remote.state is RemoteState.COMPLETED


def fail(session: Session, caller: Caller, now: datetime, row: Download, reason: str) -> None:
    """End a download as failed; where it is set so, its release is blocked and the event starts a new search.

    Emits: DownloadChanged, DownloadFailed.
    """
    note(row, now, reason, "fail")
    retry = settings.of(session).downloads.retry_failed and row.media_item_id is not None
    if retry:
        block_download(session, now, row, reason)
    move(session, caller, now, row, _S.FAILED, reason=reason)
    emit(session, caller, DownloadFailed(row.id, row.media_item_id, reason, retry), at=now)
    logger.warning("download failed", extra={"download_id": row.id, "reason": reason})


def _take_out(database: Database, client: DownloadClient, now: datetime, download_id: str, ref: str) -> None:
    try:
        client.remove(ref, delete_files=True)
    except AdapterError as error:
        logger.warning("a download could not be taken out of its client", extra={"reason": str(error)})
        return
    with database.writes() as session:
        row = session.get(Download, download_id)
        if row is not None:
            row.left_client_at = now


def _note_unknown(session: Session, now: datetime, choice: ClientChoice, remotes: Sequence[RemoteDownload]) -> None:
    """Keep the list of what lies in our categories without being ours."""
    options = choice.row.options
    ours = {
        *DEFAULT_CATEGORIES.values(),
        *(str(options[key]) for key in ("category", "movies_category", "series_category") if options.get(key)),
    }
    rows = session.execute(
        select(Download.client_ref, Download.info_hash).where(Download.client_id == choice.row.id)
    ).all()
    known = {ref for ref, _ in rows} | {info_hash for _, info_hash in rows}
    present = {
        row.client_ref: row
        for row in session.scalars(select(UnknownDownload).where(UnknownDownload.client_id == choice.row.id))
    }
    kind = download_clients.KINDS.get(choice.row.kind)
    strangers = [remote for remote in remotes if remote.category in ours and remote.ref not in known]
    for remote in strangers:
        row = present.pop(remote.ref, None)
        if row is None:
            row = UnknownDownload(
                client_id=choice.row.id,
                client_ref=remote.ref,
                protocol=kind.protocol if kind else "torrent",
                first_seen_at=now,
            )
            session.add(row)
        row.name, row.state, row.progress = remote.name, str(remote.state), remote.progress
        row.size_bytes, row.output_path, row.seen_at = remote.size_bytes, remote.output_path, now
    if present:
        session.execute(delete(UnknownDownload).where(UnknownDownload.id.in_([row.id for row in present.values()])))


def needs_looking(session: Session) -> bool:
    """Say whether anything is under way, so that clients are looked at every few seconds."""
    return session.scalars(select(Download.id).where(Download.state.in_(_ACTIVE)).limit(1)).first() is not None


def recover(database: Database, outside: Outside, now: datetime) -> str:
    """At the worker's start, before it takes jobs: settle grabs, searches and imports that were interrupted."""
    grabs = recover_grabs(database, outside, now, all=True)
    with database.writes() as session:
        searches = finish_interrupted(session, now, after=timedelta(minutes=1))
        imports = recover_imports(session, now)
    return f"{grabs} grabs, {searches} searches and {imports} imports cleared up"

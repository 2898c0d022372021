"""Checks the download clients and records what they report. A client that does not answer changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from mydia.adapters import download_clients
from mydia.adapters.download_clients import DownloadClient, RemoteDownload, RemoteState
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.blocklist import block_download
from mydia.contexts.downloads.grab import recover_grabs
from mydia.contexts.downloads.history import finish_interrupted
from mydia.contexts.downloads.importing import complete_size, recover_imports
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadState, PendingRelease, UnknownDownload
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.downloads.ownership import is_ours, may_leave_client
from mydia.contexts.downloads.pending import grab_pending
from mydia.contexts.downloads.states import may_move, of_remote
from mydia.contexts.downloads.unknown import record
from mydia.contexts.settings import ClientChoice
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.events import DownloadCompleted, DownloadFailed, Reason, emit, reason
from mydia.units import plural

logger = logging.getLogger(__name__)

_S = DownloadState
_FETCHING = frozenset({_S.GRABBING, _S.QUEUED, _S.DOWNLOADING, _S.STALLED, _S.PAUSED})
_ACTIVE = (_S.GRABBING, _S.QUEUED, _S.DOWNLOADING, _S.COMPLETED, _S.IMPORTING)

# A download counts as removed after this many consecutive checks without it and at least this long, because clients restart
# and re-check.
_STRIKES = 3
_GONE_AFTER = timedelta(seconds=30)
# With no more than this left, a download was about to finish. Clients are checked every few seconds while anything is active.
_NEARLY_ALL = 0.99
_ABOUT_TO_FINISH_S = 120
# Clients report a torrent as stalled as soon as nothing arrives, which is too early for users. Source: our judgement.
_STALLED_AFTER_S = 5 * 60
# States in which a client is trying to download. Time without progress only counts in these.
_TRYING = frozenset({RemoteState.DOWNLOADING, RemoteState.STALLED, RemoteState.FETCHING_METADATA})
# After a longer gap between two checks, Mydia or the client was off, and the time does not count.
_LONGEST_GAP_S = 15 * 60


class MonitorReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one pass over the clients."""

    clients: int
    unreachable: int
    active: int
    """Number of downloads that are running or waiting for their import; check again soon."""
    completed: int
    failed: int

    def __str__(self) -> str:
        parts = [f"{self.active} active", f"{self.completed} completed", f"{self.failed} failed"]
        if self.unreachable:
            parts.append(f"{self.unreachable} of {self.clients} clients unreachable")
        return ", ".join(parts)


def monitor(database: Database, outside: Outside, now: datetime) -> MonitorReport:
    """Check every client once.

    Emits: DownloadChanged, DownloadCompleted, DownloadFailed, ServiceStateChanged.
    """
    with database.reads() as session:
        choices = settings.clients.client_connections(session)
        waiting = session.scalars(select(PendingRelease.id).limit(1)).first() is not None
    recover_grabs(database, outside, now)
    unreachable = completed = failed = 0
    for choice in choices:
        seen = _check(database, outside, now, choice)
        if seen is None:
            unreachable += 1
        else:
            completed, failed = completed + seen[0], failed + seen[1]
    if waiting and unreachable < len(choices):
        grab_pending(database, outside, now)
    with database.reads() as session:
        active = session.scalars(select(Download.id).where(Download.state.in_(_ACTIVE))).all()
    return MonitorReport(
        clients=len(choices), unreachable=unreachable, active=len(active), completed=completed, failed=failed
    )


def _check(database: Database, outside: Outside, now: datetime, choice: ClientChoice) -> tuple[int, int] | None:
    """Check one client and return the number of completed and failed downloads, None if it did not answer."""
    client = outside.download_client(choice.connection)
    try:
        remotes = client.list()
    except AdapterError as error:
        with database.writes() as session:
            settings.services.record_failure(session, SYSTEM, now, "download_client", choice.row.id, error)
        return None
    completed = failed = 0
    leaving: list[tuple[str, str]] = []
    finished = _finished_before_leaving(database, outside, now, choice, remotes)
    with database.writes() as session:
        settings.services.record_ok(session, now, "download_client", choice.row.id)
        rows = _followed(session, choice.row.id)
        found = _pair(rows, remotes, choice)
        for row in rows:
            before = row.state
            if _update(session, now, row, found.get(row.id), finished=row.id in finished) and may_leave_client(
                session, row
            ):
                leaving.append((row.id, row.client_ref or ""))
            completed += before != row.state == _S.COMPLETED
            failed += before != row.state == _S.FAILED
        _record_unknown(session, now, choice, remotes)
    for download_id, ref in leaving:
        _take_out(database, client, now, download_id, ref)
    return completed, failed


def _followed(session: Session, client_id: str) -> Sequence[Download]:
    """Return a client's downloads that still matter: open ones, and imported ones that are seeding."""
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


def _pair(
    rows: Sequence[Download], remotes: Sequence[RemoteDownload], choice: ClientChoice
) -> Mapping[str, RemoteDownload]:
    """Return download id -> what the client reports about it.

    qBittorrent lists a magnet of a hybrid torrent under another id once it has the metadata. Such a torrent is identified by
    any of its info-hashes, or by its name if it is in one of Mydia's categories and no other row matches it.
    """
    by_ref = {remote.ref: remote for remote in remotes}
    by_hash = {info_hash: remote for remote in remotes for info_hash in remote.info_hashes}
    found: dict[str, RemoteDownload] = {}
    for row in rows:
        remote = (
            by_ref.get(row.client_ref or "") or by_hash.get(row.client_ref or "") or by_hash.get(row.info_hash or "")
        )
        if remote is not None:
            found[row.id] = remote
    claimed = {remote.ref for remote in found.values()}
    by_name = {remote.name: remote for remote in remotes if remote.ref not in claimed and is_ours(choice.row, remote)}
    for row in rows:
        if row.id not in found and row.protocol == "torrent" and row.release_title in by_name:
            found[row.id] = by_name[row.release_title]
    return found


def _finished_before_leaving(
    database: Database, outside: Outside, now: datetime, choice: ClientChoice, remotes: Sequence[RemoteDownload]
) -> frozenset[str]:
    """Return downloads that their client removed when they were complete, as qBittorrent does at a seeding limit.

    Nobody saw them complete, so they must have been about to, and all their files must be there.
    """
    with database.reads() as session:
        rows = _followed(session, choice.row.id)
        found = _pair(rows, remotes, choice)
        gone = [row for row in rows if row.id not in found and row.state in _FETCHING and _is_gone(now, row)]
    return frozenset(row.id for row in gone if _was_about_to_finish(row) and _is_all_there(outside, choice, row))


def _was_about_to_finish(row: Download) -> bool:
    return row.progress >= _NEARLY_ALL or (row.eta_s is not None and row.eta_s <= _ABOUT_TO_FINISH_S)


def _is_all_there(outside: Outside, choice: ClientChoice, row: Download) -> bool:
    try:
        size = complete_size(outside, choice, row.output_path)
    except AdapterError:
        return False
    return size is not None and row.size_bytes is not None and size >= row.size_bytes


def _update(
    session: Session, now: datetime, row: Download, remote: RemoteDownload | None, *, finished: bool = False
) -> bool:
    """Update one row and return whether the download can leave its client.

    Args:
        finished: The client removed it after it was complete.
    """
    if remote is None:
        _missed(session, now, row, finished=finished)
        return False
    if remote.ref != row.client_ref:
        row.client_ref = remote.ref
        note(row, now, reason("client.moved", client=row.client_name), "note")
    _observe_progress(session, now, row, remote)
    row.strikes, row.seen_at = 0, now
    row.speed_bytes_per_s, row.eta_s = remote.speed_bytes_per_s, remote.eta_s
    row.seeders, row.peers, row.ratio = remote.seeders, remote.peers, remote.ratio
    row.remote_message = remote.message
    row.size_bytes = remote.size_bytes or row.size_bytes
    row.output_path = remote.output_path or row.output_path
    row.progress = remote.progress
    if row.state == _S.IMPORTED:
        return _has_seeded(row, remote)
    if row.state not in _FETCHING:
        return False
    hours = settings.of(session).downloads.give_up_stalled_hours
    if hours and row.owned and remote.state in _TRYING and row.idle_s > hours * 3600:
        fail(session, SYSTEM, now, row, reason("failed.stalled", hours=hours, seeders=row.seeders))
        return True
    new, trouble = _judge(row, remote)
    if new is _S.FAILED:
        fail(session, SYSTEM, now, row, trouble or reason("failed.client-silent", client=row.client_name))
        return remote.state is RemoteState.ENCRYPTED
    row.trouble = None if trouble is None else trouble.to_json()
    if new != row.state and may_move(row.state, new):
        move(session, SYSTEM, now, row, new, because=trouble)
        if new is _S.COMPLETED:
            row.completed_at, row.progress, row.eta_s, row.speed_bytes_per_s = now, 1.0, None, None
            emit(session, SYSTEM, DownloadCompleted(row.id, row.media_item_id), at=now)
    return False


def _observe_progress(session: Session, now: datetime, row: Download, remote: RemoteDownload) -> None:
    """Update the time without progress. Only time between two checks that both saw the client trying counts."""
    if remote.progress > row.progress or row.moved_at is None:
        row.moved_at, row.idle_s = now, 0
        return
    if remote.state not in _TRYING or row.state not in (_S.DOWNLOADING, _S.STALLED, _S.QUEUED) or row.seen_at is None:
        return
    interval_s = settings.of(session).downloads.monitor_interval_minutes * 60
    gap_s = (now - row.seen_at).total_seconds()
    if 0 < gap_s <= max(_LONGEST_GAP_S, 2 * interval_s):
        row.idle_s += int(gap_s)


def _judge(row: Download, remote: RemoteDownload) -> tuple[DownloadState, Reason | None]:
    """Return the state that corresponds to a client's report, and the reason for a lack of progress."""
    match remote.state:
        case RemoteState.LOCAL_ERROR:
            because = reason("local.client-error", client=row.client_name, message=remote.message or "no details")
            return _S.PAUSED, because
        case RemoteState.MISSING_FILES:
            return _S.PAUSED, reason("local.files-missing", client=row.client_name)
        case RemoteState.ENCRYPTED:
            return _S.FAILED, reason("failed.encrypted")
        case RemoteState.FAILED if remote.message:
            return _S.FAILED, reason("failed.client", client=row.client_name, message=remote.message)
        case RemoteState.STALLED | RemoteState.FETCHING_METADATA if row.idle_s >= _STALLED_AFTER_S:
            code = "stalled" if remote.state is RemoteState.STALLED else "stalled.metadata"
            return _S.STALLED, reason(code, idle=row.idle_s, seeders=row.seeders)
        case RemoteState.STALLED:
            return (_S.DOWNLOADING if remote.progress > 0 else _S.QUEUED), None
        case _:
            return of_remote(remote.state), None


def _is_gone(now: datetime, row: Download) -> bool:
    """Return whether a download that its client does not list this time either counts as removed: after three checks."""
    return row.strikes + 1 >= _STRIKES and now - (row.seen_at or row.state_since) >= _GONE_AFTER


def _missed(session: Session, now: datetime, row: Download, *, finished: bool) -> None:
    """Record that a client did not list a download."""
    gone = _is_gone(now, row)
    row.strikes += 1
    if not gone:
        return
    if row.state in _FETCHING and finished:
        because = reason("client.removed-complete", client=row.client_name)
        row.trouble, row.progress, row.completed_at, row.left_client_at = None, 1.0, now, now
        note(row, now, because, "note")
        move(session, SYSTEM, now, row, _S.COMPLETED, because=because)
        emit(session, SYSTEM, DownloadCompleted(row.id, row.media_item_id), at=now)
    elif row.state in _FETCHING:
        because = reason("client.removed", client=row.client_name)
        row.trouble = None
        note(row, now, because, "note")
        move(session, SYSTEM, now, row, _S.REMOVED, because=because)
    elif row.state == _S.IMPORTED:
        row.left_client_at = now


def _has_seeded(row: Download, remote: RemoteDownload) -> bool:
    """Return whether to remove an imported download from the client: if that is configured and its seeding goals are reached."""
    if (
        not row.owned
        or not row.remove_after_seeding
        or remote.state not in (RemoteState.SEEDING, RemoteState.COMPLETED)
    ):
        return False
    goals = []
    if row.seed_ratio_goal is not None:
        goals.append(remote.ratio is not None and remote.ratio >= row.seed_ratio_goal)
    if row.seed_time_goal_min is not None:
        goals.append(remote.seeding_time_s is not None and remote.seeding_time_s >= row.seed_time_goal_min * 60)
    # Without goals in Mydia, the client's own goals apply: it stops a torrent that has reached them.
    return any(goals) if goals else remote.state is RemoteState.COMPLETED


def fail(session: Session, caller: Caller, now: datetime, row: Download, because: Reason) -> None:
    """Mark a download as failed. With `downloads.retry_failed` its release is blocked, and the event starts a new search.

    Emits: DownloadChanged, DownloadFailed.
    """
    note(row, now, because, "fail")
    row.trouble = None
    retry = settings.of(session).downloads.retry_failed and row.media_item_id is not None
    if retry:
        block_download(session, now, row, because)
    move(session, caller, now, row, _S.FAILED, because=because)
    emit(session, caller, DownloadFailed(row.id, row.media_item_id, because.to_json(), retry), at=now)
    logger.warning("download failed", extra={"download_id": row.id, "reason": str(because)})


def _take_out(database: Database, client: DownloadClient, now: datetime, download_id: str, ref: str) -> None:
    try:
        client.remove(ref, delete_files=True)
    except AdapterError as error:
        logger.warning("failed download not removed from its client", extra={"reason": str(error)})
        return
    with database.writes() as session:
        row = session.get(Download, download_id)
        if row is not None:
            row.left_client_at = now


def _record_unknown(session: Session, now: datetime, choice: ClientChoice, remotes: Sequence[RemoteDownload]) -> None:
    """Update the list of downloads that Mydia did not start: those in its categories, and those it wanted to grab."""
    rows = session.execute(
        select(Download.client_ref, Download.info_hash).where(Download.client_id == choice.row.id)
    ).all()
    known = {ref for ref, _ in rows} | {info_hash for _, info_hash in rows}
    present = {
        row.client_ref: row
        for row in session.scalars(select(UnknownDownload).where(UnknownDownload.client_id == choice.row.id))
    }
    kind = download_clients.KINDS.get(choice.row.kind)
    for remote in remotes:
        row = present.get(remote.ref)
        wanted = row is not None and row.wanted_for is not None
        if not known.isdisjoint({remote.ref, *remote.info_hashes}) or not (wanted or is_ours(choice.row, remote)):
            continue
        present.pop(remote.ref, None)
        if row is None:
            row = UnknownDownload(
                client_id=choice.row.id,
                client_ref=remote.ref,
                protocol=kind.protocol if kind else "torrent",
                first_seen_at=now,
            )
            session.add(row)
        record(row, now, remote)
    if present:
        session.execute(delete(UnknownDownload).where(UnknownDownload.id.in_([row.id for row in present.values()])))


def recover(database: Database, outside: Outside, now: datetime) -> str:
    """Settle grabs, searches and imports that a crash interrupted. Runs when the worker starts, before its jobs."""
    grabs = recover_grabs(database, outside, now, all=True)
    with database.writes() as session:
        searches = finish_interrupted(session, now, after=timedelta(minutes=1))
        imports = recover_imports(session, now)
    return (
        f"recovered {plural(grabs, 'grab')}, {plural(searches, 'search', 'searches')} and {plural(imports, 'import')}"
    )

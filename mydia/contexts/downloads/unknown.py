"""Downloads in the clients that Mydia did not start: listed, adopted on request, or ignored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.download_clients import RemoteDownload
from mydia.contexts import media, settings
from mydia.contexts.downloads.links import read_name
from mydia.contexts.downloads.models import Download, DownloadEpisode, DownloadState, SearchCause, UnknownDownload
from mydia.contexts.downloads.storing import shown_facts
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.events import ReleaseGrabbed, emit, reason
from mydia.parsing import Quality


def list_unknown(session: Session, caller: Caller) -> list[UnknownDownload]:
    """Return downloads that Mydia did not start, newest first.

    These are the ones in Mydia's categories, and those outside of them that Mydia wanted to grab.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(UnknownDownload).where(UnknownDownload.ignored.is_(False))
    return list(session.scalars(query.order_by(UnknownDownload.first_seen_at.desc(), UnknownDownload.id)))


def ignore_unknown(session: Session, caller: Caller, unknown_id: str) -> None:
    """Never offer an unknown download again. It is not changed in its client."""
    caller.require(Permission.MANAGE_MEDIA)
    get(session, UnknownDownload, unknown_id, what="This download").ignored = True


def offer_for(
    session: Session, now: datetime, client_id: str, protocol: str, remote: RemoteDownload, item_id: str
) -> UnknownDownload:
    """Offer a download outside of Mydia's categories for adoption, because Mydia wanted to grab the same release."""
    row = session.scalars(
        select(UnknownDownload).where(UnknownDownload.client_id == client_id, UnknownDownload.client_ref == remote.ref)
    ).first()
    if row is None:
        row = UnknownDownload(client_id=client_id, client_ref=remote.ref, protocol=protocol, first_seen_at=now)
        session.add(row)
    record(row, now, remote)
    row.wanted_for = item_id
    session.flush()
    return row


def record(row: UnknownDownload, now: datetime, remote: RemoteDownload) -> None:
    """Copy the client's report about a download into its row."""
    row.name, row.state, row.progress = remote.name, remote.state, remote.progress
    row.size_bytes, row.output_path, row.seen_at = remote.size_bytes, remote.output_path, now


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
    """Track and import a download that Mydia did not start; returns its id.

    It stays in its client, and its files are never deleted.

    Args:
        episode_ids: The episodes it contains; empty takes them from its name.
        version_id: The version it is for; None is the default version.

    Raises:
        Invalid: Its name does not match any episode of the series.

    Emits: ReleaseGrabbed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    unknown = get(session, UnknownDownload, unknown_id, what="This download")
    item = media.get_item(session, caller, item_id)
    parsed, brings = read_name(session, item, unknown.name, episode_ids)
    quality = parsed.quality if parsed else Quality()
    client = settings.clients.get_client(session, SYSTEM, unknown.client_id)
    because = reason("grab.adopted", by=caller.name, client=client.name).to_json()
    row = Download(
        media_item_id=item_id,
        version_id=media.versions.get_version(session, item_id, version_id).id,
        media_title=f"{item.title} ({item.year})" if item.year else item.title,
        client_id=client.id,
        client_name=client.name,
        client_ref=unknown.client_ref,
        owned=False,
        release_title=unknown.name,
        protocol=unknown.protocol,
        info_hash=unknown.client_ref if unknown.protocol == "torrent" else None,
        parsed=shown_facts(parsed),
        quality=quality.to_json(),
        quality_name=quality.name,
        size_bytes=unknown.size_bytes,
        cause=SearchCause.MANUAL,
        requested_by=caller.id,
        reasons=[{"at": now.isoformat(), "kind": "grab", **because}],
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
    event = ReleaseGrabbed(
        media_item_id=item_id,
        download_id=row.id,
        release_title=row.release_title,
        client=client.name,
        indexer=None,
        cause=SearchCause.MANUAL,
        reasons=[because],
    )
    emit(session, caller, event, at=now)
    return row.id

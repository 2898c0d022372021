"""Keeps releases that must wait: for their delay, or for a client that does not answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.contexts.downloads.decisions import Verdict
from mydia.contexts.downloads.models import Download, DownloadEpisode, PendingReason, PendingRelease, Release, Search
from mydia.contexts.users import Caller
from mydia.db import get
from mydia.events import ReleaseDelayed, emit

# Objections that end at a known time. The others, such as a movie that is not out yet, end with another search.
_TIMED = ("delay", "pending-overlaps", "too-new")
_MOST = 20
"""Releases of one search that wait; the best are kept."""


def keep_waiting(
    session: Session, caller: Caller, now: datetime, search_id: str, *, covered: Collection[str] = ()
) -> int:
    """Keep the releases of a search that only have to wait, and return how many are new.

    A release that waits already keeps its place; what the newer search found about it is used.

    Args:
        covered: Episodes that a better release was grabbed for.

    Emits: ReleaseDelayed, for the best new one.
    """
    search = get(session, Search, search_id, what="This search")
    rows = session.scalars(
        select(Release)
        .where(Release.search_id == search_id, Release.verdict == Verdict.WAITING)
        .order_by(Release.position)
    )
    found = [row for row in rows if _only_timed(row) and _is_open(row, covered)][:_MOST]
    present = {
        (release.indexer_id, release.guid): waits
        for waits, release in session.execute(
            select(PendingRelease, Release)
            .join(Release, Release.id == PendingRelease.release_id)
            .where(PendingRelease.media_item_id == search.media_item_id, PendingRelease.version_id == search.version_id)
        )
    }
    new: list[Release] = []
    for release in found:
        known = present.get((release.indexer_id, release.guid))
        if known is None:
            known = PendingRelease(
                media_item_id=search.media_item_id,
                version_id=search.version_id,
                reason=PendingReason.DELAY,
                message="",
                since_at=now,
            )
            session.add(known)
            new.append(release)
        known.release_id = release.id
        known.because, known.until_at = wait_of(release, now)
        session.flush()
    if new:
        until_at = min(row.until_at for row in _rows(session, new) if row.until_at is not None)
        emit(
            session,
            caller,
            ReleaseDelayed(
                media_item_id=search.media_item_id,
                release_title=new[0].title,
                until_at=until_at.isoformat(),
                count=len(new),
            ),
            at=now,
        )
    return len(new)


def _rows(session: Session, releases: Iterable[Release]) -> list[PendingRelease]:
    ids = [release.id for release in releases]
    return list(session.scalars(select(PendingRelease).where(PendingRelease.release_id.in_(ids))))


def _only_timed(release: Release) -> bool:
    return all(objection["reason"] in _TIMED for objection in release.objections)


def _is_open(release: Release, covered: Collection[str]) -> bool:
    """Return whether none of a release's episodes is covered."""
    return not any(str(id) in covered for id in release.episode_ids)


def wait_of(release: Release, now: datetime) -> tuple[dict[str, Any], datetime]:
    """Return what a release waits for, and until when."""
    objections: list[Mapping[str, Any]] = sorted(release.objections, key=lambda one: _TIMED.index(one["reason"]))
    first = objections[0]
    return {"code": first["code"], "facts": first["facts"]}, max(_until(one["facts"], now) for one in objections)


def _until(facts: Mapping[str, Any], now: datetime) -> datetime:
    if "until" in facts:
        return datetime.fromisoformat(str(facts["until"]))
    return now + timedelta(minutes=int(facts["minimum"]) - int(facts["age"]))


def keep_for_client(session: Session, now: datetime, release_id: str, message: str) -> None:
    """Keep a release until its client answers."""
    release = session.get(Release, release_id)
    if release is None or release.media_item_id is None:
        return
    row = session.scalars(select(PendingRelease).where(PendingRelease.release_id == release_id)).first()
    if row is None:
        row = PendingRelease(
            release_id=release_id,
            media_item_id=release.media_item_id,
            version_id=release.version_id,
            since_at=now,
        )
        session.add(row)
    row.reason, row.message, row.because, row.until_at = PendingReason.CLIENT_UNAVAILABLE, message, {}, None


def forget_overlapping(session: Session, download: Download) -> None:
    """Drop what waits for the same film or episodes as a download that was started."""
    brought = set(session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == download.id)))
    rows = session.execute(
        select(PendingRelease.id, Release.episode_ids)
        .join(Release, Release.id == PendingRelease.release_id)
        .where(PendingRelease.media_item_id == download.media_item_id, PendingRelease.version_id == download.version_id)
    ).all()
    gone = [id for id, episode_ids in rows if not brought or not episode_ids or brought & set(map(str, episode_ids))]
    if gone:
        session.execute(delete(PendingRelease).where(PendingRelease.id.in_(gone)))

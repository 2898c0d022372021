"""Releases that wait: the list, and taking the best ones when their time has come."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.adapters.errors import Limited
from mydia.adapters.indexers import IndexerRelease
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.downloads import gathering, storing
from mydia.contexts.downloads.decisions import Candidate, Decision, Facts, Verdict, decide, make_candidate
from mydia.contexts.downloads.grab import AlreadyComing, AlreadyInClient, Refusal, ReleaseGone, grab
from mydia.contexts.downloads.models import PendingReason, PendingRelease, Release
from mydia.contexts.downloads.targets import SearchTarget
from mydia.contexts.downloads.waiting import keep_for_client, wait_of
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, NotFound, Unavailable
from mydia.events import PendingReleaseRemoved, emit, say

logger = logging.getLogger(__name__)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A release that waits, for pages and the API."""

    id: str
    release_id: str
    media_item_id: str
    media_title: str
    episodes: str
    """`S01E02`; empty for a film."""
    release_title: str
    quality_name: str
    format_score: int
    size_bytes: int | None
    indexer_name: str
    protocol: str
    reason: PendingReason
    why: str
    """What it waits for, as a sentence."""
    since_at: datetime
    until_at: datetime | None
    """None: until its client answers."""


def list_pending(session: Session, caller: Caller, *, media_item_id: str | None = None) -> list[Waiting]:
    """Return what waits, those whose time comes first at the top.

    Args:
        media_item_id: Only of this title.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(PendingRelease, Release, media.MediaItem.title, media.MediaItem.year)
        .join(Release, Release.id == PendingRelease.release_id)
        .join(media.MediaItem, media.MediaItem.id == PendingRelease.media_item_id)
        .order_by(PendingRelease.until_at.is_(None), PendingRelease.until_at, Release.position, PendingRelease.id)
    )
    if media_item_id is not None:
        query = query.where(PendingRelease.media_item_id == media_item_id)
    rows = session.execute(query).all()
    codes = _episode_codes(session, [release for _, release, _, _ in rows])
    return [
        Waiting(
            id=waits.id,
            release_id=release.id,
            media_item_id=waits.media_item_id,
            media_title=f"{title} ({year})" if year else title,
            episodes=codes.get(release.id, ""),
            release_title=release.title,
            quality_name=release.quality_name,
            format_score=release.format_score,
            size_bytes=release.size_bytes,
            indexer_name=release.indexer_name,
            protocol=release.protocol,
            reason=waits.reason,
            why=waits.message or say(waits.because),
            since_at=waits.since_at,
            until_at=waits.until_at,
        )
        for waits, release, title, year in rows
    ]


def _episode_codes(session: Session, releases: Sequence[Release]) -> dict[str, str]:
    ids = {str(id) for release in releases for id in release.episode_ids}
    if not ids:
        return {}
    known = {
        id: f"S{season:02}E{number:02}"
        for id, season, number in session.execute(
            select(media.Episode.id, media.Episode.season_number, media.Episode.episode_number).where(
                media.Episode.id.in_(ids)
            )
        )
    }
    found: dict[str, str] = {}
    for release in releases:
        codes = sorted(code for id in release.episode_ids if (code := known.get(str(id))))
        if codes:
            found[release.id] = codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1]}"
    return found


def get_pending(session: Session, caller: Caller, pending_id: str) -> PendingRelease:
    """Return what waits. Raises: NotFound, if it was taken or removed."""
    caller.require(Permission.MANAGE_MEDIA)
    return get(session, PendingRelease, pending_id, what="This waiting release")


def remove_pending(session: Session, caller: Caller, now: datetime, pending_id: str) -> None:
    """Stop waiting for a release. A later search may find it again. Emits: PendingReleaseRemoved."""
    row = get_pending(session, caller, pending_id)
    release = get(session, Release, row.release_id, what="This release")
    emit(
        session,
        caller,
        PendingReleaseRemoved(media_item_id=row.media_item_id, release_title=release.title),
        at=now,
    )
    session.delete(row)
    session.flush()


def take_now(database: Database, outside: Outside, caller: Caller, now: datetime, pending_id: str) -> str:
    """Grab a waiting release at once and return the download's id.

    Raises:
        NotFound: It was taken or removed in the meantime.

    Emits: ReleaseGrabbed.
    """
    with database.reads() as session:
        release_id = get_pending(session, caller, pending_id).release_id
    download_id = grab(database, outside, caller, now, release_id, override=True)
    with database.writes() as session:
        session.execute(delete(PendingRelease).where(PendingRelease.id == pending_id))
    return download_id


def grab_pending(database: Database, outside: Outside, now: datetime) -> list[str]:
    """Grab releases that were waiting for a client that answers again."""
    with database.reads() as session:
        rows = session.execute(
            select(PendingRelease.id, PendingRelease.release_id)
            .where(PendingRelease.reason == PendingReason.CLIENT_UNAVAILABLE)
            .order_by(PendingRelease.since_at)
        ).all()
    taken: list[str] = []
    for pending_id, release_id in rows:
        try:
            taken.append(grab(database, outside, SYSTEM, now, release_id, automatic=True))
        except Limited:
            continue
        except Unavailable:
            break
        except (NotFound, Conflict, Invalid) as error:
            logger.info("waiting release dropped", extra={"reason": str(error)})
        with database.writes() as session:
            session.execute(delete(PendingRelease).where(PendingRelease.id == pending_id))
    return taken


def take_due(database: Database, outside: Outside, now: datetime) -> list[str]:
    """Judge again what has waited long enough, grab the best of it and return the downloads' ids.

    All releases that wait for the same are compared, also those that would have to wait longer. A run that was killed is
    simply run again: grabbing twice returns the same download, and a grabbed release no longer waits.
    """
    with database.reads() as session:
        due = session.execute(
            select(PendingRelease.media_item_id, PendingRelease.version_id)
            .where(PendingRelease.reason == PendingReason.DELAY, PendingRelease.until_at <= now)
            .distinct()
        ).all()
    taken: list[str] = []
    for item_id, version_id in due:
        try:
            taken += _take_best(database, outside, now, SearchTarget(item_id, version_id))
        except NotFound:
            logger.info("title of waiting releases was removed", extra={"media_item_id": item_id})
    return taken


def _take_best(database: Database, outside: Outside, now: datetime, target: SearchTarget) -> list[str]:
    free = gathering.free_bytes(database, outside, target)
    with database.reads() as session:
        gathered = gathering.gather(session, now, target, interactive=False, free_bytes=free)
        rows = {
            release.id: (waits, release)
            for waits, release in session.execute(
                select(PendingRelease, Release)
                .join(Release, Release.id == PendingRelease.release_id)
                .where(
                    PendingRelease.media_item_id == target.item_id,
                    PendingRelease.version_id == target.version_id,
                    PendingRelease.reason == PendingReason.DELAY,
                )
            )
        }
        priorities = {row.id: row.priority for row in settings.indexers.list_indexers(session, SYSTEM)}
    stored = {candidate_key(release): id for id, (_, release) in rows.items()}
    decisions = decide(
        [candidate_of(release, gathered.facts, priorities) for _, release in rows.values()], gathered.facts
    )
    ranked = [(stored[one.candidate.indexer_id, one.candidate.release.guid], one) for one in decisions]
    with database.writes() as session:
        for place, (release_id, decision) in enumerate(ranked):
            _judged_again(session, now, release_id, decision, gathered.facts, place)
    return _grab_in_order(database, outside, now, [(id, one) for id, one in ranked if one.verdict is Verdict.APPROVED])


def _judged_again(
    session: Session, now: datetime, release_id: str, decision: Decision, facts: Facts, place: int
) -> None:
    """Store a new verdict: what is refused by now no longer waits, and what waits may wait until another time."""
    release = session.get(Release, release_id)
    row = session.scalars(select(PendingRelease).where(PendingRelease.release_id == release_id)).first()
    if release is None or row is None:
        return
    storing.judge_again(release, decision, facts)
    release.position = place
    if decision.verdict is Verdict.REFUSED:
        logger.info("waiting release dropped", extra={"release_id": release_id})
        session.delete(row)
    elif decision.verdict is Verdict.WAITING and all("until" in o["facts"] for o in release.objections):
        row.because, row.until_at = wait_of(release, now)


def _grab_in_order(
    database: Database, outside: Outside, now: datetime, approved: Sequence[tuple[str, Decision]]
) -> list[str]:
    taken: list[str] = []
    covered: set[str] = set()
    for release_id, decision in approved:
        brings = decision.candidate.episode_ids
        if taken and (not brings or brings & covered):
            continue
        try:
            taken.append(grab(database, outside, SYSTEM, now, release_id, automatic=True))
        except Unavailable as error:
            with database.writes() as session:
                keep_for_client(session, now, release_id, str(error))
            break
        except (AlreadyComing, AlreadyInClient, ReleaseGone, Refusal, NotFound, Conflict, Invalid) as error:
            logger.info("waiting release dropped", extra={"release_id": release_id, "reason": str(error)})
            with database.writes() as session:
                session.execute(delete(PendingRelease).where(PendingRelease.release_id == release_id))
            continue
        covered |= brings
    return taken


def candidate_key(release: Release) -> tuple[str, str]:
    """Return what identifies a stored release among candidates."""
    return release.indexer_id or "", release.guid


def candidate_of(release: Release, facts: Facts, priorities: dict[str, int]) -> Candidate:
    """Return a stored release as a candidate, to be judged again.

    Args:
        priorities: Indexer -> its priority.
    """
    return make_candidate(
        as_found(release),
        facts,
        indexer_id=release.indexer_id or "",
        indexer_name=release.indexer_name,
        indexer_priority=priorities.get(release.indexer_id or "", 25),
    )


def as_found(release: Release) -> IndexerRelease:
    """Return a stored release as its indexer listed it, without its links."""
    return IndexerRelease(
        guid=release.guid,
        title=release.title,
        protocol=release.protocol,
        download_url=None,
        info_hash=release.info_hash,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        seeders=release.seeders,
        peers=release.peers,
        flags=tuple(map(str, release.flags)),
        languages=tuple(map(str, release.parsed.get("languages") or ())),
    )

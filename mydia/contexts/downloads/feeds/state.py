"""How far each feed was read, and the gaps: releases that appeared and were never seen."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.indexers import IndexerRelease, Known, Newest, mark_of
from mydia.contexts import settings
from mydia.contexts.downloads.models import FeedState, GapReason
from mydia.contexts.users import SYSTEM
from mydia.events import FeedGapFound, emit

CATCH_UP = 1_000
"""Most releases that are read of one feed at once. Source: arr-stack §4.1."""
FIRST_READ = 100
"""Releases of the first read, which has nothing to catch up with."""
_KEPT_MARKS = 1_000
# A page that fails in every read must not keep the feed from ever moving on.
_MOST_ATTEMPTS = 3


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Releases between two instants were not seen."""

    since: datetime | None
    until: datetime | None
    reason: GapReason


def states(session: Session) -> dict[str, FeedState]:
    """Return indexer id -> state."""
    return {row.indexer_id: row for row in session.scalars(select(FeedState))}


def source_of(choice: settings.indexers.IndexerChoice) -> str:
    """Return a digest of what the feed depends on."""
    connection = choice.connection
    options = sorted(f"{key}={value}" for key, value in connection.options.items() if "categories" in key)
    return blake2b("\n".join([connection.kind, connection.url, *options]).encode(), digest_size=8).hexdigest()


def known_of(state: FeedState | None, choice: settings.indexers.IndexerChoice) -> Known:
    """Return what was read of an indexer's feed before."""
    if state is None or state.source != source_of(choice):
        return Known()
    return Known(marks=frozenset(map(str, state.marks)), published_at=state.published_at)


def fresh(newest: Newest, known: Known) -> tuple[IndexerRelease, ...]:
    """Return the releases that were not seen before."""
    return tuple(release for release in newest.releases if mark_of(release) not in known.marks)


def find_gap(known: Known, newest: Newest, attempts: int) -> Gap | None:
    """PURE. Return the gap between what was known and what was read; None if there is none or it may still be closed.

    Args:
        attempts: Consecutive reads that failed after the first page, with this one.
    """
    if not known.marks or newest.reached or not newest.releases:
        return None
    if newest.failure is not None:
        reason = GapReason.FAILED if attempts >= _MOST_ATTEMPTS else None
    else:
        reason = GapReason.FEED_SHORT if newest.ended else GapReason.LIMIT
    if reason is None:
        return None
    dates = [release.published_at for release in newest.releases if release.published_at is not None]
    return Gap(since=known.published_at, until=min(dates, default=None), reason=reason)


def advance(
    session: Session,
    now: datetime,
    choice: settings.indexers.IndexerChoice,
    newest: Newest,
    *,
    listed: int,
    matched: int,
) -> Gap | None:
    """Record that a feed was read, and return the gap if there is one.

    After a failure in the middle the next read starts at the same place, a few times.

    Args:
        listed: New releases.
        matched: Those of them that belong to a wanted title.

    Emits: FeedGapFound.
    """
    row = session.get(FeedState, choice.row.id)
    known = known_of(row, choice)
    if row is None:
        row = FeedState(indexer_id=choice.row.id, source=source_of(choice), marks=[], read_at=now, attempts=0)
        session.add(row)
    elif row.source != source_of(choice):
        row.marks, row.published_at, row.attempts = [], None, 0
        row.gap_from, row.gap_to, row.gap_reason, row.gap_found_at = None, None, None, None
    row.source, row.read_at, row.listed, row.matched = source_of(choice), now, listed, matched
    row.attempts = 0 if newest.failure is None else row.attempts + 1
    gap = find_gap(known, newest, row.attempts)
    if newest.failure is not None and known.marks and gap is None and not newest.reached:
        return None
    row.attempts = 0
    row.marks = list(dict.fromkeys([*map(mark_of, newest.releases), *map(str, row.marks)]))[:_KEPT_MARKS]
    # A date in the future would make everything after it look old.
    dates = [at for release in newest.releases if (at := release.published_at) is not None and at <= now]
    row.published_at = max([*dates, *([row.published_at] if row.published_at else [])], default=None)
    if gap is not None:
        row.gap_from, row.gap_to, row.gap_reason, row.gap_found_at = gap.since, gap.until, gap.reason, now
        emit(
            session,
            SYSTEM,
            FeedGapFound(
                indexer_id=choice.row.id,
                name=choice.row.name,
                since=None if gap.since is None else gap.since.isoformat(),
                until=None if gap.until is None else gap.until.isoformat(),
                reason=gap.reason,
            ),
            at=now,
        )
    return gap

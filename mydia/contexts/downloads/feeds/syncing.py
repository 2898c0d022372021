"""RSS sync: reads the newest releases of all indexers, and grabs the best ones for wanted titles."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select

from mydia import units
from mydia.adapters.indexers import Answered, Indexer, Known, Newest, ask_all
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.feeds import judging, state
from mydia.contexts.downloads.feeds.matching import Listed, Match, match
from mydia.contexts.downloads.grab import grab_best
from mydia.contexts.downloads.models import Search, SearchCause, SearchPhase
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import MydiaError

logger = logging.getLogger(__name__)

_DEADLINE_S = 120.0
_WORKERS = 8
# Versions that are judged and stored at once, so that the write lock is held briefly.
_SLICE = 50
# A feed's search that is still open after this long was interrupted before its releases were grabbed.
_INTERRUPTED = timedelta(minutes=2)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one run."""

    indexers: int
    failed: int
    listed: int
    """New releases."""
    matched: int
    """Those of them that belong to a wanted title."""
    grabbed: tuple[str, ...]
    """Ids of downloads."""
    gaps: int

    def __str__(self) -> str:
        """Return the words for the tasks page."""
        if not self.indexers:
            return "no indexer to read"
        said = (
            f"{units.plural(self.listed, 'new release')}, {self.matched} for wanted titles, {len(self.grabbed)} grabbed"
        )
        if self.failed:
            said += f"; {self.failed} of {units.plural(self.indexers, 'indexer')} failed"
        return said + (f"; {units.plural(self.gaps, 'gap')}" if self.gaps else "")


class _Read(msgspec.Struct, frozen=True):
    """What one indexer answered, with what was known before."""

    choice: settings.indexers.IndexerChoice
    known: Known
    answer: Answered[Newest]

    @property
    def listed(self) -> tuple[Listed, ...]:
        """Return its new releases."""
        if self.answer.result is None:
            return ()
        row = self.choice.row
        return tuple(
            Listed(release=release, indexer_id=row.id, indexer_name=row.name, indexer_priority=row.priority)
            for release in state.fresh(self.answer.result, self.known)
        )


def sync(
    database: Database,
    outside: Outside,
    now: datetime,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Read the feeds of all indexers that allow it, and grab what is wanted.

    A run that is killed loses nothing: what was stored is grabbed by the next run, and a feed counts as read only when its
    decisions are stored.

    Emits: FeedGapFound, ServiceStateChanged, ReleaseGrabbed.
    """
    grabbed = resume(database, outside, now)
    reads = _read(database, outside, now)
    listed = [one for read in reads for one in read.listed]
    with database.reads() as session:
        matches = match(session, listed)
    for start in range(0, len(matches), _SLICE):
        if cancelled():
            return _report(reads, listed, matches, grabbed, gaps=0)
        if on_progress is not None:
            on_progress(start, len(matches), "")
        grabbed += take(database, outside, now, matches[start : start + _SLICE])
    gaps = _record(database, now, reads, matches)
    return _report(reads, listed, matches, grabbed, gaps=gaps)


def take(
    database: Database,
    outside: Outside,
    now: datetime,
    matches: Sequence[Match],
) -> list[str]:
    """Judge, store and grab, and return the ids of the downloads."""
    judged = judging.judge(database, outside, now, matches)
    with database.writes() as session:
        ids = [judging.store(session, now, one) for one in judged]
    return [download_id for search_id in ids for download_id in grab_stored(database, outside, SYSTEM, now, search_id)]


def resume(database: Database, outside: Outside, now: datetime) -> list[str]:
    """Grab what an interrupted run approved, and return the ids of the downloads."""
    with database.reads() as session:
        query = select(Search.id).where(
            Search.cause == SearchCause.RSS,
            Search.state == SearchPhase.RUNNING,
            Search.started_at < now - _INTERRUPTED,
        )
        ids = session.scalars(query.order_by(Search.id)).all()
    return [download_id for search_id in ids for download_id in grab_stored(database, outside, SYSTEM, now, search_id)]


def grab_stored(database: Database, outside: Outside, caller: Caller, now: datetime, search_id: str) -> list[str]:
    """Grab the best releases of stored decisions, end their search, and return the ids of the downloads."""
    taken: list[str] = []
    try:
        taken = grab_best(database, outside, caller, now, search_id)
    except MydiaError as error:
        logger.info("release of a feed not grabbed", extra={"search_id": search_id, "reason": str(error)})
    with database.writes() as session:
        judging.finish(session, now, search_id)
    return taken


def _read(database: Database, outside: Outside, now: datetime) -> list[_Read]:
    with database.reads() as session:
        choices = settings.indexers.indexer_connections(session, usage="rss", now=now)
        states = state.states(session)
    adapters = [outside.indexer(choice.connection) for choice in choices]
    known = {
        adapter.connection.id: state.known_of(states.get(choice.row.id), choice)
        for choice, adapter in zip(choices, adapters, strict=True)
    }

    def ask(indexer: Indexer) -> Newest:
        before = known[indexer.connection.id]
        return indexer.catch_up(before, limit=state.CATCH_UP if before.marks else state.FIRST_READ)

    answers = ask_all(adapters, ask, deadline_s=_DEADLINE_S, workers=_WORKERS)
    return [_Read(choice, known[answer.connection.id], answer) for choice, answer in zip(choices, answers, strict=True)]


def _record(database: Database, now: datetime, reads: Sequence[_Read], matches: Sequence[Match]) -> int:
    """Record how far each feed was read and how each indexer answered; return the number of new gaps."""
    matched = {(one.indexer_id, one.release.guid) for found in matches for one in found.listed}
    gaps = 0
    with database.writes() as session:
        for read in reads:
            indexer_id, newest = read.choice.row.id, read.answer.result
            settings.indexers.record_use(session, now, indexer_id, queries=read.answer.requests)
            failure = read.answer.failure or (newest.failure if newest else None)
            if failure is not None:
                settings.services.record_failure(session, SYSTEM, now, settings.indexers.FAMILY, indexer_id, failure)
            else:
                settings.services.record_ok(session, now, settings.indexers.FAMILY, indexer_id)
            if newest is not None:
                hits = sum((one.indexer_id, one.release.guid) in matched for one in read.listed)
                gap = state.advance(session, now, read.choice, newest, listed=len(read.listed), matched=hits)
                gaps += gap is not None
    return gaps


def _report(
    reads: Sequence[_Read], listed: Sequence[Listed], matches: Sequence[Match], grabbed: Sequence[str], *, gaps: int
) -> Report:
    return Report(
        indexers=len(reads),
        failed=sum(read.answer.failure is not None for read in reads),
        listed=len(listed),
        matched=len({(one.indexer_id, one.release.guid) for found in matches for one in found.listed}),
        grabbed=tuple(grabbed),
        gaps=gaps,
    )

"""Searches indexers for one target, and judges and stores each release as it arrives. Grabs nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from itertools import batched

import msgspec
from sqlalchemy.orm import Session

from mydia.adapters.indexers import IndexerRelease
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.downloads import asking, gathering, storing
from mydia.contexts.downloads.decisions import Decision, Facts, decide, make_candidate
from mydia.contexts.downloads.models import Search, SearchCause, SearchPhase
from mydia.contexts.downloads.queries import queries_for
from mydia.contexts.downloads.targets import SearchTarget, version_of
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid, NotFound
from mydia.events import ReleasesRequested, SearchesRequested, SearchRequested, emit, emit_all

logger = logging.getLogger(__name__)

type Progress = Callable[[int, int, str], None]
"""(indexers that answered, indexers queried, name of the one that answered last)."""


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """The search request, read before any indexer is called."""

    search_id: str
    target: SearchTarget
    gathered: gathering.Gathered
    asked: asking.Round


def request_search(
    session: Session,
    caller: Caller,
    item_id: str,
    *,
    season_number: int | None = None,
    episode_ids: Sequence[str] = (),
    version_id: str | None = None,
) -> None:
    """Request a search for a title, a season or episodes that grabs the best release.

    Args:
        version_id: Only search for this version; None means every monitored version.

    Emits: SearchRequested.
    """
    caller.require(Permission.MANAGE_MEDIA)
    get(session, media.MediaItem, item_id, what="This title")
    if version_id is not None:
        media.versions.get_version(session, item_id, version_id)
    emit(session, caller, SearchRequested(item_id, season_number, list(episode_ids) or None, version_id))


def request_searches(session: Session, caller: Caller, item_ids: Collection[str], *, by_job: bool = False) -> int:
    """Request a search for each of many titles in a few statements, and return how many of them there are.

    Args:
        by_job: Let a job do it, which also checks whether the titles are in the library; for any number of them.

    Emits: SearchRequested, or SearchesRequested with `by_job`.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if by_job:
        parts = batched(item_ids, media.catalogue.OF_AN_EVENT, strict=False)
        emit_all(session, caller, [SearchesRequested(list(part)) for part in parts])
        return len(item_ids)
    here = media.catalogue.present_ids(session, caller, item_ids)
    emit_all(session, caller, [SearchRequested(item_id) for item_id in here])
    return len(here)


def open_search(
    session: Session,
    caller: Caller,
    now: datetime,
    target: SearchTarget,
    *,
    cause: SearchCause = SearchCause.MANUAL,
    announce: bool = True,
) -> str:
    """Create a search and return its id, so that a page can show results as they arrive.

    Args:
        announce: Let the worker run it. False if the caller runs `run_search` itself.

    Emits: ReleasesRequested, if announced.
    """
    caller.require(Permission.MANAGE_MEDIA)
    get(session, media.MediaItem, target.item_id, what="This title")
    if target.episode_ids and not set(target.episode_ids) <= {
        episode.id for episode in media.episodes.episodes_of(session, caller, target.item_id)
    }:
        raise NotFound("These episodes belong to another series.")
    search = Search(
        media_item_id=target.item_id,
        version_id=version_of(session, target).id,
        season_number=target.season_number,
        episode_ids=list(target.episode_ids),
        cause=cause,
        requested_by=caller.id,
        started_at=now,
    )
    session.add(search)
    session.flush()
    if announce:
        emit(session, caller, ReleasesRequested(search.id, target.item_id), at=now)
    return search.id


def request_retry(session: Session, caller: Caller, now: datetime, search_id: str, indexer_id: str) -> None:
    """Repeat a search on one indexer. Emits: ReleasesRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    search = get(session, Search, search_id, what="This search")
    states = [dict(entry) for entry in search.indexers]
    for entry in states:
        if entry["id"] == indexer_id:
            entry.update(state="retry", error=None, code=None)
    search.indexers, search.state = states, SearchPhase.RUNNING
    emit(session, caller, ReleasesRequested(search_id, search.media_item_id), at=now)


def run_search(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    target: SearchTarget | None = None,
    *,
    cause: SearchCause = SearchCause.MANUAL,
    search_id: str | None = None,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> str:
    """Query the indexers, judge and store their releases, and return the search's id.

    Args:
        target: What to search for; not needed with `search_id`.
        search_id: An existing search. Only indexers that have not answered or are marked for a retry are queried, so an
            interrupted search can be run again.
        on_progress: Called after each indexer.
        cancelled: Polled regularly; ends the search with the results so far.

    Emits: SearchFinished.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if search_id is None:
        if target is None:
            raise Invalid("A search needs a target.")
        with database.writes() as session:
            search_id = open_search(session, caller, now, target, cause=cause, announce=False)
    question = _prepare(database, outside, now, search_id)
    with database.writes() as session:
        asking.record_round(session, search_id, question.asked)
    facts = question.gathered.facts
    queries = queries_for(facts, original_title=question.gathered.original_title)
    for done, (choice, answer) in enumerate(asking.ask(outside, question.asked, queries, cancelled=cancelled), 1):
        decisions = _judge(answer.releases, facts, choice)
        with database.writes() as session:
            asking.record_answer(session, search_id, choice, answer)
            settings.indexers.record_use(session, now, choice.row.id, queries=answer.requests)
            storing.store(session, now, search_id, question.gathered, decisions)
            if answer.failure is None:
                settings.services.record_ok(session, now, "indexer", choice.row.id)
            else:
                settings.services.record_failure(session, caller, now, "indexer", choice.row.id, answer.failure)
        if on_progress is not None:
            on_progress(done, len(question.asked.choices), choice.row.name)
    with database.writes() as session:
        storing.finish(session, caller, now, search_id, question.target, question.gathered.version_id)
    return search_id


def _prepare(database: Database, outside: Outside, now: datetime, search_id: str) -> _Question:
    with database.reads() as session:
        search = get(session, Search, search_id, what="This search")
    target = SearchTarget(
        search.media_item_id, search.version_id, search.season_number, tuple(map(str, search.episode_ids))
    )
    interactive = search.cause is SearchCause.MANUAL
    invoked = search.cause is SearchCause.AUTOMATIC and search.requested_by is not None
    free = gathering.free_bytes(database, outside, target)
    with database.reads() as session:
        usage = "interactive" if interactive else "automatic"
        choices = settings.indexers.indexer_connections(session, usage=usage, used_at=now)
        gathered = gathering.gather(
            session, now, target, interactive=interactive, free_bytes=free, user_invoked=invoked
        )
        asked = asking.plan_round(search, choices, now, interactive=interactive)
    return _Question(search_id=search_id, target=target, gathered=gathered, asked=asked)


def _judge(releases: Iterable[IndexerRelease], facts: Facts, choice: settings.indexers.IndexerChoice) -> list[Decision]:
    return decide(
        [
            make_candidate(
                release,
                facts,
                indexer_id=choice.row.id,
                indexer_name=choice.row.name,
                indexer_priority=choice.row.priority,
            )
            for release in releases
        ],
        facts,
    )

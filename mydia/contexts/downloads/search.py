"""Asks the indexers for one target, stores every release with its verdict as it arrives, and grabs nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.indexers import Indexer, IndexerAnswer, IndexerRelease, Query, ask_each
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import media, settings
from mydia.contexts.downloads import gathering
from mydia.contexts.downloads.decisions import Decision, Facts, decide, make_candidate, summarise, told
from mydia.contexts.downloads.models import Release, Search
from mydia.contexts.downloads.queries import queries_for
from mydia.contexts.downloads.targets import SearchTarget, record_searched, version_of
from mydia.contexts.settings import IndexerChoice, Sealer
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid
from mydia.events import ReleasesRequested, SearchFinished, SearchRequested, emit

logger = logging.getLogger(__name__)

# A person waits in front of it. Source: reference/ui.md, 8c.
DEADLINE_S = 25.0
_WORKERS = 8

type Progress = Callable[[int, int, str], None]
"""(indexers that answered, indexers asked, name of the one that did)."""


def request_search(
    session: Session,
    caller: Caller,
    item_id: str,
    *,
    season_number: int | None = None,
    episode_ids: Sequence[str] = (),
) -> None:
    """Ask for a title, a season or episodes to be searched and the best to be grabbed. Emits: SearchRequested."""
    caller.require(Permission.MANAGE_MEDIA)
    get(session, media.MediaItem, item_id, what="This title")
    emit(session, caller, SearchRequested(item_id, season_number, list(episode_ids) or None))


def open_search(
    session: Session,
    caller: Caller,
    now: datetime,
    target: SearchTarget,
    *,
    cause: str = "manual",
    announce: bool = True,
) -> str:
    """Write down that a search begins and return its id, so that a page can show it filling.

    Args:
        announce: Have the worker run it; False when the caller calls `run_search` with the id.

    Emits: ReleasesRequested, when announced.
    """
    caller.require(Permission.MANAGE_MEDIA)
    get(session, media.MediaItem, target.item_id, what="This title")
    if target.episode_ids and not set(target.episode_ids) <= {
        episode.id for episode in media.episodes_of(session, target.item_id)
    }:
        raise Invalid("These episodes belong to another series.")
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


def request_retry(
    session: Session, caller: Caller, now: datetime, search_id: str, indexer_id: str, *, announce: bool = True
) -> None:
    """Ask one indexer of a search again.

    Args:
        announce: As in `open_search`.

    Emits: ReleasesRequested, when announced.
    """
    caller.require(Permission.MANAGE_MEDIA)
    search = get(session, Search, search_id, what="This search")
    states = [dict(entry) for entry in search.indexers]
    for entry in states:
        if entry["id"] == indexer_id:
            entry.update(state="retry", error=None, code=None)
    search.indexers, search.state = states, "running"
    if announce:
        emit(session, caller, ReleasesRequested(search_id, search.media_item_id), at=now)


def run_search(
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    now: datetime,
    target: SearchTarget | None = None,
    *,
    cause: str = "manual",
    search_id: str | None = None,
    on_progress: Progress | None = None,
) -> str:
    """Ask every indexer, judge what they have, store it, and return the search's id.

    Args:
        target: What to search for; not needed with `search_id`.
        search_id: A search opened before; of one that ran, only the indexers marked for retry are asked.
        on_progress: Told after each indexer.

    Emits: SearchFinished.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if search_id is None:
        if target is None:
            raise Invalid("Say what to search for.")
        with database.writes() as session:
            search_id = open_search(session, caller, now, target, cause=cause, announce=False)
    with database.reads() as session:
        search = get(session, Search, search_id, what="This search")
        target = SearchTarget(
            search.media_item_id, search.version_id, search.season_number, tuple(map(str, search.episode_ids))
        )
        interactive = search.cause == "manual"
        retried = frozenset(str(entry["id"]) for entry in search.indexers if entry["state"] == "retry")
        earlier = [dict(entry) for entry in search.indexers if entry["state"] != "retry"]
    free = gathering.free_bytes(database, outside, target)
    sealer = Sealer(config.secret_key())
    with database.reads() as session:
        gathered = gathering.gather(session, config, now, target, interactive=interactive, free_bytes=free)
        choices = settings.indexer_connections(session, sealer, usage="interactive" if interactive else "automatic")
    if retried:
        choices = [choice for choice in choices if choice.row.id in retried]
    asked = [choice for choice in choices if not _rests(choice, now, interactive=interactive or bool(retried))]
    board = _Board(database, search_id, earlier)
    board.begin(choices, asked)
    facts = gathered.facts
    queries = queries_for(facts, original_title=gathered.original_title)
    adapters = [outside.indexer(choice.connection) for choice in asked]
    choice_of = {adapter.connection.id: choice for adapter, choice in zip(adapters, asked, strict=True)}
    for done, answer in enumerate(_answers(adapters, queries), 1):
        choice = choice_of[answer.connection.id]
        decisions = _judged(answer.releases, facts, choice)
        with database.writes() as session:
            board.answered(session, choice.row.id, answer)
            _store(session, sealer, now, search_id, gathered, decisions)
            if answer.failure is None:
                settings.record_ok(session, now, "indexer", choice.row.id)
            else:
                settings.record_failure(session, caller, now, "indexer", choice.row.id, answer.failure)
        if on_progress is not None:
            on_progress(done, len(asked), choice.row.name)
    _finish(database, caller, now, search_id, target, gathered, board)
    return search_id


def _answers(adapters: Sequence[Indexer], queries: Sequence[Query]) -> Iterable[IndexerAnswer]:
    def ask(indexer: Indexer) -> Sequence[IndexerRelease]:
        for query in queries:
            if found := indexer.search(query):
                return found
        return ()

    return ask_each(adapters, ask, deadline_s=DEADLINE_S, workers=_WORKERS)


def _rests(choice: IndexerChoice, now: datetime, *, interactive: bool) -> bool:
    """Say whether an indexer is left alone; a person may ask one that failed, but not one that is used up."""
    if not settings.is_resting(choice.status, now):
        return False
    return not interactive or (choice.status is not None and choice.status.last_error_code == "limited")


def _judged(releases: Iterable[IndexerRelease], facts: Facts, choice: IndexerChoice) -> list[Decision]:
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


@dataclass
class _Board:
    """The state of each indexer of a search, as the page shows it while it runs."""

    database: Database
    search_id: str
    states: list[dict[str, Any]]

    def begin(self, choices: Sequence[IndexerChoice], asked: Sequence[IndexerChoice]) -> None:
        """Write down who is asked and who is not."""
        asked_ids = {choice.row.id for choice in asked}
        for choice in choices:
            entry: dict[str, Any] = {"id": choice.row.id, "name": choice.row.name, "found": 0, "ms": None}
            entry |= {"state": "searching", "error": None, "code": None}
            if choice.row.id not in asked_ids and choice.status is not None:
                until = choice.status.disabled_until
                entry["state"] = "skipped"
                entry["error"] = f"Rests until {until:%H:%M} UTC after: {choice.status.last_error}." if until else None
                entry["code"] = choice.status.last_error_code
            self.states.append(entry)
        with self.database.writes() as session:
            self.write(session)

    def answered(self, session: Session, indexer_id: str, answer: IndexerAnswer) -> None:
        """Note what an indexer gave."""
        for entry in self.states:
            if entry["id"] == indexer_id:
                failure = answer.failure
                entry["state"] = "ok" if failure is None else "failed"
                entry["found"], entry["ms"] = len(answer.releases), round(answer.took_s * 1000)
                entry["error"] = None if failure is None else f"{failure.cause}."
                entry["code"] = None if failure is None else failure.code
        self.write(session)

    def write(self, session: Session) -> None:
        """Store the states."""
        states = [dict(entry) for entry in self.states]
        session.execute(update(Search).where(Search.id == self.search_id).values(indexers=states))


def _store(
    session: Session,
    sealer: Sealer,
    now: datetime,
    search_id: str,
    gathered: gathering.Gathered,
    decisions: Sequence[Decision],
) -> None:
    """Insert releases, keep the better of two that are the same, and set the order anew."""
    rows = list(session.scalars(select(Release).where(Release.search_id == search_id)))
    by_hash = {row.info_hash: row for row in rows if row.info_hash}
    by_guid = {(row.indexer_id, row.guid): row for row in rows}
    for decision in decisions:
        release, candidate = decision.candidate.release, decision.candidate
        known = by_guid.get((candidate.indexer_id, release.guid)) or by_hash.get(release.info_hash or "-")
        fresh = _row(sealer, now, search_id, gathered, decision)
        if known is not None:
            if known.verdict == "grabbed" or _order(known) >= _order(fresh):
                continue
            session.delete(known)
            session.flush()
            rows.remove(known)
        session.add(fresh)
        rows.append(fresh)
        by_guid[candidate.indexer_id, release.guid] = fresh
        if release.info_hash:
            by_hash[release.info_hash] = fresh
    for position, row in enumerate(sorted(rows, key=_order, reverse=True)):
        if row.position != position:
            row.position = position


_VERDICT_ORDER = {"grabbed": 3, "approved": 2, "waiting": 1, "refused": 0}


def _order(row: Release) -> tuple[int, list[int], str]:
    """Return the place of a stored release: verdict, preference, name. The best is the greatest."""
    return _VERDICT_ORDER[row.verdict], [int(entry["value"]) for entry in row.preference], row.title


def _row(sealer: Sealer, now: datetime, search_id: str, gathered: gathering.Gathered, decision: Decision) -> Release:
    candidate, release = decision.candidate, decision.candidate.release
    link = json.dumps([release.download_url, release.magnet])
    return Release(
        search_id=search_id,
        indexer_id=candidate.indexer_id,
        indexer_name=candidate.indexer_name,
        guid=release.guid,
        title=release.title,
        parsed=_parsed(decision),
        protocol=str(release.protocol),
        sealed_link=sealer.seal(link),
        info_hash=release.info_hash,
        page_url=release.page_url,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        seeders=release.seeders,
        peers=release.peers,
        flags=list(release.flags),
        quality=candidate.quality.to_json(),
        quality_name=candidate.quality.name,
        format_score=candidate.format_score,
        objections=[{"reason": o.reason, "text": o.text, "permanent": o.permanent} for o in decision.objections],
        preference=told(decision.preference, candidate),
        verdict=decision.verdict,
        media_item_id=gathered.facts.item_id,
        version_id=gathered.version_id,
        episode_ids=sorted(candidate.episode_ids),
        seen_at=now,
    )


def _parsed(decision: Decision) -> dict[str, Any]:
    """Return what the page shows of a name: only what was read, in plain values."""
    parsed = decision.candidate.parsed
    if parsed is None:
        return {}
    shown: Mapping[str, Any] = {
        "title": parsed.title,
        "year": parsed.year,
        "seasons": list(parsed.seasons),
        "episodes": list(parsed.episodes),
        "season_pack": parsed.is_season_pack,
        "group": parsed.release_group,
        "edition": parsed.edition,
        "languages": list(parsed.languages),
        "video_codec": parsed.video_codec,
        "audio": list(parsed.audio_codecs),
        "channels": parsed.audio_channels,
        "hdr": list(parsed.hdr),
        "service": parsed.streaming_service,
        "proper": parsed.quality.revision.version > 1,
    }
    return {key: value for key, value in shown.items() if value not in (None, [], False, "")}


def _finish(
    database: Database,
    caller: Caller,
    now: datetime,
    search_id: str,
    target: SearchTarget,
    gathered: gathering.Gathered,
    board: _Board,
) -> None:
    with database.writes() as session:
        rows = list(session.scalars(select(Release).where(Release.search_id == search_id)))
        approved = sum(1 for row in rows if row.verdict in ("approved", "grabbed"))
        failures = sum(1 for entry in board.states if entry["state"] == "failed")
        asked = sum(1 for entry in board.states if entry["state"] in ("ok", "failed"))
        counts, sentence = summarise_rows(rows, failures=failures, asked=asked)
        search = get(session, Search, search_id, what="This search")
        search.state, search.finished_at = "done", max(clock.now(), search.started_at)
        search.found, search.approved = len(rows), approved
        search.summary = {**counts, "sentence": sentence}
        if asked > failures:
            record_searched(session, now, target, gathered.version_id, search_id, hit=approved > 0)
        event = SearchFinished(target.item_id, search_id, len(rows), approved, search.cause, failures)
        emit(session, caller, event, at=now)
    logger.info("search finished", extra={"search_id": search_id, "found": len(rows), "approved": approved})


def summarise_rows(rows: Sequence[Release], *, failures: int, asked: int) -> tuple[dict[str, int], str]:
    """Return reason -> count and the sentence of a stored search."""
    verdicts = [(row.verdict, [str(objection["reason"]) for objection in row.objections]) for row in rows]
    return summarise(verdicts, failures=failures, asked=asked)

"""Judges the releases of feeds together for each version that may want them, and stores the decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts.downloads import gathering, storing
from mydia.contexts.downloads.decisions import (
    Decision,
    Objection,
    Verdict,
    decide,
    make_candidate,
    normalised_name,
    ranked,
)
from mydia.contexts.downloads.feeds.matching import Match
from mydia.contexts.downloads.held import of_version
from mydia.contexts.downloads.models import Download, Release, Search, SearchCause, SearchPhase
from mydia.contexts.downloads.targets import SearchTarget
from mydia.db import Database, get
from mydia.errors import NotFound
from mydia.events import Reason, reason


class Judged(msgspec.Struct, frozen=True):
    """The decisions on the releases that one version may want, best first."""

    match: Match
    gathered: gathering.Gathered
    decisions: tuple[Decision, ...]


class _Earlier(msgspec.Struct, frozen=True):
    """A download of the version, of whichever state."""

    info_hash: str | None
    name: str
    added_at: datetime


def judge(database: Database, outside: Outside, now: datetime, matches: Sequence[Match]) -> list[Judged]:
    """Judge all releases of each version together. Titles that were removed meanwhile are left out."""
    found: list[tuple[Match, gathering.Gathered, tuple[_Earlier, ...]]] = []
    with database.reads() as session:
        common = gathering.Common(session, {one.item_id for one in matches})
        for one in matches:
            target = SearchTarget(one.item_id, one.version_id)
            try:
                gathered = gathering.gather(session, now, target, interactive=False, from_feed=True, common=common)
            except NotFound:
                continue
            seen = common.may_have(Download.media_item_id, one.item_id)
            found.append((one, gathered, _earlier(session, one) if seen else ()))
    free = _free_space(outside, {gathered.library_folder for _, gathered, _ in found})
    return [
        _judge(one, replace(gathered, facts=replace(gathered.facts, free_bytes=free[gathered.library_folder])), before)
        for one, gathered, before in found
    ]


def _judge(one: Match, gathered: gathering.Gathered, before: tuple[_Earlier, ...]) -> Judged:
    """PURE. Decide, and object to what only matters without a search: names in doubt, and releases grabbed before."""
    facts = gathered.facts
    others = {
        _key(one.listed[place].indexer_id, one.listed[place].release.guid): label
        for place, label in one.ambiguous.items()
    }
    candidates = [
        make_candidate(
            listed.release,
            facts,
            indexer_id=listed.indexer_id or "",
            indexer_name=listed.indexer_name,
            indexer_priority=listed.indexer_priority,
        )
        for listed in one.listed
    ]
    decisions = [
        _reconsidered(
            decision, others.get(_key(decision.candidate.indexer_id, decision.candidate.release.guid)), before
        )
        for decision in decide(candidates, facts)
    ]
    return Judged(one, gathered, tuple(ranked(decisions)))


def _reconsidered(decision: Decision, other: str | None, before: tuple[_Earlier, ...]) -> Decision:
    """Refuse a release whose name may mean another title, or that was grabbed before."""
    release = decision.candidate.release
    if decision.verdict is Verdict.REFUSED:
        return decision
    if other is not None:
        return _refused(decision, "wrong-title", reason("wrong-title.ambiguous", other=other))
    earlier = next((known for known in before if _same(known, release.info_hash, release.title)), None)
    if earlier is None:
        return decision
    return _refused(decision, "grabbed-recently", reason("grabbed-recently.same", on=earlier.added_at.isoformat()))


def store(session: Session, now: datetime, judged: Judged, *, requested_by: str | None = None) -> str:
    """Store the decisions as a search that nobody asked for, and return its id.

    It stays open until its releases were grabbed, so that an interruption in between is noticed.
    """
    counts: dict[str, dict[str, Any]] = {}
    for listed in judged.match.listed:
        entry = counts.setdefault(
            listed.indexer_id or listed.indexer_name,
            {"id": listed.indexer_id or "", "name": listed.indexer_name, "state": "ok", "found": 0, "ms": None, "error": None, "code": None},
        )  # fmt: skip
        entry["found"] += 1
    approved = [decision for decision in judged.decisions if decision.verdict is Verdict.APPROVED]
    search = Search(
        media_item_id=judged.match.item_id,
        version_id=judged.match.version_id,
        episode_ids=sorted(frozenset[str]().union(*(one.candidate.episode_ids for one in approved))),
        cause=SearchCause.RSS,
        requested_by=requested_by,
        started_at=now,
        indexers=list(counts.values()),
    )
    session.add(search)
    session.flush()
    storing.store(session, now, search.id, judged.gathered, judged.decisions)
    return search.id


def finish(session: Session, now: datetime, search_id: str) -> None:
    """Close a search of feeds and write its counts. It is no search for missing titles, so none becomes due later."""
    search = get(session, Search, search_id, what="This search")
    rows = session.execute(select(Release.verdict, Release.objections).where(Release.search_id == search_id)).all()
    rejected: dict[str, int] = {}
    for _, objections in rows:
        if objections:
            name = str(objections[0]["reason"])
            rejected[name] = rejected.get(name, 0) + 1
    search.state, search.finished_at = SearchPhase.DONE, now
    search.found = len(rows)
    search.approved = sum(verdict in (Verdict.APPROVED, Verdict.GRABBED) for verdict, _ in rows)
    search.summary = {"rejected": rejected, "asked": len(search.indexers), "failures": 0}


def _refused(decision: Decision, spec: str, because: Reason) -> Decision:
    return replace(decision, objections=(*decision.objections, Objection(spec, because, permanent=True)))


def _key(indexer_id: str | None, guid: str) -> tuple[str, str]:
    return indexer_id or "", guid


def _same(known: _Earlier, info_hash: str | None, title: str) -> bool:
    if known.info_hash and info_hash:
        return known.info_hash == info_hash
    return known.name == normalised_name(title)


def _earlier(session: Session, one: Match) -> tuple[_Earlier, ...]:
    """Return the downloads of the version that may be one of its releases: the same hash or exactly the same name."""
    hashes = [listed.release.info_hash for listed in one.listed if listed.release.info_hash]
    names = [listed.release.title for listed in one.listed]
    rows = session.execute(
        select(Download.info_hash, Download.release_title, Download.added_at)
        .where(
            of_version(session, one.item_id, one.version_id),
            or_(Download.info_hash.in_(hashes), Download.release_title.in_(names)),
        )
        .order_by(Download.added_at)
    )
    return tuple(_Earlier(info_hash, normalised_name(title), added_at) for info_hash, title, added_at in rows)


def _free_space(outside: Outside, folders: set[Path | None]) -> Mapping[Path | None, int | None]:
    free: dict[Path | None, int | None] = {None: None}
    for folder in folders - {None}:
        assert folder is not None
        try:
            free[folder] = outside.files.space(folder).free_bytes
        except AdapterError:
            free[folder] = None
    return free

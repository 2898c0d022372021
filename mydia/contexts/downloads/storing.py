"""Stores the results of a search: releases with their verdicts in order, and the summary."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.downloads import asking, gathering
from mydia.contexts.downloads.decisions import Decision, Facts, Verdict, rank_key
from mydia.contexts.downloads.models import Release, Search, SearchPhase
from mydia.contexts.downloads.targets import SearchTarget, record_searched
from mydia.contexts.users import Caller
from mydia.db import get
from mydia.events import SearchFinished, emit
from mydia.parsing import ParsedRelease
from mydia.secret import Sealer

logger = logging.getLogger(__name__)


def store(
    session: Session,
    now: datetime,
    search_id: str,
    gathered: gathering.Gathered,
    decisions: Sequence[Decision],
) -> None:
    """Insert releases, keep the better one of duplicates, and update the order."""
    rows = list(session.scalars(select(Release).where(Release.search_id == search_id)))
    by_hash = {row.info_hash: row for row in rows if row.info_hash}
    by_guid = {(row.indexer_id or "", row.guid): row for row in rows}
    for decision in decisions:
        candidate, release = decision.candidate, decision.candidate.release
        known = by_guid.get((candidate.indexer_id, release.guid)) or by_hash.get(release.info_hash or "-")
        fresh = _row(settings.sealer(session), now, search_id, gathered, decision)
        if known is not None:
            if known.verdict is Verdict.GRABBED or _key(known) >= _key(fresh):
                continue
            session.delete(known)
            session.flush()
            rows.remove(known)
        session.add(fresh)
        rows.append(fresh)
        by_guid[candidate.indexer_id, release.guid] = fresh
        if release.info_hash:
            by_hash[release.info_hash] = fresh
    for position, row in enumerate(sorted(rows, key=_key, reverse=True)):
        if row.position != position:
            row.position = position


def finish(
    session: Session, caller: Caller, now: datetime, search_id: str, target: SearchTarget, version_id: str
) -> None:
    """End a run of a search and write its counts. Emits: SearchFinished."""
    search = get(session, Search, search_id, what="This search")
    asking.close_round(search)
    rows = session.execute(select(Release.verdict, Release.objections).where(Release.search_id == search_id)).all()
    approved = sum(verdict in (Verdict.APPROVED, Verdict.GRABBED) for verdict, _ in rows)
    asked, failures = asking.counts(search)
    rejected = Counter(str(objections[0]["reason"]) for _, objections in rows if objections)
    settings.formats.record_stopped(session, settings.formats.current(session))
    search.state = SearchPhase.RUNNING if asking.is_open(search) else SearchPhase.DONE
    search.finished_at = max(clock.now(), search.started_at)
    search.found, search.approved = len(rows), approved
    search.summary = {"rejected": dict(rejected), "asked": asked, "failures": failures}
    if asked > failures:
        record_searched(session, now, target, version_id, search_id, hit=approved > 0)
    emit(
        session,
        caller,
        SearchFinished(
            media_item_id=target.item_id,
            search_id=search_id,
            found=len(rows),
            approved=approved,
            cause=search.cause,
            failures=failures,
        ),
        at=now,
    )
    logger.info("search finished", extra={"search_id": search_id, "found": len(rows), "approved": approved})


def _key(row: Release) -> tuple[Any, ...]:
    values = [int(entry["value"]) for entry in row.preference]
    return rank_key(row.verdict, values, row.title, row.info_hash or f"{row.indexer_id}:{row.guid}")


def _row(sealer: Sealer, now: datetime, search_id: str, gathered: gathering.Gathered, decision: Decision) -> Release:
    candidate, release = decision.candidate, decision.candidate.release
    return Release(
        search_id=search_id,
        indexer_id=candidate.indexer_id or None,
        indexer_name=candidate.indexer_name,
        guid=release.guid,
        title=release.title,
        parsed=_with_languages(shown_facts(candidate.parsed), release.languages),
        protocol=release.protocol,
        sealed_link=sealer.seal(json.dumps([release.download_url, release.magnet])),
        info_hash=release.info_hash,
        page_url=release.page_url,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        seeders=release.seeders,
        peers=release.peers,
        minimum_ratio=release.minimum_ratio,
        minimum_seed_time_min=None
        if release.minimum_seed_time_s is None
        else math.ceil(release.minimum_seed_time_s / 60),
        flags=list(release.flags),
        quality=candidate.quality.to_json(),
        quality_name=candidate.quality.name,
        format_score=candidate.format_score,
        formats=shown_formats(candidate.formats, gathered.facts.profile.scores),
        objections=[objection.to_json() for objection in decision.objections],
        preference=[{"name": name, "value": value} for name, value in decision.preference._asdict().items()],
        verdict=decision.verdict,
        media_item_id=gathered.facts.item_id,
        version_id=gathered.version_id,
        episode_ids=sorted(candidate.episode_ids),
        seen_at=now,
    )


def judge_again(row: Release, decision: Decision, facts: Facts) -> None:
    """Store another verdict on a release."""
    candidate = decision.candidate
    row.format_score = candidate.format_score
    row.formats = shown_formats(candidate.formats, facts.profile.scores)
    row.objections = [objection.to_json() for objection in decision.objections]
    row.preference = [{"name": name, "value": value} for name, value in decision.preference._asdict().items()]
    row.verdict = decision.verdict


def _with_languages(facts: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """Add the indexer's languages if the name has none."""
    return facts if facts.get("languages") or not languages else {**facts, "languages": list(languages)}


def shown_formats(formats: Sequence[settings.formats.Format], scores: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return matching formats in their stored form, those that count first."""
    found = [{"id": format.id, "name": format.name, "score": scores.get(format.id, 0)} for format in formats]
    return sorted(found, key=lambda one: (-abs(one["score"]), str(one["name"])))


def shown_facts(parsed: ParsedRelease | None) -> dict[str, Any]:
    """Return the facts of a release name that pages show, as plain values; absent facts are left out."""
    if parsed is None:
        return {}
    facts: Mapping[str, Any] = {
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
    return {key: value for key, value in facts.items() if value not in (None, [], False, "")}

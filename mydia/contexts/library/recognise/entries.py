"""Entries of the review: groups of files that wait for a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts.library.holdings import quality_of
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.library.recognise.groups import Group
from mydia.contexts.library.recognise.linking import Unclear, doubt_facts, named_quality
from mydia.contexts.library.recognise.matching import Scored, Verdict
from mydia.contexts.library.words import ReviewState
from mydia.contexts.media import MediaItem

_CANDIDATES_KEPT = 8
_FILES_SHOWN = 500


def count_waiting(session: Session) -> int:
    """Return the number of review entries that wait for a decision."""
    states = ("new", "ready", "needs_attention", "no_match")
    return session.scalar(select(func.count()).select_from(InboxEntry).where(InboxEntry.state.in_(states))) or 0


def leave_unclear(
    session: Session, now: datetime, item: MediaItem, group: Group, unclear: Sequence[Unclear], scored: Scored
) -> InboxEntry:
    """Put files with unclear episodes into a separate entry, with the title already chosen."""
    code, facts = doubt_facts(unclear[0], item)
    part = replace(group, files=[one.file for one in unclear], key=f"{group.key} ?", owns_folder=False)
    likely = {one.file.id: one.likely for one in unclear}
    chosen = replace(scored, choice=replace(scored.choice, media_item_id=item.id))
    return leave(session, now, part, [chosen], Verdict("needs_attention", chosen, code, facts), likely=likely)


def leave(
    session: Session,
    now: datetime,
    group: Group,
    ranked: Sequence[Scored],
    verdict: Verdict,
    *,
    likely: Mapping[str, Sequence[str]] | None = None,
) -> InboxEntry:
    """Put a group into the review, or update its entry.

    Args:
        likely: File id -> episode ids to offer first.
    """
    entry = session.scalars(
        select(InboxEntry).where(
            InboxEntry.library_path_id == group.library_path_id,
            InboxEntry.folder == group.folder,
            InboxEntry.group_key == group.key,
        )
    ).first()
    if entry is None:
        entry = InboxEntry(
            library_path_id=group.library_path_id,
            folder=group.folder,
            group_key=group.key,
            type=group.type,
            title=group.name,
            created_at=now,
            updated_at=now,
        )
        session.add(entry)
    entry.type, entry.title, entry.year = group.type, group.name, group.guess.year
    entry.state = ReviewState.READY if verdict.state == "sure" else ReviewState(verdict.state)
    entry.reason_code, entry.reason_facts, entry.reason_text = verdict.code, dict(verdict.facts), None
    entry.candidates = [one.to_json() for one in ranked[:_CANDIDATES_KEPT]]
    entry.parsed = _parsed_json(group, likely or {})
    entry.chosen = entry.decided_by = entry.decided_at = None
    entry.updated_at = now
    session.flush()
    set_state(session, [file.id for file in group.files], "waiting", entry.id)
    count_entry(session, entry)
    return entry


def count_entry(session: Session, entry: InboxEntry) -> None:
    """Count the files that wait in an entry."""
    sizes = session.scalars(select(MediaFile.size_bytes).where(MediaFile.inbox_id == entry.id)).all()
    entry.files_count, entry.size_bytes = len(sizes), sum(sizes)


def set_state(session: Session, file_ids: Iterable[str], state: str, inbox_id: str | None) -> None:
    """Set the match state of files and unlink them from their titles."""
    for part in batched(file_ids, 500, strict=False):
        session.execute(
            update(MediaFile)
            .where(MediaFile.id.in_(part))
            .values(match_state=state, inbox_id=inbox_id, media_item_id=None, version_id=None)
        )
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(part)))


def _parsed_json(group: Group, likely: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "other_titles": list(group.guess.other_titles),
        "ids": {
            "tmdb_id": group.guess.ids.tmdb_id,
            "tvdb_id": group.guess.ids.tvdb_id,
            "imdb_id": group.guess.ids.imdb_id,
        },
        "confidence": round(group.guess.confidence, 3),
        "duration_s": group.guess.duration_s,
        "owns_folder": group.owns_folder,
        "files": [
            {
                "id": file.id,
                "path": shown(file.path),
                "size_bytes": file.size_bytes,
                "season": file.parsed.season,
                "episodes": list(file.parsed.episodes),
                "absolute": list(file.parsed.absolute_episodes),
                "likely": list(likely.get(file.id, ())),
                "air_on": file.parsed.air_on.isoformat() if file.parsed.air_on else None,
                "quality": quality_of(named_quality(file.parsed).to_json(), None).name,
                "languages": list(file.parsed.languages),
                "release_group": file.parsed.release_group,
            }
            for file in group.files[:_FILES_SHOWN]
        ],
    }

"""Entries of the review: groups of files that wait for a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import replace
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.filesystem import shown
from mydia.contexts.library.holdings import quality_of
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.library.recognise.groups import Group
from mydia.contexts.library.recognise.linking import Unclear, doubt_facts, named_quality
from mydia.contexts.library.recognise.matching import Scored, Verdict
from mydia.contexts.library.words import MatchState, ReviewState
from mydia.contexts.media import MediaItem

_CANDIDATES_KEPT = 8
_FILES_SHOWN = 500
_KEYS_AT_ONCE = 400
"""Keys in one statement."""


def count_waiting(session: Session) -> int:
    """Return the number of review entries that wait for a decision."""
    states = ("new", "ready", "needs_attention", "no_match")
    return session.scalar(select(func.count()).select_from(InboxEntry).where(InboxEntry.state.in_(states))) or 0


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A group for the review, with its candidates and why it waits."""

    group: Group
    ranked: Sequence[Scored]
    verdict: Verdict
    likely: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    """File id -> episode ids to offer first."""


def unclear_part(item: MediaItem, group: Group, unclear: Sequence[Unclear], scored: Scored) -> Left:
    """Return the files of a group whose episodes are unclear as an entry of their own, with the title already chosen."""
    code, facts = doubt_facts(unclear[0], item)
    part = replace(group, files=[one.file for one in unclear], key=f"{group.key} ?", owns_folder=False)
    chosen = replace(scored, choice=replace(scored.choice, media_item_id=item.id))
    return Left(
        group=part,
        ranked=[chosen],
        verdict=Verdict("needs_attention", chosen, code, facts),
        likely={one.file.id: one.likely for one in unclear},
    )


def leave(session: Session, now: datetime, left: Left) -> InboxEntry:
    """Put a group into the review, or update its entry."""
    (entry,) = leave_all(session, now, [left])
    return entry


def leave_all(session: Session, now: datetime, lefts: Sequence[Left]) -> list[InboxEntry]:
    """Put groups of one library folder into the review, with the same statements for any number of them."""
    known = _entries_of(session, [left.group for left in lefts])
    entries: list[InboxEntry] = []
    for left in lefts:
        group, verdict = left.group, left.verdict
        entry = known.get((group.folder, group.key))
        if entry is None:
            entry = InboxEntry(
                id=clock.new_id(),
                library_path_id=group.library_path_id,
                folder=group.folder,
                group_key=group.key,
                created_at=now,
            )
            session.add(entry)
        entry.type, entry.title, entry.year = group.type, group.name, group.guess.year
        entry.state = ReviewState.READY if verdict.state == "sure" else ReviewState(verdict.state)
        entry.reason_code, entry.reason_facts, entry.reason_text = verdict.code, dict(verdict.facts), None
        entry.candidates = [one.to_json() for one in left.ranked[:_CANDIDATES_KEPT]]
        entry.parsed = _parsed_json(group, left.likely)
        entry.chosen = entry.decided_by = entry.decided_at = None
        entry.updated_at = now
        entries.append(entry)
    session.flush()
    states = {
        file.id: FileState(MatchState.WAITING, entry.id)
        for left, entry in zip(lefts, entries, strict=True)
        for file in left.group.files
    }
    set_states(session, states)
    count_entries(session, entries)
    return entries


def _entries_of(session: Session, groups: Sequence[Group]) -> dict[tuple[str, str], InboxEntry]:
    return {
        (entry.folder, entry.group_key): entry
        for part in batched(groups, _KEYS_AT_ONCE, strict=False)
        for entry in session.scalars(
            select(InboxEntry).where(
                InboxEntry.library_path_id == part[0].library_path_id,
                tuple_(InboxEntry.folder, InboxEntry.group_key).in_([(one.folder, one.key) for one in part]),
            )
        )
    }


def count_entry(session: Session, entry: InboxEntry) -> None:
    """Count the files that wait in an entry."""
    count_entries(session, [entry])


def count_entries(session: Session, entries: Sequence[InboxEntry]) -> None:
    """Count the files that wait in entries."""
    query = select(MediaFile.inbox_id, func.count(), func.sum(MediaFile.size_bytes)).group_by(MediaFile.inbox_id)
    counted = {
        inbox_id: (files, int(size_bytes))
        for part in batched([entry.id for entry in entries], _KEYS_AT_ONCE, strict=False)
        for inbox_id, files, size_bytes in session.execute(query.where(MediaFile.inbox_id.in_(part)))
    }
    for entry in entries:
        entry.files_count, entry.size_bytes = counted.get(entry.id, (0, 0))


class FileState(NamedTuple):
    """A file's match state without a title."""

    state: MatchState
    inbox_id: str | None


def set_states(session: Session, states: Mapping[str, FileState]) -> None:
    """Set the match state of files, file id -> state, and unlink them from their titles."""
    rows = [
        {"id": id_, "match_state": one.state, "inbox_id": one.inbox_id, "media_item_id": None, "version_id": None}
        for id_, one in states.items()
    ]
    if rows:
        session.execute(update(MediaFile), rows)
    for part in batched(states, _KEYS_AT_ONCE, strict=False):
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

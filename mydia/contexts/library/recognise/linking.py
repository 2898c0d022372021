"""Link files to a title and its episodes."""

from __future__ import annotations

from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import media
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.recognise.groups import Group, NewFile
from mydia.contexts.library.recognise.matching import Scored
from mydia.contexts.media import MediaItem
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import get
from mydia.events import FileMatched, emit
from mydia.parsing import ParsedRelease, Quality, Source
from mydia.vocabulary import MediaType

_QUALITY_ASSUMED = 0.5
"""Up to this the parser took the source from the file's ending alone."""


def link(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    group: Group,
    scored: Scored,
    *,
    episode_map: dict[str, list[str]] | None = None,
    lock: bool = False,
) -> tuple[int, list[NewFile]]:
    """Link a group's files to a title and return (how many were, those whose episode is not clear).

    Args:
        episode_map: File id -> episode ids that a person chose; files that are not in it are read from their names.
        lock: A person chose: no scan changes it.

    Emits: FileMatched.
    """
    item = get(session, MediaItem, item_id, what="This title")
    version = media.default_version(session, item_id)
    sentences = [one.text for one in scored.evidence if one.verdict != "no"]
    episodes: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    unclear: list[NewFile] = []
    for file in group.files:
        if item.type == MediaType.TV_SHOW:
            chosen = (episode_map or {}).get(file.id)
            ids = chosen if chosen is not None else _episodes_of(session, now, item_id, file)
            if not ids:
                unclear.append(file)
                continue
            part = file.parsed.part if file.parsed.is_split_episode else None
            episodes += [{"file_id": file.id, "episode_id": id_, "part": part} for id_ in dict.fromkeys(ids)]
        rows.append(_linked(file, item_id, version.id, scored.score, sentences))
    changed = [row["id"] for row in rows]
    for some in batched(changed, 500, strict=False):
        session.execute(delete(FileEpisode).where(FileEpisode.file_id.in_(some)))
    if rows:
        session.execute(update(MediaFile), rows)
    if episodes:
        session.execute(insert(FileEpisode), episodes)
    for file in group.files:
        if file not in unclear:
            emit(session, caller, FileMatched(item_id, file.id, shown(file.path), scored.score, sentences), at=now)
    changes: dict[str, Any] = {}
    if item.folder is None and group.owns_folder and rows and item.library_path_id in (None, group.library_path_id):
        changes["folder"] = group.folder
    if lock and not item.match_locked:
        changes["match_locked"] = True
    if changes:
        media.change_item(session, caller, now, item_id, changes)
    return len(rows), unclear


def _linked(file: NewFile, item_id: str, version_id: str, score: float, sentences: list[str]) -> dict[str, Any]:
    return {
        "id": file.id,
        "media_item_id": item_id,
        "version_id": version_id,
        "match_state": "matched",
        "match_score": score,
        "match_evidence": sentences,
        "inbox_id": None,
        **name_columns(file.parsed, file.path),
    }


def name_columns(parsed: ParsedRelease, path: str) -> dict[str, Any]:
    """Return what a name says as columns of `media_files`."""
    quality = named_quality(parsed)
    return {
        "quality": quality.to_json(),
        "quality_name": quality.name,
        "edition": parsed.editions[0] if parsed.editions else parsed.edition,
        "languages": [code for code in parsed.languages if code != "original"],
        "release_name": shown(path.rpartition("/")[2]).rpartition(".")[0] or None,
        "release_group": parsed.release_group,
    }


def named_quality(parsed: ParsedRelease) -> Quality:
    """Return the quality that a name states; what the parser assumed from the file's ending is left out."""
    if parsed.confidence.quality > _QUALITY_ASSUMED:
        return parsed.quality
    resolution = parsed.quality.resolution if "quality" in parsed.spans else None
    return Quality(Source.UNKNOWN, resolution, revision=parsed.quality.revision)


def _episodes_of(session: Session, now: datetime, item_id: str, file: NewFile) -> list[str]:
    """Return the episodes that a file's name or NFO speaks of; those that no provider knows are made: the file proves them."""
    parsed = file.parsed
    numbers = [(parsed.season, number) for number in parsed.episodes] if parsed.season is not None else []
    if file.nfo is not None and file.nfo.episodes and not numbers:
        numbers = list(file.nfo.episodes)
    title = parsed.episode_title or (file.nfo.title if file.nfo is not None and file.nfo.kind == "episode" else None)
    aired = parsed.air_on or (file.nfo.air_on if file.nfo is not None and file.nfo.kind == "episode" else None)
    if numbers:
        single = len(numbers) == 1
        return [
            media.ensure_episode(
                session, now, item_id, season, number, title=title if single else None, air_on=aired if single else None
            ).id
            for season, number in numbers
            if season is not None
        ]
    if parsed.air_on is not None:
        if found := media.find_episodes(session, item_id, air_on=parsed.air_on):
            return [ref.id for ref in found]
        # No provider knows this day: daily shows without one are numbered by year and day.
        day = parsed.air_on
        made = media.ensure_episode(session, now, item_id, day.year, day.month * 100 + day.day, title=title, air_on=day)
        return [made.id]
    if parsed.absolute_episodes:
        if found := media.find_episodes(session, item_id, absolute=parsed.absolute_episodes):
            return [ref.id for ref in found]
        if not media.episodes_by_number(session, SYSTEM, item_id):
            return [media.ensure_episode(session, now, item_id, 1, n, title=title).id for n in parsed.absolute_episodes]
    return []

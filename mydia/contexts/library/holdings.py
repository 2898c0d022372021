"""What the library has of a title; recorded in the media context after every change of its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import media, settings
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.parsing import Quality, Source


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that counts as held, for decisions."""

    file_id: str
    version_id: str | None
    quality: Quality
    size_bytes: int
    episode_ids: frozenset[str]
    release_group: str | None
    format_score: int


def quality_of(stored: dict[str, Any] | None, resolution: int | None) -> Quality:
    """Return a file's quality: source and revision as its name says, the resolution as analysis found it.

    >>> quality_of({"source": "webdl", "resolution": 2160}, 1080).name
    'WEBDL-1080p'
    """
    named = Quality.from_json(stored) if stored else Quality()
    return named if resolution is None else Quality(named.source, resolution, named.modifier, named.revision)


def comparable(quality: Quality) -> Quality:
    """Return a quality that can be compared: without a known source, that of a broadcast of its resolution.

    Sonarr and Radarr assume the same (arr-stack §3.4); otherwise every plainly named film would have the lowest quality.
    """
    if quality.source is not Source.UNKNOWN or quality.resolution is None:
        return quality
    return Quality(Source.TV, quality.resolution, quality.modifier, quality.revision)


def held_qualities(session: Session, item_id: str) -> list[HeldFile]:
    """Return a title's video files that are linked and not missing."""
    return held_by_item(session, [item_id])[item_id]


def held_by_item(session: Session, item_ids: Iterable[str]) -> dict[str, list[HeldFile]]:
    """Return the held files of several titles in two reads."""
    wanted = list(dict.fromkeys(item_ids))
    held: dict[str, list[HeldFile]] = {item_id: [] for item_id in wanted}
    rows = session.execute(
        select(
            MediaFile.media_item_id,
            MediaFile.id,
            MediaFile.version_id,
            MediaFile.quality,
            MediaFile.resolution,
            MediaFile.size_bytes,
            MediaFile.release_group,
            MediaFile.format_score,
        )
        .where(
            MediaFile.media_item_id.in_(wanted),
            MediaFile.kind == "video",
            MediaFile.match_state == "matched",
            MediaFile.missing_since.is_(None),
        )
        .order_by(MediaFile.id)
    ).all()
    episodes: dict[str, set[str]] = {}
    linked = (
        select(FileEpisode.file_id, FileEpisode.episode_id)
        .join(MediaFile, MediaFile.id == FileEpisode.file_id)
        .where(MediaFile.media_item_id.in_(wanted))
    )
    for file_id, episode_id in session.execute(linked):
        episodes.setdefault(file_id, set()).add(episode_id)
    for item_id, file_id, version_id, quality, resolution, size_bytes, group, format_score in rows:
        held[item_id].append(
            HeldFile(
                file_id,
                version_id,
                comparable(quality_of(quality, resolution)),
                size_bytes,
                frozenset(episodes.get(file_id, ())),
                group,
                format_score,
            )
        )
    return held


def refresh_holdings(session: Session, now: datetime, item_id: str) -> None:
    """Count a title's files and record the result in the media context.

    Raises:
        NotFound: The title was removed.
    """
    session.flush()
    media.default_version(session, item_id)
    media.holdings.record_holdings(session, now, item_id, _count(session, [item_id])[item_id])


def outdated_holdings(session: Session, item_ids: Sequence[str]) -> list[str]:
    """Return the titles whose recorded holdings differ from a new count."""
    return media.holdings.differing_holdings(session, _count(session, item_ids))


def _count(session: Session, item_ids: Sequence[str]) -> dict[str, media.holdings.Holdings]:
    held = held_by_item(session, item_ids)
    versions: dict[str, dict[str, str]] = {item_id: {} for item_id in item_ids}
    rows = session.execute(
        select(media.Version.media_item_id, media.Version.id, media.Version.profile_id)
        .where(media.Version.media_item_id.in_(item_ids))
        .order_by(media.Version.position, media.Version.id)
    )
    for item_id, version_id, profile_id in rows:
        versions[item_id][version_id] = profile_id
    used = {profile_id for of_item in versions.values() for profile_id in of_item.values()}
    profiles = {profile_id: settings.profiles.get_profile(session, profile_id) for profile_id in used}
    return {
        item_id: _holdings(held[item_id], {id_: profiles[profile_id] for id_, profile_id in versions[item_id].items()})
        for item_id in item_ids
        if versions[item_id]
    }


def _holdings(held: list[HeldFile], profiles: dict[str, settings.Profile]) -> media.holdings.Holdings:
    """Sum up the files of one title.

    Args:
        profiles: Of its versions; the first one applies to files without a version.
    """
    first = next(iter(profiles.values()))
    upgradable = {
        file.file_id
        for file in held
        if settings.upgrades.upgradable(
            profiles.get(file.version_id or "", first), file.quality, score=file.format_score
        )
    }
    below: dict[str, bool] = {}
    for file in held:
        for episode_id in file.episode_ids:
            # Of two files with the same episode the better one counts.
            below[episode_id] = below.get(episode_id, True) and file.file_id in upgradable
    return media.holdings.Holdings(
        files_count=len(held),
        size_bytes=sum(file.size_bytes for file in held),
        best_resolution=max((file.quality.resolution or 0 for file in held), default=0) or None,
        held_episode_ids=frozenset(below),
        upgradable_episode_ids=frozenset(id_ for id_, is_below in below.items() if is_below),
        upgradable=bool(held) and not below and len(upgradable) == len(held),
    )

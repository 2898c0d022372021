"""What the library has of a title, told to the media context after every change of its files."""

from __future__ import annotations

from collections.abc import Iterable
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
    """A file that counts as held, as decisions see it."""

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
    """Return a quality that can be compared: where no name told the source, a broadcast of its resolution.

    The same assumption as both apps make of a bare name (arr-stack §3.4); without it every plainly named film would
    count as the worst there is.
    """
    if quality.source is not Source.UNKNOWN or quality.resolution is None:
        return quality
    return Quality(Source.TV, quality.resolution, quality.modifier, quality.revision)


def held_qualities(session: Session, item_id: str) -> list[HeldFile]:
    """Return the video files that a title really has: linked, and not missing."""
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
    """Count a title's files anew and tell the media context."""
    session.flush()
    held = held_qualities(session, item_id)
    version = media.default_version(session, item_id)
    profiles = dict(
        session.execute(
            select(media.Version.id, media.Version.profile_id).where(media.Version.media_item_id == item_id)
        ).all()
    )
    upgradable_files = [
        file
        for file in held
        if _may_be_better(
            session, profiles.get(file.version_id or version.id) or version.profile_id, file.quality, file.format_score
        )
    ]
    best: dict[str, bool] = {}
    for file in held:
        below = file in upgradable_files
        for episode_id in file.episode_ids:
            best[episode_id] = best.get(episode_id, True) and below
    media.record_holdings(
        session,
        now,
        item_id,
        media.Holdings(
            files_count=len(held),
            size_bytes=sum(file.size_bytes for file in held),
            best_resolution=max((file.quality.resolution or 0 for file in held), default=0) or None,
            held_episode_ids=frozenset(best),
            upgradable_episode_ids=frozenset(id_ for id_, below in best.items() if below),
            upgradable=bool(held) and not best and len(upgradable_files) == len(held),
        ),
    )


def _may_be_better(session: Session, profile_id: str, quality: Quality, score: int) -> bool:
    return settings.upgradable(settings.get_profile(session, profile_id), quality, score=score)


def refresh_all_of_profile(session: Session, now: datetime, profile_id: str) -> int:
    """Count again for every title under a profile, after its cutoff changed; return how many there were."""
    items = session.scalars(
        select(media.Version.media_item_id).where(media.Version.profile_id == profile_id).distinct()
    ).all()
    for item_id in items:
        refresh_holdings(session, now, item_id)
    return len(items)

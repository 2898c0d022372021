"""The files that the library has of a title, recorded in the media context after every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.words import MatchState
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.parsing import Quality, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """An existing file, for decisions."""

    file_id: str
    version_id: str
    """A file without a version counts for the title's default one."""
    quality: Quality
    size_bytes: int
    episode_ids: frozenset[str]
    release_group: str | None
    format_score: int
    faulty: bool = False
    """Marked by a person: any release that the profile allows replaces it."""


def quality_of(stored: dict[str, Any] | None, resolution: int | None) -> Quality:
    """Return a file's quality: source and revision from its name, the resolution from analysis.

    >>> quality_of({"source": "webdl", "resolution": 2160}, 1080).name
    'WEBDL-1080p'
    """
    named = Quality.from_json(stored) if stored else Quality()
    return named if resolution is None else Quality(named.source, resolution, named.modifier, named.revision)


def comparable(quality: Quality) -> Quality:
    """Return a quality that can be compared. If the source is unknown, it is that of a broadcast with the same resolution.

    Sonarr and Radarr assume the same (arr-stack §3.4); otherwise every film with a plain name would have the lowest quality.
    """
    if quality.source is not Source.UNKNOWN or quality.resolution is None:
        return quality
    return Quality(Source.TV, quality.resolution, quality.modifier, quality.revision)


def held_qualities(session: Session, item_id: str) -> list[HeldFile]:
    """Return a title's video files that are linked and not missing."""
    return held_by_item(session, [item_id])[item_id]


def held_by_item(session: Session, item_ids: Iterable[str]) -> dict[str, list[HeldFile]]:
    """Return the held files of several titles in three reads. A title that was removed has none."""
    wanted = list(dict.fromkeys(item_ids))
    return _held_by_item(session, wanted, media.versions.versions_of(session, wanted))


def _held_by_item(
    session: Session, wanted: Sequence[str], versions: Mapping[str, Sequence[media.Version]]
) -> dict[str, list[HeldFile]]:
    held: dict[str, list[HeldFile]] = {item_id: [] for item_id in wanted}
    default = {item_id: rows[0].id for item_id, rows in versions.items() if rows}
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
            MediaFile.faulty_since,
        )
        .where(
            MediaFile.media_item_id.in_(wanted),
            MediaFile.kind == FileKind.VIDEO,
            MediaFile.match_state == MatchState.MATCHED,
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
    for item_id, file_id, version_id, quality, resolution, size_bytes, group, format_score, faulty in rows:
        held[item_id].append(
            HeldFile(
                file_id=file_id,
                version_id=version_id or default[item_id],
                quality=comparable(quality_of(quality, resolution)),
                size_bytes=size_bytes,
                episode_ids=frozenset(episodes.get(file_id, ())),
                release_group=group,
                format_score=format_score,
                faulty=faulty is not None,
            )
        )
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedQuality:
    """The best file of something that could be upgraded."""

    name: str
    """`HDTV-720p`."""
    outside: bool
    """Whether the profile does not allow this quality."""


def qualities_of_wanted(
    session: Session, caller: Caller, found: Sequence[media.wanted.Wanted]
) -> dict[tuple[str, str | None], WantedQuality]:
    """Return (version, episode) -> what is held of it, for a page of the upgrades list, in a fixed number of reads."""
    caller.require(Permission.VIEW_ACTIVITY)
    ids = list({one.media_item_id for one in found})
    versions = media.versions.versions_of(session, ids)
    files = _held_by_item(session, ids, versions)
    profile_of = {row.id: row.profile_id for rows in versions.values() for row in rows}
    profiles = {one.id: one for one in settings.profiles.list_profiles(session, caller)}
    told: dict[tuple[str, str | None], WantedQuality] = {}
    for one in found:
        here = [
            file.quality
            for file in files[one.media_item_id]
            if file.version_id == one.version_id and one.episode_id in (None, *file.episode_ids)
        ]
        if here:
            profile = profiles[profile_of[one.version_id]]
            best = max(here, key=profile.rank)
            told[one.version_id, one.episode_id] = WantedQuality(name=best.name, outside=not profile.allows(best))
    return told


def refresh_holdings(session: Session, now: datetime, item_id: str) -> None:
    """Count a title's files and record the result in the media context.

    Raises:
        NotFound: The title was removed.
    """
    session.flush()
    media.versions.default_version(session, item_id)
    media.holdings.record_holdings(session, now, item_id, _count(session, [item_id])[item_id])


def outdated_holdings(session: Session, item_ids: Sequence[str]) -> list[str]:
    """Return the titles whose recorded holdings differ from a new count."""
    return media.holdings.differing_holdings(session, _count(session, item_ids))


def _count(session: Session, item_ids: Sequence[str]) -> dict[str, media.holdings.Holdings]:
    versions = media.versions.versions_of(session, item_ids)
    held = _held_by_item(session, item_ids, versions)
    used = {version.profile_id for rows in versions.values() for version in rows}
    profiles = {profile_id: settings.profiles.get_profile(session, SYSTEM, profile_id) for profile_id in used}
    return {
        item_id: media.holdings.Holdings(
            files_count=len(held[item_id]),
            size_bytes=sum(file.size_bytes for file in held[item_id]),
            best_resolution=max((file.quality.resolution or 0 for file in held[item_id]), default=0) or None,
            best_quality=max((file.quality for file in held[item_id]), default=Quality()).name
            if held[item_id]
            else None,
            versions={
                version.id: _of_version(
                    profiles[version.profile_id], [file for file in held[item_id] if file.version_id == version.id]
                )
                for version in rows
            },
        )
        for item_id, rows in versions.items()
        if rows
    }


def _of_version(profile: settings.Profile, held: Sequence[HeldFile]) -> media.holdings.VersionHoldings:
    """Sum up the files of one version. Of two files with the same episode the better one counts."""
    below: dict[str, bool] = {}
    upgradable = [
        file.faulty or settings.upgrades.upgradable(profile, file.quality, score=file.format_score) for file in held
    ]
    for file, is_below in zip(held, upgradable, strict=True):
        for episode_id in file.episode_ids:
            below[episode_id] = below.get(episode_id, True) and is_below
    return media.holdings.VersionHoldings(
        files_count=len(held),
        upgradable=any(below.values()) if below else bool(held) and all(upgradable),
        episodes=below,
    )

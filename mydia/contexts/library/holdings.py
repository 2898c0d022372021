"""The files that the library has of a title, recorded in the media context after every change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Text, and_, bindparam, case, cast, false, func, literal_column, or_, select
from sqlalchemy.orm import Session

from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.words import MatchState
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.errors import NotFound
from mydia.parsing import Quality, Source
from mydia.vocabulary import MediaType


class HeldFile(msgspec.Struct, frozen=True, kw_only=True):
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
    added_at: datetime | None = None


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


def held_in_versions(session: Session, item: media.MediaItem, versions: Sequence[media.Version]) -> list[HeldFile]:
    """Return the same for a title that has been read already, with its versions, the default one first."""
    shows = item.type == MediaType.TV_SHOW
    return _held_by_item(session, [item.id], {item.id: versions}, shows=shows)[item.id]


def held_by_item(session: Session, item_ids: Iterable[str]) -> dict[str, list[HeldFile]]:
    """Return the held files of several titles in three reads. A title that was removed has none."""
    wanted = list(dict.fromkeys(item_ids))
    return _held_by_item(session, wanted, media.versions.versions_of(session, wanted))


def _held_by_item(
    session: Session, wanted: Sequence[str], versions: Mapping[str, Sequence[media.Version]], *, shows: bool = True
) -> dict[str, list[HeldFile]]:
    """Return title -> held files.

    Args:
        shows: Whether there is a series among the titles. The files of movies have no episodes.
    """
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
            MediaFile.added_at,
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
    if not rows:
        return held
    linked = (
        select(FileEpisode.file_id, FileEpisode.episode_id)
        .join(MediaFile, MediaFile.id == FileEpisode.file_id)
        .where(MediaFile.media_item_id.in_(wanted))
    )
    for file_id, episode_id in session.execute(linked) if shows else ():
        episodes.setdefault(file_id, set()).add(episode_id)
    for item_id, file_id, version_id, quality, resolution, size_bytes, group, format_score, faulty, added_at in rows:
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
                added_at=added_at,
            )
        )
    return held


class WantedQuality(msgspec.Struct, frozen=True, kw_only=True):
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
    if not _record(session, now, [item_id]):
        raise NotFound("This title is no longer in the library.")


def refresh_many(session: Session, now: datetime, item_ids: Sequence[str]) -> None:
    """Count the files of several titles and record the results; titles that were removed are left out."""
    _record(session, now, item_ids)


def _record(session: Session, now: datetime, item_ids: Sequence[str]) -> int:
    """Return how many titles there are."""
    # `scoring` reads files through this module.
    from mydia.contexts.library import scoring

    session.flush()
    scoring.rescore(session, item_ids)
    items = media.holdings.items_of(session, item_ids)
    shows = any(item.type == MediaType.TV_SHOW for item in items)
    versions = media.versions.versions_of(session, item_ids)
    counted = _count(session, item_ids, versions, shows=shows)
    media.holdings.record_holdings(session, now, counted, items=items, versions=versions)
    return len(counted)


def outdated_holdings(session: Session, item_ids: Sequence[str]) -> list[str]:
    """Return the titles whose recorded holdings differ from a new count."""
    return media.holdings.differing_holdings(
        session, _count(session, item_ids, media.versions.versions_of(session, item_ids))
    )


_COMPARED_AT_ONCE = 5_000


def _in_range(column: Any) -> Any:
    return column.between(bindparam("first"), bindparam("last"))


_IS_HELD = (
    MediaFile.kind == FileKind.VIDEO,
    MediaFile.match_state == MatchState.MATCHED,
    MediaFile.missing_since.is_(None),
)
_GROUPED = (
    MediaFile.media_item_id,
    MediaFile.version_id,
    cast(MediaFile.quality, Text),
    MediaFile.resolution,
    MediaFile.format_score,
    MediaFile.faulty_since.is_not(None),
)
_NOT_RECORDED = 1_000_000
"""What an episode counts for whose file is here and which is not recorded as held: no sum with it equals what is recorded."""
_LINKS = (
    select(func.sum(case((media.holdings.HeldEpisode.episode_id.is_(None), _NOT_RECORDED), else_=1)))
    .select_from(FileEpisode)
    .outerjoin(
        media.holdings.HeldEpisode,
        and_(
            media.holdings.HeldEpisode.episode_id == FileEpisode.episode_id,
            media.holdings.HeldEpisode.version_id
            == func.coalesce(MediaFile.version_id, media.holdings.HeldEpisode.version_id),
        ),
    )
    .where(FileEpisode.file_id == MediaFile.id)
    .correlate(MediaFile)
    .scalar_subquery()
)
_GROUPS = (
    select(
        *_GROUPED, func.count(), func.sum(MediaFile.size_bytes), func.coalesce(func.sum(_LINKS), literal_column("0"))
    )
    .where(*_IS_HELD, _in_range(MediaFile.media_item_id))
    .group_by(*_GROUPED)
)
_RECORDED_VERSIONS = (
    select(
        media.Version.id,
        media.Version.media_item_id,
        media.Version.profile_id,
        media.Version.monitored,
        media.Version.files_count,
        media.Version.upgradable,
    )
    .where(_in_range(media.Version.media_item_id))
    .order_by(media.Version.media_item_id, media.Version.position)
)
_RECORDED_ITEMS = select(
    media.MediaItem.id,
    media.MediaItem.files_count,
    media.MediaItem.size_bytes,
    media.MediaItem.best_resolution,
    media.MediaItem.best_quality,
    media.MediaItem.upgradable,
).where(_in_range(media.MediaItem.id))
_HELD = (
    select(
        media.holdings.HeldEpisode.version_id,
        func.count(),
        func.sum(case((media.holdings.HeldEpisode.upgradable, 1), else_=0)),
    )
    .where(
        media.holdings.HeldEpisode.version_id.in_(
            select(media.Version.id).where(_in_range(media.Version.media_item_id))
        )
    )
    .group_by(media.holdings.HeldEpisode.version_id)
)
_WRONG_EPISODES = (
    select(media.Episode.media_item_id)
    .outerjoin(media.holdings.HeldEpisode, media.holdings.HeldEpisode.episode_id == media.Episode.id)
    .where(
        _in_range(media.Episode.media_item_id),
        or_(
            media.Episode.held != media.holdings.HeldEpisode.version_id.is_not(None),
            media.Episode.complete != media.holdings.HeldEpisode.version_id.is_not(None),
            media.Episode.upgradable != func.coalesce(media.holdings.HeldEpisode.upgradable, false()),
        ),
    )
    .distinct()
)
"""Series with an episode whose flags do not follow from the versions that have it. Exact for series with one monitored version."""


@dataclass(slots=True, kw_only=True)
class _Sum:
    """The files of a title or of a version."""

    files: int = 0
    size_bytes: int = 0
    best: Quality | None = None
    best_resolution: int | None = None
    links: int = 0
    """Links from files to episodes."""
    links_below: int = 0
    """Those of files below the cutoff."""
    all_below: bool = True

    def add(self, quality: Quality, files: int, size_bytes: int, links: int, *, below: bool) -> None:
        """Add files of one quality."""
        self.files += files
        self.size_bytes += size_bytes
        self.best = quality if self.best is None else max(self.best, quality)
        self.best_resolution = max(self.best_resolution or 0, quality.resolution or 0) or None
        self.links += links
        self.links_below += links if below else 0
        self.all_below = self.all_below and below

    @property
    def upgradable(self) -> bool:
        """Whether it is below the cutoff, as `_of_version` decides for episodes with one file each."""
        return self.links_below > 0 if self.links else self.files > 0 and self.all_below


def suspects(session: Session) -> list[str]:
    """Return the titles whose recorded holdings may differ from a new count, among them all that do.

    The database adds up files by quality, so this takes a tenth of the time that `outdated_holdings` takes for all titles. Titles
    with several versions, and series with two files for one episode, are returned without a closer look.
    """
    profiles = {one.id: one for one in settings.profiles.list_profiles(session, SYSTEM)}
    found: set[str] = set()
    first = ""
    # In ranges of ids, so that the memory this takes does not depend on the size of the library.
    while True:
        ids = media.lists.ids_of(session, SYSTEM, media.lists.ItemQuery(), after=first, limit=_COMPARED_AT_ONCE)
        if not ids:
            return sorted(found)
        found |= _suspects_between(session, profiles, {"first": ids[0], "last": ids[-1]})
        first = ids[-1]


def _suspects_between(session: Session, profiles: Mapping[str, settings.Profile], between: dict[str, str]) -> set[str]:
    versions: dict[str, tuple[Any, ...]] = {}
    version_of: dict[str, str] = {}
    found: set[str] = set()
    for version_id, item_id, *recorded in session.connection().execute(_RECORDED_VERSIONS, between):
        if version_of.setdefault(item_id, version_id) != version_id:
            found.add(item_id)
        versions[version_id] = (item_id, *recorded)
    sums: dict[str, _Sum] = {}
    known: dict[tuple[Any, ...], tuple[Quality, bool]] = {}
    for item_id, version_id, *same, files, size_bytes, links in session.connection().execute(_GROUPS, between):
        counted_for = version_id or version_of.get(item_id)
        if counted_for not in versions:
            found.add(item_id)
            continue
        key = (versions[counted_for][1], *same)
        if key not in known:
            stored, resolution, score, faulty = same
            quality = comparable(quality_of(json.loads(stored) if stored else None, resolution))
            known[key] = quality, faulty or settings.upgrades.upgradable(profiles[key[0]], quality, score=score)
        quality, below = known[key]
        sums.setdefault(counted_for, _Sum()).add(quality, files, int(size_bytes), int(links), below=bool(below))
    nothing = _Sum()
    for item_id, files, size_bytes, resolution, name, upgradable in session.connection().execute(
        _RECORDED_ITEMS, between
    ):
        version_id = version_of.get(item_id, "")
        one = sums.get(version_id, nothing)
        monitored = version_id in versions and versions[version_id][2]
        counted = (one.files, one.size_bytes, one.best_resolution, one.best and one.best.name)
        if (*counted, one.upgradable and monitored) != (files, size_bytes, resolution, name, upgradable):
            found.add(item_id)
    held = {version_id: numbers for version_id, *numbers in session.connection().execute(_HELD, between)}
    for version_id, (item_id, _, _, files, upgradable) in versions.items():
        one = sums.get(version_id, nothing)
        if (files, upgradable) != (one.files, one.upgradable) or held.get(version_id, [0, 0]) != [
            one.links,
            one.links_below,
        ]:
            found.add(item_id)
    return found | set(session.scalars(_WRONG_EPISODES, between))


def _count(
    session: Session, item_ids: Sequence[str], versions: Mapping[str, Sequence[media.Version]], *, shows: bool = True
) -> dict[str, media.holdings.Holdings]:
    held = _held_by_item(session, item_ids, versions, shows=shows)
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

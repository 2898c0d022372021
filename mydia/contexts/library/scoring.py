"""The custom format scores of files: by their names and by what the analysis found in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.holdings import comparable, quality_of
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.words import MatchState
from mydia.contexts.settings import Profile
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.parsing import parse_release
from mydia.vocabulary import MediaType


def rescore(session: Session, item_ids: Sequence[str]) -> int:
    """Store the scores of the files of these titles; return how many have changed. Nothing is read without formats."""
    formats = settings.formats.current(session)
    if not formats.formats:
        return 0
    changed = outdated_scores(session, item_ids, formats)
    for file_id, score in changed.items():
        session.execute(update(MediaFile).where(MediaFile.id == file_id).values(format_score=score))
    return len(changed)


def outdated_scores(
    session: Session, item_ids: Sequence[str], formats: settings.formats.FormatSet | None = None
) -> dict[str, int]:
    """Return file id -> score of the files of these titles whose stored score is another one."""
    formats = formats or settings.formats.current(session)
    files = _files_of(session, item_ids)
    if not files:
        return {}
    items = {file.media_item_id or "": None for file in files}
    profiles = _profiles_of(session, list(items))
    changed: dict[str, int] = {}
    for file, matched in _matched(session, files, formats):
        by_version = profiles[file.media_item_id or ""]
        profile = by_version.get(file.version_id or "") or next(iter(by_version.values()))
        score = settings.formats.score_of(matched, profile.scores)
        if score != file.format_score:
            changed[file.id] = score
    return changed


def matched_formats(session: Session, item_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return file id -> ids of its custom formats, of all files of these titles."""
    formats = settings.formats.current(session)
    files = _files_of(session, item_ids) if formats.formats else []
    return {file.id: tuple(one.id for one in matched) for file, matched in _matched(session, files, formats)}


def _files_of(session: Session, item_ids: Sequence[str]) -> Sequence[MediaFile]:
    return session.scalars(
        select(MediaFile).where(
            MediaFile.media_item_id.in_(list(item_ids)),
            MediaFile.kind == FileKind.VIDEO,
            MediaFile.match_state == MatchState.MATCHED,
        )
    ).all()


def _matched(
    session: Session, files: Sequence[MediaFile], formats: settings.formats.FormatSet
) -> Iterator[tuple[MediaFile, tuple[settings.formats.Format, ...]]]:
    """Return files with the custom formats that match."""
    item_ids = {file.media_item_id or "" for file in files}
    items = {item.id: item for item in session.scalars(select(media.MediaItem).where(media.MediaItem.id.in_(item_ids)))}
    counts = session.execute(
        select(FileEpisode.file_id, func.count())
        .where(FileEpisode.file_id.in_([file.id for file in files]))
        .group_by(FileEpisode.file_id)
    )
    episodes = {str(row[0]): int(row[1]) for row in counts}
    for file in files:
        subject = _subject(file, items[file.media_item_id or ""], episodes.get(file.id, 0))
        yield file, formats.matching(subject) if formats.formats else ()


def store_scores(session: Session, scores: Mapping[str, int]) -> None:
    """Store the scores that `outdated_scores` returned."""
    for file_id, score in scores.items():
        session.execute(update(MediaFile).where(MediaFile.id == file_id).values(format_score=score))


def scored_items(session: Session) -> list[str]:
    """Return the titles with files whose score may have changed: all with files, or those with a score if there are no formats."""
    query = select(MediaFile.media_item_id).where(MediaFile.match_state == MatchState.MATCHED).distinct()
    if not settings.formats.current(session).formats:
        query = query.where(MediaFile.format_score != 0)
    return sorted(id for id in session.scalars(query) if id is not None)


def formats_of(session: Session, caller: Caller, file_id: str) -> tuple[settings.formats.Format, ...]:
    """Return the custom formats that match a file."""
    caller.require(Permission.BROWSE)
    file = get(session, MediaFile, file_id, what="This file")
    formats = settings.formats.current(session)
    if file.media_item_id is None or not formats.formats:
        return ()
    item = media.get_item(session, SYSTEM, file.media_item_id)
    count = session.scalar(select(func.count()).select_from(FileEpisode).where(FileEpisode.file_id == file.id)) or 0
    return formats.matching(_subject(file, item, count))


def scored_formats(session: Session, caller: Caller, file_id: str) -> tuple[tuple[str, int], ...]:
    """Return (name, score in its version's profile) of the custom formats that match a file, those that count first."""
    matched = formats_of(session, caller, file_id)
    file = get(session, MediaFile, file_id, what="This file")
    if not matched or file.media_item_id is None:
        return ()
    by_version = _profiles_of(session, [file.media_item_id])[file.media_item_id]
    scores = (by_version.get(file.version_id or "") or next(iter(by_version.values()))).scores
    found = [(one.name, scores.get(one.id, 0)) for one in matched]
    return tuple(sorted(found, key=lambda one: (-abs(one[1]), one[0].casefold())))


LOOKED_AT = (
    "release_name",
    "quality",
    "resolution",
    "streams",
    "hdr_format",
    "release_group",
    "edition",
    "size_bytes",
    "indexer_flags",
    "analysed_at",
)
"""Columns of `media_files` that formats look at."""


def names_of_formats(
    session: Session, item: media.MediaItem, columns: Mapping[str, Any], stem: str, episodes: int
) -> tuple[str, ...]:
    """Return the custom formats of a file that are included in its name.

    Args:
        columns: Columns of `media_files`, of an existing or future row.
        stem: The file's present name, used if the release is unknown.
    """
    formats = settings.formats.current(session)
    if not any(format.include_in_rename for format in formats.formats):
        return ()
    matched = formats.matching(_subject_of(columns, stem, item, episodes))
    return tuple(format.name for format in matched if format.include_in_rename)


def _subject(file: MediaFile, item: media.MediaItem, episodes: int) -> settings.formats.Subject:
    columns = {name: getattr(file, name) for name in LOOKED_AT}
    return _subject_of(columns, PurePosixPath(shown(file.relative_path)).stem, item, episodes)


def _subject_of(
    columns: Mapping[str, Any], stem: str, item: media.MediaItem, episodes: int
) -> settings.formats.Subject:
    subjects = settings.formats.subjects
    # Not the file's name as well: it may contain the names of formats.
    name = columns.get("release_name") or stem
    streams = None
    if columns.get("analysed_at") is not None:
        audio = [track.get("language") for track in (columns.get("streams") or {}).get("audio", ())]
        streams = subjects.Streams(subjects.heard_languages(audio), subjects.hdr_words(columns.get("hdr_format")))
    return subjects.of_file(
        (name,),
        parse_release(name, "movie" if item.type == MediaType.MOVIE else "tv"),
        item.type,
        quality=comparable(quality_of(columns.get("quality"), columns.get("resolution"))),
        streams=streams,
        group=columns.get("release_group"),
        edition=columns.get("edition"),
        original_language=item.original_language,
        year=item.year,
        size_bytes=columns.get("size_bytes"),
        flags=map(str, columns.get("indexer_flags") or ()),
        episodes=episodes,
    )


def _profiles_of(session: Session, item_ids: Sequence[str]) -> dict[str, dict[str, Profile]]:
    """Return title -> version -> profile, the default version first."""
    profiles = {profile.id: profile for profile in settings.profiles.list_profiles(session, SYSTEM)}
    return {
        item_id: {version.id: profiles[version.profile_id] for version in versions}
        for item_id, versions in media.versions.versions_of(session, item_ids).items()
    }

"""Files with their technical facts, for pages and APIs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, func, select, text, tuple_
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown, to_os
from mydia.adapters.media_tools import MediaFacts
from mydia.contexts import media, settings
from mydia.contexts.library.filekinds import LeftOut
from mydia.contexts.library.holdings import quality_of
from mydia.contexts.library.models import NEW_VIDEO, UNMATCHED, FileEpisode, MediaFile, Sidecar
from mydia.contexts.library.words import MatchState
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, decode_cursor, encode_cursor, get
from mydia.events import say
from mydia.parsing import Modifier, Quality, Source

_AT_ONCE = 500
"""Ids in one `IN`."""
_SOURCES = {
    Source.WORKPRINT: "Workprint",
    Source.CAM: "Cam",
    Source.TELESYNC: "Telesync",
    Source.TELECINE: "Telecine",
    Source.TV: "HDTV",
    Source.DVD: "DVD",
    Source.WEBRIP: "WEBRip",
    Source.WEBDL: "WEB-DL",
    Source.BLURAY: "Blu-ray",
}
_VIDEO_CODECS = {
    "h264": "H.264",
    "h265": "H.265",
    "av1": "AV1",
    "vp9": "VP9",
    "mpeg2": "MPEG-2",
    "vc1": "VC-1",
    "xvid": "Xvid",
}
_AUDIO_CODECS = {
    "aac": "AAC",
    "ac3": "Dolby Digital",
    "eac3": "Dolby Digital+",
    "dts": "DTS",
    "dts-hd": "DTS-HD MA",
    "dts-x": "DTS:X",
    "truehd": "TrueHD",
    "atmos": "Atmos",
    "flac": "FLAC",
    "mp3": "MP3",
    "opus": "Opus",
    "pcm": "PCM",
    "vorbis": "Vorbis",
}


class SpecStrip(msgspec.Struct, frozen=True, kw_only=True):
    """The technical line of a file. Unknown parts are None."""

    resolution: str | None
    source: str | None
    hdr: str | None
    codec: str | None
    audio: str | None
    channels: str | None

    @property
    def parts(self) -> tuple[str, ...]:
        """The known parts, in reading order."""
        both = " ".join(part for part in (self.audio, self.channels) if part) or None
        return tuple(part for part in (self.resolution, self.source, self.hdr, self.codec, both) if part)


class SidecarView(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside a video."""

    id: str
    relative_path: str
    kind: str
    language: str | None
    flags: tuple[str, ...]


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """One file as pages and APIs show it."""

    id: str
    library_path_id: str
    media_item_id: str | None
    version_id: str | None
    kind: str
    match_state: str
    relative_path: str
    """As stored; use `shown_path` for display. All paths are empty for callers who may not see paths."""
    path: str
    """Absolute, as stored text."""
    shown_path: str
    left_out: LeftOut | None
    """Why an extra or sample is not matched to a title; `filekinds.LEFT_OUT_SENTENCES` has the sentences."""
    size_bytes: int
    quality: Quality
    spec: SpecStrip
    episode_ids: tuple[str, ...]
    edition: str | None
    release_name: str | None
    release_group: str | None
    format_score: int
    container: str | None
    width: int | None
    height: int | None
    video_codec: str | None
    bit_depth: int | None
    hdr_format: str | None
    audio_codec: str | None
    audio_channels: str | None
    duration_s: float | None
    bitrate_bps: int | None
    languages: tuple[str, ...]
    audio_tracks: tuple[dict[str, Any], ...]
    subtitle_tracks: tuple[dict[str, Any], ...]
    sidecars: tuple[SidecarView, ...]
    match_score: float | None
    match_evidence: tuple[str, ...]
    download_id: str | None
    analysed_at: datetime | None
    analysis_error: str | None
    added_at: datetime
    missing_since: datetime | None


class FilePage(msgspec.Struct, frozen=True):
    """A page of files, by key-set."""

    files: tuple[FileView, ...]
    next_cursor: str | None


def get_file(session: Session, caller: Caller, file_id: str) -> FileView:
    """Return one file. Raises NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    return _views(session, caller, [get(session, MediaFile, file_id, what="This file")])[0]


def files_of_item(session: Session, caller: Caller, item_id: str, *, videos_only: bool = False) -> list[FileView]:
    """Return a title's files, including missing ones, sorted by path.

    Args:
        videos_only: Without extras and samples. This needs only `browse`: it shows the quality of what is there.
    """
    caller.require(Permission.BROWSE if videos_only else Permission.VIEW_ACTIVITY)
    query = select(MediaFile).where(MediaFile.media_item_id == item_id).order_by(MediaFile.relative_path)
    if videos_only:
        query = query.where(MediaFile.kind == "video")
    return _views(session, caller, session.scalars(query).all())


def files_of_items(
    session: Session, caller: Caller, item_ids: Collection[str], *, videos_only: bool = False
) -> dict[str, list[FileView]]:
    """Return the files of several titles, sorted by path, by title; one without files is left out.

    Args:
        videos_only: As for `files_of_item`.
    """
    caller.require(Permission.BROWSE if videos_only else Permission.VIEW_ACTIVITY)
    query = select(MediaFile).where(MediaFile.media_item_id.in_(item_ids))
    if videos_only:
        query = query.where(MediaFile.kind == "video")
    found: dict[str, list[FileView]] = {}
    # Read plain columns on the connection, because the session's loaders would take a third of the time.
    rows = session.connection().execute(query.order_by(MediaFile.relative_path)).all()
    for view in _views(session, caller, rows):
        found.setdefault(view.media_item_id or "", []).append(view)
    return found


def videos_of_item(
    session: Session, caller: Caller, item_id: str, *, cursor: str | None = None, limit: int = 100
) -> FilePage:
    """Return a page of a title's videos in the order of their paths, including missing ones."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(MediaFile)
        .where(MediaFile.media_item_id == item_id, MediaFile.kind == "video")
        .order_by(MediaFile.relative_path, MediaFile.id)
        .limit(limit + 1)
    )
    if (after := decode_cursor(cursor, 2)) is not None:
        place = tuple_(MediaFile.relative_path, MediaFile.id)
        query = query.where(place > (cursor_id(after[0]), cursor_id(after[1])))
    rows = session.scalars(query).all()
    following = encode_cursor(rows[limit - 1].relative_path, rows[limit - 1].id) if len(rows) > limit else None
    return FilePage(tuple(_views(session, caller, rows[:limit])), following)


class HeldEpisode(NamedTuple):
    """An episode that a file holds."""

    episode_id: str
    file_id: str
    size_bytes: int
    """Of the whole file, which may hold several episodes."""


def held_episodes(session: Session, caller: Caller, item_id: str) -> list[HeldEpisode]:
    """Return which episodes of a series have a file, without the facts of the files: one light read for long series."""
    caller.require(Permission.BROWSE)
    rows = session.execute(
        select(FileEpisode.episode_id, MediaFile.id, MediaFile.size_bytes)
        .join(MediaFile, MediaFile.id == FileEpisode.file_id)
        .where(MediaFile.media_item_id == item_id, MediaFile.kind == "video")
        .order_by(MediaFile.relative_path)
    )
    return [HeldEpisode(*row) for row in rows]


def files_of_episodes(session: Session, caller: Caller, episode_ids: Collection[str]) -> list[FileView]:
    """Return the videos that hold any of these episodes, each once, in the order of their paths."""
    caller.require(Permission.BROWSE)
    wanted = list(episode_ids)
    found: dict[str, MediaFile] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        linked = select(FileEpisode.file_id).where(FileEpisode.episode_id.in_(wanted[start : start + _AT_ONCE]))
        rows = session.scalars(select(MediaFile).where(MediaFile.id.in_(linked), MediaFile.kind == "video"))
        found |= {row.id: row for row in rows}
    return _views(session, caller, sorted(found.values(), key=lambda row: row.relative_path))


def find_best_file(session: Session, caller: Caller, item_id: str) -> FileView | None:
    """Return the video that stands for a title: the highest resolution, as on its card, then the largest."""
    caller.require(Permission.BROWSE)
    row = session.scalars(
        select(MediaFile)
        .where(MediaFile.media_item_id == item_id, MediaFile.kind == "video", MediaFile.missing_since.is_(None))
        .order_by(func.coalesce(MediaFile.resolution, 0).desc(), MediaFile.size_bytes.desc(), MediaFile.id)
        .limit(1)
    ).first()
    return None if row is None else _views(session, caller, [row])[0]


def files_by_id(session: Session, caller: Caller, item_id: str, file_ids: Collection[str]) -> list[FileView]:
    """Return those of these files that belong to a title, in the order of their paths."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(MediaFile).where(MediaFile.media_item_id == item_id, MediaFile.id.in_(file_ids))
    return _views(session, caller, session.scalars(query.order_by(MediaFile.relative_path)).all())


def files_of_episode(session: Session, caller: Caller, episode_id: str) -> list[FileView]:
    """Return the files of an episode."""
    caller.require(Permission.BROWSE)
    query = (
        select(MediaFile)
        .join(FileEpisode, FileEpisode.file_id == MediaFile.id)
        .where(FileEpisode.episode_id == episode_id)
        .order_by(MediaFile.relative_path)
    )
    return _views(session, caller, session.scalars(query).all())


def list_files(
    session: Session,
    caller: Caller,
    *,
    library_path_id: str | None = None,
    match_state: str | None = None,
    missing: bool | None = None,
    failed_analysis: bool = False,
    left_out: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> FilePage:
    """Return files in the order in which they were found.

    Args:
        left_out: Only extras and samples, which are not matched to a title; `FileView.left_out` says why.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(MediaFile).order_by(MediaFile.id).limit(limit + 1)
    if library_path_id is not None:
        query = query.where(MediaFile.library_path_id == library_path_id)
    if match_state is not None:
        query = query.where(MediaFile.match_state == match_state)
        if match_state != MatchState.MATCHED:
            query = query.where(text(UNMATCHED))
    if missing is not None:
        query = query.where(text("missing_since IS NOT NULL") if missing else MediaFile.missing_since.is_(None))
    if failed_analysis:
        query = query.where(text("analysis_error IS NOT NULL"))
    if left_out:
        query = query.where(text("kind <> 'video'"))
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(MediaFile.id > cursor_id(key[0]))
    rows = session.scalars(query).all()
    more = len(rows) > limit
    return FilePage(
        tuple(_views(session, caller, rows[:limit])), encode_cursor(rows[limit - 1].id) if more and limit else None
    )


def new_files(session: Session, caller: Caller) -> dict[str, int]:
    """Return library path id -> number of its videos that wait for being matched; folders without any are left out."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(MediaFile.library_path_id, func.count()).where(text(NEW_VIDEO)).group_by(MediaFile.library_path_id)
    return {path_id: number for path_id, number in session.execute(query)}  # noqa: C416  rows are not pairs to dict()


def absolute_path(session: Session, caller: Caller, file_id: str) -> Path:
    """Return the path of a file on disk. Confine it to the library folder before opening it."""
    caller.require(Permission.VIEW_ACTIVITY)
    row = get(session, MediaFile, file_id, what="This file")
    return Path(settings.library_paths.get_library_path(session, caller, row.library_path_id).path) / to_os(
        row.relative_path
    )


def find_file_by_path(session: Session, caller: Caller, path: str) -> FileView | None:
    """Return the file at an absolute path, or None. Folder names must match as a whole: `/tv` is not `/tv2`."""
    caller.require(Permission.VIEW_ACTIVITY)
    for folder in settings.library_paths.list_library_paths(session, caller):
        if path.startswith(f"{folder.path}/"):
            row = session.scalars(
                select(MediaFile).where(
                    MediaFile.library_path_id == folder.id, MediaFile.relative_path == path[len(folder.path) + 1 :]
                )
            ).first()
            if row is not None:
                return _views(session, caller, [row])[0]
    return None


def spec_strip(
    quality: Quality,
    *,
    hdr_format: str | None = None,
    video_codec: str | None = None,
    bit_depth: int | None = None,
    audio_codec: str | None = None,
    audio_channels: str | None = None,
) -> SpecStrip:
    """Return the badges of a file or release.

    >>> spec_strip(Quality(Source.WEBDL, 2160), hdr_format="HDR10", video_codec="h265", bit_depth=10).parts
    ('2160p', 'WEB-DL', 'HDR10', 'H.265 10-bit')
    """
    source = "Remux" if quality.modifier is Modifier.REMUX else _SOURCES.get(quality.source)
    codec = _VIDEO_CODECS.get(video_codec or "", video_codec)
    if codec and (bit_depth or 8) > 8:
        codec = f"{codec} {bit_depth}-bit"
    resolution = None if quality.resolution is None else f"{quality.resolution}p"
    return SpecStrip(
        resolution=resolution,
        source=source,
        hdr=hdr_format,
        codec=codec,
        audio=_AUDIO_CODECS.get(audio_codec or "", audio_codec),
        channels=audio_channels,
    )


def columns_of(facts: MediaFacts) -> dict[str, Any]:
    """Return analysis as columns of `media_files`."""
    first = next((track for track in facts.audio if track.default), facts.audio[0] if facts.audio else None)
    return {
        "container": facts.container,
        "width": facts.width,
        "height": facts.height,
        "resolution": facts.resolution,
        "video_codec": facts.video_codec,
        "hdr_format": facts.hdr_format,
        "bit_depth": facts.bit_depth,
        "audio_codec": None if first is None else "atmos" if first.atmos else first.codec,
        "audio_channels": None if first is None else first.channels,
        "duration_s": facts.duration_s,
        "bitrate_bps": facts.bitrate_bps,
        "streams": {
            "audio": [
                {
                    "codec": track.codec,
                    "channels": track.channels,
                    "language": track.language,
                    "atmos": track.atmos,
                    "default": track.default,
                    "title": track.title,
                }
                for track in facts.audio
            ],
            "subtitles": [
                {
                    "codec": track.codec,
                    "language": track.language,
                    "forced": track.forced,
                    "hearing_impaired": track.hearing_impaired,
                    "default": track.default,
                    "title": track.title,
                }
                for track in facts.subtitles
            ],
            "frame_rate": facts.frame_rate,
            "chapters": facts.chapters,
            "title": facts.title,
        },
    }


def _views(session: Session, caller: Caller, rows: Sequence[MediaFile | Row[Any]]) -> list[FileView]:
    shows_paths = caller.can(Permission.VIEW_ACTIVITY)
    if not rows:
        return []
    ids = [row.id for row in rows]
    folders = dict(
        session.execute(
            select(LibraryPath.id, LibraryPath.path).where(LibraryPath.id.in_({row.library_path_id for row in rows}))
        ).all()
    )
    episodes: dict[str, list[str]] = {}
    for file_id, episode_id in session.execute(
        select(FileEpisode.file_id, FileEpisode.episode_id)
        .join(media.Episode, media.Episode.id == FileEpisode.episode_id)
        .where(FileEpisode.file_id.in_(ids))
        .order_by(media.Episode.season_number, media.Episode.episode_number)
    ):
        episodes.setdefault(file_id, []).append(episode_id)
    sidecars: dict[str, list[SidecarView]] = {}
    for row in session.scalars(select(Sidecar).where(Sidecar.file_id.in_(ids)).order_by(Sidecar.relative_path)):
        sidecars.setdefault(row.file_id or "", []).append(
            SidecarView(
                id=row.id, relative_path=row.relative_path, kind=row.kind, language=row.language, flags=tuple(row.flags)
            )
        )
    return [
        _view(
            row,
            folders[row.library_path_id] if shows_paths else None,
            tuple(episodes.get(row.id, ())),
            tuple(sidecars.get(row.id, ())) if shows_paths else (),
        )
        for row in rows
    ]


def _view(
    row: MediaFile | Row[Any], folder: str | None, episode_ids: tuple[str, ...], sidecars: tuple[SidecarView, ...]
) -> FileView:
    quality = quality_of(row.quality, row.resolution)
    return FileView(
        id=row.id,
        library_path_id=row.library_path_id,
        media_item_id=row.media_item_id,
        version_id=row.version_id,
        kind=row.kind,
        match_state=row.match_state,
        relative_path="" if folder is None else row.relative_path,
        path="" if folder is None else f"{folder}/{row.relative_path}",
        shown_path="" if folder is None else shown(row.relative_path),
        left_out=LeftOut(row.left_out) if row.left_out else None,
        size_bytes=row.size_bytes,
        quality=quality,
        spec=spec_strip(
            quality,
            hdr_format=row.hdr_format,
            video_codec=row.video_codec,
            bit_depth=row.bit_depth,
            audio_codec=row.audio_codec,
            audio_channels=row.audio_channels,
        ),
        episode_ids=episode_ids,
        edition=row.edition,
        release_name=None if folder is None else row.release_name,
        release_group=row.release_group,
        format_score=row.format_score,
        container=row.container,
        width=row.width,
        height=row.height,
        video_codec=row.video_codec,
        bit_depth=row.bit_depth,
        hdr_format=row.hdr_format,
        audio_codec=row.audio_codec,
        audio_channels=row.audio_channels,
        duration_s=row.duration_s,
        bitrate_bps=row.bitrate_bps,
        languages=tuple(row.languages),
        audio_tracks=tuple(row.streams.get("audio", ())),
        subtitle_tracks=tuple(row.streams.get("subtitles", ())),
        sidecars=sidecars,
        match_score=row.match_score,
        match_evidence=tuple(say(one) for one in row.match_evidence),
        download_id=row.download_id,
        analysed_at=row.analysed_at,
        analysis_error=row.analysis_error,
        added_at=row.added_at,
        missing_since=row.missing_since,
    )

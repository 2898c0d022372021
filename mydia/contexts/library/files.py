"""Files for pages and decisions: what belongs to a title, with the technical facts in the order people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown, to_os
from mydia.adapters.media_tools import MediaFacts
from mydia.contexts import media, settings
from mydia.contexts.library.holdings import quality_of
from mydia.contexts.library.models import FileEpisode, MediaFile, Sidecar
from mydia.contexts.settings import LibraryPath
from mydia.db import cursor_id, decode_cursor, encode_cursor, get
from mydia.parsing import Modifier, Quality, Source

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


@dataclass(frozen=True, slots=True)
class SpecStrip:
    """The technical line of a file; parts that are not known are None."""

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


@dataclass(frozen=True, slots=True)
class SidecarView:
    """A file beside a video."""

    id: str
    relative_path: str
    kind: str
    language: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileView:
    """One file as pages and APIs show it."""

    id: str
    library_path_id: str
    media_item_id: str | None
    version_id: str | None
    kind: str
    match_state: str
    relative_path: str
    """As stored; show `shown_path`."""
    path: str
    """Absolute, as stored text."""
    shown_path: str
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


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of files, by key-set."""

    files: tuple[FileView, ...]
    next_cursor: str | None


def get_file(session: Session, file_id: str) -> FileView:
    """Return one file. Raises NotFound."""
    return _views(session, [get(session, MediaFile, file_id, what="This file")])[0]


def files_of_item(session: Session, item_id: str, *, videos_only: bool = False) -> list[FileView]:
    """Return a title's files in the order of their paths, missing ones too."""
    query = select(MediaFile).where(MediaFile.media_item_id == item_id).order_by(MediaFile.relative_path)
    if videos_only:
        query = query.where(MediaFile.kind == "video")
    return _views(session, session.scalars(query).all())


def files_of_episode(session: Session, episode_id: str) -> list[FileView]:
    """Return the files that hold an episode."""
    query = (
        select(MediaFile)
        .join(FileEpisode, FileEpisode.file_id == MediaFile.id)
        .where(FileEpisode.episode_id == episode_id)
        .order_by(MediaFile.relative_path)
    )
    return _views(session, session.scalars(query).all())


def list_files(
    session: Session,
    *,
    library_path_id: str | None = None,
    match_state: str | None = None,
    missing: bool | None = None,
    failed_analysis: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> FilePage:
    """Return files by id, which is the order in which they were found."""
    query = select(MediaFile).order_by(MediaFile.id).limit(limit + 1)
    if library_path_id is not None:
        query = query.where(MediaFile.library_path_id == library_path_id)
    if match_state is not None:
        query = query.where(MediaFile.match_state == match_state)
    if missing is not None:
        query = query.where(MediaFile.missing_since.is_not(None) if missing else MediaFile.missing_since.is_(None))
    if failed_analysis:
        query = query.where(MediaFile.analysis_error.is_not(None))
    if (key := decode_cursor(cursor, 1)) is not None:
        query = query.where(MediaFile.id > cursor_id(key[0]))
    rows = session.scalars(query).all()
    more = len(rows) > limit
    return FilePage(tuple(_views(session, rows[:limit])), encode_cursor(rows[limit - 1].id) if more and limit else None)


def file_counts(session: Session) -> dict[str, dict[str, int]]:
    """Return library path id -> {videos, size_bytes, missing, new, waiting} in one read, for settings and metrics."""
    counts: dict[str, dict[str, int]] = {}
    rows = session.execute(
        select(
            MediaFile.library_path_id,
            MediaFile.match_state,
            MediaFile.missing_since.is_not(None),
            func.count(),
            func.coalesce(func.sum(MediaFile.size_bytes), 0),
        )
        .where(MediaFile.kind == "video")
        .group_by(MediaFile.library_path_id, MediaFile.match_state, MediaFile.missing_since.is_not(None))
    )
    for path_id, state, is_missing, number, size in rows:
        told = counts.setdefault(path_id, {"videos": 0, "size_bytes": 0, "missing": 0, "new": 0, "waiting": 0})
        told["missing" if is_missing else "videos"] += number
        if not is_missing:
            told["size_bytes"] += int(size)
            if state in ("new", "waiting"):
                told[state] += number
    return counts


def absolute_path(session: Session, file_id: str) -> Path:
    """Return where a file is on disk; confined to its library folder by whoever opens it."""
    row = get(session, MediaFile, file_id, what="This file")
    return Path(settings.get_library_path(session, row.library_path_id).path) / to_os(row.relative_path)


def find_file_by_path(session: Session, path: str) -> FileView | None:
    """Return the file at an absolute path, or None; a folder's name must match whole (`/tv` is not `/tv2`)."""
    for folder in settings.list_library_paths(session):
        if path.startswith(f"{folder.path}/"):
            row = session.scalars(
                select(MediaFile).where(
                    MediaFile.library_path_id == folder.id, MediaFile.relative_path == path[len(folder.path) + 1 :]
                )
            ).first()
            if row is not None:
                return _views(session, [row])[0]
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
        resolution, source, hdr_format, codec, _AUDIO_CODECS.get(audio_codec or "", audio_codec), audio_channels
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


def _views(session: Session, rows: Iterable[MediaFile]) -> list[FileView]:
    rows = list(rows)
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
            SidecarView(row.id, row.relative_path, row.kind, row.language, tuple(row.flags))
        )
    return [
        _view(row, folders[row.library_path_id], tuple(episodes.get(row.id, ())), tuple(sidecars.get(row.id, ())))
        for row in rows
    ]


def _view(row: MediaFile, folder: str, episode_ids: tuple[str, ...], sidecars: tuple[SidecarView, ...]) -> FileView:
    quality = quality_of(row.quality, row.resolution)
    return FileView(
        id=row.id,
        library_path_id=row.library_path_id,
        media_item_id=row.media_item_id,
        version_id=row.version_id,
        kind=row.kind,
        match_state=row.match_state,
        relative_path=row.relative_path,
        path=f"{folder}/{row.relative_path}",
        shown_path=shown(row.relative_path),
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
        release_name=row.release_name,
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
        match_evidence=tuple(row.match_evidence),
        download_id=row.download_id,
        analysed_at=row.analysed_at,
        analysis_error=row.analysis_error,
        added_at=row.added_at,
        missing_since=row.missing_since,
    )

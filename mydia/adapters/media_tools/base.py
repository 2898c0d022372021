"""The content of a media file according to its streams, not its name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec


class AudioTrack(msgspec.Struct, frozen=True, kw_only=True):
    """An audio stream; `codec` uses the parser's names (aac ac3 eac3 dts dts-hd dts-x truehd atmos flac mp3 opus pcm …)."""

    codec: str
    channels: str | None
    """`2.0`, `5.1`, `7.1`."""
    language: str | None
    """ISO 639-1 if it exists, otherwise 639-2."""
    atmos: bool = False
    default: bool = False
    title: str | None = None
    bitrate_bps: int | None = None


class SubtitleTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One embedded subtitle stream."""

    codec: str
    language: str | None
    forced: bool = False
    hearing_impaired: bool = False
    default: bool = False
    title: str | None = None


class MediaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The result of analysing a file."""

    container: str | None
    duration_s: float | None
    bitrate_bps: int | None
    width: int | None
    height: int | None
    resolution: int | None
    """480 | 540 | 576 | 720 | 1080 | 2160 | 4320, judged by width and height (a 1920x800 film is 1080)."""
    video_codec: str | None
    """h264 h265 av1 vp9 mpeg2 vc1 xvid …"""
    bit_depth: int | None
    hdr_format: str | None
    """`HDR10`, `HDR10+`, `HLG`, `DV`, `DV HDR10`, …; None for SDR."""
    frame_rate: float | None
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    chapters: int = 0
    title: str | None = None
    """The title written inside the file, often a release name."""


class MediaProbe(Protocol):
    """Reads the technical facts of a file."""

    def probe(self, path: Path) -> MediaFacts:
        """Analyse one file.

        Raises:
            Nonsense: The file is not playable media, or is damaged; the message says how.
            Unreachable: It could not be read (missing, no permission, I/O error).
        """

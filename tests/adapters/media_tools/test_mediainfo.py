"""Facts of real videos created with ffmpeg; other formats are given as MediaInfo output."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest
from pymediainfo import MediaInfo

from mydia import writing
from mydia.adapters.errors import Nonsense, Unreachable
from mydia.adapters.media_tools import KINDS, AudioTrack, MediaFacts, MediaProbe, SubtitleTrack
from mydia.adapters.media_tools.mediainfo import facts_of, resolution_of
from tests.fakes.marked_videos import make_atmos, make_dolby_vision, make_hdr10_plus
from tests.fakes.outside import FakeProbe
from tests.fakes.videos import FFMPEG, MISSING, Video, make_video

needs_ffmpeg = pytest.mark.skipif(not FFMPEG, reason=MISSING)
PROBE = KINDS["mediainfo"]()


@needs_ffmpeg
def test_all_facts_of_an_ordinary_film_are_read(tmp_path: Path) -> None:
    video = Video(
        width=1920,
        height=800,
        audio=(("aac", "2.0", "eng"), ("ac3", "5.1", "ger")),
        subtitles=(("eng", "normal"), ("ger", "forced"), ("eng", "sdh")),
        title="Detour.1945.1080p.BluRay.x264-NOIR",
    )

    facts = PROBE.probe(make_video(tmp_path / "detour.mkv", video))

    assert (facts.container, facts.video_codec, facts.bit_depth, facts.hdr_format) == ("mkv", "h264", 8, None)
    assert (facts.width, facts.height, facts.resolution) == (1920, 800, 1080)
    assert facts.duration_s == pytest.approx(4, abs=0.2)
    assert facts.frame_rate == 12
    assert facts.title == "Detour.1945.1080p.BluRay.x264-NOIR"
    assert [(track.codec, track.channels, track.language) for track in facts.audio] == [
        ("aac", "2.0", "en"),
        ("ac3", "5.1", "de"),
    ]
    assert [(s.codec, s.language, s.forced, s.hearing_impaired) for s in facts.subtitles] == [
        ("srt", "en", False, False),
        ("srt", "de", True, False),
        ("srt", "en", False, True),
    ]


@needs_ffmpeg
@pytest.mark.parametrize("hdr", ["HDR10", "HLG"])
def test_high_dynamic_range_is_detected(hdr: str, tmp_path: Path) -> None:
    facts = PROBE.probe(
        make_video(tmp_path / "film.mkv", Video(640, 360, 2, codec="h265", hdr=hdr, audio=(("eac3", "5.1", "fre"),)))
    )

    assert (facts.video_codec, facts.bit_depth, facts.hdr_format) == ("h265", 10, hdr)
    assert facts.audio[0] == AudioTrack(
        codec="eac3", channels="5.1", language="fr", bitrate_bps=facts.audio[0].bitrate_bps
    )


@needs_ffmpeg
@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.ts", "film.avi"])
def test_reading_only_the_beginning_gives_the_facts_of_the_whole_file(name: str, tmp_path: Path) -> None:
    codec = "h264" if name == "film.avi" else "h265"
    hdr = "HDR10" if codec == "h265" else None
    path = make_video(tmp_path / name, Video(640, 360, 6, codec=codec, hdr=hdr, audio=(("ac3", "5.1", "ger"),)))

    assert PROBE.probe(path) == _thorough(path)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.ts"])
def test_hdr10_plus_is_read_from_the_beginning(name: str, tmp_path: Path) -> None:
    path = make_hdr10_plus(tmp_path / name)

    assert PROBE.probe(path) == _thorough(path)
    assert PROBE.probe(path).hdr_format == "HDR10+"


@needs_ffmpeg
@pytest.mark.parametrize("name", ["film.mkv", "film.mp4"])
@pytest.mark.parametrize(
    ("profile", "compatible", "hdr", "meant"),
    [(7, 6, "HDR10", "DV HDR10"), (8, 1, "HDR10", "DV HDR10"), (8, 4, "HLG", "DV HLG")],
)
def test_dolby_vision_is_read_from_the_beginning(
    name: str, profile: int, compatible: int, hdr: str, meant: str, tmp_path: Path
) -> None:
    path = make_dolby_vision(tmp_path / name, profile, compatible, hdr=hdr)

    assert PROBE.probe(path) == _thorough(path)
    assert PROBE.probe(path).hdr_format == meant


@needs_ffmpeg
def test_atmos_of_truehd_is_read_from_the_beginning(tmp_path: Path) -> None:
    path = make_atmos(tmp_path / "film.mkv")
    quick, thorough = PROBE.probe(path), _thorough(path)

    # TrueHD has no fixed bit rate, so it is only known of a file that was read from end to end.
    assert copy.replace(quick, audio=()) == copy.replace(thorough, audio=())
    assert quick.audio == tuple(copy.replace(track, bitrate_bps=None) for track in thorough.audio)
    assert [(track.codec, track.channels, track.atmos) for track in quick.audio] == [("truehd", "5.1", True)]


@needs_ffmpeg
def test_a_file_name_that_is_not_valid_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")

    assert PROBE.probe(make_video(path, Video(320, 240, 2))).container == "mp4"


@needs_ffmpeg
def test_a_truncated_video_is_rejected(tmp_path: Path) -> None:
    path = make_video(tmp_path / "film.mkv", Video(640, 360, 3))
    path.write_bytes(path.read_bytes()[:20_000])

    with pytest.raises(Nonsense, match="is truncated"):
        PROBE.probe(path)


@needs_ffmpeg
def test_an_audio_file_is_rejected(tmp_path: Path) -> None:
    path = make_video(tmp_path / "film.mkv", Video(320, 240, 2))
    facts = [track for track in _tracks(path) if track["track_type"] != "Video"]

    with pytest.raises(Nonsense, match="contains no video"):
        facts_of("film.mkv", facts)


@pytest.fixture(params=["mediainfo", "fake"])
def probe(request: pytest.FixtureRequest) -> MediaProbe:
    if request.param == "mediainfo":
        return PROBE
    fake = FakeProbe()
    fake.damaged = {"junk.mkv"}
    return fake


def test_a_file_that_is_not_media_is_rejected(probe: MediaProbe, tmp_path: Path) -> None:
    (tmp_path / "junk.mkv").write_bytes(b"\x00\x01junk" * 500)

    with pytest.raises(Nonsense, match="not a media file"):
        probe.probe(tmp_path / "junk.mkv")


def test_a_missing_file_is_unreachable(probe: MediaProbe, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        probe.probe(tmp_path / "gone.mkv")


def test_no_file_is_read_while_the_database_is_written(probe: MediaProbe, tmp_path: Path) -> None:
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            probe.probe(tmp_path / "film.mkv")
    finally:
        writing.end()


def test_an_empty_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "empty.mkv").touch()

    with pytest.raises(Nonsense, match="is empty"):
        PROBE.probe(tmp_path / "empty.mkv")


@pytest.mark.parametrize(
    ("width", "height", "resolution"),
    [
        (7680, 4320, 4320),
        (4096, 1716, 2160),
        (3840, 1600, 2160),
        (3840, 2160, 2160),
        (2560, 1440, 1080),
        (1920, 1080, 1080),
        (1920, 800, 1080),
        (1440, 1080, 1080),
        (1280, 720, 720),
        (1280, 534, 720),
        (960, 720, 720),
        (1024, 576, 576),
        (720, 576, 576),
        (960, 540, 540),
        (720, 480, 480),
        (640, 352, 480),
        (1080, 1920, 1080),
        (None, 1080, None),
    ],
)
def test_resolution_is_judged_by_both_sides(width: int | None, height: int | None, resolution: int | None) -> None:
    assert resolution_of(width, height) == resolution


@pytest.mark.parametrize(
    ("video", "hdr"),
    [
        (
            {"hdr_format": "SMPTE ST 2086", "hdr_format_compatibility": "HDR10", "transfer_characteristics": "PQ"},
            "HDR10",
        ),
        (
            {
                "hdr_format": "Dolby Vision / SMPTE ST 2086",
                "hdr_format_compatibility": "HDR10 / HDR10",
                "transfer_characteristics": "PQ",
            },
            "DV HDR10",
        ),
        ({"hdr_format": "Dolby Vision", "transfer_characteristics": "PQ"}, "DV"),
        (
            {
                "hdr_format": "Dolby Vision",
                "hdr_format_compatibility": "Blu-ray compatible",
                "transfer_characteristics": "PQ",
            },
            "DV HDR10",
        ),
        (
            {
                "hdr_format": "Dolby Vision / SMPTE ST 2094 App 4",
                "hdr_format_compatibility": "HDR10 / HDR10+ Profile B",
                "transfer_characteristics": "PQ",
            },
            "DV HDR10+",
        ),
        ({"hdr_format": "SMPTE ST 2094 App 4", "hdr_format_compatibility": "HDR10+ Profile A"}, "HDR10+"),
        (
            {"hdr_format": "Dolby Vision", "hdr_format_compatibility": "HLG", "transfer_characteristics": "HLG"},
            "DV HLG",
        ),
        ({"transfer_characteristics": "HLG"}, "HLG"),
        ({"transfer_characteristics": "PQ"}, "HDR10"),
        ({"transfer_characteristics": "BT.709"}, None),
    ],
)
def test_every_hdr_format_has_a_name(video: dict[str, str], hdr: str | None) -> None:
    track = {"track_type": "Video", "format": "HEVC", "width": 3840, "height": 2160, **video}

    assert facts_of("film.mkv", [track]).hdr_format == hdr


@pytest.mark.parametrize(
    ("audio", "meant"),
    [
        ({"format": "E-AC-3", "format_additionalfeatures": "JOC", "channel_s": 6, "channel_layout": "L R C LFE Ls Rs"}, ("eac3", "5.1", True)),
        ({"format": "MLP FBA", "format_additionalfeatures": "16-ch", "channel_s": 8, "channel_layout": "L R C LFE Ls Rs Lb Rb"}, ("truehd", "7.1", True)),
        ({"format": "DTS", "format_additionalfeatures": "XLL", "channel_s": 6, "channel_layout": "C L R Ls Rs LFE"}, ("dts-hd", "5.1", False)),
        ({"format": "DTS", "format_additionalfeatures": "XLL X", "channel_s": 8}, ("dts-x", "7.1", False)),
        ({"format": "DTS", "channel_s": 6}, ("dts", "5.1", False)),
        ({"format": "MPEG Audio", "format_profile": "Layer 3", "channel_s": 2}, ("mp3", "2.0", False)),
        ({"format": "PCM", "channel_s": 1}, ("pcm", "1.0", False)),
        ({"format": "Opus"}, ("opus", None, False)),
    ],
)  # fmt: skip
def test_every_audio_format_has_a_name(audio: dict[str, Any], meant: tuple[str, str | None, bool]) -> None:
    video = {"track_type": "Video", "format": "AVC", "width": 1920, "height": 1080}

    [track] = facts_of("film.mkv", [video, {"track_type": "Audio", **audio}]).audio

    assert (track.codec, track.channels, track.atmos) == meant


def test_languages_without_meaning_are_none_and_chapters_are_counted() -> None:
    tracks = [
        {"track_type": "Video", "format": "AVC", "width": 1920, "height": 1080},
        {"track_type": "Audio", "format": "AAC", "language": "und"},
        {"track_type": "Text", "format": "PGS", "language": "pt-BR", "forced": "No", "title": "Forced"},
        {"track_type": "Menu", "00_00_00000": "en:One", "00_10_00000": "en:Two", "kind_of_stream": "Menu"},
    ]

    facts = facts_of("film.mkv", tracks)

    assert facts.audio[0].language is None
    assert facts.subtitles == (SubtitleTrack(codec="pgs", language="pt", forced=True, title="Forced"),)
    assert facts.chapters == 2


def _thorough(path: Path) -> MediaFacts:
    """Return the facts of a file that was read from end to end."""
    with path.open("rb") as file:
        return facts_of(path.name, [track.to_data() for track in MediaInfo.parse(file, parse_speed=1.0).tracks])


def _tracks(path: Path) -> list[dict[str, Any]]:

    return [track.to_data() for track in MediaInfo.parse(path).tracks]

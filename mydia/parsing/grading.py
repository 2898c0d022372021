"""Turn the quality words of a name into one `Quality` and fill in implied values."""

from __future__ import annotations

import re

from mydia.parsing.patterns import EXTENSIONS
from mydia.parsing.quality import Modifier, Quality, Revision, Source
from mydia.parsing.tokens import Mark, Words

_SOURCE_OF: dict[str, tuple[Source, Modifier]] = {
    "cam": (Source.CAM, Modifier.NONE),
    "telesync": (Source.TELESYNC, Modifier.NONE),
    "telecine": (Source.TELECINE, Modifier.NONE),
    "workprint": (Source.WORKPRINT, Modifier.NONE),
    "dvdscr": (Source.DVD, Modifier.SCREENER),
    "regional": (Source.DVD, Modifier.REGIONAL),
    "tv": (Source.TV, Modifier.NONE),
    "vhs": (Source.TV, Modifier.NONE),
    "dvd": (Source.DVD, Modifier.NONE),
    "dvd-r": (Source.DVD, Modifier.REMUX),
    "webdl": (Source.WEBDL, Modifier.NONE),
    "webrip": (Source.WEBRIP, Modifier.NONE),
    "bdrip": (Source.BLURAY, Modifier.NONE),
    "bluray": (Source.BLURAY, Modifier.NONE),
    "bd": (Source.BLURAY, Modifier.NONE),
    "remux": (Source.BLURAY, Modifier.REMUX),
    "br-disk": (Source.BLURAY, Modifier.BRDISK),
    "raw-hd": (Source.TV, Modifier.RAWHD),
}
_CORPUS_NAMES = {
    (Source.DVD, Modifier.SCREENER): "dvdscr",
    (Source.DVD, Modifier.REGIONAL): "regional",
    (Source.DVD, Modifier.REMUX): "dvd-r",
    (Source.TV, Modifier.RAWHD): "raw-hd",
    (Source.BLURAY, Modifier.REMUX): "remux",
    (Source.BLURAY, Modifier.BRDISK): "br-disk",
}
_THEATRE = frozenset({"cam", "telesync", "telecine", "workprint"})
_RAW_CODEC = re.compile(r"(?<![a-z0-9])(?:avc|hevc|vc[-_. ]?1|mvc|mpeg[-_. ]?2|bdmv|iso)(?![a-z0-9])")
_ENCODED = re.compile(
    r"[xh][-_. ]?26[45]|bd[-_. ]?rip|br[-_. ]?rip|720p|(?<![a-z0-9])mkv|xvid|wmv|d3g|remux|(?:10|8)[ -]?bits?(?![a-z])"
)
_BRACKETED = re.compile(r"\[(?:web|webdl|web-dl|hdtv)\]")
_HIGH_TV = re.compile(r"(?<![a-z0-9])(?:hd[ ._-]tv(?![a-z])|hr[ ._-](?:ws[ ._-])?(?:pdtv|hdtv|dsr))")
"""`HR` is a half-resolution recording of a high-definition broadcast."""
_VERSION = re.compile(
    r"(?:\d[-._ ]?v(\d)(?![a-z0-9])|\[v(\d)\]|(?:repack|rerip|proper)[-._ ]?(\d)(?![0-9a-z])|(?:480|540|576|720|1080|2160)p[-._ ]v(\d)(?![0-9]))"
)
_REAL = re.compile(r"(?<![A-Za-z0-9])REAL(?![A-Za-z0-9])")


def corpus_source(quality: Quality) -> str | None:
    """Return the single word for source and modifier that the dictionary form uses."""
    if quality.source is Source.UNKNOWN:
        return None
    return _CORPUS_NAMES.get((quality.source, quality.modifier), str(quality.source))


def read_revision(text: str, low: str, marks: list[Mark], behind: int) -> Revision:
    """Read `PROPER`, `REPACK2`, `v2` and each upper-case `REAL` after the title."""
    kinds = {m.value for m in marks if m.kind == "revision"}
    version = 2 if "proper" in kinds or "repack" in kinds else 1
    repack = "repack" in kinds
    if "v" in low or "repack" in low or "proper" in low or "rerip" in low:
        found = _VERSION.search(low)
        if found is not None:
            if found.group(3):
                version = max(version, int(found.group(3)) + 1)
                repack = repack or "proper" not in found.group()
            else:
                version = max(version, int(found.group(1) or found.group(2) or found.group(4)))
    real = len(_REAL.findall(text, behind)) if "REAL" in text else 0
    return Revision(version or 1, real, repack)


def read_resolution(words: Words, marks: list[Mark]) -> int | None:
    """Return the resolution in lines: `1080p` first, then `4K`, then `UHD`, which may also name the disc of a smaller encode."""
    found = [m for m in marks if m.kind == "resolution"]
    written = [m for m in found if words.words[m.first] not in _VAGUE]
    if written:
        to = [m for m in written if "to" in words.words[m.first]]
        return int((to or written)[0].value)
    exact = [m for m in found if words.words[m.first] != "uhd"]
    chosen = exact or found
    if chosen:
        return int(chosen[0].value)
    discs = (m for m in marks if m.kind == "source" and m.value in _DISC_SOURCES)
    return (
        2160 if any("uhd" in word or word == "ultra" for m in discs for word in words.words[m.first : m.last]) else None
    )


_SINGLE_FILES = frozenset({"mkv", "avi", "mp4", "m4v", "wmv", "mov", "webm"})
_IMAGES = frozenset({"iso", "img"})
_SMALL_ENCODES = frozenset({"x264", "xvid", "divx"})
"""A name with no quality word except one of these codecs is taken for SD."""
_DISC_SOURCES = frozenset({"bluray", "bdrip", "remux", "br-disk"})
_VAGUE = frozenset({"uhd", "ultrahd", "ultra", "4k", "4kuhd", "8k", "fhd", "fullhd", "full", "2k", "qhd"})


def read_quality(
    words: Words, marks: list[Mark], extension: str | None, revision: Revision, *, is_film: bool
) -> tuple[Quality, float]:
    """Return the quality and its confidence: 0.95 if source and resolution are written, less if one is implied."""
    low = words.low
    resolution = read_resolution(words, marks)
    # A disc is a folder or an image. A film in a single video file is an encode, whatever its name says.
    may_be_disc = is_film and extension not in _SINGLE_FILES
    source, modifier, keyword = _read_source(words, marks, may_be_disc)
    if keyword == "bluray" and extension in {"iso", "img"} and is_film:
        modifier = Modifier.BRDISK
    written = source is not Source.UNKNOWN
    if source is Source.UNKNOWN:
        services = any(m.kind == "streaming_service" and m.solid for m in marks)
        if services:
            source = Source.WEBDL
        elif resolution is not None and is_film and extension in _IMAGES:
            source, modifier = Source.BLURAY, Modifier.BRDISK
        elif resolution is not None:
            source = Source.TV
        elif any(words.words[m.first] in _SMALL_ENCODES for m in marks if m.kind == "video_codec"):
            source, resolution = Source.TV, 480
        elif extension in EXTENSIONS:
            name, lines = EXTENSIONS[extension]
            if name is not None:
                source, resolution = _SOURCE_OF[name][0], lines
        if source is Source.UNKNOWN:
            return Quality(revision=revision), 0.0
    sure = _confidence(is_source_written=written, are_lines_written=read_resolution(words, marks) is not None)
    codecs = {m.value for m in marks if m.kind == "video_codec"}
    if extension in {"xvid", "divx"}:
        codecs.add(extension)
    if modifier is Modifier.NONE and source is Source.TV and "mpeg2" in codecs and _hdtv(words, marks):
        return Quality(source, resolution or 1080, Modifier.RAWHD, revision), sure
    if resolution is None:
        resolution = _implied_lines(source, modifier, keyword, codecs, low)
    return Quality(source, resolution, modifier, revision), sure


def _confidence(*, is_source_written: bool, are_lines_written: bool) -> float:
    """Return the confidence of a quality; lower if the source is implied, lowest if only the file extension is known."""
    if is_source_written:
        return 0.95 if are_lines_written else 0.7
    return 0.5 if are_lines_written else 0.4


def _hdtv(words: Words, marks: list[Mark]) -> bool:
    return any(m.kind == "source" and words.words[m.first].startswith("hd") for m in marks)


def _read_source(words: Words, marks: list[Mark], is_film: bool) -> tuple[Source, Modifier, str]:
    found = [m for m in marks if m.kind == "source" and m.value in _SOURCE_OF]
    if not found:
        return Source.UNKNOWN, Modifier.NONE, ""
    values = {m.value for m in found}
    solid = [m for m in found if m.solid] or found
    keyword = solid[-1].value
    theatre = values & _THEATRE
    if theatre and not values & {"bluray", "webdl"}:
        keyword = next(m.value for m in found if m.value in theatre)
    if "dvdscr" in values:
        keyword = "dvdscr"
    if "regional" in values and values <= {"regional", "dvd"}:
        keyword = "regional"
    web = values & {"webdl", "webrip"}
    if "remux" in values and web:
        keyword = next(m.value for m in reversed(found) if m.value in web)
    elif "remux" in values:
        keyword = "remux" if keyword not in {"dvd", "dvd-r"} else keyword
    elif "br-disk" in values:
        keyword = "br-disk" if is_film else "bluray"
    elif "dvd-r" in values and keyword == "dvd":
        keyword = "dvd-r"
    elif keyword in {"bluray", "bd"}:
        keyword = _disc_or_encode(words, marks, keyword, is_film)
    source, modifier = _SOURCE_OF[keyword]
    return source, modifier, keyword


def _disc_or_encode(words: Words, marks: list[Mark], keyword: str, is_film: bool) -> str:
    """Distinguish a full disc (`BluRay AVC`) and a German remux (`German DL … BluRay AVC`) from an encode."""
    low = words.low
    if not _RAW_CODEC.search(low) or _ENCODED.search(low):
        return keyword
    german = any(m.kind == "language" and m.value.startswith("de") for m in marks)
    if german:
        return "remux"
    if keyword == "bd" or not is_film or ("hevc" in low and "1080p" in low):
        return keyword
    return "br-disk"


def _implied_lines(source: Source, modifier: Modifier, keyword: str, codecs: set[str], low: str) -> int | None:
    """Return the resolution implied by a source without one, as in Sonarr and Radarr."""
    if source is Source.TV:
        if modifier is Modifier.RAWHD:
            return 1080
        return 720 if _BRACKETED.search(low) or _HIGH_TV.search(low) else 480
    if source in {Source.WEBDL, Source.WEBRIP}:
        return 720 if _BRACKETED.search(low) else 480
    if source is Source.BLURAY:
        if modifier is not Modifier.NONE:
            return 1080
        if keyword == "bdrip" or codecs & {"xvid", "divx"}:
            return 480
        return 720
    if source is Source.DVD:
        return 480
    return None

"""PURE. Classify paths in a library folder: video, extra, sample, sidecar, part of a disc, or none of these."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath

import msgspec

from mydia.parsing import ParsedRelease, is_season_folder, normalise_title, parse_release

# Source: arr-stack §3.4, without playlists and raw dumps (.m3u, .dat, .bin, .nrg).
VIDEO_EXTENSIONS = frozenset(
    [
        ".webm",
        ".m4v",
        ".3gp",
        ".nsv",
        ".strm",
        ".rm",
        ".rmvb",
        ".ifo",
        ".mov",
        ".qt",
        ".divx",
        ".xvid",
        ".wmv",
        ".asf",
        ".ogm",
        ".ogv",
        ".m2v",
        ".avi",
        ".dvr-ms",
        ".mpg",
        ".mpeg",
        ".mp4",
        ".flv",
        ".img",
        ".iso",
        ".vob",
        ".mkv",
        ".mk3d",
        ".ts",
        ".wtv",
        ".m2ts",
        ".mts",
    ]
)
SUBTITLE_EXTENSIONS = frozenset({".srt", ".ass", ".ssa", ".sub", ".idx", ".vtt", ".sup", ".smi"})
ARTWORK_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tbn"})
STOP_FILES = frozenset({".ignore", ".nomedia", ".plexignore", ".mydiaignore"})
"""A scan skips a folder that contains one of these."""

RECYCLE_FOLDER = ".mydia-recycle"

_IGNORED_FOLDERS = frozenset(
    {
        "@eadir",
        "@recycle",
        "@recently-snapshot",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "lost+found",
        "system volume information",
        "plex versions",
        "extrafanart",
        "extrathumbs",
        "__macosx",
    }
)
_WORKING_PREFIXES = ("_unpack_", "_failed_", "_unpackerr_")
_EXTRA_FOLDERS = frozenset(
    {
        "extras",
        "extra",
        "bonus",
        "behind the scenes",
        "deleted scenes",
        "featurettes",
        "featurette",
        "interviews",
        "other",
        "scenes",
        "shorts",
        "trailers",
        "trailer",
        "theme-music",
        "theme music",
        "backdrops",
        "clips",
    }
)

_STRONG_MARKERS = r"trailer|teaser|featurette|behindthescenes|behind[ ._-]the[ ._-]scenes|deleted(?:[ ._-]?scenes?)?"
_WEAK_MARKERS = r"other|interview|scene|short|clip"
# Plex and Jellyfin put the kind of an extra directly after the title: `Avatar (2009)-trailer.mkv`.
_ATTACHED_MARKER = re.compile(rf"[^\s._-]-(?P<word>{_STRONG_MARKERS}|{_WEAK_MARKERS})\d*$")
_MARKER_BEHIND_FACTS = re.compile(rf"[-_. ](?:{_STRONG_MARKERS})s?\d*$", re.IGNORECASE)
_PLAIN_EXTRA = re.compile(rf"^(?:{_STRONG_MARKERS}|theme|nc(?:op|ed)\d*)s?[ ._-]?\d*$", re.IGNORECASE)
_BONUS = re.compile(r"(?<![se]\d\d)(?<!x\d\d)[ _]?-[ _]?x\d{2}[ _]?-[ _]?(?=[^\W_])", re.IGNORECASE)
"""Number of a bonus in film collections: `Title (1999)-x02-Interview`."""
_CREDITLESS = re.compile(r"[ ._-]NC(?:OP|ED)\d*(?:v\d)?(?![^\W_])")
_SAMPLE_FOLDERS = frozenset({"sample", "samples"})
_SAMPLE_NAME = re.compile(r"^sample\d*$|^sample[-_]|[^\s._-]-sample\d*$", re.IGNORECASE)
_SAMPLE_BEHIND_FACTS = re.compile(r"[-._ ]sample\d*$", re.IGNORECASE)
_SAMPLE_MAX_BYTES = 300 * 1024**2  # samples of remuxes reach 200 MB; larger files are never samples
_JUNK = re.compile(
    r"^\._|^\.ds_store$|^thumbs\.db$|^desktop\.ini$|^\.unmanic|^\.mydia-|^\.nfs|^\.fuse_hidden|^\.~|^~\$", re.IGNORECASE
)
# A title can start with a dot: `.45`, `...And Justice for All`. Other folders with a leading dot are hidden on purpose.
_DOTTED_TITLE = re.compile(r"^\.(?:\d|\.\.)|^\..*\((?:19|20)\d\d\)")
_DISC_FOLDERS = {"bdmv": "STREAM", "video_ts": ""}
"""Top folder of a disc -> the folder of its streams."""
_DISC_STREAMS = {"bdmv": (".m2ts", ".mts"), "video_ts": (".vob", ".ifo")}
_BESIDE_DISC = frozenset({"audio_ts", "certificate"})
_DISC_NUMBER = re.compile(r"^(?:disc|disk|cd|dvd|bd|d)[ ._-]{0,2}\d{1,2}$", re.IGNORECASE)


class FileKind(StrEnum):
    """Kind of a file in the library."""

    VIDEO = "video"
    EXTRA = "extra"
    SAMPLE = "sample"
    SUBTITLE = "subtitle"
    NFO = "nfo"
    ARTWORK = "artwork"
    OTHER = "other"
    """A file of a disc besides its main stream."""
    STOP = "stop"


class LeftOut(StrEnum):
    """Why a video is left out of matching."""

    EXTRAS_FOLDER = "extras_folder"
    EXTRA_MARKER = "extra_marker"
    SAMPLE_FOLDER = "sample_folder"
    SAMPLE_NAME = "sample_name"


class Judged(msgspec.Struct, frozen=True):
    """The kind of a file, and the reason if it is a video that is left out."""

    kind: FileKind
    left_out: LeftOut | None = None


VIDEOS = frozenset({FileKind.VIDEO, FileKind.EXTRA, FileKind.SAMPLE})
"""Kinds that get a row among the media files."""
SIDECARS = frozenset({FileKind.SUBTITLE, FileKind.NFO, FileKind.ARTWORK, FileKind.OTHER})

LEFT_OUT_SENTENCES = {
    LeftOut.EXTRAS_FOLDER: "It is in a folder for extras.",
    LeftOut.EXTRA_MARKER: "Its name marks it as an extra.",
    LeftOut.SAMPLE_FOLDER: "It is in a folder for samples.",
    LeftOut.SAMPLE_NAME: "Its name marks it as a sample.",
}


def classify(path: str, size_bytes: int, *, has_main: bool = True) -> FileKind | None:
    """Return the kind of a file; None for files that a library ignores.

    Args:
        path: Relative to the library folder.
        has_main: Whether the folder has a video without a marker. If not, `-other` or `-short` at the end
            of a name is part of the title.

    >>> classify("Heat (1995)/Heat (1995).mkv", 8_000_000_000)
    <FileKind.VIDEO: 'video'>
    >>> classify("Heat (1995)/Featurettes/Making of.mkv", 80_000_000)
    <FileKind.EXTRA: 'extra'>
    """
    judged = _judge(path, size_bytes, has_main=has_main)
    return None if judged is None else judged.kind


def judge_files(files: Iterable[tuple[str, int]]) -> dict[str, Judged]:
    """Return the kinds of files by path; files that a library ignores are left out.

    Files of one folder are classified together: one stream represents a whole disc, and weak markers of extras only count
    next to a video without a marker.

    Args:
        files: (path relative to the library folder, size in bytes).
    """
    folders: dict[str, list[tuple[str, int]]] = {}
    for path, size in files:
        folders.setdefault(path.rpartition("/")[0], []).append((path, size))
    judged: dict[str, Judged] = {}
    for folder, members in folders.items():
        judged |= _judge_folder(folder, members)
    return judged


def _judge_folder(folder: str, members: list[tuple[str, int]]) -> dict[str, Judged]:
    if (disc := disc_folder(folder)) is not None:
        return _judge_disc(folder, disc, members)
    plain = [
        path for path, size in members
        if (one := _judge(path, size, has_main=True)) is not None and one.kind is FileKind.VIDEO
    ]  # fmt: skip
    found = {path: _judge(path, size, has_main=bool(plain)) for path, size in members}
    return {path: one for path, one in found.items() if one is not None}


def _judge_disc(folder: str, disc: str, members: list[tuple[str, int]]) -> dict[str, Judged]:
    top = disc.rpartition("/")[2].lower()
    streams_in = "/".join(part for part in (disc, _DISC_FOLDERS.get(top, "-")) if part)
    streams = [
        (path, size) for path, size in members
        if folder.lower() == streams_in.lower() and path.lower().endswith(_DISC_STREAMS.get(top, ()))
        and not path.rpartition("/")[2].startswith("._")
    ]  # fmt: skip
    # The largest stream is the film. An index file only represents a disc that has no streams.
    main = max(
        streams, key=lambda one: (one[0].lower().endswith((".vob", ".m2ts", ".mts")), one[1], one[0]), default=None
    )
    return {
        path: Judged(FileKind.VIDEO if main is not None and path == main[0] else FileKind.OTHER) for path, _ in members
    }


def _judge(path: str, size_bytes: int, *, has_main: bool) -> Judged | None:
    folder, _, name = path.rpartition("/")
    if name in STOP_FILES:
        return Judged(FileKind.STOP)
    if _JUNK.match(name):
        return None
    stem, dot, tail = name.rpartition(".")
    if not dot or not stem.strip("."):
        return None
    if disc_folder(folder) is not None:
        return _judge_disc(folder, disc_folder(folder) or "", [(path, size_bytes)])[path]
    extension = "." + tail.lower()
    if extension in VIDEO_EXTENSIONS:
        return _judge_video(folder, stem, size_bytes, has_main=has_main)
    if extension in SUBTITLE_EXTENSIONS:
        return Judged(FileKind.SUBTITLE)
    if extension == ".nfo":
        return Judged(FileKind.NFO)
    return Judged(FileKind.ARTWORK) if extension in ARTWORK_EXTENSIONS else None


def _judge_video(folder: str, stem: str, size_bytes: int, *, has_main: bool) -> Judged:
    # The first folder below the root is a title or a collection, and may be called `Shorts`.
    inner = folder.split("/")[1:] if folder else []
    for part in inner:
        word = part.strip().lower()
        if word in _SAMPLE_FOLDERS and not _is_title_of(part, stem):
            return Judged(FileKind.SAMPLE, LeftOut.SAMPLE_FOLDER)
        if word in _EXTRA_FOLDERS and not _is_title_of(part, stem):
            return Judged(FileKind.EXTRA, LeftOut.EXTRAS_FOLDER)
    if size_bytes <= _SAMPLE_MAX_BYTES and (
        _SAMPLE_NAME.search(stem) or (_SAMPLE_BEHIND_FACTS.search(stem) and _has_facts(stem))
    ):
        return Judged(FileKind.SAMPLE, LeftOut.SAMPLE_NAME)
    if _is_marked_extra(inner[-1] if inner else folder, stem, has_main=has_main):
        return Judged(FileKind.EXTRA, LeftOut.EXTRA_MARKER)
    return Judged(FileKind.VIDEO)


def _is_marked_extra(folder: str, stem: str, *, has_main: bool) -> bool:
    """Return whether a name marks an extra by the position of the word, and not by a title that happens to end with it."""
    if _PLAIN_EXTRA.match(stem):
        read = parse_release(folder)
        return read is None or normalise_title(read.title) != normalise_title(stem)
    if (found := _ATTACHED_MARKER.search(stem)) is not None:
        if re.fullmatch(_STRONG_MARKERS, found["word"]):
            return True
        # `-SHORT` or `-scene` after the facts of a release is its group.
        return has_main and not _has_facts(stem)
    return bool(_CREDITLESS.search(stem) or _BONUS.search(stem)) or (
        _MARKER_BEHIND_FACTS.search(stem) is not None and _has_facts(stem) and not _numbered(stem)
    )


@lru_cache(maxsize=512)
def _read(stem: str) -> ParsedRelease | None:
    return parse_release(stem)


def _has_facts(stem: str) -> bool:
    """Return whether a name has a year or quality words, which follow the title."""
    read = _read(stem)
    return read is not None and (read.year is not None or "quality" in read.spans or read.video_codec is not None)


def _numbered(stem: str) -> bool:
    read = _read(stem)
    return read is not None and bool(read.episodes or read.absolute_episodes or read.air_on)


def _is_title_of(folder: str, stem: str) -> bool:
    """Return whether a folder named like a kind of extra is a title of that name: `Extras/…/Extras - S01E02`."""
    read = _read(stem)
    if read is None or not (read.episodes or read.year):
        return False
    return normalise_title(read.title) == normalise_title(folder)


def disc_folder(folder: str) -> str | None:
    """Return the top folder of the disc that a folder belongs to, or None.

    >>> disc_folder("Heat (1995)/BDMV/STREAM"), disc_folder("Heat (1995)")
    ('Heat (1995)/BDMV', None)
    """
    parts = folder.split("/")
    for place, part in enumerate(parts):
        if part.lower() in _DISC_FOLDERS or (part.lower() in _BESIDE_DISC and place):
            return "/".join(parts[: place + 1])
    return None


def may_enter(path: str) -> bool:
    """Return whether a scan enters a folder, by its relative path.

    >>> may_enter("Films/@eaDir"), may_enter(".45 (2006)")
    (False, True)
    """
    name = path.rpartition("/")[2].lower()
    if name.startswith("."):
        return _DOTTED_TITLE.match(name) is not None
    return not (name in _IGNORED_FOLDERS or name.startswith(_WORKING_PREFIXES))


def title_folder(path: str) -> str:
    """Return the folder of the title that a file belongs to: its own, or the one above the season. Empty at the root.

    >>> title_folder("Pioneer One/Season 1/Pioneer One - S01E01.mkv")
    'Pioneer One'
    """
    parts = PurePosixPath(own_folder(path)).parts
    while len(parts) > 1 and (is_season_folder(parts[-1]) or _is_season_of(parts[-1], parts[-2])):
        parts = parts[:-1]
    return "/".join(parts)


def own_folder(path: str) -> str:
    """Return the folder of a file; for a file of a disc the folder that contains the disc, or all discs.

    >>> own_folder("Heat (1995)/Disc 1/BDMV/STREAM/00001.m2ts")
    'Heat (1995)'
    """
    folder = path.rpartition("/")[0]
    disc = disc_folder(folder)
    if disc is None:
        return folder
    above = disc.rpartition("/")[0]
    head, _, last = above.rpartition("/")
    return head if head and _DISC_NUMBER.match(last) else above


@lru_cache(maxsize=1024)
def _is_season_of(folder: str, above: str) -> bool:
    """Return whether a folder such as `Game of Thrones S01 1080p` is a season of the title in its parent's name."""
    read = parse_release(folder, "tv")
    if read is None or not read.full_season or read.is_multi_season:
        return False
    series = parse_release(above, "tv") or parse_release(f"{above} S01E01", "tv")
    if series is None or series.full_season:
        return False
    if series.tmdb_id or series.tvdb_id or series.imdb_id:
        return True
    return bool(series.title) and normalise_title(series.title) == normalise_title(read.title)


def is_too_short(duration_s: float | None, expected_min: int | None) -> bool:
    """Return whether a video is a sample by its length (rule and numbers: arr-stack §3.3). False for an unknown length.

    >>> is_too_short(60, 120)
    True
    """
    if duration_s is None:
        return False
    expected = 45 if expected_min is None else expected_min
    for up_to_min, least_s in ((3, 15), (10, 90), (30, 300)):
        if expected <= up_to_min:
            return duration_s < least_s
    return duration_s < 600

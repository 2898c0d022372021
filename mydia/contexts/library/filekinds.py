"""PURE. What a path in a library folder is: a video, an extra, a sample, a sidecar, or nothing to us."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath

from mydia.parsing import is_season_folder

# Source: arr-stack §3.4, without the playlists and raw dumps that only ever meant trouble (.m3u, .dat, .bin, .nrg).
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
"""A folder that holds one of these is left alone with all it holds."""

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
_EXTRA_SUFFIX = re.compile(
    r"[-_. ](?:trailer|other|behindthescenes|deleted(?:scene)?|featurette|interview|scene|short|clip|teaser)\d*$",
    re.IGNORECASE,
)
_PLAIN_EXTRA = re.compile(
    r"^(?:trailer|teaser|theme|featurette|behind[ ._-]the[ ._-]scenes|deleted[ ._-]scenes?)$", re.IGNORECASE
)
_SAMPLE_FOLDERS = frozenset({"sample", "samples"})
_SAMPLE_NAME = re.compile(r"^sample$|^sample[-._]|[-._ ]sample\d*$|[-._]sample[-._]", re.IGNORECASE)
_SAMPLE_MAX_BYTES = 300 * 1024**2  # samples of remuxes reach 200 MB; nothing that is called a sample is larger
_JUNK = re.compile(r"^\._|^\.ds_store$|^thumbs\.db$|^desktop\.ini$|^\.unmanic|^\.mydia-", re.IGNORECASE)


class FileKind(StrEnum):
    """What one file is to the library."""

    VIDEO = "video"
    EXTRA = "extra"
    SAMPLE = "sample"
    SUBTITLE = "subtitle"
    NFO = "nfo"
    ARTWORK = "artwork"
    STOP = "stop"


VIDEOS = frozenset({FileKind.VIDEO, FileKind.EXTRA, FileKind.SAMPLE})
"""Kinds that get a row among the media files."""
SIDECARS = frozenset({FileKind.SUBTITLE, FileKind.NFO, FileKind.ARTWORK})


def classify(path: str, size_bytes: int) -> FileKind | None:
    """Say what a file is; None for what does not concern a library.

    Args:
        path: Relative to the library folder.

    >>> classify("Heat (1995)/Heat (1995).mkv", 8_000_000_000)
    <FileKind.VIDEO: 'video'>
    >>> classify("Heat (1995)/Featurettes/Making of.mkv", 80_000_000)
    <FileKind.EXTRA: 'extra'>
    """
    folder, _, name = path.rpartition("/")
    if name in STOP_FILES:
        return FileKind.STOP
    if name.startswith(".") or _JUNK.match(name):
        return None
    stem, dot, tail = name.rpartition(".")
    if not dot:
        return None
    extension = "." + tail.lower()
    if extension in VIDEO_EXTENSIONS:
        return _kind_of_video(folder, stem, size_bytes)
    if extension in SUBTITLE_EXTENSIONS:
        return FileKind.SUBTITLE
    if extension == ".nfo":
        return FileKind.NFO
    return FileKind.ARTWORK if extension in ARTWORK_EXTENSIONS else None


def _kind_of_video(folder: str, stem: str, size_bytes: int) -> FileKind:
    # The first folder below the root is a title's own or a collection; a person may call it `Shorts`.
    inner = [part.lower() for part in folder.split("/")[1:]] if folder else []
    if any(part in _SAMPLE_FOLDERS for part in inner) or (
        size_bytes <= _SAMPLE_MAX_BYTES and _SAMPLE_NAME.search(stem)
    ):
        return FileKind.SAMPLE
    if any(part in _EXTRA_FOLDERS for part in inner) or _EXTRA_SUFFIX.search(stem) or _PLAIN_EXTRA.match(stem):
        return FileKind.EXTRA
    return FileKind.VIDEO


def is_extra_folder(name: str) -> bool:
    """Return whether a folder of this name holds extras or samples."""
    return name.lower() in _EXTRA_FOLDERS | _SAMPLE_FOLDERS


def may_enter(path: str) -> bool:
    """Say whether a scan looks into a folder, by its relative path.

    >>> may_enter("Films/@eaDir")
    False
    """
    name = path.rpartition("/")[2].lower()
    return not (name.startswith(".") or name in _IGNORED_FOLDERS or name.startswith(_WORKING_PREFIXES))


def title_folder(path: str) -> str:
    """Return the folder of the title that a file belongs to: its own, or the one above the season. Empty at the root.

    >>> title_folder("Pioneer One/Season 1/Pioneer One - S01E01.mkv")
    'Pioneer One'
    """
    parts = PurePosixPath(path).parts[:-1]
    while parts and is_season_folder(parts[-1]) and len(parts) > 1:
        parts = parts[:-1]
    return "/".join(parts)


def is_too_short(duration_s: float | None, expected_min: int | None) -> bool:
    """Say whether a video is a sample by its length (rule and numbers: arr-stack §3.3). Unknown length is not.

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

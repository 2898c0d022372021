"""Files beside a video: subtitles, NFO files and artwork."""

from __future__ import annotations

from itertools import batched
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import FoundFile
from mydia.contexts.library.filekinds import FileKind, disc_folder
from mydia.contexts.library.models import MediaFile
from mydia.parsing import parse_release

_SUBTITLE_FOLDERS = frozenset({"subs", "subtitles", "sub", "subtitle", "untertitel"})
_DISC = "//disc"
"""Appended to a folder to denote the disc in it. No path contains it."""


def video_folder(path: str) -> str:
    """Return the folder of the video that a sidecar belongs to; for a file of a disc, the key of the disc.

    >>> video_folder("Show/Season 1/Subs/Show - S01E02/2_English.srt")
    'Show/Season 1'
    """
    folder = path.rpartition("/")[0]
    if (disc := disc_folder(folder)) is not None:
        return f"{disc.rpartition('/')[0]}{_DISC}"
    head, _, last = folder.rpartition("/")
    above, _, named = head.rpartition("/")
    if named.lower() in _SUBTITLE_FOLDERS:
        return above
    return head if last.lower() in _SUBTITLE_FOLDERS else folder


def videos_in(session: Session, library_path_id: str, folders: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Return folder -> [(stem, file id)] of the videos in some folders."""
    found: dict[str, list[tuple[str, str]]] = {}
    for part in batched(sorted(folders), 200, strict=False):
        plain = [folder.removesuffix(_DISC) for folder in part]
        # A prefix as a range uses the index; LIKE with an escape does not.
        ranges: list[ColumnElement[bool]] = [
            MediaFile.relative_path.between(f"{folder}/", f"{folder}0") for folder in plain if folder
        ]  # `0` is the character after `/`
        if "" in plain:
            ranges.append(~MediaFile.relative_path.contains("/"))
        if _DISC in part:
            ranges.append(or_(*(MediaFile.relative_path.startswith(f"{top}/") for top in ("BDMV", "VIDEO_TS"))))
        rows = session.execute(
            select(MediaFile.id, MediaFile.relative_path).where(
                MediaFile.library_path_id == library_path_id, MediaFile.kind == "video", or_(*ranges)
            )
        )
        for file_id, path in rows:
            folder, stem = video_folder(path), path.rpartition("/")[2].rpartition(".")[0]
            if folder in folders:
                found.setdefault(folder, []).append((stem, file_id))
    return found


def sidecar_row(
    library_path_id: str, found: FoundFile, kind: FileKind, videos: dict[str, list[tuple[str, str]]]
) -> dict[str, Any]:
    """Return the columns of a new sidecar, with the video it belongs to."""
    folder, _, name = found.path.rpartition("/")
    beside = videos.get(video_folder(found.path), [])
    # Subtitles of an episode can be in a folder with its name.
    stems = (name.rpartition(".")[0], folder.rpartition("/")[2])
    owner = max(
        (one for one in beside if any(stem.startswith(one[0]) for stem in stems)),
        key=lambda one: len(one[0]),
        default=None,
    )
    if owner is None and kind in (FileKind.SUBTITLE, FileKind.OTHER) and len(beside) == 1:
        owner = beside[0]
    language, flags = (None, []) if kind is not FileKind.SUBTITLE else subtitle_ending(name)
    return {
        "library_path_id": library_path_id,
        "file_id": owner[1] if owner else None,
        "relative_path": found.path,
        "kind": str(kind),
        "language": language,
        "flags": flags,
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "ours": False,
    }


def subtitle_ending(name: str) -> tuple[str | None, list[str]]:
    """Return the language and flags in a subtitle file's name."""
    read = parse_release(name, "subtitle")
    return (None, []) if read is None else (read.subtitle_language, list(read.subtitle_tags))

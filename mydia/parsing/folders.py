"""Reading a file together with the folders it lies in."""

from __future__ import annotations

from dataclasses import replace

from mydia.parsing import paths, refusals
from mydia.parsing.opening import EXTENSION
from mydia.parsing.patterns import EXTENSIONS, OTHER_EXTENSIONS
from mydia.parsing.reading import read
from mydia.parsing.release import ParsedRelease
from mydia.parsing.titles import similarity

_DEEPEST = 6
"""Folders further up are shelves."""


def parse_path(path: str, library_root: str | None = None, hint: str | None = None) -> ParsedRelease | None:
    """Read a file together with its folders.

    A folder helps where the file says little (`123.mkv`), gives the season (`Season 2/01. Title.mkv`) and the title
    (`Series (2003)/Season 2/S02E21.mkv`); spans are those of the part that was read.

    Args:
        path: With slashes of either kind.
        library_root: The folder that names no work; without it, common shelf names are recognised.
        hint: As of `parse_release`.

    Returns:
        None when neither the file nor a folder says what it is.
    """
    release, refusal = read_path(path, library_root, hint)
    return None if refusal else release


def read_path(path: str, library_root: str | None, hint: str | None) -> tuple[ParsedRelease, str | None]:
    """Read a path and say why the result must not be used, if it must not."""
    parts = paths.split_path(path, library_root)[-_DEEPEST:]
    if not parts:
        return read(path, hint)
    file, refusal = read(parts[-1], hint)
    found = EXTENSION.search(parts[-1])
    known = found is not None and (found.group(1).lower() in EXTENSIONS or found.group(1).lower() in OTHER_EXTENSIONS)
    stem = parts[-1][: found.start()] if known and found is not None else parts[-1]
    folders = [folder for folder in reversed(parts[:-1]) if not paths.is_furniture(folder)]
    if not folders:
        return file, refusal
    return _read_with_folders(file, refusal, stem, folders, path, hint)


def _read_with_folders(
    file: ParsedRelease, refusal: str | None, stem: str, folders: list[str], path: str, hint: str | None
) -> tuple[ParsedRelease, str | None]:
    read_folders = [read(folder, hint)[0] for folder in folders]
    nearest = read_folders[0]
    strong = paths.is_strong(file) and refusal is None
    season = paths.season_of_folder(folders[0])
    if season is not None and not strong and (hint != "movie"):
        series = read_folders[1] if len(folders) > 1 else nearest if nearest.title else None
        inside = paths.in_season_folder(file, season, stem, series)
        missing = "a season's folder, but no number" if hint == "tv" and not inside.episodes else None
        return replace(paths.with_folder_facts(inside, nearest), name=path), missing
    if not strong:
        for folder, name in zip(read_folders, folders, strict=True):
            if refusals.why_meaningless(name) is None and paths.is_strong(folder):
                return _from_folder(folder, file, path), None
        if paths.says_little(stem) or refusal is not None or _is_poorer(file, nearest):
            for folder, name in zip(read_folders, folders, strict=True):
                if not paths.says_little(name) and folder.title and (hint != "tv" or folder.seasons or folder.air_on):
                    return _from_folder(folder, file, path), None
    merged = paths.with_folder_facts(file, nearest) if _same_work(file, nearest) else file
    if not merged.title or (season is not None and strong and len(folders) > 1 and not file.title):
        title = next(
            (f for f, n in zip(read_folders, folders, strict=True) if f.title and paths.season_of_folder(n) is None),
            None,
        )
        if title is not None:
            merged = replace(merged, title=title.title, year=merged.year or title.year)
    return replace(merged, name=path), refusal


def _from_folder(folder: ParsedRelease, file: ParsedRelease, path: str) -> ParsedRelease:
    return replace(folder, name=path, container=file.container)


def _is_poorer(file: ParsedRelease, folder: ParsedRelease) -> bool:
    """Whether a file has no year, numbers or quality words although its folder has."""
    return (
        file.year is None
        and file.confidence.quality <= 0.5
        and not file.confidence.episodes
        and (folder.confidence.quality > 0.5 or folder.year is not None)
        and similarity(file.title, folder.title) < 0.7
    )


def _same_work(file: ParsedRelease, folder: ParsedRelease) -> bool:
    return not file.title or similarity(file.title, folder.title) >= 0.7

"""Parse a file name together with its folders."""

from __future__ import annotations

import re
from copy import replace

from mydia.parsing import paths, refusals
from mydia.parsing.opening import EXTENSION
from mydia.parsing.patterns import EXTENSIONS, OTHER_EXTENSIONS
from mydia.parsing.quality import Quality
from mydia.parsing.reading import read
from mydia.parsing.release import ParsedRelease
from mydia.parsing.seasons import is_season_folder, read_season_folder
from mydia.parsing.titles import normalise_title, similarity

_IMPLIED = 0.5
"""Highest confidence of a quality that no word of the name states."""
_WRITTEN = 0.7
"""Lowest confidence of a quality whose source is written in the name."""
_SAME = 0.9
_DEEPEST = 8
"""Number of path parts that are read; folders further up are shelves."""


def parse_path(path: str, library_root: str | None = None, hint: str | None = None) -> ParsedRelease | None:
    """Read a file together with its folders.

    A folder replaces an uninformative file name (`123.mkv`) and supplies the season (`Season 2/01. Title.mkv`) and the
    title (`Series (2003)/Season 2/S02E21.mkv`). Spans refer to the path part that was read.

    Args:
        path: With forward slashes or backslashes.
        library_root: The folder above all titles; without it, common shelf names are recognised.
        hint: See `parse_release`.

    Returns:
        None if neither the file nor a folder identifies a title.
    """
    release, refusal = read_path(path, library_root, hint)
    return None if refusal else release


def read_path(path: str, library_root: str | None, hint: str | None) -> tuple[ParsedRelease, str | None]:
    """Read a path; also return the reason for a refusal, or None."""
    parts = paths.split_path(path, library_root)[-_DEEPEST:]
    if not parts:
        return read(path, hint)
    file, refusal = read(parts[-1], hint)
    found = EXTENSION.search(parts[-1])
    known = found is not None and (found.group(1).lower() in EXTENSIONS or found.group(1).lower() in OTHER_EXTENSIONS)
    stem = parts[-1][: found.start()] if known and found is not None else parts[-1]
    disc = paths.disc_quality(parts)
    inner = [part for part in parts[:-1] if not paths.is_disc_folder(part, inside=disc is not None)]
    extra = _extra_of(inner, file)
    folders = [
        f for f in reversed(inner) if not paths.is_furniture(f) and (extra is None or not paths.extra_of_folder(f))
    ]
    if disc is not None and folders:
        return _read_disc(path, file, disc, folders, hint)
    if folders:
        known_folders = [_without_season_year(_read_folder(name, hint), name) for name in folders]
        file, refusal = _read_with_folders(
            file, refusal, stem, known_folders, folders, hint, is_extra=extra is not None
        )
        file = _with_stated_ids(file, known_folders, folders)
    return replace(file, name=path, extra=file.extra or extra), refusal


def _extra_of(folders: list[str], file: ParsedRelease) -> str | None:
    """Return the kind of the extras folder a file is in; a folder above a season or named like the file is a title."""
    for index in range(len(folders) - 1, -1, -1):
        if is_season_folder(folders[index]):
            return None
        kind = paths.extra_of_folder(folders[index])
        if kind == "sample":
            return kind
        if kind is not None and similarity(file.title, folders[index]) < _SAME:
            return kind
    return None


def _read_disc(
    path: str, file: ParsedRelease, disc: Quality, names: list[str], hint: str | None
) -> tuple[ParsedRelease, str | None]:
    """Read a file of a disc structure from the folder that holds the disc."""
    folder, refusal = read(names[0], hint)
    season = _season_of(names)
    if season is not None:
        series = read(names[1], hint)[0] if len(names) > 1 else folder
        folder, refusal = replace(folder, title=series.title, year=series.year, type="episode"), None
        folder = replace(folder, season=season, seasons=(season,), full_season=True)
    if folder.confidence.quality <= _IMPLIED:
        folder = replace(folder, quality=disc, confidence=replace(folder.confidence, quality=0.9))
    folders = [folder, *(read(name, hint)[0] for name in names[1:])]
    return replace(_with_ids(_spoken_for(file, folder), folders), name=path), refusal


def _read_folder(name: str, hint: str | None) -> ParsedRelease:
    """Read a folder; a lone number belongs to the title (`Area 88`) unless the folder is named like a release."""
    folder, refusal = read(name, hint)
    is_bare = folder.release_group is None and not folder.confidence.quality
    is_lone = is_bare and len(folder.absolute_episodes) == 1 and not folder.seasons and folder.air_on is None
    is_title = hint == "tv" and refusal is not None and not folder.title and refusals.why_meaningless(name) is None
    return read(name, "movie")[0] if hint != "movie" and (is_lone or is_title) else folder


def _without_season_year(folder: ParsedRelease, name: str) -> ParsedRelease:
    """Drop the year in a season folder's name, which is not that of the series: `Season 7 (2000)`."""
    if folder.year is None or not is_season_folder(name):
        return folder
    return replace(folder, year=None, confidence=replace(folder.confidence, year=0.0))


def _read_with_folders(
    file: ParsedRelease,
    refusal: str | None,
    stem: str,
    folders: list[ParsedRelease],
    names: list[str],
    hint: str | None,
    *,
    is_extra: bool,
) -> tuple[ParsedRelease, str | None]:
    """Combine a file with its folders, nearest first: they add fields or replace the file's name."""
    nearest = folders[0]
    strong = paths.is_strong(file) and refusal is None
    season = _season_of(names)
    if season is not None and not strong and hint != "movie":
        series = folders[1] if len(folders) > 1 else nearest if nearest.title else None
        inside = paths.in_season_folder(file, season, paths.without_title(stem, series), series)
        missing = "season folder, but no episode number" if hint == "tv" and not inside.episodes else None
        return _with_ids(paths.with_folder_facts(inside, nearest), folders), missing
    holds_season = nearest.full_season and nearest.season is not None and not nearest.is_multi_season
    if holds_season and not strong and (paths.leading_episodes(stem, nearest.season) or file.absolute_episodes):
        inside = paths.in_season_folder(file, nearest.season or 0, stem, nearest)
        return paths.with_folder_facts(inside, nearest), None
    if strong and _is_abbreviated(file, nearest):
        return _with_ids(_spoken_for(file, nearest), folders), None
    part = _part_of_range(file, stem, nearest) if not strong else None
    if part is not None:
        return _with_ids(paths.with_folder_facts(part, nearest), folders), None
    file = _with_title_year(file, folders)
    if not strong:
        speaker = _find_speaker(file, refusal, stem, folders, names, hint, is_extra=is_extra)
        if speaker is not None:
            return _with_ids(_spoken_for(file, speaker), folders), None
    merged = paths.with_folder_facts(file, nearest) if _same_work(file, nearest) else file
    if not merged.title:
        series = next((f for f, n in zip(folders, names, strict=True) if f.title and not is_season_folder(n)), None)
        if series is not None:
            merged = paths.with_title_of(merged, series)
    return _with_ids(merged, folders), refusal


def _is_abbreviated(file: ParsedRelease, folder: ParsedRelease) -> bool:
    """Return whether a file has an abbreviated name (`grp-cl.s01e02`) and its folder names the same episodes in full."""
    same = folder.seasons == file.seasons and folder.episodes == file.episodes and bool(file.episodes)
    return same and " " not in file.title and bool(folder.title) and similarity(file.title, folder.title) < _SAME


def _part_of_range(file: ParsedRelease, stem: str, folder: ParsedRelease) -> ParsedRelease | None:
    """Return the one episode a file holds of a folder that names a range: `Title S01E01-E05/03.mkv`, `Title [01-12]/05.mkv`."""
    numbers = paths.leading_episodes(stem) if refusals.why_meaningless(stem) is None else ()
    if numbers and folder.season is not None and len(folder.episodes) > 1 and set(numbers) <= set(folder.episodes):
        return paths.in_season_folder(file, folder.season, stem, folder)
    if numbers and len(folder.absolute_episodes) > 1 and set(numbers) <= set(folder.absolute_episodes):
        return replace(folder, absolute_episodes=numbers, container=file.container, quality=folder.quality)
    return None


def _with_title_year(file: ParsedRelease, folders: list[ParsedRelease]) -> ParsedRelease:
    """Move a year back into the title if the folder has the full title: `Airport 1975 (1974)/Airport 1975.mkv`."""
    for folder in folders:
        if file.year is None or folder.year in {None, file.year}:
            continue
        if normalise_title(f"{file.title} {file.year}") == normalise_title(folder.title):
            confidence = replace(file.confidence, title=folder.confidence.title, year=folder.confidence.year)
            return replace(file, title=folder.title, year=folder.year, confidence=confidence)
    return file


def _season_of(names: list[str]) -> int | None:
    """Return the season of the nearest folder; bare digits count only below another folder (`Show/2`)."""
    found = read_season_folder(names[0])
    if found is None or len(found.seasons) != 1 or (found.is_bare and len(names) == 1):
        return None
    return found.seasons[0]


def _spoken_for(file: ParsedRelease, folder: ParsedRelease) -> ParsedRelease:
    """Return the folder's fields with those that only a file has."""
    return replace(
        folder,
        container=file.container,
        extra=file.extra,
        subtitle_language=file.subtitle_language,
        subtitle_tags=file.subtitle_tags,
        subtitle_title=file.subtitle_title,
        subtitle_languages=file.subtitle_languages or folder.subtitle_languages,
    )


def _find_speaker(
    file: ParsedRelease,
    refusal: str | None,
    stem: str,
    folders: list[ParsedRelease],
    names: list[str],
    hint: str | None,
    *,
    is_extra: bool,
) -> ParsedRelease | None:
    """Find the folder whose name is more informative than the file's."""
    for folder, name in zip(folders, names, strict=True):
        if refusals.why_meaningless(name) is None and paths.is_strong(folder):
            return folder
    if not (is_extra or paths.says_little(stem) or refusal is not None or _is_poorer(file, folders[0])):
        return None
    for folder, name in zip(folders, names, strict=True):
        is_episode = folder.seasons or folder.air_on or folder.absolute_episodes
        if not paths.says_little(name) and folder.title and (hint != "tv" or is_episode):
            return folder
    return None


def _with_ids(file: ParsedRelease, folders: list[ParsedRelease]) -> ParsedRelease:
    """Take ids and year from every folder with the same title."""
    for folder in folders:
        if folder.title and _same_work(file, folder):
            file = paths.with_ids_of(file, folder)
    return file


def _with_stated_ids(file: ParsedRelease, folders: list[ParsedRelease], names: list[str]) -> ParsedRelease:
    """Take the ids in the title folder's name, whatever the file is called: the nearest folder, or the one above a season."""
    for folder, name in zip(folders, names, strict=True):
        if folder.imdb_id or folder.tmdb_id or folder.tvdb_id:
            if file.imdb_id or file.tmdb_id or file.tvdb_id:
                return file
            return replace(file, imdb_id=folder.imdb_id, tmdb_id=folder.tmdb_id, tvdb_id=folder.tvdb_id)
        if not (is_season_folder(name) or folder.full_season):
            break
    return file


def _is_poorer(file: ParsedRelease, folder: ParsedRelease) -> bool:
    """Return whether a file has no year, numbers or source but its folder does, or is short for a folder named like a release."""
    if file.year is not None or file.confidence.quality >= _WRITTEN or file.confidence.episodes:
        return False
    is_release = bool(folder.languages or folder.video_codec) and len(folder.title.split()) >= _FEWEST_WORDS
    is_short = is_release and _ABBREVIATED.fullmatch(file.name) is not None
    says_more = folder.confidence.quality >= _WRITTEN or folder.year is not None or is_short
    return says_more and similarity(file.title, folder.title) < 0.7


_FEWEST_WORDS = 3
_ABBREVIATED = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)?\.[a-z0-9]{2,4}")
"""File names such as `personnea_mp.avi`, which abbreviate the folder's."""


def _same_work(file: ParsedRelease, folder: ParsedRelease) -> bool:
    return not file.title or not folder.title or similarity(file.title, folder.title) >= 0.7

"""Split paths into folders and file names, and read what folder names say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import replace
from types import MappingProxyType

from mydia.parsing import refusals
from mydia.parsing.numbering.links import follow
from mydia.parsing.patterns import EXTENSIONS, OTHER_EXTENSIONS
from mydia.parsing.quality import Modifier, Quality, Source
from mydia.parsing.release import Confidence, ParsedRelease
from mydia.parsing.seasons import EPISODE_WORD, read_season_folder
from mydia.parsing.subtitle_files import says_only_language

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_ENDING = re.compile(r"\.([A-Za-z0-9]{2,7})\Z")
_LEADING_NUMBER = re.compile(
    rf"(?:(?:{EPISODE_WORD}|e)[ ._]{{0,2}}|#|第)?(\d{{1,3}})(?:[-_+&]e?(\d{{1,3}}))?(?=\.[ ]|[ ]-[ ]|[ ._-]+[^\W\d_]|\Z|-|[話话集回화회]|[ ._]{{1,2}}(?:[\[(](?!(?:19|20)\d\d[\])])|\d{{3,4}}[pi]))",
    re.IGNORECASE,
)
_RUN_TOGETHER = re.compile(r"(\d{1,2})(\d\d)(?=[ ._-]|\Z)")
_RUN_TOGETHER_WITHIN = re.compile(r"(?<=[ ._-])(\d{1,2})(\d\d)(?:-\1(\d\d))?(?=[ ._-]|\Z)")
_SEASON_THEN_EPISODE = re.compile(r"(\d{1,2})(?:\.|(?<=\A\d)-)(\d\d)(?=[ ._-]|\Z)")
"""`10.02` in the folder of season 10, `2-13` in that of season 2."""
_BRACKETED_NUMBER = re.compile(r"[\[(](\d{1,3})[\])](?=[ ._-]|\Z)")
_MOST_IN_A_FILE = 4
"""A longer range that begins with the season's number is season and episode: `02-13` in season 2."""
_EPISODE_WITHIN = re.compile(r"[ ._-](?:episode|ep|e)[ ._]?(\d{1,3})(?:-e?(\d{1,3}))?(?![0-9])", re.IGNORECASE)
_FURNITURE = frozenset({
    "tv", "movies", "movie", "films", "film", "series", "shows", "tvshows", "downloads", "download", "media",
    "video", "videos", "complete", "completed", "unsorted", "test", "home", "mnt", "data", "users", "public",
    "torrents", "torrent", "usenet", "anime", "library", "content", "tv-shows", "plex", "sorted", "incoming", "subs", "subtitles", "sub",
    "kids", "documentaries", "season", "c", "d", "e", "z", "s", "p", "volume1", "shares", "root", "srv",
    "var", "opt",
})  # fmt: skip
_SUREST = 0.9


def is_path(name: str) -> bool:
    """Return whether the text is a path rather than a name that contains slashes (`A / B`, `(2016/S01/WEB-DL)`)."""
    if name.startswith("/") or _DRIVE.match(name):
        return True
    if "/" not in name and "\\" not in name:
        return False
    if " / " in name or "|" in name:
        return False
    plain = name.replace("\\", "/")
    folder, _, file = plain.rpartition("/")
    ending = _ENDING.search(file)
    is_balanced = folder.count("(") == folder.count(")") and folder.count("[") == folder.count("]")
    first = read_season_folder(plain.partition("/")[0])
    if first is not None and not first.is_bare and is_balanced:
        return True
    if ending is None or (
        ending.group(1).lower() not in EXTENSIONS and ending.group(1).lower() not in OTHER_EXTENSIONS
    ):
        return False
    return is_balanced and not file.startswith(" ") and not folder.endswith(" ")


def split_path(path: str, library_root: str | None) -> tuple[str, ...]:
    """Return the parts of a path below the library root."""
    plain = path.replace("\\", "/")
    if library_root:
        root = library_root.replace("\\", "/").rstrip("/") + "/"
        plain = plain.removeprefix(root)
    return tuple(part for part in plain.split("/") if part.strip() and not _DRIVE.match(part + "/"))


def leading_episodes(stem: str, season: int | None = None) -> tuple[int, ...]:
    """Return the episode numbers at the start of a file name in a season folder: `02 Honor Thy Father`, `E05-06`, `1012` in `Season 10`."""
    return _leading_numbers(stem, season)[0]


def _leading_numbers(stem: str, season: int | None) -> tuple[tuple[int, ...], bool]:
    """Return the episode numbers, and whether each is written together with the season (`205`), so that it may count through the series."""
    together = _RUN_TOGETHER.match(stem.strip()) if season is not None else None
    if together is not None and int(together.group(1)) == season:
        return (int(together.group(2)),), True
    numbers = _plain_numbers(stem, season)
    if numbers:
        return numbers, False
    runs = (run for run in _RUN_TOGETHER_WITHIN.findall(stem) if int(run[0]) == season and int(run[1]))
    return next((tuple(range(int(begin), max(int(begin), int(end or begin)) + 1)) for _, begin, end in runs), ()), True


def _plain_numbers(stem: str, season: int | None) -> tuple[int, ...]:
    both = _SEASON_THEN_EPISODE.match(stem.strip()) if season is not None else None
    if both is not None and int(both.group(1)) == season:
        return (int(both.group(2)),)
    if (bracketed := _BRACKETED_NUMBER.match(stem.strip())) is not None:
        return (int(bracketed.group(1)),)
    found = _LEADING_NUMBER.match(stem.strip()) or _EPISODE_WITHIN.search(stem)
    if found is None:
        return ()
    first = int(found.group(1))
    if found.group(2) is None:
        return follow(stem.strip().lower(), found.end(1), first)[0] if found.re is _LEADING_NUMBER else (first,)
    last = int(found.group(2))
    if first == season and last - first > _MOST_IN_A_FILE:
        return (last,)
    return tuple(range(first, last + 1)) if first <= last < first + 100 else (first,)


def without_title(stem: str, series: ParsedRelease | None) -> str:
    """Drop a series title with a number in front of a file's own number: the `24` of `24 - 05`."""
    title = series.title.lower() if series is not None else ""
    if not any(c.isdigit() for c in title) or not stem.lower().startswith(title):
        return stem
    rest = stem[len(title) :].lstrip(" ._-")
    return rest if rest and not stem[len(title)].isalnum() else stem


def is_furniture(folder: str) -> bool:
    """Return whether the folder is a shelf (`TV Shows`, `Downloads`) rather than a title."""
    words = folder.lower().replace("_", " ").split()
    return all(word in _FURNITURE for word in words)


def is_strong(release: ParsedRelease) -> bool:
    """Return whether season and episode, or a date, are written in an unambiguous form."""
    return (
        bool(release.seasons and release.episodes) or release.air_on is not None
    ) and release.confidence.episodes >= _SUREST


def with_folder_facts(file: ParsedRelease, folder: ParsedRelease) -> ParsedRelease:
    """Fill missing fields from the folder: quality, group, languages, year."""
    quality = file.quality
    if file.episode_title and folder.title and file.episode_title.startswith(folder.title + " - "):
        file = replace(file, episode_title=file.episode_title[len(folder.title) + 3 :])
    if file.confidence.quality < folder.confidence.quality and folder.quality.source is not Source.UNKNOWN:
        quality = folder.quality
    same_kind = file.type == folder.type or folder.type is None
    return replace(
        with_ids_of(file, folder),
        quality=quality,
        release_group=file.release_group or folder.release_group,
        languages=file.languages or folder.languages,
        subtitle_languages=file.subtitle_languages or folder.subtitle_languages,
        edition=file.edition or (folder.edition if same_kind else None),
        editions=file.editions or (folder.editions if same_kind else ()),
        video_codec=file.video_codec or folder.video_codec,
        audio_codecs=file.audio_codecs or folder.audio_codecs,
        audio_channels=file.audio_channels or folder.audio_channels,
        streaming_service=file.streaming_service or folder.streaming_service,
        website=file.website or folder.website,
        hdr=file.hdr or folder.hdr,
        confidence=_confidence(file, folder, quality is folder.quality),
    )


def _confidence(file: ParsedRelease, folder: ParsedRelease, quality_from_folder: bool) -> Confidence:
    year = file.confidence.year if file.year is not None else folder.confidence.year
    quality = folder.confidence.quality if quality_from_folder else file.confidence.quality
    return replace(file.confidence, year=year, quality=quality)


def with_ids_of(file: ParsedRelease, folder: ParsedRelease) -> ParsedRelease:
    """Fill ids and year from a folder with the same title."""
    from_folder = file.year is None and folder.year is not None
    return replace(
        file,
        year=folder.year if from_folder else file.year,
        imdb_id=file.imdb_id or folder.imdb_id,
        tmdb_id=file.tmdb_id or folder.tmdb_id,
        tvdb_id=file.tvdb_id or folder.tvdb_id,
        confidence=replace(file.confidence, year=folder.confidence.year) if from_folder else file.confidence,
    )


def with_title_of(file: ParsedRelease, series: ParsedRelease) -> ParsedRelease:
    """Take the title from a folder for a file that starts with its number."""
    titled = replace(file, title=series.title, alternative_titles=series.alternative_titles)
    return replace(titled, confidence=replace(titled.confidence, title=series.confidence.title))


_EXTRA_FOLDERS = {
    "sample": "sample", "samples": "sample", "trailers": "trailer", "trailer": "trailer", "featurettes": "featurette",
    "featurette": "featurette", "behind the scenes": "featurette", "deleted scenes": "featurette", "interviews": "featurette",
    "scenes": "featurette", "shorts": "featurette", "extras": "featurette", "bonus": "featurette", "other": "featurette",
}  # fmt: skip
"""Folder names for extras, as used by Plex and Jellyfin."""


_DISC_FOLDERS: dict[str, tuple[Source, Modifier, int]] = {
    **dict.fromkeys(
        ("bdmv", "stream", "playlist", "clipinf", "bdjo", "backup", "certificate"),
        (Source.BLURAY, Modifier.BRDISK, 1080),
    ),
    **dict.fromkeys(("video_ts", "audio_ts", "jacket_p"), (Source.DVD, Modifier.REMUX, 480)),
}
"""Folders of a disc structure, with the quality they imply."""
_DISC_NUMBER = re.compile(r"(?:disc|disk|cd|dvd|bd)[ ._-]?\d{1,2}(?:[ ._-]?of[ ._-]?\d{1,2})?\Z", re.IGNORECASE)
_DISC_FILES = re.compile(r"(?:video_ts|vts_\d\d_\d)\.(?:ifo|vob|bup)\Z|(?:index|movieobject)\.bdmv\Z", re.IGNORECASE)


def disc_quality(parts: Sequence[str]) -> Quality | None:
    """Return the quality implied by a disc structure, or None for a file that is not part of one."""
    for part in parts[:-1]:
        if (known := _DISC_FOLDERS.get(part.lower())) is not None and part.lower() not in {"stream", "backup"}:
            return Quality(known[0], known[2], known[1])
    if _DISC_FILES.match(parts[-1]):
        kind = "bdmv" if parts[-1].lower().endswith("bdmv") else "video_ts"
        source, modifier, lines = _DISC_FOLDERS[kind]
        return Quality(source, lines, modifier)
    return None


def is_disc_folder(folder: str, *, inside: bool) -> bool:
    """Return whether a folder is part of a disc structure (`BDMV`, `VIDEO_TS`) or numbers a disc (`Disc 1`); the title is in the folder above."""
    return bool(_DISC_NUMBER.match(folder)) or (inside and folder.lower() in _DISC_FOLDERS)


def extra_of_folder(folder: str) -> str | None:
    """Return the kind of extras a folder with this name holds."""
    return _EXTRA_FOLDERS.get(folder.strip().lower())


def _number_behind_title(stem: str, series: ParsedRelease | None) -> tuple[int, ...]:
    """Return the only number behind the series' title, which may count through the series: `Title 152`, `Title 152 - Name`."""
    words = re.findall(r"[^\W_]+", series.title) if series is not None else []
    if not words:
        return ()
    spelt = r"[\W_]{1,3}".join(map(re.escape, words))
    found = re.match(
        rf"\W{{0,2}}{spelt}[\W_]{{1,4}}(\d{{1,4}})(?=\Z|[ ._-]+(?:[^\W\d_]|[\[(-]|\d{{3,4}}[pi]))", stem, re.IGNORECASE
    )
    return (int(found.group(1)),) if found is not None else ()


def in_season_folder(file: ParsedRelease, season: int, stem: str, series: ParsedRelease | None) -> ParsedRelease:
    """Combine the season from the folder with the episode number from the file name."""
    if is_strong(file):
        return file
    numbers, is_together = _leading_numbers(stem, season)
    if not numbers and not file.absolute_episodes:
        file = replace(file, absolute_episodes=_number_behind_title(stem, series))
    together = tuple(n % 100 for n in file.absolute_episodes if n // 100 == season and n % 100)
    if len(together) == len(file.absolute_episodes) > 0 and numbers != file.absolute_episodes:
        numbers = ()
        # `115-116` in season 1; the absolute numbers are kept because they may be meant.
        file = replace(file, season=season, episodes=together)
    title = series.title if series is not None and series.title else file.title
    if numbers and is_together:
        through = tuple(100 * season + number for number in numbers)
    else:
        through = () if numbers else file.absolute_episodes
    episodes = file.episodes if file.season == season and file.episodes else numbers or file.absolute_episodes
    sure = 0.8 if episodes else 0.0
    episode_title = file.episode_title or (
        file.title if not episodes and series is not None and file.title != series.title else None
    )
    return replace(
        file, type="episode", title=title, season=season, seasons=(season,), episodes=episodes, absolute_episodes=through,
        marked_season=season if through else None,
        full_season=False, is_multi_season=False, is_special=season == 0, episode_title=episode_title,
        year=series.year if series is not None and series.year else file.year,
        confidence=replace(file.confidence, season=0.85, episodes=sure, title=0.8, type=0.85),
        spans=MappingProxyType(dict(file.spans)),
    )  # fmt: skip


def says_little(stem: str) -> bool:
    """Return whether a file name is less informative than its folder, such as a language name alone."""
    return refusals.is_obscure(stem) or says_only_language(stem)

"""Group new files (a film's folder, a series' folder), with the facts from their names and NFO files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import replace
from dataclasses import dataclass
from itertools import batched
from pathlib import Path, PurePosixPath

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown
from mydia.adapters.metadata_providers import NfoFacts, read_nfo
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.library.filekinds import disc_folder, own_folder, title_folder
from mydia.contexts.library.models import MediaFile, Sidecar
from mydia.contexts.library.recognise.matching import Guess, split_country
from mydia.contexts.library.words import MatchState
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.parsing import (
    Modifier,
    ParsedRelease,
    Quality,
    Source,
    normalise_title,
    parse_path,
    parse_release,
    season_of_folder,
    similarity,
)
from mydia.vocabulary import MediaType

_NFO_BYTES = 256 * 1024
_HINTS = {"movies": "movie", "series": "tv"}
_TYPES = {"movies": MediaType.MOVIE, "series": MediaType.TV_SHOW}
_CONTRADICTS_BELOW = 0.6
"""Titles with a lower similarity belong to different works."""
_WRITTEN_OUT = 0.9
"""Lowest confidence of numbers such as `S01E02`; others may be absolute."""
_MARKER_IS_SURE = 0.5
"""Lowest confidence of a season marker that is not part of the title."""
_YEARS_APART = 2
"""Seasons do not start exactly a year apart."""
_DISC_QUALITY = {
    "bdmv": Quality(Source.BLURAY, modifier=Modifier.BRDISK),
    "video_ts": Quality(Source.DVD),
}


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file without a title yet, with its parsed name."""

    id: str
    path: str
    size_bytes: int
    parsed: ParsedRelease
    own_title: str = ""
    own_year: int | None = None
    """The title and year in the file's own name, ignoring its folders."""
    nfo: NfoFacts | None = None


@dataclass(slots=True, kw_only=True)
class Group:
    """Files of one film or one series."""

    library_path_id: str
    type: MediaType
    folder: str
    """Relative path; empty for files directly in the library folder."""
    key: str
    guess: Guess
    files: list[NewFile]
    nfo: NfoFacts | None = None
    owns_folder: bool = False
    """Whether the folder contains no other title."""
    is_guest: bool = False
    """Whether the files have another year than their folder, so that they may belong to another title."""

    @property
    def name(self) -> str:
        """Display name before it is recognised."""
        return self.guess.title or shown(self.folder) or shown(self.files[0].path.rpartition("/")[2])


def gather(
    database: Database, outside: Outside, library_path_id: str, file_ids: Sequence[str] | None = None
) -> list[Group]:
    """Return a library folder's new files in groups; groups of guests come last.

    Args:
        file_ids: Only these files, in any state; for matching again.
    """
    with database.reads() as session:
        path = settings.library_paths.get_library_path(session, SYSTEM, library_path_id)
        rows = _new_rows(session, library_path_id, file_ids)
        if not rows:
            return []
        nfos = {
            row[0]
            for row in session.execute(
                select(Sidecar.relative_path).where(Sidecar.library_path_id == library_path_id, Sidecar.kind == "nfo")
            )
        }
        linked = _linked_titles(session, library_path_id)
    files = [_read_file(id_, name, size, _HINTS.get(path.type)) for id_, name, size in rows]
    groups = _grouped(library_path_id, path.type, files)
    _mark_owned(groups, linked)
    root = Path(path.path)
    for group in groups:
        _add_nfo(outside, root, group, nfos)
        group.guess = _guess(group)
    return sorted(groups, key=lambda group: group.is_guest)


def _new_rows(session: Session, library_path_id: str, file_ids: Sequence[str] | None) -> list[tuple[str, str, int]]:
    query = (
        select(MediaFile.id, MediaFile.relative_path, MediaFile.size_bytes)
        .where(MediaFile.library_path_id == library_path_id, MediaFile.kind == "video")
        .order_by(MediaFile.relative_path)
    )
    if file_ids is not None:
        return [
            (row[0], row[1], row[2])
            for part in batched(file_ids, 500, strict=False)
            for row in session.execute(query.where(MediaFile.id.in_(part)))
        ]
    new = query.where(MediaFile.match_state == MatchState.NEW, MediaFile.missing_since.is_(None))
    return [(row[0], row[1], row[2]) for row in session.execute(new)]


def _read_file(file_id: str, path: str, size_bytes: int, hint: str | None) -> NewFile:
    parsed = read_name(path, hint)
    own = None if disc_folder(path) is not None else parse_release(shown(path.rpartition("/")[2]), hint)
    return NewFile(
        id=file_id,
        path=path,
        size_bytes=size_bytes,
        parsed=parsed,
        own_title=own.title if own is not None else "",
        own_year=own.year if own is not None and own.title else None,
    )


def read_name(path: str, hint: str | None) -> ParsedRelease:
    """Parse a path. A file of a disc gets the name of the folder that contains the disc."""
    readable = shown(path)
    if (disc := disc_folder(readable.rpartition("/")[0])) is not None:
        folder = own_folder(readable)
        ending = readable.rpartition(".")[2]
        parsed = parse_path(f"{folder}/{PurePosixPath(folder).name}.{ending}", None, hint) if folder else None
        parsed = parsed or ParsedRelease(name=folder)
        quality = _DISC_QUALITY.get(disc.rpartition("/")[2].lower(), Quality())
        stated = parsed.quality if "quality" in parsed.spans else None
        known = replace(quality, resolution=stated.resolution) if stated is not None else quality
        return replace(parsed, quality=known, confidence=replace(parsed.confidence, quality=1.0))
    folder, _, name = readable.rpartition("/")
    if (whole := parse_path(readable, None, hint)) is not None:
        return whole
    own = parse_release(name, hint) or ParsedRelease(name=name)
    if season_of_folder(folder.rpartition("/")[2]) is None:
        return own
    # The path has no number within the season, so one that the name alone seems to have is not an episode: `1 of 2`.
    return replace(own, title="", season=None, seasons=(), episodes=(), absolute_episodes=())


def _grouped(library_path_id: str, path_type: str, files: Iterable[NewFile]) -> list[Group]:
    shelves: dict[tuple[MediaType, str, str], list[NewFile]] = {}
    for file in files:
        type_ = _TYPES.get(path_type) or (MediaType.TV_SHOW if file.parsed.type == "episode" else MediaType.MOVIE)
        folder = title_folder(file.path) if type_ == MediaType.TV_SHOW else own_folder(file.path)
        shelves.setdefault((type_, folder, _key(type_, folder, file)), []).append(file)
    groups = [
        Group(
            library_path_id=library_path_id,
            type=type_,
            folder=folder,
            key=key if year is None else f"{key} {year}",
            guess=Guess(type=type_, title=""),
            files=members,
            is_guest=is_guest,
        )
        for (type_, folder, key), shelf in shelves.items()
        for year, is_guest, members in _by_title(type_, folder, shelf)
    ]
    return sorted(groups, key=lambda group: (group.folder, group.key))


def _key(type_: MediaType, folder: str, file: NewFile) -> str:
    """Return the key that files of one title share within a folder, without a series' year."""
    title = normalise_title(file.parsed.title)
    if type_ == MediaType.MOVIE:
        return title if file.parsed.year is None else f"{title} {file.parsed.year}"
    named = read_folder(folder) if folder else None
    of_folder = normalise_title(named.title) if named is not None else ""
    # The names of one series vary in spelling; only a very different name in a shared folder is another series.
    if title and of_folder and not title.startswith(of_folder) and not of_folder.startswith(title):
        return title
    return of_folder or title


def _by_title(type_: MediaType, folder: str, shelf: list[NewFile]) -> list[tuple[int | None, bool, list[NewFile]]]:
    """Split files with the same name by year; yields (year for the key, is a guest, files).

    A year can be that of the series or of the season. Years that are not consistent with one first season belong to
    different series of the same name, such as MacGyver (1985) and MacGyver (2016).
    """
    if type_ == MediaType.MOVIE:
        return [(None, False, shelf)]
    named = read_folder(folder) if folder else None
    first_years: list[tuple[int, list[NewFile]]] = []
    plain: list[NewFile] = []
    for file in shelf:
        if file.own_year is None:
            plain.append(file)
            continue
        first = file.own_year - max((file.parsed.season or 1) - 1, 0)
        for known, members in first_years:
            # Whether it is the year of the series or of the season, it must be consistent with the other years.
            if min(abs(first - known), abs(file.own_year - known)) <= _YEARS_APART:
                members.append(file)
                break
        else:
            first_years.append((file.own_year if (file.parsed.season or 1) <= 1 else first, [file]))
    if named is not None and named.year is not None:
        here = [*plain]
        guests: list[tuple[int | None, bool, list[NewFile]]] = []
        for known, members in first_years:
            if abs(known - named.year) <= _YEARS_APART:
                here += members
            else:
                guests.append((known, True, members))
        return ([(None, False, here)] if here else []) + guests
    if len(first_years) <= 1:
        return [(None, False, shelf)]
    return [(known, False, members) for known, members in first_years] + ([(None, False, plain)] if plain else [])


def read_folder(folder: str) -> ParsedRelease | None:
    """Parse the last part of a folder's path as a series."""
    name = shown(folder.rpartition("/")[2])
    return parse_release(name, "tv") or parse_release(f"{name} S01E01", "tv")


def _linked_titles(session: Session, library_path_id: str) -> dict[str, set[str]]:
    """Return folder -> titles with files in it or in its subfolders."""
    linked: dict[str, set[str]] = {}
    rows = session.execute(
        select(MediaFile.relative_path, MediaFile.media_item_id).where(
            MediaFile.library_path_id == library_path_id, MediaFile.media_item_id.is_not(None)
        )
    )
    for path, item_id in rows:
        for folder in _above(path):
            linked.setdefault(folder, set()).add(item_id or "")
    return linked


def _mark_owned(groups: list[Group], linked: dict[str, set[str]]) -> None:
    """Find the folders that contain only one title; these become the title's folder."""
    shares: dict[str, int] = {}
    for group in groups:
        if not group.is_guest:
            shares[group.folder] = shares.get(group.folder, 0) + 1
    inner = {above for group in groups for above in _above(group.folder)}
    for group in groups:
        group.owns_folder = (
            bool(group.folder)
            and not group.is_guest
            and shares[group.folder] == 1
            and len(linked.get(group.folder, ())) <= 1
            and (group.type == MediaType.TV_SHOW or group.folder not in inner)
        )


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _add_nfo(outside: Outside, root: Path, group: Group, nfos: set[str]) -> None:
    shared = f"{group.folder}/" if group.folder else ""
    if group.type == MediaType.TV_SHOW:
        if group.folder and not group.is_guest:
            group.nfo = _read_nfo(outside, root, f"{shared}tvshow.nfo", nfos)
        if nfos:
            group.files = [
                replace(file, nfo=_read_nfo(outside, root, _nfo_beside(file), nfos))
                if _nfo_beside(file) in nfos
                else file
                for file in group.files
            ]
        return
    names = [_nfo_beside(file) for file in group.files]
    if group.owns_folder:
        # In a folder with several films it belongs to one of them, and it is unknown to which.
        names += [f"{shared}movie.nfo", *(f"{shared}{disc}/{name}" for disc, name in _DISC_NFOS)]
    for name in names:
        found = _read_nfo(outside, root, name, nfos)
        if found is not None and found.kind in (None, MediaType.MOVIE) and not _contradicts(group, found):
            group.nfo = found
            return


_DISC_NFOS = (("BDMV", "index.nfo"), ("VIDEO_TS", "VIDEO_TS.nfo"))


def _nfo_beside(file: NewFile) -> str:
    return f"{file.path.rpartition('.')[0]}.nfo"


def _contradicts(group: Group, nfo: NfoFacts) -> bool:
    """Return whether an NFO file describes another film: both its title and its year differ."""
    titles = [file.parsed.title for file in group.files if file.parsed.title]
    years = [file.parsed.year for file in group.files if file.parsed.year is not None]
    if not titles or not years or nfo.year is None or not nfo.title:
        return False
    named = [name for name in (nfo.title, nfo.original_title) if name]
    alike = max(similarity(ours, theirs) for ours in titles for theirs in named)
    return alike < _CONTRADICTS_BELOW and all(abs(year - nfo.year) > 1 for year in years)


def _read_nfo(outside: Outside, root: Path, name: str, nfos: set[str]) -> NfoFacts | None:
    if name not in nfos:
        return None
    try:
        return read_nfo(outside.files.read_bytes(confine(root, name), limit=_NFO_BYTES))
    except AdapterError:
        return None


def _guess(group: Group) -> Guess:
    first = max(
        group.files, key=lambda file: (file.parsed.confidence.overall, bool(file.parsed.title), file.parsed.year or 0)
    )
    parsed = first.parsed
    title, year = _without_own_year(parsed.title, parsed.year)
    year = year or next((file.parsed.year for file in group.files if file.parsed.year), None)
    titles = dict.fromkeys(file.parsed.title for file in group.files if file.parsed.title)
    others = [other for other in list(titles)[:5] if other != parsed.title] + list(parsed.alternative_titles)
    if group.type == MediaType.TV_SHOW:
        title, year, others = _with_series_folder(group, parsed, title, year, others)
    else:
        # `Saw 3D` is a film of its own, `Avatar 3D` is not.
        others += [f"{title} 3D"] if parsed.is_3d and title else []
        title, year, others = _with_film_folder(group, title, year, [*others, first.own_title])
    ids, source = _ids(group)
    if group.nfo is not None:
        if group.nfo.title:
            others = [title, *others] if title else others
            title = group.nfo.title
        year = group.nfo.year or year
        if group.nfo.original_title:
            others.append(group.nfo.original_title)
    numbers = {
        (file.parsed.season, number)
        for file in group.files
        if file.parsed.season is not None
        for number in file.parsed.episodes
    }
    loose = {
        (file.parsed.season, number)
        for file in group.files
        if file.parsed.season is not None and file.parsed.confidence.episodes < _WRITTEN_OUT
        for number in file.parsed.episodes
    } | {
        (file.parsed.marked_season, number)
        for file in group.files
        if file.parsed.marked_season is not None
        and not file.parsed.episodes
        and file.parsed.confidence.season >= _MARKER_IS_SURE
        for number in file.parsed.absolute_episodes
    }
    languages = tuple(dict.fromkeys(code for file in group.files for code in file.parsed.languages))
    return Guess(
        type=group.type,
        title=title,
        year=year,
        other_titles=tuple(dict.fromkeys(other for other in others if other and other != title)),
        ids=ids,
        ids_from=source,
        numbers=frozenset(numbers | loose),
        loose_numbers=frozenset(loose),
        languages=languages,
        country=split_country(title)[1] if group.type == MediaType.TV_SHOW else None,
        confidence=parsed.confidence.overall,
    )


def _without_own_year(title: str, year: int | None) -> tuple[str, int | None]:
    """Remove the year from a title that repeats it: `Castle (2009)` of 2009."""
    if year is not None and title.rstrip(" )]").endswith(str(year)):
        shorter = title.rstrip(" )]").removesuffix(str(year)).rstrip(" ([-")
        return (shorter or title), year
    return title, year


def _with_series_folder(
    group: Group, parsed: ParsedRelease, title: str, year: int | None, others: list[str]
) -> tuple[str, int | None, list[str]]:
    """Add the facts of the series' folder: another title, and a year if the files have none."""
    others = [*others, *(file.parsed.unmarked_title for file in group.files if file.parsed.unmarked_title)]
    folder = read_folder(group.folder) if group.folder else None
    if folder is None or group.is_guest:
        return title, year, others
    title = title or folder.title
    if folder.title and normalise_title(folder.title) != normalise_title(parsed.title):
        others.append(folder.title)
    return title, folder.year or year, others


def _with_film_folder(
    group: Group, title: str, year: int | None, others: list[str]
) -> tuple[str, int | None, list[str]]:
    """Add the facts of a film's folder, which is more reliable for titles that end with a year (`Blade Runner 2049 (2017)`)."""
    name = shown(group.folder.rpartition("/")[2])
    folder = parse_release(name, "movie") if name else None
    if folder is None or not folder.title:
        return title, year, others
    if (
        folder.year is not None
        and year is not None
        and normalise_title(folder.title) == normalise_title(f"{title} {year}")
    ):
        return folder.title, folder.year, others
    if group.owns_folder and normalise_title(folder.title) != normalise_title(title):
        others = [*others, folder.title]
    return title, year, others


def _ids(group: Group) -> tuple[Ids, str]:
    """Return the catalogue ids in a name or folder, or else in an NFO file."""
    for file in group.files:
        parsed = file.parsed
        if parsed.tmdb_id or parsed.tvdb_id or parsed.imdb_id:
            return Ids(parsed.tmdb_id, parsed.tvdb_id, parsed.imdb_id), "The name"
    if (found := _ids_of_folders(group)) is not None:
        return found, "The folder"
    if group.nfo is not None and group.nfo.ids != Ids() and group.nfo.kind in (None, group.type):
        return group.nfo.ids, "The NFO file"
    return Ids(), ""


def _ids_of_folders(group: Group) -> Ids | None:
    """Return the ids in the nearest folder's name; those of a folder with several films are ignored."""
    if group.type == MediaType.MOVIE and not group.owns_folder:
        return None
    hint = "movie" if group.type == MediaType.MOVIE else "tv"
    folders = [group.folder, *_above(group.folder)] if group.type == MediaType.TV_SHOW else [group.folder]
    for folder in folders:
        name = shown(folder.rpartition("/")[2])
        read = parse_release(name, hint) or parse_release(f"{name} S01E01", "tv") if name else None
        if read is not None and (read.tmdb_id or read.tvdb_id or read.imdb_id):
            return Ids(read.tmdb_id, read.tvdb_id, read.imdb_id)
    return None

"""New files in groups (a film's folder, a series' folder), with what their names and NFO files say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine, shown
from mydia.adapters.metadata_providers import NfoFacts, read_nfo
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.library.filekinds import title_folder
from mydia.contexts.library.models import MediaFile, Sidecar
from mydia.contexts.library.recognise.matching import Guess
from mydia.contexts.metadata import Ids
from mydia.db import Database
from mydia.parsing import ParsedRelease, normalise_title, parse_path, parse_release
from mydia.vocabulary import MediaType

_NFO_BYTES = 256 * 1024


_HINTS = {"movies": "movie", "series": "tv"}


_TYPES = {"movies": MediaType.MOVIE, "series": MediaType.TV_SHOW}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that belongs to nothing yet, and what its name says."""

    id: str
    path: str
    size_bytes: int
    parsed: ParsedRelease
    nfo: NfoFacts | None = None


@dataclass(slots=True)
class Group:
    """Files that are one film, or one series."""

    library_path_id: str
    type: MediaType
    folder: str
    """Relative; empty for files that lie in the library folder itself."""
    key: str
    guess: Guess
    files: list[NewFile]
    nfo: NfoFacts | None = None
    owns_folder: bool = False
    """Nothing else lies in this folder."""

    @property
    def name(self) -> str:
        """What people call it while nobody knows what it is."""
        return self.guess.title or shown(self.folder) or shown(self.files[0].path.rpartition("/")[2])


def gather(
    database: Database, outside: Outside, library_path_id: str, file_ids: Sequence[str] | None = None
) -> list[Group]:
    """Return a folder's new files in groups, with what names and NFO files say.

    Args:
        file_ids: Only these, whatever state they are in; for matching again.
    """
    with database.reads() as session:
        path = settings.get_library_path(session, library_path_id)
        rows = _new_rows(session, library_path_id, file_ids)
        if not rows:
            return []
        nfos = {
            row[0]
            for row in session.execute(
                select(Sidecar.relative_path).where(Sidecar.library_path_id == library_path_id, Sidecar.kind == "nfo")
            )
        }
    hint = _HINTS.get(path.type)
    files = [NewFile(id_, name, size, _read(name, hint)) for id_, name, size in rows]
    groups = _grouped(library_path_id, path.type, files)
    root = Path(path.path)
    for group in groups:
        _add_nfo(outside, root, group, nfos)
        group.guess = _guess(group)
    with database.reads() as session:
        _mark_owned(session, library_path_id, groups)
    return groups


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
    new = query.where(MediaFile.match_state == "new", MediaFile.missing_since.is_(None))
    return [(row[0], row[1], row[2]) for row in session.execute(new)]


def _read(path: str, hint: str | None) -> ParsedRelease:
    told = shown(path)
    name = told.rpartition("/")[2]
    return parse_path(told, None, hint) or parse_release(name, hint) or ParsedRelease(name=name)


def _grouped(library_path_id: str, path_type: str, files: Iterable[NewFile]) -> list[Group]:
    by_key: dict[tuple[MediaType, str, str], list[NewFile]] = {}
    for file in files:
        type_ = _TYPES.get(path_type) or (MediaType.TV_SHOW if file.parsed.type == "episode" else MediaType.MOVIE)
        folder = title_folder(file.path) if type_ == MediaType.TV_SHOW else file.path.rpartition("/")[0]
        by_key.setdefault((type_, folder, _key(type_, folder, file.parsed)), []).append(file)
    return [
        Group(library_path_id, type_, folder, key, Guess(type_, ""), members)
        for (type_, folder, key), members in sorted(by_key.items(), key=lambda entry: (entry[0][1], entry[0][2]))
    ]


def _key(type_: MediaType, folder: str, parsed: ParsedRelease) -> str:
    title = normalise_title(parsed.title)
    if type_ == MediaType.TV_SHOW and folder:
        read = parse_release(shown(folder.rpartition("/")[2])) or parse_release(
            f"{shown(folder.rpartition('/')[2])} S01E01"
        )
        of_folder = normalise_title(read.title) if read is not None else ""
        # Files of one series are spelt in many ways; only a quite different name in a shelf of many is another series.
        if not title or not of_folder or title.startswith(of_folder) or of_folder.startswith(title):
            return of_folder or title
    if type_ == MediaType.MOVIE and parsed.year is not None:
        return f"{title} {parsed.year}"
    return title


def _add_nfo(outside: Outside, root: Path, group: Group, nfos: set[str]) -> None:
    shared = f"{group.folder}/" if group.folder else ""
    if group.type == MediaType.TV_SHOW:
        if group.folder:
            group.nfo = _read_nfo(outside, root, f"{shared}tvshow.nfo", nfos)
        if nfos:
            group.files = [
                replace(file, nfo=_read_nfo(outside, root, f"{file.path.rpartition('.')[0]}.nfo", nfos))
                if f"{file.path.rpartition('.')[0]}.nfo" in nfos
                else file
                for file in group.files
            ]
        return
    names = [f"{file.path.rpartition('.')[0]}.nfo" for file in group.files]
    if group.folder:
        names.append(f"{shared}movie.nfo")
    for name in names:
        if (found := _read_nfo(outside, root, name, nfos)) is not None and found.kind in (None, MediaType.MOVIE):
            group.nfo = found
            return


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
    titles = list(dict.fromkeys(file.parsed.title for file in group.files if file.parsed.title))
    year = parsed.year or next((file.parsed.year for file in group.files if file.parsed.year), None)
    others = [title for title in titles[:5] if title != parsed.title] + list(parsed.alternative_titles)
    if group.type == MediaType.TV_SHOW and group.folder:
        named = shown(group.folder.rpartition("/")[2])
        folder = parse_release(f"{named} S01E01", "tv")
        if folder is not None and folder.title and normalise_title(folder.title) != normalise_title(parsed.title):
            others.append(folder.title)
        year = year or (folder.year if folder is not None else None)
    title = parsed.title
    ids, source = _ids(group)
    if group.nfo is not None:
        if group.nfo.title:
            others = [title, *others] if title else others
            title = group.nfo.title
        year = group.nfo.year or year
        if group.nfo.original_title:
            others.append(group.nfo.original_title)
    numbers = frozenset(
        (season, number)
        for file in group.files
        for season, number in (
            [(file.parsed.season, n) for n in file.parsed.episodes] if file.parsed.season is not None else ()
        )
        if season is not None
    )
    languages = tuple(dict.fromkeys(code for file in group.files for code in file.parsed.languages))
    return Guess(
        type=group.type,
        title=title,
        year=year,
        other_titles=tuple(dict.fromkeys(other for other in others if other and other != title)),
        ids=ids,
        ids_from=source,
        numbers=numbers,
        languages=languages,
        confidence=parsed.confidence.overall,
    )


def _ids(group: Group) -> tuple[Ids, str]:
    """Return the catalogue numbers that a person or program wrote down: in a name first, then in an NFO."""
    for file in group.files:
        parsed = file.parsed
        if parsed.tmdb_id or parsed.tvdb_id or parsed.imdb_id:
            return Ids(parsed.tmdb_id, parsed.tvdb_id, parsed.imdb_id), "The name"
    if group.nfo is not None and group.nfo.ids != Ids() and group.nfo.kind in (None, group.type):
        return group.nfo.ids, "The NFO file"
    return Ids(), ""


def _mark_owned(session: Session, library_path_id: str, groups: list[Group]) -> None:
    """Find out which folders hold one title only: these become the title's folder."""
    shares: dict[str, int] = {}
    for group in groups:
        shares[group.folder] = shares.get(group.folder, 0) + 1
    linked: dict[str, set[str]] = {}
    rows = session.execute(
        select(MediaFile.relative_path, MediaFile.media_item_id).where(
            MediaFile.library_path_id == library_path_id, MediaFile.media_item_id.is_not(None)
        )
    )
    for path, item_id in rows:
        for folder in _above(path):
            linked.setdefault(folder, set()).add(item_id or "")
    inner = {above for group in groups for above in _above(group.folder)}
    for group in groups:
        group.owns_folder = (
            bool(group.folder)
            and shares[group.folder] == 1
            and len(linked.get(group.folder, ())) <= 1
            and (group.type == MediaType.TV_SHOW or group.folder not in inner)
        )


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path

"""Finds the wanted titles that the releases of a feed may be for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy.orm import Session

from mydia.adapters.indexers import IndexerRelease
from mydia.contexts import media
from mydia.contexts.users import SYSTEM
from mydia.parsing import ParsedRelease, normalise_title, parse_release
from mydia.vocabulary import MediaType


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A release with the indexer that listed it."""

    release: IndexerRelease
    indexer_id: str | None
    indexer_name: str
    indexer_priority: int


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The releases that one version of a title may want."""

    item_id: str
    version_id: str
    listed: tuple[Listed, ...]
    ambiguous: dict[int, str]
    """Position in `listed` -> another title of the library that the name may mean: `Ghosts (2019)`."""


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a release's name and attributes say about the title."""

    type: MediaType | None
    names: tuple[str, ...]
    """Normalised; the last one has the year, if there is one."""
    year: int | None
    ids: tuple[tuple[str, int | str], ...]
    is_revision: bool
    """A proper, repack or second version, which also replaces a file that is good enough."""


def match(session: Session, listed: Sequence[Listed]) -> list[Match]:
    """Return the wanted versions that the releases may be for.

    The number of statements does not depend on the number of titles: all names and ids are looked up together. A release
    that repairs another one is also matched with versions that want nothing.
    """
    readings = [(one, reading) for one in listed if (reading := _read(one.release)) is not None]
    index = media.wanted.titles_named(
        session,
        SYSTEM,
        {name for _, reading in readings for name in reading.names},
        {identifier for _, reading in readings for identifier in reading.ids},
    )
    found: dict[tuple[str, str], list[tuple[Listed, str | None]]] = {}
    for one, reading in readings:
        meant, other = _meant(reading, index)
        for title in meant:
            versions = index.monitored if reading.is_revision else index.wanted
            for version_id in versions.get(title.id, ()):
                found.setdefault((title.id, version_id), []).append((one, other))
    return [
        Match(
            item_id=item_id,
            version_id=version_id,
            listed=tuple(one for one, _ in entries),
            ambiguous={place: other for place, (_, other) in enumerate(entries) if other is not None},
        )
        for (item_id, version_id), entries in found.items()
    ]


def _meant(reading: _Reading, index: media.wanted.NamedIndex) -> tuple[tuple[media.wanted.Named, ...], str | None]:
    """Return the titles that a release may mean, and the label of another one if the name does not decide."""
    by_id = {title.id: title for identifier in reading.ids for title in index.by_id.get(identifier, ())}
    if by_id:
        return tuple(title for title in by_id.values() if _fits(reading, title)), None
    named = {title.id: title for name in reading.names for title in index.by_name.get(name, ())}
    with_year = reading.names[-1]
    possible = [
        title
        for title in named.values()
        if _fits(reading, title)
        and not _contradicts(reading, title)
        and (
            reading.year is None
            or title.year is None
            or title.type == MediaType.TV_SHOW
            or abs(reading.year - title.year) <= 1
            or title in index.by_name.get(with_year, ())
        )
    ]
    if len(possible) > 1 and reading.year is not None:
        same_year = [title for title in possible if title.year == reading.year]
        possible = same_year or possible
    other = possible[1].label if len(possible) > 1 else None
    return tuple(title for title in possible if title.monitored), other


def _fits(reading: _Reading, title: media.wanted.Named) -> bool:
    return reading.type is None or title.type == reading.type


def _contradicts(reading: _Reading, title: media.wanted.Named) -> bool:
    """Return whether the indexer states another id for it."""
    ours = {"tmdb": title.tmdb_id, "tvdb": title.tvdb_id, "imdb": title.imdb_id}
    return any(ours[catalogue] is not None and ours[catalogue] != identifier for catalogue, identifier in reading.ids)


def _read(release: IndexerRelease) -> _Reading | None:
    hint = _hint(release.categories)
    parsed = parse_release(release.title, hint)
    if parsed is None:
        return None
    names = [parsed.title, *parsed.alternative_titles, parsed.unmarked_title or ""]
    if parsed.year is not None:
        names.append(f"{parsed.title} {parsed.year}")
    is_series, is_film = parsed.type == "episode" or hint == "tv", parsed.type == "movie" or hint == "movie"
    return _Reading(
        type=MediaType.TV_SHOW if is_series else MediaType.MOVIE if is_film else None,
        names=tuple(normalised for name in names if name and (normalised := normalise_title(name))) or ("",),
        year=parsed.year,
        ids=tuple(_ids(release, parsed)),
        is_revision=parsed.quality.revision.version > 1 or parsed.quality.revision.real > 0,
    )


def _hint(categories: tuple[int, ...]) -> str | None:
    """Return `movie` or `tv` if all standard categories say so. Source: the Newznab category list."""
    groups = {number // 1000 for number in categories if number < 100_000}
    return {frozenset({2}): "movie", frozenset({5}): "tv"}.get(frozenset(groups))


def _ids(release: IndexerRelease, parsed: ParsedRelease) -> Iterable[tuple[str, int | str]]:
    for catalogue, stated, named in (
        ("tmdb", release.tmdb_id, parsed.tmdb_id),
        ("tvdb", release.tvdb_id, parsed.tvdb_id),
        ("imdb", release.imdb_id, parsed.imdb_id),
    ):
        if identifier := stated or named:
            yield catalogue, identifier

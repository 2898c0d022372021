"""Kodi's NFO files beside the media: ids above all, and what a title is called when nobody else can say.

An NFO is XML, or XML with an address after it, or only an address, or somebody's ASCII art. Nothing in it is trusted
and nothing in it makes reading fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any

from mydia.adapters.metadata_providers import read
from mydia.adapters.metadata_providers.base import Ids
from mydia.vocabulary import MediaType

MAX_BYTES = 1024 * 1024
"""An NFO above that is not one; Kodi's own are a few kilobytes."""

_KINDS = {"movie": MediaType.MOVIE, "tvshow": MediaType.TV_SHOW, "episodedetails": "episode"}
_IMDB_URL = re.compile(r"imdb\.com/(?:[a-z]{2}/)?title/(tt\d{6,9})")
_TMDB_URL = re.compile(r"themoviedb\.org/(movie|tv)/(\d{1,9})")
_TVDB_URL = re.compile(r"thetvdb\.com/(?:(series|movies)/(\d{1,9})(?![\w-])|.*?[?&](?:id|seriesid)=(\d{1,9}))")
_TVDB_DEREF = re.compile(r"thetvdb\.com/dereferrer/(series|movie)/(\d{1,9})")
_IMDB_ID = re.compile(r"tt\d{6,9}")
_ROOT = re.compile(rb"<(movie|tvshow|episodedetails)[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NfoFacts:
    """What an NFO file tells."""

    kind: str | None
    """`movie`, `tv_show` or `episode`; None when only an address was found."""
    ids: Ids = field(default_factory=Ids)
    """Of the film or series; for `episode` those of the episode itself, which are no use to find the series."""
    title: str | None = None
    original_title: str | None = None
    sort_title: str | None = None
    series_title: str | None = None
    year: int | None = None
    plot: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    air_on: date | None = None
    runtime_min: int | None = None
    genres: tuple[str, ...] = ()
    edition: str | None = None
    episodes: tuple[tuple[int, int], ...] = ()
    """(season, number) of every episode in the file, for files that hold several."""

    @property
    def says_something(self) -> bool:
        """Whether there is an id or a title."""
        return self.ids != Ids() or bool(self.title)


def read_nfo(content: bytes) -> NfoFacts | None:
    """Read an NFO file; None when it tells nothing. Never raises.

    >>> read_nfo(b"<movie><title>Sintel</title><uniqueid type='tmdb'>45745</uniqueid></movie>").ids.tmdb_id
    45745
    >>> read_nfo(b"https://www.themoviedb.org/tv/32340-pioneer-one").kind
    <MediaType.TV_SHOW: 'tv_show'>
    """
    if not content or len(content) > MAX_BYTES:
        return None
    by_address = _from_addresses(content.decode("utf-8", "replace"))
    roots = [_parsed(piece) for piece in _pieces(content)]
    facts = [found for root in roots if root is not None and (found := _from_xml(root)) is not None]
    if not facts:
        return by_address if by_address.says_something else None
    first = facts[0]
    if len(facts) > 1:
        numbers = tuple(number for one in facts for number in one.episodes)
        first = NfoFacts(
            **{name: getattr(first, name) for name in first.__slots__ if name != "episodes"}, episodes=numbers
        )
    if first.ids == Ids() and by_address.ids != Ids() and by_address.kind in (None, first.kind):
        values = {name: getattr(first, name) for name in first.__slots__ if name != "ids"}
        first = NfoFacts(**values, ids=by_address.ids)
    return first if first.says_something or first.episodes else None


def nfo_beside(media: PurePath, names: Iterable[str]) -> list[str]:
    """Say which of a folder's file names is the NFO of a media file, the most telling first.

    Args:
        media: The media file.
        names: File names in its folder.
    """
    wanted = [f"{media.stem}.nfo".casefold(), "movie.nfo", "tvshow.nfo"]
    by_name = {name.casefold(): name for name in names}
    return [by_name[name] for name in wanted if name in by_name]


def _pieces(content: bytes) -> list[bytes]:
    """Cut out the XML documents; a file of a double episode holds two, one after the other."""
    pieces: list[bytes] = []
    at = 0
    while (start := _ROOT.search(content, at)) is not None:
        end = re.compile(rb"</" + start[1] + rb"\s*>", re.IGNORECASE).search(content, start.end())
        pieces.append(content[start.start() : end.end()] if end else content[start.start() :])
        if end is None or len(pieces) >= 20:
            break
        at = end.end()
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*(<\?xml[^>]{0,200}\?>)", content)
    return [declared[1] + piece for piece in pieces] if declared else pieces


def _parsed(piece: bytes) -> Any | None:
    import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types: mypy finds it only by this form

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=True
    )
    try:
        return etree.fromstring(piece, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None


def _from_xml(root: Any) -> NfoFacts | None:
    if not isinstance(root.tag, str):
        return None
    kind = _KINDS.get(root.tag.lower())
    if kind is None:
        return None

    def told(*names: str) -> str | None:
        for name in names:
            element = root.find(name)
            if element is not None and (text := read.text(element.text)):
                return text
        return None

    season, episode = _counted(told("season")), _counted(told("episode"))
    aired = read.day(told("premiered", "aired", "releasedate"))
    return NfoFacts(
        kind=kind,
        ids=_ids(root, kind),
        title=told("title"),
        original_title=told("originaltitle"),
        sort_title=told("sorttitle"),
        series_title=told("showtitle"),
        year=read.year(told("year")) or (aired.year if aired else None),
        plot=told("plot", "outline"),
        season_number=season if kind == "episode" else None,
        episode_number=episode if kind == "episode" else None,
        air_on=aired,
        runtime_min=_minutes(told("runtime")),
        genres=tuple(text for element in root.findall("genre") if (text := read.text(element.text))),
        edition=told("edition"),
        episodes=((season, episode),) if kind == "episode" and season is not None and episode is not None else (),
    )


def _ids(root: Any, kind: str) -> Ids:
    found: dict[str, str] = {}
    for element in root.findall("uniqueid"):
        if text := read.text(element.text):
            found.setdefault(str(element.get("type") or "").lower(), text)
    for name, source in (("tmdbid", "tmdb"), ("tvdbid", "tvdb"), ("imdbid", "imdb"), ("imdb_id", "imdb")):
        element = root.find(name)
        if element is not None and (text := read.text(element.text)):
            found.setdefault(source, text)
    element = root.find("id")
    if element is not None and (text := read.text(element.text)):
        # Kodi's older `id` is an IMDb number for films and a TheTVDB number for series.
        if _IMDB_ID.fullmatch(text):
            found.setdefault("imdb", text)
        elif kind == MediaType.TV_SHOW:
            found.setdefault("tvdb", text)
    imdb = found.get("imdb") or found.get("imdbid") or ""
    return Ids(
        read.positive(found.get("tmdb") or found.get("themoviedb")),
        read.positive(found.get("tvdb")),
        imdb if _IMDB_ID.fullmatch(imdb) else None,
    )


def _from_addresses(text: str) -> NfoFacts:
    kind: str | None = None
    tmdb = tvdb = None
    if match := _TMDB_URL.search(text):
        kind, tmdb = MediaType.MOVIE if match[1] == "movie" else MediaType.TV_SHOW, int(match[2])
    if match := _TVDB_DEREF.search(text) or _TVDB_URL.search(text):
        tvdb = int(match[2] or match[3])
        kind = kind or (MediaType.MOVIE if (match[1] or "").startswith("movie") else MediaType.TV_SHOW)
    imdb = _IMDB_URL.search(text)
    return NfoFacts(kind, Ids(tmdb, tvdb, imdb[1] if imdb else None))


def _counted(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 5 else None


def _minutes(text: str | None) -> int | None:
    match = re.match(r"\d{1,4}", text or "")
    return int(match[0]) or None if match else None

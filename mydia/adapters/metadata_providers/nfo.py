"""NFO files next to the media, as written by Kodi, Jellyfin, Emby, tinyMediaManager, MediaElch, Radarr and Sonarr.

An NFO file is XML, XML followed by a URL, only a URL, or a release group's text art. Its content is untrusted: parsing it never
raises, and all patterns run in linear time.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from copy import replace
from datetime import date
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from mydia.adapters.metadata_providers import read
from mydia.adapters.metadata_providers.base import Ids
from mydia.vocabulary import MediaType

MAX_BYTES = 1024 * 1024
"""Larger files are ignored; Kodi's NFO files have a few kilobytes."""

type NfoKind = MediaType | Literal["episode"]

_KINDS: dict[str, NfoKind] = {"movie": MediaType.MOVIE, "tvshow": MediaType.TV_SHOW, "episodedetails": "episode"}
_MAX_DOCUMENTS = 20
"""Maximum number of episodes in one file."""
_MAX_ADDRESSES = 100
_IMDB_ID = re.compile(r"tt\d{6,10}")
_NUMBER = re.compile(r"\d{1,9}")
_ROOT = re.compile(rb"<(movie|tvshow|episodedetails)[\s>]", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding=[\"']([A-Za-z0-9._-]{1,40})")
_ADDRESS = re.compile(r"(imdb\.com|themoviedb\.org|thetvdb\.com)(/[^\s\"'<>]{0,300})", re.IGNORECASE)
_IMDB_PATH = re.compile(r"/(?:[a-z]{2}/)?title/(tt\d{6,10})", re.IGNORECASE)
_TMDB_PATH = re.compile(r"/(movie|tv)/(\d{1,9})(?!\d)")
_TVDB_PATH = re.compile(r"/(?:dereferrer/)?(series|movies?)/(\d{1,9})(?![\w-])")


class NfoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an NFO file."""

    kind: NfoKind | None = None
    """None if there is only a URL that can be of a film or a series."""
    ids: Ids = msgspec.field(default_factory=Ids)
    """Ids of the film or series; for `episode` those of the episode, which do not identify the series."""
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
    """(season, number) of every episode, if the file contains several."""

    @property
    def says_something(self) -> bool:
        """Whether it has an id or a title."""
        return self.ids != Ids() or bool(self.title)


def read_nfo(content: bytes) -> NfoFacts | None:
    """Parse an NFO file; None if it has no useful content. Never raises.

    >>> read_nfo(b"<movie><title>Sintel</title><uniqueid type='tmdb'>45745</uniqueid></movie>").ids.tmdb_id
    45745
    >>> read_nfo(b"https://www.themoviedb.org/tv/32340-pioneer-one").kind
    <MediaType.TV_SHOW: 'tv_show'>
    """
    if not content or len(content) > MAX_BYTES:
        return None
    text = _decoded(content)
    by_address = _from_addresses(text)
    roots = (_parsed(piece) for piece in _pieces(text.encode("utf-8", "replace")))
    facts = [found for root in roots if root is not None and (found := _from_xml(root)) is not None]
    if not facts:
        return by_address if by_address.says_something else None
    first = replace(facts[0], episodes=tuple(dict.fromkeys(number for one in facts for number in one.episodes)))
    if first.ids == Ids() and by_address.kind in (None, first.kind):
        first = replace(first, ids=by_address.ids)
    return first if first.says_something or first.episodes else None


def _decoded(content: bytes) -> str:
    """Decode the text by its byte order mark, as UTF-8, by its declaration, or as Windows-1252."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    declared = _ENCODING.match(content.lstrip())
    for encoding in ("utf-8", declared[1].decode("ascii") if declared else "cp1252"):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("cp1252", "replace")


def _pieces(content: bytes) -> Iterator[bytes]:
    """Split the XML documents; the file of a double episode contains two."""
    at = 0
    for _ in range(_MAX_DOCUMENTS):
        start = _ROOT.search(content, at)
        if start is None:
            return
        end = re.compile(rb"</" + start[1] + rb"\s{0,20}>", re.IGNORECASE).search(content, start.end())
        yield content[start.start() : end.end() if end else len(content)]
        if end is None:
            return
        at = end.end()


def _parsed(piece: bytes) -> Any | None:
    import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types, which mypy only finds in this form

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=True,
        encoding="utf-8",
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

    aired = read.day(told("premiered", "aired", "releasedate"))
    return NfoFacts(
        kind=kind,
        ids=_ids(root, kind),
        title=told("title", "localtitle"),
        original_title=told("originaltitle"),
        sort_title=told("sorttitle"),
        series_title=told("showtitle"),
        year=read.year(told("year")) or (aired.year if aired else None),
        plot=told("plot", "outline"),
        season_number=_counted(told("season")) if kind == "episode" else None,
        episode_number=_counted(told("episode")) if kind == "episode" else None,
        air_on=aired,
        runtime_min=_minutes(told("runtime")),
        genres=tuple(text for element in root.findall("genre") if (text := read.text(element.text))),
        edition=_edition(told("edition")),
        episodes=_episodes(_counted(told("season")), _counted(told("episode")), _counted(told("episodenumberend")))
        if kind == "episode"
        else (),
    )


_MOST_EPISODES = 50
"""Maximum length of a range in one document; a longer one is an error."""


def _episodes(season: int | None, first: int | None, last: int | None) -> tuple[tuple[int, int], ...]:
    """Return the episodes of a document; Jellyfin and Emby write a range as `episode` and `episodenumberend`."""
    if season is None or first is None:
        return ()
    end = last if last is not None and first <= last < first + _MOST_EPISODES else first
    return tuple((season, number) for number in range(first, end + 1))


_SOURCES = {
    "tmdb": "tmdb",
    "themoviedb": "tmdb",
    "tmdbid": "tmdb",
    "tvdb": "tvdb",
    "thetvdb": "tvdb",
    "tvdbid": "tvdb",
    "imdb": "imdb",
    "imdbid": "imdb",
    "imdb_id": "imdb",
}
"""Name of an id in `uniqueid`, in a separate element or in tinyMediaManager's `ids` -> catalogue."""


def _ids(root: Any, kind: NfoKind) -> Ids:
    found: dict[str, str] = {}

    def note(name: str | None, value: str | None) -> None:
        if (source := _SOURCES.get((name or "").strip().lower())) and (text := read.text(value)):
            found.setdefault(source, text)

    unique = root.findall("uniqueid")
    for element in unique:
        note(element.get("type"), element.text)
        if not element.get("type") and _IMDB_ID.fullmatch(read.text(element.text) or ""):
            note("imdb", element.text)
    for element in root:
        if isinstance(element.tag, str):
            note(element.tag, element.text)
    for entry in root.findall("ids/entry"):
        note(entry.findtext("key"), entry.findtext("value"))
    element = root.find("id")
    if element is not None and (text := read.text(element.text)):
        # An IMDb id, or TheTVDB's id for series. If there are `uniqueid`s, Kodi repeats its default one here, of any catalogue.
        if _IMDB_ID.fullmatch(text):
            found.setdefault("imdb", text)
        elif kind == MediaType.TV_SHOW and not unique and "tmdb" not in found:
            found.setdefault("tvdb", text)
    imdb = found.get("imdb", "")
    return Ids(
        read.positive(_short(found.get("tmdb"))),
        read.positive(_short(found.get("tvdb"))),
        imdb if _IMDB_ID.fullmatch(imdb) else None,
    )


def _short(text: str | None) -> str | None:
    return text if text is not None and _NUMBER.fullmatch(text) else None


def _from_addresses(text: str) -> NfoFacts:
    kind: MediaType | None = None
    tmdb: int | None = None
    tvdb: int | None = None
    imdb: str | None = None
    for count, address in enumerate(_ADDRESS.finditer(text)):
        if count >= _MAX_ADDRESSES:
            break
        host, path = address[1].lower(), address[2]
        if host == "imdb.com" and imdb is None and (match := _IMDB_PATH.match(path)):
            imdb = match[1].lower()
        elif host == "themoviedb.org" and tmdb is None and (match := _TMDB_PATH.match(path)):
            kind, tmdb = MediaType.MOVIE if match[1] == "movie" else MediaType.TV_SHOW, int(match[2])
        elif host == "thetvdb.com" and tvdb is None and (found := _tvdb(path)) is not None:
            tvdb = found[1]
            kind = kind or found[0]
    return NfoFacts(kind=kind, ids=Ids(tmdb, tvdb, imdb))


def _tvdb(path: str) -> tuple[MediaType, int] | None:
    """Return the title of a TheTVDB URL, in its current form or as `?tab=series&id=…` from before 2019."""
    if match := _TVDB_PATH.match(path):
        return MediaType.MOVIE if match[1].startswith("movie") else MediaType.TV_SHOW, int(match[2])
    asked = parse_qs(path.partition("?")[2].replace("&amp;", "&"))
    name = "seriesid" if "seriesid" in asked else "id" if asked.get("tab", ["series"]) == ["series"] else ""
    number = (asked.get(name) or [""])[0]
    return (MediaType.TV_SHOW, int(number)) if _NUMBER.fullmatch(number) else None


def _edition(text: str | None) -> str | None:
    """Return an edition; tinyMediaManager writes NONE if there is none."""
    return None if text is None or text.casefold() in ("none", "unknown") else text


def _counted(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 5 else None


def _minutes(text: str | None) -> int | None:
    match = re.match(r"\d{1,4}", text or "")
    return int(match[0]) or None if match else None

"""What every indexer can do, and what it returns, in Mydia's terms and units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from mydia.adapters.kinds import Connection


class Protocols(StrEnum):
    """How a release travels."""

    TORRENT = "torrent"
    USENET = "usenet"


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask for. Ids are used where the indexer supports them; the text is the fallback."""

    type: str
    """`movie`, `tv` or `any` (free text)."""
    text: str
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    air_on: date | None = None
    """For daily shows: asked as season=YYYY, ep=MM/DD."""
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    limit: int = 1_000
    """Most releases to return; read in pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexerRelease:
    """One release as an indexer lists it; nothing is parsed from the title here."""

    guid: str
    title: str
    protocol: Protocols
    download_url: str | None
    """Where the .torrent/.nzb is fetched; may redirect to a magnet. Secret: it often carries a key."""
    magnet: str | None = None
    info_hash: str | None = None
    """Lower-case hex."""
    page_url: str | None = None
    size_bytes: int | None = None
    published_at: datetime | None = None
    seeders: int | None = None
    peers: int | None = None
    """Leechers plus seeders, as torznab counts."""
    grabs: int | None = None
    flags: tuple[str, ...] = ()
    """`freeleech`, `halfleech`, `double_upload`, `internal`, `scene`, `password`, …"""
    languages: tuple[str, ...] = ()
    """As the indexer names them: `English`."""
    minimum_ratio: float | None = None
    """Ratio that the tracker requires before the torrent may be removed."""
    minimum_seed_time_s: int | None = None
    """Seeding time that the tracker requires."""
    categories: tuple[int, ...] = ()
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an indexer can search by (`t=caps`)."""

    title: str
    search: tuple[str, ...] = ()
    tv_search: tuple[str, ...] = ()
    movie_search: tuple[str, ...] = ()
    """Supported parameters of each mode; empty when the mode is not available."""
    limit_max: int = 100
    categories: tuple[tuple[int, str], ...] = ()


class Indexer(Protocol):
    """One configured indexer. Methods raise `AdapterError` and never retry; callers decide."""

    connection: Connection

    def capabilities(self) -> Capabilities:
        """Ask what it can do. Raises: Unreachable, Refused (bad key), Limited, Nonsense."""

    def search(self, query: Query) -> list[IndexerRelease]:
        """Return what it has, at most `query.limit`; an empty list only if it answered with none."""

    def recent(self, *, limit: int = 100) -> list[IndexerRelease]:
        """Return its newest releases (RSS), newest first."""

    def fetch(self, release_url: str) -> Fetched:
        """Fetch a .torrent or .nzb; a redirect to a magnet link counts."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download address returned: a file's content or a magnet link."""

    content: bytes | None
    magnet: str | None

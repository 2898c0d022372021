"""The interface of indexers, in Mydia's terms and units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import msgspec

from mydia.adapters.errors import AdapterError
from mydia.adapters.kinds import Connection


class Protocols(StrEnum):
    """Download protocol."""

    TORRENT = "torrent"
    USENET = "usenet"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A search. Ids are used if the indexer supports them; otherwise the text is."""

    type: str
    """`movie`, `tv` or `any` (free text)."""
    text: str
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    air_on: date | None = None
    """For daily shows; sent as season=YYYY, ep=MM/DD."""
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    limit: int = 1_000
    """Maximum number of releases to return; read in pages."""


class IndexerRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release as an indexer lists it; its title is not parsed here."""

    guid: str
    title: str
    protocol: Protocols
    download_url: str | None
    """URL of the .torrent or .nzb file; may redirect to a magnet link. Secret, because it often contains a key."""
    magnet: str | None = None
    info_hash: str | None = None
    """Lower-case hex."""
    page_url: str | None = None
    size_bytes: int | None = None
    published_at: datetime | None = None
    seeders: int | None = None
    peers: int | None = None
    """Leechers plus seeders, as in Torznab."""
    grabs: int | None = None
    flags: tuple[str, ...] = ()
    """`freeleech`, `halfleech`, `double_upload`, `internal`, `scene`, `password`, …"""
    languages: tuple[str, ...] = ()
    """Names used by the indexer, such as `English`."""
    minimum_ratio: float | None = None
    """Ratio that the tracker requires before the torrent may be removed."""
    minimum_seed_time_s: int | None = None
    """Seeding time that the tracker requires."""
    categories: tuple[int, ...] = ()
    imdb_id: str | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None


def mark_of(release: IndexerRelease) -> str:
    """Return a short digest that identifies a release in its feed.

    It is the guid's; without a guid it is that of name and size, because links contain keys that change.
    """
    has_guid = release.guid not in (release.download_url, release.magnet)
    identity = release.guid if has_guid else f"{release.title}\n{release.size_bytes}"
    return blake2b(identity.encode("utf-8", "replace"), digest_size=8).hexdigest()


# Releases at the end of a page that decide whether it goes back far enough. Trackers pin releases to the top, and Usenet
# indexers list posts that they found late under an old date, so one release proves nothing.
_LAST = 5


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a feed before."""

    marks: frozenset[str] = frozenset()
    """`mark_of` the releases."""
    published_at: datetime | None = None
    """The newest date of a release; None if none had one."""

    def is_reached_by(self, page: Sequence[IndexerRelease], *, ended: bool) -> bool:
        """Return whether a page goes back to what was read before: most of its last releases are known or older.

        Args:
            ended: It is the last page of the feed; then its last release is enough.
        """
        last = page[-_LAST:]
        return sum(map(self._has, last)) * 2 > len(last) or (ended and any(map(self._has, last[-1:])))

    def _has(self, release: IndexerRelease) -> bool:
        if mark_of(release) in self.marks:
            return True
        return (
            self.published_at is not None
            and release.published_at is not None
            and release.published_at < self.published_at
        )


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest releases of a feed, read page by page."""

    releases: tuple[IndexerRelease, ...]
    """In the feed's order, newest first; each one once."""
    reached: bool
    """Whether they go back to what was read before."""
    ended: bool
    """Whether the feed has no more pages."""
    failure: AdapterError | None = None
    """Why a page after the first could not be read."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One of the indexers behind an entry, such as Prowlarr."""

    name: str
    protocol: Protocols
    enabled: bool
    disabled_until: datetime | None = None
    """Set while it is paused there after failures."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an indexer can search by (`t=caps`)."""

    title: str
    search: tuple[str, ...] = ()
    tv_search: tuple[str, ...] = ()
    movie_search: tuple[str, ...] = ()
    """Supported parameters of each mode; empty if the mode is not available."""
    limit_max: int = 100
    categories: tuple[tuple[int, str], ...] = ()
    parts: tuple[Part, ...] = ()
    """The indexers behind it, if it is a collection."""


class Indexer(Protocol):
    """A configured indexer. Methods raise `AdapterError` and never retry; callers decide."""

    connection: Connection

    def capabilities(self) -> Capabilities:
        """Fetch its capabilities. Raises: Unreachable, Refused (bad key), Limited, Nonsense."""

    def search(self, query: Query) -> list[IndexerRelease]:
        """Return up to `query.limit` releases; the list is empty only if the indexer returned none."""

    def recent(self, *, limit: int = 100) -> list[IndexerRelease]:
        """Return its newest releases (RSS), newest first."""

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        """Read its newest releases page by page until `known` is reached, the feed ends, or `limit` releases are read.

        Raises:
            AdapterError: The first page could not be read. A later failure is part of the result.
        """

    def fetch(self, release_url: str) -> Fetched:
        """Fetch a .torrent or .nzb file, or a magnet link to which the URL redirects."""


class Fetched(msgspec.Struct, frozen=True):
    """The content of a file, or a magnet link."""

    content: bytes | None
    magnet: str | None

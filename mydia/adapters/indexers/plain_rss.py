"""Plain RSS feeds of torrents, as trackers offer them: without search, with sizes and hashes wherever each tracker puts them.

Sources: the feeds of Nyaa (`nyaa:infoHash`, `nyaa:size`), of ezRSS (`torrent:contentLength`, `torrent:magnetURI`), and feeds
with a size in the description, as read by Sonarr's TorrentRssParser.
"""

from __future__ import annotations

import re
from copy import replace

import lxml.etree as etree  # noqa: PLR0402  # a compiled module without types, which mypy only finds in this form

from mydia.adapters.errors import Nonsense
from mydia.adapters.http import Http
from mydia.adapters.indexers.base import Capabilities, IndexerRelease, Known, Newest, Protocols, Query
from mydia.adapters.indexers.newznab import Newznab, as_magnet, number_of, read_hash, size_of
from mydia.adapters.kinds import Connection

_SIZE_IN_TEXT = re.compile(r"(?i)(\d{1,6}(?:[.,]\d{1,3})?)\s{0,2}(GiB|MiB|GB|MB|TB|TiB)\b")
_LONGEST_TEXT = 4_000


class PlainRss(Newznab):
    """A feed at one address."""

    def __init__(self, connection: Connection, http: Http) -> None:
        super().__init__(connection, http, Protocols.TORRENT)

    @property
    def _api_url(self) -> str:
        return self.connection.url

    def capabilities(self) -> Capabilities:
        """Read the feed, because that is all it can do."""
        channel = self._channel()
        title = channel.findtext("title") if channel is not None else None
        return Capabilities(title=" ".join((title or self.connection.name).split()), limit_max=len(self._read(channel)))

    def search(self, query: Query) -> list[IndexerRelease]:  # part of the interface
        """Return nothing: a feed has no search."""
        return []

    def recent(self, *, limit: int = 100) -> list[IndexerRelease]:
        """Return its releases in the feed's order."""
        return self._read(self._channel())[:limit]

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        """Read the feed, which has one page."""
        found = self._read(self._channel())[:limit]
        return Newest(releases=tuple(found), reached=known.is_reached_by(found, ended=True), ended=True)

    def _channel(self) -> etree._Element:
        document = self._get({})
        channel = document.find("channel")
        if document.tag != "rss" or channel is None:
            raise Nonsense(self.connection.name, "returned a document that is not an RSS feed")
        return channel

    def _read(self, channel: etree._Element) -> list[IndexerRelease]:
        items = channel.findall("item")
        found: dict[str, IndexerRelease] = {}
        for item in items:
            release = self._release(_with_links(item))
            if release is not None:
                found.setdefault(release.guid, _completed(release, item))
        if items and not found:
            raise Nonsense(self.connection.name, "lists releases without titles or links")
        return list(found.values())


def _named(item: etree._Element, *names: str) -> str | None:
    """Return the text of the first element with one of these names, in whichever namespace, also inside another element."""
    for element in item.iter():
        if isinstance(element.tag, str) and etree.QName(element).localname.lower() in names:
            text = (element.text or "").strip()
            if text:
                return text
    return None


def _with_links(item: etree._Element) -> etree._Element:
    """Put a magnet link of another namespace where the other feeds have it."""
    magnet = _named(item, "magneturi", "magnet")
    if magnet is not None and as_magnet(magnet) is not None and item.find("enclosure") is None:
        enclosure = etree.SubElement(item, "enclosure")
        enclosure.set("url", magnet)
        enclosure.set("type", "application/x-bittorrent")
    return item


def _completed(release: IndexerRelease, item: etree._Element) -> IndexerRelease:
    """Add what a plain feed has elsewhere: size, hash, seeders and peers."""
    size = release.size_bytes or size_of(_named(item, "contentlength", "size"))
    if size is None and (found := _SIZE_IN_TEXT.search((item.findtext("description") or "")[:_LONGEST_TEXT])):
        size = size_of(f"{found[1]} {found[2]}")
    seeders = release.seeders if release.seeders is not None else number_of(_named(item, "seeders", "seeds"))
    leechers = number_of(_named(item, "leechers", "peers"))
    return replace(
        release,
        size_bytes=size,
        info_hash=release.info_hash or read_hash(_named(item, "infohash"), release.magnet),
        seeders=seeders,
        peers=release.peers if release.peers is not None or leechers is None else leechers + (seeders or 0),
    )

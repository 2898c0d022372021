"""All indexers of a Prowlarr in one entry, by its own API. Each release has the protocol of its indexer.

Sources: Prowlarr's OpenAPI document (`/api/v1/search`, `/indexer`, `/indexerstatus`), and its `NewznabRequest`, which reads
`{tmdbid:603}` and the like from the query. Lists are repeated parameters; a comma-joined value is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from mydia.adapters.errors import Nonsense
from mydia.adapters.http import Http
from mydia.adapters.indexers.base import Capabilities, Fetched, IndexerRelease, Known, Newest, Part, Protocols, Query
from mydia.adapters.indexers.newznab import Newznab
from mydia.adapters.indexers.pace import keep_pace
from mydia.adapters.kinds import Connection
from mydia.vocabulary import MediaType

_PROTOCOLS: Mapping[str, Protocols] = {"torrent": Protocols.TORRENT, "usenet": Protocols.USENET}
_NEWEST = 500
"""Releases of one read. Prowlarr asks all indexers for each page, so only one page is read."""
_ID_PARAMETERS = {MediaType.MOVIE.value: ("tmdbid", "imdbid"), "tv": ("tvdbid", "imdbid", "tmdbid")}


class ProwlarrSearch:
    """A whole Prowlarr."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self.connection = connection
        self._http = http
        # Links lead to Prowlarr, which answers like one of its Torznab feeds.
        self._feed = Newznab(connection, http, Protocols.TORRENT)

    def capabilities(self) -> Capabilities:
        """Return what its indexers can do together, and the state of each one."""
        listed = self._get("/api/v1/indexer", {})
        paused = {
            one.get("indexerId"): _instant(one.get("disabledTill"))
            for one in self._get("/api/v1/indexerstatus", {})
            if isinstance(one, dict)
        }
        found = [one for one in listed if isinstance(one, dict) and one.get("protocol") in _PROTOCOLS]
        able = [one.get("capabilities") or {} for one in found if one.get("enable") is not False]
        return Capabilities(
            title="Prowlarr",
            search=_parameters(able, "searchParams"),
            tv_search=_parameters(able, "tvSearchParams"),
            movie_search=_parameters(able, "movieSearchParams"),
            limit_max=_NEWEST,
            categories=tuple(
                sorted({(int(c["id"]), str(c["name"])) for one in able for c in one.get("categories") or ()})
            ),
            parts=tuple(
                Part(
                    name=str(one.get("name") or one.get("id")),
                    protocol=_PROTOCOLS[one["protocol"]],
                    enabled=one.get("enable") is not False,
                    disabled_until=paused.get(one.get("id")),
                )
                for one in found
            ),
        )

    def search(self, query: Query) -> list[IndexerRelease]:
        """Search by ids, then by title, until there are results."""
        for type, text in _tiers(query):
            if found := self._search(type, text, query.type, query.limit):
                return found
        return []

    def recent(self, *, limit: int = 100) -> list[IndexerRelease]:
        """Return the newest releases of all its indexers, newest first."""
        return self._search("search", "", "any", limit)

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        """Read the newest releases of all its indexers at once."""
        found = self._search("search", "", "any", min(limit, _NEWEST))
        return Newest(releases=tuple(found), reached=known.is_reached_by(found, ended=True), ended=True)

    def fetch(self, release_url: str) -> Fetched:
        """Fetch a file or a magnet link through Prowlarr."""
        return self._feed.fetch(release_url)

    def _search(self, type: str, text: str, categories_of: str, limit: int) -> list[IndexerRelease]:
        options = self.connection.options
        categories: list[int] = []
        for key, types, default in (
            ("movie_categories", {"movie", "any"}, [2000]),
            ("tv_categories", {"tv", "any"}, [5000]),
        ):
            listed = options.get(key)
            if categories_of in types:
                categories += listed if isinstance(listed, list) else default
        parameters: dict[str, Any] = {
            "type": type,
            "query": text,
            "categories": categories,
            "limit": limit,
            "offset": 0,
        }
        answered = self._get("/api/v1/search", parameters)
        found = {release.guid: release for one in answered if (release := _release(one)) is not None}
        if answered and not found:
            raise Nonsense(self.connection.name, "lists releases without titles or links")
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found.values(), key=lambda one: one.published_at or oldest, reverse=True)[:limit]

    def _get(self, path: str, parameters: Mapping[str, Any]) -> list[Any]:
        keep_pace(self.connection)
        pairs = [
            (key, value)
            for key, given in parameters.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        query = "&".join(f"{key}={_quoted(value)}" for key, value in pairs)
        answer = self._http.get(
            self.connection.name,
            f"{self.connection.url.rstrip('/')}{path}" + (f"?{query}" if query else ""),
            headers={"X-Api-Key": self.connection.secret.reveal()},
            timeout_s=self.connection.timeout_s,
        )
        listed = answer.json(self.connection.name)
        if not isinstance(listed, list):
            raise Nonsense(self.connection.name, "did not return a list; check the address of Prowlarr")
        return listed


def _quoted(value: object) -> str:
    from urllib.parse import quote

    return quote(str(value), safe="")


def _tiers(query: Query) -> Iterator[tuple[str, str]]:
    """Yield (type, query), best first."""
    ids = {"tmdbid": query.tmdb_id, "tvdbid": query.tvdb_id, "imdbid": query.imdb_id}
    given = "".join(f"{{{key}:{ids[key]}}}" for key in _ID_PARAMETERS.get(query.type, ()) if ids[key])
    if query.type == MediaType.MOVIE:
        if given:
            yield "movie", given
        yield "search", f"{query.text} {query.year}" if query.year else query.text
    elif query.type == "tv":
        if query.air_on is not None:
            place = f"{{season:{query.air_on.year}}}{{episode:{query.air_on:%m/%d}}}"
        else:
            place = "" if query.season is None else f"{{season:{query.season:02}}}"
            place += "" if query.season is None or query.episode is None else f"{{episode:{query.episode:02}}}"
        if given:
            yield "tvsearch", f"{given}{place}"
        yield "tvsearch", f"{query.text}{place}"
    else:
        yield "search", query.text


def _release(one: Any) -> IndexerRelease | None:
    if not isinstance(one, dict) or one.get("protocol") not in _PROTOCOLS or not one.get("title"):
        return None
    link, magnet = _text(one.get("downloadUrl")), _text(one.get("magnetUrl"))
    if magnet is not None and not magnet.startswith("magnet:"):
        link, magnet = link or magnet, None
    guid = _text(one.get("guid")) or link or magnet
    if guid is None or (link is None and magnet is None):
        return None
    seeders, leechers = _count(one.get("seeders")), _count(one.get("leechers"))
    return IndexerRelease(
        guid=f"{one.get('indexerId')}:{guid}",
        title=" ".join(str(one["title"]).split()),
        protocol=_PROTOCOLS[one["protocol"]],
        download_url=link,
        magnet=magnet,
        info_hash=(_text(one.get("infoHash")) or "").lower() or None,
        page_url=_text(one.get("infoUrl")),
        size_bytes=_count(one.get("size")) or None,
        published_at=_instant(one.get("publishDate")),
        seeders=seeders,
        peers=None if seeders is None and leechers is None else (seeders or 0) + (leechers or 0),
        grabs=_count(one.get("grabs")),
        flags=tuple(str(flag).lower() for flag in one.get("indexerFlags") or ()),
        categories=tuple(
            number for c in one.get("categories") or () if isinstance(c, dict) and (number := _count(c.get("id")))
        ),
        imdb_id=f"tt{imdb:07}" if (imdb := _count(one.get("imdbId"))) else None,
        tmdb_id=_count(one.get("tmdbId")) or None,
        tvdb_id=_count(one.get("tvdbId")) or None,
    )


def _parameters(able: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name).lower() for one in able for name in one.get(key) or ()))


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _instant(value: object) -> datetime | None:
    try:
        return None if value is None else msgspec.convert(value, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None

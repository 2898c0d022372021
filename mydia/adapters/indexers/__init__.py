"""Indexers: search for releases and fetch their .torrent and .nzb files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mydia.adapters.indexers.base import (
    Capabilities,
    Fetched,
    Indexer,
    IndexerRelease,
    Known,
    Newest,
    Protocols,
    Query,
    mark_of,
)
from mydia.adapters.indexers.fan_out import Answered, IndexerAnswer, ask_all, ask_each
from mydia.adapters.kinds import Connection, Kind, Need

if TYPE_CHECKING:
    from mydia.adapters.http import Http

__all__ = [
    "KINDS",
    "WITHOUT_SEARCH",
    "Answered",
    "Capabilities",
    "Fetched",
    "Indexer",
    "IndexerAnswer",
    "IndexerRelease",
    "Known",
    "Newest",
    "Protocols",
    "Query",
    "ask_all",
    "ask_each",
    "mark_of",
]


def _torznab(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.newznab import Newznab  # imported here, so that lxml is only loaded for searches

    return Newznab(connection, http, Protocols.TORRENT)


def _newznab(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.newznab import Newznab

    return Newznab(connection, http, Protocols.USENET)


def _prowlarr(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.prowlarr_search import ProwlarrSearch

    return ProwlarrSearch(connection, http)


def _jackett(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.jackett import Jackett

    return Jackett(connection, http)


def _rss(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.plain_rss import PlainRss

    return PlainRss(connection, http)


def _needs(address: str) -> tuple[Need, ...]:
    """Return the fields of an indexer's form.

    Args:
        address: The hint below the address.
    """
    return (
        Need("url", "Address", "url", required=True, help=address),
        Need("secret", "API key", "password"),
        Need("movie_categories", "Movie categories", "numbers", default=(2000,)),
        Need("tv_categories", "Show categories", "numbers", default=(5000,)),
        Need("api_path", "API path", default="/api", help="Added to the address if it is missing."),
        Need("extra_parameters", "Additional parameters", help="Sent with every search, such as &cat_mode=exact."),
        Need(
            "trusted_hosts",
            "Trusted hosts",
            "list",
            help="Additional hosts in your own network that download links may point to.",
        ),
    )


WITHOUT_SEARCH = frozenset({"rss"})
"""Kinds that only have a feed."""

KINDS: Mapping[str, Kind[Indexer]] = {
    "torznab": Kind(
        key="torznab",
        label="Torznab (Prowlarr, Jackett, …)",
        protocol="torrent",
        make=_torznab,
        default_url="http://localhost:9696/1/api",
        needs=_needs(
            "The address of one indexer's feed, not of “all”: …/1/api for Prowlarr, …/results/torznab for Jackett."
        ),
    ),
    "newznab": Kind(
        key="newznab",
        label="Newznab",
        protocol="usenet",
        make=_newznab,
        default_url="https://indexer.example",
        needs=_needs("The address of the indexer's website, or …/2/api for an indexer in Prowlarr."),
    ),
    "prowlarr": Kind(
        key="prowlarr",
        label="Prowlarr (all indexers)",
        protocol="torrent",
        make=_prowlarr,
        default_url="http://localhost:9696",
        needs=tuple(
            need
            for need in _needs("The address of Prowlarr itself. All its indexers are searched, torrents and Usenet.")
            if need.key not in ("api_path", "extra_parameters")
        ),
    ),
    "jackett": Kind(
        key="jackett",
        label="Jackett",
        protocol="torrent",
        make=_jackett,
        default_url="http://localhost:9117",
        needs=(
            Need(
                "indexer",
                "Indexer",
                default="all",
                help="The id of one indexer. “all” searches by text only and has no limits per indexer; add single ones if you can.",
            ),
            *(need for need in _needs("The address of Jackett itself.") if need.key != "api_path"),
        ),
    ),
    "rss": Kind(
        key="rss",
        label="Torrent RSS feed",
        protocol="torrent",
        make=_rss,
        default_url="https://tracker.example/rss",
        needs=tuple(
            need
            for need in _needs("The address of the feed, with the key that the tracker put into it. It has no search.")
            if need.key in ("url", "trusted_hosts")
        ),
    ),
}

"""Indexers: where releases are searched for, and where their .torrent and .nzb files are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mydia.adapters.indexers.base import Capabilities, Fetched, Indexer, IndexerRelease, Protocols, Query
from mydia.adapters.indexers.fan_out import IndexerAnswer, ask_all, ask_each
from mydia.adapters.kinds import Connection, Kind, Need

if TYPE_CHECKING:
    from mydia.adapters.http import Http

__all__ = [
    "KINDS",
    "Capabilities",
    "Fetched",
    "Indexer",
    "IndexerAnswer",
    "IndexerRelease",
    "Protocols",
    "Query",
    "ask_all",
    "ask_each",
]


def _torznab(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.newznab import Newznab  # lxml loads only where a search runs

    return Newznab(connection, http, Protocols.TORRENT)


def _newznab(connection: Connection, http: Http) -> Indexer:
    from mydia.adapters.indexers.newznab import Newznab

    return Newznab(connection, http, Protocols.USENET)


_NEEDS = (
    Need(
        "url",
        "Address",
        "url",
        required=True,
        help="The feed's address: …/1/api for Prowlarr, …/results/torznab for Jackett; one indexer each, not “all”.",
    ),
    Need("secret", "API key", "password"),
    Need("movie_categories", "Film categories", "numbers", default=(2000,)),
    Need("tv_categories", "Series categories", "numbers", default=(5000,)),
    Need("api_path", "API path", default="/api", help="Added to the address unless that ends with it."),
    Need("extra_parameters", "Additional parameters", help="Sent with every search, such as &cat_mode=exact."),
    Need(
        "trusted_hosts",
        "Trusted hosts",
        "list",
        help="Hosts in your own network that download links may point to, besides the indexer's own.",
    ),
)

KINDS: Mapping[str, Kind[Indexer]] = {
    "torznab": Kind(
        key="torznab",
        label="Torznab (Prowlarr, Jackett, …)",
        protocol="torrent",
        make=_torznab,
        default_url="http://localhost:9696/1/api",
        needs=_NEEDS,
    ),
    "newznab": Kind(
        key="newznab",
        label="Newznab",
        protocol="usenet",
        make=_newznab,
        default_url="https://indexer.example",
        needs=_NEEDS,
    ),
}

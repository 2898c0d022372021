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
}

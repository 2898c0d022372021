"""Prowlarr's own API, which lists its indexers. Each one is served as a Torznab or Newznab feed.

Source: Prowlarr's OpenAPI document, `GET /api/v1/indexer`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from mydia.adapters.errors import Nonsense
from mydia.adapters.http import Http
from mydia.secret import Secret

_SERVICE = "Prowlarr"
_KINDS = {"torrent": "torznab", "usenet": "newznab"}


class ProwlarrIndexer(msgspec.Struct, frozen=True):
    """An indexer in Prowlarr."""

    id: int
    name: str
    kind: str
    """The kind of its feed: `torznab` or `newznab`."""
    enabled: bool


def feed_url(base_url: str, indexer_id: int | str) -> str:
    """Return the URL of an indexer's feed.

    >>> feed_url("http://prowlarr:9696/", 3)
    'http://prowlarr:9696/3/api'
    """
    return f"{base_url.rstrip('/')}/{indexer_id}/api"


def list_indexers(http: Http, base_url: str, api_key: Secret) -> list[ProwlarrIndexer]:
    """Return the indexers of a Prowlarr; those with an unknown protocol are left out.

    Raises:
        AdapterError: It does not answer, rejects the key, or returns an invalid response.
    """
    response = http.get(
        _SERVICE,
        f"{base_url.rstrip('/')}/api/v1/indexer",
        headers={"X-Api-Key": api_key.reveal()},
    )
    listed = response.json(_SERVICE)
    if not isinstance(listed, list):
        raise Nonsense(_SERVICE, "did not return a list of indexers; check the address")
    return [found for one in listed if (found := _read(one)) is not None]


def _read(one: Any) -> ProwlarrIndexer | None:
    if not isinstance(one, dict) or one.get("protocol") not in _KINDS or not isinstance(one.get("id"), int):
        return None
    return ProwlarrIndexer(
        one["id"], str(one.get("name") or one["id"]), _KINDS[one["protocol"]], one.get("enable") is not False
    )

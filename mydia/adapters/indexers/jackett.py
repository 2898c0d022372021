"""Jackett: one of its indexers, or all of them at once.

`all` has no limits per indexer and searches by text only: see `help` of the kind. Source: external-contracts §7.2.
"""

from __future__ import annotations

import re

from mydia.adapters.http import Http
from mydia.adapters.indexers.base import Protocols
from mydia.adapters.indexers.newznab import Newznab
from mydia.adapters.kinds import Connection

_FEED = re.compile(r"/api/v2\.0/indexers/[^/]+/results/torznab.*$")


class Jackett(Newznab):
    """The Torznab feed of an indexer in Jackett."""

    def __init__(self, connection: Connection, http: Http) -> None:
        super().__init__(connection, http, Protocols.TORRENT)

    @property
    def _api_url(self) -> str:
        base = _FEED.sub("", self.connection.url.rstrip("/"))
        chosen = str(self.connection.options.get("indexer") or "all").strip()
        return f"{base}/api/v2.0/indexers/{chosen}/results/torznab/api"

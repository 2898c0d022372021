"""Everything outside the process, as one value that is passed to functions that need it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from mydia.adapters import download_clients, indexers, media_tools
from mydia.adapters.download_clients import DownloadClient
from mydia.adapters.filesystem import Files
from mydia.adapters.http import Http
from mydia.adapters.indexers import Indexer
from mydia.adapters.kinds import Connection, Kind
from mydia.adapters.mail import Mailer
from mydia.adapters.media_tools import MediaProbe
from mydia.adapters.metadata_providers import MetadataProvider
from mydia.adapters.programs import Programs
from mydia.errors import Misconfigured


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """Network, disk and subprocesses. Tests build one from fakes; nothing is patched."""

    download_client: Callable[[Connection], DownloadClient]
    """Returns the adapter of a configured client; the same connection returns the same, signed-in adapter."""
    indexer: Callable[[Connection], Indexer]
    metadata: Callable[[], MetadataProvider]
    """Returns the provider that the current settings select."""
    probe: MediaProbe
    files: Files
    http: Http
    programs: Programs = msgspec.field(default_factory=Programs)
    mail: Mailer = msgspec.field(default_factory=Mailer)


class _Connected(Protocol):
    connection: Connection


def real_outside(metadata: Callable[[], MetadataProvider], http: Http | None = None) -> Outside:
    """Build the `Outside` of a running process.

    Args:
        metadata: Provided by the caller, which has the settings and the embedded relay.
        http: One per process; created if None.
    """
    http = http or Http()
    return Outside(
        download_client=_Made("download client", download_clients.KINDS, http),
        indexer=_Made("indexer", indexers.KINDS, http),
        metadata=metadata,
        probe=media_tools.KINDS["mediainfo"](),
        files=Files(),
        http=http,
    )


class _Made[Adapter: _Connected]:
    """Creates adapters by kind and keeps the latest one of each connection, so that its session is reused."""

    def __init__(self, family: str, kinds: Mapping[str, Kind[Adapter]], http: Http) -> None:
        self._family = family
        self._kinds = kinds
        self._http = http
        self._lock = threading.Lock()
        self._kept: dict[str, Adapter] = {}

    def __call__(self, connection: Connection) -> Adapter:
        kind = self._kinds.get(connection.kind)
        if kind is None:
            raise Misconfigured(
                f"{connection.name}: there is no {self._family} of kind “{connection.kind}”. "
                f"Choose one of {', '.join(sorted(self._kinds))}."
            )
        with self._lock:
            kept = self._kept.get(connection.id)
            if kept is None or kept.connection != connection:
                kept = self._kept[connection.id] = kind.make(connection, self._http)
            # The times that are not compared change.
            kept.connection = connection
            return kept

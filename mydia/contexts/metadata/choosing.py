"""The metadata provider and the relay in use; a change to the settings takes effect with the next lookup."""

from __future__ import annotations

import logging
import threading

from mydia import clock
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import MetadataProvider
from mydia.config import Config
from mydia.contexts import settings
from mydia.db import Database
from mydia.relay import Relay, RelayConfig, make_provider

logger = logging.getLogger(__name__)

_CHECK_RELAY_EVERY_S = 1.0


class ChosenMetadata:
    """Creates the provider that the settings select and keeps it until they select another.

    The order is: a relay by URL, the embedded relay if there is a key, the project's public relay unless it is disabled. Without
    any of them Mydia uses file names and NFO files.
    """

    def __init__(self, config: Config, database: Database, http: Http) -> None:
        self._config = config
        self._database = database
        self._http = http
        self._lock = threading.Lock()
        self._choice: tuple[object, ...] | None = None
        self._provider: MetadataProvider | None = None
        self._relay: Relay | None = None

    def current(self) -> MetadataProvider:
        """Return the provider in use; this is `Outside.metadata`."""
        return self._now()[0]

    def relay(self) -> Relay | None:
        """Return the embedded relay if it is the provider."""
        return self._now()[1]

    def close(self) -> None:
        """Close the embedded relay."""
        with self._lock:
            if self._relay is not None:
                self._relay.close()
            self._relay = self._provider = None

    def _now(self) -> tuple[MetadataProvider, Relay | None]:
        wanted = settings.of(self._database).metadata
        choice = (wanted.relay_url, wanted.public_relay, wanted.tmdb_api_key, wanted.tvdb_api_key)
        with self._lock:
            if self._provider is None or choice != self._choice:
                self._make(choice)
            assert self._provider is not None
            return self._provider, self._relay

    def _make(self, choice: tuple[object, ...]) -> None:
        relay_url, public, tmdb, tvdb = choice
        values = {"metadata.tmdb_api_key": tmdb, "metadata.tvdb_api_key": tvdb}
        config = RelayConfig.from_settings(
            lambda name: values[name] if name in values else self._config[name],
            cache_path=self._config.cache_path,
            crashes_path=self._config.data_dir / "crashes.db",
        )
        provider, relay = make_provider(
            config, self._http, relay_url=str(relay_url) if relay_url else None, public_relay=bool(public)
        )
        old, self._relay = self._relay, relay
        self._provider, self._choice = provider, choice
        logger.info("metadata provider selected", extra={"provider": provider.name})
        if old is not None:
            old.close()


class OfferedRelay:
    """The relay that the web process serves at `/relay`: the embedded one, or one without keys that only accepts crash reports."""

    def __init__(self, config: Config, chosen: ChosenMetadata) -> None:
        self._config = config
        self._chosen = chosen
        self._lock = threading.Lock()
        self._spare: Relay | None = None
        self._known: Relay | None = None
        self._checked_at_s = 0.0

    def current(self) -> Relay:
        """Return the relay in use.

        The settings are read at most once a second: a hit in the relay's memory costs less than reading them.
        """
        if self._known is not None and clock.monotonic_s() - self._checked_at_s < _CHECK_RELAY_EVERY_S:
            return self._known
        with self._lock:
            self._known = self._chosen.relay() or self._stand_in()
            self._checked_at_s = clock.monotonic_s()
            return self._known

    def close(self) -> None:
        """Close the relay without keys; `ChosenMetadata` closes the embedded one."""
        if self._spare is not None:
            self._spare.close()

    def _stand_in(self) -> Relay:
        if self._spare is None:
            self._spare = Relay(RelayConfig(crashes_path=self._config.data_dir / "crashes.db"))
        return self._spare

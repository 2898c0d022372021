"""The embedded relay as a source of metadata, and the choice between it, a remote relay, and none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mydia import writing
from mydia.adapters.errors import Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import HttpFetch, MetadataProvider, NoProvider, RelayProvider
from mydia.errors import NotFound
from mydia.relay.answers import RelayAnswer
from mydia.relay.config import PUBLIC_RELAY_URL, RelayConfig
from mydia.relay.relay import Relay
from mydia.relay.upstreams import Busy, UpstreamFailed

_SERVICE = "Metadata"


class EmbeddedFetch:
    """Fetches from the relay in this process."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    @property
    def sources(self) -> frozenset[str]:
        """The catalogues that are configured."""
        return frozenset(self.relay.upstreams)

    def __call__(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> tuple[int, Any]:
        """Return (status, JSON)."""
        writing.assert_outside_allowed()
        answer = self.relay.get(path, params, revalidate=fresh)
        if fresh and answer.cache == "STALE":
            # A user or a check asks what the catalogue says now.
            raise Unreachable(_SERVICE, _without_answer(answer))
        if answer.status == 429:
            wait_s = answer.retry_after_s
            raise Limited(_SERVICE, "the catalogue asked us to slow down; trying again later", retry_after_s=wait_s)
        if answer.status == 401:
            raise Refused(_SERVICE, "the catalogue rejected the API key; check TMDB_API_KEY or TVDB_API_KEY")
        if answer.status >= 500:
            wait_s = answer.retry_after_s
            raise Unreachable(_SERVICE, _without_answer(answer), retry_after_s=wait_s)
        try:
            return answer.status, answer.json()
        except ValueError as error:
            raise Nonsense(_SERVICE, "the relay answered with something that is not JSON") from error

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type) of a picture."""
        writing.assert_outside_allowed()
        source = "tvdb" if path.startswith(("http://", "https://")) else "tmdb"
        try:
            answer = self.relay.image(source, path, size)
        except Busy as busy:
            raise Limited(_SERVICE, "pictures cannot be fetched now", retry_after_s=busy.retry_after_s) from busy
        except UpstreamFailed as failed:
            if failed.answer is not None and failed.answer.status in (403, 404, 410):
                raise NotFound("This picture no longer exists.") from failed
            raise Unreachable(_SERVICE, "the picture could not be fetched") from failed
        return answer.body, answer.content_type


def _without_answer(answer: RelayAnswer) -> str:
    why = f" ({answer.trouble})" if answer.trouble else ""
    return f"the catalogue does not answer{why}; trying again later"


def make_provider(
    config: RelayConfig, http: Http, *, relay_url: str | None = None, public_relay: bool = True
) -> tuple[MetadataProvider, Relay | None]:
    """Choose the source of metadata: a relay by URL, the embedded one, the project's public one, or none.

    Args:
        config: Of the embedded relay, which is used if it has a key.
        relay_url: METADATA_RELAY_URL; `off` for no metadata.
        public_relay: Whether to fall back to the public relay.

    Returns:
        The provider, and the embedded relay if that was chosen; the caller closes the relay.
    """
    if relay_url == "off":
        return NoProvider(), None
    if relay_url:
        return RelayProvider(HttpFetch(http, relay_url), name="relay"), None
    if config.available:
        relay = Relay(config, http=http)
        return RelayProvider(EmbeddedFetch(relay), name="embedded relay"), relay
    if public_relay:
        return RelayProvider(HttpFetch(http, PUBLIC_RELAY_URL), name="public relay"), None
    return NoProvider(), None

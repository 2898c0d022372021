"""The services behind the relay, each with its rate limit, retries and circuit breaker."""

from __future__ import annotations

from mydia.adapters.http import Http
from mydia.relay.config import RelayConfig
from mydia.relay.times import Times
from mydia.relay.upstreams.care import Busy, Care, Upstream, UpstreamAnswer, UpstreamFailed
from mydia.relay.upstreams.tmdb import Tmdb
from mydia.relay.upstreams.tvdb import LoginFailed, Tvdb

__all__ = [
    "Busy",
    "Care",
    "LoginFailed",
    "Tmdb",
    "Tvdb",
    "Upstream",
    "UpstreamAnswer",
    "UpstreamFailed",
    "make_upstreams",
]


def make_upstreams(config: RelayConfig, http: Http, times: Times) -> dict[str, Upstream]:
    """Return the upstreams for which the configuration has a key."""
    found: dict[str, Upstream] = {}
    if config.tmdb_api_key:
        found["tmdb"] = Tmdb(
            http,
            config.tmdb_api_key,
            url=config.tmdb_url,
            image_url=config.tmdb_image_url,
            per_s=config.tmdb_per_s,
            max_wait_s=config.max_wait_s,
            timeout_s=config.timeout_s,
            times=times,
        )
    if config.tvdb_api_key:
        found["tvdb"] = Tvdb(
            http,
            config.tvdb_api_key,
            pin=config.tvdb_pin,
            url=config.tvdb_url,
            per_s=config.tvdb_per_s,
            max_wait_s=config.max_wait_s,
            timeout_s=config.timeout_s,
            times=times,
        )
    return found

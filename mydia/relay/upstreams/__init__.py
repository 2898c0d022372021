"""The services behind the relay, and the manners in which they are asked."""

from mydia.relay.upstreams.care import Busy, Care, Upstream, UpstreamAnswer, UpstreamFailed
from mydia.relay.upstreams.tmdb import Tmdb
from mydia.relay.upstreams.tvdb import Tvdb

__all__ = ["Busy", "Care", "Tmdb", "Tvdb", "Upstream", "UpstreamAnswer", "UpstreamFailed"]

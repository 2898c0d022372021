"""Whether a request was certainly sent from this machine or its local network."""

from __future__ import annotations

from urllib.parse import urlsplit

from mydia import addresses
from mydia.web.deps import WebRequest

# Proxies add one of these headers. We cannot know which ones a proxy sets, or whether it forwards its client's, so a request
# with any of them counts as remote.
_FORWARDED = (
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-original-forwarded-for",
    "x-real-ip",
)


def is_local(request: WebRequest) -> bool:
    """Return whether a request was certainly sent from this machine or the local network.

    That is the case if the connection comes from a local address, no proxy was involved, and the browser used an address or
    name of this server that an outsider cannot point to it.
    """
    return _is_direct(request) and request.client is not None and addresses.is_local(request.client.host)


def is_this_machine(request: WebRequest) -> bool:
    """Return whether a request was certainly sent from this machine."""
    return _is_direct(request) and request.client is not None and addresses.is_loopback(request.client.host)


def _is_direct(request: WebRequest) -> bool:
    origin = request.headers.get("origin")
    hosts = [request.headers.get("host", ""), *([urlsplit(origin).netloc] if origin else [])]
    return not any(name in request.headers for name in _FORWARDED) and all(map(addresses.is_local_host, hosts))

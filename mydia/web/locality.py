"""Whether a request was certainly sent from this machine or its local network."""

from __future__ import annotations

from urllib.parse import urlsplit

from mydia import addresses
from mydia.web.deps import WebRequest

# Proxies announce themselves in one of these. Which of them a proxy sets, and whether it passes on those of its client,
# cannot be known from here, so a request with any of them counts as remote.
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

    It was when the connection comes from a local address, no proxy was involved, and the browser addressed this server
    by an address or name that no stranger can point here.
    """
    return _is_direct(request) and request.client is not None and addresses.is_local(request.client.host)


def is_this_machine(request: WebRequest) -> bool:
    """Return whether a request was certainly sent from this machine."""
    return _is_direct(request) and request.client is not None and addresses.is_loopback(request.client.host)


def _is_direct(request: WebRequest) -> bool:
    origin = request.headers.get("origin")
    hosts = [request.headers.get("host", ""), *([urlsplit(origin).netloc] if origin else [])]
    return not any(name in request.headers for name in _FORWARDED) and all(map(addresses.is_local_host, hosts))

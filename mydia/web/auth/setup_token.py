"""The first account from afar: whoever opens setup from outside the local network shows the token that stands in the log."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading

from mydia.web.deps import WebRequest

logger = logging.getLogger(__name__)

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are mistaken for one another
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
# Loopback, RFC 1918, link-local and unique local addresses. What carriers share (100.64.0.0/10, RFC 6598) looks private
# and is not, and what Python calls private is more than this.
_NEAR = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"
    )
)  # fmt: skip


def comes_from_near(request: WebRequest) -> bool:
    """Say whether a request comes from this machine or the local network, as far as one can tell.

    A proxy that is not trusted (TRUSTED_PROXIES) hides where its clients are, so that its requests count as from afar.
    """
    if request.client is None or (
        request.scope["state"].get("through_proxy") is None and any(name in request.headers for name in _FORWARDED)
    ):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _NEAR)


class SetupToken:
    """One token a process, made and logged when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""

    def announce(self) -> None:
        """Write the token into the log, once."""
        with self._lock:
            if self._token:
                return
            self._token = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
        logger.warning("setup was opened from outside the local network; its token is %s", self._token)

    def fits(self, given: str) -> bool:
        """Say whether somebody read the log."""
        with self._lock:
            return bool(self._token) and secrets.compare_digest(given.strip().lower().encode(), self._token.encode())

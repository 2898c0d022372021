"""Network addresses: trusted proxies, the clients behind them, and local addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Loopback, RFC 1918, link-local and unique local addresses. Carrier-grade NAT (100.64.0.0/10, RFC 6598) is not local,
# and Python's `is_private` covers more than these.
_LOCAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"
    )
)  # fmt: skip
# Names that the public DNS never answers, so no stranger can point one at this machine. Source: RFC 6761, 6762, 8375;
# ICANN reserved `internal` in 2024, and `lan` and `home` are not delegated.
_LOCAL_SUFFIXES = (".localhost", ".local", ".home.arpa", ".internal", ".lan", ".home", ".test")


def parse(text: str) -> Address | None:
    """Parse an address; IPv4-mapped IPv6 addresses become IPv4. None if the text is not an address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_network(text: str) -> bool:
    """Return whether a string is an address or a network such as 10.0.0.0/8."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def is_local(text: str) -> bool:
    """Return whether an address belongs to this machine or a private network."""
    address = parse(text)
    return address is not None and any(address in network for network in _LOCAL)


def is_loopback(text: str) -> bool:
    """Return whether an address belongs to this machine."""
    address = parse(text)
    return address is not None and address.is_loopback


def is_local_host(host: str) -> bool:
    """Return whether a `Host` header, with or without a port, can only mean a machine of the local network.

    Anyone can point a public DNS name at a local address (DNS rebinding).

    >>> [is_local_host(host) for host in ("192.168.1.9:4000", "[::1]:4000", "nas", "nas.local", "evil.example.org")]
    [True, True, True, True, False]
    """
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
    if parse(name) is not None:
        return is_local(name)
    return bool(name) and ("." not in name.rstrip(".") or name.rstrip(".").endswith(_LOCAL_SUFFIXES))


def household(text: str) -> str:
    """Return the network that counts as one client: the /64 of an IPv6 address, or the IPv4 address.

    >>> household("2001:db8:1:2:3:4:5:6"), household("203.0.113.7"), household("unknown")
    ('2001:db8:1:2::/64', '203.0.113.7', 'unknown')
    """
    address = parse(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return text[:64] if address is None else str(address)


class TrustedProxies:
    """Finds the client behind trusted reverse proxies.

    Args:
        networks: Addresses or networks, as `server.trusted_proxies` lists them.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text, strict=False) for text in networks)

    def trusts(self, text: str) -> bool:
        """Return whether an address is one of the proxies."""
        address = parse(text)
        return address is not None and any(address in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """Return the client's address.

        Args:
            peer: The address of the connection.
            forwarded_for: The header `X-Forwarded-For`. It is read from the right: the last address that is not a
                trusted proxy is the client; the client itself can write anything to the left of it.
        """
        if not forwarded_for or not self.trusts(peer):
            return peer
        for text in reversed(forwarded_for.split(",")):
            hop = text.strip().strip("[]")
            if parse(hop) is None:
                break
            peer = hop
            if not self.trusts(hop):
                break
        return peer

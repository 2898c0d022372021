from __future__ import annotations

import pytest

from mydia.addresses import TrustedProxies, household, is_local, is_local_host


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.9, 10.0.0.3", "10.0.0.9"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, garbage", "127.0.0.1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::5]", "2001:db8::5"),
        ("unknown", "198.51.100.1", "unknown"),
    ],
)
def test_only_known_proxies_are_trusted(peer: str, forwarded: str | None, client: str) -> None:
    assert TrustedProxies(["127.0.0.1", "10.0.0.0/8"]).client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_is_one_client(address: str, client: str) -> None:
    assert household(address) == client


def test_local_addresses_are_those_of_private_networks() -> None:
    near = (
        "127.0.0.1",
        "192.168.1.5",
        "10.9.8.7",
        "172.31.0.1",
        "fe80::1%eth0",
        "fd00::1",
        "::1",
        "::ffff:192.168.1.5",
    )
    far = ("100.64.0.1", "203.0.113.5", "172.32.0.1", "2001:db8::1", "8.8.8.8", "unknown", "")
    assert [one for one in near if not is_local(one)] == []
    assert [one for one in far if is_local(one)] == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4000", "192.168.1.9", "[::1]:4000", "localhost:4000", "nas", "nas.local:80"]
)
def test_these_hosts_are_local(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize(
    "host",
    ["rebind.example.org", "rebind.example.org:4000", "8.8.8.8", "", "127.0.0.1.nip.io", "localhost.evil.example"],
)
def test_these_hosts_can_be_spoofed(host: str) -> None:
    assert not is_local_host(host)

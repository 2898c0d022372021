from __future__ import annotations

import pytest

from mydia.relay.limits import TokenBucket, TrustedProxies, Window
from tests.relay.handclock import HandClock


def test_a_bucket_gives_its_burst_and_then_a_turn_at_a_time(times: HandClock) -> None:
    bucket = TokenBucket(2, 5, times)
    assert [bucket.reserve(max_wait_s=10) for _ in range(7)] == pytest.approx([0, 0, 0, 0, 0, 0.5, 1.0])


def test_a_turn_that_is_too_far_away_is_not_taken(times: HandClock) -> None:
    bucket = TokenBucket(1, 1, times)
    bucket.reserve(max_wait_s=0)
    assert bucket.reserve(max_wait_s=0.5) is None
    times.pass_(seconds=1)
    assert bucket.reserve(max_wait_s=0.5) == 0


def test_a_window_slides(times: HandClock) -> None:
    window = Window(3, 60, times)
    for _ in range(3):
        assert window.admit("a") is None
        times.pass_(seconds=10)
    assert window.admit("a") == pytest.approx(30)
    assert window.admit("b") is None
    times.pass_(seconds=31)
    assert window.admit("a") is None


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
        ("unknown", "198.51.100.1", "unknown"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
    ],
)
def test_only_known_proxies_are_believed(peer: str, forwarded: str | None, client: str) -> None:
    assert TrustedProxies(["127.0.0.1", "10.0.0.0/8", "nonsense"]).client(peer, forwarded) == client

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.limits import RateLimiter
from tests.relay.handclock import HandClock


@pytest.fixture
def times() -> HandClock:
    return HandClock()


def test_requests_beyond_the_limit_queue_in_order(times: HandClock) -> None:
    limiter = RateLimiter(2, 1, monotonic_s=times.monotonic_s)
    assert [limiter.reserve(max_wait_s=10) for _ in range(5)] == pytest.approx([0, 0, 1, 1, 2])


def test_a_slot_too_far_in_the_future_is_refused(times: HandClock) -> None:
    limiter = RateLimiter(1, 1, monotonic_s=times.monotonic_s)
    limiter.reserve(max_wait_s=0)
    assert limiter.reserve(max_wait_s=0.5) is None
    times.pass_(seconds=1)
    assert limiter.reserve(max_wait_s=0.5) == 0


def test_the_window_slides_and_keys_are_counted_separately(times: HandClock) -> None:
    limiter = RateLimiter(3, 60, monotonic_s=times.monotonic_s)
    for _ in range(3):
        assert limiter.admit("a") is None
        times.pass_(seconds=10)
    assert limiter.admit("a") == pytest.approx(30)
    assert limiter.admit("b") is None
    times.pass_(seconds=31)
    assert limiter.admit("a") is None


def test_memory_is_bounded_and_the_least_recently_used_key_is_evicted(times: HandClock) -> None:
    limiter = RateLimiter(2, 60, max_turns=100, monotonic_s=times.monotonic_s)
    for number in range(10_000):
        limiter.admit(str(number % 5_000))
    assert len(limiter._turns) <= 100
    assert limiter._total == sum(map(len, limiter._turns.values())) <= 100
    assert sys.getsizeof(limiter._turns) < 50_000
    limiter.admit("4999")
    assert limiter.admit("4999") is not None


@given(count=st.integers(1, 40), pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200))
def test_no_window_ever_holds_more_than_its_count(count: int, pauses: list[float]) -> None:
    times = HandClock()
    limiter = RateLimiter(count, 60, monotonic_s=times.monotonic_s)
    admitted: list[float] = []
    for pause in pauses:
        times.pass_(seconds=pause)
        if limiter.admit() is None:
            admitted.append(times.monotonic_s())
    for begin in admitted:
        # The clock's floating point rounds by less than a millisecond.
        assert len([at for at in admitted if begin <= at < begin + 60 - 1e-3]) <= count

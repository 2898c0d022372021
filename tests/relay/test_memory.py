from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mydia.relay.answers import Entry
from mydia.relay.memory import Memory


def _entry(size: int = 10) -> Entry:
    return Entry.made(200, b"x" * size, now_s=0, ttl_s=10)


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    memory = Memory(3, 10**6)
    for key in "abc":
        memory.put(key, _entry())
    memory.get("a")
    memory.put("d", _entry())
    assert [key for key in "abcd" if memory.get(key)] == ["a", "c", "d"]
    assert memory.evicted == 1


def test_bytes_are_counted_as_well_as_entries() -> None:
    memory = Memory(1000, 10_000)
    for number in range(20):
        memory.put(str(number), _entry(1000))
    assert memory.bytes <= 10_000
    assert memory.get("19") is not None
    assert memory.get("0") is None


def test_an_entry_larger_than_the_cache_is_not_kept_and_evicts_nothing() -> None:
    memory = Memory(10, 5000)
    memory.put("a", _entry())
    memory.put("b", _entry(6000))
    assert memory.get("a") is not None
    assert memory.get("b") is None


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000), st.booleans()), max_size=60))
def test_the_count_of_bytes_never_drifts(steps: list[tuple[str, int, bool]]) -> None:
    memory = Memory(4, 6000)
    for key, size, drop in steps:
        if drop:
            memory.drop(key)
        else:
            memory.put(key, _entry(size))
        kept = [(key, entry) for key in "abcdefgh" if (entry := memory.get(key))]
        assert memory.bytes == sum(len(entry.body) + 4 * len(key) + 600 for key, entry in kept)
        assert len(memory) <= 4
        assert memory.bytes <= 6000

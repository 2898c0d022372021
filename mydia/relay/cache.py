"""The relay's two-level cache: the memory of this process, then a store shared between processes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mydia import clock
from mydia.relay.answers import Entry
from mydia.relay.memory import Memory
from mydia.relay.stores import Store
from mydia.relay.times import Times

_SWEEP_EVERY_S = 900.0
_LEASE_S = 30.0
_LOOK_AGAIN_S = 0.03


class Cache:
    """Finds and keeps answers, and decides which process asks an upstream.

    Args:
        store: None keeps answers in memory only.
        later: Runs a function in the background; raises RuntimeError once the relay is closing.
    """

    def __init__(
        self, memory: Memory, store: Store | None, times: Times, later: Callable[[Callable[[], None]], object]
    ) -> None:
        self.memory = memory
        self.store = store
        self._times = times
        self._later = later
        self._owner = clock.new_id()
        self._swept_at_s = times.monotonic_s()

    @property
    def state(self) -> str:
        """`ok`, or what is wrong with the store."""
        return self.store.state if self.store else "ok"

    def find(self, key: str) -> Entry | None:
        """Return the entry for a key, fresh or not."""
        return self.memory.get(key) or self.find_stored(key)

    def find_stored(self, key: str) -> Entry | None:
        """Return the entry of the store and keep it in memory."""
        entry = self.store.get(key) if self.store else None
        if entry is not None:
            self.memory.put(key, entry)
        return entry

    def keep(self, key: str, entry: Entry) -> None:
        """Keep an answer in both levels, and sweep the store from time to time."""
        self.memory.put(key, entry)
        if self.store is None:
            return
        self.store.put(key, entry)
        now_s = self._times.monotonic_s()
        if now_s - self._swept_at_s > _SWEEP_EVERY_S:
            self._swept_at_s = now_s
            with suppress(RuntimeError):
                self._later(self.store.sweep)

    def ask_once[T](
        self, key: str, than_s: float, *, use_others: bool, max_wait_s: float, ask: Callable[[], T]
    ) -> T | Entry:
        """Call `ask`, unless another process answers the same question first.

        Args:
            than_s: An entry must be stored after this (seconds since 1970) to count as an answer.
            use_others: Whether an answer that another process stored just now will do.
            max_wait_s: How long to wait for another process before asking anyway.

        Returns:
            What `ask` returned, or the entry of the other process.
        """
        if self.store is None:
            return ask()
        gives_up_s = self._times.monotonic_s() + max_wait_s
        while not self.store.lease(key, self._owner, _LEASE_S):
            if self._times.monotonic_s() > gives_up_s:
                break
            self._times.wait(_LOOK_AGAIN_S)
            if self.store.leased(key):
                continue
            if (found := self._newer(key, than_s)) is not None:
                return found
        else:
            # Between our look into the store and the lease another process may have finished.
            if use_others and (found := self._newer(key, than_s)) is not None:
                self.store.release(key, self._owner)
                return found
        try:
            return ask()
        finally:
            self.store.release(key, self._owner)

    def clear(self) -> None:
        """Empty both levels."""
        self.memory.clear()
        if self.store is not None:
            self.store.clear()

    def close(self) -> None:
        """Close the store."""
        if self.store is not None:
            self.store.close()

    def _newer(self, key: str, than_s: float) -> Entry | None:
        entry = self.find_stored(key)
        if entry is None or entry.stored_at_s <= than_s or entry.expires_at_s <= self._times.now_s():
            return None
        return entry

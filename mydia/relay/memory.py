"""The first level of the cache: the most recently used answers, in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict

from mydia.relay.answers import Entry

_OVERHEAD_BYTES = 600  # entry and table slot, measured with tracemalloc


class Memory:
    """A least-recently-used cache, limited by number of entries and by bytes."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.bytes = 0
        self.evicted = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """Return the entry, fresh or not, and mark it as used."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, unless it alone is larger than the limit."""
        size = _size(key, entry)
        with self._lock:
            self._drop(key)
            if size > self.max_bytes:
                return
            self._entries[key] = entry
            self.bytes += size
            while len(self._entries) > self.max_entries or self.bytes > self.max_bytes:
                oldest_key, oldest = self._entries.popitem(last=False)
                self.bytes -= _size(oldest_key, oldest)
                self.evicted += 1

    def drop(self, key: str) -> None:
        """Remove one entry."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= _size(key, entry)


def _size(key: str, entry: Entry) -> int:
    # Queries may hold any script, so a character may take four bytes.
    return len(entry.body) + 4 * len(key) + _OVERHEAD_BYTES

"""Tracks whether this thread is in a unit of work that writes, where nothing outside the process may be called.

SQLite has one writer. Waiting for the network or a disk while holding it would make all other writes fail, so
`Database.writes()` marks the thread here, and everything that leaves the process checks the mark first.
"""

from __future__ import annotations

import threading

_state = threading.local()


def begin() -> None:
    """Mark this thread as holding the writer; `mydia.db` calls it."""
    _state.writing = True


def end() -> None:
    """Remove the mark."""
    _state.writing = False


def is_writing() -> bool:
    """Return whether this thread holds the writer."""
    return getattr(_state, "writing", False)


def assert_outside_allowed() -> None:
    """Raise RuntimeError if this thread is inside `Database.writes()`: read, call, then write."""
    if is_writing():
        raise RuntimeError("network or disk inside writes(): read, call, then write (docs: units of work)")

"""PURE. The state table of downloads. Phases only move forward; states within a phase may alternate."""

from __future__ import annotations

from collections.abc import Mapping

from mydia.adapters.download_clients import RemoteState
from mydia.contexts.downloads.models import DownloadState

_S = DownloadState

PHASE: Mapping[DownloadState, int] = {
    _S.GRABBING: 0,
    _S.QUEUED: 1,
    _S.DOWNLOADING: 1,
    _S.STALLED: 1,
    _S.PAUSED: 1,
    _S.COMPLETED: 2,
    _S.IMPORTING: 3,
    _S.BLOCKED: 3,
    _S.IMPORTED: 4,
    _S.FAILED: 4,
    _S.REMOVED: 4,
    _S.IGNORED: 4,
}
"""A download never goes back to an earlier phase; the last one is final."""

_FETCHING = frozenset({_S.QUEUED, _S.DOWNLOADING, _S.STALLED, _S.PAUSED})
_GIVEN_UP = frozenset({_S.FAILED, _S.REMOVED, _S.IGNORED})

NEXT: Mapping[DownloadState, frozenset[DownloadState]] = {
    _S.GRABBING: _FETCHING | _GIVEN_UP | {_S.COMPLETED},
    **{state: (_FETCHING - {state}) | _GIVEN_UP | {_S.COMPLETED} for state in _FETCHING},
    _S.COMPLETED: _GIVEN_UP | {_S.IMPORTING, _S.BLOCKED},
    _S.IMPORTING: _GIVEN_UP | {_S.BLOCKED, _S.IMPORTED},
    _S.BLOCKED: _GIVEN_UP | {_S.IMPORTING, _S.IMPORTED},
    _S.IMPORTED: frozenset(),
    _S.FAILED: frozenset(),
    _S.REMOVED: frozenset(),
    _S.IGNORED: frozenset(),
}


def may_move(old: DownloadState | str, new: DownloadState | str) -> bool:
    """Return whether a download may go from one state to another.

    >>> may_move("downloading", "completed"), may_move("imported", "downloading")
    (True, False)
    """
    return DownloadState(new) in NEXT[DownloadState(old)]


def is_open(state: DownloadState | str) -> bool:
    """Return whether a download in this state can still change."""
    return bool(NEXT[DownloadState(state)])


_FROM_REMOTE: Mapping[RemoteState, DownloadState] = {
    RemoteState.QUEUED: _S.QUEUED,
    RemoteState.CHECKING: _S.QUEUED,
    RemoteState.FETCHING_METADATA: _S.QUEUED,
    RemoteState.DOWNLOADING: _S.DOWNLOADING,
    RemoteState.STALLED: _S.STALLED,
    RemoteState.PAUSED: _S.PAUSED,
    RemoteState.SEEDING: _S.COMPLETED,
    RemoteState.COMPLETED: _S.COMPLETED,
    RemoteState.LOCAL_ERROR: _S.PAUSED,
    RemoteState.MISSING_FILES: _S.PAUSED,
    RemoteState.ENCRYPTED: _S.FAILED,
    RemoteState.FAILED: _S.FAILED,
}


def of_remote(remote: RemoteState) -> DownloadState:
    """Return the state that corresponds to a client's state."""
    return _FROM_REMOTE[remote]

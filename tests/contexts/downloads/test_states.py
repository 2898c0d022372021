"""States never move backwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mydia.adapters.download_clients import RemoteState
from mydia.contexts.downloads import DownloadState
from mydia.contexts.downloads.models import OPEN_STATES
from mydia.contexts.downloads.states import NEXT, PHASE, is_open, may_move, of_remote

# A loaded machine must not fail the property.
relaxed = hypothesis_settings(deadline=None)

states = st.sampled_from(list(DownloadState))


@relaxed
@given(states, states)
def test_no_transition_goes_backwards(old: DownloadState, new: DownloadState) -> None:
    if may_move(old, new):
        assert PHASE[new] >= PHASE[old]
        assert new != old


@relaxed
@given(st.lists(states, min_size=1, max_size=30))
def test_the_phase_never_decreases(tried: list[DownloadState]) -> None:
    state, phase = DownloadState.GRABBING, 0
    for new in tried:
        if may_move(state, new):
            state = new
        assert PHASE[state] >= phase
        phase = PHASE[state]


def test_a_final_state_is_final() -> None:
    assert {state for state in DownloadState if not is_open(state)} == {
        DownloadState.IMPORTED,
        DownloadState.FAILED,
        DownloadState.REMOVED,
        DownloadState.IGNORED,
    }
    assert {state for state in DownloadState if is_open(state)} == set(OPEN_STATES)


def test_a_download_is_imported_only_through_the_import() -> None:
    assert {old for old in DownloadState if DownloadState.IMPORTED in NEXT[old]} == {
        DownloadState.IMPORTING,
        DownloadState.BLOCKED,
    }


@pytest.mark.parametrize("remote", list(RemoteState))
def test_every_client_state_is_mapped(remote: RemoteState) -> None:
    assert of_remote(remote) in DownloadState

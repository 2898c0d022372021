"""Episodes as a person types them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.contexts.media.numbering import EpisodeRef, typed_episodes
from mydia.errors import Invalid


def known(lengths: dict[int, int], *, absolute: bool = False) -> list[EpisodeRef]:
    found: list[EpisodeRef] = []
    for season, length in lengths.items():
        for number in range(1, length + 1):
            counted = len(found) + 1 if absolute else None
            found.append(EpisodeRef(f"{season}-{number}", season, number, counted, None, None, None, True, False))
    return found


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("S01E03", [(1, 3)]),
        ("s1e3", [(1, 3)]),
        ("1x03", [(1, 3)]),
        ("S01E03-E05", [(1, 3), (1, 4), (1, 5)]),
        ("S01E03-05", [(1, 3), (1, 4), (1, 5)]),
        ("S01E03E04", [(1, 3), (1, 4)]),
        ("1x03-1x04", [(1, 3), (1, 4)]),
        ("S01E01, S02E01", [(1, 1), (2, 1)]),
        ("S01E01 and S01E02", [(1, 1), (1, 2)]),
        ("S00E07", [(0, 7)]),
        ("S01E01, S01E01", [(1, 1)]),
        ("", []),
    ],
)
def test_episodes_are_read_with_their_season(text: str, places: list[tuple[int, int]]) -> None:
    assert list(typed_episodes(text, known({1: 12, 2: 12}))) == places


def test_a_number_alone_counts_from_the_first_episode_where_the_series_does() -> None:
    series = known({1: 12, 2: 12}, absolute=True)
    assert typed_episodes("15", series) == ((2, 3),)
    assert typed_episodes("12-13", series) == ((1, 12), (2, 1))
    assert typed_episodes("7", known({1: 12})) == ((1, 7),)


@pytest.mark.parametrize("text", ["pilot", "S01", "15", "S01E05-E02", "1-9999", "S1E1x"])
def test_what_is_no_episode_is_said(text: str) -> None:
    with pytest.raises(Invalid):
        typed_episodes(text, known({1: 12, 2: 12}))


@given(st.text(alphabet="sSeExX0123456789-,+& and", max_size=30))
def test_any_text_gives_episodes_or_a_sentence(text: str) -> None:
    with suppress(Invalid):
        places = typed_episodes(text, known({1: 12}))
        assert len(set(places)) == len(places)

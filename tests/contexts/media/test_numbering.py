"""Resolving a name to episodes of a known series."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.contexts.media import EpisodeRef
from mydia.contexts.media.numbering import Doubt, SeriesNumbers, meant_episodes
from mydia.parsing import parse_path, parse_release


def series(lengths: dict[int, int], **facts: object) -> SeriesNumbers:
    """A series with seasons of the given lengths, absolute numbers, and a year between the seasons."""
    episodes, absolute = [], 0
    for season, length in lengths.items():
        for number in range(1, length + 1):
            absolute += season > 0
            episodes.append(
                EpisodeRef(
                    f"{season}-{number}", season, number, absolute if season else None, None,
                    date(2009 + season, 1, 1).replace(day=number % 28 + 1), None, True, False,
                )
            )  # fmt: skip
    known = {"titles": {"show"}, "year": 2010, **facts}
    return SeriesNumbers(episodes=episodes, **known)  # type: ignore[arg-type]


TWO = series({0: 3, 1: 12, 2: 24}, is_anime=True)
LONG = series({1: 20, 2: 21, 3: 22}, is_anime=True)


def answer(name: str, known: SeriesNumbers, *, beside: tuple[int, ...] = ()) -> str:
    parsed = parse_path(name, None, "tv") if "/" in name else parse_release(name, "tv")
    assert parsed is not None, name
    meaning = meant_episodes(parsed, known, beside=beside)
    if meaning.doubt is not None:
        return str(meaning.doubt)
    return " ".join([*(one.code for one in meaning.episodes), *(f"+S{s:02}E{n:02}" for s, n in meaning.unlisted)])


@pytest.mark.parametrize(
    ("name", "known", "means"),
    [
        ("Show S01E02 1080p.mkv", TWO, "S01E02"),
        ("[Grp] Show - 14 [1080p].mkv", TWO, "S02E02"),
        ("[Grp] Show S2 - 03 [1080p].mkv", TWO, "S02E03"),
        ("[Grp] Show 2nd Season - 11 [1080p].mkv", TWO, "S02E11"),
        ("[Grp] Show Season 2 - 30 [1080p].mkv", TWO, "S02E18"),
        ("[Grp] Show S2 - 13 [1080p].mkv", TWO, "two_readings"),
        ("[Grp] Show S3 - 03 [1080p].mkv", TWO, "no_such_season"),
        ("[Grp] Show - 99 [1080p].mkv", TWO, "no_such_episode"),
        ("Show/Season 2/[Grp] Show - 25.mkv", LONG, "S02E05"),
        ("Show/Season 2/[Grp] Show - 90.mkv", LONG, "no_such_episode"),
        ("Show/Season 1/Show 115.mkv", LONG, "S01E15"),
        ("Show/Season 2/Show 225.mkv", LONG, "no_such_episode"),
        ("Show/Season 2/225.mkv", LONG, "no_such_episode"),
        ("Show/Season 2/220.mkv", LONG, "S02E20"),
        ("Show/Season 3/Show 204.mkv", LONG, "no_such_episode"),
        ("Show/Season 1/Show 120.mkv", series({1: 150}), "S01E120"),
        ("Show/Season 1/Show 100.mkv", series({1: 150}), "S01E100"),
        ("Show/Season 1/Show 105.mkv", series({1: 100, 2: 100}), "two_readings"),
        ("Show/Season 2/Show 152.mkv", series({1: 100, 2: 100}), "S02E52"),
        ("Show/Season 1/115.mkv", series({1: 41, 2: 39}), "S01E15"),
        ("Show/Season 2/205.mkv", series({}), "+S02E05"),
        ("Show 0025.mkv", LONG, "S02E05"),
        ("Show S02E00 1080p.mkv", TWO, "special"),
        ("Show S02E00 1080p.mkv", series({}), "+S02E00"),
        ("Show S00E01 1080p.mkv", TWO, "S00E01"),
        ("Show S01E40 1080p.mkv", LONG, "no_such_episode"),
        ("Show S03E23 1080p.mkv", LONG, "+S03E23"),
        ("Show S00E07 1080p.mkv", TWO, "+S00E07"),
        ("Show.2010.01.03.1080p.mkv", LONG, "S01E02"),
        ("Show.2016.05.05.1080p.mkv", LONG, "no_such_date"),
        ("Show.1985.S01E02.1080p.mkv", LONG, "other_year"),
        ("Show.2012.S03E02.1080p.mkv", LONG, "S03E02"),
        ("[Grp] Show - The Kyoto Saga - 02 [1080p].mkv", TWO, "longer_title"),
        ("[Grp] Show Kyoto - 02 [1080p].mkv", series({1: 12, 2: 24}, is_anime=True, season_titles={"show kyoto": 2}), "S02E02"),
        ("[Grp] Show OVA 2 [BD].mkv", TWO, "special"),
        ("[Grp] Show - 05 (OVA) [BD].mkv", TWO, "special"),
        ("[Grp] Show - 05 - A Special Day [BD].mkv", TWO, "S01E05"),
        ("Show 103.mkv", TWO, "S01E03"),
        ("Show 103.mkv", series({1: 131}), "S01E103"),
        ("Show 150.mkv", series({1: 100, 2: 100}), "two_readings"),
        ("Show 150.mkv", series({1: 60}), "S01E50"),
        ("Show/Season 1/Show - 03.mkv", series({1: 131}), "S01E03"),
        ("[Grp] Show Kyoto - 02.mkv", series({1: 12, 2: 24}, titles={"show", "show kyoto"}, main_title="show"), "longer_title"),
        ("[Grp] Show Kyoto - 02.mkv", series({1: 12}, titles={"show", "show kyoto"}, main_title="show"), "S01E02"),
        ("Show 第2季 - 05.mkv", TWO, "S02E05"),
        ("Show S01E02 1080p.mkv", series({}), "+S01E02"),
        ("[Grp] Show - 05 [1080p].mkv", series({}), "+S01E05"),
    ],
)  # fmt: skip
def test_a_name_means_these_episodes(name: str, known: SeriesNumbers, means: str) -> None:
    assert answer(name, known) == means


def test_neighbouring_files_show_the_numbering_scheme() -> None:
    assert answer("[Grp] Show S2 - 13.mkv", TWO, beside=(1, 2, 13)) == "S02E13"
    assert answer("[Grp] Show S2 - 13.mkv", TWO, beside=(13, 30, 36)) == "S02E01"


def test_an_ambiguous_name_offers_the_likely_episodes() -> None:
    parsed = parse_release("[Grp] Show S2 - 13 [1080p].mkv", "tv")
    assert parsed is not None
    meaning = meant_episodes(parsed, TWO)
    assert meaning.doubt is Doubt.TWO_READINGS
    assert [one.code for one in meaning.likely] == ["S02E13"]


@given(st.text(max_size=60), st.sampled_from([TWO, LONG, series({})]))
def test_a_name_never_gets_both_episodes_and_a_doubt(name: str, known: SeriesNumbers) -> None:
    parsed = parse_release(name, "tv")
    if parsed is None:
        return
    meaning = meant_episodes(parsed, known)
    assert not (meaning.doubt is not None and (meaning.episodes or meaning.unlisted))
    assert {one.id for one in meaning.episodes} <= {one.id for one in known.episodes}

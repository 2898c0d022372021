"""Scores have reasons, ids take precedence, and the ranking is a total order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.contexts.library.recognise.matching import (
    Choice,
    Guess,
    choice_from_json,
    decide,
    rank,
    score,
    split_country,
)
from mydia.contexts.metadata import Ids


def film(title: str, year: int | None, tmdb_id: int = 1, **facts: object) -> Choice:
    return Choice(type="movie", title=title, year=year, ids=Ids(tmdb_id), **facts)  # type: ignore[arg-type]


def show(title: str, year: int | None, tmdb_id: int = 1, *countries: str) -> Choice:
    return Choice(type="tv_show", title=title, year=year, ids=Ids(tmdb_id), countries=countries)


@pytest.mark.parametrize(
    ("guess", "choices", "state"),
    [
        (Guess(type="movie", title="Metropolis", year=1927), [film("Metropolis", 1927)], "sure"),
        (Guess(type="movie", title="Metropolis", year=1928), [film("Metropolis", 1927)], "sure"),
        (Guess(type="movie", title="The Matrix", year=1999), [film("Matrix, The", 1999)], "sure"),
        (Guess(type="movie", title="Rocky 2", year=1979), [film("Rocky II", 1979)], "sure"),
        (Guess(type="movie", title="Metropolis", year=1927), [film("Metropolis", 2001)], "no_match"),
        (Guess(type="movie", title="It", year=2017), [film("It Follows", 2014)], "no_match"),
        (Guess(type="movie", title="Alien", year=1986), [film("Aliens", 1986)], "no_match"),
        (
            Guess(type="movie", title="The Lodger"),
            [film("The Lodger", 1927, 1), film("The Lodger", 1944, 2)],
            "needs_attention",
        ),
        (
            Guess(type="movie", title="The Lodger", year=1944),
            [film("The Lodger", 1927, 1), film("The Lodger", 1944, 2)],
            "sure",
        ),
        (Guess(type="movie", title="Wrong Name", ids=Ids(7)), [film("Right Name", 1950, 7)], "sure"),
        (Guess(type="movie", title="Metropolis", year=1927, ids=Ids(7)), [film("Metropolis", 1927, 8)], "no_match"),
        (Guess(type="movie", title="Anything", year=1950), [], "no_match"),
        (
            Guess(type="movie", title="Death Race", year=2000, duration_s=6000),
            [film("Death Race 2000", 1975, 1, runtime_min=100), film("Death Race", 2008, 2, runtime_min=100)],
            "sure",
        ),
        (
            Guess(type="movie", title="Mad Max", duration_s=6000),
            [film("Mad Max", 1979, 1, runtime_min=100), film("Mad Max: Fury Road", 2015, 2, runtime_min=100)],
            "sure",
        ),
        (
            Guess(type="movie", title="Kill Bill Volume 1", duration_s=6000),
            [film("Kill Bill: Vol. 1", 2003, 1, runtime_min=100), film("Kill Bill: Vol. 2", 2004, 2, runtime_min=100)],
            "sure",
        ),
        (
            Guess(type="movie", title="Kill Bill", duration_s=6000),
            [film("Kill Bill: Vol. 1", 2003, 1, runtime_min=100), film("Kill Bill: Vol. 2", 2004, 2, runtime_min=100)],
            "needs_attention",
        ),
        (Guess(type="tv_show", title="Utopia US", country="US"), [show("Utopia", 2013, 1, "GB")], "needs_attention"),
        (
            Guess(type="tv_show", title="Utopia US", country="US"),
            [show("Utopia", 2013, 1, "GB"), show("Utopia", 2020, 2, "US")],
            "sure",
        ),
        (
            Guess(type="tv_show", title="Utopia US", country="US"),
            [show("Utopia", 2013, 1), show("Utopia", 2020, 2)],
            "needs_attention",
        ),
        (Guess(type="tv_show", title="Utopia US", country="US"), [show("Utopia", 2013, 1)], "needs_attention"),
        (
            Guess(type="tv_show", title="Pioneer One"),
            [Choice(type="tv_show", title="Pioneer One", year=2010, ids=Ids(1))],
            "sure",
        ),
    ],
)
def test_the_verdict_follows_from_the_evidence(guess: Guess, choices: list[Choice], state: str) -> None:
    verdict = decide(guess, rank(guess, choices), confident=0.85)
    assert verdict.state == state
    assert (verdict.reason is None) == (state == "sure")


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("House of Cards UK", ("House of Cards", "GB")),
        ("Being Human (US)", ("Being Human", "US")),
        ("The Bridge (SE)", ("The Bridge", "SE")),
        ("This Is Us", ("This Is Us", None)),
        ("THE LAST OF US", ("THE LAST OF US", None)),
        ("Agent CA", ("Agent CA", None)),
        ("UK", ("UK", None)),
    ],
)
def test_the_country_behind_a_title(title: str, parts: tuple[str, str | None]) -> None:
    assert split_country(title) == parts


def test_every_score_has_reasons() -> None:
    told = score(
        Guess(type="movie", title="Metropolis", year=1927, duration_s=153 * 60),
        film("Metropolis", 1927, runtime_min=153),
    )
    assert [str(one.because) for one in told.evidence] == [
        "Same title",
        "Same year, 1927",
        "The running time matches, 153 of 153 minutes",
    ]
    stored = choice_from_json(told.to_json())
    assert (stored.title, stored.year, stored.ids) == ("Metropolis", 1927, Ids(1))


def test_nonexistent_episodes_lower_the_score_of_a_series() -> None:
    guess = Guess(type="tv_show", title="The Office", numbers=frozenset({(9, 1), (9, 23)}))
    short = Choice(type="tv_show", title="The Office", year=2001, ids=Ids(1), numbers=frozenset({(1, 1), (2, 1)}))
    long = Choice(type="tv_show", title="The Office", year=2005, ids=Ids(2), numbers=frozenset({(9, 1), (9, 23)}))
    verdict = decide(guess, rank(guess, [short, long]), confident=0.85)
    assert verdict.state == "sure"
    assert verdict.best is not None
    assert verdict.best.choice is long


TITLES = st.sampled_from(
    ["Metropolis", "metropolis", "The Lodger", "Lodger", "It", "It Follows", "Rocky II", "ロッキー", ""]
)
CHOICES = st.builds(
    Choice,
    type=st.just("movie"),
    title=TITLES,
    year=st.none() | st.integers(1900, 1930),
    ids=st.builds(Ids, tmdb_id=st.none() | st.integers(1, 5), imdb_id=st.none() | st.sampled_from(["tt1", "tt2"])),
    popularity=st.sampled_from([0.0, 1.0, 50.0]),
    runtime_min=st.none() | st.integers(1, 300),
    media_item_id=st.none() | st.sampled_from(["a", "b"]),
)
GUESSES = st.builds(
    Guess,
    type=st.just("movie"),
    title=TITLES,
    year=st.none() | st.integers(1900, 1930),
    ids=st.builds(Ids, tmdb_id=st.none() | st.integers(1, 5)),
    duration_s=st.none() | st.floats(1, 20_000),
)


@given(guess=GUESSES, choices=st.lists(CHOICES, max_size=8), seed=st.integers())
def test_the_order_does_not_depend_on_the_order_of_the_results(guess: Guess, choices: list[Choice], seed: int) -> None:
    ranked = rank(guess, choices)
    shuffled = choices[:]
    random.Random(seed).shuffle(shuffled)
    again = rank(guess, shuffled)
    assert [one.score for one in ranked] == [one.score for one in again]
    assert all(0 <= one.score <= 1 for one in ranked)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert decide(guess, ranked, confident=0.85).state in ("sure", "ready", "needs_attention", "no_match")

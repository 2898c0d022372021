"""The state of a title."""

from datetime import date, timedelta

import pytest

from mydia.contexts.media import status
from mydia.contexts.media.monitoring import wanted_by

TODAY = date(2026, 11, 21)


def facts(**given):
    base = {
        "type": "movie",
        "monitored": True,
        "out": True,
        "files": 0,
        "upgradable": False,
        "episodes_total": 0,
        "episodes_held": 0,
        "activity": None,
    }
    return status.Facts(**(base | given))


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, "missing"),
        ({"out": False}, "upcoming"),
        ({"monitored": False}, "unmonitored"),
        ({"files": 1}, "available"),
        ({"files": 1, "upgradable": True}, "upgradable"),
        ({"files": 1, "upgradable": True, "monitored": False}, "available"),
        ({"activity": "downloading"}, "downloading"),
        ({"files": 1, "activity": "blocked"}, "blocked"),
        ({"type": "tv_show"}, "upcoming"),
        ({"type": "tv_show", "episodes_total": 3}, "missing"),
        ({"type": "tv_show", "episodes_total": 3, "episodes_held": 1}, "partial"),
        ({"type": "tv_show", "episodes_total": 3, "episodes_held": 3}, "available"),
        ({"type": "tv_show", "episodes_total": 3, "episodes_held": 3, "upgradable": True}, "upgradable"),
        ({"type": "tv_show", "episodes_total": 3, "monitored": False}, "unmonitored"),
    ],
)
def test_the_state_of_a_title_follows_from_its_facts(given, state):
    assert status.of(facts(**given)) == state


@pytest.mark.parametrize(
    ("minimum", "known", "dates", "out"),
    [
        ("announced", "announced", {}, True),
        ("in_cinemas", "in_cinemas", {"cinema_on": TODAY}, True),
        ("in_cinemas", "announced", {"cinema_on": TODAY + timedelta(days=1)}, False),
        ("released", "released", {"cinema_on": TODAY - timedelta(days=30)}, False),
        ("released", "released", {"cinema_on": TODAY - timedelta(days=90)}, True),
        (
            "released",
            "released",
            {"cinema_on": TODAY - timedelta(days=900), "digital_on": TODAY + timedelta(days=1)},
            False,
        ),
        ("released", "released", {"physical_on": TODAY, "digital_on": TODAY + timedelta(days=9)}, True),
        ("released", "released", {}, True),
        ("released", "announced", {}, False),
    ],
)
def test_release_dates_decide_whether_a_film_is_out(minimum, known, dates, out):
    given = {"cinema_on": None, "digital_on": None, "physical_on": None} | dates
    assert status.movie_is_out(minimum, known, TODAY, **given) is out


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("all", {"S01E01", "S01E02", "S02E01", "S02E02"}),
        ("future", {"S02E02"}),
        ("missing", {"S01E02", "S02E01", "S02E02"}),
        ("existing", {"S01E01", "S00E02"}),
        ("first_season", {"S01E01", "S01E02"}),
        ("latest_season", {"S02E01", "S02E02"}),
        ("pilot", {"S01E01"}),
        ("none", set()),
    ],
)
def test_a_monitoring_choice_selects_episodes(pattern, wanted):
    past, future = TODAY - timedelta(days=9), TODAY + timedelta(days=9)
    episodes = [
        (1, 1, past, True),
        (1, 2, past, False),
        (2, 1, past, False),
        (2, 2, future, False),
        (0, 1, past, False),
        (0, 2, past, True),
    ]
    chosen = {
        f"S{season:02}E{number:02}"
        for season, number, air_on, held in episodes
        if wanted_by(pattern, season, number, air_on, TODAY, held=held, latest=2)
    }
    assert chosen - {"S00E02"} == wanted - {"S00E02"}
    assert "S00E01" not in chosen


@pytest.mark.parametrize(
    ("kind", "state", "latest", "following", "days"),
    [
        ("tv_show", "continuing", TODAY, TODAY + timedelta(days=3), 0.5),
        ("tv_show", "continuing", TODAY, None, 2),
        ("tv_show", "ended", TODAY - timedelta(days=4000), None, 60),
        ("movie", "released", TODAY - timedelta(days=10), None, 2),
        ("movie", "announced", None, None, 3),
    ],
)
def test_titles_that_change_often_are_refreshed_often(kind, state, latest, following, days):
    assert status.next_refresh_in(kind, state, TODAY, latest_on=latest, next_on=following) == timedelta(days=days)

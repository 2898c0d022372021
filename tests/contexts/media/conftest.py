"""A library with its defaults, and titles to add to it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mydia.contexts import media, settings
from mydia.contexts.metadata import Details, EpisodeDetails, Ids, OtherTitle, SeasonDetails


@pytest.fixture
def stocked(database, now):
    """A database with the default profiles."""
    with database.writes() as session:
        settings.ensure_defaults(session, now)
    return database


def film(title="Metropolis", year=1927, tmdb_id=19, **changes):
    return Details(
        type="movie",
        title=title,
        original_title=title,
        ids=Ids(tmdb_id=tmdb_id),
        provider="tmdb",
        year=year,
        status="released",
        cinema_on=date(year, 1, 10),
        genres=("Drama",),
        overview="A city of two halves.",
        **changes,
    )


def series(today, title="The Cartographers", tmdb_id=19, seasons=2, episodes=3, **changes):
    """A series whose last episode airs next week; `tmdb_id` is that of Metropolis on purpose."""
    told = []
    for number in range(seasons + 1):
        first = today - timedelta(days=365 * (seasons - number) + 7 * (episodes - 2))
        told.append(
            SeasonDetails(
                number=number,
                title="Specials" if number == 0 else f"Season {number}",
                episodes=tuple(
                    EpisodeDetails(
                        season_number=number,
                        episode_number=n,
                        title=f"Episode {n}",
                        air_on=first + timedelta(days=7 * (n - 1)),
                    )
                    for n in range(1, episodes + 1)
                ),
            )
        )
    return Details(
        type="tv_show",
        title=title,
        original_title="Die Kartografen",
        ids=Ids(tmdb_id=tmdb_id, tvdb_id=4711),
        provider="tmdb",
        year=today.year - seasons,
        status="continuing",
        series_type="standard",
        titles=(OtherTitle("Mapmakers", "alternative"),),
        seasons=tuple(told),
        **changes,
    )


@pytest.fixture
def add(stocked, admin, now):
    """Adds a title with all its details; `add(details, monitor=…)` returns its id."""

    def added(details, *, search_now=False, **choices):
        new = media.NewItem(
            type=details.type,
            title=details.title,
            year=details.year,
            ids=details.ids,
            library_path_id=None,
            details=details,
            seasons=details.seasons,
            **choices,
        )
        with stocked.writes() as session:
            return media.add_item(session, admin, now, new, search_now=search_now).id

    return added

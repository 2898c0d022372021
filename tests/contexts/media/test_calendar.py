"""The calendar is read page by page, and days with many releases are cut, never the counts."""

from __future__ import annotations

from copy import replace
from datetime import timedelta

import pytest

from mydia.contexts import media
from mydia.errors import Invalid
from tests.contexts.media.conftest import film, series


@pytest.fixture
def busy(add, now):
    """Nine series and five films with releases around today; two films have two dates."""
    today = now.date()
    for number in range(9):
        told = series(today, f"Show {number}", tmdb_id=500 + number, seasons=1)
        add(replace(told, ids=replace(told.ids, tvdb_id=600 + number)))
    for number in range(5):
        dates = {"digital_on": today, "physical_on": today if number < 2 else None}
        add(film(f"Film {number}", 1990, 700 + number, **dates))
    return today - timedelta(days=20), today, today + timedelta(days=20)


@pytest.mark.parametrize("type_", [None, "movie", "tv_show"])
@pytest.mark.parametrize("monitored_only", [False, True])
def test_the_pages_together_have_every_release_once(busy, stocked, admin, now, type_, monitored_only):
    first, today, last = busy
    with stocked.writes() as session:
        for card in media.lists.list_items(session, admin, media.lists.ItemQuery())[0][::3]:
            media.monitoring.change_monitoring(session, admin, now, card.id, False)
    asked = {"type": type_, "monitored_only": monitored_only}
    with stocked.reads() as session:
        whole, _ = media.calendar.page(session, admin, today, first, last, limit=200, **asked)
        for limit in (1, 3, 7):
            seen, cursor = [], None
            while True:
                page, cursor = media.calendar.page(
                    session, admin, today, first, last, cursor=cursor, limit=limit, **asked
                )
                seen += page
                if cursor is None:
                    break
            assert len(seen) == len(whole) == len({(e.media_item_id, e.kind, e.episode_id) for e in seen})
        days = media.calendar.days(session, admin, today, first, last, each=4, **asked)
        assert sum(day.total for day in days) == len(whole)
        for day in days:
            rest, cursor = list(day.entries), day.cursor
            while cursor is not None:
                page, cursor = media.calendar.page(
                    session, admin, today, day.on, day.on, cursor=cursor, limit=4, **asked
                )
                rest += page
            assert (len(rest), len(set(rest))) == (day.total, day.total)
    assert not monitored_only or all(entry.monitored for entry in whole)


def test_a_short_day_is_sorted_by_title(busy, stocked, admin):
    first, today, last = busy
    with stocked.reads() as session:
        days = media.calendar.days(session, admin, today, first, last, type="movie", each=20)
    assert [entry.title for entry in days[0].entries] == [
        "Film 0",
        "Film 0",
        "Film 1",
        "Film 1",
        *("Film 2", "Film 3", "Film 4"),
    ]


def test_a_foreign_cursor_is_refused(busy, stocked, admin):
    first, today, last = busy
    with stocked.reads() as session, pytest.raises(Invalid):
        media.calendar.page(session, admin, today, first, last, cursor="WzEsMiwzLDRd")

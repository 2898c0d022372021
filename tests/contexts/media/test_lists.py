"""Lists are paged by key, not by offset."""

from __future__ import annotations

import pytest

from mydia.contexts import media
from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, NotFound
from tests.contexts.media.conftest import film


@pytest.fixture
def films(add):
    titles = [f"Film {chr(65 + n % 26)}{n:03}" for n in range(130)]
    for n, title in enumerate(titles):
        add(film(title, 1920 + n % 7, tmdb_id=1000 + n))
    return titles


@pytest.mark.parametrize("sort", media.lists.SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_the_pages_together_list_every_title_once(films, stocked, admin, sort, descending):
    asked = media.lists.ItemQuery(type="movie", sort=sort, descending=descending)
    seen, cursor = [], None
    with stocked.reads() as session:
        while True:
            cards, cursor = media.lists.list_items(session, admin, asked, cursor=cursor, limit=37)
            seen += [card.id for card in cards]
            if cursor is None:
                break
        plan = media.lists.outline(session, admin, asked)
        chunks = [card.id for number in range(plan.chunks) for card in media.lists.chunk(session, admin, asked, number)]
    assert len(seen) == len(set(seen)) == 130 == plan.total
    assert seen == chunks


def test_filters_narrow_and_count(films, stocked, admin):
    with stocked.reads() as session:
        some, _ = media.lists.list_items(session, admin, media.lists.ItemQuery(type="movie", year_from=1926))
        assert {card.year for card in some} == {1926}
        named, _ = media.lists.list_items(session, admin, media.lists.ItemQuery(type="movie", text="film a0"))
        assert {card.title[:7] for card in named} == {"Film A0"}
        dramas, _ = media.lists.list_items(
            session, admin, media.lists.ItemQuery(type="movie", genre="drama"), limit=200
        )
        assert len(dramas) == 130
        assert media.lists.list_items(session, admin, media.lists.ItemQuery(type="tv_show"))[0] == []
        assert media.lists.counts(session, SYSTEM)["movie"].of("missing") == 130


def test_an_invalid_cursor_and_an_unknown_order_are_refused(stocked, admin):
    with stocked.reads() as session:
        for asked in (media.lists.ItemQuery(sort="colour"), media.lists.ItemQuery(state="blue")):
            with pytest.raises(Invalid):
                media.lists.list_items(session, admin, asked)
        with pytest.raises(NotFound):
            media.lists.list_items(session, admin, media.lists.ItemQuery(), cursor="!!")


def test_the_token_of_a_list_changes_with_any_title(films, stocked, admin, now):
    with stocked.reads() as session:
        before = media.lists.snapshot(session, SYSTEM)
        (card, *_), _ = media.lists.list_items(session, admin, media.lists.ItemQuery(type="movie"))
    with stocked.writes() as session:
        media.monitoring.change_monitoring(session, admin, now, card.id, False)
    with stocked.reads() as session:
        assert media.lists.snapshot(session, SYSTEM) != before


def test_searching_matches_the_prefix_of_any_word(add, stocked, admin):
    add(film("The Passion of Joan of Arc", 1928, 780))
    with stocked.reads() as session:
        for text in ("passion", "joan", "The Pass"):
            assert [card.year for card in media.lists.search_library(session, admin, text)] == [1928], text
        assert media.lists.search_library(session, admin, "assion") == []

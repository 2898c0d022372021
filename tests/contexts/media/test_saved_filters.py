"""Filters and columns that people keep, and tags."""

from __future__ import annotations

import pytest

from mydia.contexts import media, users
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from mydia.secret import Secret
from mydia.vocabulary import MediaType
from tests.contexts.media.conftest import film, series


@pytest.fixture
def person(stocked, now):
    """Make an account and return its caller."""

    def made(name):
        with stocked.writes() as session:
            new = NewUser(username=name, role=Role.USER, password=Secret("correct horse battery"))
            return users.caller_of(users.add_user(session, SYSTEM, now, new))

    return made


def _names(database, caller, type="movie"):
    with database.reads() as session:
        return [(one.name, one.is_default) for one in media.saved_filters.list_filters(session, caller, type)]


def test_a_filter_is_saved_renamed_made_the_default_and_deleted(stocked, person, now):
    robin = person("robin")
    with stocked.writes() as session:
        first = media.saved_filters.save_filter(session, robin, now, "movie", "  Old  films ", {"year_to": "1940"}).id
        media.saved_filters.save_filter(session, robin, now, "movie", "Missing", {"state": "missing"})
    assert _names(stocked, robin) == [("Missing", False), ("Old films", False)]
    with stocked.writes() as session:
        media.saved_filters.rename_filter(session, robin, first, "Silent films")
        media.saved_filters.set_default_filter(session, robin, first, default=True)
    assert _names(stocked, robin) == [("Missing", False), ("Silent films", True)]
    with stocked.writes() as session:
        other = media.saved_filters.list_filters(session, robin, "movie")[0].id
        media.saved_filters.set_default_filter(session, robin, other, default=True)
    assert _names(stocked, robin) == [("Missing", True), ("Silent films", False)]
    with stocked.writes() as session:
        media.saved_filters.delete_filter(session, robin, other)
    assert _names(stocked, robin) == [("Silent films", False)]
    assert _names(stocked, robin, "tv_show") == []


def test_saving_under_a_known_name_replaces_the_filter_and_renaming_to_one_is_refused(stocked, person, now):
    robin = person("robin")
    with stocked.writes() as session:
        saved = media.saved_filters
        first = saved.save_filter(session, robin, now, "movie", "Mine", {"year_to": "1940"}).id
        assert saved.save_filter(session, robin, now, "movie", "MINE", {"year_to": "1950"}).id == first
        assert saved.get_filter(session, robin, first).params == {"year_to": "1950"}
        saved.save_filter(session, robin, now, "movie", "Other", {})
        with pytest.raises(Conflict):
            saved.rename_filter(session, robin, first, "other")
        with pytest.raises(Invalid):
            saved.rename_filter(session, robin, first, "  ")


def test_nobody_else_sees_or_changes_a_filter(stocked, person, now):
    robin, uma = person("robin"), person("uma")
    with stocked.writes() as session:
        mine = media.saved_filters.save_filter(session, robin, now, "movie", "Mine", {}).id
    assert _names(stocked, uma) == []
    with stocked.writes() as session:
        for change in (media.saved_filters.delete_filter, media.saved_filters.get_filter):
            with pytest.raises(NotFound):
                change(session, uma, mine)


def test_each_person_has_columns_of_their_own(stocked, person):
    robin, uma = person("robin"), person("uma")
    with stocked.writes() as session:
        media.saved_filters.choose_columns(session, robin, MediaType.MOVIE, ["year", "size"])
    with stocked.reads() as session:
        assert media.saved_filters.columns_of(session, robin, MediaType.MOVIE) == ("year", "size")
        assert media.saved_filters.columns_of(session, uma, MediaType.MOVIE) is None
        assert media.saved_filters.columns_of(session, robin, MediaType.TV_SHOW) is None
    with stocked.writes() as session:
        media.saved_filters.choose_columns(session, robin, MediaType.MOVIE, None)
        assert media.saved_filters.columns_of(session, robin, MediaType.MOVIE) is None


def test_tags_are_added_once_whatever_their_case_and_taken_away(add, stocked, admin, now):
    metropolis = add(film("Metropolis", 1927, 19))
    with stocked.writes() as session:
        media.tags.change_tags(session, admin, now, metropolis, add=["Kids", "4K"])
        media.tags.change_tags(session, admin, now, metropolis, add=["kids"])
        assert media.tags.tags_of(session, admin, [metropolis]) == {metropolis: ("4K", "Kids")}
        media.tags.change_tags(session, admin, now, metropolis, remove=["KIDS"])
        assert media.tags.tags_of(session, admin, [metropolis]) == {metropolis: ("4K",)}
        assert [(tag.name, tag.titles) for tag in media.tags.list_tags(session, admin)] == [("4K", 1), ("Kids", 0)]


def test_a_tag_needs_a_name_and_a_guest_sets_none(add, stocked, admin, guest, now):
    metropolis = add(film("Metropolis", 1927, 19))
    with stocked.writes() as session:
        for name in ("", "  ", "a, b", "x" * 41):
            with pytest.raises(Invalid):
                media.tags.change_tags(session, admin, now, metropolis, add=[name])
        with pytest.raises(Forbidden):
            media.tags.change_tags(session, guest, now, metropolis, add=["Kids"])


def test_lists_are_filtered_by_tag_studio_size_and_quality(add, stocked, admin, now):
    tagged = add(film("Metropolis", 1927, 19, networks=("UFA", "Paramount")))
    large = add(film("Nosferatu", 1922, 653, networks=("Prana-Film",)))
    show = add(series(now.date(), networks=("Channel 5",)))
    with stocked.writes() as session:
        media.tags.change_tags(session, admin, now, tagged, add=["Kids"])
        tag = media.tags.list_tags(session, admin)[0].id
        held = media.holdings.Holdings(files_count=1, size_bytes=9_000, best_quality="Bluray-1080p")
        media.holdings.record_holdings(session, now, {large: held})
    with stocked.reads() as session:

        def found(**parts):
            return [card.id for card in media.lists.list_items(session, admin, media.lists.ItemQuery(**parts))[0]]

        assert found(tag_id=tag) == [tagged]
        assert found(type="movie", studio="UFA") == [tagged]
        assert found(studio="Channel 5") == [show]
        assert found(type="movie", size_from=8_999) == [large]
        assert found(type="movie", size_to=8_999) == [tagged]
        assert found(quality="Bluray-1080p") == [large]
        assert media.lists.studios(session, admin, "movie") == ["Prana-Film", "UFA"]
        assert media.lists.qualities(session, admin, "movie") == ["Bluray-1080p"]

"""Adding, finding, changing and removing titles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mydia import events
from mydia.contexts import media
from mydia.contexts.metadata import EpisodeDetails, Ids
from mydia.contexts.users import SYSTEM
from mydia.errors import Forbidden, Invalid, NotFound
from mydia.vocabulary import Activity, MediaType
from tests import builders
from tests.contexts.media.conftest import film, series


def happened(database, kind):
    with database.reads() as session:
        return [event for event in events.feed(session, limit=200) if event.type == kind]


def test_a_film_and_a_series_may_have_the_same_tmdb_id(add, stocked, now):
    a, b = add(film()), add(series(now.date()))
    with stocked.reads() as session:
        assert {media.get_item(session, SYSTEM, a).tmdb_id, media.get_item(session, SYSTEM, b).tmdb_id} == {19}


def test_adding_a_film_twice_is_refused_and_names_the_existing_one(add):
    here = add(film())
    with pytest.raises(media.AlreadyHere, match="Metropolis \\(1927\\) is already in the library") as refused:
        add(film("Metropolis Restored"))
    assert refused.value.item_id == here


def test_a_guest_cannot_add(stocked, guest, now):
    with pytest.raises(Forbidden), stocked.writes() as session:
        media.add_item(
            session,
            guest,
            now,
            media.NewItem(type="movie", title="Metropolis", year=1927, ids=Ids(19), library_path_id=None),
            search_now=False,
        )


def test_a_failed_change_leaves_no_event(stocked, admin, now):
    with pytest.raises(Invalid), stocked.writes() as session:
        media.add_item(
            session,
            admin,
            now,
            media.NewItem(type="movie", title="  ", year=None, ids=Ids(5), library_path_id=None),
            search_now=False,
        )
    assert happened(stocked, "MediaAdded") == []


def test_adding_emits_what_was_added_and_by_whom(add, stocked):
    item_id = add(film(), search_now=True)
    (event,) = happened(stocked, "MediaAdded")
    assert (event.resource_id, event.actor_name, event.payload["search_now"]) == (item_id, "Robin", True)
    assert len(happened(stocked, "MediaReady")) == 1


def test_a_series_counts_aired_episodes(add, stocked, now):
    item_id = add(series(now.date()))
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.episodes_total, item.episodes_held, item.state) == (5, 0, "missing")
        assert [season.number for season in media.seasons_of(session, SYSTEM, item_id)] == [1, 2, 0]


def test_the_state_follows_from_the_holdings(add, stocked, now):
    item_id = add(series(now.date()))
    with stocked.reads() as session:
        ids = [ref.id for ref in media.episodes.episodes_of(session, SYSTEM, item_id) if ref.season_number == 1]
    with stocked.writes() as session:
        media.holdings.record_holdings(session, now, {item_id: builders.holdings(session, item_id, 2, 10, ids[:2])})
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).state == "partial"
    with stocked.writes() as session:
        media.holdings.record_activity(session, now, item_id, {None: Activity.DOWNLOADING})
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).state == "downloading"
    with stocked.writes() as session:
        media.holdings.record_activity(session, now, item_id, {})
        media.holdings.record_holdings(session, now, {item_id: media.holdings.Holdings()})
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.state, item.episodes_held, item.size_bytes) == ("missing", 0, 0)


def test_a_title_is_found_by_any_of_its_names(add, stocked, now):
    item_id = add(series(now.date()))
    with stocked.reads() as session:
        for name in ("the cartographers", "Cartographers", "Mapmakers", "Die Kartografen"):
            assert [item.id for item in media.find_by_title(session, "tv_show", name)] == [item_id], name
        assert media.find_by_title(session, "movie", "Mapmakers") == []
        assert media.find_by_ids(session, SYSTEM, "tv_show", Ids(tvdb_id=4711)).id == item_id


def test_a_refresh_keeps_choices_and_edits(add, stocked, admin, now):
    item_id = add(series(now.date()))
    with stocked.writes() as session:
        media.monitoring.change_monitoring(session, admin, now, item_id, False, season_number=1)
        media.change_item(session, admin, now, item_id, {"title": "Our Cartographers"})
    with stocked.writes() as session:
        item = media.get_item(session, SYSTEM, item_id)
        told = series(now.date(), title="The Cartographers!", overview="New words.")
        from mydia.contexts.media.details import apply_details

        apply_details(session, now, item, told, told.seasons)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.title, item.overview) == ("Our Cartographers", "New words.")
        assert {ref.monitored for ref in media.episodes.episodes_of(session, SYSTEM, item_id, season_number=1)} == {
            False
        }


def test_a_new_season_follows_the_choice_for_new_seasons(add, stocked, admin, now):
    item_id = add(series(now.date(), seasons=1))
    with stocked.writes() as session:
        media.change_item(session, admin, now, item_id, {"monitor_new_seasons": "none"})
    with stocked.writes() as session:
        from mydia.contexts.media.details import apply_details

        told = series(now.date(), seasons=2)
        apply_details(session, now, media.get_item(session, SYSTEM, item_id), told, told.seasons)
    with stocked.reads() as session:
        assert {ref.monitored for ref in media.episodes.episodes_of(session, SYSTEM, item_id, season_number=2)} == {
            False
        }
        assert {ref.monitored for ref in media.episodes.episodes_of(session, SYSTEM, item_id, season_number=1)} == {
            True
        }


def test_an_episode_removed_by_the_provider_stays_while_a_file_is_linked(add, stocked, now):
    told = series(now.date(), seasons=1)
    item_id = add(told)
    with stocked.reads() as session:
        known = media.episodes.episodes_by_number(session, SYSTEM, item_id)
    with stocked.writes() as session:
        media.holdings.record_holdings(
            session, now, {item_id: builders.holdings(session, item_id, 1, 1, [known[1, 2].id])}
        )
    from copy import replace

    from mydia.contexts.media.details import apply_details

    shorter = tuple(replace(s, episodes=s.episodes[:1]) for s in told.seasons)
    with stocked.writes() as session:
        apply_details(session, now, media.get_item(session, SYSTEM, item_id), told, shorter)
    with stocked.reads() as session:
        assert set(media.episodes.episodes_by_number(session, SYSTEM, item_id)) == {(0, 1), (1, 1), (1, 2)}


def test_an_episode_known_only_from_a_file_is_created_once(add, stocked, now):
    item_id = add(series(now.date(), seasons=1))
    with stocked.writes() as session:
        new = media.episodes.NewEpisode(season_number=7, episode_number=1, title="Pilot")
        first = media.episodes.ensure_episodes(session, now, item_id, [new, new])
        again = media.episodes.ensure_episodes(session, now, item_id, [new])
        held = media.episodes.episodes_of(session, SYSTEM, item_id, season_number=7)
    assert first == again == {(7, 1): held[0].id}
    assert [episode.title for episode in held] == ["Pilot"]


def test_unknown_values_are_refused_with_the_allowed_ones(add, stocked, admin, now):
    item_id = add(film())
    for changes in ({"minimum_availability": "soon"}, {"series_type": "anime"}, {"year": 99999}, {"colour": "red"}):
        with pytest.raises(Invalid), stocked.writes() as session:
            media.change_item(session, admin, now, item_id, changes)


def test_fix_match_keeps_choices_and_changes_numbers(add, stocked, admin, now):
    item_id = add(film())
    with stocked.writes() as session:
        media.monitoring.change_monitoring(session, admin, now, item_id, False)
    with stocked.writes() as session:
        media.change_ids(session, admin, now, item_id, film("Metropolis", 2001, tmdb_id=9606), ())
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.tmdb_id, item.year, item.monitored, item.match_locked) == (9606, 2001, False, True)


def test_removing_a_title_removes_its_rows_and_keeps_its_history(add, stocked, admin, now):
    item_id = add(series(now.date()))
    with stocked.writes() as session:
        media.remove_row(session, admin, now, item_id, files_deleted=0)
    with stocked.reads() as session:
        with pytest.raises(NotFound):
            media.get_item(session, SYSTEM, item_id)
        assert media.episodes.episodes_of(session, SYSTEM, item_id) == []
    assert happened(stocked, "MediaRemoved")[0].payload["title"] == "The Cartographers"


def test_the_calendar_and_wanted_agree(add, stocked, admin, now):
    today = now.date()
    add(series(today, seasons=1))
    with stocked.reads() as session:
        found, _ = media.calendar.page(session, admin, today, today - timedelta(days=30), today + timedelta(days=30))
        assert [(e.episode_number, e.state) for e in found if e.season_number == 1] == [
            (1, "miss"),
            (2, "miss"),
            (3, "soon"),
        ]
        wanted, more = media.wanted.wanted_episodes(session, admin, now, limit=1)
        assert ([w.code for w in wanted], media.wanted.wanted_counts(session, SYSTEM)["missing_episodes"]) == (
            ["S01E02"],
            2,
        )
        rest, _ = media.wanted.wanted_episodes(session, admin, now, cursor=more)
        assert [w.code for w in rest] == ["S01E01"]
        assert media.calendar.next_entry_on(session, admin, today) == today + timedelta(days=7)
        assert media.calendar.next_entry_on(session, admin, today, type=MediaType.MOVIE) is None


def test_titles_released_since_yesterday_change_their_state(add, stocked, now):
    item_id = add(film("Tomorrow", 2026, 77, digital_on=now.date() + timedelta(days=1)))
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).state == "upcoming"
    with stocked.writes() as session:
        due = media.holdings.due_to_roll(session, now + timedelta(days=1))
        assert media.holdings.roll_over(session, now + timedelta(days=1), due) == 1
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).state == "missing"


def test_seasons_without_a_date_do_not_fail(add, stocked, now):
    told = series(now.date(), seasons=1)
    from copy import replace

    undated = replace(
        told,
        seasons=(replace(told.seasons[1], episodes=(EpisodeDetails(season_number=1, episode_number=1, title=None),)),),
    )
    item_id = add(undated)
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).state == "upcoming"

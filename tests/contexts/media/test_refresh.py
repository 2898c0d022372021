"""Details are fetched through the embedded relay from a TMDB stand-in, and failures change nothing."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from mydia import config, events
from mydia.adapters.http import Http
from mydia.contexts import media, metadata
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound, Unavailable
from mydia.relay import RelayConfig, make_provider
from mydia.secret import Secret
from tests.fakes.outside import fake_outside
from tests.fakes.tmdb import KEY, Tmdb


@pytest.fixture
def online(tmp_path, now):
    """The TMDB stand-in, and an outside that queries it through the embedded relay."""
    with Tmdb(today=now.date()) as tmdb:
        relay_config = RelayConfig(
            tmdb_api_key=Secret(KEY), tmdb_url=tmdb.api_url, tmdb_image_url=tmdb.image_url, max_wait_s=0.2, timeout_s=2
        )
        provider, relay = make_provider(relay_config, Http())
        yield SimpleNamespace(
            tmdb=tmdb, outside=fake_outside(metadata=provider), config=config.load({"DATA_DIR": str(tmp_path)})
        )
        relay.close()


@pytest.fixture
def bare(stocked, admin, now):
    """A title that was added only by id."""

    def added(type_, title, tmdb_id):
        with stocked.writes() as session:
            return media.add_item(
                session,
                admin,
                now,
                media.NewItem(type=type_, title=title, year=None, ids=Ids(tmdb_id=tmdb_id), library_path_id=None),
                search_now=True,
            ).id

    return added


def test_a_new_series_gets_its_seasons_and_is_announced_once(stocked, online, bare, admin, now):
    item_id = bare("tv_show", "The Cartographers", 210101)
    media.refresh.refresh_item(stocked, online.outside, admin, now, item_id, search_now=True)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.title, item.year, item.tvdb_id) == ("The Cartographers", item.first_air_on.year, 410101)
        assert {season.number for season in item.seasons} >= {0, 1, 2, 3}
        assert len(media.episodes.episodes_of(session, SYSTEM, item_id, season_number=1)) == 8
        assert item.poster_id is not None
        ready = [e for e in events.feed(session) if e.type == "MediaReady"]
        assert [e.payload["search_now"] for e in ready] == [True]
    assert media.refresh.refresh_item(stocked, online.outside, admin, now, item_id) == "fresh"
    media.refresh.refresh_item(stocked, online.outside, admin, now, item_id, force=True)
    with stocked.reads() as session:
        assert len([e for e in events.feed(session, limit=200) if e.type == "MediaReady"]) == 1


@pytest.mark.parametrize("fault", ["error", "broken_json", "hangup", "wrong_types", "bad_key"])
def test_a_failing_provider_changes_nothing_and_is_retried_later(stocked, online, bare, admin, now, fault):
    item_id = bare("movie", "Metropolis", 19)
    online.tmdb.fail(fault)
    with pytest.raises(Unavailable):
        media.refresh.refresh_item(stocked, online.outside, admin, now, item_id)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.title, item.refreshed_at, item.next_refresh_at) == ("Metropolis", None, now + timedelta(hours=6))
        assert item.refresh_error


def test_an_id_the_catalogue_no_longer_has_keeps_the_details(stocked, online, bare, admin, now):
    item_id = bare("movie", "Lost Film", 999_999_9)
    assert media.refresh.refresh_item(stocked, online.outside, admin, now, item_id) == "no longer in the catalogue"
    with stocked.reads() as session:
        assert "are not updated" in media.get_item(session, SYSTEM, item_id).refresh_error


def test_searching_by_name_and_by_number(online):
    assert {c.year for c in metadata.search(online.outside, SYSTEM, "movie", "metropolis")} >= {1927, 2001}
    (only,) = metadata.search(online.outside, SYSTEM, "movie", "tmdb:19")
    assert (only.title, only.year) == ("Metropolis", 1927)
    (by_imdb,) = metadata.search(online.outside, SYSTEM, "movie", "tt0017136")
    assert by_imdb.ids.tmdb_id == 19
    assert metadata.search(online.outside, SYSTEM, "movie", "tmdb:9999999") == []
    with pytest.raises(NotFound):
        metadata.details(online.outside, SYSTEM, "movie", Ids(tmdb_id=9_999_999))


def test_without_any_provider_the_error_says_what_to_do(stocked, bare, admin, now, tmp_path):
    from mydia.adapters.metadata_providers import NoProvider

    outside = fake_outside(metadata=NoProvider())
    item_id = bare("movie", "Metropolis", 19)
    assert media.refresh.refresh_item(stocked, outside, admin, now, item_id) == "no provider"
    with pytest.raises(Unavailable, match="Set a TMDB key"):
        metadata.search(outside, SYSTEM, "movie", "metropolis")


def test_a_manual_refresh_bypasses_the_cache(stocked, online, bare, admin, now):
    item_id = bare("movie", "Metropolis", 19)
    media.refresh.refresh_item(stocked, online.outside, admin, now, item_id)
    asked = sum(online.tmdb.counts.values())
    later = now + timedelta(days=1)
    media.refresh.refresh_item(stocked, online.outside, admin, later, item_id)
    assert sum(online.tmdb.counts.values()) == asked
    media.refresh.refresh_item(stocked, online.outside, admin, later, item_id, force=True)
    assert sum(online.tmdb.counts.values()) == asked + 1

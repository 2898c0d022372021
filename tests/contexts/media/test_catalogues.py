"""TMDB or TheTVDB, chosen per library folder or per title, through the embedded relay and stand-ins of both."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mydia import config, events
from mydia.adapters.http import Http
from mydia.contexts import media, metadata, settings
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid
from mydia.relay import RelayConfig, make_provider
from mydia.secret import Secret
from tests import builders
from tests.builders import library_path
from tests.fakes import tmdb, tvdb
from tests.fakes.outside import fake_outside


@pytest.fixture
def both(tmp_path, now):
    """Both stand-ins behind one relay; `asked(tvdb_key=False)` returns a relay without TheTVDB."""
    http = Http()
    relays = []
    with tmdb.Tmdb(today=now.date()) as films, tvdb.Tvdb(today=now.date()) as shows:

        def asked(*, tmdb_key=True, tvdb_key=True):
            provider, relay = make_provider(
                RelayConfig(
                    tmdb_api_key=Secret(tmdb.KEY if tmdb_key else ""),
                    tvdb_api_key=Secret(tvdb.KEY if tvdb_key else ""),
                    tmdb_url=films.api_url,
                    tmdb_image_url=films.image_url,
                    tvdb_url=shows.api_url,
                    max_wait_s=0.5,
                ),
                http,
                public_relay=False,
            )
            relays.append(relay)
            return fake_outside(metadata=provider)

        yield SimpleNamespace(
            asked=asked, tmdb=films, tvdb=shows, config=config.load({"DATA_DIR": str(tmp_path / "data")})
        )
        for relay in relays:
            relay.close()
    http.close()


def _add(database, admin, now, outside, wish, ids, **choices):
    details, seasons = media.refresh.fetch(
        outside, SYSTEM, "tv_show", ids, language=wish.language, source=wish.source, region=wish.region
    )
    new = media.NewItem(
        type="tv_show",
        title=details.title,
        year=details.year,
        ids=details.ids,
        library_path_id=choices.pop("library_path_id", None),
        provider=details.provider,
        details=details,
        seasons=seasons,
        **choices,
    )
    with database.writes() as session:
        return media.add_item(session, admin, now, new, search_now=False).id


def test_a_folder_that_uses_thetvdb_gets_its_seasons_episodes_and_absolute_numbers(stocked, both, admin, now, tmp_path):
    with stocked.writes() as session:
        folder = library_path(session, tmp_path / "tv", "series", provider="tvdb", language="de-DE").id
    with stocked.reads() as session:
        wish = media.refresh.asking(session, SYSTEM, folder)
    assert (wish.source, wish.language) == ("tvdb", "de-DE")
    # Found at TMDB, and known here only by its TMDB id.
    item_id = _add(stocked, admin, now, both.asked(), wish, Ids(tmdb_id=210101), library_path_id=folder)
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.title, item.provider, item.metadata_json["provider"]) == ("Die Kartografen", "tvdb", "tvdb")
        assert (item.tmdb_id, item.tvdb_id, item.imdb_id) == (210101, 410101, "tt9910101")
        assert [season.number for season in item.seasons] == [0, 1, 2, 3]
        episodes = media.episodes.episodes_of(session, SYSTEM, item_id, season_number=1)
        assert len(episodes) == 8
        assert all(episode.air_on for episode in episodes)


def test_absolute_numbers_come_from_thetvdb(stocked, both, admin, now):
    numbered = next(show for show in both.tvdb.series if any(episode.absolute for episode in show.episodes))
    outside = both.asked()
    with stocked.reads() as session:
        wish = media.refresh.asking(session, SYSTEM, None)
    by_tmdb = media.refresh.fetch(outside, SYSTEM, "tv_show", Ids(tmdb_id=numbered.id), language=wish.language)[1]
    assert {episode.absolute_number for season in by_tmdb for episode in season.episodes or ()} == {None}
    item_id = _add(stocked, admin, now, outside, wish, Ids(tmdb_id=numbered.id))
    with stocked.writes() as session:
        media.change_item(session, admin, now, item_id, {"provider": "tvdb"})
        asked_for = [e for e in events.feed(session) if e.type == "RefreshRequested"]
        assert len(asked_for) == 1
    media.refresh.refresh_item(stocked, outside, admin, now, item_id, force=True)
    with stocked.reads() as session:
        told = {
            (row.season_number, row.episode_number): row.absolute_number
            for row in media.episodes.episodes_of(session, SYSTEM, item_id)
        }
    assert told == {(e.season, e.number): e.absolute for e in numbered.episodes}


def test_changing_the_catalogue_drops_episodes_it_does_not_have_unless_held(stocked, both, admin, now):
    outside = both.asked()
    with stocked.reads() as session:
        wish = media.refresh.asking(session, SYSTEM, None)
    item_id = _add(stocked, admin, now, outside, wish, Ids(tmdb_id=210101))
    with stocked.writes() as session:
        new = [media.episodes.NewEpisode(season_number=3, episode_number=number) for number in (90, 91)]
        held = media.episodes.ensure_episodes(session, now, item_id, new)[3, 90]
        media.holdings.record_holdings(session, now, {item_id: builders.holdings(session, item_id, 1, 10, [held])})
        media.change_item(session, admin, now, item_id, {"provider": "tvdb"})
    media.refresh.refresh_item(stocked, outside, admin, now, item_id, force=True)
    with stocked.reads() as session:
        numbers = {
            (row.season_number, row.episode_number) for row in media.episodes.episodes_of(session, SYSTEM, item_id)
        }
    assert (3, 90) in numbers
    assert (3, 91) not in numbers


def test_a_missing_key_does_not_renumber_a_series(stocked, both, admin, now):
    with stocked.reads() as session:
        wish = media.refresh.Asking("tvdb", "en-US", None)
    item_id = _add(stocked, admin, now, both.asked(), wish, Ids(tmdb_id=210101))
    without = both.asked(tvdb_key=False)
    said = media.refresh.refresh_item(stocked, without, admin, now, item_id, force=True)
    assert said == "its catalogue is not configured"
    with stocked.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert (item.metadata_json["provider"], len(item.seasons)) == ("tvdb", 4)
        assert "TheTVDB, which has no key" in item.refresh_error
        trouble = media.refresh.refresh_trouble(session, SYSTEM)
        assert trouble is not None
        assert (trouble.titles, media.refresh.uses_tvdb(session, SYSTEM)) == (1, True)


def test_thetvdb_alone_is_sufficient(stocked, both, admin, now):
    outside = both.asked(tmdb_key=False)
    assert metadata.sources(outside) == {"tvdb"}
    (found,) = metadata.search(outside, SYSTEM, "tv_show", "cartographers", source="tvdb")
    item_id = _add(stocked, admin, now, outside, media.refresh.Asking("tmdb", "en-US", None), found.ids)
    with stocked.reads() as session:
        assert media.get_item(session, SYSTEM, item_id).metadata_json["provider"] == "tvdb"


def test_a_provider_that_does_not_exist_is_refused(stocked, both, admin, now):
    item_id = _add(stocked, admin, now, both.asked(), media.refresh.Asking("tmdb", "en-US", None), Ids(tmdb_id=210101))
    with stocked.writes() as session, pytest.raises(Invalid, match="tmdb, tvdb, none"):
        media.change_item(session, admin, now, item_id, {"provider": "omdb"})


def test_the_region_of_dates_and_ratings_follows_the_language_unless_set(stocked, both, admin, now):
    with stocked.writes() as session:
        settings.change_values(session, admin, now, {"metadata.region": "AT"})
        assert media.refresh.asking(session, SYSTEM, None).region == "AT"
        settings.change_values(session, admin, now, {"metadata.region": ""})
        assert media.refresh.asking(session, SYSTEM, None).region is None


def test_everything_shown_about_a_film_is_kept(stocked, both, admin, now):
    outside = both.asked()
    details = metadata.details(outside, SYSTEM, "movie", Ids(tmdb_id=653))
    new = media.NewItem(
        type="movie", title=details.title, year=details.year, ids=details.ids, library_path_id=None, details=details
    )
    with stocked.writes() as session:
        item = media.add_item(session, admin, now, new, search_now=False)
        kinds = {(title.title, title.kind) for title in media.titles_of(session, SYSTEM, item.id)}
        assert ("Nosferatu: A Symphony of Horror", "alternative") in kinds
        assert item.metadata_json["recommendations"]
    show_id = _add(stocked, admin, now, outside, media.refresh.Asking("tmdb", "en-US", None), Ids(tmdb_id=210101))
    with stocked.reads() as session:
        names = {(title.title, title.kind, title.language) for title in media.titles_of(session, SYSTEM, show_id)}
        assert ("Die Kartografen", "translation", "de") in names
    sintel = metadata.details(outside, SYSTEM, "movie", Ids(tmdb_id=45745))
    assert [(video.kind, video.url) for video in sintel.videos] == [
        ("trailer", "https://www.youtube.com/watch?v=eRsGyueVLvQ")
    ]
    assert sintel.certifications == (("US", "PG"),)
    assert sintel.posters[0].path == sintel.poster_path

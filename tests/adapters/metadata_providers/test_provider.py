"""The contract of metadata providers: the embedded relay and a remote one, with TMDB and TheTVDB behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mydia import writing
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import HttpFetch, Ids, MetadataProvider, NoProvider, RelayProvider
from mydia.errors import NotFound
from mydia.relay import EmbeddedFetch, Relay, RelayConfig, make_provider
from mydia.secret import Secret
from tests.fakes import tmdb as tmdb_stand_in
from tests.fakes import tvdb as tvdb_stand_in
from tests.fakes.stand_in import Answer, Asked, StandIn
from tests.fakes.tmdb import Tmdb
from tests.fakes.tvdb import Tvdb


class RelayElsewhere(StandIn):
    """A real relay on a plain server."""

    def __init__(self, relay: Relay) -> None:
        super().__init__()
        self._relay = relay

    def answer(self, asked: Asked) -> Answer:
        found = self._relay.get(asked.path, asked.query)
        headers = {"Retry-After": str(found.retry_after_s)} if found.retry_after_s else {}
        return Answer(found.status, found.body, headers, found.content_type)

    def error_body(self, kind: str) -> Answer:
        return Answer.of({"error": kind, "message": "no"}, {"limited": 429, "bad_key": 401}.get(kind, 500))


@pytest.fixture
def tmdb() -> Iterator[Tmdb]:
    with Tmdb() as server:
        yield server


@pytest.fixture
def tvdb() -> Iterator[Tvdb]:
    with Tvdb() as server:
        yield server


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


@pytest.fixture
def config(tmdb: Tmdb, tvdb: Tvdb) -> RelayConfig:
    return RelayConfig(
        tmdb_api_key=Secret(tmdb_stand_in.KEY),
        tvdb_api_key=Secret(tvdb_stand_in.KEY),
        tmdb_url=tmdb.api_url,
        tmdb_image_url=tmdb.image_url,
        tvdb_url=tvdb.api_url,
        max_wait_s=0.05,
    )


@pytest.fixture
def relay(config: RelayConfig, http: Http) -> Iterator[Relay]:
    made = Relay(config, http=http)
    yield made
    made.close()


@pytest.fixture(params=["embedded", "by address"])
def provider(request: pytest.FixtureRequest, relay: Relay, http: Http) -> Iterator[RelayProvider]:
    if request.param == "embedded":
        yield RelayProvider(EmbeddedFetch(relay))
        return
    with RelayElsewhere(relay) as server:
        yield RelayProvider(HttpFetch(http, server.url))


def test_a_film_is_found_by_title(provider: RelayProvider) -> None:
    hits = provider.search("movie", "haxan")
    assert [(hit.title, hit.year, hit.ids.tmdb_id) for hit in hits] == [("Häxan", 1922, 57283)]
    assert hits[0].provider == "tmdb"


def test_a_year_distinguishes_two_films_with_the_same_name(provider: RelayProvider) -> None:
    assert len(provider.search("movie", "metropolis")) == 2
    assert [hit.ids.tmdb_id for hit in provider.search("movie", "metropolis", year=2001)] == [9606]
    assert provider.search("movie", "metropolis", year=1980) == []


def test_titles_come_in_the_requested_language(provider: RelayProvider) -> None:
    assert provider.search("tv_show", "cartographers", language="de-DE")[0].title == "Die Kartografen"
    assert provider.search("tv_show", "cartographers", language="de-DE", source="tvdb")[0].title == "Die Kartografen"


def test_nothing_found_is_an_empty_list(provider: RelayProvider) -> None:
    assert provider.search("movie", "no such film at all") == []
    assert provider.find(None, imdb_id="tt0000001") == []
    assert provider.find(None) == []


def test_a_film_is_returned_with_all_its_details(provider: RelayProvider) -> None:
    film = provider.details("movie", Ids(tmdb_id=19))
    assert (film.title, film.year, film.status, film.runtime_min) == ("Metropolis", 1927, "released", 153)
    assert film.ids == Ids(19, None, "tt0017136")
    assert (film.certification, film.genres, film.networks) == ("NR", ("Drama", "Science Fiction"), ("UFA",))
    assert film.keywords == ("dystopia", "robot", "silent film")
    assert film.credits[0].name == "Brigitte Helm"
    assert film.credits[0].role == "Maria"
    assert any(one.role == "Director" and one.name == "Fritz Lang" for one in film.credits)
    assert {other.title for other in film.recommendations} >= {"Metropolis", "The Kid"}
    assert film.recommendations[0].type == "movie"
    assert film.logo_path
    assert film.backdrop_path


def test_a_film_of_a_collection_with_a_trailer_and_release_dates(provider: RelayProvider) -> None:
    film = provider.details("movie", Ids(tmdb_id=45745))
    assert (film.collection_id, film.collection_name) == (1100, "Blender Open Movies")
    assert film.trailer_url == "https://www.youtube.com/watch?v=eRsGyueVLvQ"
    assert film.cinema_on is not None
    assert film.digital_on is not None
    assert (film.cinema_on.isoformat(), film.digital_on.isoformat()) == ("2010-09-27", "2010-09-30")


def test_other_titles_come_with_a_film(provider: RelayProvider) -> None:
    titles = {(one.title, one.kind) for one in provider.details("movie", Ids(tmdb_id=653)).titles}
    assert ("Nosferatu, eine Symphonie des Grauens", "original") in titles
    assert ("Nosferatu: A Symphony of Horror", "alternative") in titles
    assert ("Nosferatu – Eine Symphonie des Grauens", "translation") in titles


def test_an_overview_without_translation_comes_in_english(provider: RelayProvider) -> None:
    film = provider.details("movie", Ids(tmdb_id=961), language="de-DE")
    assert film.overview == "An engineer loses his train and his sweetheart on the same day, and goes after both."
    assert (
        provider.details("movie", Ids(tmdb_id=775), language="de-DE").overview
        == "Astronomen schießen sich auf den Mond."
    )


@pytest.mark.parametrize("source", ["tmdb", "tvdb"])
def test_a_series_with_its_seasons(provider: RelayProvider, tmdb: Tmdb, source: str) -> None:
    ids = Ids(tmdb_id=210101, tvdb_id=410101)
    show = provider.details("tv_show", ids, source=source)
    assert (show.title, show.status, show.year) == ("The Cartographers", "continuing", 2022)
    assert show.ids == Ids(210101, 410101, "tt9910101")
    assert [season.number for season in show.seasons] == [0, 1, 2, 3]
    assert show.networks == ("Meridian",)
    season = provider.season(ids, 3, source=source)
    assert season.episodes is not None
    assert len(season.episodes) == 8
    sixth = season.episodes[5]
    assert (sixth.title, sixth.air_on, sixth.runtime_min) == ("Contour Interval", tmdb.today - timedelta(days=1), 52)
    assert season.episodes[-1].finale == "season"


@pytest.mark.parametrize("source", ["tmdb", "tvdb"])
def test_specials_are_season_zero(provider: RelayProvider, source: str) -> None:
    season = provider.season(Ids(tmdb_id=210101, tvdb_id=410101), 0, source=source)
    assert season.number == 0
    assert season.title == "Specials"
    assert season.episodes is not None
    assert [episode.title for episode in season.episodes] == ["The Making of a Map", "Behind the Compass Rose"]


@pytest.mark.parametrize("source", ["tmdb", "tvdb"])
def test_an_unknown_title(provider: RelayProvider, source: str) -> None:
    with pytest.raises(NotFound):
        provider.details("tv_show", Ids(tmdb_id=4_000_000, tvdb_id=4_000_000), source=source)
    with pytest.raises(NotFound):
        provider.season(Ids(tmdb_id=653, tvdb_id=410104), 9, source=source)
    with pytest.raises(NotFound):
        provider.details("movie", Ids())


def test_a_film_and_a_series_may_have_the_same_id(provider: RelayProvider) -> None:
    assert provider.details("movie", Ids(tmdb_id=653)).title == "Nosferatu"
    assert provider.details("tv_show", Ids(tmdb_id=653)).title == "Quiet Orbit"


def test_another_catalogues_id_is_sufficient(provider: RelayProvider) -> None:
    assert provider.details("tv_show", Ids(tvdb_id=410102)).title == "Harbour Lights"
    assert provider.details("movie", Ids(imdb_id="tt0017136")).ids.tmdb_id == 19
    hit = provider.find("tv_show", tvdb_id=172381)[0]
    assert (hit.title, hit.ids) == ("Pioneer One", Ids(32340, 172381, None))
    assert provider.find("movie", imdb_id="tt1548743") == []
    assert provider.season(Ids(tvdb_id=172381), 1).episode_count == 6


def test_anime_and_daily_shows_are_recognised(provider: RelayProvider) -> None:
    assert provider.details("tv_show", Ids(tmdb_id=210106)).series_type == "anime"
    assert provider.details("tv_show", Ids(tmdb_id=210107)).series_type == "daily"
    assert provider.details("tv_show", Ids(tmdb_id=210101)).series_type is None


def test_absolute_numbers_come_from_tvdb(provider: RelayProvider) -> None:
    season = provider.season(Ids(tvdb_id=410106), 2, source="tvdb")
    assert season.episodes is not None
    assert [episode.absolute_number for episode in season.episodes][:2] == [13, 14]


def test_films_come_from_tvdb_too(provider: RelayProvider) -> None:
    film = provider.details("movie", Ids(tvdb_id=5019), source="tvdb")
    assert (film.title, film.year, film.runtime_min, film.status) == ("Metropolis", 1927, 153, "released")
    assert film.ids == Ids(19, 5019, "tt0017136")
    assert film.poster_path == "https://artworks.thetvdb.com/banners/v4/movie/5019/posters/1.jpg"


def test_trending_titles(provider: RelayProvider) -> None:
    assert provider.trending("tv_show")[0].title == "The Cartographers"
    assert provider.trending("movie")[0].title == "Metropolis"


def test_pictures(provider: RelayProvider) -> None:
    poster = provider.details("movie", Ids(tmdb_id=19)).poster_path
    assert poster is not None
    content, kind = provider.image(poster, "w342")
    assert (kind, content[:2]) == ("image/jpeg", b"\xff\xd8")
    with pytest.raises(NotFound):
        provider.image("/gone.jpg", "w342")


def test_a_check_reports_whether_the_source_answers(provider: RelayProvider, tmdb: Tmdb) -> None:
    provider.check()
    tmdb.fail("error")
    with pytest.raises(AdapterError):
        RelayProvider(_failing(Unreachable)).check()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("error", Unreachable),
        ("hangup", Unreachable),
        ("broken_json", Unreachable),
        ("wrong_types", Unreachable),
        ("limited", Limited),
        ("bad_key", Refused),
    ],
)
def test_failures_raise_by_cause_and_never_look_like_no_results(
    provider: RelayProvider, tmdb: Tmdb, fault: str, error: type[AdapterError]
) -> None:
    tmdb.fail(fault, retry_after_s=30)
    with pytest.raises(error):
        provider.search("movie", "metropolis")
    with pytest.raises(AdapterError):
        provider.find("movie", imdb_id="tt0017136")


def test_no_request_is_allowed_inside_a_write(relay: Relay) -> None:
    provider = RelayProvider(EmbeddedFetch(relay))
    provider.details("movie", Ids(tmdb_id=19))
    writing.begin()
    try:
        with pytest.raises(RuntimeError):
            provider.details("movie", Ids(tmdb_id=19))
    finally:
        writing.end()


# Choosing the source


def test_the_first_configured_source_is_used(http: Http, config: RelayConfig) -> None:
    url, nobody = make_provider(config, http, relay_url="https://relay.example.org")
    assert (url.name, nobody) == ("relay", None)
    embedded, relay = make_provider(config, http)
    assert embedded.name == "embedded relay"
    assert embedded.available
    assert relay is not None
    relay.close()
    public, _ = make_provider(RelayConfig(), http)
    assert public.name == "public relay"
    for none in (make_provider(RelayConfig(), http, public_relay=False), make_provider(config, http, relay_url="off")):
        assert not none[0].available


def test_without_a_source_every_lookup_is_refused() -> None:
    provider: MetadataProvider = NoProvider()
    questions: list[Callable[[], Any]] = [
        lambda: provider.search("movie", "x"),
        lambda: provider.find(None, imdb_id="tt1"),
        lambda: provider.details("movie", Ids(tmdb_id=1)),
        lambda: provider.season(Ids(tmdb_id=1), 1),
        lambda: provider.trending("movie"),
        lambda: provider.image("/x.jpg", "w342"),
    ]
    for question in questions:
        with pytest.raises(Refused):
            question()


def test_with_only_tvdb_configured_it_is_always_used(config: RelayConfig, http: Http, tvdb: Tvdb) -> None:
    from copy import replace

    relay = Relay(replace(config, tmdb_api_key=Secret("")), http=http)
    provider = RelayProvider(EmbeddedFetch(relay))
    provider.check()
    assert provider.search("tv_show", "harbour lights")[0].ids.tvdb_id == 410102
    assert provider.find(None, imdb_id="tt9910102")[0].title == "Harbour Lights"
    assert provider.find("tv_show", tvdb_id=410102)[0].title == "Harbour Lights"
    relay.close()


def test_an_old_relay_gives_tvdb_seasons_by_their_own_number(relay: Relay) -> None:
    inner = EmbeddedFetch(relay)

    class FirstEra:
        sources = inner.sources

        def __call__(self, path: str, params: Any, *, fresh: bool = False) -> tuple[int, Any]:
            if "/episodes/official/" in path or path.startswith("/tmdb/find"):
                return 404, None
            return inner(path, params, fresh=fresh)

        def image(self, path: str, size: str) -> tuple[bytes, str]:
            return inner.image(path, size)

    provider = RelayProvider(FirstEra())
    season = provider.season(Ids(tvdb_id=410104), 2, source="tvdb")
    assert season.episodes is not None
    assert season.episodes[0].title == "Second Burn"
    assert provider.find(None, imdb_id="tt0017136") == []


# Other response formats


class _Told:
    sources = frozenset({"tmdb", "tvdb"})

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __call__(self, path: str, params: Any, *, fresh: bool = False) -> tuple[int, Any]:
        if isinstance(self._answer, type):
            raise self._answer("Metadata", "no")
        return 200, self._answer

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        raise Unreachable("Metadata", "no")


def _failing(error: type[AdapterError]) -> _Told:
    return _Told(error)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"id": "x"},
        {"id": 3},
        {"results": 4},
        {"id": True, "title": "x"},
        7,
        "x",
        {"episodes": {}},
        {"data": []},
        {"data": {"id": 3}},
        {"data": {"id": 1, "name": "without a status"}},
        {"data": {"id": 2, "name": "another title", "status": {"id": 1}}},
        {"data": {"id": 1, "name": "\u200b", "status": {"id": 1}}},
        {"id": 1, "title": "without genres"},
        {"id": 2, "title": "another title", "genres": []},
        {"id": 1, "title": "\u2060", "genres": []},
    ],
)
def test_a_response_of_another_shape_is_rejected(answer: Any) -> None:
    provider = RelayProvider(_Told(answer))
    for source in ("tmdb", "tvdb"):
        with pytest.raises((Nonsense, NotFound)):
            provider.details("movie", Ids(1, 1), source=source)
        with pytest.raises((Nonsense, NotFound)):
            provider.season(Ids(1, 1), 1, source=source)


def test_one_malformed_field_does_not_lose_a_title() -> None:
    odd = {
        "id": 7, "title": "X", "release_date": "soon", "runtime": "long", "genres": [3, {"name": 4}, {"name": "Drama"}], "vote_average": None,
        "credits": {"cast": [{"name": None}, {"name": "A", "order": "first"}], "crew": 3}, "images": [], "keywords": None,
        "release_dates": {"results": [{"iso_3166_1": "US", "release_dates": [{"type": 4, "release_date": "x"}]}]},
        "belongs_to_collection": "none", "videos": {"results": [{"site": "YouTube", "type": "Trailer"}]},
    }  # fmt: skip
    film = RelayProvider(_Told(odd)).details("movie", Ids(tmdb_id=7))
    assert (film.title, film.genres, film.year, film.runtime_min, film.trailer_url) == (
        "X",
        ("Drama",),
        None,
        None,
        None,
    )
    assert [one.name for one in film.credits] == ["A"]


SAMPLES = Path(__file__).parents[4] / "shared" / "corpora" / "provider-samples"
samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the recorded samples of the providers are not beside the checkout"
)


def _sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


@samples
def test_a_recorded_film_of_tmdb_is_read() -> None:
    film = _sample("tmdb/movie-details.json") | {
        "credits": _sample("tmdb/movie-credits.json"),
        "alternative_titles": _sample("tmdb/movie-alternative-titles.json"),
        "release_dates": _sample("tmdb/movie-release-dates.json"),
        "images": _sample("tmdb/movie-images.json"),
        "recommendations": _sample("tmdb/movie-recommendations.json"),
        "external_ids": _sample("tmdb/movie-external-ids.json"),
    }
    read = RelayProvider(_Told(film)).details("movie", Ids(tmdb_id=550))
    assert (read.title, read.year, read.runtime_min, read.ids.imdb_id) == ("Fight Club", 1999, 139, "tt0137523")
    assert read.credits[0].role == "Narrator"
    assert read.certification == "R"
    assert "Borilački klub" in {one.title for one in read.titles}


@samples
def test_a_recorded_series_of_tmdb_is_read() -> None:
    show = _sample("tmdb/tv-details.json") | {"content_ratings": _sample("tmdb/tv-content-ratings.json")}
    read = RelayProvider(_Told(show)).details("tv_show", Ids(tmdb_id=1399))
    assert (read.title, read.status, read.year, read.runtime_min) == ("Game of Thrones", "ended", 2011, 80)
    assert [season.number for season in read.seasons] == list(range(9))
    season = RelayProvider(_Told(_sample("tmdb/tv-season-details.json"))).season(Ids(tmdb_id=1399), 1)
    assert season.episodes is not None
    assert season.episodes[0].title == "Winter Is Coming"


@samples
def test_recorded_searches_of_tmdb_are_read() -> None:
    assert RelayProvider(_Told(_sample("tmdb/search-movie.json"))).search("movie", "x")[0].title == "RRRrrrr!!!"
    assert RelayProvider(_Told(_sample("tmdb/search-tv.json"))).search("tv_show", "x")[0].ids.tmdb_id == 1399


@samples
def test_a_recorded_series_of_tvdb_is_read() -> None:
    read = RelayProvider(_Told(_sample("tvdb/series_421069.json"))).details(
        "tv_show", Ids(tvdb_id=421069), source="tvdb"
    )
    assert (read.title, read.original_language, read.status, read.year) == ("【推しの子】", "ja", "continuing", 2023)
    assert "My Star" in {one.title for one in read.titles}

"""The contract of Plex's custom metadata providers, over the stand-ins of TMDB and of the third source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import replace
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import NoProvider
from mydia.relay import RelayConfig, make_provider
from mydia.secret import Secret
from mydia.web import plex
from mydia.web.app import WebApp, create_app
from mydia.web.plex.cache import TTL_S
from mydia.web.plex.keys import RatingKey, read_foreign_guid, read_guid
from mydia.web.plex.routes import make_service
from tests.fakes import tpdb
from tests.fakes.outside import fake_outside
from tests.fakes.tmdb import KEY, Tmdb
from tests.web.conftest import make_deps

MOVIE, TV = "tv.plex.agents.custom.mydia.movie", "tv.plex.agents.custom.mydia.tv"
SHOW = "tmdb-show-210101"
type Start = Callable[..., TestClient[WebApp]]


class ByHand:
    """A clock that only moves when a test waits or sets it."""

    def __init__(self) -> None:
        self.at_s = 1_800_000_000.0
        self.waited_s: list[float] = []

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s

    def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)
        self.at_s += seconds


@pytest.fixture
def times() -> ByHand:
    return ByHand()


@pytest.fixture
def tmdb() -> Iterator[Tmdb]:
    with Tmdb() as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, tmdb: Tmdb, times: ByHand) -> Iterator[Start]:
    """Start the provider; arguments are environment variables."""
    with ExitStack() as stack:
        http = Http()
        stack.callback(http.close)

        def started(*, without_provider: bool = False, **environ: str) -> TestClient[WebApp]:
            config = RelayConfig(
                tmdb_api_key=Secret(KEY), tmdb_url=tmdb.api_url, tmdb_image_url=tmdb.image_url, max_wait_s=0.1
            )
            provider, relay = make_provider(config, http)
            if relay is not None:
                stack.callback(relay.close)
            outside = replace(fake_outside(metadata=NoProvider() if without_provider else provider), http=http)
            made = make_deps(tmp_path, **{"PLEX_PROVIDER_ENABLED": "true"} | environ)
            stack.callback(made.database.close)
            stack.callback(made.taskboard.close)
            app = create_app(
                replace(made, outside=outside),
                routes=plex.ROUTES,
                live=(),
                shell=lambda *_: None,  # type: ignore[arg-type]  # no page is shown here
                finders=(),
                checks=(),
                metrics=(),
            )
            app.state.plex, cache = make_service(app.state.deps, times)
            app.state.closing.append(cache.close)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield started


@pytest.fixture
def client(start: Start) -> TestClient[WebApp]:
    return start()


def _container(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["MediaContainer"]
    return found


def _items(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _container(answer)["Metadata"]
    return found


def _match(client: TestClient[WebApp], provider: str, **body: Any) -> list[dict[str, Any]]:
    return _items(client.post(f"/plex/{provider}/library/metadata/matches", json=body))


# Definition


def test_the_provider_description_lists_kinds_and_addresses(client: TestClient[WebApp]) -> None:
    told = client.get("/plex/tv").json()["MediaProvider"]
    assert told["identifier"] == TV
    assert [kind["type"] for kind in told["Types"]] == [2, 3, 4]
    assert {scheme["scheme"] for kind in told["Types"] for scheme in kind["Scheme"]} == {TV}
    # Relative to the provider's address, which Plex adds in front.
    assert told["Feature"] == [
        {"type": "metadata", "key": "/library/metadata"},
        {"type": "match", "key": "/library/metadata/matches"},
    ]
    film = client.get("/plex/movie").json()["MediaProvider"]
    assert (film["identifier"], [kind["type"] for kind in film["Types"]]) == (MOVIE, [1])


# Metadata


def test_a_film_is_returned_with_all_its_details(client: TestClient[WebApp], tmdb: Tmdb) -> None:
    answer = client.get("/plex/movie/library/metadata/tmdb-movie-45745")
    told = _container(answer)
    assert (told["offset"], told["totalSize"], told["size"], told["identifier"]) == (0, 1, 1, MOVIE)
    (film,) = told["Metadata"]
    assert film["ratingKey"] == "tmdb-movie-45745"
    assert film["key"] == "/library/metadata/tmdb-movie-45745"
    assert film["guid"] == f"{MOVIE}://movie/tmdb-movie-45745"
    assert (film["type"], film["title"], film["year"]) == ("movie", "Sintel", 2010)
    assert (film["originallyAvailableAt"], film["duration"]) == ("2010-09-27", 15 * 60_000)
    assert (film["contentRating"], film["studio"]) == ("PG", "Blender Foundation")
    assert {"id": "tmdb://45745"} in film["Guid"]
    assert {"id": "imdb://tt1727587"} in film["Guid"]
    assert {"tag": "Fantasy"} in film["Genre"]
    assert (film["Director"][0]["tag"], film["Director"][0]["order"]) == ("Colin Levy", 1)
    assert film["Role"][0]["tag"] == "Halina Reijn"
    assert film["Role"][0]["role"] == "Sintel"
    assert film["Rating"] == [{"image": "themoviedb://image.rating", "type": "audience", "value": 7.2}]
    assert film["thumb"].startswith("https://image.tmdb.org/t/p/original/")
    assert {image["type"] for image in film["Image"]} == {"coverPoster", "background", "clearLogo"}
    assert all(similar["guid"].startswith(f"{MOVIE}://movie/tmdb-movie-") for similar in film["Similar"])


def test_shows_seasons_and_episodes_refer_to_each_other(client: TestClient[WebApp]) -> None:
    (show,) = _items(client.get(f"/plex/tv/library/metadata/{SHOW}"))
    assert (show["type"], show["key"]) == ("show", f"/library/metadata/{SHOW}/children")
    assert show["Network"] == [{"tag": "Meridian"}]
    assert "Children" not in show
    seasons = _items(client.get(f"/plex/tv/library/metadata/{SHOW}/children"))
    assert [season["index"] for season in seasons] == [0, 1, 2, 3]
    first = seasons[1]
    assert (first["ratingKey"], first["guid"]) == ("tmdb-season-210101-1", f"{TV}://season/tmdb-season-210101-1")
    assert (first["parentRatingKey"], first["parentKey"]) == (SHOW, f"/library/metadata/{SHOW}")
    assert (first["parentGuid"], first["parentType"], first["parentTitle"]) == (show["guid"], "show", show["title"])
    episodes = _items(client.get(f"/plex/tv/library/metadata/{first['ratingKey']}/children"))
    assert [episode["index"] for episode in episodes] == list(range(1, 9))
    one = episodes[0]
    assert (one["ratingKey"], one["key"]) == ("tmdb-episode-210101-1-1", "/library/metadata/tmdb-episode-210101-1-1")
    assert (one["parentRatingKey"], one["parentIndex"], one["parentType"]) == (first["ratingKey"], 1, "season")
    assert (one["grandparentRatingKey"], one["grandparentType"], one["grandparentTitle"]) == (
        SHOW,
        "show",
        show["title"],
    )
    assert one["originallyAvailableAt"]
    (alone,) = _items(client.get(f"/plex/tv/library/metadata/{one['ratingKey']}"))
    assert alone == one


def test_children_are_included_on_request(client: TestClient[WebApp]) -> None:
    (show,) = _items(client.get(f"/plex/tv/library/metadata/{SHOW}", params={"includeChildren": "1"}))
    assert show["Children"]["size"] == len(show["Children"]["Metadata"]) == 4
    (season,) = _items(client.get("/plex/tv/library/metadata/tmdb-season-210101-1", params={"includeChildren": "1"}))
    assert season["Children"]["size"] == 8
    (plain,) = _items(client.get("/plex/tv/library/metadata/tmdb-season-210101-1"))
    assert "Children" not in plain


def test_an_unknown_order_of_episodes_is_empty(client: TestClient[WebApp]) -> None:
    asked = {"episodeOrder": "tvdbDvd"}
    assert _container(client.get(f"/plex/tv/library/metadata/{SHOW}/children", params=asked))["totalSize"] == 0


def test_images_of_every_kind(client: TestClient[WebApp]) -> None:
    told = _container(client.get("/plex/movie/library/metadata/tmdb-movie-45745/images"))
    assert "Metadata" not in told
    assert told["size"] == told["totalSize"] == len(told["Image"])
    assert {image["type"] for image in told["Image"]} == {"coverPoster", "background", "clearLogo"}
    assert all(image["url"].startswith("https://") for image in told["Image"])
    assert _container(client.get("/plex/tv/library/metadata/tmdb-episode-210101-1-1/images"))["identifier"] == TV


def test_grandchildren_are_paged(client: TestClient[WebApp]) -> None:
    def page(**asked: str) -> dict[str, Any]:
        return _container(client.get(f"/plex/tv/library/metadata/{SHOW}/grandchildren", headers=asked))

    first = page()
    assert (first["offset"], first["size"]) == (0, 20)
    total = first["totalSize"]
    assert total > 20
    everything = page(**{"X-Plex-Container-Size": "500"})["Metadata"]
    assert len(everything) == total
    for starts in (
        (1, 8, 15),
        (0, 7, 14),
    ):  # from one, as Plex's documents say, and from zero, as its server does elsewhere
        shown: list[dict[str, Any]] = []
        for start in starts:
            shown += page(**{"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": "7"})["Metadata"]
        assert shown == everything[:21]
    by_query = client.get(
        f"/plex/tv/library/metadata/{SHOW}/grandchildren?X-Plex-Container-Start=1&X-Plex-Container-Size=2"
    )
    assert _items(by_query) == everything[:2]
    assert page(**{"X-Plex-Container-Start": "5001"})["Metadata"] == []


def test_language_and_country_are_read_from_headers_or_parameters(client: TestClient[WebApp]) -> None:
    path = f"/plex/tv/library/metadata/{SHOW}"
    (by_header,) = _items(client.get(path, headers={"X-Plex-Language": "de-DE"}))
    (by_query,) = _items(client.get(path, params={"X-Plex-Language": "de"}))
    (plain,) = _items(client.get(path, headers={"X-Plex-Language": "!!"}))
    assert (by_header["title"], by_query["title"], plain["title"]) == (
        "Die Kartografen",
        "Die Kartografen",
        "The Cartographers",
    )


# Errors


@pytest.mark.parametrize(
    "path",
    [
        "/plex/movie/library/metadata/tmdb-movie-99999999",
        "/plex/movie/library/metadata/nonsense",
        "/plex/movie/library/metadata/tmdb-show-210101",
        "/plex/tv/library/metadata/tmdb-season-210101-77",
        "/plex/tv/library/metadata/tmdb-episode-210101-1-99",
        "/plex/movie/library/metadata/tpdb-movie-900",
        "/plex/tv/library/metadata/tmdb-show-99999999/children",
    ],
)
def test_unknown_keys_are_not_found(client: TestClient[WebApp], path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    (error,) = answer.json()["errors"]
    assert error["status"] == 404
    assert error["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{broken",
        b"",
        b"[]",
        b"[" * 5000,
        b'{"title": "Sintel"}',
        b'{"type": "film"}',
        b'{"type": true}',
        b'{"type": -1}',
        b'{"type": 1, "year": "soon"}',
        b'{"type": 1, "title": 5}',
    ],
)
def test_malformed_requests_are_refused(client: TestClient[WebApp], body: bytes) -> None:
    answer = client.post("/plex/movie/library/metadata/matches", content=body)
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (400, 400)


@pytest.mark.parametrize("kind", [0, 2, 8, 18])
def test_kinds_of_the_other_provider_match_nothing(client: TestClient[WebApp], kind: int) -> None:
    assert _match(client, "movie", type=kind, title="Sintel") == []


def test_an_episode_without_number_or_date_is_refused(client: TestClient[WebApp]) -> None:
    body = {"type": 4, "grandparentTitle": "The Cartographers", "parentIndex": 1}
    assert client.post("/plex/tv/library/metadata/matches", json=body).status_code == 400
    assert client.post("/plex/tv/library/metadata/matches", json=body | {"date": "soon"}).status_code == 400


@pytest.mark.parametrize(("name", "value"), [("Size", "-1"), ("Size", "many"), ("Start", "1.5")])
def test_page_parameters_must_be_whole_numbers(client: TestClient[WebApp], name: str, value: str) -> None:
    asked = {f"X-Plex-Container-{name}": value}
    assert client.get(f"/plex/tv/library/metadata/{SHOW}/children", params=asked).status_code == 400


def test_while_a_catalogue_is_down_cached_answers_are_served_and_others_fail(
    client: TestClient[WebApp], tmdb: Tmdb
) -> None:
    known = _items(client.get("/plex/movie/library/metadata/tmdb-movie-45745"))
    tmdb.fail("error")
    assert _items(client.get("/plex/movie/library/metadata/tmdb-movie-45745")) == known
    answer = client.get("/plex/movie/library/metadata/tmdb-movie-653")
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (503, 503)


def test_without_a_metadata_source_the_answer_says_what_to_do(start: Start) -> None:
    answer = start(without_provider=True).get("/plex/movie/library/metadata/tmdb-movie-653")
    assert answer.status_code == 503
    assert "Set a TMDB key" in answer.json()["errors"][0]["message"]


# Matching


def test_a_film_is_matched_by_title_and_year(client: TestClient[WebApp]) -> None:
    (best,) = _match(client, "movie", type=1, title="Metropolis", year=2001)
    assert best["ratingKey"] == "tmdb-movie-9606"
    (near,) = _match(client, "movie", type=1, title="Metropolis", year=1928)
    assert near["ratingKey"] == "tmdb-movie-19"
    for name in ("guid", "type", "title", "thumb", "year", "originallyAvailableAt"):
        assert best[name]


@pytest.mark.parametrize(
    "guid", ["tmdb://9606", "imdb://tt0293416", f"{MOVIE}://movie/tmdb-movie-9606"], ids=lambda text: text[:4]
)
def test_an_id_takes_precedence_over_the_title(client: TestClient[WebApp], guid: str) -> None:
    (found,) = _match(client, "movie", type=1, title="Sintel", guid=guid)
    assert found["ratingKey"] == "tmdb-movie-9606"


def test_an_unknown_guid_falls_back_to_the_title(client: TestClient[WebApp]) -> None:
    for guid in ("tmdb://99999999", "imdb://tt0000001", "plex://movie/5d776", "tmdb://x", "garbage"):
        assert _match(client, "movie", type=1, title="Sintel", guid=guid)[0]["title"] == "Sintel"


def test_a_film_is_matched_by_its_file_name_alone(client: TestClient[WebApp]) -> None:
    (found,) = _match(client, "movie", type=1, filename="/Movies/Metropolis (2001)/Metropolis.2001.1080p.mkv")
    assert found["ratingKey"] == "tmdb-movie-9606"
    (by_number,) = _match(
        client, "movie", type=1, title="Wrong", filename="/Movies/Wrong (1999) {tmdb-45745}/wrong.mkv"
    )
    assert by_number["title"] == "Sintel"


def test_manual_matching_returns_several_results_best_first(client: TestClient[WebApp]) -> None:
    offered = _match(client, "movie", type=1, title="Metropolis", manual=1)
    assert [film["ratingKey"] for film in offered] == ["tmdb-movie-19", "tmdb-movie-9606"]
    assert [f["ratingKey"] for f in _match(client, "movie", type=1, title="Metropolis", year=2001, manual=1)] == [
        "tmdb-movie-9606"
    ]
    assert _match(client, "movie", type=1, title="tmdb:653", manual=1)[0]["ratingKey"] == "tmdb-movie-653"


def test_no_match_is_an_empty_answer(client: TestClient[WebApp]) -> None:
    answer = client.post("/plex/movie/library/metadata/matches", json={"type": 1, "title": "No Such Film At All"})
    assert _container(answer) == {"offset": 0, "totalSize": 0, "identifier": MOVIE, "size": 0, "Metadata": []}
    assert _match(client, "movie", type=1) == []


def test_a_show_a_season_and_an_episode_are_matched(client: TestClient[WebApp]) -> None:
    (show,) = _match(client, "tv", type=2, title="The Cartographers", includeChildren=1)
    assert (show["ratingKey"], show["Children"]["size"]) == (SHOW, 4)
    (by_guid,) = _match(client, "tv", type=2, title="Wrong", guid="tvdb://410101")
    assert by_guid["ratingKey"] == SHOW
    (season,) = _match(client, "tv", type=3, parentTitle="The Cartographers", index=2)
    assert season["ratingKey"] == "tmdb-season-210101-2"
    assert _match(client, "tv", type=3, parentTitle="The Cartographers") == []
    assert _match(client, "tv", type=3, parentTitle="The Cartographers", index=44) == []
    (episode,) = _match(client, "tv", type=4, grandparentTitle="The Cartographers", parentIndex=1, index=3)
    assert (episode["ratingKey"], episode["index"]) == ("tmdb-episode-210101-1-3", 3)


def test_an_episode_is_matched_by_its_air_date(client: TestClient[WebApp]) -> None:
    day = _items(client.get("/plex/tv/library/metadata/tmdb-episode-210101-2-2"))[0]["originallyAvailableAt"]
    (found,) = _match(client, "tv", type=4, grandparentTitle="The Cartographers", date=day)
    assert found["ratingKey"] == "tmdb-episode-210101-2-2"
    assert _match(client, "tv", type=4, grandparentTitle="The Cartographers", date="1950-01-01") == []


# Keys


def test_keys_consist_of_catalogue_ids(start: Start) -> None:
    before = _match(start(), "movie", type=1, title="Sintel")
    after = _match(start(), "movie", type=1, title="Sintel")
    assert before[0]["guid"] == after[0]["guid"] == f"{MOVIE}://movie/tmdb-movie-45745"


@pytest.mark.parametrize(
    "text",
    [
        "tmdb-movie-19",
        "tvdb-show-5",
        "tmdb-season-5-0",
        "tmdb-episode-5-1-12",
        "tpdb-show-some-site",
        "tpdb-episode-a-b-2024-77",
    ],
)
def test_keys_survive_a_round_trip(text: str) -> None:
    key = RatingKey.read(text)
    assert str(key) == text
    assert read_guid(key.guid, key.provider) == key


def test_guids_of_other_agents_are_read() -> None:
    assert read_foreign_guid("imdb://tt1") is None
    assert read_foreign_guid("tvdb://x1") is None
    assert read_foreign_guid("https://19") is None


# Caches


def test_answers_are_cached_in_memory_and_in_the_file(start: Start, tmdb: Tmdb) -> None:
    path = "/plex/movie/library/metadata/tmdb-movie-45745"
    first = _items(start().get(path))
    asked = sum(tmdb.counts.values())
    # Another process: nothing in memory, and a relay that has never been asked.
    assert _items(start().get(path)) == first
    assert sum(tmdb.counts.values()) == asked


def test_missing_titles_are_cached_too(start: Start, tmdb: Tmdb) -> None:
    path = "/plex/movie/library/metadata/tmdb-movie-99999999"
    start().get(path)
    asked = sum(tmdb.counts.values())
    assert start().get(path).status_code == 404
    assert sum(tmdb.counts.values()) == asked


def test_expired_answers_are_served_while_the_catalogue_is_down(
    client: TestClient[WebApp], tmdb: Tmdb, times: ByHand
) -> None:
    path = "/plex/movie/library/metadata/tmdb-movie-45745"
    known = _items(client.get(path))
    times.at_s += TTL_S["movie"] - 1
    client.get(path)
    tmdb.films = [replace(film, title="Sintel, renamed") for film in tmdb.films]
    assert _items(client.get(path)) == known
    times.at_s += 2
    tmdb.fail("error")
    assert _items(client.get(path)) == known


def test_five_requests_pass_at_once_and_then_two_a_second(client: TestClient[WebApp], times: ByHand) -> None:
    for number in range(1, 6):
        client.get(f"/plex/movie/library/metadata/tmdb-movie-{number}")
    assert times.waited_s == []
    for number in range(6, 16):
        client.get(f"/plex/movie/library/metadata/tmdb-movie-{number}")
    assert sum(times.waited_s) == pytest.approx(10 / 2)
    client.get("/plex/movie/library/metadata/tmdb-movie-1")
    assert len(times.waited_s) == 2


# Who may ask


def test_the_provider_is_off_by_default(start: Start) -> None:
    answer = start(PLEX_PROVIDER_ENABLED="false").get("/plex/movie")
    assert answer.status_code == 404
    assert "turned off" in answer.json()["errors"][0]["message"]


def test_the_token_is_part_of_the_address(start: Start) -> None:
    client = start(PLEX_PROVIDER_TOKEN="lantern-4711")
    assert client.get("/plex/movie").status_code == 401
    assert client.get("/plex/wrong-word/movie").status_code == 401
    assert client.get("/plex/lantern-4711/movie").status_code == 200
    assert client.get("/plex/movie?token=lantern-4711").status_code == 200
    path = "/plex/lantern-4711/movie/library/metadata"
    assert client.get(f"{path}/tmdb-movie-45745").status_code == 200
    assert client.post(f"{path}/matches", json={"type": 1, "title": "Sintel"}).status_code == 200
    assert client.post("/plex/movie/library/metadata/matches", json={"type": 1}).status_code == 401


def test_an_address_with_a_token_is_not_found_if_none_is_set(client: TestClient[WebApp]) -> None:
    assert client.get("/plex/any-word-at-all/movie").status_code == 404


# The third source


@pytest.fixture
def third() -> Iterator[tpdb.ThirdSource]:
    with tpdb.ThirdSource() as server:
        yield server


@pytest.fixture
def grown_up(start: Start, third: tpdb.ThirdSource) -> TestClient[WebApp]:
    return start(ADULT_METADATA_TOKEN=tpdb.TOKEN, ADULT_METADATA_URL=third.url)


def test_the_third_source_is_used_only_for_adult_titles(grown_up: TestClient[WebApp], third: tpdb.ThirdSource) -> None:
    assert _match(grown_up, "movie", type=1, title="The Keeper", year=2021) == []
    assert _match(grown_up, "movie", type=1, title="The Keeper", manual=1, includeAdult=0) == []
    assert third.asked == []
    (film,) = _match(grown_up, "movie", type=1, title="The Keeper", includeAdult=1)
    assert film["guid"] == f"{MOVIE}://movie/tpdb-movie-900"
    assert (film["isAdult"], film["duration"], film["Director"][0]["tag"]) == (True, 5_400_000, "Alex Roe")


def test_a_site_becomes_a_show_with_years_as_seasons_and_scenes_as_episodes(grown_up: TestClient[WebApp]) -> None:
    (site,) = _match(grown_up, "tv", type=2, title="Lighthouse Films", includeAdult=1)
    assert (site["ratingKey"], site["Network"]) == ("tpdb-show-lighthousefilms", [{"tag": "Coast Network"}])
    base = "/plex/tv/library/metadata"
    seasons = _items(grown_up.get(f"{base}/tpdb-show-lighthousefilms/children"))
    assert [season["index"] for season in seasons] == [2023, 2024, 2025]
    scenes = _items(grown_up.get(f"{base}/tpdb-season-lighthousefilms-2025/children"))
    assert [(s["ratingKey"], s["index"], s["title"]) for s in scenes] == [
        ("tpdb-episode-lighthousefilms-2025-503", 1, "Return"),
        ("tpdb-episode-lighthousefilms-2025-502", 2, "Departure"),
    ]
    (found,) = _match(grown_up, "tv", type=4, grandparentTitle="Lighthouse Films", date="2025-01-05", includeAdult=1)
    assert found["title"] == "Departure"
    assert grown_up.get(f"{base}/tpdb-season-lighthousefilms-2024").status_code == 404


def test_the_chosen_catalogue_is_searched_first(grown_up: TestClient[WebApp], third: tpdb.ThirdSource) -> None:
    assert _match(grown_up, "movie", type=1, title="Sintel", includeAdult=1)[0]["ratingKey"] == "tmdb-movie-45745"
    assert third.asked == []


def test_a_wrong_token_for_the_third_source_is_reported(start: Start, third: tpdb.ThirdSource) -> None:
    client = start(ADULT_METADATA_TOKEN="not-the-token", ADULT_METADATA_URL=third.url)
    body = {"type": 1, "title": "The Keeper", "includeAdult": 1}
    answer = client.post("/plex/movie/library/metadata/matches", json=body)
    assert answer.status_code == 503
    assert "ThePornDB" in answer.json()["errors"][0]["message"]

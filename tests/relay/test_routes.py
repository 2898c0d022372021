from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.relay.routes import RULES, Request, Wrong, resolve

TMDB = {
    "/configuration": "/configuration",
    "/tmdb/movies/trending": "/trending/movie/week",
    "/tmdb/tv/trending": "/trending/tv/week",
    "/tmdb/movies/popular": "/movie/popular",
    "/tmdb/movies/upcoming": "/movie/upcoming",
    "/tmdb/movies/now_playing": "/movie/now_playing",
    "/tmdb/tv/popular": "/tv/popular",
    "/tmdb/tv/on_the_air": "/tv/on_the_air",
    "/tmdb/tv/airing_today": "/tv/airing_today",
    "/tmdb/movies/discover": "/discover/movie",
    "/tmdb/tv/discover": "/discover/tv",
    "/tmdb/genre/movie": "/genre/movie/list",
    "/tmdb/genre/tv": "/genre/tv/list",
    "/tmdb/list/1": "/list/1",
    "/tmdb/collections/1100": "/collection/1100",
    "/tmdb/movies/19": "/movie/19",
    "/tmdb/tv/shows/653": "/tv/653",
    "/tmdb/movies/19/images": "/movie/19/images",
    "/tmdb/tv/shows/653/images": "/tv/653/images",
    "/tmdb/movies/19/external_ids": "/movie/19/external_ids",
    "/tmdb/tv/shows/653/external_ids": "/tv/653/external_ids",
    "/tmdb/tv/shows/653/2": "/tv/653/season/2",
}
TVDB = {
    "/tvdb/series/410101": "/series/410101",
    "/tvdb/series/410101/extended": "/series/410101/extended",
    "/tvdb/series/410101/episodes": "/series/410101/episodes/default",
    "/tvdb/series/410101/episodes/official/deu": "/series/410101/episodes/official/deu",
    "/tvdb/seasons/7": "/seasons/7",
    "/tvdb/seasons/7/extended": "/seasons/7/extended",
    "/tvdb/episodes/7": "/episodes/7",
    "/tvdb/episodes/7/extended": "/episodes/7/extended",
    "/tvdb/artwork/7": "/artwork/7",
    "/tvdb/tv/trending": "/series",
    "/tvdb/movies/trending": "/movies",
    "/tvdb/tv/shows/410101": "/series/410101/extended",
    "/tvdb/tv/seasons/7": "/seasons/7/extended",
    "/tvdb/movies/5019": "/movies/5019/extended",
}


def _asked(path: str, **params: str) -> Request:
    found = resolve(path, params)
    assert isinstance(found, Request), found
    return found


@pytest.mark.parametrize(
    ("path", "upstream", "target"),
    [(p, "tmdb", t) for p, t in TMDB.items()] + [(p, "tvdb", t) for p, t in TVDB.items()],
)
def test_every_path_of_both_relays_is_known(path: str, upstream: str, target: str) -> None:
    asked = _asked(path)
    assert (asked.rule.upstream, asked.path) == (upstream, target)


def test_parameter_order_and_credentials_share_a_cache_entry() -> None:
    one = _asked("/tmdb/movies/search", query="Metropolis", year="1927", language="de-DE")
    two = _asked("/tmdb/movies/search", language="de-DE", year="1927", query=" metropolis ", api_key="theirs")
    assert one.key == two.key
    assert set(two.params) == {"query", "year", "language"}


@pytest.mark.parametrize("path", ["/tmdb/movies/552", "/tmdb/tv/discover", "/tvdb/search", "/tvdb/series/5/extended"])
def test_every_parameter_is_passed_on_and_is_part_of_the_key(path: str) -> None:
    asked = _asked(path, foo="bar", watch_region="DE", api_key="theirs", access_token="theirs")
    assert asked.params == {"foo": "bar", "watch_region": "DE"}
    assert asked.key != _asked(path, foo="bar").key != _asked(path).key


@pytest.mark.parametrize(
    "path", ["/tvdb/series/5", "/tvdb/seasons/5", "/tvdb/episodes/5", "/tvdb/artwork/5", "/tvdb/tv/shows/5"]
)
def test_records_that_take_no_parameters_drop_them(path: str) -> None:
    assert _asked(path, foo="bar") == _asked(path)


def test_a_value_cannot_pass_for_two_parameters() -> None:
    assert (
        _asked("/tmdb/movies/search", query="x&year=1927").key
        != _asked("/tmdb/movies/search", query="x", year="1927").key
    )


@pytest.mark.parametrize("name", ["", "a b", "ä", "a&b", "x" * 65, "a\n"])
def test_a_parameter_with_an_odd_name_is_refused(name: str) -> None:
    found = resolve("/tmdb/movies/19", {name: "1"})
    assert isinstance(found, Wrong)
    assert found.status == 400


def test_explicit_defaults_share_a_cache_entry() -> None:
    assert _asked("/tmdb/movies/19", language="en-US").key == _asked("/tmdb/movies/19").key
    assert _asked("/tmdb/tv/trending", page="1").key == _asked("/tmdb/tv/trending").key
    assert (
        _asked("/tmdb/movies/19", append_to_response="images,credits").key
        == _asked("/tmdb/movies/19", append_to_response="credits, images").key
    )


def test_a_different_query_is_another_entry() -> None:
    keys = {
        _asked("/tmdb/movies/19").key,
        _asked("/tmdb/movies/19", language="de-DE").key,
        _asked("/tmdb/tv/shows/19").key,
        _asked("/tvdb/movies/19").key,
        _asked("/tvdb/movies/19/extended").key,
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    "path",
    [
        "/tmdb/movies/abc",
        "/tmdb/movies/19;x",
        "/tmdb/movies/..",
        "/tmdb/tv/shows/12/x1",
        "/tvdb/series/-4",
        "/tvdb/movies/19a/extended",
        "/tmdb/movies/١٩",
    ],
)
def test_a_non_numeric_id_is_refused_without_a_request(path: str) -> None:
    found = resolve(path, {})
    assert isinstance(found, Wrong)
    assert found.status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/tmdb",
        "/tmdb/../3/account",
        "/3/movie/19",
        "/tmdb/movies/19/images/../../../account",
        "/tmdb/people/3",
        "/tvdb/login",
        "/x" * 300,
    ],
)
def test_other_paths_do_not_exist(path: str) -> None:
    found = resolve(path, {})
    assert isinstance(found, Wrong)
    assert found.status in (400, 404)


def test_control_characters_and_endless_values_are_refused() -> None:
    for value in ("a\nb", "x" * 600):
        found = resolve("/tmdb/movies/search", {"query": value})
        assert isinstance(found, Wrong)
        assert found.status == 400


def test_an_empty_search_is_answered_as_each_relay_does() -> None:
    tmdb, other = resolve("/tmdb/tv/search", {}), resolve("/tvdb/tv/search", {})
    assert isinstance(tmdb, Wrong)
    assert (tmdb.status, tmdb.body) == (422, {"errors": ["query must be provided"]})
    assert isinstance(other, Wrong)
    assert other.status == 422
    assert isinstance(other.body, dict)
    assert other.body["detail"][0]["loc"] == ["query", "query"]


@given(
    st.text(max_size=80),
    st.dictionaries(st.sampled_from(["query", "page", "language", "year", "x"]), st.text(max_size=30), max_size=5),
)
def test_no_path_makes_it_fail(path: str, params: dict[str, str]) -> None:
    for start in ("", "/tmdb/movies/", "/tmdb/tv/", "/tvdb/", "/tmdb/movies/search"):
        found = resolve(start + path, params)
        if isinstance(found, Request):
            assert "/.." not in found.path
            assert found.path.isascii()


@given(st.permutations(["query", "year", "language", "page", "include_adult"]))
def test_keys_do_not_depend_on_order(names: list[str]) -> None:
    values = {"query": "Häxan", "year": "1922", "language": "sv-SE", "page": "2", "include_adult": "true"}
    assert (
        _asked("/tmdb/movies/search", **{name: values[name] for name in names}).key
        == _asked("/tmdb/movies/search", **values).key
    )


def test_every_rule_names_a_kind_with_a_time_to_live() -> None:
    from mydia.relay.ttl import TTL_S

    assert {rule.kind for rule in RULES} <= set(TTL_S)

"""Whatever an upstream sends, the relay responds with valid JSON and does not crash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mydia.relay import Relay, RelayConfig
from mydia.relay.upstreams import UpstreamAnswer
from mydia.secret import Secret

PATHS = (
    "/tmdb/movies/19",
    "/tmdb/tv/shows/1/2",
    "/tmdb/movies/search",
    "/tmdb/find/tt1",
    "/tvdb/tv/shows/5",
    "/tvdb/tv/search",
    "/tvdb/series/5/episodes",
    "/tvdb/movies/trending",
)
PARAMS = {"query": "x", "external_source": "imdb_id"}
NAMES = (
    "id", "data", "results", "episodes", "air_date", "aired", "nextAired", "release_date", "next_episode_to_air",
    "last_episode_to_air", "name", "movie_results", "episode_number",
)  # fmt: skip
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["2026-01-01", "9999-99-99", "\ud800", "0001-01-01", "９９９９-01-01"])
)
ANSWERS = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)


class Liar:
    """Returns the test's responses instead of sending requests."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200

    def ask(self, path: str, params: Mapping[str, str]) -> UpstreamAnswer:
        return UpstreamAnswer(self.status, self.body, "application/json")


@pytest.fixture(scope="module")
def lying() -> Iterator[tuple[Relay, Liar]]:
    relay = Relay(RelayConfig(tmdb_api_key=Secret("0" * 32), tvdb_api_key=Secret("k")))
    liar = Liar()
    for upstream in relay.upstreams.values():
        upstream.ask = liar.ask  # type: ignore[method-assign]
    yield relay, liar
    relay.close()


def strict(body: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(body.decode("utf-8"), parse_constant=refuse)


@given(ANSWERS.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30), st.sampled_from(PATHS))
@settings(max_examples=400)
def test_any_answer_becomes_valid_json_or_an_error(lying: tuple[Relay, Liar], body: bytes, path: str) -> None:
    relay, liar = lying
    relay.forget()
    liar.body = body
    answer = relay.get(path, PARAMS, revalidate=True)
    assert answer.status in (200, 502)
    strict(answer.body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "success", "data": [{"name": "\\ud800"}]}',
        b'{"status": "success", "data": [NaN]}',
        b'{"status": "success", "data": [' + b"[" * 100_000,
        b'{"status": "success", "data": [' + b"9" * 10_000 + b"]}",
        '{"status": "success", "data": ["ÿ"]}'.encode("latin-1"),
        b"\xef\xbb\xbf{}",
    ],
    ids=["surrogate", "NaN", "deep", "huge number", "Latin-1", "BOM"],
)
def test_responses_that_once_broke_the_relay(lying: tuple[Relay, Liar], body: bytes) -> None:
    relay, liar = lying
    relay.forget()
    liar.body = body
    answer = relay.get("/tvdb/tv/search", PARAMS, revalidate=True)
    assert answer.status in (200, 502)
    strict(answer.body)

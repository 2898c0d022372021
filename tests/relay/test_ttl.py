from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mydia.relay.ttl import TTL_S, ttl_s

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
H, D = 3600, 86_400


def _day(days: int) -> str:
    return (NOW + timedelta(days=days)).date().isoformat()


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("details", {"id": 19, "release_date": "1927-02-06"}, 30 * D),
        ("details", {"id": 19, "release_date": _day(20)}, 6 * H),
        ("details", {"id": 1, "next_episode_to_air": {"air_date": _day(3)}}, 6 * H),
        ("details", {"id": 1, "last_episode_to_air": {"air_date": _day(-3), "name": "X"}}, 6 * H),
        ("details", {"id": 1, "last_episode_to_air": {"air_date": _day(-400), "name": "X"}}, 30 * D),
        ("details", {"data": {"id": 1, "nextAired": _day(5)}}, 6 * H),
        ("details", {"data": {"id": 1, "nextAired": _day(-200)}}, 30 * D),
        ("images", {"id": 1, "posters": []}, 90 * D),
        ("season", {"episodes": [{"air_date": "2011-04-17", "name": "Winter Is Coming"}]}, 14 * D),
        ("season", {"episodes": [{"air_date": _day(-13), "name": "X"}]}, 6 * H),
        ("season", {"episodes": [{"air_date": _day(30), "name": "X"}]}, 6 * H),
        ("season", {"episodes": [{"air_date": None, "name": "Episode 4"}]}, 6 * H),
        ("season", {"episodes": [{"air_date": None, "name": "TBA"}]}, 6 * H),
        ("season", {"episodes": [{"air_date": None, "name": "The Lost One"}]}, 14 * D),
        ("season", {"data": {"episodes": [{"aired": _day(-2), "name": "X"}]}}, 6 * H),
        ("season", {"data": {"aired": "2001-01-01", "name": "X", "number": 3}}, 14 * D),
        ("season", {"episodes": []}, 14 * D),
        ("search", {"results": [{"id": 1}]}, 7 * D),
        ("search", {"results": []}, 6 * H),
        ("search", {"movie_results": [], "tv_results": []}, 6 * H),
        ("search", {"data": [{"id": 1}]}, 7 * D),
        ("list", {"results": []}, 1 * H),
        ("other", {"genres": []}, 30 * D),
    ],
)
def test_each_kind_has_its_time_to_live(kind: str, answer: object, expected: int) -> None:
    assert ttl_s(kind, answer, TTL_S, NOW.timestamp()) == expected


@pytest.mark.parametrize(
    "answer", [None, [], 3, "x", {"episodes": "x"}, {"episodes": [3, None]}, {"data": None}, {"release_date": 7}]
)
def test_no_response_makes_it_fail(answer: object) -> None:
    for kind in TTL_S:
        assert ttl_s(kind, answer, TTL_S, NOW.timestamp()) > 0

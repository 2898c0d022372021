"""What a title links to: the releases of its last search and its history."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contexts.downloads.conftest import House
from tests.counting import statements
from tests.web.graphql.conftest import Graph

_RELEASES = """query ($id: ID!, $first: Int!) { media(id: $id) { releases(first: $first)
    { title verdict position objections { reason text permanent } } } }"""
_HISTORY = "query ($id: ID!, $first: Int!) { media(id: $id) { history(first: $first) { id type media { id } } } }"
_GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"
_BAD = "Metropolis.1927.CAM.x264-GRP"


def test_a_title_has_the_releases_of_its_last_search_with_their_objections(admin: Graph, house: House) -> None:
    house.offer(_BAD)
    house.search()
    house.indexer.releases.clear()
    for name in (_BAD, _GOOD):
        house.offer(name)
    house.search()
    found = admin(_RELEASES, id=house.film_id, first=10)["media"]["releases"]
    assert [one["title"] for one in found] == [_GOOD, _BAD]
    assert [one["position"] for one in found] == [0, 1]
    assert found[0]["verdict"] == "approved"
    assert found[1]["verdict"] == "refused"
    assert found[1]["objections"][0]["text"]
    assert [one["title"] for one in admin(_RELEASES, id=house.film_id, first=1)["media"]["releases"]] == [_GOOD]


def test_a_title_that_was_never_searched_has_no_releases(admin: Graph, house: House) -> None:
    assert admin(_RELEASES, id=house.series_id, first=10)["media"]["releases"] == []


def test_a_title_has_its_own_newest_events(admin: Graph, house: House) -> None:
    house.get_one(_GOOD)
    found = admin(_HISTORY, id=house.film_id, first=50)["media"]["history"]
    assert found
    assert {one["media"]["id"] for one in found} == {house.film_id}
    assert [int(one["id"]) for one in found] == sorted((int(one["id"]) for one in found), reverse=True)
    assert admin(_HISTORY, id=house.film_id, first=1)["media"]["history"] == found[:1]
    page = admin(f'{{ history(mediaId: "{house.film_id}") {{ nodes {{ id }} }} }}')["history"]["nodes"]
    assert [one["id"] for one in found] == [one["id"] for one in page]


def test_two_lengths_of_a_list_can_be_asked_for_at_once(admin: Graph, house: House) -> None:
    house.get_one(_GOOD)
    told = admin(
        "query ($id: ID!) { media(id: $id) { short: history(first: 1) { id } long: history(first: 9) { id } } }",
        id=house.film_id,
    )["media"]
    assert len(told["long"]) > 1
    assert told["short"] == told["long"][:1]


@pytest.mark.parametrize("field", ["releases { id }", "history { id }"])
def test_guests_see_neither(graph: Any, house: House, field: str) -> None:
    told = graph("guest").errors(f"query ($id: ID!) {{ media(id: $id) {{ title {field} }} }}", id=house.film_id)
    assert told[0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("first", [0, -1, 101])
@pytest.mark.parametrize("document", [_RELEASES, _HISTORY])
def test_the_length_of_a_list_has_limits(admin: Graph, house: House, document: str, first: int) -> None:
    told = admin.errors(document, id=house.film_id, first=first)
    assert told[0]["extensions"]["fields"] == {"first": "Must be between 1 and 100."}


def test_long_lists_of_many_titles_cost_too_much(admin: Graph) -> None:
    told = admin.errors("{ mediaItems(first: 100) { nodes { history(first: 100) { id type at } } } }")
    assert told[0]["extensions"]["code"] == "TOO_COMPLEX"


def test_releases_and_history_are_found_along_indexes(admin: Graph, house: House) -> None:
    house.get_one(_GOOD)
    with statements(house.database) as found:
        admin("query ($id: ID!) { media(id: $id) { releases { id } history { id } } }", id=house.film_id)
    windows = [one for one in found if "row_number()" in one]
    assert len(windows) == 2
    with house.database.engine.connect() as connection:
        for statement in windows:
            many = "?" * statement.count("?")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple("x" for _ in many)).all()
            told = [str(row[-1]) for row in plan]
            assert not [
                one for one in told if one.startswith("SCAN") and "(subquery" not in one and one not in _VIEWS
            ], told


_VIEWS = ("SCAN last", "SCAN numbered", "SCAN anon_1", "SCAN anon_2")
"""Results of inner queries, which hold a few rows of each title."""

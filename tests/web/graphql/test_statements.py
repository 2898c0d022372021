"""The number of statements does not grow with the length of a list, and stays within a budget for the heaviest queries."""

from __future__ import annotations

import pytest

from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.counting import statements
from tests.web.graphql.conftest import Graph

_FILE = "id path size resolution codec hdrFormat verified badges sidecars { path }"
_HEAVY = {
    "titles with files": (f"{{ mediaItems(first: 50) {{ nodes {{ id title year state files {{ {_FILE} }} }} }} }}", 10),
    "titles with everything": (
        f"""{{ mediaItems(first: 50) {{ nodes {{ id title overview number metadata tags versions {{ name profile {{ name }} }}
            seasons {{ number }} episodes {{ title }} files {{ {_FILE} }} downloads {{ id reasons {{ text }} }} }} }} }}""",
        26,
    ),
    "titles in Relay's style": (
        "{ mediaItems(first: 50) { edges { cursor node { id title studio libraryFolder } } pageInfo { endCursor } } }",
        6,
    ),
    "history with titles": ("{ history(first: 50) { nodes { id type media { title posterUrl } } } }", 10),
    "files with titles": (f"{{ files(first: 50) {{ nodes {{ {_FILE} media {{ title profile }} }} }} }}", 14),
    "downloads with titles": ("{ downloads { id progress media { title files { size } } } }", 14),
    "wanted with titles": ("{ wanted(first: 50) { nodes { title media { title downloads { id } } } } }", 14),
    "calendar with titles": ('{ calendar(start: "1900-01-01", first: 50) { nodes { on media { title } } } }', 12),
    "search with titles": ('{ searchMedia(query: "film") { id media { title files { id } } } }', 40),
    "titles with releases": (
        "{ mediaItems(first: 50) { nodes { title releases(first: 5) { title verdict objections { text } } } } }",
        8,
    ),
    "titles with history": ("{ mediaItems(first: 50) { nodes { title history(first: 5) { type at } } } }", 8),
    "a whole series": (
        f"""query ($id: ID!) {{ media(id: $id) {{ title seasons {{ number title }} episodes {{ title held airOn }}
            files(extras: true) {{ {_FILE} }} tags downloads {{ id }} }} }}""",
        18,
    ),
}


def _fill(house: House, count: int) -> None:
    with house.database.writes() as session:
        path = next(one for one in settings.library_paths.list_library_paths(session, SYSTEM) if one.id == "films")
        for number in range(count):
            made = builders.film(
                session, f"Film {number}", 1950, tmdb_id=7000 + number + count * 1000, library_path_id="films"
            )
            builders.media_file(session, path, f"{made.title} {count}/{made.title}.mkv", item=made)


def _counted(admin: Graph, house: House, name: str) -> int:
    document, _ = _HEAVY[name]
    variables = {"id": house.series_id} if "$id" in document else {}
    admin(document, **variables)
    with statements(house.database) as found:
        admin(document, **variables)
    return len(found)


@pytest.mark.parametrize("name", _HEAVY)
def test_a_heavy_query_stays_within_its_statements(admin: Graph, house: House, name: str) -> None:
    _fill(house, 3)
    few = _counted(admin, house, name)
    _fill(house, 40)
    many = _counted(admin, house, name)
    assert many <= _HEAVY[name][1], (few, many)
    if name != "search with titles":
        assert many <= few + 1


def test_statements_are_the_same_for_titles_that_have_releases_and_history(admin: Graph, house: House) -> None:
    documents = [_HEAVY[name][0] for name in ("titles with releases", "titles with history")]
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    house.search()
    for document in documents:
        admin(document)
    counts = []
    for item_id in (house.film_id, house.series_id):
        house.search(item_id)
        with statements(house.database) as found:
            for document in documents:
                admin(document)
        counts.append(len(found))
    assert counts[0] == counts[1]

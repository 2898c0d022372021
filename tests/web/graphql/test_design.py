"""The names, arguments and fields that the design gives, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.contexts.downloads.conftest import House
from tests.web.graphql.conftest import Graph


def _names(graph: Graph) -> dict[str, dict[str, set[str]]]:
    found = graph("{ __schema { types { name fields { name args { name } } } } }")["__schema"]["types"]
    return {
        one["name"]: {field["name"]: {arg["name"] for arg in field["args"]} for field in one["fields"] or ()}
        for one in found
    }


def test_the_types_of_the_design_have_their_fields(admin: Graph) -> None:
    types = _names(admin)
    assert types["MediaItem"].keys() >= {"id", "type", "title", "year", "files", "monitored", "metadata"}
    assert types["MediaFile"].keys() >= {"id", "path", "size", "resolution", "codec", "hdrFormat", "verified"}
    assert types.keys() >= {"Download", "SearchResult", "Config", "LibraryEvent"}


@pytest.mark.parametrize(
    ("root", "field", "argument"),
    [
        ("Query", "media", "id"),
        ("Query", "searchMedia", "query"),
        ("Query", "downloads", None),
        ("Mutation", "addMedia", "input"),
        ("Mutation", "triggerSearch", "mediaId"),
        ("Mutation", "updateConfig", "input"),
        ("Subscription", "downloadProgress", "id"),
        ("Subscription", "libraryUpdates", None),
    ],
)
def test_the_root_fields_of_the_design_take_its_arguments(
    admin: Graph, root: str, field: str, argument: str | None
) -> None:
    arguments = _names(admin)[root][field]
    assert argument is None or argument in arguments


def test_a_title_is_read_with_its_files_and_metadata(admin: Graph, house: House) -> None:
    told = admin(
        """query ($id: ID!) { media(id: $id) {
            id type title year monitored metadata fileCount versions { name profile { name } } seasons { number }
            files { id path size resolution codec hdrFormat verified }
        } }""",
        id=house.series_id,
    )["media"]
    assert told["type"] == "TV_SHOW"
    assert told["title"] == "Silo"
    assert told["monitored"] is True
    assert told["files"] == []


def test_a_search_finds_titles_of_the_library(admin: Graph, house: House) -> None:
    found = admin("query ($q: String!) { searchMedia(query: $q) { id title mediaId media { year } } }", q="metropolis")
    assert found["searchMedia"][0]["mediaId"] == house.film_id
    assert found["searchMedia"][0]["media"]["year"] == 1927


def test_a_search_is_triggered_and_the_queue_is_read(admin: Graph, house: House) -> None:
    assert admin("mutation ($id: ID!) { triggerSearch(mediaId: $id) }", id=house.film_id) == {"triggerSearch": True}
    house.offer("Metropolis.1927.1080p.BluRay.x264-GRP")
    search = house.search(house.film_id)
    releases = admin("query ($id: ID!) { searchRun(id: $id) { releases { id title objections { text } } } }", id=search)
    release = releases["searchRun"]["releases"][0]
    grabbed = admin(
        "mutation ($input: NewDownloadInput!) { addDownload(input: $input) { id state media { title } } }",
        input={"releaseId": release["id"]},
    )["addDownload"]
    assert grabbed["media"] == {"title": "Metropolis"}
    assert [one["id"] for one in admin("{ downloads { id progress } }")["downloads"]] == [grabbed["id"]]


def test_the_configuration_is_read_and_changed(admin: Graph) -> None:
    told = admin(
        "mutation ($input: ConfigInput!) { updateConfig(input: $input) { settings { key value source } } }",
        input={"mediaAutoSearchOnAdd": False},
    )["updateConfig"]["settings"]
    changed: dict[str, Any] = next(one for one in told if one["key"] == "media.auto_search_on_add")
    assert changed["value"] is False
    assert {one["key"] for one in admin("{ config { settings { key } } }")["config"]["settings"]} == {
        one["key"] for one in told
    }


def test_a_title_is_added(admin: Graph, house: House) -> None:
    provider: Any = house.outside.metadata()
    provider.known.append(builders.film_details("The Hitch-Hiker", 1953, tmdb_id=1688))
    added = admin(
        "mutation ($input: AddMediaInput!) { addMedia(input: $input) { id title year monitored } }",
        input={"type": "MOVIE", "tmdbId": 1688, "libraryPathId": "films", "searchNow": False},
    )["addMedia"]
    assert (added["title"], added["year"], added["monitored"]) == ("The Hitch-Hiker", 1953, True)
    assert admin("query ($id: ID!) { media(id: $id) { title } }", id=added["id"])["media"] == {
        "title": "The Hitch-Hiker"
    }

"""Every answer matches the API description: schemathesis against the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from mydia.web.app import WebApp
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}
"""Generated requests per operation; few, because there are 130 operations."""
REFUSALS = {400, 405, 413, 414, 415, 422}
"""404 and 409 are about other data than what is sent."""


def test_the_description_is_openapi_3_1_and_names_every_resource(http: TestClient[WebApp]) -> None:
    answer = http.get("/api/v1/openapi.json")
    described = answer.json()
    assert described["openapi"].startswith("3.1")
    paths = set(described["paths"])
    assert paths >= {
        "/api/v1/media",
        "/api/v1/media/{media_id}",
        "/api/v1/search",
        "/api/v1/downloads",
        "/api/v1/downloads/{download_id}",
        "/api/v1/library/scan",
        "/api/v1/library/scan-status",
        "/api/v1/files",
        "/api/v1/config",
        "/api/v1/quality-profiles",
    }
    assert all(path.startswith("/api/v1/") for path in paths)
    for path, item in described["paths"].items():
        for method, told in item.items():
            assert told["responses"]["401"], (method, path)
            assert told["summary"], (method, path)


def _known_ids(house: House, told: dict[str, Any]) -> dict[str, Any]:
    """Make requests use ids that exist, so that more than the lookup is tested."""
    known = {"media_id": house.film_id, "path_id": "films", "client_id": "client-1", "indexer_id": "indexer-1"}
    return {name: known.get(name, value) for name, value in told.items()}


def _without_conventions(described: dict[str, Any]) -> dict[str, Any]:
    """Leave out the parameters that all operations share; `test_conventions` is about them."""
    for item in described["paths"].values():
        for told in item.values():
            told["parameters"] = [
                one for one in told.get("parameters", ()) if one["in"] != "header" and one["name"] != "fields"
            ]
    return described


@pytest.fixture(scope="module")
def formats() -> None:
    """Values of the formats that a pattern cannot describe."""
    names = [
        "{title} {year} S{season:2}E{episode:2} {absolute:3} {air_date}",
        "{release_name}",
        "{Release Name}.{season}",
    ]
    schemathesis.openapi.format("naming-template", st.sampled_from([f"{name} {{title}} {{season}}" for name in names]))
    schemathesis.openapi.format("cron", st.sampled_from(["0 2 * * *", "15 */6 * * mon-fri", "@daily"]))


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.usefixtures("formats")
def test_the_api_accepts_what_it_describes_and_refuses_the_rest(
    app: WebApp, admin: Asker, house: House, mode: GenerationMode
) -> None:
    house.get_one("Metropolis.1927.1080p.BluRay.x264-GRP")
    schema = schemathesis.openapi.from_dict(_without_conventions(admin.get("/openapi.json").json()))
    wrong: list[str] = []
    seen = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an Err raises what is wrong with the description
        if operation.method == "delete" and operation.path.startswith(("/api/v1/users", "/api/v1/api-keys")):
            # These remove the caller's own account or key; test_accounts covers them.
            continue
        seen += 1

        @seed(20261121)
        @settings(
            max_examples=EXAMPLES[mode],
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if mode is GenerationMode.POSITIVE and case.method != "DELETE":
                case.path_parameters = _known_ids(house, case.path_parameters or {})
            sent = case.as_transport_kwargs()
            answer = admin.client.request(
                case.method,
                case.formatted_path,
                params=sent.get("params"),
                json=sent.get("json"),
                content=sent.get("data") if isinstance(sent.get("data"), bytes | str) else None,
                headers={"X-API-Key": admin.key or ""},
            )
            response = schemathesis.Response.from_any(answer)
            refused = answer.status_code in REFUSALS
            told = f"{case.method} {case.formatted_path} {sent.get('params')} {sent.get('json')}: {answer.text}"
            if mode is GenerationMode.POSITIVE and refused and not isinstance(sent.get("data"), bytes):
                # Except files: what is inside of one cannot be described.
                wrong.append(f"refused {told}")
            elif mode is GenerationMode.NEGATIVE and not refused:
                case.validate_response(response, checks=[negative_data_rejection])
            elif refused:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
            case.validate_response(response, checks=CHECKS)

        ask()
    assert seen > 100
    assert wrong == []


def test_what_the_api_takes_has_limits(http: TestClient[WebApp]) -> None:
    described = http.get("/api/v1/openapi.json").json()
    asked = {
        schema["$ref"].rpartition("/")[2]
        for item in described["paths"].values()
        for operation in item.values()
        if "$ref" in (schema := _body_of(operation))
    }
    shapes = {name: described["components"]["schemas"][name] for name in asked}
    shapes |= {
        f"{method} {path}": [one["schema"] for one in operation.get("parameters", ())]
        for path, item in described["paths"].items()
        for method, operation in item.items()
    }
    unlimited = [
        (name, schema)
        for name, shape in shapes.items()
        for schema in _schemas_in(shape)
        if schema.get("type") in ("integer", "number") and not {"minimum", "exclusiveMinimum"} & schema.keys()
    ]
    assert unlimited == []


def _body_of(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return dict(found.get("schema", {}))


def _schemas_in(shape: Any) -> Iterator[dict[str, Any]]:
    if isinstance(shape, dict):
        yield shape
        for inner in shape.values():
            yield from _schemas_in(inner)
    elif isinstance(shape, list):
        for inner in shape:
            yield from _schemas_in(inner)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/library/scan", {"accept_missing": "true"}, "accept_missing"),
        ("/download-clients", {"name": "x", "kind": "qbittorrent", "url": "http://box", "priority": "5"}, "priority"),
        ("/download-clients", {"name": "x", "kind": "deluge", "url": "http://box"}, "kind"),
        ("/download-clients", {"name": "x\0", "kind": "qbittorrent", "url": "http://box"}, "name"),
        ("/indexers", {"name": "x", "kind": "torznab", "url": "javascript:1"}, "url"),
        ("/api-keys", {"name": "x", "expires_at": 1790000000}, "expires_at"),
        ("/api-keys", {"name": "x", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ("/api-keys", {"name": "x", "scopes": ["everything"]}, "scopes[0]"),
        ("/title-edits", {"type": "movie", "media_ids": ["x"], "add_tags": ["fine", " "]}, "add_tags[1]"),
        ("/manual-import", {"files": [{"media_id": "x", "path": "/x", "quality": "Best"}]}, "files[0].quality"),
    ],
)
def test_a_value_of_another_type_or_outside_the_limits_is_named(
    admin: Asker, path: str, body: dict[str, Any], field: str
) -> None:
    answer = admin.post(path, body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()["errors"]) == [field]


def test_whole_numbers_may_be_written_with_a_fraction_of_zero(admin: Asker) -> None:
    client = {"name": "x", "kind": "qbittorrent", "url": "http://box", "priority": 5.0}
    assert admin.post("/download-clients", client).json()["priority"] == 5


def test_nul_is_refused_only_in_what_is_read(admin: Asker, house: House) -> None:
    assert admin.put(f"/media/{house.film_id}", {"monitored": True, "of another version": "\0"}).status_code == 200
    answer = admin.put(f"/media/{house.film_id}", {"overview": "a\0b"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["overview"])


def test_a_parameter_that_is_given_twice_is_refused(admin: Asker) -> None:
    assert admin("GET", "/media?limit=1&limit=2").json()["errors"] == {
        "limit": "Given more than once; it takes one value."
    }
    assert admin("GET", "/downloads?state=failed&state=imported").status_code == 200
    assert admin("GET", "/media?unknown=1&unknown=2").status_code == 200


@pytest.mark.parametrize(
    "question",
    [
        "/media?cursor=WzEsMl0",
        "/media?sort=added&cursor=WyJ4IiwgIngiXQ",
        "/downloads?cursor=WyJ4IiwgIngiXQ",
        "/blocklist?cursor=WyJ4IiwgIngiXQ",
        "/wanted?type=tv_show&cursor=WyJ4IiwgIngiXQ",
        "/downloads?cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgIngiXQ",
        "/blocklist?cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgIngiXQ",
        "/media?sort=added&cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgIngiXQ",
        "/wanted?cursor=WzEsIDIsIDNd",
        "/wanted?type=tv_show&cursor=WyIyMDI2LTAxLTAxIiwgMiwgM10",
        "/media?sort=year&cursor=WyJ4IiwgIngiXQ",
        "/media?sort=added&cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIngiXQ",
        "/downloads?cursor=WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTE0OjAwIiwgIngiXQ",
        "/blocklist?cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIngiXQ",
        "/media?limit=0",
        "/media?limit=9999999999999999999999",
        "/media/%00",
        "/media/%ED%A0%80",
        "/search?q=%00",
        "/history?cursor=99999999999999999999",
        "/calendar?start=9999-12-31",
    ],
)
def test_unusual_requests_are_answered_without_an_error(ask: Callable[[str | None], Asker], question: str) -> None:
    answer = ask("admin")("GET", question)
    assert answer.status_code < 500, answer.text

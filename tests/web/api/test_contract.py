"""Every answer matches the API description: schemathesis against the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mydia.web.app import WebApp
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6


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
    """Make some requests use ids that exist."""
    known = {"media_id": house.film_id, "path_id": "films", "client_id": "client-1", "indexer_id": "indexer-1"}
    return {name: known.get(name, value) for name, value in told.items()}


def test_every_request_is_answered_as_the_api_describes(app: WebApp, admin: Asker, house: House) -> None:
    house.get_one("Metropolis.1927.1080p.BluRay.x264-GRP")
    schema = schemathesis.openapi.from_dict(admin.get("/openapi.json").json())
    seen = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an Err raises what is wrong with the description
        if operation.path.startswith("/api/v1/users") or operation.path.startswith("/api/v1/api-keys"):
            # These remove the caller's own account or key; test_accounts covers them.
            continue
        seen += 1

        @seed(20261121)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), real=st.booleans())
        def ask(case: Any, real: bool) -> None:
            if real and case.method != "DELETE":
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
            case.validate_response(response, checks=CHECKS)

        ask()
    assert seen > 50


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

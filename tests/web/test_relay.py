"""The relay within Mydia: public, with its crash reports for administrators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from mydia.contexts.users.permissions import Caller, Role, permissions_of
from mydia.relay import Relay, RelayConfig
from mydia.secret import Secret
from mydia.web.app import WebApp, create_app
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.relay import relay_router
from tests.fakes.tmdb import KEY, Tmdb
from tests.web.conftest import make_deps
from tests.web.example import app as example

REPORT = {
    "error_type": "KeyError",
    "error_message": "'title'",
    "stacktrace": [{"file": "x.py", "line": 1, "function": "f"}],
}
ADMIN = {"Cookie": "who=admin"}
GUEST = {"Cookie": "who=guest"}


def _authenticate(request: WebRequest, _deps: WebDeps) -> Caller | None:
    who = request.cookies.get("who")
    return Caller(kind="user", id=who, name=who, permissions=permissions_of(Role(who)), role=Role(who)) if who else None


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[WebApp]]:
    from copy import replace

    deps = replace(make_deps(tmp_path), authenticate=_authenticate)
    with Tmdb() as tmdb:
        config = RelayConfig(
            tmdb_api_key=Secret(KEY),
            tmdb_url=tmdb.api_url,
            cache_path=tmp_path / "cache.db",
            crashes_path=tmp_path / "relay.db",
        )
        relay = Relay(config)
        app = create_app(
            deps,
            routes=[relay_router(lambda: relay)],
            live=[],
            shell=lambda _deps, _caller: example.SCENE.shell,
            finders=[],
            checks=[],
            metrics=[],
        )
        with TestClient(app, base_url="http://mydia.test", raise_server_exceptions=False) as client:
            yield client
        relay.close()
    deps.database.close()
    deps.taskboard.close()


def test_the_relay_answers_without_sign_in(client: TestClient[WebApp]) -> None:
    first, second = client.get("/relay/tmdb/movies/19"), client.get("/relay/tmdb/movies/19?language=en-US")
    assert first.json()["title"] == "Metropolis"
    assert (first.headers["x-relay-cache"], second.headers["x-relay-cache"]) == ("MISS", "HIT")
    assert client.get("/relay/health").json()["service"] == "metadata-relay"
    assert client.get("/relay/configuration").status_code == 200
    assert client.get("/relay/tmdb/movies/x").status_code == 400
    assert client.get("/relay/nothing").status_code == 404


def test_crash_reports_need_no_form_token(client: TestClient[WebApp]) -> None:
    assert client.post("/relay/crashes/report", json=REPORT).status_code == 201


def test_only_administrators_see_and_resolve_crash_reports(client: TestClient[WebApp]) -> None:
    client.post("/relay/crashes/report", json=REPORT)
    assert client.get("/relay/errors").status_code == 401
    assert client.get("/relay/errors", headers=GUEST).status_code == 403
    page = client.get("/relay/errors/1", headers=ADMIN)
    assert page.status_code == 200
    assert 'action="/relay/errors/1/resolve"' in page.text
    assert client.post("/relay/errors/1/resolve", headers=ADMIN).status_code == 403
    token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert token is not None
    cookie = f"who=admin; csrf={page.cookies['csrf']}"
    done = client.post(
        "/relay/errors/1/resolve", headers={"Cookie": cookie}, data={"_csrf": token[1]}, follow_redirects=False
    )
    assert (done.status_code, done.headers["location"]) == (303, "/relay/errors/1")
    assert "Resolved" in client.get("/relay/errors/1", headers=ADMIN).text

from __future__ import annotations

import logging
from copy import replace

import pytest
from litestar import post
from litestar.testing import TestClient
from sqlalchemy import text

from mydia.db import Database
from mydia.web.app import WebApp
from mydia.web.deps import CallerDep, DatabaseDep, WebDeps
from tests.web.conftest import token_of
from tests.web.example.app import make_app

_CASES = [
    ("conflict", 409),
    ("forbidden", 403),
    ("notfound", 404),
    ("invalid", 422),
    ("unavailable", 503),
    ("bug", 500),
]


@pytest.mark.parametrize(("kind", "status"), _CASES)
def test_an_error_page_shows_the_request_id(client: TestClient[WebApp], kind: str, status: int) -> None:
    answer = client.get(f"/fail/{kind}")
    assert answer.status_code == status
    assert answer.text.startswith("<!doctype html>")
    assert f"Error {status}" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert 'id="nav"' in answer.text


@pytest.mark.parametrize(("kind", "status"), _CASES)
def test_a_failed_fragment_shows_its_error_in_place(client: TestClient[WebApp], kind: str, status: int) -> None:
    answer = client.get(f"/fail/{kind}", headers={"hx-request": "true", "hx-target": "div#grid"})
    assert answer.status_code == status
    assert answer.text.startswith('<div class="notice notice-fail')
    assert ('hx-target="#grid"' in answer.text) == (status >= 500)


@pytest.mark.parametrize(("kind", "status"), _CASES)
def test_a_failed_action_shows_a_toast_and_changes_nothing(client: TestClient[WebApp], kind: str, status: int) -> None:
    headers = {"hx-request": "true", "x-csrf-token": token_of(client)}
    answer = client.post(f"/fail/{kind}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["hx-reswap"] == "none"
    assert '"tone": "fail"' in answer.headers["hx-trigger"]


@pytest.mark.parametrize(("kind", "status"), _CASES)
def test_a_failed_action_never_replaces_the_page(client: TestClient[WebApp], kind: str, status: int) -> None:
    headers = {"hx-request": "true", "hx-target": "main#main", "x-csrf-token": token_of(client)}
    for more in ({}, {"hx-boosted": "true"}):
        answer = client.post(f"/fail/{kind}", headers=headers | more)
        assert answer.status_code == status
        assert f"Error {status}" not in answer.text
        assert answer.headers["hx-reswap"] == "none"
        assert '"tone": "fail"' in answer.headers["hx-trigger"]


def test_a_filter_that_is_refused_leaves_the_page_and_its_address(client: TestClient[WebApp]) -> None:
    answer = client.get("/fail/invalid", headers={"hx-request": "true", "hx-target": "main#main"})
    assert answer.status_code == 422
    assert (answer.headers["hx-reswap"], answer.headers["hx-push-url"]) == ("none", "false")
    assert '"tone": "fail"' in answer.headers["hx-trigger"]


def test_an_api_request_gets_a_problem_document(client: TestClient[WebApp]) -> None:
    answer = client.get("/api/v1/fail/invalid")
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == 422
    assert problem["detail"] == "Wrong."
    assert problem["errors"] == {"key": "Too short."}
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_request_for_json_gets_json_at_every_address(client: TestClient[WebApp]) -> None:
    answer = client.get("/fail/notfound", headers={"accept": "application/json"})
    assert answer.json()["detail"] == "There is no such film."


def test_an_unavailable_service_answers_with_retry_after(client: TestClient[WebApp]) -> None:
    assert client.get("/fail/unavailable").headers["retry-after"] == "7"


def test_an_internal_error_is_logged_with_the_request_id_and_not_shown(
    client: TestClient[WebApp], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="mydia.web.errors"):
        answer = client.get("/fail/bug")
    assert "secret" not in answer.text
    assert any(record.exc_info for record in caplog.records)


def test_an_error_page_does_not_change_the_counts_in_the_navigation(client: TestClient[WebApp]) -> None:
    moving = {"hx-request": "true", "hx-target": "main#main"}
    whole = client.get("/other", headers=moving).text
    assert 'id="count-movies" class="navcount">1,204<' in whole
    for kind in ("notfound", "unavailable", "bug"):
        failed = client.get(f"/fail/{kind}", headers=moving).text
        assert "Error" in failed
        assert "count-movies" not in failed


def test_an_unknown_address_shows_an_error_within_the_shell(client: TestClient[WebApp]) -> None:
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert 'id="nav"' in answer.text
    assert client.get("/api/v1/none").json()["status"] == 404


def test_a_wrong_method_is_refused(client: TestClient[WebApp]) -> None:
    answer = client.post("/other", headers={"x-csrf-token": token_of(client)})
    assert answer.status_code == 405
    assert "Error 405" in answer.text


def test_a_large_body_is_refused(client: TestClient[WebApp]) -> None:
    headers = {"x-csrf-token": token_of(client), "content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/gallery/save", content=b"title=" + b"a" * (11 * 2**20), headers=headers)
    assert answer.status_code == 413


def test_signed_out_visitors_are_sent_to_the_login_and_back(stranger: TestClient[WebApp]) -> None:
    answer = stranger.get("/gallery?state=missing", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fgallery%3Fstate%3Dmissing"
    moved = stranger.get("/gallery", headers={"hx-request": "true", "hx-current-url": "http://mydia.test/other"})
    assert moved.headers["hx-redirect"] == "/login?next=%2Fother"
    api = stranger.get("/api/v1/fail/invalid")
    assert (api.status_code, api.headers["www-authenticate"]) == (401, 'Bearer realm="Mydia"')


def test_a_change_that_cannot_be_written_now_answers_with_retry_after(deps: WebDeps) -> None:
    hasty = replace(deps, database=Database(deps.database.url, patience_s=0.05))

    @post("/api/v1/slow", sync_to_thread=True)
    def change(database: DatabaseDep, caller: CallerDep) -> None:
        with database.writes() as session:
            session.execute(text("DELETE FROM events"))

    with TestClient(make_app(hasty, change), base_url="http://mydia.test", raise_server_exceptions=False) as client:
        client.headers.update({"x-api-key": "robin"})
        with deps.database.writes() as session:
            session.execute(text("DELETE FROM events"))
            refused = client.post("/api/v1/slow")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.json()["detail"] == "The database is busy, so this was not saved. Try again in a moment."
        assert client.post("/api/v1/slow").status_code == 201
    hasty.database.close()

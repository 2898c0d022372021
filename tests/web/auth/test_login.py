"""Signing in and out in a browser, and with keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar.testing import TestClient

from mydia import clock
from mydia.contexts import users
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role, throttle
from mydia.db import Database
from mydia.secret import Secret
from mydia.web.app import WebApp
from tests.web.auth.conftest import PASSWORD, sign_in, token

type Browser = TestClient[WebApp]


def test_a_signed_out_visitor_signs_in_and_gets_the_requested_page(browser: Browser, robin: Caller) -> None:
    asked = browser.get("/?page=2")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2F%3Fpage%3D2")
    answer = sign_in(browser, next="/?page=2", stay="on")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=2")
    assert browser.get("/").text == "hello robin"


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(browser: Browser, robin: Caller) -> None:
    cookie = next(c for c in sign_in(browser, stay="on").headers.get_list("set-cookie") if c.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_secure_and_without_stay_it_ends_with_the_browser_session(
    browser: Browser, robin: Caller
) -> None:
    browser.base_url = "https://mydia.test"
    cookie = next(c for c in sign_in(browser).headers.get_list("set-cookie") if c.startswith("session="))
    assert "Secure" in cookie
    assert "Max-Age" not in cookie


def test_signing_in_ends_the_previous_session_of_the_browser(browser: Browser, robin: Caller) -> None:
    form = {"_csrf": token(browser), "username": "robin", "password": PASSWORD}
    browser.post("/login", data=form)
    first = browser.cookies["session"]
    assert browser.post("/login", data=form).status_code == 303
    assert browser.cookies["session"] != first
    browser.cookies.delete("session")
    assert browser.get("/", headers={"cookie": f"session={first}"}).status_code == 303


def test_a_session_that_somebody_else_chose_is_never_used(browser: Browser, robin: Caller) -> None:
    chosen = "a-session-that-mallory-knows-and-put-into-the-browser"
    browser.cookies.set("session", chosen)
    assert sign_in(browser).status_code == 303
    own = [one.value for one in browser.cookies.jar if one.name == "session" and one.value != chosen]
    assert own
    browser.cookies.clear()
    assert browser.get("/", headers={"cookie": f"session={chosen}"}).headers["location"].startswith("/login")
    assert browser.get("/", headers={"cookie": f"session={own[0]}"}).status_code == 200


def test_ten_typing_errors_of_one_person_lock_nobody_else_at_the_address(
    browser: Browser, robin: Caller, database: Database
) -> None:
    with database.writes() as session:
        users.add_user(session, robin, clock.now(), NewUser(username="kim", role=Role.GUEST, password=Secret(PASSWORD)))
    for _ in range(10):
        assert sign_in(browser, "a typing error", "kim").status_code == 422
    assert sign_in(browser, PASSWORD, "kim").status_code == 429
    assert sign_in(browser, PASSWORD, "robin").status_code == 303


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
    ],
)
def test_signing_in_never_redirects_to_another_site(browser: Browser, robin: Caller, where: str) -> None:
    assert sign_in(browser, next=where).headers["location"] == "/"


def test_a_wrong_password_shows_the_form_with_the_name_still_in_it(browser: Browser, robin: Caller) -> None:
    answer = sign_in(browser, "wrong password", next="/?page=2")
    assert answer.status_code == 422
    assert "Wrong username or password" in answer.text
    assert 'value="robin"' in answer.text
    assert 'value="/?page=2"' in answer.text
    assert "session" not in browser.cookies


def test_too_many_attempts_are_refused_with_the_time_to_wait(browser: Browser, robin: Caller) -> None:
    for _ in range(throttle.PER_PAIR):
        assert sign_in(browser, "wrong password").status_code == 422
    answer = sign_in(browser)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 60
    assert "Try again in 1" in answer.text


def test_a_form_without_its_token_is_refused(browser: Browser, robin: Caller) -> None:
    assert browser.post("/login", data={"username": "robin", "password": PASSWORD}).status_code == 403


def test_signing_out_ends_the_session_itself(browser: Browser, robin: Caller) -> None:
    form_token = token(browser)
    browser.post("/login", data={"_csrf": form_token, "username": "robin", "password": PASSWORD})
    kept = browser.cookies["session"]
    out = browser.post("/logout", data={"_csrf": form_token})
    assert out.headers["location"] == "/login?local"
    assert browser.get("/", headers={"cookie": f"session={kept}"}).status_code == 303


def test_the_last_use_of_a_session_is_recorded(browser: Browser, robin: Caller, database: Database) -> None:
    sign_in(browser, stay="on")
    with database.writes() as session:
        (row,) = users.sessions.list_sessions(session, robin, clock.now())
        row.last_seen_at -= timedelta(days=2)
        row.expires_at -= timedelta(days=2)
    assert browser.get("/").status_code == 200
    with database.reads() as session:
        (row,) = users.sessions.list_sessions(session, robin, clock.now())
        assert clock.now() - row.last_seen_at < timedelta(minutes=1)
        assert row.expires_at - clock.now() > timedelta(days=29)


def test_keys_work_in_both_headers_and_need_no_form_token(browser: Browser, robin: Caller, database: Database) -> None:
    with database.writes() as session:
        row, key = users.api_keys.add_api_key(session, robin, clock.now(), "Prowlarr")
    for headers in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
        answer = browser.post("/api/v1/wish", headers=headers)
        assert answer.json() == {"by": "Prowlarr", "kind": "api_key"}
    with database.reads() as session:
        assert users.api_keys.list_keys(session, SYSTEM, row.user_id)[0].last_used_at is not None


def test_a_wrong_key_is_refused_even_with_a_valid_session(browser: Browser, robin: Caller) -> None:
    sign_in(browser)
    answer = browser.post("/api/v1/wish", headers={"x-api-key": "nonsense"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "unknown" in answer.json()["detail"]


def test_software_without_a_key_gets_a_problem_document_instead_of_the_login_page(
    browser: Browser, robin: Caller
) -> None:
    answer = browser.get("/api/v1/wish", headers={"accept": "*/*"})
    assert answer.status_code in (401, 405)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/login"])
def test_a_wrong_key_is_refused_without_a_redirect(browser: Browser, robin: Caller, path: str) -> None:
    for accept in ("*/*", "text/html", "application/json"):
        answer = browser.get(path, headers={"x-api-key": "mydia_wrong", "accept": accept})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "API key" in answer.json()["detail"]

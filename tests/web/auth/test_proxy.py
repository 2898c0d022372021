"""Sign-in by the headers of a trusted proxy; the same headers from other senders are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from copy import replace
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from mydia import clock, events
from mydia import config as configuration
from mydia.contexts import settings, users
from mydia.contexts.users import Caller, Role
from mydia.contexts.users.models import User
from mydia.db import Database
from mydia.web import auth
from mydia.web.app import WebApp, create_app
from mydia.web.deps import WebDeps
from mydia.web.pages import account, setup
from mydia.web.shell import empty_shell
from tests.web.auth.conftest import home, sign_in, token
from tests.web.conftest import from_address

PROXY = "10.0.0.2"
KIM = {"Remote-User": "Kim", "Remote-Name": "Kim Doe", "Remote-Groups": "family,users"}


def make_app(web_deps: WebDeps, database: Database, folder: Path, **environ: str) -> WebApp:
    loaded = {"DATA_DIR": str(folder / "data"), "TRUSTED_PROXIES": PROXY, "PROXY_AUTH_ENABLED": "true", **environ}
    config = configuration.load(loaded)
    settings.bind(database, config)
    routes = [*auth.ROUTES, *setup.ROUTES, *account.ROUTES, home]
    return create_app(
        replace(web_deps, config=config),
        routes=routes,
        live=(),
        shell=empty_shell,
        finders=(),
        checks=(),
        metrics=(),
    )


@pytest.fixture
def app(web_deps: WebDeps, database: Database, tmp_path: Path) -> WebApp:
    return make_app(web_deps, database, tmp_path)


@pytest.fixture
def browser(app: WebApp) -> Iterator[TestClient[WebApp]]:
    """A browser behind the proxy."""
    with TestClient(from_address(app, PROXY), base_url="http://mydia.test") as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        yield client


@pytest.fixture
def outsider(app: WebApp) -> Iterator[TestClient[WebApp]]:
    """A browser that reaches Mydia without the proxy."""
    with TestClient(app, base_url="http://mydia.test") as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        yield client


def people(database: Database) -> dict[str, str]:
    with database.reads() as session:
        return {user.username: user.role for user in session.scalars(select(User))}


def test_the_proxy_signs_a_person_in(browser: TestClient[WebApp], database: Database, robin: Caller) -> None:
    answer = browser.get("/login?next=/%3Fpage%3D2", headers=KIM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=2")
    assert browser.get("/", headers=KIM).text == "hello Kim Doe"
    assert people(database) == {"robin": "admin", "kim": "user"}
    with database.reads() as session:
        assert events.feed(session, types=["SignedIn"])[0].payload["method"] == "proxy"


def test_headers_from_elsewhere_are_ignored(outsider: TestClient[WebApp], database: Database, robin: Caller) -> None:
    answer = outsider.get("/login", headers=KIM | {"X-Forwarded-For": PROXY})
    assert answer.status_code == 200
    assert 'name="password"' in answer.text
    assert people(database) == {"robin": "admin"}


def test_a_session_of_the_proxy_works_only_behind_it(
    browser: TestClient[WebApp], outsider: TestClient[WebApp], robin: Caller
) -> None:
    browser.get("/login", headers=KIM)
    outsider.cookies.set("session", browser.cookies["session"])
    assert outsider.get("/", headers=KIM).status_code == 303


def test_another_person_at_the_proxy_gets_another_session(
    browser: TestClient[WebApp], database: Database, robin: Caller
) -> None:
    browser.get("/login", headers=KIM)
    sam = {"Remote-User": "sam"}
    assert browser.get("/", headers=sam).headers["location"] == "/login"
    browser.get("/login", headers=sam)
    assert browser.get("/", headers=sam).text == "hello sam"


def test_a_header_that_was_sent_twice_is_ignored(app: WebApp, robin: Caller) -> None:
    async def twice(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            scope["headers"] = [*scope["headers"], (b"remote-user", b"robin"), (b"remote-user", b"kim")]
        await from_address(app, PROXY)(scope, receive, send)

    with TestClient(twice, base_url="http://mydia.test") as client:
        client.headers["accept"] = "text/html"
        assert 'name="password"' in client.get("/login").text


def test_a_name_that_an_account_has_already_is_not_that_account(
    browser: TestClient[WebApp], database: Database, robin: Caller
) -> None:
    browser.get("/login", headers={"Remote-User": "robin"})
    assert people(database) == {"robin": "admin", "robin-2": "guest"}


def test_an_account_is_linked_to_the_proxy_from_its_page(
    browser: TestClient[WebApp], database: Database, robin: Caller
) -> None:
    named = {"Remote-User": "rob"}
    sign_in(browser)
    assert "Link rob at the proxy" in browser.get("/account", headers=named).text
    browser.post("/account/identities/proxy/link", data={"_csrf": token(browser, "/account")}, headers=named)
    browser.cookies.clear()
    browser.get("/login", headers=named)
    assert browser.get("/", headers=named).text == "hello robin"


def test_the_first_person_of_the_proxy_becomes_the_administrator(
    browser: TestClient[WebApp], database: Database
) -> None:
    assert browser.get("/login", headers=KIM).status_code == 303
    assert people(database) == {"kim": "admin"}


def test_the_form_remains_for_those_who_ask_for_it(browser: TestClient[WebApp], robin: Caller) -> None:
    assert 'name="password"' in browser.get("/login?local", headers=KIM).text


def test_it_is_off_by_default(web_deps: WebDeps, database: Database, tmp_path: Path, robin: Caller) -> None:
    app = make_app(web_deps, database, tmp_path, PROXY_AUTH_ENABLED="")
    with TestClient(from_address(app, PROXY), base_url="http://mydia.test") as client:
        client.headers["accept"] = "text/html"
        assert 'name="password"' in client.get("/login", headers=KIM).text


def test_the_names_of_the_headers_can_be_changed(
    web_deps: WebDeps, database: Database, tmp_path: Path, robin: Caller
) -> None:
    app = make_app(web_deps, database, tmp_path, PROXY_AUTH_USER_HEADER="X-Auth-User")
    with TestClient(from_address(app, PROXY), base_url="http://mydia.test") as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        assert client.get("/login", headers={"X-Auth-User": "kim"}).status_code == 303


def test_an_administrator_can_disable_a_person_of_the_proxy(
    browser: TestClient[WebApp], database: Database, robin: Caller
) -> None:
    browser.get("/login", headers=KIM)
    with database.writes() as session:
        kim = session.scalar(select(User.id).where(User.username == "kim"))
        users.change_user(session, robin, str(kim), now=clock.now(), disabled=True)
    answer = browser.get("/login", headers=KIM)
    assert answer.status_code == 403
    assert "This account is disabled" in answer.text
    assert people(database)["kim"] == Role.USER

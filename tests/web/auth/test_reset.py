"""A link from an administrator sets a new password, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar.testing import TestClient

from mydia import clock, events
from mydia.contexts import users
from mydia.contexts.users import Caller, NewUser, Role
from mydia.db import Database
from mydia.errors import Forbidden
from mydia.secret import Secret
from mydia.web.app import WebApp
from mydia.web.deps import WebDeps
from tests.web.auth.conftest import sign_in, token

type Browser = TestClient[WebApp]
NEW = "a quite different one"


@pytest.fixture
def kim(database: Database, robin: Caller) -> str:
    with database.writes() as session:
        new = NewUser(username="kim", role=Role.GUEST, password=Secret("the first password"))
        return users.add_user(session, robin, clock.now(), new).id


@pytest.fixture
def link(database: Database, web_deps: WebDeps, robin: Caller, kim: str) -> str:
    with database.writes() as session:
        return users.resets.new_reset_token(session, web_deps.config.secret_key(), robin, clock.now(), kim)


def send(browser: Browser, link: str, password: str = NEW, again: str = NEW) -> object:
    form = {"_csrf": token(browser), "password": password, "again": again}
    return browser.post(f"/login/reset/{link}", data=form)


def test_the_link_sets_a_password_and_ends_sessions(browser: Browser, link: str, database: Database) -> None:
    sign_in(browser, "the first password", "kim")
    kept = browser.cookies["session"]
    browser.cookies.delete("session")
    assert "for kim" in browser.get(f"/login/reset/{link}").text
    assert send(browser, link).headers["location"] == "/login?local"  # type: ignore[attr-defined]
    browser.cookies.set("session", kept)
    assert browser.get("/").status_code == 303
    assert sign_in(browser, NEW, "kim").status_code == 303
    with database.reads() as session:
        changed = events.feed(session, types=["UserChanged"])[0].payload["changed"]
    assert changed == {"password": ["…", "changed by a link"]}


def test_it_works_once(browser: Browser, link: str) -> None:
    send(browser, link)
    again = send(browser, link, "another password", "another password")
    assert again.status_code == 422  # type: ignore[attr-defined]
    assert "This link was used already" in again.text  # type: ignore[attr-defined]
    assert sign_in(browser, NEW, "kim").status_code == 303


def test_a_weak_password_is_refused_and_the_link_still_works(browser: Browser, link: str) -> None:
    assert send(browser, link, "short", "short").status_code == 422  # type: ignore[attr-defined]
    assert send(browser, link, NEW, "typed wrong").status_code == 422  # type: ignore[attr-defined]
    assert send(browser, link).status_code == 303  # type: ignore[attr-defined]


def test_a_link_expires(browser: Browser, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert browser.get(f"/login/reset/{link}").status_code == 422


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + "x", lambda t: "x", lambda t: f"a.{'9' * 5000}.b", lambda t: t.replace(".", ".9", 1)]
)
def test_a_forged_link_is_refused(browser: Browser, link: str, change: object) -> None:
    assert browser.get(f"/login/reset/{change(link)}").status_code == 422  # type: ignore[operator]


def test_a_link_of_a_disabled_account_is_refused(
    browser: Browser, link: str, database: Database, robin: Caller, kim: str
) -> None:
    with database.writes() as session:
        users.change_user(session, robin, kim, now=clock.now(), disabled=True)
    assert browser.get(f"/login/reset/{link}").status_code == 422


def test_only_those_who_manage_accounts_make_links(
    database: Database, web_deps: WebDeps, guest: Caller, kim: str
) -> None:
    with pytest.raises(Forbidden), database.writes() as session:
        users.resets.new_reset_token(session, web_deps.config.secret_key(), guest, clock.now(), kim)

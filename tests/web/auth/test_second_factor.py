"""A second factor: an authenticator app, recovery codes, and what a session without it may do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from litestar.testing import TestClient

from mydia import clock, events
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, Caller, TooManyAttempts, throttle
from mydia.db import Database
from mydia.errors import Invalid
from mydia.web.app import WebApp
from tests.web.auth.conftest import PASSWORD, sign_in, token

type Browser = TestClient[WebApp]


class Phone:
    """An authenticator app."""

    def __init__(self, secret: str) -> None:
        import base64

        self._totp = TOTP(base64.b32decode(secret.replace(" ", "")), 6, SHA1(), 30)

    def code(self, at: datetime | None = None) -> str:
        return self._totp.generate(int((at or clock.now()).timestamp())).decode()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """A clock whose last entry is the time."""
    times = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: times[-1])
    return times


def later(steps: list[datetime], seconds: float = 30) -> None:
    steps.append(steps[-1] + timedelta(seconds=seconds))


def add_app(browser: Browser) -> tuple[Phone, list[str]]:
    """Add an app to the signed-in account and return it with the recovery codes."""
    shown = browser.get("/account/security/apps/new")
    assert shown.headers["cache-control"] == "no-store"
    source = re.search(r'src="(/account/security/picture[^"]+)"', shown.text)
    assert source
    picture = browser.get(source[1].replace("&amp;", "&"))
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert (picture.headers["cache-control"], b"<svg" in picture.content) == ("no-store", True)
    secret = re.search(r'code select-all">([A-Z2-7 ]+)<', shown.text)
    sealed = re.search(r'name="sealed" value="([^"]+)"', shown.text)
    assert secret
    assert sealed
    phone = Phone(secret[1])
    form = {
        "_csrf": token(browser, "/account"),
        "sealed": sealed[1],
        "code": phone.code(),
        "name": "Phone",
        "current": PASSWORD,
    }
    answer = browser.post("/account/security/apps/new", data=form)
    assert answer.status_code == 200, answer.text
    return phone, re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", answer.text)


def enter(browser: Browser, code: str, **more: str) -> object:
    return browser.post("/login/code", data={"_csrf": token(browser, "/login/code"), "code": code, **more})


@pytest.fixture
def phone(browser: Browser, robin: Caller, steps: list[datetime]) -> tuple[Phone, list[str]]:
    """Robin's app; the browser is signed out again."""
    sign_in(browser)
    made = add_app(browser)
    browser.cookies.delete("session")
    later(steps)
    return made


def test_a_password_leads_to_the_code_and_the_code_to_the_page(
    browser: Browser, phone: tuple[Phone, list[str]], database: Database
) -> None:
    answer = sign_in(browser, next="/?page=2", stay="true")
    assert answer.headers["location"] == "/login/code?next=%2F%3Fpage%3D2&stay=true"
    waiting = browser.cookies["session"]
    entered = enter(browser, phone[0].code(), next="/?page=2")
    assert entered.headers["location"] == "/?page=2"  # type: ignore[attr-defined]
    assert browser.get("/").text == "hello robin"
    assert browser.cookies["session"] != waiting
    with database.reads() as session:
        assert events.feed(session, types=["SignedIn"])[0].payload["method"] == "password and code"


def test_a_session_without_the_code_opens_nothing(browser: Browser, phone: tuple[Phone, list[str]]) -> None:
    sign_in(browser)
    assert browser.get("/").headers["location"] == "/login"
    assert browser.get("/account").status_code == 303
    assert browser.post("/account/preferences", data={"_csrf": token(browser), "theme": "system"}).status_code in {
        303,
        401,
    }
    assert browser.get("/events?topics=shell").status_code != 200


def test_a_code_works_once(browser: Browser, phone: tuple[Phone, list[str]]) -> None:
    code = phone[0].code()
    sign_in(browser)
    assert enter(browser, code).status_code == 303  # type: ignore[attr-defined]
    browser.cookies.delete("session")
    sign_in(browser)
    assert enter(browser, code).status_code == 422  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "status"), [(-30, 303), (30, 303), (-90, 422), (90, 422)])
def test_the_clock_of_the_phone_may_be_off_a_little(
    browser: Browser, phone: tuple[Phone, list[str]], steps: list[datetime], seconds: int, status: int
) -> None:
    later(steps, 300)
    sign_in(browser)
    code = phone[0].code(steps[-1] + timedelta(seconds=seconds))
    assert enter(browser, code).status_code == status  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "１２３４５６", "abcdef", "aaaaa-aaaaa"])
def test_a_wrong_code_is_refused(
    browser: Browser, phone: tuple[Phone, list[str]], database: Database, code: str
) -> None:
    sign_in(browser)
    answer = enter(browser, code)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "This code is not right" in answer.text  # type: ignore[attr-defined]
    with database.reads() as session:
        assert events.feed(session, types=["SignInFailed"])[0].payload["reason"] == "wrong code"


def test_codes_cannot_be_guessed(browser: Browser, phone: tuple[Phone, list[str]]) -> None:
    sign_in(browser)
    for _ in range(throttle.PER_PAIR):
        enter(browser, "000000")
    assert enter(browser, phone[0].code()).status_code == 429  # type: ignore[attr-defined]


def test_codes_cannot_be_guessed_from_many_addresses(
    browser: Browser, phone: tuple[Phone, list[str]], database: Database, robin: Caller
) -> None:
    with database.reads() as session:
        sealer = settings.sealer(session)
    assert robin.id is not None
    for number in range(throttle.CODES_PER_ACCOUNT):
        with pytest.raises(Invalid):
            users.factors.verify_code(database, sealer, clock.now(), robin.id, "000000", f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        users.factors.verify_code(database, sealer, clock.now(), robin.id, "000000", "192.0.2.1")


def test_a_waiting_session_ends_by_itself(
    browser: Browser, phone: tuple[Phone, list[str]], steps: list[datetime]
) -> None:
    sign_in(browser)
    form_token = token(browser, "/login/code")
    later(steps, 601)
    answer = browser.post("/login/code", data={"_csrf": form_token, "code": phone[0].code()})
    assert answer.headers["location"] == "/login"


def test_recovery_codes_work_once_each_and_are_counted(browser: Browser, phone: tuple[Phone, list[str]]) -> None:
    _, codes = phone
    assert len(set(codes)) == 10
    sign_in(browser)
    assert enter(browser, codes[0].upper().replace("-", " ")).status_code == 303  # type: ignore[attr-defined]
    assert "9 codes left" in browser.get("/account/security").text
    browser.cookies.delete("session")
    sign_in(browser)
    assert enter(browser, codes[0]).status_code == 422  # type: ignore[attr-defined]


def test_a_page_that_asks_for_the_password_says_when_there_were_too_many_guesses(
    browser: Browser, robin: Caller
) -> None:
    sign_in(browser)
    form = {"_csrf": token(browser, "/account"), "current": "guess"}
    for _ in range(users.throttle.PER_PAIR):
        assert browser.post("/account/security/recovery-codes", data=form).status_code == 422
    answer = browser.post("/account/security/recovery-codes", data=form | {"current": PASSWORD})
    assert answer.status_code == 429
    assert "Too many attempts. Try again in" in answer.text


def test_new_recovery_codes_replace_the_old_ones(browser: Browser, phone: tuple[Phone, list[str]]) -> None:
    _, codes = phone
    sign_in(browser)
    enter(browser, codes[0])
    form = {"_csrf": token(browser, "/account"), "current": "wrong password"}
    assert browser.post("/account/security/recovery-codes", data=form).status_code == 422
    answer = browser.post("/account/security/recovery-codes", data=form | {"current": PASSWORD})
    fresh = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", answer.text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    browser.cookies.delete("session")
    sign_in(browser)
    assert enter(browser, codes[1]).status_code == 422  # type: ignore[attr-defined]
    assert enter(browser, fresh[1]).status_code == 303  # type: ignore[attr-defined]


def test_an_app_is_removed_with_the_password_and_a_password_is_enough_again(
    browser: Browser, phone: tuple[Phone, list[str]]
) -> None:
    sign_in(browser)
    enter(browser, phone[0].code())
    path = re.search(r"/account/security/apps/[^/\"]+/remove", browser.get("/account/security").text)
    assert path
    form = {"_csrf": token(browser, "/account"), "current": "wrong password"}
    assert browser.post(path[0], data=form).status_code == 422
    assert browser.post(path[0], data=form | {"current": PASSWORD}).status_code == 303
    browser.cookies.delete("session")
    assert sign_in(browser).headers["location"] == "/"


def test_an_app_is_not_added_with_a_wrong_code(browser: Browser, robin: Caller) -> None:
    sign_in(browser)
    sealed = re.search(r'name="sealed" value="([^"]+)"', browser.get("/account/security/apps/new").text)
    assert sealed
    form = {"_csrf": token(browser, "/account"), "sealed": sealed[1], "code": "000000", "current": PASSWORD}
    answer = browser.post("/account/security/apps/new", data=form)
    assert "This is not the code of the app" in answer.text
    browser.cookies.delete("session")
    assert sign_in(browser).headers["location"] == "/"


def test_an_unlocked_browser_is_not_enough_to_add_an_app(browser: Browser, robin: Caller) -> None:
    sign_in(browser)
    shown = browser.get("/account/security/apps/new").text
    secret = re.search(r'code select-all">([A-Z2-7 ]+)<', shown)
    sealed = re.search(r'name="sealed" value="([^"]+)"', shown)
    assert secret
    assert sealed
    form = {
        "_csrf": token(browser, "/account"),
        "sealed": sealed[1],
        "code": Phone(secret[1]).code(),
        "current": "guess",
    }
    answer = browser.post("/account/security/apps/new", data=form)
    assert answer.status_code == 422
    assert "This is not your current password." in answer.text


def test_the_second_step_offers_a_passkey_only_to_an_account_that_has_one(
    browser: Browser, phone: tuple[Phone, list[str]], database: Database
) -> None:
    with database.writes() as session:
        kim = users.add_user(session, SYSTEM, clock.now(), users.NewUser(username="kim", role=users.Role.GUEST))
        key = users.factors.NewPasskey("another", "key", 0)
        users.factors.add_passkey(session, settings.sealer(session), users.caller_of(kim), clock.now(), key)
    browser.cookies.delete("session")
    sign_in(browser)
    assert "Sign in with a passkey" not in browser.get("/login/code").text
    assert "Sign in with a passkey" in browser.get("/login?local").text


def test_an_administrator_removes_a_lost_factor(
    browser: Browser, phone: tuple[Phone, list[str]], database: Database, robin: Caller
) -> None:
    with database.writes() as session:
        users.factors.reset_factors(session, robin, clock.now(), str(robin.id))
    assert sign_in(browser).headers["location"] == "/"

"""Answers of passkeys that are forged, old or used before. `tests/browser/test_sign_in.py` has the real ones."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from litestar.testing import TestClient

from mydia import clock, events
from mydia.contexts import settings, users
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.web.app import WebApp
from tests.web.auth.conftest import sign_in, token

type Browser = TestClient[WebApp]


@pytest.fixture
def passkey(database: Database, robin: Caller) -> str:
    """The id of a passkey of robin, whose key nobody has."""
    with database.writes() as session:
        new = users.factors.NewPasskey("AAAA", "AAAA", 0)
        users.factors.add_passkey(session, settings.sealer(session), robin, clock.now(), new, name="Laptop")
    return "AAAA"


def challenge(browser: Browser) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', browser.get("/login").text)
    assert found
    return found[1]


def answer(browser: Browser, challenge_: str, credential: object) -> object:
    sent = credential if isinstance(credential, str) else json.dumps(credential)
    form = {"_csrf": token(browser), "challenge": challenge_, "credential": sent}
    return browser.post("/login/passkey", data=form)


_FORGED = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"},
}


@pytest.mark.parametrize("credential", [_FORGED, {**_FORGED, "id": "BBBB"}, {}, [], "", "{", '"x"'])
def test_a_forged_answer_signs_nobody_in(
    browser: Browser, passkey: str, database: Database, credential: object
) -> None:
    sent = answer(browser, challenge(browser), credential)
    assert sent.status_code == 422  # type: ignore[attr-defined]
    assert "This passkey is not known here" in sent.text  # type: ignore[attr-defined]
    assert browser.get("/").status_code == 303
    with database.reads() as session:
        assert events.feed(session, types=["SignInFailed"])[0].payload["reason"] == "wrong passkey"


def test_a_challenge_works_once(browser: Browser, passkey: str) -> None:
    asked = challenge(browser)
    answer(browser, asked, _FORGED)
    assert "This page is too old" in answer(browser, asked, _FORGED).text  # type: ignore[attr-defined]


@pytest.mark.parametrize("spoil", ["", "x", "a.1.b", "{}.0", "a.99999999999999999999.b"])
def test_a_challenge_of_somebody_else_is_refused(browser: Browser, passkey: str, spoil: str) -> None:
    assert "This page is too old" in answer(browser, spoil, _FORGED).text  # type: ignore[attr-defined]


def test_an_old_challenge_is_refused(browser: Browser, passkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, form_token = challenge(browser), token(browser)
    later = clock.now() + timedelta(minutes=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    form = {"_csrf": form_token, "challenge": asked, "credential": json.dumps(_FORGED)}
    assert "This page is too old" in browser.post("/login/passkey", data=form).text


def test_a_passkey_makes_the_password_alone_insufficient(browser: Browser, passkey: str) -> None:
    assert sign_in(browser).headers["location"].startswith("/login/code")


def test_nobody_is_asked_for_a_passkey_if_there_is_none(browser: Browser, robin: Caller) -> None:
    assert "passkey" not in browser.get("/login").text


def test_passkeys_are_off_together_with_passwords(
    browser: Browser, passkey: str, database: Database, robin: Caller
) -> None:
    asked, form_token = challenge(browser), token(browser)
    with database.writes() as session:
        session.execute(  # nobody may turn it off while there is no provider
            settings.models.Setting.__table__.insert().values(
                key="auth.local_enabled", value={"value": False}, updated_at=clock.now()
            )
        )
    form = {"_csrf": form_token, "challenge": asked, "credential": json.dumps(_FORGED)}
    assert browser.post("/login/passkey", data=form).status_code == 403

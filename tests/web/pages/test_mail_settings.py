"""The page of the mail server, and its test message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import clock
from mydia.contexts import notifications, settings
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import Database
from mydia.errors import Conflict, Forbidden
from tests.fakes.mailbox import mailbox
from tests.fakes.outside import fake_outside
from tests.web.pages.household import Browser, browser_at, household

FORM = {
    "host": "localhost",
    "port": "2525",
    "tls": "none",
    "sender": "mydia@example.org",
    "username": "",
    "password": "",
}


@pytest.fixture
def browser(database: Database, tmp_path: Path) -> Iterator[Browser]:
    household(database)
    with browser_at(database, tmp_path, fake_outside()) as made:
        made.sign_in()
        yield made


def test_the_server_is_stored_with_a_sealed_password(browser: Browser, database: Database) -> None:
    assert "Set EXTERNAL_URL to send links" in browser.see("/settings/mail")
    form = FORM | {"username": "robin", "password": "top secret"}
    assert browser.send("/settings/mail", form).status_code == 303
    shown = browser.see("/settings/mail")
    assert 'value="localhost"' in shown
    assert "Stored. Leave empty to keep it." in shown
    assert "top secret" not in shown
    assert browser.send("/settings/mail", FORM | {"username": "robin", "port": "465", "tls": "tls"}).status_code == 303
    with database.reads() as session:
        server = notifications.mail.server_of(session)
    assert server is not None
    assert (server.port, server.tls, server.username) == (465, "tls", "robin")
    assert server.password is not None
    assert server.password.reveal() == "top secret"
    browser.send("/settings/mail", FORM | {"forget_password": "true"})
    with database.reads() as session:
        assert not settings.of(session).mail.password
    browser.send("/settings/mail", FORM | {"host": ""})
    with database.reads() as session:
        assert notifications.mail.server_of(session) is None


def test_wrong_values_stay_in_the_form_with_what_is_wrong(browser: Browser) -> None:
    answer = browser.send("/settings/mail", FORM | {"host": "http://smtp", "port": "0", "sender": "nobody"})
    assert answer.status_code == 422
    for said in ("a host name or an address", "from 1 to 65535", "an e-mail address such as mydia@example.org"):
        assert said in answer.text
    assert 'value="http://smtp"' in answer.text


def test_a_test_message_is_sent_before_the_values_are_saved(browser: Browser, database: Database) -> None:
    with mailbox() as found:
        form = FORM | {"port": str(found.server.port), "to": "kim@example.org"}
        answer = browser.send("/settings/mail/test", form, on="/settings/mail")
        assert "Message sent" in answer.text
        assert [message["To"] for message in found.wait()] == ["kim@example.org"]
        found.reply = "550 no such user"
        answer = browser.send("/settings/mail/test", form, on="/settings/mail")
        assert "rejected the recipient: 550 no such user" in answer.text
        answer = browser.send("/settings/mail/test", form | {"to": "nobody"}, on="/settings/mail")
        assert "Enter an e-mail address" in answer.text
        assert len(found.messages) == 1
    with database.reads() as session:
        assert notifications.mail.server_of(session) is None


def test_a_stored_password_is_not_sent_to_another_host(browser: Browser) -> None:
    with mailbox(password="stored secret", wanted="stored secret") as found:
        form = FORM | {"port": str(found.server.port), "to": "kim@example.org", "username": "robin"}
        browser.send("/settings/mail", form | {"host": "mail.example.org", "password": "stored secret"})
        answer = browser.send("/settings/mail/test", form, on="/settings/mail")
        assert "rejected the user name or password" in answer.text
        browser.send("/settings/mail", form)
        answer = browser.send("/settings/mail/test", form, on="/settings/mail")
        assert "Message sent" in answer.text


def test_values_of_the_environment_are_shown_and_kept(database: Database, tmp_path: Path) -> None:
    household(database)
    with browser_at(
        database, tmp_path, fake_outside(), SMTP_HOST="mail.example.org", SMTP_PASSWORD="x" * 12
    ) as browser:
        browser.sign_in()
        shown = browser.see("/settings/mail")
        assert 'value="mail.example.org"' in shown
        assert "SMTP_HOST" in shown
        assert "SMTP_PASSWORD" in shown
        browser.send("/settings/mail", FORM | {"host": "evil.example"})
        with database.reads() as session:
            assert settings.of(session).mail.host == "mail.example.org"
            assert settings.of(session).mail.sender == "mydia@example.org"


def test_changing_the_server_needs_all_permissions(database: Database, tmp_path: Path) -> None:
    household(database)
    scopes = [Permission.MANAGE_SETTINGS]
    limited = Caller(
        kind="api_key", id=None, name="Key", permissions=permissions_of(Role.ADMIN, scopes=scopes), role=Role.ADMIN
    )
    with browser_at(database, tmp_path, fake_outside()):
        with pytest.raises(Forbidden), database.writes() as session:
            settings.change_values(session, limited, clock.now(), {"mail.host": "evil.example"})
        with pytest.raises(Forbidden):
            notifications.mail.send_test(fake_outside(), limited, None, "kim@example.org")
        with pytest.raises(Conflict):
            notifications.mail.send_test(fake_outside(), SYSTEM, None, "kim@example.org")

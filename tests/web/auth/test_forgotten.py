"""A person who forgot the password gets a link by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient

from mydia import clock, events
from mydia import config as configuration
from mydia.adapters.errors import Refused, Unreachable
from mydia.contexts import notifications, settings, users
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from mydia.db import Database
from mydia.errors import Misconfigured
from mydia.jobs import notifications as jobs
from mydia.secret import Secret
from mydia.web.app import WebApp
from mydia.web.deps import WebDeps
from tests.fakes.mailbox import Mailbox, mailbox
from tests.web.auth.conftest import sign_in, token

type Browser = TestClient[WebApp]
OLD, NEW = "the first password", "a quite different one"
ORIGIN = "https://media.example.org"


@pytest.fixture
def web_deps(web_deps: WebDeps, database: Database, tmp_path: Path) -> WebDeps:
    """The same, at a public address."""
    config = configuration.load({"DATA_DIR": str(tmp_path / "data"), "EXTERNAL_URL": ORIGIN})
    settings.bind(database, config)
    return replace(web_deps, config=config)


@pytest.fixture
def inbox(database: Database, web_deps: WebDeps) -> Iterator[Mailbox]:
    """A mail server, which the settings name."""
    with mailbox() as found:
        set_up_mail(database, found)
        yield found


def set_up_mail(database: Database, found: Mailbox) -> None:
    server = found.server
    values = {"mail.host": server.host, "mail.port": server.port, "mail.tls": "none", "mail.sender": server.sender}
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), values)


@pytest.fixture
def kim(database: Database, robin: Caller) -> str:
    new = NewUser(username="kim", role=Role.GUEST, password=Secret(OLD), email="Kim@Example.org", display_name="Kim")
    with database.writes() as session:
        return users.add_user(session, robin, clock.now(), new).id


def ask(browser: Browser, name: str) -> tuple[int, str]:
    """Send the form and return status and text."""
    answer = browser.post("/login/forgotten", data={"_csrf": token(browser), "name": name})
    return answer.status_code, answer.text


def send_mail(database: Database, web_deps: WebDeps) -> int:
    """Send what is due, as the worker does, and return the number of messages."""
    with database.reads() as session:
        due = users.resets.due_mails(session, clock.now())
    for reset_id in due:
        notifications.mail.send_reset(database, web_deps.outside, clock.now(), reset_id)
    return len(due)


def link_in(found: Mailbox) -> str:
    text = found.wait()[-1].get_body(("plain",))
    assert text is not None
    shown = re.search(rf"{ORIGIN}(/login/reset/\S+)", text.get_content())
    assert shown, text.get_content()
    return shown[1]


def set_password(browser: Browser, link: str, password: str = NEW) -> int:
    return browser.post(link, data={"_csrf": token(browser), "password": password, "again": password}).status_code


@pytest.mark.parametrize("name", ["kim", " KIM ", "kim@example.org"])
def test_the_link_in_the_message_sets_a_new_password_once(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str, name: str
) -> None:
    sign_in(browser, OLD, "kim")
    phone = browser.cookies["session"]
    browser.cookies.delete("session")
    assert 'href="/login/forgotten"' in browser.get("/login").text
    status, text = ask(browser, name)
    assert status == 200
    assert "Check your mail" in text
    assert send_mail(database, web_deps) == 1
    (message,) = inbox.wait()
    assert (message["To"], message["Subject"]) == ("kim@example.org", "Set a new password for Mydia")
    html = message.get_body(("html",))
    assert html is not None
    link = link_in(inbox)
    assert f'href="{ORIGIN}{link}"' in html.get_content()
    assert "for kim" in browser.get(link).text
    assert set_password(browser, link) == 303
    browser.cookies.set("session", phone)
    assert browser.get("/").status_code == 303
    browser.cookies.delete("session")
    assert sign_in(browser, NEW, "kim").status_code == 303
    browser.cookies.delete("session")
    assert set_password(browser, link, "yet another password") == 422
    with database.reads() as session:
        told = [one.type for one in events.feed(session, types=["PasswordResetRequested", "UserChanged"])]
    assert told == ["UserChanged", "PasswordResetRequested"]


def test_the_answer_is_the_same_for_people_who_do_not_exist(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    status, known = ask(browser, "kim")
    _, unknown = ask(browser, "zoe")
    same = [re.sub(r'value="[^"]*"|"X-CSRF-Token":"[^"]*"|kim|zoe', "", text) for text in (known, unknown)]
    assert (status, same[0]) == (200, same[1])
    assert send_mail(database, web_deps) == 1


def test_accounts_that_cannot_use_a_link_get_none(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, robin: Caller, kim: str
) -> None:
    with database.writes() as session:
        users.add_user(session, robin, clock.now(), NewUser(username="oda", role=Role.GUEST, email="oda@example.org"))
        users.change_user(session, robin, kim, now=clock.now(), disabled=True)
    for name in ("robin", "oda", "kim"):  # no address, no password, disabled
        assert ask(browser, name)[0] == 200
    assert send_mail(database, web_deps) == 0


def test_a_link_is_valid_for_an_hour(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(browser, "kim")
    send_mail(database, web_deps)
    link, later = link_in(inbox), clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = browser.get(link)
    assert answer.status_code == 422
    assert "used already or is too old" in answer.text


@pytest.mark.parametrize("change", [{"email": "new@example.org"}, {"disabled": True}, {"password": Secret(NEW)}])
def test_a_changed_account_makes_the_link_useless(
    browser: Browser,
    inbox: Mailbox,
    database: Database,
    web_deps: WebDeps,
    robin: Caller,
    kim: str,
    change: dict[str, object],
) -> None:
    ask(browser, "kim")
    send_mail(database, web_deps)
    with database.writes() as session:
        users.change_user(session, robin, kim, now=clock.now(), **change)  # type: ignore[arg-type]  # one of its options
    assert browser.get(link_in(inbox)).status_code == 422


def test_only_the_last_link_works(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    ask(browser, "kim")
    send_mail(database, web_deps)
    first = link_in(inbox)
    ask(browser, "kim")
    send_mail(database, web_deps)
    inbox.wait(2)
    assert [browser.get(link).status_code for link in (first, link_in(inbox))] == [422, 200]


def test_a_mailbox_cannot_be_filled_and_an_address_has_to_wait(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    sent = 0
    for name in ("kim", "kim@example.org", "KIM", "kim", "kim@example.org"):
        assert ask(browser, name)[0] == 200
        sent += send_mail(database, web_deps)
    assert sent == users.throttle.RESETS_PER_ACCOUNT
    for number in range(5):
        assert ask(browser, f"unknown-{number}")[0] == 200
    status, text = ask(browser, "unknown")
    assert status == 429
    assert "Too many attempts" in text


def test_no_token_is_stored(browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str) -> None:
    ask(browser, "kim")
    send_mail(database, web_deps)
    secret = link_in(inbox).rpartition("/")[2]
    database.close()
    stored = b"".join(path.read_bytes() for path in Path(str(database.path)).parent.rglob("*.db*"))
    assert secret.encode() not in stored


def test_a_rejected_address_is_not_tried_again(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    inbox.reply = "550 no such user"
    ask(browser, "kim")
    with pytest.raises(Refused, match="no such user"):
        send_mail(database, web_deps)
    assert send_mail(database, web_deps) == 0


def test_a_server_that_is_down_is_tried_again(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    ask(browser, "kim")
    with database.writes() as session:
        settings.change_values(session, SYSTEM, clock.now(), {"mail.port": 1})
    with pytest.raises(Unreachable):
        send_mail(database, web_deps)
    set_up_mail(database, inbox)
    assert send_mail(database, web_deps) == 1
    assert browser.get(link_in(inbox)).status_code == 200


def test_without_mail_there_is_no_such_page(browser: Browser, database: Database, kim: str) -> None:
    assert "/login/forgotten" not in browser.get("/login").text
    assert browser.get("/login/forgotten").headers["location"] == "/login?local"
    assert ask(browser, "kim")[0] == 404
    with database.reads() as session:
        assert users.resets.due_mails(session, clock.now()) == []


def test_without_a_public_address_no_link_is_sent(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str, tmp_path: Path
) -> None:
    ask(browser, "kim")
    settings.bind(database, configuration.load({"DATA_DIR": str(tmp_path / "data")}))
    assert "/login/forgotten" not in browser.get("/login").text
    with pytest.raises(Misconfigured):
        send_mail(database, web_deps)


def test_the_sender_of_a_request_does_not_choose_the_address_of_the_link(
    browser: Browser, inbox: Mailbox, database: Database, web_deps: WebDeps, kim: str
) -> None:
    form = {"_csrf": token(browser), "name": "kim"}
    browser.post("/login/forgotten", data=form, headers={"x-forwarded-host": "evil.example"})
    send_mail(database, web_deps)
    link_in(inbox)


def test_the_job_and_its_sweep_are_declared() -> None:
    assert {jobs.mail_reset.queue, jobs.sweep.queue} == {"notifications"}

"""The people of the household: how they sign in, where they are signed in, and signing them out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import clock, events
from mydia.contexts import users
from mydia.contexts.users import SYSTEM, User
from mydia.contexts.users.accounts import find_user
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, NotFound
from tests.fakes.outside import fake_outside
from tests.web.pages.household import Browser, browser_at, household

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def browser(database: Database, tmp_path: Path) -> Iterator[Browser]:
    household(database)
    with browser_at(database, tmp_path, fake_outside()) as made:
        made.sign_in()
        yield made


def account(database: Database, name: str) -> User:
    with database.reads() as session:
        found = find_user(session, name)
    assert found is not None
    return found


def open_session(database: Database, name: str, agent: str = FIREFOX) -> str:
    """Sign somebody in and return the token."""
    user = account(database, name)
    with database.writes() as session:
        return users.sign_in.open_session(session, clock.now(), user, days=30, address="192.0.2.7", agent=agent)[1]


def is_signed_in(database: Database, token: str) -> bool:
    with database.reads() as session:
        return users.sign_in.find_session(session, clock.now(), token) is not None


def words(text: str) -> str:
    """Return the text of a page without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_the_list_says_how_and_where_people_sign_in(browser: Browser, database: Database) -> None:
    said = words(browser.see("/settings/users"))
    assert "Password · 1 browser signed in Administrator Signed in just now" in said
    assert "kim Password Guest Not signed in yet" in said
    open_session(database, "kim")
    open_session(database, "kim")
    assert "Password · 2 browsers signed in" in words(browser.see("/settings/users"))


def test_an_administrator_signs_a_person_out_in_one_browser(browser: Browser, database: Database) -> None:
    kim, kept, other = account(database, "kim"), open_session(database, "kim", ""), open_session(database, "kim")
    page = browser.see(f"/settings/users/{kim.id}")
    assert "Firefox on Linux" in page
    shown = re.search(
        r'action="(/settings/users/[^"]+/revoke)">(?:(?!</form>).)*Sign out Firefox on Linux', page, re.DOTALL
    )
    assert shown
    browser.send(shown[1], {}, on="/account")
    assert (is_signed_in(database, kept), is_signed_in(database, other)) == (True, False)
    with database.reads() as session:
        (ended,) = events.feed(session, types=["SessionsEnded"])
    assert (ended.actor_name, ended.payload["username"], ended.payload["count"]) == ("robin", "kim", 1)


def test_an_administrator_signs_a_person_out_everywhere(browser: Browser, database: Database) -> None:
    kim, tokens = account(database, "kim"), [open_session(database, "kim") for _ in range(2)]
    browser.send(f"/settings/users/{kim.id}/sessions/end", {}, on=f"/settings/users/{kim.id}")
    assert not any(is_signed_in(database, token) for token in tokens)
    assert "Not signed in anywhere." in browser.see(f"/settings/users/{kim.id}")
    assert "this browser" in browser.see("/account")


def test_signing_out_everywhere_includes_this_browser(browser: Browser, database: Database) -> None:
    phone = open_session(database, "robin")
    answer = browser.send("/account/sessions/end", {}, on="/account")
    assert answer.headers["location"] == "/login?local"
    assert browser.client.get("/account").headers["location"] == "/login?next=%2Faccount"
    assert not is_signed_in(database, phone)


def test_a_session_is_only_ended_as_one_of_its_owner(browser: Browser, database: Database) -> None:
    open_session(database, "kim")
    kim, robin = account(database, "kim"), account(database, "robin")
    with database.reads() as session:
        (row,) = users.sessions.list_sessions(session, SYSTEM, clock.now(), kim.id)
    with pytest.raises(NotFound), database.writes() as session:
        users.sessions.revoke_session(session, SYSTEM, clock.now(), row.id, user_id=robin.id)


def test_others_sessions_are_seen_and_ended_by_those_who_manage_accounts(database: Database) -> None:
    household(database)
    robin, kim = account(database, "robin"), users.caller_of(account(database, "kim"))
    with database.writes() as session:
        for refused in (
            lambda: users.people.list_people(session, kim, clock.now()),
            lambda: users.people.get_person(session, kim, clock.now(), robin.id),
            lambda: users.sessions.list_sessions(session, kim, clock.now(), robin.id),
            lambda: users.sessions.end_sessions(session, kim, clock.now(), user_id=robin.id),
        ):
            with pytest.raises(Forbidden):
                refused()


def test_the_last_administrator_stays_one(browser: Browser, database: Database) -> None:
    robin = account(database, "robin")
    page = f"/settings/users/{robin.id}"
    assert "only administrator" in browser.send(page, {"role": "guest"}).text
    assert "only administrator" in browser.send(page, {"role": "admin", "disabled": "true"}).text
    with pytest.raises(Conflict, match="only administrator"), database.writes() as session:
        users.remove_user(session, SYSTEM, clock.now(), robin.id)


def test_an_administrator_invites_somebody_and_withdraws_the_invitation(browser: Browser, database: Database) -> None:
    answer = browser.send("/settings/users/invitations/new", {"note": "Grandma", "role": "guest", "days": "3"})
    assert answer.headers["cache-control"] == "no-store"
    link = re.search(r"http://mydia\.test(/invite/[\w-]+)", answer.text)
    assert link
    assert "Grandma Guest · valid until" in words(browser.see("/settings/users"))
    browser.client.cookies.delete("session")
    assert "robin invites you to Mydia." in browser.see(link[1])
    browser.sign_in()
    withdraw = re.search(r'action="(/settings/users/invitations/[^"]+/revoke)"', browser.see("/settings/users"))
    assert withdraw
    browser.send(withdraw[1], {}, on="/settings/users")
    assert "Grandma Guest · withdrawn" in words(browser.see("/settings/users"))
    browser.client.cookies.delete("session")
    assert "was withdrawn" in browser.see(link[1], 422)


def test_the_list_says_who_used_an_invitation(browser: Browser, database: Database) -> None:
    text = browser.send("/settings/users/invitations/new", {"role": "user"}).text
    link = re.search(r"/invite/[\w-]+", text)
    assert link
    browser.client.cookies.delete("session")
    form = {"username": "zoe", "password": "correct horse battery", "again": "correct horse battery"}
    browser.send(link[0], form)
    browser.client.cookies.delete("session")
    browser.sign_in()
    assert "Anybody with the link User · used by zoe" in words(browser.see("/settings/users"))


def test_a_wrong_invitation_stays_in_the_form(browser: Browser) -> None:
    answer = browser.send("/settings/users/invitations/new", {"note": "Grandma", "days": "1000", "movie_most": "x"})
    assert answer.status_code == 422
    assert 'value="Grandma"' in answer.text
    answer = browser.send("/settings/users/invitations/new", {"note": "Grandma", "days": "1000"})
    assert "Enter 1 to 90 days." in answer.text
    # Without mail, nothing offers to send the link.
    assert "Send the link to this address" not in answer.text

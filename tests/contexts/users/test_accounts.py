"""Accounts, from the view of users and administrators."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from mydia import events
from mydia.contexts import users
from mydia.contexts.users import Caller, NewUser, Role
from mydia.contexts.users.accounts import find_user
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from mydia.secret import Secret

GOOD = Secret("correct horse battery")


def _admin(database: Database, now: datetime, name: str = "Robin") -> tuple[Caller, str]:
    with database.writes() as session:
        user = users.add_first_admin(session, now, NewUser(username=name, role=Role.ADMIN, password=GOOD))
        return users.caller_of(user), user.id


def test_the_first_account_is_an_administrator_and_there_is_only_one_first(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    assert caller.role is Role.ADMIN
    with pytest.raises(Conflict, match="set up already"), database.writes() as session:
        users.add_first_admin(session, now, NewUser(username="mallory", role=Role.ADMIN, password=GOOD))


def test_names_are_the_same_in_any_case(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    with database.reads() as session:
        assert find_user(session, "ROBIN ") is not None
    with pytest.raises(Conflict, match="already"), database.writes() as session:
        users.add_user(session, caller, now, NewUser(username="rObIn", role=Role.USER, password=GOOD))


@pytest.mark.parametrize("name", ["", "  ", "two words", "x" * 65, "a/b", "<b>"])
def test_invalid_names_are_reported_at_their_field(database: Database, now: datetime, name: str) -> None:
    with pytest.raises(Invalid) as refused, database.writes() as session:
        users.add_first_admin(session, now, NewUser(username=name, role=Role.ADMIN, password=GOOD))
    assert "username" in refused.value.fields


@pytest.mark.parametrize("password", ["short", "password123", "aaaaaaaaaa", "robin" * 2, "x" * 257])
def test_weak_passwords_are_reported_at_their_field(database: Database, now: datetime, password: str) -> None:
    with pytest.raises(Invalid) as refused, database.writes() as session:
        users.add_first_admin(session, now, NewUser(username="robin", role=Role.ADMIN, password=Secret(password)))
    assert "password" in refused.value.fields


def test_the_last_administrator_cannot_be_demoted(database: Database, now: datetime) -> None:
    caller, admin_id = _admin(database, now)
    for change in ({"role": Role.USER}, {"disabled": True}):
        with pytest.raises(Conflict, match="only administrator"), database.writes() as session:
            users.change_user(session, caller, admin_id, now=now, **change)
    with database.writes() as session:
        other = users.add_user(session, caller, now, NewUser(username="kim", role=Role.ADMIN, password=GOOD))
    with database.writes() as session:
        users.change_user(session, caller, admin_id, now=now, role=Role.USER)
    with pytest.raises(Conflict, match="only administrator"), database.writes() as session:
        users.remove_user(session, caller, now, other.id)


def test_a_disabled_second_administrator_does_not_count(database: Database, now: datetime) -> None:
    caller, admin_id = _admin(database, now)
    with database.writes() as session:
        other = users.add_user(session, caller, now, NewUser(username="kim", role=Role.ADMIN, password=GOOD))
        users.change_user(session, caller, other.id, now=now, disabled=True)
    with pytest.raises(Conflict), database.writes() as session:
        users.change_user(session, caller, admin_id, now=now, role=Role.GUEST)


def test_users_cannot_remove_their_own_account(database: Database, now: datetime) -> None:
    caller, admin_id = _admin(database, now)
    with pytest.raises(Conflict, match="signed in with"), database.writes() as session:
        users.remove_user(session, caller, now, admin_id)


def test_managing_accounts_requires_permission(database: Database, now: datetime, guest: Caller) -> None:
    _, admin_id = _admin(database, now)
    for act in (
        lambda s: users.add_user(s, guest, now, NewUser(username="kim", role=Role.ADMIN, password=GOOD)),
        lambda s: users.change_user(s, guest, admin_id, now=now, disabled=True),
        lambda s: users.remove_user(s, guest, now, admin_id),
    ):
        with pytest.raises(Forbidden), database.writes() as session:
            act(session)


def test_removing_an_account_removes_its_sessions_and_keys(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    with database.writes() as session:
        kim = users.add_user(session, caller, now, NewUser(username="kim", role=Role.USER, password=GOOD))
        _, token = users.sign_in.open_session(session, now, kim, days=30, address="10.0.0.2", agent="Firefox")
        _, text = users.api_keys.add_api_key(session, users.caller_of(kim), now, "phone")
    with database.writes() as session:
        users.remove_user(session, caller, now, kim.id)
    with database.reads() as session:
        assert users.sign_in.find_session(session, now, token) is None
        assert users.api_keys.caller_for_key(session, now, text) is None
        with pytest.raises(NotFound):
            users.get_user(session, users.SYSTEM, kim.id)
        assert events.feed(session)[0].type == "UserRemoved"


def test_a_changed_password_ends_all_other_sessions(database: Database, now: datetime) -> None:
    caller, admin_id = _admin(database, now)
    with database.writes() as session:
        user = users.get_user(session, users.SYSTEM, admin_id)
        here, token_here = users.sign_in.open_session(session, now, user, days=30, address="", agent="")
        _, token_there = users.sign_in.open_session(session, now, user, days=30, address="", agent="")
    with pytest.raises(Invalid) as refused:
        users.sign_in.confirm(database, now, caller, Secret("wrong one"), "10.0.0.1")
    assert "current" in refused.value.fields
    confirmed = users.sign_in.confirm(database, now, caller, GOOD, "10.0.0.1")
    with database.writes() as session:
        users.change_own_password(session, caller, now, Secret("a new password"), confirmed, keep_session_id=here.id)
    with database.reads() as session:
        assert users.sign_in.find_session(session, now, token_here) is not None
        assert users.sign_in.find_session(session, now, token_there) is None
    assert users.sign_in.authenticate(database, now, "robin", Secret("a new password"), "10.0.0.1").id == admin_id


def test_the_current_password_cannot_be_guessed_in_an_unlocked_browser(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    for _ in range(users.throttle.PER_PAIR):
        with pytest.raises(Invalid):
            users.sign_in.confirm(database, now, caller, Secret("guess"), "10.0.0.1")
    with pytest.raises(users.TooManyAttempts):
        users.sign_in.confirm(database, now, caller, GOOD, "10.0.0.1")
    assert users.sign_in.authenticate(database, now, "robin", GOOD, "10.0.0.1"), "guesses must not stop signing in"
    later = now + users.throttle.WINDOW
    assert users.sign_in.confirm(database, later, caller, GOOD, "10.0.0.1").user_id == caller.id


def test_events_name_changed_fields_but_no_password(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    with database.writes() as session:
        kim = users.add_user(session, caller, now, NewUser(username="kim", role=Role.USER, password=GOOD))
        users.change_user(session, caller, kim.id, now=now, role=Role.GUEST, password=Secret("another long one"))
    with database.reads() as session:
        told = events.feed(session)[0]
        assert told.payload["changed"]["role"] == ["user", "guest"]
        everything = str(session.execute(select(events.EventRow.payload)).all())
    assert "another long one" not in everything
    assert "argon2" not in everything


def test_email_addresses_are_unique(database: Database, now: datetime) -> None:
    caller, _ = _admin(database, now)
    with database.writes() as session:
        users.add_user(
            session, caller, now, NewUser(username="kim", role=Role.USER, password=GOOD, email="Kim@Example.org")
        )
    with pytest.raises(Conflict) as refused, database.writes() as session:
        users.add_user(
            session, caller, now, NewUser(username="lou", role=Role.USER, password=GOOD, email="kim@example.ORG")
        )
    assert "email" in refused.value.fields


def _manager(database: Database, now: datetime, caller: Caller) -> Caller:
    """Return a caller with an administrator's API key that may only manage accounts."""
    with database.writes() as session:
        _, key = users.api_keys.add_api_key(session, caller, now, "accounts", scopes=["manage_users"])
    with database.reads() as session:
        found = users.api_keys.caller_for_key(session, now, key)
    assert found is not None
    return found.caller


def test_a_caller_cannot_create_or_promote_an_account_beyond_its_own_permissions(
    database: Database, now: datetime
) -> None:
    admin, _ = _admin(database, now)
    manager = _manager(database, now, admin)
    with database.writes() as session:
        kim = users.add_user(session, admin, now, NewUser(username="kim", role=Role.GUEST, password=GOOD))
    for role in Role:
        with pytest.raises(Forbidden, match="more permissions than you"), database.writes() as session:
            users.add_user(session, manager, now, NewUser(username="mallory", role=role, password=GOOD))
        with pytest.raises(Forbidden, match="more permissions than you"), database.writes() as session:
            users.change_user(session, manager, kim.id, now=now, role=role)


def test_a_caller_cannot_take_over_an_account_with_more_permissions(database: Database, now: datetime) -> None:
    admin, admin_id = _admin(database, now)
    manager = _manager(database, now, admin)
    with database.writes() as session:
        users.add_user(session, admin, now, NewUser(username="second", role=Role.ADMIN, password=GOOD))
    for change in ({"password": Secret("another long password")}, {"email": "mallory@example.org"}, {"disabled": True}):
        with pytest.raises(Forbidden, match="more permissions than you"), database.writes() as session:
            users.change_user(session, manager, admin_id, now=now, **change)
    with pytest.raises(Forbidden, match="more permissions than you"), database.writes() as session:
        users.remove_user(session, manager, now, admin_id)
    with pytest.raises(Invalid, match="more permissions than you"), database.writes() as session:
        users.api_keys.add_api_key(session, manager, now, "admin", user_id=admin_id, scopes=["manage_settings"])


def test_only_those_who_manage_accounts_see_other_accounts(database: Database, now: datetime) -> None:
    admin, admin_id = _admin(database, now)
    with database.writes() as session:
        kim = users.caller_of(
            users.add_user(session, admin, now, NewUser(username="kim", role=Role.USER, password=GOOD))
        )
    with database.reads() as session:
        for look in (
            lambda: users.people.list_people(session, kim, now),
            lambda: users.get_user(session, kim, admin_id),
            lambda: users.api_keys.list_keys(session, kim, admin_id),
        ):
            with pytest.raises(Forbidden):
                look()
        assert users.get_own(session, kim).username == "kim"
        assert users.api_keys.list_keys(session, kim) == []

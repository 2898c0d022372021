"""Signing in, rate limits, sessions."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from mydia import events
from mydia.contexts import users
from mydia.contexts.users import NOBODY, NewUser, Role, TooManyAttempts, User, passwords, throttle
from mydia.contexts.users.models import LoginAttempt
from mydia.db import Database
from mydia.errors import Invalid
from mydia.secret import Secret

RIGHT, WRONG = Secret("correct horse battery"), Secret("incorrect horse")


@pytest.fixture
def robin(database: Database, now: datetime) -> User:
    with database.writes() as session:
        return users.add_first_admin(session, now, NewUser(username="robin", role=Role.ADMIN, password=RIGHT))


def _fail(database: Database, now: datetime, name: str = "robin", address: str = "203.0.113.5") -> str:
    with pytest.raises(Invalid) as refused:
        users.sign_in.authenticate(database, now, name, WRONG, address)
    return refused.value.message


def _count(database: Database, now: datetime, name: str, address: str) -> None:
    with database.writes() as session:
        throttle.reserve(session, now, name, address)


def test_the_right_password_signs_in(database: Database, now: datetime, robin: User) -> None:
    assert users.sign_in.authenticate(database, now, "Robin", RIGHT, "203.0.113.5").id == robin.id


def test_a_wrong_name_and_a_wrong_password_give_the_same_error(database: Database, now: datetime, robin: User) -> None:
    assert _fail(database, now) == _fail(database, now, name="nobody")


def test_an_unknown_name_costs_a_verification_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Counting:
        def hash(self, password: str) -> str:
            return "made"

        def verify(self, password_hash: str, password: str) -> bool:
            seen.append(password_hash)
            return True

    passwords._dummy_hash.cache_clear()
    monkeypatch.setattr(passwords, "_hasher", Counting)
    assert passwords.verify_password(None, "x") is False
    assert seen == ["made"]
    passwords._dummy_hash.cache_clear()


def test_failures_are_logged_with_name_and_address(database: Database, now: datetime, robin: User) -> None:
    _fail(database, now, name="n" * 200)
    with database.reads() as session:
        told = events.feed(session)[0]
    assert (told.type, told.payload["username"], told.payload["address"]) == ("SignInFailed", "n" * 64, "203.0.113.5")


def test_ten_wrong_passwords_stop_one_account_at_one_address_only(
    database: Database, now: datetime, robin: User
) -> None:
    with database.writes() as session:
        kim = users.add_user(
            session, users.caller_of(robin), now, NewUser(username="kim", role=Role.GUEST, password=RIGHT)
        )
    for number in range(throttle.PER_PAIR):
        _fail(database, now + timedelta(seconds=number), name=" Robin " if number % 2 else "robin")
    with pytest.raises(TooManyAttempts) as refused:
        users.sign_in.authenticate(database, now + timedelta(seconds=60), "robin", RIGHT, "203.0.113.5")
    assert refused.value.retry_after_s == 14 * 60
    assert "14 min" in refused.value.message
    assert users.sign_in.authenticate(database, now, "kim", RIGHT, "203.0.113.5").id == kim.id
    assert users.sign_in.authenticate(database, now, "robin", RIGHT, "203.0.113.6").id == robin.id
    later = now + timedelta(minutes=16)
    assert users.sign_in.authenticate(database, later, "robin", RIGHT, "203.0.113.5").id == robin.id


def test_an_address_that_tries_many_accounts_is_limited(database: Database, now: datetime, robin: User) -> None:
    for number in range(throttle.PER_ADDRESS):
        _count(database, now, f"guess{number}", "203.0.113.5")
    with pytest.raises(TooManyAttempts):
        users.sign_in.authenticate(database, now, "robin", RIGHT, "203.0.113.5")


def test_an_address_that_tries_many_accounts_does_not_lock_out_who_is_signed_in_there(
    database: Database, now: datetime, robin: User
) -> None:
    with database.writes() as session:
        users.sign_in.open_session(session, now, robin, days=30, address="203.0.113.5", agent="browser")
    for number in range(throttle.PER_ADDRESS):
        _count(database, now, f"guess{number}", "203.0.113.5")
    assert users.sign_in.authenticate(database, now, "robin", RIGHT, "203.0.113.5").id == robin.id
    for _ in range(throttle.PER_PAIR):
        _fail(database, now)
    with pytest.raises(TooManyAttempts):
        users.sign_in.authenticate(database, now, "robin", RIGHT, "203.0.113.5")


def test_an_address_cannot_fill_the_audit_with_failures(database: Database, now: datetime) -> None:
    def fail(address: str, at: datetime) -> None:
        users.sign_in.record_failure(database, at, NOBODY, "a passkey", address, "wrong passkey")

    def recorded() -> int:
        with database.reads() as session:
            return len(events.feed(session, types=["SignInFailed"], limit=1000))

    for _ in range(throttle.RECORDED_PER_ADDRESS + 50):
        fail("203.0.113.5", now)
    assert recorded() == throttle.RECORDED_PER_ADDRESS
    fail("203.0.113.6", now)
    fail("203.0.113.5", now + timedelta(minutes=16))
    assert recorded() == throttle.RECORDED_PER_ADDRESS + 2


def test_twenty_wrong_passwords_from_several_addresses_do_not_lock_the_account(
    database: Database, now: datetime, robin: User
) -> None:
    for number in range(20):
        _fail(database, now, address=f"198.51.100.{number % 5}")
    assert users.sign_in.authenticate(database, now, "robin", RIGHT, "192.0.2.1").id == robin.id


def test_an_account_under_attack_still_signs_in_where_it_is_in_use(
    database: Database, now: datetime, robin: User
) -> None:
    with database.writes() as session:
        users.sign_in.open_session(session, now, robin, days=30, address="192.0.2.1", agent="browser")
    for number in range(throttle.PER_USERNAME):
        _count(database, now, "robin", f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        users.sign_in.authenticate(database, now, "ROBIN", RIGHT, "192.0.2.77")
    assert users.sign_in.authenticate(database, now, "robin", RIGHT, "192.0.2.1").id == robin.id


def test_addresses_of_one_ipv6_network_are_one_address(database: Database, now: datetime, robin: User) -> None:
    for number in range(throttle.PER_PAIR):
        _fail(database, now, address=f"2001:db8::{number + 1:x}")
    with pytest.raises(TooManyAttempts):
        users.sign_in.authenticate(database, now, "robin", RIGHT, "2001:db8::ffff")


def test_guesses_at_the_same_time_all_count(database: Database, now: datetime, robin: User) -> None:
    refused: list[int] = []

    def guess() -> None:
        try:
            users.sign_in.authenticate(database, now, "robin", WRONG, "203.0.113.5")
        except TooManyAttempts:
            refused.append(1)
        except Invalid:
            pass

    threads = [threading.Thread(target=guess) for _ in range(throttle.PER_PAIR + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4


def test_signing_in_forgives_earlier_failures_there(database: Database, now: datetime, robin: User) -> None:
    for _ in range(2):
        for _ in range(throttle.PER_PAIR - 1):
            _fail(database, now)
        users.sign_in.authenticate(database, now, "robin", RIGHT, "203.0.113.5")


def test_a_disabled_account_is_reported_only_with_the_right_password(
    database: Database, now: datetime, robin: User
) -> None:
    with database.writes() as session:
        caller = users.caller_of(robin)
        kim = users.add_user(session, caller, now, NewUser(username="kim", role=Role.USER, password=RIGHT))
        _, token = users.sign_in.open_session(session, now, kim, days=30, address="", agent="")
        users.change_user(session, caller, kim.id, now=now, disabled=True)
    assert "disabled" not in _fail(database, now, name="kim")
    with pytest.raises(Invalid, match="disabled"):
        users.sign_in.authenticate(database, now, "kim", RIGHT, "192.0.2.9")
    with database.reads() as session:
        assert users.sign_in.find_session(session, now, token) is None


def test_a_session_is_found_by_its_token_only_and_the_token_is_not_stored(
    database: Database, now: datetime, robin: User
) -> None:
    with database.writes() as session:
        _, token = users.sign_in.open_session(session, now, robin, days=30, address="192.0.2.1", agent="Firefox")
    with database.reads() as session:
        found = users.sign_in.find_session(session, now, token)
        assert found is not None
        assert found.caller.id == robin.id
        assert users.sign_in.find_session(session, now, token + "x") is None
        assert token not in str(session.execute(text("SELECT * FROM sessions")).all())


def test_a_used_session_is_extended_and_an_unused_one_expires(database: Database, now: datetime, robin: User) -> None:
    with database.writes() as session:
        row, token = users.sign_in.open_session(session, now, robin, days=10, address="", agent="")
    later = now + timedelta(days=9)
    with database.writes() as session:
        found = users.sign_in.find_session(session, later, token)
        assert found is not None
        assert found.needs_touch
        users.sign_in.touch_session(session, later, row.id)
    with database.reads() as session:
        assert users.sign_in.find_session(session, now + timedelta(days=18), token) is not None
        assert users.sign_in.find_session(session, now + timedelta(days=20), token) is None


def test_users_can_end_only_their_own_sessions(database: Database, now: datetime, robin: User) -> None:
    caller = users.caller_of(robin)
    with database.writes() as session:
        kim = users.add_user(session, caller, now, NewUser(username="kim", role=Role.USER, password=RIGHT))
        row, token = users.sign_in.open_session(session, now, robin, days=10, address="", agent="")
    from mydia.errors import NotFound

    with pytest.raises(NotFound), database.writes() as session:
        users.sessions.revoke_session(session, users.caller_of(kim), now, row.id)
    with database.writes() as session:
        users.sessions.revoke_session(session, caller, now, row.id)
    with database.reads() as session:
        assert users.sign_in.find_session(session, now, token) is None


def test_old_attempts_are_deleted(database: Database, now: datetime, robin: User) -> None:
    _fail(database, now)
    users.sign_in.authenticate(database, now + timedelta(hours=1), "robin", RIGHT, "192.0.2.1")
    with database.reads() as session:
        assert session.scalars(select(LoginAttempt)).all() == []

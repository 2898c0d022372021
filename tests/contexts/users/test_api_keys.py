"""API keys, and the administrator provided by the environment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from mydia import config as configuration
from mydia.config import Config
from mydia.contexts import users
from mydia.contexts.users import NewUser, Permission, Role, User, passwords
from mydia.contexts.users.accounts import find_user
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, Misconfigured
from mydia.secret import Secret

PASSWORD = Secret("correct horse battery")


@pytest.fixture
def robin(database: Database, now: datetime) -> User:
    with database.writes() as session:
        return users.add_first_admin(session, now, NewUser(username="robin", role=Role.ADMIN, password=PASSWORD))


def _config(**environ: str) -> Config:
    return configuration.load(environ)


def test_a_key_acts_for_its_owner_and_is_not_stored(database: Database, now: datetime, robin: User) -> None:
    with database.writes() as session:
        row, key = users.api_keys.add_api_key(session, users.caller_of(robin), now, "Prowlarr")
    assert key.startswith(row.prefix + "_")
    with database.reads() as session:
        found = users.api_keys.caller_for_key(session, now, key)
        assert found is not None
        assert (found.caller.kind, found.caller.id, found.caller.name) == ("api_key", robin.id, "Prowlarr")
        assert users.api_keys.caller_for_key(session, now, key[:-1] + ("A" if key[-1] != "A" else "B")) is None
        assert users.api_keys.caller_for_key(session, now, "") is None
        assert key not in str(session.execute(text("SELECT * FROM api_keys")).all())


def test_scopes_narrow_a_key_and_never_widen_it(database: Database, now: datetime, robin: User) -> None:
    with database.writes() as session:
        kim = users.add_user(
            session, users.caller_of(robin), now, NewUser(username="kim", role=Role.GUEST, password=PASSWORD)
        )
        _, narrow = users.api_keys.add_api_key(session, users.caller_of(robin), now, "reader", scopes=["browse"])
        scopes = ["browse", "manage_users"]
        _, wide = users.api_keys.add_api_key(
            session, users.caller_of(robin), now, "wide", user_id=kim.id, scopes=scopes
        )
    with database.reads() as session:
        for key in (narrow, wide):
            found = users.api_keys.caller_for_key(session, now, key)
            assert found is not None
            assert found.caller.permissions == {Permission.BROWSE}


@pytest.mark.parametrize("scopes", [None, ["manage_users"], ["browse", "manage_settings"]])
def test_a_scoped_key_cannot_create_a_broader_one(
    database: Database, now: datetime, robin: User, scopes: list[str] | None
) -> None:
    with database.writes() as session:
        _, narrow = users.api_keys.add_api_key(session, users.caller_of(robin), now, "reader", scopes=["browse"])
    with database.reads() as session:
        found = users.api_keys.caller_for_key(session, now, narrow)
    assert found is not None
    with database.writes() as session:
        with pytest.raises(Invalid, match="more permissions than you"):
            users.api_keys.add_api_key(session, found.caller, now, "wider", scopes=scopes)
        users.api_keys.add_api_key(session, found.caller, now, "as narrow", scopes=["browse"])


def test_a_revoked_or_expired_key_is_refused(database: Database, now: datetime, robin: User) -> None:
    caller = users.caller_of(robin)
    with database.writes() as session:
        row, key = users.api_keys.add_api_key(session, caller, now, "old")
        _, brief = users.api_keys.add_api_key(session, caller, now, "brief", expires_at=now + timedelta(days=1))
    with database.reads() as session:
        assert users.api_keys.caller_for_key(session, now, key) is not None
        assert users.api_keys.caller_for_key(session, now + timedelta(days=1), brief) is None
    with database.writes() as session:
        users.api_keys.revoke_api_key(session, caller, now, row.id)
    with database.reads() as session:
        assert users.api_keys.caller_for_key(session, now, key) is None


def test_the_second_request_does_not_compute_argon2_again(
    database: Database, now: datetime, robin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writes() as session:
        _, key = users.api_keys.add_api_key(session, users.caller_of(robin), now, "busy")
    paid: list[str] = []
    real = passwords.verify_key
    monkeypatch.setattr(passwords, "verify_key", lambda key_hash, given: paid.append(key_hash) or real(key_hash, given))
    with database.reads() as session:
        assert all(users.api_keys.caller_for_key(session, now, key) for _ in range(5))
        assert not any(users.api_keys.caller_for_key(session, now, key[:-4] + "zzzz") for _ in range(5))
    assert len(paid) == 2


def test_other_peoples_keys_need_the_permission(database: Database, now: datetime, robin: User) -> None:
    admin = users.caller_of(robin)
    with database.writes() as session:
        kim = users.add_user(session, admin, now, NewUser(username="kim", role=Role.USER, password=PASSWORD))
        row, _ = users.api_keys.add_api_key(session, admin, now, "mine")
    with pytest.raises(Forbidden), database.writes() as session:
        users.api_keys.revoke_api_key(session, users.caller_of(kim), now, row.id)
    with pytest.raises(Forbidden), database.writes() as session:
        users.api_keys.add_api_key(session, users.caller_of(kim), now, "theirs", user_id=robin.id)


def test_a_key_needs_a_name(database: Database, now: datetime, robin: User) -> None:
    with pytest.raises(Invalid) as refused, database.writes() as session:
        users.api_keys.add_api_key(session, users.caller_of(robin), now, "  ")
    assert "name" in refused.value.fields


def test_the_environments_administrator_and_key_exist_after_start(database: Database, now: datetime) -> None:
    config = _config(ADMIN_USERNAME="Robin", ADMIN_PASSWORD="correct horse", ADMIN_API_KEY="k" * 24)
    for _ in range(2):
        with database.writes() as session:
            users.ensure_admin(session, config, now)
    assert users.sign_in.authenticate(database, now, "robin", Secret("correct horse"), "::1").managed
    with database.reads() as session:
        found = users.api_keys.caller_for_key(session, now, "k" * 24)
        assert found is not None
        assert found.caller.can(Permission.MANAGE_USERS)
        assert len(users.api_keys.list_keys(session, users.SYSTEM, found.caller.id or "")) == 1


def test_a_new_password_in_the_environment_ends_the_old_ones_sessions(database: Database, now: datetime) -> None:
    with database.writes() as session:
        user = users.ensure_admin(session, _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD="correct horse"), now)
        assert user is not None
        _, token = users.sign_in.open_session(session, now, user, days=3, address="", agent="")
    with database.writes() as session:
        users.ensure_admin(session, _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD="correct mouse"), now)
    with database.reads() as session:
        assert users.sign_in.find_session(session, now, token) is None
    assert users.sign_in.authenticate(database, now, "robin", Secret("correct mouse"), "::1")


def test_a_hash_works_as_well_as_a_password(database: Database, now: datetime) -> None:
    hashed = users.passwords.hash_password("correct horse")
    with database.writes() as session:
        users.ensure_admin(session, _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD_HASH=hashed), now)
    assert users.sign_in.authenticate(database, now, "robin", Secret("correct horse"), "::1")


def test_accounts_managed_by_the_environment_cannot_be_edited(database: Database, now: datetime) -> None:
    with database.writes() as session:
        user = users.ensure_admin(session, _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD="correct horse"), now)
        assert user is not None
        caller = users.caller_of(user)
    for act in (
        lambda s: users.change_own_password(
            s, caller, now, Secret("a new password"), users.passwords.Confirmed(user.id)
        ),
        lambda s: users.change_user(s, users.SYSTEM, user.id, now=now, disabled=True),
        lambda s: users.remove_user(s, users.SYSTEM, now, user.id),
    ):
        with pytest.raises(Forbidden), database.writes() as session:
            act(session)


def test_another_key_in_the_environment_replaces_the_old_one(database: Database, now: datetime) -> None:
    for key in ("k" * 24, "j" * 24, "k" * 24):
        config = _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD="correct horse", ADMIN_API_KEY=key)
        with database.writes() as session:
            users.ensure_admin(session, config, now)
        with database.reads() as session:
            other = ("j" if key[0] == "k" else "k") * 24
            assert users.api_keys.caller_for_key(session, now, key) is not None
            assert users.api_keys.caller_for_key(session, now, other) is None


def test_an_account_removed_from_the_environment_becomes_an_ordinary_one(database: Database, now: datetime) -> None:
    config = _config(ADMIN_USERNAME="robin", ADMIN_PASSWORD="correct horse", ADMIN_API_KEY="k" * 24)
    with database.writes() as session:
        users.ensure_admin(session, config, now)
    with database.writes() as session:
        users.ensure_admin(session, _config(), now)
    with database.reads() as session:
        left = find_user(session, "robin")
        assert left is not None
        assert not left.managed
        assert users.api_keys.caller_for_key(session, now, "k" * 24) is None


def test_a_key_without_an_owner_is_a_configuration_error(database: Database, now: datetime) -> None:
    with pytest.raises(Misconfigured, match="ADMIN_USERNAME"), database.writes() as session:
        users.ensure_admin(session, _config(ADMIN_API_KEY="k" * 24), now)

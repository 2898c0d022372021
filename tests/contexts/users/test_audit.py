"""The audit: who did what, with old and new values, filters, pages, and its own retention."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta
from typing import Any

import pytest

from mydia import events
from mydia.contexts import users
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import Database
from mydia.errors import Forbidden, NotFound
from mydia.events import EVENTS, AuditFilter, Happened, stories, trail
from tests.counting import statements

ROBIN = Caller(kind="user", id="robin-id", name="Robin Müller", permissions=frozenset(Permission), role=Role.ADMIN)


@pytest.fixture
def told(database: Database, now: datetime) -> Database:
    """A week of a household, one event a day, oldest first."""
    happened: list[tuple[Caller, events.Event]] = [
        (ROBIN, events.UserAdded("kim-id", "kim", "guest")),
        (ROBIN, events.UserChanged("kim-id", "kim", {"role": ["guest", "user"]})),
        (SYSTEM, events.MediaAdded("film", "movie", "Metropolis", search_now=False)),
        (ROBIN, events.SettingsChanged("values", {"media.language": ["en", "de"]}, events.SettingsArea.VALUES)),
        (ROBIN, events.MediaRemoved("film", "movie", "Metropolis", 0)),
        (SYSTEM, events.BackupMade("mydia-1.db", 1024)),
        (
            users.NOBODY,
            events.SignInFailed(user_id="kim-id", username="kim", address="203.0.113.5", reason="wrong password"),
        ),
    ]
    with database.writes() as session:
        for days, (caller, event) in enumerate(happened):
            events.emit(session, caller, event, at=now + timedelta(days=days))
    return database


def _titles(database: Database, **wanted: Any) -> list[str]:
    with database.reads() as session:
        found = users.history.list_audit(session, ROBIN, AuditFilter(**wanted))
    return [trail.entry(event).title for event in found]


def test_the_audit_has_no_everyday_events_and_begins_with_the_newest(told: Database) -> None:
    assert _titles(told) == [
        "Sign-in refused",
        "Backup made",
        "Removed",
        "Settings changed",
        "Account changed",
        "Account added",
    ]


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        ({"person": "kim-id"}, ["Sign-in refused", "Account changed", "Account added"]),
        ({"person": "robin-id", "types": trail.types_of("people")}, ["Account changed", "Account added"]),
        ({"by_system": True}, ["Backup made"]),
        ({"types": trail.types_of("deletions")}, ["Removed"]),
        ({"subject_kind": "media_item", "subject_id": "film"}, ["Removed"]),
        ({"words": stories.words_of("metropolis")}, ["Removed"]),
        ({"words": stories.words_of("müller settings")}, ["Settings changed"]),
        ({"words": stories.words_of("203.0.113")}, ["Sign-in refused"]),
        ({"words": stories.words_of("100%")}, []),
    ],
)
def test_filters_narrow_the_audit(told: Database, wanted: dict[str, Any], titles: list[str]) -> None:
    assert _titles(told, **wanted) == titles


def test_a_range_of_days_narrows_the_audit(told: Database, now: datetime) -> None:
    days = timedelta(days=1)
    assert _titles(told, since=now + 3 * days, until=now + 4 * days) == ["Removed", "Settings changed"]


def test_pages_of_the_audit_follow_each_other_without_gaps(told: Database) -> None:
    seen: list[int] = []
    with told.reads() as session:
        everything = [event.id for event in users.history.list_audit(session, ROBIN, AuditFilter())]
        last = None
        while found := users.history.list_audit(session, ROBIN, AuditFilter(), before_id=last, limit=2):
            seen += [event.id for event in found]
            last = found[-1].id
    assert seen == everything


def _fill(database: Database, now: datetime, count: int) -> None:
    """Store events of the audit, one each minute until now."""
    event = events.UserChanged("kim-id", "kim", {"role": ["guest", "user"]})
    payload = {"user_id": event.user_id, "username": event.username, "changed": event.changed}
    rows = [
        {
            "at": now - timedelta(minutes=count - number),
            "type": "UserChanged",
            "actor_kind": "user",
            "actor_id": "robin-id",
            "actor_name": "Robin",
            "resource_kind": "user",
            "resource_id": "kim-id",
            "severity": "info",
            "payload": payload,
            "audit": True,
            "dispatched_at": now,
        }
        for number in range(count)
    ]
    with database.writes() as session:
        session.execute(events.log.INSERT, rows)


def test_an_export_reads_slices_and_holds_none_of_them(database: Database, now: datetime) -> None:
    _fill(database, now, 6_000)
    tracemalloc.start()
    try:
        with statements(database) as found:
            export = users.history.export(database, ROBIN, now, AuditFilter(), format="csv", filters={})
            number = sum(1 for _ in export)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert number == 6_001  # the export is an entry itself
    assert len([one for one in found if one.startswith("SELECT events")]) == 13
    assert peak < 6_000_000


def test_old_entries_are_deleted_in_slices_and_newer_ones_stay(database: Database, now: datetime) -> None:
    _fill(database, now, 6_000)
    before = now - timedelta(minutes=100)
    with database.writes() as session:
        assert events.prune(session, before, audit=False) == 0
    with statements(database) as found:
        pruned = []
        while not pruned or pruned[-1]:
            with database.writes() as session:
                pruned.append(events.prune(session, before, audit=True))
    assert pruned == [5_000, 900, 0]
    assert len([one for one in found if one.startswith("DELETE")]) <= 3
    with database.reads() as session:
        assert len(users.history.list_audit(session, ROBIN, AuditFilter(), limit=1_000)) == 100


def test_an_entry_says_what_was_and_what_is(told: Database) -> None:
    with told.reads() as session:
        (found,) = users.history.list_audit(session, ROBIN, AuditFilter(types=("UserChanged",)))
        entry = trail.entry(users.history.get_entry(session, ROBIN, found.id))
    assert entry.changes == (trail.Change("role", "guest", "user"),)
    assert (entry.person, entry.subject, entry.kind) == ("Robin Müller", "kim", "people")


def test_only_callers_who_manage_accounts_and_settings_read_the_audit(told: Database, now: datetime) -> None:
    for scopes in ([Permission.MANAGE_USERS], [Permission.MANAGE_SETTINGS], [Permission.MANAGE_MEDIA]):
        caller = Caller(kind="user", id=None, name="Kim", permissions=permissions_of(Role.ADMIN, scopes=scopes))
        with told.reads() as session:
            with pytest.raises(Forbidden):
                users.history.list_audit(session, caller, AuditFilter())
            with pytest.raises(Forbidden):
                users.history.get_entry(session, caller, 1)
        with pytest.raises(Forbidden):
            users.history.export(told, caller, now, AuditFilter(), format="csv", filters={})


def test_everyday_events_are_no_entries(told: Database) -> None:
    with told.reads() as session:
        (added,) = events.feed(session, types=["MediaAdded"])
        for event_id in (added.id, 10_000, 2**31, 2**70):
            with pytest.raises(NotFound):
                users.history.get_entry(session, ROBIN, event_id)


def test_a_number_beyond_the_log_is_answered(told: Database) -> None:
    with told.reads() as session:
        newest = users.history.feed(session, ROBIN, before_id=2**40)
        assert [one.id for one in newest] == [one.id for one in users.history.feed(session, ROBIN)]
        assert events.since(session, 2**40) == []


def test_every_event_of_the_audit_belongs_to_a_kind_and_names_its_subject() -> None:
    audited = [name for name, kind in EVENTS.items() if kind.audit]
    assert [name for name in audited if trail.kind_of(name) is None] == []
    assert {EVENTS[name].resource for name in audited} <= set(trail.SUBJECTS)
    assert {name for kind in trail.KINDS for name in trail.types_of(kind)} == set(audited)


def test_a_changed_limit_names_the_person(now: datetime) -> None:
    change = {"key": "requests of kim: movies", "changed": {"most": [None, 2]}, "area": "requests", "name": None}
    told = Happened(1, now, "SettingsChanged", "settings", None, "Robin", "user", "u", "info", change)
    assert (trail.entry(told).text, trail.entry(told).subject) == ("requests of kim: movies",) * 2


def test_an_event_of_another_version_is_still_an_entry(now: datetime) -> None:
    odd = Happened(1, now, "SomethingNew", "user", "u", "Kim", "user", "u", "info", {"changed": ["?"], "odd": 1})
    assert trail.entry(odd).title == "SomethingNew"


def test_signing_in_and_out_names_the_browser_and_its_address(database: Database, now: datetime) -> None:
    new = users.NewUser(username="robin", role=Role.ADMIN)
    with database.writes() as session:
        user = users.add_first_admin(session, now, new)
        _, token = users.sign_in.open_session(session, now, user, days=1, address="192.0.2.7", agent="Firefox")
        users.sign_in.sign_out(session, now, token)
        users.sign_in.sign_out(session, now, token)
    with database.reads() as session:
        ended, begun, _ = (trail.entry(one) for one in users.history.list_audit(session, ROBIN, AuditFilter()))
    assert (begun.title, begun.address, begun.agent) == ("Signed in", "192.0.2.7", "Firefox")
    assert (ended.title, ended.text) == ("Signed out", "robin, 1 browser")


def test_a_key_is_recorded_once_a_day_for_each_address(database: Database, now: datetime) -> None:
    with database.writes() as session:
        robin = users.caller_of(users.add_first_admin(session, now, users.NewUser(username="robin", role=Role.ADMIN)))
        _, text = users.api_keys.add_api_key(session, robin, now, "a script")
        for hours, address in (
            (0, "192.0.2.1"),
            (1, "192.0.2.1"),
            (2, "192.0.2.2"),
            (3, "192.0.2.1"),
            (25, "192.0.2.1"),
        ):
            at = now + timedelta(hours=hours)
            found = users.api_keys.caller_for_key(session, at, text)
            assert found is not None
            users.api_keys.touch_api_key(session, at, found, address, "curl/8")
    with database.reads() as session:
        used = users.history.list_audit(session, ROBIN, AuditFilter(types=("ApiKeyUsed",)))
    assert [trail.entry(one).text for one in used] == [f"a script from 192.0.2.{n}" for n in (1, 2, 1)]

"""The history shows each caller what it may see."""

from __future__ import annotations

from datetime import datetime

import pytest

from mydia import events
from mydia.contexts import users
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import Database
from mydia.errors import Forbidden


def caller_with(*scopes: Permission) -> Caller:
    return Caller(kind="user", id=None, name="Kim", permissions=permissions_of(Role.ADMIN, scopes=scopes))


@pytest.fixture
def eventful(database: Database, now: datetime) -> Database:
    with database.writes() as session:
        for event in (
            events.MediaRemoved("item-1", "movie", "Metropolis", 0),
            events.SettingsChanged("values", {}, events.SettingsArea.VALUES),
        ):
            events.emit(session, SYSTEM, event, at=now)
    return database


@pytest.mark.parametrize(
    ("permissions", "seen"),
    [
        ([Permission.VIEW_ACTIVITY], ["MediaRemoved"]),
        ([Permission.MANAGE_SETTINGS], ["MediaRemoved"]),
        ([Permission.VIEW_ACTIVITY, Permission.MANAGE_USERS], ["SettingsChanged", "MediaRemoved"]),
    ],
)
def test_changes_of_settings_are_shown_to_callers_who_manage_accounts(
    eventful: Database, permissions: list[Permission], seen: list[str]
) -> None:
    with eventful.reads() as session:
        assert [event.type for event in users.history.feed(session, caller_with(*permissions))] == seen


def test_asking_only_for_what_may_not_be_seen_finds_nothing(eventful: Database) -> None:
    with eventful.reads() as session:
        assert users.history.feed(session, caller_with(Permission.VIEW_ACTIVITY), types=["SettingsChanged"]) == []


def test_the_history_is_refused_to_callers_who_may_only_browse(eventful: Database) -> None:
    browsing = caller_with(Permission.BROWSE)
    with eventful.reads() as session:
        with pytest.raises(Forbidden):
            users.history.feed(session, browsing)
        with pytest.raises(Forbidden):
            users.history.names_of_removed(session, browsing, ids=["item-1"])
        assert users.history.names_of_removed(session, SYSTEM, ids=["item-1"]) == {"item-1": "Metropolis"}

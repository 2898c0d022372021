"""The cache of pages is emptied by the next commit of any process."""

from __future__ import annotations

from datetime import datetime

import pytest

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.web.remembered import UntilCommit


def _commit(database: Database, now: datetime, step: str = "account") -> None:
    with database.writes() as session:
        settings.setup.mark_step(session, SYSTEM, now, step, "done")


def test_values_are_cached_until_the_next_commit(database: Database, now: datetime) -> None:
    remembered: UntilCommit[str, object] = UntilCommit()
    first = remembered.get(database, database.version(), "list", object)
    assert remembered.get(database, database.version(), "list", object) is first
    _commit(database, now)
    second = remembered.get(database, database.version(), "list", object)
    assert second is not first
    other = Database(database.url)
    try:
        _commit(other, now, "scan")
    finally:
        other.close()
    assert remembered.get(database, database.version(), "list", object) is not second


def test_a_value_read_before_a_commit_is_not_used_after_it(database: Database, now: datetime) -> None:
    remembered: UntilCommit[str, object] = UntilCommit()
    version = database.version()

    def read() -> object:
        seen = object()
        _commit(database, now)
        return seen

    old = remembered.get(database, version, "list", read)
    assert remembered.get(database, database.version(), "list", object) is not old


def test_each_key_has_its_own_value_and_the_oldest_is_dropped(database: Database) -> None:
    remembered: UntilCommit[int, object] = UntilCommit(kept=2)
    version = database.version()
    answers = [remembered.get(database, version, number, object) for number in range(3)]
    assert remembered.get(database, version, 2, object) is answers[2]
    assert remembered.get(database, version, 0, object) is not answers[0]


def test_cached_values_expire_after_a_while(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: UntilCommit[str, object] = UntilCommit()
    version = database.version()
    first = remembered.get(database, version, "today", object)
    later_s = clock.monotonic_s() + 60
    monkeypatch.setattr(clock, "monotonic_s", lambda: later_s)
    assert remembered.get(database, version, "today", object) is not first

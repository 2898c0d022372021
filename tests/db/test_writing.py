"""Writers run one at a time, in order of arrival, with a timeout."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from mydia.db import Database
from mydia.errors import Unavailable

_DEADLINE_S = 20.0


def _count(database: Database) -> int:
    with database.reads() as session:
        return int(session.execute(text("SELECT sum(n) FROM counted")).scalar_one())


def _add_one(database: Database) -> None:
    with database.writes() as session:
        session.execute(text("UPDATE counted SET n = n + 1"))


@pytest.fixture
def counted(database: Database) -> Database:
    """A database with a counter."""
    with database.writes() as session:
        session.execute(text("CREATE TABLE counted (n)"))
        session.execute(text("INSERT INTO counted VALUES (0)"))
    return database


def test_a_write_that_cannot_begin_in_time_raises(counted: Database) -> None:
    hasty = Database(counted.url, patience_s=0.05)
    with counted.writes() as session:
        session.execute(text("UPDATE counted SET n = n + 1"))
        with pytest.raises(Unavailable, match="Try again in a moment") as refused:
            _add_one(hasty)
    assert refused.value.retry_after_s
    _add_one(hasty)
    hasty.close()
    assert _count(counted) == 2


def test_a_thread_of_the_same_process_that_waits_too_long_raises_the_same_error(counted: Database) -> None:
    hasty = Database(counted.url, patience_s=0.05)
    holds, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with hasty.writes():
            holds.set()
            may_end.wait(_DEADLINE_S)

    holding = threading.Thread(target=hold)
    holding.start()
    assert holds.wait(_DEADLINE_S)
    with pytest.raises(Unavailable):
        _add_one(hasty)
    may_end.set()
    holding.join(_DEADLINE_S)
    _add_one(hasty)
    hasty.close()


def test_threads_write_in_order_of_arrival(counted: Database) -> None:
    order: list[int] = []
    threads: list[threading.Thread] = []
    with counted.writes() as session:
        session.execute(text("UPDATE counted SET n = n + 1"))
        for number in range(5):

            def write(number: int = number) -> None:
                with counted.writes() as mine:
                    mine.execute(text("UPDATE counted SET n = n + 1"))
                    order.append(number)

            thread = threading.Thread(target=write)
            thread.start()
            threads.append(thread)
            waited = threading.Event()
            while counted.waiting_writers <= number and not waited.wait(0.005):
                pass
    for thread in threads:
        thread.join(_DEADLINE_S)
    assert order == [0, 1, 2, 3, 4]
    assert _count(counted) == 6


def test_a_failed_write_releases_the_lock(counted: Database) -> None:
    def fail() -> None:
        with counted.writes() as session:
            session.execute(text("UPDATE counted SET n = n + 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    _add_one(counted)
    assert _count(counted) == 1

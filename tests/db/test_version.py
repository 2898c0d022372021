"""The version number that changes with every commit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from mydia import events
from mydia.db import Database


def test_the_version_changes_with_every_commit_and_with_nothing_else(database: Database) -> None:
    first = database.version()
    assert first is not None
    with database.reads() as session:
        session.execute(text("SELECT 1"))
    assert database.version() == first
    with database.writes() as session:
        session.execute(text("CREATE TABLE noticed (x)"))
    second = database.version()
    assert second != first
    assert database.version() == second


def test_a_commit_of_another_process_counts_too(database: Database) -> None:
    before = database.version()
    other = Database(database.url, sparing=True)
    with other.writes() as session:
        session.execute(text("CREATE TABLE noticed (x)"))
    other.close()
    assert database.version() != before


def test_concurrent_threads_all_see_the_commit(database: Database) -> None:
    before = database.version()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: database.version(), range(200))) == {before}
        with database.writes() as session:
            session.execute(text("CREATE TABLE noticed (x)"))
        after = set(pool.map(lambda _: database.version(), range(200)))
    assert len(after) == 1
    assert before not in after


def test_reading_the_version_takes_no_pooled_connection(database: Database) -> None:
    narrow = Database(database.url, pool_size=1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: events.data_version(narrow), range(50)))
    assert narrow.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert events.data_version(narrow) == narrow.version()
    narrow.close()

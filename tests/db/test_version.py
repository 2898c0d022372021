"""The number that tells whether anybody has committed."""

from __future__ import annotations

from sqlalchemy import text

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

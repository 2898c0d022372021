"""Fixtures for all tests: a migrated database per test, and callers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from mydia import config
from mydia.contexts import settings
from mydia.contexts.users.permissions import Caller, Role, permissions_of
from mydia.db import Database, upgrade

# The time of one example depends more on the machine's load than on the code.
hypothesis.settings.register_profile("mydia", deadline=None)
hypothesis.settings.load_profile("mydia")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema, created once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "mydia.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database.engine)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated database for one test."""
    path = tmp_path / "mydia.db"
    shutil.copy(migrated_file, path)
    made = Database(f"sqlite:///{path}")
    settings.bind(made, config.load({"DATA_DIR": str(tmp_path)}))
    yield made
    made.close()


@pytest.fixture
def now() -> datetime:
    """A fixed instant: Saturday, 21 November 2026, noon."""
    return datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def admin() -> Caller:
    """A caller with all permissions."""
    return Caller(kind="user", id=None, name="Robin", permissions=permissions_of(Role.ADMIN), role=Role.ADMIN)


@pytest.fixture
def guest() -> Caller:
    """A caller who may browse and request."""
    return Caller(kind="user", id=None, name="Guest", permissions=permissions_of(Role.GUEST), role=Role.GUEST)

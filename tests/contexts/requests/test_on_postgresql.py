"""The tests of requests once more, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from mydia import config
from mydia.contexts import settings
from mydia.db import Database, upgrade
from mydia.db.base import Base
from tests.contexts.requests.test_asking import *  # noqa: F403  every test of the module
from tests.contexts.requests.test_blocking import *  # noqa: F403
from tests.contexts.requests.test_deciding import *  # noqa: F403
from tests.contexts.requests.test_problems import *  # noqa: F403
from tests.fakes import postgres
from tests.fakes.postgres import RealPostgres

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(postgres.PROGRAM is None, reason=postgres.MISSING),
    pytest.mark.xdist_group("postgres"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def migrated() -> Iterator[str]:
    with RealPostgres() as running:
        database = Database(running.url)
        upgrade(database.engine)
        database.close()
        yield running.url


@pytest.fixture
def database(migrated: str, tmp_path: Path) -> Iterator[Database]:
    """An empty database; it replaces the one of SQLite."""
    made = Database(migrated)
    settings.bind(made, config.load({"DATA_DIR": str(tmp_path)}))
    yield made
    with made.engine.connect() as connection:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names} CASCADE"))
        connection.commit()
    made.close()

"""Fixtures for the tests of settings."""

from __future__ import annotations

from datetime import datetime

import pytest

from mydia.contexts import settings
from mydia.db import Database


@pytest.fixture
def furnished(database: Database, now: datetime) -> Database:
    """A database with the default rows."""
    with database.writes() as session:
        settings.ensure_defaults(session, now)
    return database

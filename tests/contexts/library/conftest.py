"""A film folder and a series folder on disk, and a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydia.config import Config, load
from mydia.contexts import settings
from mydia.contexts.settings import LibraryPath
from mydia.db import Database
from tests import builders


@pytest.fixture
def config(database: Database, tmp_path: Path) -> Config:
    """The default configuration."""
    made = load({"DATA_DIR": str(tmp_path / "data")})
    settings.bind(database, made)
    return made


@pytest.fixture
def films(database: Database, tmp_path: Path) -> LibraryPath:
    """A library folder for films."""
    with database.writes() as session:
        return builders.library_path(session, tmp_path / "films", "movies")


@pytest.fixture
def series(database: Database, tmp_path: Path) -> LibraryPath:
    """A library folder for series."""
    with database.writes() as session:
        return builders.library_path(session, tmp_path / "series", "series")

"""Files in the data folder are readable only by their owner, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import clock, logs, startup
from mydia import config as configuration
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database, maintenance
from mydia.private import private
from mydia.relay.crashes import Crashes
from mydia.relay.stores import SqliteStore
from mydia.taskboard import TaskBoard


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def generous() -> Iterator[None]:
    """The most common umask."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("generous")
def test_everything_in_the_data_folder_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    config = configuration.load({"DATA_DIR": str(tmp_path / "data")})
    startup.prepare(config)
    config.secret_key()
    database = Database(config.database_url)
    board = TaskBoard(config.jobs_path)
    board.running(SYSTEM)
    store = SqliteStore(config.cache_path, max_bytes=2**20, keep_stale_s=60)
    crashes = Crashes(config.data_dir / "crashes.db")
    crashes.groups()
    with database.writes() as session:
        settings.setup.finish_setup(session, SYSTEM, clock.now())
    backup = maintenance.back_up(database, config.backups_directory, clock.now())
    made = [path for path in config.data_dir.rglob("*") if path.is_file()]
    names = {path.name for path in made}
    assert backup is not None
    assert {"mydia.db", "mydia.db-wal", "mydia.db-shm", "jobs.db", "jobs.db-wal"} <= names
    assert {"cache.db", "crashes.db", "secret_key", backup.path.name} <= names
    assert {path.name: oct(_mode(path)) for path in made if _mode(path) & 0o077} == {}
    assert {path.name for path in config.data_dir.rglob("*") if path.is_dir() and _mode(path) & 0o077} <= {
        "jobs.db-workers"
    }
    crashes.close()
    store.close()
    board.close()
    database.close()


@pytest.mark.usefixtures("generous")
def test_logs_are_readable_by_their_owner_only_even_after_rotation(tmp_path: Path) -> None:
    before = logging.getLogger().handlers[:]
    logs.configure("info", "text", tmp_path, "web")
    try:
        file = next(one for one in logging.getLogger().handlers if isinstance(one, logging.FileHandler))
        logging.getLogger("mydia.test").info("one")
        file.doRollover()  # type: ignore[attr-defined]  # a rotating handler
        logging.getLogger("mydia.test").info("two")
        assert {path.name: oct(_mode(path)) for path in tmp_path.iterdir()} == {
            "web.log": "0o600",
            "web.log.1": "0o600",
        }
        file.close()
    finally:
        logging.getLogger().handlers[:] = before


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "mydia.db"
    shared.write_text("kept")
    shared.chmod(0o640)
    assert private(shared).read_text() == "kept"
    assert _mode(shared) == 0o640
    private(tmp_path / "missing" / "mydia.db")

"""Logged crashes are sent to a relay if an administrator agreed, without personal data."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import clock, config
from mydia.adapters.http import Http
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.crash_reports import reporter
from mydia.db import Database
from tests.fakes.stand_in import Answer, Asked, StandIn

logger = logging.getLogger("mydia.tests.crash_reports")


class Intake(StandIn):
    """The part of a relay that accepts crash reports."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Semaphore(0)

    def answer(self, asked: Asked) -> Answer:
        self.taken.release()
        return Answer.of({"status": "created"}, 201)


@pytest.fixture
def intake() -> Iterator[Intake]:
    with Intake() as server:
        yield server


@pytest.fixture
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


@pytest.fixture
def loaded(database: Database, tmp_path: Path, intake: Intake) -> Config:
    made = config.load({"DATA_DIR": str(tmp_path / "data"), "METADATA_RELAY_URL": intake.url})
    settings.bind(database, made)
    return made


def _crash() -> None:
    try:
        Path("/media/films/Private Film (1999)/film.mkv").stat()
    except FileNotFoundError:
        logger.exception("job failed", extra={"job": "library.scan", "path": "/media/films"})


def _say_yes(database: Database, admin: Caller) -> None:
    with database.writes() as session:
        settings.change_values(session, admin, clock.now(), {"crashes.report": "true"})


def test_nothing_is_sent_without_consent(
    database: Database, loaded: Config, http: Http, intake: Intake, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    with reporter(loaded, database, http, "worker", sends=True):
        _crash()
    assert intake.asked == []


def test_a_crash_is_sent_once_and_without_paths(
    database: Database, loaded: Config, http: Http, intake: Intake, admin: Caller, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    _say_yes(database, admin)
    with reporter(loaded, database, http, "worker", sends=True):
        _crash()
        _crash()
        logger.error("an error without a traceback is no crash")
        assert intake.taken.acquire(timeout=60)
    (report,) = intake.asked
    assert report.path == "/crashes/report"
    sent = report.body.decode()
    assert "FileNotFoundError" in sent
    assert "library.scan" in sent
    assert "Private Film" not in sent
    assert str(tmp_path) not in sent


def test_reports_stored_by_one_process_are_sent_by_another(
    database: Database, loaded: Config, http: Http, intake: Intake, admin: Caller, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    _say_yes(database, admin)
    intake.fail("maintenance")
    with reporter(loaded, database, http, "web", sends=False):
        _crash()
    assert intake.asked == []
    intake.heal()
    with reporter(loaded, database, http, "worker", sends=True):
        try:
            raise ValueError("another")
        except ValueError:
            logger.exception("request failed")
        assert intake.taken.acquire(timeout=60)
        assert intake.taken.acquire(timeout=60)
    assert len(intake.asked) == 2

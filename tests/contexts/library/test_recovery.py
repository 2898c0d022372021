"""Recovery skips operations of live processes and finishes those of dead ones."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mydia import clock
from mydia.adapters import processes
from mydia.contexts import library
from mydia.contexts.library import journal
from mydia.contexts.library.models import JournalEntry
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests import builders
from tests.fakes.outside import fake_outside


@pytest.fixture
def copying(database: Database, films: LibraryPath, tmp_path: Path) -> Path:
    """An import whose copy has begun: its `.part` file is in the library folder."""
    source = builders.on_disk(tmp_path / "downloads", "a.mkv", 200_000)
    step = journal.Step(
        operation="copy",
        source=source,
        target=Path(films.path) / "A/a.mkv",
        fingerprint=journal.fingerprint(fake_outside().files, source),
    )
    with database.writes() as session:
        journal.write_steps(session, clock.now(), SYSTEM, "b", journal.Cause.IMPORT, [step])
    return builders.on_disk(films.path, "A/.mydia-1.part", 1000)


def own(database: Database, owner: str | None, *, seen_ago_s: float = 0) -> None:
    with database.writes() as session:
        seen_at = clock.now() - timedelta(seconds=seen_ago_s)
        session.execute(update(JournalEntry).values(owner=owner, seen_at=seen_at))


def test_the_part_file_of_a_running_copy_is_left_alone(database: Database, copying: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        host = processes.this_process().partition("|")[0]
        stat = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()
        own(database, f"{host}|{other.pid}|{stat[19]}")
        assert library.journal.recover_journal(database, fake_outside(), clock.now()) == library.journal.Recovered()
        assert copying.exists()
        other.communicate(b"\n")
    # The process ended before finishing.
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).taken_back == 1
    assert not copying.exists()


def test_a_reused_process_id_is_a_different_process(database: Database, copying: Path) -> None:
    host, pid, _ = processes.this_process().split("|")
    own(database, f"{host}|{pid}|1")
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).taken_back == 1


@pytest.mark.parametrize(("silent_s", "taken_back"), [(10, 0), (600, 1)])
def test_a_process_on_another_machine_is_alive_while_it_reports(
    silent_s: float, taken_back: int, database: Database, copying: Path
) -> None:
    own(database, "another-host|1|1", seen_ago_s=silent_s)
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).taken_back == taken_back


def test_a_batch_in_progress_in_this_process_is_skipped(database: Database, copying: Path) -> None:
    with journal.working_on("b"):
        assert library.journal.recover_journal(database, fake_outside(), clock.now()) == library.journal.Recovered()
    assert library.journal.recover_journal(database, fake_outside(), clock.now()).taken_back == 1


def test_recovery_runs_on_a_schedule_too() -> None:
    from mydia.jobs.triggers import SCHEDULE

    assert "library.recover_journal" in {one.job for one in SCHEDULE}

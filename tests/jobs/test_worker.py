"""The whole worker process: events become jobs, requests become runs, and it stops cleanly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mydia import clock, config, events
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import Trigger
from mydia.jobs.broker import Deps, Schedule
from mydia.jobs.worker import Worker
from mydia.taskboard import RunState
from tests.jobs.conftest import NOBODY, a_job, eventually

type MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(database: Database, tmp_path: Path) -> Iterator[MakeWorker]:
    made: list[Worker] = []
    loaded = config.load({"DATA_DIR": str(tmp_path)})

    def setting(name: str) -> object:
        with database.reads() as session:
            return settings.sourced(session, SYSTEM, name).value

    def make(*jobs: Any, on_event: Any = None, schedule: Any = ()) -> Worker:
        worker = Worker(
            loaded,
            database,
            NOBODY,
            on_event=on_event or {},
            schedule=schedule,
            setting=setting,
            jobs={job.name: job for job in jobs},
        )
        worker.start()
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.stop()


def say(deps: Deps, *, key: str = "nothing") -> str:
    return f"saw {key}"


ON_EVENT = {events.SettingsChanged: (Trigger("say", lambda event: {"key": event.key}),)}


def test_an_event_starts_its_job(make_worker: MakeWorker, database: Database) -> None:
    worker = make_worker(a_job("say", say), on_event=ON_EVENT)
    with database.writes() as session:
        events.emit(session, SYSTEM, events.SettingsChanged("colour", {}))
    (run,) = eventually(lambda: worker.board.recent(SYSTEM, states=(RunState.DONE,)))
    assert (run.result, run.cause) == ("saw colour", f"SettingsChanged by {SYSTEM.name}")


def test_an_event_of_another_process_starts_its_job(
    make_worker: MakeWorker, database: Database, tmp_path: Path
) -> None:
    worker = make_worker(a_job("say", say), on_event=ON_EVENT)
    web = Database(database.url)
    with web.writes() as session:
        events.emit(session, SYSTEM, events.SettingsChanged("colour", {}))
    web.close()
    assert eventually(lambda: worker.board.recent(SYSTEM, states=(RunState.DONE,)))


def test_an_event_from_before_the_start_is_not_forgotten(make_worker: MakeWorker, database: Database) -> None:
    with database.writes() as session:
        events.emit(session, SYSTEM, events.SettingsChanged("colour", {}))
    worker = make_worker(a_job("say", say), on_event=ON_EVENT)
    assert eventually(lambda: worker.board.recent(SYSTEM, states=(RunState.DONE,)))


def test_a_users_request_becomes_a_run(make_worker: MakeWorker) -> None:
    worker = make_worker(a_job("say", say))
    worker.board.run_now(SYSTEM, "say", {"key": "me"})
    worker.board.run_now(SYSTEM, "nonesuch")
    worker.tick()
    (run,) = eventually(lambda: worker.board.recent(SYSTEM))
    assert (run.result, run.cause) == ("saw me", "run now by Mydia")
    assert worker.board.asks() == []


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps freed memory like this")
def test_memory_that_a_long_job_leaves_behind_is_returned(make_worker: MakeWorker) -> None:
    go_on, pinned = threading.Event(), ctypes.c_void_p()
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_size_t],
        [ctypes.c_void_p],
    )

    def hoard(deps: Deps) -> str:
        blocks = [libc.malloc(60_000) for _ in range(2_000)]
        for block in blocks:
            ctypes.memset(block, 1, 60_000)
        # What was allocated last stays, so the heap cannot shrink from its end.
        pinned.value = libc.malloc(60_000)
        for block in blocks:
            libc.free(block)
        go_on.wait(20)
        return "done"

    worker = make_worker(a_job("hoard", hoard))
    worker.board.run_now(SYSTEM, "hoard")
    worker.tick()
    eventually(lambda: pinned.value)
    hoarded = _own_memory_kib()
    for _ in range(8):
        worker.tick()
    assert _own_memory_kib() > hoarded - 20_000
    go_on.set()
    eventually(lambda: worker.board.recent(SYSTEM, states=(RunState.DONE,)))

    def is_returned() -> bool:
        worker.tick()
        return _own_memory_kib() < hoarded - 80_000

    assert eventually(is_returned)
    libc.free(pinned)


def _own_memory_kib() -> int:
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:"))


def test_a_changed_schedule_setting_applies_at_once(
    make_worker: MakeWorker, database: Database, tmp_path: Path
) -> None:
    worker = make_worker(
        a_job("say", say),
        a_job("watch", say),
        schedule=(
            Schedule("0 2 * * *", "say", setting="jobs.scan_cron"),
            Schedule("*/5 * * * *", "watch", setting="downloads.monitor_interval_minutes"),
        ),
    )
    with database.writes() as session:
        changes = {"jobs.scan_cron": "30 4 * * sat", "downloads.monitor_interval_minutes": 10}
        settings.change_values(session, SYSTEM, clock.now(), changes)

    def crons() -> bool:
        worker.tick()
        return [entry.cron for entry in worker.board.scheduled(SYSTEM)] == ["30 4 * * sat", "*/10 * * * *"]

    eventually(crons)


PROGRAM = """
import os, sys
from pathlib import Path
from mydia import config
from mydia.db import Database
from mydia.jobs import worker
from mydia.jobs.broker import job

folder = Path(sys.argv[1])

@job("stuck")
def stuck(deps):
    (folder / "stuck").touch()
    import time
    time.sleep(3600)

loaded = config.load({"DATA_DIR": str(folder)})
worker.GRACE_S = 0.2
worker.Worker.stop.__defaults__ = (0.2,)
raise SystemExit(worker.run(
    loaded, Database(loaded.database_url), None, on_event={}, schedule=(), setting=lambda name: loaded[name]
))
"""


def test_it_stops_on_sigterm_and_hands_back_a_stuck_job(database: Database, tmp_path: Path) -> None:
    from mydia.taskboard import TaskBoard

    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=Path(__file__).parents[2])
    try:
        board = TaskBoard(tmp_path / "jobs.db")
        eventually(board.workers)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
        board.run_now(SYSTEM, "stuck")
        eventually((tmp_path / "stuck").exists)
        (running,) = board.running(SYSTEM)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert board.get(SYSTEM, running.id).state == RunState.QUEUED
        assert board.workers() == []
        board.close()
    finally:
        process.kill()
        process.wait()

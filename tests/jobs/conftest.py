"""A task board, a broker and a worker in the test process, and real worker processes that can be killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dramatiq import Worker

from mydia.contexts.users import SYSTEM
from mydia.jobs.broker import Deps, Enqueuer, Job, Slots, declare_jobs, make_broker
from mydia.taskboard import Run, TaskBoard

NOBODY: Any = None


def eventually[T](look: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Poll until a value is available; fail after the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.01)


def a_job(name: str, function: Callable[..., str | None], **changes: Any) -> Job:
    fields: dict[str, Any] = {
        "title": name.title(),
        "queue": "default",
        "max_retries": 0,
        "min_backoff_s": 0.01,
        "max_backoff_s": 0.05,
        "time_limit_s": 60.0,
        "priority": 5,
    } | changes
    return Job(name=name, function=function, **fields)


class Bench:
    """A broker with jobs and, once started, a worker in this process."""

    def __init__(self, path: Path, jobs: list[Job], *, slots: Slots | None = None, url: str = "sqlite:") -> None:
        self.board = TaskBoard(path)
        slots = slots or Slots()
        self.broker = make_broker(url, self.board, slots)
        self.jobs = {job.name: job for job in jobs}
        self.enqueue = Enqueuer(self.broker, self.jobs)
        self.free = slots
        self.stopping = slots.stopping
        declare_jobs(
            self.broker,
            self.jobs,
            Deps(database=NOBODY, outside=NOBODY, config=NOBODY, enqueue=self.enqueue, board=self.board),
            stopping=self.stopping,
        )
        self.worker: Worker | None = None

    def start(self) -> Bench:
        self.broker.emit_after("process_boot")
        self.worker = Worker(self.broker, worker_threads=self.free.total, worker_timeout=100)
        self.worker.start()
        return self

    def ended(self, run_id: str) -> Run:
        return eventually(lambda: run if (run := self.board.get(SYSTEM, run_id)).finished_at else None)

    def close(self) -> None:
        if self.worker is not None:
            self.stopping.set()
            self.worker.stop(timeout=5000)
        self.broker.close()
        self.board.close()


type MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[MakeBench]:
    """Return a factory of benches on one file; all are closed at the end."""
    made: list[Bench] = []

    def make(*jobs: Job, **options: Any) -> Bench:
        made.append(Bench(tmp_path / "jobs.db", list(jobs), **options))
        return made[-1]

    yield make
    for one in reversed(made):
        one.close()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[TaskBoard]:
    made = TaskBoard(tmp_path / "jobs.db")
    yield made
    made.close()


WORKER_PROGRAM = """
import os, sys, threading, time
from pathlib import Path
from tests.jobs.conftest import Bench, a_job
from mydia.jobs.broker import Slots

folder = Path(sys.argv[1])

def note(word):
    with open(folder / "log", "a") as log:
        log.write(word + "\\n")

def hang(deps, word):
    note("began " + word)
    threading.Event().wait()

def say(deps, word):
    note("said " + word)

def crash(deps):
    note("crashed")
    os.kill(os.getpid(), 9)

def fail(deps):
    note("failed")
    raise RuntimeError("no luck")

def patient(deps):
    note("began patiently")
    while not deps.run.cancelled():
        time.sleep(0.01)
    return "stopped early"

bench = Bench(folder / "jobs.db", [
    a_job("hang", hang), a_job("say", say), a_job("crash", crash), a_job("patient", patient),
    a_job("fail", fail, max_retries=1, min_backoff_s=2, max_backoff_s=2),
]).start()
(folder / f"ready-{os.getpid()}").touch()
sys.stdin.read()
bench.close()
"""


class WorkerProcess:
    """A real worker process; ends when its standard input does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER_PROGRAM, str(folder)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        # A worker that is killed by its first message may never report that it is ready.
        eventually(lambda: (folder / f"ready-{self.process.pid}").exists() or self.process.poll() is not None)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def finish(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture
def worker_process(tmp_path: Path) -> Iterator[Callable[[], WorkerProcess]]:
    made: list[WorkerProcess] = []

    def make() -> WorkerProcess:
        made.append(WorkerProcess(tmp_path))
        return made[-1]

    yield make
    for one in made:
        with contextlib.suppress(ProcessLookupError):
            one.kill()


def log_of(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []

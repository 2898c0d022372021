"""Measure how many jobs per second the SQLite broker enqueues, runs, and does both at once.

python -m benchmarks.broker [number of jobs]
"""

from __future__ import annotations

import multiprocessing
import platform
import sys
import tempfile
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq import Worker

from mydia.db.engine import sqlite_module
from mydia.jobs.broker import Deps, Enqueuer, Job, declare_jobs, make_broker
from mydia.taskboard import TaskBoard


def _nothing(_deps: Deps) -> None:
    return None


NOTHING = Job(
    name="bench.nothing",
    function=_nothing,
    title="Nothing",
    queue="critical",
    max_retries=0,
    min_backoff_s=1.0,
    max_backoff_s=1.0,
    time_limit_s=60.0,
    priority=5,
)
LATENCY = Job(
    name="bench.latency",
    function=lambda _deps: SEEN.set(),
    title="Latency",
    queue="critical",
    max_retries=0,
    min_backoff_s=1.0,
    max_backoff_s=1.0,
    time_limit_s=60.0,
    priority=5,
)  # type: ignore[func-returns-value]
SEEN = threading.Event()


def _made(directory: Path) -> tuple[dramatiq.Broker, TaskBoard, Enqueuer]:
    board = TaskBoard(directory / "jobs.db")
    broker = make_broker("sqlite:", board)
    jobs = {known.name: known for known in (NOTHING, LATENCY)}
    nobody: Any = None  # these jobs touch nothing
    enqueue = Enqueuer(broker, jobs)
    declare_jobs(broker, jobs, Deps(database=nobody, outside=nobody, config=nobody, enqueue=enqueue, board=board))
    broker.emit_after("process_boot")
    return broker, board, enqueue


def _rate(label: str, number: int, began: float) -> None:
    print(f"{label:<28}{number / (time.perf_counter() - began):>10,.0f} jobs/s")


def _ask(directory: str, number: int, ready: Barrier) -> None:
    broker, board, enqueue = _made(Path(directory))
    ready.wait()
    for _ in range(number):
        enqueue("bench.nothing")
    broker.close()
    board.close()


def main(number: int) -> None:
    """Run the three throughput measurements and one of latency, each on a fresh file."""
    version = sqlite_module().sqlite_version
    print(f"{number:,} jobs, Python {platform.python_version()}, SQLite {version}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        broker, board, enqueue = _made(Path(name))
        began = time.perf_counter()
        for _ in range(number):
            enqueue("bench.nothing")
        _rate("enqueue", number, began)
        worker = Worker(broker, worker_threads=8)
        began = time.perf_counter()
        worker.start()
        broker.join("critical")
        _rate("process", number, began)
        latencies = []
        for _ in range(200):
            SEEN.clear()
            began = time.perf_counter()
            enqueue("bench.latency")
            SEEN.wait()
            latencies.append((time.perf_counter() - began) * 1000)
            broker.join("critical")
        latencies.sort()
        print(f"{'idle latency p50 / p99':<28}{latencies[100]:>10.2f} / {latencies[198]:.2f} ms")
        began = time.perf_counter()
        for _ in range(number):
            enqueue("bench.nothing")
        broker.join("critical")
        _rate("both in one process", number, began)
        # As in a running Mydia: the web process enqueues jobs, the worker runs them.
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(2)
        web = spawn.Process(target=_ask, args=(name, number, ready))
        web.start()
        ready.wait()
        began = time.perf_counter()
        web.join()
        broker.join("critical")
        _rate("through two processes", number, began)
        worker.stop(timeout=5000)
        broker.close()
        board.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

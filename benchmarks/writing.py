"""Measure how long a short write waits while another process writes continuously, 150 ms at a time. Budget: 0.5 s.

python -m benchmarks.writing
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import threading
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.measure import Figure, machine
from mydia.db import Database
from mydia.errors import Unavailable

_SECONDS = 12.0
type _Writer = tuple[str, float, float]
"""(name, seconds it holds the write lock, seconds between its writes)."""
_WORKER: tuple[_Writer, ...] = (("hog", 0.15, 0.0), ("beside it", 0.005, 0.02), ("beside it too", 0.005, 0.02))
_WEB: tuple[_Writer, ...] = (("web", 0.002, 0.05),)


def _write(database: Database, hold_s: float, rest_s: float, waited: list[float], failed: list[str]) -> None:
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            with database.writes() as session:
                session.execute(text("UPDATE counted SET n = n + 1"))
                waited.append(time.monotonic() - began)
                time.sleep(hold_s)
        except Unavailable as error:
            failed.append(str(error))
        time.sleep(rest_s)


def _process(
    url: str, writers: tuple[_Writer, ...], results: multiprocessing.Queue[dict[str, tuple[list[float], int]]]
) -> None:
    database = Database(url)
    waited: dict[str, list[float]] = {name: [] for name, _, _ in writers}
    failed: dict[str, list[str]] = {name: [] for name, _, _ in writers}
    threads = [
        threading.Thread(target=_write, args=(database, hold_s, rest_s, waited[name], failed[name]))
        for name, hold_s, rest_s in writers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put({name: (waited[name], len(failed[name])) for name in waited})


def measure(folder: Path) -> list[Figure]:
    """Let two processes write at once and return how long short writes waited."""
    url = f"sqlite:///{folder / 'writing.db'}"
    database = Database(url)
    with database.writes() as session:
        session.execute(text("CREATE TABLE counted (n)"))
        session.execute(text("INSERT INTO counted VALUES (0)"))
    database.close()
    results: multiprocessing.Queue[dict[str, tuple[list[float], int]]] = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=_process, args=(url, writers, results)) for writers in (_WORKER, _WEB)]
    for process in processes:
        process.start()
    found = {name: one for _ in processes for name, one in results.get().items()}
    for process in processes:
        process.join()
    web, failures = found["web"]
    beside = found["beside it"][0] + found["beside it too"][0]
    return [
        Figure("short write beside a long one, median", statistics.median(web), "s"),
        Figure("short write beside a long one, longest", max(web), "s", 0.5),
        Figure("the same within one process, longest", max(beside), "s", 0.5),
        Figure(
            "writes that found no place in time", failures + found["beside it"][1] + found["beside it too"][1], "", 0
        ),
    ]


def main() -> None:
    """Measure and print."""
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        for figure in measure(Path(name)):
            print("  ".join(figure.row()))


if __name__ == "__main__":
    main()

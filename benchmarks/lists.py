"""Measure lists: fifty titles as JSON, and the movies page as HTML.

python -m benchmarks.lists

With two cores, server and client each get their own. The rate is measured with `wrk` if it is installed, otherwise with
threads of this process.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks import library
from benchmarks.measure import Figure
from benchmarks.serving import Serving

_LIST = "/api/v1/media?type=movie&limit=50"
_PAGE = "/movies"
_TIMES = 300
_SECONDS = 6
_CONNECTIONS = 8


def measure(folder: Path, key: str) -> list[Figure]:
    """Start Mydia on the library and measure its lists."""
    headers = {"X-API-Key": key}
    with Serving(folder) as serving:
        serving.first_answer("/health")
        serving.wait_until_ready()
        serving.wait_until_idle()
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(serving.pids()["web"], {0})
            for thread in Path(f"/proc/{serving.pids()['web']}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {0})
            os.sched_setaffinity(0, {1})
        times = sorted(timed(serving.port, [_LIST], headers))
        addresses = [_LIST, *pages_of(serving, headers)]
        others = sorted(timed(serving.port, addresses, headers))
        rate = per_second(serving.port, [_LIST], key)
        other_rate = per_second(serving.port, addresses, key)
        html = {**headers, "Accept": "text/html", "Accept-Encoding": "gzip"}
        pages = sorted(timed(serving.port, [_PAGE], html))
        with busy(folder) as commit:
            busy_pages = sorted(timed(serving.port, [_PAGE], html, before=commit))
        _, compressed = serving.get(_PAGE, html)
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    return [
        Figure("list of 50 titles as JSON, p50", statistics.median(times), "ms", 5),
        Figure("list of 50 titles as JSON, p99", times[int(len(times) * 0.99)], "ms"),
        Figure("another list each time, p50", statistics.median(others), "ms", 5),
        Figure("lists of 50 titles, one core", rate, "/s", 600, more_is_better=True),
        Figure("another list each time, one core", other_rate, "/s", 600, more_is_better=True),
        Figure("page of films, p50", statistics.median(pages), "ms", 15),
        Figure("page of films with a commit before each, p50", statistics.median(busy_pages), "ms", 15),
        Figure("page of films, compressed", len(compressed) / 1024, "KiB", 30),
    ]


@contextmanager
def busy(folder: Path) -> Iterator[Callable[[], None]]:
    """Yield a function that makes a small write, as a running download does, which invalidates cached answers."""
    connection = sqlite3.connect(folder / "mydia.db", isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS benchmark (number INTEGER)")
    try:
        yield lambda: connection.execute("INSERT INTO benchmark VALUES (1)").close()
    finally:
        connection.execute("DROP TABLE benchmark")
        connection.close()


def pages_of(serving: Serving, headers: dict[str, str]) -> list[str]:
    """Return the URLs of all pages of the list after the first: more than the server caches."""
    found, address = [], _LIST
    while (cursor := json.loads(serving.get(address, headers)[1])["next_cursor"]) is not None:
        address = f"{_LIST}&cursor={quote(cursor)}"
        found.append(address)
    return found


def timed(
    port: int, paths: list[str], headers: dict[str, str], *, before: Callable[[], None] = lambda: None
) -> list[float]:
    """Repeat requests over one connection and return the response times in milliseconds.

    Args:
        paths: Requested in turn.
        before: Called before each request, outside the measured time.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    found = []
    for number in range(_TIMES + 20):
        path = paths[number % len(paths)]
        before()
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            msg = f"{path} was answered with {answer.status}"
            raise RuntimeError(msg)
        if number >= 20:
            found.append((time.perf_counter() - began) * 1000)
    connection.close()
    return found


_IN_TURN = """
local paths, number = {%s}, 0
request = function() number = number %% #paths + 1; return wrk.format("GET", paths[number]) end
"""


def per_second(port: int, paths: list[str], key: str) -> float:
    """Return the requests per second when these paths are requested in turn."""
    if (wrk := shutil.which("wrk")) is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(_IN_TURN % ", ".join(f'"{path}"' for path in paths))
            script.flush()
            command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "-H", f"X-API-Key: {key}", "-s", script.name]
            done = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    counts = [0] * _CONNECTIONS
    until = time.perf_counter() + _SECONDS

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < until:
            connection.request("GET", paths[counts[place] % len(paths)], headers={"X-API-Key": key})
            connection.getresponse().read()
            counts[place] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / _SECONDS


if __name__ == "__main__":
    library.report(measure)

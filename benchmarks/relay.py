"""Measure the relay's throughput: `python benchmarks/relay.py`. Starts everything it needs on this machine.

Memory hits go through the real server over loopback. With two cores, the server is pinned to one and the clients to the
other. The other figures measure the relay without the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from copy import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mydia.adapters.http import Http
from mydia.relay import Relay, RelayConfig
from mydia.secret import Secret
from tests.fakes.catalogue import FILMS, series
from tests.fakes.tmdb import KEY, Tmdb
from tests.relay.handclock import HandClock

_CONNECTIONS = 16
_SECONDS = 8.0
_BUDGET_PER_S = 3000
_PATH = "/tmdb/movies/19?append_to_response=credits,images,recommendations,release_dates"


def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv
    seconds = 1.5 if quick else _SECONDS
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with Tmdb() as tmdb, tempfile.TemporaryDirectory() as folder:
        figures = {
            "hits from memory, over HTTP": over_http(tmdb, Path(folder), seconds),
            "hits from SQLite": from_store(tmdb, Path(folder) / "s.db", None, quick),
            "hits from Redis": with_redis(tmdb, quick),
            "hits from memory, in process": in_memory(tmdb, quick),
            "a week of use": week(tmdb, Path(folder) / "week.db", 4_000 if quick else 40_000),
        }
    print(json.dumps(figures, indent=2))


def over_http(tmdb: Tmdb, folder: Path, seconds: float) -> dict[str, dict[str, float]]:
    """Measure memory hits through the server."""
    port = _free_port()
    environ = os.environ | {
        "PORT": str(port), "HOST": "127.0.0.1", "DATA_DIR": str(folder), "TMDB_API_KEY": KEY, "TMDB_API_URL": tmdb.api_url, "LOG_LEVEL": "warning",
    }  # fmt: skip
    code = "import os; from mydia.web.relay import serve_relay; raise SystemExit(serve_relay(os.environ))"
    server = subprocess.Popen([sys.executable, "-c", code], env=environ, cwd=ROOT)
    try:
        _until_listening(port)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            for task in Path(f"/proc/{server.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {cores[0]})
            os.sched_setaffinity(0, set(cores[1:]))
        asyncio.run(_load(port, 0.5))
        times_s, elapsed_s = asyncio.run(_load(port, seconds))
        paced_s, paced_for_s = asyncio.run(_load(port, seconds, per_s=_BUDGET_PER_S))
        os.sched_setaffinity(0, set(cores))
    finally:
        server.terminate()
        server.wait()
    return {
        "as fast as it can": _summary_ms(times_s, elapsed_s),
        f"at {_BUDGET_PER_S} a second": _summary_ms(paced_s, paced_for_s),
    }


def _summary_ms(times_s: list[float], elapsed_s: float) -> dict[str, float]:
    times_s.sort()
    return {
        "per_s": round(len(times_s) / elapsed_s),
        "p50_ms": round(times_s[len(times_s) // 2] * 1000, 2),
        "p99_ms": round(times_s[int(len(times_s) * 0.99)] * 1000, 2),
    }


async def _load(port: int, seconds: float, per_s: int | None = None) -> tuple[list[float], float]:
    request = f"GET {_PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    times_s: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = time.perf_counter() + random.random() * (_CONNECTIONS / per_s if per_s else 0)
        while (began := time.perf_counter()) < ends_at:
            if per_s:
                # Late responses count from when they were due, so that a stall is not hidden by sending fewer requests.
                await asyncio.sleep(max(0.0, due - began))
                began, due = due, due + _CONNECTIONS / per_s
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            times_s.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(_CONNECTIONS)))
    return times_s, time.perf_counter() - began


def in_memory(tmdb: Tmdb, quick: bool) -> dict[str, float]:
    """Measure memory hits without the server."""
    with _relay(tmdb) as relay:
        relay.get("/tmdb/movies/19")
        return _each(lambda: relay.get("/tmdb/movies/19", {"language": "en-US"}), 20_000 if quick else 200_000)


def from_store(tmdb: Tmdb, path: Path | None, redis_url: str | None, quick: bool) -> dict[str, float]:
    """Measure hits in the shared store, with the memory cache emptied before each."""
    with _relay(tmdb, cache_path=path, redis_url=Secret(redis_url or "")) as relay:
        numbers = [film.id for film in tmdb.films]
        for number in numbers:
            relay.get(f"/tmdb/movies/{number}", {"append_to_response": "credits,recommendations"})

        def hit() -> None:
            relay.cache.memory.clear()
            answer = relay.get(
                f"/tmdb/movies/{random.choice(numbers)}", {"append_to_response": "credits,recommendations"}
            )
            assert answer.cache == "HIT"

        return _each(hit, 500 if quick else 5000)


def with_redis(tmdb: Tmdb, quick: bool) -> dict[str, float] | str:
    """Measure the same with a local Redis."""
    if shutil.which("redis-server") is None:
        return "redis-server is not installed"
    port = _free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--loglevel", "warning"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until_listening(port)
        return from_store(tmdb, None, f"redis://127.0.0.1:{port}/0", quick)
    finally:
        server.terminate()
        server.wait()


def week(tmdb: Tmdb, path: Path, requests: int) -> dict[str, float]:
    """Replay a week of requests: popular titles often, the rest rarely; the first day warms the cache.

    Requests for 1,500 movies and 300 series follow Zipf's law in five languages. Two percent of the ids do not exist,
    airing seasons are requested repeatedly, and every household opens the same lists.
    """
    times = HandClock()
    chance = random.Random(7)
    for copy in range(1, 35):
        tmdb.films += [replace(film, id=film.id + copy * 10_000_000, title=f"{film.title} {copy}") for film in FILMS]
    for copy in range(1, 30):
        tmdb.series += [replace(show, id=show.id + copy * 10_000_000) for show in series(tmdb.today)]
    films = chance.sample(tmdb.films, len(tmdb.films))
    shows = chance.sample(tmdb.series, len(tmdb.series))
    often_films, often_shows = ([1 / (rank + 1) for rank in range(len(titles))] for titles in (films, shows))
    languages = ["en-US"] * 6 + ["de-DE"] * 2 + ["fr-FR", "es-ES"]
    asked = hits = 0
    http = Http()
    relay = Relay(replace(_config(tmdb), cache_path=path, tmdb_per_s=1e6), http=http, times=times)
    for index in range(requests):
        times.pass_(seconds=7 * 86_400 / requests)
        language = chance.choice(languages)
        kind = chance.random()
        if kind < 0.02:
            path_ = f"/tmdb/movies/{chance.randint(900_000_000, 999_999_999)}"
        elif kind < 0.45:
            path_ = f"/tmdb/movies/{chance.choices(films, often_films)[0].id}"
        elif kind < 0.65:
            show = chance.choices(shows, often_shows)[0]
            path_ = f"/tmdb/tv/shows/{show.id}/{chance.choice(show.seasons)}"
        elif kind < 0.85:
            path_ = "/tmdb/movies/search"
        else:
            path_ = chance.choice(["/tmdb/movies/trending", "/tmdb/tv/trending", "/tmdb/movies/popular"])
        params = {"language": language}
        if path_.endswith("search"):
            params["query"] = chance.choices(films, often_films)[0].title
        answer = relay.get(path_, params)
        if index > requests / 7:
            asked += 1
            hits += answer.cache in ("HIT", "STALE")
    relay.close()
    http.close()
    return {
        "requests": requests,
        "hit_rate_pct_after_first_day": round(100 * hits / asked, 1),
        "upstream_calls": relay.upstreams["tmdb"].care.calls,
    }


def _config(tmdb: Tmdb) -> RelayConfig:
    return RelayConfig(
        tmdb_api_key=Secret(KEY), tmdb_url=tmdb.api_url, tmdb_image_url=tmdb.image_url, tmdb_per_s=10_000
    )


class _relay:  # noqa: N801
    def __init__(self, tmdb: Tmdb, **changes: object) -> None:
        self._http = Http()
        self._relay = Relay(replace(_config(tmdb), **changes), http=self._http)  # type: ignore[arg-type]

    def __enter__(self) -> Relay:
        return self._relay

    def __exit__(self, *_: object) -> None:
        self._relay.close()
        self._http.close()


def _each(call: Callable[[], object], count: int) -> dict[str, float]:
    times_s = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - began)
    times_s.sort()
    return {
        "per_s": round(1 / statistics.fmean(times_s)),
        "p50_us": round(times_s[count // 2] * 1e6, 1),
        "p99_us": round(times_s[int(count * 0.99)] * 1e6, 1),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_listening(port: int) -> None:
    pause = threading.Event()
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.05)
    raise SystemExit("the server does not start")


if __name__ == "__main__":
    main()

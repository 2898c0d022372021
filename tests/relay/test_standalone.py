"""The standalone relay process on its real server."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from mydia.errors import Misconfigured
from mydia.web.relay import serve_relay
from tests.fakes.tmdb import KEY, Tmdb
from tests.relay.polling import until

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    def __init__(self, tmdb: Tmdb, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environ = {
            "PORT": str(self.port), "HOST": "127.0.0.1", "DATA_DIR": str(folder), "TMDB_API_KEY": KEY,
            "TMDB_API_URL": tmdb.api_url, "DASHBOARD_USERNAME": "keeper", "DASHBOARD_PASSWORD": "s3cret", "RELAY_PROXY_RATE_LIMIT": "5000",
        }  # fmt: skip
        code = "import os; from mydia.web.relay import serve_relay; raise SystemExit(serve_relay(os.environ))"
        self.process = subprocess.Popen([sys.executable, "-c", code], env=environ, cwd=ROOT)
        until(self._answers, within_s=60)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return bytes(answer.read())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the relay ended"
        try:
            return b'"ok"' in self.get("/health")
        except OSError:
            return False


@pytest.fixture
def process(tmdb: Tmdb, tmp_path: Path) -> Iterator[Process]:
    running = Process(tmdb, tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_five_hundred_clients_cause_one_call(process: Process, tmdb: Tmdb) -> None:
    async def ask() -> list[int]:
        limits = httpx2.Limits(max_connections=500)
        async with httpx2.AsyncClient(base_url=process.url, limits=limits, timeout=60) as client:
            with tmdb.hold():
                tasks = [asyncio.create_task(client.get("/tmdb/movies/19")) for _ in range(500)]
                joined = lambda: json.loads(process.get("/stats"))["cache"]["joined"] == 499  # noqa: E731
                await asyncio.to_thread(until, joined)
            return [answer.status_code for answer in await asyncio.gather(*tasks)]

    assert asyncio.run(ask()) == [200] * 500
    assert tmdb.total == 1


def test_it_stops_on_request_and_keeps_its_cache_after_a_restart(process: Process, tmdb: Tmdb, tmp_path: Path) -> None:
    before = process.get("/tmdb/movies/19")
    assert process.stop() == 0
    again = Process(tmdb, tmp_path)
    try:
        assert again.get("/tmdb/movies/19") == before
    finally:
        again.stop()
    assert tmdb.total == 1


def test_two_processes_on_one_cache_ask_once(process: Process, tmdb: Tmdb, tmp_path: Path) -> None:
    other = Process(tmdb, tmp_path)
    try:

        async def ask() -> None:
            async with httpx2.AsyncClient(timeout=60) as client:
                with tmdb.hold():
                    first = asyncio.create_task(client.get(f"{process.url}/tmdb/movies/653"))
                    await asyncio.to_thread(until, lambda: tmdb.total == 1)
                    second = asyncio.create_task(client.get(f"{other.url}/tmdb/movies/653"))
                    await asyncio.sleep(0)
                answers = await asyncio.gather(first, second)
                assert [answer.status_code for answer in answers] == [200, 200]

        asyncio.run(ask())
    finally:
        other.stop()
    assert tmdb.total == 1


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "TMDB_API_KEY"),
        ({"TMDB_API_KEY": "k", "PORT": "eighty"}, "PORT"),
        ({"TMDB_API_KEY": "k", "REDIS_URL": "localhost"}, "REDIS_URL"),
        ({"TMDB_API_KEY": "k", "TMDB_API_URL": "tmdb.example.org"}, "TMDB_API_URL"),
        ({"TMDB_API_KEY": "k", "RELAY_TTL_SEARCH_S": "long"}, "RELAY_TTL_SEARCH_S"),
    ],
)
def test_it_does_not_start_with_an_incomplete_configuration(environ: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        serve_relay(environ)

"""GraphQL on a running Mydia: events of the worker reach subscribers, also after kill -9, and a generated client does the main job."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.qbittorrent import free_port
from tests.fakes.tmdb import KEY as TMDB_KEY
from tests.fakes.tmdb import Tmdb
from tests.fakes.websocket import Closed, WebSocket

_ROOT = Path(__file__).parents[2]
_KEY = "mydia-graphql-key-0123456789"
_LOADED_S = 90.0
"""A busy machine takes this long to start a process."""

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


class Running:
    """The web and the worker process, each with its own life."""

    def __init__(self, folder: Path, tmdb: Tmdb) -> None:
        self.port = free_port()
        films = folder / "films"
        films.mkdir()
        self._log = folder / "log"
        self._environ = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(folder / "data"),
            "ADMIN_USERNAME": "robin",
            "ADMIN_PASSWORD": "correct horse battery",
            "ADMIN_API_KEY": _KEY,
            "MOVIES_PATH": str(films),
            "PUBLIC_RELAY_ENABLED": "false",
            "TMDB_API_KEY": TMDB_KEY,
            "TMDB_API_URL": tmdb.api_url,
            "TMDB_IMAGE_URL": tmdb.image_url,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a process."""
        with self._log.open("ab") as out:
            command = [sys.executable, "-m", "mydia", name]
            self.processes[name] = subprocess.Popen(command, cwd=_ROOT, env=self._environ, stdout=out, stderr=out)

    def kill(self, name: str) -> None:
        """End a process with kill -9."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def wait(self) -> None:
        """Wait until the web process answers."""
        until(self._answers, "Mydia to answer")

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of an operation."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"X-API-Key": _KEY, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        assert "errors" not in told, told
        return told["data"]

    def socket(self) -> WebSocket:
        """Return a connection that is signed in."""
        made = WebSocket(self.port, "/graphql", "graphql-transport-ws")
        assert made.status == 101
        made.send({"type": "connection_init", "payload": {"X-API-Key": _KEY}})
        assert made.receive() == {"type": "connection_ack"}
        return made


def until(holds: Callable[[], Any], what: str) -> Any:
    ends_s = time.monotonic() + _LOADED_S
    while time.monotonic() < ends_s:
        if found := holds():
            return found
        time.sleep(0.1)
    message = f"no sign of {what}"
    raise TimeoutError(message)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Tmdb() as tmdb:
        made = Running(tmp_path, tmdb)
        try:
            made.start("web")
            made.wait()
            made.start("worker")
            yield made
        finally:
            for name in list(made.processes):
                made.kill(name)


_UPDATES = "subscription ($after: ID) { libraryUpdates(after: $after) { id at type media { title } } }"


def _events_until(socket: WebSocket, wanted: str) -> list[dict[str, Any]]:
    """Return the events up to the first one of a type."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] != wanted:
        told = socket.receive()
        assert told["type"] == "next", told
        found.append(told["payload"]["data"]["libraryUpdates"])
    return found


@contextmanager
def _subscribed(running: Running, after: str | None) -> Iterator[WebSocket]:
    with running.socket() as socket:
        payload = {"query": _UPDATES, "variables": {"after": after}}
        socket.send({"id": "1", "type": "subscribe", "payload": payload})
        yield socket


def test_events_of_the_worker_arrive_also_after_it_was_killed(running: Running) -> None:
    with _subscribed(running, "0") as socket:
        running.ask("mutation { scanLibrary { status } }")
        first = _events_until(socket, "ScanFinished")
        running.kill("worker")
        running.ask("mutation { scanLibrary { status } }")
        asked = _events_until(socket, "ScanRequested")
        running.start("worker")
        second = _events_until(socket, "ScanFinished")
    numbers = [int(one["id"]) for one in (*first, *asked, *second)]
    assert numbers == sorted(set(numbers))
    with _subscribed(running, first[-1]["id"]) as socket:
        again = _events_until(socket, "ScanFinished")
    assert [one["id"] for one in again] == [one["id"] for one in (*asked, *second)]


def test_a_revoked_key_ends_the_connection(running: Running) -> None:
    made = running.ask('mutation { addApiKey(input: {name: "dashboard"}) { id key } }')["addApiKey"]
    with WebSocket(running.port, "/graphql", "graphql-transport-ws", X_API_Key=made["key"]) as socket:
        socket.send({"type": "connection_init"})
        assert socket.receive() == {"type": "connection_ack"}
        running.ask("mutation ($id: ID!) { revokeApiKey(id: $id) }", id=made["id"])
        with pytest.raises(Closed) as closed:
            socket.receive()
        assert closed.value.code == 4403


_OPERATIONS = """
query Find($query: String!) { searchMedia(query: $query) { id title year tmdbId mediaId type } }
mutation Add($input: AddMediaInput!) { addMedia(input: $input) { id title year files { path } } }
mutation Search($mediaId: ID!) { triggerSearch(mediaId: $mediaId) }
query Follow($mediaId: ID!) { media(id: $mediaId) { title state } searchRuns(mediaId: $mediaId) { state sentence } }
"""


def test_a_generated_client_does_the_main_job(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "operations.graphql").write_text(_OPERATIONS)
    (tmp_path / "pyproject.toml").write_text(
        f"""[tool.ariadne-codegen]
schema_path = "{_ROOT / "docs" / "api" / "schema.graphql"}"
queries_path = "operations.graphql"
target_package_name = "mydia_client"
"""
    )
    subprocess.run([sys.executable, "-m", "ariadne_codegen"], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    package: Any = importlib.import_module("mydia_client")

    async def work() -> None:
        async with package.Client(f"http://127.0.0.1:{running.port}/graphql", {"X-API-Key": _KEY}) as client:
            found = next(one for one in (await client.find(query="Metropolis")).search_media if one.year == 1927)
            wish = package.AddMediaInput(type=found.type_, tmdbId=found.tmdb_id, searchNow=False)
            added = (await client.add(input=wish)).add_media
            assert (added.title, added.files) == ("Metropolis", [])
            assert (await client.search(media_id=added.id)).trigger_search is True
            assert (await client.follow(media_id=added.id)).media.title == "Metropolis"

    asyncio.run(work())

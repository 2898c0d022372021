"""A client that answers a byte at a time, or without end, holds a thread no longer than the deadline allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mydia import clock
from mydia.adapters.download_clients import KINDS
from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http
from mydia.adapters.kinds import Connection
from mydia.secret import Secret

_GREETINGS = {"/api/v2/app/webapiVersion": b"2.9.3", "/api/v2/auth/login": b"Ok."}
"""What qBittorrent answers before it is slow."""


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if (greeting := _GREETINGS.get(self.path)) is not None:
            self.send_response(200)
            self.send_header("Set-Cookie", "SID=1; path=/")
            self.send_header("Content-Length", str(len(greeting)))
            self.end_headers()
            self.wfile.write(greeting)
            return
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[")
            while not self.server.ended.wait(0.1):  # type: ignore[attr-defined]
                self.wfile.write(b" ")

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_client_that_drips_its_list_is_given_up(slow_url: str, kind: str) -> None:
    connection = Connection(
        id=kind, name="Box", kind=kind, url=slow_url, username="robin", secret=Secret("secret"), timeout_s=0.5
    )
    client = KINDS[kind].make(connection, Http())
    began_s = clock.monotonic_s()
    with pytest.raises(AdapterError, match="took more than 2 seconds"):
        client.list()
    assert clock.monotonic_s() - began_s < 60, "two exchanges of two seconds each, with room for a loaded machine"

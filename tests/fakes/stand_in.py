"""A real HTTP server on a free port that imitates a service and fails on request."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

FAULTS = (
    "latency",
    "limited",
    "error",
    "maintenance",
    "hangup",
    "broken_json",
    "wrong_types",
    "html",
    "not_found",
    "bad_key",
)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    target: str = ""
    """Path and query exactly as sent."""


@dataclass(frozen=True)
class Answer:
    """The response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Answer:
        """Answer with JSON; `retry_after="2"` becomes the header `Retry-After`."""
        named = {name.replace("_", "-").title(): text for name, text in headers.items()}
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), named)


@dataclass
class Fault:
    """An active fault."""

    kind: str
    path: re.Pattern[str]
    times: int | None
    """How many more requests fail; None: until `heal()`."""
    seconds: float
    retry_after_s: int | None


class StandIn:
    """Base class; subclasses implement `answer`. A context manager that listens while it is entered."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.counts: Counter[str] = Counter()
        """Requests per path since the start or `forget()`."""
        self.asked: list[Asked] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._held = threading.Event()
        self._held.set()
        self._most_at_once = 0
        self._now_at_once = 0
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: object) -> None:
                """Log nothing: tests read `counts`."""

            def do_GET(self) -> None:
                stand_in._serve(self)

            do_POST = do_HEAD = do_DELETE = do_GET

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore callers that disconnect."""

        self._server = Server((host, port), Handler)
        self._thread: threading.Thread | None = None

    # Life

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.set()
        self._server.shutdown()
        self._server.server_close()
        if self._thread:
            self._thread.join()

    def serve_forever(self) -> None:
        """Listen in this thread, for `python -m`."""
        self._server.serve_forever()

    # Trouble

    def fail(
        self,
        kind: str,
        path: str = ".*",
        *,
        times: int | None = None,
        seconds: float = 1.0,
        retry_after_s: int | None = None,
    ) -> Fault:
        """Make requests whose path matches fail, until `heal()` or for a number of times.

        Args:
            kind: One of `FAULTS`.
            path: A pattern searched in the path.
            times: None: until `heal()`.
            seconds: How long `latency` waits.
            retry_after_s: Sent with `limited` and `maintenance`.
        """
        if kind not in FAULTS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(FAULTS)}")
        fault = Fault(kind, re.compile(path), times, seconds, retry_after_s)
        with self._lock:
            self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults.clear()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep every request waiting while the block runs."""
        self._held.clear()
        try:
            yield
        finally:
            self._held.set()

    def forget(self) -> None:
        """Reset the counts."""
        with self._lock:
            self.counts.clear()
            self.asked.clear()
            self._most_at_once = 0

    @property
    def total(self) -> int:
        """All requests counted."""
        return self.counts.total()

    @property
    def most_at_once(self) -> int:
        """The greatest number of concurrent requests."""
        return self._most_at_once

    # Answering

    def answer(self, asked: Asked) -> Answer:
        """Answer one request; implemented by subclasses."""
        raise NotImplementedError

    def error_body(self, kind: str) -> Answer:
        """Answer with a fault in the format of the service; implemented by subclasses."""
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            handler.command,
            address.path,
            dict(parse_qsl(address.query, keep_blank_values=True)),
            {name.lower(): text for name, text in handler.headers.items()},
            handler.rfile.read(length) if length else b"",
            handler.path,
        )
        if asked.path.startswith("/__control/"):
            self._send(handler, self._control(asked))
            return
        with self._lock:
            self.counts[asked.path] += 1
            self.asked.append(asked)
            self._now_at_once += 1
            self._most_at_once = max(self._most_at_once, self._now_at_once)
            fault = next((f for f in self._faults if f.path.search(asked.path)), None)
            if fault and fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
        try:
            self._held.wait()
            self._act(handler, asked, fault)
        finally:
            with self._lock:
                self._now_at_once -= 1

    def _act(self, handler: BaseHTTPRequestHandler, asked: Asked, fault: Fault | None) -> None:
        if fault is None:
            self._send(handler, self.answer(asked))
            return
        match fault.kind:
            case "latency":
                threading.Event().wait(fault.seconds)
                self._send(handler, self.answer(asked))
            case "hangup":
                body = self.answer(asked).body
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(body) + 100))
                handler.end_headers()
                handler.wfile.write(body[: len(body) // 2])
                handler.close_connection = True
            case "broken_json":
                self._send(handler, Answer(200, self.answer(asked).body[:-7]))
            case "wrong_types":
                self._send(handler, Answer.of(_twisted(json.loads(self.answer(asked).body or b"{}"))))
            case "html":
                page = b"<!doctype html><title>502</title><h1>Bad gateway</h1>"
                self._send(handler, Answer(502, page, content_type="text/html"))
            case _:
                answer = self.error_body(fault.kind)
                headers = dict(answer.headers)
                if fault.retry_after_s is not None:
                    headers["Retry-After"] = str(fault.retry_after_s)
                self._send(handler, Answer(answer.status, answer.body, headers, answer.content_type))

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        for name, text in answer.headers.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(answer.body)

    def _control(self, asked: Asked) -> Answer:
        """Let another process switch faults: POST /__control/faults, /__control/heal, GET /__control/counts."""
        what = asked.path.removeprefix("/__control/")
        if what == "faults" and asked.method == "POST":
            wish = json.loads(asked.body)
            self.fail(
                wish["kind"],
                wish.get("path", ".*"),
                times=wish.get("times"),
                seconds=wish.get("seconds", 1.0),
                retry_after_s=wish.get("retry_after_s"),
            )
            return Answer.of({"ok": True})
        if what == "heal" and asked.method == "POST":
            self.heal()
            return Answer.of({"ok": True})
        if what == "counts":
            return Answer.of(dict(self.counts))
        return Answer.of({"error": "unknown control"}, 404)


def _twisted(value: Any) -> Any:
    """Replace every leaf by a value of an unexpected type."""
    twist: Callable[[Any], Any] = _twisted
    match value:
        case dict():
            return {name: twist(part) for name, part in value.items()}
        case list():
            return {"0": twist(value[0])} if value else 0
        case bool() | None:
            return "maybe"
        case int() | float():
            return ["many"]
        case _:
            return 7

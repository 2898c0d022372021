"""Bodies and headers that are too large, too slow or broken: refused with a reason, and without holding up other requests."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia.web import routes, security
from mydia.web.app import CORE, WebApp
from mydia.web.deps import FORM_FIELDS, PUBLIC_BODY_BYTES
from mydia.web.security import Edge
from tests.web.conftest import token_of
from tests.web.example import app as example


def test_every_form_that_needs_no_sign_in_has_a_small_limit() -> None:
    public = []
    for handler in (*CORE, *routes.ROUTES):
        methods = getattr(handler, "http_methods", set())
        if methods - {"GET", "HEAD"} and "caller" not in handler.fn.__annotations__:
            public.append(handler)
    assert {min(handler.paths) for handler in public} >= {"/login", "/logout", "/theme", "/setup/account"}
    for handler in public:
        assert handler.request_max_body_size == PUBLIC_BODY_BYTES, handler.paths


def test_a_form_with_too_many_fields_is_refused_without_parsing_it(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    headers = {"x-csrf-token": token, "content-type": "application/x-www-form-urlencoded"}
    started = time.monotonic()
    answer = client.post("/gallery/bulk", content=b"a=1&" * 500_000, headers=headers)
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert time.monotonic() - started < 5
    answer = client.post("/gallery/bulk", content=b"a=1&" * FORM_FIELDS + b"title=x", headers=headers)
    assert answer.status_code == 413
    assert example.SCENE.saved == []


def test_a_long_form_within_the_limits_is_accepted(client: TestClient[WebApp]) -> None:
    headers = {"x-csrf-token": token_of(client)}
    data = {"title": "x", "ids": ",".join(f"{number:036}" for number in range(20_000))}
    assert client.post("/gallery/save", data=data, headers=headers).status_code == 204
    assert example.SCENE.saved == ["x"]


@pytest.mark.parametrize("host", ["mydia.tést", "my dia.test", "mydia.test/path", "<mydia>", ""])
def test_an_invalid_host_header_is_refused(client: TestClient[WebApp], host: str) -> None:
    answer = client.get("/other", headers=[(b"host", host.encode("latin-1"))])
    assert answer.status_code == 400
    assert "Host header" in answer.text


def _ask(app: Any, receive: Any, *, path: str = "/login", method: str = "POST") -> dict[str, Any]:
    """Send one request through the edge, message by message; return the head of the answer."""
    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        headers = [
            (b"host", b"mydia.test"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"transfer-encoding", b"chunked"),
        ]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}, "extensions": {},
        }  # fmt: skip
        await app(scope, receive, send)

    asyncio.run(run())
    return next(message for message in sent if message["type"] == "http.response.start")


def test_a_body_that_does_not_arrive_times_out(web: WebApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_BODY_S", 0.2)
    web.edge = Edge(web.state.deps.config, web.state.traffic)
    begun: list[bool] = []

    async def receive() -> Any:
        if not begun:
            begun.append(True)
            return {"type": "http.request", "body": b"username=", "more_body": True}
        return await asyncio.sleep(60)

    assert _ask(web, receive, path="/theme")["status"] == 408


@pytest.mark.parametrize("ending", [RuntimeError("invalid chunk size"), {"type": "http.disconnect"}])
def test_an_incomplete_body_is_a_bad_request(web: WebApp, ending: Any, caplog: pytest.LogCaptureFixture) -> None:
    parts = [{"type": "http.request", "body": b"username=", "more_body": True}, ending]

    async def receive() -> Any:
        part = parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part

    assert _ask(web, receive, path="/theme")["status"] == 400
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []

"""Subscriptions over a WebSocket and over server-sent events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient
from sqlalchemy import select, update

from mydia import clock
from mydia.contexts import downloads, library, users
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.db import Database
from mydia.web.app import WebApp
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Keys

_UPDATES = "subscription ($after: ID) { libraryUpdates(after: $after) { id type resource media { title } } }"


@contextmanager
def _socket(http: TestClient[WebApp], payload: Any = None, **headers: str) -> Iterator[Any]:
    with http.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"], headers=headers) as socket:
        socket.send_json({"type": "connection_init", "payload": payload or {}})
        yield socket


def _subscribe(socket: Any, query: str, id: str = "1", **variables: Any) -> None:
    socket.send_json({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables}})


def _next(socket: Any) -> Any:
    told = socket.receive_json(timeout=10)
    assert told["type"] == "next", told
    assert "errors" not in told["payload"], told
    return told["payload"]["data"]


def _received(socket: Any) -> Any:
    """Return the next message, or the code with which the connection was closed."""
    try:
        return socket.receive_json(timeout=10)
    except WebSocketDisconnect as closed:
        return {"closed": closed.code}


def _scan(database: Database) -> None:
    with database.writes() as session:
        library.scanning.request_scan(session, SYSTEM, None)


def _last_event(database: Database) -> int:
    from mydia import events

    with database.reads() as session:
        return events.last_id(session)


@pytest.mark.parametrize("name", ["X-API-Key", "apiKey"])
def test_a_key_in_connection_init_signs_in(http: TestClient[WebApp], keys: Keys, house: House, name: str) -> None:
    with _socket(http, {name: keys["user"]}) as socket:
        assert socket.receive_json(timeout=10) == {"type": "connection_ack"}
        _subscribe(socket, _UPDATES, after=str(_last_event(house.database)))
        _scan(house.database)
        assert _next(socket)["libraryUpdates"]["type"] == "ScanRequested"


def test_a_key_in_a_header_signs_in_and_queries_are_answered(http: TestClient[WebApp], keys: Keys) -> None:
    with _socket(http, **{"x-api-key": keys["user"]}) as socket:
        assert socket.receive_json(timeout=10) == {"type": "connection_ack"}
        _subscribe(socket, "{ me { role } }")
        assert _next(socket) == {"me": {"role": "user"}}
        assert socket.receive_json(timeout=10) == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("payload", [{}, {"X-API-Key": "mydia_wrong"}])
def test_strangers_are_refused(http: TestClient[WebApp], keys: Keys, payload: dict[str, str]) -> None:
    del keys
    with _socket(http, payload) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json(timeout=10)
    assert closed.value.code == 4403


def test_a_page_of_another_site_is_refused(http: TestClient[WebApp], keys: Keys) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        _socket(http, **{"x-api-key": keys["user"], "origin": "https://evil.example"}) as socket,
    ):
        socket.receive_json(timeout=10)
    with _socket(http, **{"x-api-key": keys["user"], "origin": "http://mydia.test"}) as socket:
        assert socket.receive_json(timeout=10) == {"type": "connection_ack"}


def test_events_after_a_given_one_are_sent_first(http: TestClient[WebApp], keys: Keys, house: House) -> None:
    before = _last_event(house.database)
    _scan(house.database)
    _scan(house.database)
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        _subscribe(socket, _UPDATES, after=str(before))
        numbers = [int(_next(socket)["libraryUpdates"]["id"]) for _ in range(2)]
        assert before < numbers[0] < numbers[1]


def test_an_event_names_its_title(http: TestClient[WebApp], keys: Keys, house: House) -> None:
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        _subscribe(socket, _UPDATES, after=str(_last_event(house.database)))
        with house.database.writes() as session:
            downloads.request_search(session, SYSTEM, house.film_id)
        assert _next(socket)["libraryUpdates"]["media"] == {"title": "Metropolis"}


def test_a_revoked_key_ends_the_connection(http: TestClient[WebApp], keys: Keys, house: House) -> None:
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        _subscribe(socket, "subscription { libraryUpdates { id } }")
        with house.database.writes() as session:
            key = session.scalars(select(users.ApiKey.id).where(users.ApiKey.name == "user's script")).one()
            users.api_keys.revoke_api_key(session, SYSTEM, house.now, key)
        told: Any = None
        while told is None or "closed" not in told:
            told = _received(socket)
        assert told == {"closed": 4403}


def _signed_in(house: House, name: str) -> str:
    """Sign a browser of an administrator in and return its token."""
    with house.database.writes() as session:
        user = users.add_user(session, SYSTEM, house.now, NewUser(username=name, role=Role.ADMIN))
        _, token = users.sign_in.open_session(session, clock.now(), user, days=30, address="", agent="")
    return token


def _sign_out(house: House, token: str) -> None:
    with house.database.writes() as session:
        users.sign_in.sign_out(session, clock.now(), token)


@pytest.mark.usefixtures("keys")
def test_signing_out_ends_the_connection_of_a_browser(http: TestClient[WebApp], house: House) -> None:
    token = _signed_in(house, "robin")
    last = _last_event(house.database)
    _scan(house.database)
    with _socket(http, cookie=f"session={token}") as socket:
        assert socket.receive_json(timeout=10) == {"type": "connection_ack"}
        _subscribe(socket, _UPDATES, after=str(last))
        assert _next(socket)["libraryUpdates"]["type"] == "ScanRequested"
        _sign_out(house, token)
        assert _received(socket) == {"closed": 4403}


@pytest.mark.usefixtures("keys")
def test_signing_out_ends_the_stream_of_a_browser_without_complete(http: TestClient[WebApp], house: House) -> None:
    token = _signed_in(house, "robin")
    last = _last_event(house.database)
    _scan(house.database)
    sign_out = threading.Timer(2, _sign_out, (house, token))
    sign_out.start()
    told = http.get(
        "/graphql",
        params={"query": _UPDATES, "variables": json.dumps({"after": str(last)})},
        headers={"Accept": "text/event-stream", "Cookie": f"session={token}"},
        timeout=60,
    )
    sign_out.join()
    assert "ScanRequested" in told.text
    assert "event: complete" not in told.text
    answer = http.get(
        "/graphql",
        params={"query": _UPDATES},
        headers={"Accept": "text/event-stream", "Cookie": f"session={token}"},
        follow_redirects=False,
    )
    assert answer.status_code == 401


def test_mutations_are_refused(http: TestClient[WebApp], keys: Keys) -> None:
    with _socket(http, {"X-API-Key": keys["admin"]}) as socket:
        socket.receive_json(timeout=10)
        _subscribe(socket, "mutation { backUp { status } }")
        told = socket.receive_json(timeout=10)
        assert told["type"] == "error"
        assert told["payload"][0]["message"].startswith("Send mutations by POST")


def test_a_caller_without_the_permission_gets_the_reason(http: TestClient[WebApp], keys: Keys) -> None:
    with _socket(http, {"X-API-Key": keys["guest"]}) as socket:
        socket.receive_json(timeout=10)
        _subscribe(socket, "subscription { libraryUpdates { id } }")
        told = socket.receive_json(timeout=10)
        assert told["payload"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert socket.receive_json(timeout=10)["type"] == "complete"


def test_a_connection_has_a_limit_of_operations(http: TestClient[WebApp], keys: Keys) -> None:
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        for number in range(21):
            _subscribe(socket, "subscription { libraryUpdates { id } }", id=str(number))
        told = socket.receive_json(timeout=10)
        assert (told["id"], told["type"]) == ("20", "error")


@pytest.mark.parametrize(
    "message",
    [
        [],
        {"type": 1},
        {"type": "subscribe", "id": 1, "payload": {}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": {"query": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{"}},
        {"type": "unknown"},
    ],
)
def test_malformed_messages_close_the_connection_or_are_reported(
    http: TestClient[WebApp], keys: Keys, message: Any
) -> None:
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        socket.send_json(message)
        told = _received(socket)
        assert told == {"closed": 4400} or told["type"] == "error"


def _set(house: House, download_id: str, **facts: Any) -> None:
    with house.database.writes() as session:
        session.execute(update(downloads.Download).where(downloads.Download.id == download_id).values(facts))


def test_progress_is_sent_until_the_download_is_imported(http: TestClient[WebApp], keys: Keys, house: House) -> None:
    download = house.get_one()
    _set(house, download, state="downloading", progress=0.25)
    with _socket(http, {"X-API-Key": keys["user"]}) as socket:
        socket.receive_json(timeout=10)
        query = f'subscription {{ downloadProgress(id: "{download}") {{ state progress media {{ title }} }} }}'
        _subscribe(socket, query)
        first = _next(socket)["downloadProgress"]
        assert first == {"state": "downloading", "progress": 0.25, "media": {"title": "Metropolis"}}
        _set(house, download, progress=0.5)
        assert _next(socket)["downloadProgress"]["progress"] == 0.5
        _set(house, download, seen_at=house.now)
        _set(house, download, state="imported", progress=1.0)
        assert _next(socket)["downloadProgress"]["state"] == "imported"
        assert socket.receive_json(timeout=10) == {"id": "1", "type": "complete"}


def _said(response: Any) -> list[tuple[str, Any]]:
    """Return the named events of a finished stream with their data."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.text
    found = []
    for block in response.text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            data = fields["data"].strip()
            found.append((fields["event"].strip(), json.loads(data) if data else None))
    return found


def test_a_finished_download_is_streamed_once_over_sse(http: TestClient[WebApp], keys: Keys, house: House) -> None:
    download = house.get_one()
    _set(house, download, state="imported", progress=1.0)
    headers = {"x-api-key": keys["user"], "accept": "text/event-stream"}
    query = "subscription ($id: ID!) { downloadProgress(id: $id) { progress } }"
    body = {"query": query, "variables": {"id": download}}
    wanted = [("next", {"data": {"downloadProgress": {"progress": 1.0}}}), ("complete", None)]
    assert _said(http.post("/graphql", json=body, headers=headers)) == wanted
    params = {"query": query, "variables": json.dumps({"id": download})}
    assert _said(http.get("/graphql", params=params, headers=headers)) == wanted


def test_queries_are_answered_and_mutations_refused_over_sse(http: TestClient[WebApp], keys: Keys) -> None:
    headers = {"x-api-key": keys["admin"], "accept": "text/event-stream"}
    told = _said(http.get("/graphql", params={"query": "{ me { role } }"}, headers=headers))
    assert told == [("next", {"data": {"me": {"role": "admin"}}}), ("complete", None)]
    for send in (http.post, http.get):
        where = (
            {"json": {"query": "mutation { backUp { id } }"}}
            if send == http.post
            else {"params": {"query": "mutation { backUp { id } }"}}
        )
        (_, said), _ = _said(send("/graphql", headers=headers, **where))
        assert said["errors"][0]["message"].startswith("Send mutations by POST")


def test_a_download_that_does_not_exist_is_an_error(http: TestClient[WebApp], keys: Keys) -> None:
    headers = {"x-api-key": keys["user"], "accept": "text/event-stream"}
    body = {"query": 'subscription { downloadProgress(id: "none") { progress } }'}
    (_, said), _ = _said(http.post("/graphql", json=body, headers=headers))
    assert said["errors"][0]["extensions"]["code"] == "NOT_FOUND"

"""The HTTP interface of the relay."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia.relay import Relay
from mydia.secret import Secret
from mydia.web.relay import relay_app
from tests.fakes.tmdb import Tmdb
from tests.fakes.tvdb import Tvdb
from tests.relay.conftest import MakeRelay
from tests.relay.handclock import HandClock
from tests.relay.test_routes import TMDB, TVDB

type Client = TestClient  # type: ignore[type-arg]

REPORT = {
    "error_type": "KeyError",
    "error_message": "'title'",
    "stacktrace": [{"file": "x.py", "line": 1, "function": "f"}],
}
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"keeper:s3cret").decode()}


@pytest.fixture
def client(make_relay: MakeRelay) -> Iterator[Client]:
    relay = make_relay(dashboard_username="keeper", dashboard_password=Secret("s3cret"))
    with TestClient(relay_app(relay)) as client:
        yield client


def _served(relay: Relay) -> Client:
    return TestClient(relay_app(relay))


@pytest.mark.parametrize(
    "path",
    [p for p in TMDB if p != "/tmdb/list/1"]
    + [
        "/tmdb/list/1",
        "/tmdb/find/tt0017136?external_source=imdb_id",
        "/tmdb/movies/search?query=metropolis",
        "/tmdb/tv/search?query=cartographers",
    ],
)
def test_every_tmdb_path_returns_the_upstream_response(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-relay-cache"] == "MISS"
    again = client.get(path)
    assert again.headers["x-relay-cache"] == "HIT"
    assert again.content == answer.content


@pytest.mark.parametrize(
    "path",
    [
        p.replace("/seasons/7", "/seasons/4101011")
        .replace("/episodes/7", "/episodes/4101011001")
        .replace("/artwork/7", "/artwork/4101012")
        .replace("official/deu", "official/eng")
        for p in TVDB
    ]
    + [
        "/tvdb/search?query=harbour",
        "/tvdb/tv/search?query=harbour",
        "/tvdb/movies/search?query=metropolis",
        "/tvdb/search/remoteid/tt9910101",
    ],
)
def test_every_tvdb_path_returns_the_upstream_response(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    wrapped = (
        not path.startswith(("/tvdb/tv/", "/tvdb/movies/trending", "/tvdb/movies/search"))
        and path != "/tvdb/movies/5019"
    )
    assert (isinstance(answer.json(), dict) and "data" in answer.json()) is wrapped


def test_the_upstreams_status_and_message_are_kept(client: Client) -> None:
    missing = client.get("/tmdb/movies/4000000")
    assert missing.status_code == 404
    assert missing.json() == {
        "success": False,
        "status_code": 34,
        "status_message": "The resource you requested could not be found.",
    }
    assert client.get("/tmdb/movies/popular?page=501").json()["status_code"] == 22
    gone = client.get("/tvdb/series/1")
    assert (gone.status_code, gone.json()["status"]) == (404, "failure")


def test_responses_have_an_age_and_a_max_age(client: Client, times: HandClock) -> None:
    client.get("/tmdb/movies/19")
    times.pass_(hours=1)
    answer = client.get("/tmdb/movies/19")
    assert answer.headers["age"] == "3600"
    assert (
        answer.headers["cache-control"]
        == f"public, max-age={30 * 86_400 - 3600}, stale-while-revalidate=86400, stale-if-error=604800"
    )


def test_a_client_with_a_current_copy_gets_304(client: Client) -> None:
    etag = client.get("/tmdb/movies/19").headers["etag"]
    again = client.get("/tmdb/movies/19", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert client.get("/tmdb/movies/19", headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_has_no_body_and_post_is_refused(client: Client) -> None:
    head = client.head("/tmdb/movies/19")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100
    assert client.post("/tmdb/movies/19").status_code == 405


def test_other_paths_do_not_exist(client: Client, tmdb: Tmdb) -> None:
    for path in (
        "/nothing",
        "/tmdb",
        "/tmdb/",
        "/tmdb/people/3",
        "/tmdb/../3/account",
        "/tmdb/movies/%2e%2e/account",
        "/tmdb/movies/19%2f..%2f..%2faccount",
    ):
        assert client.get(path).status_code in (400, 404), path
    assert client.get("/nothing").text == "Not found"
    assert tmdb.total == 0


def test_an_invalid_id_is_reported(client: Client, tmdb: Tmdb) -> None:
    answer = client.get("/tmdb/movies/nosferatu")
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid id")
    assert tmdb.total == 0


def test_the_relay_reports_its_health(client: Client) -> None:
    health = client.get("/health").json()
    assert (health["status"], health["service"]) == ("ok", "metadata-relay")
    assert {
        "adapter",
        "size",
        "max_entries",
        "memory_mb",
        "memory_bytes",
        "utilization_pct",
        "hits",
        "misses",
        "hit_rate_pct",
    } <= set(client.get("/stats").json()["cache"])
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert client.get("/").json() == {"message": "Hello World"}
    assert client.get("/client-config").json() == {"p2p": {"relays": []}}
    assert client.get("/health").headers["cache-control"] == "private, no-store"


def test_client_addresses_are_taken_from_trusted_proxies_only(make_relay: MakeRelay) -> None:
    relay = make_relay(misses_per_min=2, trusted_proxies=())
    with _served(relay) as client:
        codes = [
            client.get(f"/tmdb/movies/{n}", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
            for n in (19, 653, 234)
        ]
        assert codes == [200, 200, 429]
        refused = client.get("/tmdb/movies/234")
        assert int(refused.headers["retry-after"]) in range(1, 61)
        assert refused.headers["cache-control"] == "private, no-store"


def test_a_report_is_accepted_and_shown_to_authorised_users(client: Client) -> None:
    answer = client.post("/crashes/report", json=REPORT | {"error_message": "<script>alert(1)</script>"})
    assert (answer.status_code, answer.json()) == (201, {"status": "created", "message": "Crash report received"})
    page = client.get("/errors", headers=LOGIN)
    assert page.status_code == 200
    assert "KeyError" in page.text
    assert "<script>" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "x.py" in client.get("/errors/1", headers=LOGIN).text
    assert client.get("/errors/2", headers=LOGIN).status_code == 404


def test_invalid_reports_are_refused(client: Client) -> None:
    broken = client.post("/crashes/report", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()) == (
        400,
        {"error": "Invalid JSON", "message": "Request body must be valid JSON"},
    )
    wrong = client.post("/crashes/report", json={"error_type": "X", "stacktrace": "y"})
    assert wrong.json() == {
        "error": "Validation failed",
        "errors": ["Missing required field: error_message", "stacktrace must be a list"],
    }
    assert client.post("/crashes/report", content=b"x" * 300_000).status_code == 413


def test_the_eleventh_report_of_a_minute_is_refused(client: Client, times: HandClock) -> None:
    codes = [client.post("/crashes/report", json=REPORT).status_code for _ in range(11)]
    assert codes == [201] * 10 + [429]
    refused = client.post("/crashes/report", json=REPORT)
    assert refused.headers["retry-after"] == "60"
    assert refused.json() == {"error": "Too many requests", "message": "Rate limit exceeded. Please try again later."}
    times.pass_(seconds=61)
    assert client.post("/crashes/report", json=REPORT).status_code == 201


def test_errors_are_resolved_and_muted_from_the_page(client: Client) -> None:
    client.post("/crashes/report", json=REPORT)
    done = client.post("/errors/1/resolve", headers=LOGIN, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/errors/1")
    assert "Nothing here" in client.get("/errors", headers=LOGIN).text
    assert "KeyError" in client.get("/errors?status=resolved", headers=LOGIN).text
    client.post("/errors/1/mute", headers=LOGIN)
    assert "KeyError" in client.get("/errors?status=muted&q=title", headers=LOGIN).text
    assert client.post("/errors/1/explode", headers=LOGIN).status_code == 404


def test_other_sites_cannot_submit_the_forms(client: Client) -> None:
    client.post("/crashes/report", json=REPORT)
    assert client.post("/errors/1/resolve", headers=LOGIN | {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/errors/1/resolve", headers=LOGIN | {"Origin": "https://evil.example"}).status_code == 403
    assert "KeyError" in client.get("/errors", headers=LOGIN).text


def test_the_error_page_needs_its_password(client: Client, make_relay: MakeRelay) -> None:
    anonymous = client.get("/errors")
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"].startswith("Basic")
    wrong = {"Authorization": "Basic " + base64.b64encode(b"keeper:guess").decode()}
    assert [client.get("/errors", headers=wrong).status_code for _ in range(11)] == [401] * 10 + [429]
    with _served(make_relay()) as open_relay:
        empty = {"Authorization": "Basic " + base64.b64encode(b":").decode()}
        assert open_relay.get("/errors", headers=empty).status_code == 403


def test_an_internal_error_is_reported_briefly_and_listed_on_the_error_page(make_relay: MakeRelay, tvdb: Tvdb) -> None:
    relay = make_relay(dashboard_username="keeper", dashboard_password=Secret("s3cret"))
    del relay.config.ttl_s["details"]  # type: ignore[attr-defined]
    with _served(relay) as client:
        answer = client.get("/tmdb/movies/19")
        assert (answer.status_code, answer.json()["error"]) == (500, "Internal server error")
        assert "ttl" not in answer.text
        assert "KeyError" in client.get("/errors", headers=LOGIN).text


def test_a_body_that_never_arrives_times_out(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mydia.web.security._BODY_S", 0.1)
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        first = [{"type": "http.request", "body": b'{"error_', "more_body": True}]

        async def receive() -> Any:
            if first:
                return first.pop()
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/crashes/report",
            "raw_path": b"/crashes/report",
            "root_path": "",
            "query_string": b"",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"1000")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await asyncio.wait_for(relay_app(relay)(scope, receive, send), 30)  # type: ignore[arg-type]

    asyncio.run(ask())
    assert sent[0]["status"] == 408


def test_long_queries_are_not_kept_in_memory(make_relay: MakeRelay) -> None:
    relay = make_relay(misses_per_min=1)
    app = relay_app(relay)

    async def ask(path: str, query: str, **headers: str) -> int:
        """Send a request as a server does; a client in this process would keep its own addresses."""
        statuses: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await app(scope, receive, send)  # type: ignore[arg-type]
        return statuses[0]

    async def ask_all() -> set[int]:
        found: set[int] = set()
        for n in range(100):
            found.add(await ask("/tmdb/movies/search", f"query={n}{'x' * 400}&junk={'y' * 60_000}{n}"))
            found.add(await ask(f"/tmdb/movies/{n}{'z' * 60_000}", ""))
            found.add(await ask("/errors", f"q={n}{'q' * 60_000}"))
            found.add(await ask("/errors", "", cookie=f"a={n}{'c' * 60_000}"))
            found.add(await ask("/tmdb/movies/search", f"query={n}&junk={'y' * 500}{n}"))
        return found

    asyncio.run(ask("/tmdb/movies/search", "query=metropolis"))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        statuses = asyncio.run(ask_all())
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert statuses <= {200, 400, 414, 429, 431}
    assert after - before < 4_000_000, "of 24 MB that were sent"


def test_every_request_is_logged_at_debug_level(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "mydia"):
        client.get("/tmdb/movies/19")
        client.get("/health")
    logged = [(record.getMessage(), vars(record).get("path")) for record in caplog.records]
    assert ("asking the upstream", "/movie/19") in logged
    assert ("request answered", "/tmdb/movies/19") in logged
    assert ("request answered", "/health") in logged

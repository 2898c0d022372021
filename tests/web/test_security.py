from __future__ import annotations

from pathlib import Path

import pytest
from litestar.testing import TestClient

from mydia.web.app import WebApp
from mydia.web.security import CONTENT_SECURITY_POLICY
from tests.web.conftest import from_address, make_deps, token_of
from tests.web.example import app as example


@pytest.mark.parametrize("path", ["/other", "/no/such/page", "/static/app.css", "/health", "/fail/bug"])
def test_every_answer_has_the_security_headers(client: TestClient[WebApp], path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    assert headers["x-request-id"]


def test_scripts_are_allowed_only_from_our_own_files() -> None:
    assert "script-src 'self';" in CONTENT_SECURITY_POLICY
    assert "style-src 'self';" in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY


def test_a_change_without_the_token_is_refused(client: TestClient[WebApp]) -> None:
    token_of(client)
    answer = client.post("/gallery/save", data={"title": "x"})
    assert answer.status_code == 403
    assert "Reload the page" in answer.text
    assert example.SCENE.saved == []


def test_the_token_is_accepted_in_a_header_and_in_a_field(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    assert client.post("/gallery/save", data={"title": "a"}, headers={"x-csrf-token": token}).status_code == 204
    assert client.post("/gallery/save", data={"title": "b", "_csrf": token}).status_code == 204
    assert example.SCENE.saved == ["a", "b"]


def test_the_token_looks_different_each_time_and_every_one_works(client: TestClient[WebApp]) -> None:
    first, second = token_of(client), token_of(client)
    assert first != second
    for token in (first, second):
        assert client.post("/gallery/save", data={"title": "a"}, headers={"x-csrf-token": token}).status_code == 204


def test_the_token_of_another_browser_is_refused(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    client.cookies.delete("csrf")
    token_of(client)
    assert client.post("/gallery/save", headers={"x-csrf-token": token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.test"},
        {"origin": "null"},
    ],
)
def test_another_site_is_refused_even_with_a_token(client: TestClient[WebApp], headers: dict[str, str]) -> None:
    answer = client.post("/gallery/save", data={"title": "x"}, headers={"x-csrf-token": token_of(client), **headers})
    assert answer.status_code == 403
    assert "another site" in answer.text


def test_our_own_origin_is_accepted(client: TestClient[WebApp]) -> None:
    headers = {"x-csrf-token": token_of(client), "origin": "http://mydia.test", "sec-fetch-site": "same-origin"}
    assert client.post("/gallery/save", data={"title": "x"}, headers=headers).status_code == 204


def test_software_with_a_key_needs_no_token(stranger: TestClient[WebApp]) -> None:
    assert stranger.post("/api/v1/things", headers={"x-api-key": "robin"}).json() == {"by": "Robin Baker"}
    assert stranger.post("/api/v1/things").status_code == 401


@pytest.mark.parametrize("headers", [{"authorization": "Bearer "}, {"authorization": "bearer"}, {"x-api-key": " "}])
def test_an_invalid_key_does_not_replace_the_token(client: TestClient[WebApp], headers: dict[str, str]) -> None:
    assert client.post("/gallery/save", data={"title": "x"}, headers=headers).status_code == 403
    assert example.SCENE.saved == []


def test_the_headers_of_a_trusted_proxy_are_used(tmp_path: Path) -> None:
    deps = make_deps(tmp_path, TRUSTED_PROXIES="10.0.0.0/8")
    with TestClient(from_address(example.make_app(deps), "10.0.0.9")) as client:
        told = {
            "x-forwarded-proto": "https",
            "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.0.0.3",
            "x-request-id": "abc-12345",
        }
        answer = client.get("/health", headers=told)
        assert answer.headers["strict-transport-security"]
        assert answer.headers["x-request-id"] == "abc-12345"
        assert client.get("/metrics", headers=told).status_code == 403


def test_proxy_headers_of_others_are_ignored(tmp_path: Path) -> None:
    deps = make_deps(tmp_path, TRUSTED_PROXIES="10.0.0.0/8")
    with TestClient(from_address(example.make_app(deps), "203.0.113.7")) as client:
        told = {"x-forwarded-proto": "https", "x-forwarded-for": "127.0.0.1", "x-request-id": "abc-12345"}
        answer = client.get("/health", headers=told)
        assert "strict-transport-security" not in answer.headers
        assert answer.headers["x-request-id"] != "abc-12345"
        assert client.get("/metrics", headers=told).status_code == 403


def test_only_allowed_host_names_are_served(tmp_path: Path) -> None:
    deps = make_deps(tmp_path, ALLOWED_HOSTS="media.test")
    with TestClient(example.make_app(deps)) as client:
        assert client.get("/health", headers={"host": "media.test:4000"}).status_code == 200
        refused = client.get("/health", headers={"host": "rebound.test"})
        assert refused.status_code == 400
        assert "ALLOWED_HOSTS" in refused.text


def test_cookies_are_marked_secure_over_https(tmp_path: Path) -> None:
    deps = make_deps(tmp_path, EXTERNAL_URL="https://media.test")
    with TestClient(example.make_app(deps), base_url="https://media.test", cookies={"who": "robin"}) as client:
        answer = client.get("/gallery")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]


def test_large_answers_are_compressed_if_the_client_accepts_it(client: TestClient[WebApp]) -> None:
    packed = client.get("/gallery", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in client.get("/gallery", headers={"accept-encoding": "identity"}).headers
    assert "content-encoding" not in client.get("/health", headers={"accept-encoding": "gzip"}).headers


@pytest.mark.parametrize("path", ["/gallery", "/no/such/page", "/static/app.css", "/health", "/fail/invalid"])
def test_head_answers_like_get_without_a_body(client: TestClient[WebApp], path: str) -> None:
    got = client.get(path, headers={"accept-encoding": "identity"})
    head = client.head(path, headers={"accept-encoding": "identity"})
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert abs(int(head.headers["content-length"]) - int(got.headers["content-length"])) < 100
    assert head.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_head_of_a_stream_ends(client: TestClient[WebApp]) -> None:
    head = client.head("/events?topics=shell")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_head_requires_sign_in_too(stranger: TestClient[WebApp]) -> None:
    assert stranger.head("/gallery", follow_redirects=False).status_code == 303


def test_options_lists_the_methods_of_an_address(client: TestClient[WebApp]) -> None:
    told = client.options("/gallery")
    assert (told.status_code, told.content) == (204, b"")
    assert told.headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.options("/gallery/save").headers["allow"] == "OPTIONS, POST"
    assert client.options("/theme").headers["allow"] == "OPTIONS, POST"


def test_a_wrong_method_lists_the_allowed_ones(client: TestClient[WebApp]) -> None:
    assert client.delete("/gallery").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.head("/gallery/save").status_code == 405


@pytest.mark.parametrize("path", ["/api/schema", "/api/schema/openapi.json", "/schema", "/schema/openapi.json"])
def test_litestars_own_api_description_is_not_served(client: TestClient[WebApp], path: str) -> None:
    assert client.get(path).status_code == 404

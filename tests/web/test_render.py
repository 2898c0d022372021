from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient

from mydia.web.app import WebApp
from mydia.web.assets import Assets
from mydia.web.deps import WebRequest
from mydia.web.looks import Looks
from mydia.web.render import Renderer, ago, local_path, query, redirect
from tests.web.conftest import token_of

_NAVIGATION = {"hx-request": "true", "hx-target": "main#main", "hx-boosted": "true"}


def test_a_browser_gets_the_whole_page(client: TestClient[WebApp]) -> None:
    answer = client.get("/other")
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert "<title>Other · Mydia</title>" in answer.text
    assert 'href="/shows" hx-preload="mouseenter" aria-current="page"' in answer.text
    assert "The other page." in answer.text


def test_a_followed_link_gets_the_content_the_title_and_the_navigation(client: TestClient[WebApp]) -> None:
    text = client.get("/other", headers=_NAVIGATION).text
    assert "<!doctype" not in text
    assert "<title>Other · Mydia</title>" in text
    assert "The other page." in text
    for target in ("#topbar", "#nav", "#tabbar", "#live-slot"):
        assert f'<hx-partial hx-target="{target}"' in text


def test_another_target_gets_only_the_content(client: TestClient[WebApp]) -> None:
    text = client.get("/other", headers={"hx-request": "true", "hx-target": "div#grid"}).text
    assert "The other page." in text
    assert "hx-partial" not in text
    assert "<title>" not in text


def test_a_restored_history_entry_gets_the_whole_page(client: TestClient[WebApp]) -> None:
    headers = {"hx-request": "true", "hx-history-restore-request": "true"}
    assert client.get("/other", headers=headers).text.startswith("<!doctype html>")


def test_the_vary_header_lists_what_changes_an_answer(client: TestClient[WebApp]) -> None:
    assert "HX-Request" in client.get("/other").headers["vary"]
    assert client.get("/other").headers["cache-control"] == "private, no-cache"


def test_the_navigation_hides_pages_that_the_caller_may_not_open(client: TestClient[WebApp]) -> None:
    client.cookies.set("who", "guest")
    text = client.get("/other").text
    assert 'href="/movies"' in text
    assert 'href="/settings"' not in text


def test_a_toast_is_shown_once_after_a_redirect(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    sent = client.post("/gallery/form", data={"key": "a" * 32, "_csrf": token}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/other")
    assert "Indexer saved" in client.get("/other").text
    assert "Indexer saved" not in client.get("/other").text


def test_htmx_is_redirected_by_hx_location(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    headers = {"hx-request": "true", "hx-target": "form#f", "x-csrf-token": token}
    sent = client.post("/gallery/form", data={"key": "a" * 32}, headers=headers)
    assert '"path": "/other"' in sent.headers["hx-location"]


def test_a_refused_form_is_shown_again_with_its_error(client: TestClient[WebApp]) -> None:
    token = token_of(client)
    sent = client.post("/gallery/form", data={"key": "<b>"}, headers={"hx-request": "true", "x-csrf-token": token})
    assert sent.status_code == 422
    assert "The key has 3 characters. It should have 32." in sent.text
    assert 'aria-invalid="true"' in sent.text
    assert 'value="&lt;b&gt;"' in sent.text


def test_the_chosen_theme_is_in_the_first_answer(client: TestClient[WebApp]) -> None:
    assert 'data-theme="mydia-dark" data-density="comfortable" data-system' in client.get("/other").text
    token = token_of(client)
    client.post("/theme", data={"theme": "mydia-light", "_csrf": token})
    assert '<html lang="en" data-theme="mydia-light" data-density="comfortable">' in client.get("/other").text


def test_an_unknown_theme_is_refused(client: TestClient[WebApp]) -> None:
    assert client.post("/theme", data={"theme": "pink", "_csrf": token_of(client)}).status_code == 422


def test_the_palette_finds_what_the_caller_may_open(client: TestClient[WebApp]) -> None:
    assert "Settings" in client.get("/palette?q=sett").text
    client.cookies.set("who", "guest")
    assert "Nothing found for “sett”" in client.get("/palette?q=sett").text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/movies?x=1", "/movies?x=1"),
        ("https://elsewhere.test/", "/"),
        ("//elsewhere.test", "/"),
        ("/\\elsewhere.test", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_next_never_leads_to_another_site(given: str | None, kept: str) -> None:
    assert local_path(given) == kept


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=-3), "in 3 h"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=30), "22 Oct"),
        (timedelta(days=400), "17 Oct 2025"),
    ],
)
def test_times_are_shown_relative_to_now(distance: timedelta, said: str) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert ago(now - distance, now, Looks(zone=ZoneInfo("UTC"))) == said


def test_one_parameter_of_a_query_string_is_changed() -> None:
    assert query({"sort": "title", "page": 2}, page=None, q="a b") == "?sort=title&q=a+b"
    assert query({}) == "?"


def test_an_unknown_icon_is_an_error() -> None:
    renderer = Renderer(Assets())
    with pytest.raises(Exception, match=r"frontend/build\.sh"):
        renderer.environment.from_string("{{ ui.icon('no-such-icon') }}").render()


def test_user_input_is_escaped() -> None:
    renderer = Renderer(Assets())
    text = renderer.environment.from_string("{{ ui.notice('miss', t) }}<i x='{{ v|tojson_attr }}'>").render(
        t="<script>", v={"a": "'</i>"}
    )
    assert "<script>" not in text
    assert "'</i>'" not in text


def test_templates_use_components_without_imports() -> None:
    ui = Renderer(Assets()).environment.globals["ui"]
    assert "Reconnecting" not in ui.live_mark()
    assert 'aria-valuenow="62"' in ui.progress(62.4)
    assert ui.state_chip("missing").count("<svg") == 1
    with pytest.raises(AttributeError, match="no component"):
        _ = ui.nothing_of_the_kind


def test_a_redirect_works_with_any_characters() -> None:
    scope: Any = {"type": "http", "headers": [], "path": "/", "query_string": b""}
    request: WebRequest = WebRequest(scope)
    told = redirect(request, "/movies?q=Häxan 😀&tag=a%20b#é").headers["Location"]
    assert told == "/movies?q=H%C3%A4xan%20%F0%9F%98%80&tag=a%20b#%C3%A9"

"""Hostile input: odd values in every form and address, names full of markup, and every action twice."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode

import pytest
from msgspec import inspect
from sqlalchemy import text

from mydia.web.assets import Assets
from mydia.web.render import Renderer
from tests.web.pages.conftest import Browser, Server, csrf
from tests.web.pages.test_downloads import _magnet, release

_ODD = ("", "\x00", "../../etc/passwd", "x" * 5000, "😀", "-1", "9" * 40, "a\r\nX-Evil: 1", "NaN", "²", "filter", "{")
_SURROGATE = b"%ED%A0%80"
_TABLES = {
    "item_id": "media_items",
    "download_id": "downloads",
    "search_id": "searches",
    "release_id": "releases",
    "indexer_id": "indexers",
    "inbox_id": "inbox",
    "profile_id": "quality_profiles",
    "library_path_id": "library_paths",
    "user_id": "users",
    "service_id": "download_clients",
    "unknown_id": "unknown_downloads",
}


def _ids(server: Server, table: str, count: int = 1) -> list[str]:
    with server.deps.database.reads() as session:
        return list(session.scalars(text(f"SELECT id FROM {table} LIMIT {count}"))) or ["none"]


def _addresses(server: Server, method: str, *, of_each: int = 1) -> list[str]:
    """Return the addresses of all pages for a method, with ids that exist."""
    found = []
    for route in server.app.routes:
        if method not in getattr(route, "route_handler_map", {}) or route.path.startswith(("/plex", "/events", "/api")):
            continue
        names = re.findall(r"\{(\w+):", route.path)
        table = "indexers" if route.path.startswith("/settings/indexers") else _TABLES.get(names[0] if names else "")
        for identifier in _ids(server, table, of_each) if table else ["1"]:
            first = re.sub(r"\{\w+:\w+\}", identifier, route.path, count=1)
            found.append(re.sub(r"\{\w+:\w+\}", "1", first))
    return found


def _fields(server: Server) -> tuple[list[str], list[str]]:
    """Return the names of the fields of all forms, and of those that take any text."""
    every: set[str] = {"movies", "series", "library.recycle_days", "movie_folder", "category", "save_path"}
    typed: set[str] = set()
    for route in server.app.routes:
        for handler, _ in getattr(route, "route_handler_map", {}).values():
            if (form := handler.parsed_fn_signature.parameters.get("form")) is not None:
                _collect(inspect.type_info(*get_args(form.annotation)), "", every, typed)
    assert len(every) > 80
    assert len(every - typed) > 40
    return sorted(every), sorted(every - typed)


def _collect(kind: inspect.Type, suffix: str, every: set[str], typed: set[str]) -> None:
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        name, holds = field.encode_name + suffix, field.type
        while isinstance(holds, inspect.Metadata | inspect.UnionType):
            holds = holds.type if isinstance(holds, inspect.Metadata) else holds.types[0]
        row = getattr(holds, "item_type", None) or getattr(holds, "value_type", None)
        if isinstance(row, inspect.StructType):
            _collect(row, "-1", every, typed)
            continue
        every.add(name)
        if not isinstance(holds, inspect.StrType | inspect.CustomType | inspect.VarTupleType | inspect.DictType):
            typed.add(name)


def _sound(answer: Any, address: str, sent: object) -> None:
    assert answer.status_code != 500, (address, sent)
    assert "x-evil" not in answer.headers, (address, sent)


def test_no_form_fails_on_hostile_values(server: Server, browser: Browser) -> None:
    headers = {"x-csrf-token": csrf(browser), "content-type": "application/x-www-form-urlencoded"}
    fields, texts = _fields(server)
    for address in _addresses(server, "POST"):
        if address in {"/logout", "/login"} or address.endswith(("/remove", "/revoke")):
            continue
        for odd in _ODD:
            # A typed field refuses the form, so the odd value is also sent in the text fields alone.
            for names in (fields, texts):
                sent = urlencode([(name, odd) for name in names])
                _sound(browser.post(address, content=sent, headers=headers), address, odd)
        sent = b"&".join(name.encode() + b"=" + _SURROGATE for name in fields)  # type: ignore[assignment]
        _sound(browser.post(address, content=sent, headers=headers), address, "a surrogate")
        _sound(browser.post(address, content=b"\xff\xfe=%&&;=\x00", headers=headers), address, "bytes")


def test_no_page_fails_on_a_hostile_address(reader: Browser, still: Server) -> None:
    names = "q cursor page limit sort type state view tab bucket dir key of since before search season entry kind next"
    for address in _addresses(still, "GET"):
        for odd in _ODD:
            if len(odd) < 1000:
                _sound(reader.get(f"{address}?{urlencode([(name, odd) for name in names.split()])}"), address, odd)
        _sound(reader.get(f"{address}?q=%ED%A0%80&cursor=%ff&{'a=b&' * 400}"), address, "long")


@pytest.mark.parametrize("at", ["/" + "x" * 5000, "/proc/self/mem/x", "relative", "~", "/../..", "//"])
def test_an_invalid_path_opens_the_nearest_folder(reader: Browser, at: str) -> None:
    answer = reader.get("/settings/browse", params={"field": "path", "at": at})
    assert answer.status_code == 200
    assert "Choose a folder" in answer.text


def test_folders_with_unusual_names_are_listed(reader: Browser, tmp_path: Path) -> None:
    for name in (b"a<script>alert(1)<b>", b'b" onx="1', b"\xff\xfe bad", b"c\r\nd", b"%2e%2e"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).mkdir()
    tags = _Tags()
    answer = reader.get("/settings/browse", params={"field": "path", "at": str(tmp_path)})
    tags.feed(answer.text)
    assert answer.status_code == 200
    assert tags.run == []
    assert "<script>" not in answer.text


def test_tampered_cookies_are_ignored(reader: Browser) -> None:
    for cookie in (
        "flash=%%%",
        "flash=W10",
        "flash=eyJ0aXRsZSI6IDF9",
        "theme=%00<script>",
        "csrf=\xff",
        "session=\x00;;",
    ):
        answer = reader.get("/login", headers={b"cookie": cookie.encode("latin-1")})
        assert answer.status_code == 200, cookie
        assert "<script>" not in answer.text.partition("<body")[2].replace("<script src", "")


@pytest.mark.parametrize(
    "told",
    [
        {"title": "Planted", "tone": "evil"},
        {"title": "Planted", "tone": []},
        {"title": "Planted", "action_label": "Go", "action_href": "javascript:alert(1)"},
        {"title": "Planted", "action_label": "Go", "action_href": "https://evil.test/"},
        {"title": ["Planted"]},
        ["Planted"],
        "Planted",
    ],
)
def test_a_forged_message_cookie_is_not_shown(reader: Browser, told: object) -> None:
    packed = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    session = reader.cookies["session"]
    answer = reader.get("/movies", headers={"cookie": f"session={session}; flash={packed}"})
    assert answer.status_code == 200
    assert "Planted" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/%2e%2e/config.py",
        "/static//etc/passwd",
        "/static/app.css%00.js",
        "/img/..%2f..%2fmydia.db/500.webp",
        "/img/preview/poster/..%2f..%2fsecret_key",
        "/img/preview/poster/tvdb?of=../../../etc/passwd",
        "/img/preview/poster/tvdb?of=/@evil.test/a.jpg",
        "/img/preview/..%2fposter/a.jpg",
        "/system/backups/..%2fmydia.db",
        "/system/logs/..%2fweb/download",
    ],
)
def test_no_address_leads_outside_its_folder(reader: Browser, path: str) -> None:
    assert reader.get(path).status_code in (400, 404)


_MARKUP = """<xss b="1"> " onxss="1' onxss='1 &amp; \r\n{{ 7*7 }}"""
_TOLD = {
    "media_items": ("title", "sort_title", "original_title", "overview", "tagline", "path"),
    "episodes": ("title", "overview"),
    "seasons": ("title",),
    "releases": ("title", "indexer_name", "quality_name", "page_url"),
    "downloads": ("release_title", "media_title", "client_name", "indexer_name", "quality_name", "remote_message"),
    "searches": ("cause",),
    "inbox": ("title", "folder", "reason"),
    "media_files": ("relative_path", "release_name", "release_group", "edition", "video_codec", "analysis_error"),
    "indexers": ("name",),
    "download_clients": ("name",),
    "library_paths": ("name", "path"),
    "quality_profiles": ("name",),
    "service_status": ("last_error", "version"),
    "unknown_downloads": ("name",),
    "users": ("display_name",),
    "blocklist": ("title", "reason"),
    "scans": ("reason", "current"),
}
_TOLD_AS_JSON = {
    "downloads": "reasons",
    "releases": "objections",
    "inbox": "candidates",
    "events": "payload",
    "media_items": "genres",
    "searches": "indexers",
}


class _Tags(HTMLParser):
    """Collects the script that a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.run: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "xss" or any(name.startswith("on") for name, _ in attrs):
            self.run.append(str(self.get_starttag_text())[:120])
        for name, value in attrs:
            if name in {"href", "src", "action", "formaction"} and re.match(
                r"\s*(javascript|data):", value or "", re.IGNORECASE
            ):
                self.run.append(f"{tag} {name}={value}")


def _spoil(told: Any) -> Any:
    if isinstance(told, str) and not re.match(r"[0-9a-f-]{36}$|\d{4}-", told):
        return told + _MARKUP
    if isinstance(told, list):
        return [_spoil(one) for one in told]
    if isinstance(told, dict):
        kept = ("at", "kind", "type", "verdict", "state", "id")
        return {key: one if key in kept or key.endswith("_id") else _spoil(one) for key, one in told.items()}
    return told


def _fill_with_markup(server: Server) -> int:
    connection = server.deps.database.engine.connect()
    raw: Any = connection.connection.driver_connection
    changed = 0
    for table, columns in _TOLD.items():
        present = {row[1] for row in raw.execute(f"PRAGMA table_info({table})")}
        for column in present.intersection(columns) - {"cause"}:
            changed += raw.execute(
                f"UPDATE {table} SET {column} = {column} || ? WHERE {column} IS NOT NULL",
                (_MARKUP,),
            ).rowcount
    for table, column in _TOLD_AS_JSON.items():
        for row, told in raw.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall():
            spoilt = json.dumps(_spoil(json.loads(told)))
            raw.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (spoilt, row))
    raw.execute("UPDATE releases SET page_url = 'javascript:alert(1)' WHERE position = 0")
    raw.execute("COMMIT") if raw.in_transaction else None
    connection.close()
    return changed


def test_names_from_outside_never_run_as_script(server: Server, browser: Browser) -> None:
    assert _fill_with_markup(server) > 300
    seen = 0
    for address in _addresses(server, "GET", of_each=2):
        if address in {"/ready", "/metrics", "/health"}:
            continue
        for query in ("", "?view=table&tab=files", f"?tab=history&{urlencode({'q': _MARKUP})}"):
            for headers in ({}, {"hx-request": "true", "hx-target": "div#part"}):
                answer = browser.get(f"{address}{query}", headers=headers)
                if "attachment" in answer.headers.get("content-disposition", ""):
                    # A file to save, which no browser opens as a page.
                    assert answer.headers["x-content-type-options"] == "nosniff"
                    continue
                tags = _Tags()
                tags.feed(answer.text)
                assert tags.run == [], (address, query)
                assert "49" not in answer.headers.get("hx-trigger", "")
                seen += "&lt;xss" in answer.text
    assert seen > 60


def test_markup_in_a_message_stays_text(server: Server, browser: Browser, press: Callable[..., Any]) -> None:
    _fill_with_markup(server)
    item = server.ids["Nosferatu"]
    told = press(browser, f"/items/{item}/search")
    assert told.headers["hx-trigger"].isascii()
    removed = press(browser, f"/items/{item}/remove", htmx=False, files="keep")
    assert removed.status_code == 303
    page = browser.get("/movies")
    tags = _Tags()
    tags.feed(page.text)
    assert tags.run == []


_TIMES = 5


def _at_once(browser: Browser, address: str, **form: str) -> list[Any]:
    headers = {"x-csrf-token": csrf(browser)}
    with ThreadPoolExecutor(_TIMES) as pool:
        asked = [pool.submit(browser.post, address, data=form, headers=headers) for _ in range(_TIMES)]
    return [one.result() for one in asked]


def _count(server: Server, table: str, where: str) -> int:
    with server.deps.database.reads() as session:
        return int(session.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}")) or 0)


def test_a_title_is_added_once_even_if_the_button_is_clicked_repeatedly(server: Server, browser: Browser) -> None:
    with server.deps.database.writes() as session:
        session.execute(text("DELETE FROM media_items WHERE tmdb_id = 19"))
    answers = _at_once(browser, "/add", type="movie", number="tmdb:19", monitor="all")
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert _count(server, "media_items", "tmdb_id = 19") == 1


def test_a_release_is_sent_once_even_if_the_button_is_clicked_repeatedly(server: Server, browser: Browser) -> None:
    wanted = release(server, "Nosferatu", "BluRay.FLAC2.0")
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={wanted.title}"] = _magnet(wanted)
    answers = _at_once(browser, f"/releases/{wanted.id}/grab")
    assert all(answer.status_code < 500 for answer in answers)
    assert len(server.client.added) == 1
    assert _count(server, "downloads", f"release_title = '{wanted.title}'") == 1


def test_two_removals_at_the_same_time_remove_once(server: Server, browser: Browser) -> None:
    item = server.ids["Nosferatu"]
    answers = _at_once(browser, f"/items/{item}/remove", files="keep")
    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404, 404]
    (open_download,) = (
        one for one in _ids(server, "downloads WHERE state IN ('downloading', 'queued', 'stalled')") if one
    )
    answers = _at_once(browser, f"/activity/queue/{open_download}/remove", from_client="on")
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409, 409]
    assert all("has ended" in answer.text for answer in answers if answer.status_code == 409)
    removed = f"type = 'DownloadRemoved' AND resource_id = '{open_download}'"
    assert _count(server, "events", removed) == 1


@pytest.mark.parametrize(
    ("address", "form", "table"),
    [
        ("/settings/users/new", {"username": "zed", "role": "guest", "password": "correct horse battery"}, "users"),
        ("/settings/indexers/new", {"kind": "torznab", "name": "zed", "url": "http://nas/api"}, "indexers"),
        ("/settings/clients/new", {"kind": "qbittorrent", "name": "zed", "url": "http://nas"}, "download_clients"),
    ],
)
def test_two_additions_at_the_same_time_add_once(
    server: Server, browser: Browser, address: str, form: dict[str, str], table: str
) -> None:
    answers = _at_once(browser, address, **form, priority="1", secret="s")
    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422, 422]
    name = "username" if table == "users" else "name"
    assert _count(server, table, f"{name} = 'zed'") == 1


def test_first_pages_requested_in_parallel_find_their_components() -> None:
    for _ in range(5):
        ui = Renderer(Assets()).environment.globals["ui"]
        with ThreadPoolExecutor(8) as pool:
            found = [pool.submit(getattr, ui, name) for name in ("when", "pcard", "chip", "act", "icon") * 4]
        assert all(callable(one.result()) for one in found)

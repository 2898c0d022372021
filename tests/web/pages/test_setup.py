"""The setup, step by step, in a browser without script."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mydia import clock, events
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.web.auth import setup_token
from mydia.web.pages.setup import wizard
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, fake_outside
from tests.web.pages.household import PASSWORD, Browser, browser_at


@pytest.fixture
def client() -> FakeDownloadClient:
    return FakeDownloadClient()


@pytest.fixture
def browser(
    database: Database, tmp_path: Path, client: FakeDownloadClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    monkeypatch.setattr(wizard, "_token", setup_token.SetupToken())
    with browser_at(database, tmp_path, fake_outside(clients=[client], indexers=[FakeIndexer()])) as made:
        yield made


def _make_account(browser: Browser, **more: str) -> Any:
    form = {"username": "Robin", "password": PASSWORD, "again": PASSWORD, **more}
    return browser.send("/setup/account", form)


def test_a_new_installation_opens_the_setup(browser: Browser) -> None:
    assert browser.client.get("/login").headers["location"] == "/setup"
    assert browser.client.get("/setup").headers["location"] == "/setup/account"
    assert "Create the administrator account" in browser.see("/setup/account")
    assert browser.client.get("/setup/folders").status_code == 409


def test_the_first_account_is_created_signed_in_and_cannot_be_created_twice(
    browser: Browser, database: Database
) -> None:
    answer = _make_account(browser)
    assert answer.headers["location"] == "/setup/folders"
    with database.reads() as session:
        (robin,) = (one.user for one in users.people.list_people(session, SYSTEM, clock.now()))
        assert (robin.username, robin.display_name, robin.role) == ("robin", "Robin", "admin")
    assert "Where is your media?" in browser.see("/setup/folders")
    browser.client.cookies.delete("session")
    assert browser.client.get("/setup/account").headers["location"] == "/login"
    assert browser.client.get("/setup/folders").headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"password": "short", "again": "short"}, "at least 8"),
        ({"again": "something else"}, "not the same"),
        ({"username": "two words"}, "without spaces"),
    ],
)
def test_errors_are_shown_at_their_fields_and_passwords_are_not_sent_back(
    browser: Browser, form: dict[str, str], said: str
) -> None:
    answer = _make_account(browser, **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert PASSWORD not in answer.text


def test_a_remote_setup_needs_the_token_from_the_log(
    browser: Browser, caplog: pytest.LogCaptureFixture, database: Database
) -> None:
    browser.line.address = "203.0.113.9"
    with caplog.at_level(logging.WARNING):
        assert "Setup token" in browser.see("/setup/account")
        browser.see("/setup/account")
    told = [record.getMessage() for record in caplog.records if "token" in record.getMessage()]
    assert len(told) == 1
    token = re.search(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}", told[0])
    assert token
    for wrong in ("", "aaaaa-bbbbb-ccccc-ddddd"):
        assert _make_account(browser, token=wrong).status_code == 422
    with database.reads() as session:
        assert not users.has_users(session)
    assert _make_account(browser, token=token[0]).status_code == 303


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.20"])
@pytest.mark.parametrize(
    "headers",
    [
        {"cf-connecting-ip": "192.168.1.5"},
        {"forwarded": "for=192.168.1.5"},
        {"true-client-ip": "192.168.1.5"},
        {"via": "1.1 proxy"},
        {"x-client-ip": "192.168.1.5"},
        {"x-forwarded-for": "192.168.1.5"},
        {"x-forwarded-host": "192.168.1.9"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-server": "proxy"},
        {"x-original-forwarded-for": "192.168.1.5"},
        {"x-real-ip": "127.0.0.1"},
        {"host": "rebind.example.org"},
        {"host": "rebind.example.org:4000"},
        {"origin": "https://media.example.org"},
    ],
)
def test_behind_a_proxy_or_under_a_public_name_the_first_account_needs_the_token(
    browser: Browser, database: Database, address: str, headers: dict[str, str]
) -> None:
    browser.line.address = address
    usual = {name: browser.client.headers.get(name) for name in headers}
    browser.client.headers.update(headers)
    assert "Setup token" in browser.client.get("/setup/account").text
    assert _make_account(browser).status_code in (403, 422)
    with database.reads() as session:
        assert not users.has_users(session)
    for name, value in usual.items():
        if value is None:
            del browser.client.headers[name]
        else:
            browser.client.headers[name] = value
    assert _make_account(browser).status_code == 303, "the same without the header"


@pytest.mark.parametrize("host", ["127.0.0.1:4000", "localhost:4000", "nas.local", "192.168.1.9:4000"])
def test_on_the_local_network_no_token_is_needed(browser: Browser, host: str) -> None:
    assert "Setup token" not in browser.client.get("/setup/account", headers={"host": host}).text


def test_folders_are_checked_and_added(browser: Browser, database: Database, tmp_path: Path) -> None:
    _make_account(browser)
    (tmp_path / "films").mkdir()
    answer = browser.send("/setup/folders", {"movies": str(tmp_path / "films"), "series": str(tmp_path / "none")})
    assert answer.status_code == 422
    assert "Create it, or mount it" in answer.text
    with database.reads() as session:
        assert settings.library_paths.list_library_paths(session, SYSTEM) == []
    (tmp_path / "anime").mkdir()
    more = browser.send("/setup/folders", {"movies": str(tmp_path / "films"), "more": "1", "shown": "0"})
    assert 'name="extra_1"' in more.text
    form = {"movies": str(tmp_path / "films"), "extra_1": str(tmp_path / "anime"), "shown": "1"}
    assert browser.send("/setup/folders", form).headers["location"] == "/setup/metadata"
    with database.reads() as session:
        assert [(row.name, row.type) for row in settings.library_paths.list_library_paths(session, SYSTEM)] == [
            ("Movies", "movies"),
            ("anime", "mixed"),
        ]
    assert "Readable and writable" in browser.see("/setup/folders")


def test_the_metadata_source_is_chosen(browser: Browser, database: Database) -> None:
    _make_account(browser)
    assert browser.send("/setup/metadata", {"source": "own"}).status_code == 422
    assert browser.send("/setup/metadata", {"source": "relay", "relay_url": "ftp://x"}).status_code == 422
    chosen = {"source": "own", "tmdb_api_key": "0123456789abcdef0123456789abcdef", "anyway": "true"}
    answer = browser.send("/setup/metadata", chosen)
    assert answer.headers["location"] == "/setup/client"
    page = browser.see("/setup/metadata")
    assert "0123456789abcdef" not in page
    assert "Leave empty to keep it" in page
    for source, name in (("none", "off"), ("public", None)):
        browser.send("/setup/metadata", {"source": source, "anyway": "true"})
        with database.reads() as session:
            assert settings.of(session).metadata.relay_url == name
    with database.reads() as session:
        assert not settings.sourced(session, SYSTEM, "metadata.tmdb_api_key").value


def test_a_metadata_source_that_does_not_answer_gets_no_tick(browser: Browser) -> None:
    _make_account(browser)
    chosen = {"source": "relay", "relay_url": "http://127.0.0.1:9"}
    refused = browser.send("/setup/metadata", chosen)
    assert refused.status_code == 422
    assert "Test failed" in refused.text
    assert browser.send("/setup/metadata", chosen | {"anyway": "true"}).headers["location"] == "/setup/client"
    step = re.findall(r"<li class=\"relative.*?</li>", browser.see("/setup/client"), re.DOTALL)[2]
    assert "#i-triangle-alert" in step
    assert "#i-check" not in step


def test_a_connection_test_reports_each_step(browser: Browser, client: FakeDownloadClient, tmp_path: Path) -> None:
    _make_account(browser)
    client.folder = str(tmp_path)
    form = {"kind": "qbittorrent", "name": "qB", "url": "http://nas:8080", "secret": "adminadmin"}
    feed = {"kind": "torznab", "name": "Open films", "url": "http://prowlarr:9696/1/api", "secret": "k" * 32}
    htmx = {"hx-request": "true"}

    def steps(path: str, sent: dict[str, str], on: str) -> list[str]:
        answer = browser.send(path, sent, on=on, **htmx)
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = answer.text.rstrip("\n").split("\n\n")
        assert all(one.startswith('data: <div id="test-result"') for one in told)
        return list(told)

    signing_in, looking, done = steps("/settings/clients/test", form, "/setup/client")
    assert "Signing in at http://nas:8080" in signing_in
    assert "Looking for its folder" in looking
    assert f"It saves to {tmp_path}" in done
    *_, done = steps("/settings/indexers/test", feed, "/setup/indexer")
    assert "answers" in done
    client.go_away()
    signing_in, failed = steps("/settings/clients/test", form, "/setup/client")
    assert "No answer" in failed
    assert "Something answers" not in failed
    assert len(steps("/settings/metadata/test", {"source": "none"}, "/setup/metadata")) == 2


def test_a_client_and_an_indexer_are_tested_and_added(
    browser: Browser, database: Database, client: FakeDownloadClient, tmp_path: Path
) -> None:
    _make_account(browser)
    form = {"kind": "qbittorrent", "name": "qB", "url": "http://nas:8080", "secret": "adminadmin"}
    client.folder = str(tmp_path)
    told = browser.send("/settings/clients/test", form, on="/setup/client")
    assert "qB answers" in told.text
    assert f"It saves to {tmp_path}" in told.text
    client.folder = "/not/here"
    assert "add a path mapping" in browser.send("/settings/clients/test", form, on="/setup/client").text
    client.go_away()
    assert "No answer" in browser.send("/settings/clients/test", form, on="/setup/client").text
    refused = browser.send("/setup/client", form)
    assert refused.status_code == 422
    assert "It is not saved." in refused.text
    with database.reads() as session:
        assert settings.clients.list_clients(session, SYSTEM) == []
    client.come_back()
    assert browser.send("/setup/client", form).headers["location"] == "/setup/indexer"
    feed = {"kind": "torznab", "name": "Open films", "url": "http://prowlarr:9696/1/api", "secret": "k" * 32}
    assert "answers" in browser.send("/settings/indexers/test", feed, on="/setup/indexer").text
    assert browser.send("/setup/indexer", {**feed, "url": "nonsense nonsense"}).status_code == 422
    assert browser.send("/setup/indexer", feed).headers["location"] == "/setup/scan"
    page = browser.see("/setup/client")
    assert "adminadmin" not in page


def test_a_client_that_fails_its_test_is_kept_only_on_request_and_marked(
    browser: Browser, database: Database, client: FakeDownloadClient
) -> None:
    _make_account(browser)
    form = {"kind": "qbittorrent", "name": "qB", "url": "http://nas:8080", "secret": "adminadmin"}
    client.go_away()
    assert "Save anyway" in browser.send("/setup/client", form).text
    assert browser.send("/setup/client", {**form, "anyway": "true"}).headers["location"] == "/setup/indexer"
    page = browser.see("/setup/indexer")
    assert "Saved, but its test failed" in page
    assert "#i-triangle-alert" in page
    with database.reads() as session:
        assert settings.setup.setup_state(session, SYSTEM).steps["client"] == "failed"


def test_going_back_changes_the_client_and_adds_none(
    browser: Browser, database: Database, client: FakeDownloadClient, tmp_path: Path
) -> None:
    _make_account(browser)
    client.folder = str(tmp_path)
    form = {"kind": "qbittorrent", "name": "qBittorrent", "url": "http://nas:8080", "secret": "adminadmin"}
    browser.send("/setup/client", form)
    page = browser.see("/setup/client")
    found = re.search(r'name="service_id" value="([^"]+)"', page)
    assert found
    assert 'value="http://nas:8080"' in page
    changed = {**form, "url": "http://nas:9090", "secret": "", "service_id": found[1]}
    assert browser.send("/setup/client", changed).headers["location"] == "/setup/indexer"
    with database.reads() as session:
        (row,) = settings.clients.list_clients(session, SYSTEM)
        assert (row.name, row.url) == ("qBittorrent", "http://nas:9090")
        assert settings.services.statuses(session, SYSTEM, "download_client")[row.id].state == "ok"
    assert 'value="qBittorrent 2"' in browser.see("/setup/client?another=true")


def test_a_skipped_step_does_not_look_like_one_that_is_done(browser: Browser, tmp_path: Path) -> None:
    _make_account(browser)
    (tmp_path / "films").mkdir()
    browser.send("/setup/folders", {"movies": str(tmp_path / "films")})
    browser.send("/setup/metadata", {"skip": "1"})
    steps = re.findall(r"<li class=\"relative.*?</li>", browser.see("/setup/client"), re.DOTALL)
    assert ["#i-check" in step for step in steps] == [True, True, False, False, False, False]
    assert "#i-minus" in steps[2]
    assert "Skipped" in steps[2]


def test_every_step_but_the_account_can_be_skipped_and_the_setup_continues_where_it_was_left(
    browser: Browser, database: Database
) -> None:
    _make_account(browser)
    for step, after in (("folders", "metadata"), ("metadata", "client"), ("client", "indexer"), ("indexer", "scan")):
        assert browser.client.get("/setup").headers["location"] == f"/setup/{step}"
        assert browser.send(f"/setup/{step}", {"skip": "1"}).headers["location"] == f"/setup/{after}"
    assert browser.send("/setup/scan", {}).headers["location"] == "/"
    with database.reads() as session:
        assert settings.setup.setup_state(session, SYSTEM).finished_at is not None
        assert not [event for event in events.feed(session) if event.type == "ScanRequested"]


def test_signing_in_during_the_setup_returns_to_it(browser: Browser) -> None:
    _make_account(browser)
    browser.send("/setup/folders", {"skip": "1"})
    browser.client.cookies.delete("session")
    answer = browser.send("/login", {"username": "robin", "password": PASSWORD})
    assert answer.headers["location"] == "/setup/metadata"


def test_the_last_step_starts_the_first_scan(browser: Browser, database: Database, tmp_path: Path) -> None:
    _make_account(browser)
    movies = tmp_path / "media"
    movies.mkdir()
    browser.send("/setup/folders", {"movies": str(movies)})
    assert str(movies) in browser.see("/setup/scan")
    assert browser.send("/setup/scan", {}).headers["location"] == "/"
    with database.reads() as session:
        assert next(event.type for event in events.feed(session)) == "ScanRequested"
        assert settings.setup.setup_state(session, SYSTEM).next_step is None

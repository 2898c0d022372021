"""The page of the audit: filters, one entry, exports; and that what administrators do is found there."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from mydia import clock, events
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM, Role
from mydia.web.audit_export import cell
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Browser, Server, csrf
from tests.web.pages.test_lists import words


def _emit(server: Server, *happened: events.Event, days_ago: int = 0) -> None:
    with server.deps.database.writes() as session:
        for event in happened:
            events.emit(session, SYSTEM, event, at=clock.now() - timedelta(days=days_ago))


def _filtered(browser: Browser, **filters: str) -> str:
    return words(browser.get("/system/audit", params=filters))


def test_a_changed_setting_is_in_the_audit_with_its_old_and_new_value_and_who_changed_it(
    server: Server, browser: Browser
) -> None:
    sent = {"_csrf": csrf(browser), "events.audit_retention_days": "1000"}
    assert browser.post("/settings/general", data=sent).status_code in {200, 303}
    page = _filtered(browser, kind="settings")
    assert "events.audit retention days: 730 → 1000" in page
    with server.deps.database.reads() as session:
        assert settings.of(session).events.audit_retention_days == 1000
        newest = events.feed(session, types=["SettingsChanged"], limit=1)[0]
    entry = words(browser.get(f"/system/audit/{newest.id}"))
    assert "Old New events.audit retention days 730 1000" in entry
    assert "By Robin Baker" in entry


def test_the_page_shows_what_matches_the_filters(server: Server, browser: Browser) -> None:
    _emit(server, events.UserAdded("kim-id", "kim", "guest"), days_ago=40)
    _emit(server, events.SettingsChanged("values", {"media.language": ["en", "de"]}), days_ago=3)
    everything = _filtered(browser)
    assert "Account added kim, guest" in everything
    assert "media.language: en → de" in everything
    assert "media.language" not in _filtered(browser, kind="people")
    assert "kim, guest" not in _filtered(browser, person="system", kind="settings")
    assert "kim, guest" in _filtered(browser, subject="user:kim-id")
    recent = _filtered(browser, since=f"{clock.now() - timedelta(days=5):%Y-%m-%d}")
    assert "media.language" in recent
    assert "kim, guest" not in recent
    old = _filtered(browser, until=f"{clock.now() - timedelta(days=5):%Y-%m-%d}")
    assert "media.language" not in old
    assert "kim, guest" in old
    assert "No entry matches the filters." in _filtered(browser, q="no such thing")


def test_older_entries_are_on_the_next_page(server: Server, browser: Browser) -> None:
    _emit(server, *(events.UserAdded(f"id-{n}", f"person-{n:03}", "guest") for n in range(130)))
    first = browser.get("/system/audit", params={"kind": "people"})
    assert "person-129" in first.text
    assert "person-040" not in first.text
    address = next(part for part in first.text.split('"') if part.startswith("/system/audit?") and "before=" in part)
    second = browser.get(address.replace("&amp;", "&"))
    assert "person-040" in second.text
    assert "person-129" not in second.text


@pytest.mark.parametrize(
    "query",
    [{"kind": "no such kind"}, {"subject": "no such subject"}, {"since": "yesterday"}, {"until": "2026-13-41"}],
)
def test_a_wrong_filter_is_an_error_that_says_so(reader: Browser, query: dict[str, str]) -> None:
    assert reader.get("/system/audit", params=query).status_code == 422


@pytest.mark.parametrize("query", [{"before": str(2**70)}, {"since": "0001-01-01"}, {"until": "9999-12-31"}])
def test_extreme_filters_are_answered(reader: Browser, query: dict[str, str]) -> None:
    assert reader.get("/system/audit", params=query).status_code == 200


def test_the_export_has_what_the_filters_show_and_is_itself_in_the_audit(server: Server, browser: Browser) -> None:
    _emit(server, *(events.UserAdded(f"id-{n}", f"person-{n:04}", "guest") for n in range(1203)))
    answer = browser.get("/system/audit/export", params={"format": "csv", "kind": "people", "q": "person-"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="mydia-audit-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject"] for row in rows] == [f"person-{n:04}" for n in reversed(range(1203))]
    told = browser.get("/system/audit/export", params={"format": "json", "kind": "people", "q": "person-0007"}).json()
    assert [(one["subject"], one["kind"], one["title"]) for one in told] == [("person-0007", "people", "Account added")]
    assert "Audit exported JSON" in _filtered(browser, kind="backups")


def test_an_export_without_entries_is_an_empty_list(reader: Browser) -> None:
    nothing = {"q": "no such thing", "kind": "grabs"}
    assert json.loads(reader.get("/system/audit/export", params={"format": "json"} | nothing).text) == []
    assert len(reader.get("/system/audit/export", params=nothing).text.splitlines()) == 1


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://mallory.test")', " =1+1", "＝1")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_calculates_nothing_that_somebody_wrote(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_a_name_that_is_a_formula_stays_text_in_the_file(server: Server, browser: Browser) -> None:
    failed = events.SignInFailed(user_id=None, username='=cmd|"/C calc"!A0', address="192.0.2.1", reason="unknown name")
    _emit(server, failed)
    answer = browser.get("/system/audit/export", params={"kind": "sign_in"})
    for row in csv.reader(io.StringIO(answer.text)):
        assert not any(text.lstrip().startswith(("=", "+", "-", "@")) for text in row), row
    assert "'=cmd|" in answer.text


def test_secrets_of_settings_are_not_in_the_audit(server: Server, browser: Browser) -> None:
    headers = {"x-csrf-token": csrf(browser), "accept": "application/json"}
    client = {"name": "Box", "kind": "qbittorrent", "url": "http://box.test:8080", "secret": "swordfish-1"}
    made = browser.post("/api/v1/download-clients", json=client, headers=headers)
    assert made.status_code == 201, made.text
    changed = client | {"secret": "swordfish-2", "url": "http://box.test:9090"}
    assert (
        browser.put(f"/api/v1/download-clients/{made.json()['id']}", json=changed, headers=headers).status_code == 200
    )
    told = browser.get("/system/audit/export", params={"format": "json"}).text
    assert "swordfish" not in told
    assert "http://box.test:9090" in told
    page = _filtered(browser, kind="settings")
    assert "Settings changed Box" in page
    assert "secret: … → changed" in page


def test_a_refused_sign_in_is_in_the_audit_with_its_address_and_browser(server: Server, browser: Browser) -> None:
    browser.cookies.clear()
    sent = {"username": "robin", "password": "not the password", "_csrf": csrf(browser, "/login")}
    browser.post("/login", data=sent, headers={"user-agent": "Mallory's browser"})
    browser.cookies.set("session", server.token)
    with server.deps.database.reads() as session:
        newest = events.feed(session, types=["SignInFailed"], limit=1)[0]
    entry = words(browser.get(f"/system/audit/{newest.id}"))
    assert "Sign-in refused robin from" in entry
    assert "Reason wrong password" in entry
    assert "Browser Mallory's browser" in entry


def test_a_user_has_no_audit(user: Browser) -> None:
    for address in (
        "/system/audit",
        "/system/audit/1",
        "/system/audit/export",
        "/api/v1/audit",
        "/api/v1/audit/export",
    ):
        assert user.get(address).status_code == 403, address


def test_downloading_a_backup_is_recorded(server: Server, browser: Browser) -> None:
    made = server.deps.config.backups_directory / "mydia-20260712T040000Z.db"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(b"SQLite format 3\0")
    assert browser.get(f"/system/backups/{made.name}").status_code == 200
    assert f"Backup downloaded {made.name}" in _filtered(browser, kind="backups")


def test_a_role_set_by_an_administrator_is_recorded(server: Server, browser: Browser) -> None:
    kim, _ = scenes.sign_in(server.deps.database, "Kim Guest", Role.GUEST)
    headers = {"x-csrf-token": csrf(browser), "accept": "application/json"}
    assert browser.put(f"/api/v1/users/{kim.id}", json={"role": "user"}, headers=headers).status_code == 200
    assert "role: guest → user" in _filtered(browser, person=str(kim.id))

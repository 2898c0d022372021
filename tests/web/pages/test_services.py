"""Home and System say which download clients and indexers answer, and check them again on request."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.web.health import CHECKS, Check, examine
from tests.web.pages.conftest import Browser, Server, csrf, words

FAMILIES = {"download_client": "client", "indexer": "indexer"}


def _service(server: Server, family: str) -> settings.services.Service:
    with server.deps.database.reads() as session:
        return settings.services.list_services(session, SYSTEM, family)[0]


def _forget(server: Server) -> None:
    with server.deps.database.writes() as session:
        for family in FAMILIES:
            for one in settings.services.list_services(session, SYSTEM, family):
                settings.services.forget_status(session, family, one.id)


def _fail(server: Server, family: str, minutes_ago: int = 0) -> None:
    with server.deps.database.writes() as session:
        settings.services.record_failure(
            session,
            SYSTEM,
            clock.now() - timedelta(minutes=minutes_ago),
            family,
            _service(server, family).id,
            Unreachable("It", "connection refused"),
        )


def _check(server: Server, family: str) -> Check:
    name = f"{FAMILIES[family]} {_service(server, family).name}"
    (found,) = [one for one in examine(server.deps, CHECKS) if one.name == name]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_service_that_was_never_checked_is_unknown_and_can_be_checked(
    server: Server, browser: Browser, family: str
) -> None:
    _forget(server)
    found = _check(server, family)
    assert (found.state, found.sentence) == ("unknown", "Not checked yet.")
    assert f'formaction="/system/services/{family}/' in browser.get("/system").text
    assert "does not answer" not in words(browser.get("/"))


def test_checks_that_have_not_run_are_not_called_fine(server: Server, browser: Browser) -> None:
    _forget(server)
    with server.deps.database.reads() as session:
        query = select(settings.models.LibraryPath.path, library.MediaFile.relative_path)
        found = session.execute(query.where(library.MediaFile.library_path_id == settings.models.LibraryPath.id))
        known = [Path(folder, name) for folder, name in found]
    for path in known:
        # The files of the furnished library exist in the database only, as if their disk was not mounted.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    presence = server.deps.taskboard.sign_on(1, {})
    try:
        system = words(browser.get("/system"))
    finally:
        presence.leave()
    assert re.search(r"Health \d+ not checked yet", system), system
    assert "No problems found" not in system


@pytest.mark.parametrize("family", FAMILIES)
def test_a_service_that_does_not_answer_is_red_with_since_when_and_a_retry(
    server: Server, browser: Browser, family: str
) -> None:
    _forget(server)
    _fail(server, family, minutes_ago=42)
    _fail(server, family)
    service, found = _service(server, family), _check(server, family)
    assert found.state == "failed"
    assert service.status is not None
    assert found.sentence == f"connection refused. No answer since {service.status.since_at:%-d %b %H:%M} UTC."
    retry = f"/system/services/{family}/{service.id}/retry"
    for page in ("/", "/system"):
        answer = browser.get(page)
        assert f"{service.name} does not answer" in words(answer) or "Failed" in answer.text or "failed" in answer.text
        assert f'formaction="{retry}"' in answer.text, page
        assert re.search(r"text-fail[^>]*>(?:(?!</li>).)*" + re.escape(service.name), answer.text, re.DOTALL), page
        assert "since" in answer.text, page


@pytest.mark.parametrize("family", FAMILIES)
def test_retry_checks_the_service_and_shows_the_result(server: Server, browser: Browser, family: str) -> None:
    _fail(server, family)
    retry = f"/system/services/{family}/{_service(server, family).id}/retry"
    headers = {"x-csrf-token": csrf(browser), "hx-request": "true"}
    answer = browser.post(retry, headers=headers)
    assert answer.status_code == 204
    assert "It answers" in answer.headers["hx-trigger"]
    assert _check(server, family).state == "ok"


def test_retry_of_a_service_that_is_still_silent_gives_the_reason(server: Server, browser: Browser) -> None:
    server.client.go_away()
    retry = f"/system/services/download_client/{_service(server, 'download_client').id}/retry"
    answer = browser.post(retry, headers={"x-csrf-token": csrf(browser), "hx-request": "true"})
    assert "It does not answer" in answer.headers["hx-trigger"]
    assert _check(server, "download_client").state == "failed"
    assert browser.post("/system/services/toaster/x/retry", headers={"x-csrf-token": csrf(browser)}).status_code == 404


def test_guests_cannot_retry(server: Server, guest: Browser) -> None:
    retry = f"/system/services/indexer/{_service(server, 'indexer').id}/retry"
    assert guest.post(retry, headers={"x-csrf-token": csrf(guest)}).status_code == 403


@pytest.mark.parametrize("family", FAMILIES)
def test_the_log_says_once_that_a_service_fails_and_once_that_it_recovers(
    server: Server, caplog: pytest.LogCaptureFixture, family: str
) -> None:
    _forget(server)
    caplog.set_level(logging.INFO)
    for _ in range(3):
        _fail(server, family)
    for _ in range(3):
        with server.deps.database.writes() as session:
            settings.services.record_ok(session, clock.now(), family, _service(server, family).id)
    told = [(one.levelname, one.getMessage()) for one in caplog.records if "service " in one.getMessage()]
    assert told == [("WARNING", "service does not answer"), ("INFO", "service answers again")]


def test_ready_is_still_ready_without_a_client(server: Server) -> None:
    _fail(server, "download_client")
    assert [one for one in examine(server.deps, CHECKS) if one.state == "failed" and one.is_elsewhere]
    presence = server.deps.taskboard.sign_on(1, {"default": 1})
    try:
        failed = [one.name for one in examine(server.deps, CHECKS) if one.state == "failed" and not one.is_elsewhere]
    finally:
        presence.leave()
    assert not [name for name in failed if name.startswith("client")]

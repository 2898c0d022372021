"""What all routes have in common: links between pages, fields, ETags, preconditions and repeated requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from sqlalchemy import func, select

from mydia import clock
from mydia.contexts.users import kept_answers
from mydia.contexts.users.models import KeptAnswer
from mydia.web.api import conventions
from mydia.web.app import WebApp
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker

_ASK = {"name": "a dashboard", "scopes": ["browse"]}


def _kept(house: House) -> int:
    with house.database.reads() as session:
        return session.scalars(select(func.count()).select_from(KeptAnswer)).one()


def test_the_links_of_a_list_lead_through_all_its_pages(admin: Asker, house: House) -> None:
    address, seen = "/api/v1/media?limit=1&sort=added", []
    for _ in range(5):
        answer = admin.client.get(address, headers={"X-API-Key": admin.key or ""})
        seen += [one["id"] for one in answer.json()["items"]]
        assert answer.links["first"]["url"] == "/api/v1/media?limit=1&sort=added"
        if "next" not in answer.links:
            assert answer.json()["next_cursor"] is None
            break
        assert answer.json()["next_cursor"] in answer.links["next"]["url"]
        address = urljoin(address, answer.links["next"]["url"])
    assert len(seen) == len(set(seen)) == 2


def test_every_paged_list_has_links(admin: Asker, app: WebApp) -> None:
    paged = []
    for route in app.routes:
        if route.path_format.startswith("/api/v1/") and "{" not in route.path_format:
            for handler in getattr(route, "route_handlers", ()):
                found = conventions.listing_of(handler)
                if "GET" in handler.http_methods and found is not None and found.is_page:
                    paged.append(route.path_format.removeprefix("/api/v1"))
    assert len(paged) > 10
    for path in paged:
        answer = admin.get(path)
        assert (answer.status_code, "first" in answer.links) == (200, True), path


def test_fields_are_what_was_asked_for(admin: Asker, house: House) -> None:
    assert admin("GET", "/media?fields=title,year").json()["items"] == [
        {"title": one["title"], "year": one["year"]} for one in admin.get("/media").json()["items"]
    ]
    assert set(admin("GET", f"/media/{house.film_id}?fields=id&fields=title").json()) == {"id", "title"}
    assert [set(one) for one in admin("GET", "/indexers?fields=name").json()] == [{"name"}]


@pytest.mark.parametrize("path", ["/media", "/indexers", "/media/{film}", "/system/status"])
def test_an_unknown_field_is_refused_with_those_that_exist(admin: Asker, house: House, path: str) -> None:
    path = path.replace("{film}", house.film_id)
    answer = admin("GET", f"{path}?fields=colour")
    told = answer.json()["errors"]["fields"]
    assert answer.status_code == 400
    assert "Unknown field “colour”." in told
    whole = admin.get(path).json()
    one = whole["items"][0] if "items" in whole else whole[0] if isinstance(whole, list) else whole
    assert all(name in told for name in one)


def test_fields_do_not_open_what_is_closed(ask: Callable[[str | None], Asker]) -> None:
    assert ask("guest")("GET", "/config?fields=colour").status_code == 403


def test_an_etag_spares_a_download_until_something_changes(admin: Asker, house: House) -> None:
    for path in ("/media", f"/media/{house.film_id}", "/indexers", "/media?fields=title"):
        tag = admin("GET", path).headers["etag"]
        known = admin("GET", path, headers={"If-None-Match": f'"other", {tag}'})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag), path
    tag = admin.get(f"/media/{house.film_id}").headers["etag"]
    admin.put(f"/media/{house.film_id}", {"overview": "A city."})
    assert admin("GET", f"/media/{house.film_id}", headers={"If-None-Match": tag}).status_code == 200


def test_a_change_with_an_old_etag_is_refused(admin: Asker, house: House) -> None:
    path = f"/media/{house.film_id}"
    tag = admin("GET", path).headers["etag"]
    first = admin("PUT", path, json={"overview": "First."}, headers={"If-Match": tag})
    second = admin("PUT", path, json={"overview": "Second."}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert admin.get(path).json()["overview"] == "First."
    assert admin("DELETE", path, headers={"If-Match": tag}).status_code == 412
    assert admin("POST", f"{path}/refresh", headers={"If-Match": tag}).status_code == 412
    assert admin("PUT", path, json={"overview": "Any."}, headers={"If-Match": "*"}).status_code == 200


def test_of_two_changes_at_once_with_one_etag_only_one_succeeds(admin: Asker, house: House) -> None:
    path = f"/media/{house.film_id}"
    tag = admin("GET", path).headers["etag"]
    together, seen = threading.Barrier(4), []

    def change(number: int) -> None:
        together.wait()
        seen.append(admin("PUT", path, json={"overview": f"{number}"}, headers={"If-Match": tag}).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200, 412, 412, 412]


def test_a_precondition_on_something_without_an_etag_is_not_ignored(admin: Asker) -> None:
    answer = admin("POST", "/api-keys", json=_ASK, headers={"If-Match": '"x"'})
    assert (answer.status_code, "without If-Match" in answer.json()["detail"]) == (412, True)


_NEW = "adds something, so there is no earlier state"
_GOES = "is about something that never changes until it is gone"
_MANY = "is about many entries at once"
_JOB = "starts a job, tries something or sets a switch"
_WITHOUT_ETAG = {
    "POST /api-keys": _NEW,
    "POST /delay-profiles": _NEW,
    "POST /release-profiles": _NEW,
    "POST /releases/push": _NEW,
    "POST /backups": _NEW,
    "POST /backups/uploads": _NEW,
    "POST /blocked-titles": _NEW,
    "POST /blocklist": _NEW,
    "POST /custom-formats": _NEW,
    "POST /download-clients": _NEW,
    "POST /downloads": _NEW,
    "POST /guide-imports": _NEW,
    "POST /ignored-folders": _NEW,
    "POST /indexers": _NEW,
    "POST /invitations": _NEW,
    "POST /library/paths": _NEW,
    "POST /media": _NEW,
    "POST /problems": _NEW,
    "POST /quality-profiles": _NEW,
    "POST /request-rules": _NEW,
    "POST /requests": _NEW,
    "POST /saved-filters": _NEW,
    "POST /sign-in-providers": _NEW,
    "POST /title-edits": _NEW,
    "POST /users": _NEW,
    "POST /releases/{release_id}/block": _NEW,
    "DELETE /api-keys/{key_id}": _GOES,
    "DELETE /pending-releases/{pending_id}": _GOES,
    "POST /pending-releases/{pending_id}/grab": _GOES,
    "DELETE /blocklist/{entry_id}": _GOES,
    "DELETE /ignored-folders/{folder_id}": _GOES,
    "DELETE /recycle-bin/{file_id}": _GOES,
    "DELETE /unknown-downloads/{unknown_id}": _GOES,
    "POST /recycle-bin/{file_id}/restore": _GOES,
    "POST /removed-titles/{media_id}/restore": _GOES,
    "POST /unknown-downloads/{unknown_id}/adopt": _GOES,
    "POST /undo/{undo_id}": _GOES,
    "POST /guide-imports/{import_id}/apply": _GOES,
    "DELETE /blocklist": _MANY,
    "POST /inbox/import-ready": _MANY,
    "POST /inbox/match": _MANY,
    "PUT /delay-profiles/order": _MANY,
    "POST /manual-import": _MANY,
    "POST /requests/decisions": _MANY,
    "POST /custom-formats/test": _JOB,
    "POST /guide-imports/{import_id}/preview": _JOB,
    "POST /library/scan": _JOB,
    "PUT /tasks/paused": _JOB,
    "POST /mail/test": _JOB,
    "POST /metadata/retry": _JOB,
    "POST /naming/preview": _JOB,
    "POST /tasks/{name}/run": _JOB,
    "POST /title-edits/preview": _JOB,
}


def test_every_change_has_an_etag_or_a_reason(app: WebApp) -> None:
    lacking = {
        f"{method} {route.path_format.removeprefix('/api/v1')}"
        for route in app.routes
        if route.path_format.startswith("/api/v1/")
        for method in getattr(route, "methods", ())
        if method not in ("GET", "OPTIONS", "HEAD") and conventions.resource_of(app, route.path_format, method) is None
    }
    assert sorted(lacking) == sorted(_WITHOUT_ETAG)


def test_a_repeated_request_gets_the_first_answer(admin: Asker, house: House) -> None:
    first, again = (admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "monday"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(admin.get("/api-keys").json()) == 2
    other = admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "tuesday"})
    assert other.json()["id"] != first.json()["id"]


def test_a_kept_answer_is_not_stored_in_the_clear(admin: Asker, house: House) -> None:
    shown = admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "monday"}).json()["key"]
    with house.database.reads() as session:
        row = session.scalars(select(KeptAnswer)).one()
    assert not any(shown in str(value) or "monday" in str(value) for value in vars(row).values())


def test_a_key_that_was_used_for_something_else_is_refused(admin: Asker) -> None:
    admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "monday"})
    answer = admin.post("/api-keys", {**_ASK, "name": "another"}, headers={"Idempotency-Key": "monday"})
    assert (answer.status_code, "for another request" in answer.json()["detail"]) == (422, True)


def test_keys_belong_to_one_caller(admin: Asker, ask: Callable[[str | None], Asker]) -> None:
    ours = admin.post("/saved-filters", {"type": "movie", "name": "A", "params": {}}, headers={"Idempotency-Key": "1"})
    theirs = ask("user").post(
        "/saved-filters", {"type": "movie", "name": "A", "params": {}}, headers={"Idempotency-Key": "1"}
    )
    assert ours.json()["id"] != theirs.json()["id"]


def test_a_caller_who_lost_access_gets_no_kept_answer(admin: Asker, http: Any) -> None:
    made = admin.post("/api-keys", {"name": "mine"}).json()
    theirs = Asker(http, made["key"])
    assert theirs.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).status_code == 201
    admin.delete(f"/api-keys/{made['id']}")
    assert theirs.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).status_code == 401


def test_a_request_that_failed_may_be_repeated(admin: Asker, house: House) -> None:
    wrong = admin.post("/media/nowhere/refresh", headers={"Idempotency-Key": "1"})
    assert (wrong.status_code, _kept(house)) == (404, 0)
    assert admin.post(f"/media/{house.film_id}/refresh", headers={"Idempotency-Key": "1"}).status_code == 202


def test_the_first_request_may_still_be_running(admin: Asker, house: House) -> None:
    admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"})
    with house.database.writes() as session:
        row = session.scalars(select(KeptAnswer)).one()
        row.status = row.sealed_body = None
    answer = admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"})
    assert (answer.status_code, "still running" in answer.json()["detail"]) == (409, True)
    with house.database.writes() as session:
        # The process that ran it was killed.
        session.scalars(select(KeptAnswer)).one().process = "another"
    assert admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).status_code == 201


def test_an_answer_is_kept_for_a_day_and_survives_a_restart(
    admin: Asker, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).json()
    monkeypatch.setattr(conventions, "_PROCESS", "after a restart")
    assert admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).json() == first
    with house.database.writes() as session:
        session.scalars(select(KeptAnswer)).one().started_at = clock.now() - timedelta(hours=25)
    assert admin.post("/api-keys", _ASK, headers={"Idempotency-Key": "1"}).json()["id"] != first["id"]


def test_the_number_of_kept_answers_is_bounded(admin: Asker, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "MOST_KEPT", 3)
    for number in range(5):
        admin.post(f"/media/{house.film_id}/refresh", headers={"Idempotency-Key": str(number)})
    assert _kept(house) == 3


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256])
def test_a_key_that_is_none_is_refused(admin: Asker, key: str) -> None:
    answer = admin.post("/api-keys", _ASK, headers={"Idempotency-Key": key})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])


def test_a_file_takes_no_key(admin: Asker) -> None:
    headers = {"Idempotency-Key": "1", "Content-Type": "application/octet-stream"}
    assert admin("POST", "/backups/uploads", content=b"x", headers=headers).status_code == 400

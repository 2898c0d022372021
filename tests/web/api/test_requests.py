"""Requests and problems over REST: each role, and everything that the pages can do."""

from __future__ import annotations

from collections.abc import Callable
from copy import replace

import pytest

from mydia.contexts import requests
from mydia.web.deps import WebDeps
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import FakeMetadataProvider
from tests.web.api.conftest import Asker

FILM = {"type": "movie", "tmdb_id": 10331}
SHOW = {"type": "tv_show", "tmdb_id": 32340}


@pytest.fixture
def deps(deps: WebDeps) -> WebDeps:
    provider = FakeMetadataProvider([builders.film_details(), builders.show_details(seasons={1: 6, 2: 4})])
    return replace(deps, outside=replace(deps.outside, metadata=lambda: provider))


@pytest.fixture
def guest(ask: Callable[[str | None], Asker]) -> Asker:
    return ask("guest")


def test_a_guest_asks_and_an_admin_approves_with_choices(
    guest: Asker, admin: Asker, house: House, deps: WebDeps
) -> None:
    made = guest.post("/requests", SHOW | {"seasons": [1, 2]})
    assert made.status_code == 201, made.text
    assert made.json()["outcome"] == "pending"
    request = made.json()["request"]
    assert [(one["number"], one["state"]) for one in request["seasons"]] == [(1, "pending"), (2, "pending")]
    assert request["because"]["code"] == "request.waits"
    path = f"/requests/{request['id']}"
    assert guest.post(f"{path}/approve", {}).status_code == 403
    assert admin.get("/requests", state="pending").json()["total"] == 1

    done = admin.post(f"{path}/approve", {"seasons": [2], "tags": ["family"], "search_now": False})

    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["tags"]) == ("approved", ["family"])
    assert requests.fulfilling.fulfil(house.database, deps.outside, house.now, request["id"]) == "added"
    seen = guest.get(path).json()
    assert seen["media_id"] is not None
    assert [(one["number"], one["state"]) for one in seen["seasons"]] == [(1, "declined"), (2, "approved")]


def test_what_can_be_requested_is_told_before_asking(guest: Asker, admin: Asker) -> None:
    admin.put("/config", {"requests.movie_limit": 1})
    told = guest.get("/requests/offer", type="movie", tmdb_id=10331).json()
    assert (told["state"], told["quota"]["left"]) == ("free", 1)
    assert guest.post("/requests", FILM).status_code == 201
    told = guest.get("/requests/offer", type="movie", tmdb_id=10331).json()
    assert (told["state"], told["quota"]["left"]) == ("mine", 0)
    assert guest.post("/requests", FILM).status_code == 409
    assert [one["left"] for one in guest.get("/requests/quotas").json()] == [0, None]
    assert guest.get("/requests/quotas", user_id="another").status_code == 403


def test_a_decision_on_an_older_state_is_refused(guest: Asker, admin: Asker) -> None:
    path = f"/requests/{guest.post('/requests', FILM).json()['request']['id']}"
    seen = admin.get(path)
    tag = seen.headers["etag"]
    assert admin("GET", path, headers={"If-None-Match": tag}).status_code == 304
    declined = admin("POST", f"{path}/decline", json={"reason": "On disc"}, headers={"If-Match": tag})
    assert declined.status_code == 200
    assert declined.headers["etag"] != tag
    for method, address, body in (
        ("POST", f"{path}/approve", {}),
        ("POST", f"{path}/decline", {}),
        ("POST", f"{path}/retry", None),
        ("DELETE", path, None),
    ):
        late = admin(method, address, headers={"If-Match": tag}, **({} if body is None else {"json": body}))
        assert late.status_code == 412, (method, address, late.text)
        assert late.headers["content-type"] == "application/problem+json"
        assert "has changed since you read it" in late.json()["detail"]
    assert admin.get(path).json()["state"] == "declined"
    present = {"If-Match": f'"another", {declined.headers["etag"]}'}
    assert admin("POST", f"{path}/approve", json={}, headers=present).status_code == 200
    assert admin("DELETE", path, headers={"If-Match": "*"}).status_code == 204


def test_a_weak_tag_or_a_tag_of_another_request_matches_nothing(guest: Asker, admin: Asker) -> None:
    one = f"/requests/{guest.post('/requests', FILM).json()['request']['id']}"
    other = f"/requests/{guest.post('/requests', SHOW).json()['request']['id']}"
    for tag in (f"W/{admin.get(one).headers['etag']}", admin.get(other).headers["etag"]):
        assert admin("POST", f"{one}/approve", json={}, headers={"If-Match": tag}).status_code == 412


def test_declining_retrying_and_withdrawing(guest: Asker, admin: Asker) -> None:
    request_id = guest.post("/requests", FILM).json()["request"]["id"]
    declined = admin.post(f"/requests/{request_id}/decline", {"reason": "On disc"}).json()
    assert (declined["state"], declined["reason"], declined["decided_by"]["name"]) == (
        "declined",
        "On disc",
        "the-admin",
    )
    assert admin.post(f"/requests/{request_id}/retry").status_code == 409
    second = guest.post("/requests", FILM).json()["request"]["id"]
    assert guest.delete(f"/requests/{second}").status_code == 204
    assert guest.get(f"/requests/{second}").status_code == 404
    third = guest.post("/requests", FILM).json()["request"]["id"]
    decided = admin.post("/requests/decisions", {"ids": [request_id, third], "decision": "approve"}).json()
    assert decided == {"decided": 1}


@pytest.mark.parametrize("role", ["readonly", "narrowed"])
def test_who_may_not_ask_is_refused(ask: Callable[[str | None], Asker], role: str) -> None:
    caller = ask(role)
    for answer in (caller.get("/requests"), caller.post("/requests", FILM), caller.get("/problems")):
        assert answer.status_code == 403
        assert "does not have permission to request titles" in answer.json()["detail"]


def test_a_guest_does_not_see_other_peoples_requests(guest: Asker, admin: Asker) -> None:
    request_id = admin.post("/requests", FILM).json()["request"]["id"]
    assert guest.get("/requests").json()["items"] == []
    assert guest.get(f"/requests/{request_id}").status_code == 404
    assert guest.post("/requests", FILM).json()["outcome"] == "joined"
    assert guest.get(f"/requests/{request_id}").json()["followers"][0]["name"] == "the-guest"


def test_rules_are_added_changed_and_removed(admin: Asker, guest: Asker) -> None:
    made = admin.post("/request-rules", {"name": "Old films", "keywords": ["silent"], "approves": True})
    assert made.status_code == 201, made.text
    path = f"/request-rules/{made.json()['id']}"
    changed = admin.put(path, {"name": "Old films", "genres": ["Horror"], "tags": ["old"], "enabled": False}).json()
    assert (changed["keywords"], changed["genres"], changed["approves"], changed["enabled"]) == (
        [],
        ["Horror"],
        None,
        False,
    )
    assert admin.post("/request-rules", {"name": "Nothing"}).status_code == 400
    assert guest.get("/request-rules").status_code == 403
    assert admin.delete(path).status_code == 204
    assert admin.get("/request-rules").json() == []


def test_a_persons_quota_and_defaults_are_changed(admin: Asker, guest: Asker) -> None:
    me = guest.get("/me").json()["id"]
    path = f"/request-allowances/{me}"
    assert [one["quota"] for one in admin.get(path).json()] == ["default", "default"]
    changed = admin.put(path, {"type": "movie", "quota": "limited", "limit": 0, "auto_approve": True}).json()
    assert (changed[0]["limit"], changed[0]["auto_approve"]) == (0, True)
    assert guest.post("/requests", FILM).status_code == 409
    assert admin.put(path, {"type": "movie", "quota": "limited"}).status_code == 409
    assert admin.get("/request-allowances/none").status_code == 404
    assert guest.get(path).status_code == 403


def test_a_problem_is_reported_discussed_and_resolved(guest: Asker, admin: Asker, house: House) -> None:
    made = guest.post(
        "/problems", {"media_id": house.series_id, "kind": "audio", "season": 1, "episode": 1, "text": "French only"}
    )
    assert made.status_code == 201, made.text
    path = f"/problems/{made.json()['id']}"
    assert admin.post(f"{path}/comments", {"text": "I will look"}).status_code == 201
    assert [one["text"] for one in guest.get(path).json()["comments"]] == ["French only", "I will look"]
    assert guest.post(f"{path}/replace").status_code == 403
    assert admin.post(f"{path}/replace").status_code == 409
    assert admin.post(f"{path}/resolve").json()["state"] == "resolved"
    assert guest.get("/problems", state="open").json()["items"] == []
    assert guest.post(f"{path}/reopen").json()["state"] == "open"
    assert [one["episode"] for one in guest.get("/problems", media_id=house.series_id, mine=True).json()["items"]] == [
        1
    ]
    assert guest.post("/problems", {"media_id": "none", "kind": "audio"}).status_code == 404


def test_asking_for_another_person_is_the_managers(admin: Asker, guest: Asker) -> None:
    kim = guest.get("/me").json()["id"]
    robin = admin.get("/me").json()["id"]
    assert guest.post("/requests", FILM | {"for_user_id": robin}).status_code == 403
    made = admin.post("/requests", FILM | {"for_user_id": kim}).json()
    assert (made["outcome"], made["request"]["asker"]["id"]) == ("approved", kim)
    assert guest.get("/requests").json()["total"] == 1


def test_a_blocked_title_is_listed_refused_and_unblocked(guest: Asker, admin: Asker) -> None:
    request = guest.post("/requests", FILM).json()["request"]
    assert guest.post("/blocked-titles", FILM).status_code == 403
    made = admin.post("/blocked-titles", FILM | {"reason": "We have it on disc"})
    assert made.status_code == 201, made.text
    assert (made.json()["reason"], made.json()["tmdb_id"]) == ("We have it on disc", FILM["tmdb_id"])
    assert admin.post("/blocked-titles", FILM).status_code == 409
    assert guest.get(f"/requests/{request['id']}").json()["state"] == "declined"
    refused = guest.post("/requests", FILM)
    assert refused.status_code == 409
    assert "We have it on disc" in refused.json()["detail"]
    offer = guest.get("/requests/offer", **FILM).json()
    assert (offer["state"], offer["blocked"], offer["blocked_reason"]) == ("blocked", True, "We have it on disc")
    assert guest.get("/blocked-titles").status_code == 403
    assert admin.post(f"/requests/{request['id']}/approve", {}).status_code == 409
    (listed,) = admin.get("/blocked-titles").json()["items"]
    assert admin.delete(f"/blocked-titles/{listed['id']}").status_code == 204
    assert admin.delete(f"/blocked-titles/{listed['id']}").status_code == 404
    assert guest.post("/requests", FILM).status_code == 201


def test_a_declined_request_can_block_its_title(guest: Asker, admin: Asker) -> None:
    request = guest.post("/requests", FILM).json()["request"]
    assert admin.post(f"/requests/{request['id']}/decline", {"reason": "No", "block": True}).status_code == 200
    assert [one["reason"] for one in admin.get("/blocked-titles").json()["items"]] == ["No"]

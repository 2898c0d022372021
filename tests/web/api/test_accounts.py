"""Accounts and keys, and what each role may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from litestar.testing import TestClient

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.secret import Secret
from mydia.web.app import WebApp
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker, Keys

PASSWORD = "correct horse battery"


def test_an_account_is_added_changed_and_removed(admin: Asker) -> None:
    made = admin.post("/users", {"username": "Ada", "role": "guest", "password": "a long enough word"})
    assert made.status_code == 201, made.text
    assert (made.json()["username"], made.json()["role"]) == ("ada", "guest")
    assert "password" not in made.text
    path = f"/users/{made.json()['id']}"
    assert admin.post("/users", {"username": "ada"}).status_code == 409
    short = admin.post("/users", {"username": "b", "password": "x"})
    assert (short.status_code, short.json()["errors"]) == (400, {"password": "Must have at least 8 characters."})
    changed = admin.put(path, {"role": "user", "email": "ada@example.org"}).json()
    assert (changed["role"], changed["email"]) == ("user", "ada@example.org")
    assert admin.put(path, {"disabled": True}).json()["email"] == "ada@example.org"
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 404


def test_a_key_is_shown_once_and_stops_working_when_revoked(admin: Asker, http: TestClient[WebApp]) -> None:
    made = admin.post("/api-keys", {"name": "Home Assistant", "scopes": ["browse"]})
    assert made.status_code == 201, made.text
    key, key_id = made.json()["key"], made.json()["id"]
    assert key not in admin.get("/api-keys").text
    new = Asker(http, key)
    assert new.get("/me").json()["permissions"] == ["browse"]
    assert new.get("/media").status_code == 200
    assert new.get("/downloads").status_code == 403
    assert admin.delete(f"/api-keys/{key_id}").status_code == 204
    assert new.get("/media").status_code == 401


def test_a_limited_key_cannot_extend_its_permissions(ask: Callable[[str | None], Asker]) -> None:
    narrowed = ask("narrowed")
    assert narrowed.post("/api-keys", {"name": "wider"}).status_code == 422
    assert narrowed.post("/api-keys", {"name": "wider", "scopes": ["manage_users"]}).status_code == 422
    assert narrowed.post("/api-keys", {"name": "the same", "scopes": ["browse"]}).status_code == 201


def test_a_key_is_accepted_as_a_bearer_token(http: TestClient[WebApp], keys: Keys) -> None:
    answer = http.get("/api/v1/me", headers={"Authorization": f"Bearer {keys['user']}"})
    assert (answer.json()["role"], answer.json()["kind"]) == ("user", "api_key")


@pytest.mark.parametrize("key", [None, "wrong", "mydia_aaaaaaaa_" + "x" * 43])
def test_without_a_valid_key_every_address_answers_401_with_instructions(
    http: TestClient[WebApp], key: str | None
) -> None:
    answer = Asker(http, key).get("/media")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"].startswith("Bearer")


ALLOWED = {
    ("GET", "/media"): {"admin", "user", "readonly", "guest", "narrowed"},
    ("GET", "/calendar"): {"admin", "user", "readonly", "guest", "narrowed"},
    ("GET", "/quality-profiles"): {"admin", "user", "readonly", "guest", "narrowed"},
    ("GET", "/downloads"): {"admin", "user"},
    ("GET", "/wanted"): {"admin", "user"},
    ("GET", "/history"): {"admin", "user"},
    ("GET", "/files"): {"admin", "user"},
    ("GET", "/inbox"): {"admin", "user"},
    ("GET", "/library/scan-status"): {"admin", "user"},
    ("GET", "/blocklist"): {"admin", "user"},
    ("POST", "/library/scan"): {"admin", "user"},
    ("POST", "/media/{film}/search"): {"admin", "user"},
    ("POST", "/media/{film}/refresh"): {"admin", "user"},
    ("POST", "/media/{film}/searches"): {"admin", "user"},
    ("GET", "/config"): {"admin"},
    ("GET", "/tasks"): {"admin"},
    ("GET", "/system/status"): {"admin"},
    ("GET", "/download-clients"): {"admin"},
    ("GET", "/indexers"): {"admin"},
    ("GET", "/users"): {"admin"},
    ("DELETE", "/media/{film}"): {"admin", "user"},
}


def test_each_role_has_exactly_its_permissions(ask: Callable[[str | None], Asker], house: House) -> None:
    everybody = {"admin", "user", "readonly", "guest", "narrowed"}
    for (method, path), may in ALLOWED.items():
        address = path.format(film=house.film_id)
        # Callers without permission come first, because one with permission could remove what is requested.
        refused = {role: ask(role)(method, address).status_code for role in everybody - may}
        assert set(refused.values()) <= {403}, (method, path, refused)
        answers = {role: ask(role)(method, address).status_code for role in sorted(may)}
        assert answers["admin"] < 300, (method, path, answers)
        assert set(answers.values()) <= {200, 202, 204, 404}, (method, path, answers)


def test_a_session_needs_a_page_token_for_changes(http: TestClient[WebApp], house: House) -> None:
    with house.database.writes() as session:
        settings.setup.finish_setup(session, SYSTEM, house.now)
        users.add_user(
            session, SYSTEM, house.now, NewUser(username="robin", role=Role.ADMIN, password=Secret(PASSWORD))
        )
    http.headers["accept"] = "text/html"
    found = re.search(r'name="_csrf" value="([^"]+)"', http.get("/login").text)
    assert found
    http.follow_redirects = False
    http.post("/login", data={"_csrf": found[1], "username": "robin", "password": PASSWORD})
    path = f"/api/v1/media/{house.film_id}"
    assert http.get(path).status_code == 200
    refused = http.put(path, json={"monitored": False})
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    assert http.put(path, json={"monitored": False}, headers={"X-CSRF-Token": found[1]}).status_code == 200


def test_invitations_are_made_renewed_and_withdrawn(admin: Asker) -> None:
    starts = [{"type": "movie", "request_limit": 3}]
    made = admin.post("/invitations", {"role": "user", "note": "Kim", "starts_with": starts})
    assert made.status_code == 201, made.text
    assert made.json()["path"].startswith("/invite/")
    path = f"/invitations/{made.json()['id']}"
    assert admin.post(f"{path}/link").json()["path"] != made.json()["path"]
    (listed,) = admin.get("/invitations").json()
    assert (listed["state"], listed["starts_with"][0]["request_limit"]) == ("open", 3)
    assert "path" not in listed
    assert admin.delete(path).status_code == 204
    assert admin.get("/invitations").json()[0]["state"] == "revoked"
    assert admin.delete(path).status_code == 409
    assert admin.post("/invitations", {"by_mail": True}).status_code == 409


def test_the_sessions_of_an_account_are_listed_and_ended(admin: Asker, house: House) -> None:
    made = admin.post("/users", {"username": "ada", "password": "a long enough word"}).json()
    with house.database.writes() as session:
        ada = users.get_user(session, SYSTEM, made["id"])
        for agent in ("Firefox", "Safari", "Chrome"):
            users.sign_in.open_session(session, clock.now(), ada, days=3, address="192.0.2.1", agent=agent)
    path = f"/users/{made['id']}/sessions"
    shown = admin.get(path).json()
    assert {one["agent"] for one in shown} == {"Firefox", "Safari", "Chrome"}
    assert "token" not in str(shown)
    assert admin.delete(f"{path}/{shown[0]['id']}").status_code == 204
    assert admin.delete(f"{path}/{shown[0]['id']}").status_code == 404
    assert next(one for one in admin.get("/users").json() if one["username"] == "ada")["session_count"] == 2
    assert admin.delete(path).json() == {"ended": 2}
    assert admin.get(path).json() == []

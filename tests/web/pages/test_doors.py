"""Callers without permission are refused before the address, form or body is checked."""

from __future__ import annotations

import re

import pytest

from mydia import clock
from mydia.contexts import users
from mydia.contexts.users import SYSTEM, Caller, Role, permissions_of
from mydia.web.auth.guards import DOORS, needs
from mydia.web.security import CSRF_COOKIE
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Browser, Server, csrf

_GUEST = permissions_of(Role.GUEST)


_SEGMENTS = {"int": "1", "date": "2026-07-12"}
"""Type of a part of an address -> a value for it."""


def _doors(server: Server) -> list[tuple[str, str, str]]:
    """Return (method, address, template) of every route that needs a caller; the ids in the addresses do not exist."""
    found = []
    for route in server.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if "caller" in handler.parsed_fn_signature.parameters:
                address = re.sub(r"\{\w+:(\w+)\}", lambda m: _SEGMENTS.get(m[1], "none"), route.path)
                found.append((method, address, route.path_format))
    return found


def _changes(server: Server) -> list[tuple[str, str]]:
    return [(method, address) for method, address, _ in _doors(server) if method != "GET"]


def test_every_change_by_a_guest_is_refused_before_the_form_is_read(still: Server, guest: Browser) -> None:
    changes = [
        (method, address)
        for method, address, template in _doors(still)
        if method != "GET" and not _GUEST.issuperset(needs(template, changing=True))
    ]
    assert len(changes) > 90
    headers = {"x-csrf-token": csrf(guest)}
    bodies = ({"content": b"{"}, {"json": {}}, {"data": {"_key": "1"}}, {})
    for method, address in changes:
        for body in bodies:
            answer = guest.request(method, address, headers=headers, **body)  # type: ignore[arg-type]
            assert answer.status_code == 403, (method, address, body, answer.status_code)
            assert "does not have permission to" in answer.text, (method, address, answer.text[:300])


def test_a_guest_cannot_open_administrator_pages(still: Server, guest: Browser) -> None:
    pages = [
        address
        for method, address, template in _doors(still)
        if method == "GET" and not _GUEST.issuperset(needs(template, changing=False))
    ]
    assert len(pages) > 60
    for address in pages:
        assert guest.get(address).status_code == 403, address
        assert guest.get(f"{address}?page=x&cursor=y&limit=z&id=%00").status_code == 403, address


def test_every_page_sends_signed_out_visitors_to_the_login(still: Server, stranger: Browser) -> None:
    page = stranger.get("/login").text
    token = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert token
    for method, address, _ in _doors(still):
        answer = stranger.request(method, address, headers={"x-csrf-token": token[1]})
        if address.startswith(("/api/", "/graphql")):
            assert answer.status_code == 401, (method, address)
            assert answer.headers["content-type"].startswith("application/problem+json")
        else:
            assert answer.status_code == 303, (method, address)
            assert answer.headers["location"].startswith("/login"), (method, address)


def test_no_change_is_accepted_without_the_token_of_the_form_or_from_another_site(
    still: Server, reader: Browser
) -> None:
    """Every route that changes something, also those that need no sign-in."""
    token = csrf(reader)
    checked = 0
    for route in still.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method in {"GET", "HEAD", "OPTIONS"} or handler.opt.get("csrf") is False:
                continue
            address = re.sub(r"\{\w+:(\w+)\}", lambda found: _SEGMENTS.get(found[1], "none"), route.path)
            for headers in ({}, {"x-csrf-token": "wrong"}, {"x-csrf-token": token, "origin": "https://evil.example"}):
                answer = reader.request(method, address, headers=headers, data={"x": "1"})
                assert answer.status_code == 403, (method, address, headers, answer.status_code)
            checked += 1
    assert checked > 200


def test_routes_without_a_form_token_are_those_of_other_software_and_of_uploads(still: Server) -> None:
    found = {
        route.path_format
        for route in still.app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method not in {"GET", "HEAD", "OPTIONS"} and handler.opt.get("csrf") is False
    }
    outside = {address for address in found if not address.startswith(("/plex", "/relay", "/api/v1/relay"))}
    assert outside == {"/account/avatar", "/settings/formats/import", "/system/backups/upload"}


def test_software_without_a_key_gets_401_and_no_form_errors(stranger: Browser) -> None:
    stranger.cookies.delete(CSRF_COOKIE)
    answer = stranger.post("/api/v1/media", json={})
    assert answer.status_code == 401
    assert "Sign in" in answer.json()["detail"]


def test_callers_with_the_permission_get_in(server: Server, browser: Browser) -> None:
    headers = {"x-csrf-token": csrf(browser)}
    for method, address in _changes(server):
        answer = browser.request(method, address, headers=headers, data={"_key": f"{method} {address}"})
        assert "does not have permission to" not in answer.text, (method, address)


def test_a_user_who_manages_titles_sees_everything_but_the_server_settings(user: Browser) -> None:
    for address in ("/activity", "/add", "/imports", "/wanted", "/movies", "/items/none/edit"):
        assert user.get(address).status_code in {200, 303, 404}, address
    for address in ("/settings", "/system", "/settings/users", "/api/v1/config"):
        assert user.get(address).status_code == 403, address


def test_the_permission_table_lists_only_existing_addresses(still: Server) -> None:
    served = [route.path_format for route in still.app.routes]
    for front in DOORS:
        assert any(address == front or address.startswith(f"{front}/") for address in served), front


def _key(server: Server, owner: Caller, *, scopes: list[str] | None) -> tuple[str, str]:
    with server.deps.database.writes() as session:
        row, text = users.api_keys.add_api_key(session, owner, clock.now(), "a script", scopes=scopes)
        return row.id, text


def _owner(server: Server, role: Role = Role.ADMIN) -> Caller:
    return scenes.sign_in(server.deps.database, "Olga Owner", role)[0]


@pytest.mark.parametrize("scopes", [["browse"], None])
def test_an_api_key_cannot_use_its_owners_account_pages(
    server: Server, browser: Browser, scopes: list[str] | None
) -> None:
    olga = _owner(server)
    key_id, key = _key(server, olga, scopes=scopes)
    browser.cookies.clear()
    headers = {"x-api-key": key, "accept": "application/json"}
    for method, address in (
        ("GET", "/account"),
        ("POST", "/account/profile"),
        ("POST", "/account/password"),
        ("POST", "/account/preferences"),
        ("POST", "/account/keys"),
        ("POST", f"/account/keys/{key_id}/revoke"),
        ("POST", "/account/sessions/none/revoke"),
    ):
        answer = browser.request(method, address, headers=headers, data={"display_name": "Mallory"})
        assert answer.status_code == 403, (method, address)
        assert "API key" in answer.json()["detail"]
    with server.deps.database.reads() as session:
        assert users.get_user(session, SYSTEM, str(olga.id)).display_name == "Olga Owner"
        assert [row.id for row in users.api_keys.list_keys(session, SYSTEM, str(olga.id))] == [key_id]


def test_a_limited_key_cannot_revoke_a_key_with_more_permissions(server: Server, browser: Browser) -> None:
    olga = _owner(server)
    wide, _ = _key(server, olga, scopes=None)
    narrow, text = _key(server, olga, scopes=["browse"])
    browser.cookies.clear()
    refused = browser.delete(f"/api/v1/api-keys/{wide}", headers={"x-api-key": text})
    assert refused.status_code == 403
    assert "more permissions than you" in refused.json()["detail"]
    assert browser.delete(f"/api/v1/api-keys/{narrow}", headers={"x-api-key": text}).status_code == 204
    assert browser.get("/api/v1/me", headers={"x-api-key": text}).status_code == 401


_NEW_PASSWORD = "a password that nobody else knows"


def _grants(olga: str, kim: str) -> list[tuple[str, str, dict[str, dict[str, object]]]]:
    """Return the requests that give an account an administrator's permissions, or take an administrator's account over."""
    account: dict[str, object] = {"username": "mallory", "role": "admin", "password": _NEW_PASSWORD}
    provider: dict[str, object] = {
        "name": "Mine",
        "issuer": "https://mine.test",
        "client_id": "mydia",
        "role_claim": "groups",
    }
    return [
        ("POST", "/api/v1/users", {"json": account}),
        ("PUT", f"/api/v1/users/{kim}", {"json": {"role": "admin"}}),
        ("PUT", f"/api/v1/users/{olga}", {"json": {"password": _NEW_PASSWORD}}),
        ("POST", "/api/v1/api-keys", {"json": {"name": "hers", "user_id": olga}}),
        ("POST", "/settings/users/new", {"data": {**account, "username": "mallory2"}}),
        ("POST", f"/settings/users/{kim}", {"data": {"role": "admin"}}),
        ("POST", f"/settings/users/{olga}", {"data": {"role": "admin", "password": _NEW_PASSWORD}}),
        ("POST", f"/settings/users/{olga}/reset-link", {}),
        ("POST", f"/settings/users/{olga}/factors/reset", {}),
        ("POST", "/settings/sign-in/providers/new", {"data": {**provider, "default_role": "admin"}}),
        ("POST", "/api/v1/backups/uploads", {"content": b"SQLite format 3"}),
    ]


@pytest.mark.parametrize("scopes", [["manage_users"], ["manage_users", "manage_settings"]])
def test_a_caller_that_manages_accounts_cannot_grant_permissions_that_it_lacks(
    server: Server, browser: Browser, scopes: list[str]
) -> None:
    olga, kim = _owner(server), scenes.sign_in(server.deps.database, "Kim Guest", Role.GUEST)[0]
    _, narrow = _key(server, olga, scopes=scopes)
    _, wide = _key(server, olga, scopes=None)
    browser.cookies.clear()
    for key, refused in ((narrow, True), (wide, False)):
        headers = {"x-api-key": key, "accept": "application/json"}
        for method, address, sent in _grants(str(olga.id), str(kim.id)):
            answer = browser.request(method, address, headers=headers, follow_redirects=False, **sent)  # type: ignore[arg-type]
            was_refused = answer.status_code == 403 or "more permissions than you" in answer.text
            assert was_refused == refused, (method, address, answer.status_code, answer.text[:300])
            assert answer.status_code < 500, (method, address)

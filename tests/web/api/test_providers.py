"""Sign-in providers over the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contexts.downloads.conftest import House
from tests.fakes.issuer import Issuer
from tests.web.api.conftest import Asker

NEW: dict[str, Any] = {
    "name": "Pocket ID",
    "issuer": "https://login.example.org",
    "client_id": "mydia",
    "secret": "swordfish",
    "role_groups": {"admin": ["admins"], "user": ["family", "friends"]},
    "default_role": None,
}


def test_a_provider_is_added_changed_and_removed_and_its_secret_is_never_shown(admin: Asker) -> None:
    made = admin.post("/sign-in-providers", NEW)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["has_secret"], told["default_role"]) == ("Pocket ID", True, None)
    assert told["role_groups"] == {"admin": ["admins"], "user": ["family", "friends"], "readonly": [], "guest": []}
    assert told["callback_path"] == "/auth/oidc/callback"
    path = f"/sign-in-providers/{told['id']}"
    changed = admin.put(path, NEW | {"secret": "", "scopes": ["openid", "groups"], "enabled": False}).json()
    assert (changed["has_secret"], changed["scopes"], changed["enabled"]) == (True, ["openid", "groups"], False)
    assert [one["id"] for one in admin.get("/sign-in-providers").json()] == [told["id"]]
    assert "swordfish" not in admin.get("/sign-in-providers").text + admin.get(path).text + admin.get("/audit").text
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": None},
        {"name": " "},
        {"client_id": ""},
        {"issuer": "login"},
        {"default_role": "king"},
        {"scopes": ["a b"]},
    ],
)
def test_a_wrong_provider_is_refused(admin: Asker, wrong: dict[str, Any]) -> None:
    assert admin.post("/sign-in-providers", NEW | wrong).status_code in {400, 422}
    assert admin.get("/sign-in-providers").json() == []


def test_two_providers_cannot_have_one_name(admin: Asker) -> None:
    admin.post("/sign-in-providers", NEW)
    assert admin.post("/sign-in-providers", NEW).status_code == 409


def test_a_test_shows_the_endpoints_that_the_provider_names(admin: Asker, house: House) -> None:
    with Issuer() as issuer:
        made = admin.post("/sign-in-providers", NEW | {"issuer": issuer.url}).json()
        told = admin.post(f"/sign-in-providers/{made['id']}/test")
        assert told.status_code == 200, told.text
        assert issuer.url in " ".join(told.json()["endpoints"].values())
        assert told.json()["keys"] >= 1


def test_the_last_way_to_sign_in_is_not_removed(admin: Asker) -> None:
    made = admin.post("/sign-in-providers", NEW).json()
    refused = admin.put("/config", {"auth.local_enabled": False})
    assert refused.status_code in {400, 409, 422}
    assert admin.delete(f"/sign-in-providers/{made['id']}").status_code == 204

"""Quality profiles, size limits and naming templates over the API."""

from __future__ import annotations

import pytest

from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def test_a_profile_is_added_changed_copied_and_removed(admin: Asker) -> None:
    items = [{"quality": "Bluray-1080p", "allowed": True}, {"quality": "WEBDL-1080p", "allowed": True}]
    made = admin.post("/quality-profiles", {"name": "Good", "items": items, "maximum_size_mb": 20_000})
    assert made.status_code == 201, made.text
    profile_id = made.json()["id"]
    changed = admin.put(f"/quality-profiles/{profile_id}", {"upgrades_allowed": False})
    assert changed.status_code == 200, changed.text
    told = changed.json()
    assert (told["name"], told["upgrades_allowed"], told["maximum_size_mb"]) == ("Good", False, 20_000)
    assert told["items"] == made.json()["items"]
    copy = admin.post(f"/quality-profiles/{profile_id}/duplicate").json()
    assert copy["name"] != "Good"
    for one in (copy["id"], profile_id):
        assert admin.delete(f"/quality-profiles/{one}").status_code == 204
    assert admin.get(f"/quality-profiles/{profile_id}").status_code == 404
    taken = admin.post("/quality-profiles", {"name": "Any", "items": items})
    assert (taken.status_code, list(taken.json()["errors"])) == (409, ["name"])


def test_size_limits_change_one_value_and_keep_the_others(admin: Asker) -> None:
    before = {one["quality"]: one for one in admin.get("/quality-sizes", type="movie").json()}
    answer = admin("PUT", "/quality-sizes", params={"type": "movie"}, json=[{"quality": "Bluray-1080p", "minimum": 7}])
    assert answer.status_code == 200, answer.text
    after = {one["quality"]: one for one in answer.json()}
    assert after["Bluray-1080p"] == before["Bluray-1080p"] | {"minimum": 7}
    wrong = [{"quality": "Bluray-1080p", "minimum": 9}, {"quality": "Bluray-720p", "minimum": 50, "maximum": 1}]
    assert admin("PUT", "/quality-sizes", params={"type": "movie"}, json=wrong).status_code == 409
    assert {one["quality"]: one for one in admin.get("/quality-sizes", type="movie").json()} == after


def test_naming_templates_are_previewed_and_changed(admin: Asker) -> None:
    before = admin.get("/naming").json()
    new = {"movie_file": "{title} ({year})"}
    preview = admin.post("/naming/preview", new)
    assert preview.status_code == 200, preview.text
    assert any("(" in one["path"] for one in preview.json())
    assert admin.get("/naming").json() == before
    assert admin.put("/naming", new).json() == before | new
    assert admin.put("/naming", {"movie_file": "{nonsense}"}).status_code == 422


def test_a_put_keeps_values_that_it_leaves_out(admin: Asker) -> None:
    client = admin.get("/download-clients").json()[0]
    changed = admin.put(f"/download-clients/{client['id']}", {"priority": 7})
    assert changed.status_code == 200, changed.text
    assert changed.json() | {"priority": client["priority"], "options": {}} == client
    assert changed.json()["options"]["verify_certificate"] is True
    folder = admin.get("/library/paths").json()[0]
    changed = admin.put(f"/library/paths/{folder['id']}", {"monitored": not folder["monitored"]})
    assert changed.status_code == 200, changed.text
    assert changed.json() == folder | {"monitored": not folder["monitored"]}
    indexer = admin.get("/indexers").json()[0]
    changed = admin.put(f"/indexers/{indexer['id']}", {"automatic_search": False})
    assert changed.status_code == 200, changed.text
    assert changed.json() == indexer | {"automatic_search": False, "options": changed.json()["options"]}


def test_a_client_without_the_option_checks_certificates(admin: Asker) -> None:
    body = {"name": "Second", "kind": "transmission", "url": "https://client.test:9091"}
    assert admin.post("/download-clients", body).json()["options"]["verify_certificate"] is True
    off = {**body, "name": "Third", "options": {"verify_certificate": False}}
    assert admin.post("/download-clients", off).json()["options"]["verify_certificate"] is False


@pytest.mark.parametrize("name", ["ẞ", "Ǆ", "Éclair", "İ", "ﬃ"])
def test_a_name_in_other_letters_is_the_same_profile_in_any_case(admin: Asker, name: str) -> None:
    items = [{"allowed": True, "quality": "Bluray-1080p"}]
    assert admin.post("/quality-profiles", {"name": name, "items": items}).status_code == 201
    for again in (name, name.lower(), name.casefold()):
        assert admin.post("/quality-profiles", {"name": again, "items": items}).status_code == 409, again


@pytest.mark.parametrize("name", ["ẞ", "Ǆ", "Éclair", "İ", "ﬃ"])
def test_a_tag_in_other_letters_is_the_same_tag_in_any_case(admin: Asker, house: House, name: str) -> None:
    for again in (name, name, name.lower(), name.casefold()):
        assert admin.put(f"/media/{house.film_id}/tags", {"add": [again]}).json() == [name]

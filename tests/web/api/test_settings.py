"""Settings with their sources, profiles, folders, clients, indexers."""

from __future__ import annotations

from pathlib import Path

from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def test_every_setting_has_its_source_and_secrets_have_no_value(admin: Asker, house: House) -> None:
    told = {one["key"]: one for one in admin.get("/config").json()}
    assert told["data.directory"]["layer"] == "environment"
    assert not told["data.directory"]["editable"]
    assert told["server.secret_key_base"]["value"] is True
    assert house.config.secret_key().hex() not in admin.get("/config").text


def test_a_setting_is_changed_unless_the_environment_sets_it(admin: Asker) -> None:
    told = {one["key"]: one for one in admin.put("/config", {"metadata.language": "de-DE"}).json()}
    assert (told["metadata.language"]["value"], told["metadata.language"]["layer"]) == ("de-DE", "database")
    refused = admin.put("/config", {"data.directory": "/elsewhere", "metadata.language": "fr-FR"})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["data.directory"])
    after = {one["key"]: one["value"] for one in admin.get("/config").json()}
    assert after["metadata.language"] == "de-DE"


def test_profiles_are_listed(admin: Asker) -> None:
    profiles = admin.get("/quality-profiles").json()
    assert "Any" in [one["name"] for one in profiles]
    assert admin.get(f"/quality-profiles/{profiles[0]['id']}").json() == profiles[0]
    assert admin.get("/quality-profiles/none").status_code == 404


def test_a_library_folder_is_added_changed_and_removed(admin: Asker, tmp_path: Path) -> None:
    folder = tmp_path / "anime"
    missing = admin.post("/library/paths", {"path": str(folder), "type": "series"})
    assert (missing.status_code, list(missing.json()["errors"])) == (409, ["path"])
    folder.mkdir()
    made = admin.post("/library/paths", {"path": str(folder), "type": "series"})
    assert made.status_code == 201, made.text
    path_id = made.json()["id"]
    changed = admin.put(f"/library/paths/{path_id}", {"path": str(folder), "type": "series", "name": "Anime"})
    assert changed.json()["name"] == "Anime"
    assert {one["name"] for one in admin.get("/library/paths").json()} == {"Films", "Series", "Anime"}
    assert admin.delete(f"/library/paths/{path_id}").status_code == 204


def test_a_client_is_added_tested_and_removed(admin: Asker, house: House) -> None:
    body = {"name": "Second", "kind": "transmission", "url": "http://client.test:9091", "secret": "hidden word"}
    made = admin.post("/download-clients", body)
    assert made.status_code == 201, made.text
    assert "hidden word" not in made.text
    client_id = made.json()["id"]
    assert admin.put(f"/download-clients/{client_id}", body | {"enabled": False}).json()["enabled"] is False
    assert admin.post("/download-clients/client-1/test").json()["version"] == "1.0"
    states = {one["id"]: one["state"] for one in admin.get("/download-clients").json()}
    assert states == {"client-1": "ok", client_id: None}
    house.client.go_away()
    assert admin.post("/download-clients/client-1/test").status_code == 503
    states = {one["id"]: one["state"] for one in admin.get("/download-clients").json()}
    assert states == {"client-1": "failing", client_id: None}
    assert admin.delete(f"/download-clients/{client_id}").status_code == 204
    assert [one["name"] for one in admin.get("/download-clients").json()] == ["qBittorrent"]
    assert list(admin.post("/download-clients", body | {"kind": "carrier pigeon"}).json()["errors"]) == ["kind"]


def test_an_indexer_is_added_tested_and_removed(admin: Asker) -> None:
    body = {"name": "Another", "kind": "torznab", "url": "http://indexer.test/api", "secret": "hidden word"}
    made = admin.post("/indexers", body)
    assert made.status_code == 201, made.text
    assert "hidden word" not in made.text
    indexer_id = made.json()["id"]
    assert admin.put(f"/indexers/{indexer_id}", body | {"priority": 3}).json()["priority"] == 3
    assert "Movies" in admin.post("/indexers/indexer-1/test").json()["notes"]
    assert admin.delete(f"/indexers/{indexer_id}").status_code == 204
    assert [one["name"] for one in admin.get("/indexers").json()] == ["Public"]

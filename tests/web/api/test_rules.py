"""Delay and release profiles over the API."""

from __future__ import annotations

from tests.web.api.conftest import Asker


def test_delay_profiles_are_added_ordered_changed_and_removed(admin: Asker) -> None:
    (default,) = admin.get("/delay-profiles").json()
    assert (default["id"], default["torrent_delay_min"], default["tags"]) == ("default", 0, [])
    first = admin.post("/delay-profiles", {"name": "Anime", "tags": ["anime"], "torrent_delay_min": 60}).json()
    second = admin.post("/delay-profiles", {"name": "Kids", "tags": ["kids"]}).json()
    ordered = admin.put("/delay-profiles/order", {"ids": [second["id"], first["id"]]}).json()
    assert [one["name"] for one in ordered] == ["Kids", "Anime", "Default"]
    changed = admin.put(f"/delay-profiles/{first['id']}", {"usenet_delay_min": 5}).json()
    assert (changed["torrent_delay_min"], changed["usenet_delay_min"], changed["tags"]) == (60, 5, ["anime"])
    assert admin.put("/delay-profiles/default", {"torrent_delay_min": 15}).json()["torrent_delay_min"] == 15
    assert admin.put("/delay-profiles/default", {"tags": ["x"]}).status_code == 409
    assert admin.delete("/delay-profiles/default").status_code == 409
    assert admin.delete(f"/delay-profiles/{first['id']}").status_code == 204
    assert admin.get(f"/delay-profiles/{first['id']}").status_code == 404


def test_release_profiles_are_added_changed_and_removed(admin: Asker) -> None:
    made = admin.post(
        "/release-profiles",
        {"name": "German", "required": ["german"], "preferred": [{"term": "x265", "score": 5}], "tags": ["de"]},
    )
    assert made.status_code == 201, made.text
    profile_id = made.json()["id"]
    changed = admin.put(f"/release-profiles/{profile_id}", {"ignored": ["/cam/"], "air_date_grace_days": 1}).json()
    assert (changed["required"], changed["ignored"], changed["tags"]) == (["german"], ["/cam/"], ["de"])
    assert changed["preferred"] == [{"term": "x265", "score": 5}]
    wrong = admin.put(f"/release-profiles/{profile_id}", {"required": ["/(/"]})
    assert wrong.status_code == 409
    assert "required" in wrong.json()["errors"]
    assert admin.post("/release-profiles", {"name": "Empty"}).status_code == 409
    assert [one["name"] for one in admin.get("/release-profiles").json()] == ["German"]
    assert admin.delete(f"/release-profiles/{profile_id}").status_code == 204
    assert admin.get("/release-profiles").json() == []


def test_nothing_waits_in_a_new_installation(admin: Asker) -> None:
    assert admin.get("/pending-releases").json() == []
    assert admin.delete("/pending-releases/nobody").status_code == 404


def test_a_changed_profile_is_tried_and_stays_as_it_is(admin: Asker) -> None:
    before = admin.get("/quality-profiles").json()[0]
    started = admin.post(f"/quality-profiles/{before['id']}/trials", {"minimum_format_score": 10})
    assert started.status_code == 201, started.text
    assert started.json()["state"] == "running"
    trial = admin.get(f"/profile-trials/{started.json()['id']}").json()
    assert (trial["profile_id"], trial["grabbed"]) == (before["id"], {"before": 0, "after": 0})
    assert admin.get("/quality-profiles").json()[0] == before
    assert admin.post(f"/quality-profiles/{before['id']}/trials", {"cutoff": "VHS"}).status_code == 409

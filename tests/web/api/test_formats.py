"""Custom formats and guides over the API."""

from __future__ import annotations

import pytest

from tests.contexts.settings.formats.test_guides import guide
from tests.web.api.conftest import Asker

CONDITION = {"kind": "release_title", "name": "Amazon", "value": r"\bAMZN\b"}


def test_a_format_is_added_changed_exported_and_removed(admin: Asker) -> None:
    made = admin.post("/custom-formats", {"name": "AMZN", "conditions": [CONDITION]})
    assert made.status_code == 201, made.text
    format_id = made.json()["id"]
    size = {"kind": "size", "name": "Small", "minimum": 0, "maximum": 10, "required": True}
    changed = admin.put(f"/custom-formats/{format_id}", {"conditions": [CONDITION, size]})
    assert changed.status_code == 200, changed.text
    assert [one["kind"] for one in changed.json()["conditions"]] == ["release_title", "size"]
    exported = admin.get(f"/custom-formats/{format_id}/export", app="sonarr").json()
    assert exported["specifications"][1]["fields"] == {"min": 0, "max": 10}
    copy = admin.post(f"/custom-formats/{format_id}/duplicate").json()
    assert copy["name"] == "AMZN (copy)"
    assert [one["name"] for one in admin.get("/custom-formats").json()] == ["AMZN", "AMZN (copy)"]
    assert admin.delete(f"/custom-formats/{copy['id']}").status_code == 204
    assert admin.get(f"/custom-formats/{copy['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "conditions": [{**CONDITION, "value": "("}]}, "conditions.0.value"),
        ({"name": "x", "conditions": [{"kind": "source", "name": "s", "value": "vhs"}]}, "conditions.0.value"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(admin: Asker, body, field) -> None:
    answer = admin.post("/custom-formats", body)
    assert answer.status_code == 409, answer.text
    assert field in answer.json()["errors"]


def test_names_are_tried(admin: Asker) -> None:
    format_id = admin.post("/custom-formats", {"name": "AMZN", "conditions": [CONDITION]}).json()["id"]
    profile = admin.get("/quality-profiles").json()[0]
    scored = admin.put(f"/quality-profiles/{profile['id']}", {"scores": {format_id: 40}, "language": "original"})
    assert scored.status_code == 200, scored.text
    assert scored.json()["scores"] == {format_id: 40}
    body = {"names": ["Film.2019.1080p.AMZN.WEB-DL.x264-GRP"], "original_language": "en"}
    tried = admin.post("/custom-formats/test", body).json()[0]
    assert [(one["name"], one["conditions"]) for one in tried["formats"]] == [("AMZN", ["Amazon"])]
    verdict = next(one for one in tried["verdicts"] if one["profile_id"] == profile["id"])
    assert verdict["score"] == 40
    exported = admin.get(f"/quality-profiles/{profile['id']}/export").json()
    assert exported["formatItems"] == {"AMZN": format_id}


def test_a_guide_is_read_previewed_and_imported(admin: Asker) -> None:
    read = admin.post("/guide-imports", {"files": guide()})
    assert read.status_code == 201, read.text
    told = read.json()
    assert (told["problems"], len(told["parts"])) == ({}, len(guide()))
    choice = {"profiles": ["radarr:quality_profile:p1"]}
    steps = admin.post(f"/guide-imports/{told['id']}/preview", choice).json()["steps"]
    assert {(one["name"], one["action"]) for one in steps} == {("AMZN", "new"), ("Bad", "new"), ("HD", "new")}
    assert admin.get("/custom-formats").json() == []
    assert admin.post(f"/guide-imports/{told['id']}/apply", choice).status_code == 200
    assert [one["apps"] for one in admin.get("/custom-formats").json()] == [["radarr"], ["radarr"]]
    assert any(path.endswith("quality-profiles/hd-p1.json") for path in admin.get("/custom-formats/export").json())
    assert admin.post(f"/guide-imports/{told['id']}/apply", choice).status_code == 404
    assert admin.post("/guide-imports", {"files": {"a.json": 1}}).status_code == 409

"""The audit over the API."""

from __future__ import annotations

import csv
import io

from mydia import clock, events
from mydia.contexts.users import SYSTEM
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def _emit(house: House, *happened: events.Event) -> None:
    with house.database.writes() as session:
        for event in happened:
            events.emit(session, SYSTEM, event, at=clock.now())


def test_the_audit_is_listed_in_pages_with_old_and_new_values(admin: Asker, house: House) -> None:
    _emit(house, *(events.UserChanged(f"id-{n}", f"kim-{n}", {"role": ["guest", "user"]}) for n in range(5)))
    seen = []
    cursor = None
    while True:
        found = admin.get("/audit", kind="people", q="kim-", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += found["items"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert [one["subject"] for one in seen] == [f"kim-{n}" for n in reversed(range(5))]
    assert seen[0]["changes"] == [{"field": "role", "old": "guest", "new": "user"}]
    assert admin.get(f"/audit/{seen[0]['id']}").json() == seen[0]


def test_filters_of_the_api_narrow_the_audit(admin: Asker, house: House) -> None:
    _emit(house, events.UserAdded("kim-id", "kim", "guest"), events.BackupMade("mydia-1.db", 10))
    assert [one["subject"] for one in admin.get("/audit", person="kim-id").json()["items"]] == ["kim"]
    about = admin.get("/audit", subject_kind="backup", subject_id="mydia-1.db").json()["items"]
    assert [one["title"] for one in about] == ["Backup made"]
    assert admin.get("/audit", by_system=True, kind="backups").json()["items"] == about
    assert admin.get("/audit", until="2020-01-01").json()["items"] == []
    assert admin.get("/audit", kind="nothing").status_code == 400
    assert admin.get("/audit", cursor=0).status_code == 400


def test_the_export_of_the_api_is_a_file_and_is_recorded(admin: Asker, house: House) -> None:
    _emit(house, events.UserAdded("kim-id", "kim", "guest"))
    answer = admin.get("/audit/export", format="csv", person="kim-id")
    assert [row["subject"] for row in csv.DictReader(io.StringIO(answer.text))] == ["kim"]
    assert admin.get("/audit/export", format="json", person="kim-id").json()[0]["type"] == "UserAdded"
    exported = admin.get("/audit", subject_kind="audit").json()["items"]
    assert [one["text"] for one in exported] == ["JSON", "CSV"]
    assert exported[0]["details"] == ["person: kim-id"]


def test_using_a_key_is_in_the_audit_with_its_name(admin: Asker) -> None:
    admin.get("/me")
    used = admin.get("/audit", kind="keys", q="used").json()["items"]
    assert len(used) == 1
    assert used[0]["actor"] == "api_key"
    assert used[0]["address"]


def test_the_retention_of_the_audit_is_a_setting(admin: Asker) -> None:
    assert admin.put("/config", {"events.audit_retention_days": 400}).status_code == 200
    assert admin.put("/config", {"events.audit_retention_days": 5}).status_code in {400, 422}

"""The recycle bin, undo, backups and logs over the API."""

from __future__ import annotations

import json
from pathlib import Path

from litestar.testing import TestClient

from mydia import clock
from mydia.contexts import media, settings
from mydia.contexts.users import SYSTEM
from mydia.db import maintenance
from mydia.web.app import WebApp
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def _film(house: House) -> tuple[str, Path]:
    """Put a film's file into the library; return its id and where it is."""
    path = builders.on_disk(house.films, "Metropolis (1927)/Metropolis.mkv")
    with house.database.writes() as session:
        folder, item = (
            settings.library_paths.get_library_path(session, SYSTEM, "films"),
            media.get_item(session, SYSTEM, house.film_id),
        )
        row = builders.media_file(session, folder, "Metropolis (1927)/Metropolis.mkv", item=item)
    return row.id, path


def test_the_removal_of_a_file_is_undone_by_its_undo_id(admin: Asker, house: House) -> None:
    file_id, path = _film(house)
    removed = admin.delete(f"/files/{file_id}").json()
    assert not path.exists()
    undone = admin.post(f"/undo/{removed['undo_id']}")
    assert (undone.status_code, undone.json()) == (200, {"problems": []})
    assert path.exists()


def test_a_file_is_restored_from_the_recycle_bin_or_deleted_permanently(admin: Asker, house: House) -> None:
    file_id, path = _film(house)
    admin.delete(f"/files/{file_id}")
    (kept,) = admin.get("/recycle-bin").json()["items"]
    assert kept["path"].endswith(path.name)
    restored = admin.post(f"/recycle-bin/{kept['id']}/restore")
    assert (restored.status_code, restored.json()) == (200, {"path": str(path)})
    assert path.exists()
    (again, *_) = admin.get("/files").json()["items"]
    admin.delete(f"/files/{again['id']}")
    (kept,) = admin.get("/recycle-bin").json()["items"]
    assert admin.delete(f"/recycle-bin/{kept['id']}").status_code == 204
    assert admin.get("/recycle-bin").json()["items"] == []
    assert admin.delete(f"/recycle-bin/{kept['id']}").status_code == 404
    assert admin.post(f"/recycle-bin/{kept['id']}/restore").status_code == 404


def test_a_downloaded_backup_is_uploaded_again(admin: Asker, house: House) -> None:
    made = maintenance.back_up(house.database, house.config.backups_directory, clock.now())
    assert made is not None
    content = made.path.read_bytes()
    made.path.unlink()
    sent = admin.post("/backups/uploads", content=content, headers={"content-type": "application/vnd.sqlite3"})
    assert sent.status_code == 201, sent.text
    assert (sent.json()["uploaded"], sent.json()["size_bytes"]) == (True, len(content))
    assert admin.get(f"/backups/{sent.json()['name']}").content == content
    refused = admin.post("/backups/uploads", content=b"no database", headers={"content-type": "text/plain"})
    assert refused.status_code == 422
    assert "not an SQLite database" in refused.json()["detail"]
    assert len(admin.get("/backups").json()) == 1


def test_backups_are_listed_requested_and_downloaded(admin: Asker, house: House) -> None:
    assert admin.post("/backups").status_code == 202
    made = maintenance.back_up(house.database, house.config.backups_directory, clock.now())
    assert made is not None
    (listed,) = admin.get("/backups").json()
    assert listed["name"] == made.path.name
    assert admin.get(f"/backups/{listed['name']}").content == made.path.read_bytes()
    assert admin.get("/backups/mydia.db").status_code == 404
    assert admin.delete("/backups/mydia.db").status_code == 404
    assert admin.delete(f"/backups/{listed['name']}").status_code == 204
    assert not made.path.exists()


def test_a_key_that_may_not_manage_accounts_cannot_take_them_from_a_backup_or_replace_them(
    admin: Asker, http: TestClient[WebApp], house: House
) -> None:
    made = maintenance.back_up(house.database, house.config.backups_directory, clock.now())
    assert made is not None
    key = admin.post("/api-keys", {"name": "upkeep", "scopes": ["manage_settings"]}).json()["key"]
    upkeep = Asker(http, key)
    assert [one["name"] for one in upkeep.get("/backups").json()] == [made.path.name]
    assert upkeep.delete(f"/backups/{made.path.name}").status_code == 403
    assert upkeep.post("/backups").status_code == 202
    address = f"/backups/{made.path.name}"
    assert upkeep.get(address).status_code == 403
    assert upkeep.post(f"{address}/restore", {"confirm": "restore"}).status_code == 403
    uploaded = upkeep.post("/backups/uploads", content=b"x", headers={"content-type": "application/vnd.sqlite3"})
    assert uploaded.status_code == 403


def test_logs_are_filtered_and_downloaded(admin: Asker, house: House) -> None:
    house.config.log_directory.mkdir(parents=True, exist_ok=True)
    lines = [
        {"at": "2026-11-30T12:00:00+00:00", "level": level, "logger": "mydia", "message": f"a {level} line", "n": 1}
        for level in ("info", "warning")
    ]
    (house.config.log_directory / "web.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (line,) = admin.get("/logs", level="warning").json()
    assert (line["message"], line["fields"]) == ("a warning line", {"n": "1"})
    assert len(admin.get("/logs").json()) == 2
    assert "a warning line" in admin.get("/logs/web").text
    assert admin.get("/logs/passwd").status_code == 404

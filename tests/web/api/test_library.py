"""Scans, files and the import review."""

from __future__ import annotations

from typing import Any

from mydia.contexts import library, media, settings
from mydia.contexts.users import SYSTEM
from mydia.web.deps import WebDeps
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def test_a_scan_is_requested_and_followed(admin: Asker, house: House) -> None:
    assert admin.post("/library/scan").status_code == 202
    assert admin.post("/library/scan", {"path_id": "films"}).status_code == 202
    assert [one["library_path_id"] for one in house.events("ScanRequested")] == [None, "films"]
    assert admin.post("/library/scan", {"path_id": "nowhere"}).status_code == 404
    assert admin.get("/library/scan-status").json() == []
    builders.on_disk(house.films, "Metropolis (1927)/Metropolis.1927.1080p.BluRay.mkv")
    library.scanning.run_scan(house.database, house.outside, lambda: house.now, "films")
    told: list[dict[str, Any]] = admin.get("/library/scan-status").json()
    assert [(one["path_id"], one["counts"]["new"]) for one in told] == [("films", 1)]
    assert admin.get("/library/scans", path_id="films").json()[0]["id"] == told[0]["id"]


def test_files_are_listed_read_and_removed(admin: Asker, house: House) -> None:
    path = builders.on_disk(house.films, "Metropolis (1927)/Metropolis.mkv")
    with house.database.writes() as session:
        row = builders.media_file(
            session,
            settings.library_paths.get_library_path(session, SYSTEM, "films"),
            "Metropolis (1927)/Metropolis.mkv",
            item=media.get_item(session, SYSTEM, house.film_id),
            video_codec="h265",
            bit_depth=10,
        )
    listed = admin.get("/files", match_state="matched").json()["items"]
    assert [(one["path"], one["quality"]) for one in listed] == [(str(path), "Bluray-1080p")]
    told = admin.get(f"/files/{row.id}").json()
    assert told["badges"] == ["1080p", "Blu-ray", "H.265 10-bit"]
    assert [one["id"] for one in admin.get(f"/media/{house.film_id}/files").json()] == [row.id]
    assert admin.get("/files/none").status_code == 404
    removed = admin.delete(f"/files/{row.id}")
    assert (removed.status_code, removed.json()["files"]) == (200, 1)
    assert not path.exists()


def test_a_review_entry_is_matched_ignored_and_reopened(admin: Asker, house: House) -> None:
    builders.on_disk(house.films, "M (1931)/M.1931.1080p.mkv")
    with house.database.writes() as session:
        entries = [
            library.InboxEntry(
                library_path_id="films",
                folder=folder,
                group_key=folder,
                type="movie",
                title=title,
                year=year,
                state="needs_attention",
                parsed={"files": []},
                candidates=[
                    {
                        "type": "movie",
                        "title": "M",
                        "year": 1931,
                        "tmdb_id": 832,
                        "score": 0.8,
                        "evidence": [{"verdict": "yes", "text": "The year fits"}],
                    }
                ],
                created_at=house.now,
                updated_at=house.now,
            )
            for folder, title, year in (("M (1931)", "M", 1931), ("Other", "Other", None))
        ]
        session.add_all(entries)
        session.flush()
        row = builders.media_file(
            session, settings.library_paths.get_library_path(session, SYSTEM, "films"), "M (1931)/M.1931.1080p.mkv"
        )
        row.inbox_id, row.match_state = entries[0].id, "waiting"
        first, second = (entry.id for entry in entries)
    page = admin.get("/inbox").json()["items"]
    assert [one["candidates"][0]["evidence"][0]["text"] for one in page] == ["The year fits", "The year fits"]
    assert admin.get(f"/inbox/{first}").json()["paths"] == ["M (1931)/M.1931.1080p.mkv"]
    assert admin.post(f"/inbox/{first}/decide", {}).status_code == 422
    settled = admin.post(f"/inbox/{first}/decide", {"candidate": 0})
    assert settled.status_code == 200, settled.text
    assert (settled.json()["files"], settled.json()["added"]) == (1, True)
    assert admin.get(f"/media/{settled.json()['media_id']}").json()["title"] == "M"
    assert admin.post(f"/inbox/{first}/decide", {"candidate": 0}).status_code == 409
    assert admin.post(f"/inbox/{second}/ignore").status_code == 204
    assert admin.get("/inbox").json()["items"] == []
    assert admin.post(f"/inbox/{second}/reopen").status_code == 204
    assert [one["id"] for one in admin.get("/inbox").json()["items"]] == [second]
    assert admin.post("/inbox/none/ignore").status_code == 404


def test_a_folder_is_ignored_over_the_api(admin: Asker, house: House) -> None:
    with house.database.writes() as session:
        path = settings.library_paths.get_library_path(session, SYSTEM, "films")
        builders.media_file(session, path, "clips/one.mkv", match_state="waiting")
    made = admin.post("/ignored-folders", {"path_id": "films", "folder": "clips"})
    assert (made.status_code, made.json()["files"]) == (201, 1)
    assert admin.post("/ignored-folders", {"path_id": "films", "folder": "clips"}).status_code == 409
    assert [one["folder"] for one in admin.get("/ignored-folders").json()] == ["clips"]
    assert admin.delete(f"/ignored-folders/{made.json()['id']}").status_code == 204
    assert admin.get("/ignored-folders").json() == []
    assert [file["match_state"] for file in admin.get("/files").json()["items"] if "clips" in file["path"]] == ["new"]


def test_several_entries_are_matched_to_a_title_over_the_api(admin: Asker, house: House) -> None:
    assert admin.post("/inbox/match", {"ids": [], "media_id": house.film_id}).status_code == 400
    assert admin.post("/inbox/match", {"ids": ["none"]}).status_code == 400
    assert admin.post("/inbox/match", {"ids": ["none"], "media_id": house.film_id}).json() == {
        "matched": 0,
        "failures": [],
    }


def test_a_folder_is_imported_by_hand_over_the_api(admin: Asker, house: House, deps: WebDeps) -> None:
    path = builders.on_disk(house.films.parent / "in", "Metropolis.1927.1080p.BluRay-GRP.mkv")
    (listed,) = admin.get("/manual-import", folder=str(path.parent)).json()
    assert (listed["media_id"], listed["quality"], listed["release_group"]) == (house.film_id, "Bluray-1080p", "GRP")
    chosen = {"media_id": house.film_id, "path": listed["path"], "quality": "WEBDL-1080p", "languages": ["de"]}
    assert admin.post("/manual-import", {"files": [chosen], "mode": "copy"}).status_code == 202
    (ask,) = deps.taskboard.asks()
    assert ask.job == "library.manual_import"
    # The history then names the owner of the key.
    assert ask.params["requested_by"] == admin.get("/me").json()["id"]
    (choice,) = library.manual.choices_from_json(ask.params["choices"])
    assert (choice.quality and choice.quality.name, choice.languages) == ("WEBDL-1080p", ("de",))
    assert admin.post("/manual-import", {"files": []}).status_code == 400
    assert admin.post("/manual-import", {"files": [chosen | {"quality": "Best"}]}).status_code == 400

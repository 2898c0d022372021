"""The import review, scans, renaming, wanted titles, and the system pages."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from copy import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mydia import clock, events
from mydia.adapters.errors import Unreachable
from mydia.contexts import library, media, settings
from mydia.contexts.users import SYSTEM
from mydia.db import maintenance, restoring
from mydia.jobs import library as library_jobs
from mydia.jobs import triggers
from mydia.jobs.broker import Deps
from mydia.taskboard import RunState
from mydia.vocabulary import MediaType
from mydia.web.pages.activity import decisions
from mydia.web.pages.system.tasks import said_cron
from tests.builders import media_file
from tests.web.pages.conftest import Browser, Server, csrf, words


def entry_of(server: Server, title: str) -> library.InboxEntry:
    with server.deps.database.reads() as session:
        return session.scalars(select(library.InboxEntry).where(library.InboxEntry.title == title)).one()


def happened(server: Server, kind: str) -> list[dict[str, Any]]:
    with server.deps.database.reads() as session:
        return [event.payload for event in events.feed(session, types=[kind])]


def test_an_entry_is_matched_with_a_candidate_and_the_next_one_opens(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    entry = entry_of(server, "Potemkin")
    answer = press(browser, f"/imports/{entry.id}/decide", candidate="1", next="/imports?bucket=check")
    assert json.loads(answer.headers["hx-location"])["path"] == "/imports?bucket=check"
    assert entry_of(server, "Potemkin").state == "done"
    with server.deps.database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, server.ids["Battleship Potemkin"])
    assert any("Potemkin 1925" in file.relative_path for file in files)


def test_an_entry_is_not_matched_without_a_choice(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    answer = press(browser, f"/imports/{entry_of(server, 'Potemkin').id}/decide")
    assert answer.status_code == 422
    assert "Choose a title first" in answer.headers["hx-trigger"]


def test_another_title_is_searched_for_and_chosen(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    entry = entry_of(server, "MWAMC")
    answer = press(browser, f"/imports/{entry.id}/search", q="Man with a Movie Camera", type="movie")
    assert "Man with a Movie Camera" in words(answer)
    press(browser, f"/imports/{entry.id}/decide", candidate="1")
    assert entry_of(server, "MWAMC").state == "done"


def test_the_review_says_when_the_metadata_source_does_not_answer(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    server.provider.trouble = Unreachable("The relay", "no answer")
    answer = press(browser, f"/imports/{entry_of(server, 'MWAMC').id}/search", q="Camera")
    assert answer.status_code == 200
    assert "Title search is unavailable" in words(answer)


def test_entries_are_ignored_and_reopened(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    entry = entry_of(server, "Potemkin")
    press(browser, "/imports/ignore", ids=entry.id)
    assert entry_of(server, "Potemkin").state == "ignored"
    press(browser, "/imports/reopen", htmx=False, ids=entry.id)
    assert entry_of(server, "Potemkin").state == "needs_attention"


def _check_list(browser: Browser) -> list[str]:
    return re.findall(r'name="ids" value="([\w-]+)"[^>]*data-select', browser.get("/imports?bucket=check").text)


def test_several_entries_are_confirmed_at_once_and_failures_are_named(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    ids = _check_list(browser)
    assert len(ids) == 3
    answer = press(browser, "/imports/ready", scope="ids", ids=",".join(ids[:2]), bucket="check")
    assert "2 entries imported" in answer.headers["hx-trigger"]
    assert _check_list(browser) == ids[2:]


def test_all_of_the_filter_but_one_is_ignored_and_can_be_reviewed_again(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    kept = entry_of(server, "Haxan").id
    answer = press(browser, "/imports/ignore", scope="filter", bucket="check", **{"except": kept})
    assert "2 entries ignored" in answer.headers["hx-trigger"]
    assert _check_list(browser) == [kept]
    press(browser, json.loads(answer.headers["hx-trigger"])["toast"]["action_href"])
    assert len(_check_list(browser)) == 3


def test_only_what_the_filter_shows_is_selected_by_all(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    page = browser.get("/imports?bucket=check&q=Kid").text
    assert "Select all 1 entry" in words(browser.get("/imports?bucket=check&q=Kid"))
    assert 'data-total="1"' in page
    press(browser, "/imports/ignore", scope="filter", bucket="check", q="Kid", **{"except": ""})
    assert (entry_of(server, "Kid, The").state, entry_of(server, "Haxan").state) == ("ignored", "needs_attention")


def test_confirm_is_not_offered_to_entries_without_a_match(reader: Browser) -> None:
    page = reader.get("/imports?bucket=none").text
    assert '"/imports/ready" hx-post' not in page.split('id="bulkbar"')[1]
    assert "Search for the right one below, or ignore the files." in words(reader.get("/imports?bucket=none"))
    assert re.search(r"<button[^>]* disabled[^>]*>\s*<span[^>]*>Confirm", page)


def test_selected_entries_are_matched_to_one_title(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    ids = ",".join(_check_list(browser)[:2])
    dialog = press(browser, "/imports/match", scope="ids", ids=ids, bucket="check")
    assert "Which title are these 2 entries?" in words(dialog)
    found = press(browser, "/imports/match", ids=ids, title="Metropolis", type="movie")
    assert "already in your library" in words(found)
    key = f"item {server.ids['Metropolis']}"
    assert f'name="key" value="{key}"' in found.text
    answer = press(browser, "/imports/match/confirm", ids=ids, key=key)
    assert "2 entries matched" in answer.headers["hx-trigger"]
    assert "dialog-close" in answer.headers["hx-trigger"]
    with server.deps.database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, server.ids["Metropolis"])
    assert {"Potemkin 1925 (restored).mkv", "Kid, The.avi"} <= {file.relative_path.rpartition("/")[2] for file in files}


def test_a_title_of_the_catalogue_is_added_for_selected_entries(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    entry = entry_of(server, "MWAMC")
    with server.deps.database.writes() as session:
        media.remove_row(session, SYSTEM, clock.now(), server.ids["Detour"], files_deleted=0)
    found = press(browser, "/imports/match", ids=entry.id, title="Detour", type="movie")
    assert 'name="key" value="movie tmdb:20367"' in found.text
    press(browser, "/imports/match/confirm", ids=entry.id, key="movie tmdb:20367")
    assert entry_of(server, "MWAMC").state == "done"
    assert press(browser, "/imports/match/confirm", ids=entry.id, key="").status_code == 422


def test_a_folder_is_ignored_and_listed_until_it_is_no_longer(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    entry = entry_of(server, "Potemkin")
    dialog = words(browser.get(f"/imports/{entry.id}/ignore-folder"))
    assert "_unsorted" in dialog
    assert "2 files waiting" in dialog
    answer = press(browser, f"/imports/{entry.id}/ignore-folder", folder="_unsorted")
    assert "2 files in" in answer.headers["hx-trigger"]
    assert entry_of(server, "Kid, The").state == "ignored"
    said = words(browser.get("/imports?bucket=ignored"))
    assert "Ignored folders 1" in said
    assert "_unsorted 2 files" in said
    stop = re.search(r'formaction="(/imports/folders/[^"]+/stop)"', browser.get("/imports?bucket=ignored").text)
    assert stop
    press(browser, stop[1], htmx=False)
    assert "Ignored folders" not in words(browser.get("/imports?bucket=ignored"))
    assert [told["subfolder"] for told in happened(server, "ScanRequested")] == ["_unsorted"]


def test_an_entry_that_somebody_else_decided_makes_room_for_the_next(browser: Browser) -> None:
    answer = browser.get("/imports?bucket=check&entry=gone", headers={"hx-request": "true", "hx-target": "main#main"})
    assert answer.status_code == 200
    assert "Which movie is it?" in words(answer)


def _mystery(server: Server, title: str, name: str, **facts: Any) -> library.InboxEntry:
    """A file of a series of the library whose name has no number, waiting in the review."""
    with server.deps.database.writes() as session:
        item = media.get_item(session, SYSTEM, server.ids[title])
        path = next(one for one in settings.library_paths.list_library_paths(session, SYSTEM) if one.type == "series")
        told = {"type": "tv_show", "title": item.title, "year": item.year, "score": 0.9, "evidence": [],
                "tmdb_id": item.tmdb_id, "media_item_id": item.id}  # fmt: skip
        entry = library.InboxEntry(
            library_path_id=path.id, folder=title, group_key=name, type="tv_show", title=title, state="needs_attention",
            candidates=[told], created_at=clock.now(), updated_at=clock.now(), reason_code="no_number", **facts,
        )  # fmt: skip
        session.add(entry)
        session.flush()
        file = media_file(session, path, f"{title}/{name}", match_state="waiting", inbox_id=entry.id)
        entry.parsed = {"files": [{"id": file.id, "path": file.relative_path, "season": None, "episodes": []}]}
        return entry


def test_the_episode_of_a_file_without_a_number_is_chosen(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    entry = _mystery(server, "The Cartographers", "mystery.mkv")
    page = browser.get(f"/imports?bucket=check&entry={entry.id}")
    assert "1 file without a readable episode" in words(page)
    field = re.search(r'name="(episodes-[^"]+)"', page.text)
    assert field
    listed = browser.get(f"/imports/{entry.id}/episodes?candidate=1", headers={"hx-request": "true"})
    assert '<option value="S01E01">' in listed.text

    refused = press(browser, f"/imports/{entry.id}/decide", candidate="1")
    assert refused.status_code == 422
    assert "Choose the episode" in refused.headers["hx-trigger"]
    refused = press(browser, f"/imports/{entry.id}/decide", candidate="1", **{field[1]: "S09E01"})
    assert "mystery.mkv: The Cartographers has no episode S09E01." in refused.headers["hx-trigger"]
    press(browser, f"/imports/{entry.id}/decide", candidate="1", **{field[1]: "S01E01-E02"})
    with server.deps.database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, server.ids["The Cartographers"])
        codes = library.inbox.episode_codes(session, SYSTEM, server.ids["The Cartographers"])
    held = next(file for file in files if file.relative_path.endswith("mystery.mkv"))
    assert sorted(codes[one] for one in held.episode_ids) == ["S01E01", "S01E02"]


def test_without_a_metadata_source_a_series_is_added_once_and_never_without_files(
    browser: Browser, server: Server, press: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.provider, "_available", False)
    entry = entry_of(server, "Dark Harbour")
    found = press(browser, f"/imports/{entry.id}/search", q="Dark Harbour", type="tv_show")
    assert "Dark Harbour" in words(found)
    with server.deps.database.reads() as session:
        files = library.inbox.files_of_entry(session, SYSTEM, entry.id)
    press(browser, f"/imports/{entry.id}/decide", candidate="1", **{f"episodes-{files[0].id}": "S02E07"})
    other = _mystery(server, "The Cartographers", "dark harbour finale.mkv")
    press(browser, f"/imports/{other.id}/search", q="Dark Harbour", type="tv_show")
    with server.deps.database.reads() as session:
        waiting = library.inbox.files_of_entry(session, SYSTEM, other.id)
    press(browser, f"/imports/{other.id}/decide", candidate="1", **{f"episodes-{waiting[0].id}": "S02E08"})
    with server.deps.database.reads() as session:
        (item,) = media.find_by_title(session, MediaType.TV_SHOW, "Dark Harbour")
        assert set(library.inbox.episode_codes(session, SYSTEM, item.id).values()) == {"S02E07", "S02E08"}
        assert len(library.files.files_of_item(session, SYSTEM, item.id)) == 2


def test_confident_matches_are_imported_with_one_click(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    answer = press(browser, "/imports/ready")
    assert "5 entries imported" in answer.headers["hx-trigger"]
    with server.deps.database.reads() as session:
        assert library.inbox.inbox_counts(session, SYSTEM).ready == 0


def test_many_ready_entries_are_imported_by_a_job(
    browser: Browser, server: Server, press: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "_AT_ONCE", 2)
    answer = press(browser, "/imports/ready")
    assert "Importing 5" in answer.headers["hx-trigger"]
    with server.deps.database.reads() as session:
        assert library.inbox.inbox_counts(session, SYSTEM).ready == 5
    (payload,) = happened(server, "InboxImportRequested")
    (trigger,) = triggers.ON_EVENT[events.InboxImportRequested]
    deps = server.deps
    run = library_jobs.import_ready(
        Deps(
            database=deps.database,
            outside=deps.outside,
            config=deps.config,
            enqueue=lambda *_, **__: "",
            board=deps.taskboard,
        ),
        **dict(trigger.params(events.InboxImportRequested(**payload))),
    )
    assert run == "5 imported"
    with deps.database.reads() as session:
        assert library.inbox.inbox_counts(session, SYSTEM).ready == 0


def test_a_scan_is_started_and_missing_files_are_accepted_only_after_confirmation(
    browser: Browser, press: Callable[..., Any], server: Server
) -> None:
    press(browser, "/library/scan", htmx=False, next="/movies")
    page = browser.get("/imports").text
    path_id = re.search(r'name="library_path_id" value="([\w-]+)"><input type="hidden" name="accept_missing"', page)
    assert path_id
    press(browser, "/library/scan", library_path_id=path_id[1], accept_missing="true")
    told = happened(server, "ScanRequested")
    assert [(one["library_path_id"], one["accept_missing"]) for one in told] == [(path_id[1], True), (None, False)]


def test_new_file_names_are_shown_before_renaming(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    item_id = server.ids["Charade"]
    with server.deps.database.reads() as session:
        file = library.files.files_of_item(session, SYSTEM, item_id)[0]
    path = Path(file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"film" * 1000)
    said = words(browser.get(f"/items/{item_id}/rename", headers={"hx-request": "true"}))
    assert "1 file to rename" in said
    assert path.name in said
    answer = press(browser, f"/items/{item_id}/rename", files=file.id)
    assert "1 file renamed" in answer.headers["hx-trigger"]
    assert not path.exists()
    assert "Every file is already named correctly" in words(browser.get(f"/items/{item_id}/rename"))
    press(browser, json.loads(answer.headers["hx-trigger"])["toast"]["action_href"])
    assert path.exists()
    assert "1 file to rename" in words(browser.get(f"/items/{item_id}/rename"))


def test_only_the_ticked_files_are_renamed(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    item_id = server.ids["The Cartographers"]
    with server.deps.database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, item_id, videos_only=True)
    for file in files:
        Path(file.path).parent.mkdir(parents=True, exist_ok=True)
        Path(file.path).write_bytes(b"episode" * 1000)
    first, second = files[:2]
    asked = press(browser, f"/items/{item_id}/files/ask-rename", scope="ids", ids=first.id)
    assert re.search(rf'name="files" value="{first.id}"[^>]* checked', asked.text)
    assert re.search(rf'name="files" value="{second.id}"(?![^>]* checked)', asked.text)
    refused = press(browser, f"/items/{item_id}/rename")
    assert refused.status_code == 422
    assert "Select at least one file." in words(refused)
    answer = press(browser, f"/items/{item_id}/rename", files=first.id)
    assert "1 file renamed" in answer.headers["hx-trigger"]
    assert not Path(first.path).exists()
    assert all(Path(file.path).exists() for file in files[1:])


def _file_on_disk(server: Server, title: str) -> library.files.FileView:
    with server.deps.database.reads() as session:
        file = library.files.files_of_item(session, SYSTEM, server.ids[title])[0]
    path = Path(file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"film" * 1000)
    return file


def test_a_file_is_moved_to_the_recycle_bin_and_restored(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    file, item_id = _file_on_disk(server, "Charade"), server.ids["Charade"]
    page, remove = f"/items/{item_id}/files/{file.id}/remove", f"/items/{item_id}/files/remove"
    assert page in browser.get(f"/movies/{item_id}").text
    assert "File re-analysed" in press(browser, f"/items/{item_id}/files/{file.id}/analyse").headers["hx-trigger"]
    assert "Move it to the recycle bin" in words(browser.get(page))
    answer = press(browser, remove, ids=file.id, how="recycle")
    assert "media-changed" in answer.headers["hx-trigger"]
    assert not Path(file.path).exists()
    assert "No files yet" in words(browser.get(f"/movies/{item_id}"))
    press(browser, json.loads(answer.headers["hx-trigger"])["toast"]["action_href"])
    assert Path(file.path).exists()
    assert file.id in browser.get(f"/movies/{item_id}").text


def test_a_deleted_file_cannot_be_restored(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    file, item_id = _file_on_disk(server, "Charade"), server.ids["Charade"]
    answer = press(browser, f"/items/{item_id}/files/remove", htmx=False, ids=file.id, how="delete")
    assert answer.headers["location"] == f"/items/{item_id}?tab=files"
    assert not Path(file.path).exists()
    page = browser.get(f"/movies/{item_id}")
    assert "1 file deleted" in words(page)
    assert f"/items/{item_id}/undo" not in page.text
    assert browser.get(f"/items/{item_id}/files/{file.id}/remove").status_code == 404
    assert press(browser, f"/items/{item_id}/undo").status_code == 422


def test_one_wanted_title_is_searched_and_another_unmonitored(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    press(browser, f"/wanted/{server.ids['Safety Last!']}/search")
    assert [told["media_item_id"] for told in happened(server, "SearchRequested")] == [server.ids["Safety Last!"]]
    press(browser, f"/wanted/{server.ids['Safety Last!']}/unmonitor")
    with server.deps.database.reads() as session:
        assert media.get_item(session, SYSTEM, server.ids["Safety Last!"]).state == "unmonitored"
    assert "Safety Last!" not in words(browser.get("/wanted"))


def test_everything_wanted_is_searched_by_the_worker(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    press(browser, "/wanted/search")
    assert [ask.job for ask in server.deps.taskboard.asks()] == ["downloads.search_wanted"]


def test_selected_episodes_are_unmonitored(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    page = browser.get("/wanted?kind=episodes").text
    first = re.findall(r'name="ids" value="([\w-]+:[\w-]+)"', page)[0]
    press(browser, "/wanted/bulk/unmonitor", ids=first)
    assert first not in browser.get("/wanted?kind=episodes").text


def run_of(server: Server, state: RunState) -> str:
    board = server.deps.taskboard
    return (board.running(SYSTEM) if state == RunState.RUNNING else board.recent(SYSTEM, states=(state,)))[0].id


def test_a_running_task_is_cancelled_and_a_failed_one_started_again(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    running, failed = run_of(server, RunState.RUNNING), run_of(server, RunState.FAILED)
    press(browser, f"/system/runs/{running}/cancel")
    assert server.deps.taskboard.get(SYSTEM, running).cancel_asked
    press(browser, f"/system/runs/{failed}/retry", htmx=False)
    assert [ask.job for ask in server.deps.taskboard.asks()] == ["library.empty_recycle_bin"]
    assert "Permission denied" in words(browser.get(f"/system/runs/{failed}"))


def test_a_scheduled_task_is_started_and_workers_are_paused(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    answer = press(browser, "/system/tasks/library.scan_all/run")
    assert "It starts when a worker is running." in answer.headers["hx-trigger"]
    assert [ask.cause for ask in server.deps.taskboard.asks()] == ["run now by Robin Baker"]
    press(browser, "/system/pause")
    assert server.deps.taskboard.paused()
    assert "Resume workers" in words(browser.get("/system/tasks"))


def test_logs_are_filtered_by_level_and_words(browser: Browser, server: Server) -> None:
    lines = [
        {"at": "2026-11-21T12:00:00+00:00", "level": "info", "logger": "mydia.web", "message": "release grabbed", "download_id": "abc"},
        {"at": "2026-11-21T12:00:01+00:00", "level": "warning", "logger": "mydia.jobs", "message": "scan refused"},
        {"at": "2026-11-21T12:00:02+00:00", "level": "error", "logger": "mydia.web", "message": "request failed", "error": "Traceback <b>"},
    ]  # fmt: skip
    path = server.deps.config.log_directory / "web.log"
    path.write_text("half a line\n" + "\n".join(map(json.dumps, lines)) + "\n")
    said = words(browser.get("/system/logs"))
    assert said.index("request failed") < said.index("scan refused") < said.index("release grabbed")
    said = words(browser.get("/system/logs?level=warning"))
    assert "release grabbed" not in said
    assert "download_id=abc" in words(browser.get("/system/logs?q=grabbed"))
    assert "<b>" not in browser.get("/system/logs").text.split('id="log-lines"')[1]
    assert browser.get("/system/logs?level=loud").status_code == 422
    assert browser.get("/system/logs/web/download").text.startswith("half a line")
    assert browser.get("/system/logs/mydia.db/download").status_code == 404


def test_backups_are_listed_made_and_downloaded(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    made = maintenance.back_up(server.deps.database, server.deps.config.backups_directory, clock.now())
    assert made is not None
    said = words(browser.get("/system/backups"))
    assert made.path.name in said
    assert f"mydia backup restore {made.path.name}" in said
    assert browser.get(f"/system/backups/{made.path.name}").content[:15] == b"SQLite format 3"
    assert browser.get("/system/backups/..%2Fmydia.db").status_code == 404
    press(browser, "/system/backups")
    assert [ask.job for ask in server.deps.taskboard.asks()] == ["upkeep.back_up"]


@pytest.mark.parametrize("path", ["/system/pause", "/system/backups", "/system/tasks/upkeep.back_up/run"])
def test_a_guest_cannot_control_the_server(guest_browser: Browser, press: Callable[..., Any], path: str) -> None:
    assert press(guest_browser, path).status_code == 403


@pytest.mark.parametrize(
    ("line", "said"),
    [(None, "off"), ("20 * * * *", "hourly"), ("0 2 * * *", "daily, 02:00"), ("0 0 1 * *", "0 0 1 * *")],
)
def test_schedules_are_shown_in_words(line: str | None, said: str) -> None:
    assert said_cron(line) == said


def test_a_restore_says_what_is_lost_asks_and_restarts(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    deps = server.deps
    made = maintenance.back_up(deps.database, deps.config.backups_directory, clock.now())
    assert made is not None
    with deps.database.writes() as session:
        media.remove_row(session, SYSTEM, clock.now(), server.ids["Detour"], files_deleted=0)
    page = f"/system/backups/{made.path.name}/restore"
    said = words(browser.get(page))
    assert "Everything that changed since" in said
    assert re.search(r"Titles (\d+) (\d+)", said)
    assert press(browser, page, confirm="yes").status_code == 422
    assert not restoring.is_pending(deps.database.path)
    refused = press(browser, page, confirm="restore")
    assert refused.status_code == 409
    assert "mydia backup restore" in refused.headers["hx-trigger"]
    restarts: list[bool] = []
    server.app.state.deps = replace(deps, restart=lambda: restarts.append(True))
    answer = press(browser, page, confirm="restore")
    assert json.loads(answer.headers["hx-location"])["path"] == "/system/restoring"
    assert restarts == [True]
    assert restoring.is_pending(deps.database.path)
    assert 'data-reconnect="/system/backups"' in browser.get("/system/restoring").text
    deps.database.close()
    restoring.carry_out(deps.database.path, deps.config.backups_directory, clock.now())
    assert f"{made.path.name} was restored" in words(browser.get("/system/backups"))
    assert "Before restore" in words(browser.get("/system/backups"))
    press(browser, "/system/backups/outcome", htmx=False)
    assert "was restored" not in words(browser.get("/system/backups"))


def test_a_backup_is_deleted_on_the_page(browser: Browser, server: Server, press: Callable[..., Any]) -> None:
    deps = server.deps
    first, second = (
        maintenance.back_up(deps.database, deps.config.backups_directory, clock.now() - timedelta(days=days))
        for days in (1, 2)
    )
    assert first is not None
    assert second is not None
    press(browser, f"/system/backups/{first.path.name}/remove")
    assert not first.path.exists()
    browser.get("/system/backups")  # shows the toast
    said = words(browser.get("/system/backups"))
    assert (first.path.name in said, second.path.name in said) == (False, True)
    assert press(browser, f"/system/backups/{first.path.name}/remove").status_code == 404
    assert [one.path for one in maintenance.list_backups(deps.config.backups_directory)] == [second.path]
    with deps.database.reads() as session:
        removed = [one.payload["backup_id"] for one in events.feed(session, types=["BackupRemoved"])]
    assert removed == [first.path.name]


def _upload(browser: Browser, content: bytes, token: str | None = None) -> Any:
    fields = {"_csrf": csrf(browser) if token is None else token}
    return browser.post("/system/backups/upload", data=fields, files={"backup": ("mydia.db", content)})


def test_an_uploaded_backup_is_checked_listed_and_offered_for_restore(browser: Browser, server: Server) -> None:
    made = maintenance.back_up(server.deps.database, server.deps.config.backups_directory, clock.now())
    assert made is not None
    content = made.path.read_bytes()
    made.path.unlink()
    sent = _upload(browser, content)
    assert sent.status_code == 303, words(sent)
    assert "Type restore to confirm" in words(browser.get(sent.headers["location"]))
    assert "Uploaded" in words(browser.get("/system/backups"))


def test_only_whole_backups_of_this_version_are_taken_in(browser: Browser, server: Server) -> None:
    folder = server.deps.config.backups_directory
    made = maintenance.back_up(server.deps.database, folder, clock.now())
    assert made is not None
    whole = made.path.read_bytes()
    with sqlite3.connect(made.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = made.path.read_bytes()
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    other = (folder / "other.db").read_bytes()
    left = sorted(path.name for path in folder.iterdir())
    for content, said in (
        (b"", "Choose a backup file."),
        (b"PK" + whole, "it is not an SQLite database"),
        (whole[: len(whole) // 2], "This file is damaged"),
        (newer, "made by a newer Mydia (schema 9999)"),
        (other, "it is another program's database"),
    ):
        refused = _upload(browser, content)
        assert refused.status_code == 422
        assert said in words(refused)
    assert _upload(browser, whole, token="forged").status_code == 403
    assert sorted(path.name for path in folder.iterdir()) == left

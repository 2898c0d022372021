"""Import manually: a folder's files are listed, corrected one by one or together, and imported by one job."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.jobs import library as library_jobs
from mydia.jobs.broker import Deps
from tests import builders
from tests.web.pages.conftest import Browser, Server, words


@pytest.fixture
def folder(server: Server, tmp_path: Path) -> Path:
    """A finished download outside the library; the library folder of series is on this disk."""
    with server.deps.database.reads() as session:
        known = library.files.files_of_item(session, SYSTEM, server.ids["The Cartographers"])[0]
    Path(known.path).parent.mkdir(parents=True, exist_ok=True)
    Path(known.path).write_bytes(b"episode")
    for name in ("The.Cartographers.S01E03.720p.WEB-DL-GRP.mkv", "mystery.mkv", "Sample/sample.mkv"):
        builders.on_disk(tmp_path / "in", name)
    return tmp_path / "in"


def _fields(page: str) -> dict[str, str]:
    """Return the fields of the rows as a browser would send them, with the key of each file by its name."""
    sent = dict(
        re.findall(
            r'<input[^>]* name="((?:path|file|title|episodes|languages|group|edition)-\d+)" value="([^"]*)"', page
        )
    )
    sent |= dict(re.findall(r'<input type="hidden" name="((?:path|file)-\d+)" value="([^"]*)"', page))
    for key, options in re.findall(r'<select[^>]*name="(quality-\d+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[key] = chosen[1] if chosen else ""
    return sent


def _key(fields: dict[str, str], name: str) -> str:
    return next(
        field.partition("-")[2] for field, value in fields.items() if field.startswith("path-") and value.endswith(name)
    )


def _run_job(server: Server) -> str:
    (ask,) = server.deps.taskboard.asks()
    deps = server.deps
    board = deps.taskboard
    return str(
        library_jobs.manual_import(
            Deps(
                database=deps.database,
                outside=deps.outside,
                config=deps.config,
                enqueue=lambda *_, **__: "",
                board=board,
            ),
            **ask.params,
        )
    )


def test_a_folder_is_listed_with_proposals_and_reasons(browser: Browser, folder: Path) -> None:
    page = browser.get("/imports/manual", params={"folder": str(folder)})
    said = words(page)
    assert "3 files" in said
    assert "It is in a folder for samples." in said
    fields = _fields(page.text)
    sure = _key(fields, "GRP.mkv")
    assert fields[f"title-{sure}"].startswith("The Cartographers (")
    assert (fields[f"episodes-{sure}"], fields[f"quality-{sure}"], fields[f"group-{sure}"]) == (
        "S01E03",
        "WEBDL-720p",
        "GRP",
    )


def test_files_are_corrected_together_imported_by_one_job_and_undone(
    browser: Browser, server: Server, folder: Path, press: Callable[..., Any]
) -> None:
    fields = _fields(browser.get("/imports/manual", params={"folder": str(folder)}).text)
    sure, other = _key(fields, "GRP.mkv"), _key(fields, "mystery.mkv")
    title = fields[f"title-{sure}"]
    fields |= {f"take-{sure}": "true", f"take-{other}": "true", f"episodes-{other}": "S01E04", "folder": str(folder)}
    common = {"all_title": title, "all_languages": "de", "all_quality": "Bluray-1080p"}
    applied = press(browser, "/imports/manual/apply", **(fields | common))
    fields |= _fields(applied.text)
    assert (fields[f"title-{other}"], fields[f"languages-{other}"], fields[f"quality-{sure}"]) == (
        title,
        "de",
        "Bluray-1080p",
    )

    answer = press(browser, "/imports/manual", mode="copy", **fields)
    assert "Importing 2 files" in browser.get("/imports/manual").text or answer.status_code == 200
    assert _run_job(server) == "2 imported"
    with server.deps.database.reads() as session:
        files = [
            file
            for file in library.files.files_of_item(session, SYSTEM, server.ids["The Cartographers"])
            if file.languages == ("de",)
        ]
    assert sorted(file.quality.name for file in files) == ["Bluray-1080p", "Bluray-1080p"]
    assert all(Path(file.path).exists() for file in files)
    assert (folder / "mystery.mkv").exists()

    page = browser.get("/imports/manual").text
    undo = re.search(r'formaction="(/items/[^"]+/undo[^"]+)"', page)
    assert undo
    press(browser, undo[1].replace("&amp;", "&"))
    assert not any(Path(file.path).exists() for file in files)
    assert "Recent manual imports" not in browser.get("/imports/manual").text


def test_a_file_that_is_not_clear_is_refused_in_its_row(
    browser: Browser, server: Server, folder: Path, press: Callable[..., Any]
) -> None:
    fields = _fields(browser.get("/imports/manual", params={"folder": str(folder)}).text)
    key = _key(fields, "mystery.mkv")
    fields |= {"folder": str(folder), f"take-{key}": "true"}
    for title, episodes, said in (
        ("Nothing Like It", "", "is not in the library. Add the title first."),
        ("The Cartographers", "", "Choose the episode."),
        ("The Cartographers", "S09E01", "has no episode S09E01."),
        ("The Cartographers", "pilot", "is not an episode."),
    ):
        answer = press(browser, "/imports/manual", **(fields | {f"title-{key}": title, f"episodes-{key}": episodes}))
        assert answer.status_code == 422
        assert said in words(answer)
    assert server.deps.taskboard.asks() == []


def test_titles_are_suggested_while_typing(reader: Browser) -> None:
    answer = reader.get("/imports/manual/titles?title-3=Metro", headers={"hx-request": "true"})
    assert '<option value="Metropolis (1927)">' in answer.text


def test_a_folder_outside_the_library_is_for_administrators(user: Browser, tmp_path: Path) -> None:
    assert "Only administrators can import from folders outside the library." in words(
        user.get("/imports/manual", params={"folder": str(tmp_path)})
    )


def test_a_folder_is_chosen_in_a_dialog(browser: Browser, folder: Path) -> None:
    opened = browser.get(f"/imports/manual/folders?folder={folder.parent}", headers={"hx-request": "true"})
    assert f"Up to {folder.parent.parent}" in words(opened)
    assert f'hx-get="/imports/manual/folders?at={str(folder).replace("/", "%2F")}"' in opened.text
    inside = browser.get(f"/imports/manual/folders?at={folder}", headers={"hx-request": "true"})
    assert "Sample" in words(inside)
    (listed,) = re.findall(r'href="(/imports/manual\?folder=[^"]+)"', inside.text)
    assert "mystery.mkv" in words(browser.get(listed))
    assert "Choose a folder" in words(browser.get("/imports/manual/folders?folder=not/absolute"))


def test_without_permission_for_settings_only_library_folders_are_listed(
    user: Browser, still: Server, folder: Path
) -> None:
    assert user.get(f"/imports/manual/folders?at={folder}", headers={"hx-request": "true"}).status_code == 403
    with still.deps.database.reads() as session:
        root = settings.library_paths.list_library_paths(session, SYSTEM)[0].path
    Path(root).mkdir(parents=True, exist_ok=True)
    first = user.get("/imports/manual/folders", headers={"hx-request": "true"})
    assert root in words(first)
    assert "Up to" not in words(first)

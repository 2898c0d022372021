"""Managing a library in a real browser: many titles at once, files from a folder, and a backup that is restored."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import SYSTEM
from mydia.db import maintenance, restoring
from mydia.jobs import library as library_jobs
from mydia.jobs.broker import Deps
from mydia.runs import Unwatched
from tests import builders
from tests.browser.conftest import Serve, Tab
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")


@pytest.fixture
def tab(open_tab: Callable[..., Tab], serve: Serve, server: Server) -> Tab:
    """Robin's browser on the server with sample data."""
    return open_tab(serve(server.app), cookies={"session": server.token})


def _carry_on(server: Server, edit_id: str) -> None:
    library.edits.carry_on(server.deps.database, server.deps.outside, clock.now, edit_id, Unwatched())


def _state(server: Server, item_id: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether a title is monitored, and its tags."""
    with server.deps.database.reads() as session:
        tags = media.tags.tags_of(session, SYSTEM, [item_id])[item_id]
        return media.get_item(session, SYSTEM, item_id).monitored, tuple(tags)


def test_a_saved_filter_finds_titles_that_are_edited_together_and_the_edit_is_undone(tab: Tab, server: Server) -> None:
    page = tab.go("/movies")
    filters = page.get_by_role("button", name="Filters", exact=True)
    filters.click()
    page.locator("#more-filters").get_by_label("Resolution").select_option("720")
    expect(page).to_have_url(re.compile("resolution=720"))
    number = page.locator(".pcard").count()
    assert number >= 1
    page.locator("#more-filters").get_by_role("link", name="Save this filter").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Save what the list shows now as").fill("Small ones")
    dialog.get_by_role("button", name="Save filter").press("Enter")
    expect(page.locator("#dialog[open]")).to_have_count(0)

    page = tab.go("/movies")
    page.get_by_role("button", name="Filters", exact=True).click()
    page.locator("#more-filters").get_by_role("link", name="Small ones").click()
    expect(page).to_have_url(re.compile("resolution=720"))
    page.get_by_role("button", name="Select", exact=True).click()
    chosen = page.locator(".pcard input[data-select]").first.get_attribute("value") or ""
    page.locator(".pcard-title").first.click()
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")
    page.locator("#bulkbar").get_by_role("button", name="Edit", exact=True).click()
    dialog.get_by_label("Monitoring").select_option("false")
    dialog.get_by_label("Add tags").fill("Small")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("1 of 1")
    dialog.get_by_role("button", name="Apply to 1 movie").click()
    expect(page).to_have_url(re.compile("/edits/"))
    edit_id = page.url.rpartition("/")[2]
    _carry_on(server, edit_id)
    expect(page.locator("#edit-progress")).to_contain_text("Done")
    expect(page.locator("#edit-lines")).to_contain_text("Changed")
    assert _state(server, chosen) == (False, ("Small",))

    page = tab.go("/activity/history")
    page.get_by_role("link", name="Bulk edits").click()
    entry = page.locator(f"#edit-{edit_id}")
    expect(entry).to_contain_text("Monitoring: Stop monitoring · Add tags: Small")
    entry.get_by_role("button", name="Undo").click()
    page.locator("#confirm").get_by_role("button", name="Undo").click()
    expect(page.locator("#edit-progress")).to_contain_text("Undoing")
    _carry_on(server, edit_id)
    expect(tab.go("/edits").locator(f"#edit-{edit_id}")).to_contain_text("Undone")
    assert _state(server, chosen) == (True, ())
    assert tab.errors == []


def test_a_folder_is_chosen_and_its_files_are_imported_as_what_the_user_says(
    tab: Tab, server: Server, tmp_path: Path
) -> None:
    with server.deps.database.reads() as session:
        known = library.files.files_of_item(session, SYSTEM, server.ids["The Cartographers"])[0]
    Path(known.path).parent.mkdir(parents=True, exist_ok=True)
    Path(known.path).write_bytes(b"episode")
    for name in ("The.Cartographers.S01E03.720p.WEB-DL-GRP.mkv", "mystery.mkv"):
        builders.on_disk(tmp_path / "in" / "new", name)

    page = tab.go("/imports")
    page.get_by_role("link", name="Import manually").click()
    page.get_by_role("textbox", name="Folder").fill(str(tmp_path))
    page.get_by_role("link", name="Browse").press("Enter")
    dialog = page.locator("#dialog")
    dialog.get_by_role("link", name="in", exact=True).press("Enter")
    dialog.get_by_role("link", name="new", exact=True).press("Enter")
    expect(dialog).to_contain_text(str(tmp_path / "in" / "new"))
    dialog.get_by_role("link", name="List files").press("Enter")
    expect(page.locator("#manual")).to_contain_text("2 files")
    mystery = page.locator("#manual li").filter(has_text="mystery.mkv")
    expect(mystery).to_contain_text("No title of the library is called")
    mystery.get_by_role("checkbox").check()
    mystery.get_by_label("Title").fill("The Cartographers (2022)")
    mystery.get_by_label("Quality").select_option("WEBDL-720p")
    page.get_by_role("button", name="Import selected").click()
    expect(mystery).to_contain_text("Choose the episode.")
    mystery.get_by_label("Episodes").fill("S01E04")
    page.get_by_role("button", name="Import selected").click()
    expect(page.locator(".toastbox")).to_contain_text("Importing 2 files")

    (asked,) = server.deps.taskboard.asks()
    deps = server.deps
    library_jobs.manual_import(
        Deps(
            database=deps.database,
            outside=deps.outside,
            config=deps.config,
            enqueue=lambda *_, **__: "",
            board=deps.taskboard,
        ),
        **asked.params,
    )
    page = tab.go("/imports/manual")
    expect(page.get_by_role("region", name="Recent manual imports")).to_contain_text("The Cartographers")


def test_a_downloaded_backup_is_uploaded_and_restored(tab: Tab, server: Server, tmp_path: Path) -> None:
    deps = server.deps
    made = maintenance.back_up(deps.database, deps.config.backups_directory, clock.now())
    assert made is not None
    page = tab.go("/system/backups")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the backup").click()
    download.value.save_as(tmp_path / "kept.db")
    made.path.unlink()
    with deps.database.writes() as session:
        media.remove_row(session, SYSTEM, clock.now(), server.ids["Detour"], files_deleted=0)
    restarts: list[bool] = []
    server.app.state.deps = replace(deps, restart=lambda: restarts.append(True))

    (tmp_path / "note.db").write_text("not a database")
    page = tab.go("/system/backups")
    page.get_by_label("Upload a backup").set_input_files(tmp_path / "note.db")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#f-backup-error")).to_contain_text("not an SQLite database")
    page.get_by_label("Upload a backup").set_input_files(tmp_path / "kept.db")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("heading", name="Restore this backup?")).to_be_visible()
    confirm = page.get_by_label("Type restore to confirm")
    confirm.fill("yes")
    confirm.press("Enter")
    expect(page.locator("#f-confirm-error")).to_be_visible()
    confirm.fill("restore")
    confirm.press("Enter")
    expect(page).to_have_url(f"{tab.origin}/system/restoring")
    assert restarts == [True]
    assert restoring.is_pending(deps.database.path)

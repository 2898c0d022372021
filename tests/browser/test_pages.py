"""The pages in a real browser: without script, and by keyboard only."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from mydia.adapters.indexers import Fetched
from mydia.contexts import downloads, media
from mydia.contexts.users import SYSTEM
from tests.browser.conftest import PHONE, Serve, Tab
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")


@pytest.fixture
def origin(serve: Serve, server: Server) -> str:
    """The origin of the server with sample data."""
    return serve(server.app)


@pytest.fixture
def plain(open_tab: Callable[..., Tab], origin: str, server: Server) -> Tab:
    """Robin's browser, in which no script runs."""
    return open_tab(origin, cookies={"session": server.token}, java_script_enabled=False)


@pytest.fixture
def tab(open_tab: Callable[..., Tab], origin: str, server: Server) -> Tab:
    """Robin's browser."""
    return open_tab(origin, cookies={"session": server.token}, bypass_csp=True)


def test_a_dialog_works_without_script(plain: Tab, server: Server) -> None:
    page = plain.go(f"/movies/{server.ids['Metropolis']}")
    page.get_by_role("button", name="More actions").locator("visible=true").click()
    page.get_by_role("link", name="Edit").locator("visible=true").click()
    page.get_by_label("Title").fill("Metropolis, restored")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Metropolis, restored", level=2)).to_be_visible()
    expect(page.locator(".toastbox")).to_contain_text("Saved")
    assert not plain.errors


def test_selection_boxes_and_their_buttons_work_without_script(plain: Tab, server: Server) -> None:
    page = plain.go("/movies")
    page.get_by_label("Select Nosferatu").check()
    page.locator("#bulkbar").get_by_role("button", name="Stop monitoring").click()
    expect(page.locator(".toastbox")).to_contain_text("1 movie no longer monitored")
    page.locator(".toastbox").get_by_role("button", name="Undo").click()
    with server.deps.database.reads() as session:
        assert media.get_item(session, SYSTEM, server.ids["Nosferatu"]).monitored


def _until_focused(page: Page, name: str) -> None:
    """Press Tab until an element has the focus, as a user does who watches the focus ring."""
    for _ in range(80):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"
        )
        if said == name:
            return
    pytest.fail(f"“{name}” is not reached by Tab")


def test_a_release_is_grabbed_and_the_grab_undone_by_keyboard(tab: Tab, server: Server) -> None:
    with server.deps.database.reads() as session:
        best = session.scalars(
            select(downloads.Release).where(downloads.Release.title.contains("BluRay.FLAC2.0"))
        ).one()
    server.indexers["Silver Index"].content[f"http://indexer.test/get?name={best.title}"] = Fetched(
        None, f"magnet:?xt=urn:btih:{best.info_hash}"
    )
    page = tab.go(f"/movies/{server.ids['Nosferatu']}")
    _until_focused(page, "Show releases")
    page.keyboard.press("Enter")
    row = page.locator("[data-release]").filter(has_text=best.title)
    expect(row).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(row).to_be_focused()
    page.keyboard.press(" ")
    expect(row.locator("details[data-why]")).to_have_attribute("open", "")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Sent")
    assert len(server.client.added) == 1
    message = page.get_by_role("dialog").locator(".toastbox")
    expect(message).to_contain_text("is being fetched")
    _until_focused(page, "Undo")
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name=re.compile("^Grab"))).to_be_visible()
    assert len(server.client.removed) == 1
    # The page behind the dialog has shown the download, and now offers the releases again.
    expect(page.locator("#why-releases")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Show releases")).to_be_focused()
    assert not tab.errors


def test_the_import_review_works_by_keyboard(tab: Tab) -> None:
    page = tab.go("/imports")
    first = page.locator("ul a[aria-current=true]").first.text_content()
    page.keyboard.press("1")
    expect(page.locator("input[name=candidate]").first).to_be_checked()
    page.keyboard.press("s")
    expect(page.locator("ul a[aria-current=true]").first).not_to_have_text(first or "")
    assert not tab.errors


def test_qualities_are_moved_by_dragging_and_by_keys(tab: Tab) -> None:
    page = tab.go("/settings/profiles/new")
    rows = page.locator("[data-sort] > li")
    names = [row.get_attribute("id") for row in rows.all()[:4]]
    from_, to = page.locator("[data-handle]").nth(0).bounding_box(), rows.nth(2).bounding_box()
    assert from_ is not None
    assert to is not None
    page.mouse.move(from_["x"] + 4, from_["y"] + 10)
    page.mouse.down()
    page.mouse.move(from_["x"] + 4, to["y"] + to["height"] * 0.9, steps=10)
    page.mouse.up()
    expect(rows.nth(2)).to_have_attribute("id", names[0] or "")
    # The server's answer has the same order, with its own numbers.
    expect(rows.nth(2).locator("input[name=rung-2]")).to_have_count(1)
    rows.nth(1).locator("input[type=checkbox]").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(rows.nth(0)).to_have_attribute("id", names[2] or "")
    assert not tab.errors


def test_the_slash_key_searches_the_settings(tab: Tab) -> None:
    page = tab.go("/settings/general")
    page.keyboard.press("/")
    page.keyboard.type("deleted files")
    expect(page.locator("#settings-found")).to_contain_text("Keep deleted files for (days)")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Keep deleted files for (days)")).to_be_focused()


@pytest.mark.parametrize(
    "path", ["/settings/general", "/activity", "/activity/blocklist", "/system/tasks", "/settings/profiles/new", "/add"]
)
def test_no_page_is_wider_than_a_phone(open_tab: Callable[..., Tab], origin: str, server: Server, path: str) -> None:
    page = open_tab(origin, viewport=PHONE, cookies={"session": server.token}, bypass_csp=True).go(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def _wait_for_service_worker(page: Page) -> None:
    # The pages' policy allows no `wait_for_function`, which evaluates text.
    page.evaluate(
        "navigator.serviceWorker.controller ? true : new Promise((found) =>"
        " navigator.serviceWorker.addEventListener('controllerchange', () => found(true)))"
    )


def test_the_offline_page_is_shown_without_a_server_and_no_other_page_is_cached(tab: Tab) -> None:
    page = tab.go("/movies")
    kept = page.evaluate(
        "navigator.serviceWorker.ready.then(async () => (await Promise.all((await caches.keys()).map(async (name) => "
        "(await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat())"
    )
    assert "/offline" in kept
    assert [path for path in kept if not path.startswith("/static/")] == ["/offline"]
    _wait_for_service_worker(page)
    tab.context.set_offline(True)
    page.goto(tab.origin + "/shows")
    expect(page.get_by_role("heading", name="Mydia cannot be reached")).to_be_visible()
    tab.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Shows")).to_be_visible()


def test_going_back_to_the_answer_of_a_form_is_not_called_an_unreachable_server(
    open_tab: Callable[..., Tab], origin: str, server: Server
) -> None:
    tab = open_tab(origin, cookies={"session": server.token})
    page = tab.go("/movies")
    _wait_for_service_worker(page)
    tab.context.clear_cookies()
    page = tab.go("/login")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wrong username or password")).to_be_visible()
    page.goto(f"{origin}/health")
    page.go_back()
    expect(page.get_by_label("Username")).to_be_visible()
    expect(page.get_by_text("cannot be reached")).to_have_count(0)
    assert page.url == f"{origin}/login"


def test_going_back_to_the_answer_of_a_form_without_a_page_of_its_own_shows_the_page_of_the_form(tab: Tab) -> None:
    page = tab.go("/account")
    _wait_for_service_worker(page)
    page.get_by_label("Picture").set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_role("button", name="Add picture").click()
    page.wait_for_url("**/account/avatar")
    page.goto(f"{tab.origin}/health")
    page.go_back()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_text("cannot be reached")).to_have_count(0)

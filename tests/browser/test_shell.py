"""The shell and the components in a real browser, on the example application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from mydia import events
from mydia.contexts.users import SYSTEM
from mydia.web.deps import WebDeps
from mydia.web.shell import NavCount, ShellView
from tests.browser.conftest import DESKTOP, PHONE, Serve, Tab, violations
from tests.web.conftest import make_deps
from tests.web.example import app as example

pytestmark = pytest.mark.browser


@pytest.fixture
def deps(tmp_path: Path) -> WebDeps:
    example.SCENE = example.Scene()
    return make_deps(tmp_path)


@pytest.fixture
def origin(deps: WebDeps, serve: Serve) -> str:
    return serve(example.make_app(deps))


@pytest.fixture
def tab(origin: str, open_tab: Callable[..., Tab]) -> Tab:
    return open_tab(origin, cookies={"who": "robin"})


def _is_live(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", "on")


def _queue_becomes(deps: WebDeps, number: int) -> None:
    """Change the queue to hold this many downloads, and emit an event."""
    example.SCENE.queue = number
    with deps.database.writes() as session:
        events.emit(
            session,
            SYSTEM,
            events.DownloadChanged(download_id="d1", media_item_id=None, old="queued", new="downloading", reason=None),
        )


def _refuse_once(page: Page, addresses: str, **answer: Any) -> list[Route]:
    """Fail the first request to these addresses and let later ones through; return the failed ones."""
    refused: list[Route] = []

    def handle(route: Route) -> None:
        if refused:
            route.fallback()
        else:
            refused.append(route)
            route.fulfill(**answer)

    page.route(addresses, handle)
    return refused


@pytest.mark.parametrize("theme", ["mydia-dark", "mydia-light"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["/gallery", "/nothing-here"])
def test_pages_are_accessible_and_load_nothing_from_other_sites(
    origin: str, open_tab: Callable[..., Tab], path: str, viewport: dict[str, int], theme: str
) -> None:
    tab = open_tab(origin, viewport=viewport, cookies={"who": "robin", "theme": theme})
    page = tab.go(path)
    assert violations(page) == []
    assert tab.foreign == []
    assert [error for error in tab.errors if "404" not in error] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_a_followed_link_replaces_the_content_and_keeps_the_stream(tab: Tab) -> None:
    page = tab.go("/other")
    _is_live(page)
    page.evaluate("window.marker = document.querySelector('#nav')")
    page.locator("#back").click()
    expect(page.locator("h1.t-title")).to_have_text("Gallery")
    expect(page).to_have_title("Gallery · Mydia")
    expect(page.locator("#nav [aria-current=page]")).to_contain_text("Movies")
    expect(page.locator("#topbar h1")).to_have_text("Gallery")
    assert page.url.endswith("/gallery")
    assert page.evaluate("window.marker === document.querySelector('#nav')"), "the document was reloaded"
    assert page.evaluate("document.activeElement.id") == "main"
    expect(page.locator("#live-queue_shell")).to_be_attached()
    page.go_back()
    expect(page.locator("#other-text")).to_be_visible()
    expect(page.locator("#nav [aria-current=page]")).to_contain_text("Shows")
    page.go_forward()
    expect(page.locator("h1.t-title")).to_have_text("Gallery")
    assert tab.errors == []


def test_progress_is_pushed_and_lists_fetch_themselves(tab: Tab, deps: WebDeps) -> None:
    page = tab.go("/gallery")
    _is_live(page)
    expect(page.locator("#detour-progress")).to_have_attribute("aria-valuenow", "40")
    example.SCENE.percent = 73.0
    example.SCENE.shell = ShellView(counts={"movies": NavCount("1,205")})
    expect(page.locator("#detour-progress")).to_have_attribute("aria-valuenow", "73")
    expect(page.locator("#count-movies")).to_have_text("1,205")
    expect(page.locator("#nav-activity")).to_be_hidden()
    _queue_becomes(deps, 4)
    expect(page.locator("#list")).to_have_text("4 in the queue")
    assert tab.errors == []


def test_events_before_the_stream_connects_are_not_lost(tab: Tab, deps: WebDeps, origin: str) -> None:
    # A first tab keeps the hub polling; the second tab's stream is held back while the event happens.
    _is_live(tab.go("/gallery"))
    late = Tab(tab.context, origin)
    held: list[object] = []
    late.page.route("**/events?*", lambda route: held.append(route))  # noqa: PLW0108  playwright sets attributes on it
    page = late.go("/gallery")
    _queue_becomes(deps, 9)
    expect(tab.page.locator("#list")).to_have_text("9 in the queue")
    for route in held:
        route.continue_()  # type: ignore[attr-defined]
    expect(page.locator("#list")).to_have_text("9 in the queue")


def test_a_stream_that_could_not_be_opened_is_retried(tab: Tab, deps: WebDeps) -> None:
    refused = _refuse_once(tab.page, "**/events?*", status=503, body="busy")
    page = tab.go("/gallery")
    _queue_becomes(deps, 5)
    expect(page.locator("#list")).to_have_text("5 in the queue", timeout=15_000)
    assert refused


def test_a_list_that_could_not_be_fetched_stays_and_is_retried(tab: Tab, deps: WebDeps) -> None:
    page = tab.go("/gallery")
    _is_live(page)
    refused = _refuse_once(page, "**/gallery/list", status=500, body="<p>a mistake</p>", content_type="text/html")
    _queue_becomes(deps, 6)
    expect(page.locator("#list")).to_have_text("6 in the queue", timeout=15_000)
    assert refused


def test_changes_while_a_list_is_fetched_are_fetched_next(tab: Tab) -> None:
    page = tab.go("/gallery")
    held: list[Route] = []

    def answer(route: Route) -> None:
        if held:
            route.fallback()
        else:
            held.append(route)

    page.route("**/gallery/list", answer)
    change = "document.body.dispatchEvent(new Event('queue-changed', {bubbles: true}))"
    # A change is lost on a page whose scripts have not started yet, so announce it until the list fetches itself.
    while not held:
        page.evaluate(change)
        page.wait_for_timeout(100)
    page.evaluate(change)
    example.SCENE.queue = 8
    # Like every list whose address contains what it shows: its answer changes the element.
    old = '<p id="list" hx-get="/gallery/list?old" hx-trigger="reread" data-reread="queue-changed resync" hx-swap="outerMorph">old</p>'
    held[0].fulfill(status=200, body=old, content_type="text/html")
    expect(page.locator("#list")).to_have_text("8 in the queue")


def test_an_answer_that_arrives_after_leaving_the_page_is_dropped(tab: Tab) -> None:
    page = tab.go("/gallery")
    held: list[Route] = []
    page.route("**/gallery", lambda route: held.append(route))  # noqa: PLW0108  playwright sets attributes on it
    with page.expect_request("**/gallery"):
        page.evaluate("document.body.dispatchEvent(new Event('library-changed', {bubbles: true}))")
    page.locator(".pcard-title").first.click()
    expect(page.locator("#other-text")).to_be_visible()
    with page.expect_event("requestfinished"):
        held[0].continue_()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(page.locator("#other-text")).to_be_visible()
    expect(page.locator("h1.t-title")).not_to_have_text("Gallery")


def test_a_lost_connection_is_shown_and_everything_is_up_to_date_after_reconnecting(
    deps: WebDeps, serve: Serve, open_tab: Callable[..., Tab]
) -> None:
    origin = serve(example.make_app(deps))
    tab = open_tab(origin, cookies={"who": "robin"})
    page = tab.go("/gallery")
    _is_live(page)
    tab.context.set_offline(True)
    page.evaluate("htmx.find('#live-queue_shell')._htmx.sse.reader.cancel()")
    expect(page.locator("html")).to_have_attribute("data-live", "lost", timeout=15_000)
    expect(page.locator("[data-live-mark]")).to_have_text("Reconnecting")
    _queue_becomes(deps, 12)
    tab.context.set_offline(False)
    expect(page.locator("html")).to_have_attribute("data-live", "on", timeout=20_000)
    expect(page.locator("#list")).to_have_text("12 in the queue")


def test_a_refused_form_keeps_what_was_typed_and_focuses_the_wrong_field(tab: Tab) -> None:
    page = tab.go("/gallery")
    page.get_by_label("API key").fill("abc")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#f-key-error")).to_contain_text("The key has 3 characters. It should have 32.")
    expect(page.get_by_label("API key")).to_have_value("abc")
    expect(page.get_by_label("API key")).to_be_focused()
    page.get_by_label("API key").fill("a" * 32)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#other-text")).to_be_visible()
    expect(page.locator(".toastbox")).to_contain_text("Indexer saved")
    assert page.url.endswith("/other")


def test_a_dialog_opens_saves_and_returns_the_focus(tab: Tab) -> None:
    page = tab.go("/gallery")
    page.keyboard.press("d")
    expect(page.get_by_role("dialog", name="Edit Detour")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Open dialog")).to_be_focused()
    page.get_by_role("button", name="Open dialog").click()
    page.get_by_label("Title", exact=True).fill("Detour (1945)")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator(".toastbox")).to_contain_text("Detour (1945)")
    assert example.SCENE.saved == ["Detour (1945)"]


def test_removing_asks_for_confirmation(tab: Tab) -> None:
    page = tab.go("/gallery")
    page.get_by_role("button", name="Remove", exact=True).click()
    box = page.get_by_role("dialog", name="Remove 3 movies?")
    expect(box).to_contain_text("They leave the library and stop being searched for.")
    expect(box.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert example.SCENE.saved == []
    page.get_by_role("button", name="Remove", exact=True).click()
    box.get_by_role("button", name="Remove").click()
    expect(page.locator(".toastbox")).to_contain_text("Removed 3 movies")
    expect(page.locator(".toastbox").get_by_role("button", name="Undo")).to_be_visible()
    assert example.SCENE.saved == ["removed"]


def test_a_failed_action_keeps_the_page_and_shows_the_reason(tab: Tab) -> None:
    page = tab.go("/gallery")
    page.evaluate("htmx.ajax('POST', '/fail/unavailable', {source: '#list', target: '#list'})")
    expect(page.locator(".toastbox")).to_contain_text("qBittorrent does not answer.")
    expect(page.locator("#list")).to_have_text("3 in the queue")


def test_ranges_and_the_whole_filter_can_be_selected(tab: Tab) -> None:
    page = tab.go("/gallery?state=missing")
    page.get_by_role("button", name="Select", exact=True).click()
    boxes = page.locator("input[data-select]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    bar = page.get_by_role("form", name="Selection")
    expect(bar).to_contain_text("4 selected")
    page.locator(".pcard-title").nth(2).click()
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Search").click()
    expect(bar).to_be_hidden()
    assert example.SCENE.saved == ["ids:1,3,4:"]
    boxes.nth(0).focus()
    page.keyboard.press("x")
    bar.get_by_role("button", name="Select all 1,204 movies").click()
    expect(bar).to_contain_text("1,204 selected")
    boxes.nth(5).click()
    expect(bar).to_contain_text("1,203 selected")
    bar.get_by_role("button", name="Search").click()
    expect(bar).to_be_hidden()
    assert example.SCENE.saved[1:] == ["filter::5"]


def test_the_palette_finds_pages_from_the_keyboard(tab: Tab) -> None:
    page = tab.go("/other")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill("sett")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_have_attribute("aria-selected", "true")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


@pytest.mark.parametrize("by", ["Enter", "Control+Enter", "mouse"])
def test_palette_actions_run_by_keyboard_and_mouse(tab: Tab, by: str) -> None:
    page = tab.go("/other")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("keep")
    action = page.get_by_role("option", name="Keep it")
    expect(action).to_have_attribute("aria-selected", "true")
    assert violations(page) == []
    if by == "mouse":
        action.click()
    else:
        page.keyboard.press(by)
    expect(page.locator("#toasts")).to_contain_text("Saved")
    expect(page.locator("#palette")).to_be_hidden()
    assert len(example.SCENE.saved) == 1


def test_letter_shortcuts_open_pages_and_are_listed(tab: Tab) -> None:
    page = tab.go("/gallery")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Open the dialog")
    expect(sheet).to_contain_text("g m")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("t?")
    expect(page.locator("#q")).to_have_value("t?")
    page.locator("#q").blur()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page).to_have_url(f"{tab.origin}/calendar")
    expect(page.locator("#main")).to_contain_text("Nothing here")


def test_arrows_move_through_the_grid(tab: Tab) -> None:
    page = tab.go("/gallery")
    titles = page.locator(".pcard-title")
    titles.nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(titles.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(titles.nth(9)).to_be_focused()


def test_chunks_of_the_grid_load_when_near(tab: Tab) -> None:
    page = tab.go("/gallery")
    expect(page.locator(".pcard")).to_have_count(15)


@pytest.mark.parametrize(("system", "shown"), [("dark", "mydia-dark"), ("light", "mydia-light")])
def test_the_theme_follows_the_system_until_one_is_chosen(
    origin: str, open_tab: Callable[..., Tab], system: str, shown: str
) -> None:
    tab = open_tab(origin, cookies={"who": "robin"}, color_scheme=system)
    page = tab.go("/gallery")
    expect(page.locator("html")).to_have_attribute("data-theme", shown)
    page.get_by_role("button", name="Account").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "mydia-light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "mydia-light")
    assert tab.errors == []


def test_a_phone_has_tabs_and_a_menu_for_the_rest(origin: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(origin, viewport=PHONE, cookies={"who": "robin"})
    page = tab.go("/gallery")
    expect(page.locator("#tabbar [aria-current=page]")).to_contain_text("Movies")
    page.locator("#tabbar").get_by_role("button", name="More").tap()
    sheet = page.get_by_role("dialog", name="More")
    expect(sheet.get_by_role("link", name="Settings")).to_be_visible()
    assert violations(page) == []
    sheet.get_by_role("link", name="Shows").tap()
    expect(page.locator("#main")).to_contain_text("Nothing here")
    expect(sheet).to_be_hidden()


def test_pages_and_forms_work_without_script(origin: str, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(origin, cookies={"who": "robin"}, java_script_enabled=False)
    page = tab.go("/gallery")
    page.locator("#f-key").fill("a" * 32)
    page.locator("#f button[type=submit]").click()
    expect(page.locator("#other-text")).to_be_visible()
    expect(page.locator(".toastbox")).to_contain_text("Indexer saved")


def test_an_expired_session_redirects_to_the_login(tab: Tab) -> None:
    page = tab.go("/other")
    tab.context.clear_cookies(name="who")
    page.locator("#back").click()
    page.wait_for_url("**/login?next=%2Fother")


def test_a_page_whose_scripts_arrive_late_still_gets_its_live_updates(tab: Tab) -> None:
    def late(route: Route) -> None:
        answer = route.fetch()
        tab.page.wait_for_timeout(700)
        route.fulfill(response=answer)

    tab.page.route("**/static/app.*.js", late)
    _is_live(tab.go("/gallery"))
    assert tab.errors == []

"""Everyday tasks in a real browser: review imports, filter, remove, change settings, by mouse, keyboard and phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Serve, Tab, violations
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")


@pytest.fixture
def origin(serve: Serve, server: Server) -> str:
    """The origin of the server with sample data."""
    return serve(server.app)


@pytest.fixture
def tab(open_tab: Callable[..., Tab], origin: str, server: Server) -> Tab:
    """Robin's browser."""
    return open_tab(origin, cookies={"session": server.token})


@pytest.fixture
def phone(open_tab: Callable[..., Tab], origin: str, server: Server) -> Tab:
    """Robin's phone."""
    return open_tab(origin, cookies={"session": server.token}, viewport=PHONE)


def _decisions(page: Page) -> list[str]:
    """Record every request that would import something."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/decide" in request.url else None)
    return sent


def test_enter_activates_what_has_focus_and_confirms_only_when_nothing_has(tab: Tab) -> None:
    page = tab.go("/imports")
    sent = _decisions(page)
    skip = page.locator("a[data-key=s]")
    skip.focus()
    before = page.url
    skip.press("Enter")
    expect(page).not_to_have_url(before)
    assert sent == []

    page.get_by_role("searchbox", name="Search for another title").focus()
    page.keyboard.press("Enter")
    page.locator("#decide input[type=radio]").last.focus()
    page.keyboard.press("Enter")
    whole = page.locator("#decide input[name=whole_folder]")
    if whole.count():
        whole.focus()
        page.keyboard.press("Enter")
        expect(whole).to_be_checked()
        whole.uncheck()
    page.keyboard.press("1")
    expect(page.locator("#decide input[type=radio]").first).to_be_checked()
    assert sent == []
    with page.expect_request("**/decide"):
        page.keyboard.press("Enter")


def test_a_refused_import_shows_its_error_in_place(tab: Tab) -> None:
    page = tab.go("/imports?bucket=none")
    confirm = page.get_by_role("button", name="Confirm and next")
    expect(confirm).to_be_disabled()
    expect(page.locator("#decide")).to_contain_text("Search for the right one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ignore").first).to_be_visible()
    assert tab.errors == []


def test_removing_a_title_closes_the_dialog(tab: Tab, server: Server) -> None:
    page = tab.go(f"/movies/{server.ids['Sintel']}")
    page.get_by_role("button", name="More actions").locator("visible=true").click()
    page.get_by_role("link", name="Remove").locator("visible=true").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Imports, Ignored")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(page).to_have_url(f"{tab.origin}/movies")
    expect(page.locator("#dialog[open]")).to_have_count(0)
    expect(page.locator(".toastbox")).to_contain_text("Sintel removed")
    page.locator(".toastbox").get_by_role("button", name="Undo").click()
    expect(page).to_have_url(f"{tab.origin}/movies/{server.ids['Sintel']}")


def test_removing_many_titles_asks_about_their_files_and_shows_counts(tab: Tab) -> None:
    page = tab.go("/movies")
    for title in ("Nosferatu", "Sintel"):
        page.get_by_label(f"Select {title}").check(force=True)
    page.locator("#bulkbar").get_by_role("button", name="Remove").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Remove 2 movies?")
    expect(dialog).to_contain_text("1 file")
    expect(dialog.get_by_label("Leave the files where they are")).to_be_checked()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("#dialog[open]")).to_have_count(0)
    expect(page.locator(".toastbox")).to_contain_text("2 movies removed")
    page.locator(".toastbox").get_by_role("button", name="Undo").click()
    expect(page.locator(".toastbox").last).to_contain_text("2 titles restored")


def test_episodes_are_selected_by_box_range_season_and_key(tab: Tab, server: Server) -> None:
    page = tab.go(f"/shows/{server.ids['The Cartographers']}")
    counted = page.locator("[data-selected-count]")
    page.get_by_role("link", name="Season 2", exact=True).click()
    expect(page.get_by_label("Select S02E01")).to_be_visible()
    boxes = page.locator("#season-3 input[data-select]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(counted).to_have_text("3 selected")
    page.get_by_label("Select all episodes of Season 2").check()
    expect(counted).to_have_text("11 selected")
    expect(page.get_by_label("Select all episodes of Season 1")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#bulkbar")).to_be_hidden()

    page.locator("#season-2 .c-t a").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(counted).to_have_text("2 selected")
    page.locator("#bulkbar").get_by_role("button", name="Stop monitoring").click()
    expect(page.locator(".toastbox")).to_contain_text("2 episodes no longer monitored")
    toggles = page.locator("#season-2 [id$=-monitor][id^=ep-]")
    expect(toggles.nth(1)).to_have_attribute("aria-pressed", "false")
    expect(toggles.nth(2)).to_have_attribute("aria-pressed", "true")
    toggles.nth(1).click()
    expect(toggles.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Select S03E01")).to_be_visible()
    page.get_by_role("link", name="Season 3", exact=True).click()
    toggles.nth(0).click()
    expect(toggles.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Select S03E01")).to_be_hidden()


@pytest.mark.parametrize(("viewport", "theme"), [(DESKTOP, "mydia-light"), (PHONE, "mydia-dark")])
def test_the_dialogs_of_a_title_are_accessible(
    open_tab: Callable[..., Tab], origin: str, server: Server, viewport: dict[str, int], theme: str
) -> None:
    cookies = {"session": server.token, "theme": theme}
    tab = open_tab(origin, cookies=cookies, viewport=viewport, bypass_csp=True)
    show, film = (
        f"/{kind}/{server.ids[title]}" for kind, title in (("shows", "The Cartographers"), ("movies", "Sintel"))
    )
    found = []
    for address, opener in (
        (show, "#season-3 .c-t a"),
        (f"{show}?tab=files", ".rows-file .f-t a"),
        (f"{show}?tab=history", None),
        (film, None),
        (f"/movies/{server.ids['Nosferatu']}", "#why-releases"),
    ):
        page = tab.go(address)
        found += [f"{address}: {line}" for line in violations(page)]
        if opener:
            page.locator(opener).first.click()
            expect(page.locator("#dialog-title")).to_be_visible()
            expect(page.locator("#dialog .skel")).to_have_count(0)
            found += [f"{address}, dialog: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{address}: scrolls sideways")
    assert found == []


def test_releases_are_sorted_and_filtered_with_the_keyboard(tab: Tab, server: Server) -> None:
    page = tab.go(f"/movies/{server.ids['Nosferatu']}")
    page.locator("#why-releases").press("Enter")
    first = page.locator("[data-release] .t-rel").first
    expect(first).to_contain_text("BluRay.FLAC2.0.x264-ARC")
    page.locator("#rel-sort-size").press("Enter")
    page.locator("#rel-sort-size[aria-current]").press("Enter")
    expect(first).to_contain_text("LMN")
    page.keyboard.press("f")
    page.keyboard.type("KNO")
    expect(page.locator("[data-release]")).to_have_count(1)
    expect(page.locator("#rel-sort-size")).to_have_attribute("aria-current", "true")


def test_leaving_a_page_with_unsaved_changes_asks_first(tab: Tab) -> None:
    for address, field in (("/settings/naming", "#f-rename"), ("/settings/profiles/new", "#f-name")):
        page = tab.go(address)
        changed = page.locator(field)
        if changed.get_attribute("type") == "checkbox":
            changed.click()
        else:
            changed.fill("Something new")
        bar = page.get_by_role("region", name="Unsaved changes")
        expect(bar).to_be_visible()
        page.locator("#nav a[href='/movies']").click()
        expect(page.locator("#confirm")).to_contain_text("unsaved")
        page.locator("#confirm").get_by_role("button", name="Stay").click()
        expect(page).to_have_url(tab.origin + address)
        expect(bar).to_be_visible()
        page.locator("#nav a[href='/movies']").click()
        page.locator("#confirm").get_by_role("button", name="Leave").click()
        expect(page).to_have_url(f"{tab.origin}/movies")


def test_a_sorted_column_keeps_the_focus(tab: Tab) -> None:
    page = tab.go("/movies?view=table")
    heading = page.locator("#sort-by-rating")
    heading.press("Enter")
    expect(page).to_have_url(re.compile("sort=rating"))
    expect(heading).to_be_focused()


def test_leaving_a_form_that_is_half_filled_in_asks_first(tab: Tab) -> None:
    for address, field in (("/settings/users/new", "Username"), ("/settings/clients/new", "Address")):
        page = tab.go(address)
        page.locator("#nav a[href='/movies']").click()
        expect(page).to_have_url(f"{tab.origin}/movies")
        page = tab.go(address)
        typed = page.get_by_label(field, exact=True)
        typed.fill("something")
        page.locator("#nav a[href='/movies']").click()
        page.locator("#confirm").get_by_role("button", name="Stay").click()
        expect(typed).to_have_value("something")
        page.locator("#nav a[href='/movies']").click()
        page.locator("#confirm").get_by_role("button", name="Leave").click()
        expect(page).to_have_url(f"{tab.origin}/movies")


def test_a_refused_save_keeps_the_save_bar_and_the_table_layout(tab: Tab) -> None:
    page = tab.go("/settings/sizes?type=movie")
    field = page.locator("#sizes-form input[inputmode=decimal]").first
    width = page.locator("#sizes-form table").bounding_box()
    field.fill("many")
    bar = page.get_by_role("region", name="Unsaved changes")
    bar.get_by_role("button", name="Save").click()
    expect(page.locator("#sizes-form .reason-no").first).to_be_visible()
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("Not saved")
    after = page.locator("#sizes-form table").bounding_box()
    assert width and after and after["width"] <= width["width"] + 1
    bar.get_by_role("link", name="Discard").click()
    expect(bar).to_be_hidden()


def _inside(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    assert box and size
    return box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= size["width"] + 1


def test_filters_open_at_their_button_and_stay_open_while_choosing(tab: Tab, phone: Tab) -> None:
    for one in (tab, phone):
        page = one.go("/movies")
        button = page.get_by_role("button", name="Filters", exact=True)
        button.click()
        more = page.locator("#more-filters")
        expect(more).to_be_visible()
        assert _inside(page, "#more-filters")
        if one is tab:
            (at, of) = (more.bounding_box(), button.bounding_box())
            assert at and of and abs(at["y"] - of["y"]) < 80, "it opens at its button"
        more.get_by_label("Monitored").select_option("true")
        expect(page).to_have_url(re.compile("monitored=true"))
        expect(more).to_be_visible()
        more.get_by_label("Resolution").select_option("1080")
        expect(page).to_have_url(re.compile("resolution=1080"))
        page.keyboard.press("Escape")
        expect(more).to_be_hidden()
        expect(page.get_by_role("link", name="All", exact=False).locator("visible=true").first).not_to_have_attribute(
            "aria-current", "true"
        )


def test_the_add_page_focuses_its_search_and_back_restores_the_results(tab: Tab) -> None:
    page = tab.go("/movies")
    theme = page.locator("html").get_attribute("data-theme")
    page.locator("a[href^='/add']").locator("visible=true").first.click()
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("metropolis")
    expect(page).to_have_url(f"{tab.origin}/add?q=metropolis&type=movie")
    assert page.locator("html").get_attribute("data-theme") == theme
    page.locator("#nav a[href='/movies']").click()
    expect(page).to_have_url(f"{tab.origin}/movies")
    page.go_back()
    expect(page.locator("#q")).to_have_value("metropolis")
    expect(page.locator("#results")).to_contain_text("Metropolis")


def test_on_a_phone_lists_are_sorted_and_selected_and_back_returns_to_the_place(phone: Tab, server: Server) -> None:
    page = phone.go("/movies")
    page.get_by_role("button", name="Filters", exact=True).click()
    page.locator("#more-filters").get_by_label("Sort by").select_option("year")
    expect(page).to_have_url(re.compile("sort=year"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select", exact=True).click()
    page.locator(".pcard-title").first.click()
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")
    page.locator("[data-select-clear]").click()
    page = phone.go(f"/movies/{server.ids['Nosferatu']}")
    page.get_by_role("link", name="Back to movies").click()
    expect(page).to_have_url(f"{phone.origin}/movies")


def test_every_shortcut_on_the_sheet_has_a_key_and_the_palette_finds_settings(tab: Tab) -> None:
    page = tab.go("/movies")
    page.keyboard.press("?")
    keys = page.locator("#dialog dl kbd").all_inner_texts()
    assert len(keys) > 8
    assert all(key.strip() for key in keys)
    page.keyboard.press("Escape")
    tab.go("/imports")
    page.keyboard.press("?")
    keys = page.locator("#dialog dl kbd").all_inner_texts()
    assert [key for key in set(keys) if keys.count(key) > 1] == [], "a key with two meanings"
    page.keyboard.press("Escape")
    tab.go("/movies")
    page.keyboard.press("n")
    expect(page).to_have_url(f"{tab.origin}/add?type=movie")
    tab.go("/movies")
    page.keyboard.press("Control+k")
    page.keyboard.type("naming")
    hit = page.locator("#palette-hits").get_by_role("option", name="Naming").first
    expect(hit).to_be_visible()
    hit.click()
    expect(page).to_have_url(f"{tab.origin}/settings/naming")


def test_the_sort_select_shows_its_focus(tab: Tab) -> None:
    page = tab.go("/movies")
    page.locator("#q").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "sort":
            break
    width = page.evaluate(
        "parseFloat(getComputedStyle(document.activeElement.closest('label')).outlineWidth) *"
        " (getComputedStyle(document.activeElement.closest('label')).outlineStyle === 'none' ? 0 : 1)"
    )
    assert width >= 2


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (320, 640)])
def test_no_page_is_wider_than_a_tablet_or_a_small_phone(
    open_tab: Callable[..., Tab], origin: str, server: Server, width: int, height: int
) -> None:
    film, show = f"/movies/{server.ids['Sintel']}", f"/shows/{server.ids['The Cartographers']}"
    tab = open_tab(origin, cookies={"session": server.token}, viewport={"width": width, "height": height})
    found = []
    for address in (*ADDRESSES, film, f"{film}?tab=files", show, f"{show}?tab=files"):
        wide = tab.go(address).evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{address}: {wide} px"] if wide > 0 else []
    assert found == []


ADDRESSES = (
    "/", "/movies", "/movies?view=table", "/shows", "/calendar", "/wanted", "/wanted/upgrades", "/activity",
    "/activity/history", "/activity/blocklist", "/recycle-bin", "/edits", "/imports/manual", "/imports", "/imports?bucket=none", "/imports?bucket=ready",
    "/add", "/account", "/requests", "/requests?view=mine", "/requests/new", "/problems", "/system", "/system/tasks",
    "/system/logs", "/system/backups", "/system/audit", "/system/audit/1", "/settings", "/settings/folders",
    "/settings/requests", "/settings/sign-in", "/settings/sign-in/providers/new",
    "/settings/naming", "/settings/profiles", "/settings/profiles/new", "/settings/sizes", "/settings/metadata",
    "/settings/indexers", "/settings/clients", "/settings/users", "/settings/general",
)  # fmt: skip


@pytest.mark.parametrize(("viewport", "theme"), [(DESKTOP, "mydia-dark"), (PHONE, "mydia-light")])
def test_every_page_is_accessible(
    open_tab: Callable[..., Tab], origin: str, server: Server, viewport: dict[str, int], theme: str
) -> None:
    cookies = {"session": server.token, "theme": theme}
    tab = open_tab(origin, cookies=cookies, viewport=viewport, bypass_csp=True)
    titles = [f"/movies/{server.ids['Sintel']}", f"/movies/{server.ids['Sintel']}?tab=files"]
    found = []
    for address in (*ADDRESSES, *titles):
        page = tab.go(address)
        found += [f"{address}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{address}: scrolls sideways")
    assert found == []

"""Visible focus: on every page and in every dialog, whatever the keyboard reaches shows that it has the focus."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Serve, Tab
from tests.browser.test_everyday import ADDRESSES
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")

# Focus by script is shown as focus by keyboard if the keyboard was used last.
_UNMARKED = """
async (scope) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const ring = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    const seen = !/^rgba\\(.*, 0\\)$|transparent/.test(style.outlineColor);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && seen;
  };
  const large = (element) => Math.min(element.offsetWidth, element.offsetHeight) >= 8;
  const opaque = (element) => {
    for (let at = element; at; at = at.parentElement) if (getComputedStyle(at).opacity < 0.5) return false;
    return true;
  };
  const marked = (element) => {
    if (!opaque(element)) return false;
    if (large(element) && ['', '::before', '::after'].some((pseudo) => ring(element, pseudo || undefined))) return true;
    const near = [element.nextElementSibling, element.parentElement, element.parentElement?.parentElement];
    return near.some((one) => one && large(one) && ring(one));
  };
  const found = [];
  const all = ':is(a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex]):not([tabindex="-1"])';
  let number = 0;
  for (const element of document.querySelector(scope).querySelectorAll(all)) {
    element.focus({ preventScroll: true });
    if (document.activeElement !== element) continue;
    number += 1;
    for (let tries = 0; tries < 20 && !marked(element); tries += 1) await painted();
    if (!marked(element)) found.push(element.outerHTML.slice(0, 160));
  }
  return [number, [...new Set(found)]];
}
"""


@pytest.fixture
def origin(serve: Serve, server: Server) -> str:
    """The origin of the server with sample data."""
    return serve(server.app)


def _unmarked(page: Page, scope: str = "body") -> list[str]:
    page.keyboard.press("Tab")
    number, found = page.evaluate(_UNMARKED, scope)
    assert number > 0, "nothing can have the focus"
    return list(found)


@pytest.mark.parametrize(("viewport", "theme"), [(DESKTOP, "mydia-dark"), (PHONE, "mydia-light")])
def test_whatever_has_the_focus_shows_it(
    open_tab: Callable[..., Tab], origin: str, server: Server, viewport: dict[str, int], theme: str
) -> None:
    cookies = {"session": server.token, "theme": theme}
    tab = open_tab(origin, cookies=cookies, viewport=viewport, reduced_motion="reduce")
    film, show = f"/movies/{server.ids['Nosferatu']}", f"/shows/{server.ids['The Cartographers']}"
    found = []
    for address in (*ADDRESSES, film, f"{film}?tab=files", show):
        found += [f"{address}: {line}" for line in _unmarked(tab.go(address))]
    for address, opener in (
        (film, "#why-releases"),
        ("/movies", "[popovertarget=more-filters]"),
        ("/imports/manual", "form [aria-haspopup=dialog]"),
    ):
        page = tab.go(address)
        page.locator(opener).click()
        opened = page.locator("#dialog[open], #more-filters:popover-open")
        expect(opened).to_have_count(1)
        expect(page.locator("#dialog .skel")).to_have_count(0)
        found += [f"{address}, {opener}: {line}" for line in _unmarked(page, f"#{opened.get_attribute('id')}")]
    assert found == [], "\n".join(found)
    assert tab.errors == []


def test_tab_stays_in_a_dialog_and_escape_returns_to_its_button(
    open_tab: Callable[..., Tab], origin: str, server: Server
) -> None:
    tab = open_tab(origin, cookies={"session": server.token})
    page = tab.go(f"/movies/{server.ids['Sintel']}")
    more = page.get_by_role("button", name="More actions").locator("visible=true")
    more.press("Enter")
    page.get_by_role("link", name="Edit").locator("visible=true").press("Enter")
    dialog = page.locator("#dialog")
    expect(dialog.get_by_label("Title")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#dialog')")
    page.keyboard.press("Escape")
    expect(dialog).not_to_have_attribute("open", "")
    assert page.evaluate("document.activeElement.closest('#main') !== null")


def test_a_chosen_filter_and_tab_keep_the_focus(open_tab: Callable[..., Tab], origin: str, server: Server) -> None:
    tab = open_tab(origin, cookies={"session": server.token})
    page = tab.go("/movies")
    chips = page.get_by_role("group", name="Filters").get_by_role("link")
    label = chips.nth(1).inner_text()
    chips.nth(1).press("Enter")
    expect(chips.nth(1)).to_have_attribute("aria-current", "true")
    expect(chips.nth(1)).to_be_focused()
    assert chips.nth(1).inner_text().split()[0] == label.split()[0]
    page.keyboard.press("Enter")
    expect(chips.nth(1)).not_to_have_attribute("aria-current", "true")
    expect(chips.nth(1)).to_be_focused()
    table = page.get_by_role("group", name="View").get_by_role("link", name="Table")
    table.press("Enter")
    expect(table).to_have_attribute("aria-current", "true")
    expect(table).to_be_focused()
    page = tab.go(f"/shows/{server.ids['The Cartographers']}")
    files = page.locator(".tabs-line").get_by_role("link", name="Files")
    files.press("Enter")
    expect(files).to_have_attribute("aria-current", "page")
    expect(files).to_be_focused()
    assert tab.errors == []


def test_a_button_whose_entry_is_gone_hands_the_focus_on(
    open_tab: Callable[..., Tab], origin: str, server: Server
) -> None:
    tab = open_tab(origin, cookies={"session": server.token})
    page = tab.go("/imports?bucket=check")
    title = page.locator("#main h2").first.inner_text()
    ignore = page.get_by_role("button", name=re.compile("^Ignore")).locator("visible=true").first
    ignore.press("Enter")
    expect(page.get_by_text("1 entry ignored")).to_be_visible()
    page.wait_for_timeout(300)  # the page is read again after the toast
    assert page.evaluate("document.activeElement.closest('#main') !== null")
    assert tab.errors == [], title


@pytest.mark.parametrize("path", ["/system/tasks", "/settings/naming"])
def test_on_a_phone_nothing_gets_the_focus_under_the_bar(
    open_tab: Callable[..., Tab], origin: str, server: Server, path: str
) -> None:
    page = open_tab(origin, cookies={"session": server.token}, viewport=PHONE).go(path)
    top = page.locator(".tabbar").bounding_box()
    assert top is not None
    controls = page.locator("#main :is(a, button, input, select, textarea):visible")
    covered = []
    for place in range(min(controls.count(), 60)):
        page.keyboard.press("Tab")
        box = page.evaluate(
            "(() => { const e = document.activeElement; if (!e.closest('#main')) return null;"
            " const r = e.getBoundingClientRect(); return [e.outerHTML.slice(0, 80), r.bottom]; })()"
        )
        if box is not None and box[1] > top["y"]:
            covered.append((place, *box))
    assert covered == []

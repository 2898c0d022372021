"""Live updates of the pages: after any change, the page ends up to date, with a single stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect
from sqlalchemy import select

from mydia import events
from mydia.contexts import downloads
from mydia.contexts.users import SYSTEM
from tests.browser.conftest import Serve, Tab
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")

_ROUNDS = 8
_DEADLINE_S = 10.0


@pytest.fixture
def tab(open_tab: Callable[..., Tab], serve: Serve, server: Server) -> Tab:
    """Robin's browser."""
    return open_tab(serve(server.app), cookies={"session": server.token})


class Download:
    """A download in the sample data whose state the test changes."""

    def __init__(self, server: Server) -> None:
        self._database = server.deps.database
        with self._database.reads() as session:
            found = session.scalars(select(downloads.Download).where(downloads.Download.state == "downloading")).first()
        assert found is not None
        self.id, self._item_id = found.id, found.media_item_id

    def becomes(self, state: str) -> None:
        """Change the state and emit the event, as the worker does."""
        with self._database.writes() as session:
            row = session.get_one(downloads.Download, self.id)
            event = events.DownloadChanged(
                download_id=self.id, media_item_id=self._item_id, old=row.state, new=state, reason=None
            )
            row.state = downloads.DownloadState(state)
            events.emit(session, SYSTEM, event)


def _until(page: Page, so: Callable[[], object]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not so():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def _counting_streams(page: Page) -> Callable[[], int]:
    """Return a function that returns how many streams the page has open."""
    opened: list[Request] = []
    ended: list[Request] = []

    def note(where: list[Request]) -> Callable[[Request], None]:
        return lambda request: where.append(request) if "/events?" in request.url else None

    page.on("request", note(opened))
    page.on("requestfailed", note(ended))
    page.on("requestfinished", note(ended))
    return lambda: len(opened) - len(ended)


def test_changes_while_a_page_opens_are_shown_and_no_stream_is_left_open(tab: Tab, server: Server) -> None:
    download = Download(server)
    page, open_streams = tab.page, _counting_streams(tab.page)
    tab.go("/activity")
    row = page.locator(f"#q-{download.id}")
    expect(row).to_be_visible()
    for number in range(_ROUNDS):
        page.locator("#nav a[href='/movies']").click()
        expect(page).to_have_url(f"{tab.origin}/movies")
        download.becomes("downloading")

        def change(times: int = number) -> None:
            for state in ("paused", "queued", "downloading")[: times % 4]:
                download.becomes(state)
            download.becomes("imported")

        # A browser has six connections to a server. If streams were not closed, it would soon have none left.
        changing = threading.Thread(target=change)
        page.locator("#nav a[href='/activity']").click()
        changing.start()
        expect(page).to_have_url(f"{tab.origin}/activity")
        changing.join()
        expect(row).to_have_count(0)
    download.becomes("downloading")
    expect(row).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    _until(page, lambda: open_streams() == 1)
    assert tab.errors == []


def test_a_page_that_fetches_itself_again_keeps_its_stream(tab: Tab, server: Server) -> None:
    download = Download(server)
    page = tab.page
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/events?" in request.url else None)
    tab.go("/activity")
    for state in ("paused", "downloading", "paused"):
        download.becomes(state)
        expect(page.locator(f"#q-{download.id}-state")).to_have_text(state.capitalize())
    assert len(streams) == 1


def test_a_page_that_cannot_be_fetched_stays_and_is_fetched_later(tab: Tab, server: Server) -> None:
    download = Download(server)
    page = tab.go("/activity")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    cut: list[Route] = []

    def answer(route: Route) -> None:
        if cut:
            route.fallback()
        else:
            cut.append(route)
            route.abort("connectionreset")

    page.route("**/activity", answer)
    download.becomes("paused")
    expect(page.locator(f"#q-{download.id}-state")).to_have_text("Paused", timeout=15_000)
    assert cut
    expect(page.locator(".toastbox")).to_have_count(0)
    assert not [said for said in tab.errors if "is not defined" in said]


def test_closing_a_dialog_closes_its_stream(tab: Tab) -> None:
    page, open_streams = tab.page, _counting_streams(tab.page)
    tab.go("/movies")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    page.evaluate(
        """() => {
            const dialog = document.querySelector("#dialog");
            dialog.innerHTML = '<p>Asking</p><i id="live-search" hx-sse:connect="/events?topics=imports" hx-swap="none"></i>';
            htmx.process(dialog);
            dialog.showModal();
        }"""
    )
    _until(page, lambda: page.evaluate("!!document.querySelector('#live-search')._htmx?.sse?.reader"))
    assert open_streams() == 2
    page.keyboard.press("Escape")
    _until(page, lambda: open_streams() == 1)

"""The pages themselves, live: whatever changes while somebody goes about, the page ends as it is, on one stream."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect
from sqlalchemy import select

from mydia import events
from mydia.contexts import downloads
from mydia.contexts.users import SYSTEM
from tests.browser.conftest import Serve, Tab
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")

_ROUNDS = 8


@pytest.fixture
def tab(open_tab: Callable[..., Tab], serve: Serve, server: Server) -> Tab:
    """Robin's browser."""
    return open_tab(serve(server.app), cookies={"session": server.token})


class Download:
    """A download of the furnished server, moved about by the test."""

    def __init__(self, server: Server) -> None:
        self._database = server.deps.database
        with self._database.reads() as session:
            found = session.scalars(select(downloads.Download).where(downloads.Download.state == "downloading")).first()
        assert found is not None
        self.id, self._item_id = found.id, found.media_item_id

    def becomes(self, state: str) -> None:
        """Put it into another state and tell so, as the worker does."""
        with self._database.writes() as session:
            row = session.get_one(downloads.Download, self.id)
            event = events.DownloadChanged(self.id, self._item_id, row.state, state, None)
            row.state = downloads.DownloadState(state)
            events.emit(session, SYSTEM, event)


def test_what_changes_while_a_page_opens_is_seen_and_no_stream_is_left_behind(tab: Tab, server: Server) -> None:
    download = Download(server)
    page = tab.page
    opened: list[Request] = []
    ended: list[Request] = []

    def note(where: list[Request]) -> Callable[[Request], None]:
        return lambda request: where.append(request) if "/events?" in request.url else None

    page.on("request", note(opened))
    page.on("requestfailed", note(ended))
    page.on("requestfinished", note(ended))
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

        # A browser has six connections to a server: with streams that nobody closes, it would soon have none for anything else.
        changing = threading.Thread(target=change)
        page.locator("#nav a[href='/activity']").click()
        changing.start()
        expect(page).to_have_url(f"{tab.origin}/activity")
        changing.join()
        expect(row).to_have_count(0)
    download.becomes("downloading")
    expect(row).to_be_visible()
    page.wait_for_function("document.documentElement.dataset.live === 'on'")
    assert len(opened) - len(ended) == 1
    assert tab.errors == []


def test_a_page_that_reads_itself_anew_keeps_its_stream(tab: Tab, server: Server) -> None:
    download = Download(server)
    page = tab.page
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if "/events?" in request.url else None)
    tab.go("/activity")
    for state in ("paused", "downloading", "paused"):
        download.becomes(state)
        expect(page.locator(f"#q-{download.id}-state")).to_have_text(state.capitalize())
    assert len(streams) == 1

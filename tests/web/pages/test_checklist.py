"""The checklist on Home: what setup left out stays there until it is done or closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from tests.web.pages.conftest import Browser, Server, words


def _without_indexers(server: Server) -> None:
    with server.deps.database.writes() as session:
        for row in settings.indexers.list_indexers(session, SYSTEM):
            settings.indexers.remove_indexer(session, SYSTEM, clock.now(), row.id)


def test_what_was_skipped_stays_on_home_until_the_list_is_closed(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    assert "Set up Mydia" not in words(browser.get("/"))
    _without_indexers(server)
    said = words(browser.get("/"))
    assert "Set up Mydia 3 of 4" in said
    assert "Add an indexer" in said
    press(browser, "/setup/dismiss", htmx=False)
    assert "Set up Mydia" not in words(browser.get("/"))


def test_a_client_that_was_never_tried_is_not_shown_as_working(browser: Browser, server: Server) -> None:
    _without_indexers(server)
    now = clock.now()
    with server.deps.database.writes() as session:
        for row in settings.clients.list_clients(session, SYSTEM):
            settings.clients.remove_client(session, SYSTEM, now, row.id)
        new = settings.NewClient(name="qB", kind="qbittorrent", url="http://nas:8080")
        settings.clients.add_client(session, SYSTEM, now, new)
    page = browser.get("/")
    assert "Set up Mydia 2 of 4" in words(page)
    assert "Not checked yet." in words(page)
    assert "#i-circle-dashed" in page.text.split('id="h-steps"')[1].split("</section>")[0]

"""Two people on two phones: one asks for a film, the other approves, and the first sees it become available."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import expect

from mydia import clock
from mydia.adapters.metadata_providers.base import Details, Ids
from mydia.contexts import library, media, requests
from mydia.contexts.users import SYSTEM, Role
from tests.browser.conftest import PHONE, Serve, Tab
from tests.builders import media_file
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Server, furnished, server

__all__ = ["furnished", "server"]
pytestmark = pytest.mark.xdist_group("browser-pages")

FILM = Details(
    type="movie",
    title="The Phantom Carriage",
    original_title="Körkarlen",
    ids=Ids(58129, None, "tt0012364"),
    provider="tmdb",
    year=1921,
    status="released",
    digital_on=date(2010, 1, 1),
    overview="On New Year's Eve, a drunkard meets the coachman of death.",
)


def follow(server: Server) -> None:
    """Carry out and follow requests, as the worker does."""
    database = server.deps.database
    with database.reads() as session:
        due = requests.fulfilling.due_requests(session)
    for request_id in due:
        requests.fulfilling.fulfil(database, server.deps.outside, clock.now(), request_id)
    requests.following.follow(database, clock.now(), {})


def bring_in(server: Server) -> None:
    """Import the film, as the worker does."""
    with server.deps.database.writes() as session:
        item = media.find_by_ids(session, SYSTEM, FILM.type, FILM.ids)
        assert item is not None
        path = session.get(media.MediaItem, item.id)
        assert path is not None
        folder = scenes.settings.library_paths.list_library_paths(session, SYSTEM)[0]
        media_file(session, folder, "The Phantom Carriage (1921)/film.mkv", item=item)
        library.holdings.refresh_holdings(session, clock.now(), item.id)


def test_one_asks_another_approves_and_the_first_sees_it_become_available(
    open_tab: Callable[..., Tab], serve: Serve, server: Server
) -> None:
    server.provider.known.append(FILM)
    _, token = scenes.sign_in(server.deps.database, "Kim Guest", Role.GUEST)
    origin = serve(server.app)
    kim = open_tab(origin, viewport=PHONE, cookies={"session": token})
    robin = open_tab(origin, viewport=PHONE, cookies={"session": server.token})

    # Robin looks at the requests; nothing waits.
    robin.go("/requests")
    expect(robin.page.get_by_text("No requests", exact=True)).to_be_visible()

    # Kim finds the film and asks for it with one tap.
    kim.go("/requests/new")
    kim.page.get_by_role("searchbox", name="Title").fill("Phantom Carriage")
    kim.page.get_by_role("link", name="Request The Phantom Carriage").click()
    dialog = kim.page.get_by_role("dialog")
    expect(dialog.get_by_text("On New Year's Eve")).to_be_visible()
    dialog.get_by_role("button", name="Request").click()
    expect(dialog).to_be_hidden()
    expect(kim.page.get_by_role("link", name="Requested")).to_be_visible()
    kim.go("/requests")
    mine = kim.page.locator("tr", has_text="The Phantom Carriage")
    expect(mine.get_by_text("Pending")).to_be_visible()

    # It appears on Robin's phone, who approves it.
    row = robin.page.locator("tr", has_text="The Phantom Carriage")
    expect(row).to_be_visible()
    row.get_by_role("button", name="Approve").click()
    expect(row.get_by_text("Approved")).to_be_visible()

    # Kim sees every step without touching the phone.
    expect(mine.get_by_text("Approved")).to_be_visible()
    follow(server)
    bring_in(server)
    follow(server)
    expect(mine.get_by_text("Available")).to_be_visible()
    expect(row.get_by_text("Available")).to_be_visible()
    assert kim.errors == []
    assert robin.errors == []
    assert kim.foreign == []

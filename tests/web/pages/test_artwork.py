"""Choose another picture or another catalogue on a title's page."""

from __future__ import annotations

from collections.abc import Callable
from copy import replace
from typing import Any

import pytest

from mydia.adapters.errors import Unreachable
from mydia.adapters.metadata_providers.base import Artwork
from mydia.contexts import media, metadata
from mydia.contexts.users import SYSTEM
from tests.web.pages.conftest import Browser, Server, words

type Press = Callable[..., Any]


@pytest.fixture
def film(server: Server) -> str:
    """Metropolis, with three posters to choose from."""
    posters = (
        Artwork("/a.jpg", "de", 2000, 3000),
        Artwork("/b.jpg"),
        Artwork("https://artworks.thetvdb.com/banners/c.jpg", "en"),
    )
    server.provider.known = [
        replace(one, posters=posters, poster_path="/a.jpg") if one.title == "Metropolis" else one
        for one in server.provider.known
    ]
    return server.ids["Metropolis"]


def _poster(server: Server, item_id: str) -> str | None:
    with server.deps.database.reads() as session:
        item = media.get_item(session, SYSTEM, item_id)
        assert ("poster" in item.locked_fields) == (item.poster is not None and item.poster.source != "/a.jpg")
        return item.poster.source if item.poster else None


def test_another_poster_is_chosen_and_reset(server: Server, browser: Browser, press: Press, film: str) -> None:
    answer = browser.get(f"/items/{film}/artwork", headers={"hx-request": "true"})
    assert "de · 2000 × 3000" in words(answer)
    assert "No text" in words(answer)
    assert "/img/preview/poster/tvdb?of=%2Fbanners%2Fc.jpg" in answer.text
    assert "Use the provider's choice" not in answer.text
    chosen = press(browser, f"/items/{film}/artwork", role="poster", source="/b.jpg")
    assert chosen.status_code == 200 or chosen.status_code == 204
    assert _poster(server, film) == "/b.jpg"
    again = browser.get(f"/items/{film}/artwork", headers={"hx-request": "true"})
    assert "Use the provider's choice" in again.text
    press(browser, f"/items/{film}/artwork", role="poster", source="")
    assert _poster(server, film) == "/a.jpg"


def test_a_picture_that_is_not_offered_is_refused(server: Server, browser: Browser, press: Press, film: str) -> None:
    assert press(browser, f"/items/{film}/artwork", role="poster", source="http://192.0.2.1/x.png").status_code == 422
    assert press(browser, f"/items/{film}/artwork", role="banner", source="/b.jpg").status_code == 422


def test_the_dialog_says_when_the_provider_does_not_answer(server: Server, browser: Browser, film: str) -> None:
    server.provider.trouble = Unreachable("Metadata", "the catalogue does not answer")
    answer = browser.get(f"/items/{film}/artwork", headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "Artwork search is unavailable" in words(answer)


def test_a_guest_cannot_choose_artwork(guest_browser: Browser, film: str) -> None:
    assert guest_browser.get(f"/items/{film}/artwork", headers={"hx-request": "true"}).status_code == 403


def test_the_catalogue_is_chosen_in_the_dialog(server: Server, browser: Browser, press: Press) -> None:
    show = server.ids["The Cartographers"]
    assert "TheTVDB" in words(browser.get(f"/items/{show}/edit", headers={"hx-request": "true"}))
    press(browser, f"/items/{show}/edit", title="The Cartographers", provider="tvdb")
    with server.deps.database.reads() as session:
        assert media.get_item(session, SYSTEM, show).provider == "tvdb"


def test_thetvdb_previews_are_fetched_only_from_thetvdb(server: Server, browser: Browser) -> None:
    assert browser.get("/img/preview/poster/tvdb?of=/banners/c.jpg").status_code == 200
    assert "image https://artworks.thetvdb.com/banners/c.jpg w154" in server.provider.asked
    for path in ("@192.0.2.1/x.jpg", ".evil.test/x.jpg", "/../x.jpg", "/a/../b.jpg", "", "/x?y"):
        assert browser.get("/img/preview/poster/tvdb", params={"of": path}).status_code in (404, 422), path
    assert metadata.SIZES["poster"][0] == 154


def test_the_add_dialog_shows_free_space_by_folder(browser: Browser) -> None:
    answer = browser.get("/add/movie/tmdb:653", headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert " free" in words(answer)

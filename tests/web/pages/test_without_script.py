"""Pages work without script: everything that changes something is a form, and everything that opens something is a link."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import select

from mydia.contexts import downloads, library, media, settings
from mydia.contexts.users import SYSTEM
from tests.web.pages.conftest import Browser, Server, csrf, words

_CHANGES = ("hx-post", "hx-put", "hx-delete", "hx-patch")
_FIELDS = ("input", "textarea", "select")
"""Their checks while typing are only a help; sending the form gives the same messages."""


class Elements(HTMLParser):
    """Collects the elements of a page that act, with their forms."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str | None]] = []
        self.acting: list[tuple[str, dict[str, str | None], dict[str, str | None] | None]] = []
        self._open: list[dict[str, str | None]] = []
        self._template = 0
        """Depth within hidden elements: templates, and dialogs that are not open."""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self._template += tag in ("template", "dialog")
        if self._template:
            return
        if tag == "form":
            self.forms.append(told)
            self._open.append(told)
        if tag in ("button", "a", *_FIELDS, "form") or any(name in told for name in _CHANGES):
            self.acting.append((tag, told, self._open[-1] if self._open else None))

    def handle_endtag(self, tag: str) -> None:
        self._template -= tag in ("template", "dialog")
        if tag == "form" and self._open:
            self._open.pop()

    def form_of(
        self, told: dict[str, str | None], around: dict[str, str | None] | None
    ) -> dict[str, str | None] | None:
        """Return the form that a button sends."""
        if "form" not in told:
            return around
        return next((form for form in self.forms if form.get("id") == told["form"]), None)

    def dead(self) -> list[str]:
        """Return the elements that do nothing without script."""
        return [f"{tag} {told}" for tag, told, around in self.acting if not self._lives(tag, told, around)]

    def _lives(self, tag: str, told: dict[str, str | None], around: dict[str, str | None] | None) -> bool:
        asked = next((told[name] for name in _CHANGES if name in told), None)
        if tag == "form":
            return asked is None or (told.get("method") == "post" and bool(told.get("action")))
        if tag == "a":
            return bool(told.get("href"))
        if tag == "button" and "needs-script" not in (told.get("class") or ""):
            if "popovertarget" in told:
                return True
            form = self.form_of(told, around)
            sends = told.get("type", "submit") != "button" and form is not None
            return sends and (asked is None or asked == (told.get("formaction") or (form or {}).get("action")))
        return asked is None or tag in _FIELDS or "needs-script" in (told.get("class") or "")


PAGES = (
    "/",
    "/movies",
    "/movies?view=table",
    "/shows",
    "/calendar",
    "/add",
    "/add?q=Metropolis",
    "/activity",
    "/activity/history",
    "/activity/blocklist",
    "/imports",
    "/imports?bucket=ready",
    "/imports?bucket=none",
    "/imports?bucket=ignored",
    "/wanted",
    "/wanted?kind=episodes",
    "/wanted/upgrades",
    "/system",
    "/system/tasks",
    "/system/logs",
    "/system/backups",
    "/account",
    "/settings",
    "/settings/general",
    "/settings/folders",
    "/settings/naming",
    "/settings/profiles",
    "/settings/indexers",
    "/settings/clients",
    "/settings/metadata",
    "/settings/users",
)
OF_A_TITLE = (
    "",
    "?tab=files",
    "?tab=history",
    "?tab=details",
    "/edit",
    "/remove",
    "/match",
    "/artwork",
    "/rename",
    "/releases",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_button_of_a_page_works_without_script(reader: Browser, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200
    assert not Elements(answer.text).dead()


@pytest.mark.parametrize("title", ["Metropolis", "Nosferatu", "The Cartographers"])
@pytest.mark.parametrize("part", OF_A_TITLE)
def test_every_button_of_a_title_works_without_script(reader: Browser, still: Server, title: str, part: str) -> None:
    section = "shows" if title == "The Cartographers" else "movies"
    if part == "/artwork" and section == "shows":
        return  # the scene's catalogue offers none for it
    place = f"/items/{still.ids[title]}" if part.startswith("/") else f"/{section}/{still.ids[title]}"
    answer = reader.get(place + part)
    assert answer.status_code == 200
    assert "<html" in answer.text
    assert not Elements(answer.text).dead()


def follow(browser: Browser, page: str, label: str) -> Any:
    """Click a button by its label, as a browser without script does: with its form and its address."""
    text = browser.get(page).text
    found = re.search(rf"<button(?P<attributes>[^>]*)>(?:(?!</button>).)*?{re.escape(label)}", text, re.DOTALL)
    assert found, label
    place = re.search(r'formaction="([^"]+)"', found["attributes"])
    assert place, found["attributes"]
    assert 'form="act"' in found["attributes"]
    return browser.post(place[1].replace("&amp;", "&"), data={"_csrf": csrf(browser, page)})


def test_a_title_is_monitored_and_searched_by_plain_forms(browser: Browser, server: Server) -> None:
    page = f"/movies/{server.ids['Nosferatu']}"
    answer = follow(browser, page, "Monitored</span>")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/items/{server.ids['Nosferatu']}")
    assert "Not monitored" in words(browser.get(page))
    with server.deps.database.reads() as session:
        assert not media.get_item(session, SYSTEM, server.ids["Nosferatu"]).monitored
    follow(browser, page, "Search</button>" if "Search</button>" in browser.get(page).text else "Refresh metadata")
    assert browser.get(page).status_code == 200


def test_buttons_of_a_season_and_an_episode_affect_only_it(browser: Browser, server: Server) -> None:
    item_id = server.ids["The Cartographers"]
    token = csrf(browser)
    answer = browser.post(
        f"/items/{item_id}/monitored?season=1&monitored=false", data={"_csrf": token}, headers={"hx-request": "false"}
    )
    assert answer.status_code == 303
    with server.deps.database.reads() as session:
        seasons = {season.number: season.monitored for season in media.seasons_of(session, SYSTEM, item_id)}
        assert media.get_item(session, SYSTEM, item_id).monitored
    assert seasons[1] is False
    assert any(seasons.values())


def test_an_error_in_the_edit_form_is_shown_on_a_page(browser: Browser, server: Server) -> None:
    item_id = server.ids["Metropolis"]
    page = f"/items/{item_id}/edit"
    sent = {"_csrf": csrf(browser, page), "title": "Metropolis", "year": "soon", "overview": ""}
    answer = browser.post(page, data=sent)
    assert answer.status_code == 422
    assert "<html" in answer.text
    assert "Write a year such as 1927." in words(answer)
    answer = browser.post(page, data=sent | {"year": "1927", "overview": "A city of two worlds."})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/items/{item_id}")


def test_a_closed_season_opens_by_a_link(reader: Browser, still: Server) -> None:
    page = reader.get(f"/shows/{still.ids['The Cartographers']}").text
    link = re.search(r'<a href="([^"]+open=[^"]+)"[^>]*aria-expanded="false"', page)
    assert link
    opened = reader.get(link[1].replace("&amp;", "&")).text
    assert page.count('aria-expanded="true"') + 1 == opened.count('aria-expanded="true"')


def test_the_add_form_is_a_page_and_opens_the_title(browser: Browser, server: Server) -> None:
    page = browser.get("/add/movie/tmdb:19")
    assert "<html" in page.text
    elements = Elements(page.text)
    assert not elements.dead()
    assert any(form.get("action") == "/add" for form in elements.forms)
    sent = {"_csrf": csrf(browser), "type": "movie", "number": "tmdb:19", "monitor": "all"}
    answer = browser.post("/add", data=sent)
    assert answer.status_code == 303
    assert "is already in the library" in words(browser.get(answer.headers["location"]))


def test_several_ticked_titles_are_changed(browser: Browser, server: Server) -> None:
    page = browser.get("/movies")
    assert '<form method="post" class="bulkbar" id="bulkbar"' in page.text
    ids = [server.ids["Metropolis"], server.ids["Nosferatu"]]
    answer = browser.post("/movies/bulk/unmonitor", data={"_csrf": csrf(browser, "/movies"), "ids": ids})
    assert (answer.status_code, answer.headers["location"]) == (303, "/movies")
    with server.deps.database.reads() as session:
        assert [media.get_item(session, SYSTEM, item_id).monitored for item_id in ids] == [False, False]


def test_a_filter_by_profile_does_not_decide_the_new_profile(
    browser: Browser, server: Server, press: Callable[..., Any]
) -> None:
    with server.deps.database.reads() as session:
        now = media.get_item(session, SYSTEM, server.ids["Metropolis"]).versions[0].profile_id
        other = next(one.id for one in settings.profiles.list_profiles(session, SYSTEM) if one.id != now)
    answer = press(browser, "/movies/bulk/apply", scope="filter", profile_id=now, to_profile=other)
    edit_id = answer.headers["hx-location"].partition("/edits/")[2].partition('"')[0]
    with server.deps.database.reads() as session:
        assert library.edits.get_edit(session, SYSTEM, edit_id).changes == {"profile_id": other}
        titles = {line.media_item_id for line, _ in library.edits.lines_of(session, SYSTEM, edit_id)}
    assert server.ids["Metropolis"] in titles


def test_further_rows_of_the_table_are_a_page(reader: Browser) -> None:
    answer = reader.get("/movies/rows", params={"cursor": "x", "state": "missing"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/movies?")
    assert "view=table" in answer.headers["location"]


def test_several_ticked_releases_are_removed_from_the_blocklist(browser: Browser, server: Server) -> None:
    with server.deps.database.reads() as session:
        ids = list(session.scalars(select(downloads.BlocklistEntry.id)))
    answer = browser.post("/activity/blocklist/remove", data={"_csrf": csrf(browser), "ids": ids})
    assert answer.status_code == 303
    with server.deps.database.reads() as session:
        assert list(session.scalars(select(downloads.BlocklistEntry.id))) == []

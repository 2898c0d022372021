"""Every page opens and shows its content, and offers no action that the user may not do."""

from __future__ import annotations

import re

import pytest
from litestar.testing import TestClient

from mydia import clock
from mydia.adapters.errors import Unreachable
from mydia.contexts import metadata, settings
from mydia.contexts.users import SYSTEM
from tests.builders import media_file
from tests.web.pages.conftest import Browser, Server, csrf, words

PAGES = {
    "/": ("Good", "Needs a decision", "Import blocked: Häxan (1922)", "Recently added", "Coming up", "Downloading"),
    "/movies": ("Movies", "Metropolis", "Missing"),
    "/movies?view=table": ("Metropolis", "Profile"),
    "/shows": ("Shows", "The Cartographers"),
    "/calendar": ("Today",),
    "/add": ("Add a title",),
    "/activity": ("Downloads", "Detour (1945)", "62 %", "Import blocked", "Witchcraft Through the Ages", "Unreachable"),
    "/activity?state=paused": ("Metropolis", "paused"),
    "/activity/history": ("Today", "Searched", "7 found"),
    "/activity/blocklist": ("Nosferatu.1922.2160p.AI.Upscale.HEVC.DDP5.1-GRN", "Robin Baker removed it."),
    "/imports": ("To check", "Battleship Potemkin", "68 %", "No title fits well enough", "Scan results rejected"),
    "/imports?bucket=ready": ("Import 5 confident matches", "Big Buck Bunny"),
    "/imports?bucket=none": ("MWAMC", "No matching title found"),
    "/imports?bucket=ignored": ("holiday", "Review again"),
    "/wanted": ("Missing", "Nosferatu", "7 found, 3 accepted"),
    "/wanted?kind=episodes": ("The Cartographers", "Never searched."),
    "/wanted/upgrades": ("Upgrades",),
    "/system": ("Health", "SABnzbd", "Services", "Storage", "About"),
    "/system/tasks": ("Running now", "Library scan", "62 %", "Scheduled", "daily, 02:00", "Permission denied"),
    "/system/tasks?show=failed": ("Empty recycle bin", "Run again"),
    "/system/logs": ("Logs", "Info and above"),
    "/system/backups": ("Back up now", "mydia backup restore"),
}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows_its_main_content(reader: Browser, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200
    said = words(answer)
    assert [text for text in PAGES[path] if text not in said] == []


@pytest.mark.parametrize("path", ["/", "/activity", "/imports", "/wanted", "/system/tasks", "/movies"])
def test_a_followed_link_gets_the_content_without_the_shell(reader: Browser, path: str) -> None:
    answer = reader.get(path, headers={"hx-request": "true", "hx-target": "main#main"})
    assert "<html" not in answer.text
    assert 'hx-target="#nav"' in answer.text


@pytest.mark.parametrize("path", [path for path in PAGES if "?" not in path])
def test_every_page_opens_on_an_empty_server(new_browser: Browser, path: str) -> None:
    assert new_browser.get(path).status_code == 200


def test_a_new_server_shows_what_to_do_first(new_browser: Browser) -> None:
    said = words(new_browser.get("/"))
    assert "Set up Mydia" in said
    assert "Add a folder" in said


def test_without_a_worker_every_page_says_so(new_browser: Browser) -> None:
    assert "No worker is running" in words(new_browser.get("/movies"))


@pytest.mark.parametrize("title", ["Metropolis", "Detour", "The Cartographers"])
@pytest.mark.parametrize("tab", ["", "files", "history", "cast", "details"])
def test_a_titles_page_opens_with_every_tab(reader: Browser, still: Server, title: str, tab: str) -> None:
    section = "shows" if title == "The Cartographers" else "movies"
    answer = reader.get(f"/{section}/{still.ids[title]}", params={"tab": tab} if tab else {})
    assert answer.status_code == 200
    assert title in words(answer)


def test_a_titles_page_shows_its_download_and_why_nothing_was_grabbed(reader: Browser, still: Server) -> None:
    assert "62 %" in words(reader.get(f"/movies/{still.ids['Detour']}"))
    assert "7 found, 3 accepted" in words(reader.get(f"/movies/{still.ids['Nosferatu']}"))


MANAGERS_ONLY = ["/imports", "/system", "/system/tasks", "/system/logs", "/system/backups"]
INSIDERS_ONLY = ["/activity", "/activity/history", "/activity/blocklist", "/wanted"]


@pytest.mark.parametrize("path", MANAGERS_ONLY + INSIDERS_ONLY)
def test_a_refused_page_says_who_may_open_it(guest: Browser, path: str) -> None:
    answer = guest.get(path)
    assert answer.status_code == 403
    assert "Ask an administrator." in words(answer)


def test_a_guest_sees_home_and_library_without_forbidden_actions(guest: Browser, still: Server) -> None:
    home, film = guest.get("/"), guest.get(f"/movies/{still.ids['Metropolis']}")
    assert home.status_code == film.status_code == 200
    assert "Needs a decision" not in home.text
    assert 'href="/activity"' not in home.text.replace('id="nav-activity"', "")[home.text.index("<main") :]
    assert "hx-post" not in film.text[film.text.index("<main") :]
    assert "/media/movies" not in words(film)


def test_a_guests_page_subscribes_only_to_allowed_topics(guest: Browser) -> None:
    page = guest.get("/movies").text
    assert "topics=library%3Amovies%2Cshell" in page


def test_a_user_manages_titles_but_not_the_server(user: Browser) -> None:
    assert user.get("/imports").status_code == 200
    assert user.get("/activity").status_code == 200
    assert user.get("/system/logs").status_code == 403
    assert "Signed in" not in words(user.get("/activity/history"))


def test_without_sign_in_no_page_is_shown(still: Server) -> None:
    with TestClient(still.app, base_url="http://mydia.test") as stranger:
        answer = stranger.get("/activity", headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_the_palette_finds_titles_actions_and_what_could_be_added(reader: Browser, guest: Browser) -> None:
    said = words(reader.get("/palette", params={"q": "scan"}))
    assert "Scan library" in said
    said = words(reader.get("/palette", params={"q": "metrop"}))
    assert "Metropolis" in said
    assert "Look “metrop” up to add it" in said
    assert "Scan library" not in words(guest.get("/palette", params={"q": "scan"}))


def test_palette_actions_are_buttons_and_pages_are_links(reader: Browser) -> None:
    text = reader.get("/palette").text
    posts = re.findall(r"<button [^>]*formaction=\"([^\"]+)\"", text)
    assert "/library/scan" in posts
    links = re.findall(r"<a href=\"([^\"]+)\"", text)
    assert "/movies" in links
    for href in links:
        assert reader.get(href).status_code in {200, 303}, href


def test_file_names_are_for_those_who_may_view_activity(browser: Browser, guest: Browser, server: Server) -> None:
    item_id = server.ids["Metropolis"]
    for tab in ("files", "history", "overview"):
        assert ".mkv" not in guest.get(f"/movies/{item_id}?tab={tab}").text
    assert ".mkv" in browser.get(f"/movies/{item_id}?tab=files").text


def test_home_and_system_report_a_source_that_does_not_answer(server: Server, browser: Browser) -> None:
    database, outside = server.deps.database, server.deps.outside
    assert "has not been checked yet" in words(browser.get("/system"))
    metadata.record_answer(database, outside, SYSTEM, clock.now(), Unreachable("The relay", "connection refused"))
    with database.writes() as session:
        folder = next(one for one in settings.library_paths.list_library_paths(session, SYSTEM) if one.type == "movies")
        media_file(session, folder, "Unknown (1920)/unknown.mkv", match_state="new")
    home = words(browser.get("/"))
    assert "does not answer" in home
    assert "1 new file cannot be matched until it answers" in home
    assert "Nothing needs you" not in home
    imports = words(browser.get("/imports?bucket=check"))
    assert "1 new file cannot be matched until it answers" in imports
    assert "Nothing is waiting for you" not in imports
    system = words(browser.get("/system"))
    assert "does not answer" in system
    assert "No problems found" not in system
    answer = browser.post("/metadata/retry", headers={"x-csrf-token": csrf(browser)})
    assert answer.status_code == 303

"""A person's own picture, preferences and defaults, and what they change on pages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, User
from mydia.contexts.users.accounts import find_user
from mydia.db import Database
from mydia.errors import Forbidden
from mydia.vocabulary import MediaType
from mydia.web.looks import find_zone
from tests.fakes.outside import fake_outside
from tests.web.pages.conftest import Browser as Client
from tests.web.pages.conftest import Server
from tests.web.pages.household import Browser, browser_at, household


@pytest.fixture
def browser(database: Database, tmp_path: Path) -> Iterator[Browser]:
    household(database)
    with browser_at(database, tmp_path, fake_outside()) as made:
        made.sign_in()
        yield made


def account(database: Database, name: str = "robin") -> User:
    with database.reads() as session:
        found = find_user(session, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("dates", "hours", "shape"),
    [
        ("day_first", "24", "%-d %b %Y, %H:%M"),
        ("month_first", "12", "%b %-d, %Y, %-I:%M %p"),
        ("iso", "24", "%Y-%m-%d, %H:%M"),
    ],
)
def test_dates_and_times_look_as_the_person_chose(
    browser: Browser, database: Database, dates: str, hours: str, shape: str
) -> None:
    form = {"theme": "system", "dates": dates, "hours": hours, "time_zone": "Pacific/Auckland"}
    assert browser.send("/account/preferences", form, on="/account").status_code == 303
    robin, zone = account(database), find_zone("Pacific/Auckland")
    assert robin.last_login_at is not None
    page = browser.see(f"/settings/users/{robin.id}")
    assert f"Last sign-in {robin.last_login_at.astimezone(zone).strftime(shape)}" in " ".join(page.split())
    browser.client.cookies.delete("session")
    browser.sign_in("kim")
    assert 'value="Pacific/Auckland"' not in browser.see("/account").partition("<datalist")[0]


def test_compact_pages_say_so_to_the_stylesheet(browser: Browser) -> None:
    assert 'data-density="comfortable"' in browser.see("/account")
    browser.send("/account/preferences", {"theme": "system", "density": "compact"}, on="/account")
    assert 'data-density="compact"' in browser.see("/settings/users")


def test_an_unknown_time_zone_is_refused_with_what_else_was_chosen(browser: Browser) -> None:
    form = {"theme": "system", "time_zone": "Mars/Olympus", "density": "compact"}
    answer = browser.send("/account/preferences", form, on="/account")
    assert answer.status_code == 422
    assert "Enter a time zone such as Europe/Vienna." in answer.text
    assert 'value="Mars/Olympus"' in answer.text
    assert (
        browser.send("/account/preferences", {"theme": "system", "dates": "stardate"}, on="/account").status_code == 422
    )


def test_what_a_person_adds_starts_with_their_own_choices(server: Server, database: Database) -> None:
    with server.deps.database.writes() as session:
        profile = settings.profiles.list_profiles(session, SYSTEM)[-1].id
        robin = find_user(session, "robin")
        assert robin is not None
        wanted = settings.person_defaults.Defaults(None, profile, "none")
        settings.person_defaults.change_own(session, users.caller_of(robin), MediaType.MOVIE, wanted)
        kept = settings.person_defaults.Defaults(None, profile)
        settings.person_defaults.change_defaults(session, SYSTEM, robin.id, MediaType.MOVIE, kept)
    with server.deps.database.reads() as session:
        assert settings.person_defaults.of_person(session, robin.id, MediaType.MOVIE) == wanted


def test_the_dialog_of_a_new_title_shows_the_persons_defaults(browser_of_server: Client, server: Server) -> None:
    page = browser_of_server.get("/account").text
    found = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert found
    with server.deps.database.reads() as session:
        profile = settings.profiles.list_profiles(session, SYSTEM)[-1].id
    form = {"_csrf": found[1], "movie_profile": profile, "movie_monitor": "none"}
    assert browser_of_server.post("/account/defaults", data=form).status_code == 303
    shown = browser_of_server.get("/add/movie/tmdb:19").text
    assert f'<option value="{profile}" selected' in shown
    assert '<option value="none" selected' in shown


@pytest.fixture
def browser_of_server(server: Server) -> Iterator[Client]:
    from tests.web.pages.conftest import browse

    yield from browse(server, server.token)


def test_a_guest_has_no_defaults_for_adding(browser: Browser, database: Database) -> None:
    browser.client.cookies.delete("session")
    browser.sign_in("kim")
    assert "Titles you add or request" not in browser.see("/account")
    assert browser.send("/account/defaults", {"movie_monitor": "none"}, on="/account").status_code == 403
    kim = users.caller_of(account(database, "kim"))
    with pytest.raises(Forbidden), database.writes() as session:
        settings.person_defaults.change_own(session, kim, MediaType.MOVIE, settings.person_defaults.Defaults())


def picture(size: tuple[int, int] = (900, 600), kind: str = "JPEG", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#336699").save(out, kind, **more)
    return out.getvalue()


def send_picture(browser: Browser, content: bytes, name: str = "me.jpg") -> object:
    page = browser.see("/account")
    found = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert found
    return browser.client.post(
        "/account/avatar", data={"_csrf": found[1]}, files={"avatar": (name, content, "image/jpeg")}
    )


def test_a_picture_is_shown_in_the_header_and_the_list_and_initials_without_one(
    browser: Browser, database: Database
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "my address"
    assert send_picture(browser, picture(exif=exif)).status_code == 303  # type: ignore[attr-defined]
    address = account(database).avatar_url
    assert address is not None
    for page in ("/account", "/settings/users"):
        assert f'src="{address}"' in browser.see(page)
    sent = browser.client.get(address)
    assert (sent.headers["content-type"], sent.headers["x-content-type-options"]) == ("image/webp", "nosniff")
    assert "immutable" in sent.headers["cache-control"]
    assert b"my address" not in sent.content
    with Image.open(io.BytesIO(sent.content)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (256, 256))
    browser.client.cookies.delete("session")
    assert browser.client.get(address).status_code == 303
    browser.sign_in("kim")
    assert browser.client.get(address).status_code == 200
    browser.client.cookies.delete("session")
    browser.sign_in()
    browser.send("/account/avatar/remove", {}, on="/account")
    assert browser.client.get(address).status_code == 404
    assert address not in browser.see("/settings/users")


def test_another_picture_has_another_address(browser: Browser, database: Database) -> None:
    send_picture(browser, picture())
    first = account(database).avatar_url
    send_picture(browser, picture((300, 900), "PNG"))
    assert account(database).avatar_url != first


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\x00" * 20,
        picture()[:200],
        picture((100, 100), "TIFF"),
    ],
    ids=["nothing", "svg", "broken gif", "half a jpeg", "tiff"],
)
def test_what_is_no_picture_is_refused_and_nothing_is_left_behind(
    browser: Browser, database: Database, content: bytes
) -> None:
    answer = send_picture(browser, content)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "Choose a picture" in answer.text  # type: ignore[attr-defined]
    assert account(database).avatar_url is None
    assert list(browser.deps.config.data_dir.glob(".avatar-*")) == []


def test_a_picture_that_is_too_large_is_refused(browser: Browser, database: Database) -> None:
    wide = picture((9000, 6000), "PNG")
    assert "too large" in send_picture(browser, wide).text  # type: ignore[attr-defined]
    assert send_picture(browser, b"x" * (users.avatars.MAX_BYTES + 1)).status_code == 413  # type: ignore[attr-defined]
    assert account(database).avatar_url is None
    assert list(browser.deps.config.data_dir.glob(".avatar-*")) == []


def test_a_picture_from_another_site_is_refused(browser: Browser, database: Database) -> None:
    files = {"avatar": ("me.jpg", picture(), "image/jpeg")}
    assert browser.client.post("/account/avatar", data={"_csrf": "wrong"}, files=files).status_code == 403
    assert account(database).avatar_url is None

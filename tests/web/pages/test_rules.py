"""Delay profiles and release profiles, in a browser without script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia.contexts import downloads, settings
from mydia.contexts.settings.rules import delays, words
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, fake_outside
from tests.web.pages.household import Browser, browser_at, household


@pytest.fixture
def browser(database: Database, tmp_path: Path) -> Iterator[Browser]:
    household(database)
    with browser_at(database, tmp_path, fake_outside(clients=[FakeDownloadClient()], indexers=[FakeIndexer()])) as made:
        made.sign_in()
        yield made


ANIME = {
    "name": "Anime",
    "tags": "anime, ova",
    "enable_torrent": "true",
    "enable_usenet": "true",
    "preferred_protocol": "usenet",
    "torrent_delay_min": "90",
    "usenet_delay_min": "0",
    "bypass_above_score": "100",
}


def test_a_delay_profile_is_added_ordered_changed_and_removed(browser: Browser, database: Database) -> None:
    assert "for all other titles" in browser.see("/settings/delays")
    assert browser.send("/settings/delays/new", ANIME).status_code == 303
    assert browser.send("/settings/delays/new", ANIME | {"name": "Kids", "tags": "kids"}).status_code == 303
    seen = browser.see("/settings/delays")
    assert "Torrent: wait 1 h 30 min; Usenet: grabbed at once, preferred." in " ".join(seen.split())
    assert "Not delayed: a score of 100 or more." in seen
    with database.reads() as session:
        anime, kids, default = delays.list_delays(session, SYSTEM)
        assert (anime.name, kids.name, default.id) == ("Anime", "Kids", "default")
    browser.send(f"/settings/delays/{kids.id}/up", {}, on="/settings/delays")
    with database.reads() as session:
        assert [one.name for one in delays.list_delays(session, SYSTEM)] == ["Kids", "Anime", "Default"]
    base = f"/settings/delays/{anime.id}"
    assert "anime, ova" in browser.see(base)
    wrong = browser.send(base, ANIME | {"tags": ""}, on=base)
    assert wrong.status_code == 422
    assert "at least one tag" in wrong.text
    browser.send(f"{base}/remove", {}, on=base)
    with database.reads() as session:
        assert [one.name for one in delays.list_delays(session, SYSTEM)] == ["Kids", "Default"]


def test_the_default_delay_profile_is_changed_and_cannot_be_removed(browser: Browser, database: Database) -> None:
    base = "/settings/delays/default"
    assert "Remove" not in browser.see(base).split("<main")[1]
    fields = {"name": "Default", "enable_torrent": "true", "torrent_delay_min": "30", "usenet_delay_min": ""}
    assert browser.send(base, fields, on=base).status_code == 303
    with database.reads() as session:
        (default,) = delays.list_delays(session, SYSTEM)
        assert (default.torrent_delay_min, default.usenet_delay_min, default.enable_usenet) == (30, 0, False)
    assert browser.send(f"{base}/remove", {}, on=base).status_code == 409


TERMS = {
    "name": "German",
    "enabled": "true",
    "required": "german\n/dubbed/",
    "ignored": "cam",
    "preferred": "HEVC +10\nx264 -5",
    "air_date_grace_days": "-1",
    "tags": "",
}


def test_a_release_profile_is_added_changed_and_removed(browser: Browser, database: Database) -> None:
    assert "No release profiles yet" in browser.see("/settings/words")
    assert browser.send("/settings/words/new", TERMS).status_code == 303
    with database.reads() as session:
        (made,) = words.list_profiles(session, SYSTEM)
    assert made.required == ("german", "/dubbed/")
    assert made.preferred == (("HEVC", 10), ("x264", -5))
    assert made.air_date_grace_days == -1
    assert "2 required terms, 1 excluded term, 2 preferred terms, air dates" in browser.see("/settings/words")
    base = f"/settings/words/{made.id}"
    assert "HEVC +10" in browser.see(base)
    wrong = browser.send(base, TERMS | {"preferred": "HEVC"}, on=base)
    assert wrong.status_code == 422
    assert "Write a score after “HEVC”" in wrong.text
    wrong = browser.send(base, TERMS | {"ignored": "/(/"}, on=base)
    assert wrong.status_code == 422
    assert "The pattern has a “(” without “)”" in wrong.text
    browser.send(base, {key: value for key, value in TERMS.items() if key != "enabled"}, on=base)
    assert "Off" in browser.see("/settings/words")
    browser.send(f"{base}/remove", {}, on=base)
    assert "No release profiles yet" in browser.see("/settings/words")


def test_the_editor_shows_what_a_changed_profile_would_do_and_saves_nothing(
    browser: Browser, database: Database
) -> None:
    with database.reads() as session:
        profile = settings.profiles.find_profile(session, "HD-1080p")
    assert profile is not None
    base = f"/settings/profiles/{profile.id}"
    assert "What would change?" in browser.see(base)
    fields = {"name": "Other", "upgrades_allowed": "true", "rung-0": "Bluray-1080p", "members-0": "Bluray-1080p"}
    wrong = browser.send(f"{base}/trial", fields, on=base)
    assert wrong.status_code == 422
    assert "Allow at least one" in wrong.text
    started = browser.send(f"{base}/trial", fields | {"allowed-0": "true"}, on=base)
    assert started.status_code == 303
    running = browser.see(started.headers["location"])
    assert "Comparing 0 of" in " ".join(running.split())
    downloads.whatif.run_trial(database, started.headers["location"].rsplit("/", 1)[1])
    assert "No title uses this profile" in browser.see(started.headers["location"])
    with database.reads() as session:
        assert settings.profiles.get_profile(session, SYSTEM, profile.id) == profile

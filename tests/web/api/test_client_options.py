"""Categories per type and removal after seeding, set in each way that a client can be set up, up to the calls of the client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mydia import config
from mydia.contexts import downloads, settings
from mydia.contexts.settings import IndexerRow
from mydia.contexts.users import SYSTEM
from tests.contexts.downloads.conftest import House
from tests.web.pages.household import browser_at, household

URL = "http://client.test"
KEY = "a key that is long enough for the tests"
OPTIONS = {"category": "mydia", "movies_category": "films", "series_category": "shows"}
FILE = f"""
download_clients:
  - name: qB
    type: qbittorrent
    url: {URL}
    category: mydia
    movies_category: films
    series_category: shows
    remove_completed: true
"""
ENVIRON = {
    "DOWNLOAD_CLIENT_1_NAME": "qB",
    "DOWNLOAD_CLIENT_1_TYPE": "qbittorrent",
    "DOWNLOAD_CLIENT_1_URL": URL,
    "DOWNLOAD_CLIENT_1_CATEGORY": "mydia",
    "DOWNLOAD_CLIENT_1_MOVIES_CATEGORY": "films",
    "DOWNLOAD_CLIENT_1_SERIES_CATEGORY": "shows",
    "DOWNLOAD_CLIENT_1_REMOVE_COMPLETED": "true",
}


def by_form(house: House, folder: Path, _request: pytest.FixtureRequest) -> None:
    household(house.database)
    with browser_at(house.database, folder, house.outside, SECRET_KEY_BASE=KEY) as browser:
        browser.sign_in()
        page = browser.see("/settings/clients/new?kind=qbittorrent")
        assert all(f'name="{name}"' in page for name in (*OPTIONS, "remove_completed"))
        form = {"kind": "qbittorrent", "name": "qB", "url": URL, "remove_completed": "on", **OPTIONS}
        assert browser.send("/settings/clients/new", form).status_code == 303


def by_api(_house: House, _folder: Path, request: pytest.FixtureRequest) -> None:
    body = {"name": "qB", "kind": "qbittorrent", "url": URL, "options": {"remove_completed": True, **OPTIONS}}
    answer = request.getfixturevalue("admin").post("/download-clients", body)
    assert answer.status_code == 201, answer.text


def by_file(house: House, folder: Path, _request: pytest.FixtureRequest) -> None:
    file = folder / "config.yml"
    file.write_text(FILE)
    _start(house, {}, file)


def by_environment(house: House, _folder: Path, _request: pytest.FixtureRequest) -> None:
    _start(house, ENVIRON, None)


def _start(house: House, environ: dict[str, str], file: Path | None) -> None:
    settings.bind(house.database, config.load({"SECRET_KEY_BASE": KEY, **environ}, file=file))
    with house.database.writes() as session:
        settings.managed.sync_managed(session, house.now)


@pytest.mark.parametrize("set_up", [by_form, by_api, by_file, by_environment])
def test_categories_and_removal_reach_the_client_however_they_are_set(
    set_up: Callable[[House, Path, pytest.FixtureRequest], None],
    house: House,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with house.database.writes() as session:
        settings.clients.remove_client(session, SYSTEM, house.now, "client-1")
        session.get_one(IndexerRow, "indexer-1").options = {"seed_ratio": 2.0}
    set_up(house, tmp_path, request)

    film_id = house.get_one()
    episode = "Silo.S01E01.1080p.WEB-DL-GRP"
    house.offer(episode, tvdb_id=403245)
    house.get_one(episode, item_id=house.series_id)
    assert [added.category for added in house.client.added] == ["films", "shows"]

    house.finish(film_id)
    house.bring_in(film_id)
    assert house.client.removed == [], "it has not reached its ratio"
    ref = house.download(film_id).client_ref or ""
    house.client.change(ref, ratio=2.0)
    downloads.monitor(house.database, house.outside, house.later(seconds=5))
    assert house.client.removed == [(ref, True)]

"""A setting is found by its label, its purpose and its name in files; the result links to its field."""

from __future__ import annotations

import pytest

from mydia.config import KEYS, Key
from tests.web.pages.conftest import Browser, words

HTMX = {"hx-request": "true"}


@pytest.mark.parametrize(
    ("q", "label", "href"),
    [
        ("recycle", "Keep deleted files for (days)", "/settings/general#f-library-recycle_days"),
        ("free space", "Minimum free space", "/settings/general#f-downloads-minimum_free_mb"),
        ("SEARCH_CRON", "Search schedule for missing titles", "/settings/general#f-jobs-search_cron"),
        ("server.port", "server.port", "/settings/general#k-server-port"),
        ("anime", "Shows: Episode of an anime", "/settings/naming#f-anime_file"),
        ("path mapping", "Path mappings", "/settings/clients"),
        ("cutoff", "Upgrades and their goal", "/settings/profiles"),
        ("dark", "Theme", "/account#appearance"),
    ],
)
def test_a_setting_is_found_by_any_of_its_names(reader: Browser, q: str, label: str, href: str) -> None:
    answer = reader.get("/settings/find", params={"q": q}, headers=HTMX)
    assert label in words(answer)
    assert f'href="{href}"' in answer.text


def test_settings_whose_name_matches_come_first(reader: Browser) -> None:
    said = words(reader.get("/settings/find", params={"q": "quality"}, headers=HTMX))
    assert said.index("Quality profiles") < said.index("Quality sizes")


def test_no_results_are_reported_and_an_empty_search_shows_nothing(reader: Browser) -> None:
    assert "No setting found" in words(reader.get("/settings/find", params={"q": "flux"}, headers=HTMX))
    assert words(reader.get("/settings/find", params={"q": " "}, headers=HTMX)).strip() == ""


def test_without_script_the_settings_search_works(reader: Browser) -> None:
    answer = reader.get("/settings/find", params={"q": "recycle"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?q=recycle")
    assert "Keep deleted files for (days)" in words(reader.get("/settings", params={"q": "recycle"}))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_result_links_to_an_existing_field(reader: Browser, key: Key) -> None:
    name = key.name
    found = reader.get("/settings/find", params={"q": name}, headers=HTMX).text
    for prefix in ("f", "k"):
        anchor = f"{prefix}-{name.replace('.', '-')}"
        if f"/settings/general#{anchor}" in found:
            assert f'id="{anchor}"' in reader.get("/settings/general").text


def test_a_user_without_permission_cannot_search_settings(user: Browser) -> None:
    assert user.get("/settings/find", params={"q": "recycle"}, headers=HTMX).status_code == 403

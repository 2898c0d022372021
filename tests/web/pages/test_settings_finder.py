"""A setting is found by its name, by what it does and by the name it has in files; the hit leads into its field."""

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
        ("anime", "Series: Episode of an anime", "/settings/naming#f-anime_file"),
        ("path mapping", "Path mappings", "/settings/clients"),
        ("cutoff", "Upgrades and their goal", "/settings/profiles"),
        ("dark", "Theme", "/account#appearance"),
    ],
)
def test_a_setting_is_found_by_any_of_its_names(reader: Browser, q: str, label: str, href: str) -> None:
    answer = reader.get("/settings/find", params={"q": q}, headers=HTMX)
    assert label in words(answer)
    assert f'href="{href}"' in answer.text


def test_what_is_called_so_comes_first(reader: Browser) -> None:
    said = words(reader.get("/settings/find", params={"q": "quality"}, headers=HTMX))
    assert said.index("Quality profiles") < said.index("Quality sizes")


def test_what_is_not_there_is_said_and_nothing_asked_shows_nothing(reader: Browser) -> None:
    assert "No setting found" in words(reader.get("/settings/find", params={"q": "flux"}, headers=HTMX))
    assert words(reader.get("/settings/find", params={"q": " "}, headers=HTMX)).strip() == ""


def test_without_script_the_list_of_pages_answers(reader: Browser) -> None:
    answer = reader.get("/settings/find", params={"q": "recycle"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?q=recycle")
    assert "Keep deleted files for (days)" in words(reader.get("/settings", params={"q": "recycle"}))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_hit_leads_to_a_field_that_is_there(reader: Browser, key: Key) -> None:
    name = key.name
    found = reader.get("/settings/find", params={"q": name}, headers=HTMX).text
    for prefix in ("f", "k"):
        anchor = f"{prefix}-{name.replace('.', '-')}"
        if f"/settings/general#{anchor}" in found:
            assert f'id="{anchor}"' in reader.get("/settings/general").text


def test_a_person_who_may_not_set_anything_is_refused(user: Browser) -> None:
    assert user.get("/settings/find", params={"q": "recycle"}, headers=HTMX).status_code == 403

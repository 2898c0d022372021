"""Custom formats, the page to try names, the import of guides and scores in profiles, in a browser without script."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from tests.contexts.settings.formats.test_guides import cf, guide
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, fake_outside
from tests.web.pages.household import Browser, browser_at, household


@pytest.fixture
def browser(database: Database, tmp_path: Path) -> Iterator[Browser]:
    household(database)
    outside = fake_outside(clients=[FakeDownloadClient()], indexers=[FakeIndexer()])
    with browser_at(database, tmp_path, outside) as made:
        made.sign_in()
        yield made


AMZN = {"name": "AMZN", "condition-0": "Amazon", "kind-0": "release_title", "value-0": r"\b(amzn)\b"}


def names(database: Database) -> dict[str, settings.formats.StoredFormat]:
    with database.reads() as session:
        return {one.format.name: one for one in settings.formats.list_formats(session, SYSTEM)}


def test_a_format_is_added_changed_copied_and_removed(browser: Browser, database: Database) -> None:
    assert "No custom formats yet" in browser.see("/settings/formats")
    assert browser.send("/settings/formats/new", AMZN).status_code == 303
    format = names(database)["AMZN"].format
    base = f"/settings/formats/{format.id}"
    assert r"\b(amzn)\b" in browser.see(base)
    changed = AMZN | {
        "name": "Amazon",
        "condition-1": "Web",
        "kind-1": "source",
        "value-1": "webdl",
        "required-1": "true",
    }
    assert browser.send(base, changed, on=base).status_code == 303
    kept = names(database)["Amazon"].format
    assert [(one.kind, one.value, one.required) for one in kept.conditions] == [
        ("release_title", r"\b(amzn)\b", False),
        ("source", "webdl", True),
    ]
    browser.send(f"{base}/duplicate", {}, on=base)
    assert set(names(database)) == {"Amazon", "Amazon (copy)"}
    assert "Amazon (copy)" in browser.see("/settings/formats?q=copy")
    assert browser.send(f"{base}/remove", {}, on=base).status_code == 303
    assert set(names(database)) == {"Amazon (copy)"}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("release_title", {"value": "x"}),
        ("release_group", {"value": "x"}),
        ("edition", {"value": "imax"}),
        ("language", {"value": "de", "excepted": "true"}),
        ("source", {"value": "bluray_remux"}),
        ("resolution", {"value": "2160"}),
        ("quality_modifier", {"value": "remux"}),
        ("release_type", {"value": "season_pack"}),
        ("indexer_flag", {"value": "freeleech"}),
        ("size", {"minimum": "1.5", "maximum": "20"}),
        ("year", {"minimum": "1990", "maximum": "1999"}),
    ],
)
def test_every_type_of_condition_has_its_own_fields(browser: Browser, database: Database, kind: str, fields) -> None:
    form = {"name": "One", "condition-0": "It", "kind-0": kind, **{f"{key}-0": value for key, value in fields.items()}}
    shown = browser.send("/settings/formats/step", form, on="/settings/formats/new").text
    for key in fields:
        assert f'name="{key}-0"' in shown
    assert browser.send("/settings/formats/new", form).status_code == 303
    condition = names(database)["One"].format.conditions[0]
    assert condition.kind == kind
    for key, value in fields.items():
        assert str(getattr(condition, key)).lower().removesuffix(".0") == value


def test_conditions_are_added_and_removed_without_script(browser: Browser) -> None:
    more = browser.send("/settings/formats/new", {**AMZN, "step": "add"}).text
    assert 'name="kind-1"' in more
    assert r"\b(amzn)\b" in more
    fewer = browser.send("/settings/formats/new", {**AMZN, "step": "remove:0"}).text
    assert 'name="kind-0"' not in fewer


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({**AMZN, "value-0": "("}, "The pattern has a “(” without “)”"),
        ({**AMZN, "value-0": r"^(?:\w|[a-z])+$(?<!x)"}, "Takes too long"),
        ({**AMZN, "name": ""}, "Enter a name"),
        ({"name": "Empty"}, "Add at least one."),
        (
            {"name": "Sizes", "condition-0": "S", "kind-0": "size", "minimum-0": "9", "maximum-0": "1"},
            "Not below the minimum",
        ),
    ],
)
def test_a_wrong_format_stays_in_the_form_with_a_sentence(browser: Browser, database: Database, form, sentence) -> None:
    answer = browser.send("/settings/formats/new", form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert names(database) == {}


def test_names_are_tried_against_all_formats_and_profiles(browser: Browser, database: Database) -> None:
    browser.send("/settings/formats/new", AMZN)
    format_id = names(database)["AMZN"].format.id
    with database.reads() as session:
        profile = settings.profiles.find_profile(session, "HD-1080p")
    assert profile is not None
    base = f"/settings/profiles/{profile.id}"
    form = {
        "name": profile.name,
        **{f"rung-{n}": rung.name for n, rung in enumerate(reversed(profile.rungs))},
        **{f"members-{n}": ",".join(rung.qualities) for n, rung in enumerate(reversed(profile.rungs))},
        **{f"allowed-{n}": "true" for n, rung in enumerate(reversed(profile.rungs)) if rung.allowed},
        f"score-{format_id}": "250",
        "minimum_format_score": "100",
        "cutoff_format_score": "1000",
        "minimum_format_increment": "10",
        "language": "original",
        "low-WEBDL-1080p": "5",
        "high-WEBDL-1080p": "90",
    }
    assert browser.send(base, form, on=base).status_code == 303
    with database.reads() as session:
        saved = settings.profiles.get_profile(session, SYSTEM, profile.id)
    assert saved.scores == {format_id: 250}
    assert (saved.minimum_format_score, saved.cutoff_format_score, saved.minimum_format_increment) == (100, 1000, 10)
    assert saved.language == "original"
    assert saved.quality_sizes["WEBDL-1080p"] == settings.SizeLimits(5, None, 90)
    assert 'value="250"' in browser.see(base)
    tried = browser.send(
        "/settings/formats/test",
        {
            "names": "Film.2019.1080p.AMZN.WEB-DL.x264-GRP\nFilm.2019.1080p.BluRay.x264-GRP",
            "type": "movie",
            "language": "en",
        },
    ).text
    assert "by Amazon" in re.sub(r"\s+", " ", tried)
    assert "+250" in tried
    assert "No custom format matches" in tried
    assert "The score 0 is below the minimum of 100." in tried


def test_the_simple_choice_allows_everything_between_two_qualities(browser: Browser) -> None:
    rungs = ("Bluray-1080p", "WEBDL-1080p", "HDTV-1080p", "HDTV-720p")
    form = {"name": "Simple", "worst": "HDTV-1080p", "best": "Bluray-1080p", "step": "simple"}
    for number, name in enumerate(rungs):
        form |= {f"rung-{number}": name, f"members-{number}": name}
    shown = browser.send("/settings/profiles/step", form, on="/settings/profiles/new").text
    allowed = {name for name in rungs if re.search(rf'aria-label="Allow {name}"\s*checked', shown)}
    assert allowed == {"Bluray-1080p", "WEBDL-1080p", "HDTV-1080p"}


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in guide().items():
            archive.writestr(f"Guides-master/{path}", json.dumps(content))
    return packed.getvalue()


def upload(browser: Browser, *files: tuple[str, bytes]) -> str:
    token = re.search(r'name="_csrf" value="([^"]+)"', browser.see("/settings/formats/import"))
    assert token
    answer = browser.client.post(
        "/settings/formats/import",
        data={"_csrf": token[1]},
        files=[("file", (name, content)) for name, content in files],
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text[:500]
    return answer.headers["location"]


def test_a_guide_is_uploaded_previewed_and_imported(browser: Browser, database: Database) -> None:
    where = upload(browser, ("guides.zip", zipped()))
    offered = browser.see(where)
    assert "Movies (Radarr)" in offered
    assert "[Optional] Codecs" in offered
    nothing = browser.send(where, {"movie_file": ""}, on=where).text
    assert "Choose what to import below" in nothing
    assert f"{where}/apply" not in nothing
    choice = {"profiles": "radarr:quality_profile:p1", "movie_file": "standard"}
    shown = browser.send(where, choice, on=where).text
    assert "4 new" in re.sub(r"\s+", " ", shown) or "3 new, 1 updated" in re.sub(r"\s+", " ", shown)
    assert names(database) == {}
    assert browser.send(f"{where}/apply", choice, on=where).status_code == 303
    assert set(names(database)) == {"AMZN", "Bad"}
    assert "TRaSH guide for Radarr" in browser.see("/settings/formats")
    with database.reads() as session:
        profile = settings.profiles.find_profile(session, "HD")
    assert profile is not None
    assert browser.client.get(where).status_code == 404
    archive = browser.client.get("/settings/formats/export")
    assert archive.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert any(name.startswith("docs/json/radarr/cf/amzn") for name in opened.namelist())
    # A change by a person is shown on the format and on its profile.
    format_id = names(database)["AMZN"].format.id
    browser.send(f"/settings/formats/{format_id}", AMZN | {"value-0": "mine"}, on=f"/settings/formats/{format_id}")
    assert "Changed since its import" in browser.see(f"/settings/formats/{format_id}")


def test_a_folder_is_uploaded_file_by_file(browser: Browser) -> None:
    files = [(f"json/{path.removeprefix('docs/json/')}", json.dumps(one).encode()) for path, one in guide().items()]
    files.append(("json/radarr/cf/broken.json", json.dumps(cf("f9", "Broken", "(")).encode()))
    shown = browser.see(upload(browser, *files))
    assert "4 custom formats" in shown
    assert "broken.json" in shown


def test_what_is_no_guide_is_refused_with_a_sentence(browser: Browser) -> None:
    token = re.search(r'name="_csrf" value="([^"]+)"', browser.see("/settings/formats/import"))
    assert token
    answer = browser.client.post(
        "/settings/formats/import", data={"_csrf": token[1]}, files=[("file", ("x.zip", b"no archive"))]
    )
    assert answer.status_code == 422
    assert "zip archive" in answer.text
    foreign = browser.client.post("/settings/formats/import", files=[("file", ("x.zip", zipped()))])
    assert foreign.status_code == 403


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x.zip", "http://169.254.169.254/latest", "file:///etc/passwd", "http://192.168.1.1/a.zip"]
)
def test_an_address_in_the_own_network_is_not_fetched(browser: Browser, url: str) -> None:
    answer = browser.send("/settings/formats/import/address", {"url": url}, on="/settings/formats/import")
    assert answer.status_code == 422

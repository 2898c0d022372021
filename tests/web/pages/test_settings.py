"""The settings pages and the account page, in a browser without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import clock, events
from mydia.contexts import settings, users
from mydia.contexts.downloads.models import FeedState
from mydia.contexts.settings import NewLibraryPath
from mydia.contexts.users import SYSTEM
from mydia.contexts.users.accounts import find_user
from mydia.db import Database
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, fake_outside
from tests.web.pages.household import PASSWORD, Browser, browser_at, household

PAGES = (
    "",
    "/folders",
    "/folders/new",
    "/naming",
    "/profiles",
    "/profiles/new",
    "/formats",
    "/formats/new",
    "/formats/test",
    "/formats/import",
    "/sizes",
    "/sizes?type=tv_show",
    "/metadata",
    "/indexers",
    "/indexers/new",
    "/indexers/new?kind=newznab",
    "/clients",
    "/clients/new",
    "/clients/new?kind=nonsense",
    "/users",
    "/users/new",
    "/general",
)
CLIENT = {"kind": "qbittorrent", "name": "qB", "url": "http://nas:8080", "secret": "adminadmin", "priority": "2"}
FEED = {"kind": "torznab", "name": "Feed", "url": "http://prowlarr:9696/1/api", "secret": "k" * 32}


@pytest.fixture
def client() -> FakeDownloadClient:
    return FakeDownloadClient()


@pytest.fixture
def browser(database: Database, tmp_path: Path, client: FakeDownloadClient) -> Iterator[Browser]:
    household(database)
    with browser_at(database, tmp_path, fake_outside(clients=[client], indexers=[FakeIndexer()])) as made:
        made.sign_in()
        yield made


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_administrators_only(browser: Browser, page: str) -> None:
    assert "<h1" in browser.see(f"/settings{page}")
    browser.client.cookies.delete("session")
    browser.sign_in("kim")
    browser.see(f"/settings{page}", 403)
    browser.client.cookies.delete("session")
    assert browser.client.get(f"/settings{page}").headers["location"].startswith("/login?next=")


def test_guests_cannot_send_forms_of_pages_they_cannot_open(browser: Browser, database: Database) -> None:
    browser.client.cookies.delete("session")
    browser.sign_in("kim")
    for path, form in (
        ("/settings/general", {"library.recycle_days": "1"}),
        ("/settings/folders/new", {"path": "/media/x", "type": "movies"}),
        ("/settings/folders/check?field=path", {"path": "/etc"}),
        ("/settings/browse?field=path", {"chosen": "/"}),
        ("/settings/clients/new", CLIENT),
        ("/settings/clients/test", CLIENT),
        ("/settings/metadata/test", {"source": "none"}),
        ("/settings/metadata", {"source": "none"}),
        ("/settings/users/new", {"username": "x", "password": PASSWORD, "role": "admin"}),
        ("/settings/naming", {"movie_folder": "{title}"}),
        ("/settings/profiles/new", {"name": "x"}),
        ("/settings/sizes", {"type": "movie", "maximum-SDTV": "1"}),
    ):
        assert browser.send(path, form, on="/account").status_code in (403, 422), path
    assert browser.client.get("/settings/browse?field=path").status_code == 403
    with database.reads() as session:
        assert settings.clients.list_clients(session, SYSTEM) == []
        assert len(users.people.list_people(session, SYSTEM, clock.now())) == 2


def test_general_settings_are_saved_and_wrong_values_stay_in_the_form(browser: Browser, database: Database) -> None:
    answer = browser.send("/settings/general", {"library.recycle_days": "-3", "backups.keep": "9"})
    assert answer.status_code == 422
    assert "from 0 to 3650" in answer.text
    assert 'value="-3"' in answer.text
    form = {"library.recycle_days": "14", "backups.keep": "7", "library.watch": "false"}
    assert browser.send("/settings/general", form).status_code == 303
    with database.reads() as session:
        assert settings.of(session).library.recycle_days == 14
        assert settings.of(session).library.watch is False
        assert settings.sourced(session, SYSTEM, "backups.keep").layer == "default"
    assert "Changed here." in browser.see("/settings/general")


def test_values_from_the_environment_are_shown_with_their_source(database: Database, tmp_path: Path) -> None:
    household(database)
    with browser_at(database, tmp_path, fake_outside(), RECYCLE_DAYS="5", TMDB_API_KEY="secret-secret") as browser:
        browser.sign_in()
        page = browser.see("/settings/general")
        assert "environment variable RECYCLE_DAYS" in page
        browser.send("/settings/general", {"library.recycle_days": "9"})
        with database.reads() as session:
            assert settings.of(session).library.recycle_days == 5
        source = browser.see("/settings/metadata")
        assert "environment variable TMDB_API_KEY" in source
        assert "secret-secret" not in page + source


def test_a_client_is_added_tested_changed_turned_off_and_removed(
    browser: Browser, database: Database, client: FakeDownloadClient
) -> None:
    assert browser.send("/settings/clients/new", {**CLIENT, "url": ""}).status_code == 422
    mapped = {"remote-1": "/downloads", "local-1": "/mnt/dl"}
    assert browser.send("/settings/clients/new", {**CLIENT, **mapped}).headers["location"] == "/settings/clients"
    with database.reads() as session:
        (row,) = settings.clients.list_clients(session, SYSTEM)
        assert settings.clients.mappings_of(session, SYSTEM, row.id) == (("/downloads", "/mnt/dl"),)
    base = f"/settings/clients/{row.id}"
    page = browser.see(base)
    assert "adminadmin" not in page
    assert 'value="/mnt/dl"' in page
    browser.send(f"{base}/test", {}, on="/settings/clients")
    assert "Answers" in browser.see("/settings/clients")
    client.go_away()
    browser.send(f"{base}/test", {}, on="/settings/clients")
    assert "no answer from" in browser.see("/settings/clients")
    assert browser.send(base, {**CLIENT, "secret": "", "name": "Renamed"}).status_code == 303
    with database.reads() as session:
        (choice,) = settings.clients.client_connections(session)
        assert (choice.connection.name, choice.connection.secret.reveal()) == ("Renamed", "adminadmin")
    browser.send(f"{base}/enabled", {"enabled": "false"}, on="/settings/clients")
    with database.reads() as session:
        assert not settings.clients.list_clients(session, SYSTEM)[0].enabled
    browser.send(base, {**CLIENT, "enabled": "false"})
    with database.reads() as session:
        assert not settings.clients.list_clients(session, SYSTEM)[0].enabled
    assert browser.send(f"{base}/remove", {}, on=base).status_code == 303
    assert "No download client yet" in browser.see("/settings/clients")


def test_an_indexer_is_added_and_tested(browser: Browser, database: Database) -> None:
    form = {**FEED, "movie_categories": "2000, 2040", "minimum_seeders": "x"}
    answer = browser.send("/settings/indexers/new", form)
    assert answer.status_code == 422
    assert "not a number" in answer.text
    assert "<details" in answer.text
    form = {**form, "minimum_seeders": "3", "interactive_search": "false"}
    assert browser.send("/settings/indexers/new", form).status_code == 303
    with database.reads() as session:
        (row,) = settings.indexers.list_indexers(session, SYSTEM)
        assert (row.options["movie_categories"], row.options["minimum_seeders"]) == ([2000, 2040], 3)
        assert not row.interactive_search
    browser.send(f"/settings/indexers/{row.id}/test", {}, on="/settings/indexers")
    page = browser.see("/settings/indexers")
    assert "Answers" in page
    assert "k" * 32 not in page


def test_the_feed_of_an_indexer_is_shown_with_what_was_missed(browser: Browser, database: Database) -> None:
    assert browser.send("/settings/indexers/new", {**FEED, "rss": "true"}).status_code == 303
    now = clock.now()
    with database.writes() as session:
        (row,) = settings.indexers.list_indexers(session, SYSTEM)
        gap = {"gap_from": now - timedelta(days=1), "gap_to": now, "gap_reason": "feed_short", "gap_found_at": now}
        session.add(FeedState(indexer_id=row.id, source="x", read_at=now, listed=12, matched=3, **gap))
    page = browser.see("/settings/indexers")
    assert "RSS, automatic and manual searches" in page
    assert "12 new, 3 for wanted titles" in page
    assert "The feed does not go back far enough." in page
    assert browser.send("/settings/indexers/read-feeds", {}, on="/settings/indexers").status_code == 303
    assert browser.send(f"/settings/indexers/{row.id}", {**FEED, "rss": "false"}).status_code == 303
    page = browser.see("/settings/indexers")
    assert "Automatic and manual searches" in page
    assert "12 new" not in page


def test_managed_services_are_shown_and_cannot_be_changed(browser: Browser, database: Database) -> None:
    browser.send("/settings/clients/new", CLIENT)
    with database.writes() as session:
        (row,) = settings.clients.list_clients(session, SYSTEM)
        row.managed, row.managed_source = True, "environment variables DOWNLOAD_CLIENT_1_…"
    base = f"/settings/clients/{row.id}"
    page = browser.see(base)
    assert "DOWNLOAD_CLIENT_1_" in page
    assert "disabled" in page
    for path in (base, f"{base}/remove", f"{base}/enabled"):
        assert browser.send(path, CLIENT, on=base).status_code == 403


def test_folders_are_added_changed_scanned_and_removed(browser: Browser, database: Database, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    form = {
        "path": str(tmp_path / "films"),
        "type": "movies",
        "import_mode": "copy",
        "provider": "tmdb",
        "monitored": "true",
    }
    refused = browser.send("/settings/folders/new", {**form, "path": str(tmp_path / "none")})
    assert refused.status_code == 422
    assert "Create it" in refused.text
    assert browser.send("/settings/folders/new", form).status_code == 303
    with database.reads() as session:
        (row,) = settings.library_paths.list_library_paths(session, SYSTEM)
    base = f"/settings/folders/{row.id}"
    assert "Readable and writable" in browser.see(f"{base}/look")
    assert browser.send(base, {**form, "scan_cron": "sometimes"}).status_code == 422
    assert browser.send(base, {**form, "language": "de-DE", "scan_cron": "0 4 * * sun"}).status_code == 303
    assert browser.send(f"{base}/scan", {}, on="/settings/folders").status_code == 303
    with database.reads() as session:
        changed = settings.library_paths.get_library_path(session, SYSTEM, row.id)
        assert (changed.language, changed.scan_cron) == ("de-DE", "0 4 * * sun")
        assert events.feed(session)[0].payload["library_path_id"] == row.id
    (tmp_path / "films").rmdir()
    assert browser.send(base, {**form, "name": "Away"}).status_code == 303
    assert browser.send(f"{base}/remove", {}, on=base).status_code == 303
    assert "No library folder yet" in browser.see("/settings/folders")


def test_the_folder_dialog_lists_only_folders(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "secret.txt").touch()
    page = browser.see(f"/settings/browse?field=path&at={tmp_path}")
    assert "films" in page
    assert "secret.txt" not in page
    assert "films" in browser.see(f"/settings/browse?field=path&path={tmp_path}/half-typ")
    chosen = browser.send(
        "/settings/browse?field=path", {"chosen": str(tmp_path / "films")}, on="/settings/folders/new"
    )
    assert f'value="{tmp_path / "films"}"' in chosen.text
    assert "Readable" in chosen.text
    assert browser.client.get("/settings/browse?field=x%22%3E").status_code == 422


def test_a_folder_that_contains_another_library_folder_is_reported_while_typing(
    browser: Browser, database: Database, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    (media / "films").mkdir(parents=True)
    with database.writes() as session:
        settings.library_paths.add_library_path(
            session, SYSTEM, clock.now(), NewLibraryPath(path=str(media), type="movies", name="All")
        )
    told = browser.send(
        "/settings/folders/check?field=path", {"path": str(media / "films")}, on="/settings/folders/new"
    )
    assert "is inside All" in told.text


def test_naming_is_previewed_and_saved(browser: Browser, database: Database) -> None:
    form = {"movie_folder": "{title} [{tmdb_id}]", "rename": "true", "replace_illegal": "true"}
    assert (
        "Night of the Living Dead [10331]" in browser.send("/settings/naming/preview", form, on="/settings/naming").text
    )
    refused = browser.send("/settings/naming", {"movie_folder": "{nonsense}"})
    assert refused.status_code == 422
    assert "nonsense" in refused.text
    assert browser.send("/settings/naming", form).status_code == 303
    with database.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM).movie_folder == form["movie_folder"]


def _rungs(*names: str, wanted: tuple[str, ...]) -> dict[str, str]:
    form: dict[str, str] = {}
    for number, name in enumerate(names):
        form |= {f"rung-{number}": name, f"members-{number}": name}
        if name in wanted:
            form[f"allowed-{number}"] = "true"
    return form


def test_a_profile_is_ordered_joined_and_saved_without_script(browser: Browser, database: Database) -> None:
    form = {
        "name": "Mine",
        "upgrades_allowed": "true",
        "cutoff": "Bluray-1080p",
        **_rungs("WEBDL-1080p", "Bluray-1080p", "HDTV-1080p", wanted=("WEBDL-1080p", "Bluray-1080p")),
    }
    moved = browser.send(
        "/settings/profiles/new", {**form, "step": "up:Bluray-1080p"}, on="/settings/profiles/new"
    ).text
    assert moved.index('id="rung-bluray-1080p"') < moved.index('id="rung-webdl-1080p"')
    dropped = browser.send(
        "/settings/profiles/step", {**form, "step": "to:0:HDTV-1080p"}, on="/settings/profiles/new"
    ).text
    assert dropped.index('id="rung-hdtv-1080p"') < dropped.index('id="rung-webdl-1080p"')
    joined = browser.send(
        "/settings/profiles/step", {**form, "step": "join:Bluray-1080p"}, on="/settings/profiles/new"
    ).text
    assert "Bluray-1080p,WEBDL-1080p" in joined or "WEBDL-1080p,Bluray-1080p" in joined
    assert browser.send("/settings/profiles/new", {**form, "name": ""}).status_code == 422
    assert browser.send("/settings/profiles/new", form).status_code == 303
    with database.reads() as session:
        profile = settings.profiles.find_profile(session, "Mine")
        assert profile is not None
        assert profile.allowed_names == ("WEBDL-1080p", "Bluray-1080p")
        assert profile.cutoff == "Bluray-1080p"
    base = f"/settings/profiles/{profile.id}"
    assert "Mine" in browser.see(base)
    browser.send(f"{base}/duplicate", {}, on="/settings/profiles")
    assert "Mine (copy)" in browser.see("/settings/profiles")
    assert browser.send(f"{base}/remove", {}, on="/settings/profiles").status_code == 303
    with database.reads() as session:
        assert settings.profiles.find_profile(session, "Mine") is None


def test_a_release_name_is_tested_against_the_profile_in_the_form(browser: Browser) -> None:
    form = {
        "name": "Mine",
        **_rungs("Bluray-1080p", wanted=("Bluray-1080p",)),
        "release": "Detour.1945.1080p.BluRay.x264-A",
    }
    told = browser.send("/settings/profiles/try", form, on="/settings/profiles/new").text
    assert "Would be grabbed" in told
    told = browser.send(
        "/settings/profiles/try", {**form, "release": "Detour.1945.480p.DVDRip-A"}, on="/settings/profiles/new"
    ).text
    assert "Would be rejected" in told


def test_sizes_are_saved_all_or_none(browser: Browser, database: Database) -> None:
    form = {"type": "movie"}
    for quality in settings.qualities.QUALITY_NAMES:
        form |= {f"minimum-{quality}": "1", f"preferred-{quality}": "", f"maximum-{quality}": "50"}
    refused = browser.send("/settings/sizes", {**form, "maximum-SDTV": "0,5"})
    assert refused.status_code == 422
    with database.reads() as session:
        assert settings.qualities.size_limits(session, SYSTEM, "movie")["HDTV-720p"].maximum == 100
    assert browser.send("/settings/sizes", form).status_code == 303
    with database.reads() as session:
        assert settings.qualities.size_limits(session, SYSTEM, "movie")["HDTV-720p"].maximum == 50
        assert settings.qualities.size_limits(session, SYSTEM, "tv_show")["HDTV-720p"].maximum != 50


@pytest.mark.parametrize(
    ("page", "form", "field", "sentence"),
    [
        ("/settings/clients/new", {**CLIENT, "priority": "first"}, "priority", "Enter a whole number."),
        ("/settings/indexers/new", {**FEED, "priority": "-1"}, "priority", "Must be 0 or more."),
        (
            "/settings/profiles/new",
            {"name": "Mine", "rung-0": "SDTV", "members-0": "SDTV", "allowed-0": "true", "minimum_size_mb": "much"},
            "minimum_size_mb",
            "Enter whole megabytes, or leave it empty.",
        ),
        ("/settings/sizes", {"type": "movie", "maximum-SDTV": "much"}, "maximum-SDTV", "Enter a number."),
        (
            "/settings/users/new",
            {"username": "lou", "password": PASSWORD, "role": "emperor"},
            "role",
            "Choose a role.",
        ),
    ],
)
def test_a_wrong_value_stays_in_its_field_with_the_reason_and_nothing_is_stored(
    browser: Browser, database: Database, page: str, form: dict[str, str], field: str, sentence: str
) -> None:
    answer = browser.send(page, form)
    assert answer.status_code == 422
    assert sentence in answer.text
    if field != "role":
        assert re.search(rf'name="{field}"[^>]*value="{form[field]}"', answer.text)
    with database.reads() as session:
        assert settings.clients.list_clients(session, SYSTEM) == []
        assert settings.indexers.list_indexers(session, SYSTEM) == []
        assert settings.profiles.find_profile(session, "Mine") is None
        assert settings.qualities.size_limits(session, SYSTEM, "movie")["SDTV"].maximum == 100
        assert find_user(session, "lou") is None


def test_accounts_are_added_changed_and_removed(browser: Browser, database: Database) -> None:
    form = {"username": "lou", "password": PASSWORD, "role": "readonly"}
    assert browser.send("/settings/users/new", {**form, "role": "emperor"}).status_code == 422
    assert browser.send("/settings/users/new", form).status_code == 303
    with database.reads() as session:
        lou = find_user(session, "lou")
        robin = find_user(session, "robin")
        assert lou is not None
        assert robin is not None
    base = f"/settings/users/{lou.id}"
    assert browser.send(base, {"role": "user", "disabled": "true", "display_name": "Lou"}).status_code == 303
    with database.reads() as session:
        changed = users.get_user(session, SYSTEM, lou.id)
        assert (changed.role, changed.display_name, changed.disabled_at is None) == ("user", "Lou", False)
    refused = browser.send(f"/settings/users/{robin.id}", {"role": "guest"})
    assert "only administrator" in refused.text
    assert browser.send(f"{base}/remove", {}, on=base).status_code == 303
    with database.reads() as session:
        assert find_user(session, "lou") is None


@pytest.mark.parametrize(
    "odd", [{"scope": "everything"}, {"days": "\N{SUPERSCRIPT TWO}"}, {"days": "9" * 30}, {"days": "-1"}]
)
def test_a_key_is_not_created_from_invalid_choices(browser: Browser, database: Database, odd: dict[str, str]) -> None:
    answer = browser.send("/account/keys", {"name": "Prowlarr", "scope": "read", "days": "30", **odd}, on="/account")
    assert answer.status_code == 422
    with database.reads() as session:
        assert not session.scalars(select(users.ApiKey)).all()


def test_a_new_key_is_shown_once_works_and_is_revoked(browser: Browser, database: Database) -> None:
    import re

    answer = browser.send("/account/keys", {"name": "Prowlarr", "scope": "read", "days": "30"}, on="/account")
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r"mydia_[a-z0-9]{8}_[\w-]{43}", answer.text)
    assert found
    assert found[0] not in browser.see("/account")
    with database.reads() as session:
        caller = users.api_keys.caller_for_key(session, clock.now(), found[0])
        assert caller is not None
        assert not caller.caller.can(users.Permission.MANAGE_MEDIA)
    browser.send(f"/account/keys/{caller.api_key_id}/revoke", {}, on="/account")
    with database.reads() as session:
        assert users.api_keys.caller_for_key(session, clock.now(), found[0]) is None
    assert browser.client.get("/account/keys").status_code == 303


def test_a_key_has_the_permissions_that_were_ticked(browser: Browser, database: Database) -> None:
    form = {"name": "Calendar", "scope": "chosen", "days": "7", "permissions": ["browse", "request"]}
    answer = browser.send("/account/keys", form, on="/account")
    found = re.search(r"mydia_[a-z0-9]{8}_[\w-]{43}", answer.text)
    assert found
    with database.reads() as session:
        caller = users.api_keys.caller_for_key(session, clock.now(), found[0])
    assert caller is not None
    assert caller.caller.permissions == {users.Permission.BROWSE, users.Permission.REQUEST}
    shown = " ".join(browser.see("/account").split())
    assert "may only see the library, request titles" in shown
    answer = browser.send("/account/keys", {"name": "Nothing", "scope": "chosen"}, on="/account")
    assert (answer.status_code, "Choose at least one permission." in answer.text) == (422, True)
    assert 'value="Nothing"' in answer.text


def test_a_guest_can_only_tick_what_a_guest_may(browser: Browser) -> None:
    browser.client.cookies.delete("session")
    browser.sign_in("kim")
    shown = browser.see("/account")
    assert "Request titles" in shown
    assert "Manage accounts" not in shown
    form = {"name": "More", "scope": "chosen", "permissions": ["manage_users"]}
    answer = browser.send("/account/keys", form, on="/account")
    assert (answer.status_code, "Choose only permissions that you have." in answer.text) == (422, True)


def test_users_change_their_own_name_password_and_theme(browser: Browser, database: Database) -> None:
    assert (
        browser.send("/account/profile", {"display_name": "Robin B", "email": "nonsense"}, on="/account").status_code
        == 422
    )
    browser.send("/account/profile", {"display_name": "Robin B", "email": "r@example.org"}, on="/account")
    assert "Robin B" in browser.see("/account")
    wrong = {"current": "nonsense", "new": "another long one", "again": "another long one"}
    assert "not your current password" in browser.send("/account/password", wrong, on="/account").text
    assert browser.send("/account/password", {**wrong, "current": PASSWORD}, on="/account").status_code == 303
    assert "this browser" in browser.see("/account")
    browser.send("/account/preferences", {"theme": "mydia-light"}, on="/account")
    assert 'data-theme="mydia-light"' in browser.see("/account")


def test_another_browser_is_signed_out(browser: Browser, database: Database) -> None:
    browser.client.cookies.delete("session")
    browser.sign_in()
    with database.reads() as session:
        robin = find_user(session, "robin")
        assert robin is not None
        rows = users.sessions.list_sessions(session, users.caller_of(robin), clock.now())
    assert len(rows) == 2
    with database.reads() as session:
        here = users.sign_in.find_session(session, clock.now(), browser.client.cookies["session"])
        assert here is not None
    (other,) = [row.id for row in rows if row.id != here.id]
    browser.send(f"/account/sessions/{other}/revoke", {}, on="/account")
    with database.reads() as session:
        assert len(users.sessions.list_sessions(session, users.caller_of(robin), clock.now())) == 1

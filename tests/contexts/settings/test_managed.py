"""Entries from the environment and the file become rows that cannot be edited."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from mydia import config as configuration
from mydia import events
from mydia.contexts import settings
from mydia.contexts.settings import NewClient, NewLibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Forbidden, Misconfigured
from mydia.secret import Secret

ENVIRON = {
    "MOVIES_PATH": "/media/movies",
    "LIBRARY_PATH_1_PATH": "/media/anime",
    "LIBRARY_PATH_1_TYPE": "series",
    "LIBRARY_PATH_1_SCAN_INTERVAL": "7200",
    "LIBRARY_PATH_1_QUALITY_PROFILE": "HD-1080p",
    "DOWNLOAD_CLIENT_1_NAME": "qBittorrent",
    "DOWNLOAD_CLIENT_1_TYPE": "qbittorrent",
    "DOWNLOAD_CLIENT_1_HOST": "nas",
    "DOWNLOAD_CLIENT_1_PORT": "9090",
    "DOWNLOAD_CLIENT_1_USERNAME": "admin",
    "DOWNLOAD_CLIENT_1_PASSWORD": "adminadmin",
    "DOWNLOAD_CLIENT_1_CATEGORY": "films",
    "DOWNLOAD_CLIENT_1_SERIES_CATEGORY": "series",
    "DOWNLOAD_CLIENT_1_REMOVE_COMPLETED": "true",
    "DOWNLOAD_CLIENT_1_VERIFY_CERTIFICATE": "false",
    "DOWNLOAD_CLIENT_1_REMOTE_PATH": "/downloads",
    "DOWNLOAD_CLIENT_1_LOCAL_PATH": "/mnt/downloads",
    "INDEXER_1_NAME": "Prowlarr",
    "INDEXER_1_TYPE": "prowlarr",
    "INDEXER_1_BASE_URL": "http://prowlarr:9696",
    "INDEXER_1_API_KEY": "k" * 32,
    "INDEXER_1_INDEXER_IDS": "1,7",
    "INDEXER_1_CATEGORIES": "2000,2040,5030",
    "INDEXER_1_RATE_LIMIT": "30",
    "INDEXER_1_TIMEOUT": "45000",
}


def _sync(database: Database, now: datetime, environ: dict[str, str], file: Path | None = None) -> None:
    settings.bind(database, configuration.load({"SECRET_KEY_BASE": "k" * 32, **environ}, file=file))
    with database.writes() as session:
        settings.managed.sync_managed(session, now)


def test_every_provided_entry_is_created_and_marked(furnished: Database, now: datetime) -> None:
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        paths = {row.path: row for row in settings.library_paths.list_library_paths(session, SYSTEM)}
        assert {row.type for row in paths.values()} == {"movies", "series"}
        assert paths["/media/movies"].managed_source == "environment variable MOVIES_PATH"
        anime = paths["/media/anime"]
        assert anime.scan_cron == "0 */2 * * *"
        assert anime.default_profile_id is not None
        assert settings.profiles.get_profile(session, SYSTEM, anime.default_profile_id).name == "HD-1080p"
        (client,) = settings.clients.client_connections(session)
        assert client.row.managed
        assert client.connection.url == "http://nas:9090"
        assert client.connection.secret == Secret("adminadmin")
        assert client.connection.options == {
            "category": "films",
            "series_category": "series",
            "remove_completed": True,
            "verify_certificate": False,
        }
        assert client.mappings == (("/downloads", "/mnt/downloads"),)
        found = settings.indexers.indexer_connections(session)
        assert [(i.row.name, i.connection.url) for i in found] == [
            ("Prowlarr (1)", "http://prowlarr:9696/1/api"),
            ("Prowlarr (7)", "http://prowlarr:9696/7/api"),
        ]
        assert found[0].connection.options["movie_categories"] == [2000, 2040]
        assert found[0].connection.options["tv_categories"] == [5030]
        assert found[0].connection.options["rate_limit_per_min"] == 30
        assert found[0].connection.timeout_s == 45


def test_a_timeout_too_short_for_milliseconds_is_in_seconds(furnished: Database, now: datetime) -> None:
    _sync(furnished, now, ENVIRON | {"INDEXER_1_TIMEOUT": "20"})
    with furnished.reads() as session:
        assert {found.connection.timeout_s for found in settings.indexers.indexer_connections(session)} == {20}


def test_a_second_start_changes_nothing(furnished: Database, now: datetime) -> None:
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        before = events.last_id(session)
        ids = [row.id for row in settings.clients.list_clients(session, SYSTEM)]
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        assert events.last_id(session) == before
        assert [row.id for row in settings.clients.list_clients(session, SYSTEM)] == ids


def test_an_entry_removed_from_the_environment_is_kept_but_disabled(furnished: Database, now: datetime) -> None:
    _sync(furnished, now, ENVIRON)
    _sync(furnished, now, {})
    with furnished.reads() as session:
        assert [(row.managed, row.enabled) for row in settings.clients.list_clients(session, SYSTEM)] == [
            (False, False)
        ]
        assert {(row.managed, row.monitored) for row in settings.library_paths.list_library_paths(session, SYSTEM)} == {
            (False, False)
        }
        assert {(row.managed, row.enabled) for row in settings.indexers.list_indexers(session, SYSTEM)} == {
            (False, False)
        }
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        assert [(row.managed, row.enabled) for row in settings.clients.list_clients(session, SYSTEM)] == [(True, True)]


def test_a_row_with_the_same_name_becomes_managed(furnished: Database, admin: Caller, now: datetime) -> None:
    with furnished.writes() as session:
        mine = NewClient(name="qBittorrent", kind="qbittorrent", url="http://old", secret=Secret("old one"))
        identifier = settings.clients.add_client(session, admin, now, mine).id
        settings.library_paths.add_library_path(session, admin, now, NewLibraryPath(path="/media/movies", type="mixed"))
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        (client,) = settings.clients.client_connections(session)
        assert client.row.id == identifier
        assert client.connection.secret == Secret("adminadmin")
        assert len(settings.library_paths.list_library_paths(session, SYSTEM)) == 2


def test_managed_entries_cannot_be_edited(furnished: Database, admin: Caller, now: datetime) -> None:
    _sync(furnished, now, ENVIRON)
    with furnished.reads() as session:
        client = settings.clients.list_clients(session, SYSTEM)[0].id
        path = settings.library_paths.list_library_paths(session, SYSTEM)[0].id
        indexer = settings.indexers.list_indexers(session, SYSTEM)[0].id
    new = NewLibraryPath(path="/media/x", type="movies")
    for act in (
        lambda s: settings.clients.remove_client(s, admin, now, client),
        lambda s: settings.indexers.remove_indexer(s, admin, now, indexer),
        lambda s: settings.library_paths.change_library_path(s, admin, now, path, new),
        lambda s: settings.library_paths.remove_library_path(s, admin, now, path),
    ):
        with pytest.raises(Forbidden, match="environment variable"), furnished.writes() as session:
            act(session)


def test_the_file_provides_the_same(furnished: Database, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(
        "download_clients:\n  - name: Seedbox\n    type: qbittorrent\n    host: https://box.example/qb\n"
        "    password: ${BOX}\nindexers:\n  - name: One\n    base_url: http://one\n    categories: [2000]\n"
    )
    _sync(furnished, now, {"BOX": "sesame!!"}, file)
    with furnished.reads() as session:
        (client,) = settings.clients.client_connections(session)
        assert (client.connection.url, client.connection.secret) == ("https://box.example/qb", Secret("sesame!!"))
        assert client.row.managed_source == "file config.yml, download_clients entry 1"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DOWNLOAD_CLIENT_1_HOST": "nas"}, ["download_clients", "DOWNLOAD_CLIENT_1", "name"]),
        (
            {"DOWNLOAD_CLIENT_1_NAME": "x", "DOWNLOAD_CLIENT_1_HOST": "nas", "DOWNLOAD_CLIENT_1_TYPE": "pigeon"},
            ["download_clients.type", "'pigeon'", "qbittorrent"],
        ),
        (
            {"DOWNLOAD_CLIENT_1_NAME": "x", "DOWNLOAD_CLIENT_1_HOST": "nas", "DOWNLOAD_CLIENT_1_PORT": "many"},
            ["download_clients.port", "from 1 to 65535"],
        ),
        ({"INDEXER_1_NAME": "x"}, ["indexers", "base_url"]),
        ({"INDEXER_1_NAME": "x", "INDEXER_1_BASE_URL": "nope nope"}, ["indexers", "INDEXER_1", "address"]),
        ({"INDEXER_1_NAME": "x", "INDEXER_1_BASE_URL": "http://x", "INDEXER_1_TYPE": "jackett"}, ["indexer_ids"]),
        ({"LIBRARY_PATH_1_PATH": "/etc"}, ["library_paths", "LIBRARY_PATH_1", "system"]),
        ({"MOVIES_PATH": "/media", "TV_PATH": "/media/tv"}, ["media.tv_path", "TV_PATH", "is inside"]),
        ({"LIBRARY_PATH_1_PATH": "/m", "LIBRARY_PATH_1_QUALITY_PROFILE": "Best"}, ["quality_profile", "HD-1080p"]),
        ({"LIBRARY_PATH_1_PATH": "/m", "LIBRARY_PATH_1_SCAN_INTERVAL": "5"}, ["scan_interval", "900"]),
    ],
)
def test_an_invalid_entry_is_reported_with_key_source_and_allowed_values(
    furnished: Database, now: datetime, environ: dict[str, str], said: list[str]
) -> None:
    with pytest.raises(Misconfigured) as refused:
        _sync(furnished, now, environ)
    assert all(word in refused.value.message for word in said), refused.value.message


def test_the_uses_of_an_indexer_can_be_configured(database: Database, now: datetime) -> None:
    environment = {
        "INDEXER_1_NAME": "Quiet",
        "INDEXER_1_BASE_URL": "http://quiet.test",
        "INDEXER_1_RSS": "false",
        "INDEXER_1_AUTOMATIC_SEARCH": "false",
    }
    _sync(database, now, environment)
    with database.reads() as session:
        (row,) = settings.indexers.list_indexers(session, SYSTEM)
    assert (row.rss, row.automatic_search, row.interactive_search) == (False, False, True)


def test_a_whole_prowlarr_or_jackett_can_be_one_entry(database: Database, now: datetime) -> None:
    environment = {
        f"INDEXER_{number}_{key}": value
        for number, type_ in ((1, "prowlarr"), (2, "jackett"))
        for key, value in (("TYPE", type_), ("BASE_URL", f"http://{type_}.test"), ("TOGETHER", "true"))
    }
    _sync(database, now, environment)
    with database.reads() as session:
        rows = {row.kind: row for row in settings.indexers.list_indexers(session, SYSTEM)}
    assert {kind: row.url for kind, row in rows.items()} == {
        "prowlarr": "http://prowlarr.test",
        "jackett": "http://jackett.test",
    }
    assert rows["jackett"].options["indexer"] == "all"

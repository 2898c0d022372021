"""The configuration file of the design document: every key is known, and works or is listed as not active yet."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mydia import cli, clock, config, startup
from mydia.adapters import download_clients, indexers
from mydia.contexts import library, settings
from mydia.contexts.settings import indexers as indexer_rows
from mydia.contexts.users import SYSTEM
from mydia.errors import Misconfigured
from tests.fakes.stand_in import Answer, Asked, StandIn

DESIGN = """
server:
  host: "127.0.0.1"
  secret_key_base: "${SECRET_KEY_BASE}"
  url_scheme: "https"
  url_host: "mydia.example.com"
database:
  path: "${DATABASE_PATH:-FOLDER/mydia.db}"
  wal_mode: true
auth:
  oidc:
    enabled: true
    issuer: "https://auth.example.com/realms/myrealm"
    client_id: "${OIDC_CLIENT_ID}"
    client_secret: "${OIDC_CLIENT_SECRET}"
    scopes: ["openid", "profile", "email"]
  local_auth_enabled: false
media:
  library_paths:
    - path: "FOLDER/movies"
      type: "movie"
    - path: "FOLDER/tv"
      type: "tv_show"
  naming:
    movie: "{title} ({year})/{title} ({year}) - {quality}"
    episode: "{show}/Season {season}/{show} - S{season:2}E{episode:2} - {title}"
downloads:
  clients:
    - type: "qbittorrent"
      name: "primary"
      url: "http://127.0.0.1:1"
      username: "${QB_USER}"
      password: "${QB_PASS}"
  indexers:
    - type: "prowlarr"
      url: "PROWLARR"
      api_key: "${PROWLARR_API_KEY}"
notifications:
  webhooks:
    - url: "https://example.com/webhook"
      events: ["download_completed", "media_added"]
"""
ENVIRON = {
    "SECRET_KEY_BASE": "0123456789abcdef" * 4,
    "OIDC_CLIENT_ID": "a",
    "OIDC_CLIENT_SECRET": "b",
    "QB_USER": "u",
    "QB_PASS": "p",
    "PROWLARR_API_KEY": "k",
}


class Prowlarr(StandIn):
    """A Prowlarr stand-in with these indexers."""

    def __init__(self, listed: list[dict[str, object]]) -> None:
        super().__init__()
        self._listed = listed

    def answer(self, asked: Asked) -> Answer:
        """Answer with the indexers if the key is right."""
        if asked.headers.get("x-api-key") != "k":
            return Answer.of({}, 401)
        return Answer.of(self._listed) if asked.path == "/api/v1/indexer" else Answer.of({}, 404)


def _load(tmp_path: Path, text: str = DESIGN, *, prowlarr: str = "http://127.0.0.1:1") -> config.Config:
    for name in ("movies", "tv"):
        (tmp_path / name).mkdir(exist_ok=True)
    file = tmp_path / "config.yml"
    file.write_text(text.replace("FOLDER", str(tmp_path)).replace("PROWLARR", prowlarr, 1))
    return config.load({"DATA_DIR": str(tmp_path / "data"), **ENVIRON}, file=file)


def test_every_key_is_known_and_acts(tmp_path: Path) -> None:
    loaded = _load(tmp_path)
    assert loaded.unknown_keys == ()
    assert {name.split(".")[0] for name in loaded.inactive_keys} == {"notifications"}
    assert (loaded["auth.oidc_issuer"], loaded["auth.oidc_client_id"]) == (
        "https://auth.example.com/realms/myrealm",
        "a",
    )
    assert loaded["auth.local_enabled"] is False
    assert loaded.settings.auth.local_enabled is False
    startup.prepare(loaded)
    parts = startup.open_parts(loaded)
    with parts.database.reads() as session:
        assert [(path.type, path.managed) for path in settings.library_paths.list_library_paths(session, SYSTEM)] == [
            ("movies", True),
            ("series", True),
        ]
        (client,) = settings.clients.client_connections(session)
        assert (client.row.name, client.row.url, client.connection.secret.reveal()) == (
            "primary",
            "http://127.0.0.1:1",
            "p",
        )
        rules = settings.naming_rules.get_naming_set(session, SYSTEM)
        assert (rules.movie_folder, rules.movie_file) == ("{title} ({year})", "{title} ({year}) - {quality}")
        assert (rules.series_folder, rules.season_folder) == ("{title}", "Season {season}")
        assert rules.episode_file == "{title} - S{season:2}E{episode:2} - {episode_title}"
        facts = library.naming.NamingFacts(
            title="Pioneer One",
            extension=".mkv",
            year=2010,
            season=1,
            episodes=(2,),
            episode_titles=("The Man",),
            quality="WEBDL-1080p",
        )
        made = library.naming.episode_path(library.rules_of(rules), facts)
    parts.close()
    assert made == "Pioneer One/Season 1/Pioneer One - S01E02 - The Man.mkv"


def test_an_edited_naming_stays_until_the_file_changes(tmp_path: Path) -> None:
    startup.prepare(_load(tmp_path))
    parts = startup.open_parts(_load(tmp_path))
    with parts.database.writes() as session:
        settings.naming_rules.get_naming_set(session, SYSTEM).movie_file = "{title}"
    startup.prepare(_load(tmp_path))
    with parts.database.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM).movie_file == "{title}"
    startup.prepare(_load(tmp_path, DESIGN.replace("({year}) - {quality}", "({year})")))
    with parts.database.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM).movie_file == "{title} ({year})"
    parts.close()


def test_indexers_are_read_from_prowlarr(tmp_path: Path) -> None:
    listed: list[dict[str, object]] = [
        {"id": 3, "name": "Films", "protocol": "torrent", "enable": True},
        {"id": 7, "name": "Posts", "protocol": "usenet", "enable": True},
        {"id": 9, "name": "Radio", "protocol": "unknown"},
    ]
    with Prowlarr(listed) as server:
        url = server.url
        loaded = _load(tmp_path, prowlarr=url)
        startup.prepare(loaded)
        parts = startup.open_parts(loaded)
        settings.managed.discover_indexers(parts.database, parts.outside, clock.now())
        with parts.database.reads() as session:
            rows = settings.indexers.list_indexers(session, SYSTEM)
            assert [(row.name, row.kind, row.url, row.managed) for row in rows] == [
                ("Prowlarr (Films)", "torznab", f"{url}/3/api", True),
                ("Prowlarr (Posts)", "newznab", f"{url}/7/api", True),
            ]
        del listed[0]
        settings.managed.discover_indexers(parts.database, parts.outside, clock.now())
        startup.prepare(loaded)
        with parts.database.reads() as session:
            enabled = {row.name: row.enabled for row in settings.indexers.list_indexers(session, SYSTEM)}
        parts.close()
    assert enabled == {"Prowlarr (Films)": False, "Prowlarr (Posts)": True}


def test_every_option_of_every_kind_can_be_set_in_the_file() -> None:
    wanted = {key for kind in download_clients.KINDS.values() for key in kind.option_keys}
    assert wanted <= set(config.CLIENT_OPTIONS)
    shared = {"categories", "minimum_seeders", "rate_limit_per_min", "timeout_s"}
    needs = {
        need.key for kind in indexers.KINDS for need in indexer_rows.needs_of(kind) if need.key not in ("url", "secret")
    }
    assert needs - shared <= set(config.INDEXER_OPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "library_paths:\n  - path: FOLDER/movies\n    type: podcasts\n",
        "library_paths:\n  - type: movies\n",
        "library_paths:\n  - path: FOLDER/movies\n    quality_profile: Nonesuch\n",
        "download_clients:\n  - name: x\n    type: floppy\n    host: y\n",
        "download_clients:\n  - name: x\n    url: 'ftp://box'\n",
        "download_clients:\n  - type: sabnzbd\n    name: x\n    host: y\n    api_key: k\n    save_path: /x\n",
        "indexers:\n  - name: x\n    type: jackett\n    base_url: http://y\n",
        "media:\n  naming:\n    movie: '{title'\n",
        "media:\n  naming:\n    episode: '{show}'\n",
        "auth:\n  local_enabled: true\n  local_auth_enabled: false\n",
        "database:\n  wal_mode: false\n",
        "database:\n  url: mysql://box/mydia\n",
        "jobs:\n  broker_url: kafka://box\n",
        "metadata:\n  redis_url: http://box\n",
        "server:\n  trusted_proxies: [nonsense]\n",
    ],
)
def test_check_refuses_what_serve_refuses(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "movies").mkdir()
    (tmp_path / "config.yml").write_text(text.replace("FOLDER", str(tmp_path)))
    for key in config.KEYS:
        monkeypatch.delenv(key.env, raising=False)
    monkeypatch.setenv("MYDIA_CONFIG", str(tmp_path / "config.yml"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert cli.main(["config", "check"]) == 2
    checked = capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    assert cli.main(["migrate"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == checked.splitlines()[-1]


def test_check_accepts_the_design_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _load(tmp_path)
    for key in config.KEYS:
        monkeypatch.delenv(key.env, raising=False)
    for name, value in {
        **ENVIRON,
        "DATA_DIR": str(tmp_path / "data"),
        "MYDIA_CONFIG": f"{tmp_path}/config.yml",
    }.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["config", "check"]) == 0
    said = capsys.readouterr()
    assert "notifications.webhooks is not active yet" in said.err
    assert "auth.oidc" not in said.err
    assert "valid" in said.out
    assert not (tmp_path / "mydia.db").exists()
    assert cli.main(["migrate"]) == 0
    (tmp_path / "other").mkdir()
    text = (tmp_path / "config.yml").read_text()
    (tmp_path / "config.yml").write_text(text.replace(f"{tmp_path}/movies", f"{tmp_path}/other"))
    assert cli.main(["config", "check"]) == 0
    with sqlite3.connect(tmp_path / "mydia.db") as connection:
        assert f"{tmp_path}/movies" in [row[0] for row in connection.execute("SELECT path FROM library_paths")]


class TestDamage:
    """A lost database is never silently replaced by an empty one."""

    @pytest.fixture
    def loaded(self, tmp_path: Path) -> config.Config:
        made = config.load({"DATA_DIR": str(tmp_path / "data")})
        startup.prepare(made)
        return made

    def _back_up(self, loaded: config.Config) -> None:
        from mydia.db import Database, maintenance

        database = Database(loaded.database_url)
        assert maintenance.back_up(database, loaded.backups_directory, clock.now())
        database.close()

    @pytest.mark.parametrize("content", [b"", b"this is no database" * 500])
    def test_the_newest_backup_is_offered(self, content: bytes, loaded: config.Config) -> None:
        self._back_up(loaded)
        path = loaded.sqlite_path
        assert path
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        path.write_bytes(content)
        with pytest.raises(Misconfigured, match=r"mydia backup restore .*mydia-"):
            startup.prepare(loaded)
        assert path.read_bytes() == content

    def test_without_a_backup_the_message_says_how_to_start_over(self, loaded: config.Config) -> None:
        path = loaded.sqlite_path
        assert path
        path.write_bytes(b"this is no database" * 500)
        with pytest.raises(Misconfigured, match="There is no backup"):
            startup.prepare(loaded)

    def test_a_full_disk_gives_a_message(self, loaded: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(startup, "upgrade", full)
        with pytest.raises(Misconfigured, match="is full"):
            startup.prepare(loaded)

"""The command line, run as a user runs it."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydia import cli, config, startup
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Misconfigured
from mydia.secret import Secret


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with its own data folder and no other variable of Mydia."""
    for key in config.KEYS:
        for name in (key.env, *key.also_env):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_help_names_every_command_and_loads_little(tmp_path: Path) -> None:
    code = "import sys; from mydia import cli; cli.main(['--help'])"
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True, env=_plain()
    )
    for command in (
        "serve",
        "web",
        "worker",
        "relay",
        "migrate",
        "parse",
        "doctor",
        "backup",
        "hash-password",
        "config",
    ):
        assert command in loaded.stdout
    assert "sqlalchemy" not in loaded.stderr
    assert "litestar" not in loaded.stderr


def test_an_invalid_value_is_reported_and_nothing_is_created(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    for command in ("serve", "web", "worker", "migrate", "doctor", "config"):
        assert cli.main([command]) == 2
        said = capsys.readouterr().err
        assert "server.port" in said
        assert "PORT" in said
        assert "from 1 to 65535" in said
    assert not environment.exists()


def test_a_read_only_data_folder_is_reported(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment.write_text("in the way")
    assert cli.main(["migrate"]) == 2
    assert "data.directory" in capsys.readouterr().err


def test_migrate_prepares_an_empty_folder_and_can_be_repeated(environment: Path) -> None:
    for _ in range(2):
        assert cli.main(["migrate"]) == 0
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    settings.bind(database, config.load(os.environ))
    with database.reads() as session:
        assert len(settings.profiles.list_profiles(session, SYSTEM)) == len(settings.profiles.PRESETS)
        assert settings.naming_rules.get_naming_set(session, SYSTEM).name == "Default"
        assert not users.has_users(session)
        assert settings.setup.setup_state(session, SYSTEM).next_step == "account"
    database.close()


def test_a_complete_environment_needs_no_setup(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ADMIN_USERNAME": "robin",
        "ADMIN_PASSWORD": "correct horse",
        "MOVIES_PATH": "/media/movies",
        "DOWNLOAD_CLIENT_1_NAME": "qB",
        "DOWNLOAD_CLIENT_1_HOST": "nas",
    }.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["migrate"]) == 0
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    with database.reads() as session:
        assert settings.setup.setup_state(session, SYSTEM).next_step is None
        assert [path.path for path in settings.library_paths.list_library_paths(session, SYSTEM)] == ["/media/movies"]
        assert [client.url for client in settings.clients.list_clients(session, SYSTEM)] == ["http://nas:8080"]
    database.close()


def test_an_invalid_entry_stops_the_start_and_changes_nothing(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADMIN_USERNAME", "robin")
    monkeypatch.setenv("ADMIN_PASSWORD", "correct horse")
    monkeypatch.setenv("LIBRARY_PATH_1_PATH", "/etc")
    assert cli.main(["migrate"]) == 2
    assert "LIBRARY_PATH_1" in capsys.readouterr().err
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    with database.reads() as session:
        assert not users.has_users(session)
    database.close()


def test_config_shows_values_with_their_source_and_hides_secrets(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMDB_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("PORT", "5000")
    assert cli.main(["config"]) == 0
    said = capsys.readouterr().out
    assert "0123456789abcdef" not in said
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert set(lines) == {key.name for key in config.KEYS}
    assert "environment variable PORT" in lines["server.port"]
    assert "(set)" in lines["metadata.tmdb_api_key"]
    assert cli.main(["config", "show", "server."]) == 0
    assert "jobs." not in capsys.readouterr().out


def test_config_check_lists_unknown_keys(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment.mkdir()
    (environment / "config.yml").write_text("server:\n  prot: 1\n")
    assert cli.main(["config", "check"]) == 0
    assert "unknown key server.prot" in capsys.readouterr().err


def test_config_example_is_the_committed_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "example"]) == 0
    assert capsys.readouterr().out == (Path(cli.__file__).parents[1] / "config.yml.example").read_text()


def test_a_hashed_password_signs_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    assert cli.main(["hash-password", "--stdin"]) == 0
    hashed = capsys.readouterr().out.strip()
    assert hashed.startswith("$argon2id$")
    monkeypatch.setenv("ADMIN_USERNAME", "robin")
    monkeypatch.setenv("ADMIN_PASSWORD_HASH", hashed)
    assert cli.main(["migrate"]) == 0
    from mydia import clock

    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    assert users.sign_in.authenticate(database, clock.now(), "robin", Secret("correct horse battery"), "::1").managed
    database.close()


def test_hash_password_refuses_a_weak_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert cli.main(["hash-password", "--stdin"]) == 2
    assert "at least 8" in capsys.readouterr().err


def test_a_backup_is_created_listed_and_restored(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backup"]) == 2
    assert cli.main(["migrate"]) == 0
    capsys.readouterr()
    assert cli.main(["backup"]) == 0
    made = Path(capsys.readouterr().out.strip())
    assert made.exists()
    assert cli.main(["backup", "list"]) == 0
    assert str(made) in capsys.readouterr().out
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    with database.writes() as session:
        row = settings.naming_rules.get_naming_set(session, SYSTEM)
        row.name = "Changed"
    database.close()
    assert cli.main(["backup", "restore", str(made)]) == 0
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    with database.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM).name == "Default"
    database.close()


def test_doctor_checks_everything(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "films").mkdir()
    monkeypatch.setenv("MOVIES_PATH", str(tmp_path / "films"))
    monkeypatch.setenv("TV_PATH", str(tmp_path / "gone"))
    monkeypatch.setenv("METADATA_RELAY_URL", "off")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOWNLOAD_CLIENT_1_NAME", "qB")
        monkeypatch.setenv("DOWNLOAD_CLIENT_1_HOST", "127.0.0.1")
        monkeypatch.setenv("DOWNLOAD_CLIENT_1_PORT", str(nobody.getsockname()[1]))
        assert cli.main(["migrate"]) == 0
        capsys.readouterr()
        assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ok") and str(tmp_path / "films") in line for line in said)
    assert any(line.startswith("FAILED") and str(tmp_path / "gone") in line for line in said)
    assert any(line.startswith("FAILED") and "download client qB" in line for line in said)


def test_the_metadata_choice_follows_the_settings(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mydia import clock
    from mydia.contexts.users import SYSTEM

    loaded = cli._load()
    startup.prepare(loaded)
    parts = startup.open_parts(loaded)
    try:
        assert parts.outside.metadata().name == "public relay"

        def choose(**changes: object) -> str:
            named = {name.replace("__", "."): value for name, value in changes.items()}
            with parts.database.writes() as session:
                settings.change_values(session, SYSTEM, clock.now(), named)
            return parts.outside.metadata().name

        assert choose(metadata__tmdb_api_key="0" * 32) == "embedded relay"
        assert parts.metadata.relay() is not None
        assert choose(metadata__relay_url="https://relay.example") == "relay"
        assert choose(metadata__relay_url="off") == "none"
        assert not parts.outside.metadata().available
    finally:
        parts.close()


def test_two_processes_that_migrate_at_once_wait_for_each_other(environment: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-m", "mydia", "migrate"], env=_plain(DATA_DIR=str(environment)), cwd=_root())
        for _ in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]


def test_a_newer_database_is_not_touched(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["migrate"]) == 0
    database = Database(f"sqlite:///{environment / 'mydia.db'}")
    from sqlalchemy import text

    with database.writes() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert cli.main(["migrate"]) == 2
    assert "newer Mydia" in capsys.readouterr().err
    with pytest.raises(Misconfigured):
        startup.prepare(cli._load())


@pytest.fixture
def served(environment: Path) -> Iterator[str]:
    """A complete Mydia on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = _plain(DATA_DIR=str(environment), PORT=str(port), HOST="127.0.0.1", METADATA_RELAY_URL="off")
    process = subprocess.Popen([sys.executable, "-m", "mydia", "serve"], env=environ, cwd=_root())
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_serve_starts_and_stops_web_and_worker(served: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{served}/ready", timeout=30) as answer:
                assert answer.status == 200
                break
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "not ready in time"
            time.sleep(0.2)
    with urllib.request.urlopen(f"{served}/", timeout=30) as answer:
        assert answer.url == f"{served}/setup/account"


def _root() -> Path:
    return Path(cli.__file__).parents[1]


def _plain(**more: str) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(_root()), **more}

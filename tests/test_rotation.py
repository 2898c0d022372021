"""Replacing SECRET_KEY_BASE re-encrypts everything that is sealed, or changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from mydia import cli, clock, rotation, startup
from mydia import config as configuration
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.library.models import RemovedTitle
from mydia.contexts.settings.models import DownloadClientRow, Setting
from mydia.contexts.settings.providers import NewProvider
from mydia.contexts.users import SYSTEM
from mydia.db import Base, Database, resealing
from mydia.errors import Misconfigured
from mydia.secret import Sealer, Secret

ROOT = Path(__file__).parents[1]
OLD, NEW = "an old key of more than 32 characters", "a new key of more than 32 characters"


def load(folder: Path, **environ: str) -> Config:
    return configuration.load({"DATA_DIR": str(folder), **environ})


def furnish(config: Config) -> None:
    """Store something sealed of every kind."""
    startup.prepare(config)
    database = Database(config.database_url)
    settings.bind(database, config)
    now = clock.now()
    with database.writes() as session:
        settings.change_values(session, SYSTEM, now, {"metadata.tmdb_api_key": "the key of tmdb"})
        new = NewProvider(name="x", issuer="https://x.example", client_id="m", secret=Secret("the secret"))
        settings.providers.add_provider(session, SYSTEM, now, new)
        sealed = settings.sealer(session).seal("the link")
        session.add(
            RemovedTitle(
                id="1",
                removal_id="1",
                type="movie",
                title="x",
                files="keep",
                snapshot={"rows": {"downloads": [{"id": "1", "sealed_link": sealed}]}, "links": []},
                removed_at=now,
                expires_at=now,
            )
        )
    database.close()


def read(config: Config) -> dict[str, str]:
    database = Database(config.database_url)
    settings.bind(database, config)
    with database.reads() as session:
        snapshot = session.scalars(select(RemovedTitle.snapshot)).one()
        found = {
            "tmdb": settings.of(session).metadata.tmdb_api_key.reveal(),
            "provider": settings.providers.enabled_providers(session)[0].secret.reveal(),
            "link": settings.sealer(session).open(snapshot["rows"]["downloads"][0]["sealed_link"]).reveal(),
        }
    database.close()
    return found


SECRETS = {"tmdb": "the key of tmdb", "provider": "the secret", "link": "the link"}


def test_the_key_in_the_data_folder_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(tmp_path)
    furnish(config)
    old = config.secret_key()
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("SECRET_KEY_BASE", "OLD_SECRET_KEY_BASE", "MYDIA_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["rotate-secret"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"oidc_providers +1 encrypted again", said)
    assert "The secret key was replaced." in said
    assert config.secret_key() != old
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert read(load(tmp_path)) == SECRETS
    with pytest.raises(Misconfigured):
        read(load(tmp_path, SECRET_KEY_BASE=old.decode()))


def test_a_key_of_the_environment_is_replaced_by_the_one_given(tmp_path: Path) -> None:
    furnish(load(tmp_path, SECRET_KEY_BASE=OLD))
    assert rotation.rotate(load(tmp_path, SECRET_KEY_BASE=NEW), OLD)["settings"] == 1
    assert read(load(tmp_path, SECRET_KEY_BASE=NEW)) == SECRETS


def test_a_wrong_old_key_changes_nothing(tmp_path: Path) -> None:
    furnish(load(tmp_path, SECRET_KEY_BASE=OLD))
    with pytest.raises(Misconfigured, match="nothing was changed"):
        rotation.rotate(load(tmp_path, SECRET_KEY_BASE=NEW), "some other key of 32 characters!")
    assert read(load(tmp_path, SECRET_KEY_BASE=OLD)) == SECRETS


def test_the_old_key_has_to_be_given_if_the_environment_sets_the_new_one(tmp_path: Path) -> None:
    furnish(load(tmp_path, SECRET_KEY_BASE=OLD))
    with pytest.raises(Misconfigured, match="OLD_SECRET_KEY_BASE"):
        rotation.rotate(load(tmp_path, SECRET_KEY_BASE=NEW), None)


def test_a_running_worker_prevents_it(tmp_path: Path) -> None:
    config = load(tmp_path)
    furnish(config)
    with startup.only_worker(config), pytest.raises(Misconfigured, match="Another worker"):
        rotation.rotate(config, None)
    assert read(config) == SECRETS


@pytest.mark.parametrize("committed", [True, False])
def test_a_crash_in_between_is_finished_by_the_next_start(tmp_path: Path, committed: bool) -> None:
    config = load(tmp_path)
    furnish(config)
    old = config.secret_key()
    (tmp_path / startup.WAITING_KEY).write_text(NEW)
    if committed:
        database = Database(config.database_url)
        with database.writes() as session:
            resealing.reseal(session, Sealer(old), Sealer(NEW.encode()))
        database.close()
    startup.prepare(config)
    assert not (tmp_path / startup.WAITING_KEY).exists()
    assert (config.secret_key() == NEW.encode()) is committed
    assert read(load(tmp_path)) == SECRETS


def test_no_sealed_column_is_forgotten() -> None:
    known = {f"{table.name}.{column.name}" for table, column in resealing.sealed_columns()}
    assert known >= {
        "credentials.sealed",
        "download_clients.sealed_secret",
        "downloads.sealed_link",
        "indexers.sealed_secret",
        "notification_targets.sealed_url",
        "oidc_providers.sealed_secret",
        "removed_titles.snapshot",
        "sessions.sealed_id_token",
        "settings.value",
    }
    assert {Setting.__tablename__, DownloadClientRow.__tablename__} <= set(Base.metadata.tables)
    # What is sealed is stored in a column or under a key that begins so, or in a cookie.
    elsewhere = []
    for path in sorted((ROOT / "mydia").rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if ".seal(" in line and not re.search(r"\bsealed\w*\"?\s*[:=]|= sealer|new\.seal", line):
                elsewhere.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert [one for one in elsewhere if "layers.py" not in one] == []

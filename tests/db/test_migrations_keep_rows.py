"""Migrating an older database keeps its rows: rebuilding a table in SQLite does not lose rows that refer to it."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection

from mydia.db import Database, upgrade
from mydia.db.migrate import migrations_directory

_NOW = "2026-11-01 12:00:00.000000"


def _first_version(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()


def _insert(connection: Connection, table: str, **values: object) -> None:
    """Insert a row; NOT NULL columns that are not given get an empty value of their type."""
    columns = connection.exec_driver_sql(f"PRAGMA table_info({table})").fetchall()
    filled: dict[str, object] = {}
    for _, name, kind, not_null, default, _ in columns:
        if name in values:
            filled[name] = values[name]
        elif not_null and default is None:
            filled[name] = {"JSON": "{}", "DATETIME": _NOW, "DATE": "2026-11-01", "TEXT": ""}.get(kind, 0)
    names, marks = ", ".join(filled), ", ".join(f":{name}" for name in filled)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), filled)


def test_downloads_keep_their_episodes_files_and_reasons(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    _first_version(database)
    reasons = json.dumps([{"at": _NOW, "text": "the best of its search", "kind": "grab"}])
    with database.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=off")  # type: ignore[union-attr]
        _insert(connection, "quality_profiles", id="p", name="Any", items="[]")
        _insert(
            connection,
            "media_items",
            id="m",
            type="tv_show",
            title="Silo",
            state="missing",
            status="ended",
            provider="tmdb",
            minimum_availability="released",
            monitor_new_seasons="all",
            monitor_pattern="all",
        )
        _insert(connection, "versions", id="v", media_item_id="m", name="Default", profile_id="p")
        _insert(connection, "seasons", id="s", media_item_id="m", number=1)
        _insert(connection, "versions", id="w", media_item_id="m", name="4K", profile_id="p", position=1)
        of_season = {"media_item_id": "m", "season_id": "s", "season_number": 1, "monitored": True}
        _insert(connection, "episodes", id="e", **of_season, episode_number=1, held=True, upgradable=True)
        _insert(connection, "episodes", id="f", **of_season, episode_number=2)
        _insert(connection, "download_clients", id="c", name="qBittorrent", kind="qbittorrent")
        for id, guid in (("d1", "guid"), ("d2", None)):
            _insert(
                connection,
                "downloads",
                id=id,
                media_item_id="m",
                version_id="v",
                client_id="c",
                client_ref=f"ref-{id}",
                release_guid=guid,
                protocol="torrent",
                state="downloading",
                cause="manual",
                reasons=reasons,
            )
            _insert(connection, "download_episodes", download_id=id, episode_id="e")
        _insert(
            connection, "blocklist", id="b", media_item_id="m", download_id="d1", protocol="torrent", reason="fake."
        )
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        connection.commit()
    assert upgrade(database.engine) is True
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, owned, idle_s, reasons FROM downloads ORDER BY id")).all()
        assert [(row.id, bool(row.owned), row.idle_s) for row in rows] == [("d1", True, 0), ("d2", False, 0)]
        assert json.loads(rows[0].reasons)[0]["text"] == "the best of its search"
        assert connection.execute(text("SELECT count(*) FROM download_episodes")).scalar_one() == 2
        kept = connection.execute(text("SELECT reason, because, download_id FROM blocklist")).one()
        held = connection.execute(text("SELECT version_id, episode_id, upgradable FROM held_episodes")).all()
        assert [(row.version_id, row.episode_id, bool(row.upgradable)) for row in held] == [("v", "e", True)]
        complete = connection.execute(text("SELECT id FROM episodes WHERE complete")).scalars().all()
        assert complete == ["e"]
        assert (kept.reason, json.loads(kept.because), kept.download_id) == ("fake.", {}, "d1")
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    database.close()

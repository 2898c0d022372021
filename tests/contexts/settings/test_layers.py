"""Values in layers, each with its source."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from mydia import config as configuration
from mydia import events
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, Misconfigured
from mydia.secret import Sealer

DAYS = "library.recycle_days"


def _change(database: Database, caller: Caller, now: datetime, changes: dict[str, object], **environ: str) -> None:
    with database.writes() as session:
        sealer = Sealer(b"k" * 32)
        settings.change_values(session, caller, now, configuration.load(environ), changes, sealer=sealer)


def _sourced(database: Database, name: str, file: Path | None = None, **environ: str) -> tuple[object, str]:
    with database.reads() as session:
        found = settings.sourced(session, configuration.load(environ, file=file), name)
    return found.value, found.layer


def test_the_order_is_environment_database_file_default(
    database: Database, admin: Caller, now: datetime, tmp_path: Path
) -> None:
    file = tmp_path / "config.yml"
    file.write_text("library:\n  recycle_days: 11\n")
    assert _sourced(database, DAYS) == (30, "default")
    assert _sourced(database, DAYS, file) == (11, "file")
    _change(database, admin, now, {DAYS: "12"})
    assert _sourced(database, DAYS, file) == (12, "database")
    assert _sourced(database, DAYS, file, RECYCLE_DAYS="13") == (13, "environment")
    _change(database, admin, now, {DAYS: ""})
    assert _sourced(database, DAYS, file) == (11, "file")


def test_all_values_at_once_say_the_same_as_one_by_one(database: Database, admin: Caller, now: datetime) -> None:
    _change(database, admin, now, {DAYS: "12", "metadata.tmdb_api_key": "0123456789"})
    config = configuration.load({"PORT": "5000", "TVDB_API_KEY": "secret"})
    with database.reads() as session:
        at_once = settings.all_sourced(session, config)
        assert at_once == {key.name: settings.sourced(session, config, key.name) for key in configuration.KEYS}


def test_wrong_values_are_refused_together_and_nothing_is_stored(
    database: Database, admin: Caller, now: datetime
) -> None:
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {DAYS: "5", "backups.keep": "none", "jobs.scan_cron": "sometimes", "no.key": "1"})
    assert set(refused.value.fields) == {"backups.keep", "jobs.scan_cron", "no.key"}
    assert "from 1 to 365" in refused.value.fields["backups.keep"]
    assert _sourced(database, DAYS) == (30, "default")


def test_what_the_environment_sets_cannot_be_changed_here(database: Database, admin: Caller, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {DAYS: "5"}, RECYCLE_DAYS="9")
    assert "RECYCLE_DAYS" in refused.value.fields[DAYS]
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {"server.port": "5"})
    assert "PORT" in refused.value.fields["server.port"]


def test_secrets_are_sealed_and_only_named(database: Database, admin: Caller, now: datetime, sealer: Sealer) -> None:
    name, config = "metadata.tmdb_api_key", configuration.load({})
    with database.writes() as session:
        settings.change_values(session, admin, now, config, {name: "0123456789abcdef"}, sealer=sealer)
    with database.reads() as session:
        assert settings.secret_value(session, config, sealer, name).reveal() == "0123456789abcdef"
        assert settings.sourced(session, config, name).value is True
        everything = str(session.execute(text("SELECT * FROM settings")).all()) + str(events.feed(session))
        assert "0123456789abcdef" not in everything
        with pytest.raises(ValueError, match="secret_value"):
            settings.value(session, config, name)
        with pytest.raises(Misconfigured, match="SECRET_KEY_BASE"):
            settings.secret_value(session, config, Sealer(b"another key" * 4), name)


def test_changes_are_told_with_old_and_new(database: Database, admin: Caller, now: datetime) -> None:
    _change(database, admin, now, {DAYS: "12", "backups.keep": "7"})
    with database.reads() as session:
        told = events.feed(session)
    assert [event.payload for event in told] == [{"key": "values", "changed": {DAYS: [30, 12]}}]


def test_guests_change_nothing(database: Database, guest: Caller, now: datetime) -> None:
    with pytest.raises(Forbidden):
        _change(database, guest, now, {DAYS: "12"})


def test_a_stored_value_that_is_no_longer_allowed_counts_as_not_stored(
    database: Database, admin: Caller, now: datetime
) -> None:
    _change(database, admin, now, {DAYS: "12"})
    with database.writes() as session:
        session.execute(text("""UPDATE settings SET value = '{"value": -4}'"""))
    assert _sourced(database, DAYS)[0] == 30

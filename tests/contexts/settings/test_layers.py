"""Values from several layers, each with its source."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import get_type_hints

import pytest
from sqlalchemy import event, text

from mydia import config as configuration
from mydia import events
from mydia.config import KEYS, Settings
from mydia.contexts import settings
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, Misconfigured
from mydia.secret import Secret

DAYS = "library.recycle_days"
KEY = "metadata.tmdb_api_key"


def _bind(database: Database, file: Path | None = None, **environ: str) -> None:
    environ.setdefault("SECRET_KEY_BASE", "k" * 32)
    settings.bind(database, configuration.load(environ, file=file))


def _change(database: Database, caller: Caller, now: datetime, changes: dict[str, object]) -> None:
    with database.writes() as session:
        settings.change_values(session, caller, now, changes)


def _sourced(database: Database, name: str, file: Path | None = None, **environ: str) -> tuple[object, str]:
    _bind(database, file, **environ)
    with database.reads() as session:
        found = settings.sourced(session, SYSTEM, name)
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
    assert settings.of(database).library.recycle_days == 12
    assert _sourced(database, DAYS, file, RECYCLE_DAYS="13") == (13, "environment")
    assert settings.of(database).library.recycle_days == 13
    _bind(database, file)
    _change(database, admin, now, {DAYS: ""})
    assert _sourced(database, DAYS, file) == (11, "file")


def test_reading_all_values_equals_reading_each(database: Database, admin: Caller, now: datetime) -> None:
    _bind(database, PORT="5000", TVDB_API_KEY="secret")
    _change(database, admin, now, {DAYS: "12", KEY: "0123456789"})
    typed = settings.of(database)
    with database.reads() as session:
        at_once = settings.all_sourced(session, SYSTEM)
        assert at_once == {key.name: settings.sourced(session, SYSTEM, key.name) for key in KEYS}
    for key in KEYS:
        section, _, name = key.name.partition(".")
        value = getattr(getattr(typed, section), name)
        assert (bool(value) if key.secret else value) == at_once[key.name].value


def test_every_declared_type_is_the_type_of_its_values() -> None:
    for section in dataclasses.fields(Settings):
        kind = get_type_hints(Settings)[section.name]
        hints = get_type_hints(kind)
        for one in dataclasses.fields(kind):
            key = configuration.BY_NAME[f"{section.name}.{one.name}"]
            declared = Secret if key.secret else tuple[str, ...] if key.kind is tuple else key.kind
            wanted = declared | None if key.default is None and not key.secret else declared
            assert hints[one.name] == wanted, key.name


def test_settings_are_read_once_until_something_is_committed(database: Database, admin: Caller, now: datetime) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    settings.of(database)
    assert len([one for one in statements if "FROM settings" in one]) == 1
    settings.of(database)
    with database.reads() as session:
        assert settings.of(session).library.recycle_days == 30
    assert len([one for one in statements if "FROM settings" in one]) == 1
    other = Database(database.url)
    other.info.update(database.info)
    _change(other, admin, now, {DAYS: "12"})
    other.close()
    assert settings.of(database).library.recycle_days == 12


def test_a_unit_of_work_sees_its_own_change_and_a_rolled_back_one_is_forgotten(
    database: Database, admin: Caller, now: datetime
) -> None:
    settings.of(database)
    with suppress(ZeroDivisionError), database.writes() as session:
        settings.change_values(session, admin, now, {DAYS: "12"})
        assert settings.of(session).library.recycle_days == 12
        raise ZeroDivisionError
    assert settings.of(database).library.recycle_days == 30


def test_an_older_snapshot_is_never_cached_for_later_reads(database: Database, admin: Caller, now: datetime) -> None:
    with database.reads() as older:
        older.execute(text("SELECT 1 FROM settings")).all()
        _change(database, admin, now, {DAYS: "12"})
        assert settings.of(older).library.recycle_days == 30
    assert settings.of(database).library.recycle_days == 12


def test_a_database_without_a_settings_table_raises(database: Database) -> None:
    database.info.clear()
    with pytest.raises(LookupError, match=r"settings\.bind"):
        settings.of(database)


def test_wrong_values_are_refused_together_and_nothing_is_stored(
    database: Database, admin: Caller, now: datetime
) -> None:
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {DAYS: "5", "backups.keep": "none", "jobs.scan_cron": "sometimes", "no.key": "1"})
    assert set(refused.value.fields) == {"backups.keep", "jobs.scan_cron", "no.key"}
    assert "from 1 to 365" in refused.value.fields["backups.keep"]
    assert _sourced(database, DAYS) == (30, "default")


def test_values_set_by_the_environment_cannot_be_changed(database: Database, admin: Caller, now: datetime) -> None:
    _bind(database, RECYCLE_DAYS="9")
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {DAYS: "5"})
    assert "RECYCLE_DAYS" in refused.value.fields[DAYS]
    with pytest.raises(Invalid) as refused:
        _change(database, admin, now, {"server.port": "5"})
    assert "PORT" in refused.value.fields["server.port"]


def test_secrets_are_encrypted_and_never_shown(database: Database, admin: Caller, now: datetime) -> None:
    _bind(database)
    _change(database, admin, now, {KEY: "0123456789abcdef"})
    with database.reads() as session:
        found = settings.of(session).metadata.tmdb_api_key
        assert found.reveal() == "0123456789abcdef"
        assert settings.sourced(session, SYSTEM, KEY).value is True
        everything = str(session.execute(text("SELECT * FROM settings")).all()) + str(events.feed(session))
        assert "0123456789abcdef" not in everything + repr(settings.of(session))


def test_an_undecryptable_secret_fails_only_its_reader(database: Database, admin: Caller, now: datetime) -> None:
    _bind(database)
    _change(database, admin, now, {KEY: "0123456789abcdef"})
    _bind(database, SECRET_KEY_BASE="another key" * 4)
    found = settings.of(database).metadata.tmdb_api_key
    assert found
    with pytest.raises(Misconfigured, match="SECRET_KEY_BASE"):
        found.reveal()


def test_changes_are_recorded_with_old_and_new(database: Database, admin: Caller, now: datetime) -> None:
    _change(database, admin, now, {DAYS: "12", "backups.keep": "7"})
    with database.reads() as session:
        recorded = events.feed(session)
    assert [event.payload for event in recorded] == [
        {"key": "values", "changed": {DAYS: [30, 12]}, "area": "values", "name": None}
    ]


def test_guests_cannot_change_anything(database: Database, guest: Caller, now: datetime) -> None:
    with pytest.raises(Forbidden):
        _change(database, guest, now, {DAYS: "12"})


def test_a_stored_value_that_is_no_longer_allowed_is_ignored(database: Database, admin: Caller, now: datetime) -> None:
    _change(database, admin, now, {DAYS: "12"})
    with database.writes() as session:
        session.execute(text("""UPDATE settings SET value = '{"value": -4}'"""))
    assert _sourced(database, DAYS)[0] == 30
    assert _sourced(database, DAYS, RECYCLE_DAYS="")[0] == 30

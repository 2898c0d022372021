"""Integer ids for other APIs are assigned once and never changed or reused."""

from __future__ import annotations

import sqlite3

import pytest

from mydia.contexts import media
from mydia.contexts.media import NumberedKind
from mydia.contexts.users import SYSTEM
from mydia.db import Database, upgrade
from mydia.db.migrate import migrations_directory
from mydia.errors import NotFound

from .conftest import film


def test_a_title_gets_a_number_when_it_is_added(stocked, add, admin):
    item_id = add(film())
    with stocked.reads() as session:
        number = media.numbers.number_of(session, admin, NumberedKind.ITEM, item_id)
        assert media.numbers.id_of(session, admin, NumberedKind.ITEM, number) == item_id


def test_the_number_of_a_removed_title_is_not_given_to_another(stocked, add, admin, now):
    first = add(film())
    with stocked.writes() as session:
        old = media.numbers.number_of(session, admin, NumberedKind.ITEM, first)
        media.remove_row(session, admin, now, first, files_deleted=0)
    again = add(film())
    with stocked.reads() as session:
        assert media.numbers.number_of(session, admin, NumberedKind.ITEM, again) > old


def test_assigning_numbers_twice_changes_none(stocked):
    with stocked.writes() as session:
        first = media.numbers.give_numbers(session, NumberedKind.FILE, ["a", "b"])
        assert media.numbers.give_numbers(session, NumberedKind.FILE, ["b", "c", "a"]).items() > first.items()


def test_a_number_belongs_to_one_kind_only(stocked):
    with stocked.writes() as session:
        number = media.numbers.give_numbers(session, NumberedKind.EPISODE, ["a"])["a"]
        with pytest.raises(NotFound):
            media.numbers.id_of(session, SYSTEM, NumberedKind.FILE, number)


def test_titles_of_an_older_database_get_numbers_when_it_is_migrated(tmp_path):
    from alembic import command
    from alembic.config import Config

    path = tmp_path / "old.db"
    database = Database(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    with sqlite3.connect(path) as raw:
        columns = [row for row in raw.execute("PRAGMA table_info(media_items)") if row[3]]
        values = {name: {"id": "one", "type": "movie", "status": "unknown", "state": "missing", "provider": "tmdb"}.get(name, 0)
                  for _, name, *_ in columns}  # fmt: skip
        values |= {"minimum_availability": "released", "monitor_new_seasons": "all", "monitor_pattern": "all"}
        raw.execute(
            f"INSERT INTO media_items ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", [*values.values()]
        )
    assert upgrade(database.engine)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT kind, subject_id FROM numbers").all() == [("item", "one")]
    database.close()

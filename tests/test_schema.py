"""Checking whether a database needs a migration, without loading the migration code."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mydia import schema
from mydia.db import Database


def test_a_migrated_database_is_current(database: Database) -> None:
    assert schema.is_current(database.url)


@pytest.mark.parametrize("revision", ["0000", "9999"])
def test_an_older_or_newer_schema_needs_the_full_check(database: Database, revision: str) -> None:
    assert database.path is not None
    with sqlite3.connect(database.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert not schema.is_current(database.url)


def test_a_missing_empty_damaged_or_remote_database_needs_the_full_check(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "damaged.db").write_bytes(b"this is no database" * 1000)
    for name in ("missing.db", "empty.db", "damaged.db"):
        assert not schema.is_current(f"sqlite:///{tmp_path / name}")
    assert not schema.is_current("postgresql+psycopg://somewhere/mydia")
    assert not (tmp_path / "missing.db").exists()


def test_the_check_loads_neither_sqlalchemy_nor_alembic() -> None:
    asked = "import sys; from mydia import schema; schema.is_current('sqlite:///x'); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "'sqlalchemy'" not in done.stdout
    assert "'alembic'" not in done.stdout


def test_what_serve_loads_stays_small(tmp_path: Path) -> None:
    asked = "import sys; from mydia import cli, supervise; supervise.run = lambda *_, **__: print(sorted(sys.modules)) or 0; cli.main(['serve'])"
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", asked], env=environ, capture_output=True, text=True, check=False)
    assert "'mydia.supervise'" in done.stdout, done.stderr
    assert "'sqlalchemy'" not in done.stdout


_HEAVY = (
    "PIL",
    "alembic",
    "apscheduler",
    "authlib",
    "cryptography",
    "dramatiq",
    "joserfc",
    "lxml",
    "mydia.parsing.reading",
    "pika",
    "psycopg",
    "pymediainfo",
    "redis",
    "segno",
    "sqlalchemy.dialects.postgresql",
    "strawberry",
    "webauthn",
)


def test_heavy_modules_are_imported_on_first_use() -> None:
    asked = f"import sys, mydia.web.app, mydia.web.routes; print([name for name in {_HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

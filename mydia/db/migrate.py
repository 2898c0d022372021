"""Migrate a database to the newest schema, with a backup before the first change."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from mydia.errors import Misconfigured

logger = logging.getLogger(__name__)


def migrations_directory() -> Path:
    """Return the folder of the Alembic scripts, which is next to the package in a checkout and in the image."""
    return Path(__file__).resolve().parents[2] / "migrations"


def upgrade(engine: Engine, *, before: Callable[[str | None, str], None] | None = None) -> bool:
    """Run missing migrations and return whether there were any.

    Args:
        before: Called with (current revision, target revision) before the first change of a database that already
            has a schema; it makes a backup. An exception stops the migration.

    Raises:
        Misconfigured: The database was written by a newer Mydia.
    """
    with engine.connect().execution_options(readonly=True) as connection:
        present = _present_revision(connection)
    # Importing Alembic takes 0.15 s, and most starts have nothing to migrate.
    head = _head_revision()
    if present == head:
        return False
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if present is not None and present not in known:
        raise Misconfigured(
            f"This database was written by a newer Mydia (schema {present}). "
            "Start that version again, or restore a backup made by this one."
        )
    if present is not None and before is not None:
        before(present, head)
    with engine.connect() as connection, _foreign_keys_off(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    logger.info("database migrated", extra={"from_revision": present or "nothing", "to_revision": head})
    return True


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Let SQLite rebuild a table without deleting the rows of other tables that reference it.

    A change that SQLite cannot make in place copies the table and drops the old one; with foreign keys on, dropping it
    deletes its rows first, and theirs with them. The pragma does nothing inside a transaction, so it goes to the driver.
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys=off")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=on")


def _present_revision(connection: object) -> str | None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    try:
        row = connection.execute(text("SELECT version_num FROM alembic_version")).first()  # type: ignore[attr-defined]
    except DBAPIError:
        return None
    return None if row is None else str(row[0])


def is_known_revision(revision: str) -> bool:
    """Return whether this version of Mydia has the migrations up to a revision."""
    return any((migrations_directory() / "versions").glob(f"{revision}_*.py")) if revision.isdigit() else False


def _head_revision() -> str:
    """Return the newest revision: scripts are named NNNN_topic.py and their number is their revision."""
    return max(path.name.split("_")[0] for path in (migrations_directory() / "versions").glob("[0-9]*_*.py"))

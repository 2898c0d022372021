"""Backups of PostgreSQL with its own tool, `pg_dump`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from mydia.adapters.programs import Programs
from mydia.errors import Unavailable

PROGRAM = "pg_dump"
_DUMP_LIMIT_S = 3600.0
_CHECK_LIMIT_S = 300.0


def dump(programs: Programs, url: str, path: Path) -> None:
    """Dump a database to a file for `pg_restore`.

    Args:
        url: A SQLAlchemy or libpq URL; the password is passed in the environment, so that it is not in the process list.
        path: Replaced if it exists.

    Raises:
        Missing: `pg_dump` is not installed.
        Unavailable: It failed, for example because it is older than the server.
    """
    parts = urlsplit(url)
    environment = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    where = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    address = urlunsplit(("postgresql", user + where, parts.path, parts.query, ""))
    done = programs.run(
        PROGRAM,
        ["--format=custom", "--no-password", f"--file={path}", f"--dbname={address}"],
        timeout_s=_DUMP_LIMIT_S,
        environment=environment,
    )
    if done.code == 0:
        # Reading the table of contents proves that the file is complete.
        done = programs.run(
            "pg_restore", ["--list", str(path)], timeout_s=_CHECK_LIMIT_S, max_output_bytes=16 * 1024**2
        )
    if done.code != 0:
        raise Unavailable(f"The database could not be backed up: {done.last_error or f'{PROGRAM} failed'}.")

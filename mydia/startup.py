"""What every process does before its own work: make folders, migrate, write what is configured, open the outside."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mydia import clock
from mydia.adapters.filesystem import Files
from mydia.adapters.http import Http
from mydia.adapters.outside import Outside, real_outside
from mydia.config import Config
from mydia.contexts import settings, users
from mydia.contexts.metadata import ChosenMetadata
from mydia.db import PATIENCE_S, Database, maintenance, sqlite_version, upgrade, warn_if_old
from mydia.errors import Misconfigured, Unavailable

logger = logging.getLogger(__name__)

_HANDOVER_S = 15.0
"""How long a worker waits for the one before it: longer than that one's running jobs may take to finish."""
_LOOK_AGAIN_S = 0.1
_WORKER_PATIENCE_S = 30.0
"""How long a job waits to write: nobody looks at it, and a compaction of a large database takes that long."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process works with."""

    config: Config
    database: Database
    outside: Outside
    metadata: ChosenMetadata

    def close(self) -> None:
        """Let go of connections."""
        self.metadata.close()
        self.database.close()


def prepare(config: Config) -> None:
    """Bring the data folder to what this version and its configuration need; running it again changes nothing.

    Processes that start at the same time wait for one another.

    Raises:
        Misconfigured: The folder cannot be written, the database is newer, or an entry of the configuration is wrong.
    """
    make_folders(config)
    with _one_at_a_time(config.data_dir / ".preparing"):
        warn_if_old()
        database = Database(config.database_url, pool_size=2, patience_s=_WORKER_PATIENCE_S)
        try:
            upgrade(database.engine, before=_backup_before(config, database))
            _furnish(config, database)
        finally:
            database.close()


def _furnish(config: Config, database: Database) -> None:
    now = clock.now()
    settings.bind(database, config)
    with database.writes() as session:
        settings.ensure_defaults(session, now)
        admin = users.ensure_admin(session, config, now)
        settings.sync_managed(session, now)
        provided = any(path.managed for path in settings.list_library_paths(session))
        if admin is not None:
            settings.mark_step(session, now, "account", "done")
        if admin is not None and provided and settings.setup_state(session).finished_at is None:
            # Somebody who configures by environment or file needs no wizard; it stays open at /setup.
            settings.finish_setup(session, now)


def _backup_before(config: Config, database: Database) -> Callable[[str | None, str], None]:
    def back_up(present: str | None, target: str) -> None:
        if config["database.skip_backups"]:
            logger.warning("migrating without a backup, as SKIP_BACKUPS says")
            return
        made = maintenance.back_up(database, config.backups_directory, clock.now(), before=f"{present}-to-{target}")
        if made is not None:
            logger.info("backed up before the migration", extra={"file": str(made.path)})

    return back_up


def open_parts(config: Config, *, http: Http | None = None, sparing: bool = False) -> Parts:
    """Open the database and the outside of a prepared data folder.

    Args:
        sparing: As in `Database`; for the worker.
    """
    patience_s = _WORKER_PATIENCE_S if sparing else PATIENCE_S
    database = Database(
        config.database_url, pool_size=int(config["database.pool_size"]), sparing=sparing, patience_s=patience_s
    )
    settings.bind(database, config)
    http = http or Http()
    metadata = ChosenMetadata(config, database, http)
    return Parts(config, database, real_outside(metadata.current, http), metadata)


def make_folders(config: Config) -> None:
    """Make the data folder and what belongs in it.

    Raises:
        Misconfigured: It cannot be written.
    """
    source = config.values["data.directory"].source
    try:
        for folder in (config.data_dir, config.images_directory, config.backups_directory, config.log_directory):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what a person watches is nobody else's business
        trial = config.data_dir / f".writable-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise Misconfigured(
            f"data.directory ({source}) is {config.data_dir}, where user {os.getuid()} cannot write: "
            f"{error.strerror}. Give it to that user, or name another folder in DATA_DIR."
        ) from error


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def only_worker(config: Config, *, patience_s: float = _HANDOVER_S) -> Iterator[None]:
    """Be the one worker of a data folder; the kernel gives the place back at any death.

    What a worker does at its start takes for interrupted what another one would be doing.

    Args:
        patience_s: How long the one before may take to end.

    Raises:
        Misconfigured: Another worker is there and stays.
    """
    path = config.data_dir / ".worker"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        gives_up_s = clock.monotonic_s() + patience_s
        while not _locked(descriptor, path):
            if clock.monotonic_s() >= gives_up_s:
                number = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
                raise Misconfigured(
                    f"Another worker (process {number}) is at work in {config.data_dir}, and there can be only one. "
                    "Stop it first, or give this one another data folder."
                )
            time.sleep(_LOOK_AGAIN_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some network file systems know no locks; there is no telling then.
        logger.warning("another worker would not be noticed", extra={"file": str(path), "reason": str(error)})
    return True


def examine(config: Config) -> list[tuple[str, str]]:
    """Look at an installation for `mydia doctor`: (`ok` | `warning` | `failed`, sentence), without changing anything."""
    found: list[tuple[str, str]] = [("ok", f"configuration: {config.file or 'environment and defaults'}")]
    found += [("warning", f"{config.file}: {name} means nothing to Mydia") for name in config.unknown_keys]
    version = ".".join(map(str, sqlite_version()))
    found.append(("ok" if sqlite_version() >= (3, 51, 3) else "warning", f"SQLite {version}"))
    files = Files()
    access = files.access(config.data_dir)
    found.append(
        ("ok", f"data folder {config.data_dir}")
        if access.writable
        else ("failed", f"data folder {config.data_dir}: {access.sentence}")
    )
    database = Database(config.database_url, pool_size=2)
    try:
        if database.path is not None and not database.path.exists():
            return [*found, ("warning", "there is no database yet; `mydia serve` or `mydia migrate` makes it")]
        if database.path is not None:
            damage = maintenance.check_integrity(database.path, quick=True)
            found.append(("failed", f"database: {damage[0]}") if damage else ("ok", f"database {database.path}"))
        found += _examine_settings(config, files)
    finally:
        database.close()
    return found


def _examine_settings(config: Config, files: Files) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    parts = open_parts(config)
    try:
        with parts.database.reads() as session:
            paths = settings.list_library_paths(session)
            clients = settings.client_connections(session)
            indexers = settings.indexer_connections(session, usage="interactive")
        for path in paths:
            access = files.access(Path(path.path))
            state = "ok" if access.writable else "failed"
            found.append(
                (state, f"library folder {path.name} ({path.path}){': ' if access.sentence else ''}{access.sentence}")
            )
        found += [
            _tried(f"download client {one.row.name}", parts.outside.download_client(one.connection).test)
            for one in clients
        ]
        found += [
            _tried(f"indexer {one.row.name}", parts.outside.indexer(one.connection).capabilities) for one in indexers
        ]
        provider = parts.metadata.current()
        found.append(("ok" if provider.available else "warning", f"metadata from: {provider.name}"))
    finally:
        parts.close()
    return found


def _tried(what: str, call: Callable[[], object]) -> tuple[str, str]:
    try:
        answer = call()
    except Unavailable as error:
        return "failed", f"{what}: {error.message}"
    version = getattr(answer, "version", None) or getattr(answer, "title", "")
    return "ok", f"{what}: {version}"

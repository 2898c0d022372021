"""The start of every process: create folders, migrate, store configured entries, open adapters."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from mydia import clock, schema
from mydia.adapters.filesystem import Files
from mydia.adapters.http import Http
from mydia.adapters.outside import Outside, real_outside
from mydia.config import Config
from mydia.contexts import settings, users
from mydia.contexts.metadata import ChosenMetadata
from mydia.contexts.users import SYSTEM
from mydia.db import PATIENCE_S, Database, DiskFull, maintenance, sqlite_module, sqlite_version, upgrade, warn_if_old
from mydia.errors import Misconfigured, Unavailable

logger = logging.getLogger(__name__)

WAITING_KEY = "secret_key.new"
"""File in the data folder with the key of a rotation that is not finished."""
_HANDOVER_S = 15.0
"""How long a worker waits for its predecessor; longer than the predecessor's running jobs may take to finish."""
_RETRY_S = 0.1
_WORKER_PATIENCE_S = 30.0
"""How long a job waits to write, because compacting a large database takes that long."""


class Parts(msgspec.Struct, frozen=True):
    """The parts of a process."""

    config: Config
    database: Database
    outside: Outside
    metadata: ChosenMetadata

    def close(self) -> None:
        """Close all connections."""
        self.metadata.close()
        self.database.close()


def prepare(config: Config) -> None:
    """Prepare the data folder for this version and its configuration. Idempotent.

    Processes that start at the same time wait for each other.

    Raises:
        Misconfigured: The folder cannot be written or is full, the database is damaged or newer, or an entry of the
            configuration is wrong.
    """
    make_folders(config)
    with _explained(config), _one_at_a_time(config.data_dir / ".preparing"):
        warn_if_old()
        _refuse_emptied(config)
        database = Database(config.database_url, pool_size=2, patience_s=_WORKER_PATIENCE_S)
        try:
            upgrade(database.engine, before=_backup_before(config, database))
            if (config.data_dir / WAITING_KEY).exists():
                from mydia import rotation

                rotation.finish(config, database)
            settings.bind(database, config)
            with database.writes() as session:
                _furnish(session, config)
        finally:
            database.close()


def rehearse(config: Config) -> None:
    """Check whether `prepare` would fail, without changing anything.

    Names of quality profiles are looked up in the existing database, or in the presets if there is none yet.

    Raises:
        Misconfigured: As in `prepare`.
    """
    path = config.sqlite_path
    if path is not None and schema.is_current(config.database_url):
        with _explained(config):
            _furnish_and_roll_back(config, config.database_url)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/rehearsal.db"
        database = Database(url, pool_size=2)
        try:
            upgrade(database.engine)
        finally:
            database.close()
        _furnish_and_roll_back(config, url)


def _furnish_and_roll_back(config: Config, url: str) -> None:
    database = Database(url, pool_size=2, patience_s=_WORKER_PATIENCE_S)
    settings.bind(database, config)
    try:
        with suppress(_RehearsedError), database.writes() as session:
            _furnish(session, config)
            raise _RehearsedError
    finally:
        database.close()


class _RehearsedError(Exception):
    """Ends a rehearsal: its changes are rolled back."""


def _furnish(session: Session, config: Config) -> None:
    from mydia.contexts import library

    now = clock.now()
    settings.ensure_defaults(session, now)
    admin = users.ensure_admin(session, config, now)
    settings.managed.sync_managed(session, now)
    settings.naming_rules.apply_configured(session, now, judge=library.naming.check_template)
    provided = any(path.managed for path in settings.library_paths.list_library_paths(session, SYSTEM))
    if admin is not None:
        settings.setup.mark_step(session, SYSTEM, now, "account", "done")
    if admin is not None and provided and settings.setup.setup_state(session, SYSTEM).finished_at is None:
        # Configuration by environment or file makes the wizard unnecessary; it stays available at /setup.
        settings.setup.finish_setup(session, SYSTEM, now)


@contextmanager
def _explained(config: Config) -> Iterator[None]:
    """Convert errors of the disk and the database file to messages.

    Raises:
        Misconfigured: The data folder is full, or the database is damaged.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Misconfigured(_full(config)) from error
    except DiskFull as error:
        raise Misconfigured(_full(config)) from error
    except (DBAPIError, sqlite_module().DatabaseError) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error)
        if "disk is full" in said or "disk I/O error" in said:
            raise Misconfigured(_full(config)) from error
        if "not a database" in said or "malformed" in said:
            raise Misconfigured(_damaged(config, f"is damaged ({said})")) from error
        raise


def _full(config: Config) -> str:
    return f"The data folder {config.data_dir} is full, so Mydia cannot start. Free some space, then start it again."


def _damaged(config: Config, what: str) -> str:
    newest = next(iter(maintenance.list_backups(config.backups_directory)), None)
    help_ = (
        f"Restore the newest backup, of {newest.made_at:%d %B %Y, %H:%M} UTC, with: mydia backup restore {newest.path}"
        if newest
        else f"There is no backup in {config.backups_directory}. Put a copy of the database back, or move the file away "
        "to start with an empty library."
    )
    return f"The database {config.sqlite_path} {what}. {help_}"


def _refuse_emptied(config: Config) -> None:
    """Refuse to start a new library if an existing one was lost.

    Raises:
        Misconfigured: The file of the database is empty, although this data folder has been in use.
    """
    path = config.sqlite_path
    if path is None:
        return
    used = bool(maintenance.list_backups(config.backups_directory)) or config.jobs_path.exists()
    if path.exists() and path.stat().st_size == 0 and used:
        raise Misconfigured(_damaged(config, "is empty, although this data folder has been in use"))
    if not path.exists() and used:
        logger.warning("the database is missing; starting a new library", extra={"file": str(path)})


def _backup_before(config: Config, database: Database) -> Callable[[str | None, str], None]:
    def back_up(present: str | None, target: str) -> None:
        if config.settings.database.skip_backups:
            logger.warning("migrating without a backup because SKIP_BACKUPS is set")
            return
        made = maintenance.back_up(database, config.backups_directory, clock.now(), before=f"{present}-to-{target}")
        if made is not None:
            logger.info("backed up before the migration", extra={"file": str(made.path)})

    return back_up


def open_parts(config: Config, *, http: Http | None = None, sparing: bool = False) -> Parts:
    """Open the database and the adapters of a prepared data folder.

    Args:
        sparing: As in `Database`; for the worker.
    """
    patience_s = _WORKER_PATIENCE_S if sparing else PATIENCE_S
    database = Database(
        config.database_url, pool_size=config.settings.database.pool_size, sparing=sparing, patience_s=patience_s
    )
    settings.bind(database, config)
    http = http or Http(ca_file=config.settings.server.ca_file)
    metadata = ChosenMetadata(config, database, http)
    return Parts(config, database, real_outside(metadata.current, http), metadata)


def make_folders(config: Config) -> None:
    """Create the data folder and its subfolders.

    Raises:
        Misconfigured: It cannot be written.
    """
    source = config.values["data.directory"].source
    try:
        for folder in (config.data_dir, config.images_directory, config.backups_directory, config.log_directory):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # private: it shows what people watch
        trial = config.data_dir / f".writable-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Misconfigured(_full(config)) from error
        raise Misconfigured(
            f"data.directory ({source}) is {config.data_dir}, which user {os.getuid()} cannot write: {error.strerror}. "
            "Make that user its owner, or set DATA_DIR to another folder."
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
    """Hold the worker lock of a data folder; the kernel releases it however the process dies.

    A worker recovers interrupted operations when it starts, and would mistake those of a second worker for interrupted ones.

    Args:
        patience_s: How long to wait for the previous worker to stop.

    Raises:
        Misconfigured: Another worker is still running.
    """
    path = config.data_dir / ".worker"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        gives_up_s = clock.monotonic_s() + patience_s
        while not _locked(descriptor, path):
            if clock.monotonic_s() >= gives_up_s:
                number = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
                raise Misconfigured(
                    f"Another worker (process {number}) is running in {config.data_dir}, and there can be only one. "
                    "Stop it first, or use another data folder."
                )
            time.sleep(_RETRY_S)
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
        # Some network file systems have no locks.
        logger.warning(
            "cannot lock the data folder, so a second worker would not be detected",
            extra={"file": str(path), "reason": str(error)},
        )
    return True


def examine(config: Config) -> list[tuple[str, str]]:
    """Check an installation for `mydia doctor`, without changing it: (`ok` | `warning` | `failed`, message)."""
    found: list[tuple[str, str]] = [("ok", f"configuration: {config.file or 'environment and defaults'}")]
    found += [("warning", f"{config.file}: unknown key {name}") for name in config.unknown_keys]
    found += [("warning", f"{config.file}: {name} is not active yet") for name in config.inactive_keys]
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
            return [*found, ("warning", "there is no database yet; `mydia serve` or `mydia migrate` creates it")]
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
            paths = settings.library_paths.list_library_paths(session, SYSTEM)
            clients = settings.clients.client_connections(session)
            indexers = settings.indexers.indexer_connections(session, usage="interactive")
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

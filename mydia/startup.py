"""What every process does before its own work: make folders, migrate, write what is configured, open the outside."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mydia import clock
from mydia.adapters.filesystem import Files
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers.base import (
    Candidate,
    Details,
    Ids,
    MetadataProvider,
    SeasonDetails,
)
from mydia.adapters.outside import Outside, real_outside
from mydia.config import Config
from mydia.contexts import settings, users
from mydia.db import PATIENCE_S, Database, maintenance, sqlite_version, upgrade, warn_if_old
from mydia.errors import Misconfigured, Unavailable
from mydia.relay import Relay, RelayConfig, make_provider
from mydia.secret import Sealer
from mydia.vocabulary import MediaType

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
    sealer: Sealer
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
    sealer = Sealer(config.secret_key())
    settings.bind(database, config)
    with database.writes() as session:
        settings.ensure_defaults(session, now)
        admin = users.ensure_admin(session, config, now)
        settings.sync_managed(session, config, sealer, now)
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
    sealer = Sealer(config.secret_key())
    http = http or Http()
    metadata = ChosenMetadata(config, database, sealer, http)
    return Parts(config, database, sealer, real_outside(metadata, http), metadata)


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


class ChosenMetadata:
    """The metadata provider that the settings choose, now: a change on the settings page counts with the next question.

    A relay by URL; else the embedded one where there is a key; else, unless switched off, the project's public one; else
    none, and Mydia works from names and NFO files.
    """

    def __init__(self, config: Config, database: Database, sealer: Sealer, http: Http) -> None:
        self._config = config
        self._database = database
        self._sealer = sealer
        self._http = http
        self._lock = threading.Lock()
        self._choice: tuple[object, ...] | None = None
        self._known: tuple[int, tuple[object, ...]] | None = None
        self._provider: MetadataProvider | None = None
        self._relay: Relay | None = None

    def current(self) -> MetadataProvider:
        """Return the provider that counts now."""
        choice = self._read()
        with self._lock:
            return self._chosen(choice)

    def _chosen(self, choice: tuple[object, ...]) -> MetadataProvider:
        if self._provider is None or choice != self._choice:
            relay_url, public, tmdb, tvdb = choice
            values = {"metadata.tmdb_api_key": tmdb, "metadata.tvdb_api_key": tvdb}
            config = RelayConfig.from_settings(
                lambda name: values[name] if name in values else self._config[name],
                cache_path=self._config.cache_path,
                crashes_path=self._config.data_dir / "crashes.db",
            )
            provider, relay = make_provider(
                config, self._http, relay_url=str(relay_url) if relay_url else None, public_relay=bool(public)
            )
            old, self._relay = self._relay, relay
            self._provider, self._choice = provider, choice
            logger.info("metadata comes from", extra={"provider": provider.name})
            if old is not None:
                old.close()
        return self._provider

    @property
    def relay(self) -> Relay | None:
        """The embedded relay, where that is the provider."""
        self.current()
        return self._relay

    def close(self) -> None:
        """Close the embedded relay."""
        if self._relay is not None:
            self._relay.close()
            self._relay = self._provider = None

    def _read(self) -> tuple[object, ...]:
        # Every page asks; what was read counts until anybody commits.
        version = self._database.version()
        if version is not None and self._known is not None and self._known[0] == version:
            return self._known[1]
        with self._database.reads() as session:
            read = (
                settings.of(session).metadata.relay_url,
                settings.of(session).metadata.public_relay,
                settings.of(session).metadata.tmdb_api_key,
                settings.of(session).metadata.tvdb_api_key,
            )
        self._known = None if version is None else (version, read)
        return read

    # --- a provider like any other ---

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.current().name

    @property
    def available(self) -> bool:
        """Whether any upstream is configured."""
        return self.current().available

    @property
    def sources(self) -> frozenset[str]:
        """Which catalogues can be asked."""
        return self.current().sources

    def search(
        self,
        type: MediaType,
        text: str,
        *,
        year: int | None = None,
        language: str = "en-US",
        source: str = "tmdb",
        adult: bool = False,
    ) -> list[Candidate]:
        """Search titles."""
        return self.current().search(type, text, year=year, language=language, source=source, adult=adult)

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Find titles by another catalogue's number."""
        return self.current().find(type, imdb_id=imdb_id, tvdb_id=tvdb_id)

    def details(
        self,
        type: MediaType,
        ids: Ids,
        *,
        language: str = "en-US",
        source: str = "tmdb",
        region: str | None = None,
        fresh: bool = False,
    ) -> Details:
        """Return everything about a title."""
        return self.current().details(type, ids, language=language, source=source, region=region, fresh=fresh)

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        """Return one season with its episodes."""
        return self.current().season(ids, number, language=language, source=source, fresh=fresh)

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Return what is watched this week."""
        return self.current().trending(type, language=language)

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return an image."""
        return self.current().image(path, size)


class OfferedRelay:
    """The relay that is mounted at `/relay`: the one inside this process as it is now, whatever keys it was given since.

    Where metadata come from elsewhere, one without keys stands in, which takes crash reports and says what it lacks.
    """

    def __init__(self, config: Config, metadata: ChosenMetadata) -> None:
        self._config = config
        self._metadata = metadata
        self._lock = threading.Lock()
        self._spare: Relay | None = None
        self._now: Relay | None = None
        self._looked_at_s = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)

    def as_relay(self) -> Relay:
        """Return this as what it stands for."""
        return cast("Relay", self)

    def close(self) -> None:
        """Close the stand-in; the real one belongs to the metadata."""
        if self._spare is not None:
            self._spare.close()

    def _find(self) -> Relay:
        # Which relay it is costs a look into the settings, a hit in its memory does not: look once a second.
        if self._now is not None and clock.monotonic_s() - self._looked_at_s < 1.0:
            return self._now
        with self._lock:
            self._now = self._metadata.relay or self._stand_in()
            self._looked_at_s = clock.monotonic_s()
            return self._now

    def _stand_in(self) -> Relay:
        if self._spare is None:
            self._spare = Relay(RelayConfig(crashes_path=self._config.data_dir / "crashes.db"))
        return self._spare


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
        found += _examine_settings(config, database, files)
    finally:
        database.close()
    return found


def _examine_settings(config: Config, database: Database, files: Files) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    parts = open_parts(config)
    try:
        with database.reads() as session:
            paths = settings.list_library_paths(session)
            clients = settings.client_connections(session, parts.sealer)
            indexers = settings.indexer_connections(session, parts.sealer, usage="interactive")
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

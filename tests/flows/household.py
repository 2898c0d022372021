"""An installation on one machine: a database, library folders, a real download client, and jobs run as they are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mydia import clock
from mydia.adapters.metadata_providers.base import Details
from mydia.adapters.outside import real_outside
from mydia.config import Config, load
from mydia.contexts import downloads, media, settings
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM, Caller, Role, permissions_of
from mydia.db import Database
from mydia.errors import Unavailable
from mydia.events import Dispatcher
from mydia.jobs import triggers
from mydia.jobs.broker import Deps
from mydia.secret import Secret
from tests.fakes.outside import FakeMetadataProvider
from tests.fakes.qbittorrent import PASSWORD, USERNAME, RealQBittorrent
from tests.fakes.swarm import Swarm
from tests.fakes.torznab import KEY

ROBIN = Caller(kind="user", id=None, name="Robin", permissions=permissions_of(Role.ADMIN), role=Role.ADMIN)


@dataclass
class _Waiting:
    due_s: float
    job: str
    params: dict[str, Any]
    dedup: str | None


@dataclass
class Household:
    """One installation; `run_until` is its worker."""

    folder: Path
    database: Database
    client: RealQBittorrent
    swarm: Swarm
    catalogue: list[Details]
    config: Config = field(init=False)
    deps: Deps = field(init=False)
    done: list[tuple[str, str]] = field(default_factory=list)
    """(job, message) in order."""
    _waiting: list[_Waiting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = load(
            {
                "DATA_DIR": str(self.folder / "data"),
                "SECRET_KEY_BASE": "a key that is long enough for the flows",
                "DOWNLOAD_ACTIVE_INTERVAL_SECONDS": "1",
            }
        )
        settings.bind(self.database, self.config)
        metadata = FakeMetadataProvider(self.catalogue)
        outside = real_outside(lambda: metadata)
        nobody: Any = None
        self.deps = Deps(
            database=self.database, outside=outside, config=self.config, enqueue=self._enqueue, board=nobody
        )
        self._dispatcher = Dispatcher(self.database, self._enqueue, triggers.ON_EVENT)
        self.films, self.series = self.folder / "films", self.folder / "series"
        self.films.mkdir()
        self.series.mkdir()
        now = clock.now()
        with self.database.writes() as session:
            settings.ensure_defaults(session, now)
            for path, type in ((self.films, "movies"), (self.series, "series")):
                profile = settings.profiles.find_profile(session, "Any")
                assert profile is not None
                settings.library_paths.add_library_path(
                    session,
                    ROBIN,
                    now,
                    settings.NewLibraryPath(path=str(path), type=type, default_profile_id=profile.id),
                )
            settings.clients.add_client(
                session,
                ROBIN,
                now,
                settings.NewClient(
                    name="qBittorrent",
                    kind="qbittorrent",
                    url=self.client.url,
                    username=USERNAME,
                    secret=Secret(PASSWORD),
                ),
            )
            settings.indexers.add_indexer(
                session,
                ROBIN,
                now,
                settings.NewIndexer(name="Public", kind="torznab", url=self.swarm.indexer.api_url, secret=Secret(KEY)),
            )

    def add(self, details: Details, *, search_now: bool) -> str:
        """Add a title by its id as Robin, and return its item id."""
        with self.database.writes() as session:
            type = {"movie": "movies", "tv_show": "series"}[details.type]
            path = next(
                path for path in settings.library_paths.list_library_paths(session, SYSTEM) if path.type == type
            )
            new = media.NewItem(
                type=details.type,
                title=details.title,
                year=details.year,
                ids=Ids(details.ids.tmdb_id),
                library_path_id=path.id,
            )
            return media.add_item(session, ROBIN, clock.now(), new, search_now=search_now).id

    def run_until(self, so: Callable[[], object], what: str, *, within_s: float = 60.0) -> None:
        """Dispatch events and run jobs until a condition is true."""
        until = time.monotonic() + within_s
        while not so():
            assert time.monotonic() < until, f"timed out waiting until {what}; done so far: {self.done}"
            self._dispatcher.dispatch()
            if not self._run_one():
                time.sleep(0.05)

    def run_all(self) -> None:
        """Dispatch events and run jobs until none is due."""
        while self._dispatcher.dispatch() or self._run_one():
            pass

    def the_download(self, item_id: str) -> downloads.Download | None:
        """Return the newest download of a title."""
        with self.database.reads() as session:
            query = select(downloads.Download).where(downloads.Download.media_item_id == item_id)
            return session.scalars(query.order_by(downloads.Download.id.desc())).first()

    def state(self, item_id: str) -> str | None:
        """Return the state of a title's newest download."""
        row = self.the_download(item_id)
        return row.state if row else None

    def placed(self, root: Path) -> list[str]:
        """Return the files in a library folder."""
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def _enqueue(
        self,
        job: str,
        params: Mapping[str, object] | None = None,
        *,
        dedup: str | None = None,
        delay_s: float = 0.0,
        cause: str | None = None,
    ) -> str:
        if dedup is None or all(waiting.dedup != dedup for waiting in self._waiting):
            self._waiting.append(_Waiting(time.monotonic() + delay_s, job, dict(params or {}), dedup))
        return "run"

    def _run_one(self) -> bool:
        due = [waiting for waiting in self._waiting if waiting.due_s <= time.monotonic()]
        if not due:
            return False
        one = due[0]
        self._waiting.remove(one)
        try:
            self.done.append((one.job, str(triggers.JOBS[one.job](self.deps, **one.params))))
        except Unavailable as error:
            # As the broker does: retry later.
            self.done.append((one.job, f"later: {error}"))
            self._enqueue(one.job, one.params, dedup=one.dedup, delay_s=0.5)
        return True

"""An installation with a film, a series, an indexer and a client; all outside services are in-memory fakes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mydia.adapters.indexers import Fetched, IndexerRelease, Protocols
from mydia.adapters.kinds import Connection
from mydia.adapters.outside import Outside
from mydia.adapters.torrents import encode, read_torrent
from mydia.config import Config, load
from mydia.contexts import downloads, media, settings
from mydia.contexts.metadata import Details, EpisodeDetails, Ids, SeasonDetails
from mydia.contexts.settings import DownloadClientRow, IndexerRow
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import EventRow
from mydia.units import GIB
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, FakeProbe, fake_outside


def torrent(name: str, files: dict[str, int] | None = None) -> bytes:
    """Create a .torrent without content, which is enough for fakes."""
    info: dict[Any, Any] = {
        b"name": name.encode(),
        b"piece length": 65536,
        b"pieces": hashlib.sha1(name.encode()).digest(),
    }
    if files is None:
        info[b"length"] = 1000
    else:
        info[b"files"] = [
            {b"length": size, b"path": [p.encode() for p in path.split("/")]} for path, size in files.items()
        ]
    return encode({b"info": info})


@dataclass
class House:
    """The objects that tests need, by name."""

    database: Database
    config: Config
    now: datetime
    films: Path
    series: Path
    client: FakeDownloadClient
    indexer: FakeIndexer
    probe: FakeProbe
    outside: Outside
    film_id: str = ""
    series_id: str = ""
    profile: str = "Any"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def offer(
        self, title: str, size: int = 4 * GIB, *, files: dict[str, int] | None = None, **facts: Any
    ) -> IndexerRelease:
        """Add a release to the indexer, with a .torrent behind its link."""
        number = next(self.numbers)
        content = torrent(title if files else f"{title}.mkv", files)
        link = f"http://indexer.test/{number}"
        facts.setdefault("seeders", 20)
        known = facts.pop("info_hash", read_torrent(content).info_hashes[0])
        release = IndexerRelease(
            guid=f"guid-{number}",
            title=title,
            protocol=Protocols.TORRENT,
            download_url=link,
            info_hash=known,
            size_bytes=size,
            **facts,
        )
        self.indexer.releases.append(release)
        self.indexer.content[link] = Fetched(content, None)
        return release

    def search(self, item_id: str | None = None, *, cause: str = "manual", **target: Any) -> str:
        """Run a search and return its id."""
        wanted = downloads.SearchTarget(item_id or self.film_id, **target)
        return downloads.run_search(self.database, self.outside, SYSTEM, self.now, wanted, cause=cause)

    def releases(self, search_id: str) -> list[downloads.Release]:
        """Return the stored releases of a search, best first."""
        with self.database.reads() as session:
            rows = select(downloads.Release).where(downloads.Release.search_id == search_id)
            return list(session.scalars(rows.order_by(downloads.Release.position)))

    def releases_titled(self, title: str) -> list[downloads.Release]:
        """Return the stored releases with this name, oldest first."""
        with self.database.reads() as session:
            rows = select(downloads.Release).where(downloads.Release.title == title)
            return list(session.scalars(rows.order_by(downloads.Release.id)))

    def grab(self, release_id: str, **options: Any) -> str:
        """Grab a release."""
        return downloads.grab(self.database, self.outside, SYSTEM, self.now, release_id, **options)

    def get_one(self, title: str = "Metropolis.1927.1080p.BluRay.x264-GRP", **target: Any) -> str:
        """Offer, search and grab one release; return the download's id."""
        if not any(release.title == title for release in self.indexer.releases):
            self.offer(title)
        found = next(row for row in self.releases(self.search(**target)) if row.title == title)
        return self.grab(found.id, override=True)

    def finish(self, download_id: str) -> Path:
        """Complete a download, with the files of its torrent on disk, and return their paths."""
        remote = self.client.downloads[self.download(download_id).client_ref or ""]
        assert remote.output_path is not None
        for file in self.client.files(remote.ref):
            path = Path(self.client.folder) / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(path.name.encode() * (1 + file.size_bytes // len(path.name)))
        self.client.finish(remote.ref)
        self.later(seconds=3)
        downloads.monitor(self.database, self.outside, self.now)
        return Path(remote.output_path)

    def bring_in(self, download_id: str, **options: Any) -> str:
        """Import a download and return the resulting message."""
        self.later(seconds=3)
        return downloads.importing.import_download(
            self.database, self.outside, SYSTEM, self.now, download_id, **options
        )

    def library_files(self) -> list[str]:
        """Return the files in the library folders as relative paths."""
        roots = (self.films, self.series)
        return sorted(str(p.relative_to(root)) for root in roots for p in root.rglob("*") if p.is_file())

    def download(self, download_id: str) -> downloads.Download:
        """Return the current row of a download."""
        with self.database.reads() as session:
            row = session.get(downloads.Download, download_id)
            assert row is not None
            return row

    def downloads(self) -> list[downloads.Download]:
        """Return all downloads, oldest first."""
        with self.database.reads() as session:
            return list(session.scalars(select(downloads.Download).order_by(downloads.Download.id)))

    def events(self, type: str) -> list[dict[str, Any]]:
        """Return the payloads of all events of a type."""
        with self.database.reads() as session:
            return list(session.scalars(select(EventRow.payload).where(EventRow.type == type).order_by(EventRow.id)))

    def item_state(self, item_id: str | None = None) -> str:
        """Return the state on an item's card."""
        with self.database.reads() as session:
            return media.get_item(session, SYSTEM, item_id or self.film_id).state

    def episode_ids(self, season: int = 1) -> list[str]:
        """Return the ids of a season's episodes."""
        with self.database.reads() as session:
            return [
                episode.id
                for episode in media.episodes.episodes_of(session, SYSTEM, self.series_id, season_number=season)
            ]

    def add_film(self, title: str, year: int, *, tmdb_id: int) -> str:
        """Add another film and return its id."""
        details = Details(
            type="movie",
            title=title,
            original_title=title,
            ids=Ids(tmdb_id=tmdb_id),
            provider="tmdb",
            year=year,
            status="released",
            cinema_on=date(year, 1, 10),
            runtime_min=100,
        )
        with self.database.writes() as session:
            profile = settings.profiles.find_profile(session, "Any")
            assert profile is not None
            new = media.NewItem(
                type="movie",
                title=title,
                year=year,
                ids=details.ids,
                library_path_id="films",
                profile_id=profile.id,
                details=details,
            )
            return media.add_item(session, SYSTEM, self.now, new, search_now=False).id

    def later(self, **span: float) -> datetime:
        """Advance the clock."""
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def config(database: Database, tmp_path: Path) -> Config:
    made = load({"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY_BASE": "a key that is long enough for the tests"})
    settings.bind(database, made)
    return made


@pytest.fixture
def house(database: Database, config: Config, tmp_path: Path, now: datetime) -> House:
    films, series = tmp_path / "films", tmp_path / "series"
    films.mkdir()
    series.mkdir()
    client = FakeDownloadClient(
        Connection(id="client-1", name="qBittorrent", kind="qbittorrent", url="http://client.test"),
        folder=tmp_path / "downloads",
    )
    indexer = FakeIndexer(
        connection=Connection(id="indexer-1", name="Public", kind="torznab", url="http://indexer.test")
    )
    probe = FakeProbe()
    outside = fake_outside(clients=[client], indexers=[indexer], probe=probe)
    made = House(database, config, now, films, series, client, indexer, probe, outside)
    with database.writes() as session:
        settings.ensure_defaults(session, now)
        profile = settings.profiles.find_profile(session, "Any")
        assert profile is not None
        session.add(
            DownloadClientRow(
                id="client-1",
                name="qBittorrent",
                kind="qbittorrent",
                url="http://client.test",
                options={},
                created_at=now,
            )
        )
        session.add(
            IndexerRow(
                id="indexer-1", name="Public", kind="torznab", url="http://indexer.test", options={}, created_at=now
            )
        )
        session.add(settings.LibraryPath(id="films", path=str(films), name="Films", type="movies", created_at=now))
        session.add(settings.LibraryPath(id="series", path=str(series), name="Series", type="series", created_at=now))
        session.flush()
        made.film_id = media.add_item(session, SYSTEM, now, _film(profile.id), search_now=False).id
        made.series_id = media.add_item(session, SYSTEM, now, _series(profile.id, now.date()), search_now=False).id
    return made


def _film(profile_id: str) -> media.NewItem:
    details = Details(
        type="movie",
        title="Metropolis",
        original_title="Metropolis",
        ids=Ids(tmdb_id=19, imdb_id="tt0017136"),
        provider="tmdb",
        year=1927,
        status="released",
        cinema_on=date(1927, 1, 10),
        runtime_min=148,
    )
    return media.NewItem(
        type="movie",
        title="Metropolis",
        year=1927,
        ids=details.ids,
        library_path_id="films",
        profile_id=profile_id,
        details=details,
    )


def _series(profile_id: str, today: date) -> media.NewItem:
    first = today - timedelta(days=365)
    told = tuple(
        EpisodeDetails(
            season_number=1, episode_number=n, title=f"Part {n}", air_on=first + timedelta(days=7 * n), runtime_min=50
        )
        for n in range(1, 5)
    )
    seasons = (SeasonDetails(number=1, title="Season 1", episodes=told),)
    details = Details(
        type="tv_show",
        title="Silo",
        original_title="Silo",
        ids=Ids(tmdb_id=125988, tvdb_id=403245),
        provider="tmdb",
        year=today.year - 1,
        status="continuing",
        series_type="standard",
        seasons=seasons,
    )
    return media.NewItem(
        type="tv_show",
        title="Silo",
        year=details.year,
        ids=details.ids,
        library_path_id="series",
        profile_id=profile_id,
        details=details,
        seasons=seasons,
    )

"""The source of releases in the flows and the demo: a tracker, a seeding qBittorrent, and an indexer for its torrents."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from mydia.adapters.kinds import Connection, Secret
from tests.fakes.qbittorrent import RealQBittorrent
from tests.fakes.torrent_files import make_torrent
from tests.fakes.torznab import KEY, Offer, Torznab
from tests.fakes.tracker import Tracker


class Swarm:
    """Runs while it is entered; `publish` makes a release that can really be downloaded.

    Args:
        folder: For the seeder's profile; created if needed.
        indexer: A Torznab server to use instead of the default one; not entered yet.
    """

    def __init__(self, folder: Path, indexer: Torznab | None = None) -> None:
        self.tracker = Tracker()
        self.indexer = indexer or Torznab()
        self.seeder = RealQBittorrent(folder / "seeder")
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for part in (self.tracker, self.indexer, self.seeder):
                starting.enter_context(part)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def connection(self) -> Connection:
        """Mydia's connection to the indexer."""
        return Connection(
            id="swarm", name=self.indexer.title, kind="torznab", url=self.indexer.api_url, secret=Secret(KEY)
        )

    def publish(self, path: Path, title: str | None = None, **facts: Any) -> Offer:
        """Seed a file or a folder and offer it on the indexer.

        Args:
            path: The content, which is seeded in place.
            title: The release name; None: the name of the folder, or of the file without its extension.
            **facts: More fields of `Offer`, such as `tmdb_id`, `categories`, `published_at`, `size_bytes`.
        """
        torrent = make_torrent(path, tracker=self.tracker.announce_url)
        self.seeder.seed(torrent)
        return self.indexer.offer(torrent, title or (path.name if path.is_dir() else path.stem), **facts)

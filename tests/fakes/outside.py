"""An in-memory outside: fakes with the contracts of the real adapters (the same suites run against both).

Every fake refuses to be called inside `Database.writes()`, so a test that covers a function covers that rule.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from copy import replace
from datetime import UTC, datetime
from pathlib import Path

from mydia import writing
from mydia.adapters.download_clients import (
    ClientReport,
    DownloadClient,
    NewDownload,
    RemoteDownload,
    RemoteFile,
    RemoteState,
)
from mydia.adapters.errors import AdapterError, Nonsense, Refused, Unreachable
from mydia.adapters.filesystem import Files
from mydia.adapters.http import Http
from mydia.adapters.indexers import Capabilities, Fetched, Indexer, IndexerRelease, Known, Newest, Query
from mydia.adapters.kinds import Connection, Secret
from mydia.adapters.media_tools import AudioTrack, MediaFacts
from mydia.adapters.metadata_providers.base import (
    Candidate,
    Details,
    Ids,
    MetadataProvider,
    SeasonDetails,
)
from mydia.adapters.outside import Outside
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.errors import Invalid, NotFound

type _Downloads = list[RemoteDownload]
type _Files = list[RemoteFile]

ADDED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""When every download was added to the fake client."""

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


class FakeDownloadClient:
    """A download client whose downloads are controlled by the test."""

    def __init__(self, connection: Connection | None = None, *, folder: Path | str = "/downloads") -> None:
        self.connection = connection or Connection(
            id="client", name="Fake client", kind="fake", url="http://client.test"
        )
        self.folder = str(folder)
        self.trouble: AdapterError | None = None
        """Raised by every call while set; usually set by `go_away()` and `come_back()`."""
        self.add_trouble: AdapterError | None = None
        """Raised only by `add` while set."""
        self.added: list[NewDownload] = []
        self.removed: list[tuple[str, bool]] = []
        """(ref, delete_files) of every requested removal."""
        self.downloads: dict[str, RemoteDownload] = {}
        self._files: dict[str, list[RemoteFile]] = {}

    def go_away(self) -> None:
        """Become unreachable."""
        self.trouble = Unreachable(self.connection.name, "no answer from http://client.test; is it running?")

    def come_back(self) -> None:
        """Become reachable again."""
        self.trouble = None

    def change(self, ref: str, **facts: object) -> RemoteDownload:
        """Change the facts of a download, such as `state` or `progress`."""
        self.downloads[ref] = replace(self.downloads[ref], **facts)  # type: ignore[arg-type]
        return self.downloads[ref]

    def finish(self, ref: str, *, state: RemoteState = RemoteState.SEEDING) -> RemoteDownload:
        """Complete a download."""
        known = self.downloads[ref]
        self._files[ref] = [replace(file, progress=1.0) for file in self._files[ref]]
        return self.change(
            ref, state=state, progress=1.0, downloaded_bytes=known.size_bytes, eta_s=0, completed_at=ADDED_AT
        )

    def deselect(self, ref: str, path: str) -> None:
        """Deselect a file, as a user would."""
        self._files[ref] = [
            replace(file, wanted=False, progress=0.2) if file.path == path else file for file in self._files[ref]
        ]

    def spread(self, ref: str) -> None:
        """Place the content directly in the save folder, without its own folder."""
        self._files[ref] = [replace(file, path=file.path.partition("/")[2]) for file in self._files[ref]]
        self.change(ref, output_path=None)

    def test(self) -> ClientReport:
        self._ask()
        return ClientReport(version="1.0", save_path=self.folder, free_bytes=10**12)

    def find(self, download: NewDownload) -> RemoteDownload | None:
        self._ask()
        hashes, _ = self._read(download)
        return next(
            (
                known
                for known in self.downloads.values()
                if not {known.ref, *known.info_hashes}.isdisjoint(hashes)
                and (
                    known.progress < 1
                    or known.ref.isalnum()
                    or (download.since is not None and (known.completed_at or ADDED_AT) >= download.since)
                )
            ),
            None,
        )

    def add(self, download: NewDownload) -> str:
        self._ask()
        if self.add_trouble is not None:
            raise self.add_trouble
        if (present := self.find(download)) is not None:
            return present.ref
        hashes, files = self._read(download)
        ref = hashes[0]
        self.downloads.pop(ref, None)
        self.added.append(download)
        name = files[0].path.partition("/")[0] if files else download.name
        self._files[ref] = files
        category = download.category or _text(self.connection.options.get("category"))
        self.downloads[ref] = RemoteDownload(
            ref=ref,
            name=name,
            state=_first_state(download, files),
            progress=0.0,
            size_bytes=sum(file.size_bytes for file in files) or None,
            downloaded_bytes=0,
            categories=(*((category,) if category else ()), *download.tags),
            info_hashes=hashes if ref.isalnum() else (),
            output_path=f"{download.save_path or self.folder}/{name}" if files else None,
            save_path=(download.save_path or self.folder) if files else None,
            added_at=ADDED_AT,
        )
        return ref

    def _read(self, download: NewDownload) -> tuple[tuple[str, ...], _Files]:
        files: _Files = []
        try:
            if download.magnet:
                hashes: tuple[str, ...] = magnet_hashes(download.magnet)
            elif b"<nzb" in (download.content or b""):
                hashes = (f"nzb-{hashlib.sha256(download.content or b'').hexdigest()[:12]}",)
            else:
                torrent = read_torrent(download.content or b"")
                hashes = torrent.info_hashes
                files = [RemoteFile(file.path, file.size_bytes, 0.0) for file in torrent.files]
        except Invalid as error:
            raise Nonsense(download.name, f"cannot be added. {error.message}") from error
        return hashes, files

    def list(self, *, category: str | None = None) -> _Downloads:
        self._ask()
        return [known for known in self.downloads.values() if category is None or category in known.categories]

    def get(self, ref: str) -> RemoteDownload | None:
        self._ask()
        return self.downloads.get(ref)

    def files(self, ref: str) -> _Files:
        self._ask()
        return [*self._files.get(ref, ())]

    def pause(self, ref: str) -> None:
        self._ask()
        if (known := self.downloads.get(ref)) is not None:
            self.change(ref, state=RemoteState.COMPLETED if known.progress == 1 else RemoteState.PAUSED)

    def resume(self, ref: str) -> None:
        self._ask()
        if (known := self.downloads.get(ref)) is not None:
            self.change(ref, state=RemoteState.SEEDING if known.progress == 1 else RemoteState.DOWNLOADING)

    def remove(self, ref: str, *, delete_files: bool) -> None:
        self._ask()
        self.removed.append((ref, delete_files))
        known = self.downloads.pop(ref, None)
        if known is not None and delete_files:
            for file in self._files[ref]:
                (Path(known.save_path or self.folder) / file.path).unlink(missing_ok=True)
        self._files.pop(ref, None)

    def _ask(self) -> None:
        writing.assert_outside_allowed()
        if self.trouble is not None:
            raise self.trouble


class FakeIndexer:
    """An indexer with releases added by the test."""

    def __init__(
        self,
        releases: Iterable[IndexerRelease] = (),
        connection: Connection | None = None,
        *,
        title: str = "Fake indexer",
    ) -> None:
        self.connection = connection or Connection(id="indexer", name=title, kind="fake", url="http://indexer.test")
        self.releases = [*releases]
        self.content: dict[str, Fetched] = {}
        """Download address to its content."""
        self.trouble: AdapterError | None = None
        self.queries: list[Query] = []
        self.fetched: list[str] = []
        self.page_size = 100
        self.reaches_back = 10_000
        """Number of releases in the feed; older ones have dropped out of it."""

    def go_away(self) -> None:
        """Become unreachable."""
        self.trouble = Unreachable(self.connection.name, "no answer from http://indexer.test; is it running?")

    def come_back(self) -> None:
        """Become reachable again."""
        self.trouble = None

    def capabilities(self) -> Capabilities:
        self._ask()
        return Capabilities(
            title=self.connection.name,
            search=("q",),
            tv_search=("q", "season", "ep", "tvdbid"),
            movie_search=("q", "tmdbid", "imdbid"),
            categories=((2000, "Movies"), (5000, "TV")),
        )

    def search(self, query: Query) -> list[IndexerRelease]:
        self._ask()
        self.queries.append(query)
        by_id = [release for release in self.releases if _same_id(release, query) and _same_place(release, query)]
        by_text = [release for release in self.releases if _same_words(release, query) and _same_place(release, query)]
        return (by_id or by_text)[: query.limit]

    def recent(self, *, limit: int = 100) -> list[IndexerRelease]:
        self._ask()
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(self.releases, key=lambda release: release.published_at or oldest, reverse=True)[:limit]

    def catch_up(self, known: Known, *, limit: int = 1_000) -> Newest:
        newest = self.recent(limit=limit)
        reached = ended = False
        found: list[IndexerRelease] = []
        for start in range(0, max(1, min(len(newest), self.reaches_back)), self.page_size):
            page = newest[start : min(start + self.page_size, self.reaches_back)]
            found += page
            ended = start + self.page_size >= min(len(self.releases), self.reaches_back)
            reached = known.is_reached_by(page, ended=ended)
            if reached or ended:
                break
        return Newest(releases=tuple(found), reached=reached, ended=ended)

    def fetch(self, release_url: str) -> Fetched:
        self._ask()
        self.fetched.append(release_url)
        if release_url.startswith("magnet:"):
            return Fetched(None, release_url)
        if release_url not in self.content:
            raise Refused(self.connection.name, "no longer has this release")
        return self.content[release_url]

    def _ask(self) -> None:
        writing.assert_outside_allowed()
        if self.trouble is not None:
            raise self.trouble


class FakeMetadataProvider:
    """A provider of the given titles."""

    name = "fake"

    def __init__(self, details: Iterable[Details] = (), *, available: bool = True) -> None:
        self.known = [*details]
        self._available = available
        self.trouble: AdapterError | None = None
        self.asked: list[str] = []
        """Every call as `search movie Title` or `details movie 5`."""

    @property
    def available(self) -> bool:
        return self._available

    @property
    def sources(self) -> frozenset[str]:
        return frozenset({"tmdb", "tvdb"}) if self._available else frozenset()

    def check(self) -> None:
        self._ask("check")

    def search(
        self,
        type: str,
        text: str,
        *,
        year: int | None = None,
        language: str = "en-US",
        source: str = "tmdb",
        adult: bool = False,
    ) -> list[Candidate]:
        self._ask(f"search {type} {text}")
        words = _words(text)
        return [
            _candidate(known)
            for known in self.known
            if known.type == type
            and any(words <= _words(title) for title in (known.title, *(other.title for other in known.titles)))
            and (year is None or known.year is None or known.year == year)
            and (adult or not known.adult)
        ]

    def find(self, type: str | None, *, imdb_id: str | None = None, tvdb_id: int | None = None) -> list[Candidate]:
        self._ask(f"find {type} {imdb_id or tvdb_id}")
        return [
            _candidate(known)
            for known in self.known
            if type in (None, known.type)
            and ((imdb_id and known.ids.imdb_id == imdb_id) or (tvdb_id and known.ids.tvdb_id == tvdb_id))
        ]

    def details(
        self,
        type: str,
        ids: Ids,
        *,
        language: str = "en-US",
        source: str = "tmdb",
        region: str | None = None,
        fresh: bool = False,
    ) -> Details:
        self._ask(f"details {type} {ids.tmdb_id or ids.tvdb_id or ids.imdb_id}")
        for known in self.known:
            if known.type == type and _shares(known.ids, ids):
                return known
        raise NotFound("The catalogue has no such title.")

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        self._ask(f"season {ids.tmdb_id or ids.tvdb_id} {number}")
        for known in self.known:
            if known.type == "tv_show" and _shares(known.ids, ids):
                for season in known.seasons:
                    if season.number == number:
                        return season
        raise NotFound("The catalogue has no such season.")

    def trending(self, type: str, *, language: str = "en-US") -> list[Candidate]:
        self._ask(f"trending {type}")
        return [_candidate(known) for known in self.known if known.type == type]

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        self._ask(f"image {path} {size}")
        return _PIXEL, "image/png"

    def _ask(self, what: str) -> None:
        writing.assert_outside_allowed()
        self.asked.append(what)
        if self.trouble is not None:
            raise self.trouble


class FakeProbe:
    """Returns facts of files by name, as set by the test."""

    def __init__(self, facts: Mapping[str, MediaFacts] | None = None, *, default: MediaFacts | None = None) -> None:
        self.facts = dict(facts or {})
        self.default = default or media_facts()
        self.damaged: set[str] = set()
        """Names of files that cannot be analysed."""
        self.probed: list[Path] = []

    def probe(self, path: Path) -> MediaFacts:
        writing.assert_outside_allowed()
        self.probed.append(path)
        if not path.is_file():
            raise Unreachable(path.name, "cannot be read (No such file or directory)")
        if path.name in self.damaged:
            raise Nonsense(path.name, "is not a media file")
        return self.facts.get(path.name, self.default)


def media_facts(resolution: int = 1080, *, duration_s: float = 5400.0, video_codec: str = "h264") -> MediaFacts:
    """Return the facts of an ordinary film."""
    width, height = {480: (640, 480), 576: (720, 576), 720: (1280, 720), 2160: (3840, 2160)}.get(
        resolution, (1920, 1080)
    )
    return MediaFacts(
        container="mkv",
        duration_s=duration_s,
        bitrate_bps=8_000_000,
        width=width,
        height=height,
        resolution=resolution,
        video_codec=video_codec,
        bit_depth=8,
        hdr_format=None,
        frame_rate=23.976,
        audio=(AudioTrack(codec="aac", channels="2.0", language="en", default=True),),
    )


def fake_outside(
    *,
    clients: Iterable[DownloadClient] = (),
    indexers: Iterable[Indexer] = (),
    metadata: MetadataProvider | None = None,
    probe: FakeProbe | None = None,
) -> Outside:
    """Build an outside without network. The disk is real, so tests need their own folder.

    A connection uses the fake with its id, or the only one; without any fake a new one is created.
    """
    provider = metadata or FakeMetadataProvider()
    return Outside(
        download_client=_chosen([*clients], FakeDownloadClient),
        indexer=_chosen([*indexers], lambda connection: FakeIndexer(connection=connection)),
        metadata=lambda: provider,
        probe=probe or FakeProbe(),
        files=Files(),
        http=Http(),
    )


def connection(kind: str = "fake", *, id: str = "service", name: str = "Service", **options: object) -> Connection:
    """Build a connection to a host that does not exist."""
    return Connection(id=id, name=name, kind=kind, url="http://service.test", secret=Secret("key"), options=options)


def _chosen[Adapter: (DownloadClient, Indexer)](
    given: list[Adapter], make: Callable[[Connection], Adapter]
) -> Callable[[Connection], Adapter]:
    made: dict[str, Adapter] = {adapter.connection.id: adapter for adapter in given}

    def choose(connection: Connection) -> Adapter:
        if connection.id in made:
            return made[connection.id]
        if len(given) == 1:
            return given[0]
        made[connection.id] = make(connection)
        return made[connection.id]

    return choose


def _first_state(download: NewDownload, files: list[RemoteFile]) -> RemoteState:
    if download.paused:
        return RemoteState.PAUSED
    if not download.magnet and not files:
        return RemoteState.QUEUED
    return RemoteState.DOWNLOADING if files else RemoteState.FETCHING_METADATA


def _text(value: object) -> str | None:
    return str(value) if value else None


def _words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return set(re.findall(r"\w+", plain.replace("'", "").replace("_", " ")))


def _same_words(release: IndexerRelease, query: Query) -> bool:
    wanted = _words(query.text)
    if query.type == "movie" and query.year:
        wanted.add(str(query.year))
    return wanted <= _words(release.title)


def _same_id(release: IndexerRelease, query: Query) -> bool:
    pairs = (
        (query.tmdb_id, release.tmdb_id),
        (query.tvdb_id, release.tvdb_id),
        (query.imdb_id, release.imdb_id),
    )
    return any(asked is not None and asked == told for asked, told in pairs)


def _same_place(release: IndexerRelease, query: Query) -> bool:
    if query.air_on is not None:
        return f"{query.air_on:%Y %m %d}" in " ".join(re.split(r"\W+", release.title))
    if query.season is None:
        return True
    found = re.search(r"(?i)\bS(\d+)(?:E(\d+))?", release.title)
    if found is None or int(found[1]) != query.season:
        return False
    return query.episode is None or found[2] is None or int(found[2]) == query.episode


def _shares(known: Ids, asked: Ids) -> bool:
    return any(
        one is not None and one == other
        for one, other in (
            (known.tmdb_id, asked.tmdb_id),
            (known.tvdb_id, asked.tvdb_id),
            (known.imdb_id, asked.imdb_id),
        )
    )


def _candidate(known: Details) -> Candidate:
    return Candidate(
        type=known.type,
        title=known.title,
        original_title=known.original_title,
        year=known.year,
        ids=known.ids,
        provider=known.provider,
        overview=known.overview,
        poster_path=known.poster_path,
        popularity=known.popularity,
        original_language=known.original_language,
        other_titles=tuple(other.title for other in known.titles),
    )

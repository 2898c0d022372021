"""kill -9 at any time: finally every film is imported once and still seeded."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mydia import clock
from mydia.config import load
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.metadata import Details, Ids
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import EventRow
from tests.fakes import qbittorrent, videos
from tests.fakes.qbittorrent import PASSWORD, USERNAME, RealQBittorrent, free_port
from tests.fakes.swarm import Swarm
from tests.fakes.torznab import KEY
from tests.fakes.videos import Video, make_video
from tests.flows.household import ROBIN

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(qbittorrent.PROGRAM is None, reason=qbittorrent.MISSING),
    pytest.mark.skipif(videos.FFMPEG is None, reason=videos.MISSING),
]

FILMS = {901: "The First Reel", 902: "The Second Reel", 903: "The Third Reel"}
STAGES: dict[str, Callable[[Counter[str]], bool]] = {
    "searching": lambda seen: seen["searches"] > 0,
    "handing over": lambda seen: sum(seen[state] for state in downloads.OPEN_STATES) + seen["imported"] > 0,
    "finished": lambda seen: seen["completed"] + seen["importing"] + seen["imported"] > 0,
    "placing": lambda seen: seen["operations"] > 0,
    "one is here": lambda seen: seen["imported"] > 0,
}
"""Worker and web are killed shortly after each of these becomes true."""
API_KEY = "a-key-of-the-flows-0123456789"
_ROOT = Path(__file__).parents[2]


@contextmanager
def running(program: str, environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker or the web process in its own group; finally it is killed with -9."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mydia", program],
            cwd=_ROOT,
            env=environ,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def people(environ: dict[str, str], database: Database) -> Iterator[None]:
    """Send changes continuously, so that the web process is killed in the middle of some."""
    stop = threading.Event()
    with database.reads() as session:
        items = session.scalars(select(media.MediaItem.id)).all()

    def press() -> None:
        luck = random.Random(1926)
        while not stop.is_set():
            address = f"http://127.0.0.1:{environ['PORT']}/api/v1/media/{luck.choice(items)}"
            asked = urllib.request.Request(
                address,
                data=json.dumps({"overview": f"Seen {luck.random()}"}).encode(),
                method="PUT",
                headers={"X-API-Key": API_KEY, "Content-Type": "application/json"},
            )
            with suppress(OSError, http.client.HTTPException):  # it is killed on purpose
                urllib.request.urlopen(asked, timeout=5).close()
            stop.wait(0.02)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_repeatedly_killing_worker_and_web_loses_and_duplicates_nothing(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    with Swarm(tmp_path / "swarm") as swarm, RealQBittorrent(tmp_path / "client") as client:
        for tmdb_id, title in FILMS.items():
            name = f"{title.replace(' ', '.')}.1921.1080p.BluRay.x264-ARCHIVE"
            make_video(
                tmp_path / "published" / name / f"{name}.mkv", Video(1920, 1080, seconds=20, picture="color=c=navy")
            )
            swarm.publish(tmp_path / "published" / name, tmdb_id=tmdb_id, size_bytes=1_000_000_000)
        environ = {
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "DATA_DIR": str(tmp_path / "data"),
            "SECRET_KEY_BASE": "a key that is long enough for the flows",
            "MOVIES_PATH": str(films),
            "METADATA_RELAY_URL": "off",
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "ADMIN_USERNAME": "robin",
            "ADMIN_PASSWORD": "correct horse battery",
            "ADMIN_API_KEY": API_KEY,
            "DOWNLOAD_ACTIVE_INTERVAL_SECONDS": "1",
            "DOWNLOAD_CLIENT_1_NAME": "qBittorrent",
            "DOWNLOAD_CLIENT_1_TYPE": "qbittorrent",
            "DOWNLOAD_CLIENT_1_HOST": "127.0.0.1",
            "DOWNLOAD_CLIENT_1_PORT": str(client.web_port),
            "DOWNLOAD_CLIENT_1_USERNAME": USERNAME,
            "DOWNLOAD_CLIENT_1_PASSWORD": PASSWORD,
            "INDEXER_1_NAME": "Public",
            "INDEXER_1_TYPE": "torznab",
            "INDEXER_1_BASE_URL": swarm.indexer.api_url,
            "INDEXER_1_API_KEY": KEY,
        }
        log = tmp_path / "worker.log"
        subprocess.run([sys.executable, "-m", "mydia", "migrate"], cwd=_ROOT, env=environ, check=True, timeout=60)
        config = load(environ)
        database = Database(config.database_url)
        settings.bind(database, config)
        _add_films(database, films)
        luck = random.Random(1895)
        for reached in STAGES.values():
            with people(environ, database), running("web", environ, log), running("worker", environ, log):
                _wait_until(database, log, reached)
                time.sleep(luck.uniform(0.0, 0.2))  # varies the moment of the kill; it waits for nothing
        with running("web", environ, log), running("worker", environ, log):
            _wait_until(database, log, lambda seen: seen["imported"] == len(FILMS))
            # On a slow machine the kills can come before the first edit.
            with people(environ, database):
                while not _edits(database):
                    time.sleep(0.05)
        _check(database, client, films)
        _check_edits(database)
        database.close()


def _add_films(database: Database, films: Path) -> None:
    now = clock.now()
    with database.writes() as session:
        settings.ensure_defaults(session, now)
        profile = settings.profiles.find_profile(session, "Any")
        assert profile is not None
        path = next(iter(settings.library_paths.list_library_paths(session, SYSTEM)), None)
        if path is None:
            path = settings.library_paths.add_library_path(
                session, ROBIN, now, settings.NewLibraryPath(path=str(films), type="movies")
            )
        for tmdb_id, title in FILMS.items():
            details = Details(
                type="movie",
                title=title,
                original_title=title,
                ids=Ids(tmdb_id),
                provider="tmdb",
                year=1921,
                status="released",
                runtime_min=1,
            )
            new = media.NewItem(
                type="movie",
                title=title,
                year=1921,
                ids=details.ids,
                library_path_id=path.id,
                profile_id=profile.id,
                details=details,
            )
            media.add_item(session, ROBIN, now, new, search_now=True)


def _states(database: Database) -> Counter[str]:
    """Return state -> downloads, and the numbers of recorded searches and file operations."""
    with database.reads() as session:
        seen = Counter(session.scalars(select(downloads.Download.state)))
        seen["searches"] = session.scalar(select(func.count()).select_from(downloads.Search)) or 0
        seen["operations"] = session.scalar(select(func.count()).select_from(library.JournalEntry)) or 0
        return seen


def _wait_until(database: Database, log: Path, so: Callable[[Counter[str]], bool]) -> None:
    # A loaded machine is slow, so the test fails only if there is no progress at all.
    seen, changed_at = _states(database), time.monotonic()
    while not so(seen):
        time.sleep(0.01)
        before, seen = seen, _states(database)
        if seen != before:
            changed_at = time.monotonic()
        assert time.monotonic() - changed_at < 240, f"{seen}\n{log.read_text()[-4000:]}"


def _check(database: Database, client: RealQBittorrent, films: Path) -> None:
    torrents = client.api.torrents_info()
    assert len(torrents) == len(FILMS), "each was sent once"
    assert all(torrent["progress"] == 1 for torrent in torrents), "and is still seeded"
    placed = [path for path in films.rglob("*") if path.is_file()]
    assert len(placed) == len(FILMS), placed
    fetched = {path.stat().st_ino for path in client.downloads.rglob("*.mkv")}
    assert {path.stat().st_ino for path in placed} == fetched, "hard links of what was fetched"
    with database.reads() as session:
        assert session.scalar(select(func.count()).select_from(library.MediaFile)) == len(FILMS)
        assert session.scalar(select(func.count()).select_from(downloads.Download)) == len(FILMS)
        imports = session.scalars(select(EventRow.resource_id).where(EventRow.type == "DownloadImported")).all()
        assert len(imports) == len(set(imports)) == len(FILMS)
        states = session.scalars(select(media.MediaItem.state)).all()
        assert set(states) <= {"available", "upgradable"}
        assert session.scalars(select(library.JournalEntry).where(library.JournalEntry.state == "planned")).all() == []


def _edits(database: Database) -> dict[str | None, str]:
    """Return title -> the last overview that was saved."""
    with database.reads() as session:
        told = session.scalars(select(EventRow).where(EventRow.type == "MediaChanged").order_by(EventRow.id)).all()
    changes = [(event.resource_id, event.payload["changed"]) for event in told]
    return {item_id: changed["overview"][1] for item_id, changed in changes if "overview" in changed}


def _check_edits(database: Database) -> None:
    """Every change is stored with its event, or not at all."""
    edits = _edits(database)
    with database.reads() as session:
        items = {item.id: item.overview for item in session.scalars(select(media.MediaItem))}
    assert {item_id: items[item_id] for item_id in edits} == edits

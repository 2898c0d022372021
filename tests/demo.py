"""A demo of the main workflow: a generated library, stand-ins for outside services, and a real qBittorrent if installed.

`make demo` runs it; the browser tests and the README's screenshots use the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.fakes.qbittorrent import PASSWORD, USERNAME, RealQBittorrent, free_port, wait_until
from tests.fakes.swarm import Swarm
from tests.fakes.tmdb import KEY as TMDB_KEY
from tests.fakes.tmdb import Tmdb
from tests.fakes.torznab import KEY as INDEXER_KEY
from tests.fakes.videos import FFMPEG, MISSING, Video, make_video

ADMIN, ADMIN_PASSWORD = "robin", "correct horse battery"
API_KEY = "mydia-demo-key-0123456789"

_UHD = Video(3840, 2160, 2.0, "h265", "HDR10", (("eac3", "5.1", "eng"),), (("eng", "normal"),), picture="color=c=navy")
_HD = Video(
    1920,
    1080,
    2.0,
    "h264",
    None,
    (("ac3", "5.1", "eng"),),
    (("eng", "normal"), ("deu", "forced")),
    picture="color=c=darkred",
)
_SMALL = Video(1280, 720, 2.0, "h264", None, (("aac", "2.0", "eng"),), picture="color=c=darkgreen")
_OLD = Video(720, 480, 2.0, "mpeg4", None, (("mp3", "2.0", "eng"),), picture="color=c=black")

MOVIES: tuple[tuple[str, Video], ...] = (
    ("Big Buck Bunny (2008)/Big Buck Bunny (2008) [Bluray-2160p].mkv", _UHD),
    ("Sintel (2010)/Sintel.2010.1080p.BluRay.x264.AC3-OPEN.mkv", _HD),
    ("Elephants Dream (2006)/Elephants Dream (2006) 1080p WEB-DL.mkv", _HD),
    ("Tears of Steel (2012) {tmdb-133701}/Tears.of.Steel.2012.2160p.WEB-DL.HDR.HEVC-OPEN.mkv", _UHD),
    ("Cosmos Laundromat (2015)/Cosmos.Laundromat.2015.2160p.WEB-DL.x265.mkv", _UHD),
    ("Metropolis (1927)/Metropolis.1927.Restored.1080p.BluRay.x264-ARC.mkv", _HD),
    ("Nosferatu (1922)/Nosferatu.1922.1080p.BluRay.FLAC.x264-KNO.mkv", _HD),
    ("The Cabinet of Dr. Caligari (1920)/The.Cabinet.of.Dr.Caligari.1920.2160p.UHD.BluRay.x265-LMN.mkv", _UHD),
    ("Charade (1963)/Charade.1963.1080p.WEB-DL.AAC2.0.H.264.mkv", _HD),
    ("Night of the Living Dead (1968)/Night of the Living Dead (1968) 1080p Bluray.mkv", _HD),
    ("The General (1926)/The.General.1926.720p.BluRay.x264.mkv", _SMALL),
    ("His Girl Friday (1940)/His.Girl.Friday.1940.1080p.BluRay.mkv", _HD),
    ("The Kid (1921)/The.Kid.1921.720p.HDTV.x264.mkv", _SMALL),
    ("Safety Last! (1923)/Safety.Last.1923.1080p.BluRay.x264.mkv", _HD),
    ("Sherlock Jr. (1924)/Sherlock.Jr.1924.1080p.WEBRip.mkv", _HD),
    ("A Trip to the Moon (1902)/A.Trip.to.the.Moon.1902.1080p.mkv", _HD),
    ("The Gold Rush (1925)/The.Gold.Rush.1925.DVDRip.XviD.avi", _OLD),
    ("The Passion of Joan of Arc (1928)/La.Passion.de.Jeanne.d.Arc.1928.1080p.BluRay.mkv", _HD),
    ("Wings (1927)/Wings.1927.1080p.BluRay.x264.mkv", _HD),
    ("Sprite Fright (2021)/Sprite.Fright.2021.2160p.WEB-DL.mkv", _UHD),
    # Ambiguous on purpose: two movies have the same name, or the name has too few facts.
    ("Phantom of the Opera/Phantom.of.the.Opera.DVDRip.avi", _OLD),
    ("unsorted/metropolis.mkv", _SMALL),
    ("unsorted/holiday 2019 beach.mkv", _SMALL),
)
SHOWS: tuple[tuple[str, Video], ...] = (
    *(
        (
            f"The Cartographers (2022)/Season {season:02}/The.Cartographers.S{season:02}E{number:02}.2160p.WEB-DL.DDP5.1.HDR.HEVC-ATL.mkv",
            _UHD,
        )
        for season, last in ((1, 8), (2, 8), (3, 5))
        for number in range(1, last + 1)
    ),
    *((f"Pioneer One/Season 1/Pioneer.One.S01E{number:02}.720p.WEB-DL.mkv", _SMALL) for number in range(1, 7)),
    ("Les Vampires (1915)/Les.Vampires.S01E01-E02.1080p.BluRay.mkv", _HD),
    *((f"Harbour Lights/Season 2/Harbour Lights - 2x{number:02} - Untitled.mkv", _HD) for number in range(1, 6)),
)
OFFERS: tuple[tuple[str, int, dict[str, object]], ...] = (
    (
        "Detour.1945.1080p.BluRay.FLAC2.0.x264-ARC",
        9,
        {"tmdb_id": 20367, "size_bytes": 9_400_000_000, "seeders": 41, "categories": (2000, 2040)},
    ),
    (
        "Detour.1945.720p.HDTV.x264.AC3-OLD",
        3,
        {"tmdb_id": 20367, "size_bytes": 1_100_000_000, "seeders": 2, "categories": (2000, 2040)},
    ),
    (
        "Detour.1945.DVDRip.XviD-TINY",
        2,
        {"tmdb_id": 20367, "size_bytes": 90_000_000, "seeders": 0, "categories": (2000, 2030)},
    ),
    (
        "Coffee.Run.2020.1080p.WEB-DL.AAC2.0.H.264-OPEN",
        4,
        {"tmdb_id": 717095, "size_bytes": 310_000_000, "seeders": 20, "categories": (2000, 2040)},
    ),
    (
        "Caminandes.Llama.Drama.2013.1080p.WEB-DL.AAC2.0.H.264-OPEN",
        4,
        {"tmdb_id": 235460, "size_bytes": 160_000_000, "seeders": 9, "categories": (2000, 2040)},
    ),
)
"""(release name, megabytes that are actually transferred, facts at the indexer)."""
_RELEASED = Video(1920, 1080, 610.0, "h264", None, (("aac", "2.0", "eng"),), picture="color=c=teal", rate=1)
"""Longer than a sample of the longest film that is offered (68 minutes) may be."""


class Demo:
    """Runs everything except Mydia itself; `environment` holds Mydia's environment variables.

    Args:
        folder: For library, downloads and data; created if needed.
        port: Mydia's; 0 takes a free one.
        provided: Whether the environment provides account, folders, client and indexer, so that the setup wizard is skipped.
        files: Whether the library contains files.
        more: Additional environment variables.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        provided: bool = True,
        files: bool = True,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.movies, self.shows = folder / "media" / "movies", folder / "media" / "shows"
        self.tmdb = Tmdb()
        self.real = shutil.which("qbittorrent-nox") is not None
        self.swarm = Swarm(folder / "swarm") if self.real else None
        self.client = (
            RealQBittorrent(folder / "client", downloads=folder / "media" / "downloads") if self.real else None
        )
        self._provided, self._files, self._more = provided, files, dict(more or {})
        self._running = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Mydia's URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Mydia's configuration."""
        told = {
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self.folder / "data"),
            "TMDB_API_KEY": TMDB_KEY,
            "TMDB_API_URL": self.tmdb.api_url,
            "TMDB_IMAGE_URL": self.tmdb.image_url,
            "PUBLIC_RELAY_ENABLED": "false",
            **self._more,
        }
        if not self._provided:
            return told
        told |= {
            "ADMIN_USERNAME": ADMIN,
            "ADMIN_PASSWORD": ADMIN_PASSWORD,
            "ADMIN_API_KEY": API_KEY,
            "MOVIES_PATH": str(self.movies),
            "TV_PATH": str(self.shows),
        }
        if self.swarm and self.client:
            told |= {
                "DOWNLOAD_CLIENT_1_NAME": "qBittorrent",
                "DOWNLOAD_CLIENT_1_TYPE": "qbittorrent",
                "DOWNLOAD_CLIENT_1_HOST": "127.0.0.1",
                "DOWNLOAD_CLIENT_1_PORT": str(self.client.web_port),
                "DOWNLOAD_CLIENT_1_USERNAME": USERNAME,
                "DOWNLOAD_CLIENT_1_PASSWORD": PASSWORD,
                "INDEXER_1_NAME": "Open Index",
                "INDEXER_1_TYPE": "torznab",
                "INDEXER_1_BASE_URL": self.swarm.indexer.api_url,
                "INDEXER_1_API_KEY": INDEXER_KEY,
            }
        return told

    def __enter__(self) -> Self:
        for path in (self.movies, self.shows, self.folder / "media" / "downloads"):
            path.mkdir(parents=True, exist_ok=True)
        if self._files:
            self.make_library()
        # Stop everything that was started, even if a later start fails.
        with ExitStack() as starting:
            starting.enter_context(self.tmdb)
            if self.swarm and self.client:
                starting.enter_context(self.swarm)
                starting.enter_context(self.client)
                self.publish()
            starting.callback(self.stop)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def make_library(self) -> None:
        """Create the library's files; existing ones are kept."""
        for root, files in ((self.movies, MOVIES), (self.shows, SHOWS)):
            for relative, video in files:
                if not (root / relative).exists():
                    make_video(root / relative, video)

    def publish(self) -> None:
        """Seed the releases of the indexer. Each video is long enough not to count as a sample."""
        assert self.swarm is not None
        for title, megabytes, facts in OFFERS:
            path = self.folder / "swarm" / "releases" / title / f"{title}.mkv"
            make_video(path, _RELEASED)
            with path.open("ab") as file:
                # The ballast makes the transfer visible. It is a Void element, which readers skip (RFC 8794,
                # section 11.3.2: id EC, then the size, here in eight bytes): anything else would be a file cut short.
                ballast = megabytes * 1_000_000
                file.write(b"\xec" + (ballast | 1 << 56).to_bytes(8) + os.urandom(ballast))
            self.swarm.publish(path.parent, title, **facts)

    def start(self, *, quiet: bool = True) -> None:
        """Start Mydia and wait until it responds."""
        out = subprocess.DEVNULL if quiet else None
        environment = {**_plain_environment(), **self.environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mydia", "serve"], env=environment, stdout=out, stderr=out
        )
        wait_until(self._answers, "Mydia to answer", within_s=180)

    def stop(self) -> None:
        """Stop Mydia as a service manager would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            message = f"Mydia ended with {self.process.returncode}"
            raise RuntimeError(message)
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _plain_environment() -> dict[str, str]:
    """Return this process's environment without variables that would configure Mydia."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def main() -> int:
    """Run the demo until it is interrupted."""
    if FFMPEG is None:
        print(f"The demo makes its own videos: {MISSING}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # clean up as on Ctrl-C
    folder = Path(os.environ.get("DEMO_DIR") or tempfile.mkdtemp(prefix="mydia-demo-"))
    print(f"Making a small library in {folder} …", flush=True)
    with Demo(folder, port=int(os.environ.get("PORT") or 4000)) as demo:
        if not demo.real:
            print("qbittorrent-nox is not installed: everything but downloading can be seen.", flush=True)
        demo.start(quiet=False)
        urllib.request.urlopen(
            urllib.request.Request(f"{demo.url}/api/v1/library/scan", method="POST", headers={"X-API-Key": API_KEY}),
            timeout=10,
        ).close()
        print(
            f"\nMydia runs at http://localhost:{demo.port}\n  user: {ADMIN}   password: {ADMIN_PASSWORD}\nCtrl-C ends it.\n",
            flush=True,
        )
        assert demo.process is not None
        try:
            return demo.process.wait()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    raise SystemExit(main())

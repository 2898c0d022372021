"""A real qBittorrent in its own folder, started and stopped by tests and by the demo."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import qbittorrentapi

from mydia.adapters.kinds import Connection, Secret
from tests.fakes.torrent_files import MadeTorrent

USERNAME = "robin"
PASSWORD = "a long enough password"
PROGRAM = shutil.which("qbittorrent-nox")
MISSING = "qbittorrent-nox is not installed (Debian: apt-get install qbittorrent-nox)"

_CONFIG = """\
[LegalNotice]
Accepted=true

[BitTorrent]
Session\\DefaultSavePath={downloads}
Session\\Interface=lo
Session\\InterfaceName=lo
Session\\InterfaceAddress=127.0.0.1
Session\\Port={peer_port}
Session\\MultiConnectionsPerIp=true
Session\\SSRFMitigation=false
Session\\DHTEnabled=false
Session\\PeXEnabled=false
Session\\LSDEnabled=false
Session\\QueueingSystemEnabled=false
Session\\Preallocation=false

[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\Port={web_port}
WebUI\\Username={username}
WebUI\\Password_PBKDF2="@ByteArray({password})"
WebUI\\LocalHostAuth=true
WebUI\\MaxAuthenticationFailCount={failures}
Connection\\UPnP=false
"""


class RealQBittorrent:
    """One qbittorrent-nox; a context manager that runs it while entered.

    Args:
        folder: For its profile and downloads; created if needed and kept afterwards.
        failures_until_ban: Wrong passwords before it bans the address.
    """

    def __init__(
        self,
        folder: Path,
        *,
        failures_until_ban: int = 5,
        web_port: int | None = None,
        peer_port: int | None = None,
        downloads: Path | None = None,
    ) -> None:
        self.folder = folder
        self.downloads = downloads or folder / "downloads"
        self.web_port = web_port or free_port()
        self.peer_port = peer_port or free_port()
        self._failures = failures_until_ban
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its Web UI."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def connection(self) -> Connection:
        """Mydia's connection to it."""
        return Connection(
            id=f"qbittorrent-{self.web_port}",
            name="qBittorrent",
            kind="qbittorrent",
            url=self.url,
            username=USERNAME,
            secret=Secret(PASSWORD),
            options={"category": "mydia"},
        )

    @property
    def api(self) -> qbittorrentapi.Client:
        """A separate client for arranging and asserting."""
        return qbittorrentapi.Client(
            host=self.url, username=USERNAME, password=PASSWORD, SIMPLE_RESPONSES=True, REQUESTS_ARGS={"timeout": 10}
        )

    @property
    def running(self) -> bool:
        """Whether the process was started and not stopped."""
        return self._process is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert PROGRAM, MISSING
        settings = self.folder / "profile" / "qBittorrent" / "config" / "qBittorrent.conf"
        self.downloads.mkdir(parents=True, exist_ok=True)
        if not settings.exists():
            settings.parent.mkdir(parents=True)
            settings.write_text(
                _CONFIG.format(
                    downloads=self.downloads,
                    peer_port=self.peer_port,
                    web_port=self.web_port,
                    username=USERNAME,
                    password=_hashed(PASSWORD),
                    failures=self._failures,
                )
            )
        log = (self.folder / "qbittorrent.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [PROGRAM, f"--profile={self.folder / 'profile'}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A separate home, so that it shares nothing with other instances of this user.
                env={"HOME": str(self.folder), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        try:
            wait_until(self._answers, "qBittorrent answers")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop it; kill it if it does not stop."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill it, like a power cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def seed(self, torrent: MadeTorrent) -> None:
        """Seed a torrent whose content is complete in its folder."""
        api = self.api
        api.torrents_add(
            torrent_files={f"{torrent.name}.torrent": torrent.content},
            save_path=str(torrent.folder),
            is_skip_checking=True,
            use_auto_torrent_management=False,
        )
        wait_until(lambda: self._seeds(api, torrent.info_hash), f"{torrent.name} is seeded")

    def _seeds(self, api: qbittorrentapi.Client, info_hash: str) -> bool:
        return any(row["progress"] == 1 for row in api.torrents_info(torrent_hashes=info_hash))

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"qBittorrent ended: {(self.folder / 'qbittorrent.log').read_text()[-500:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.web_port), timeout=1):
                return True
        except OSError:
            return False


def wait_until(is_so: object, what: str, *, within_s: float = 30.0, step_s: float = 0.05) -> None:
    """Poll until `is_so()` is true; AssertionError with `what` after the deadline."""
    assert callable(is_so)
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"timed out after {within_s:.0f} s waiting until {what}")
        time.sleep(step_s)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _hashed(password: str) -> str:
    # The format of qBittorrent's settings file: PBKDF2-HMAC-SHA512, 100,000 rounds, 16 bytes of salt.
    salt = os.urandom(16)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 100_000, 64)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(digest).decode()}"

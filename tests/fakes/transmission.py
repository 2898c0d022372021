"""A real Transmission daemon in its own folder."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self

from mydia.adapters.download_clients import KINDS
from mydia.adapters.http import Http
from mydia.adapters.kinds import Connection, Secret
from tests.fakes.qbittorrent import free_port, wait_until
from tests.fakes.torrent_files import MadeTorrent

USERNAME = "robin"
PASSWORD = "a long enough password"
PROGRAM = shutil.which("transmission-daemon")
MISSING = "transmission-daemon is not installed (Debian: apt-get install transmission-daemon)"


class RealTransmission:
    """One transmission-daemon; a context manager that runs it while entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads = folder / "downloads"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> Connection:
        """Mydia's connection to it."""
        url = f"http://127.0.0.1:{self.port}"
        options = {"category": "mydia"}
        return Connection(
            id=f"transmission-{self.port}",
            name="Transmission",
            kind="transmission",
            url=url,
            username=USERNAME,
            secret=Secret(PASSWORD),
            options=options,
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
        self.downloads.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind-address-ipv4": "127.0.0.1",
            "dht-enabled": False,
            "download-dir": str(self.downloads),
            "lpd-enabled": False,
            "peer-port": free_port(),
            "pex-enabled": False,
            "port-forwarding-enabled": False,
            "rpc-authentication-required": True,
            "rpc-bind-address": "127.0.0.1",
            "rpc-host-whitelist-enabled": False,
            "rpc-password": PASSWORD,
            "rpc-port": self.port,
            "rpc-username": USERNAME,
            "utp-enabled": False,
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))
        with (self.folder / "transmission.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-f", "-g", str(self.folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._answers, "Transmission answers")
        except BaseException:
            self.stop()
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

    def complete(self, torrent: MadeTorrent, ref: str) -> None:
        """Copy the content into place and verify it, because Transmission does not download from peers on loopback."""
        client = KINDS["transmission"].make(self.connection, Http())
        client.pause(ref)
        shutil.copytree(torrent.folder / torrent.name, self.downloads / torrent.name, dirs_exist_ok=True)
        client._call("torrent-verify", {"ids": [ref]})  # type: ignore[attr-defined]  # no other test needs it

        def whole() -> bool:
            known = client.get(ref)
            return known is not None and known.progress == 1

        wait_until(whole, "the content is checked")
        client.resume(ref)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "transmission.log").read_text()[-500:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

"""A real NZBGet in its own folder, without a news server: it has a queue and a history, but downloads nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self

from mydia.adapters.kinds import Connection, Secret
from tests.fakes.qbittorrent import free_port, wait_until

USERNAME = "robin"
PASSWORD = "a long enough password"
PROGRAM = shutil.which("nzbget")
MISSING = "nzbget is not installed (Debian: apt-get install nzbget)"


class RealNzbGet:
    """One nzbget; a context manager that runs it while entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> Connection:
        """Mydia's connection to it."""
        url = f"http://127.0.0.1:{self.port}"
        return Connection(
            id="nzbget",
            name="NZBGet",
            kind="nzbget",
            url=url,
            username=USERNAME,
            secret=Secret(PASSWORD),
            options={"category": "mydia"},
        )

    def __enter__(self) -> Self:
        assert PROGRAM, MISSING
        self.folder.mkdir(parents=True, exist_ok=True)
        folders = {
            "DestDir": "done",
            "InterDir": "inter",
            "NzbDir": "nzb",
            "QueueDir": "queue",
            "TempDir": "tmp",
            "LogFile": "nzbget.log",
            "LockFile": "nzbget.lock",
            "ScriptDir": "scripts",
        }
        options = {
            "OutputMode": "log",
            "MainDir": str(self.folder),
            **{name: str(self.folder / place) for name, place in folders.items()},
            "ControlIP": "127.0.0.1",
            "ControlPort": str(self.port),
            "ControlUsername": USERNAME,
            "ControlPassword": PASSWORD,
            "Category1.Name": "mydia",
            "Server1.Active": "no",
        }
        command = [PROGRAM, "-n", "-s"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": str(self.folder)}
            )
        wait_until(self._answers, "NZBGet answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "output.log").read_text()[-500:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

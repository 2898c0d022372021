"""A real PostgreSQL server in its own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.fakes.qbittorrent import free_port

# Debian installs the server's programs of each version in a folder that is not in PATH.
_PLACES = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
PROGRAM = shutil.which("initdb", path=os.pathsep.join([*_PLACES, os.environ.get("PATH", "")]))
MISSING = "the PostgreSQL server is not installed (Debian: apt-get install postgresql)"


class RealPostgres:
    """One server with one database; a context manager that runs it while entered."""

    def __init__(self) -> None:
        # Not in the test's folder, which only its user may enter: as root, the server runs as another user.
        self._folder = tempfile.TemporaryDirectory(prefix="mydia-postgres-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.port = free_port()

    @property
    def url(self) -> str:
        """The value of DATABASE_URL."""
        return f"postgresql://mydia@127.0.0.1:{self.port}/mydia"

    def __enter__(self) -> Self:
        """Start it and wait until it responds."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        try:
            self._run(
                "initdb", "-D", self._data, "-A", "trust", "-U", "mydia", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"
            )
            options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
            self._run("pg_ctl", "-D", self._data, "-w", "-o", options, "-l", str(self.folder / "log"), "start")
            self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mydia", "mydia")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        self._folder.cleanup()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        assert PROGRAM, MISSING
        command = [str(Path(PROGRAM).with_name(program)), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, check=False, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

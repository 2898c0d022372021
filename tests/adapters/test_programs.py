"""External programs: no shell, limits on time and output, and none of Mydia's secrets."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mydia.adapters.errors import Nonsense, Unreachable
from mydia.adapters.programs import Missing, Programs
from mydia.db import Database

RUN = Programs().run


def python(code: str, *arguments: str, timeout_s: float = 60, **options: object):
    return RUN(sys.executable, ["-c", code, *arguments], timeout_s=timeout_s, **options)


def test_status_and_output_are_returned() -> None:
    done = python("import sys; print('out'); print('first\\nlast', file=sys.stderr); sys.exit(3)")
    assert (done.code, done.output, done.last_error) == (3, b"out\n", "last")


def test_arguments_reach_the_program_unchanged() -> None:
    assert python("import sys; print(sys.argv[1])", "$(id); `id` * ~").output == b"$(id); `id` * ~\n"


def test_a_program_that_is_not_installed_is_missing() -> None:
    with pytest.raises(Missing, match="nonesuch: is not installed"):
        RUN("nonesuch", [], timeout_s=1)


def test_mydias_environment_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_BASE", "hidden")
    done = python("import os; print(sorted(os.environ))", environment={"PGPASSWORD": "known"})
    assert b"SECRET_KEY_BASE" not in done.output
    assert b"PGPASSWORD" in done.output


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import subprocess; p = subprocess.Popen(['sleep', '600']); open({str(pid)!r}, 'w').write(str(p.pid)); p.wait()"
    with pytest.raises(Unreachable, match="did not finish within"):
        python(code, timeout_s=10)
    deadline = time.monotonic() + 20
    while _runs(int(pid.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(int(pid.read_text()))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_program_with_endless_output_is_stopped() -> None:
    with pytest.raises(Nonsense, match="printed more than 64 KiB"):
        python("while True: print('x' * 1000)", max_output_bytes=64 * 1024)


def test_nothing_runs_inside_a_write(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writes():
        python("pass")

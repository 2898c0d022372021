"""Runs the scripts' tests in Node and checks their formatting."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PRETTIER = _ROOT / "node_modules" / ".bin" / "prettier"
_FORMATTED = ("frontend/scripts", "frontend/*.mjs", "tests/frontend", "mydia/web/static/sw.js")


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_scripts_pass_their_tests() -> None:
    _run("node", "--test", *map(str, sorted(Path(__file__).parent.glob("*.test.mjs"))))


@pytest.mark.skipif(not _PRETTIER.exists(), reason="prettier is not installed: run npm ci")
def test_the_scripts_are_formatted() -> None:
    _run(str(_PRETTIER), "--check", *_FORMATTED)

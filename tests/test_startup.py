"""The startup of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mydia import startup
from mydia.config import Config, load
from mydia.errors import Misconfigured

_HOLD = """
import sys
from mydia import config, startup

with startup.only_worker(config.load({"DATA_DIR": sys.argv[1]})):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The default configuration."""
    made = load({"DATA_DIR": str(tmp_path)})
    startup.make_folders(made)
    return made


def test_a_second_worker_of_a_data_folder_is_refused_until_the_first_one_is_dead(config: Config) -> None:
    command = [sys.executable, "-c", _HOLD, str(config.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "holds\n"
        with (
            pytest.raises(Misconfigured, match=rf"Another worker \(process {first.pid}\).*there can be only one"),
            startup.only_worker(config, patience_s=0),
        ):
            pytest.fail("two workers")
        first.kill()
    with startup.only_worker(config, patience_s=0):
        pass


def test_a_worker_waits_for_the_one_before_it_to_end(config: Config) -> None:
    command = [sys.executable, "-c", _HOLD, str(config.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "holds\n"
        first.stdin.close()
        with startup.only_worker(config):
            pass

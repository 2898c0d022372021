"""The startup of a process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
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


@pytest.fixture
def full_folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder on a file system without free space, if this process may mount one."""
    point = tmp_path / "full"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(point)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount a small disk")
    startup.make_folders(load({"DATA_DIR": str(point)}))
    with suppress(OSError), (point / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    yield point
    subprocess.run(["umount", "--lazy", str(point)], check=True)


def test_a_start_in_a_full_data_folder_ends_with_a_message_and_works_once_there_is_room(full_folder: Path) -> None:
    config = load({"DATA_DIR": str(full_folder)})
    with pytest.raises(Misconfigured, match=r"is full, so Mydia cannot start\. Free some space"):
        startup.prepare(config)
    subprocess.run(["mount", "-o", "remount,size=16m", str(full_folder)], check=True)
    startup.prepare(config)


def test_a_start_with_which_nobody_could_sign_in_is_refused_with_the_way_out(tmp_path: Path) -> None:
    made = load({"DATA_DIR": str(tmp_path), "LOCAL_AUTH_ENABLED": "false"})
    for check in (startup.rehearse, startup.prepare):
        with pytest.raises(Misconfigured, match=r"nobody could sign in\..*set LOCAL_AUTH_ENABLED to true"):
            check(made)


@pytest.mark.parametrize(
    "way_in",
    [
        {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "mydia"},
        {"PROXY_AUTH_ENABLED": "true", "TRUSTED_PROXIES": "10.0.0.2"},
    ],
)
def test_a_start_without_passwords_is_fine_with_another_way_in(tmp_path: Path, way_in: dict[str, str]) -> None:
    startup.prepare(load({"DATA_DIR": str(tmp_path), "LOCAL_AUTH_ENABLED": "false"} | way_in))


def test_a_provider_that_is_turned_off_is_no_way_in(tmp_path: Path) -> None:
    provider = {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "mydia", "OIDC_ENABLED": "false"}
    with pytest.raises(Misconfigured, match="nobody could sign in"):
        startup.prepare(load({"DATA_DIR": str(tmp_path), "LOCAL_AUTH_ENABLED": "false"} | provider))

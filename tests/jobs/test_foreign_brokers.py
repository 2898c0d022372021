"""The broker tests with Redis and RabbitMQ; run if Debian's packages are installed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import pika.exceptions
import pytest
import redis

from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, Misconfigured
from mydia.jobs.broker import Deps, make_broker
from mydia.taskboard import RunState, TaskBoard
from tests.jobs.conftest import MakeBench, a_job, eventually


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _quiet_port() -> int:
    """Return a free port below those of outgoing connections (32768 on Linux): RabbitMQ takes seconds until it listens."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    port = _free_port()
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )

    def answers() -> bool:
        try:
            return bool(redis.Redis(port=port).ping())
        except redis.ConnectionError:
            return False

    eventually(answers)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[str]:
    # The command in PATH switches to the user rabbitmq, who may not write here.
    server = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not server.exists():
        pytest.skip("rabbitmq-server is not installed")
    port = _quiet_port()
    environ = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"mydia{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(_quiet_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    process = subprocess.Popen(
        [server], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    url = f"amqp://guest:guest@127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "RabbitMQ ended"
        try:
            pika.BlockingConnection(pika.URLParameters(url)).close()
        except pika.exceptions.AMQPError:
            return False
        return True

    try:
        eventually(answers, within_s=180)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(params=[_redis, _rabbitmq], ids=["redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with request.param(tmp_path) as url:
        yield url


def nothing(deps: Deps) -> None:
    return None


@pytest.mark.real
def test_jobs_run_and_the_board_records_them(bench: MakeBench, broker_url: str) -> None:
    made = bench(a_job("greet", lambda deps, name: f"hello {name}"), url=broker_url).start()
    run = made.ended(made.enqueue("greet", {"name": "Ada"}, cause="schedule"))
    assert (run.state, run.result, run.cause, run.attempt) == (RunState.DONE, "hello Ada", "schedule", 1)


@pytest.mark.real
def test_delays_retries_and_failures_are_kept(bench: MakeBench, broker_url: str) -> None:
    tries: list[int] = []

    def broken(deps: Deps) -> None:
        tries.append(1)
        raise RuntimeError("no luck")

    def refuse(deps: Deps) -> None:
        raise Invalid("No.")

    made = bench(a_job("broken", broken, max_retries=1), a_job("refuse", refuse, max_retries=5), url=broker_url).start()
    run_id = made.enqueue("broken", delay_s=0.05)
    run = made.ended(run_id)
    assert (run.state, run.error, run.attempt, len(tries)) == (RunState.FAILED, "RuntimeError: no luck", 2, 2)
    assert made.ended(made.enqueue("refuse")).attempt == 1


@pytest.mark.real
def test_keys_shares_and_cancelling_are_kept(bench: MakeBench, broker_url: str) -> None:
    gate = threading.Event()
    made = bench(a_job("hold", lambda deps: gate.wait(20) and None, queue="notifications"), url=broker_url)
    first = made.enqueue("hold", dedup="same")
    assert made.enqueue("hold", dedup="same") == first
    second, third = made.enqueue("hold"), made.enqueue("hold")
    made.start()
    eventually(lambda: made.board.running(SYSTEM))
    assert made.board.cancel(SYSTEM, third) == RunState.CANCELLED
    assert len(made.board.running(SYSTEM)) == 1
    gate.set()
    assert made.ended(first).state == made.ended(second).state == RunState.DONE
    assert made.board.get(SYSTEM, third).state == RunState.CANCELLED


def test_an_unknown_broker_is_named(tmp_path: Path) -> None:
    board = TaskBoard(tmp_path / "jobs.db")
    with pytest.raises(Misconfigured, match="kafka:"):
        make_broker("kafka://x", board)
    board.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "amqp://127.0.0.1:1"])
def test_the_driver_of_every_broker_is_installed(url: str, tmp_path: Path) -> None:
    board = TaskBoard(tmp_path / "jobs.db")
    make_broker(url, board).close()
    board.close()

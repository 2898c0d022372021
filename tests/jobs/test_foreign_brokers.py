"""The same promises where the messages live in Redis; run where Debian's redis-server is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, Misconfigured
from mydia.jobs.broker import Deps, make_broker
from mydia.taskboard import RunState, TaskBoard
from tests.jobs.conftest import MakeBench, a_job, eventually


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
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


def nothing(deps: Deps) -> None:
    return None


@pytest.mark.real
def test_redis_runs_jobs_and_the_board_keeps_their_diary(bench: MakeBench, redis_url: str) -> None:
    made = bench(a_job("greet", lambda deps, name: f"hello {name}"), url=redis_url).start()
    run = made.ended(made.enqueue("greet", {"name": "Ada"}, cause="schedule"))
    assert (run.state, run.result, run.cause, run.attempt) == (RunState.DONE, "hello Ada", "schedule", 1)


@pytest.mark.real
def test_redis_keeps_delays_retries_and_failures(bench: MakeBench, redis_url: str) -> None:
    tries: list[int] = []

    def broken(deps: Deps) -> None:
        tries.append(1)
        raise RuntimeError("no luck")

    def refuse(deps: Deps) -> None:
        raise Invalid("No.")

    made = bench(a_job("broken", broken, max_retries=1), a_job("refuse", refuse, max_retries=5), url=redis_url).start()
    run_id = made.enqueue("broken", delay_s=0.05)
    run = made.ended(run_id)
    assert (run.state, run.error, run.attempt, len(tries)) == (RunState.FAILED, "RuntimeError: no luck", 2, 2)
    assert made.ended(made.enqueue("refuse")).attempt == 1


@pytest.mark.real
def test_redis_keeps_to_keys_shares_and_cancelling(bench: MakeBench, redis_url: str) -> None:
    gate = threading.Event()
    made = bench(a_job("hold", lambda deps: gate.wait(20) and None, queue="notifications"), url=redis_url)
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


def test_an_unknown_or_uninstalled_broker_is_named(tmp_path: Path) -> None:
    board = TaskBoard(tmp_path / "jobs.db")
    with pytest.raises(Misconfigured, match="kafka:"):
        make_broker("kafka://x", board)
    with pytest.raises(Misconfigured, match="driver"):
        make_broker("amqp://x", board)
    board.close()

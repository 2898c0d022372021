"""The worker keeps running when the clock is set back and when its file is damaged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mydia import clock, events
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.errors import Unavailable
from mydia.jobs.broker import Deps, Schedule
from mydia.jobs.worker import Worker
from mydia.taskboard import RunState, TaskBoard
from tests.jobs.conftest import MakeBench, a_job, eventually

THREE_DAYS = timedelta(days=3)


def nothing(deps: Deps) -> None:
    return None


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    real = clock.now

    def change(by: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: real() + by)

    return change


def test_delayed_jobs_run_on_time_after_the_clock_is_set_back(bench: MakeBench, set_clock: Callable[..., None]) -> None:
    made = bench(a_job("later", nothing)).start()
    run_id = made.enqueue("later", delay_s=2)
    assert made.board.get(SYSTEM, run_id).state == RunState.DELAYED
    set_clock(-THREE_DAYS)
    assert made.ended(run_id).state == RunState.DONE


def test_a_pending_retry_runs_on_time_after_the_clock_is_set_back(
    bench: MakeBench, set_clock: Callable[..., None]
) -> None:
    tries: list[int] = []

    def fail_once(deps: Deps) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("no luck")

    made = bench(a_job("flaky", fail_once, max_retries=1, min_backoff_s=3, max_backoff_s=3)).start()
    run_id = made.enqueue("flaky")
    eventually(lambda: made.board.get(SYSTEM, run_id).state == RunState.DELAYED)
    set_clock(-THREE_DAYS)
    assert made.ended(run_id).state == RunState.DONE
    assert all(total.seconds >= 0 for total in made.board.totals(SYSTEM))


def test_a_clock_set_back_while_no_worker_ran_delays_nothing(bench: MakeBench, set_clock: Callable[..., None]) -> None:
    sender = bench(a_job("later", nothing))
    soon, tomorrow = sender.enqueue("later", delay_s=2), sender.enqueue("later", delay_s=86_400)
    set_clock(-THREE_DAYS)
    worker = bench(a_job("later", nothing)).start()
    assert worker.ended(soon).state == RunState.DONE
    due_in = worker.board.get(SYSTEM, tomorrow).due_at - clock.now()
    assert timedelta(hours=23) < due_in <= timedelta(days=1)


def test_a_clock_set_forward_and_back_again_repeats_nothing(bench: MakeBench, set_clock: Callable[..., None]) -> None:
    runs: list[int] = []
    made = bench(a_job("later", lambda deps: runs.append(1))).start()
    run_id = made.enqueue("later", delay_s=3600)
    set_clock(THREE_DAYS)
    made.ended(run_id)
    set_clock(timedelta())
    made.ended(made.enqueue("later"))
    assert runs == [1, 1], "once for each message"


@pytest.fixture
def worker(database: Database, tmp_path: Path):
    from mydia import config

    made = Worker(
        config.load({"DATA_DIR": str(tmp_path)}),
        database,
        None,  # type: ignore[arg-type]
        on_event={events.SettingsChanged: ()},
        schedule=(Schedule("0 2 * * *", "nothing"), Schedule("*/5 * * * *", "nothing", name="often")),
        setting=lambda _name: None,
        jobs={"nothing": a_job("nothing", nothing)},
    )
    made.start()
    yield made
    made.stop()


def next_times(board: TaskBoard) -> list[datetime]:
    return [entry.next_at for entry in board.scheduled(SYSTEM) if entry.next_at is not None]


def test_schedules_continue_after_the_clock_is_set_back(worker: Worker, set_clock: Callable[..., None]) -> None:
    worker.tick()
    set_clock(-THREE_DAYS)
    worker.tick()
    latest = clock.now() + timedelta(days=1)
    assert len(next_times(worker.board)) == 2
    assert all(clock.now() < at <= latest for at in next_times(worker.board))


def test_a_worker_continues_with_a_new_file_when_its_own_is_damaged(worker: Worker, tmp_path: Path) -> None:
    assert len(worker.board.workers()) == 1
    worker.board.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    with worker.board.path.open("r+b") as raw:
        raw.write(b"\x5a" * worker.board.path.stat().st_size)
    page = TaskBoard(worker.board.path)

    def recovered() -> bool:
        try:
            worker.tick()
            return len(page.workers()) == 1 and len(next_times(page)) == 2
        except Unavailable:
            return False

    eventually(recovered)
    page.run_now(SYSTEM, "nothing")

    def ran() -> bool:
        worker.tick()
        return bool(page.recent(SYSTEM, states=(RunState.DONE,)))

    eventually(ran)
    assert page.recent(SYSTEM)[0].title == "Nothing", "the catalogue is written again"
    assert list(worker.board.path.parent.glob("jobs.db.damaged-*"))
    page.close()


def test_a_file_with_a_bad_header_does_not_keep_the_worker_from_starting(bench: MakeBench, tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_bytes(b"this is no database\n" * 500)
    made = bench(a_job("nothing", nothing)).start()
    assert made.ended(made.enqueue("nothing")).state == RunState.DONE

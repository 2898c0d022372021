"""The data of the tasks page, the API and the metrics."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from mydia import clock
from mydia.contexts.users import NOBODY, SYSTEM, Caller, Permission
from mydia.db.engine import sqlite_module
from mydia.errors import Conflict, Forbidden, NotFound
from mydia.jobs.broker import Deps
from mydia.taskboard import Glance, RunState, TaskBoard
from tests.jobs.conftest import MakeBench, a_job, eventually


def nothing(deps: Deps) -> None:
    return None


def test_an_unknown_run_is_not_found(board: TaskBoard) -> None:
    for call in (board.get, board.cancel, board.retry_dead):
        with pytest.raises(NotFound):
            call(SYSTEM, "nonesuch")


def test_reading_and_controlling_need_a_permission(board: TaskBoard) -> None:
    keeper = Caller(kind="user", id="1", name="Kim", permissions=frozenset({Permission.MANAGE_MEDIA}))
    for caller in (NOBODY, keeper):
        for call in (board.running, board.waiting, board.recent, board.queue_depth, board.totals, board.scheduled):
            with pytest.raises(Forbidden):
                call(caller)
        for steer in (board.get, board.cancel, board.retry_dead):
            with pytest.raises(Forbidden):
                steer(caller, "nonesuch")
        with pytest.raises(Forbidden):
            board.run_now(caller, "upkeep.vacuum")
        with pytest.raises(Forbidden):
            board.set_paused(caller, True)
    board.run_now(keeper, "downloads.search_wanted")
    assert [ask.cause for ask in board.asks()] == ["run now by Kim"]


def test_with_manage_media_only_interactive_runs_are_visible_and_cancellable(board: TaskBoard) -> None:
    keeper = Caller(kind="user", id="1", name="Kim", permissions=frozenset({Permission.MANAGE_MEDIA}))
    with board.writes() as connection:
        connection.executemany(
            "INSERT INTO runs (id, job, queue, priority, params, state, queued_at, due_at) VALUES (?, ?, ?, 5, '{}', 'queued', 1, 1)",
            [("a", "downloads.run_search", "interactive"), ("b", "library.scan", "media")],
        )
    assert board.cancel(keeper, "a") == RunState.CANCELLED
    with pytest.raises(Forbidden):
        board.cancel(keeper, "b")


def test_finished_runs_can_neither_be_cancelled_nor_restarted(bench: MakeBench) -> None:
    made = bench(a_job("nothing", nothing)).start()
    run_id = made.enqueue("nothing")
    made.ended(run_id)
    with pytest.raises(Conflict, match="already ended"):
        made.board.cancel(SYSTEM, run_id)
    with pytest.raises(Conflict, match="failed or was cancelled"):
        made.board.retry_dead(SYSTEM, run_id)


def test_a_cancelled_run_is_not_restarted_while_another_waits(bench: MakeBench) -> None:
    made = bench(a_job("nothing", nothing))
    first = made.enqueue("nothing", dedup="same")
    made.board.cancel(SYSTEM, first)
    made.enqueue("nothing", dedup="same")
    with pytest.raises(Conflict, match="already waiting"):
        made.board.retry_dead(SYSTEM, first)


def test_recent_runs_come_newest_first_in_pages(bench: MakeBench) -> None:
    made = bench(a_job("nothing", nothing), a_job("other", nothing)).start()
    ids = []
    for _ in range(5):
        ids.append(made.enqueue("nothing"))
        made.ended(ids[-1])
    made.ended(made.enqueue("other"))
    page = made.board.recent(SYSTEM, 2, job="nothing")
    assert [run.id for run in page] == ids[:2:-1]
    rest = made.board.recent(SYSTEM, 10, page[-1].id, job="nothing")
    assert [run.id for run in rest] == ids[2::-1]
    assert made.board.recent(SYSTEM, 10, states=(RunState.FAILED,)) == []


def test_run_now_is_stored_as_a_request_for_a_worker(board: TaskBoard) -> None:
    board.run_now(SYSTEM, "scan", {"path": "/m"})
    (ask,) = board.asks()
    assert (ask.job, ask.params, ask.cause) == ("scan", {"path": "/m"}, "run now by Mydia")
    board.settle(ask)
    assert board.asks() == []


def test_pruning_deletes_old_runs_and_most_successes_of_busy_jobs(bench: MakeBench) -> None:
    made = bench(a_job("busy", nothing), a_job("broken", lambda deps: 1 / 0)).start()
    failed = made.enqueue("broken")
    waiting = made.enqueue("busy", delay_s=3600)
    ids = [made.enqueue("busy") for _ in range(6)]
    for run_id in [failed, *ids]:
        made.ended(run_id)
    now = clock.now()
    assert made.board.prune(now, keep_done_per_job=4) == 2
    assert made.board.get(SYSTEM, failed).state == RunState.FAILED
    assert made.board.prune(now + timedelta(days=8)) == 5
    assert made.board.get(SYSTEM, waiting).state == RunState.DELAYED
    assert {(t.job, t.runs) for t in made.board.totals(SYSTEM)} == {("busy", 6), ("broken", 1)}


def test_the_board_lists_live_workers(bench: MakeBench, board: TaskBoard) -> None:
    assert board.workers() == []
    made = bench(a_job("nothing", nothing)).start()
    (worker,) = eventually(board.workers)
    assert (worker.slots, worker.queues["media"], worker.queues["interactive"]) == (12, 3, 4)
    made.close()
    assert board.workers() == []


def test_a_change_by_another_process_is_noticed_by_its_version(bench: MakeBench, board: TaskBoard) -> None:
    before = board.version()
    assert board.version() == before
    bench(a_job("nothing", nothing)).enqueue("nothing")
    assert board.version() != before


def test_a_glance_does_not_wait_for_a_locked_file(board: TaskBoard) -> None:
    board.set_paused(SYSTEM, True)
    other = sqlite_module().connect(str(board.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = threading.Thread(target=board.set_paused, args=(SYSTEM, False))
    writer.start()
    seen = board.glance()
    waited = writer.is_alive()
    other.execute("COMMIT")
    writer.join()
    assert (waited, seen) == (True, Glance(workers=0, paused=True, failed=0))
    assert board.glance() == Glance(workers=0, paused=False, failed=0)


def test_an_unreadable_file_returns_no_result(board: TaskBoard) -> None:
    other = sqlite_module().connect(str(board.path), isolation_level=None)
    other.execute("PRAGMA locking_mode=exclusive")
    other.execute("BEGIN EXCLUSIVE")
    assert board.glance() is None
    other.close()
    assert board.glance() is not None

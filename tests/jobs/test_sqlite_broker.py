"""The guarantees of the broker."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mydia.adapters.errors import Limited, Refused
from mydia.contexts.users import SYSTEM
from mydia.errors import Invalid, Misconfigured, NotFound
from mydia.jobs.broker import Deps, Slots
from mydia.taskboard import RunState, TaskBoard
from tests.jobs.conftest import MakeBench, a_job, eventually, log_of


def nothing(deps: Deps) -> None:
    return None


def test_a_job_runs_with_its_params_and_records_its_result(bench: MakeBench) -> None:
    made = bench(a_job("greet", lambda deps, name: f"hello {name}")).start()
    run = made.ended(made.enqueue("greet", {"name": "Ada"}, cause="MediaAdded by ada"))
    assert (run.state, run.result, run.cause, run.attempt) == (RunState.DONE, "hello Ada", "MediaAdded by ada", 1)
    assert run.title == "Greet"


def test_an_unknown_job_is_refused_at_once(bench: MakeBench) -> None:
    with pytest.raises(Misconfigured, match="no job named nonesuch"):
        bench().enqueue("nonesuch")


def test_messages_wait_for_a_worker(bench: MakeBench) -> None:
    run_id = bench(a_job("nothing", nothing)).enqueue("nothing")
    assert bench(a_job("nothing", nothing)).start().ended(run_id).state == RunState.DONE


def test_urgent_messages_go_first(bench: MakeBench) -> None:
    order: list[str] = []
    made = bench(
        a_job("late", lambda deps: order.append("late"), priority=9),
        a_job("soon", lambda deps, n: order.append(f"soon {n}"), priority=1),
        slots=Slots(1),
    )
    last = made.enqueue("late")
    for n in range(3):
        made.enqueue("soon", {"n": n})
    made.start().ended(last)
    assert order == ["soon 0", "soon 1", "soon 2", "late"]


def test_no_queue_exceeds_its_concurrency(bench: MakeBench) -> None:
    gate, lock = threading.Event(), threading.Lock()
    running: dict[str, int] = {}

    def hold(deps: Deps, queue: str) -> None:
        with lock:
            running[queue] = running.get(queue, 0) + 1
        gate.wait(20)

    made = bench(a_job("m", hold, queue="media"), a_job("n", hold, queue="notifications"), slots=Slots(20))
    ids = [made.enqueue(name, {"queue": queue}) for name, queue in [("m", "media"), ("n", "notifications")] * 6]
    made.start()
    eventually(lambda: running == {"media": 3, "notifications": 1})
    assert {d.queue: (d.running, d.queued) for d in made.board.queue_depth(SYSTEM) if d.running} == {
        "media": (3, 3),
        "notifications": (1, 5),
    }
    gate.set()
    for run_id in ids:
        made.ended(run_id)


def test_a_slot_is_reserved_for_critical_jobs(bench: MakeBench) -> None:
    gate = threading.Event()
    made = bench(
        a_job("slow", lambda deps: gate.wait(20) and None, queue="default"),
        a_job("click", nothing, queue="critical"),
        slots=Slots(2),
    )
    slow = [made.enqueue("slow") for _ in range(4)]
    made.start()
    eventually(lambda: made.board.running(SYSTEM))
    assert made.ended(made.enqueue("click")).state == RunState.DONE
    assert len(made.board.running(SYSTEM)) == 1
    gate.set()
    for run_id in slow:
        made.ended(run_id)


def test_an_interactive_job_starts_while_all_other_slots_are_taken(bench: MakeBench) -> None:
    gate = threading.Event()
    made = bench(
        a_job("slow", lambda deps: gate.wait(20) and None, queue="critical"),
        a_job("search", nothing, queue="interactive"),
        slots=Slots(1),
    )
    slow = [made.enqueue("slow") for _ in range(2)]
    made.start()
    eventually(lambda: made.board.running(SYSTEM))
    assert made.ended(made.enqueue("search")).state == RunState.DONE
    gate.set()
    for run_id in slow:
        made.ended(run_id)


def test_an_interactive_job_runs_while_the_queues_are_paused(bench: MakeBench) -> None:
    made = bench(a_job("scan", nothing), a_job("search", nothing, queue="interactive")).start()
    made.board.set_paused(SYSTEM, True)
    eventually(lambda: made.free.paused)
    scan = made.enqueue("scan")
    assert made.ended(made.enqueue("search")).state == RunState.DONE
    assert made.board.get(SYSTEM, scan).state == RunState.QUEUED


def test_only_one_message_per_key_waits(bench: MakeBench) -> None:
    made = bench(a_job("nothing", nothing))
    first = made.enqueue("nothing", dedup="same", delay_s=3600)
    assert made.enqueue("nothing", dedup="same", delay_s=7200) == first
    assert made.board.get(SYSTEM, first).state == RunState.DELAYED
    # The urgent message moves the waiting one forward.
    assert made.enqueue("nothing", dedup="same") == first
    assert made.board.get(SYSTEM, first).state == RunState.QUEUED
    assert made.enqueue("nothing", dedup="other") != first
    assert len(made.board.waiting(SYSTEM)) == 2


def test_a_new_message_waits_until_the_one_with_its_key_has_ended(bench: MakeBench) -> None:
    gate, began = threading.Event(), threading.Event()

    def hold(deps: Deps) -> None:
        began.set()
        gate.wait(20)

    made = bench(a_job("hold", hold), a_job("other", nothing)).start()
    first = made.enqueue("hold", dedup="same")
    assert began.wait(20)
    second = made.enqueue("hold", dedup="same")
    assert second != first
    # It does not start alongside the first, although a later one has already finished.
    made.ended(made.enqueue("other"))
    assert (made.board.get(SYSTEM, first).state, made.board.get(SYSTEM, second).state) == (
        RunState.RUNNING,
        RunState.QUEUED,
    )
    gate.set()
    assert made.ended(first).state == made.ended(second).state == RunState.DONE


def test_a_waiting_message_does_not_keep_its_consumer_awake(bench: MakeBench) -> None:
    made = bench(a_job("hold", nothing))
    consumer = made.broker.consume("default", timeout=10)
    made.enqueue("hold", dedup="same")
    running = next(consumer)
    made.enqueue("hold", dedup="same")
    news = made.free.news("default")

    def asleep() -> bool:
        news.clear()
        assert made.broker.claim("default", 5) == []  # type: ignore[attr-defined]
        return not news.is_set()

    eventually(asleep, within_s=3.0)
    made.broker.ack(running)  # type: ignore[attr-defined]
    assert eventually(lambda: next(consumer)).message_id


def test_a_job_may_enqueue_itself_again(bench: MakeBench) -> None:
    rounds: list[int] = []

    def monitor(deps: Deps) -> None:
        rounds.append(1)
        if len(rounds) < 3:
            deps.enqueue("monitor", dedup="monitor", delay_s=0.01)

    made = bench(a_job("monitor", monitor)).start()
    made.enqueue("monitor", dedup="monitor")
    eventually(lambda: len(rounds) == 3)


def test_a_bug_is_retried_and_then_kept_with_its_error(bench: MakeBench) -> None:
    tries: list[int] = []

    def broken(deps: Deps) -> None:
        tries.append(1)
        raise RuntimeError("no luck")

    made = bench(a_job("broken", broken, max_retries=2)).start()
    run = made.ended(made.enqueue("broken"))
    assert (run.state, run.error, run.attempt, len(tries)) == (RunState.FAILED, "RuntimeError: no luck", 3, 3)
    assert run.traceback is not None
    assert "in broken" in run.traceback
    assert [(t.job, t.state, t.runs) for t in made.board.totals(SYSTEM)] == [("broken", RunState.FAILED, 1)]


def test_success_after_a_failure_leaves_no_error(bench: MakeBench) -> None:
    tries: list[int] = []

    def flaky(deps: Deps) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("no luck")
        return "second time lucky"

    made = bench(a_job("flaky", flaky, max_retries=2)).start()
    run = made.ended(made.enqueue("flaky"))
    assert (run.state, run.result, run.error, run.attempt) == (RunState.DONE, "second time lucky", None, 2)


@pytest.mark.parametrize("error", [NotFound("It is gone."), Invalid("No."), Refused("client", "wrong password")])
def test_a_permanent_failure_is_not_retried(bench: MakeBench, error: Exception) -> None:
    def refuse(deps: Deps) -> None:
        raise error

    made = bench(a_job("refuse", refuse, max_retries=5)).start()
    run = made.ended(made.enqueue("refuse"))
    assert (run.state, run.attempt, run.error, run.traceback) == (RunState.FAILED, 1, str(error), None)


def test_the_retry_delay_a_service_asks_for_is_respected(bench: MakeBench) -> None:
    def limited(deps: Deps) -> None:
        raise Limited("indexer", "too many requests", retry_after_s=1800)

    made = bench(a_job("limited", limited, max_retries=5)).start()
    run_id = made.enqueue("limited")
    eventually(lambda: made.board.get(SYSTEM, run_id).state == RunState.DELAYED)
    run = made.board.get(SYSTEM, run_id)
    assert run.started_at is not None
    assert 1790 < (run.due_at - run.started_at).total_seconds() < 1810
    assert run.error == "indexer: too many requests"


def test_an_attempt_that_takes_too_long_is_interrupted(bench: MakeBench) -> None:
    def endless(deps: Deps) -> None:
        while True:
            threading.Event().wait(0.01)

    made = bench(a_job("endless", endless, time_limit_s=0.05)).start()
    run = made.ended(made.enqueue("endless"))
    assert (run.state, run.error) == (RunState.FAILED, "Interrupted because it exceeded its time limit.")


def test_a_message_for_a_removed_job_is_dead_lettered(bench: MakeBench) -> None:
    run_id = bench(a_job("gone", nothing)).enqueue("gone")
    run = bench().start().ended(run_id)
    assert run.state == RunState.DEAD
    assert run.error is not None
    assert "gone" in run.error


def test_a_retry_yields_to_a_newly_queued_message_of_the_same_job(bench: MakeBench) -> None:
    gate, began = threading.Event(), threading.Event()

    def broken(deps: Deps) -> None:
        began.set()
        gate.wait(20)
        raise RuntimeError("no luck")

    made = bench(a_job("broken", broken, max_retries=1, min_backoff_s=600, max_backoff_s=600)).start()
    first = made.enqueue("broken", dedup="same")
    assert began.wait(20)
    second = made.enqueue("broken", dedup="same", delay_s=3600)
    gate.set()
    run = made.ended(first)
    assert run.state == RunState.FAILED
    assert run.error == "RuntimeError: no luck The same job is already queued again."
    assert made.board.get(SYSTEM, second).state == RunState.DELAYED


# Cancelling, pausing, progress


def test_a_waiting_run_is_cancelled_at_once_and_never_starts(bench: MakeBench) -> None:
    ran: list[int] = []
    made = bench(a_job("never", lambda deps: ran.append(1)), a_job("after", nothing, priority=9))
    run_id = made.enqueue("never")
    assert made.board.cancel(SYSTEM, run_id) == RunState.CANCELLED
    made.ended(run_id)
    made.start().ended(made.enqueue("after"))
    assert ran == []
    assert made.board.get(SYSTEM, run_id).state == RunState.CANCELLED


def test_a_running_job_notices_that_it_is_cancelled(bench: MakeBench, tmp_path: Path) -> None:
    began = threading.Event()

    def patient(deps: Deps) -> str:
        began.set()
        eventually(deps.run.cancelled)
        return "half done"

    made = bench(a_job("patient", patient)).start()
    run_id = made.enqueue("patient")
    assert began.wait(20)
    page = TaskBoard(tmp_path / "jobs.db")
    assert page.cancel(SYSTEM, run_id) == RunState.RUNNING
    run = made.ended(run_id)
    page.close()
    assert (run.state, run.result) == (RunState.CANCELLED, "half done")


def test_progress_is_seen_while_the_job_runs(bench: MakeBench, tmp_path: Path) -> None:
    gate = threading.Event()

    def walk(deps: Deps) -> None:
        deps.run.progress(3214, 5180, "/media/shows")
        gate.wait(20)
        deps.run.progress(5180, 5180, "done")

    made = bench(a_job("walk", walk)).start()
    run_id = made.enqueue("walk")
    page = TaskBoard(tmp_path / "jobs.db")
    run = eventually(lambda: next((r for r in page.running(SYSTEM) if r.done), None))
    assert (run.done, run.total, run.note, run.percent()) == (3214, 5180, "/media/shows", 62)
    gate.set()
    assert made.ended(run_id).percent() == 100
    page.close()


def test_paused_workers_start_nothing_new(bench: MakeBench, tmp_path: Path) -> None:
    page = TaskBoard(tmp_path / "jobs.db")
    page.set_paused(SYSTEM, True)
    made = bench(a_job("nothing", nothing)).start()
    eventually(lambda: made.free.paused)
    run_id = made.enqueue("nothing")
    assert page.get(SYSTEM, run_id).state == RunState.QUEUED
    page.set_paused(SYSTEM, False)
    assert made.ended(run_id).state == RunState.DONE
    page.close()


def test_a_failed_run_can_be_started_again(bench: MakeBench) -> None:
    broken = [True]

    def repaired(deps: Deps) -> str:
        if broken:
            raise Invalid("Not yet.")
        return "works"

    made = bench(a_job("repaired", repaired)).start()
    run_id = made.enqueue("repaired")
    assert made.ended(run_id).state == RunState.FAILED
    broken.clear()
    made.board.retry_dead(SYSTEM, run_id)
    run = eventually(lambda: r if (r := made.board.get(SYSTEM, run_id)).state == RunState.DONE else None)
    assert (run.result, run.cause, run.error, run.attempt) == ("works", "retried by Mydia", None, 1)


# Real processes that are killed


def test_messages_of_a_killed_worker_are_redelivered(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("hang", nothing), a_job("say", nothing))
    first = worker_process()
    ids = [sender.enqueue("hang", {"word": word}) for word in ("a", "b", "c")]
    eventually(lambda: len(log_of(tmp_path)) == 3)
    first.kill()
    assert [run.state for run in (sender.board.get(SYSTEM, id) for id in ids)] == [RunState.RUNNING] * 3
    worker_process()
    eventually(lambda: len(log_of(tmp_path)) == 6)
    assert sorted(log_of(tmp_path)) == ["began a", "began a", "began b", "began b", "began c", "began c"]


def test_a_surviving_worker_takes_over_from_a_killed_one(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("hang", nothing))
    victim = worker_process()
    sender.enqueue("hang", {"word": "a"})
    eventually(lambda: log_of(tmp_path) == ["began a"])
    worker_process()
    assert len(sender.board.workers()) == 2
    victim.kill()
    # Found by the periodic check, not at a start.
    eventually(lambda: log_of(tmp_path) == ["began a", "began a"])
    assert len(sender.board.workers()) == 1


def test_a_run_that_another_continues_is_not_shown_as_failed(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("hang", nothing))
    first = worker_process()
    killed = sender.enqueue("hang", {"word": "a"}, dedup="hang")
    eventually(lambda: log_of(tmp_path) == ["began a"])
    waiting = sender.enqueue("hang", {"word": "a"}, dedup="hang")
    assert waiting != killed
    first.kill()
    worker_process()
    eventually(lambda: log_of(tmp_path) == ["began a", "began a"])
    run = sender.ended(killed)
    assert (run.state, run.error, run.result) == (
        RunState.CANCELLED,
        None,
        "interrupted; the same job is queued again",
    )
    assert sender.board.get(SYSTEM, waiting).state == RunState.RUNNING
    assert sum(depth.failed for depth in sender.board.queue_depth(SYSTEM)) == 0


def test_a_message_that_kills_its_workers_is_dead_lettered(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("crash", nothing), a_job("say", nothing))
    run_id = sender.enqueue("crash")
    for deaths in (1, 2, 3, 4, 5):
        assert worker_process().process.wait(30) == -9
        assert len(log_of(tmp_path)) == deaths
    worker_process()
    run = eventually(lambda: r if (r := sender.board.get(SYSTEM, run_id)).state == RunState.DEAD else None)
    assert run.error == "The worker process died 5 times while running this."
    assert log_of(tmp_path) == ["crashed"] * 5
    sender.enqueue("say", {"word": "alive"})
    eventually(lambda: log_of(tmp_path)[-1] == "said alive")


def test_a_run_is_not_dead_if_the_same_job_waits_and_its_deaths_count_for_that_one(
    bench: MakeBench, worker_process, tmp_path: Path
) -> None:
    sender = bench(a_job("hang", nothing))
    killed = sender.enqueue("hang", {"word": "a"}, dedup="hang")
    for deaths in (1, 2, 3, 4, 5):
        worker = worker_process()
        eventually(lambda deaths=deaths: len(log_of(tmp_path)) == deaths)
        if deaths == 5:
            waiting = sender.enqueue("hang", {"word": "a"}, dedup="hang")
        worker.kill()
    last = worker_process()
    eventually(lambda: len(log_of(tmp_path)) == 6)
    run = sender.ended(killed)
    assert (run.state, run.error, run.result) == (
        RunState.CANCELLED,
        None,
        "interrupted; the same job is queued again",
    )
    assert sender.board.get(SYSTEM, waiting).state == RunState.RUNNING
    last.kill()
    worker_process()
    run = sender.ended(waiting)
    assert (run.state, run.error) == (RunState.DEAD, "The worker process died 6 times while running this.")


def test_delays_survive_the_death_of_all_workers(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("say", nothing))
    first = worker_process()
    sender.enqueue("say", {"word": "later"}, delay_s=5)
    first.kill()
    assert log_of(tmp_path) == []
    worker_process()
    eventually(lambda: log_of(tmp_path) == ["said later"])


def test_retries_with_back_off_survive_the_death_of_all_workers(
    bench: MakeBench, worker_process, tmp_path: Path
) -> None:
    sender = bench(a_job("fail", nothing))
    first = worker_process()
    run_id = sender.enqueue("fail")
    eventually(lambda: sender.board.get(SYSTEM, run_id).state == RunState.DELAYED)
    first.kill()
    assert log_of(tmp_path) == ["failed"]
    worker_process()
    run = sender.ended(run_id)
    assert (run.state, run.attempt, log_of(tmp_path)) == (RunState.FAILED, 2, ["failed", "failed"])


def test_a_stopping_worker_hands_back_what_it_cannot_finish(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("patient", nothing))
    first = worker_process()
    run_id = sender.enqueue("patient")
    eventually(lambda: log_of(tmp_path) == ["began patiently"])
    first.finish()
    run = sender.board.get(SYSTEM, run_id)
    assert (run.state, run.attempt, sender.board.workers()) == (RunState.QUEUED, 0, [])
    worker_process()
    eventually(lambda: len(log_of(tmp_path)) == 2)


def test_a_message_from_another_process_is_noticed(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    worker_process()
    bench(a_job("say", nothing)).enqueue("say", {"word": "hello"})
    eventually(lambda: log_of(tmp_path) == ["said hello"])


def test_two_workers_never_run_one_message_twice(bench: MakeBench, worker_process, tmp_path: Path) -> None:
    sender = bench(a_job("say", nothing))
    worker_process()
    worker_process()
    for n in range(200):
        sender.enqueue("say", {"word": str(n)})
    eventually(lambda: len(log_of(tmp_path)) >= 200)
    sender.broker.join("default", timeout=20_000)
    assert sorted(log_of(tmp_path)) == sorted(f"said {n}" for n in range(200))

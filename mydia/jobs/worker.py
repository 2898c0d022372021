"""The worker process: runs jobs, turns events into jobs, and runs the schedule. Started by `mydia worker` or `mydia serve`."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.db import Database
from mydia.events import Dispatcher, Event, Trigger, data_version
from mydia.jobs.broker import (
    REGISTRY,
    SLOTS,
    Deps,
    Enqueuer,
    Job,
    Schedule,
    Slots,
    declare_jobs,
    dedup_key,
    make_broker,
)
from mydia.jobs.scheduler import Clock, every_minutes, time_zone
from mydia.taskboard import TaskBoard

logger = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long running jobs may take to finish after SIGTERM; the others are delivered again. Docker waits 10 s in total."""

_TICK_S = 0.25
_REFRESH_EVERY_S = 1.0
_LONG_TICKS = 4
"""After about a second of work there may be memory to return."""
_NICENESS = 10
_JOB_POLL_MS = 1000
# ioprio_set has no wrapper in the C library. Source: linux/arch/x86/entry/syscalls/syscall_64.tbl and
# include/uapi/asm-generic/unistd.h.
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_BEST_EFFORT_LOWEST = (2 << 13) | 7

type ReadSetting = Callable[[str], object]


class Worker:
    """The parts of one worker process, started and stopped in order.

    Args:
        setting: Name -> its current value, for schedules that users can change.
        jobs: The jobs that can run; by default all imported jobs.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        outside: Outside,
        *,
        on_event: Mapping[type[Event], tuple[Trigger, ...]],
        schedule: Sequence[Schedule],
        setting: ReadSetting,
        jobs: Mapping[str, Job] | None = None,
        slots: int = SLOTS,
    ) -> None:
        import dramatiq

        jobs = REGISTRY if jobs is None else jobs
        self._slots = Slots(slots)
        self.stopping = self._slots.stopping
        self.board = TaskBoard(config.jobs_path)
        self.broker = make_broker(str(config["jobs.broker_url"]), self.board, self._slots)
        self.enqueue = Enqueuer(self.broker, jobs)
        self._database = database
        declare_jobs(
            self.broker,
            jobs,
            Deps(database=database, outside=outside, config=config, enqueue=self.enqueue, board=self.board),
            stopping=self.stopping,
        )
        self._threads = dramatiq.Worker(self.broker, worker_threads=self._slots.total, worker_timeout=_JOB_POLL_MS)
        self._dispatcher = Dispatcher(database, self.enqueue, on_event)
        self._dispatching = threading.Thread(target=self._dispatcher.run, args=(self.stopping,), name="dispatcher")
        self._clock = Clock(
            self.board,
            self.enqueue,
            schedule,
            zone=time_zone(str(config["jobs.time_zone"])),
            overrides=lambda: _overrides(schedule, setting),
        )
        self._catalogue = {known.name: (known.title, known.queue) for known in jobs.values()}
        self._board_replaced = self.board.replaced
        self._clock_set_back = clock.SetBack()
        self._seen: object = None
        self._refreshed_at = 0.0
        self._busy_ticks = 0

    def start(self) -> None:
        """Start working."""
        self.broker.emit_after("process_boot")
        self._database.after_commit(self._dispatcher.wake)
        self._threads.start()
        self._dispatching.start()
        self._clock.keep_trying(self.stopping)
        logger.info("worker started", extra={"pid": os.getpid(), "slots": self._threads.worker_threads})

    def tick(self) -> None:
        """Handle requests from the tasks page and changed settings."""
        for ask in self.board.asks():
            known = self.enqueue.knows(ask.job)
            if known is not None:
                self.enqueue(ask.job, ask.params, dedup=known.key(**ask.params), cause=ask.cause)
            else:
                logger.warning("requested job does not exist", extra={"job": ask.job})
            self.board.settle(ask)
        if self.board.replaced != self._board_replaced:
            self._board_replaced = self.board.replaced
            self.board.write_catalogue(self._catalogue)
            self._clock.write_again()
        if self._clock_set_back.look():
            self._clock.refresh(all_times=True)
        if (paused := self.board.paused()) != self._slots.paused:
            self._slots.paused = paused
            self._slots.wake()
        if self._slots.busy:
            self._busy_ticks += 1
        else:
            if self._busy_ticks >= _LONG_TICKS:
                _return_memory()
            self._busy_ticks = 0
        if clock.monotonic_s() - self._refreshed_at >= _REFRESH_EVERY_S:
            seen = data_version(self._database)
            if seen != self._seen:
                self._seen, self._refreshed_at = seen, clock.monotonic_s()
                self._clock.refresh()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Let running jobs finish in time, return the rest, and unregister the worker."""
        self.stopping.set()
        self._dispatcher.wake()
        self._clock.stop()
        self._threads.stop(timeout=int(grace_s * 1000))
        if self._dispatching.ident is not None:
            self._dispatching.join(1.0)
        self.broker.close()
        self.board.close()


def run(
    config: Config,
    database: Database,
    outside: Outside,
    *,
    on_event: Mapping[type[Event], tuple[Trigger, ...]],
    schedule: Sequence[Schedule],
    setting: ReadSetting,
    at_start: Sequence[str] = (),
    beside: Sequence[Callable[[threading.Event], None]] = (),
) -> int:
    """Work until SIGTERM or SIGINT and return the exit code. A second signal ends the process immediately.

    Args:
        setting: See `Worker`.
        at_start: Jobs to queue at the start.
        beside: Functions to run in separate threads until the event passed to them is set.
    """
    lower_priority()
    worker = Worker(config, database, outside, on_event=on_event, schedule=schedule, setting=setting)
    _stop_on_signals(worker.stopping)
    worker.start()
    for name in at_start:
        worker.enqueue(name, {}, dedup=dedup_key(name, {}), cause="start of the worker")
    for run_beside in beside:
        threading.Thread(target=run_beside, args=(worker.stopping,), name=run_beside.__name__, daemon=True).start()
    while not worker.stopping.wait(_TICK_S):
        try:
            worker.tick()
        except Exception:
            # This loop must survive any error, because a full disk or a locked file may only be temporary.
            logger.exception("the worker could not check for requests")
            worker.stopping.wait(5)
    worker.stop()
    database.close()
    logger.info("worker stopped")
    logging.shutdown()
    # A job stuck in a system call must not keep the process alive; its message has been returned and is delivered again.
    os._exit(0)


def _stop_on_signals(stopping: threading.Event) -> None:
    def stop(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _return_memory() -> None:
    """Return freed memory to the system; glibc by itself only returns what is free at the end of its heaps."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # musl and macOS have no such function
        trim(0)


def _overrides(schedule: Sequence[Schedule], setting: ReadSetting) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for entry in schedule:
        if entry.setting:
            value = setting(entry.setting)
            found[entry.key] = _cron_of(value, entry.at_least)
    return found


def _cron_of(value: object, at_least: int) -> str | None:
    """Return the cron expression of a setting: an interval in minutes or an expression; 0 and empty turn it off."""
    if isinstance(value, int):
        return every_minutes(max(value, at_least)) if value else None
    return str(value or "") or None


def lower_priority() -> None:
    """Lower the priority of the process, so that scans do not slow down the web process and media players."""
    try:
        os.nice(_NICENESS)
    except OSError as error:
        logger.info("the worker runs at normal priority", extra={"error": str(error)})
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        libc: Any = ctypes.CDLL(None, use_errno=True)
        # 1: this process. Threads started later inherit it. Some sandboxes refuse this, which does no harm.
        libc.syscall(number, 1, 0, _BEST_EFFORT_LOWEST)

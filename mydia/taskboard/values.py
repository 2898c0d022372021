"""Values of the task board: runs of jobs, the schedule, queues and workers."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec


class RunState(StrEnum):
    """The state of a run."""

    QUEUED = "queued"
    """Waiting for a free slot."""
    DELAYED = "delayed"
    """Waiting for its due time: scheduled for later, or backing off after a failure."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Raised an error and has no retries left, or a retry would not help. Kept with its error; can be retried."""
    CANCELLED = "cancelled"
    DEAD = "dead"
    """Its worker process died too often, or the job does not exist. Kept with the reason; can be retried."""


WAITING = (RunState.QUEUED, RunState.DELAYED)
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.DEAD)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a job, including all its attempts."""

    id: str
    job: str
    title: str
    queue: str
    params: dict[str, Any]
    cause: str | None
    """Why it was queued: `FileAdded by ada`, `schedule`, `run now by ada`."""
    state: RunState
    queued_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    """1 during the first attempt; 0 before it."""
    done: int | None
    total: int | None
    note: str | None
    result: str | None
    """The outcome in a few words: `2 grabbed`."""
    error: str | None
    traceback: str | None
    worker_pid: int | None
    cancel_asked: bool

    def took_s(self, now: datetime) -> float | None:
        """Return the duration of the last attempt in seconds, up to `now` while it runs."""
        return None if self.started_at is None else ((self.finished_at or now) - self.started_at).total_seconds()

    def percent(self) -> int | None:
        """Return progress in whole percent, or None when the total is unknown."""
        return None if self.done is None or not self.total else min(100, 100 * self.done // self.total)

    def left_s(self, now: datetime) -> float | None:
        """Return the estimated remaining seconds."""
        if self.state != RunState.RUNNING or self.started_at is None or not self.done or not self.total:
            return None
        return (now - self.started_at).total_seconds() * (self.total - self.done) / self.done


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A job on the schedule."""

    name: str
    job: str
    title: str
    params: dict[str, Any]
    """The params it is started with by a user."""
    cron: str | None
    """The current cron expression, in local time; None if disabled."""
    default_cron: str
    next_at: datetime | None
    fired_at: datetime | None
    last: Run | None
    """The latest run of this job, in any state and however it was started."""


class QueueDepth(msgspec.Struct, frozen=True, kw_only=True):
    """Number of runs in one queue, by state."""

    queue: str
    queued: int
    delayed: int
    running: int
    failed: int
    """Failed and dead runs that have not been pruned."""


class WorkerProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A live worker process."""

    id: str
    pid: int
    slots: int
    queues: dict[str, int]
    """Queue -> maximum number of its jobs that run concurrently."""
    started_at: datetime


class Glance(msgspec.Struct, frozen=True):
    """What every page shows of the board."""

    workers: int
    """Live worker processes."""
    paused: bool
    failed: int
    """Runs that failed and have not been started again."""


class Total(msgspec.Struct, frozen=True):
    """How often a job ended in one state since the board was created; never pruned, for counters."""

    job: str
    state: RunState
    runs: int
    seconds: float


class Ask(msgspec.Struct, frozen=True):
    """A request to run a job now; the worker queues it as a message."""

    seq: int
    job: str
    params: dict[str, Any]
    cause: str


def to_ms(instant: datetime) -> int:
    """Return milliseconds since 1970, the board's format of instants."""
    return int(instant.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    """Return the aware instant of `to_ms`."""
    return datetime.fromtimestamp(value / 1000, UTC)


def from_optional_ms(value: int | None) -> datetime | None:
    """Return `from_ms`, or None for None."""
    return None if value is None else from_ms(value)

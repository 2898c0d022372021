"""The task board: jobs that are waiting, running and finished, and the schedule.

It is separate from `jobs` so that the web can list and cancel runs without importing a broker. With the SQLite broker its
rows are the queue itself; with Redis or RabbitMQ they are a log of it, written by the worker.
"""

from mydia.taskboard.board import TaskBoard
from mydia.taskboard.file import KEEP_DONE_PER_JOB, JobsFile, Presence, count
from mydia.taskboard.values import (
    ENDED,
    WAITING,
    Ask,
    Glance,
    QueueDepth,
    Run,
    RunState,
    Scheduled,
    Total,
    WorkerProcess,
    from_ms,
    to_ms,
)

__all__ = [
    "ENDED",
    "KEEP_DONE_PER_JOB",
    "WAITING",
    "Ask",
    "Glance",
    "JobsFile",
    "Presence",
    "QueueDepth",
    "Run",
    "RunState",
    "Scheduled",
    "TaskBoard",
    "Total",
    "WorkerProcess",
    "count",
    "from_ms",
    "to_ms",
]

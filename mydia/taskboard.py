"""What runs, ran and will run: the rows of `jobs.db`, readable and steerable from every process.

It stands beside `events` so that the web may show and cancel runs without importing `jobs` or any broker. With the
SQLite broker these rows *are* the queue; with Redis or RabbitMQ they are its diary, written by the worker.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from mydia import clock
from mydia.db.engine import sqlite_module
from mydia.errors import Conflict, NotFound
from mydia.private import private

KEEP_ENDED = timedelta(days=7)
KEEP_DONE_PER_JOB = 500
"""Successful runs kept of one job: a monitor that runs every five seconds would otherwise fill the board."""

_BUSY_TIMEOUT_MS = 10_000
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    params TEXT NOT NULL,
    options TEXT,
    cause TEXT,
    dedup TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued','delayed','running','done','failed','cancelled','dead')),
    queued_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    claim INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    pid INTEGER,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    progress_done INTEGER,
    progress_total INTEGER,
    progress_note TEXT,
    result TEXT,
    error TEXT,
    traceback TEXT
);
CREATE INDEX runs_queued ON runs (queue, priority, seq) WHERE state = 'queued';
CREATE INDEX runs_delayed ON runs (due_at) WHERE state = 'delayed';
CREATE INDEX runs_running ON runs (worker) WHERE state = 'running';
CREATE INDEX runs_running_dedup ON runs (dedup) WHERE state = 'running';
CREATE UNIQUE INDEX runs_dedup ON runs (dedup) WHERE dedup IS NOT NULL AND state IN ('queued', 'delayed');
CREATE INDEX runs_ended ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_failed ON runs (queue) WHERE state IN ('failed', 'dead');
CREATE INDEX runs_of_job ON runs (job, seq);
CREATE TABLE totals (
    job TEXT NOT NULL, state TEXT NOT NULL, runs INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (job, state)
) WITHOUT ROWID;
CREATE TABLE catalogue (
    job TEXT PRIMARY KEY, title TEXT NOT NULL, queue TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE schedule (
    name TEXT PRIMARY KEY, job TEXT NOT NULL, params TEXT NOT NULL, title TEXT NOT NULL,
    cron TEXT, default_cron TEXT NOT NULL, position INTEGER NOT NULL,
    next_at INTEGER, fired_at INTEGER, fired_key TEXT
) WITHOUT ROWID;
CREATE TABLE asks (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, params TEXT NOT NULL, cause TEXT NOT NULL);
CREATE TABLE workers (
    id TEXT PRIMARY KEY, pid INTEGER NOT NULL, slots INTEGER NOT NULL, queues TEXT NOT NULL, started_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """Waits for a free slot."""
    DELAYED = "delayed"
    """Waits for its time: asked for later, or backing off after a failure."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Raised, and its retries are used up or would be of no use. Kept with its error; may be started again."""
    CANCELLED = "cancelled"
    DEAD = "dead"
    """Its worker process died under it too often, or no such job exists. Kept with the reason; may be started again."""


WAITING = (RunState.QUEUED, RunState.DELAYED)
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.DEAD)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job, with all its attempts."""

    id: str
    job: str
    title: str
    queue: str
    params: dict[str, Any]
    cause: str | None
    """Why it exists: `FileAdded by ada`, `schedule`, `run now by ada`."""
    state: RunState
    queued_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    """1 in the first attempt; 0 before it."""
    done: int | None
    total: int | None
    note: str | None
    result: str | None
    """What came of it, in a few words: `2 grabbed`."""
    error: str | None
    traceback: str | None
    worker_pid: int | None
    cancel_asked: bool

    def took_s(self, now: datetime) -> float | None:
        """Return the seconds the last attempt took, or takes until `now`."""
        return None if self.started_at is None else ((self.finished_at or now) - self.started_at).total_seconds()

    def percent(self) -> int | None:
        """Return progress in whole percent, or None where the end is not known."""
        return None if self.done is None or not self.total else min(100, 100 * self.done // self.total)

    def left_s(self, now: datetime) -> float | None:
        """Return the seconds left if it goes on as fast as so far."""
        if self.state != RunState.RUNNING or self.started_at is None or not self.done or not self.total:
            return None
        return (now - self.started_at).total_seconds() * (self.total - self.done) / self.done


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job that the clock starts."""

    name: str
    job: str
    title: str
    params: dict[str, Any]
    cron: str | None
    """The cron line in force, in local time; None when switched off."""
    default_cron: str
    next_at: datetime | None
    fired_at: datetime | None
    last: Run | None
    """The newest run of this job, waiting, running or ended, whoever started it."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How full one queue is."""

    queue: str
    queued: int
    delayed: int
    running: int
    failed: int
    """Failed and dead, still kept."""


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker process that is alive."""

    id: str
    pid: int
    slots: int
    queues: dict[str, int]
    """Queue -> how many of its jobs may run at once."""
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """How often a job ended in a way since the board was made; never pruned, for counters."""

    job: str
    state: RunState
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """A person's wish to have a job run now; the worker turns it into a message."""

    seq: int
    job: str
    params: dict[str, Any]
    cause: str


def to_ms(instant: datetime) -> int:
    """Return milliseconds since 1970, the form in which the board keeps instants."""
    return int(instant.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    """Return the aware instant of `to_ms`."""
    return datetime.fromtimestamp(value / 1000, UTC)


def _from_ms(value: int | None) -> datetime | None:
    return None if value is None else from_ms(value)


class TaskBoard:
    """A handle on `jobs.db`. One connection, one lock; open it once per process.

    Args:
        path: The file; it and its folder are made when missing. It must lie on a local disk: NFS has no dependable locks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.locks = path.with_name(f"{path.name}-workers")
        self._lock = threading.RLock()
        self._connection: Any = None

    # --- plumbing, shared with the broker ---

    def _open(self) -> Any:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite_module().connect(
                str(private(self.path)), timeout=_BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
            for pragma in (
                f"busy_timeout={_BUSY_TIMEOUT_MS}",
                "journal_mode=wal",
                # NORMAL may lose the last commits when power fails, never on a kill; sweeps find the work again.
                "synchronous=normal",
                "temp_store=memory",
                "cache_size=-2000",
                "journal_size_limit=8388608",
            ):
                connection.execute(f"PRAGMA {pragma}")
            self._migrate(connection)
            self._connection = connection
        return self._connection

    def _migrate(self, connection: Any) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] == _SCHEMA_VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Web and worker start together: whoever comes second finds the tables there.
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    @contextmanager
    def writes(self) -> Iterator[Any]:
        """Yield the connection inside a write transaction; commits at the end, rolls back on any exception."""
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Run one reading statement and return its rows."""
        with self._lock:
            return self._open().execute(sql, params).fetchall()  # type: ignore[no-any-return]

    def version(self) -> int:
        """Return a number that changes when another process commits; nearly free, for polling."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # --- reading ---

    _RUN = (
        "SELECT r.id, r.job, coalesce(c.title, r.job), r.queue, r.params, r.cause, r.state, r.queued_at, r.due_at, "
        "r.started_at, r.finished_at, r.attempt, r.progress_done, r.progress_total, r.progress_note, r.result, r.error, "
        "r.traceback, r.pid, r.cancel_asked FROM runs r LEFT JOIN catalogue c ON c.job = r.job "
    )

    _LAST = (
        "WHERE r.seq IN (SELECT max(x.seq) FROM runs x WHERE x.job IN (SELECT s.job FROM schedule s) GROUP BY x.job)"
    )

    # One part for each partial index: the table itself, with its texts, is not read.
    _DEPTH = " UNION ALL ".join(
        f"SELECT queue, '{state}', count(*) FROM runs WHERE {where} GROUP BY queue"  # noqa: S608  constants
        for state, where in (
            ("queued", "state = 'queued'"),
            ("delayed", "state = 'delayed'"),
            ("running", "state = 'running'"),
            ("failed", "state IN ('failed', 'dead')"),
        )
    )

    @staticmethod
    def _run(row: Sequence[Any]) -> Run:
        return Run(
            id=row[0],
            job=row[1],
            title=row[2],
            queue=row[3],
            params=json.loads(row[4]),
            cause=row[5],
            state=RunState(row[6]),
            queued_at=from_ms(row[7]),
            due_at=from_ms(row[8]),
            started_at=_from_ms(row[9]),
            finished_at=_from_ms(row[10]),
            attempt=row[11],
            done=row[12],
            total=row[13],
            note=row[14],
            result=row[15],
            error=row[16],
            traceback=row[17],
            worker_pid=row[18],
            cancel_asked=bool(row[19]),
        )

    def get(self, run_id: str) -> Run:
        """Return one run.

        Raises:
            NotFound: It never was, or has been pruned.
        """
        found = self.rows(self._RUN + "WHERE r.id = ?", (run_id,))
        if not found:
            raise NotFound("This run is not on the board (any more).")
        return self._run(found[0])

    def running(self) -> list[Run]:
        """Return what runs now, longest first."""
        return [self._run(row) for row in self.rows(self._RUN + "WHERE r.state = 'running' ORDER BY r.started_at")]

    def waiting(self, limit: int = 100) -> list[Run]:
        """Return what waits for a slot or for its time, next first."""
        return [
            self._run(row)
            for row in self.rows(
                self._RUN + "WHERE r.state IN ('queued', 'delayed') ORDER BY r.state DESC, r.due_at, r.seq LIMIT ?",
                (limit,),
            )
        ]

    def recent(
        self, limit: int = 50, before: str | None = None, *, states: Sequence[RunState] = ENDED, job: str | None = None
    ) -> list[Run]:
        """Return runs that have ended, newest first.

        Args:
            before: The id of the last run of the page before.
            states: Only these outcomes.
            job: Only runs of this job.
        """
        where = [f"r.finished_at IS NOT NULL AND r.state IN ({', '.join('?' * len(states))})"]
        values: list[Any] = list(states)
        if job is not None:
            where.append("r.job = ?")
            values.append(job)
        if before is not None:
            where.append("(r.finished_at, r.seq) < (SELECT b.finished_at, b.seq FROM runs b WHERE b.id = ?)")
            values.append(before)
        sql = self._RUN + f"WHERE {' AND '.join(where)} ORDER BY r.finished_at DESC, r.seq DESC LIMIT ?"
        return [self._run(row) for row in self.rows(sql, (*values, limit))]

    def queue_depth(self) -> list[QueueDepth]:
        """Return how many runs wait, run and have failed, for each queue that has any or is served by a worker."""
        counted = {(row[0], row[1]): row[2] for row in self.rows(self._DEPTH)}
        served = {queue for worker in self.workers() for queue in worker.queues}
        return [
            QueueDepth(
                queue=queue,
                queued=counted.get((queue, "queued"), 0),
                delayed=counted.get((queue, "delayed"), 0),
                running=counted.get((queue, "running"), 0),
                failed=counted.get((queue, "failed"), 0),
            )
            for queue in sorted({name for name, _ in counted} | served)
        ]

    def totals(self) -> list[Total]:
        """Return how many runs ended, and how long they took, by job and outcome, since the board was made."""
        return [
            Total(row[0], RunState(row[1]), row[2], row[3])
            for row in self.rows("SELECT job, state, runs, seconds FROM totals ORDER BY job, state")
        ]

    def scheduled(self) -> list[Scheduled]:
        """Return what the clock starts, in the order of the trigger table, with its last and next run."""
        last = {
            run.job: run
            for run in map(
                self._run,
                self.rows(self._RUN + self._LAST),
            )
        }
        return [
            Scheduled(
                name=row[0],
                job=row[1],
                title=row[2],
                params=json.loads(row[3]),
                cron=row[4],
                default_cron=row[5],
                next_at=_from_ms(row[6]),
                fired_at=_from_ms(row[7]),
                last=last.get(row[1]),
            )
            for row in self.rows(
                "SELECT name, job, title, params, cron, default_cron, next_at, fired_at FROM schedule ORDER BY position"
            )
        ]

    def workers(self) -> list[WorkerProcess]:
        """Return the worker processes that are alive; an empty list means that nothing is being done."""
        return [
            WorkerProcess(row[0], row[1], row[2], json.loads(row[3]), from_ms(row[4]))
            for row in self.rows("SELECT id, pid, slots, queues, started_at FROM workers ORDER BY started_at")
            if self.is_alive(row[0])
        ]

    def paused(self) -> bool:
        """Tell whether a person has paused the workers."""
        return bool(self.rows("SELECT 1 FROM flags WHERE name = 'paused'"))

    # --- steering, for people ---

    def cancel(self, run_id: str) -> RunState:
        """Cancel a run: at once while it waits, at its next look at `cancelled()` while it runs.

        Returns:
            `cancelled`, or `running` while the job has yet to notice.

        Raises:
            NotFound: There is no such run.
            Conflict: It has already ended.
        """
        with self.writes() as connection:
            row = connection.execute("SELECT state, job FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise NotFound("This run is not on the board (any more).")
            if row[0] in WAITING:
                now = to_ms(clock.now())
                connection.execute(
                    "UPDATE runs SET state = 'cancelled', finished_at = ?, cancel_asked = 1 WHERE id = ?", (now, run_id)
                )
                count(connection, row[1], RunState.CANCELLED, 0.0)
                return RunState.CANCELLED
            if row[0] != RunState.RUNNING:
                raise Conflict("This run has already ended.")
            connection.execute("UPDATE runs SET cancel_asked = 1 WHERE id = ?", (run_id,))
            return RunState.RUNNING

    def retry_dead(self, run_id: str, by: str | None = None) -> None:
        """Put a failed, dead or cancelled run back on its queue, with all its attempts before it again.

        Args:
            by: Who asks, for the run's cause.

        Raises:
            NotFound: There is no such run.
            Conflict: It has not ended, has succeeded, or the same job already waits.
        """
        run = self.get(run_id)
        if run.state not in (RunState.FAILED, RunState.DEAD, RunState.CANCELLED):
            raise Conflict("Only a run that failed or was cancelled can be started again.")
        cause = f"tried again by {by}" if by else "tried again"
        with self.writes() as connection:
            ours = connection.execute("SELECT options IS NOT NULL FROM runs WHERE id = ?", (run_id,)).fetchone()
            if not (ours and ours[0]):
                connection.execute(
                    "INSERT INTO asks (job, params, cause) VALUES (?, ?, ?)", (run.job, json.dumps(run.params), cause)
                )
                return
            changed = connection.execute(
                "UPDATE OR IGNORE runs SET state = 'queued', due_at = ?, cause = ?, finished_at = NULL, attempt = 0, "
                "deaths = 0, cancel_asked = 0, options = '{}', error = NULL, traceback = NULL, result = NULL, "
                "progress_done = NULL, progress_total = NULL, progress_note = NULL WHERE id = ?",
                (to_ms(clock.now()), cause, run_id),
            ).rowcount
        if not changed:
            raise Conflict("The same job is already waiting.")

    def run_now(self, job: str, params: Mapping[str, Any] | None = None, by: str | None = None) -> None:
        """Ask the worker to run a job at once. It is a wish that survives until a worker is there.

        Args:
            by: Who asks, for the run's cause.
        """
        cause = f"run now by {by}" if by else "run now"
        with self.writes() as connection:
            connection.execute(
                "INSERT INTO asks (job, params, cause) VALUES (?, ?, ?)", (job, json.dumps(dict(params or {})), cause)
            )

    def set_paused(self, paused: bool) -> None:
        """Have workers start nothing new, or go on; what runs is finished."""
        with self.writes() as connection:
            if paused:
                connection.execute("INSERT OR REPLACE INTO flags VALUES ('paused', '1')")
            else:
                connection.execute("DELETE FROM flags WHERE name = 'paused'")

    # --- for the worker process ---

    def asks(self) -> list[Ask]:
        """Return the wishes of people that are not yet messages."""
        return [
            Ask(row[0], row[1], json.loads(row[2]), row[3])
            for row in self.rows("SELECT seq, job, params, cause FROM asks ORDER BY seq")
        ]

    def settle(self, ask: Ask) -> None:
        """Forget a wish that has become a message."""
        with self.writes() as connection:
            connection.execute("DELETE FROM asks WHERE seq = ?", (ask.seq,))

    def write_catalogue(self, jobs: Mapping[str, tuple[str, str]]) -> None:
        """Keep the titles and queues of all jobs for processes that do not load them: job -> (title, queue)."""
        with self.writes() as connection:
            connection.execute("DELETE FROM catalogue")
            connection.executemany(
                "INSERT INTO catalogue VALUES (?, ?, ?)", [(name, *rest) for name, rest in jobs.items()]
            )

    def write_progress(self, run_id: str, done: int, total: int | None, note: str | None) -> None:
        """Note how far a running run has come."""
        with self.writes() as connection:
            connection.execute(
                "UPDATE runs SET progress_done = ?, progress_total = ?, progress_note = ? WHERE id = ? AND state = 'running'",
                (done, total, note, run_id),
            )

    def is_cancel_asked(self, run_id: str) -> bool:
        """Tell whether a person wants this run to stop."""
        return bool(self.rows("SELECT 1 FROM runs WHERE id = ? AND cancel_asked = 1", (run_id,)))

    def prune(self, now: datetime, *, keep: timedelta = KEEP_ENDED, keep_done_per_job: int = KEEP_DONE_PER_JOB) -> int:
        """Delete runs that ended long ago, and all but the newest successes of busy jobs; return how many."""
        jobs = [row[0] for row in self.rows("SELECT DISTINCT job FROM runs")]
        with self.writes() as connection:
            removed = int(connection.execute("DELETE FROM runs WHERE finished_at < ?", (to_ms(now - keep),)).rowcount)
        for job in jobs:
            # One short transaction for each job: the broker's writers wait no longer than that.
            with self.writes() as connection:
                removed += int(
                    connection.execute(
                        "DELETE FROM runs WHERE job = ?1 AND state = 'done' AND seq <= (SELECT seq FROM runs "
                        "WHERE job = ?1 AND state = 'done' ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                        (job, keep_done_per_job),
                    ).rowcount
                )
        return removed

    # --- liveness: the kernel drops a file lock at any death, so no heartbeat is needed and long jobs are no trap ---

    def sign_on(self, slots: int, queues: Mapping[str, int]) -> Presence:
        """Register this process as a worker; it counts as alive until `Presence.leave` or its death."""
        self.locks.mkdir(parents=True, exist_ok=True)
        presence = Presence(self, clock.new_id())
        with self.writes() as connection:
            gone = [row[0] for row in connection.execute("SELECT id FROM workers") if not self.is_alive(row[0])]
            connection.executemany("DELETE FROM workers WHERE id = ?", [(worker,) for worker in gone])
            for worker in gone:
                # Only files with a row: one without may be that of a worker about to take its lock.
                (self.locks / f"{worker}.lock").unlink(missing_ok=True)
            connection.execute(
                "INSERT INTO workers VALUES (?, ?, ?, ?, ?)",
                (presence.id, os.getpid(), slots, json.dumps(dict(queues)), to_ms(clock.now())),
            )
        return presence

    def is_alive(self, worker: str) -> bool:
        """Tell whether the process that signed on under this id still lives."""
        try:
            descriptor = os.open(self.locks / f"{worker}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def forget(self, worker: str) -> None:
        """Remove what a dead worker left."""
        (self.locks / f"{worker}.lock").unlink(missing_ok=True)
        with self.writes() as connection:
            connection.execute("DELETE FROM workers WHERE id = ?", (worker,))


class Presence:
    """Proof of life of one worker process: an exclusive lock on its own file."""

    def __init__(self, board: TaskBoard, identifier: str) -> None:
        self.id = identifier
        self._board = board
        self._descriptor = os.open(board.locks / f"{identifier}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Sign off in good order."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._board.forget(self.id)


def count(connection: Any, job: str, state: RunState, seconds: float) -> None:
    """Add one ended run to the totals, inside the transaction that ends it."""
    connection.execute(
        "INSERT INTO totals VALUES (?, ?, 1, ?) "
        "ON CONFLICT DO UPDATE SET runs = runs + 1, seconds = seconds + excluded.seconds",
        (job, state, seconds),
    )

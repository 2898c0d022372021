"""The file of the task board, `jobs.db`, for the worker and the broker."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mydia import clock
from mydia.db.sqlite_file import SqliteFile
from mydia.taskboard.values import Ask, RunState, to_ms

KEEP_ENDED = timedelta(days=7)
KEEP_DONE_PER_JOB = 500
"""Successful runs kept per job, because a monitor that runs every five seconds would otherwise fill the board."""

_BUSY_TIMEOUT_S = 10.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
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
CREATE INDEX IF NOT EXISTS runs_queued ON runs (queue, priority, seq) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS runs_delayed ON runs (due_at) WHERE state = 'delayed';
CREATE INDEX IF NOT EXISTS runs_running ON runs (worker) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS runs_running_dedup ON runs (dedup) WHERE state = 'running';
CREATE UNIQUE INDEX IF NOT EXISTS runs_dedup ON runs (dedup) WHERE dedup IS NOT NULL AND state IN ('queued', 'delayed');
CREATE INDEX IF NOT EXISTS runs_ended ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_failed ON runs (queue) WHERE state IN ('failed', 'dead');
CREATE INDEX IF NOT EXISTS runs_of_job ON runs (job, seq);
CREATE TABLE IF NOT EXISTS totals (
    job TEXT NOT NULL, state TEXT NOT NULL, runs INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (job, state)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS catalogue (
    job TEXT PRIMARY KEY, title TEXT NOT NULL, queue TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schedule (
    name TEXT PRIMARY KEY, job TEXT NOT NULL, params TEXT NOT NULL, title TEXT NOT NULL,
    cron TEXT, default_cron TEXT NOT NULL, position INTEGER NOT NULL,
    next_at INTEGER, fired_at INTEGER, fired_key TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asks (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, params TEXT NOT NULL, cause TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS workers (
    id TEXT PRIMARY KEY, pid INTEGER NOT NULL, slots INTEGER NOT NULL, queues TEXT NOT NULL, started_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class JobsFile(SqliteFile):
    """A handle on `jobs.db`; open it once per process."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, [SCHEMA], timeout_s=_BUSY_TIMEOUT_S)
        self.locks = path.with_name(f"{path.name}-workers")
        """The folder of the lock files of live workers."""

    def set_back(self, seconds: float) -> None:
        """Move delayed runs by as much as the clock was set back, so that they do not wait longer than intended."""
        moved = int(seconds * 1000)
        with self.writes() as connection:
            connection.execute(
                "UPDATE runs SET due_at = due_at - ?1, queued_at = queued_at - ?1, started_at = started_at - ?1 "
                "WHERE state = 'delayed'",
                (moved,),
            )

    def shorten_delays(self) -> None:
        """Correct delayed runs with a queue time in the future, because the clock was set back while nothing ran."""
        now = to_ms(clock.now())
        with self.writes() as connection:
            connection.execute(
                "UPDATE runs SET due_at = ?1 + max(0, due_at - max(queued_at, coalesce(started_at, 0))), "
                "queued_at = min(queued_at, ?1), started_at = min(started_at, ?1) "
                "WHERE state = 'delayed' AND max(queued_at, coalesce(started_at, 0)) > ?1 + 5000",
                (now,),
            )

    def asks(self) -> list[Ask]:
        """Return the requests to run a job now that are not yet messages."""
        return [
            Ask(row[0], row[1], json.loads(row[2]), row[3])
            for row in self.rows("SELECT seq, job, params, cause FROM asks ORDER BY seq")
        ]

    def settle(self, ask: Ask) -> None:
        """Delete a request that has been queued as a message."""
        with self.writes() as connection:
            connection.execute("DELETE FROM asks WHERE seq = ?", (ask.seq,))

    def write_catalogue(self, jobs: Mapping[str, tuple[str, str]]) -> None:
        """Store the titles and queues of all jobs for processes that do not load them: job -> (title, queue)."""
        with self.writes() as connection:
            connection.execute("DELETE FROM catalogue")
            connection.executemany(
                "INSERT INTO catalogue VALUES (?, ?, ?)", [(name, *rest) for name, rest in jobs.items()]
            )

    def write_progress(self, run_id: str, done: int, total: int | None, note: str | None) -> None:
        """Store the progress of a running run."""
        with self.writes() as connection:
            connection.execute(
                "UPDATE runs SET progress_done = ?, progress_total = ?, progress_note = ? WHERE id = ? AND state = 'running'",
                (done, total, note, run_id),
            )

    def is_cancel_asked(self, run_id: str) -> bool:
        """Return whether a user has cancelled this run."""
        return bool(self.rows("SELECT 1 FROM runs WHERE id = ? AND cancel_asked = 1", (run_id,)))

    def paused(self) -> bool:
        """Return whether an administrator has paused the workers."""
        return bool(self.rows("SELECT 1 FROM flags WHERE name = 'paused'"))

    def prune(self, now: datetime, *, keep: timedelta = KEEP_ENDED, keep_done_per_job: int = KEEP_DONE_PER_JOB) -> int:
        """Delete runs that ended before `now - keep`, and all but the newest successes of busy jobs; return their number."""
        jobs = [row[0] for row in self.rows("SELECT DISTINCT job FROM runs")]
        with self.writes() as connection:
            removed = int(connection.execute("DELETE FROM runs WHERE finished_at < ?", (to_ms(now - keep),)).rowcount)
        for job in jobs:
            # One short transaction per job, so that the broker never waits longer than that.
            with self.writes() as connection:
                removed += int(
                    connection.execute(
                        "DELETE FROM runs WHERE job = ?1 AND state = 'done' AND seq <= (SELECT seq FROM runs "
                        "WHERE job = ?1 AND state = 'done' ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                        (job, keep_done_per_job),
                    ).rowcount
                )
        return removed

    # The kernel releases a file lock however a process dies, so no heartbeat is needed and a long job does not look
    # like a dead worker.

    def sign_on(self, slots: int, queues: Mapping[str, int]) -> Presence:
        """Register this process as a worker; it counts as alive until `Presence.leave` is called or the process dies."""
        self.locks.mkdir(parents=True, exist_ok=True)
        presence = Presence(self, clock.new_id(), slots, queues)
        with self.writes() as connection:
            gone = [row[0] for row in connection.execute("SELECT id FROM workers") if not self.is_alive(row[0])]
            connection.executemany("DELETE FROM workers WHERE id = ?", [(worker,) for worker in gone])
            for worker in gone:
                # Only files with a row, because one without may belong to a worker that is about to take its lock.
                (self.locks / f"{worker}.lock").unlink(missing_ok=True)
        presence.register()
        return presence

    def is_alive(self, worker: str) -> bool:
        """Return whether the process that registered with this id is still running."""
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
        """Delete the row and lock file of a dead worker."""
        (self.locks / f"{worker}.lock").unlink(missing_ok=True)
        with self.writes() as connection:
            connection.execute("DELETE FROM workers WHERE id = ?", (worker,))


class Presence:
    """The presence of a worker process: an exclusive lock on its own file."""

    def __init__(self, board: JobsFile, identifier: str, slots: int, queues: Mapping[str, int]) -> None:
        self.id = identifier
        self._board = board
        self._row = (identifier, os.getpid(), slots, json.dumps(dict(queues)), to_ms(clock.now()))
        self._descriptor = os.open(board.locks / f"{identifier}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def register(self) -> None:
        """Write the worker's row, unless it exists."""
        with self._board.writes() as connection:
            connection.execute("INSERT OR IGNORE INTO workers VALUES (?, ?, ?, ?, ?)", self._row)

    def leave(self) -> None:
        """Unregister the worker."""
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

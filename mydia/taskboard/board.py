"""The task board for users: list, cancel and retry runs. Every function checks the caller's permission."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mydia import clock
from mydia.contexts.users import Caller, Permission
from mydia.db.sqlite_file import SqliteFile
from mydia.errors import Conflict, NotFound, Unavailable
from mydia.taskboard.file import SCHEMA, JobsFile, count
from mydia.taskboard.values import (
    ENDED,
    WAITING,
    Glance,
    QueueDepth,
    Run,
    RunState,
    Scheduled,
    Total,
    WorkerProcess,
    from_ms,
    from_optional_ms,
    to_ms,
)

_RUN = (
    "SELECT r.id, r.job, coalesce(c.title, r.job), r.queue, r.params, r.cause, r.state, r.queued_at, r.due_at, "
    "r.started_at, r.finished_at, r.attempt, r.progress_done, r.progress_total, r.progress_note, r.result, r.error, "
    "r.traceback, r.pid, r.cancel_asked FROM runs r LEFT JOIN catalogue c ON c.job = r.job "
)
_LAST = "WHERE r.seq IN (SELECT max(x.seq) FROM runs x WHERE x.job IN (SELECT s.job FROM schedule s) GROUP BY x.job)"
# One part for each partial index, so that the table with its long texts is not read.
_DEPTH = " UNION ALL ".join(
    f"SELECT queue, '{state}', count(*) FROM runs WHERE {where} GROUP BY queue"  # noqa: S608  constants
    for state, where in (
        ("queued", "state = 'queued'"),
        ("delayed", "state = 'delayed'"),
        ("running", "state = 'running'"),
        ("failed", "state IN ('failed', 'dead')"),
    )
)
_GLANCE_PATIENCE_S = 0.25
_MEDIA_QUEUE = "interactive"
"""The queue of searches and previews that users wait for. Callers who manage media may see and cancel its runs."""
_MEDIA_JOBS = frozenset({"downloads.search_wanted", "library.manual_import"})
"""Jobs that change media: starting them needs `manage_media` instead of `manage_settings`."""


class TaskBoard(JobsFile):
    """The task board of one data folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._glance = SqliteFile(path, [SCHEMA], timeout_s=_GLANCE_PATIENCE_S, parallel=True)

    def close(self) -> None:
        """Close the connections, as `SqliteFile.close` does."""
        super().close()
        self._glance.close()

    def glance(self) -> Glance | None:
        """Return what every page shows of the board. Needs no permission.

        It has connections of its own, so that pages wait neither for another program's lock nor for a thread of this
        process that does.

        Returns:
            None if the file is locked or cannot be read.
        """
        try:
            alive = [row[0] for row in self._glance.rows("SELECT id FROM workers") if self.is_alive(row[0])]
            paused = bool(self._glance.rows("SELECT 1 FROM flags WHERE name = 'paused'"))
            failed = self._glance.rows("SELECT count(*) FROM runs WHERE state IN ('failed', 'dead')")[0][0]
        except (self._glance.error, Unavailable):
            return None
        return Glance(len(alive), paused, failed)

    def get(self, caller: Caller, run_id: str) -> Run:
        """Return one run.

        Raises:
            Forbidden: The caller may not see runs of its queue.
            NotFound: The run does not exist or has been pruned.
        """
        found = self.rows(_RUN + "WHERE r.id = ?", (run_id,))
        _require(caller, job=found[0][1] if found else "", queue=found[0][3] if found else "")
        if not found:
            raise NotFound("This run does not exist or has been removed.")
        return _run(found[0])

    def running(self, caller: Caller) -> list[Run]:
        """Return running runs, longest first."""
        caller.require(Permission.MANAGE_SETTINGS)
        return [_run(row) for row in self.rows(_RUN + "WHERE r.state = 'running' ORDER BY r.started_at")]

    def waiting(self, caller: Caller, limit: int = 100) -> list[Run]:
        """Return runs that wait for a slot or for their due time, next first."""
        caller.require(Permission.MANAGE_SETTINGS)
        return [
            _run(row)
            for row in self.rows(
                _RUN + "WHERE r.state IN ('queued', 'delayed') ORDER BY r.state DESC, r.due_at, r.seq LIMIT ?",
                (limit,),
            )
        ]

    def recent(
        self,
        caller: Caller,
        limit: int = 50,
        before: str | None = None,
        *,
        states: Sequence[RunState] = ENDED,
        job: str | None = None,
    ) -> list[Run]:
        """Return runs that have ended, newest first.

        Args:
            before: The id of the last run of the previous page.
            states: Only these outcomes.
            job: Only runs of this job.
        """
        caller.require(Permission.MANAGE_SETTINGS)
        where = [f"r.finished_at IS NOT NULL AND r.state IN ({', '.join('?' * len(states))})"]
        values: list[Any] = list(states)
        if job is not None:
            where.append("r.job = ?")
            values.append(job)
        if before is not None:
            where.append("(r.finished_at, r.seq) < (SELECT b.finished_at, b.seq FROM runs b WHERE b.id = ?)")
            values.append(before)
        sql = _RUN + f"WHERE {' AND '.join(where)} ORDER BY r.finished_at DESC, r.seq DESC LIMIT ?"
        return [_run(row) for row in self.rows(sql, (*values, limit))]

    def queue_depth(self, caller: Caller) -> list[QueueDepth]:
        """Return the number of waiting, running and failed runs for each queue that has any or has a worker."""
        caller.require(Permission.MANAGE_SETTINGS)
        counted = {(row[0], row[1]): row[2] for row in self.rows(_DEPTH)}
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

    def totals(self, caller: Caller) -> list[Total]:
        """Return the number and total duration of ended runs by job and outcome, since the board was created."""
        caller.require(Permission.MANAGE_SETTINGS)
        return [
            Total(row[0], RunState(row[1]), row[2], row[3])
            for row in self.rows("SELECT job, state, runs, seconds FROM totals ORDER BY job, state")
        ]

    def scheduled(self, caller: Caller) -> list[Scheduled]:
        """Return the schedule in the order of the trigger table, with the last and the next run of each job."""
        caller.require(Permission.MANAGE_SETTINGS)
        last = {run.job: run for run in map(_run, self.rows(_RUN + _LAST))}
        return [
            Scheduled(
                name=row[0],
                job=row[1],
                title=row[2],
                params=json.loads(row[3]),
                cron=row[4],
                default_cron=row[5],
                next_at=from_optional_ms(row[6]),
                fired_at=from_optional_ms(row[7]),
                last=last.get(row[1]),
            )
            for row in self.rows(
                "SELECT name, job, title, params, cron, default_cron, next_at, fired_at FROM schedule ORDER BY position"
            )
        ]

    def workers(self) -> list[WorkerProcess]:
        """Return the live worker processes; an empty list means that no job runs. Needs no permission."""
        return [
            WorkerProcess(id=row[0], pid=row[1], slots=row[2], queues=json.loads(row[3]), started_at=from_ms(row[4]))
            for row in self.rows("SELECT id, pid, slots, queues, started_at FROM workers ORDER BY started_at")
            if self.is_alive(row[0])
        ]

    def cancel(self, caller: Caller, run_id: str) -> RunState:
        """Cancel a run: immediately while it waits, the next time it checks `cancelled()` while it runs.

        Returns:
            `cancelled`, or `running` while the job has yet to notice.

        Raises:
            Forbidden: The caller may not cancel runs of its queue.
            NotFound: The run does not exist.
            Conflict: It has already ended.
        """
        self.get(caller, run_id)
        with self.writes() as connection:
            state, job = connection.execute("SELECT state, job FROM runs WHERE id = ?", (run_id,)).fetchone()
            if state in WAITING:
                now = to_ms(clock.now())
                connection.execute(
                    "UPDATE runs SET state = 'cancelled', finished_at = ?, cancel_asked = 1 WHERE id = ?", (now, run_id)
                )
                count(connection, job, RunState.CANCELLED, 0.0)
                return RunState.CANCELLED
            if state != RunState.RUNNING:
                raise Conflict("This run has already ended.")
            connection.execute("UPDATE runs SET cancel_asked = 1 WHERE id = ?", (run_id,))
            return RunState.RUNNING

    def retry_dead(self, caller: Caller, run_id: str) -> None:
        """Put a failed, dead or cancelled run back on its queue with all its attempts.

        Raises:
            Forbidden: The caller may not start runs of its queue.
            NotFound: The run does not exist.
            Conflict: It has not ended, has succeeded, or the same job already waits.
        """
        run = self.get(caller, run_id)
        if run.state not in (RunState.FAILED, RunState.DEAD, RunState.CANCELLED):
            raise Conflict("Only a run that failed or was cancelled can be started again.")
        cause = f"retried by {caller.name}"
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

    def run_now(self, caller: Caller, job: str, params: Mapping[str, Any] | None = None) -> None:
        """Request that the worker runs a job now. The request is stored until a worker is running.

        Raises:
            Forbidden: The caller may not start this job.
        """
        caller.require(Permission.MANAGE_MEDIA if job in _MEDIA_JOBS else Permission.MANAGE_SETTINGS)
        with self.writes() as connection:
            connection.execute(
                "INSERT INTO asks (job, params, cause) VALUES (?, ?, ?)",
                (job, json.dumps(dict(params or {})), f"run now by {caller.name}"),
            )

    def set_paused(self, caller: Caller, paused: bool) -> None:
        """Pause or resume the workers. Running jobs finish."""
        caller.require(Permission.MANAGE_SETTINGS)
        with self.writes() as connection:
            if paused:
                connection.execute("INSERT OR REPLACE INTO flags VALUES ('paused', '1')")
            else:
                connection.execute("DELETE FROM flags WHERE name = 'paused'")


def _require(caller: Caller, *, job: str, queue: str) -> None:
    if (queue == _MEDIA_QUEUE or job in _MEDIA_JOBS) and caller.can(Permission.MANAGE_MEDIA):
        return
    caller.require(Permission.MANAGE_SETTINGS)


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
        started_at=from_optional_ms(row[9]),
        finished_at=from_optional_ms(row[10]),
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

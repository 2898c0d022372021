"""A dramatiq broker on SQLite: the rows of the task board are the queue.

Guarantees, each with a test: messages of a killed worker are delivered again (a kernel file lock shows which workers are
alive); delays and retries survive restarts and clock changes; priorities; for each deduplication key at most one run waits
and one runs; a message that kills its workers ends as `dead`; failures are kept with their error; messages of other
processes are seen within one poll.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import dramatiq
from dramatiq.errors import QueueJoinTimeout, QueueNotFound

from mydia import clock
from mydia.db.engine import sqlite_module
from mydia.jobs.broker import AttemptFailed, HandedBack, Slots, ending_of
from mydia.taskboard import Presence, RunState, TaskBoard, count, to_ms

logger = logging.getLogger(__name__)

POLL_S = 0.2
"""Interval for polling messages of other processes, due times and the pause flag; costs one PRAGMA."""
RECOVER_EVERY_S = 5.0
MAX_DEATHS = 5
"""How many workers may die while running a message before it is marked as dead. More than one, because a power
failure also counts."""
_SPREAD_MS = 10_000
"""Pause between messages that were running at a second death, so that the next death shows which one caused it."""

_OWN_OPTIONS = ("dedup", "cause")
_CONTINUED = "interrupted; the same job is queued again"

_INSERT = """
INSERT INTO runs (id, job, queue, priority, params, options, cause, dedup, state, queued_at, due_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (dedup) WHERE dedup IS NOT NULL AND state IN ('queued', 'delayed') DO UPDATE SET
    due_at = min(due_at, excluded.due_at),
    priority = min(priority, excluded.priority),
    state = CASE WHEN excluded.state = 'queued' THEN 'queued' ELSE state END
RETURNING id
"""
# A message waits while another with the same key runs.
_CLAIMABLE = """w.state = 'queued' AND w.queue = {queue} AND (
    w.dedup IS NULL OR NOT EXISTS (SELECT 1 FROM runs r WHERE r.state = 'running' AND r.dedup = w.dedup)
)"""

# Read first, so that polling takes no write lock and reserves no slot.
_HAS_CLAIMABLE = f"SELECT 1 FROM runs w WHERE {_CLAIMABLE.format(queue='?')} LIMIT 1"  # noqa: S608 - constants only

_CLAIM = f"""
UPDATE runs SET state = 'running', claim = claim + 1, attempt = attempt + 1, worker = ?1, pid = ?2, started_at = ?3,
    progress_done = NULL, progress_total = NULL, progress_note = NULL
WHERE seq IN (
    SELECT w.seq FROM runs w WHERE {_CLAIMABLE.format(queue="?4")} ORDER BY w.priority, w.seq LIMIT ?5
)
RETURNING priority, seq, id, job, queue, params, options, queued_at, claim
"""  # noqa: S608 - constants only

_INHERIT_DEATHS = """
UPDATE runs SET deaths = max(deaths, ?) WHERE dedup = ? AND state IN ('queued', 'delayed')
"""

_END = """
UPDATE runs SET state = ?, finished_at = ?, result = ?, error = ?, traceback = ?
WHERE id = ? AND claim = ? AND state = 'running'
"""


class SqliteMessage(dramatiq.MessageProxy):
    """A message taken from the board; `claim` distinguishes this delivery from earlier and later ones."""

    def __init__(self, message: dramatiq.Message[Any], claim: int, started_at: int) -> None:
        super().__init__(message)
        self.claim = claim
        self.started_at = started_at

    @classmethod
    def from_row(cls, row: Sequence[Any], started_at: int) -> SqliteMessage:
        """Build a message from a row of the claiming statement."""
        _, _, identifier, job, queue, params, options, queued_at, claim = row
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue, job, (), json.loads(params), json.loads(options), identifier, queued_at
        )
        return cls(message, claim, started_at)


class SqliteBroker(dramatiq.Broker):
    """A dramatiq broker whose messages are rows of the task board.

    Args:
        board: Its file holds the messages.
        slots: Concurrency limits of this process.
    """

    def __init__(
        self,
        board: TaskBoard,
        slots: Slots | None = None,
        *,
        middleware: list[dramatiq.Middleware] | None = None,
        max_deaths: int = MAX_DEATHS,
    ) -> None:
        super().__init__(middleware)
        self.board = board
        self.slots = slots or Slots()
        self.max_deaths = max_deaths
        self._presence: Presence | None = None
        self._next_due_ms: float = 0
        self._closed = threading.Event()
        self._start_lock = threading.Lock()
        self._end_lock = threading.Lock()
        self._ended: deque[tuple[SqliteMessage, tuple[Any, ...]]] = deque()

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue. Delays are stored in the rows, so there are no delay queues."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = self.slots.news(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        """Store a message. One that was delivered before is put back on its queue (a retry).

        Args:
            delay: Milliseconds to wait.

        Returns:
            The message, with the id of the waiting one if its deduplication key is taken.
        """
        if message.queue_name not in self.queues:
            raise QueueNotFound(message.queue_name)  # type: ignore[no-untyped-call]
        self.emit_before("enqueue", message, delay)
        if isinstance(message, SqliteMessage):
            self._put_back(message, delay or 0)
        else:
            message = self._insert(message, delay or 0)
        self.emit_after("enqueue", message, delay)
        return message

    def _insert(self, message: dramatiq.Message[Any], delay_ms: int) -> dramatiq.Message[Any]:
        now = to_ms(clock.now())
        actor = self.actors.get(message.actor_name)
        options = {key: value for key, value in message.options.items() if key not in _OWN_OPTIONS}
        row = (
            message.message_id,
            message.actor_name,
            message.queue_name,
            message.options.get("priority", actor.priority if actor else 5),
            json.dumps(message.kwargs),
            json.dumps(options),
            message.options.get("cause"),
            message.options.get("dedup"),
            RunState.DELAYED if delay_ms else RunState.QUEUED,
            now,
            now + delay_ms,
        )
        with self.board.writes() as connection:
            identifier = connection.execute(_INSERT, row).fetchone()[0]
        self._announce(message.queue_name, now + delay_ms if delay_ms else None)
        return message if identifier == message.message_id else message.copy(message_id=identifier)

    def _put_back(self, message: SqliteMessage, delay_ms: int) -> None:
        now = to_ms(clock.now())
        error = message._exception  # noqa: SLF001  the only place where dramatiq keeps it
        handed_back = isinstance(error, HandedBack)
        text, trace = (error.text, error.trace) if isinstance(error, AttemptFailed) else (None, None)
        options = {key: value for key, value in message.options.items() if key not in ("traceback", *_OWN_OPTIONS)}
        if handed_back:
            options["retries"] = max(0, options.get("retries", 1) - 1)
        state = RunState.DELAYED if delay_ms else RunState.QUEUED
        try:
            with self.board.writes() as connection:
                connection.execute(
                    "UPDATE runs SET state = ?, due_at = ?, options = ?, error = coalesce(?, error), "
                    "traceback = coalesce(?, traceback), attempt = attempt - ?, worker = NULL, pid = NULL "
                    "WHERE id = ? AND claim = ? AND state = 'running'",
                    (
                        *(state, now + delay_ms, json.dumps(options), text, trace, int(handed_back)),
                        *(message.message_id, message.claim),
                    ),
                )
        except sqlite_module().IntegrityError:
            # The same job was queued again while this attempt ran, which replaces the retry.
            if text is None:
                self._end(message, RunState.CANCELLED, result=_CONTINUED)
            else:
                self._end(message, RunState.FAILED, error=f"{text} The same job is already queued again.")
            return
        self._announce(message.queue_name, now + delay_ms if delay_ms else None)

    def _announce(self, queue: str, due_ms: int | None) -> None:
        if due_ms is None:
            self.slots.wake(queue)
        else:
            self._next_due_ms = min(self._next_due_ms, due_ms)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
        """Return the iterator over a queue's messages; the first call registers this process as a worker."""
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]
        with self._start_lock:
            if self._presence is None:
                self._presence = self.board.sign_on(self.slots.total, self.slots.queues)
                self.board.shorten_delays()
                self.recover()
                threading.Thread(target=self._watch, name="broker-watch", daemon=True).start()
        return SqliteConsumer(self, queue_name, prefetch, timeout)

    def claim(self, queue: str, wanted: int) -> list[SqliteMessage]:
        """Take up to `wanted` messages of a queue, most urgent first, within this process's slots."""
        if not self.board.rows(_HAS_CLAIMABLE, (queue,)):
            return []
        taken = self.slots.take(queue, wanted)
        if not taken:
            return []
        assert self._presence is not None
        now = to_ms(clock.now())
        try:
            with self.board.writes() as connection:
                rows = connection.execute(_CLAIM, (self._presence.id, os.getpid(), now, queue, taken)).fetchall()
        except BaseException:
            self.slots.give_back(queue, taken)
            raise
        self.slots.give_back(queue, taken - len(rows))
        # RETURNING does not guarantee an order.
        return [SqliteMessage.from_row(row, now) for row in sorted(rows)]

    def _watch(self) -> None:
        version: int | None = None
        recovered_at = clock.monotonic_s()
        clock_set_back = clock.SetBack()
        board_replaced = self.board.replaced
        while not self._closed.wait(POLL_S):
            try:
                if seconds := clock_set_back.look():
                    logger.warning("the clock was set back", extra={"seconds": round(seconds)})
                    self.board.set_back(seconds)
                    self._next_due_ms = 0
                seen = self.board.version()
                if self.board.replaced != board_replaced:
                    board_replaced, version = self.board.replaced, None
                    self._sign_on_again()
                if seen != version:
                    version = seen
                    self._next_due_ms = 0
                    self.slots.paused = self.board.paused()
                    self.slots.wake()
                if to_ms(clock.now()) >= self._next_due_ms:
                    self._promote()
                if clock.monotonic_s() - recovered_at >= RECOVER_EVERY_S:
                    recovered_at = clock.monotonic_s()
                    self.recover()
            except Exception:
                # This thread must survive errors such as a full disk, because without it no delayed message would run.
                logger.exception("the broker could not check its queue")

    def _sign_on_again(self) -> None:
        """Write this worker's row into a new file that has replaced a damaged one."""
        if self._presence is not None:
            self._presence.register()

    def _promote(self) -> None:
        """Queue the delayed messages that are due, and remember when the next one is."""
        now = to_ms(clock.now())
        # Set it before the query, so that a delay stored meanwhile can make it earlier.
        self._next_due_ms = float("inf")
        soonest = self.board.rows("SELECT min(due_at) FROM runs WHERE state = 'delayed'")[0][0]
        if soonest is not None and soonest <= now:
            with self.board.writes() as connection:
                connection.execute("UPDATE runs SET state = 'queued' WHERE state = 'delayed' AND due_at <= ?", (now,))
            self.slots.wake()
            soonest = self.board.rows("SELECT min(due_at) FROM runs WHERE state = 'delayed'")[0][0]
        if soonest is not None:
            self._next_due_ms = min(self._next_due_ms, soonest)

    def recover(self) -> int:
        """Requeue the messages of dead workers and return their number."""
        own = self._presence.id if self._presence else ""
        owners = [row[0] for row in self.board.rows("SELECT DISTINCT worker FROM runs WHERE state = 'running'")]
        dead = [owner for owner in owners if owner != own and not self.board.is_alive(owner)]
        return sum(self._recover_from(owner) for owner in dead)

    def _recover_from(self, worker: str) -> int:
        now = to_ms(clock.now())
        with self.board.writes() as connection:
            lost = connection.execute(
                "SELECT seq, job, deaths, cancel_asked, started_at, dedup FROM runs WHERE state = 'running' AND worker = ? "
                "ORDER BY seq",
                (worker,),
            ).fetchall()
            for place, (seq, job, deaths, cancel_asked, started_at, dedup) in enumerate(lost):
                result = None
                # The waiting run inherits the deaths, so that a job that kills its workers still ends as dead.
                is_waiting = connection.execute(_INHERIT_DEATHS, (deaths + 1, dedup)).rowcount > 0
                if cancel_asked:
                    state, error = RunState.CANCELLED, None
                elif is_waiting:
                    # This is not a failure, because the waiting run does the same work.
                    state, error, result = RunState.CANCELLED, None, _CONTINUED
                elif deaths + 1 >= self.max_deaths:
                    state = RunState.DEAD
                    error = f"The worker process died {deaths + 1} times while running this."
                else:
                    delay_ms = 0 if deaths == 0 else place * _SPREAD_MS
                    connection.execute(
                        "UPDATE runs SET state = ?, due_at = ?, deaths = deaths + 1, worker = NULL, pid = NULL, "
                        "error = 'The worker process died while running this.' WHERE seq = ?",
                        (RunState.DELAYED if delay_ms else RunState.QUEUED, now + delay_ms, seq),
                    )
                    continue
                connection.execute(
                    "UPDATE runs SET state = ?, error = ?, result = ?, deaths = deaths + 1, finished_at = ? WHERE seq = ?",
                    (state, error, result, now, seq),
                )
                count(connection, job, state, max(0, now - started_at) / 1000)
        self.board.forget(worker)
        if lost:
            logger.warning("a worker died; its jobs are delivered again", extra={"worker": worker, "jobs": len(lost)})
        self._next_due_ms = 0
        self.slots.wake()
        return len(lost)

    def _end(
        self,
        message: SqliteMessage,
        state: RunState,
        *,
        result: str | None = None,
        error: str | None = None,
        trace: str | None = None,
    ) -> None:
        now = to_ms(clock.now())
        self._ended.append((message, (state, now, result, error, trace, message.message_id, message.claim)))
        # Group commit: the thread with the lock writes what all threads have appended, so that a busy queue needs fewer commits.
        with self._end_lock:
            batch = [self._ended.popleft() for _ in range(len(self._ended))]
            if not batch:
                return
            try:
                with self.board.writes() as connection:
                    for ended, values in batch:
                        if connection.execute(_END, values).rowcount:
                            count(connection, ended.actor_name, values[0], max(0, values[1] - ended.started_at) / 1000)
            except BaseException:
                self._ended.extendleft(reversed(batch))
                raise

    def ack(self, message: SqliteMessage) -> None:
        """Store the outcome; does nothing for a message that went back on its queue."""
        ending = ending_of(message)
        self._end(message, ending.state, result=ending.result)
        self.slots.give_back(message.queue_name)

    def nack(self, message: SqliteMessage) -> None:
        """Keep a message that failed permanently, with its error."""
        error = message._exception  # noqa: SLF001  the only place where dramatiq keeps it
        if isinstance(error, AttemptFailed):
            self._end(message, RunState.FAILED, error=error.text, trace=error.trace)
        else:
            reason = f"{type(error).__name__}: {error}" if error else "rejected"
            self._end(message, RunState.DEAD, error=reason)
        self.slots.give_back(message.queue_name)

    def requeue(self, messages: Iterable[SqliteMessage]) -> None:
        """Return messages that were taken but not started."""
        for message in messages:
            message.stuff_exception(HandedBack())
            self._put_back(message, 0)
            self.slots.give_back(message.queue_name)

    def close(self) -> None:
        """Return the messages that this process still holds, and unregister it."""
        self._closed.set()
        if self._presence is None:
            return
        with self.board.writes() as connection:
            connection.execute(
                "UPDATE OR IGNORE runs SET state = 'queued', attempt = attempt - 1, worker = NULL, pid = NULL "
                "WHERE state = 'running' AND worker = ?",
                (self._presence.id,),
            )
        self._presence.leave()
        self._presence = None

    def flush(self, queue_name: str) -> None:
        """Delete the waiting messages of a queue."""
        with self.board.writes() as connection:
            connection.execute("DELETE FROM runs WHERE queue = ? AND state IN ('queued', 'delayed')", (queue_name,))

    def flush_all(self) -> None:
        """Delete the waiting messages of all queues."""
        for queue in self.queues:
            self.flush(queue)

    def join(self, queue_name: str, *, timeout: int | None = None) -> None:
        """Wait until a queue has no waiting or running messages.

        Args:
            timeout: Milliseconds; None waits without limit.

        Raises:
            QueueJoinTimeout: It took longer.
        """
        deadline = None if timeout is None else clock.monotonic_s() + timeout / 1000
        waiting = "SELECT 1 FROM runs WHERE queue = ? AND state IN ('queued', 'delayed', 'running') LIMIT 1"
        while self.board.rows(waiting, (queue_name,)):
            if deadline is not None and clock.monotonic_s() > deadline:
                raise QueueJoinTimeout(queue_name)  # type: ignore[no-untyped-call]
            self._closed.wait(0.02)


class SqliteConsumer(dramatiq.Consumer):
    """The messages of one queue, taken in small batches."""

    def __init__(self, broker: SqliteBroker, queue: str, prefetch: int, timeout_ms: int) -> None:
        self._broker = broker
        self._queue = queue
        self._prefetch = prefetch
        self._timeout_s = timeout_ms / 1000
        self._news = broker.slots.news(queue)
        self._taken: deque[SqliteMessage] = deque()

    def __next__(self) -> SqliteMessage | None:
        """Return the next message, or None after a while without any."""
        if not self._taken:
            # Cleared before the query, so that a message arriving in between ends the wait.
            self._news.clear()
            self._taken.extend(self._broker.claim(self._queue, self._prefetch))
            if not self._taken:
                self._news.wait(self._timeout_s)
                return None
        return self._taken.popleft()

    def ack(self, message: Any) -> None:
        """See `SqliteBroker.ack`."""
        self._broker.ack(message)

    def nack(self, message: Any) -> None:
        """See `SqliteBroker.nack`."""
        self._broker.nack(message)

    def requeue(self, messages: Iterable[Any]) -> None:
        """See `SqliteBroker.requeue`."""
        self._broker.requeue(messages)

    def close(self) -> None:
        """Return the messages that were taken but not handed out."""
        self._broker.requeue(tuple(self._taken))
        self._taken.clear()

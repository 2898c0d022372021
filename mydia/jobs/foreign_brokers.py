"""Redis and RabbitMQ through dramatiq's own brokers, with the same limits and deduplication as the SQLite broker.

The broker holds the messages, and the task board of this data folder records them. Workers on other machines need the
data folder only to appear on the tasks page.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dramatiq
from dramatiq.common import q_name
from dramatiq.middleware import SkipMessage

from mydia import clock
from mydia.config import redis_address
from mydia.errors import Misconfigured
from mydia.jobs.broker import AttemptFailed, HandedBack, Slots, ending_of
from mydia.taskboard import RunState, TaskBoard, count, to_ms

logger = logging.getLogger(__name__)

_LOST_AFTER = timedelta(hours=1)
"""A run that is overdue by this much counts as lost, and its deduplication key is released."""


def make_foreign_broker(
    url: str, board: TaskBoard, slots: Slots, middleware: list[dramatiq.Middleware]
) -> dramatiq.Broker:
    """Return a Redis or RabbitMQ broker.

    Raises:
        Misconfigured: Its driver is not installed.
    """
    diary = Diary(board, slots)
    # The first middleware runs last after a message, so it sees what Retries has decided.
    parts: list[dramatiq.Middleware] = [diary, *middleware]
    base: Any
    try:
        if url.startswith("redis"):
            from dramatiq.brokers.redis import RedisBroker

            base = RedisBroker
        else:
            from dramatiq.brokers.rabbitmq import RabbitmqBroker

            base = RabbitmqBroker
    except ImportError as error:
        raise Misconfigured(f"BROKER_URL needs a driver that is not installed: {error}.") from error
    return _recorded(base, diary, slots)(url=redis_address(url) if url.startswith("redis") else url, middleware=parts)  # type: ignore[no-any-return]


class Diary(dramatiq.Middleware):
    """Records what happens to messages on the task board."""

    def __init__(self, board: TaskBoard, slots: Slots) -> None:
        self.board = board
        self._slots = slots
        self._presence: Any = None

    def reserve(self, message: Any, delay_ms: int) -> str:
        """Record a message that is about to be sent, and return the id of its run."""
        now = to_ms(clock.now())
        state = RunState.DELAYED if delay_ms else RunState.QUEUED
        key = message.options.get("dedup")
        with self.board.writes() as connection:
            known = connection.execute("SELECT 1 FROM runs WHERE id = ?", (message.message_id,)).fetchone()
            if known:
                error = getattr(message, "_exception", None)
                text = error.text if isinstance(error, AttemptFailed) else None
                connection.execute(
                    "UPDATE OR IGNORE runs SET state = ?, due_at = ?, error = coalesce(?, error), "
                    "attempt = attempt - ? WHERE id = ? AND state IN ('running', 'delayed', 'queued')",
                    (state, now + delay_ms, text, int(isinstance(error, HandedBack)), message.message_id),
                )
                return str(message.message_id)
            if key is not None:
                connection.execute(
                    "UPDATE runs SET state = 'dead', finished_at = ?, error = 'The broker lost this message.' "
                    "WHERE dedup = ? AND state IN ('queued', 'delayed') AND due_at < ?",
                    (now, key, now - int(_LOST_AFTER.total_seconds() * 1000)),
                )
            row = connection.execute(
                "INSERT INTO runs (id, job, queue, priority, params, cause, dedup, state, queued_at, due_at) "
                "VALUES (?, ?, ?, 5, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (dedup) WHERE dedup IS NOT NULL AND state IN ('queued', 'delayed') "
                "DO UPDATE SET priority = priority RETURNING id",
                (
                    *(message.message_id, message.actor_name, message.queue_name, json.dumps(message.kwargs)),
                    *(message.options.get("cause"), key, state, now, now + delay_ms),
                ),
            ).fetchone()
        return str(row[0])

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Register this worker."""
        self._presence = self.board.sign_on(self._slots.total, self._slots.queues)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Unregister this worker."""
        if self._presence is not None:
            self._presence.leave()

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """Record the start of an attempt; skip a cancelled run."""
        now = to_ms(clock.now())
        worker = self._presence.id if self._presence else None
        with self.board.writes() as connection:
            state = connection.execute("SELECT state FROM runs WHERE id = ?", (message.message_id,)).fetchone()
            if state is not None and state[0] == RunState.CANCELLED:
                raise SkipMessage("cancelled")
            connection.execute(
                "UPDATE runs SET state = 'running', attempt = attempt + 1, started_at = ?, finished_at = NULL, worker = ?, "
                "progress_done = NULL, progress_total = NULL, progress_note = NULL WHERE id = ?",
                (now, worker, message.message_id),
            )

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Record how an attempt ended; a retry was recorded when it was sent again."""
        if exception is not None and not message.failed:
            return
        ending = ending_of(message)
        state = RunState.FAILED if exception is not None else ending.state
        text, trace = (exception.text, exception.trace) if isinstance(exception, AttemptFailed) else (None, None)
        now = to_ms(clock.now())
        with self.board.writes() as connection:
            row = connection.execute(
                "UPDATE runs SET state = ?, finished_at = ?, result = ?, error = ?, traceback = ? "
                "WHERE id = ? AND state = 'running' RETURNING started_at",
                (state, now, ending.result, text, trace, message.message_id),
            ).fetchone()
            if row is not None:
                count(connection, message.actor_name, state, max(0, now - row[0]) / 1000)


def _recorded(base: Any, diary: Diary, slots: Slots) -> Any:
    class Recorded(base):  # type: ignore[misc]  # two possible bases, both untyped
        """A broker that records its messages on the board, and whose consumers respect the slots."""

        def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
            # A message from a delay queue has an eta and is only moved on.
            if "eta" not in message.options:
                identifier = diary.reserve(message, delay or 0)
                if identifier != message.message_id:
                    return message.copy(message_id=identifier)
            return super().enqueue(message, delay=delay)

        def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
            inner = super().consume(queue_name, prefetch, timeout)
            # Messages of a delay queue only wait and need no slot.
            return inner if q_name(queue_name) != queue_name else _Capped(inner, queue_name, slots, timeout / 1000)

    return Recorded


class _Capped(dramatiq.Consumer):
    """Wraps another broker's consumer, taking a message only while a slot is free."""

    def __init__(self, inner: Any, queue: str, slots: Slots, timeout_s: float) -> None:
        self._inner = inner
        self._queue = queue
        self._slots = slots
        self._timeout_s = timeout_s

    def __next__(self) -> Any:
        news = self._slots.news(self._queue)
        news.clear()
        if not self._slots.take(self._queue, 1):
            news.wait(self._timeout_s)
            return None
        message = None
        try:
            message = next(self._inner)
        finally:
            if message is None:
                self._slots.give_back(self._queue)
        return message

    def ack(self, message: Any) -> None:
        self._inner.ack(message)
        self._slots.give_back(self._queue)

    def nack(self, message: Any) -> None:
        self._inner.nack(message)
        self._slots.give_back(self._queue)

    def requeue(self, messages: Iterable[Any]) -> None:
        handed = list(messages)
        self._inner.requeue(handed)
        self._slots.give_back(self._queue, len(handed))

    def close(self) -> None:
        self._inner.close()

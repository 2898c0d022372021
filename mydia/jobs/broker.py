"""Declare, queue and run jobs. The broker is chosen by URL.

A job is a function `fn(deps: Deps, **params)`; params are plain JSON values: ids, not rows. It opens short units of
work, calls a context, may report its progress through `deps.run`, and returns a few words about the outcome, or None:

    @job("library.scan", title="Library scan", queue="media", time_limit_s=6 * 3600)
    def scan(deps: Deps, *, library_path_id: str) -> str | None: ...

Jobs run at least once, because a worker can be killed at any point. They must be idempotent.
"""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import dramatiq
import msgspec
from dramatiq.middleware import CurrentMessage, Interrupt, Retries, TimeLimit, TimeLimitExceeded

from mydia import clock
from mydia.adapters.errors import Refused
from mydia.errors import Misconfigured, MydiaError, Unavailable
from mydia.logs import correlation_id
from mydia.runs import Run, Unwatched
from mydia.taskboard import RunState, TaskBoard

if TYPE_CHECKING:
    from mydia.adapters.outside import Outside
    from mydia.config import Config
    from mydia.db import Database

logger = logging.getLogger(__name__)

INTERACTIVE = "interactive"
"""The queue of jobs that a user waits for on a page, such as a manual search."""

QUEUES: dict[str, int] = {
    INTERACTIVE: 4,
    "critical": 10,
    "default": 5,
    "media": 3,
    "search": 2,
    "notifications": 1,
}
"""Queue -> maximum number of its jobs that run concurrently in one worker process."""

SLOTS = 8
"""Number of jobs that run concurrently in one worker process, without those of the interactive queue."""

_PROGRESS_EVERY_S = 0.5
_CANCEL_LOOK_EVERY_S = 0.5
_MESSAGE_LIMIT = 2_000


class JobFunction(Protocol):
    """`fn(deps, **params)`."""

    def __call__(self, deps: Deps, /, **params: Any) -> str | None:
        """Run the job and return a few words about the outcome."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A function that can be queued. Calling it runs it directly, as tests do."""

    name: str
    function: Callable[..., str | None]
    title: str
    queue: str
    max_retries: int
    min_backoff_s: float
    max_backoff_s: float
    time_limit_s: float
    priority: int
    """Lower numbers run first within a queue."""

    def __call__(self, deps: Deps, **params: Any) -> str | None:
        """Run it in this thread."""
        return self.function(deps, **params)

    def key(self, **params: Any) -> str:
        """Return the deduplication key of this job with these params."""
        return dedup_key(self.name, params)


def dedup_key(job: str, params: Mapping[str, Any]) -> str:
    """Return the deduplication key of a job with exactly these params."""
    return f"{job}:{json.dumps(dict(params), sort_keys=True, separators=(',', ':'))}"


REGISTRY: dict[str, Job] = {}
"""Every job whose module has been imported, by name."""


def job(
    name: str,
    *,
    queue: str = "default",
    title: str | None = None,
    max_retries: int = 3,
    min_backoff_s: float = 15.0,
    max_backoff_s: float = 3600.0,
    time_limit_s: float = 600.0,
    priority: int = 5,
) -> Callable[[Callable[..., str | None]], Job]:
    """Declare a function `fn(deps, **params)` as a job.

    Args:
        name: `topic.verb`, unique and never renamed, because queued messages contain it.
        queue: One of QUEUES.
        title: Its name on the tasks page; derived from `name` if missing.
        max_retries: Attempts after the first.
        min_backoff_s: Wait before the second attempt; doubled, with jitter, for each further one, up to `max_backoff_s`.
        time_limit_s: After this time the attempt is interrupted (not inside a C call) and counts as failed.
        priority: Lower numbers run first within a queue.
    """
    if queue not in QUEUES:
        msg = f"job {name}: unknown queue {queue!r}; choose one of {', '.join(QUEUES)}"
        raise ValueError(msg)

    def register(function: Callable[..., str | None]) -> Job:
        known = REGISTRY.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            msg = f"two jobs are named {name}: in {known.function.__module__} and in {function.__module__}"
            raise ValueError(msg)
        said = title or name.rpartition(".")[2].replace("_", " ").capitalize()
        made = Job(
            name=name,
            function=function,
            title=said,
            queue=queue,
            max_retries=max_retries,
            min_backoff_s=min_backoff_s,
            max_backoff_s=max_backoff_s,
            time_limit_s=time_limit_s,
            priority=priority,
        )
        REGISTRY[name] = made
        return made

    return register


class Schedule(msgspec.Struct, frozen=True):
    """An entry of the SCHEDULE table: a cron expression, in local time, that starts a job."""

    cron: str
    """Five fields as in crontab; weekdays as names or in cron's numbers (0 and 7 are Sunday)."""
    job: str
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    name: str = ""
    """Its id on the tasks page; the job's name when empty."""
    title: str = ""
    by_hand: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Params that replace the others if a user starts it."""
    setting: str = ""
    """The setting that overrides the cron expression (with another one or a number of minutes), if users can change it."""
    at_least: int = 0
    """The shortest interval, in minutes, that the setting can choose; 0 turns the schedule off in any case."""

    @property
    def key(self) -> str:
        """Return the name, or the job's if there is none."""
        return self.name or self.job


class Enqueue(Protocol):
    """Queue a job."""

    def __call__(
        self,
        job: str,
        params: Mapping[str, object] | None = None,
        *,
        dedup: str | None = None,
        delay_s: float = 0.0,
        cause: str | None = None,
    ) -> str:
        """See `Enqueuer.__call__`."""


class Deps(msgspec.Struct, frozen=True, kw_only=True):
    """What a job receives: `database`, `outside`, `config`, a function to queue other jobs, and its own run."""

    database: Database
    outside: Outside
    config: Config
    enqueue: Enqueue
    board: TaskBoard
    run: Run = msgspec.field(default_factory=Unwatched)


class Enqueuer:
    """Queues jobs with any broker."""

    def __init__(self, broker: dramatiq.Broker, jobs: Mapping[str, Job] | None = None) -> None:
        self._broker = broker
        self._jobs = REGISTRY if jobs is None else jobs

    def __call__(
        self,
        job: str,
        params: Mapping[str, object] | None = None,
        *,
        dedup: str | None = None,
        delay_s: float = 0.0,
        cause: str | None = None,
    ) -> str:
        """Queue a job and return the id of its run.

        Args:
            params: Plain JSON values.
            dedup: Deduplication key. While a run with this key waits, another one only moves it forward to its own time and
                priority. While a run with this key is running, a new one waits for its end, so that no work is lost and
                no two runs do the same thing at once.
            delay_s: Start no earlier than this many seconds from now; survives restarts.
            cause: Shown on the tasks page.

        Returns:
            The id of the new run, or of the one that is already waiting under `dedup`.

        Raises:
            Misconfigured: The job does not exist.
        """
        known = self._jobs.get(job)
        if known is None:
            raise Misconfigured(f"There is no job named {job}.")
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=known.queue,
            actor_name=known.name,
            args=(),
            kwargs=dict(params or {}),
            options={"dedup": dedup, "cause": cause},
            message_id=clock.new_id(),
        )
        sent = self._broker.enqueue(message, delay=int(delay_s * 1000) if delay_s > 0 else None)
        return sent.message_id

    def knows(self, job: str) -> Job | None:
        """Return a job by name, or None."""
        return self._jobs.get(job)


@dataclass(slots=True)
class Ending:
    """The outcome of an attempt that did not raise; the broker stores it with the acknowledgement."""

    state: RunState
    result: str | None = None


def set_ending(message: dramatiq.MessageProxy, ending: Ending) -> None:
    """Attach the outcome to the message, for its acknowledgement."""
    vars(message)["ending"] = ending


def ending_of(message: dramatiq.MessageProxy) -> Ending:
    """Return the outcome attached to the message; `done` if there is none."""
    found: Ending = vars(message).get("ending") or Ending(RunState.DONE)
    return found


class AttemptFailed(dramatiq.Retry):
    """The error of an attempt, with what the tasks page and the log need. dramatiq does not log it again."""

    def __init__(self, error: BaseException) -> None:
        after_s = error.retry_after_s if isinstance(error, Unavailable) else None
        super().__init__(describe(error), delay=None if after_s is None else int(after_s * 1000))
        self.text = describe(error)
        self.worth_retrying = _is_worth_retrying(error)
        # Only bugs need a traceback.
        self.trace = None if isinstance(error, MydiaError) else "".join(traceback.format_exception(error, limit=-20))


class HandedBack(dramatiq.Retry):
    """The worker is stopping and the job ended early. It is delivered again without counting the attempt."""

    def __init__(self) -> None:
        super().__init__("handed back by a stopping worker", delay=0)


def _is_worth_retrying(error: BaseException) -> bool:
    # A retry does not help against other kinds of errors; once the cause is gone, an event or a sweep starts the job again.
    return isinstance(error, Unavailable) and not isinstance(error, Refused) if isinstance(error, MydiaError) else True


def describe(error: BaseException) -> str:
    """Return the message for an exception on the tasks page."""
    if isinstance(error, MydiaError):
        return error.message
    if isinstance(error, TimeLimitExceeded):
        return "Interrupted because it exceeded its time limit."
    return f"{type(error).__name__}: {error}"[:_MESSAGE_LIMIT]


def _retry_when(known: Job) -> Callable[[int, BaseException], bool]:
    def decide(retries: int, error: BaseException) -> bool:
        if isinstance(error, HandedBack):
            return True
        return retries < known.max_retries and (not isinstance(error, AttemptFailed) or error.worth_retrying)

    return decide


class _BoardRun:
    """The run of one attempt, backed by the task board."""

    def __init__(self, board: TaskBoard, run_id: str, stopping: threading.Event) -> None:
        self.id = run_id
        self.told = False
        self.by_person = False
        self._board = board
        self._stopping = stopping
        self._last: tuple[int, int | None, str | None] | None = None
        self._wrote_at = self._looked_at = 0.0

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        self._last = (done, total, note)
        if clock.monotonic_s() - self._wrote_at >= _PROGRESS_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write pending progress."""
        if self._last is not None:
            self._board.write_progress(self.id, *self._last)
            self._last = None
            self._wrote_at = clock.monotonic_s()

    def cancelled(self) -> bool:
        if self.told:
            return True
        if clock.monotonic_s() - self._looked_at >= _CANCEL_LOOK_EVERY_S:
            self._looked_at = clock.monotonic_s()
            self.by_person = self._board.is_cancel_asked(self.id)
        self.told = self.by_person or self._stopping.is_set()
        return self.told


def declare_jobs(
    broker: dramatiq.Broker, jobs: Mapping[str, Job], deps: Deps, stopping: threading.Event | None = None
) -> None:
    """Register jobs with a broker.

    Args:
        deps: Passed to every job, with a run for each attempt.
        stopping: Set when the process is about to stop: `run.cancelled()` returns True, and the jobs are delivered again.
    """
    stopping = stopping or threading.Event()
    for queue in QUEUES:
        broker.declare_queue(queue)
    for known in jobs.values():
        dramatiq.Actor(
            _attempt(known, deps, stopping),
            broker=broker,
            actor_name=known.name,
            queue_name=known.queue,
            priority=known.priority,
            options={
                "retry_when": _retry_when(known),
                "min_backoff": int(known.min_backoff_s * 1000),
                "max_backoff": int(known.max_backoff_s * 1000),
                "time_limit": int(known.time_limit_s * 1000),
            },
        )
    deps.board.write_catalogue({known.name: (known.title, known.queue) for known in jobs.values()})


def _attempt(known: Job, deps: Deps, stopping: threading.Event) -> Callable[..., None]:
    def attempt(**params: Any) -> None:
        message = CurrentMessage.get_current_message()
        assert isinstance(message, dramatiq.MessageProxy)
        run = _BoardRun(deps.board, message.message_id, stopping)
        token = correlation_id.set(run.id)
        try:
            outcome = known.function(replace(deps, run=run), **params)
            said = None if outcome is None else str(outcome)
        except (Exception, Interrupt) as error:
            if run.by_person:
                set_ending(message, Ending(RunState.CANCELLED))
                return
            if isinstance(error, MydiaError):
                logger.warning("job failed", extra={"job": known.name, "error": error.message})
            else:
                logger.exception("job failed", extra={"job": known.name})
            raise AttemptFailed(error) from error
        finally:
            run.flush()
            correlation_id.reset(token)
        if run.by_person:
            set_ending(message, Ending(RunState.CANCELLED, said))
        elif run.told:
            raise HandedBack
        else:
            set_ending(message, Ending(RunState.DONE, said))

    return attempt


class Slots:
    """The number of free slots of this process, per queue and in total.

    Taking only as many messages as can run keeps the tasks page correct and leaves the rest to other workers.
    One of the shared slots is reserved for `critical`. The interactive queue has separate slots and ignores the pause,
    so a manual search starts at once while scans fill every other slot.
    """

    def __init__(self, slots: int = SLOTS, queues: Mapping[str, int] | None = None) -> None:
        self.shared = slots
        self.queues = dict(QUEUES if queues is None else queues)
        self.stopping = threading.Event()
        """Set when the process is about to stop: it takes no more messages, and running jobs are asked to stop."""
        self.paused = False
        """Whether an administrator paused the queues, so that only interactive jobs start."""
        self._in_flight: dict[str, int] = {}
        self._lock = threading.Lock()
        self._news: dict[str, threading.Event] = {}

    @property
    def total(self) -> int:
        """Return the number of job threads."""
        return self.shared + self.queues.get(INTERACTIVE, 0)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        with self._lock:
            return any(self._in_flight.values())

    def news(self, queue: str) -> threading.Event:
        """Return the event that is set when a queue may have a message."""
        with self._lock:
            return self._news.setdefault(queue, threading.Event())

    def wake(self, queue: str | None = None) -> None:
        """Wake the consumer of one queue, or of all."""
        if queue is not None:
            self.news(queue).set()
            return
        with self._lock:
            for event in self._news.values():
                event.set()

    def take(self, queue: str, wanted: int) -> int:
        """Reserve up to `wanted` slots and return the number reserved. Release those that aren't used."""
        if self.stopping.is_set() or (self.paused and queue != INTERACTIVE):
            return 0
        with self._lock:
            running = self._in_flight.get(queue, 0)
            free = self.queues.get(queue, self.shared) - running
            if queue != INTERACTIVE:
                reserved = 0 if queue == "critical" or self.shared == 1 else 1
                free = min(free, self.shared - reserved - self._shared_in_flight())
            taken = max(0, min(wanted, free))
            self._in_flight[queue] = running + taken
            return taken

    def give_back(self, queue: str, number: int = 1) -> None:
        """Free slots after messages have ended, and wake the consumers that may be waiting for one."""
        if number == 0:
            return
        with self._lock:
            was_full = queue != INTERACTIVE and self._shared_in_flight() >= self.shared - 1
            self._in_flight[queue] -= number
        self.wake(None if was_full else queue)

    def _shared_in_flight(self) -> int:
        return sum(number for queue, number in self._in_flight.items() if queue != INTERACTIVE)


def make_broker(url: str, board: TaskBoard, slots: Slots | None = None) -> dramatiq.Broker:
    """Return the broker for a URL.

    Args:
        url: `sqlite:` (the board's own file), `redis://…` or `amqp://…`.
        slots: Concurrency limits of this process; None uses the defaults.

    Raises:
        Misconfigured: The scheme is unknown or its driver is not installed.
    """
    slots = slots or Slots()
    scheme = urlsplit(url).scheme.partition("+")[0]
    if scheme == "sqlite":
        from mydia.jobs.sqlite_broker import SqliteBroker

        return SqliteBroker(board, slots, middleware=_middleware())
    if scheme in ("redis", "rediss", "amqp", "amqps"):
        from mydia.jobs.foreign_brokers import make_foreign_broker

        return make_foreign_broker(url, board, slots, _middleware())
    raise Misconfigured(f"BROKER_URL starts with “{scheme}:”, but must start with sqlite:, redis:// or amqp://.")


def _middleware() -> list[dramatiq.Middleware]:
    return [TimeLimit(), Retries(), CurrentMessage()]

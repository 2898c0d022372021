"""The schedule, which queues jobs by cron expressions. Runs in only one worker process, which holds a kernel lock."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mydia import clock
from mydia.cron import is_cron, read
from mydia.errors import Invalid, Misconfigured
from mydia.jobs.broker import REGISTRY, Enqueue, Schedule, dedup_key
from mydia.taskboard import TaskBoard, from_ms, to_ms

logger = logging.getLogger(__name__)

_OWNER_RETRY_S = 30.0


def cron_trigger(line: str, zone: ZoneInfo) -> Any:
    """Return APScheduler's trigger for a cron expression.

    Unlike in cron, an expression that restricts both the day of the month and the weekday requires both to match.

    Raises:
        Invalid: The expression is not valid.
    """
    from apscheduler.triggers.cron import CronTrigger

    try:
        return CronTrigger(**read(line), timezone=zone)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise Invalid(
            f"“{line}” is not a valid schedule. Enter minute, hour, day, month and weekday, such as `0 2 * * *` for 2 am."
        ) from error


def time_zone(name: str | None) -> ZoneInfo:
    """Return the time zone of schedules.

    Raises:
        Misconfigured: The time zone does not exist.
    """
    try:
        return ZoneInfo((name or "UTC").removeprefix(":"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misconfigured(f"TZ is “{name}”, but must be a time zone such as Europe/Berlin.") from error


def every_minutes(minutes: int) -> str:
    """Return the cron expression for an interval in minutes: 1 to 59, or whole hours."""
    return f"*/{minutes} * * * *" if minutes < 60 else f"0 */{max(1, minutes // 60)} * * *"


@dataclass(slots=True)
class _Entry:
    schedule: Schedule
    cron: str | None = None
    due: datetime | None = None
    fixed_hour: bool = False


class Clock:
    """Queues scheduled jobs when they are due.

    A run that was missed while no worker ran is started once when a worker starts. The wall-clock time of a daily run is
    stored with its date, so that the repeated hour in autumn starts nothing twice.

    Args:
        zone: The time zone of the cron expressions.
        overrides: Called at every `refresh`: schedule name -> cron expression, or None to disable it; others use their default.
    """

    def __init__(
        self,
        board: TaskBoard,
        enqueue: Enqueue,
        schedule: Sequence[Schedule],
        *,
        zone: ZoneInfo,
        overrides: Callable[[], Mapping[str, str | None]] = dict,
    ) -> None:
        self._board = board
        self._enqueue = enqueue
        self._entries = {entry.key: _Entry(entry) for entry in schedule}
        self._zone = zone
        self._overrides = overrides
        self._lock = threading.RLock()
        self._scheduler: Any = None
        self._owner: int | None = None

    def start(self) -> bool:
        """Start, unless another worker process runs the schedule; return whether this one does."""
        if not self._become_owner():
            return False
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler(  # type: ignore[no-untyped-call]
            timezone=self._zone,
            executors={"default": ThreadPoolExecutor(1)},  # type: ignore[no-untyped-call]
            # A late run (after a laptop slept) still starts once.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._write_rows()
        self._catch_up()
        self.refresh()
        self._scheduler.start()
        return True

    def keep_trying(self, stop: threading.Event) -> None:
        """Start as soon as this process may run the schedule; does not block."""

        def wait() -> None:
            while not stop.wait(_OWNER_RETRY_S):
                if self.start():
                    return

        if not self.start():
            threading.Thread(target=wait, name="clock-owner", daemon=True).start()

    def write_again(self) -> None:
        """Fill the table of a new task board after the old one was damaged."""
        with self._lock:
            if self._scheduler is not None:
                self._write_rows()
                self.refresh(all_times=True)

    def stop(self) -> None:
        """Stop."""
        with self._lock:
            if self._scheduler is not None:
                self._scheduler.shutdown(wait=False)
                self._scheduler = None
            if self._owner is not None:
                os.close(self._owner)
                self._owner = None

    def refresh(self, *, all_times: bool = False) -> None:
        """Apply changed cron expressions; cheap if nothing has changed.

        Args:
            all_times: Compute all next times again, because the clock or the table has changed.
        """
        with self._lock:
            if self._scheduler is None:
                return
            overrides = self._overrides()
            for key, entry in self._entries.items():
                wanted = overrides.get(key, entry.schedule.cron) or None
                if wanted == entry.cron and (entry.due is not None or wanted is None) and not all_times:
                    continue
                self._set(key, entry, wanted)

    def fire(self, key: str) -> None:
        """Queue a scheduled job now, unless that was already done for this due time."""
        with self._lock:
            entry = self._entries[key]
            due = entry.due or clock.now()
            fire_key = self._fire_key(entry, due)
            row = self._board.rows("SELECT fired_key FROM schedule WHERE name = ?", (key,))
            if row and row[0][0] != fire_key:
                schedule = entry.schedule
                # Queue the message before recording it, because deduplication tolerates a message that a crash repeats.
                self._enqueue(
                    schedule.job, schedule.params, dedup=dedup_key(schedule.job, schedule.params), cause="schedule"
                )
                with self._board.writes() as connection:
                    connection.execute(
                        "UPDATE schedule SET fired_at = ?, fired_key = ? WHERE name = ?",
                        (to_ms(clock.now()), fire_key, key),
                    )
            self._note_next(key, entry, after=due)

    def _become_owner(self) -> bool:
        self._board.locks.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._board.locks / "clock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._owner = descriptor
        return True

    def _write_rows(self) -> None:
        with self._board.writes() as connection:
            known = {row[0] for row in connection.execute("SELECT name FROM schedule")}
            connection.executemany(
                "DELETE FROM schedule WHERE name = ?", [(name,) for name in known - set(self._entries)]
            )
            for position, (key, entry) in enumerate(self._entries.items()):
                job = REGISTRY.get(entry.schedule.job)
                title = entry.schedule.title or (job.title if job else entry.schedule.job)
                connection.execute(
                    "INSERT INTO schedule (name, job, params, title, cron, default_cron, position) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT DO UPDATE SET job = excluded.job, "
                    "params = excluded.params, title = excluded.title, default_cron = excluded.default_cron, "
                    "position = excluded.position",
                    (
                        *(
                            key,
                            entry.schedule.job,
                            json.dumps({**entry.schedule.params, **entry.schedule.by_hand}),
                            title,
                        ),
                        *(entry.schedule.cron, position),
                    ),
                )

    def _catch_up(self) -> None:
        """Start missed runs once: their stored next time is in the past."""
        now = clock.now()
        overrides = self._overrides()
        for name, cron, next_ms in self._board.rows("SELECT name, cron, next_at FROM schedule"):
            entry = self._entries[name]
            if next_ms is None or from_ms(next_ms) > now or not (overrides.get(name, entry.schedule.cron)):
                continue
            logger.info("starting a missed run", extra={"schedule": name})
            entry.due = from_ms(next_ms)
            entry.fixed_hour = _has_fixed_hour(cron)
            self.fire(name)
            entry.due = None

    def _set(self, key: str, entry: _Entry, cron: str | None) -> None:
        trigger: Any = None
        if cron is not None:
            try:
                trigger = cron_trigger(cron, self._zone)
            except Invalid as error:
                logger.warning("invalid schedule; the default is used", extra={"schedule": key, "error": str(error)})
                trigger = cron_trigger(entry.schedule.cron, self._zone)
        entry.cron = cron
        entry.fixed_hour = cron is not None and _has_fixed_hour(cron)
        if trigger is None:
            if self._scheduler.get_job(key) is not None:
                self._scheduler.remove_job(key)
            self._write_next(key, None, None)
            entry.due = None
            return
        self._scheduler.add_job(self.fire, trigger, args=(key,), id=key, replace_existing=True)
        self._note_next(key, entry, after=clock.now(), trigger=trigger)

    def _note_next(self, key: str, entry: _Entry, *, after: datetime, trigger: Any = None) -> None:
        if trigger is None:
            job = self._scheduler.get_job(key) if self._scheduler is not None else None
            if job is None:
                return
            trigger = job.trigger
        now = max(clock.now(), after + timedelta(milliseconds=1))
        entry.due = trigger.get_next_fire_time(None, now.astimezone(self._zone))
        self._write_next(key, entry.cron, entry.due)

    def _write_next(self, key: str, cron: str | None, due: datetime | None) -> None:
        with self._board.writes() as connection:
            connection.execute(
                "UPDATE schedule SET cron = ?, next_at = ? WHERE name = ?",
                (cron, None if due is None else to_ms(due), key),
            )

    def _fire_key(self, entry: _Entry, due: datetime) -> str:
        local = due.astimezone(self._zone)
        # An expression with fixed hours means wall-clock times, so the second 02:30 of an autumn night is the same run.
        # Other expressions mean an interval, which continues through that hour.
        return local.strftime("%Y-%m-%d %H:%M") if entry.fixed_hour else str(to_ms(due))


def _has_fixed_hour(cron: str) -> bool:
    return is_cron(cron) and "*" not in read(cron)["hour"]

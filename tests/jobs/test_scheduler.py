"""The scheduler: cron expressions, time zones, missed runs, the repeated hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mydia import clock
from mydia.contexts.users import SYSTEM
from mydia.cron import read
from mydia.errors import Invalid, Misconfigured
from mydia.jobs.broker import Schedule
from mydia.jobs.scheduler import Clock, cron_trigger, every_minutes, time_zone
from mydia.taskboard import TaskBoard, to_ms

BERLIN = time_zone("Europe/Berlin")
UTC_ZONE = time_zone("UTC")


class Sent:
    """Replaces the queue and records its messages."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, dict[str, object], str | None]] = []

    def __call__(
        self, job: str, params: Any = None, *, dedup: Any = None, delay_s: float = 0, cause: Any = None
    ) -> str:
        self.jobs.append((job, dict(params or {}), cause))
        return "id"

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.jobs]


type MakeClock = Callable[..., tuple[Clock, Sent]]


@pytest.fixture
def make_clock(board: TaskBoard) -> Iterator[MakeClock]:
    made: list[Clock] = []

    def make(*schedule: Schedule, zone: Any = UTC_ZONE, overrides: Any = dict) -> tuple[Clock, Sent]:
        sent = Sent()
        made.append(Clock(board, sent, schedule, zone=zone, overrides=overrides))
        return made[-1], sent

    yield make
    for one in made:
        one.stop()


NEVER_SOON = Schedule("0 2 29 2 *", "scan")


@pytest.mark.parametrize(
    ("cron", "names"),
    [
        ("0", "sun"),
        ("7", "sun"),
        ("1", "mon"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("0,3", "sun,wed"),
        ("*/2", "sun,tue,thu,sat"),
        ("mon-fri", "mon,tue,wed,thu,fri"),
        ("fri-mon", "sun,mon,fri,sat"),
        ("Sunday", "sun"),
        ("*", "*"),
    ],
)
def test_weekdays_mean_what_they_mean_in_crontab(cron: str, names: str) -> None:
    assert read(f"0 0 * * {cron}")["day_of_week"] == names


def test_sunday_in_numbers_is_a_sunday() -> None:
    fires = cron_trigger("0 0 * * 0", UTC_ZONE).get_next_fire_time(None, datetime(2026, 11, 18, tzinfo=UTC))
    assert fires == datetime(2026, 11, 22, tzinfo=UTC)


def test_two_at_night_is_local_time() -> None:
    fires = cron_trigger("0 2 * * *", BERLIN).get_next_fire_time(None, datetime(2026, 7, 1, 12, tzinfo=BERLIN))
    assert fires.astimezone(UTC) == datetime(2026, 7, 2, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("line", ["", "* * * *", "61 * * * *", "0 2 * * someday", "0 2 * * 8", "0 2 * * 1/0", "hourly"])
def test_an_invalid_schedule_is_refused_with_an_example(line: str) -> None:
    with pytest.raises(Invalid, match="is not a valid schedule"):
        cron_trigger(line, UTC_ZONE)


def test_an_unknown_time_zone_names_the_setting() -> None:
    with pytest.raises(Misconfigured, match="TZ is “Mars/Olympus”"):
        time_zone("Mars/Olympus")


def test_minutes_become_cron_lines() -> None:
    assert (every_minutes(5), every_minutes(60), every_minutes(180)) == ("*/5 * * * *", "0 */1 * * *", "0 */3 * * *")


def test_every_schedule_is_listed_with_its_next_time(make_clock: MakeClock, board: TaskBoard) -> None:
    made, sent = make_clock(Schedule("0 2 * * *", "scan"), Schedule("*/5 * * * *", "monitor", title="Watch clients"))
    assert made.start()
    scan, monitor = board.scheduled(SYSTEM)
    assert (scan.name, scan.cron, scan.last, monitor.title) == ("scan", "0 2 * * *", None, "Watch clients")
    assert scan.next_at is not None
    assert (scan.next_at.hour, scan.next_at.minute) == (2, 0)
    assert sent.jobs == []


def test_a_scheduled_run_is_a_message_with_its_cause(make_clock: MakeClock, board: TaskBoard) -> None:
    made, sent = make_clock(Schedule("0 2 * * *", "scan", {"deep": True}))
    made.start()
    made.fire("scan")
    assert sent.jobs == [("scan", {"deep": True}, "schedule")]
    assert board.scheduled(SYSTEM)[0].fired_at is not None


def test_a_user_starts_a_job_with_its_own_params(make_clock: MakeClock, board: TaskBoard) -> None:
    made, sent = make_clock(Schedule("0 2 * * *", "compact", {"when_idle": True}, by_hand={"when_idle": False}))
    made.start()
    made.fire("compact")
    assert sent.jobs == [("compact", {"when_idle": True}, "schedule")]
    assert board.scheduled(SYSTEM)[0].params == {"when_idle": False}


def test_the_scheduler_runs_in_real_time(
    make_clock: MakeClock, board: TaskBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apscheduler.triggers.interval import IntervalTrigger

    monkeypatch.setattr(
        "mydia.jobs.scheduler.cron_trigger", lambda _line, zone: IntervalTrigger(seconds=1, timezone=zone)
    )
    rang = threading.Event()
    made, _ = make_clock(Schedule("* * * * *", "tick"))
    monkeypatch.setattr(made, "_enqueue", lambda *_a, **_k: rang.set())
    made.start()
    assert rang.wait(20)


def test_a_run_missed_during_downtime_runs_once(make_clock: MakeClock, board: TaskBoard) -> None:
    first, _ = make_clock(NEVER_SOON)
    first.start()
    first.stop()
    with board.writes() as connection:
        connection.execute("UPDATE schedule SET next_at = ?", (to_ms(clock.now() - timedelta(days=3)),))
    second, sent = make_clock(NEVER_SOON)
    second.start()
    assert sent.names == ["scan"]
    second.stop()
    third, sent = make_clock(NEVER_SOON)
    third.start()
    assert sent.names == []


def test_the_hour_that_comes_twice_starts_a_daily_job_once(make_clock: MakeClock, board: TaskBoard) -> None:
    made, sent = make_clock(Schedule("30 2 * * *", "scan"), Schedule("*/5 * * * *", "monitor"), zone=BERLIN)
    made.start()
    # On 25 October 2026 Berlin's clocks go from 03:00 back to 02:00: 00:30 and 01:30 UTC are both 02:30 there.
    for due in (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)):
        for name in ("scan", "monitor"):
            made._entries[name].due = due
            made.fire(name)
    assert sent.names == ["scan", "monitor", "monitor"]


def test_a_changed_schedule_takes_effect_at_once_and_can_be_disabled(make_clock: MakeClock, board: TaskBoard) -> None:
    chosen: dict[str, str | None] = {}
    made, _ = make_clock(Schedule("0 2 * * *", "scan"), overrides=lambda: chosen)
    made.start()
    chosen["scan"] = "0 5 * * *"
    made.refresh()
    (scan,) = board.scheduled(SYSTEM)
    assert (scan.cron, scan.default_cron, scan.next_at and scan.next_at.hour) == ("0 5 * * *", "0 2 * * *", 5)
    chosen["scan"] = None
    made.refresh()
    assert (board.scheduled(SYSTEM)[0].cron, board.scheduled(SYSTEM)[0].next_at) == (None, None)
    chosen.clear()
    made.refresh()
    assert board.scheduled(SYSTEM)[0].cron == "0 2 * * *"
    assert board.scheduled(SYSTEM)[0].next_at is not None


def test_an_unreadable_schedule_falls_back_to_its_default(make_clock: MakeClock, board: TaskBoard) -> None:
    made, _ = make_clock(Schedule("0 2 * * *", "scan"), overrides=lambda: {"scan": "every full moon"})
    made.start()
    next_at = board.scheduled(SYSTEM)[0].next_at
    assert next_at is not None
    assert next_at.hour == 2


def test_only_one_process_runs_the_schedule(make_clock: MakeClock, tmp_path: Path) -> None:
    first, _ = make_clock(NEVER_SOON)
    second, _ = make_clock(NEVER_SOON)
    assert first.start()
    assert not second.start()
    first.stop()
    assert second.start()


def test_a_removed_schedule_is_no_longer_listed(make_clock: MakeClock, board: TaskBoard) -> None:
    first, _ = make_clock(Schedule("0 2 * * *", "scan"), Schedule("0 3 * * *", "old"))
    first.start()
    first.stop()
    second, _ = make_clock(Schedule("0 2 * * *", "scan"))
    second.start()
    assert [entry.name for entry in board.scheduled(SYSTEM)] == ["scan"]

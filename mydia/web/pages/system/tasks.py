"""Tasks: what runs now, what runs on a schedule, and how earlier runs ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from mydia import clock, units
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid, NotFound
from mydia.taskboard import ENDED, Run, RunState, Scheduled, TaskBoard
from mydia.web.deps import CallerDep, DatabaseDep, TaskBoardDep, WebRequest
from mydia.web.render import Toast, dialog, fragment, is_htmx, nothing, page, query, redirect

_RECENT = 12


_ALL = 60


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in words."""

    id: str
    title: str
    icon: str
    subject: str
    progress: str
    left: str
    percent: int | None
    state: str
    tone: str
    outcome: str
    at: datetime | None
    took: str
    cause: str
    cancelling: bool
    can_retry: bool


class ScheduleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled task."""

    name: str
    job: str
    title: str
    every: str
    last_at: datetime | None
    took: str
    next_at: datetime | None
    tone: str
    outcome: str
    icon: str
    busy: bool


class TasksView(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks page."""

    running: tuple[RunLine, ...]
    waiting: tuple[RunLine, ...]
    scheduled: tuple[ScheduleLine, ...]
    recent: tuple[RunLine, ...]
    queues: tuple[Any, ...]
    workers: int
    slots: int
    paused: bool
    shown: str
    more: str | None
    wrong: int


_ICONS = {"library": "folder-search", "downloads": "arrow-down-to-line", "metadata": "image", "upkeep": "database"}


_TONES = {
    "done": "ok",
    "failed": "fail",
    "dead": "fail",
    "cancelled": "off",
    "running": "live",
    "queued": "off",
    "delayed": "off",
}


@get("/system/tasks", sync_to_thread=True, include_in_schema=False)
def show_tasks(
    request: WebRequest,
    taskboard: TaskBoardDep,
    caller: CallerDep,
    show: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Response[str]:
    """Show running and scheduled tasks, and the results of earlier runs."""
    if show not in ("", "all", "failed"):
        raise Invalid("Show all or failed.")
    view = tasks_view(taskboard, caller, show, before)
    if before and is_htmx(request):
        return fragment(request, "system/_more_runs.html", view)
    return page(request, "system/tasks.html", view, active="system", topics=["tasks"])


def tasks_view(board: TaskBoard, caller: Caller, show: str = "", before: str = "") -> TasksView:
    """Return the tasks page; called once a second while the page is open."""
    now = clock.now()
    workers = board.workers()
    limit = _ALL if show else _RECENT
    states = (RunState.FAILED, RunState.DEAD) if show == "failed" else ENDED
    recent = board.recent(caller, limit, before or None, states=states)
    busy = {run.job for run in (*board.running(caller), *board.waiting(caller))}
    more = f"/system/tasks{query({'show': show, 'before': recent[-1].id})}" if show and len(recent) == limit else None
    return TasksView(
        running=tuple(run_line(run, now) for run in board.running(caller)),
        waiting=tuple(run_line(run, now) for run in board.waiting(caller, 8)),
        scheduled=tuple(_schedule_line(entry, now, busy) for entry in board.scheduled(caller)),
        recent=tuple(run_line(run, now) for run in recent),
        queues=tuple(board.queue_depth(caller)),
        workers=len(workers),
        slots=sum(worker.slots for worker in workers),
        paused=board.paused(),
        shown=show,
        more=more,
        wrong=sum(queue.failed for queue in board.queue_depth(caller)),
    )


def run_line(run: Run, now: datetime) -> RunLine:
    """Return a run in words."""
    took = run.took_s(now)
    left = run.left_s(now)
    done = "" if run.done is None else f"{run.done:,} of {run.total:,}" if run.total else f"{run.done:,}"
    outcome = {
        RunState.DONE: run.result or "Done",
        RunState.CANCELLED: "Cancelled",
        RunState.QUEUED: "Waiting for a free slot",
        RunState.DELAYED: "Scheduled",
        RunState.RUNNING: run.note or "",
    }.get(run.state, run.error or "Failed")
    return RunLine(
        id=run.id,
        title=run.title,
        icon=_ICONS.get(run.job.partition(".")[0], "cpu"),
        subject=run.note or _params(run) or run.cause or "",
        progress=done,
        left=f"{units.left(left)} left" if left else "",
        percent=run.percent(),
        state=str(run.state),
        tone=_TONES[run.state],
        outcome=outcome.splitlines()[-1] if outcome else "",
        at=run.finished_at or run.started_at or run.due_at,
        took=_took(took),
        cause=run.cause or "",
        cancelling=run.cancel_asked,
        can_retry=run.state in (RunState.FAILED, RunState.DEAD, RunState.CANCELLED),
    )


def _params(run: Run) -> str:
    return ", ".join(
        f"{value}"
        for name, value in run.params.items()
        if not name.endswith("_id") and value not in (None, "", [], False)
    )


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 10 else units.duration(seconds)


def _schedule_line(entry: Scheduled, now: datetime, busy: set[str]) -> ScheduleLine:
    last = entry.last
    ended = last is not None and last.state in ENDED
    tone = _TONES[last.state] if last is not None else "off"
    outcome = (
        (
            run_line(last, now).outcome
            if ended
            else {"running": "Running", "queued": "Waits", "delayed": "Waits"}[str(last.state)]
        )
        if last
        else "Never ran"
    )
    return ScheduleLine(
        name=entry.name,
        job=entry.job,
        title=entry.title,
        every=said_cron(entry.cron),
        last_at=(last.finished_at or last.started_at) if last else None,
        took=_took(last.took_s(now)) if last and ended else "",
        next_at=entry.next_at,
        tone=tone,
        outcome=outcome,
        icon={"ok": "check", "fail": "triangle-alert", "live": "loader", "off": "minus"}[tone],
        busy=entry.job in busy,
    )


_DAYS = {
    "sun": "Sunday",
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
}


def said_cron(line: str | None) -> str:
    """Return common schedules in words, others as they are written.

    >>> said_cron("*/5 * * * *"), said_cron("0 */6 * * *"), said_cron("30 3 * * *"), said_cron("10 4 * * sun")
    ('5 min', '6 h', 'daily, 03:30', 'Sunday, 04:10')
    """
    if not line:
        return "off"
    parts = line.split()
    if len(parts) != 5:
        return line
    minute, hour, day, month, weekday = parts
    if (day, month) != ("*", "*"):
        return line
    if minute.startswith("*/") and (hour, weekday) == ("*", "*"):
        return f"{minute[2:]} min"
    if minute.isdigit() and hour == "*" and weekday == "*":
        return "hourly"
    if minute.isdigit() and hour.startswith("*/") and weekday == "*":
        return f"{hour[2:]} h"
    if minute.isdigit() and hour.isdigit():
        at = f"{int(hour):02}:{int(minute):02}"
        return f"daily, {at}" if weekday == "*" else f"{_DAYS.get(weekday, weekday)}, {at}"
    return line


@get("/system/runs/{run_id:str}", sync_to_thread=True, include_in_schema=False)
def show_run(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> Response[str]:
    """Show one run."""
    run = taskboard.get(caller, run_id)
    return dialog(request, "system/_run.html", run, title=run.title, active="system", line=run_line(run, clock.now()))


@post("/system/runs/{run_id:str}/cancel", sync_to_thread=True, status_code=200, include_in_schema=False)
def cancel_run(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> Response[str]:
    """Stop one run."""
    state = taskboard.cancel(caller, run_id)
    text = "" if state == RunState.CANCELLED else "It stops after the current step."
    return _tasks_changed(request, Toast("Cancelled", text))


@post("/system/runs/{run_id:str}/retry", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry_run(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep, run_id: FromPath[str]) -> Response[str]:
    """Start a failed run again."""
    taskboard.retry_dead(caller, run_id)
    return _tasks_changed(request, Toast("Started again", tone="live"))


@post("/system/tasks/{name:str}/run", sync_to_thread=True, status_code=200, include_in_schema=False)
def run_task(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep, name: FromPath[str]) -> Response[str]:
    """Start a scheduled task now."""
    entry = next((one for one in taskboard.scheduled(caller) if one.name == name), None)
    if entry is None:
        raise NotFound("There is no such task.")
    taskboard.run_now(caller, entry.job, entry.params)
    without = not taskboard.workers()
    text = "It starts when a worker is running." if without else ""
    return _tasks_changed(request, Toast(f"{entry.title} started", text, tone="miss" if without else "live"))


@post(["/system/pause", "/system/resume"], sync_to_thread=True, status_code=200, include_in_schema=False)
def pause_workers(
    request: WebRequest, database: DatabaseDep, taskboard: TaskBoardDep, caller: CallerDep
) -> Response[str]:
    """Pause or resume the workers. Paused workers start no new tasks."""
    pausing = request.url.path.endswith("pause")
    taskboard.set_paused(caller, pausing)
    with database.writes() as session:
        settings.services.record_paused(session, caller, clock.now(), paused=pausing)
    toast = Toast("Workers paused", "Running tasks finish; no new ones start.") if pausing else Toast("Workers resumed")
    return _tasks_changed(request, toast)


def _tasks_changed(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"tasks-changed": {}, "dialog-close": {}})
    return redirect(request, "/system/tasks", toast=toast)


ROUTES: tuple[Any, ...] = (show_tasks, show_run, cancel_run, retry_run, run_task, pause_workers)

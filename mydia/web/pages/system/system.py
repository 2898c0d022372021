"""System: how everything is, what runs, what was written to the logs, and the backups."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import File

from mydia import __version__, clock, units
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, maintenance, sqlite_version
from mydia.errors import Invalid, NotFound
from mydia.taskboard import ENDED, Run, RunState, Scheduled, TaskBoard
from mydia.web import health
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.render import Toast, dialog, fragment, is_htmx, nothing, page, query, redirect

_RECENT = 12
_ALL = 60
_LINES = 300
_TAIL_BYTES = 2 * units.MIB
_LEVELS = ("debug", "info", "warning", "error")
_LOGS = ("web", "worker", "serve")
_FIXES = {
    "worker": ("/system/tasks", "Open tasks"),
    "library folder": ("/settings/folders", "Open folders"),
    "client": ("/settings/clients", "Open clients"),
    "indexer": ("/settings/indexers", "Open indexers"),
    "scan": ("/imports", "See why"),
    "jobs": ("/system/tasks?show=failed", "See them"),
    "metadata": ("/settings/metadata", "Open metadata"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    state: str
    name: str
    sentence: str
    href: str
    action: str


@dataclass(frozen=True, slots=True)
class Service:
    """A client or indexer and how it has been answering."""

    kind: str
    name: str
    tone: str
    word: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Room:
    """A disk."""

    name: str
    path: str
    free: str
    total: str
    percent: float


@dataclass(frozen=True, slots=True)
class StatusView:
    """How everything is."""

    findings: tuple[Finding, ...]
    services: tuple[Service, ...]
    rooms: tuple[Room, ...]
    about: tuple[tuple[str, str], ...]
    report: str
    running: int

    @property
    def wrong(self) -> int:
        """How many findings are not fine."""
        return sum(1 for one in self.findings if one.state != "ok")


@get(["/system", "/system/status"], sync_to_thread=True, include_in_schema=False)
def show_status(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show what is well and what is not, with what to do about it."""
    caller.require(Permission.MANAGE_SETTINGS)
    checks = health.examine(deps, (*health.CHECKS, *request.app.state.checks))
    order = {"failed": 0, "warning": 1, "ok": 2}
    findings = tuple(_finding(check) for check in sorted(checks, key=lambda check: order[check.state]))
    with deps.database.reads() as session:
        services = tuple(_services(session))
        folders = [(path.name, path.path) for path in settings.list_library_paths(session)]
    rooms = tuple(_rooms([("Data", str(deps.config.data_dir)), *folders]))
    about = _about(deps)
    report = "\n".join(
        [
            *(f"{label}: {value}" for label, value in about),
            *(f"{one.state}: {one.name}: {one.sentence}" for one in findings),
        ]
    )
    view = StatusView(findings, services, rooms, about, report, len(deps.taskboard.running()))
    return page(request, "system/status.html", view, active="system")


def _finding(check: health.Check) -> Finding:
    href, action = next(
        (fix for name, fix in _FIXES.items() if check.state != "ok" and check.name.startswith(name)), ("", "")
    )
    return Finding(check.state, check.name[:1].upper() + check.name[1:], check.sentence, href, action)


def _services(session: Any) -> Iterator[Service]:
    for family, kind, rows in (
        ("download_client", "Download client", settings.list_clients(session)),
        ("indexer", "Indexer", settings.list_indexers(session)),
    ):
        known = settings.statuses(session, family)
        for row in rows:
            status = known.get(row.id)
            if not row.enabled:
                yield Service(kind, row.name, "off", "Switched off", "", None)
            elif status is None:
                yield Service(kind, row.name, "off", "Not asked yet", "", None)
            elif status.state == "ok":
                yield Service(kind, row.name, "ok", "Answers", status.version or "", status.last_ok_at)
            else:
                word = "Rests" if status.disabled_until else "Does not answer"
                yield Service(kind, row.name, "miss", word, status.last_error or "", status.since_at)


def _rooms(places: Iterable[tuple[str, str]]) -> Iterator[Room]:
    for name, path in places:
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            continue
        used = 100 * (1 - usage.free / usage.total) if usage.total else 0.0
        yield Room(name, path, units.size(usage.free), units.size(usage.total), used)


def _about(deps: WebDeps) -> tuple[tuple[str, str], ...]:
    database = deps.database.path
    return (
        ("Version", __version__),
        ("Python", platform.python_version()),
        ("SQLite", ".".join(map(str, sqlite_version()))),
        ("Data folder", str(deps.config.data_dir)),
        ("Database", f"{database} ({units.size(database.stat().st_size)})" if database else "PostgreSQL"),
        ("Configuration", str(deps.config.file) if deps.config.file else "Environment and defaults"),
        ("Metadata", deps.outside.metadata.name if deps.outside.metadata.available else "No source"),
        ("Runs as", f"user {os.getuid()}, group {os.getgid()}"),
        ("Time zone", str(deps.config["jobs.time_zone"])),
    )


# --- tasks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunLine:
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


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """Something that the clock starts."""

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


@dataclass(frozen=True, slots=True)
class TasksView:
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
    request: WebRequest, taskboard: TaskBoard, caller: Caller, show: FromQuery[str] = "", before: FromQuery[str] = ""
) -> Response[str]:
    """Show what runs, what will, and what came of the rest."""
    caller.require(Permission.MANAGE_SETTINGS)
    if show not in ("", "all", "failed"):
        raise Invalid("Show all or failed.")
    view = tasks_view(taskboard, show, before)
    if before and is_htmx(request):
        return fragment(request, "system/_more_runs.html", view)
    return page(request, "system/tasks.html", view, active="system", topics=["tasks"])


def tasks_view(board: TaskBoard, show: str = "", before: str = "") -> TasksView:
    """Return the tasks page; asked for once a second while somebody looks."""
    now = clock.now()
    workers = board.workers()
    limit = _ALL if show else _RECENT
    states = (RunState.FAILED, RunState.DEAD) if show == "failed" else ENDED
    recent = board.recent(limit, before or None, states=states)
    busy = {run.job for run in (*board.running(), *board.waiting())}
    more = f"/system/tasks{query({'show': show, 'before': recent[-1].id})}" if show and len(recent) == limit else None
    return TasksView(
        running=tuple(run_line(run, now) for run in board.running()),
        waiting=tuple(run_line(run, now) for run in board.waiting(8)),
        scheduled=tuple(_schedule_line(entry, now, busy) for entry in board.scheduled()),
        recent=tuple(run_line(run, now) for run in recent),
        queues=tuple(board.queue_depth()),
        workers=len(workers),
        slots=sum(worker.slots for worker in workers),
        paused=board.paused(),
        shown=show,
        more=more,
        wrong=sum(queue.failed for queue in board.queue_depth()),
    )


def run_line(run: Run, now: datetime) -> RunLine:
    """Return a run in words."""
    took = run.took_s(now)
    left = run.left_s(now)
    done = "" if run.done is None else f"{run.done:,} of {run.total:,}" if run.total else f"{run.done:,}"
    outcome = {
        RunState.DONE: run.result or "Done",
        RunState.CANCELLED: "Cancelled",
        RunState.QUEUED: "Waits for a free slot",
        RunState.DELAYED: "Waits for its time",
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
    """Say the usual schedules in words; others as they are written.

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
def show_run(request: WebRequest, taskboard: TaskBoard, caller: Caller, run_id: FromPath[str]) -> Response[str]:
    """Tell everything about one run."""
    caller.require(Permission.MANAGE_SETTINGS)
    run = taskboard.get(run_id)
    return dialog(request, "system/_run.html", run, title=run.title, active="system", line=run_line(run, clock.now()))


@post("/system/runs/{run_id:str}/cancel", sync_to_thread=True, status_code=200, include_in_schema=False)
def cancel_run(request: WebRequest, taskboard: TaskBoard, caller: Caller, run_id: FromPath[str]) -> Response[str]:
    """Stop one run."""
    caller.require(Permission.MANAGE_SETTINGS)
    state = taskboard.cancel(run_id)
    text = "" if state == RunState.CANCELLED else "It stops after the step it is at."
    return _tasks_changed(request, Toast("Cancelled", text))


@post("/system/runs/{run_id:str}/retry", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry_run(request: WebRequest, taskboard: TaskBoard, caller: Caller, run_id: FromPath[str]) -> Response[str]:
    """Start a failed run again."""
    caller.require(Permission.MANAGE_SETTINGS)
    taskboard.retry_dead(run_id, by=caller.name)
    return _tasks_changed(request, Toast("Started again", tone="live"))


@post("/system/tasks/{name:str}/run", sync_to_thread=True, status_code=200, include_in_schema=False)
def run_task(request: WebRequest, taskboard: TaskBoard, caller: Caller, name: FromPath[str]) -> Response[str]:
    """Start a scheduled task now."""
    caller.require(Permission.MANAGE_SETTINGS)
    entry = next((one for one in taskboard.scheduled() if one.name == name), None)
    if entry is None:
        raise NotFound("There is no such task.")
    taskboard.run_now(entry.job, entry.params, by=caller.name)
    without = not taskboard.workers()
    text = "It waits until a worker runs." if without else ""
    return _tasks_changed(request, Toast(f"{entry.title} started", text, "miss" if without else "live"))


@post(["/system/pause", "/system/resume"], sync_to_thread=True, status_code=200, include_in_schema=False)
def pause_workers(request: WebRequest, taskboard: TaskBoard, caller: Caller) -> Response[str]:
    """Have workers start nothing new, or go on."""
    caller.require(Permission.MANAGE_SETTINGS)
    pausing = request.url.path.endswith("pause")
    taskboard.set_paused(pausing)
    toast = (
        Toast("Workers paused", "What runs is finished; nothing new is started.") if pausing else Toast("Workers go on")
    )
    return _tasks_changed(request, toast)


def _tasks_changed(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"tasks-changed": {}, "dialog-close": {}})
    return redirect(request, "/system/tasks", toast=toast)


# --- logs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log."""

    at: datetime | None
    level: str
    tone: str
    logger: str
    message: str
    fields: tuple[tuple[str, str], ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class LogsView:
    """The newest lines that fit the filter."""

    lines: tuple[LogLine, ...]
    level: str
    q: str
    file: str
    files: tuple[str, ...]
    live: bool
    levels: tuple[str, ...] = _LEVELS

    @property
    def url(self) -> str:
        """Return the address of these lines."""
        return "/system/logs" + query({"level": self.level, "q": self.q, "file": self.file})


@get("/system/logs", sync_to_thread=True, include_in_schema=False)
def show_logs(
    request: WebRequest,
    config: Config,
    caller: Caller,
    level: FromQuery[str] = "info",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
    live: FromQuery[str] = "",
) -> Response[str]:
    """Show the newest lines of the logs, newest first."""
    caller.require(Permission.MANAGE_SETTINGS)
    files = tuple(name for name in _LOGS if (config.log_directory / f"{name}.log").exists())
    if level not in _LEVELS or (file and file not in files):
        raise Invalid("Choose a level and a file from the lists.")
    lines = read_logs(config.log_directory, (file,) if file else files, level, q)
    view = LogsView(tuple(lines), level, q, file, files, live != "off")
    if is_htmx(request) and request.headers.get("hx-target", "").endswith("#log-lines"):
        return fragment(request, "system/_log_lines.html", view)
    return page(request, "system/logs.html", view, active="system")


def read_logs(directory: Path, files: Iterable[str], level: str, q: str) -> list[LogLine]:
    """Return the newest lines of some logs that fit, newest first."""
    wanted = set(_LEVELS[_LEVELS.index(level) :])
    words = q.casefold().split()
    found: deque[LogLine] = deque()
    for name in files:
        for text in _tail(directory / f"{name}.log"):
            if words and not all(word in text.casefold() for word in words):
                continue
            told = _log_line(text, name)
            if told.level in wanted or told.level not in _LEVELS:
                found.append(told)
    ordered = sorted(found, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True)
    return ordered[:_LINES]


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-5000:]
    except OSError:
        return []


def _log_line(text: str, name: str) -> LogLine:
    try:
        told = json.loads(text)
        at = datetime.fromisoformat(str(told.pop("at")))
        level, logger = str(told.pop("level")), str(told.pop("logger"))
        message, error = str(told.pop("message")), told.pop("error", None)
    except (ValueError, KeyError, AttributeError, TypeError):
        # The first line of the tail is cut, and a crash may leave half of one.
        return LogLine(None, "info", "ink-3", name, text[:2000], (), None)
    tone = {"error": "fail", "critical": "fail", "warning": "miss"}.get(level, "ink-3")
    return LogLine(at, level, tone, logger, message, tuple((key, str(value)) for key, value in told.items()), error)


@get("/system/logs/{name:str}/download", sync_to_thread=True, include_in_schema=False)
def download_log(config: Config, caller: Caller, name: FromPath[str]) -> File:
    """Send a whole log."""
    caller.require(Permission.MANAGE_SETTINGS)
    path = config.log_directory / f"{name}.log"
    if name not in _LOGS or not path.exists():
        raise NotFound("There is no such log.")
    return File(path=path, filename=f"mydia-{name}.log", media_type="text/plain")


# --- backups ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BackupsView:
    """The backups that are kept."""

    backups: tuple[maintenance.Backup, ...]
    directory: str
    keep: int
    possible: bool
    running: bool
    last_error: str | None


@get("/system/backups", sync_to_thread=True, include_in_schema=False)
def show_backups(
    request: WebRequest, deps: WebDeps, config: Config, database: Database, caller: Caller
) -> Response[str]:
    """Show the backups and how one is restored."""
    caller.require(Permission.MANAGE_SETTINGS)
    with database.reads() as session:
        keep = int(str(settings.value(session, config, "backups.keep")))
    board = deps.taskboard
    busy = any(run.job == "upkeep.back_up" for run in (*board.running(), *board.waiting()))
    last = board.recent(1, job="upkeep.back_up")
    view = BackupsView(
        tuple(sorted(maintenance.list_backups(config.backups_directory), key=lambda one: one.made_at, reverse=True)),
        str(config.backups_directory),
        keep,
        database.path is not None,
        busy,
        last[0].error if last and last[0].state in (RunState.FAILED, RunState.DEAD) else None,
    )
    return page(request, "system/backups.html", view, active="system", topics=["tasks"])


@post("/system/backups", sync_to_thread=True, status_code=200, include_in_schema=False)
def make_backup(request: WebRequest, taskboard: TaskBoard, caller: Caller) -> Response[str]:
    """Make a backup now, in the worker."""
    caller.require(Permission.MANAGE_SETTINGS)
    taskboard.run_now("upkeep.back_up", by=caller.name)
    toast = Toast("Backing up", "It is checked when it is made, and then listed here.", "live")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"tasks-changed": {}})
    return redirect(request, "/system/backups", toast=toast)


@get("/system/backups/{name:str}", sync_to_thread=True, include_in_schema=False)
def download_backup(config: Config, caller: Caller, name: FromPath[str]) -> File:
    """Send a backup."""
    caller.require(Permission.MANAGE_SETTINGS)
    known = {one.path.name: one.path for one in maintenance.list_backups(config.backups_directory)}
    if name not in known:
        raise NotFound("This backup is not there (any more).")
    return File(path=known[name], filename=name, media_type="application/vnd.sqlite3")


ROUTES: tuple[Any, ...] = (
    show_status,
    show_tasks,
    show_run,
    cancel_run,
    retry_run,
    run_task,
    pause_workers,
    show_logs,
    download_log,
    show_backups,
    make_backup,
    download_backup,
)

"""Backups: make, list and download them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import File

from mydia.adapters import pg_dump
from mydia.contexts import settings
from mydia.db import maintenance
from mydia.taskboard import RunState
from mydia.web.deps import CallerDep, ConfigDep, DatabaseDep, DepsDep, TaskBoardDep, WebRequest
from mydia.web.render import Toast, is_htmx, nothing, page, redirect


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsView:
    """The page of the backups."""

    backups: tuple[maintenance.Backup, ...]
    directory: str
    keep: int
    possible: bool
    """False for PostgreSQL without `pg_dump`."""
    running: bool
    last_error: str | None


@get("/system/backups", sync_to_thread=True, include_in_schema=False)
def show_backups(
    request: WebRequest, deps: DepsDep, config: ConfigDep, database: DatabaseDep, caller: CallerDep
) -> Response[str]:
    """Show the backups and how to restore one."""
    with database.reads() as session:
        keep = settings.of(session).backups.keep
    board = deps.taskboard
    busy = any(run.job == "upkeep.back_up" for run in (*board.running(caller), *board.waiting(caller)))
    last = board.recent(caller, 1, job="upkeep.back_up")
    view = BackupsView(
        backups=tuple(settings.backups.list_backups(caller, config.backups_directory)),
        directory=str(config.backups_directory),
        keep=keep,
        possible=database.path is not None or deps.outside.programs.find(pg_dump.PROGRAM) is not None,
        running=busy,
        last_error=last[0].error if last and last[0].state in (RunState.FAILED, RunState.DEAD) else None,
    )
    return page(request, "system/backups.html", view, active="system", topics=["tasks"])


@post("/system/backups", sync_to_thread=True, status_code=200, include_in_schema=False)
def make_backup(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep) -> Response[str]:
    """Make a backup now, in the worker."""
    taskboard.run_now(caller, "upkeep.back_up")
    toast = Toast("Backing up", "The backup is verified and then listed here.", tone="live")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"tasks-changed": {}})
    return redirect(request, "/system/backups", toast=toast)


@get("/system/backups/{name:str}", sync_to_thread=True, include_in_schema=False)
def download_backup(config: ConfigDep, caller: CallerDep, name: FromPath[str]) -> File:
    """Send a backup."""
    path = settings.backups.get_backup(caller, config.backups_directory, name)
    return File(path=path, filename=name, media_type="application/vnd.sqlite3")


ROUTES: tuple[Any, ...] = (show_backups, make_backup, download_backup)

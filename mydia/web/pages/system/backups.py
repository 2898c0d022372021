"""Backups: make, list and download them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import File
from msgspec import Struct

from mydia import clock
from mydia.adapters import pg_dump
from mydia.config import Config
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.db import Database, maintenance, restoring
from mydia.errors import Invalid, NotFound
from mydia.taskboard import RunState
from mydia.web import uploads
from mydia.web.deps import CallerDep, ConfigDep, DatabaseDep, DepsDep, FormOf, TaskBoardDep, WebDeps, WebRequest
from mydia.web.render import Toast, dialog, is_htmx, nothing, page, redirect


class BackupsView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the backups."""

    backups: tuple[maintenance.Backup, ...]
    directory: str
    keep: int
    possible: bool
    """False for PostgreSQL without `pg_dump`."""
    can_upload: bool
    """False for PostgreSQL, whose backups are not restored here."""
    running: bool
    last_error: str | None
    outcome: restoring.Outcome | None
    """How the last restore ended."""


@get("/system/backups", sync_to_thread=True, include_in_schema=False)
def show_backups(
    request: WebRequest, deps: DepsDep, config: ConfigDep, database: DatabaseDep, caller: CallerDep
) -> Response[str]:
    """Show the backups and how to restore one."""
    return _backups_page(request, deps, config, database, caller)


def _backups_page(
    request: WebRequest,
    deps: WebDeps,
    config: Config,
    database: Database,
    caller: Caller,
    error: Invalid | None = None,
) -> Response[str]:
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
        can_upload=database.path is not None,
        running=busy,
        last_error=last[0].error if last and last[0].state in (RunState.FAILED, RunState.DEAD) else None,
        outcome=settings.backups.last_outcome(caller, database.path),
    )
    return page(
        request,
        "system/backups.html",
        view,
        active="system",
        topics=["tasks"],
        status=200 if error is None else 422,
        more={"errors": {} if error is None else dict(error.fields)},
    )


async def receive_file(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Path:
    """Receive the file of the form before the handler runs."""
    target = await asyncio.to_thread(
        settings.backups.prepare_upload,
        caller,
        deps.database.path,
        deps.config.backups_directory,
        request.content_length or 0,
    )
    return await uploads.save_file_field(request, target)


@post(
    "/system/backups/upload",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"csrf": False},
    request_max_body_size=uploads.BACKUP_BYTES,
    dependencies={"part": Provide(receive_file)},
)
def upload_backup(
    request: WebRequest,
    deps: DepsDep,
    config: ConfigDep,
    database: DatabaseDep,
    caller: CallerDep,
    part: NamedDependency[Path],
) -> Response[str]:
    """Add an uploaded file to the backups, and ask whether to restore it."""
    try:
        added = settings.backups.add_uploaded(database, caller, clock.now(), config.backups_directory, part)
    except Invalid as error:
        return _backups_page(request, deps, config, database, caller, error)
    return redirect(request, f"/system/backups/{added.path.name}/restore")


class RestoreView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog that asks before a restore, and the page that waits for it."""

    backup: maintenance.Backup
    losses: tuple[settings.backups.Loss, ...] = ()


class RestoreFields(Struct, kw_only=True):
    """The confirmation of a restore."""

    confirm: str = ""


@get("/system/backups/{name:str}/restore", sync_to_thread=True, include_in_schema=False)
def ask_restore(
    request: WebRequest, config: ConfigDep, database: DatabaseDep, caller: CallerDep, name: FromPath[str]
) -> Response[str]:
    """Say what a restore would lose, and ask."""
    return _restore_dialog(request, config, database, caller, name)


def _restore_dialog(
    request: WebRequest, config: Config, database: Database, caller: Caller, name: str, error: Invalid | None = None
) -> Response[str]:
    path = settings.backups.get_backup(caller, config.backups_directory, name)
    backup = maintenance.read_backup(path)
    if backup is None:
        raise NotFound("There is no such backup.")
    view = RestoreView(backup=backup, losses=tuple(settings.backups.losses(caller, database.path, path)))
    return dialog(
        request,
        "system/_restore.html",
        view,
        title="Restore a backup",
        active="system",
        back="/system/backups",
        status=200 if error is None else 422,
        errors={} if error is None else dict(error.fields),
    )


@post("/system/backups/{name:str}/restore", sync_to_thread=True, status_code=200, include_in_schema=False)
def restore_backup(
    request: WebRequest, deps: DepsDep, caller: CallerDep, name: FromPath[str], form: FormOf[RestoreFields]
) -> Response[str]:
    """Restore a backup; every process restarts, and the page waits for that."""
    path = settings.backups.get_backup(caller, deps.config.backups_directory, name)
    if form.read().confirm.strip().lower() != "restore":
        error = Invalid("Type restore to confirm.", fields={"confirm": "Type restore to confirm."})
        return _restore_dialog(request, deps.config, deps.database, caller, name, error)
    settings.backups.request_restore(deps.database, caller, clock.now(), path, deps.restart)
    return redirect(request, "/system/restoring")


@post("/system/backups/{name:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_backup(
    request: WebRequest, config: ConfigDep, database: DatabaseDep, caller: CallerDep, name: FromPath[str]
) -> Response[str]:
    """Delete a backup."""
    settings.backups.remove_backup(database, caller, clock.now(), config.backups_directory, name)
    return redirect(request, "/system/backups", toast=Toast("Backup deleted", name))


@get("/system/restoring", sync_to_thread=True, include_in_schema=False)
def restoring_page(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Wait for the restart."""
    settings.backups.last_outcome(caller, database.path)
    return page(request, "system/restoring.html", None, active="system")


@post("/system/backups/outcome", sync_to_thread=True, status_code=200, include_in_schema=False)
def close_outcome(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Close the note about the last restore."""
    settings.backups.forget_outcome(caller, database.path)
    return redirect(request, "/system/backups")


@post("/system/backups", sync_to_thread=True, status_code=200, include_in_schema=False)
def make_backup(request: WebRequest, taskboard: TaskBoardDep, caller: CallerDep) -> Response[str]:
    """Make a backup now, in the worker."""
    taskboard.run_now(caller, "upkeep.back_up")
    toast = Toast("Backing up", "The backup is verified and then listed here.", tone="live")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"tasks-changed": {}})
    return redirect(request, "/system/backups", toast=toast)


@get("/system/backups/{name:str}", sync_to_thread=True, include_in_schema=False)
def download_backup(config: ConfigDep, database: DatabaseDep, caller: CallerDep, name: FromPath[str]) -> File:
    """Send a backup."""
    path = settings.backups.download_backup(database, caller, clock.now(), config.backups_directory, name)
    return File(path=path, filename=name, media_type="application/vnd.sqlite3")


ROUTES: tuple[Any, ...] = (
    show_backups,
    make_backup,
    download_backup,
    ask_restore,
    restore_backup,
    remove_backup,
    upload_backup,
    restoring_page,
    close_outcome,
)

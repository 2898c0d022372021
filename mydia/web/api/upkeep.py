"""Bringing things back (recycle bin, removed titles, undo) and looking after Mydia (backups, logs)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import File

from mydia import clock
from mydia.contexts import library, settings
from mydia.db import maintenance
from mydia.errors import Conflict, NotFound
from mydia.vocabulary import MediaType
from mydia.web import uploads
from mydia.web.api.schemas import Accepted, Cursor, Limit, Page, Struct, Text
from mydia.web.deps import CallerDep, ConfigDep, DatabaseDep, DepsDep, OutsideDep, TaskBoardDep, WebRequest

_SQLITE = "application/vnd.sqlite3"


class RecycledShape(Struct):
    """A file in the recycle bin."""

    id: str
    path: str
    """Its original path."""
    size_bytes: int
    media_id: str | None
    cause: str
    """import (replaced by a better file), remove or undo"""
    undo_id: str | None
    """Pass it to `/api/v1/undo/{undo_id}` to restore everything that was removed together with it."""
    recycled_at: datetime
    expires_at: datetime
    """When it is deleted permanently."""


class Restored(Struct):
    """A restored file."""

    path: str


class RemovedTitleShape(Struct):
    """A title that was removed and can be restored."""

    id: str
    """The id it had and gets back."""
    removal_id: str
    """Titles that were removed together share it."""
    type: MediaType
    title: str
    year: int | None
    files: str
    """What became of its files: keep, recycle or delete"""
    removed_at: datetime
    expires_at: datetime
    """Until when it can be restored."""


class RestoredTitle(Struct):
    """A title that is back in the library."""

    media_id: str
    problems: list[str]
    """Which of its files could not be restored; empty when all were."""


class Undone(Struct):
    """The outcome of an undo."""

    problems: list[str]
    """What could not be undone; empty if everything was."""


class BackupShape(Struct):
    """A backup of the database."""

    name: str
    made_at: datetime
    size_bytes: int
    before_migration: bool
    uploaded: bool
    before_restore: bool
    """The database that a restore replaced."""


class LogLineShape(Struct):
    """One line of a log."""

    at: datetime | None
    level: str
    logger: str
    message: str
    fields: dict[str, str]
    error: str | None


@get("/recycle-bin", sync_to_thread=True, summary="List the recycle bin")
def list_recycled(
    database: DatabaseDep, caller: CallerDep, cursor: Cursor = None, limit: Limit = 50
) -> Page[RecycledShape]:
    """Return a page of files in the recycle bin, newest first."""
    with database.reads() as session:
        found = library.recycle.list_recycled(session, caller, cursor=cursor, limit=limit)
    items = [
        RecycledShape(
            id=row.id,
            path=row.original_path,
            size_bytes=row.size_bytes,
            media_id=row.media_item_id,
            cause=row.cause,
            undo_id=row.batch_id,
            recycled_at=row.recycled_at,
            expires_at=row.expires_at,
        )
        for row in found.files
    ]
    return Page(items=items, next_cursor=found.next_cursor)


@post("/recycle-bin/{file_id:str}/restore", sync_to_thread=True, status_code=200, summary="Restore a file")
def restore_file(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, file_id: FromPath[str]) -> Restored:
    """Move a file back to its original path. 409 if another file is there now."""
    return Restored(path=library.recycle.restore_file(database, outside, caller, clock.now(), file_id))


@delete("/recycle-bin/{file_id:str}", sync_to_thread=True, status_code=204, summary="Delete a file permanently")
def delete_recycled(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, file_id: FromPath[str]) -> None:
    """Permanently delete a file in the recycle bin."""
    if not library.recycle.empty_recycle_bin(database, outside, clock.now(), caller=caller, recycled_ids=[file_id]):
        raise NotFound("This file is not in the recycle bin.")


@get("/removed-titles", sync_to_thread=True, summary="List removed titles")
def list_removed_titles(database: DatabaseDep, caller: CallerDep) -> list[RemovedTitleShape]:
    """Return the titles whose removal can be undone, newest first."""
    with database.reads() as session:
        return [
            RemovedTitleShape(
                id=one.id,
                removal_id=one.removal_id,
                type=one.type,
                title=one.title,
                year=one.year,
                files=one.files,
                removed_at=one.removed_at,
                expires_at=one.expires_at,
            )
            for one in library.removed.removed_titles(session, caller)
        ]


@post("/removed-titles/{media_id:str}/restore", sync_to_thread=True, status_code=200, summary="Undo a title's removal")
def restore_title(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, media_id: FromPath[str]
) -> RestoredTitle:
    """Restore a title with its monitoring, tags and history, and with its files if they are in the recycle bin.

    409 when the title was added again meanwhile.
    """
    made = library.removed.restore_titles(database, outside, caller, clock.now(), [media_id])
    if not made.item_ids:
        raise Conflict(made.problems[0])
    return RestoredTitle(media_id=media_id, problems=list(made.problems))


@post("/undo/{undo_id:str}", sync_to_thread=True, status_code=200, summary="Undo a removal or rename")
def undo(
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    undo_id: FromPath[str],
    of: FromQuery[Literal["removal", "rename"]] = "removal",
) -> Undone:
    """Undo a removal or rename by the `undo_id` that it returned."""
    act = library.renaming.undo_rename if of == "rename" else library.journal.undo_batch
    return Undone(problems=list(act(database, outside, caller, clock.now(), undo_id)))


@get("/backups", sync_to_thread=True, summary="List backups")
def list_backups(config: ConfigDep, caller: CallerDep) -> list[BackupShape]:
    """Return the backups of the database, newest first."""
    return [_shape(one) for one in settings.backups.list_backups(caller, config.backups_directory)]


def _shape(one: maintenance.Backup) -> BackupShape:
    return BackupShape(
        name=one.path.name,
        made_at=one.made_at,
        size_bytes=one.size_bytes,
        before_migration=one.before_migration,
        uploaded=one.uploaded,
        before_restore=one.before_restore,
    )


@post("/backups", sync_to_thread=True, status_code=202, summary="Make a backup")
def make_backup(taskboard: TaskBoardDep, caller: CallerDep) -> Accepted:
    """Back up the database now, as a job."""
    taskboard.run_now(caller, "upkeep.back_up")
    return Accepted(detail="A job makes the backup; it is listed when it is complete.")


async def receive_body(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Path:
    """Receive the uploaded backup before the handler runs."""
    target = await asyncio.to_thread(
        settings.backups.prepare_upload,
        caller,
        deps.database.path,
        deps.config.backups_directory,
        request.content_length or 0,
    )
    return await uploads.save_body(request, target)


@dataclass
class _Upload(Operation):
    """Describes the body, which is the file itself."""

    def __post_init__(self) -> None:
        anything = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(content={"application/octet-stream": anything}, required=True)


@post(
    "/backups/uploads",
    sync_to_thread=True,
    status_code=201,
    summary="Upload a backup",
    request_max_body_size=uploads.BACKUP_BYTES,
    dependencies={"part": Provide(receive_body)},
    operation_class=_Upload,
)
def upload_backup(
    config: ConfigDep, database: DatabaseDep, caller: CallerDep, part: NamedDependency[Path]
) -> BackupShape:
    """Add a downloaded backup, sent as the body, to the list. It is checked; restoring it is a separate request."""
    return _shape(settings.backups.add_uploaded(database, caller, clock.now(), config.backups_directory, part))


class RestoreRequest(Struct):
    """A restore of a backup."""

    confirm: Literal["restore"]
    """Everything that changed since the backup is lost."""


@post("/backups/{name:str}/restore", sync_to_thread=True, status_code=202, summary="Restore a backup")
def restore_backup(deps: DepsDep, caller: CallerDep, name: FromPath[str], data: JSONBody[RestoreRequest]) -> Accepted:
    """Replace the database by a backup. Mydia restarts; if the restore fails, the present database stays in use."""
    path = settings.backups.get_backup(caller, deps.config.backups_directory, name)
    settings.backups.request_restore(deps.database, caller, clock.now(), path, deps.restart)
    return Accepted(detail="Mydia restarts on the restored database.")


@delete("/backups/{name:str}", sync_to_thread=True, summary="Delete a backup")
def remove_backup(config: ConfigDep, database: DatabaseDep, caller: CallerDep, name: FromPath[str]) -> None:
    """Delete a backup permanently."""
    settings.backups.remove_backup(database, caller, clock.now(), config.backups_directory, name)


@get("/backups/{name:str}", sync_to_thread=True, summary="Download a backup", media_type=_SQLITE)
def download_backup(config: ConfigDep, database: DatabaseDep, caller: CallerDep, name: FromPath[str]) -> File:
    """Download a backup, which is a complete SQLite database."""
    path = settings.backups.download_backup(database, caller, clock.now(), config.backups_directory, name)
    return File(path=path, filename=name, media_type=_SQLITE)


@get("/logs", sync_to_thread=True, summary="List log lines")
def list_logs(
    config: ConfigDep,
    caller: CallerDep,
    level: FromQuery[Literal["debug", "info", "warning", "error"]] = "info",
    q: Text = None,
    process: Annotated[Literal["web", "worker", "serve"] | None, QueryParameter()] = None,
    limit: Limit = 100,
) -> list[LogLineShape]:
    """Return log lines of a level or above, newest first."""
    files = (process,) if process else settings.log_files.present(caller, config.log_directory)
    return [
        LogLineShape(
            at=one.at,
            level=one.level,
            logger=one.logger,
            message=one.message,
            fields=dict(one.fields),
            error=one.error,
        )
        for one in settings.log_files.read_logs(caller, config.log_directory, files, level, q or "")[:limit]
    ]


@get("/logs/{process:str}", sync_to_thread=True, summary="Download a log", media_type="text/plain")
def download_log(config: ConfigDep, caller: CallerDep, process: FromPath[str]) -> File:
    """Download the log of `web`, `worker` or `serve`."""
    path = settings.log_files.get_log(caller, config.log_directory, process)
    return File(path=path, filename=f"mydia-{process}.log", media_type="text/plain")


ROUTES: tuple[Any, ...] = (
    list_recycled,
    restore_file,
    delete_recycled,
    list_removed_titles,
    restore_title,
    undo,
    list_backups,
    make_backup,
    download_backup,
    remove_backup,
    upload_backup,
    restore_backup,
    list_logs,
    download_log,
)

"""Manual import: the user assigns the files of a finished download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock, units
from mydia.adapters.filesystem import shown
from mydia.adapters.outside import Outside
from mydia.contexts import downloads, media
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Conflict, Invalid, MydiaError, Unavailable
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.activity.queue_actions import queue_changed
from mydia.web.render import Toast, dialog


class FileChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One file in the dialog."""

    path: str
    shown: str
    size: str
    quality: str
    episode_ids: tuple[str, ...]
    chosen: bool
    skipped: str | None
    objections: tuple[str, ...]
    already: bool


class FilesView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which the user assigns the files of a download."""

    download: downloads.Download
    files: tuple[FileChoice, ...]
    problems: tuple[str, ...]
    can_import: bool
    folder: str | None
    """Opens in manual import, where each file can get another title, a quality and a language."""
    show: bool
    episodes: tuple[tuple[str, str], ...]
    """(id, `S01E02 Title`)."""


@get("/activity/queue/{download_id:str}/files", sync_to_thread=True, include_in_schema=False)
def ask_import(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
) -> Response[str]:
    """Show the files of a finished download, to assign them."""
    return _files_dialog(request, database, outside, caller, download_id)


def _files_dialog(
    request: WebRequest,
    database: Database,
    outside: Outside,
    caller: Caller,
    download_id: str,
    error: MydiaError | None = None,
) -> Response[str]:
    preview = downloads.importing.preview_import(database, outside, caller, download_id)
    item_id = preview.download.media_item_id
    with database.reads() as session:
        known = media.episodes.episodes_of(session, caller, item_id) if item_id else []
        show = item_id is not None and media.get_item(session, caller, item_id).type == MediaType.TV_SHOW
    view = FilesView(
        download=preview.download,
        files=tuple(
            FileChoice(
                path=file.shown_path,
                shown=file.shown_path,
                size=units.size(file.size_bytes),
                quality=file.quality.name,
                episode_ids=tuple(episode.id for episode in file.episodes),
                chosen=file.skipped is None and not file.already,
                skipped=None if file.skipped is None else str(file.skipped),
                objections=tuple(map(str, file.objections)),
                already=file.already,
            )
            for file in preview.files
        ),
        problems=tuple(map(str, preview.problems)),
        can_import=preview.download.state in (downloads.DownloadState.BLOCKED, downloads.DownloadState.COMPLETED),
        folder=_folder(outside, preview.folder),
        show=show,
        episodes=tuple((episode.id, f"{episode.code} {episode.title or ''}".strip()) for episode in known),
    )
    errors = {} if error is None else {"": error.message}
    status = 200 if error is None else 422
    return dialog(
        request,
        "activity/_files.html",
        view,
        title="Import manually",
        active="activity",
        back="/activity",
        status=status,
        errors=errors,
    )


def _folder(outside: Outside, content: Path | None) -> str | None:
    """Return the folder of a download's files; its content can be a single file."""
    if content is None:
        return None
    return shown(str(content if outside.files.mount_state(content).is_folder else content.parent))


class FileRow(Struct, kw_only=True):
    """Whether to import a file, and its episodes."""

    path: str = ""
    take: bool = False
    episodes: tuple[str, ...] = ()


class FilesFields(Struct, kw_only=True):
    """The form of the dialog: one row for each file."""

    rows: tuple[FileRow, ...] = ()


@post("/activity/queue/{download_id:str}/files", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_by_hand(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
    form: FormOf[FilesFields],
) -> Response[str]:
    """Import the chosen files, even those that Mydia rejected."""
    chosen = [
        downloads.importing.ChosenFile(row.path, row.episodes) for row in form.read().rows if row.take and row.path
    ]
    try:
        said = downloads.importing.manual_import(database, outside, caller, clock.now(), download_id, chosen)
    except (Invalid, Conflict, Unavailable) as error:
        return _files_dialog(request, database, outside, caller, download_id, error)
    return queue_changed(request, Toast("Imported", said))


ROUTES: tuple[Any, ...] = (ask_import, import_by_hand)

"""Import a download: the steps from finding its files to the last note in its history."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from mydia.adapters.outside import Outside
from mydia.contexts import library, settings
from mydia.contexts.downloads.importing.choosing import as_chosen, examine
from mydia.contexts.downloads.importing.due import importing_here, interrupted_imports
from mydia.contexts.downloads.importing.known import gather
from mydia.contexts.downloads.importing.locating import locate
from mydia.contexts.downloads.importing.recording import block, block_without_title, claim, finish
from mydia.contexts.downloads.importing.values import ChosenFile, ImportFile, ImportPreview, Known
from mydia.contexts.downloads.models import Download, DownloadState
from mydia.contexts.downloads.moving import note
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid, MydiaError
from mydia.events import Reason, reason
from mydia.runs import Run

logger = logging.getLogger(__name__)


def preview_import(database: Database, outside: Outside, caller: Caller, download_id: str) -> ImportPreview:
    """Return the videos of a finished download and what an import would do with each. Raises: NotReady, NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    known = gather(database, download_id)
    content = locate(outside, known)
    if isinstance(content, Reason):
        return ImportPreview(known.row, None, (), (content,))
    files, problems = examine(outside, known, content)
    folder = content.folder
    return ImportPreview(known.row, folder, tuple(files), tuple(problems))


def import_download(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    download_id: str,
    *,
    chosen: Sequence[ChosenFile] | None = None,
    run: Run | None = None,
) -> str:
    """Import the wanted files of a finished download and return the result in a few words.

    Args:
        chosen: A user's decision about each file; it overrides every objection.

    Raises:
        NotReady: It is not complete yet, or the client does not answer; nothing has changed.

    Emits: DownloadChanged, then DownloadImported or ImportBlocked; the library adds FileImported for each file.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        orphan = get(session, Download, download_id, what="This download").media_item_id is None
    if orphan:
        return block_without_title(database, caller, now, download_id)
    known = gather(database, download_id)
    state = known.row.state
    with database.reads() as session:
        resumed = bool(interrupted_imports(session, now, download_id=download_id))
    if state not in (DownloadState.COMPLETED, DownloadState.BLOCKED) and not resumed:
        return f"nothing to do: it is {state}"
    with database.reads() as session:
        automatic = settings.of(session).downloads.automatic_imports
    if not automatic and caller.kind == "system" and chosen is None and state == DownloadState.COMPLETED:
        return block(database, caller, now, known, [reason("import.automatic-off")])
    content = locate(outside, known)
    if isinstance(content, Reason):
        return block(database, caller, now, known, [content])
    files, problems = examine(outside, known, content)
    if state == DownloadState.BLOCKED and caller.kind == "system" and chosen is None:
        hindrances = [*problems, *(objection for file in files for objection in file.objections)]
        if hindrances and not any(file.wanted for file in files):
            return block(database, caller, now, known, hindrances)
    if chosen is not None:
        files, problems = as_chosen(known, files, chosen), []
    with importing_here(download_id):
        if not claim(database, caller, now, known):
            return "another import of this download is running"
        return _carry_out(database, outside, caller, now, known, files, problems, run)


def _carry_out(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    known: Known,
    files: Sequence[ImportFile],
    problems: Sequence[Reason],
    run: Run | None,
) -> str:
    wanted = [file for file in files if file.wanted]
    open_questions = [*problems, *(objection for file in files for objection in file.objections)]
    if problems or (not wanted and open_questions):
        return block(database, caller, now, known, open_questions)
    if not files:
        return block(database, caller, now, known, [reason("import.no-video")])
    try:
        placed = _place(database, outside, caller, now, known, wanted, run) if wanted else 0
    except (MydiaError, OSError) as error:
        logger.warning("import failed", extra={"download_id": known.row.id, "reason": str(error)})
        return block(database, caller, now, known, [reason("import.failed", error=str(error))])
    if open_questions:
        return block(database, caller, now, known, open_questions)
    return finish(database, caller, now, known, files, placed)


def manual_import(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    download_id: str,
    chosen: Sequence[ChosenFile],
    *,
    run: Run | None = None,
) -> str:
    """Import the files that a user chose, despite any objection; all others are left out.

    Raises:
        Invalid: Nothing was chosen, or an episode belongs to another series.
    """
    if not chosen:
        raise Invalid("Choose at least one file.")
    return import_download(database, outside, caller, now, download_id, chosen=chosen, run=run)


def _place(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    known: Known,
    wanted: Sequence[ImportFile],
    run: Run | None,
) -> int:
    """Let the library place the files, completing an interrupted import, and return their number."""
    row = known.row
    request = library.ImportRequest(
        item_id=row.media_item_id or "",
        sources=tuple(
            library.SourceFile(
                path=file.path,
                episode_ids=tuple(episode.id for episode in file.episodes),
                quality=file.quality,
                release_name=row.release_title if len(wanted) == 1 else None,
                release_group=file.release_group,
                format_score=file.format_score,
                flags=tuple(map(str, row.flags)),
                facts=file.facts,
            )
            for file in wanted
        ),
        version_id=known.version_id,
        download_id=row.id,
        # Moving the files would break a torrent that is still seeding.
        mode="hardlink" if known.import_mode == "move" and (row.protocol == "torrent" or not row.owned) else None,
    )
    with database.reads() as session:
        plan = library.plan_import(session, caller, now, request)
    placed = library.place(database, outside, caller, now, plan, on_progress=None if run is None else run.progress)
    if placed.notes:
        with database.writes() as session:
            present = get(session, Download, row.id, what="This download")
            for sentence in placed.notes:
                note(present, now, reason("note", text=sentence), "note")
    return len(placed.file_ids)

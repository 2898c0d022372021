"""Record how an import goes: claimed, finished or blocked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from mydia.adapters import processes
from mydia.contexts.downloads.importing.values import ImportFile, Known
from mydia.contexts.downloads.models import Download, DownloadState, SearchState
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.users import Caller
from mydia.db import Database, get
from mydia.events import DownloadImported, ImportBlocked, Reason, emit, reason
from mydia.units import plural

logger = logging.getLogger(__name__)


def claim(database: Database, caller: Caller, now: datetime, known: Known) -> bool:
    """Move the download to `importing` and return True, unless another import did so first."""
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        if row.state != known.row.state or row.state_since != known.row.state_since:
            return False
        row.import_attempts += 1
        row.interrupted_at, row.import_owner = None, processes.this_process()
        if row.state == DownloadState.IMPORTING:
            row.state_since = now
        else:
            move(session, caller, now, row, DownloadState.IMPORTING)
    return True


def finish(
    database: Database, caller: Caller, now: datetime, known: Known, files: Sequence[ImportFile], placed: int
) -> str:
    """Mark a download as imported, with what was left out, and return a few words about it.

    Emits: DownloadChanged, DownloadImported.
    """
    row_id, item_id = known.row.id, known.row.media_item_id
    placed += sum(1 for file in files if file.already)
    with database.writes() as session:
        row = get(session, Download, row_id, what="This download")
        for file in files:
            if file.skipped is not None and not file.already:
                note(row, now, file.skipped, "note")
        row.imported_at, row.block_code, row.import_owner = now, None, None
        move(session, caller, now, row, DownloadState.IMPORTED)
        for state in session.scalars(
            select(SearchState).where(
                SearchState.media_item_id == item_id, SearchState.episode_id.in_([*known.expected, ""])
            )
        ):
            state.misses = 0
        if item_id is not None:
            emit(session, caller, DownloadImported(item_id, row_id, placed), at=now)
    logger.info("download imported", extra={"download_id": row_id, "files": placed})
    skipped = sum(1 for file in files if file.skipped is not None and not file.already)
    return f"{plural(placed, 'file')} imported" + (f", {skipped} left out" if skipped else "")


def block_without_title(database: Database, caller: Caller, now: datetime, download_id: str) -> str:
    """Block a download whose title was removed from the library. Emits: DownloadChanged, ImportBlocked."""
    with database.writes() as session:
        row = get(session, Download, download_id, what="This download")
        because = reason("import.title-removed", title=row.media_title)
        note(row, now, because, "block")
        row.block_code = because.code
        if row.state == DownloadState.COMPLETED:
            move(session, caller, now, row, DownloadState.BLOCKED, because=because)
            emit(session, caller, ImportBlocked(row.id, None, [because.to_json()]), at=now)
    return f"blocked: {because}"


def block(database: Database, caller: Caller, now: datetime, known: Known, because: Sequence[Reason]) -> str:
    """Block the download until a user or a later retry resolves the reasons."""
    reasons = list({str(one): one for one in because}.values())
    with database.writes() as session:
        row = get(session, Download, known.row.id, what="This download")
        fresh = [one for one in reasons if note(row, now, one, "block")]
        row.block_code, row.import_owner = reasons[0].code, None
        if row.state != DownloadState.BLOCKED:
            move(session, caller, now, row, DownloadState.BLOCKED, because=reasons[0])
            emit(session, caller, ImportBlocked(row.id, row.media_item_id, [one.to_json() for one in reasons]), at=now)
        elif fresh:
            row.state_since = now
    return f"blocked: {' '.join(map(str, reasons))}"

"""Scan a library folder: find new, changed, moved and missing files, and reject results that cannot be right.

A scan is idempotent and has no state besides its progress row, so a killed scan can simply start again. Unchanged files
cause no writes. A scan deletes nothing, and a mount that is missing or suddenly empty changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import confine
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.library import mounts
from mydia.contexts.library.models import MediaFile
from mydia.contexts.library.reasons import ScanReason
from mydia.contexts.library.scanning.belief import Refusal, is_there, why_not_to_believe, why_not_to_look
from mydia.contexts.library.scanning.known import read_known, read_known_sidecars
from mydia.contexts.library.scanning.moves import find_moves
from mydia.contexts.library.scanning.new_files import Store
from mydia.contexts.library.scanning.progress import Progress
from mydia.contexts.library.scanning.rows import begin_scan, end_scan, end_walk, refuse_scan, sentences_about
from mydia.contexts.library.scanning.store import store_all
from mydia.contexts.library.scanning.walk import Walked, gone_files, walk_folder
from mydia.contexts.library.words import ScanState
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid
from mydia.events import ScanRequested, emit
from mydia.runs import Run, Unwatched


def request_scan(
    session: Session,
    caller: Caller,
    library_path_id: str | None,
    *,
    subfolder: str | None = None,
    accept_missing: bool = False,
) -> None:
    """Request a scan of a library folder; None requests one of each.

    Args:
        accept_missing: A user confirmed that the missing files are gone.

    Emits: ScanRequested.
    """
    caller.require(Permission.MANAGE_MEDIA)
    if library_path_id is not None:
        settings.library_paths.get_library_path(session, caller, library_path_id)
    if subfolder is not None and (subfolder.startswith("/") or ".." in subfolder.split("/")):
        raise Invalid("The subfolder must be a path relative to the library folder.")
    emit(session, caller, ScanRequested(library_path_id, subfolder, accept_missing))


def run_scan(
    database: Database,
    outside: Outside,
    now_fn: Callable[[], datetime],
    library_path_id: str,
    run: Run | None = None,
    *,
    subfolder: str | None = None,
    accept_missing: bool = False,
    caller: Caller = SYSTEM,
) -> str:
    """Scan a library folder and return the id of the scan's row, which is in phase `matching` if there is more to do.

    Args:
        subfolder: Only scan this folder, for file-system events.
        accept_missing: Accept any number of missing files. A missing or unreadable root is still rejected.

    Emits: FilesFound, FilesMissing; ScanFinished if it was rejected, failed or was cancelled.
    """
    run = run or Unwatched()
    started_s = clock.monotonic_s()
    with database.writes() as session:
        path = settings.library_paths.get_library_path(session, caller, library_path_id)
        scan_id = begin_scan(session, now_fn(), path)
    root = Path(path.path)
    start = root
    state = outside.files.mount_state(root)
    with database.reads() as session:
        total = session.scalar(
            select(func.count()).select_from(MediaFile).where(
                MediaFile.library_path_id == library_path_id, MediaFile.missing_since.is_(None)
            )
        ) or 0  # fmt: skip
        limit_percent = settings.of(session).library.missing_share_limit_percent
        wanted = mounts.expected(session, library_path_id)
    refusal = why_not_to_look(path, state, total)
    if refusal is None and wanted.was_mount and not state.is_mount and not total and not accept_missing:
        refusal = Refusal(ScanReason.NOT_MOUNTED, {"path": path.path})
    if refusal is not None:
        return refuse_scan(database, caller, now_fn(), scan_id, refusal)
    if subfolder:
        start = confine(root, subfolder)
    with database.reads() as session:
        known = read_known(session, library_path_id, subfolder)
        sidecars = read_known_sidecars(session, library_path_id, subfolder)
    progress = Progress(database, scan_id, run, len(known) or None)
    store = Store(database, outside.files, now_fn, library_path_id)
    try:
        walked = walk_folder(outside.files, start, subfolder, known, sidecars, progress, store if not total else None)
    except AdapterError as error:
        if subfolder and not outside.files.exists(start):
            walked = Walked()
        else:
            refusal = Refusal(ScanReason.WALK_FAILED, {"error": str(error)})
            return refuse_scan(database, caller, now_fn(), scan_id, refusal)
    if walked.cancelled:
        end_scan(database, caller, now_fn(), scan_id, ScanState.CANCELLED, counts={"seen": len(walked.seen)})
        return scan_id
    gone = gone_files(known.values(), walked)
    moved, walked.new = find_moves(outside.files, database, root, library_path_id, gone, walked.new)
    missing = [one for one in gone if one.id not in moved and one.missing_since is None]
    missing = [one for one in missing if not is_there(outside.files, root, one.path)]
    if missing and not accept_missing:
        refusal = why_not_to_believe(outside.files, path, state, wanted, known.values(), missing, total, limit_percent)
        if refusal is not None:
            return refuse_scan(database, caller, now_fn(), scan_id, refusal, sentences_about(walked.problems))
    counts = store_all(store, caller, walked, moved, missing, sidecars)
    counts |= {
        "seen": len(walked.seen),
        "unreadable": len(walked.problems),
        "ms": round((clock.monotonic_s() - started_s) * 1000),
    }
    with database.writes() as session:
        mounts.note_seen(session, now_fn(), library_path_id, state)
    end_walk(database, caller, now_fn(), scan_id, library_path_id, walked, counts)
    return scan_id

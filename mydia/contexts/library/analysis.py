"""Analyse the content of files, one after the other, so that the work can stop and continue at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia.adapters.errors import AdapterError, Unreachable
from mydia.adapters.filesystem import confine, shown
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.library.files import columns_of
from mydia.contexts.library.holdings import quality_of, refresh_holdings
from mydia.contexts.library.models import MediaFile
from mydia.contexts.library.scanning.progress import record_progress
from mydia.contexts.library.words import ScanPhase
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid
from mydia.runs import Run, Unwatched

_FILES_PER_WRITE = 25


class _Wanted(msgspec.Struct, frozen=True):
    id: str
    library_path_id: str
    relative_path: str
    size_bytes: int
    mtime_ns: int
    media_item_id: str | None


_COLUMNS = (
    MediaFile.id,
    MediaFile.library_path_id,
    MediaFile.relative_path,
    MediaFile.size_bytes,
    MediaFile.mtime_ns,
    MediaFile.media_item_id,
)
_UNANALYSED = (
    MediaFile.analysed_at.is_(None),
    MediaFile.analysis_error.is_(None),
    MediaFile.kind == "video",
    MediaFile.missing_since.is_(None),
)


def analyse_files(
    database: Database,
    outside: Outside,
    now_fn: Callable[[], datetime],
    library_path_id: str | None = None,
    run: Run | None = None,
    *,
    scan_id: str | None = None,
) -> int:
    """Analyse all files that have not been analysed and return their number.

    A file that cannot be analysed keeps the reason and is not tried again until it changes.

    Args:
        library_path_id: Only files in this folder; None for all.
        scan_id: The scan whose row shows the progress.
    """
    run = run or Unwatched()
    done, after = 0, ""
    with database.reads() as session:
        query = select(func.count()).select_from(MediaFile).where(*_UNANALYSED)
        if library_path_id is not None:
            query = query.where(MediaFile.library_path_id == library_path_id)
        total = session.scalar(query) or 0
        roots = {path.id: Path(path.path) for path in settings.library_paths.list_library_paths(session, SYSTEM)}
    while not run.cancelled():
        with database.reads() as session:
            part = _next(session, library_path_id, after)
        if not part:
            break
        found = [(one, _look(outside, roots[one.library_path_id], one)) for one in part]
        _store(database, now_fn(), found)
        after = part[-1].id
        done += len(part)
        run.progress(done, max(total, done), shown(part[-1].relative_path))
        if scan_id is not None:
            record_progress(
                database, scan_id, done, max(total, done), part[-1].relative_path, phase=ScanPhase.ANALYSING
            )
    return done


def analyse_file(database: Database, outside: Outside, caller: Caller, now: datetime, file_id: str) -> None:
    """Analyse one file again."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        row = get(session, MediaFile, file_id, what="This file")
        root = Path(settings.library_paths.get_library_path(session, caller, row.library_path_id).path)
        wanted = _Wanted(
            row.id, row.library_path_id, row.relative_path, row.size_bytes, row.mtime_ns, row.media_item_id
        )
    _store(database, now, [(wanted, _look(outside, root, wanted))])


def _next(session: Session, library_path_id: str | None, after: str) -> list[_Wanted]:
    query = select(*_COLUMNS).where(*_UNANALYSED, MediaFile.id > after).order_by(MediaFile.id).limit(_FILES_PER_WRITE)
    if library_path_id is not None:
        query = query.where(MediaFile.library_path_id == library_path_id)
    return [_Wanted(*row) for row in session.execute(query)]


def _look(outside: Outside, root: Path, one: _Wanted) -> dict[str, Any]:
    """Return the columns to store: the facts, or why there are none."""
    try:
        path = confine(root, one.relative_path)
        facts = outside.probe.probe(path)
        return {**columns_of(facts), "oshash": outside.files.oshash(path), "analysis_error": None}
    except Invalid as error:
        return {"analysis_error": str(error)}
    except Unreachable as error:
        # The file is gone or the disk fails; the next scan finds out which.
        return {} if not outside.files.mount_state(root).exists else {"analysis_error": error.cause}
    except AdapterError as error:
        return {"analysis_error": error.cause}


def _store(database: Database, now: datetime, found: list[tuple[_Wanted, dict[str, Any]]]) -> None:
    with database.writes() as session:
        items: set[str] = set()
        for one, looked in found:
            if not looked:
                continue
            columns = dict(looked)
            if looked["analysis_error"] is None:
                # Read the row again, because matching may have stored the name's facts during the analysis.
                named = session.scalar(select(MediaFile.quality).where(MediaFile.id == one.id))
                columns |= {"analysed_at": now, **_quality(named, looked["resolution"])}
            # The file may have been replaced during the analysis; these facts are then those of another file.
            result = session.execute(
                update(MediaFile)
                .where(
                    MediaFile.id == one.id, MediaFile.size_bytes == one.size_bytes, MediaFile.mtime_ns == one.mtime_ns
                )
                .values(**columns)
            )
            item_id = session.scalar(select(MediaFile.media_item_id).where(MediaFile.id == one.id))
            if item_id is not None and getattr(result, "rowcount", 0) > 0:
                items.add(item_id)
        for item_id in items:
            refresh_holdings(session, now, item_id)


def _quality(stored: dict[str, Any] | None, resolution: int | None) -> dict[str, Any]:
    """Return the quality: the resolution from the file, and the source from its name, because the file does not contain it."""
    if resolution is None and stored is None:
        return {}
    quality = quality_of(stored, resolution)
    return {"quality": quality.to_json(), "quality_name": quality.name}

"""Insert the rows of new files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import Files, FoundFile
from mydia.contexts import settings
from mydia.contexts.library.filekinds import FileKind, Judged
from mydia.contexts.library.models import JournalEntry, MediaFile
from mydia.contexts.library.scanning.known import ROWS_PER_WRITE
from mydia.contexts.library.words import MatchState, StepState
from mydia.contexts.users import SYSTEM
from mydia.db import Database


class Store:
    """Rows per write, to keep writes short."""

    def __init__(self, database: Database, files: Files, now_fn: Callable[[], datetime], library_path_id: str) -> None:
        self.database = database
        self.files = files
        self.now_fn = now_fn
        self.library_path_id = library_path_id

    def insert_new(self, new: list[tuple[FoundFile, Judged]]) -> int:
        """Store new files, except those of a running import, which stores its own rows."""
        stored = 0
        for part in batched(new, ROWS_PER_WRITE, strict=False):
            rows = [self._row(found, judged) for found, judged in part]
            with self.database.writes() as session:
                taken = taken_paths(session, self.library_path_id, [row["relative_path"] for row in rows])
                rows = [row for row in rows if row["relative_path"] not in taken]
                if rows:
                    session.execute(insert(MediaFile), rows)
                stored += len(rows)
        return stored

    def _row(self, found: FoundFile, judged: Judged) -> dict[str, Any]:
        now = self.now_fn()
        return {
            "library_path_id": self.library_path_id,
            "relative_path": found.path,
            "size_bytes": found.size_bytes,
            "mtime_ns": found.mtime_ns,
            "inode": found.inode,
            "device": found.device,
            "kind": str(judged.kind),
            "left_out": judged.left_out and str(judged.left_out),
            "match_state": MatchState.NEW if judged.kind is FileKind.VIDEO else MatchState.IGNORED,
            "added_at": now,
            "verified_at": now,
        }


def taken_paths(session: Session, library_path_id: str, paths: list[str]) -> set[str]:
    """Return the paths that have a row or are the target of an open step."""
    found: set[str] = set()
    for part in batched(paths, 500, strict=False):
        found |= set(
            session.scalars(
                select(MediaFile.relative_path).where(
                    MediaFile.library_path_id == library_path_id, MediaFile.relative_path.in_(part)
                )
            )
        )
    path = settings.library_paths.get_library_path(session, SYSTEM, library_path_id)
    open_targets = session.scalars(select(JournalEntry.target).where(JournalEntry.state == StepState.PLANNED))
    prefix = f"{path.path}/"
    return found | {target[len(prefix) :] for target in open_targets if target and target.startswith(prefix)}

"""Recognise moved files: the same inode, or the same size and hash, under a new name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import batched
from pathlib import Path

from sqlalchemy import select

from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import Files, FoundFile, confine
from mydia.contexts.library.filekinds import Judged
from mydia.contexts.library.models import MediaFile
from mydia.contexts.library.scanning.belief import is_there
from mydia.contexts.library.scanning.known import ROWS_PER_WRITE, Known
from mydia.db import Database
from mydia.errors import Invalid


def find_moves(
    files: Files,
    database: Database,
    root: Path,
    library_path_id: str,
    gone: list[Known],
    new: list[tuple[FoundFile, Judged]],
) -> tuple[dict[str, FoundFile], list[tuple[FoundFile, Judged]]]:
    """Find new files that are old ones with another name: the same inode, or the same size and hash."""
    if not new:
        return {}, new
    by_inode = {(one.device, one.inode): one for one in gone}
    by_size: dict[int, list[Known]] = {}
    for one in gone:
        by_size.setdefault(one.size_bytes, []).append(one)
    for one in _elsewhere(database, library_path_id, new, gone):
        if not is_there(files, root, one.path):
            by_inode.setdefault((one.device, one.inode), one)
    moved: dict[str, FoundFile] = {}
    rest: list[tuple[FoundFile, Judged]] = []
    for found, judged in new:
        old = by_inode.get((found.device, found.inode))
        # Compare size and time too, because file systems reuse the inodes of deleted files.
        if old is not None and (
            (old.size_bytes, old.mtime_ns) != (found.size_bytes, found.mtime_ns) or old.id in moved
        ):
            old = None
        if old is None:
            old = _by_hash(
                files, root, found, [one for one in by_size.get(found.size_bytes, ()) if one.id not in moved]
            )
        if old is None:
            rest.append((found, judged))
        else:
            moved[old.id] = found
    return moved, rest


def _elsewhere(
    database: Database, library_path_id: str, new: list[tuple[FoundFile, Judged]], gone: list[Known]
) -> Iterator[Known]:
    """Find rows outside the scanned folder: files that moved into it from a folder that was not scanned."""
    if len(new) > ROWS_PER_WRITE:
        return
    here = {one.id for one in gone}
    with database.reads() as session:
        for part in batched(new, 300, strict=False):
            rows = session.execute(
                select(
                    MediaFile.id, MediaFile.relative_path, MediaFile.size_bytes, MediaFile.mtime_ns, MediaFile.inode,
                    MediaFile.device, MediaFile.oshash, MediaFile.missing_since, MediaFile.kind,
                ).where(
                    MediaFile.library_path_id == library_path_id,
                    MediaFile.inode.in_([found.inode for found, _ in part]),
                )
            )  # fmt: skip
            yield from (one for row in rows if (one := Known(*row)).id not in here)


def _by_hash(files: Files, root: Path, found: FoundFile, candidates: list[Known]) -> Known | None:
    hashed = [one for one in candidates if one.oshash]
    if not hashed:
        return None
    try:
        oshash = files.oshash(confine(root, found.path))
    except (AdapterError, Invalid):
        return None
    return next((one for one in hashed if one.oshash == oshash), None)

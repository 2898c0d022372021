"""Read the known files of a library folder from the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.library.models import MediaFile, Sidecar

ROWS_PER_WRITE = 1000


class Known(NamedTuple):
    """A known file."""

    id: str
    path: str
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    oshash: str | None
    missing_since: datetime | None
    kind: str


class KnownSidecar(NamedTuple):
    """A known sidecar."""

    id: str
    path: str
    size_bytes: int
    mtime_ns: int


def read_known(session: Session, library_path_id: str, subfolder: str | None) -> dict[str, Known]:
    """Return the known files of a library folder by relative path."""
    query = select(
        MediaFile.id,
        MediaFile.relative_path,
        MediaFile.size_bytes,
        MediaFile.mtime_ns,
        MediaFile.inode,
        MediaFile.device,
        MediaFile.oshash,
        MediaFile.missing_since,
        MediaFile.kind,
    ).where(MediaFile.library_path_id == library_path_id)
    if subfolder:
        query = query.where(MediaFile.relative_path.startswith(f"{subfolder}/", autoescape=True))
    rows = session.execute(query.execution_options(yield_per=5000))
    return {row[1]: Known(*row) for row in rows}


def read_known_sidecars(session: Session, library_path_id: str, subfolder: str | None) -> dict[str, KnownSidecar]:
    """Return the known sidecars of a library folder by relative path."""
    query = select(Sidecar.id, Sidecar.relative_path, Sidecar.size_bytes, Sidecar.mtime_ns).where(
        Sidecar.library_path_id == library_path_id
    )
    if subfolder:
        query = query.where(Sidecar.relative_path.startswith(f"{subfolder}/", autoescape=True))
    rows = session.execute(query.execution_options(yield_per=5000))
    return {row[1]: KnownSidecar(*row) for row in rows}

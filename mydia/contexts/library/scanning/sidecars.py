"""Store the sidecars that a scan found."""

from __future__ import annotations

from itertools import batched

from sqlalchemy import insert, select, update

from mydia.contexts.library.models import Sidecar
from mydia.contexts.library.scanning.known import ROWS_PER_WRITE, KnownSidecar
from mydia.contexts.library.scanning.new_files import Store
from mydia.contexts.library.scanning.walk import Walked, is_hidden
from mydia.contexts.library.sidecars import sidecar_row, video_folder, videos_in


def store_sidecars(store: Store, walked: Walked, known: dict[str, KnownSidecar]) -> None:
    """Store new, changed and missing sidecars of a walk."""
    gone = [
        one.id
        for one in known.values()
        if one.path not in walked.sidecars_seen and not is_hidden(one.path, walked.problems)
    ]
    for ids in batched(gone, 500, strict=False):
        with store.database.writes() as session:
            for row in session.scalars(select(Sidecar).where(Sidecar.id.in_(ids))):
                session.delete(row)
    if walked.sidecars_changed:
        with store.database.writes() as session:
            session.execute(
                update(Sidecar),
                [
                    {"id": old.id, "size_bytes": found.size_bytes, "mtime_ns": found.mtime_ns}
                    for old, found in walked.sidecars_changed
                ],
            )
    for part in batched(walked.sidecars_new, ROWS_PER_WRITE, strict=False):
        with store.database.reads() as session:
            videos = videos_in(session, store.library_path_id, {video_folder(found.path) for found, _ in part})
        rows = [sidecar_row(store.library_path_id, found, kind, videos) for found, kind in part]
        with store.database.writes() as session:
            paths = [row["relative_path"] for row in rows]
            there: set[str] = set()
            for some in batched(paths, 500, strict=False):
                there |= set(
                    session.scalars(
                        select(Sidecar.relative_path).where(
                            Sidecar.library_path_id == store.library_path_id, Sidecar.relative_path.in_(some)
                        )
                    )
                )
            if rows := [row for row in rows if row["relative_path"] not in there]:
                session.execute(insert(Sidecar), rows)

"""End blocked downloads whose files a user imported with manual import instead of from the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import library, media, settings
from mydia.contexts.downloads.models import Download, DownloadEpisode, DownloadState
from mydia.contexts.downloads.moving import move, note
from mydia.contexts.users import Caller, Permission
from mydia.events import DownloadImported, emit, reason


class _Imported(msgspec.Struct, frozen=True):
    source: str
    file_id: str
    item_id: str


def end_imported_by_hand(session: Session, caller: Caller, now: datetime) -> int:
    """End the blocked downloads that were imported manually and return their number.

    A movie's download ends with its first file, a show's when all episodes it was grabbed for are there. Files that were
    imported as another title end it too, because the user said what they are.

    Emits: DownloadChanged, DownloadImported.
    """
    caller.require(Permission.MANAGE_MEDIA)
    blocked = session.scalars(
        select(Download).where(Download.state == DownloadState.BLOCKED, Download.output_path.is_not(None))
    ).all()
    if not blocked:
        return 0
    imported = _imported_since(session, min(row.added_at for row in blocked))
    if not imported:
        return 0
    choices = {choice.row.id: choice for choice in settings.clients.client_connections(session, enabled_only=False)}
    ended = 0
    for row in blocked:
        choice = choices.get(row.client_id or "")
        path = settings.clients.map_remote_path(choice.mappings if choice else (), row.output_path or "").rstrip("/")
        found = [one for one in imported if one.source == path or one.source.startswith(f"{path}/")]
        if not found or not _is_complete(session, row, found):
            continue
        other = next((one.item_id for one in found if one.item_id != row.media_item_id), None)
        if other is not None and all(one.item_id != row.media_item_id for one in found):
            note(row, now, reason("import.by-hand-as", title=media.get_item(session, caller, other).title), "note")
        else:
            note(row, now, reason("import.by-hand", files=len(found)), "note")
        row.imported_at, row.block_code, row.import_owner = now, None, None
        move(session, caller, now, row, DownloadState.IMPORTED)
        emit(session, caller, DownloadImported(found[0].item_id, row.id, len(found)), at=now)
        ended += 1
    return ended


def _imported_since(session: Session, since: datetime) -> list[_Imported]:
    """Return the files that manual imports brought in and that are still in the library."""
    entry = library.JournalEntry
    rows = session.execute(
        select(entry.source, entry.file_id, library.MediaFile.media_item_id)
        .join(library.MediaFile, library.MediaFile.id == entry.file_id)
        .where(
            entry.cause == library.journal.Cause.IMPORT,
            or_(entry.cause_ref.is_(None), entry.cause_ref.startswith(library.journal.MANUAL_REF)),
            entry.operation.in_(library.journal.BRINGS_IN),
            entry.state == "done",
            entry.at >= since,
            library.MediaFile.media_item_id.is_not(None),
        )
    )
    return [
        _Imported(shown(source), file_id, item_id)
        for source, file_id, item_id in rows
        if source is not None and file_id is not None and item_id is not None
    ]


def _is_complete(session: Session, row: Download, found: Sequence[_Imported]) -> bool:
    own = [one.file_id for one in found if one.item_id == row.media_item_id]
    expected = set(session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == row.id)))
    if not own or not expected:
        return True
    files = select(library.MediaFile.id).where(library.MediaFile.media_item_id == row.media_item_id)
    held = set(session.scalars(select(library.FileEpisode.episode_id).where(library.FileEpisode.file_id.in_(files))))
    return expected <= held

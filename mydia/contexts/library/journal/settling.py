"""Update the database after a performed step: rows are moved, recycled or restored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.filesystem import shown
from mydia.contexts import media, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import FileEpisode, JournalEntry, MediaFile, RecycledFile, Sidecar
from mydia.contexts.library.words import MatchState, Operation, StepState
from mydia.contexts.settings import LibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.events import FileRemoved, emit

_FACTS = tuple(column.key for column in MediaFile.__table__.columns)
_INSTANTS = ("analysed_at", "added_at", "verified_at", "missing_since")
_REMOVAL_REASONS = {"import": "upgraded", "remove": "removed", "undo": "undone", "expire": "expired"}
"""Cause of a step -> what `FileRemoved` says."""


def settle(session: Session, caller: Caller, now: datetime, step_id: str) -> None:
    """Update the database for a performed step and mark the step as done."""
    entry = session.get(JournalEntry, step_id)
    if entry is None or entry.state in (StepState.DONE, StepState.UNDONE):
        return
    # This overrides `failed`, because another process performed the step at the same time.
    entry.state, entry.finished_at, entry.error = StepState.DONE, now, None
    match entry.operation:
        case Operation.RENAME:
            _settle_rename(session, now, entry)
        case Operation.RECYCLE:
            _settle_recycle(session, caller, now, entry)
        case Operation.DELETE:
            _settle_delete(session, caller, now, entry)
        case Operation.RESTORE:
            _settle_restore(session, now, entry)


def _settle_rename(session: Session, now: datetime, entry: JournalEntry) -> None:
    path = _library_of(session, entry.target or "")
    if path is None:
        return
    relative = (entry.target or "")[len(path.path) + 1 :]
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    if row is not None:
        row.relative_path, row.library_path_id, row.verified_at = relative, path.id, now
        return
    sidecar = session.get(Sidecar, entry.file_id) if entry.file_id else None
    if sidecar is not None:
        sidecar.relative_path, sidecar.library_path_id = relative, path.id


def _settle_recycle(session: Session, caller: Caller, now: datetime, entry: JournalEntry) -> None:
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    path = _library_of(session, entry.source or "")
    days = settings.of(session).library.recycle_days
    session.add(
        RecycledFile(
            library_path_id=None if path is None else path.id,
            original_path=entry.source or "",
            present_path=entry.target or "",
            size_bytes=entry.size_bytes or 0,
            facts={} if row is None else row_facts(session, row),
            media_item_id=entry.media_item_id,
            reason=entry.cause,
            batch_id=entry.batch_id,
            recycled_at=now,
            expires_at=now + timedelta(days=max(days, 1)),
        )
    )
    if row is not None:
        _forget(session, caller, now, row, entry, recycled=True)
    else:
        _forget_sidecar(session, entry)


def _settle_delete(session: Session, caller: Caller, now: datetime, entry: JournalEntry) -> None:
    row = session.get(MediaFile, entry.file_id) if entry.file_id else None
    if row is not None:
        _forget(session, caller, now, row, entry, recycled=False)
    else:
        _forget_sidecar(session, entry)
    for recycled in session.scalars(select(RecycledFile).where(RecycledFile.present_path == entry.source)):
        session.delete(recycled)


def _settle_restore(session: Session, now: datetime, entry: JournalEntry) -> None:
    recycled = session.scalars(select(RecycledFile).where(RecycledFile.present_path == entry.source)).first()
    if recycled is None:
        return
    if recycled.facts:
        restore_row(session, now, recycled)
    session.delete(recycled)


def _forget(
    session: Session, caller: Caller, now: datetime, row: MediaFile, entry: JournalEntry, *, recycled: bool
) -> None:
    item_id = row.media_item_id
    emit(
        session,
        caller,
        FileRemoved(
            media_item_id=item_id,
            file_id=row.id,
            relative_path=shown(row.relative_path),
            recycled=recycled,
            reason=_REMOVAL_REASONS.get(entry.cause, entry.cause),
        ),
        at=now,
    )
    session.delete(row)
    session.flush()
    if item_id is not None and session.get(media.MediaItem, item_id) is not None:
        refresh_holdings(session, now, item_id)


def _forget_sidecar(session: Session, entry: JournalEntry) -> None:
    sidecar = session.get(Sidecar, entry.file_id) if entry.file_id else None
    if sidecar is not None:
        session.delete(sidecar)


def _library_of(session: Session, path: str) -> LibraryPath | None:
    for folder in settings.library_paths.list_library_paths(session, SYSTEM):
        if path.startswith(f"{folder.path}/"):
            return folder
    return None


def row_facts(session: Session, row: MediaFile) -> dict[str, Any]:
    """Return a file's row as JSON, with its episodes, so that it can be restored."""
    facts: dict[str, Any] = {}
    for name in _FACTS:
        value = getattr(row, name)
        facts[name] = value.isoformat() if isinstance(value, datetime) else value
    facts["episodes"] = [
        {"episode_id": episode_id, "part": part, "monitored": monitored}
        for episode_id, part, monitored in session.execute(
            select(FileEpisode.episode_id, FileEpisode.part, media.Episode.monitored)
            .join(media.Episode, media.Episode.id == FileEpisode.episode_id)
            .where(FileEpisode.file_id == row.id)
        )
    ]
    item = session.get(media.MediaItem, row.media_item_id) if row.media_item_id is not None else None
    facts["item_monitored"] = item is not None and item.monitored
    return facts


def restore_row(session: Session, now: datetime, recycled: RecycledFile) -> None:
    """Restore a file's row with the links whose targets still exist.

    What was monitored when the file went is monitored again: its removal may have stopped that.
    """
    facts = dict(recycled.facts)
    episodes = facts.pop("episodes", [])
    values = {name: facts[name] for name in _FACTS if name in facts}
    for name in _INSTANTS:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    if session.get(MediaFile, values["id"]) is not None or session.get(LibraryPath, values["library_path_id"]) is None:
        return
    item_id = values.get("media_item_id")
    if item_id is None or session.get(media.MediaItem, item_id) is None:
        # The title was removed meanwhile, so the file is matched again.
        values |= {"media_item_id": None, "version_id": None, "match_state": MatchState.NEW}
        item_id = None
    elif values.get("version_id") is None or session.get(media.Version, values["version_id"]) is None:
        values["version_id"] = media.versions.default_version(session, item_id).id
    values |= {"inbox_id": None, "missing_since": None, "verified_at": now}
    session.add(MediaFile(**values))
    session.flush()
    for link in episodes:
        if item_id is not None and session.get(media.Episode, link["episode_id"]) is not None:
            session.add(FileEpisode(file_id=values["id"], episode_id=link["episode_id"], part=link.get("part")))
    session.flush()
    if item_id is not None:
        monitored = [link["episode_id"] for link in episodes if link.get("monitored")]
        media.monitoring.monitor_again(session, item_id, monitored, item=facts.get("item_monitored", False))
        refresh_holdings(session, now, item_id)

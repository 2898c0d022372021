"""Titles that were removed: remember them, and undo their removal."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.journal import undo_batch
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile, RemovedTitle
from mydia.contexts.library.words import MatchState
from mydia.contexts.metadata import Ids
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, put_back, take_snapshot
from mydia.errors import MydiaError, NotFound
from mydia.events import MediaRestored, emit
from mydia.vocabulary import MediaType

_KEPT_DAYS_AT_LEAST = 1
"""Without a recycle bin (0 days) a removal can still be undone for a day."""


class RemovedView(msgspec.Struct, frozen=True, kw_only=True):
    """A removed title that can be restored, as pages and APIs show it."""

    id: str
    removal_id: str
    type: MediaType
    title: str
    year: int | None
    files: str
    """What became of its files: keep, recycle or delete."""
    removed_at: datetime
    expires_at: datetime


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing a removal did."""

    item_ids: tuple[str, ...]
    problems: tuple[str, ...]
    """Sentences about titles and files that could not be restored."""


def inbox_key(item_id: str) -> str:
    """Return the group key of the review entry that holds the kept files of a removed title."""
    return f"removed {item_id}"


def remember(session: Session, caller: Caller, now: datetime, item_id: str, *, files: str, removal_id: str) -> None:
    """Store a title with everything that goes with it. Call it right before the removal; `note_batch` adds its files."""
    item = media.get_item(session, caller, item_id)
    days = max(settings.of(session).library.recycle_days, _KEPT_DAYS_AT_LEAST)
    session.execute(delete(RemovedTitle).where(RemovedTitle.id == item_id))
    session.add(
        RemovedTitle(
            id=item_id,
            removal_id=removal_id,
            type=item.type,
            title=item.title,
            year=item.year,
            files=files,
            snapshot=take_snapshot(session, media.MediaItem, item_id),
            removed_by=caller.id,
            removed_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    session.flush()


def note_batch(session: Session, item_id: str, batch_id: str | None) -> None:
    """Store which batch of the journal holds a removed title's files."""
    row = session.get(RemovedTitle, item_id)
    if row is not None:
        row.batch_id = batch_id


def removed_titles(
    session: Session, caller: Caller, *, removal_id: str | None = None, item_ids: list[str] | None = None
) -> list[RemovedView]:
    """Return removed titles that can still be restored, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(RemovedTitle).order_by(RemovedTitle.removed_at.desc(), RemovedTitle.id)
    if removal_id is not None:
        query = query.where(RemovedTitle.removal_id == removal_id)
    if item_ids is not None:
        query = query.where(RemovedTitle.id.in_(item_ids))
    return [
        RemovedView(
            id=row.id,
            removal_id=row.removal_id,
            type=row.type,
            title=row.title,
            year=row.year,
            files=row.files,
            removed_at=row.removed_at,
            expires_at=row.expires_at,
        )
        for row in session.scalars(query)
    ]


def restore_titles(
    database: Database, outside: Outside, caller: Caller, now: datetime, item_ids: list[str]
) -> Restored:
    """Undo the removal of titles: their details, monitoring, tags and history, and their files if they are recycled.

    A title or file that can't be restored does not stop the others.

    Raises:
        NotFound: None of the titles can be restored any more.

    Emits: MediaRestored.
    """
    caller.require(Permission.MANAGE_MEDIA)
    restored: list[str] = []
    problems: list[str] = []
    with database.reads() as session:
        found = [row.id for row in removed_titles(session, caller, item_ids=item_ids)]
    if not found:
        raise NotFound("This title can't be restored any more.")
    for item_id in found:
        try:
            with database.writes() as session:
                batch_id = _restore_row(session, caller, now, item_id)
        except MydiaError as error:
            problems.append(error.message)
            continue
        restored.append(item_id)
        if batch_id is None:
            continue
        try:
            problems += undo_batch(database, outside, caller, now, batch_id)
        except MydiaError as error:
            problems.append(error.message)
    return Restored(item_ids=tuple(restored), problems=tuple(problems))


def undo_removal(database: Database, outside: Outside, caller: Caller, now: datetime, removal_id: str) -> Restored:
    """Undo the removal of all titles that were removed together; see `restore_titles`."""
    with database.reads() as session:
        ids = [row.id for row in removed_titles(session, caller, removal_id=removal_id)]
    return restore_titles(database, outside, caller, now, ids)


def _restore_row(session: Session, caller: Caller, now: datetime, item_id: str) -> str | None:
    """Put a title's rows back and return the batch that holds its files, if they are in the recycle bin."""
    removed = session.get(RemovedTitle, item_id)
    if removed is None:
        raise NotFound("This title can't be restored any more.")
    facts = removed.snapshot["rows"]["media_items"][0]
    ids = Ids(facts["tmdb_id"], facts["tvdb_id"], facts["imdb_id"])
    if (here := media.find_by_ids(session, caller, removed.type, ids)) is not None:
        raise media.AlreadyHere(here)
    put_back(session, removed.snapshot)
    media.versions.ensure_version(session, item_id)
    if removed.files == "keep":
        _take_files_back(session, item_id)
    item = media.get_item(session, caller, item_id)
    item.updated_at = now
    refresh_holdings(session, now, item_id)
    emit(session, caller, MediaRestored(item_id, removed.type, removed.title), at=now)
    batch_id = removed.batch_id
    session.delete(removed)
    return batch_id


def _take_files_back(session: Session, item_id: str) -> None:
    """Match the files that were set aside again, and drop links to files that belong to another title by now."""
    key = inbox_key(item_id)
    entries = session.scalars(select(InboxEntry).where(InboxEntry.group_key == key)).all()
    for row in session.scalars(select(MediaFile).where(MediaFile.media_item_id == item_id)):
        row.match_state, row.inbox_id = MatchState.MATCHED, None
    session.flush()
    ours = select(MediaFile.id).where(MediaFile.media_item_id == item_id)
    episodes = select(media.Episode.id).where(media.Episode.media_item_id == item_id)
    session.execute(
        delete(FileEpisode).where(FileEpisode.episode_id.in_(episodes), FileEpisode.file_id.not_in(ours)),
        execution_options={"synchronize_session": False},
    )
    for entry in entries:
        session.delete(entry)
    session.flush()


def prune_removed(session: Session, now: datetime) -> int:
    """Forget titles whose removal can't be undone any more and return how many there were."""
    old = session.scalars(select(RemovedTitle.id).where(RemovedTitle.expires_at <= now)).all()
    session.execute(delete(RemovedTitle).where(RemovedTitle.id.in_(old)))
    return len(old)

"""Files that a person marked as faulty: they stay until another release replaces them, whatever their quality."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.library.filekinds import FileKind
from mydia.contexts.library.holdings import refresh_holdings
from mydia.contexts.library.models import FileEpisode, MediaFile
from mydia.contexts.library.words import MatchState
from mydia.contexts.users import Caller, Permission

__all__ = ["clear_faulty", "files_at", "mark_faulty", "still_faulty"]


def files_at(
    session: Session,
    caller: Caller,
    item_id: str,
    *,
    season_number: int | None = None,
    episode_number: int | None = None,
) -> list[MediaFile]:
    """Return a title's video files, or those of one season or episode."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(MediaFile).where(
        MediaFile.media_item_id == item_id,
        MediaFile.kind == FileKind.VIDEO,
        MediaFile.match_state == MatchState.MATCHED,
        MediaFile.missing_since.is_(None),
    )
    if season_number is not None:
        episode = media.Episode
        linked = (
            select(FileEpisode.file_id)
            .join(episode, episode.id == FileEpisode.episode_id)
            .where(episode.media_item_id == item_id, episode.season_number == season_number)
        )
        if episode_number is not None:
            linked = linked.where(episode.episode_number == episode_number)
        query = query.where(MediaFile.id.in_(linked))
    return list(session.scalars(query.order_by(MediaFile.relative_path)))


def mark_faulty(session: Session, caller: Caller, now: datetime, item_id: str, file_ids: Collection[str]) -> None:
    """Mark files as faulty, so that they count as worse than any release that the profile allows."""
    caller.require(Permission.MANAGE_MEDIA)
    _set(session, item_id, file_ids, now)
    refresh_holdings(session, now, item_id)


def clear_faulty(session: Session, caller: Caller, now: datetime, item_id: str, file_ids: Collection[str]) -> None:
    """Take the mark away: the files are good after all."""
    caller.require(Permission.MANAGE_MEDIA)
    _set(session, item_id, file_ids, None)
    refresh_holdings(session, now, item_id)


def still_faulty(session: Session, item_ids: Collection[str]) -> dict[str, list[MediaFile]]:
    """Return title -> its files that are marked and not replaced yet, in one read."""
    rows = session.scalars(
        select(MediaFile).where(MediaFile.media_item_id.in_(item_ids), MediaFile.faulty_since.is_not(None))
    )
    found: dict[str, list[MediaFile]] = {}
    for row in rows:
        found.setdefault(str(row.media_item_id), []).append(row)
    return found


def _set(session: Session, item_id: str, file_ids: Collection[str], since: datetime | None) -> None:
    session.execute(
        update(MediaFile)
        .where(MediaFile.media_item_id == item_id, MediaFile.id.in_(file_ids))
        .values(faulty_since=since)
    )
    session.flush()

"""The blocklist: releases that are not grabbed again, because they failed or a user blocked them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from mydia.adapters.indexers import Protocols
from mydia.contexts import media
from mydia.contexts.downloads.decisions import normalised_name
from mydia.contexts.downloads.models import BlocklistEntry, Download, Release
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor, get
from mydia.errors import Invalid
from mydia.events import BlocklistChanged, Reason, emit, reason

_NAMED_AT_MOST = 20


def list_blocklist(
    session: Session, caller: Caller, *, text: str = "", cursor: str | None = None, limit: int = 50
) -> tuple[list[BlocklistEntry], str | None]:
    """Return entries, newest first, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(BlocklistEntry).order_by(BlocklistEntry.added_at.desc(), BlocklistEntry.id.desc()).limit(limit + 1)
    if text.strip():
        words = f"%{text.strip()}%"
        query = query.where(or_(BlocklistEntry.title.ilike(words), BlocklistEntry.media_title.ilike(words)))
    if after := decode_cursor(cursor, 2):
        moment = cursor_instant(after[0])
        query = query.where(tuple_(BlocklistEntry.added_at, BlocklistEntry.id) < (moment, cursor_id(after[1])))
    rows = list(session.scalars(query))
    more = len(rows) > limit
    return rows[:limit], encode_cursor(rows[limit - 1].added_at.isoformat(), rows[limit - 1].id) if more else None


def block_download(session: Session, now: datetime, row: Download, because: Reason) -> None:
    """Add a download's release to the blocklist, unless it is already on it."""
    known = select(BlocklistEntry.id).where(
        BlocklistEntry.media_item_id == row.media_item_id,
        or_(
            BlocklistEntry.info_hash == row.info_hash if row.info_hash else BlocklistEntry.info_hash.is_(None),
            BlocklistEntry.download_id == row.id,
        ),
        BlocklistEntry.normalised == normalised_name(row.release_title),
    )
    if session.scalars(known.limit(1)).first() is not None:
        return
    session.add(
        BlocklistEntry(
            media_item_id=row.media_item_id,
            media_title=row.media_title,
            title=row.release_title,
            normalised=normalised_name(row.release_title),
            info_hash=row.info_hash,
            indexer_id=row.indexer_id,
            indexer_name=row.indexer_name,
            protocol=row.protocol,
            size_bytes=row.size_bytes,
            published_at=row.published_at,
            quality_name=row.quality_name,
            reason="",
            because=because.to_json(),
            download_id=row.id,
            added_at=now,
        )
    )


def block_release(session: Session, caller: Caller, now: datetime, release_id: str, words: str | None = None) -> str:
    """Put a release that a search found on the blocklist and return the entry's id."""
    caller.require(Permission.MANAGE_MEDIA)
    release = get(session, Release, release_id, what="This release")
    if release.media_item_id is None:
        raise Invalid("This release belongs to no title.")
    entry = BlocklistEntry(
        media_item_id=release.media_item_id,
        media_title=release.title,
        title=release.title,
        normalised=normalised_name(release.title),
        info_hash=release.info_hash,
        indexer_id=release.indexer_id,
        indexer_name=release.indexer_name,
        protocol=release.protocol,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        quality_name=release.quality_name,
        reason=words or "",
        because={} if words else reason("user.unwanted", by=caller.name).to_json(),
        added_at=now,
    )
    session.add(entry)
    session.flush()
    emit(session, caller, BlocklistChanged([entry.title], []), at=now)
    return entry.id


def block_name(
    session: Session, caller: Caller, now: datetime, item_id: str, name: str, *, protocol: str, words: str = ""
) -> str:
    """Put a release on the blocklist of a title by its name alone, from any indexer, and return the entry's id.

    Args:
        words: The user's reason.

    Raises:
        Invalid: The name, the title or the protocol is missing or unknown.
        NotFound: The title was removed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    cleaned = name.strip()
    if not normalised_name(cleaned):
        raise Invalid("Enter the name of a release.", fields={"release": "Enter the name of a release."})
    if protocol not in Protocols:
        raise Invalid("Choose a protocol.", fields={"protocol": "Choose BitTorrent or Usenet."})
    if not item_id:
        raise Invalid("Choose a title.", fields={"item_id": "Choose a title."})
    item = media.get_item(session, caller, item_id)
    present = select(BlocklistEntry.id).where(
        BlocklistEntry.media_item_id == item.id,
        BlocklistEntry.normalised == normalised_name(cleaned),
        BlocklistEntry.protocol == protocol,
        BlocklistEntry.indexer_id.is_(None),
    )
    if (known := session.scalars(present.limit(1)).first()) is not None:
        return known
    entry = BlocklistEntry(
        media_item_id=item.id,
        media_title=f"{item.title} ({item.year})" if item.year else item.title,
        title=cleaned,
        normalised=normalised_name(cleaned),
        protocol=protocol,
        reason=words.strip(),
        because={} if words.strip() else reason("user.unwanted", by=caller.name).to_json(),
        added_at=now,
    )
    session.add(entry)
    session.flush()
    emit(session, caller, BlocklistChanged([entry.title], []), at=now)
    return entry.id


def unblock(session: Session, caller: Caller, entry_ids: Sequence[str]) -> int:
    """Remove entries from the list and return how many there were."""
    caller.require(Permission.MANAGE_MEDIA)
    return _remove(session, caller, select(BlocklistEntry).where(BlocklistEntry.id.in_(entry_ids)))


def clear_blocklist(session: Session, caller: Caller, *, before: datetime | None = None) -> int:
    """Remove all entries, or those from before an instant, and return how many there were."""
    caller.require(Permission.MANAGE_MEDIA)
    query = select(BlocklistEntry)
    return _remove(session, caller, query if before is None else query.where(BlocklistEntry.added_at < before))


def _remove(session: Session, caller: Caller, query: Select[BlocklistEntry]) -> int:
    """Remove entries.

    Emits:
        BlocklistChanged.
    """
    rows = session.execute(query.with_only_columns(BlocklistEntry.id, BlocklistEntry.title)).all()
    session.execute(delete(BlocklistEntry).where(BlocklistEntry.id.in_([row.id for row in rows])))
    if rows:
        emit(session, caller, BlocklistChanged([], [row.title for row in rows[:_NAMED_AT_MOST]]))
    return len(rows)

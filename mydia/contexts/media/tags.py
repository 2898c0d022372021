"""Tags of titles: labels that people make up, to filter by and to change many titles at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Text, bindparam, delete, func, literal_column, select
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.media.models import ItemTag, MediaItem
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.events import MediaChanged, emit
from mydia.vocabulary import MediaType


class TagUse(msgspec.Struct, frozen=True):
    """A tag and how many titles carry it."""

    id: str
    name: str
    titles: int


def list_tags(session: Session, caller: Caller, type: MediaType | None = None) -> list[TagUse]:
    """Return all tags by name; with a type, the titles of that type are counted."""
    caller.require(Permission.BROWSE)
    used = select(ItemTag.tag_id, func.count().label("number")).group_by(ItemTag.tag_id)
    if type is not None:
        # Written so that no index of types matches: SQLite would read all titles of the type instead of those with tags.
        of_type = MediaItem.type.op("||")(literal_column("''")) == bindparam("type", type, type_=Text())
        used = used.join(MediaItem, MediaItem.id == ItemTag.media_item_id).where(of_type)
    counted = used.subquery()
    rows = session.execute(
        select(settings.tags.Tag.id, settings.tags.Tag.name, func.coalesce(counted.c.number, 0))
        .outerjoin(counted, counted.c.tag_id == settings.tags.Tag.id)
        .order_by(func.lower(settings.tags.Tag.name))
    )
    return [TagUse(*row) for row in rows]


def tags_of(session: Session, caller: Caller, item_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of each title's tags, in one read."""
    caller.require(Permission.BROWSE)
    found: dict[str, list[str]] = {item_id: [] for item_id in item_ids}
    rows = session.execute(
        select(ItemTag.media_item_id, settings.tags.Tag.name)
        .join(settings.tags.Tag, settings.tags.Tag.id == ItemTag.tag_id)
        .where(ItemTag.media_item_id.in_(item_ids))
        .order_by(func.lower(settings.tags.Tag.name))
    )
    for item_id, name in rows:
        found[item_id].append(name)
    return {item_id: tuple(names) for item_id, names in found.items()}


def tag_ids_of(session: Session, item_id: str) -> frozenset[str]:
    """Return the ids of a title's tags, for rules."""
    return frozenset(session.scalars(select(ItemTag.tag_id).where(ItemTag.media_item_id == item_id)))


def change_tags(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> None:
    """Add tags to a title and take others away. Tags that do not exist yet are created.

    Raises:
        Invalid: A name is empty or too long.

    Emits: MediaChanged, when anything differs.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    before = tags_of(session, caller, [item_id])[item_id]
    known = {name.casefold() for name in before}
    added = {id_: name for name, id_ in settings.tags.ensure_tags(session, caller, add).items()}
    gone = {name.strip().casefold() for name in remove}
    new = [id_ for id_, name in added.items() if name.casefold() not in known | gone]
    lost = [name for name in before if name.casefold() in gone]
    if not new and not lost:
        return
    session.add_all(ItemTag(media_item_id=item_id, tag_id=id_) for id_ in new)
    if lost:
        ids = select(settings.tags.Tag.id).where(settings.tags.Tag.name.in_(lost))
        session.execute(delete(ItemTag).where(ItemTag.media_item_id == item_id, ItemTag.tag_id.in_(ids)))
    session.flush()
    item.updated_at = now
    after = tags_of(session, caller, [item_id])[item_id]
    emit(session, caller, MediaChanged(item_id, {"tags": [", ".join(before) or None, ", ".join(after) or None]}))

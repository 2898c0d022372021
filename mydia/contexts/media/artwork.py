"""The poster and backdrop of a title: the provider's choice, or a user's, which refreshes keep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import metadata
from mydia.contexts.media.models import Episode, MediaItem, Season
from mydia.contexts.media.refresh import asking
from mydia.contexts.metadata import Artwork, Ids, Image
from mydia.contexts.users import Caller, Permission
from mydia.db import Database, get
from mydia.errors import Invalid
from mydia.events import MediaChanged, emit

_COLUMNS = {"poster": "poster_id", "backdrop": "backdrop_id"}


class ArtworkChoice(msgspec.Struct, frozen=True):
    """The pictures to choose from."""

    role: str
    """`poster` or `backdrop`."""
    offered: tuple[Artwork, ...]
    present: str | None
    """The source of the picture in use."""
    locked: bool
    """Whether a user chose it."""


def titles_of_images(
    session: Session, caller: Caller, image_ids: Sequence[str], *, posters_only: bool = False
) -> list[str]:
    """Return the titles that show one of these pictures.

    Args:
        posters_only: Leave out those that only show it as their backdrop, or in a season or episode.
    """
    caller.require(Permission.BROWSE)
    queries = [select(MediaItem.id).where(MediaItem.poster_id.in_(image_ids))]
    if not posters_only:
        queries += [
            select(MediaItem.id).where(MediaItem.backdrop_id.in_(image_ids)),
            select(Season.media_item_id).where(Season.poster_id.in_(image_ids)),
            select(Episode.media_item_id).where(Episode.still_id.in_(image_ids)),
        ]
    return list(dict.fromkeys(item_id for query in queries for item_id in session.scalars(query)))


def list_artwork(database: Database, outside: Outside, caller: Caller, item_id: str, role: str) -> ArtworkChoice:
    """Return all pictures that the provider offers for a title.

    Raises:
        Unavailable: No provider is configured, or it does not answer.
    """
    caller.require(Permission.MANAGE_MEDIA)
    column = _column(role)
    with database.reads() as session:
        item = get(session, MediaItem, item_id, what="This title")
        type_, source = item.type, item.provider
        ids = Ids(item.tmdb_id, item.tvdb_id, item.imdb_id)
        wish = asking(session, caller, item.library_path_id)
        present = _source_of(session, getattr(item, column))
        locked = role in item.locked_fields
    if source == "none":
        raise Invalid("This title comes from file names and NFO files only, so no provider has pictures for it.")
    details = metadata.details(outside, caller, type_, ids, language=wish.language, source=source, region=wish.region)
    listed = details.posters if role == "poster" else details.backdrops
    chosen = details.poster_path if role == "poster" else details.backdrop_path
    offered = {art.path: art for art in listed}
    if chosen:
        offered = {chosen: offered.get(chosen, Artwork(chosen))} | offered
    return ArtworkChoice(role, tuple(offered.values()), present, locked)


def choose_artwork(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    item_id: str,
    role: str,
    source: str | None,
) -> None:
    """Use this picture for a title.

    Args:
        source: One of those offered; None goes back to the provider's choice and lets refreshes change it.

    Raises:
        Invalid: The provider does not offer this picture.

    Emits: MediaChanged.
    """
    choice = list_artwork(database, outside, caller, item_id, role)
    known = [art.path for art in choice.offered]
    if source is not None and source not in known:
        raise Invalid("The provider does not offer this picture. Choose another one.")
    wanted = source or (known[0] if known else choice.present)
    with database.writes() as session:
        item = get(session, MediaItem, item_id, what="This title")
        setattr(item, _column(role), metadata.want_image(session, now, role, wanted))
        item.locked_fields = [name for name in item.locked_fields if name != role] + ([role] if source else [])
        item.updated_at = now
        emit(session, caller, MediaChanged(item_id, {role: [choice.present, wanted]}))


def _column(role: str) -> str:
    if role not in _COLUMNS:
        raise Invalid("Choose a poster or a backdrop.")
    return _COLUMNS[role]


def _source_of(session: Session, image_id: str | None) -> str | None:
    return session.scalar(select(Image.source).where(Image.id == image_id)) if image_id else None

"""What the library has of a title and what is being downloaded, recorded by the higher contexts; and the resulting state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.media import status
from mydia.contexts.media.models import Episode, MediaItem, Version
from mydia.db import get
from mydia.vocabulary import MediaType


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that the library has of one title."""

    files_count: int = 0
    size_bytes: int = 0
    best_resolution: int | None = None
    held_episode_ids: frozenset[str] = field(default_factory=frozenset)
    upgradable_episode_ids: frozenset[str] = field(default_factory=frozenset)
    upgradable: bool = False
    """For films: the file is below the profile's cutoff."""


def record_holdings(session: Session, now: datetime, item_id: str, holdings: Holdings) -> None:
    """Store what the library has of a title; called after every change of its files."""
    item = get(session, MediaItem, item_id, what="This title")
    item.files_count, item.size_bytes = holdings.files_count, holdings.size_bytes
    item.best_resolution = holdings.best_resolution
    if item.type == MediaType.TV_SHOW:
        differing = _differing_episodes(session, {item_id: holdings})[item_id]
        if differing:
            session.flush()
            session.execute(update(Episode), differing)
    item.upgradable = holdings.upgradable or bool(holdings.upgradable_episode_ids)
    item.updated_at = now
    refresh_state(session, now, item)


def differing_holdings(session: Session, holdings: Mapping[str, Holdings]) -> list[str]:
    """Return the titles whose recorded holdings differ from these; two reads for all of them."""
    columns = (
        MediaItem.id,
        MediaItem.files_count,
        MediaItem.size_bytes,
        MediaItem.best_resolution,
        MediaItem.upgradable,
    )
    recorded = session.execute(select(*columns).where(MediaItem.id.in_(holdings))).all()
    episodes = _differing_episodes(session, holdings)
    found: list[str] = []
    for item_id, *told in recorded:
        one = holdings[item_id]
        upgradable = one.upgradable or bool(one.upgradable_episode_ids)
        if told != [one.files_count, one.size_bytes, one.best_resolution, upgradable] or episodes[item_id]:
            found.append(item_id)
    return found


def _differing_episodes(session: Session, holdings: Mapping[str, Holdings]) -> dict[str, list[dict[str, object]]]:
    """Return title -> new values of its episodes that differ, in one read."""
    found: dict[str, list[dict[str, object]]] = {item_id: [] for item_id in holdings}
    present = select(Episode.media_item_id, Episode.id, Episode.held, Episode.upgradable)
    for item_id, id_, held, upgradable in session.execute(present.where(Episode.media_item_id.in_(holdings))):
        now_held = id_ in holdings[item_id].held_episode_ids
        now_upgradable = id_ in holdings[item_id].upgradable_episode_ids
        if (held, upgradable) != (now_held, now_upgradable):
            found[item_id].append({"id": id_, "held": now_held, "upgradable": now_upgradable})
    return found


def record_activity(session: Session, now: datetime, item_id: str, activity: str | None) -> None:
    """Store what the downloads context does with a title: `downloading`, `blocked`, or None for nothing."""
    item = session.get(MediaItem, item_id)
    if item is None or item.activity == activity:
        return
    item.activity = activity
    item.updated_at = now
    refresh_state(session, now, item)


def refresh_state(session: Session, now: datetime, item: MediaItem) -> None:
    """Recompute counters and state after a change of any of their parts."""
    session.flush()
    today = now.date()
    if item.type == MediaType.TV_SHOW:
        due = or_(Episode.held, and_(Episode.monitored, Episode.air_on <= today))
        counted = and_(due, or_(Episode.season_number > 0, Episode.monitored))
        total, held = session.execute(
            select(
                func.coalesce(func.sum(case((counted, 1), else_=0)), 0),
                func.coalesce(func.sum(case((and_(counted, Episode.held), 1), else_=0)), 0),
            ).where(Episode.media_item_id == item.id)
        ).one()
        item.episodes_total, item.episodes_held = int(total), int(held)
    item.state = status.of(
        status.Facts(
            type=item.type,
            monitored=item.monitored,
            out=is_out(item, today),
            files=item.files_count,
            upgradable=item.upgradable,
            episodes_total=item.episodes_total,
            episodes_held=item.episodes_held,
            activity=item.activity,
        )
    )
    session.flush()


def is_out(item: MediaItem, today: date) -> bool:
    """Return whether a film has reached its minimum availability; a series always has."""
    if item.type != MediaType.MOVIE:
        return True
    return status.movie_is_out(
        item.minimum_availability,
        item.status,
        today,
        cinema_on=item.cinema_on,
        digital_on=item.digital_on,
        physical_on=item.physical_on,
    )


def due_to_roll(session: Session, now: datetime) -> list[str]:
    """Return the ids of titles that the calendar may have changed since yesterday."""
    today = now.date()
    since = today - timedelta(days=2)
    airing = select(Episode.media_item_id).where(Episode.air_on.between(since, today))
    opening = or_(
        MediaItem.cinema_on.between(since, today),
        MediaItem.digital_on.between(since, today),
        MediaItem.physical_on.between(since, today),
        and_(MediaItem.state == "upcoming", MediaItem.cinema_on <= today),
    )
    return list(session.scalars(select(MediaItem.id).where(or_(MediaItem.id.in_(airing), opening))))


def roll_over(session: Session, now: datetime, item_ids: Sequence[str]) -> int:
    """Recompute the state of these titles and return how many there were; a slice at a time, because there is one writer."""
    items = session.scalars(select(MediaItem).where(MediaItem.id.in_(item_ids))).all()
    for item in items:
        refresh_state(session, now, item)
    return len(items)


def ensure_version(session: Session, item_id: str) -> None:
    """Give a title a version with the default profile if it has none: its profile was deleted meanwhile."""
    if session.scalars(select(Version.id).where(Version.media_item_id == item_id)).first() is None:
        session.add(Version(media_item_id=item_id, profile_id=settings.profiles.default_profile_id(session)))
        session.flush()

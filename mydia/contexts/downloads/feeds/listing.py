"""What pages and the API show of feeds."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.downloads.feeds import state
from mydia.contexts.downloads.models import FeedState, GapReason
from mydia.contexts.users import Caller, Permission
from mydia.events import say

_GAP_SHOWN = timedelta(days=7)


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """The feed of one indexer."""

    indexer_id: str
    name: str
    on: bool
    """Whether it is read: the indexer is enabled, its RSS switch and RSS sync are on."""
    read_at: datetime | None
    """None before the first read."""
    published_at: datetime | None
    """The newest date of a release."""
    listed: int
    """New releases of the last read."""
    matched: int
    """Those of them that belong to a wanted title."""
    gap_from: datetime | None
    """Releases between these two instants were not seen."""
    gap_to: datetime | None
    gap_reason: GapReason | None
    gap_found_at: datetime | None


def gap_sentence(feed: Feed, now: datetime) -> str:
    """Return the sentence about a gap that was found within the last week, or an empty one."""
    if feed.gap_reason is None or feed.gap_found_at is None or feed.gap_found_at < now - _GAP_SHOWN:
        return ""
    why = say({"code": f"feed-gap.{feed.gap_reason}"})
    if feed.gap_from is None or feed.gap_to is None:
        return f"Releases were missed on {feed.gap_found_at:%-d %b}. {why}"
    return f"Releases between {_moment(feed.gap_from)} and {_moment(feed.gap_to)} were missed. {why}"


def _moment(at: datetime) -> str:
    return f"{at:%-d %b %H:%M} UTC"


def last_read_at(session: Session, caller: Caller) -> datetime | None:
    """Return when a feed was last read; None if none was yet."""
    caller.require(Permission.VIEW_ACTIVITY)
    return session.scalar(select(FeedState.read_at).order_by(FeedState.read_at.desc()).limit(1))


def list_feeds(session: Session, caller: Caller) -> list[Feed]:
    """Return the feeds of all indexers, in the order of the indexers."""
    caller.require(Permission.VIEW_ACTIVITY)
    switched_on = settings.of(session).downloads.rss_interval_minutes > 0
    known = state.states(session)
    found = []
    for one in settings.indexers.feed_switches(session, caller):
        row = known.get(one.id)
        found.append(
            Feed(
                indexer_id=one.id,
                name=one.name,
                on=one.on and switched_on,
                read_at=row.read_at if row else None,
                published_at=row.published_at if row else None,
                listed=row.listed if row else 0,
                matched=row.matched if row else 0,
                gap_from=row.gap_from if row else None,
                gap_to=row.gap_to if row else None,
                gap_reason=row.gap_reason if row else None,
                gap_found_at=row.gap_found_at if row else None,
            )
        )
    return found

"""How often indexers are asked and downloaded from, compared with the limits in their settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import IndexerRow, IndexerUse

_DAY = timedelta(days=1)
_KEPT = timedelta(days=8)
# The backlog search leaves this share of a limit to RSS sync and to people.
_BACKLOG_SHARE = 0.8


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an indexer's limits is used up."""

    hour_queries: int = 0
    """In the present hour."""
    day_queries: int = 0
    """In the last 24 hours, in steps of an hour."""
    day_grabs: int = 0
    hour_ends_at: datetime | None = None
    oldest_ends_at: datetime | None = None
    """When the oldest hour no longer counts as the last 24."""

    def full_until(self, options: Mapping[str, object], *, backlog: bool = False) -> datetime | None:
        """Return until when no queries are left; None if some are.

        Args:
            options: The indexer's: `queries_per_hour`, `queries_per_day`.
            backlog: Whether it is for the backlog search, which may only use most of a limit.
        """
        share = _BACKLOG_SHARE if backlog else 1.0
        ends = [
            end
            for used, key, end in (
                (self.hour_queries, "queries_per_hour", self.hour_ends_at),
                (self.day_queries, "queries_per_day", self.oldest_ends_at),
            )
            if end is not None and (limit := _limit(options, key)) is not None and used >= max(1, limit * share)
        ]
        return max(ends, default=None)

    def no_grabs_until(self, options: Mapping[str, object]) -> datetime | None:
        """Return until when no downloads are left by `grabs_per_day`; None if some are."""
        limit = _limit(options, "grabs_per_day")
        return self.oldest_ends_at if limit is not None and self.day_grabs >= limit else None


NONE = Use()


def uses(session: Session, now: datetime) -> dict[str, Use]:
    """Return indexer id -> use; indexers that were not asked for a day are left out."""
    hour = _hour(now)
    rows = session.scalars(select(IndexerUse).where(IndexerUse.hour_at > hour - _DAY).order_by(IndexerUse.hour_at))
    by_indexer: dict[str, list[IndexerUse]] = {}
    for row in rows:
        by_indexer.setdefault(row.indexer_id, []).append(row)
    return {
        indexer_id: Use(
            hour_queries=sum(row.queries for row in found if row.hour_at == hour),
            day_queries=sum(row.queries for row in found),
            day_grabs=sum(row.grabs for row in found),
            hour_ends_at=hour + timedelta(hours=1),
            oldest_ends_at=found[0].hour_at + _DAY,
        )
        for indexer_id, found in by_indexer.items()
    }


def record_use(session: Session, now: datetime, indexer_id: str, *, queries: int = 0, grabs: int = 0) -> None:
    """Count requests to an indexer. One that was removed meanwhile is ignored."""
    if not queries and not grabs:
        return
    row = session.get(IndexerUse, (indexer_id, _hour(now)))
    if row is None:
        if session.get(IndexerRow, indexer_id) is None:
            return
        row = IndexerUse(indexer_id=indexer_id, hour_at=_hour(now), queries=0, grabs=0)
        session.add(row)
        session.execute(delete(IndexerUse).where(IndexerUse.hour_at < now - _KEPT))
    row.queries += queries
    row.grabs += grabs


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _limit(options: Mapping[str, object], key: str) -> float | None:
    value = options.get(key)
    return float(value) if isinstance(value, int | float) else None

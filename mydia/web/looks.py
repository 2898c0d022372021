"""How one person wants dates, times and spacing to look."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from mydia.vocabulary import find_member


class DateStyle(StrEnum):
    """The order of a date."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    ISO = "iso"


class Hours(StrEnum):
    """How the time of day is written."""

    H24 = "24"
    H12 = "12"


class Density(StrEnum):
    """How much space there is between things."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


_DAYS = {DateStyle.DAY_FIRST: "%-d %b %Y", DateStyle.MONTH_FIRST: "%b %-d, %Y", DateStyle.ISO: "%Y-%m-%d"}
_SHORT_DAYS = {DateStyle.DAY_FIRST: "%-d %b", DateStyle.MONTH_FIRST: "%b %-d", DateStyle.ISO: "%m-%d"}
_TIMES = {Hours.H24: "%H:%M", Hours.H12: "%-I:%M %p"}


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """The preferences of the person who sees a page."""

    zone: ZoneInfo
    dates: DateStyle = DateStyle.DAY_FIRST
    hours: Hours = Hours.H24
    density: Density = Density.COMFORTABLE

    def day(self, on: date | datetime) -> str:
        """Format a date: `21 Nov 2026`."""
        return (on.astimezone(self.zone) if isinstance(on, datetime) else on).strftime(_DAYS[self.dates])

    def short_day(self, on: date | datetime) -> str:
        """Format a date without its year: `21 Nov`."""
        return (on.astimezone(self.zone) if isinstance(on, datetime) else on).strftime(_SHORT_DAYS[self.dates])

    def time(self, at: datetime) -> str:
        """Format a time of day: `15:36`."""
        return at.astimezone(self.zone).strftime(_TIMES[self.hours])

    def moment(self, at: datetime) -> str:
        """Format an instant: `21 Nov 2026, 15:36`."""
        return f"{self.day(at)}, {self.time(at)}"


def looks_from(preferences: Mapping[str, object], zone: ZoneInfo) -> Looks:
    """Return a person's preferences. What is not chosen, or not known any more, is as for everybody.

    Args:
        zone: The household's time zone.
    """
    return Looks(
        zone=find_zone(str(preferences.get("time_zone") or "")) or zone,
        dates=find_member(DateStyle, str(preferences.get("dates"))) or DateStyle.DAY_FIRST,
        hours=find_member(Hours, str(preferences.get("hours"))) or Hours.H24,
        density=find_member(Density, str(preferences.get("density"))) or Density.COMFORTABLE,
    )


@lru_cache(maxsize=64)
def find_zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its name, or None if there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the names of time zones, as places."""
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


CURRENT: ContextVar[Looks | None] = ContextVar("looks", default=None)
"""The looks of the page that is being rendered; None for everybody's."""

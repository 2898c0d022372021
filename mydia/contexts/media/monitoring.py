"""Which episodes are wanted: patterns when a series is added, and later choices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia.contexts.media.holdings import refresh_state
from mydia.contexts.media.models import Episode, MediaItem, Season
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Invalid, NotFound
from mydia.events import MediaChanged, emit
from mydia.vocabulary import MediaType

PATTERNS: dict[str, str] = {
    "all": "All episodes",
    "future": "Episodes that have not aired yet",
    "missing": "Episodes that are not here, and future ones",
    "existing": "Only episodes that are here",
    "first_season": "The first season",
    "latest_season": "The latest season and what follows",
    "pilot": "The first episode",
    "none": "Nothing",
}
"""Pattern -> what it says on the form."""


def wanted_by(
    pattern: str, season: int, number: int, air_on: date | None, today: date, *, held: bool, latest: int
) -> bool:
    """Say whether a pattern wants an episode. Specials are wanted only when they are here already.

    >>> wanted_by("pilot", 1, 1, None, date(2026, 1, 1), held=False, latest=3)
    True
    """
    if season == 0:
        return held and pattern in ("all", "existing", "missing")
    aired = air_on is not None and air_on <= today
    match pattern:
        case "all":
            return True
        case "future":
            return not aired
        case "missing":
            return not held
        case "existing":
            return held
        case "first_season":
            return season == 1
        case "latest_season":
            return season >= latest
        case "pilot":
            return season == 1 and number == 1
    return False


def apply_pattern(session: Session, now: datetime, item: MediaItem, pattern: str) -> int:
    """Set the monitoring of every episode and season by a pattern and return how many episodes are wanted."""
    if pattern not in PATTERNS:
        raise Invalid(f"“{pattern}” is not a way to monitor. Choose one of {', '.join(PATTERNS)}.")
    episodes = session.scalars(select(Episode).where(Episode.media_item_id == item.id)).all()
    latest = max((e.season_number for e in episodes), default=0)
    wanted = 0
    by_season: dict[int, bool] = {}
    for episode in episodes:
        episode.monitored = wanted_by(
            pattern,
            episode.season_number,
            episode.episode_number,
            episode.air_on,
            now.date(),
            held=episode.held,
            latest=latest,
        )
        wanted += episode.monitored
        by_season[episode.season_number] = by_season.get(episode.season_number, False) or episode.monitored
    for season in session.scalars(select(Season).where(Season.media_item_id == item.id)):
        season.monitored = by_season.get(
            season.number, pattern not in ("none", "existing", "pilot") and season.number > 0
        )
    item.monitor_pattern = pattern
    session.flush()
    return wanted


def change_monitoring(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    monitored: bool,
    *,
    season_number: int | None = None,
    episode_ids: list[str] | None = None,
) -> None:
    """Want, or stop wanting, a whole title, one season or some episodes.

    Wanting a season or an episode of a title that is not monitored monitors the title too: else it would have no effect.

    Emits: MediaChanged.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    if season_number is None and episode_ids is None:
        changed: dict[str, list[object]] = {"monitored": [item.monitored, monitored]}
        item.monitored = monitored
    else:
        rows = update(Episode).where(Episode.media_item_id == item_id)
        if season_number is not None:
            season = session.scalar(
                select(Season).where(Season.media_item_id == item_id, Season.number == season_number)
            )
            if season is None:
                raise NotFound(f"{item.title} has no season {season_number}.")
            season.monitored = monitored
            rows = rows.where(Episode.season_number == season_number)
            changed = {f"season {season_number} monitored": [not monitored, monitored]}
        else:
            rows = rows.where(Episode.id.in_(episode_ids or []))
            changed = {"episodes monitored": [len(episode_ids or []), monitored]}
        session.execute(rows.values(monitored=monitored))
        if monitored and not item.monitored:
            item.monitored = True
            changed["monitored"] = [False, True]
    item.updated_at = now
    refresh_state(session, now, item)
    emit(session, caller, MediaChanged(item_id, changed))


def change_pattern(session: Session, caller: Caller, now: datetime, item_id: str, pattern: str) -> int:
    """Monitor a series by a pattern and return how many episodes are wanted. Emits: MediaChanged."""
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This series")
    if item.type != MediaType.TV_SHOW:
        raise Invalid("Only series have episodes to choose from.")
    old = item.monitor_pattern
    wanted = apply_pattern(session, now, item, pattern)
    item.monitored = pattern != "none"
    item.monitor_new_seasons = "none" if pattern in ("existing", "none", "pilot", "first_season") else "all"
    item.updated_at = now
    refresh_state(session, now, item)
    emit(session, caller, MediaChanged(item_id, {"monitor": [old, pattern]}))
    return wanted

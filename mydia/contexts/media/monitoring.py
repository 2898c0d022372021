"""Which episodes are monitored: patterns for added series, and later changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia.contexts.media.holdings import refresh_state
from mydia.contexts.media.models import Episode, MediaItem, MonitorPattern, NewSeasons, Season
from mydia.contexts.users import Caller, Permission
from mydia.db import get
from mydia.errors import Invalid, NotFound
from mydia.events import MediaChanged, emit
from mydia.vocabulary import MediaType, find_member

PATTERNS: dict[MonitorPattern, str] = {
    MonitorPattern.ALL: "All episodes",
    MonitorPattern.FUTURE: "Future episodes",
    MonitorPattern.MISSING: "Missing and future episodes",
    MonitorPattern.EXISTING: "Only episodes with files",
    MonitorPattern.FIRST_SEASON: "First season",
    MonitorPattern.LATEST_SEASON: "Latest season and new ones",
    MonitorPattern.PILOT: "First episode only",
    MonitorPattern.NONE: "None",
}
"""Pattern -> its label on the form."""
_WITHOUT_NEW_SEASONS = frozenset(
    {MonitorPattern.EXISTING, MonitorPattern.NONE, MonitorPattern.PILOT, MonitorPattern.FIRST_SEASON}
)
_WITHOUT_EMPTY_SEASONS = frozenset({MonitorPattern.NONE, MonitorPattern.EXISTING, MonitorPattern.PILOT})


def new_seasons_of(pattern: MonitorPattern) -> NewSeasons:
    """Return whether new seasons are monitored by default."""
    return NewSeasons.NONE if pattern in _WITHOUT_NEW_SEASONS else NewSeasons.ALL


def pattern_of(text: str) -> MonitorPattern:
    """Return the pattern with this name. Raises Invalid."""
    found = find_member(MonitorPattern, text)
    if found is None:
        allowed = ", ".join(MonitorPattern)
        raise Invalid(f"“{text}” is not a monitoring pattern.", fields={"monitor": f"Choose one of {allowed}."})
    return found


def wanted_by(
    pattern: MonitorPattern, season: int, number: int, air_on: date | None, today: date, *, held: bool, latest: int
) -> bool:
    """Return whether a pattern includes an episode. Specials are only included if they already have a file.

    >>> wanted_by(MonitorPattern.PILOT, 1, 1, None, date(2026, 1, 1), held=False, latest=3)
    True
    """
    if season == 0:
        return held and pattern in (MonitorPattern.ALL, MonitorPattern.EXISTING, MonitorPattern.MISSING)
    match pattern:
        case MonitorPattern.ALL:
            return True
        case MonitorPattern.FUTURE:
            return air_on is None or air_on > today
        case MonitorPattern.MISSING:
            return not held
        case MonitorPattern.EXISTING:
            return held
        case MonitorPattern.FIRST_SEASON:
            return season == 1
        case MonitorPattern.LATEST_SEASON:
            return season >= latest
        case MonitorPattern.PILOT:
            return season == 1 and number == 1
        case MonitorPattern.NONE:
            return False


def apply_pattern(session: Session, now: datetime, item: MediaItem, pattern: MonitorPattern) -> int:
    """Apply a pattern to all episodes and seasons, and return the number of monitored episodes."""
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
        season.monitored = by_season.get(season.number, pattern not in _WITHOUT_EMPTY_SEASONS and season.number > 0)
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
    """Monitor or unmonitor a title, one season or some episodes.

    Monitoring a season or an episode monitors its title too; otherwise it would have no effect.

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


def monitor_seasons(
    session: Session, caller: Caller, now: datetime, item_id: str, numbers: Collection[int]
) -> list[int]:
    """Monitor some seasons of a series that others may want, and return those that were not monitored completely.

    Other seasons stay as they are. If the title itself was not monitored, nothing of it was wanted, so the other seasons and
    those announced later are unmonitored: otherwise they would become wanted too.

    Emits: MediaChanged, when anything differs.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This title")
    changed: dict[str, list[object]] = {}
    if not item.monitored:
        session.execute(update(Season).where(Season.media_item_id == item_id).values(monitored=False))
        session.execute(update(Episode).where(Episode.media_item_id == item_id).values(monitored=False))
        item.monitored, item.monitor_new_seasons = True, NewSeasons.NONE
        changed["monitored"] = [False, True]
    lacking = select(Episode.season_number).where(
        Episode.media_item_id == item_id, Episode.season_number.in_(numbers), Episode.monitored.is_(False)
    )
    off = select(Season.number).where(
        Season.media_item_id == item_id, Season.number.in_(numbers), Season.monitored.is_(False)
    )
    raised = sorted({*session.scalars(lacking.distinct()), *session.scalars(off)})
    for number in raised:
        changed[f"season {number} monitored"] = [False, True]
    of_raised = {"synchronize_session": "fetch"}
    for kind, column in ((Season, Season.number), (Episode, Episode.season_number)):
        session.execute(
            update(kind).where(kind.media_item_id == item_id, column.in_(raised)).values(monitored=True),
            execution_options=of_raised,
        )
    if changed:
        item.updated_at = now
        refresh_state(session, now, item)
        emit(session, caller, MediaChanged(item_id, changed))
    return raised


def monitor_again(session: Session, item_id: str, episode_ids: Collection[str], *, item: bool) -> None:
    """Monitor what was monitored before its file was removed; the file is back.

    Args:
        item: Whether the title itself was monitored. Other titles stay as they are.
    """
    row = get(session, MediaItem, item_id, what="This title")
    row.monitored = row.monitored or item
    session.execute(
        update(Episode).where(Episode.media_item_id == item_id, Episode.id.in_(episode_ids)).values(monitored=True)
    )


def change_pattern(session: Session, caller: Caller, now: datetime, item_id: str, pattern: MonitorPattern) -> int:
    """Monitor a series by a pattern and return the number of monitored episodes. Emits: MediaChanged."""
    caller.require(Permission.MANAGE_MEDIA)
    item = get(session, MediaItem, item_id, what="This series")
    if item.type != MediaType.TV_SHOW:
        raise Invalid("Only shows have episodes to choose from.")
    old = item.monitor_pattern
    wanted = apply_pattern(session, now, item, pattern)
    item.monitored = pattern != MonitorPattern.NONE
    item.monitor_new_seasons = new_seasons_of(pattern)
    item.updated_at = now
    refresh_state(session, now, item)
    emit(session, caller, MediaChanged(item_id, {"monitor": [old, pattern]}))
    return wanted

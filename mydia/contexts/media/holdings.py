"""Files and downloads of a title, as recorded by the higher contexts, and the resulting state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import replace
from datetime import date, datetime, timedelta
from itertools import batched
from typing import Any

import msgspec
from sqlalchemy import and_, case, delete, func, insert, not_, or_, select, tuple_, update
from sqlalchemy.orm import Session

from mydia.contexts.media import status
from mydia.contexts.media.models import Episode, HeldEpisode, ItemState, MediaItem, Version
from mydia.contexts.media.versions import versions_of
from mydia.vocabulary import Activity, MediaType

__all__ = [
    "HeldEpisode",
    "Holdings",
    "VersionHoldings",
    "differing_holdings",
    "due_to_roll",
    "is_out",
    "items_of",
    "record_activity",
    "record_holdings",
    "refresh_state",
    "refresh_states",
    "roll_over",
    "set_first_state",
]


class VersionHoldings(msgspec.Struct, frozen=True):
    """What the library has of one version."""

    files_count: int = 0
    upgradable: bool = False
    """Something is below the profile's cutoff."""
    episodes: Mapping[str, bool] = msgspec.field(default_factory=dict)
    """Id of each held episode -> whether its file is below the cutoff."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """The files that the library has of one title."""

    files_count: int = 0
    size_bytes: int = 0
    best_resolution: int | None = None
    best_quality: str | None = None
    """Name of the best quality held: `Bluray-1080p`."""
    versions: Mapping[str, VersionHoldings] = msgspec.field(default_factory=dict)
    """By version id. A version that is not named holds nothing."""


_NOTHING = VersionHoldings()


class _Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded differently from what the library has."""

    item: dict[str, object]
    versions: dict[str, dict[str, object]]
    episodes: list[dict[str, object]]
    lost: list[tuple[str, str]]
    """(version, episode) to delete from the held episodes."""
    held: list[dict[str, object]]
    """Held episodes to insert, or to store again because the cutoff verdict changed."""

    def __bool__(self) -> bool:
        return bool(self.item or self.versions or self.episodes or self.lost or self.held)


def record_holdings(
    session: Session,
    now: datetime,
    holdings: Mapping[str, Holdings],
    *,
    items: Sequence[MediaItem] | None = None,
    versions: Mapping[str, Sequence[Version]] | None = None,
) -> None:
    """Store which files the library has of titles; called after every change to their files.

    The reads do not depend on the number of titles. Titles that were removed are left out.

    Args:
        items: These titles, if they have been read already; so with their `versions`.
    """
    session.flush()
    items = [item for item in items if item.id in holdings] if items else items_of(session, list(holdings))
    versions = versions or versions_of(session, [item.id for item in items])
    recorded = {item.id: tuple(getattr(item, column.key) for column in _ITEM_COLUMNS) for item in items}
    shows = [item.id for item in items if item.type == MediaType.TV_SHOW]
    changes = _compare(session, holdings, recorded, versions, shows)
    for item in items:
        for name, value in changes[item.id].item.items():
            setattr(item, name, value)
        for version in versions[item.id]:
            for name, value in changes[item.id].versions.get(version.id, {}).items():
                setattr(version, name, value)
        item.updated_at = now
    if episodes := [row for one in changes.values() for row in one.episodes]:
        session.execute(update(Episode), episodes)
    held = [row for one in changes.values() for row in one.held]
    gone = [pair for one in changes.values() for pair in one.lost]
    gone += [(str(row["version_id"]), str(row["episode_id"])) for row in held]
    for part in batched(gone, _KEYS_IN_A_STATEMENT, strict=False):
        pairs = tuple_(HeldEpisode.version_id, HeldEpisode.episode_id).in_(part)
        session.execute(delete(HeldEpisode).where(pairs), execution_options={"synchronize_session": False})
    if held:
        session.execute(insert(HeldEpisode), held)
    _refresh_states(session, now, items, versions)


def items_of(session: Session, item_ids: Sequence[str]) -> Sequence[MediaItem]:
    """Return titles, leaving out those that were removed."""
    if len(item_ids) == 1:
        # Often it was read or added just before, and then this reads nothing.
        item = session.get(MediaItem, item_ids[0])
        return [] if item is None else [item]
    return session.scalars(select(MediaItem).where(MediaItem.id.in_(item_ids))).all()


def differing_holdings(session: Session, holdings: Mapping[str, Holdings]) -> list[str]:
    """Return the titles whose recorded holdings differ from these; four reads for all of them."""
    rows = session.execute(select(MediaItem.id, MediaItem.type, *_ITEM_COLUMNS).where(MediaItem.id.in_(holdings))).all()
    recorded = {item_id: tuple(values) for item_id, _, *values in rows}
    shows = [row[0] for row in rows if row[1] == MediaType.TV_SHOW]
    changes = _compare(session, holdings, recorded, versions_of(session, recorded), shows)
    return [item_id for item_id, one in changes.items() if one]


def _compare(
    session: Session,
    holdings: Mapping[str, Holdings],
    recorded: Mapping[str, Sequence[object]],
    versions: Mapping[str, Sequence[Version]],
    shows: Sequence[str],
) -> dict[str, _Changes]:
    """Return what the rows of each title would have to become.

    Args:
        recorded: Title -> the values of `_ITEM_COLUMNS`, of titles that exist.
        shows: Those of them that are series; the episodes of others are not read.
    """
    held: dict[str, dict[str, bool]] = {row.id: {} for item_id in recorded for row in versions[item_id]}
    episodes: dict[str, list[tuple[Any, ...]]] = {item_id: [] for item_id in recorded}
    if shows:
        of_shows = [row.id for item_id in shows for row in versions[item_id]]
        stored = select(HeldEpisode.version_id, HeldEpisode.episode_id, HeldEpisode.upgradable)
        for version_id, episode_id, upgradable in session.execute(stored.where(HeldEpisode.version_id.in_(of_shows))):
            held[version_id][episode_id] = upgradable
        columns = (Episode.media_item_id, Episode.id, Episode.held, Episode.complete, Episode.upgradable)
        for item_id, *row in session.execute(select(*columns).where(Episode.media_item_id.in_(shows))):
            episodes[item_id].append(tuple(row))
    return {
        item_id: _changes(holdings[item_id], values, versions[item_id], held, episodes[item_id])
        for item_id, values in recorded.items()
    }


_ITEM_COLUMNS = (
    MediaItem.files_count,
    MediaItem.size_bytes,
    MediaItem.best_resolution,
    MediaItem.best_quality,
    MediaItem.upgradable,
)
_KEYS_IN_A_STATEMENT = 400


def _changes(
    new: Holdings,
    recorded: Sequence[object],
    versions: Sequence[Version],
    held: Mapping[str, Mapping[str, bool]],
    episodes: Sequence[tuple[Any, ...]],
) -> _Changes:
    """PURE. Compare one title's rows with its holdings; unmonitored versions want nothing, so they lack nothing.

    Args:
        recorded: The values of `_ITEM_COLUMNS`.
        held: Version -> held episode -> whether it is below the cutoff, as recorded.
        episodes: (id, held, complete, upgradable) as recorded.
    """
    of_version = {row.id: new.versions.get(row.id, _NOTHING) for row in versions}
    monitored = [of_version[row.id] for row in versions if row.monitored]
    item = {
        "files_count": new.files_count,
        "size_bytes": new.size_bytes,
        "best_resolution": new.best_resolution,
        "best_quality": new.best_quality,
        "upgradable": any(one.upgradable for one in monitored),
    }
    changed_episodes: list[dict[str, object]] = []
    for id_, *was in episodes:
        now = [
            any(id_ in one.episodes for one in of_version.values()),
            all(id_ in one.episodes for one in monitored),
            any(one.episodes.get(id_, False) for one in monitored),
        ]
        if was != now:
            changed_episodes.append({"id": id_, "held": now[0], "complete": now[1], "upgradable": now[2]})
    known = {id_ for id_, *_ in episodes}
    return _Changes(
        item={name: value for (name, value), was in zip(item.items(), recorded, strict=True) if value != was},
        versions={
            row.id: {"files_count": one.files_count, "upgradable": one.upgradable}
            for row in versions
            if (row.files_count, row.upgradable) != ((one := of_version[row.id]).files_count, one.upgradable)
        },
        episodes=changed_episodes,
        lost=[(row.id, id_) for row in versions for id_ in held[row.id] if id_ not in of_version[row.id].episodes],
        held=[
            {"version_id": row.id, "episode_id": id_, "upgradable": upgradable}
            for row in versions
            for id_, upgradable in of_version[row.id].episodes.items()
            if id_ in known and held[row.id].get(id_) is not upgradable
        ],
    )


def record_activity(
    session: Session, now: datetime, item_id: str, activities: Mapping[str | None, Activity | None]
) -> None:
    """Store what the downloads of a title are doing.

    Args:
        activities: By version id; None is the default version. A version that is not named has no download.
    """
    item = session.get(MediaItem, item_id)
    if item is None:
        return
    changed = False
    for position, version in enumerate(versions_of(session, [item_id])[item_id]):
        given = [activities.get(version.id), activities.get(None) if position == 0 else None]
        activity = _loudest(given)
        changed |= version.activity != activity
        version.activity = activity
    activity = _loudest(activities.values())
    if not changed and item.activity == activity:
        return
    item.activity = activity
    item.updated_at = now
    refresh_state(session, now, item)


def _loudest(activities: Iterable[Activity | None]) -> Activity | None:
    """Return what matters most: a blocked import comes before a running download."""
    given = set(activities)
    return next((one for one in (Activity.BLOCKED, Activity.DOWNLOADING) if one in given), None)


def refresh_state(session: Session, now: datetime, item: MediaItem) -> None:
    """Recompute counters and states after a change of any of their parts."""
    refresh_states(session, now, [item])


def set_first_state(session: Session, now: datetime, item: MediaItem, version: Version) -> None:
    """Set the state of a title that is about to be added with one version, without files and episodes."""
    _refresh(session, now.date(), item, [version], _Episodes())


class _Episodes(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of a series' episodes. Specials count only while they are monitored."""

    total: int = 0
    """Aired episodes that are monitored or have a file."""
    held: int = 0
    half: int = 0
    """Those that not every monitored version has."""
    missing: int = 0
    """Monitored, aired, and not complete."""
    upgradable: int = 0


def refresh_states(session: Session, now: datetime, items: Sequence[MediaItem]) -> None:
    """Recompute counters and states of titles, with the same reads for any number of them."""
    session.flush()
    _refresh_states(session, now, items, versions_of(session, [item.id for item in items]))


def _refresh_states(
    session: Session, now: datetime, items: Sequence[MediaItem], versions: Mapping[str, Sequence[Version]]
) -> None:
    shows = [item.id for item in items if item.type == MediaType.TV_SHOW]
    if shows:
        session.flush()
    today = now.date()
    numbers = _count_episodes(session, shows, today)
    for item in items:
        _refresh(session, today, item, versions[item.id], numbers.get(item.id, _Episodes()))
    session.flush()


def _count_episodes(session: Session, item_ids: Sequence[str], today: date) -> dict[str, _Episodes]:
    if not item_ids:
        return {}
    due = or_(Episode.held, and_(Episode.monitored, Episode.air_on <= today))
    counted = and_(due, or_(Episode.season_number > 0, Episode.monitored))
    wanted = and_(Episode.monitored, Episode.air_on <= today)
    conditions = {
        "total": counted,
        "held": and_(counted, Episode.held),
        "half": and_(counted, Episode.held, not_(Episode.complete)),
        "missing": and_(wanted, not_(Episode.complete)),
        "upgradable": and_(wanted, Episode.upgradable),
    }
    sums = (func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in conditions.values())
    query = select(Episode.media_item_id, *sums).where(Episode.media_item_id.in_(item_ids))
    rows = session.execute(query.group_by(Episode.media_item_id))
    return {
        item_id: _Episodes(**{name: int(number) for name, number in zip(conditions, numbers, strict=True)})
        for item_id, *numbers in rows
    }


def _refresh(session: Session, today: date, item: MediaItem, versions: Sequence[Version], numbers: _Episodes) -> None:
    monitored = [version for version in versions if version.monitored]
    show = item.type == MediaType.TV_SHOW
    if show:
        item.episodes_total, item.episodes_held = numbers.total, numbers.held
    facts = status.Facts(
        type=item.type,
        monitored=item.monitored and bool(monitored),
        out=is_out(item, today),
        files=item.files_count,
        upgradable=item.upgradable,
        episodes_total=item.episodes_total,
        episodes_held=item.episodes_held,
        activity=item.activity,
        incomplete=numbers.half > 0 if show else any(version.files_count == 0 for version in monitored),
    )
    item.state = status.of(facts)
    for version in () if show else versions:
        version.state = status.of(
            replace(
                facts,
                monitored=item.monitored and version.monitored,
                files=version.files_count,
                upgradable=version.upgradable,
                activity=version.activity,
                incomplete=False,
            )
        )
    item.lacking = any(version.state == ItemState.MISSING for version in versions)
    if not show:
        missing = sum(version.state == ItemState.MISSING for version in versions)
        upgradable = sum(version.state == ItemState.UPGRADABLE for version in versions)
    elif not facts.monitored:
        missing = upgradable = 0
    elif len(monitored) > 1:
        missing, upgradable = _wanted_in_versions(session, item.id, today)
    else:
        missing, upgradable = numbers.missing, numbers.upgradable
    item.missing_count, item.upgradable_count = missing, upgradable


def _wanted_in_versions(session: Session, item_id: str, today: date) -> tuple[int, int]:
    """Return the number of aired, monitored episodes of a series that are (missing, upgradable), once for each monitored version."""
    held = and_(HeldEpisode.version_id == Version.id, HeldEpisode.episode_id == Episode.id)
    rows = session.execute(
        select(
            func.coalesce(func.sum(case((HeldEpisode.version_id.is_(None), 1), else_=0)), 0),
            func.coalesce(func.sum(case((HeldEpisode.upgradable, 1), else_=0)), 0),
        )
        .select_from(Episode)
        .join(Version, Version.media_item_id == Episode.media_item_id)
        .outerjoin(HeldEpisode, held)
        .where(Episode.media_item_id == item_id, Version.monitored, Episode.monitored, Episode.air_on <= today)
    ).one()
    return int(rows[0]), int(rows[1])


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
    """Return the ids of titles whose state may have changed since yesterday because of a release date."""
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
    """Recompute the state of titles and return their number. Works in slices, because there is one writer."""
    items = session.scalars(select(MediaItem).where(MediaItem.id.in_(item_ids))).all()
    refresh_states(session, now, items)
    return len(items)

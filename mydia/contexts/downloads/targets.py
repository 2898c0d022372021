"""Targets of searches: one film, one season, or some episodes of one version; and which of them are wanted now."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mydia.contexts import media
from mydia.contexts.downloads.held import held_by_episode, of_version
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadEpisode, SearchState
from mydia.contexts.media import EpisodeRef
from mydia.contexts.users import SYSTEM
from mydia.vocabulary import MediaType

# If this share of a season's episodes is wanted, the season is searched as one. Source: mydia-original §4.5.
_SEASON_SHARE = 0.7
# Searches of one series in one round. Source: mydia-original §4.5.
_MOST_TARGETS = 10

# Wait after a search without a result: doubled each time, up to a week.
_FIRST_WAIT = timedelta(hours=6)
_LONGEST_WAIT = timedelta(days=7)
# How long releases take to appear after an episode aired, and how long something counts as new.
_APPEARS = timedelta(hours=1)
_NEW = timedelta(days=1)


class SearchTarget(msgspec.Struct, frozen=True):
    """One target of a search."""

    item_id: str
    version_id: str | None = None
    """None: every monitored version for `plan_targets`, otherwise the default version."""
    season_number: int | None = None
    episode_ids: tuple[str, ...] = ()
    """Episodes of one season; empty for all of it."""


def plan_targets(session: Session, now: datetime, target: SearchTarget) -> list[SearchTarget]:
    """Return the searches that cover everything wanted of a target.

    Without a version every monitored version is covered. For a series these are whole seasons if most of a season is
    wanted, otherwise single episodes, newest first.
    """
    item = media.get_item(session, SYSTEM, target.item_id)
    if target.version_id is None:
        versions = session.scalars(
            select(media.Version)
            .where(media.Version.media_item_id == target.item_id, media.Version.monitored)
            .order_by(media.Version.position, media.Version.id)
        ).all()
        parts = [plan_targets(session, now, replace(target, version_id=version.id)) for version in versions]
        return [one for part in parts for one in part][:_MOST_TARGETS]
    if item.type == MediaType.MOVIE:
        return [target]
    wanted = wanted_episodes(session, now, target)
    seasons: dict[int, list[EpisodeRef]] = {}
    for episode in wanted:
        seasons.setdefault(episode.season_number, []).append(episode)
    planned: list[SearchTarget] = []
    for number in sorted(seasons, reverse=True):
        episodes = seasons[number]
        known = list(media.episodes.episodes_of(session, SYSTEM, target.item_id, season_number=number))
        over = all(e.air_on is not None and e.air_on <= now.date() for e in known)
        ids = tuple(episode.id for episode in episodes)
        if number > 0 and over and len(known) > 1 and len(episodes) >= _SEASON_SHARE * len(known):
            planned.append(SearchTarget(target.item_id, target.version_id, number, ids))
        else:
            newest_first = sorted(
                episodes, key=lambda e: (e.air_on is not None, e.air_on, e.episode_number), reverse=True
            )
            planned += [SearchTarget(target.item_id, target.version_id, number, (e.id,)) for e in newest_first]
    return planned[:_MOST_TARGETS]


def wanted_episodes(session: Session, now: datetime, target: SearchTarget) -> list[EpisodeRef]:
    """Return the episodes of a target that have aired, are monitored, are missing or upgradable, and aren't being downloaded."""
    version = version_of(session, target)
    good = {id for id, upgradable in held_by_episode(session, target.item_id, version.id).items() if not upgradable}
    coming = set(
        session.scalars(
            select(DownloadEpisode.episode_id)
            .join(Download, Download.id == DownloadEpisode.download_id)
            .where(
                of_version(session, target.item_id, version.id),
                Download.state.in_(OPEN_STATES),
            )
        )
    )
    chosen = set(target.episode_ids)
    return [
        episode
        for episode in media.episodes.episodes_of(session, SYSTEM, target.item_id, season_number=target.season_number)
        if (episode.id in chosen if chosen else episode.monitored and (episode.season_number > 0 or bool(chosen)))
        and episode.air_on is not None
        and episode.air_on <= now.date()
        and episode.id not in good
        and episode.id not in coming
    ]


def version_of(session: Session, target: SearchTarget) -> media.Version:
    """Return the version of a target."""
    return media.versions.get_version(session, target.item_id, target.version_id)


def record_searched(
    session: Session, now: datetime, target: SearchTarget, version_id: str, search_id: str, *, hit: bool
) -> None:
    """Record that a target was searched, and when it is due again if it is still missing."""
    for episode_id in target.episode_ids or ("",):
        row = session.get(SearchState, (version_id, episode_id))
        if row is None:
            row = SearchState(version_id=version_id, episode_id=episode_id, media_item_id=target.item_id, misses=0)
            session.add(row)
        row.misses = 0 if hit else row.misses + 1
        row.last_searched_at, row.last_search_id = now, search_id
        row.next_due_at = now + min(_FIRST_WAIT * 2 ** min(row.misses, 8), _LONGEST_WAIT)


def due_searches(session: Session, now: datetime, *, limit: int) -> list[SearchTarget]:
    """Return up to `limit` wanted targets that are due for a search, those not searched for longest first."""
    never = datetime.min.replace(tzinfo=now.tzinfo)
    states = {(row.version_id, row.episode_id): row for row in session.scalars(select(SearchState))}
    found: list[tuple[datetime, SearchTarget]] = []
    for item_id, version_id in media.wanted.films_to_search(session):
        state = states.get((version_id, ""))
        if _is_due(state, now):
            found.append((state.last_searched_at or never if state else never, SearchTarget(item_id, version_id)))
    series: dict[tuple[str, str], datetime] = {}
    for item_id, version_id, episode_id in media.wanted.episodes_to_search(session, now):
        state = states.get((version_id, episode_id))
        if _is_due(state, now):
            last = state.last_searched_at or never if state else never
            series[item_id, version_id] = min(last, series.get((item_id, version_id), last))
    found += [(last, SearchTarget(item_id, version_id)) for (item_id, version_id), last in series.items()]
    found.sort(key=lambda entry: (entry[0], entry[1].item_id))
    return [target for _, target in found[:limit]]


def just_out(session: Session, now: datetime, *, limit: int) -> list[SearchTarget]:
    """Return up to `limit` targets that came out in the last day and were not searched since, the oldest first.

    They are searched an hour after they came out, because releases take a while to appear. Later the usual order applies.
    """
    found: list[tuple[datetime, SearchTarget]] = []
    for item_id, version_id, episode_id, at in media.wanted.just_out(session, now - _APPEARS, within=_NEW):
        state = session.get(SearchState, (version_id, episode_id))
        if state is None or state.last_searched_at is None or state.last_searched_at < at:
            episode_ids = (episode_id,) if episode_id else ()
            found.append((at, SearchTarget(item_id, version_id, episode_ids=episode_ids)))
    found.sort(key=lambda entry: (entry[0], entry[1].item_id, entry[1].episode_ids))
    return [target for _, target in found[:limit]]


def make_due(session: Session, now: datetime, item_id: str) -> None:
    """Let the next automatic run search a title again, however often it was searched without success."""
    session.execute(update(SearchState).where(SearchState.media_item_id == item_id).values(next_due_at=now, misses=0))


def due_of(
    session: Session, now: datetime, target: SearchTarget, planned: Sequence[SearchTarget]
) -> list[SearchTarget]:
    """Return the parts of a plan that are due; for automatic searches."""
    version = version_of(session, target)
    return [
        part
        for part in planned
        if any(_is_due(session.get(SearchState, (version.id, id)), now) for id in part.episode_ids or ("",))
    ]


def _is_due(state: SearchState | None, now: datetime) -> bool:
    return state is None or state.next_due_at is None or state.next_due_at <= now

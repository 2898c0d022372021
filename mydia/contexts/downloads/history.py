"""Searches with the verdict on every release, and downloads with their history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import and_, delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from mydia.contexts import library, media, settings
from mydia.contexts.downloads import gathering, wording
from mydia.contexts.downloads.decisions import Verdict
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    Download,
    DownloadEpisode,
    DownloadState,
    PendingRelease,
    Release,
    Search,
    SearchCause,
    SearchPhase,
    SearchState,
)
from mydia.contexts.users import Caller, Permission
from mydia.db import cursor_id, cursor_instant, decode_cursor, encode_cursor, get
from mydia.errors import NotFound
from mydia.events import Happened, Reason, feed, reason, say


class LastSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the latest search, which answers "why was nothing grabbed?"."""

    id: str
    media_item_id: str
    cause: SearchCause
    running: bool
    started_at: datetime
    finished_at: datetime | None
    found: int
    approved: int
    sentence: str


_SEARCH_COLUMNS = (
    Search.id,
    Search.media_item_id,
    Search.cause,
    Search.state,
    Search.started_at,
    Search.finished_at,
    Search.found,
    Search.approved,
    Search.summary,
)


def last_search(session: Session, caller: Caller, item_id: str) -> LastSearch | None:
    """Return the latest search for a title, or None if there was none."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(*_SEARCH_COLUMNS).where(Search.media_item_id == item_id, Search.cause != SearchCause.RSS)
    row = session.execute(query.order_by(Search.started_at.desc(), Search.id.desc()).limit(1)).first()
    return None if row is None else _last(row)


def last_results(session: Session, caller: Caller, version_ids: Sequence[str]) -> dict[str, LastSearch]:
    """Return version -> its latest search, for the list of wanted titles."""
    caller.require(Permission.VIEW_ACTIVITY)
    newest = (
        select(Search.version_id, func.max(Search.id).label("id"))
        .where(Search.version_id.in_(version_ids), Search.cause != SearchCause.RSS)
        .group_by(Search.version_id)
        .subquery()
    )
    rows = session.execute(select(*_SEARCH_COLUMNS, Search.version_id).join(newest, newest.c.id == Search.id))
    return {row.version_id: _last(row) for row in rows if row.version_id is not None}


def search_states(session: Session, caller: Caller, version_ids: Sequence[str]) -> dict[tuple[str, str], SearchState]:
    """Return (version, episode or "") -> when it was last searched and is due again."""
    caller.require(Permission.VIEW_ACTIVITY)
    rows = session.scalars(select(SearchState).where(SearchState.version_id.in_(version_ids)))
    return {(row.version_id, row.episode_id): row for row in rows}


def _last(row: Any) -> LastSearch:
    running = row.state is SearchPhase.RUNNING
    return LastSearch(
        id=row.id,
        media_item_id=row.media_item_id,
        cause=row.cause,
        running=running,
        started_at=row.started_at,
        finished_at=row.finished_at,
        found=row.found,
        approved=row.approved,
        sentence="Searching …" if running else wording.summary_sentence(row.found, row.approved, row.summary),
    )


class SearchView(msgspec.Struct, frozen=True):
    """A search with all releases it found, best first."""

    search: Search
    releases: tuple[Release, ...]
    earlier: dict[str, tuple[str, datetime]]
    """Release id -> (state, when) of an earlier download of the same release."""


def find_search(session: Session, caller: Caller, search_id: str) -> Search | None:
    """Return a search without its releases, or None."""
    caller.require(Permission.VIEW_ACTIVITY)
    return session.get(Search, search_id)


def get_search(session: Session, caller: Caller, search_id: str) -> SearchView:
    """Return a search with its results so far. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    search = get(session, Search, search_id, what="This search")
    releases = tuple(
        session.scalars(select(Release).where(Release.search_id == search_id).order_by(Release.position, Release.id))
    )
    before = session.execute(
        select(Download.info_hash, Download.release_title, Download.state, Download.state_since)
        .where(Download.media_item_id == search.media_item_id)
        .order_by(Download.added_at)
    ).all()
    by_hash = {row.info_hash: (row.state, row.state_since) for row in before if row.info_hash}
    by_title = {row.release_title: (row.state, row.state_since) for row in before}
    earlier = {
        release.id: known
        for release in releases
        if (known := by_hash.get(release.info_hash) or by_title.get(release.title)) is not None
    }
    return SearchView(search, releases, earlier)


def get_release(session: Session, caller: Caller, release_id: str) -> Release:
    """Return one release that a search found. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    return get(session, Release, release_id, what="This release")


def releases_of_items(
    session: Session, caller: Caller, item_ids: Collection[str], *, most: int
) -> dict[str, list[Release]]:
    """Return the releases of the last search for each of several titles, best first; a title without any is left out.

    Args:
        most: Releases of one title.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    age = func.row_number().over(
        partition_by=Search.media_item_id, order_by=(Search.started_at.desc(), Search.id.desc())
    )
    searches = select(Search.id, Search.media_item_id, age.label("age")).where(Search.media_item_id.in_(item_ids))
    last = searches.subquery()
    place = func.row_number().over(partition_by=Release.search_id, order_by=(Release.position, Release.id))
    numbered = (
        select(Release.id, last.c.media_item_id, place.label("place"))
        .join(last, last.c.id == Release.search_id)
        .where(last.c.age == 1)
        .subquery()
    )
    query = (
        select(numbered.c.media_item_id, Release)
        .join(numbered, numbered.c.id == Release.id)
        .where(numbered.c.place <= most)
        .order_by(Release.position, Release.id)
    )
    found: dict[str, list[Release]] = {}
    for item_id, row in session.execute(query):
        found.setdefault(item_id, []).append(row)
    return found


def list_searches(session: Session, caller: Caller, item_id: str, *, limit: int = 20) -> list[Search]:
    """Return the latest searches for a title, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(Search).where(Search.media_item_id == item_id)
    return list(session.scalars(query.order_by(Search.started_at.desc(), Search.id.desc()).limit(limit)))


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and the releases that it rejected."""

    rule: str
    word: str
    known_as: str
    """The name of the reason in Sonarr and Radarr."""
    permanent: bool
    releases: tuple[tuple[str, str], ...]
    """(name, why), the best first."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What a search saw, what won and by how much, and which rule rejected the rest."""

    search: Search
    sentence: str
    winner: Release | None
    """The best release that passes all rules, or was grabbed."""
    runner_up: Release | None
    gap: wording.Gap | None
    refused: tuple[Refused, ...]
    """By rule, those that rejected most first; a release with two objections is in both."""


def explain(session: Session, caller: Caller, item_id: str, *, search_id: str | None = None) -> Explained | None:
    """Return why a search of a title ended as it did, or None if there was none.

    Args:
        search_id: None for the latest one.

    Raises:
        NotFound: There is no such search of this title.
    """
    caller.require(Permission.VIEW_ACTIVITY)
    if search_id is None:
        last = last_search(session, caller, item_id)
        if last is None:
            return None
        search_id = last.id
    search = get(session, Search, search_id, what="This search")
    if search.media_item_id != item_id:
        raise NotFound("This search belongs to another title.")
    rows = session.scalars(
        select(Release).where(Release.search_id == search_id).order_by(Release.position, Release.id)
    ).all()
    passing = [row for row in rows if row.verdict in (Verdict.APPROVED, Verdict.GRABBED)]
    winner = next((row for row in passing if row.verdict is Verdict.GRABBED), next(iter(passing), None))
    other = next((row for row in passing if row is not winner), None)
    if winner is not None and other is not None and other.position < winner.position:
        # A person chose another one than the best.
        winner, other = other, winner
    return Explained(
        search=search,
        sentence=wording.search_sentence(search),
        winner=winner,
        runner_up=other,
        gap=wording.gap(winner, other) if winner is not None and other is not None else None,
        refused=_refused(rows),
    )


def obstacles(session: Session, caller: Caller, now: datetime, item_id: str) -> tuple[Reason, ...]:
    """Return what keeps a title from being searched and grabbed automatically, whatever indexers have. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    item = media.get_item(session, caller, item_id)
    delay_days = settings.of(session).downloads.availability_delay_days
    found = [] if item.monitored else [reason("not-monitored", title=item.title)]
    if not media.holdings.is_out(item, now.date() - timedelta(days=delay_days)):
        found.append(gathering.not_out(item, delay_days))
    return tuple(found)


def _refused(rows: Iterable[Release]) -> tuple[Refused, ...]:
    groups: dict[str, list[tuple[Release, dict[str, Any]]]] = {}
    for row in rows:
        for objection in row.objections:
            groups.setdefault(str(objection["reason"]), []).append((row, objection))
    found = [
        Refused(
            rule=rule,
            word=wording.reason_word(rule),
            known_as=wording.known_as(group[0][1]),
            permanent=bool(group[0][1]["permanent"]),
            releases=tuple((row.title, say(objection)) for row, objection in group),
        )
        for rule, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.releases), one.rule)))


def prune_releases(session: Session, now: datetime, *, days: int = 30, feed_days: int = 14) -> int:
    """Delete old searches, except the last one of each version and those whose releases wait. Returns their number.

    Args:
        feed_days: Days after which decisions on releases of feeds are deleted, also the last ones of a version.
    """
    newest = (
        select(func.max(Search.id))
        .where(Search.cause != SearchCause.RSS)
        .group_by(Search.version_id, Search.media_item_id)
    )
    waits = select(Release.search_id).join(PendingRelease, PendingRelease.release_id == Release.id)
    from_feed = and_(Search.cause == SearchCause.RSS, Search.started_at < now - timedelta(days=feed_days))
    asked = and_(
        Search.cause != SearchCause.RSS, Search.started_at < now - timedelta(days=days), Search.id.not_in(newest)
    )
    old = session.scalars(
        select(Search.id).where(or_(from_feed, asked), Search.id.not_in(waits.where(Release.search_id.is_not(None))))
    ).all()
    for some in _batches(old):
        session.execute(delete(Search).where(Search.id.in_(some)))
    session.execute(delete(Release).where(Release.search_id.is_(None), Release.seen_at < now - timedelta(days=days)))
    return len(old)


def finish_interrupted(session: Session, now: datetime, *, after: timedelta = timedelta(minutes=5)) -> int:
    """End searches that a crash interrupted, keeping their results. Returns their number."""
    rows = session.scalars(
        select(Search).where(
            Search.state == SearchPhase.RUNNING,
            Search.started_at < now - after,
            # The next RSS sync grabs what it approved, and ends it.
            Search.cause != SearchCause.RSS,
        )
    ).all()
    for row in rows:
        row.state, row.finished_at = SearchPhase.DONE, now
        row.indexers = [
            {**entry, "state": "failed", "error": "Mydia was interrupted"} if entry["state"] == "searching" else entry
            for entry in row.indexers
        ]
        row.summary = {}
    return len(rows)


def list_history(
    session: Session,
    caller: Caller,
    *,
    item_id: str | None = None,
    states: Iterable[str] = (),
    indexer_id: str | None = None,
    client_id: str | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Download], str | None]:
    """Return downloads, newest first, and the next page's cursor."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = select(Download).order_by(Download.added_at.desc(), Download.id.desc()).limit(limit + 1)
    if item_id is not None:
        query = query.where(Download.media_item_id == item_id)
    if wanted := list(states):
        query = query.where(Download.state.in_(wanted))
    if indexer_id is not None:
        query = query.where(Download.indexer_id == indexer_id)
    if client_id is not None:
        query = query.where(Download.client_id == client_id)
    if text.strip():
        words = f"%{text.strip()}%"
        query = query.where(or_(Download.release_title.ilike(words), Download.media_title.ilike(words)))
    if after := decode_cursor(cursor, 2):
        moment = cursor_instant(after[0])
        query = query.where(tuple_(Download.added_at, Download.id) < (moment, cursor_id(after[1])))
    rows = list(session.scalars(query))
    more = len(rows) > limit
    return rows[:limit], encode_cursor(rows[limit - 1].added_at.isoformat(), rows[limit - 1].id) if more else None


def downloads_of_items(session: Session, caller: Caller, item_ids: Collection[str]) -> dict[str, list[Download]]:
    """Return the unfinished downloads of several titles, newest first, by title; one without any is left out."""
    caller.require(Permission.VIEW_ACTIVITY)
    query = (
        select(Download)
        .where(Download.media_item_id.in_(item_ids), Download.state.in_(OPEN_STATES))
        .order_by(Download.added_at.desc(), Download.id.desc())
    )
    found: dict[str, list[Download]] = {}
    for row in session.scalars(query):
        found.setdefault(row.media_item_id or "", []).append(row)
    return found


def downloads_of_episode(session: Session, caller: Caller, episode_id: str, *, limit: int = 20) -> list[Download]:
    """Return the downloads that hold an episode, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    holding = select(DownloadEpisode.download_id).where(DownloadEpisode.episode_id == episode_id)
    query = select(Download).where(Download.id.in_(holding)).order_by(Download.added_at.desc(), Download.id.desc())
    return list(session.scalars(query.limit(limit)))


def get_download(session: Session, caller: Caller, download_id: str) -> Download:
    """Return one download. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    return get(session, Download, download_id, what="This download")


class Story(msgspec.Struct, frozen=True):
    """A download with its events and files."""

    download: Download
    events: tuple[Happened, ...]
    """Oldest first."""
    files: tuple[str, ...]
    """Imported files, as paths relative to the library folder."""


def story_of(session: Session, caller: Caller, download_id: str) -> Story:
    """Return a download with its events and files. Raises: NotFound."""
    caller.require(Permission.VIEW_ACTIVITY)
    row = get(session, Download, download_id, what="This download")
    events = feed(session, resource=("download", download_id), limit=200)
    if row.media_item_id is not None:
        about = feed(session, resource=("media_item", row.media_item_id), limit=500)
        events += [happened for happened in about if happened.payload.get("download_id") == download_id]
    files = session.scalars(
        select(library.MediaFile.relative_path).where(library.MediaFile.download_id == download_id)
    ).all()
    return Story(row, tuple(sorted(events, key=lambda happened: happened.id)), tuple(sorted(files)))


def counts_by_state(session: Session) -> dict[str, int]:
    """Return state -> number of downloads, for metrics."""
    rows = session.execute(select(Download.state, func.count()).group_by(Download.state))
    known = {str(state): 0 for state in DownloadState}
    return known | {row[0]: row[1] for row in rows}


def _batches(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))

"""Gathers everything that decisions about a target depend on, in one read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mydia import units
from mydia.adapters import download_clients
from mydia.adapters.errors import AdapterError
from mydia.adapters.outside import Outside
from mydia.contexts import library, media, settings
from mydia.contexts.downloads.decisions import Blocked, Facts, Imported, IndexerRules, Pending, Queued, Recent
from mydia.contexts.downloads.held import held_files, of_version
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    BlocklistEntry,
    Download,
    DownloadEpisode,
    DownloadState,
    PendingReason,
    PendingRelease,
    Release,
)
from mydia.contexts.downloads.targets import SearchTarget, version_of
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.events import Reason, reason
from mydia.parsing import Quality, normalise_title
from mydia.vocabulary import MediaType

# A film without a home release counts as released this long after its cinema date; as in `media.status`.
_CINEMA_TO_HOME = timedelta(days=90)
# Source: arr-stack §1.2, row 33.
_RECENT = timedelta(hours=12)


class Gathered(msgspec.Struct, frozen=True):
    """Facts, and what else the search needs from the item."""

    facts: Facts
    version_id: str
    library_folder: Path | None
    original_title: str | None


def free_bytes(database: Database, outside: Outside, target: SearchTarget) -> int | None:
    """Return the free space of the folder a target would be imported to; None if it can't be read."""
    with database.reads() as session:
        folder = library_folder(session, target)
    if folder is None:
        return None
    try:
        return outside.files.space(folder).free_bytes
    except AdapterError:
        return None


def library_folder(session: Session, target: SearchTarget) -> Path | None:
    """Return the library folder a target belongs to."""
    version = version_of(session, target)
    item = media.get_item(session, SYSTEM, target.item_id)
    path_id = version.library_path_id or item.library_path_id
    return None if path_id is None else Path(settings.library_paths.get_library_path(session, SYSTEM, path_id).path)


class Common:
    """What many targets have in common, read once; and which of them have rows in a table at all.

    Args:
        item_ids: The titles of the targets. None: unknown, so that any may have rows.
    """

    def __init__(self, session: Session, item_ids: Collection[str] | None = None) -> None:
        self._session = session
        self._item_ids = item_ids
        self._kept: dict[object, Any] = {}

    def once[T](self, key: object, read: Callable[[], T]) -> T:
        """Return what `read` returned when it was called with this key first."""
        if key not in self._kept:
            self._kept[key] = read()
        found: T = self._kept[key]
        return found

    def may_have(self, column: InstrumentedAttribute[Any], item_id: str) -> bool:
        """Return whether a title may have rows in a table.

        Args:
            column: The table's column with the title's id.
        """
        if self._item_ids is None:
            return True
        wanted = select(column).where(column.in_(self._item_ids)).distinct()
        return item_id in self.once(column, lambda: frozenset(self._session.scalars(wanted)))


def gather(
    session: Session,
    now: datetime,
    target: SearchTarget,
    *,
    interactive: bool,
    free_bytes: int | None = None,
    user_invoked: bool = False,
    from_feed: bool = False,
    common: Common | None = None,
) -> Gathered:
    """Return the facts about a target.

    Args:
        common: Shared by several targets of one read.
        user_invoked: A user started the search, so nothing is delayed.
        from_feed: The releases come from a feed or were pushed; nobody searched for the title.

    Raises:
        NotFound: The item was removed.
    """
    item = media.get_item(session, SYSTEM, target.item_id)
    version = version_of(session, target)
    titles = media.titles_of(session, SYSTEM, item.id)
    namesakes = [
        f"{other.title} ({other.year})"
        for other in media.find_by_title(session, item.type, item.title)
        if other.id != item.id
    ]
    common = common or Common(session)
    once, has_downloads = common.once, common.may_have(Download.media_item_id, item.id)
    own = once("settings", lambda: settings.of(session).downloads)
    tags = media.tags.tag_ids_of(session, item.id)
    indexers = once("indexers", lambda: _indexers(session))
    delays = once("delays", lambda: settings.rules.delays.list_delays(session, SYSTEM))
    out_on = now.date() - timedelta(days=own.availability_delay_days)
    facts = Facts(
        now=now,
        item_id=item.id,
        type=item.type,
        title=item.title,
        year=item.year,
        titles=frozenset({row.normalised for row in titles} | {normalise_title(item.title)}),
        season_titles={row.normalised: row.season_number for row in titles if row.season_number is not None},
        profile=once(
            ("profile", version.profile_id),
            lambda: settings.profiles.get_profile(session, SYSTEM, version.profile_id),
        ),
        limits=once(("limits", item.type), lambda: settings.qualities.size_limits(session, SYSTEM, item.type)),
        interactive=interactive,
        user_invoked=user_invoked or interactive,
        from_feed=from_feed,
        tags=tags,
        delay=settings.rules.delays.delay_for(delays, tags),
        words=once("words", lambda: settings.rules.words.current(session)),
        propers=settings.upgrades.Propers(own.propers),
        indexers=indexers,
        recent=_recent(session, now, item.id, version.id) if from_feed and has_downloads else (),
        pending=_pending(session, item.id, version.id)
        if common.may_have(PendingRelease.media_item_id, item.id)
        else (),
        allow_hardcoded_subs=own.allow_hardcoded_subs,
        multi_season_packs=own.multi_season_packs,
        prefer_flags=own.prefer_indexer_flags,
        maximum_size_bytes=own.maximum_size_mb * units.MIB or None,
        usenet_minimum_age_min=own.usenet_minimum_age_minutes,
        usenet_retention_days=own.usenet_retention_days,
        tmdb_id=item.tmdb_id,
        tvdb_id=item.tvdb_id,
        imdb_id=item.imdb_id,
        namesakes=tuple(namesakes),
        series_type=item.series_type,
        monitored=item.monitored and version.monitored,
        runtime_min=item.runtime_min,
        not_out=None if media.holdings.is_out(item, out_on) else not_out(item, own.availability_delay_days),
        episodes=tuple(media.episodes.episodes_of(session, SYSTEM, item.id)) if item.type == MediaType.TV_SHOW else (),
        season_number=target.season_number,
        episode_ids=frozenset(target.episode_ids),
        held=held_files(session, item.id, version.id)
        if common.may_have(library.MediaFile.media_item_id, item.id)
        else (),
        queued=_queued(session, item.id, version.id) if has_downloads else (),
        blocked=_blocked(session, item.id) if common.may_have(BlocklistEntry.media_item_id, item.id) else (),
        imported=_imported(session, item.id, version.id) if has_downloads else (),
        protocols=once("protocols", lambda: _protocols(session)),
        minimum_seeders=own.minimum_seeders,
        indexer_seeders=once("seeders", lambda: _indexer_seeders(session)),
        formats=settings.formats.current(session),
        original_language=item.original_language,
        free_bytes=free_bytes,
        minimum_free_bytes=own.minimum_free_mb * units.MIB,
    )
    path_id = version.library_path_id or item.library_path_id
    folder = (
        None
        if path_id is None
        else once(
            ("folder", path_id),
            lambda: Path(settings.library_paths.get_library_path(session, SYSTEM, path_id).path),
        )
    )
    return Gathered(facts, version.id, folder, item.original_title)


def not_out(item: media.MediaItem, delay_days: int = 0) -> Reason:
    """Return when a film will be out, as far as known.

    Args:
        delay_days: Days after the release date from which on it counts as out.
    """
    wait = timedelta(days=delay_days)
    home = [day for day in (item.digital_on, item.physical_on) if day is not None]
    if item.minimum_availability == "in_cinemas" and item.cinema_on is not None:
        return reason("availability.cinema", on=(item.cinema_on + wait).isoformat())
    if home:
        return reason("availability.home", on=(min(home) + wait).isoformat())
    if item.cinema_on is not None:
        return reason("availability.expected", on=(item.cinema_on + _CINEMA_TO_HOME + wait).isoformat())
    return reason("availability.unknown")


def open_downloads(session: Session, item_id: str) -> list[Download]:
    """Return the item's open downloads."""
    return list(
        session.scalars(select(Download).where(Download.media_item_id == item_id, Download.state.in_(OPEN_STATES)))
    )


def episode_ids_of(session: Session, download_id: str) -> frozenset[str]:
    """Return the episodes that a download was grabbed for."""
    return frozenset(
        session.scalars(select(DownloadEpisode.episode_id).where(DownloadEpisode.download_id == download_id))
    )


def _queued(session: Session, item_id: str, version_id: str) -> tuple[Queued, ...]:
    return tuple(
        Queued(
            title=row.release_title,
            quality=Quality.from_json(row.quality),
            episode_ids=episode_ids_of(session, row.id),
            info_hash=row.info_hash,
            format_score=row.format_score,
        )
        for row in session.scalars(
            select(Download).where(of_version(session, item_id, version_id), Download.state.in_(OPEN_STATES))
        )
    )


def _blocked(session: Session, item_id: str) -> tuple[Blocked, ...]:
    rows = session.scalars(select(BlocklistEntry).where(BlocklistEntry.media_item_id == item_id))
    return tuple(
        Blocked(
            normalised=row.normalised,
            info_hash=row.info_hash,
            indexer_id=row.indexer_id,
            protocol=row.protocol,
            because=row.reason or row.because,
            added_at=row.added_at,
            published_at=row.published_at,
            size_bytes=row.size_bytes,
        )
        for row in rows
    )


def _imported(session: Session, item_id: str, version_id: str) -> tuple[Imported, ...]:
    rows = session.scalars(
        select(Download).where(
            of_version(session, item_id, version_id),
            Download.state == DownloadState.IMPORTED,
        )
    )
    return tuple(Imported(row.release_title, row.info_hash, row.imported_at or row.added_at) for row in rows)


def _protocols(session: Session) -> frozenset[str]:
    kinds = download_clients.KINDS
    return frozenset(
        kinds[row.kind].protocol
        for row in settings.clients.list_clients(session, SYSTEM)
        if row.enabled and row.kind in kinds
    )


def _indexer_seeders(session: Session) -> dict[str, int]:
    return {
        row.id: int(wanted)
        for row in settings.indexers.list_indexers(session, SYSTEM)
        if (wanted := row.options.get("minimum_seeders")) is not None
    }


def _recent(session: Session, now: datetime, item_id: str, version_id: str) -> tuple[Recent, ...]:
    """Return what was grabbed in the last hours and is neither running nor imported: a person removed it, or it failed."""
    rows = session.scalars(
        select(Download).where(
            of_version(session, item_id, version_id),
            Download.state.in_((DownloadState.REMOVED, DownloadState.FAILED)),
            Download.added_at > now - _RECENT,
        )
    )
    return tuple(
        Recent(
            title=row.release_title,
            quality=Quality.from_json(row.quality),
            episode_ids=episode_ids_of(session, row.id),
            grabbed_at=row.added_at,
            format_score=row.format_score,
        )
        for row in rows
    )


def _pending(session: Session, item_id: str, version_id: str) -> tuple[Pending, ...]:
    rows = session.execute(
        select(PendingRelease, Release)
        .join(Release, Release.id == PendingRelease.release_id)
        .where(
            PendingRelease.media_item_id == item_id,
            PendingRelease.version_id == version_id,
            PendingRelease.reason == PendingReason.DELAY,
        )
        .order_by(PendingRelease.until_at)
    )
    return tuple(
        Pending(
            release_id=release.id,
            title=release.title,
            episode_ids=frozenset(map(str, release.episode_ids)),
            published_at=release.published_at or waits.since_at,
            until_at=waits.until_at or waits.since_at,
            protocol=release.protocol,
        )
        for waits, release in rows
    )


def _indexers(session: Session) -> dict[str, IndexerRules]:
    disabled = {
        status.service_id: status.disabled_until
        for status in session.scalars(
            select(settings.ServiceStatus).where(
                settings.ServiceStatus.family == "indexer", settings.ServiceStatus.disabled_until.is_not(None)
            )
        )
    }
    ids = {name.casefold(): id for id, name in settings.tags.names_by_id(session).items()}
    return {
        row.id: IndexerRules(
            name=row.name,
            # A name that is no tag of any title is kept, so that the indexer is used for none.
            tags={ids.get(name.casefold(), name): name for name in map(str, row.options.get("tags") or ())},
            required_flags=frozenset(map(str, row.options.get("required_flags") or ())),
            season_pack_after_days=int(row.options.get("season_pack_after_days") or 0),
            disabled_until=disabled.get(row.id),
        )
        for row in settings.indexers.list_indexers(session, SYSTEM)
    }

"""Releases that other programs announce, such as autobrr. They are judged like those of a feed."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.adapters.outside import Outside
from mydia.adapters.torrents import magnet_hashes
from mydia.contexts import settings
from mydia.contexts.downloads.decisions import Verdict
from mydia.contexts.downloads.feeds import judging, syncing
from mydia.contexts.downloads.feeds.matching import Listed, Match, match
from mydia.contexts.downloads.models import Download, Release
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid
from mydia.events import Reason, reason


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A release as another program announces it."""

    title: str
    protocol: Protocols
    download_url: str | None = None
    """URL of the .torrent or .nzb file. It may be on the host of a configured indexer, or must be public."""
    magnet: str | None = None
    indexer: str = ""
    """Its name. A configured indexer of this name adds its priority and seeding goals."""
    published_at: datetime | None = None
    """None is now."""
    size_bytes: int | None = None
    info_hash: str | None = None
    page_url: str | None = None
    flags: tuple[str, ...] = ()
    seeders: int | None = None
    tmdb_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an announced release for one version of a title."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    media_item_id: str | None = None
    version_id: str | None = None
    search_id: str | None = None
    download_id: str | None = None


def push(database: Database, outside: Outside, caller: Caller, now: datetime, announced: Announced) -> list[Reply]:
    """Judge an announced release, grab it if it is wanted, and return the result for each version that may want it.

    Raises:
        Invalid: It has no name, or no link that can be downloaded.

    Emits: ReleaseGrabbed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    release = _release(announced, now)
    with database.reads() as session:
        choice = _indexer_of(session, announced)
        listed = Listed(
            release=release,
            indexer_id=choice.row.id if choice else None,
            indexer_name=choice.row.name if choice else announced.indexer or "an announcement",
            indexer_priority=choice.row.priority if choice else settings.indexers.DEFAULT_PRIORITY,
        )
        matches = match(session, [listed])
    if not matches:
        return [Reply(verdict=Verdict.REFUSED, reasons=(reason("not-wanted"),))]
    return [_push_for(database, outside, caller, now, one) for one in matches]


def _push_for(database: Database, outside: Outside, caller: Caller, now: datetime, one: Match) -> Reply:
    judged = judging.judge(database, outside, now, [one])
    if not judged:
        return Reply(verdict=Verdict.REFUSED, reasons=(reason("not-wanted"),))
    with database.writes() as session:
        search_id = judging.store(session, now, judged[0], requested_by=caller.id)
    taken = syncing.grab_stored(database, outside, caller, now, search_id)
    with database.reads() as session:
        row = session.scalars(select(Release).where(Release.search_id == search_id)).one()
        coming = session.scalars(select(Download.id).where(Download.id.in_(taken))).first()
    reasons = tuple(objection.reason for objection in judged[0].decisions[0].objections)
    if coming is None and row.verdict is Verdict.APPROVED:
        reasons = (reason("not-grabbed"),)
    return Reply(
        verdict=row.verdict,
        reasons=reasons,
        media_item_id=one.item_id,
        version_id=one.version_id,
        search_id=search_id,
        download_id=coming,
    )


def _release(announced: Announced, now: datetime) -> IndexerRelease:
    title = " ".join(announced.title.split())
    if not title:
        raise Invalid("The release needs a name.", fields={"title": "Enter the name of the release."})
    magnet, url, info_hash = announced.magnet, announced.download_url, announced.info_hash
    if url is not None and url.lower().startswith("magnet:"):
        magnet, url = magnet or url, None
    if url is not None and not _is_web(url):
        raise Invalid(
            "The download link must be http or https.", fields={"downloadUrl": "Enter an http or https link."}
        )
    if magnet is not None:
        info_hash = magnet_hashes(magnet)[0]
    if url is None and magnet is None:
        raise Invalid("The release needs a download link.", fields={"downloadUrl": "Enter a download or magnet link."})
    return IndexerRelease(
        guid=info_hash or url or title,
        title=title,
        protocol=announced.protocol,
        download_url=url,
        magnet=magnet,
        info_hash=info_hash.lower() if info_hash else None,
        page_url=announced.page_url,
        size_bytes=announced.size_bytes or None,
        published_at=announced.published_at or now,
        seeders=announced.seeders,
        flags=announced.flags,
        tmdb_id=announced.tmdb_id,
        tvdb_id=announced.tvdb_id,
        imdb_id=announced.imdb_id,
    )


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _indexer_of(session: Session, announced: Announced) -> settings.indexers.IndexerChoice | None:
    """Return the configured indexer that is meant: by name, or by the host and port of the link."""
    choices = settings.indexers.indexer_connections(session, usage="any")
    name = announced.indexer.strip().casefold()
    if (named := next((one for one in choices if one.row.name.casefold() == name), None)) is not None:
        return named
    place = urlsplit(announced.download_url or "").netloc
    return next((one for one in choices if place and urlsplit(one.connection.url).netloc == place), None)

"""`/api/v1/feeds` and `/api/v1/releases/push`: how far RSS sync read, and releases that other programs announce."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from msgspec import Meta

from mydia import clock
from mydia.adapters.indexers import Protocols
from mydia.contexts import downloads
from mydia.events import say
from mydia.web import patterns
from mydia.web.api.schemas import Struct, contradictions
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep

type Link = Annotated[str, Meta(max_length=20_000, pattern=patterns.LINK)]


class FeedShape(Struct):
    """The feed of an indexer: its newest releases, which RSS sync reads."""

    indexer_id: str
    name: str
    on: bool
    """Whether it is read: the indexer is enabled, its RSS switch and RSS sync are on."""
    read_at: datetime | None
    published_at: datetime | None
    """The newest date of a release."""
    listed: int
    """New releases of the last read."""
    matched: int
    """Those of them that belong to a wanted title."""
    gap_from: datetime | None
    """Releases between these two instants appeared and were gone before the feed was read."""
    gap_to: datetime | None
    gap_reason: str | None
    """feed_short | limit | failed"""
    gap_found_at: datetime | None


@get("/feeds", sync_to_thread=True, summary="List the indexers' feeds")
def list_feeds(database: DatabaseDep, caller: CallerDep) -> list[FeedShape]:
    """Return how far the feed of each indexer was read, and the last gap."""
    with database.reads() as session:
        found = downloads.feeds.list_feeds(session, caller)
    return [FeedShape(**{**msgspec.structs.asdict(feed), "gap_reason": feed.gap_reason}) for feed in found]


class PushedRelease(Struct, rename="camel"):
    """A release that another program announces, in the shape that autobrr sends to Sonarr and Radarr."""

    title: Annotated[str, Meta(min_length=1, max_length=500, pattern=patterns.NOT_BLANK)]
    download_url: Link | None = None
    """The .torrent or .nzb file. It must be public, or on the host of a configured indexer."""
    magnet_url: Link | None = None
    indexer: Annotated[str, Meta(max_length=200)] = ""
    """The name of the indexer. A configured one adds its priority and seeding goals."""
    protocol: Literal["torrent", "usenet"] | None = None
    download_protocol: Literal["torrent", "usenet"] | None = None
    """The name of `protocol` in older versions."""
    publish_date: Annotated[datetime, Meta(tz=True)] | None = None
    """By default now."""
    size: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """In bytes; 0 if unknown."""
    info_hash: Annotated[str, Meta(pattern=r"^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})?$")] | None = None
    info_url: Link | None = None
    """The page of the release."""
    indexer_flags: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=20)] = []
    """`freeleech`, `internal`, …"""
    seeders: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    tmdb_id: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    tvdb_id: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None


class PushResult(Struct, rename="camel"):
    """What became of an announced release for one version of a title."""

    title: str
    approved: bool
    """Whether it was grabbed, or waits for a client that does not answer."""
    rejected: bool
    temporarily_rejected: bool
    """Whether it waits, for example for a delay."""
    rejections: list[str]
    media_id: str | None
    version_id: str | None
    search_id: str | None
    """The stored decision; see `/api/v1/searches/{id}`."""
    download_id: str | None


@post("/releases/push", sync_to_thread=True, status_code=200, summary="Announce a release")
def push_release(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[PushedRelease]
) -> list[PushResult]:
    """Judge a release like those of RSS sync, and grab it if it is wanted. One result for each version that may want it."""
    announced = downloads.feeds.Announced(
        title=data.title,
        protocol=Protocols(data.protocol or data.download_protocol or "torrent"),
        download_url=data.download_url,
        magnet=data.magnet_url,
        indexer=data.indexer,
        published_at=data.publish_date,
        size_bytes=data.size or None,
        info_hash=data.info_hash or None,
        page_url=data.info_url,
        flags=tuple(flag.lower() for flag in data.indexer_flags),
        seeders=data.seeders,
        tmdb_id=data.tmdb_id,
        tvdb_id=data.tvdb_id,
        imdb_id=data.imdb_id,
    )
    with contradictions():
        replies = downloads.feeds.push(database, outside, caller, clock.now(), announced)
    return [_result(data.title, reply) for reply in replies]


def _result(title: str, reply: downloads.feeds.Reply) -> PushResult:
    return PushResult(
        title=title,
        approved=reply.verdict in ("approved", "grabbed"),
        rejected=reply.verdict == "refused",
        temporarily_rejected=reply.verdict == "waiting",
        rejections=[say(reason) for reason in reply.reasons],
        media_id=reply.media_item_id,
        version_id=reply.version_id,
        search_id=reply.search_id,
        download_id=reply.download_id,
    )


ROUTES: tuple[Any, ...] = (list_feeds, push_release)

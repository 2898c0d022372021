"""Tables of searches, releases with verdicts, and downloads with their history."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.adapters.download_clients import RemoteState
from mydia.adapters.indexers import Protocols
from mydia.contexts.downloads.decisions import Verdict
from mydia.db import NOT_IN_SNAPSHOTS, Base, EnumText, HasId, Instant, one_of


class DownloadState(StrEnum):
    """State of a download. It only moves forward; the table is in `states.py`."""

    GRABBING = "grabbing"
    """Stored, but not yet confirmed by the client. After a crash the client is asked."""
    QUEUED = "queued"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    COMPLETED = "completed"
    IMPORTING = "importing"
    BLOCKED = "blocked"
    """Complete, but the import needs a user."""
    IMPORTED = "imported"
    FAILED = "failed"
    REMOVED = "removed"
    IGNORED = "ignored"


OPEN_STATES = (
    DownloadState.GRABBING,
    DownloadState.QUEUED,
    DownloadState.DOWNLOADING,
    DownloadState.STALLED,
    DownloadState.PAUSED,
    DownloadState.COMPLETED,
    DownloadState.IMPORTING,
    DownloadState.BLOCKED,
)


class SearchCause(StrEnum):
    """Why something was searched or grabbed."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    RSS = "rss"
    UPGRADE = "upgrade"
    BACKLOG = "backlog"
    ADDED = "added"
    """The title was added with the wish to search it at once."""


class SearchPhase(StrEnum):
    """Whether a search is still going on."""

    RUNNING = "running"
    DONE = "done"


class PendingReason(StrEnum):
    """What an approved release waits for."""

    DELAY = "delay"
    CLIENT_UNAVAILABLE = "client_unavailable"
    FALLBACK = "fallback"


class Search(HasId, Base):
    """One search. The last one of each version is kept with its releases."""

    __tablename__ = "searches"
    __table_args__ = (
        one_of("cause", SearchCause),
        one_of("state", SearchPhase),
        Index("ix_searches_item", "media_item_id", "started_at"),
        {"info": NOT_IN_SNAPSHOTS},
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"))
    version_id: Mapped[str | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"), index=True)
    season_number: Mapped[int | None]
    episode_ids: Mapped[list[Any]] = mapped_column(default=list)
    cause: Mapped[SearchCause] = mapped_column(EnumText(SearchCause))
    state: Mapped[SearchPhase] = mapped_column(EnumText(SearchPhase), default=SearchPhase.RUNNING)
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    found: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)
    indexers: Mapped[list[Any]] = mapped_column(default=list)
    """[{"id", "name", "state": "searching" | "ok" | "failed" | "skipped" | "retry", "found", "ms", "error", "code", "until"}]."""
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{"rejected": {spec -> number of releases it rejected}, "asked": indexers, "failures": indexers}."""


class Release(HasId, Base):
    """A release that a search found, with its verdict and every reason."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("search_id", "indexer_id", "guid"),
        one_of("verdict", Verdict),
        one_of("protocol", Protocols),
        Index("ix_releases_seen", "seen_at"),
        {"info": NOT_IN_SNAPSHOTS},
    )

    search_id: Mapped[str | None] = mapped_column(ForeignKey("searches.id", ondelete="CASCADE"))
    indexer_id: Mapped[str | None] = mapped_column(ForeignKey("indexers.id", ondelete="SET NULL"), index=True)
    indexer_name: Mapped[str]
    guid: Mapped[str]
    title: Mapped[str]
    parsed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    protocol: Mapped[Protocols] = mapped_column(EnumText(Protocols))
    sealed_link: Mapped[str | None]
    """Download URL or magnet link, encrypted because it may contain the indexer's key."""
    info_hash: Mapped[str | None]
    page_url: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    seeders: Mapped[int | None]
    peers: Mapped[int | None]
    minimum_ratio: Mapped[float | None] = mapped_column(Float)
    """Ratio that the indexer requires. The torrent stays in its client until it is reached."""
    minimum_seed_time_min: Mapped[int | None]
    """Seeding time that the indexer requires."""
    flags: Mapped[list[Any]] = mapped_column(default=list)
    quality: Mapped[dict[str, Any]] = mapped_column(default=dict)
    quality_name: Mapped[str]
    format_score: Mapped[int] = mapped_column(default=0)
    formats: Mapped[list[Any]] = mapped_column(default=list)
    """The custom formats that match: [{"id", "name", "score"}], the highest score first."""
    objections: Mapped[list[Any]] = mapped_column(default=list)
    """[{"reason": name of the spec, "permanent", "code", "facts"}]; see `events.reasons`."""
    preference: Mapped[list[Any]] = mapped_column(default=list)
    """[{"name", "value"}] in the order in which they are compared."""
    position: Mapped[int] = mapped_column(default=0)
    """Position in the search; 0 is the best."""
    verdict: Mapped[Verdict] = mapped_column(EnumText(Verdict))
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[str | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"), index=True)
    episode_ids: Mapped[list[Any]] = mapped_column(default=list)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class Download(HasId, Base):
    """A release that was sent to a client. Rows are kept as history."""

    __tablename__ = "downloads"
    __table_args__ = (
        Index("ix_downloads_client", "client_id", "client_ref"),
        one_of("state", DownloadState),
        one_of("cause", SearchCause),
        one_of("protocol", Protocols),
        Index("ix_downloads_open", "state", "added_at"),
        Index("ix_downloads_added", "added_at", "id"),
        Index("ix_downloads_item", "media_item_id", "added_at"),
    )

    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"))
    version_id: Mapped[str | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"), index=True)
    media_title: Mapped[str]
    """The title it is for, kept after the item is removed."""
    client_id: Mapped[str | None] = mapped_column(ForeignKey("download_clients.id", ondelete="SET NULL"))
    client_name: Mapped[str]
    client_ref: Mapped[str | None]
    """The client's id for it. Two downloads share an id if a torrent contains two titles."""
    owned: Mapped[bool] = mapped_column(default=True)
    """Whether Mydia added it to the client. Other downloads are never removed there, and their files are never deleted."""
    indexer_id: Mapped[str | None] = mapped_column(ForeignKey("indexers.id", ondelete="SET NULL"), index=True)
    indexer_name: Mapped[str | None]
    release_title: Mapped[str]
    release_guid: Mapped[str | None]
    sealed_link: Mapped[str | None]
    protocol: Mapped[Protocols] = mapped_column(EnumText(Protocols))
    info_hash: Mapped[str | None] = mapped_column(index=True)
    parsed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The parsed release name, as in `Release.parsed`."""
    quality: Mapped[dict[str, Any]] = mapped_column(default=dict)
    quality_name: Mapped[str]
    format_score: Mapped[int] = mapped_column(default=0)
    formats: Mapped[list[Any]] = mapped_column(default=list)
    """The custom formats of the release when it was grabbed, as in `Release.formats`."""
    flags: Mapped[list[Any]] = mapped_column(default=list)
    """Flags of the indexer, as in `Release.flags`."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    category: Mapped[str | None]
    cause: Mapped[SearchCause] = mapped_column(EnumText(SearchCause))
    requested_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """Why it was grabbed, and later why it is blocked or failed: [{"at", "kind", "code", "facts"}] with the kinds `grab`,
    `block`, `fail` and `note`; see `events.reasons`."""
    state: Mapped[DownloadState] = mapped_column(EnumText(DownloadState))
    state_since: Mapped[datetime] = mapped_column(Instant)
    progress: Mapped[float] = mapped_column(Float, default=0)
    speed_bytes_per_s: Mapped[int | None] = mapped_column(BigInteger)
    eta_s: Mapped[int | None]
    seeders: Mapped[int | None]
    peers: Mapped[int | None]
    ratio: Mapped[float | None] = mapped_column(Float)
    remote_message: Mapped[str | None]
    """The client's message."""
    trouble: Mapped[dict[str, Any] | None]
    """Why it makes no progress at the moment."""
    strikes: Mapped[int] = mapped_column(default=0)
    """Consecutive checks in which the client answered without listing it."""
    idle_s: Mapped[int] = mapped_column(default=0)
    """Observed seconds without progress while the client was trying to download it."""
    seed_ratio_goal: Mapped[float | None] = mapped_column(Float)
    seed_time_goal_min: Mapped[int | None]
    remove_after_seeding: Mapped[bool] = mapped_column(default=False)
    output_path: Mapped[str | None]
    """Path as the client sees it."""
    block_code: Mapped[str | None]
    """Code of the reason that blocks its import."""
    import_attempts: Mapped[int] = mapped_column(default=0)
    import_owner: Mapped[str | None]
    """The process that imports it, as `adapters.processes` names it; None while no import runs."""
    interrupted_at: Mapped[datetime | None] = mapped_column(Instant)
    """When Mydia found out that its import had been interrupted; None while an import runs or none is needed."""
    added_at: Mapped[datetime] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    imported_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the client last listed it."""
    moved_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it last made progress."""
    left_client_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was removed from its client."""


class UnknownDownload(HasId, Base):
    """A download in a client that Mydia did not start: offered for adoption."""

    __tablename__ = "unknown_downloads"
    __table_args__ = (UniqueConstraint("client_id", "client_ref"),)

    client_id: Mapped[str] = mapped_column(ForeignKey("download_clients.id", ondelete="CASCADE"))
    client_ref: Mapped[str]
    name: Mapped[str]
    protocol: Mapped[Protocols] = mapped_column(EnumText(Protocols))
    state: Mapped[RemoteState] = mapped_column(EnumText(RemoteState))
    progress: Mapped[float] = mapped_column(Float, default=0)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    output_path: Mapped[str | None]
    ignored: Mapped[bool] = mapped_column(default=False)
    wanted_for: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)
    """The title for which Mydia wanted to grab the same release. Set for downloads outside of Mydia's categories."""
    first_seen_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class DownloadEpisode(Base):
    """An episode that a download was grabbed for."""

    __tablename__ = "download_episodes"

    download_id: Mapped[str] = mapped_column(ForeignKey("downloads.id", ondelete="CASCADE"), primary_key=True)
    episode_id: Mapped[str] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"), primary_key=True, index=True)


class PendingRelease(HasId, Base):
    """An approved release that waits for its delay, for a client, or as second choice."""

    __tablename__ = "pending_releases"
    __table_args__ = (one_of("reason", PendingReason), {"info": NOT_IN_SNAPSHOTS})

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"), unique=True, index=True)
    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[str | None] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), index=True)
    reason: Mapped[PendingReason] = mapped_column(EnumText(PendingReason))
    message: Mapped[str]
    """The error of a client; empty if `because` is set."""
    because: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What it waits for, as code and facts; see `events.reasons`."""
    since_at: Mapped[datetime] = mapped_column(Instant)
    until_at: Mapped[datetime | None] = mapped_column(Instant)


class BlocklistEntry(HasId, Base):
    """A release that is not grabbed again."""

    __tablename__ = "blocklist"
    __table_args__ = (Index("ix_blocklist_added", "added_at", "id"),)

    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    media_title: Mapped[str]
    title: Mapped[str]
    normalised: Mapped[str] = mapped_column(index=True)
    info_hash: Mapped[str | None] = mapped_column(index=True)
    indexer_id: Mapped[str | None] = mapped_column(ForeignKey("indexers.id", ondelete="SET NULL"), index=True)
    indexer_name: Mapped[str | None]
    protocol: Mapped[Protocols] = mapped_column(EnumText(Protocols))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    quality_name: Mapped[str | None]
    reason: Mapped[str]
    """A user's reason, or the sentence stored by an older version; empty if `because` is set."""
    because: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The reason as code and facts; empty if `reason` is set."""
    download_id: Mapped[str | None] = mapped_column(ForeignKey("downloads.id", ondelete="SET NULL"), index=True)
    added_at: Mapped[datetime] = mapped_column(Instant)


class GapReason(StrEnum):
    """Why a feed was not read back to what was known."""

    FEED_SHORT = "feed_short"
    """The feed ends before it."""
    LIMIT = "limit"
    """More releases appeared than are read at once."""
    FAILED = "failed"
    """A later page failed again and again."""


class FeedState(Base):
    """How far the feed of an indexer was read."""

    __tablename__ = "feed_states"
    __table_args__ = (one_of("gap_reason", GapReason), {"info": NOT_IN_SNAPSHOTS})

    indexer_id: Mapped[str] = mapped_column(ForeignKey("indexers.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str]
    """Digest of the address and categories. With another one the feed is read from the start."""
    marks: Mapped[list[Any]] = mapped_column(default=list)
    """`indexers.mark_of` the newest releases."""
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    """The newest date of a release, never in the future."""
    read_at: Mapped[datetime] = mapped_column(Instant)
    """When it was last read."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Consecutive reads that failed after the first page."""
    listed: Mapped[int] = mapped_column(default=0)
    """New releases of the last read."""
    matched: Mapped[int] = mapped_column(default=0)
    """Those of them that belong to a wanted title."""
    gap_from: Mapped[datetime | None] = mapped_column(Instant)
    """Releases between these two instants were not seen."""
    gap_to: Mapped[datetime | None] = mapped_column(Instant)
    gap_reason: Mapped[GapReason | None] = mapped_column(EnumText(GapReason))
    gap_found_at: Mapped[datetime | None] = mapped_column(Instant)


class SearchState(Base):
    """When a wanted film or episode was last searched, and when it is due again."""

    __tablename__ = "search_state"
    __table_args__ = (Index("ix_search_state_due", "next_due_at"), {"info": NOT_IN_SNAPSHOTS})

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    episode_id: Mapped[str] = mapped_column(primary_key=True, default="")
    """Empty for a film or a whole series."""
    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    last_searched_at: Mapped[datetime | None] = mapped_column(Instant)
    next_due_at: Mapped[datetime | None] = mapped_column(Instant)
    misses: Mapped[int] = mapped_column(default=0)
    last_search_id: Mapped[str | None] = mapped_column(ForeignKey("searches.id", ondelete="SET NULL"), index=True)

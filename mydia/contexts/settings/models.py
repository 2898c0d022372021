"""Tables of everything an administrator can edit while Mydia runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.contexts.users import Role
from mydia.db import NOT_IN_SNAPSHOTS, Base, HasId, Instant, one_of
from mydia.vocabulary import MediaType

GUIDE_KINDS = (
    "custom_format",
    "format_group",
    "quality_profile",
    "profile_groups",
    "quality_size",
    "naming",
    "conflicts",
)
"""Parts of a guide that are stored as they were imported."""


class Setting(Base):
    """One stored value of `mydia.config.KEYS`; the other layers are not stored."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    """{"value": …}; secret keys hold {"sealed": …}."""
    updated_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class Tag(HasId, Base):
    """A label for items, profiles, indexers and clients."""

    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(unique=True)


class QualityProfile(HasId, Base):
    """The wanted qualities, their order, and the quality at which upgrading stops."""

    __tablename__ = "quality_profiles"

    name: Mapped[str] = mapped_column(unique=True)
    items: Mapped[list[Any]]
    """Worst first: {"quality": name} or {"group": name, "qualities": [names]}, each with "allowed": bool."""
    cutoff: Mapped[str | None]
    """Name of the quality or group at which upgrading stops."""
    upgrades_allowed: Mapped[bool] = mapped_column(default=True)
    minimum_format_score: Mapped[int] = mapped_column(default=0)
    cutoff_format_score: Mapped[int] = mapped_column(default=0)
    minimum_format_increment: Mapped[int] = mapped_column(default=1)
    language: Mapped[str | None]
    """`original`, or codes separated by commas; None: any."""
    minimum_size_mb: Mapped[int | None]
    maximum_size_mb: Mapped[int | None]
    """Size limits for a whole release; set by some presets."""
    quality_sizes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Quality -> {"minimum", "preferred", "maximum"} in MB per minute, instead of the general limits."""
    preset: Mapped[str | None]
    """Name of the preset it was created from; None for profiles that users added."""
    managed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class QualityDefinition(Base):
    """Size limits of one quality in megabytes (1024²) per minute; None is unlimited."""

    __tablename__ = "quality_definitions"
    __table_args__ = (one_of("media_type", MediaType),)

    quality: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str] = mapped_column(primary_key=True)
    minimum_mb_per_min: Mapped[float] = mapped_column(Float, default=0)
    preferred_mb_per_min: Mapped[float | None] = mapped_column(Float)
    maximum_mb_per_min: Mapped[float | None] = mapped_column(Float)


class CustomFormat(HasId, Base):
    """A named set of conditions on a release."""

    __tablename__ = "custom_formats"

    name: Mapped[str] = mapped_column(unique=True)
    specs: Mapped[list[Any]]
    """Conditions as `formats.Condition.to_json` returns them."""
    include_in_rename: Mapped[bool] = mapped_column(default=False)
    changed: Mapped[bool] = mapped_column(default=False)
    """Whether it differs from what it was imported from."""
    stopped: Mapped[str | None]
    """A pattern that is no longer run because it takes too long."""
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ProfileFormat(Base):
    """The score of a custom format in a profile."""

    __tablename__ = "profile_formats"

    profile_id: Mapped[str] = mapped_column(ForeignKey("quality_profiles.id", ondelete="CASCADE"), primary_key=True)
    format_id: Mapped[str] = mapped_column(
        ForeignKey("custom_formats.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    score: Mapped[int]


class GuideOriginal(Base):
    """A part of a guide (TRaSH JSON) as it was imported: what a later import and an export compare with."""

    __tablename__ = "guide_originals"
    __table_args__ = (one_of("app", "radarr", "sonarr"), one_of("kind", *GUIDE_KINDS))

    app: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    """Its `trash_id`; the kind itself where a guide has one file without an id."""
    name: Mapped[str]
    given_name: Mapped[str | None]
    """The name it was given here, if another one had its name."""
    original: Mapped[dict[str, Any]]
    format_id: Mapped[str | None] = mapped_column(ForeignKey("custom_formats.id", ondelete="SET NULL"), index=True)
    profile_id: Mapped[str | None] = mapped_column(ForeignKey("quality_profiles.id", ondelete="SET NULL"), index=True)
    applied: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the import made of it, to tell later whether a person changed it."""
    imported_at: Mapped[datetime] = mapped_column(Instant)


class GuideImport(HasId, Base):
    """An uploaded or downloaded guide that waits for a person to confirm its import."""

    __tablename__ = "guide_imports"
    __table_args__ = ({"info": NOT_IN_SNAPSHOTS},)

    source: Mapped[str]
    """Name of the file, or the address."""
    parts: Mapped[list[Any]]
    problems: Mapped[list[Any]] = mapped_column(default=list)
    """[[path, sentence]] of files that can't be used."""
    created_at: Mapped[datetime] = mapped_column(Instant)


class NamingSet(HasId, Base):
    """Templates for the names of folders and files."""

    __tablename__ = "naming_sets"
    __table_args__ = (
        one_of("multi_episode_style", "extend", "duplicate", "repeat", "scene", "range", "prefixed_range"),
        one_of("colon_replacement", "delete", "dash", "space_dash", "space_dash_space", "smart"),
    )

    name: Mapped[str] = mapped_column(unique=True)
    rename: Mapped[bool] = mapped_column(default=True)
    movie_folder: Mapped[str]
    movie_file: Mapped[str]
    series_folder: Mapped[str]
    season_folder: Mapped[str]
    specials_folder: Mapped[str]
    episode_file: Mapped[str]
    daily_file: Mapped[str]
    anime_file: Mapped[str]
    multi_episode_style: Mapped[str] = mapped_column(default="prefixed_range")
    colon_replacement: Mapped[str] = mapped_column(default="smart")
    replace_illegal: Mapped[bool] = mapped_column(default=True)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class LibraryPath(HasId, Base):
    """A library folder. `type` is what it contains."""

    __tablename__ = "library_paths"
    __table_args__ = (
        one_of("type", "movies", "series", "mixed"),
        one_of("import_mode", "hardlink", "reflink", "copy", "move"),
        one_of("provider", "tmdb", "tvdb"),
    )

    path: Mapped[str] = mapped_column(unique=True)
    """Absolute, without a trailing slash."""
    name: Mapped[str]
    type: Mapped[str]
    monitored: Mapped[bool] = mapped_column(default=True)
    """Whether it is watched, and scanned on schedule."""
    scan_cron: Mapped[str | None]
    default_profile_id: Mapped[str | None] = mapped_column(
        ForeignKey("quality_profiles.id", ondelete="SET NULL"), index=True
    )
    naming_set_id: Mapped[str | None] = mapped_column(ForeignKey("naming_sets.id", ondelete="SET NULL"), index=True)
    provider: Mapped[str] = mapped_column(default="tmdb")
    language: Mapped[str | None]
    import_mode: Mapped[str] = mapped_column(default="hardlink")
    managed: Mapped[bool] = mapped_column(default=False)
    managed_source: Mapped[str | None]
    last_scan_at: Mapped[datetime | None] = mapped_column(Instant)
    last_scan_state: Mapped[str | None]
    last_scan_reason: Mapped[str | None]
    """Why a scan was rejected: the mount is missing, too many files are missing, …"""
    created_at: Mapped[datetime] = mapped_column(Instant)


class OidcProvider(HasId, Base):
    """A provider that people sign in with. `issuer` or `discovery_url` is set."""

    __tablename__ = "oidc_providers"
    __table_args__ = (one_of("default_role", Role),)

    key: Mapped[str] = mapped_column(unique=True)
    """Part of its addresses, so it never changes."""
    name: Mapped[str] = mapped_column(unique=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    issuer: Mapped[str | None]
    discovery_url: Mapped[str | None]
    client_id: Mapped[str]
    sealed_secret: Mapped[str | None]
    scopes: Mapped[str]
    """Separated by spaces."""
    redirect_url: Mapped[str | None]
    """None: below the public address of Mydia."""
    role_claim: Mapped[str]
    role_groups: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Role -> names of groups."""
    default_role: Mapped[str | None]
    """None: people in none of the groups may not sign in."""
    allow_sign_up: Mapped[bool] = mapped_column(default=True)
    managed: Mapped[bool] = mapped_column(default=False)
    managed_source: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Instant)


class DownloadClientRow(HasId, Base):
    """A configured download client."""

    __tablename__ = "download_clients"

    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    priority: Mapped[int] = mapped_column(default=1)
    """1 is the highest."""
    url: Mapped[str]
    username: Mapped[str | None]
    sealed_secret: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """category, movies_category, series_category, download_directory, verify_tls, remove_completed, …"""
    tags: Mapped[list[Any]] = mapped_column(default=list)
    managed: Mapped[bool] = mapped_column(default=False)
    managed_source: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Instant)


class IndexerRow(HasId, Base):
    """A configured indexer."""

    __tablename__ = "indexers"

    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    automatic_search: Mapped[bool] = mapped_column(default=True)
    interactive_search: Mapped[bool] = mapped_column(default=True)
    rss: Mapped[bool] = mapped_column(default=True)
    """Whether its newest releases are read regularly."""
    priority: Mapped[int] = mapped_column(default=25)
    """1 to 50, 1 is the highest. Source: the convention of other applications (arr-stack §1.7)."""
    url: Mapped[str]
    sealed_secret: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """categories, movie_categories, tv_categories, minimum_seeders, seed_ratio, seed_time_min, rate_limit_per_min, timeout_s, …"""
    capabilities: Mapped[dict[str, Any] | None]
    tags: Mapped[list[Any]] = mapped_column(default=list)
    managed: Mapped[bool] = mapped_column(default=False)
    managed_source: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Instant)


class ServiceStatus(Base):
    """The state of a client or indexer; stored so that back-off survives a restart."""

    __tablename__ = "service_status"
    __table_args__ = (
        one_of("family", "download_client", "indexer", "metadata"),
        one_of("state", "ok", "failing", "disabled"),
    )

    family: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0)
    level: Mapped[int] = mapped_column(default=0)
    """Level of back-off of an indexer; an answer lowers it by one."""
    since_at: Mapped[datetime] = mapped_column(Instant)
    """When the current state began: `unreachable since …`."""
    disabled_until: Mapped[datetime | None] = mapped_column(Instant)
    last_ok_at: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None]
    last_error_code: Mapped[str | None]
    version: Mapped[str | None]


class IndexerUse(Base):
    """How often an indexer was asked within an hour."""

    __tablename__ = "indexer_uses"
    __table_args__ = ({"info": NOT_IN_SNAPSHOTS},)

    indexer_id: Mapped[str] = mapped_column(ForeignKey("indexers.id", ondelete="CASCADE"), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    """Its beginning."""
    queries: Mapped[int] = mapped_column(default=0)
    grabs: Mapped[int] = mapped_column(default=0)


class RemotePathMapping(HasId, Base):
    """Maps a path in the client to a path on this machine."""

    __tablename__ = "remote_path_mappings"
    __table_args__ = (UniqueConstraint("client_id", "remote_path"),)

    client_id: Mapped[str] = mapped_column(ForeignKey("download_clients.id", ondelete="CASCADE"))
    remote_path: Mapped[str]
    local_path: Mapped[str]


class DelayProfile(HasId, Base):
    """How long to wait for a better release, by protocol."""

    __tablename__ = "delay_profiles"
    __table_args__ = (one_of("preferred_protocol", "torrent", "usenet"),)

    name: Mapped[str]
    enable_torrent: Mapped[bool] = mapped_column(default=True)
    enable_usenet: Mapped[bool] = mapped_column(default=True)
    preferred_protocol: Mapped[str | None]
    """None: both count the same."""
    torrent_delay_min: Mapped[int] = mapped_column(default=0)
    usenet_delay_min: Mapped[int] = mapped_column(default=0)
    bypass_if_highest_quality: Mapped[bool] = mapped_column(default=False)
    bypass_above_score: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=0)
    tags: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of tags. Only the default profile has none."""


class ReleaseProfile(HasId, Base):
    """Words that release names must or must not contain."""

    __tablename__ = "release_profiles"

    name: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    required: Mapped[list[Any]] = mapped_column(default=list)
    ignored: Mapped[list[Any]] = mapped_column(default=list)
    preferred: Mapped[list[Any]] = mapped_column(default=list)
    """[[term, score]]."""
    air_date_grace_days: Mapped[int | None]
    """Days after its air date from which on an episode is grabbed, also negative; None: at any time."""
    indexer_id: Mapped[str | None] = mapped_column(ForeignKey("indexers.id", ondelete="CASCADE"), index=True)
    tags: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of tags; empty for all titles."""


class NotificationTarget(HasId, Base):
    """A target of notifications."""

    __tablename__ = "notification_targets"

    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    sealed_url: Mapped[str]
    events: Mapped[list[Any]] = mapped_column(default=list)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PersonDefault(Base):
    """What a person's titles get when nothing else is chosen. `options` has `monitor`."""

    __tablename__ = "person_defaults"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[str] = mapped_column(primary_key=True)
    library_path_id: Mapped[str | None] = mapped_column(ForeignKey("library_paths.id", ondelete="SET NULL"), index=True)
    profile_id: Mapped[str | None] = mapped_column(ForeignKey("quality_profiles.id", ondelete="SET NULL"), index=True)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SetupProgress(Base):
    """The finished steps of the setup wizard; a single row."""

    __tablename__ = "setup_progress"
    __table_args__ = (Index("ix_setup_progress_finished", "finished_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    steps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """step -> "done" | "skipped" | "failed"."""
    finished_at: Mapped[datetime | None] = mapped_column(Instant)

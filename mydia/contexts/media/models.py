"""Tables of titles. Provider facts and users' choices never share a column."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mydia.contexts.metadata import Image
from mydia.db import NOT_IN_SNAPSHOTS, Base, EnumText, HasId, Instant, one_of, partial_index
from mydia.vocabulary import Activity, MediaType


class ItemState(StrEnum):
    """The state that a card shows; `media.status` computes it."""

    AVAILABLE = "available"
    UPGRADABLE = "upgradable"
    DOWNLOADING = "downloading"
    BLOCKED = "blocked"
    PARTIAL = "partial"
    """Some aired episodes have files, others do not."""
    MISSING = "missing"
    UPCOMING = "upcoming"
    UNMONITORED = "unmonitored"


class SeriesType(StrEnum):
    """How the episodes of a series are numbered in release names."""

    STANDARD = "standard"
    DAILY = "daily"
    """By air date."""
    ANIME = "anime"
    """By absolute number."""


class ReleaseStatus(StrEnum):
    """Production status of a title."""

    ANNOUNCED = "announced"
    IN_PRODUCTION = "in_production"
    IN_CINEMAS = "in_cinemas"
    RELEASED = "released"
    CONTINUING = "continuing"
    ENDED = "ended"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Availability(StrEnum):
    """The release from which on a film is searched for."""

    ANNOUNCED = "announced"
    IN_CINEMAS = "in_cinemas"
    RELEASED = "released"
    """Released at home, digitally or on disc."""


class MonitorPattern(StrEnum):
    """Which episodes to monitor when a series is added; `monitoring.PATTERNS` has the labels."""

    ALL = "all"
    FUTURE = "future"
    MISSING = "missing"
    EXISTING = "existing"
    FIRST_SEASON = "first_season"
    LATEST_SEASON = "latest_season"
    PILOT = "pilot"
    NONE = "none"


class NewSeasons(StrEnum):
    """Whether to monitor seasons that are announced later."""

    ALL = "all"
    NONE = "none"


LISTED = (
    "state",
    "year",
    "monitored",
    "status",
    "best_resolution",
    "best_quality",
    "library_path_id",
    "studio",
    "size_bytes",
)
"""Columns that lists filter by or add up: they are in each index of `MediaItem` for lists, and copied to `ItemGenre`."""


HERE = "state IN ('available', 'upgradable')"
"""Condition of the index of what was added last and has files. A query has to contain it literally to use the index."""


def _list_index(name: str, key: str) -> Index:
    place = text(key) if "(" in key else key
    return Index(f"ix_media_items_by_{name}", "type", place, "id", *(column for column in LISTED if column != key))


class MediaItem(HasId, Base):
    """A film or a series.

    `metadata_json` shape: {"provider" (the source of the details), "videos": [{"name", "kind", "url"}], "certifications": {region:
    mark}, "external_ids": {service: id}, "tagline", "networks": [..], "countries": [..], "keywords": [..], "cast": [{"name", "role",
    "profile"}], "crew": [{"name", "role"}], "trailer_url", "homepage", "votes", "popularity", "recommendations":
    [{"type", "title", "year", "tmdb_id", "poster"}], "collection": {"id", "name"}}.
    """

    __tablename__ = "media_items"
    __table_args__ = (
        one_of("type", MediaType),
        one_of("series_type", SeriesType),
        one_of("status", ReleaseStatus),
        one_of("minimum_availability", Availability),
        one_of("monitor_new_seasons", NewSeasons),
        one_of("monitor_pattern", MonitorPattern),
        one_of("state", ItemState),
        one_of("activity", Activity),
        one_of("provider", "tmdb", "tvdb", "none"),
        UniqueConstraint("type", "tmdb_id"),
        UniqueConstraint("type", "tvdb_id"),
        UniqueConstraint("type", "imdb_id"),
        # One for each order of the lists, with all columns that lists filter by: a list walks along its index and reads
        # only the rows that it shows.
        _list_index("title", "sort_title"),
        _list_index("added", "added_at"),
        _list_index("year", "coalesce(year, 0)"),
        _list_index("size", "size_bytes"),
        _list_index("rating", "coalesce(rating, 0.0)"),
        _list_index("runtime", "coalesce(runtime_min, 0)"),
        Index("ix_media_items_lacking", "type", "lacking", "sort_title", "id"),
        Index("ix_media_items_upgradable", "type", "upgradable", "sort_title", "id"),
        partial_index("ix_media_items_newest", "added_at", "id", where=HERE),
        # Counting titles found by their names reads only this index.
        Index("ix_media_items_amounts", "id", "type", "size_bytes"),
        Index("ix_media_items_folder", "library_path_id", text("lower(folder)")),
        Index("ix_media_items_cinema", "cinema_on", "id", "type"),
        Index("ix_media_items_digital", "digital_on", "id", "type"),
        Index("ix_media_items_physical", "physical_on", "id", "type"),
        partial_index("ix_media_items_tvdb", "id", where="provider = 'tvdb'"),
        partial_index("ix_media_items_refresh_error", "next_refresh_at", where="refresh_error IS NOT NULL"),
        Index("ix_media_items_refresh", "next_refresh_at"),
        Index("ix_media_items_updated", "updated_at"),
    )

    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    title: Mapped[str]
    sort_title: Mapped[str]
    original_title: Mapped[str | None]
    year: Mapped[int | None]
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    tvdb_id: Mapped[int | None] = mapped_column(BigInteger)
    imdb_id: Mapped[str | None]
    provider: Mapped[str] = mapped_column(default="tmdb")
    """The catalogue of its details; `none` for titles that come from file names and NFO files only."""
    series_type: Mapped[SeriesType | None] = mapped_column(EnumText(SeriesType))
    status: Mapped[ReleaseStatus] = mapped_column(EnumText(ReleaseStatus), default=ReleaseStatus.UNKNOWN)
    cinema_on: Mapped[date | None]
    digital_on: Mapped[date | None]
    physical_on: Mapped[date | None]
    first_air_on: Mapped[date | None]
    last_air_on: Mapped[date | None]
    next_air_on: Mapped[date | None]
    runtime_min: Mapped[int | None]
    rating: Mapped[float | None] = mapped_column(Float)
    certification: Mapped[str | None]
    genres: Mapped[list[Any]] = mapped_column(default=list)
    overview: Mapped[str | None]
    original_language: Mapped[str | None]
    studio: Mapped[str | None]
    """The first network of a series, the first studio of a film; for filters."""
    poster_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    backdrop_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    metadata_json: Mapped[dict[str, Any]] = mapped_column(default=dict)
    locked_fields: Mapped[list[Any]] = mapped_column(default=list)
    """Provider facts that a user edited; refreshes keep them."""

    monitored: Mapped[bool] = mapped_column(default=True)
    monitor_pattern: Mapped[MonitorPattern] = mapped_column(EnumText(MonitorPattern), default=MonitorPattern.ALL)
    """The pattern chosen when it was added; it applies to the episodes of its first details."""
    monitor_new_seasons: Mapped[NewSeasons] = mapped_column(EnumText(NewSeasons), default=NewSeasons.ALL)
    minimum_availability: Mapped[Availability] = mapped_column(EnumText(Availability), default=Availability.RELEASED)
    library_path_id: Mapped[str | None] = mapped_column(ForeignKey("library_paths.id", ondelete="SET NULL"))
    folder: Mapped[str | None]
    """Relative to the library path; None until a file is imported or found."""
    match_locked: Mapped[bool] = mapped_column(default=False)
    """Whether a user chose the match, so that scans do not change it."""

    state: Mapped[ItemState] = mapped_column(EnumText(ItemState), default=ItemState.MISSING)
    activity: Mapped[Activity | None] = mapped_column(EnumText(Activity))
    """What its downloads are doing, all versions together; recorded by the downloads context."""
    upgradable: Mapped[bool] = mapped_column(default=False)
    """What a monitored version holds is below its profile's cutoff; recorded by the library context."""
    lacking: Mapped[bool] = mapped_column(default=False)
    """A film that is missing in a monitored version; whether in another version it is here does not matter."""
    episodes_total: Mapped[int] = mapped_column(default=0)
    """Number of aired episodes that are monitored or have a file: the second number of `21/24`."""
    episodes_held: Mapped[int] = mapped_column(default=0)
    missing_count: Mapped[int] = mapped_column(default=0)
    """Monitored versions of a film that are missing; for a series, aired episodes that a monitored version lacks, once for each version."""
    upgradable_count: Mapped[int] = mapped_column(default=0)
    """Like `missing_count`, of what is below its profile's cutoff."""
    files_count: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    best_resolution: Mapped[int | None]
    best_quality: Mapped[str | None]
    """The name of the best quality held, `Bluray-1080p`; None without files."""
    added_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    added_at: Mapped[datetime] = mapped_column(Instant)
    refreshed_at: Mapped[datetime | None] = mapped_column(Instant)
    next_refresh_at: Mapped[datetime | None] = mapped_column(Instant)
    refresh_error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(Instant)

    poster: Mapped[Image | None] = relationship(foreign_keys=[poster_id], lazy="raise")
    backdrop: Mapped[Image | None] = relationship(foreign_keys=[backdrop_id], lazy="raise")
    seasons: Mapped[list[Season]] = relationship(
        back_populates="item", order_by="Season.number", lazy="raise", passive_deletes="all"
    )
    versions: Mapped[list[Version]] = relationship(
        back_populates="item", order_by="Version.position", lazy="raise", passive_deletes="all"
    )


class Title(HasId, Base):
    """A name of an item; matching uses `normalised`."""

    __tablename__ = "titles"
    __table_args__ = (
        one_of("kind", "main", "original", "alternative", "translation", "scene", "user"),
        UniqueConstraint("media_item_id", "normalised", "season_number"),
        Index("ix_titles_normalised", "normalised"),
        Index("ix_titles_search_row", "search_row", "media_item_id"),
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    normalised: Mapped[str]
    kind: Mapped[str]
    language: Mapped[str | None]
    season_number: Mapped[int | None]
    search_row: Mapped[int | None] = mapped_column(info=NOT_IN_SNAPSHOTS)
    """Row in the full-text index of SQLite; a trigger sets it (`title_index`)."""


class Season(HasId, Base):
    """A season; number 0 contains the specials."""

    __tablename__ = "seasons"
    __table_args__ = (UniqueConstraint("media_item_id", "number"),)

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    title: Mapped[str | None]
    overview: Mapped[str | None]
    air_on: Mapped[date | None]
    poster_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    monitored: Mapped[bool] = mapped_column(default=True)

    item: Mapped[MediaItem] = relationship(back_populates="seasons", lazy="raise")


class Episode(HasId, Base):
    """One episode. What the versions hold is summed up here, so that lists need no join; `HeldEpisode` has it per version."""

    __tablename__ = "episodes"
    __table_args__ = (
        UniqueConstraint("media_item_id", "season_number", "episode_number"),
        Index("ix_episodes_air", "air_on", "media_item_id", "id"),
        partial_index(
            "ix_episodes_wanted",
            "air_on",
            "id",
            where="monitored = 1 AND complete = 0",
            postgresql="monitored AND NOT complete",
        ),
        partial_index(
            "ix_episodes_upgradable",
            "air_on",
            "id",
            where="monitored = 1 AND upgradable = 1",
            postgresql="monitored AND upgradable",
        ),
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    season_id: Mapped[str] = mapped_column(ForeignKey("seasons.id", ondelete="CASCADE"), index=True)
    season_number: Mapped[int]
    episode_number: Mapped[int]
    absolute_number: Mapped[int | None]
    scene_season_number: Mapped[int | None]
    scene_episode_number: Mapped[int | None]
    title: Mapped[str | None]
    overview: Mapped[str | None]
    air_on: Mapped[date | None]
    airs_at: Mapped[datetime | None] = mapped_column(Instant)
    runtime_min: Mapped[int | None]
    finale: Mapped[str | None]
    rating: Mapped[float | None] = mapped_column(Float)
    still_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    provider_id: Mapped[int | None] = mapped_column(BigInteger)
    monitored: Mapped[bool] = mapped_column(default=True)
    held: Mapped[bool] = mapped_column(default=False)
    """Some file is linked, of whichever version."""
    complete: Mapped[bool] = mapped_column(default=False)
    """Every monitored version has a file."""
    upgradable: Mapped[bool] = mapped_column(default=False)
    """A monitored version's file is below its profile's cutoff."""


class Version(HasId, Base):
    """A version of an item with its own profile; files, searches and downloads belong to a version."""

    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("media_item_id", "name"),
        one_of("activity", Activity),
        one_of("state", ItemState),
        Index("ix_versions_state", "state", "media_item_id"),
        Index("ix_versions_profile", "profile_id", "monitored", "media_item_id"),
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(default="Default")
    profile_id: Mapped[str] = mapped_column(ForeignKey("quality_profiles.id", ondelete="RESTRICT"))
    library_path_id: Mapped[str | None] = mapped_column(ForeignKey("library_paths.id", ondelete="SET NULL"), index=True)
    suffix: Mapped[str | None]
    edition: Mapped[str | None]
    monitored: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    """The first version is the title's default one: it has the files and downloads that name no version."""
    files_count: Mapped[int] = mapped_column(default=0)
    upgradable: Mapped[bool] = mapped_column(default=False)
    """Something it holds is below its profile's cutoff."""
    activity: Mapped[Activity | None] = mapped_column(EnumText(Activity))
    state: Mapped[ItemState | None] = mapped_column(EnumText(ItemState))
    """Of a film's version. None for series, whose episodes are judged one by one."""

    item: Mapped[MediaItem] = relationship(back_populates="versions", lazy="raise")


class HeldEpisode(Base):
    """A version has a file of an episode."""

    __tablename__ = "held_episodes"

    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    episode_id: Mapped[str] = mapped_column(ForeignKey("episodes.id", ondelete="CASCADE"), primary_key=True, index=True)
    upgradable: Mapped[bool] = mapped_column(default=False)
    """The file is below the version's profile's cutoff."""


class ItemTag(Base):
    """A label on an item."""

    __tablename__ = "item_tags"

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[str] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True, index=True)


class ItemGenre(Base):
    """A genre of an item. The database keeps these rows current with triggers (`list_counts`)."""

    __tablename__ = "item_genres"
    __table_args__ = (
        Index("ix_item_genres_listed", "genre", "type", "media_item_id", *LISTED),
        {"info": NOT_IN_SNAPSHOTS},
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), primary_key=True)
    genre: Mapped[str] = mapped_column(primary_key=True)
    """In lower case."""
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    state: Mapped[ItemState] = mapped_column(EnumText(ItemState))
    """This column and the following are copies of the item's, so that counting a genre's titles reads only these rows."""
    year: Mapped[int | None]
    monitored: Mapped[bool]
    status: Mapped[ReleaseStatus] = mapped_column(EnumText(ReleaseStatus))
    best_resolution: Mapped[int | None]
    best_quality: Mapped[str | None]
    library_path_id: Mapped[str | None]
    studio: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class ListCount(Base):
    """How many titles have a value. The database keeps these rows current with triggers (`list_counts`)."""

    __tablename__ = "list_counts"

    type: Mapped[MediaType] = mapped_column(EnumText(MediaType), primary_key=True)
    facet: Mapped[str] = mapped_column(primary_key=True)
    """One of `list_counts.FACETS`."""
    value: Mapped[str] = mapped_column(primary_key=True)
    titles: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[int]
    """Wanted and not here: versions of films, or episodes in a version."""
    upgradable: Mapped[int]


class SavedFilter(HasId, Base):
    """A filter of a library list that a person saved under a name."""

    __tablename__ = "saved_filters"
    __table_args__ = (one_of("media_type", MediaType), UniqueConstraint("user_id", "media_type", "name"))

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    media_type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    name: Mapped[str]
    params: Mapped[dict[str, Any]]
    """The parameters of the list's address: filters, order and view."""
    is_default: Mapped[bool] = mapped_column(default=False)
    """Whether the list opens with it; at most one per person and type."""
    created_at: Mapped[datetime] = mapped_column(Instant)


class ListColumns(Base):
    """The columns that a user chose for the table of a library list."""

    __tablename__ = "list_columns"
    __table_args__ = (one_of("media_type", MediaType),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[MediaType] = mapped_column(EnumText(MediaType), primary_key=True)
    columns: Mapped[list[Any]]
    """Names of columns, in the order of the table."""


class Collection(HasId, Base):
    """A collection of films."""

    __tablename__ = "collections"

    tmdb_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    name: Mapped[str]
    overview: Mapped[str | None]
    poster_id: Mapped[str | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"), index=True)
    monitored: Mapped[bool] = mapped_column(default=False)


class CollectionMember(Base):
    """A film of a collection, in the library or not."""

    __tablename__ = "collection_members"

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    tmdb_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    title: Mapped[str]
    year: Mapped[int | None]
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)


class NumberedKind(StrEnum):
    """Kinds of resources that can have an integer id for foreign APIs."""

    ITEM = "item"
    EPISODE = "episode"
    FILE = "file"


class Number(Base):
    """The integer id of an item, an episode or a file for foreign APIs. It is assigned once and never reused."""

    __tablename__ = "numbers"
    __table_args__ = (
        one_of("kind", NumberedKind),
        UniqueConstraint("kind", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[NumberedKind] = mapped_column(EnumText(NumberedKind))
    subject_id: Mapped[str]
    """The UUID. Not a foreign key, so that the number of a removed row is not assigned again."""

"""Request and response types. Responses are built explicitly from rows, which is ten times faster than validated conversion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import fields

from mydia.contexts import media, metadata, settings
from mydia.errors import Conflict, Invalid
from mydia.vocabulary import MediaType
from mydia.web import patterns

_LONGEST_INT = 2**31 - 1

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Maximum number of items.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=500,
        pattern=patterns.CURSOR,
        description="`next_cursor` of the previous page; omit it for the first page. 404 if there is no such page.",
    ),
]
Text = Annotated[str | None, QueryParameter(max_length=200)]
Id = Annotated[str | None, QueryParameter(max_length=64)]
Number = Annotated[int | None, QueryParameter(ge=0, le=_LONGEST_INT)]
Year = Annotated[int | None, QueryParameter(ge=1870, le=2200)]
Bytes = Annotated[int | None, QueryParameter(ge=0, le=2**63 - 1)]

CatalogueNumber = Annotated[int, Meta(ge=1, le=_LONGEST_INT)]
Name = Annotated[str, Meta(max_length=200, pattern=patterns.NOT_BLANK)]
"""Text that is not blank."""
Tag = Annotated[str, Meta(max_length=40, pattern=patterns.TAG)]
WebAddress = Annotated[str, Meta(max_length=2000, pattern=patterns.WEB_ADDRESS)]
SmallInt = Annotated[int, Meta(ge=0, le=_LONGEST_INT)]


if TYPE_CHECKING:
    QualityName = str
    LockableField = str
else:
    QualityName = Literal[settings.qualities.QUALITY_NAMES]
    LockableField = Literal[tuple(sorted(media.refresh.LOCKABLE))]


class Struct(msgspec.Struct, kw_only=True):
    """The base of all types. Unknown fields in requests are ignored, because clients of other versions send them."""


class AtLeastOne(Struct):
    """A request type of which some fields must be given: all fields of at least one of its groups."""

    groups: ClassVar[tuple[tuple[str, ...], ...]]

    def __post_init__(self) -> None:
        """Raise ValueError if no group is complete. A field is given if it differs from its default and is not empty."""
        defaults = {field.name: field.default for field in fields(type(self))}
        given = {name for name, default in defaults.items() if getattr(self, name) not in (default, None, "", [])}
        if not any(given.issuperset(group) for group in self.groups):
            raise ValueError(f"Required: {' or '.join(' with '.join(group) for group in self.groups)}.")


@contextmanager
def contradictions() -> Iterator[None]:
    """Answer 409 where a context refuses a value that matches the API's description.

    What is left to refuse then are values that contradict each other, or something that is stored or on disk.
    """
    try:
        yield
    except Invalid as error:
        raise Conflict(error.message, fields=error.fields) from error


def given(change: Struct) -> dict[str, Any]:
    """Return the fields that were sent."""
    named = ((name, getattr(change, name)) for name in change.__struct_fields__)
    return {name: value for name, value in named if value is not UNSET}


class Page[Entry](Struct):
    """A page of a list."""

    items: list[Entry]
    next_cursor: str | None = None
    """Pass it as `cursor` to get the next page; null on the last page."""
    total: int | None = None


class Listed(Struct):
    """A title in a list."""

    id: str
    type: MediaType
    title: str
    year: int | None
    state: str
    monitored: bool
    status: str
    rating: float | None
    runtime_min: int | None
    resolution: int | None
    files: int
    size_bytes: int
    episodes_total: int
    episodes_held: int
    profile: str | None
    quality: str | None
    """Of the best file, such as `Bluray-1080p`."""
    studio: str | None
    """Network of a series, studio of a film."""
    library_folder: str | None
    poster_url: str | None
    added_at: datetime


def listed(card: media.lists.Card) -> Listed:
    """Return a title as a list item."""
    return Listed(
        id=card.id,
        type=card.type,
        title=card.title,
        year=card.year,
        state=card.state,
        monitored=card.monitored,
        status=card.status,
        rating=card.rating,
        runtime_min=card.runtime_min,
        resolution=card.best_resolution,
        files=card.files_count,
        size_bytes=card.size_bytes,
        episodes_total=card.episodes_total,
        episodes_held=card.episodes_held,
        profile=card.profile,
        quality=card.quality,
        studio=card.studio,
        library_folder=card.folder,
        poster_url=card.poster.url(342) if card.poster else None,
        added_at=card.added_at,
    )


class EpisodeShape(Struct):
    """An episode."""

    id: str
    season: int
    episode: int
    absolute: int | None
    title: str | None
    air_on: date | None
    runtime_min: int | None
    monitored: bool
    held: bool


class SeasonShape(Struct):
    """A season."""

    number: int
    title: str | None
    monitored: bool


class VersionShape(Struct):
    """A version of a title, with its quality profile."""

    id: str
    name: str
    profile_id: str
    monitored: bool


class Item(Struct):
    """A title with all details."""

    id: str
    number: int
    """For programs that need an integer id; it never changes."""
    type: MediaType
    title: str
    sort_title: str
    original_title: str | None
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    state: media.ItemState
    status: media.ReleaseStatus
    monitored: bool
    minimum_availability: media.Availability
    monitor_new_seasons: media.NewSeasons
    series_type: media.SeriesType | None
    overview: str | None
    genres: list[str]
    runtime_min: int | None
    rating: float | None
    certification: str | None
    original_language: str | None
    cinema_on: date | None
    digital_on: date | None
    physical_on: date | None
    first_air_on: date | None
    last_air_on: date | None
    next_air_on: date | None
    library_path_id: str | None
    folder: str | None
    locked_fields: list[str]
    files: int
    size_bytes: int
    episodes_total: int
    episodes_held: int
    versions: list[VersionShape]
    seasons: list[SeasonShape]
    poster_url: str | None
    backdrop_url: str | None
    added_at: datetime
    refreshed_at: datetime | None
    updated_at: datetime


def item(row: media.MediaItem, number: int) -> Item:
    """Return a title with all details; its artwork, seasons and versions must be loaded."""

    def picture(image: metadata.Image | None, width: int) -> str | None:
        if image is None or image.state != "present":
            return None
        return metadata.Picture(image.id, image.content_hash or "0", image.color).url(width)

    return Item(
        id=row.id,
        number=number,
        type=row.type,
        title=row.title,
        sort_title=row.sort_title,
        original_title=row.original_title,
        year=row.year,
        tmdb_id=row.tmdb_id,
        tvdb_id=row.tvdb_id,
        imdb_id=row.imdb_id,
        state=row.state,
        status=row.status,
        monitored=row.monitored,
        minimum_availability=row.minimum_availability,
        monitor_new_seasons=row.monitor_new_seasons,
        series_type=row.series_type,
        overview=row.overview,
        genres=row.genres,
        runtime_min=row.runtime_min,
        rating=row.rating,
        certification=row.certification,
        original_language=row.original_language,
        cinema_on=row.cinema_on,
        digital_on=row.digital_on,
        physical_on=row.physical_on,
        first_air_on=row.first_air_on,
        last_air_on=row.last_air_on,
        next_air_on=row.next_air_on,
        library_path_id=row.library_path_id,
        folder=row.folder,
        locked_fields=row.locked_fields,
        files=row.files_count,
        size_bytes=row.size_bytes,
        episodes_total=row.episodes_total,
        episodes_held=row.episodes_held,
        versions=[
            VersionShape(id=v.id, name=v.name, profile_id=v.profile_id, monitored=v.monitored) for v in row.versions
        ],
        seasons=[SeasonShape(number=s.number, title=s.title, monitored=s.monitored) for s in row.seasons],
        poster_url=picture(row.poster, 500),
        backdrop_url=picture(row.backdrop, 1280),
        added_at=row.added_at,
        refreshed_at=row.refreshed_at,
        updated_at=row.updated_at,
    )


def episode(ref: media.EpisodeRef) -> EpisodeShape:
    """Return an episode."""
    return EpisodeShape(
        id=ref.id,
        season=ref.season_number,
        episode=ref.episode_number,
        absolute=ref.absolute_number,
        title=ref.title,
        air_on=ref.air_on,
        runtime_min=ref.runtime_min,
        monitored=ref.monitored,
        held=ref.held,
    )


class NewMedia(AtLeastOne):
    """A new title: its type and one catalogue id; the other fields have defaults."""

    groups = (("tmdb_id",), ("tvdb_id",), ("imdb_id",))

    type: MediaType
    tmdb_id: CatalogueNumber | None = None
    tvdb_id: CatalogueNumber | None = None
    imdb_id: Annotated[str, Meta(pattern=patterns.IMDB_ID)] | None = None
    library_path_id: str | None = None
    """Null: the caller's default, or else the first folder for the type."""
    profile_id: str | None = None
    """Null: the caller's default, or else the folder's."""
    monitored: bool | None = None
    """Null: true, unless the caller's default is to monitor nothing."""
    monitor: media.MonitorPattern | None = None
    """Null: the caller's default, or else `all`."""
    monitor_new_seasons: media.NewSeasons | None = None
    """Null: derived from `monitor`."""
    series_type: media.SeriesType | None = None
    """Null uses the catalogue's hint, or else standard."""
    minimum_availability: media.Availability = media.Availability.RELEASED
    search_now: bool | None = None
    """Null uses the setting `media.auto_search_on_add`."""


class MediaChange(Struct):
    """Changes to a title. Fields that are left out stay unchanged."""

    monitored: bool | UnsetType = UNSET
    minimum_availability: media.Availability | UnsetType = UNSET
    monitor_new_seasons: media.NewSeasons | UnsetType = UNSET
    series_type: media.SeriesType | UnsetType = UNSET
    library_path_id: str | UnsetType = UNSET
    """Files stay where they are; `POST /title-edits` moves them too."""
    profile_id: str | UnsetType = UNSET
    provider: Literal["tmdb", "tvdb", "none"] | UnsetType = UNSET
    title: Name | UnsetType = UNSET
    sort_title: Name | UnsetType = UNSET
    overview: str | None | UnsetType = UNSET
    year: Annotated[int, Meta(ge=1870, le=2200)] | None | UnsetType = UNSET
    locked_fields: list[LockableField] | UnsetType = UNSET


class Monitoring(Struct):
    """What to monitor or unmonitor."""

    monitored: bool
    season: SmallInt | None = None
    episode_ids: list[str] | None = None


class Found(Struct):
    """A title found by the metadata source."""

    type: MediaType
    title: str
    original_title: str | None
    year: int | None
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    overview: str | None
    poster_url: str | None
    media_id: str | None
    """Set when it is in the library."""


class Hit(Struct):
    """Search results from the library and from the metadata source."""

    library: list[Listed]
    providers: list[Found]
    notice: str | None = None
    """Why the metadata source could not be searched; null if it could."""


class OwnSize(Struct):
    """Size limits of a quality in one profile, in MB per minute; null for no limit."""

    quality: str
    minimum: float
    preferred: float | None
    maximum: float | None


class ProfileShape(Struct):
    """A quality profile; its `items` are listed worst first."""

    id: str
    name: str
    items: list[Any]
    cutoff: str | None
    upgrades_allowed: bool
    minimum_format_score: int
    """Releases with a lower score are refused."""
    cutoff_format_score: int
    """Upgrading for a better score stops at this one."""
    minimum_format_increment: int
    """A better score must be better by this much."""
    language: str | None
    """`original`, or language codes separated by commas; null for any."""
    minimum_size_mb: int | None
    maximum_size_mb: int | None
    quality_sizes: list[OwnSize]
    """Limits that replace the general ones."""
    scores: dict[str, int]
    """Id of a custom format -> its score; formats that are not listed score 0."""
    managed: bool


def profile(value: settings.Profile) -> ProfileShape:
    """Return a quality profile."""
    return ProfileShape(
        id=value.id,
        name=value.name,
        items=value.items(),
        cutoff=value.cutoff,
        upgrades_allowed=value.upgrades_allowed,
        minimum_format_score=value.minimum_format_score,
        cutoff_format_score=value.cutoff_format_score,
        minimum_format_increment=value.minimum_format_increment,
        language=value.language,
        minimum_size_mb=value.minimum_size_mb,
        maximum_size_mb=value.maximum_size_mb,
        quality_sizes=[
            OwnSize(quality=quality, minimum=limits.minimum, preferred=limits.preferred, maximum=limits.maximum)
            for quality, limits in value.quality_sizes.items()
        ],
        scores=dict(value.scores),
        managed=value.managed,
    )


class SettingShape(Struct):
    """A setting. For a secret, only whether it is set is returned."""

    key: str
    value: Any
    layer: str
    source: str
    editable: bool
    description: str
    secret: bool


class Accepted(Struct):
    """The request was accepted and runs as a job."""

    status: str = "accepted"
    detail: str = ""
    id: str | None = None
    """The id of what was started, if its progress can be queried."""

"""The interface of metadata providers, in Mydia's terms. The relay returns TMDB's and TheTVDB's formats, the provider translates."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import msgspec

from mydia.vocabulary import MediaType


class Ids(msgspec.Struct, frozen=True):
    """A title's ids in the catalogues. A film and a series can have the same TMDB id."""

    tmdb_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None
    third_id: str | None = None
    """Its id or short name in the optional third source."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One result of a search for a title."""

    type: MediaType
    title: str
    original_title: str | None
    year: int | None
    ids: Ids
    provider: str
    """`tmdb`, `tvdb`, or `tpdb` for the third source."""
    overview: str | None = None
    poster_path: str | None = None
    """Provider path (`/abc.jpg` for TMDB) or absolute URL (TheTVDB)."""
    popularity: float | None = None
    original_language: str | None = None
    other_titles: tuple[str, ...] = ()
    adult: bool = False


class PersonCredit(msgspec.Struct, frozen=True, kw_only=True):
    """A person's role in a title."""

    name: str
    role: str
    """The character for cast, the job for crew."""
    department: str
    """`cast` or the crew's department (`Directing`, `Writing`, …)."""
    profile_path: str | None = None
    person_id: int | None = None


class OtherTitle(msgspec.Struct, frozen=True):
    """An alternative title."""

    title: str
    kind: str
    """`original`, `alternative` or `translation`."""
    language: str | None = None


class Artwork(msgspec.Struct, frozen=True):
    """A picture that a provider offers for a title."""

    path: str
    """Provider path (`/abc.jpg` for TMDB) or absolute URL."""
    language: str | None = None
    """Language of the text on it, such as `de`; None if it has no text."""
    width: int | None = None
    height: int | None = None


class Video(msgspec.Struct, frozen=True):
    """A trailer or similar video."""

    name: str
    kind: str
    """`trailer`, `teaser`, `clip`, `featurette` or `other`."""
    url: str
    language: str | None = None


class EpisodeDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One episode as a provider lists it."""

    season_number: int
    episode_number: int
    title: str | None
    overview: str | None = None
    air_on: date | None = None
    runtime_min: int | None = None
    absolute_number: int | None = None
    finale: str | None = None
    """`series`, `season` or `mid_season`."""
    still_path: str | None = None
    provider_id: int | None = None
    rating: float | None = None


class SeasonDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A season; `episodes` is None if only the summary was requested."""

    number: int
    title: str | None
    overview: str | None = None
    air_on: date | None = None
    poster_path: str | None = None
    episode_count: int | None = None
    episodes: tuple[EpisodeDetails, ...] | None = None


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """All details of a title."""

    type: MediaType
    title: str
    original_title: str | None
    ids: Ids
    provider: str
    year: int | None = None
    overview: str | None = None
    tagline: str | None = None
    status: str | None = None
    """A value of `media_items.status`: announced, in_production, in_cinemas, released, continuing, ended, cancelled."""
    original_language: str | None = None
    runtime_min: int | None = None
    rating: float | None = None
    """From 0 to 10."""
    votes: int | None = None
    popularity: float | None = None
    certification: str | None = None
    genres: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """Networks for series, studios for films."""
    countries: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    cinema_on: date | None = None
    digital_on: date | None = None
    physical_on: date | None = None
    first_air_on: date | None = None
    last_air_on: date | None = None
    next_air_on: date | None = None
    series_type: str | None = None
    """`standard`, `daily` or `anime`; None if the provider gives no hint."""
    poster_path: str | None = None
    backdrop_path: str | None = None
    logo_path: str | None = None
    trailer_url: str | None = None
    collection_id: int | None = None
    collection_name: str | None = None
    homepage: str | None = None
    titles: tuple[OtherTitle, ...] = ()
    credits: tuple[PersonCredit, ...] = ()
    seasons: tuple[SeasonDetails, ...] = ()
    recommendations: tuple[Candidate, ...] = ()
    adult: bool = False
    posters: tuple[Artwork, ...] = ()
    """All pictures in the language, in English and without text, the provider's choice first."""
    backdrops: tuple[Artwork, ...] = ()
    videos: tuple[Video, ...] = ()
    certifications: tuple[tuple[str, str], ...] = ()
    """(region, rating) such as ("DE", "12"); `certification` is the one of the requested region."""
    external_ids: tuple[tuple[str, str], ...] = ()
    """(service, id) of other catalogues and networks, such as ("wikidata", "Q152531")."""


class MetadataProvider(Protocol):
    """Looks up titles. Methods raise `AdapterError`; `search` without results returns an empty list."""

    @property
    def name(self) -> str:
        """Name for messages, such as `relay`."""

    @property
    def available(self) -> bool:
        """Whether an upstream is configured; False means file names and NFO files only."""

    @property
    def sources(self) -> frozenset[str]:
        """The available catalogues: `tmdb`, `tvdb`."""

    def check(self) -> None:
        """Check whether the catalogue answers; raises AdapterError if not."""

    def search(
        self,
        type: MediaType,
        text: str,
        *,
        year: int | None = None,
        language: str = "en-US",
        source: str = "tmdb",
        adult: bool = False,
    ) -> list[Candidate]:
        """Search titles of one type; adult titles only if requested."""

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Find titles by another catalogue's id."""

    def details(
        self,
        type: MediaType,
        ids: Ids,
        *,
        language: str = "en-US",
        source: str = "tmdb",
        region: str | None = None,
        fresh: bool = False,
    ) -> Details:
        """Return all details of a title; raises `mydia.errors.NotFound` if the catalogue does not have the id.

        Args:
            region: ISO 3166-1, such as `AT`, for release dates and certification; None uses that of the language.
            fresh: Bypass the cache, for a refresh that a user requested.
        """

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        """Return one season with its episodes."""

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Return this week's trending titles."""

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type) of an image in a provider size such as `w342` or `original`."""

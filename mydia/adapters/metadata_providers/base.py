"""What a provider of metadata can tell, in our words; the relay speaks TMDB and TVDB, the provider translates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from mydia.vocabulary import MediaType


@dataclass(frozen=True, slots=True)
class Ids:
    """One title's numbers in the catalogues. A film and a series may carry the same TMDB number."""

    tmdb_id: int | None = None
    tvdb_id: int | None = None
    imdb_id: str | None = None
    third_id: str | None = None
    """Its number or short name in the optional third source."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer to a search for a title."""

    type: MediaType
    title: str
    original_title: str | None
    year: int | None
    ids: Ids
    provider: str
    """`tmdb`, `tvdb`, or `tpdb` for the third source."""
    overview: str | None = None
    poster_path: str | None = None
    """Provider path (`/abc.jpg` for TMDB) or absolute address (TVDB)."""
    popularity: float | None = None
    original_language: str | None = None
    other_titles: tuple[str, ...] = ()
    adult: bool = False


@dataclass(frozen=True, slots=True)
class PersonCredit:
    """One person's part in a title."""

    name: str
    role: str
    """The character for cast, the job for crew."""
    department: str
    """`cast` or the crew's department (`Directing`, `Writing`, …)."""
    profile_path: str | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class OtherTitle:
    """A further title by which the thing is known."""

    title: str
    kind: str
    """`original`, `alternative` or `translation`."""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Artwork:
    """One picture that a provider offers for a title."""

    path: str
    """Provider path (`/abc.jpg` for TMDB) or absolute address."""
    language: str | None = None
    """Of what is written on it, `de`; None is without text."""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Video:
    """A trailer or the like."""

    name: str
    kind: str
    """`trailer`, `teaser`, `clip`, `featurette` or `other`."""
    url: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class EpisodeDetails:
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


@dataclass(frozen=True, slots=True)
class SeasonDetails:
    """One season; `episodes` is None when only the summary was asked for."""

    number: int
    title: str | None
    overview: str | None = None
    air_on: date | None = None
    poster_path: str | None = None
    episode_count: int | None = None
    episodes: tuple[EpisodeDetails, ...] | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known about one title."""

    type: MediaType
    title: str
    original_title: str | None
    ids: Ids
    provider: str
    year: int | None = None
    overview: str | None = None
    tagline: str | None = None
    status: str | None = None
    """In the words of `media_items.status`: announced, in_production, in_cinemas, released, continuing, ended, cancelled."""
    original_language: str | None = None
    runtime_min: int | None = None
    rating: float | None = None
    """0 to 10."""
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
    """`standard`, `daily` or `anime`; None when the provider gives no hint."""
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
    """All that there are in the language, in English and without text, the provider's choice first."""
    backdrops: tuple[Artwork, ...] = ()
    videos: tuple[Video, ...] = ()
    certifications: tuple[tuple[str, str], ...] = ()
    """(region, mark) such as ("DE", "12"); `certification` is the one of the region that was asked for."""
    external_ids: tuple[tuple[str, str], ...] = ()
    """(service, id) of catalogues and networks beside the three of `ids`, such as ("wikidata", "Q152531")."""


class MetadataProvider(Protocol):
    """Where titles are looked up. Methods raise `AdapterError`; `search` with no hits returns an empty list."""

    @property
    def name(self) -> str:
        """`relay` and the like, for messages."""

    @property
    def available(self) -> bool:
        """Whether any upstream is configured; False means names and NFO only."""

    @property
    def sources(self) -> frozenset[str]:
        """Which catalogues can be asked: `tmdb`, `tvdb`."""

    def check(self) -> None:
        """Ask whether the catalogue answers; raises AdapterError if not."""

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
        """Search titles of one type; adult titles only when asked for."""

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Find titles by another catalogue's number."""

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
        """Return everything about a title; raises `mydia.errors.NotFound` when the catalogue has no such number.

        Args:
            region: ISO 3166-1, `AT`: whose release dates and certification count; None is that of the language.
            fresh: Past the cache: a person asked for what is true now.
        """

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        """Return one season with its episodes."""

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Return what is watched this week."""

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type) of an image in a provider size such as `w342` or `original`."""

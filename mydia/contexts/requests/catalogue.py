"""What the catalogue says about a title that is requested."""

from __future__ import annotations

from typing import Any

import msgspec

from mydia.adapters.outside import Outside
from mydia.contexts import metadata
from mydia.contexts.metadata import Details, Ids
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, NotFound
from mydia.vocabulary import MediaType


class WantedSeason(msgspec.Struct, frozen=True):
    """A season that the catalogue lists."""

    number: int
    title: str
    episodes: int | None


class WantedTitle(msgspec.Struct, frozen=True, kw_only=True):
    """A title that can be requested, with the facts that rules look at."""

    type: MediaType
    ids: Ids
    title: str
    year: int | None
    poster_path: str | None = None
    overview: str | None = None
    genres: tuple[str, ...] = ()
    language: str | None = None
    """The original language, as ISO 639-1 code."""
    keywords: tuple[str, ...] = ()
    seasons: tuple[WantedSeason, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, `Request.details`."""
        return {
            "overview": self.overview,
            "genres": list(self.genres),
            "language": self.language,
            "keywords": list(self.keywords),
            "seasons": [{"number": s.number, "title": s.title, "episodes": s.episodes} for s in self.seasons],
        }


def look_up(outside: Outside, caller: Caller, type: MediaType, ids: Ids, *, language: str) -> WantedTitle:
    """Return a title from the catalogue.

    Raises:
        Invalid: There is no id.
        NotFound: The catalogue does not have it.
        Unavailable: The metadata source does not answer.
    """
    caller.require(Permission.REQUEST)
    if not any((ids.tmdb_id, ids.tvdb_id, ids.imdb_id)):
        raise Invalid("tmdb_id, tvdb_id or imdb_id is required.", fields={"tmdb_id": "Enter an id."})
    if ids.tmdb_id is None:
        found = metadata.by_ids(outside, caller, type, ids, language=language)
        if not found:
            raise NotFound("The catalogue has no title with this id.")
        ids = found[0].ids
    return title_of(metadata.details(outside, caller, type, ids, language=language))


def title_of(details: Details) -> WantedTitle:
    """Return the part of a catalogue's details that requests use. Specials come last."""
    seasons = sorted(details.seasons, key=lambda season: (season.number == 0, season.number))
    return WantedTitle(
        type=details.type,
        ids=details.ids,
        title=details.title,
        year=details.year,
        poster_path=details.poster_path,
        overview=details.overview,
        genres=details.genres,
        language=details.original_language,
        keywords=details.keywords,
        seasons=tuple(
            WantedSeason(season.number, season.title or _name(season.number), season.episode_count)
            for season in seasons
        )
        if details.type == MediaType.TV_SHOW
        else (),
    )


def _name(number: int) -> str:
    return "Specials" if number == 0 else f"Season {number}"

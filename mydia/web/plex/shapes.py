"""Titles in Plex's format. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from mydia import __version__
from mydia.contexts.metadata import Details, EpisodeDetails, PersonCredit, SeasonDetails
from mydia.parsing import sort_title
from mydia.vocabulary import MediaType
from mydia.web.plex.keys import IDENTIFIERS, TYPES, RatingKey

type Item = dict[str, Any]

_WRITERS = frozenset({"Writer", "Screenplay", "Novel", "Story", "Creator"})
_SIMILAR = 12


class Wish(msgspec.Struct, frozen=True):
    """Language, country and picture server of an answer."""

    language: str
    country: str
    """ISO 3166-1, upper case."""
    image_base: str
    """Base address of TMDB's pictures."""

    def image(self, path: str | None, size: str = "original") -> str | None:
        """Return the address of a picture that Plex can fetch itself."""
        if not path:
            return None
        return path if path.startswith("http") else f"{self.image_base}/{size}{path}"


def definition(provider: str) -> dict[str, Any]:
    """Return the description that Plex reads when the provider is added."""
    identifier = IDENTIFIERS[provider]
    kinds = ("movie",) if provider == "movie" else ("show", "season", "episode")
    return {
        "MediaProvider": {
            "identifier": identifier,
            "title": "Mydia Movies" if provider == "movie" else "Mydia TV",
            "version": __version__,
            "Types": [{"type": TYPES[kind], "Scheme": [{"scheme": identifier}]} for kind in kinds],
            # Relative to the provider's address, which Plex adds in front.
            "Feature": [
                {"type": "metadata", "key": "/library/metadata"},
                {"type": "match", "key": "/library/metadata/matches"},
            ],
        }
    }


def container(
    provider: str, items: list[Item], *, offset: int = 0, total: int | None = None, of: str = "Metadata"
) -> dict[str, Any]:
    """Return the container of every answer."""
    return {
        "MediaContainer": {
            "offset": offset,
            "totalSize": len(items) if total is None else total,
            "identifier": IDENTIFIERS[provider],
            "size": len(items),
            of: items,
        }
    }


def with_children(item: Item, children: list[Item]) -> Item:
    """Return an item with all of its children."""
    return item | {"Children": {"size": len(children), "Metadata": children}}


def film(key: RatingKey, told: Details, wish: Wish) -> Item:
    """Return a film."""
    released = told.cinema_on or told.digital_on or told.physical_on
    return _plain(
        _head(key, told.title, released, told.year)
        | _title(told, wish)
        | {
            "duration": _milliseconds(told.runtime_min),
            "studio": told.networks[0] if told.networks else None,
            "Studio": [{"tag": name} for name in told.networks],
        }
    )


def show(key: RatingKey, told: Details, wish: Wish) -> Item:
    """Return a show."""
    return _plain(
        _head(key, told.title, told.first_air_on, told.year)
        | _title(told, wish)
        | {
            "duration": _milliseconds(told.runtime_min),
            "studio": told.networks[0] if told.networks else None,
            "Network": [{"tag": name} for name in told.networks],
        }
    )


def season(key: RatingKey, of: Details, told: SeasonDetails, wish: Wish) -> Item:
    """Return a season of a show."""
    parent = key.show()
    thumb = wish.image(told.poster_path)
    aired = told.air_on or next((e.air_on for e in told.episodes or () if e.air_on), None)
    return _plain(
        _head(key, told.title or f"Season {told.number}", aired, None)
        | _parent(parent, of, wish)
        | {
            "summary": told.overview,
            "index": told.number,
            "thumb": thumb,
            "Image": _images(("coverPoster", thumb, told.title)),
        }
    )


def episode(key: RatingKey, of: Details, within: SeasonDetails, told: EpisodeDetails, wish: Wish) -> Item:
    """Return an episode of a show."""
    parent = key.in_season(told.season_number)
    thumb = wish.image(told.still_path)
    grand = {f"grand{name}": value for name, value in _parent(key.show(), of, wish).items()}
    return _plain(
        _head(
            key, told.title or f"Episode {told.episode_number}", told.air_on, told.air_on.year if told.air_on else None
        )
        | grand
        | {
            "parentRatingKey": str(parent),
            "parentKey": parent.path,
            "parentGuid": parent.guid,
            "parentType": "season",
            "parentTitle": within.title or f"Season {within.number}",
            "parentIndex": told.season_number,
            "parentThumb": wish.image(within.poster_path),
            "index": told.episode_number,
            "summary": told.overview,
            "duration": _milliseconds(told.runtime_min or of.runtime_min),
            "thumb": thumb,
            "isAdult": of.adult or None,
            "contentRating": content_rating(of, wish.country),
            "Image": _images(("snapshot", thumb, told.title)),
            "Rating": _rating(of.provider, told.rating),
        }
    )


def images(told: Details, wish: Wish) -> list[Item]:
    """Return all pictures of a film or show, the best first."""
    posters = [wish.image(told.poster_path), *(wish.image(art.path) for art in told.posters)]
    backdrops = [wish.image(told.backdrop_path), *(wish.image(art.path) for art in told.backdrops)]
    named = [("coverPoster", url) for url in posters] + [("background", url) for url in backdrops]
    named.append(("clearLogo", wish.image(told.logo_path)))
    return _images(*((kind, url, told.title) for kind, url in dict.fromkeys(named)))


def season_images(told: SeasonDetails, wish: Wish) -> list[Item]:
    """Return the pictures of a season."""
    return _images(("coverPoster", wish.image(told.poster_path), told.title))


def episode_images(told: EpisodeDetails, wish: Wish) -> list[Item]:
    """Return the pictures of an episode."""
    return _images(("snapshot", wish.image(told.still_path), told.title))


def content_rating(told: Details, country: str) -> str | None:
    """Return the age rating of a country as Plex writes it: `PG-13`, or with the country elsewhere, `de/12`.

    If a country has no rating for a title, the rating of the United States is used.
    """
    marks = dict(told.certifications)
    if country != "US" and (mark := marks.get(country)):
        return f"{country.lower()}/{mark}"
    return marks.get("US")


def _head(key: RatingKey, title: str, day: date | None, year: int | None) -> Item:
    # An unknown date is left out. If only the year of a film or show is known, Plex needs some date in it.
    available = day.isoformat() if day else f"{year}-01-01" if year else None
    return {
        "ratingKey": str(key),
        "key": key.path if key.kind in ("movie", "episode") else f"{key.path}/children",
        "guid": key.guid,
        "type": key.kind,
        "title": title,
        "originallyAvailableAt": available,
        "year": year or (day.year if day else None),
    }


def _title(told: Details, wish: Wish) -> Item:
    thumb, art, logo = wish.image(told.poster_path), wish.image(told.backdrop_path), wish.image(told.logo_path)
    crew = [person for person in told.credits if person.department != "cast"]
    return {
        "originalTitle": told.original_title if told.original_title != told.title else None,
        "titleSort": sort_title(told.title),
        "summary": told.overview,
        "tagline": told.tagline,
        "isAdult": told.adult or None,
        "contentRating": content_rating(told, wish.country),
        "thumb": thumb,
        "art": art,
        "Image": _images(("coverPoster", thumb, told.title), ("background", art, told.title), ("clearLogo", logo, told.title)),
        "Genre": [{"tag": name} for name in told.genres],
        "Country": [{"tag": code} for code in told.countries],
        "Guid": [{"id": text} for text in _guids(told)],
        "Role": _people((p for p in told.credits if p.department == "cast"), wish, with_role=True),
        "Director": _people((p for p in crew if p.role == "Director"), wish),
        "Writer": _people((p for p in crew if p.role in _WRITERS), wish),
        "Producer": _people((p for p in crew if p.role == "Producer"), wish),
        "Rating": _rating(told.provider, told.rating),
        "Similar": _similar(told),
    }  # fmt: skip


def _parent(key: RatingKey, told: Details, wish: Wish) -> Item:
    return {
        "parentRatingKey": str(key),
        "parentKey": key.path,
        "parentGuid": key.guid,
        "parentType": key.kind,
        "parentTitle": told.title,
        "parentThumb": wish.image(told.poster_path),
        "parentArt": wish.image(told.backdrop_path),
    }


def _guids(told: Details) -> list[str]:
    numbers = {"imdb": told.ids.imdb_id, "tmdb": told.ids.tmdb_id, "tvdb": told.ids.tvdb_id}
    return [f"{scheme}://{number}" for scheme, number in numbers.items() if number]


def _similar(told: Details) -> list[Item]:
    kind = "movie" if told.type == MediaType.MOVIE else "show"
    keyed = ((RatingKey.of(kind, other.ids, other.provider), other.title) for other in told.recommendations[:_SIMILAR])
    return [{"guid": key.guid, "tag": title} for key, title in keyed if key is not None]


def _people(people: Iterable[PersonCredit], wish: Wish, *, with_role: bool = False) -> list[Item]:
    unique = {(person.name, person.role if with_role else ""): person for person in people}
    return [
        _plain(
            {
                "tag": person.name,
                "thumb": wish.image(person.profile_path, "w185"),
                "role": person.role if with_role else None,
                "order": order,
            }
        )
        for order, person in enumerate(unique.values(), 1)
    ]


def _rating(provider: str, value: float | None) -> list[Item]:
    # Plex has four kinds of ratings; we have one of them.
    if provider != "tmdb" or value is None:
        return []
    return [{"image": "themoviedb://image.rating", "type": "audience", "value": round(value, 1)}]


def _images(*told: tuple[str, str | None, str | None]) -> list[Item]:
    return [_plain({"type": kind, "url": url, "alt": alt}) for kind, url, alt in told if url]


def _milliseconds(minutes: int | None) -> int | None:
    return minutes * 60_000 if minutes else None


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: value for name, value in item.items() if value is not None and value != []}

"""A stand-in for TMDB v3 with the same responses, errors and paging, and for its image host.

As a context manager in tests, or by itself: `python -m tests.fakes.tmdb --port 4010`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mydia import clock
from tests.fakes import catalogue
from tests.fakes.catalogue import GENRES, Episode, Film, Series, Translation
from tests.fakes.stand_in import Answer, Asked, StandIn

KEY = "0123456789abcdef0123456789abcdef"
"""The API key that the stand-in accepts, also as a bearer token."""

_ART = Path(__file__).parent / "artwork"
_PAGE = 20
_ERRORS: dict[str, tuple[int, int, str]] = {
    "bad_key": (401, 7, "Invalid API key: You must be granted a valid key."),
    "not_found": (404, 34, "The resource you requested could not be found."),
    "bad_id": (404, 6, "Invalid id: The pre-requisite id is invalid or not found."),
    "bad_page": (400, 22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    "limited": (429, 25, "Your request count (41) is over the allowed limit of (40)."),
    "append": (400, 27, "Too many append to response objects: The maximum number of remote calls is 20."),
    "error": (500, 11, "Internal error: Something went wrong, contact TMDB."),
    "maintenance": (503, 46, "The API is undergoing maintenance. Try again later."),
}
_LISTS = {
    "movie": ("popular", "top_rated", "now_playing", "upcoming"),
    "tv": ("popular", "top_rated", "on_the_air", "airing_today"),
}
_SIZES = {
    "backdrop_sizes": ["w300", "w780", "w1280", "original"],
    "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
    "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
    "profile_sizes": ["w45", "w185", "h632", "original"],
    "still_sizes": ["w92", "w185", "w300", "original"],
}
_LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "ja": "Japanese",
    "ru": "Russian",
    "sv": "Swedish",
    "pl": "Polish",
}
_COUNTRIES = {
    "US": "United States of America", "GB": "United Kingdom", "NL": "Netherlands", "DE": "Germany", "FR": "France",
    "JP": "Japan", "SE": "Sweden", "SU": "Soviet Union", "IT": "Italy", "IE": "Ireland", "PL": "Poland", "AR": "Argentina",
}  # fmt: skip
_DISCOVER_KNOWN = ("with_genres", "sort_by", "page", "language", "primary_release_year", "first_air_date_year")

type Title = Film | Series
type Shape = dict[str, Any]


def error(kind: str) -> Answer:
    """Answer with an error in TMDB's format."""
    status, code, message = _ERRORS[kind]
    return Answer.of({"success": False, "status_code": code, "status_message": message}, status)


class Tmdb(StandIn):
    """TMDB with the titles of `catalogue`; base addresses are `api_url` and `image_url`."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", today: date | None = None, key: str = KEY) -> None:
        super().__init__(port=port, host=host)
        self.today = today or clock.now().date()
        self.key = key
        self.films: list[Film] = list(catalogue.FILMS)
        self.series: list[Series] = list(catalogue.series(self.today))
        self.spoil: Callable[[Asked, Answer], Answer] | None = None
        """Applied to every answer of the API while set."""

    @property
    def api_url(self) -> str:
        """The value of `TMDB_API_URL`."""
        return f"{self.url}/3"

    @property
    def image_url(self) -> str:
        """Base of image addresses: `{image_url}/w342/x.jpg`."""
        return f"{self.url}/t/p"

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault."""
        return error(kind)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path.startswith("/t/p/"):
            return self._image(asked.path)
        if not asked.path.startswith("/3/"):
            return Answer(404, b"Not found", content_type="text/plain")
        if self.key not in (asked.query.get("api_key"), asked.headers.get("authorization", "").removeprefix("Bearer ")):
            return error("bad_key")
        path = asked.path.removeprefix("/3/").rstrip("/")
        for pattern, method in _ROUTES:
            if match := pattern.fullmatch(path):
                answer = method(self, asked, *match.groups())
                return self.spoil(asked, answer) if self.spoil else answer
        return error("not_found")

    # Details

    def _details(self, asked: Asked, kind: str, number: str) -> Answer:
        title = self._title(kind, int(number))
        if title is None:
            return error("not_found")
        shape = self._film(title, asked) if isinstance(title, Film) else self._show(title, asked)
        return self._appended(shape, asked, lambda part: self._part(title, part, asked))

    def _sub(self, asked: Asked, kind: str, number: str, part: str) -> Answer:
        title = self._title(kind, int(number))
        if title is None:
            return error("not_found")
        shape = self._part(title, part, asked)
        return error("not_found") if shape is None else Answer.of({"id": title.id, **shape})

    def _season(self, asked: Asked, number: str, season: str) -> Answer:
        title = self._title("tv", int(number))
        shape = self._season_shape(title, int(season)) if isinstance(title, Series) else None
        if title is None or shape is None:
            return error("not_found")
        return self._appended(shape, asked, lambda part: self._part(title, part, asked))

    def _episode(self, asked: Asked, number: str, season: str, episode: str) -> Answer:
        title = self._title("tv", int(number))
        if isinstance(title, Series):
            for one in title.season(int(season)):
                if one.number == int(episode):
                    return Answer.of(_stub(title, one) | {"crew": _crew(title), "guest_stars": []})
        return error("not_found")

    def _appended(self, shape: Shape, asked: Asked, part_of: Callable[[str], Shape | None]) -> Answer:
        wanted = [part for part in asked.query.get("append_to_response", "").split(",") if part]
        if len(wanted) > 20:
            return error("append")
        for part in wanted:
            found = part_of(part)
            if found is not None:
                shape[part] = found
        return Answer.of(shape)

    def _film(self, film: Film, asked: Asked) -> Shape:
        collection = None
        if film.collection:
            number, name = film.collection
            collection = {"id": number, "name": name, "poster_path": None, "backdrop_path": None}
        shape = _film_item(film, asked)
        del shape["genre_ids"]
        return shape | {
            "belongs_to_collection": collection,
            "budget": 0,
            "genres": _genres(film),
            "homepage": "",
            "imdb_id": film.imdb_id,
            "origin_country": [film.country],
            "production_companies": _companies(film.studio, film.country),
            "production_countries": _countries(film.country),
            "revenue": 0,
            "runtime": film.runtime,
            "spoken_languages": _spoken(film.language),
            "status": "Released" if film.released <= self.today.isoformat() else "Post Production",
            "tagline": film.tagline,
        }

    def _show(self, show: Series, asked: Asked) -> Shape:
        aired = [e for e in show.episodes if e.season and e.aired and e.aired <= self.today]
        coming = [e for e in show.episodes if e.season and e.aired and e.aired > self.today]
        shape = _show_item(show, asked)
        del shape["genre_ids"]
        regular = [e for e in show.episodes if e.season]
        return shape | {
            "created_by": [_person(show.creator) | {"credit_id": _hex(show.creator, 24)}],
            "episode_run_time": [],
            "genres": _genres(show),
            "homepage": "",
            "in_production": show.status == "Returning Series",
            "languages": [show.language],
            "last_air_date": _iso(aired[-1].aired) if aired else None,
            "last_episode_to_air": _stub(show, aired[-1]) if aired else None,
            "next_episode_to_air": _stub(show, coming[0]) if coming else None,
            "networks": [
                {"id": _number(show.network), "logo_path": None, "name": show.network, "origin_country": show.country}
            ],
            "number_of_episodes": len(regular),
            "number_of_seasons": len({e.season for e in regular}),
            "production_companies": _companies("", show.country),
            "production_countries": _countries(show.country),
            "seasons": [self._season_summary(show, number) for number in show.seasons],
            "spoken_languages": _spoken(show.language),
            "status": show.status,
            "tagline": show.tagline,
            "type": show.type,
        }

    def _season_summary(self, show: Series, number: int) -> Shape:
        episodes = show.season(number)
        return {
            "air_date": _iso(episodes[0].aired),
            "episode_count": len(episodes),
            "id": show.id * 100 + number % 100,
            "name": "Specials" if number == 0 else f"Season {number}",
            "overview": "",
            "poster_path": _poster(show),
            "season_number": number,
            "vote_average": show.rating,
        }

    def _season_shape(self, show: Series, number: int) -> Shape | None:
        if number not in show.seasons:
            return None
        summary = self._season_summary(show, number)
        del summary["episode_count"]
        return summary | {
            "_id": _hex(f"{show.id}-{number}", 24),
            "networks": [],
            "episodes": [_stub(show, e) | {"crew": _crew(show), "guest_stars": []} for e in show.season(number)],
        }

    def _part(self, title: Title, part: str, asked: Asked) -> Shape | None:
        film = title if isinstance(title, Film) else None
        show = title if isinstance(title, Series) else None
        match part:
            case "credits":
                return {"cast": _cast(title), "crew": _crew(title)}
            case "aggregate_credits" if show:
                count = len(show.episodes)
                cast = [
                    {k: v for k, v in member.items() if k not in ("character", "credit_id")}
                    | {
                        "roles": [
                            {"credit_id": member["credit_id"], "character": member["character"], "episode_count": count}
                        ],
                        "total_episode_count": count,
                    }
                    for member in _cast(show)
                ]
                return {"cast": cast, "crew": []}
            case "images":
                return self._images(title, asked)
            case "videos":
                return {"results": _videos(title)}
            case "external_ids":
                shape: Shape = {
                    "imdb_id": title.imdb_id,
                    "wikidata_id": None,
                    "facebook_id": None,
                    "instagram_id": None,
                }
                if show:
                    shape |= {"tvdb_id": show.tvdb_id, "tvrage_id": None, "freebase_mid": None}
                return shape | {"twitter_id": None}
            case "release_dates" if film:
                return {"results": _release_dates(film)}
            case "content_ratings" if show:
                rated = (
                    [{"descriptors": [], "iso_3166_1": "US", "rating": show.certification}]
                    if show.certification
                    else []
                )
                return {"results": rated}
            case "keywords":
                words = [{"id": _number(word), "name": word} for word in title.keywords]
                return {"keywords": words} if film else {"results": words}
            case "alternative_titles":
                others = [{"iso_3166_1": country, "title": text, "type": ""} for country, text in title.alternative]
                return {"titles": others} if film else {"results": others}
            case "translations":
                return {"translations": _translations(title)}
            case "recommendations" | "similar":
                return _paged(
                    [self._item(other, asked) | {"media_type": _kind(other)} for other in self._related(title)], 1
                )
            case "watch/providers":
                return {"results": {}}
            case "reviews" | "lists":
                return _paged([], 1)
            case "episode_groups" if show:
                return {"results": []}
        if show and (match := re.fullmatch(r"season/(\d+)", part)):
            return self._season_shape(show, int(match[1]))
        return None

    def _images(self, title: Title, asked: Asked) -> Shape:
        def entry(path: str, width: int, height: int, language: str | None) -> Shape:
            return {
                "aspect_ratio": round(width / height, 3), "height": height, "iso_639_1": language, "file_path": path,
                "vote_average": 5.3, "vote_count": 4, "width": width,
            }  # fmt: skip

        logo = f"/logo-{_slug(title)}.svg"
        found = {
            "backdrops": [entry(_backdrop(title), 1920, 1080, None)],
            "logos": [entry(logo, 800, 310, "en")],
            "posters": [entry(_poster(title), 2000, 3000, "en")],
        }
        # TMDB filters by `language` unless `include_image_language` widens it; untranslated art has no language.
        wanted = asked.query.get("include_image_language") or asked.query.get("language", "")[:2]
        if not wanted:
            return found
        languages = [None if word == "null" else word[:2] for word in wanted.split(",")]
        return {kind: [e for e in entries if e["iso_639_1"] in languages] for kind, entries in found.items()}

    # Lists

    def _search(self, asked: Asked, kind: str) -> Answer:
        query = asked.query.get("query", "").strip()
        if not query:
            return Answer.of({"errors": ["query must be provided"]}, 422)
        if kind == "multi":
            hits: list[Title] = [*self._hits("movie", query, asked), *self._hits("tv", query, asked)]
            return self._page(asked, hits, media_type=True)
        if kind in ("movie", "tv"):
            return self._page(asked, self._hits(kind, query, asked))
        return self._page(asked, [])

    def _hits(self, kind: str, query: str, asked: Asked) -> list[Title]:
        wanted = _folded(query)
        hits: list[tuple[int, float, Title]] = []
        for title in self._all(kind):
            names = [_folded(name) for name in _names(title)]
            if not all(
                any(word.startswith(part) for name in names for word in name.split()) for part in wanted.split()
            ):
                continue
            if not _year_fits(title, asked):
                continue
            exact = 0 if wanted in names else 1
            hits.append((exact, -title.popularity, title))
        return [title for _, _, title in sorted(hits, key=lambda hit: hit[:2])]

    def _trending(self, asked: Asked, kind: str, window: str) -> Answer:
        kinds = ("movie", "tv") if kind == "all" else (kind,)
        hits = [title for one in kinds if one != "person" for title in self._all(one)]
        return self._page(asked, sorted(hits, key=lambda t: -t.popularity), media_type=True)

    def _list(self, asked: Asked, kind: str, name: str) -> Answer:
        titles = list(self._all(kind))
        extra: Shape = {}
        if name in ("now_playing", "upcoming"):
            extra = {"dates": {"maximum": self.today.isoformat(), "minimum": self.today.isoformat()}}
        if name in ("on_the_air", "airing_today"):
            titles = [t for t in titles if isinstance(t, Series) and t.status == "Returning Series"]
        rank: Callable[[Title], float] = (lambda t: -t.rating) if name == "top_rated" else (lambda t: -t.popularity)
        return self._page(asked, sorted(titles, key=rank), extra=extra)

    def _discover(self, asked: Asked, kind: str) -> Answer:
        titles = [title for title in self._all(kind) if _year_fits(title, asked)]
        wanted = asked.query.get("with_genres", "")
        if wanted:
            numbers = {int(n) for n in re.findall(r"\d+", wanted)}
            enough = any if "|" in wanted else all
            titles = [t for t in titles if enough(n in {GENRES[g] for g in t.genres} for n in numbers)]
        field, _, direction = asked.query.get("sort_by", "popularity.desc").partition(".")
        keys: dict[str, Callable[[Title], Any]] = {
            "popularity": lambda t: t.popularity, "vote_average": lambda t: t.rating, "vote_count": lambda t: t.votes,
            "primary_release_date": _first, "release_date": _first, "first_air_date": _first,
            "original_title": lambda t: t.original_title or t.title, "name": lambda t: t.title,
        }  # fmt: skip
        ranked = sorted(titles, key=keys.get(field, keys["popularity"]), reverse=direction != "asc")
        return self._page(asked, ranked)

    def _find(self, asked: Asked, number: str) -> Answer:
        source = asked.query.get("external_source", "")
        films = [f for f in self.films if source == "imdb_id" and f.imdb_id == number]
        shows = [
            s
            for s in self.series
            if (source == "imdb_id" and s.imdb_id == number) or (source == "tvdb_id" and str(s.tvdb_id) == number)
        ]
        return Answer.of({
            "movie_results": [_film_item(f, asked) | {"media_type": "movie"} for f in films],
            "person_results": [],
            "tv_results": [_show_item(s, asked) | {"media_type": "tv"} for s in shows],
            "tv_episode_results": [],
            "tv_season_results": [],
        })  # fmt: skip

    def _collection(self, asked: Asked, number: str) -> Answer:
        parts = [film for film in self.films if film.collection and film.collection[0] == int(number)]
        if not parts or parts[0].collection is None:
            return error("not_found")
        return Answer.of({
            "id": int(number), "name": parts[0].collection[1], "original_language": "en",
            "original_name": parts[0].collection[1], "overview": "", "poster_path": _poster(parts[0]),
            "backdrop_path": _backdrop(parts[0]),
            "parts": [_film_item(film, asked) | {"media_type": "movie"} for film in parts],
        })  # fmt: skip

    def _user_list(self, asked: Asked, number: str) -> Answer:
        if number != "1":
            return error("not_found")
        items = [_film_item(film, asked) | {"media_type": "movie"} for film in self.films[:8]]
        return Answer.of({
            "created_by": "somebody", "description": "Open films.", "favorite_count": 0, "id": 1, "iso_639_1": "en",
            "item_count": len(items), "items": items, "name": "Open films", "poster_path": None,
        })  # fmt: skip

    def _genre_list(self, asked: Asked, kind: str) -> Answer:
        used = {genre for title in self._all(kind) for genre in title.genres}
        return Answer.of({"genres": [{"id": GENRES[name], "name": name} for name in sorted(used)]})

    def _configuration(self, asked: Asked) -> Answer:
        images = {"base_url": f"{self.image_url}/", "secure_base_url": f"{self.image_url}/", **_SIZES}
        return Answer.of({"images": images, "change_keys": ["adult", "air_date", "images", "title"]})

    def _configuration_part(self, asked: Asked, part: str) -> Answer:
        if part == "countries":
            return Answer.of([{"iso_3166_1": c, "english_name": n, "native_name": n} for c, n in _COUNTRIES.items()])
        if part == "languages":
            return Answer.of([{"iso_639_1": c, "english_name": n, "name": n} for c, n in _LANGUAGES.items()])
        return error("not_found")

    def _certifications(self, asked: Asked, kind: str) -> Answer:
        marks = ("G", "PG", "PG-13", "R", "NR") if kind == "movie" else ("TV-PG", "TV-14", "TV-MA")
        rows = [{"certification": mark, "meaning": "", "order": order} for order, mark in enumerate(marks)]
        return Answer.of({"certifications": {"US": rows}})

    def _page(
        self, asked: Asked, titles: list[Title], *, media_type: bool = False, extra: Shape | None = None
    ) -> Answer:
        text = asked.query.get("page", "1")
        if not text.isdigit() or not 1 <= int(text) <= 500:
            return error("bad_page")
        items = [self._item(t, asked) | ({"media_type": _kind(t)} if media_type else {}) for t in titles]
        return Answer.of((extra or {}) | _paged(items, int(text)))

    # Titles

    def _all(self, kind: str) -> Iterable[Title]:
        return self.films if kind == "movie" else self.series

    def _title(self, kind: str, number: int) -> Title | None:
        return next((title for title in self._all(kind) if title.id == number), None)

    def _item(self, title: Title, asked: Asked) -> Shape:
        return _film_item(title, asked) if isinstance(title, Film) else _show_item(title, asked)

    def _related(self, title: Title) -> list[Title]:
        kin = [t for t in self._all(_kind(title)) if t.id != title.id and set(t.genres) & set(title.genres)]
        return sorted(kin, key=lambda t: -t.popularity)[:8]

    # Images

    def _image(self, path: str) -> Answer:
        match = re.fullmatch(r"/t/p/(original|[wh]\d+)(?:_and_h\d+\w*)?/([\w-]+)\.(jpg|png|svg)", path)
        if match is None:
            return Answer(404, b"", content_type="text/html")
        size, name, kind = match.groups()
        known = {_path_name(p) for t in (*self.films, *self.series) for p in (_poster(t), _backdrop(t))}
        known |= {_path_name(f"/logo-{_slug(t)}.svg") for t in (*self.films, *self.series)}
        if name not in known and not name.startswith(("still-", "person-")):
            return Answer(404, b"", content_type="text/html")
        if kind == "svg":
            words = name.removeprefix("logo-").replace("-", " ").title()
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 310"><text x="20" y="180">{words}</text></svg>'
            return Answer(200, svg.encode(), {"Cache-Control": "public, max-age=31536000"}, "image/svg+xml")
        titles = {_slug(t): t.title for t in (*self.films, *self.series)}
        body = _drawn(name, size, kind, titles.get(name.split("--")[0], name))
        media = "image/png" if kind == "png" else "image/jpeg"
        return Answer(200, body, {"Cache-Control": "public, max-age=31536000"}, media)


def _paged(items: list[Shape], page: int) -> Shape:
    pages = -(-len(items) // _PAGE)
    return {
        "page": page,
        "results": items[(page - 1) * _PAGE : page * _PAGE],
        "total_pages": max(pages, 1) if items else 1,
        "total_results": len(items),
    }


@lru_cache(maxsize=65536)
def _folded(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", plain.replace("'", "")))


def _names(title: Title) -> list[str]:
    others = [name for _, name in title.alternative] + [t.title for t in title.translations.values()]
    return [title.title, *([title.original_title] if title.original_title else []), *others]


def _first(title: Title) -> str:
    if isinstance(title, Film):
        return title.released
    return _iso(next((e.aired for e in title.episodes if e.season and e.aired), None)) or ""


def _year_fits(title: Title, asked: Asked) -> bool:
    wanted = next(
        (
            asked.query[name]
            for name in ("primary_release_year", "year", "first_air_date_year")
            if asked.query.get(name)
        ),
        None,
    )
    if wanted is None:
        return True
    if isinstance(title, Series) and "year" in asked.query:
        return any(e.aired and str(e.aired.year) == wanted for e in title.episodes)
    return _first(title).startswith(wanted)


def _told(title: Title, asked: Asked) -> tuple[str, str]:
    """The title and overview in the requested language; TMDB leaves an untranslated overview empty."""
    language = asked.query.get("language", "en")[:2]
    if language == "en":
        return title.title, title.overview
    if language in title.translations:
        return title.translations[language].title, title.translations[language].overview
    return (title.original_title or title.title, title.overview) if language == title.language else (title.title, "")


def _film_item(film: Film, asked: Asked) -> Shape:
    title, overview = _told(film, asked)
    return {
        "adult": film.adult, "backdrop_path": _backdrop(film), "genre_ids": [GENRES[g] for g in film.genres], "id": film.id,
        "original_language": film.language, "original_title": film.original_title or film.title, "overview": overview,
        "popularity": film.popularity, "poster_path": _poster(film), "release_date": film.released, "title": title,
        "video": False, "vote_average": film.rating, "vote_count": film.votes,
    }  # fmt: skip


def _show_item(show: Series, asked: Asked) -> Shape:
    title, overview = _told(show, asked)
    return {
        "adult": False, "backdrop_path": _backdrop(show), "genre_ids": [GENRES[g] for g in show.genres], "id": show.id,
        "origin_country": [show.country], "original_language": show.language,
        "original_name": show.original_title or show.title, "overview": overview, "popularity": show.popularity,
        "poster_path": _poster(show), "first_air_date": _first(show), "name": title, "vote_average": show.rating,
        "vote_count": show.votes,
    }  # fmt: skip


def _stub(show: Series, episode: Episode) -> Shape:
    return {
        "air_date": _iso(episode.aired), "episode_number": episode.number, "episode_type": episode.kind,
        "id": show.id * 10_000 + (episode.season % 90) * 100 + episode.number,
        "name": episode.title or f"Episode {episode.number}", "overview": episode.overview, "production_code": "",
        "runtime": episode.runtime, "season_number": episode.season, "show_id": show.id,
        "still_path": f"/still-{_slug(show)}--{episode.season}-{episode.number}.jpg" if episode.title else None,
        "vote_average": show.rating, "vote_count": 12,
    }  # fmt: skip


def _cast(title: Title) -> list[Shape]:
    return [
        _person(name) | {"character": role, "credit_id": _hex(name + role, 24), "order": order}
        for order, (name, role) in enumerate(title.cast)
    ]


def _crew(title: Title) -> list[Shape]:
    maker, job = (title.director, "Director") if isinstance(title, Film) else (title.creator, "Director")
    return [_person(maker) | {"credit_id": _hex(maker, 24), "department": "Directing", "job": job}]


def _person(name: str) -> Shape:
    return {
        "adult": False, "gender": 0, "id": _number(name), "known_for_department": "Acting", "name": name,
        "original_name": name, "popularity": 2.5, "profile_path": f"/person-{_number(name)}.jpg",
    }  # fmt: skip


def _videos(title: Title) -> list[Shape]:
    if not title.trailer:
        return []
    return [{
        "iso_639_1": "en", "iso_3166_1": "US", "name": "Official Trailer", "key": title.trailer, "site": "YouTube",
        "size": 1080, "type": "Trailer", "official": True, "published_at": "2012-01-01T00:00:00.000Z",
        "id": _hex(title.trailer, 24),
    }]  # fmt: skip


def _release_dates(film: Film) -> list[Shape]:
    def entry(day: str, kind: int, mark: str = "") -> Shape:
        return {
            "certification": mark, "descriptors": [], "iso_639_1": "", "note": "",
            "release_date": f"{day}T00:00:00.000Z", "type": kind,
        }  # fmt: skip

    dates = [entry(film.released, 3, film.certification)]
    dates += [entry(film.digital, 4)] if film.digital else []
    dates += [entry(film.physical, 5)] if film.physical else []
    return [{"iso_3166_1": "US", "release_dates": dates}]


def _translations(title: Title) -> list[Shape]:
    key = "title" if isinstance(title, Film) else "name"
    told_in = {"en": Translation(title.title, title.overview), **title.translations}
    return [
        {
            "iso_3166_1": "US" if language == "en" else language.upper(),
            "iso_639_1": language,
            "name": _LANGUAGES.get(language, language),
            "english_name": _LANGUAGES.get(language, language),
            "data": {key: told.title, "overview": told.overview, "homepage": "", "tagline": ""},
        }
        for language, told in told_in.items()
    ]


def _genres(title: Title) -> list[Shape]:
    return [{"id": GENRES[name], "name": name} for name in title.genres]


def _companies(name: str, country: str) -> list[Shape]:
    return [{"id": _number(name), "logo_path": None, "name": name, "origin_country": country}] if name else []


def _countries(country: str) -> list[Shape]:
    return [{"iso_3166_1": country, "name": _COUNTRIES.get(country, country)}]


def _spoken(language: str) -> list[Shape]:
    name = _LANGUAGES.get(language, language)
    return [{"english_name": name, "iso_639_1": language, "name": name}]


def _kind(title: Title) -> str:
    return "movie" if isinstance(title, Film) else "tv"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16)


def _hex(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _slug(title: Title) -> str:
    return "-".join(_folded(title.title).split()) + f"-{_kind(title)}-{title.id}"


def _poster(title: Title) -> str:
    return f"/{_slug(title)}--poster{f'-{title.art}' if title.art else ''}.jpg"


def _backdrop(title: Title) -> str:
    art = getattr(title, "backdrop", None) or title.art
    return f"/{_slug(title)}--backdrop{f'-{art}' if art else ''}.jpg"


def _path_name(path: str) -> str:
    return path.strip("/").rsplit(".", 1)[0]


@lru_cache(maxsize=2048)
def _drawn(name: str, size: str, kind: str, words: str) -> bytes:
    """Draw a picture for a path: the project's own artwork if there is any, else the title on a colour."""
    role = (
        "still"
        if name.startswith("still-")
        else "person"
        if name.startswith("person-")
        else name.split("--")[1].split("-", maxsplit=1)[0]
    )
    art = name.split("--")[1].removeprefix(role).removeprefix("-") if role in ("poster", "backdrop") else ""
    full = {"poster": (780, 1170), "backdrop": (1280, 720), "still": (640, 360), "person": (400, 600)}[role]
    if size.startswith("w"):
        width = min(int(size[1:]), full[0])
        target = (width, round(full[1] * width / full[0]))
    elif size.startswith("h"):
        height = min(int(size[1:]), full[1])
        target = (round(full[0] * height / full[1]), height)
    else:
        target = full
    image = _from_art(role, art, full) if art else _plain(role, name, words, full)
    image = image.resize(target, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if kind == "png":
        image.save(out, "PNG")
    else:
        image.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def _from_art(role: str, art: str, full: tuple[int, int]) -> Image.Image:
    with Image.open(_ART / f"{art}.jpg") as source:
        picture = source.convert("RGB")
    if role == "poster" or picture.width > picture.height:
        return picture.resize(full, Image.Resampling.LANCZOS)
    # A wide picture from a tall one: the upper part enlarged and softened, so that no half letters show.
    scale = full[0] / picture.width
    wide = picture.resize((full[0], round(picture.height * scale)), Image.Resampling.BICUBIC)
    top = round(wide.height * 0.12)
    return wide.crop((0, top, full[0], top + full[1])).filter(ImageFilter.GaussianBlur(18))


def _plain(role: str, name: str, words: str, full: tuple[int, int]) -> Image.Image:
    seed = hashlib.sha256(name.encode()).digest()
    hue = seed[0] * 360 // 256
    top, bottom = _rgb(hue, 0.45, 0.30), _rgb((hue + 40) % 360, 0.55, 0.62)
    image = Image.new("RGB", (1, 64))
    for y in range(64):
        image.putpixel((0, y), tuple(round(a + (b - a) * y / 63) for a, b in zip(top, bottom, strict=True)))
    image = image.resize(full, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    width, height = full
    cx, cy, radius = width * (0.3 + seed[1] / 640), height * (0.3 + seed[2] / 1280), min(full) * 0.24
    draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=_rgb((hue + 180) % 360, 0.5, 0.72))
    draw.polygon([(0, height * 0.78), (width * 0.4, height * 0.58), (width, height * 0.80), (width, height), (0, height)],
                 fill=_rgb(hue, 0.4, 0.16))  # fmt: skip
    if role == "poster":
        font = ImageFont.load_default(size=round(width * 0.105))
        lines: list[str] = [""]
        for word in words.upper().split():
            longer = f"{lines[-1]} {word}".strip()
            if draw.textlength(longer, font=font) > width * 0.86 and lines[-1]:
                lines.append(word)
            else:
                lines[-1] = longer
        draw.multiline_text(
            (width / 2, height * 0.86), "\n".join(lines), font=font, fill="#f4efe6", anchor="mm", align="center"
        )
    return image


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    import colorsys

    r, g, b = colorsys.hsv_to_rgb(hue / 360, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Answer]], ...] = tuple(
    (re.compile(pattern), method)
    for pattern, method in (
        (r"configuration", Tmdb._configuration),
        (r"configuration/(\w+)", Tmdb._configuration_part),
        (r"search/(movie|tv|multi|person|collection|keyword|company)", Tmdb._search),
        (r"trending/(all|movie|tv|person)/(day|week)", Tmdb._trending),
        (r"discover/(movie|tv)", Tmdb._discover),
        (r"genre/(movie|tv)/list", Tmdb._genre_list),
        (r"certification/(movie|tv)/list", Tmdb._certifications),
        (r"find/(\w+)", Tmdb._find),
        (r"collection/(\d+)", Tmdb._collection),
        (r"list/(\d+)", Tmdb._user_list),
        (rf"(movie)/({'|'.join(_LISTS['movie'])})", Tmdb._list),
        (rf"(tv)/({'|'.join(_LISTS['tv'])})", Tmdb._list),
        (r"(movie|tv)/(\d+)", Tmdb._details),
        (r"tv/(\d+)/season/(\d+)", Tmdb._season),
        (r"tv/(\d+)/season/(\d+)/episode/(\d+)", Tmdb._episode),
        (r"(movie|tv)/(\d+)/([a-z_/]+)", Tmdb._sub),
    )
)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for TMDB.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    wish = parser.parse_args()
    server = Tmdb(port=wish.port, host=wish.host)
    print(
        f"TMDB stand-in: TMDB_API_URL={server.api_url} TMDB_IMAGE_URL={server.image_url} TMDB_API_KEY={KEY}", flush=True
    )
    server.serve_forever()


if __name__ == "__main__":
    main()

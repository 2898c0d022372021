"""A stand-in for TheTVDB v4 with the same login, envelope and two error formats.

As a context manager in tests, or by itself: `python -m tests.fakes.tvdb --port 4011`.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

from mydia import clock
from tests.fakes import catalogue
from tests.fakes.catalogue import Episode, Film, Series
from tests.fakes.stand_in import Answer, Asked, StandIn

KEY = "tvdb-0123-4567-89ab"
"""The API key that the stand-in accepts."""

_PAGE = 500
_LANGUAGES = {"en": "eng", "de": "deu", "fr": "fra", "ja": "jpn", "ru": "rus", "sv": "swe", "pl": "pol"}
_COUNTRIES = {"US": "usa", "GB": "gbr", "DE": "deu", "FR": "fra", "JP": "jpn", "IE": "irl", "PL": "pol", "NL": "nld"}
_STATUS = {"Returning Series": (1, "Continuing"), "Ended": (2, "Ended"), "Canceled": (2, "Ended")}
_OFFICIAL = {"id": 1, "name": "Aired Order", "type": "official", "alternateName": None}
_DVD = {"id": 2, "name": "DVD Order", "type": "dvd", "alternateName": None}

type Shape = dict[str, Any]


def _failure(status: int, message: str) -> Answer:
    return Answer.of({"status": "failure", "message": message, "data": None}, status)


def _found(data: Any, links: Shape | None = None) -> Answer:
    return Answer.of({"status": "success", "data": data} | ({"links": links} if links else {}))


class Tvdb(StandIn):
    """TheTVDB with the titles of `catalogue`."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", today: date | None = None, key: str = KEY) -> None:
        super().__init__(port=port, host=host)
        self.key = key
        self.token_life_s = 30 * 86_400
        self.now_s: Callable[[], float] = lambda: clock.now().timestamp()
        self.logins = 0
        self.series: list[Series] = list(catalogue.series(today or clock.now().date()))
        self.films: list[Film] = [film for film in catalogue.FILMS if film.tvdb_id]
        self._tokens: set[str] = set()
        self._token_lock = threading.Lock()

    @property
    def api_url(self) -> str:
        """The value of `TVDB_API_URL`."""
        return f"{self.url}/v4"

    def end_sessions(self) -> None:
        """Revoke all issued tokens."""
        with self._token_lock:
            self._tokens.clear()

    def error_body(self, kind: str) -> Answer:
        """Answer with an active fault."""
        return {
            "limited": Answer.of({"message": "Too Many Requests"}, 429),
            "error": _failure(500, "InternalServerError"),
            "maintenance": Answer.of({"message": "Service Unavailable"}, 503),
            "not_found": _failure(404, "NotFoundException: error fetching series"),
            "bad_key": Answer.of({"message": "Unauthorized"}, 401),
        }[kind]

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        path = asked.path.removeprefix("/v4")
        if path == "/login":
            return self._login(asked)
        with self._token_lock:
            known = asked.headers.get("authorization", "").removeprefix("Bearer ") in self._tokens
        if not known:
            return Answer.of({"message": "Unauthorized"}, 401)
        for pattern, method in _ROUTES:
            if match := pattern.fullmatch(path):
                return method(self, asked, *match.groups())
        return (
            _failure(400, "InvalidValueType: id invalid")
            if re.search(r"/\d*[a-z]+\d", path)
            else _failure(404, "Not Found")
        )

    def _login(self, asked: Asked) -> Answer:
        if asked.method != "POST":
            return Answer.of({"message": "Method Not Allowed"}, 405)
        self.logins += 1
        if json.loads(asked.body or b"{}").get("apikey") != self.key:
            return _failure(401, "InvalidAPIKey: apikey invalid")
        claims = json.dumps({"exp": int(self.now_s() + self.token_life_s), "n": self.logins}).encode()
        token = f"eyJhbGciOiJub25lIn0.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"
        with self._token_lock:
            self._tokens.add(token)
        return _found({"token": token})

    def _search(self, asked: Asked) -> Answer:
        query = (asked.query.get("query") or asked.query.get("q") or "").casefold()
        if not query and not asked.query.get("remote_id"):
            return _failure(400, "InvalidValueType: query required")
        kind = asked.query.get("type")
        hits: list[Shape] = []
        if kind in (None, "series"):
            hits += [self._series_hit(s) for s in self.series if _matches(s, query, asked.query.get("year"))]
        if kind in (None, "movie"):
            hits += [self._film_hit(f) for f in self.films if _matches(f, query, asked.query.get("year"))]
        return _found(hits, {"prev": None, "self": self.url, "next": None, "total_items": len(hits), "page_size": 50})

    def _remote(self, asked: Asked, number: str) -> Answer:
        hits: list[Shape] = [{"series": self._base(s)} for s in self.series if s.imdb_id == number]
        hits += [{"movie": self._film_base(f)} for f in self.films if f.imdb_id == number]
        return _found(hits)

    def _series(self, asked: Asked, number: str) -> Answer:
        show = self._show(number)
        return _found(self._base(show)) if show else _failure(404, "NotFoundException: error fetching series")

    def _extended(self, asked: Asked, number: str) -> Answer:
        show = self._show(number)
        if show is None:
            return _failure(404, "NotFoundException: error fetching series")
        short = asked.query.get("short") == "true"
        shape = self._base(show) | {
            "artworks": None if short else self._artworks(show),
            "characters": None if short else _characters(show),
            "companies": [],
            "contentRatings": [{"id": 1, "name": show.certification, "country": "usa", "description": ""}] if show.certification else [],
            "genres": [{"id": i, "name": name, "slug": name.lower()} for i, name in enumerate(show.genres, 1)],
            "originalNetwork": {"id": 1, "name": show.network, "slug": show.network.lower()},
            "latestNetwork": {"id": 1, "name": show.network, "slug": show.network.lower()},
            "remoteIds": _remote_ids(show.imdb_id, show.id, 12, "TheMovieDB.com"),
            "seasons": [
                self._season_base(show, number, order) for order in (_OFFICIAL, _DVD) for number in show.seasons
            ],
            "seasonTypes": [_OFFICIAL, _DVD],
            "tags": None,
            "trailers": [],
        }  # fmt: skip
        if "translations" in asked.query.get("meta", ""):
            shape["translations"] = {
                "nameTranslations": [{"name": show.title, "language": "eng"}, *_names(show)],
                "overviewTranslations": [{"overview": show.overview, "language": "eng"}, *_overviews(show)],
                "alias": [],
            }
        if "episodes" in asked.query.get("meta", "") and not short:
            shape["episodes"] = [self._episode(show, e) for e in show.episodes]
        return _found(shape)

    def _episodes(self, asked: Asked, number: str, order: str, language: str | None = None) -> Answer:
        show = self._show(number)
        if show is None:
            return _failure(404, "NotFoundException: error fetching series")
        text = asked.query.get("page", "0")
        if not text.isdigit():
            return _failure(400, "InvalidValueType: page invalid")
        page = int(text)
        episodes = [self._episode(show, e) for e in show.episodes]
        if asked.query.get("season"):
            episodes = [e for e in episodes if str(e["seasonNumber"]) == asked.query["season"]]
        if language not in (None, "eng", _LANGUAGES.get(show.language)):
            episodes = [e | {"name": None, "overview": None} for e in episodes]
        shown = episodes[page * _PAGE : (page + 1) * _PAGE]
        more = f"{self.url}{asked.path}?page={page + 1}" if len(episodes) > (page + 1) * _PAGE else None
        links = {"prev": None, "self": self.url, "next": more, "total_items": len(episodes), "page_size": _PAGE}
        # With a language the series contains its episodes, without one both are siblings.
        data = self._base(show) | {"episodes": shown} if language else {"series": self._base(show), "episodes": shown}
        return _found(data, links)

    def _season(self, asked: Asked, number: str, extended: str | None) -> Answer:
        for show in self.series:
            for season in show.seasons:
                if _season_number(show, season) == int(number):
                    shape = self._season_base(show, season, _OFFICIAL)
                    if extended:
                        shape |= {
                            "artwork": [],
                            "episodes": [self._episode(show, e) for e in show.season(season)],
                            "trailers": [],
                        }
                    return _found(shape)
        return _failure(404, "NotFoundException: error fetching season")

    def _one_episode(self, asked: Asked, number: str, extended: str | None) -> Answer:
        for show in self.series:
            for episode in show.episodes:
                shape = self._episode(show, episode)
                if shape["id"] == int(number):
                    return _found(shape | ({"characters": [], "remoteIds": []} if extended else {}))
        return _failure(404, "NotFoundException: error fetching episode")

    def _artwork(self, asked: Asked, number: str) -> Answer:
        for show in self.series:
            for row in self._artworks(show):
                if row["id"] == int(number):
                    return _found(row)
        return _failure(404, "NotFoundException: error fetching artwork")

    def _film(self, asked: Asked, number: str, extended: str | None) -> Answer:
        film = next((f for f in self.films if f.tvdb_id == int(number)), None)
        if film is None:
            return _failure(404, "NotFoundException: error fetching movie")
        shape = self._film_base(film)
        if extended:
            shape |= {
                "artworks": [], "characters": _characters(film), "contentRatings": [], "originalCountry": _COUNTRIES.get(film.country, "usa"),
                "originalLanguage": _LANGUAGES.get(film.language, "eng"), "genres": [{"id": 1, "name": name, "slug": name.lower()} for name in film.genres],
                "first_release": {"country": "global", "date": film.released, "detail": None}, "releases": [],
                "remoteIds": _remote_ids(film.imdb_id, film.id, 10, "TheMovieDB.com"), "studios": [{"id": 1, "name": film.studio}],
                "trailers": [], "companies": {"production": []}, "tagOptions": [],
                "translations": {"nameTranslations": [{"name": film.title, "language": "eng"}, *_names(film)],
                                 "overviewTranslations": [{"overview": film.overview, "language": "eng"}, *_overviews(film)]},
            }  # fmt: skip
        return _found(shape)

    def _all_series(self, asked: Asked) -> Answer:
        return _found([self._base(show) for show in self.series])

    def _all_films(self, asked: Asked) -> Answer:
        return _found([self._film_base(film) for film in self.films])

    # Records

    def _show(self, number: str) -> Series | None:
        return next((s for s in self.series if s.tvdb_id == int(number)), None)

    def _base(self, show: Series) -> Shape:
        aired = [e.aired for e in show.episodes if e.season and e.aired]
        state, name = _STATUS.get(show.status, (3, "Upcoming"))
        return {
            "id": show.tvdb_id, "name": show.original_title or show.title, "slug": show.title.lower().replace(" ", "-"),
            "image": f"{self.url}/banners/posters/{show.tvdb_id}.jpg",
            "nameTranslations": ["eng", *(_LANGUAGES[code] for code in show.translations)], "overviewTranslations": ["eng"],
            "aliases": [{"language": "eng", "name": text} for _, text in show.alternative],
            "firstAired": aired[0].isoformat(), "lastAired": aired[-1].isoformat(), "nextAired": aired[-1].isoformat(),
            "score": int(show.popularity * 1000), "status": {"id": state, "name": name, "recordType": "series", "keepUpdated": state == 1},
            "originalCountry": _COUNTRIES.get(show.country, "usa"), "originalLanguage": _LANGUAGES.get(show.language, "eng"),
            "defaultSeasonType": 1, "isOrderRandomized": False, "lastUpdated": "2026-01-01 12:00:00",
            "averageRuntime": show.episodes[-1].runtime, "episodes": None, "overview": show.overview, "year": str(aired[0].year),
        }  # fmt: skip

    def _film_base(self, film: Film) -> Shape:
        return {
            "id": film.tvdb_id, "name": film.original_title or film.title, "slug": film.title.lower().replace(" ", "-"),
            "image": f"/banners/v4/movie/{film.tvdb_id}/posters/1.jpg", "nameTranslations": ["eng"], "overviewTranslations": ["eng"],
            "aliases": [], "score": int(film.popularity * 1000), "runtime": film.runtime,
            "status": {"id": 5, "name": "Released", "recordType": "movie", "keepUpdated": False},
            "lastUpdated": "2026-01-01 12:00:00", "year": film.released[:4],
        }  # fmt: skip

    def _season_base(self, show: Series, number: int, order: Shape) -> Shape:
        own = _season_number(show, number) + (0 if order is _OFFICIAL else 50_000_000)
        return {
            "id": own, "seriesId": show.tvdb_id, "type": order, "number": number, "nameTranslations": [], "overviewTranslations": [],
            "image": f"{self.url}/banners/seasons/{own}.jpg", "imageType": 7, "companies": {}, "lastUpdated": "2026-01-01 12:00:00",
        }  # fmt: skip

    def _episode(self, show: Series, episode: Episode) -> Shape:
        return {
            "id": _season_number(show, episode.season) * 1000 + episode.number, "seriesId": show.tvdb_id, "name": episode.title,
            "aired": episode.aired.isoformat() if episode.aired else None, "runtime": episode.runtime, "nameTranslations": ["eng"],
            "overview": episode.overview, "overviewTranslations": ["eng"], "image": None, "imageType": None, "isMovie": 0,
            "seasons": None, "number": episode.number, "absoluteNumber": episode.absolute or 0, "seasonNumber": episode.season,
            "lastUpdated": "2026-01-01 12:00:00", "finaleType": "season" if episode.kind == "finale" else None,
            "year": str(episode.aired.year) if episode.aired else None,
        }  # fmt: skip

    def _artworks(self, show: Series) -> list[Shape]:
        return [
            {"id": show.tvdb_id * 10 + kind, "image": f"{self.url}/banners/{what}/{show.tvdb_id}.jpg", "thumbnail": "", "language": None,
             "type": kind, "score": 100, "width": width, "height": height, "includesText": False}
            for kind, what, width, height in ((2, "posters", 680, 1000), (3, "backgrounds", 1920, 1080), (23, "logos", 800, 310))
        ]  # fmt: skip

    def _series_hit(self, show: Series) -> Shape:
        base = self._base(show)
        return {
            "objectID": f"series-{show.tvdb_id}", "id": f"series-{show.tvdb_id}", "tvdb_id": str(show.tvdb_id), "type": "series",
            "primary_type": "series", "name": base["name"], "slug": base["slug"], "year": base["year"],
            "first_air_time": base["firstAired"], "status": base["status"]["name"], "country": base["originalCountry"],
            "network": show.network, "primary_language": base["originalLanguage"], "overview": show.overview,
            "overviews": {"eng": show.overview}, "image_url": base["image"], "aliases": [text for _, text in show.alternative],
            "translations": {"eng": show.title} | {_LANGUAGES[code]: told.title for code, told in show.translations.items()},
            "remote_ids": _remote_ids(show.imdb_id, show.id, 12, "TheMovieDB.com"),
        }  # fmt: skip

    def _film_hit(self, film: Film) -> Shape:
        base = self._film_base(film)
        return {
            "objectID": f"movie-{film.tvdb_id}", "id": f"movie-{film.tvdb_id}", "tvdb_id": str(film.tvdb_id), "type": "movie",
            "primary_type": "movie", "name": base["name"], "slug": base["slug"], "year": base["year"], "overview": film.overview,
            "translations": {"eng": film.title}, "image_url": f"https://artworks.thetvdb.com{base['image']}",
            "primary_language": _LANGUAGES.get(film.language, "eng"),
            "remote_ids": _remote_ids(film.imdb_id, film.id, 10, "TheMovieDB.com"),
        }  # fmt: skip


def _season_number(show: Series, number: int) -> int:
    return show.tvdb_id * 10 + number % 10 if number < 100 else show.tvdb_id * 10 + 9


def _matches(title: Film | Series, query: str, year: str | None) -> bool:
    names = [title.title, title.original_title or "", *(text for _, text in title.alternative)]
    if not any(query in name.casefold() for name in names):
        return False
    if not year:
        return True
    first = (
        title.released
        if isinstance(title, Film)
        else next(e.aired.isoformat() for e in title.episodes if e.season and e.aired)
    )
    return first.startswith(year)


def _names(title: Film | Series) -> list[Shape]:
    return [{"name": told.title, "language": _LANGUAGES[code]} for code, told in title.translations.items()]


def _overviews(title: Film | Series) -> list[Shape]:
    return [{"overview": told.overview, "language": _LANGUAGES[code]} for code, told in title.translations.items()]


def _characters(title: Film | Series) -> list[Shape]:
    cast = [
        {
            "id": i,
            "name": role,
            "peopleId": 1000 + i,
            "type": 3,
            "sort": i,
            "peopleType": "Actor",
            "personName": name,
            "personImgURL": None,
        }
        for i, (name, role) in enumerate(title.cast)
    ]
    maker = title.director if isinstance(title, Film) else title.creator
    return [
        *cast,
        {"id": 99, "name": None, "peopleId": 999, "type": 1, "sort": 99, "peopleType": "Director", "personName": maker},
    ]


def _remote_ids(imdb_id: str, tmdb_id: int, kind: int, source: str) -> list[Shape]:
    return [{"id": imdb_id, "type": 2, "sourceName": "IMDB"}, {"id": str(tmdb_id), "type": kind, "sourceName": source}]


_ORDERS = "default|official|dvd|absolute|alternate|regional"
_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Answer]], ...] = tuple(
    (re.compile(pattern), method)
    for pattern, method in (
        (r"/search", Tvdb._search),
        (r"/search/remoteid/(\w+)", Tvdb._remote),
        (r"/series", Tvdb._all_series),
        (r"/movies", Tvdb._all_films),
        (r"/series/(\d+)", Tvdb._series),
        (r"/series/(\d+)/extended", Tvdb._extended),
        (rf"/series/(\d+)/episodes/({_ORDERS})", Tvdb._episodes),
        (rf"/series/(\d+)/episodes/({_ORDERS})/([a-z]{{2,4}})", Tvdb._episodes),
        (r"/seasons/(\d+)(/extended)?", Tvdb._season),
        (r"/episodes/(\d+)(/extended)?", Tvdb._one_episode),
        (r"/artwork/(\d+)", Tvdb._artwork),
        (r"/movies/(\d+)(/extended)?", Tvdb._film),
    )
)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for TheTVDB.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    wish = parser.parse_args()
    server = Tvdb(port=wish.port, host=wish.host)
    print(f"TheTVDB stand-in: TVDB_API_URL={server.api_url} TVDB_API_KEY={KEY}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""Undocumented catalogue responses: wrong types, missing fields, numbers too large, error pages."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from mydia.adapters.errors import AdapterError, Limited, Nonsense, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import (
    Candidate,
    Details,
    HttpFetch,
    Ids,
    RelayProvider,
    SeasonDetails,
    tmdb,
    tvdb,
)
from mydia.errors import NotFound
from mydia.vocabulary import MediaType
from tests.fakes.stand_in import Answer, Asked, StandIn

TMDB_FILM: dict[str, Any] = {
    "adult": False, "backdrop_path": "/b.jpg", "belongs_to_collection": {"id": 8, "name": "Blender"}, "genres": [{"id": 16, "name": "Animation"}],
    "homepage": "https://durian.blender.org", "id": 45745, "imdb_id": "tt1727587", "origin_country": ["NL"], "original_language": "en",
    "original_title": "Sintel", "overview": "A girl looks for a dragon.", "popularity": 8.1, "poster_path": "/p.jpg",
    "production_companies": [{"id": 1, "name": "Blender Foundation"}], "production_countries": [{"iso_3166_1": "NL", "name": "Netherlands"}],
    "release_date": "2010-09-30", "runtime": 15, "status": "Released", "tagline": "Hope.", "title": "Sintel", "vote_average": 7.3, "vote_count": 400,
    "alternative_titles": {"titles": [{"iso_3166_1": "DE", "title": "Sintel: Der Drache", "type": ""}]},
    "credits": {"cast": [{"id": 2, "name": "Halina Reijn", "character": "Sintel", "order": 0, "profile_path": None}],
                "crew": [{"id": 3, "name": "Colin Levy", "job": "Director", "department": "Directing", "profile_path": "/c.jpg"}]},
    "external_ids": {"imdb_id": "tt1727587", "wikidata_id": "Q152531", "facebook_id": None},
    "images": {"logos": [{"file_path": "/l.png"}], "posters": [{"file_path": "/p.jpg", "iso_639_1": "en", "width": 1000, "height": 1500}],
               "backdrops": [{"file_path": "/b.jpg", "iso_639_1": None, "width": 1920, "height": 1080}]},
    "keywords": {"keywords": [{"id": 1, "name": "dragon"}]},
    "recommendations": {"results": [{"id": 10378, "title": "Big Buck Bunny", "release_date": "2008-05-30", "poster_path": "/x.jpg"}]},
    "release_dates": {"results": [{"iso_3166_1": "US", "release_dates": [{"certification": "PG", "release_date": "2010-09-30T00:00:00.000Z", "type": 4}]}]},
    "translations": {"translations": [{"iso_639_1": "de", "iso_3166_1": "DE", "data": {"title": "Sintel", "overview": "Ein Mädchen."}}]},
    "videos": {"results": [{"site": "YouTube", "type": "Trailer", "key": "eRsGyueVLvQ", "name": "Trailer", "official": True, "iso_639_1": "en"}]},
}  # fmt: skip
TMDB_SERIES: dict[str, Any] = {
    "id": 32340, "name": "Pioneer One", "original_name": "Pioneer One", "first_air_date": "2010-06-16", "last_air_date": "2011-12-13",
    "status": "Ended", "type": "Scripted", "episode_run_time": [35], "genres": [{"id": 18, "name": "Drama"}], "networks": [{"name": "Web"}],
    "next_episode_to_air": None, "last_episode_to_air": {"runtime": 34}, "origin_country": ["US"], "original_language": "en",
    "created_by": [{"id": 5, "name": "Josh Bernhard"}], "seasons": [{"season_number": 1, "name": "Season 1", "episode_count": 6, "air_date": "2010-06-16"}],
    "content_ratings": {"results": [{"iso_3166_1": "US", "rating": "TV-14"}]}, "external_ids": {"tvdb_id": 170551, "imdb_id": "tt1748166"},
}  # fmt: skip
TMDB_SEASON: dict[str, Any] = {
    "name": "Season 1", "overview": "", "air_date": "2010-06-16", "poster_path": "/s.jpg",
    "episodes": [{"id": 1, "episode_number": 1, "name": "Earthfall", "overview": "x", "air_date": "2010-06-16", "runtime": 30,
                  "episode_type": "standard", "still_path": "/e.jpg", "vote_average": 7.5}],
}  # fmt: skip
TMDB_PAGE: dict[str, Any] = {"page": 1, "results": [{k: TMDB_FILM[k] for k in ("id", "title", "original_title", "overview", "poster_path", "popularity", "release_date", "adult")}]}  # fmt: skip
TVDB_SERIES: dict[str, Any] = {
    "status": "success",
    "data": {
        "id": 170551, "name": "Pioneer One", "image": "https://artworks.thetvdb.com/x.jpg", "firstAired": "2010-06-16", "lastAired": "2011-12-13",
        "nextAired": "", "score": 100, "status": {"id": 2, "name": "Ended"}, "originalCountry": "usa", "originalLanguage": "eng", "averageRuntime": 35,
        "overview": "A capsule falls.", "year": "2010", "genres": [{"id": 1, "name": "Drama"}], "aliases": [{"language": "deu", "name": "Pionier Eins"}],
        "artworks": [{"type": 2, "image": "/p.jpg", "language": "eng", "score": 5, "width": 680, "height": 1000},
                     {"type": 3, "image": "/b.jpg", "language": None, "score": 3}],
        "characters": [{"personName": "Alexandra Blatt", "name": "Sofie", "peopleType": "Actor", "sort": 1, "peopleId": 9, "personImgURL": "/a.jpg"}],
        "companies": {"production": [{"name": "VODO"}]}, "contentRatings": [{"country": "usa", "name": "TV-14"}], "latestNetwork": {"name": "VODO"},
        "remoteIds": [{"id": "tt1748166", "type": 2, "sourceName": "IMDB"}, {"id": "32340", "type": 12, "sourceName": "TheMovieDB.com"}],
        "seasons": [{"id": 1, "number": 1, "name": "Season 1", "image": "/s.jpg", "type": {"type": "official"}}], "tagOptions": [{"name": "mars"}],
        "trailers": [{"url": "https://youtu.be/x", "name": "Trailer", "language": "eng"}],
        "translations": {"nameTranslations": [{"language": "eng", "name": "Pioneer One"}], "overviewTranslations": [{"language": "eng", "overview": "x", "tagline": "y"}]},
    },
}  # fmt: skip
TVDB_EPISODES: dict[str, Any] = {
    "data": {"episodes": [{"id": 7, "seasonNumber": 1, "number": 1, "name": "Earthfall", "aired": "2010-06-16", "runtime": 30, "absoluteNumber": 1,
                           "image": "/e.jpg", "finaleType": None, "overview": "x"}]},
    "links": {"next": None},
}  # fmt: skip
TVDB_PAGE: dict[str, Any] = {
    "data": [{"tvdb_id": "170551", "type": "series", "name": "Pioneer One", "year": "2010", "aliases": ["Pionier Eins"], "translations": {"eng": "Pioneer One"},
              "overviews": {"eng": "x"}, "image_url": "https://artworks.thetvdb.com/x.jpg", "remote_ids": [{"id": "tt1748166", "type": 2}], "primary_language": "eng"}],
}  # fmt: skip

_READERS: dict[str, tuple[dict[str, Any], Callable[[Any], object]]] = {
    "tmdb film": (TMDB_FILM, lambda answer: tmdb.details(answer, MediaType.MOVIE, "de-DE", "AT")),
    "tmdb series": (TMDB_SERIES, lambda answer: tmdb.details(answer, MediaType.TV_SHOW, "en-US")),
    "tmdb season": (TMDB_SEASON, lambda answer: tmdb.season(answer, 1)),
    "tmdb search": (TMDB_PAGE, lambda answer: tmdb.candidates(answer, MediaType.MOVIE)),
    "tmdb find": ({"movie_results": TMDB_PAGE["results"]}, lambda answer: tmdb.found(answer, None)),
    "tvdb series": (TVDB_SERIES, lambda answer: tvdb.details(answer, MediaType.TV_SHOW, "en-US")),
    "tvdb film": (TVDB_SERIES, lambda answer: tvdb.details(answer, MediaType.MOVIE, "de-DE", "DE")),
    "tvdb season": (TVDB_EPISODES, lambda answer: tvdb.season(SeasonDetails(number=1, title=None), answer, 1)),
    "tvdb summary": (TVDB_SERIES, lambda answer: (tvdb.season_summary(answer, 1), tvdb.season_id(answer, 1))),
    "tvdb search": (TVDB_PAGE, lambda answer: tvdb.candidates(answer, MediaType.TV_SHOW, "de-DE")),
}
_ODD: tuple[object, ...] = (
    None, True, 0, -1, 1, 7.5, 10**30, 1e400, float("nan"), "", "x", "0", "²", "9" * 5000, "2010-13-45", "\ud800", "a\x00b", [], [None], [[]], ["x"],
    [{}], {}, {"id": "x"}, {"data": None},
)  # fmt: skip


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(part, (*path, name))


def _with(answer: Any, path: tuple[str | int, ...], odd: object, *, gone: bool = False) -> Any:
    changed = copy.deepcopy(answer)
    if not path:
        return odd
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    if gone:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return changed


def _storable(value: object) -> None:
    """Fail unless a database can store every text and number of a value."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _storable(getattr(value, name))
    elif isinstance(value, tuple | list):
        for part in value:
            _storable(part)
    elif isinstance(value, str):
        assert "\x00" not in value and value.encode().decode() == value
    elif isinstance(value, int):
        assert abs(value) < 2**31
    elif isinstance(value, float):
        json.dumps(value, allow_nan=False)


@pytest.mark.parametrize("name", _READERS)
def test_any_field_may_be_malformed_or_missing(name: str) -> None:
    answer, reader = _READERS[name]
    _storable(reader(answer))
    for path in _places(answer):
        for odd in (*_ODD, ...):
            try:
                found = reader(_with(answer, path, odd, gone=odd is ... and bool(path)))
            except (Nonsense, NotFound):
                continue
            except Exception as error:
                raise AssertionError(f"{odd!r} at {path}") from error
            _storable(found)


@pytest.mark.parametrize("name", _READERS)
def test_the_shapes_above_are_read_in_full(name: str) -> None:
    answer, reader = _READERS[name]
    found = reader(answer)
    if isinstance(found, Details):
        assert (found.title, bool(found.genres)) == (
            "Sintel" if "film" in name and "tmdb" in name else "Pioneer One",
            True,
        )
    elif isinstance(found, SeasonDetails):
        assert found.episodes and found.episodes[0].title == "Earthfall"
    elif isinstance(found, list):
        assert isinstance(found[0], Candidate) and found[0].year == 2010


class _Pages(StandIn):
    """Answers everything with one page."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.given = answer

    def answer(self, asked: Asked) -> Answer:
        return self.given


_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(429, _HTML, {"Retry-After": "7"}, "text/html"), Limited),
        (Answer(429, b"{}", {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}), Limited),
        (Answer(429, b"", {"Retry-After": "-5"}), Limited),
        (Answer(429, b"", {"Retry-After": "9" * 40}), Limited),
        (Answer(502, _HTML, {}, "text/html"), Unreachable),
        (Answer(503, b"", {}), Unreachable),
        (Answer(200, _HTML, {}, "text/html"), Nonsense),
        (Answer(200, b"", {}), Nonsense),
        (Answer(200, b"{", {}), Nonsense),
        (Answer(200, b"\xff\xfe", {}), Nonsense),
        (Answer(200, b"[" * 100_000, {}), Nonsense),
        (Answer(200, b"null", {}), Nonsense),
        (Answer(200, b'{"results": "none"}', {}), Nonsense),
        (Answer(400, _HTML, {}, "text/html"), AdapterError),
        (Answer(403, _HTML, {}, "text/html"), AdapterError),
    ],
)
def test_a_malformed_relay_response_raises_and_never_returns_an_empty_result(
    answer: Answer, error: type[Exception]
) -> None:
    http = Http()
    with _Pages(answer) as server:
        provider = RelayProvider(HttpFetch(http, server.url))
        with pytest.raises(error):
            provider.search(MediaType.MOVIE, "sintel")
        with pytest.raises(AdapterError):
            provider.details(MediaType.MOVIE, Ids(tmdb_id=45745))
    http.close()


def _dates(**regions: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "results": [
            {
                "iso_3166_1": code,
                "release_dates": [{"type": kind, "release_date": f"{day}T00:00:00.000Z"} for kind, day in days],
            }
            for code, days in regions.items()
        ]
    }


FIGHT_CLUB = _dates(
    US=[(3, "1999-10-15"), (5, "2000-04-25")],
    IN=[(4, "1999-10-15")],
    FR=[(3, "1999-11-10"), (4, "2011-01-03")],
    DE=[(3, "1999-11-11")],
)


@pytest.mark.parametrize(
    ("region", "origin", "dates", "digital", "physical"),
    [
        pytest.param("US", ["US"], FIGHT_CLUB, "2011-01-03", "2000-04-25", id="one wrong entry abroad"),
        pytest.param("FR", ["US"], FIGHT_CLUB, "2011-01-03", "2000-04-25", id="the household's own date"),
        pytest.param("AT", ["DE"], _dates(DE=[(4, "2020-05-01")], US=[(4, "2020-03-01")]), "2020-05-01", None, id="the film's country"),
        pytest.param("AT", ["US", "DE"], _dates(DE=[(4, "2020-05-01")]), "2020-05-01", None, id="its second country"),
        pytest.param("US", ["US"], _dates(US=[(3, "2020-05-01")], IN=[(4, "2020-05-03")]), None, None, id="only an implausible date"),
        pytest.param(
            "US", ["US"],
            _dates(US=[(3, "2020-05-01")], KR=[(4, "2020-05-20")], FR=[(4, "2020-09-01")], GB=[(4, "2020-09-14")], JP=[(4, "2021-01-01")]),
            "2020-09-01", None, id="one early country does not decide",
        ),
        pytest.param("US", ["IN"], _dates(IN=[(3, "2020-05-01"), (4, "2020-05-01")]), "2020-05-01", None, id="cinema and stream on one day at home"),
        pytest.param("US", [], _dates(FR=[(4, "2020-09-01")]), "2020-09-01", None, id="never in cinemas"),
    ],
)  # fmt: skip
def test_the_home_release_date_comes_from_the_configured_region_then_the_films_country_then_others(
    region: str, origin: list[str], dates: dict[str, Any], digital: str | None, physical: str | None
) -> None:
    film = TMDB_FILM | {
        "origin_country": origin,
        "production_countries": [],
        "release_dates": dates,
        "release_date": None,
    }
    found = tmdb.details(film, MediaType.MOVIE, "en-US", region)
    days = tuple(day.isoformat() if day else None for day in (found.digital_on, found.physical_on))
    assert days == (digital, physical)


def test_a_year_that_the_catalogue_puts_behind_a_title_becomes_another_title() -> None:
    record = TVDB_SERIES["data"] | {"name": "Castle (2009)", "firstAired": "2009-03-09", "translations": {}}
    series = tvdb.details({"data": record}, MediaType.TV_SHOW, "en-US")
    assert (series.title, series.year) == ("Castle", 2009)
    assert "Castle (2009)" in {other.title for other in series.titles}
    (hit,) = tvdb.candidates(
        {"data": [TVDB_PAGE["data"][0] | {"translations": {}, "name": "Castle (2009)", "year": "2009"}]},
        MediaType.TV_SHOW,
        "en-US",
    )
    assert (hit.title, "Castle (2009)" in hit.other_titles) == ("Castle", True)
    show = tmdb.details(
        TMDB_SERIES | {"name": "Battlestar Galactica (2003)", "first_air_date": "2003-12-08"},
        MediaType.TV_SHOW,
        "en-US",
    )
    assert (show.title, show.titles[0].title) == ("Battlestar Galactica", "Pioneer One")
    film = tmdb.details(TMDB_FILM | {"title": "Blade Runner (2049)"}, MediaType.MOVIE, "en-US")
    assert film.title == "Blade Runner (2049)"

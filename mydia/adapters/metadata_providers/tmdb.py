"""Translate TMDB's responses. Pure, except that a film's status depends on the current date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import replace
from datetime import date, timedelta
from typing import Any

from mydia import clock
from mydia.adapters.errors import Nonsense
from mydia.adapters.metadata_providers import read
from mydia.adapters.metadata_providers.base import (
    Artwork,
    Candidate,
    Details,
    EpisodeDetails,
    Ids,
    OtherTitle,
    PersonCredit,
    SeasonDetails,
    Video,
)
from mydia.vocabulary import MediaType

_SERVICE = "TMDB"
_ANIMATION = 16
_MAX_CAST = 30
_CREW = (
    "Director",
    "Writer",
    "Screenplay",
    "Novel",
    "Story",
    "Producer",
    "Original Music Composer",
    "Director of Photography",
    "Editor",
)
_FILM_STATUS = {
    "Rumored": "announced",
    "Planned": "announced",
    "In Production": "in_production",
    "Post Production": "in_production",
    "Canceled": "cancelled",
}
_SERIES_STATUS = {
    "Returning Series": "continuing",
    "Planned": "announced",
    "Pilot": "announced",
    "In Production": "in_production",
    "Ended": "ended",
    "Canceled": "cancelled",
}
_FINALES = {"finale": "season", "mid_season": "mid_season", "series_finale": "series"}
# Without a date for disc or streaming, a film counts as released at home this long after its cinema date, as in Radarr.
_HOME_AFTER = timedelta(days=90)
_CINEMA, _LIMITED, _DIGITAL, _PHYSICAL = 3, 2, 4, 5

_SHARED_PARTS = (
    "alternative_titles",
    "credits",
    "external_ids",
    "images",
    "keywords",
    "recommendations",
    "translations",
    "videos",
)


def details_params(type: MediaType, language: str) -> dict[str, str]:
    """Return the parameters that fetch all details of a title in one response."""
    parts = sorted((*_SHARED_PARTS, "release_dates" if type == MediaType.MOVIE else "content_ratings"))
    short = language.partition("-")[0]
    languages = [short, *(["en"] if short != "en" else []), "null"]
    return {
        "append_to_response": ",".join(parts),
        "include_image_language": ",".join(languages),
        "include_video_language": ",".join(languages),
    }


def candidates(answer: Any, type: MediaType) -> list[Candidate]:
    """Parse a page of titles."""
    results = read.part(answer, "results")
    if not isinstance(results, list):
        raise Nonsense(_SERVICE, "returned a search response without results")
    return [found for row in read.rows(results) if (found := _candidate(row, type)) is not None]


def found(answer: Any, type: MediaType | None) -> list[Candidate]:
    """Parse the response of a lookup by another catalogue's id."""
    lists = ((MediaType.MOVIE, "movie_results"), (MediaType.TV_SHOW, "tv_results"))
    return [
        candidate
        for kind, name in lists
        if type in (None, kind)
        for row in read.rows(read.part(answer, name))
        if (candidate := _candidate(row, kind)) is not None
    ]


def with_ids(candidate: Candidate, *, imdb_id: str | None, tvdb_id: int | None) -> Candidate:
    """Return the candidate with the ids that were used to find it."""
    ids = candidate.ids
    return replace(candidate, ids=Ids(ids.tmdb_id, ids.tvdb_id or tvdb_id, ids.imdb_id or imdb_id))


def _candidate(row: Mapping[str, Any], type: MediaType) -> Candidate | None:
    number = read.positive(row.get("id"))
    title = read.name(row.get("title")) or read.name(row.get("name"))
    if number is None or title is None:
        return None
    original = read.name(row.get("original_title")) or read.name(row.get("original_name"))
    year = read.year(row.get("release_date")) or read.year(row.get("first_air_date"))
    full, title = title, read.without_year(title, year)
    return Candidate(
        type=type,
        title=title,
        original_title=original,
        year=year,
        ids=Ids(tmdb_id=number),
        provider="tmdb",
        overview=read.text(row.get("overview")),
        poster_path=read.text(row.get("poster_path")),
        popularity=read.number(row.get("popularity")),
        original_language=read.text(row.get("original_language")),
        adult=row.get("adult") is True,
        other_titles=tuple(name for name in dict.fromkeys((original, full)) if name and name != title),
    )


def details(answer: Any, type: MediaType, language: str, region: str | None = None) -> Details:
    """Parse the details of a title."""
    number = read.positive(read.part(answer, "id"))
    if number is None:
        raise Nonsense(_SERVICE, "returned a title without an id")
    if not isinstance(answer.get("genres"), list):
        # TMDB always sends it, if only an empty one. What an incomplete answer leaves out would count as removed.
        raise Nonsense(_SERVICE, "returned an incomplete title")
    film = type == MediaType.MOVIE
    title = read.name(answer.get("title" if film else "name"))
    original = read.name(answer.get("original_title" if film else "original_name"))
    if title is None and original is None:
        raise Nonsense(_SERVICE, "returned a title without a name")
    region = region or language.partition("-")[2].upper() or "US"
    full = title or original or ""
    title = read.without_year(full, read.year(answer.get("release_date" if film else "first_air_date")))
    english = _translated(answer, "en")
    common = Details(
        type=type,
        title=title,
        original_title=original,
        ids=Ids(number, read.positive(read.part(answer, "external_ids", "tvdb_id")), _imdb_id(answer)),
        provider="tmdb",
        overview=read.text(answer.get("overview")) or read.text(english.get("overview")),
        tagline=read.text(answer.get("tagline")) or read.text(english.get("tagline")),
        original_language=read.text(answer.get("original_language")),
        rating=read.number(answer.get("vote_average")) or None,
        votes=read.whole(answer.get("vote_count")),
        popularity=read.number(answer.get("popularity")),
        genres=_names(answer.get("genres")),
        countries=_countries(answer),
        keywords=_names(read.part(answer, "keywords", "keywords") or read.part(answer, "keywords", "results")),
        poster_path=read.text(answer.get("poster_path")),
        backdrop_path=read.text(answer.get("backdrop_path")),
        logo_path=_logo(answer),
        trailer_url=_trailer(answer),
        homepage=read.text(answer.get("homepage")),
        titles=_titles(answer, title, original, full),
        credits=_credits(answer),
        adult=answer.get("adult") is True,
        posters=_artworks(answer, "posters"),
        backdrops=_artworks(answer, "backdrops"),
        videos=_videos(answer),
        external_ids=_external_ids(answer),
        recommendations=tuple(
            c
            for row in read.rows(read.part(answer, "recommendations", "results"))
            if (c := _candidate(row, type)) is not None
        ),
    )
    return _film(common, answer, region) if film else _series(common, answer, region)


def _film(common: Details, answer: Mapping[str, Any], region: str) -> Details:
    released = read.day(answer.get("release_date"))
    by_region = {
        read.text(row.get("iso_3166_1")): read.rows(row.get("release_dates"))
        for row in read.rows(read.part(answer, "release_dates", "results"))
    }
    near = (region, *_origin(answer))
    everywhere = [row for rows in by_region.values() for row in rows]
    cinema = _first_of(by_region, near, _CINEMA, _LIMITED) or released or _date_of(everywhere, _CINEMA, _LIMITED)
    opened = min((day for day in (released, _date_of(everywhere, _CINEMA, _LIMITED)) if day), default=None)
    digital = _first_of(by_region, near, _DIGITAL) or _elsewhere(by_region, opened, _DIGITAL)
    physical = _first_of(by_region, near, _PHYSICAL) or _elsewhere(by_region, opened, _PHYSICAL)
    home = by_region.get(region) or []
    marks = [
        mark
        for rows in (home, by_region.get("US") or [])
        for row in rows
        if (mark := read.text(row.get("certification")))
    ]
    return replace(
        common,
        year=released.year if released else None,
        status=_film_status(read.text(answer.get("status")), cinema, digital, physical),
        runtime_min=read.positive(answer.get("runtime")),
        certification=marks[0] if marks else None,
        certifications=_certifications(by_region),
        networks=_names(answer.get("production_companies")),
        cinema_on=cinema,
        digital_on=digital,
        physical_on=physical,
        collection_id=read.positive(read.part(answer, "belongs_to_collection", "id")),
        collection_name=read.text(read.part(answer, "belongs_to_collection", "name")),
    )


def _film_status(told: str | None, cinema: date | None, digital: date | None, physical: date | None) -> str | None:
    if told in _FILM_STATUS:
        return _FILM_STATUS[told]
    if told != "Released":
        return None
    today = clock.now().date()
    at_home = min((day for day in (digital, physical) if day), default=None)
    if at_home is not None:
        return "released" if at_home <= today else "in_cinemas"
    if cinema is not None and cinema + _HOME_AFTER > today:
        return "in_cinemas"
    return "released"


def _series(common: Details, answer: Mapping[str, Any], region: str) -> Details:
    first = read.day(answer.get("first_air_date"))
    ratings = {
        read.text(row.get("iso_3166_1")): read.text(row.get("rating"))
        for row in read.rows(read.part(answer, "content_ratings", "results"))
    }
    listed = answer.get("episode_run_time")
    minutes = [minute for value in (listed if isinstance(listed, list) else []) if (minute := read.positive(value))]
    latest = read.positive(read.part(answer, "last_episode_to_air", "runtime"))
    return replace(
        common,
        year=first.year if first else None,
        status=_SERIES_STATUS.get(read.text(answer.get("status")) or ""),
        runtime_min=minutes[0] if minutes else latest,
        certification=ratings.get(region) or ratings.get("US"),
        certifications=tuple((code, mark) for code, mark in ratings.items() if code and mark),
        networks=_names(answer.get("networks")),
        first_air_on=first,
        last_air_on=read.day(answer.get("last_air_date")),
        next_air_on=read.day(read.part(answer, "next_episode_to_air", "air_date")),
        series_type=_series_type(common, answer),
        seasons=tuple(s for row in read.rows(answer.get("seasons")) if (s := _season_summary(row)) is not None),
    )


def _series_type(common: Details, answer: Mapping[str, Any]) -> str | None:
    if answer.get("type") in ("News", "Talk Show"):
        return "daily"
    drawn = any(row.get("id") == _ANIMATION for row in read.rows(answer.get("genres")))
    if "anime" in common.keywords or (drawn and common.original_language == "ja"):
        return "anime"
    return None


def _certifications(by_region: Mapping[str | None, list[Mapping[str, Any]]]) -> tuple[tuple[str, str], ...]:
    marks = {
        region: mark
        for region, rows in by_region.items()
        for row in reversed(rows)
        if region and (mark := read.text(row.get("certification")))
    }
    return tuple(marks.items())


def _season_summary(row: Mapping[str, Any]) -> SeasonDetails | None:
    number = read.season(row.get("season_number"))
    if number is None:
        return None
    return SeasonDetails(
        number=number,
        title=read.name(row.get("name")),
        overview=read.text(row.get("overview")),
        air_on=read.day(row.get("air_date")),
        poster_path=read.text(row.get("poster_path")),
        episode_count=read.whole(row.get("episode_count")),
    )


def season(answer: Any, number: int) -> SeasonDetails:
    """Parse a season with its episodes."""
    listed = read.part(answer, "episodes")
    if not isinstance(listed, list):
        raise Nonsense(_SERVICE, "returned a season without episodes")
    episodes = tuple(e for row in read.rows(listed) if (e := _episode(row, number)) is not None)
    return SeasonDetails(
        number=number,
        title=read.name(answer.get("name")),
        overview=read.text(answer.get("overview")),
        air_on=read.day(answer.get("air_date")),
        poster_path=read.text(answer.get("poster_path")),
        episode_count=len(episodes),
        episodes=episodes,
    )


def _episode(row: Mapping[str, Any], season_number: int) -> EpisodeDetails | None:
    number = read.episode(row.get("episode_number"))
    if number is None:
        return None
    return EpisodeDetails(
        season_number=season_number,
        episode_number=number,
        title=read.name(row.get("name")),
        overview=read.text(row.get("overview")),
        air_on=read.day(row.get("air_date")),
        runtime_min=read.positive(row.get("runtime")),
        finale=_FINALES.get(read.text(row.get("episode_type")) or ""),
        still_path=read.text(row.get("still_path")),
        provider_id=read.positive(row.get("id")),
        rating=read.number(row.get("vote_average")) or None,
    )


def _imdb_id(answer: Mapping[str, Any]) -> str | None:
    return read.imdb_id(answer.get("imdb_id")) or read.imdb_id(read.part(answer, "external_ids", "imdb_id"))


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for row in read.rows(value) if (name := read.text(row.get("name"))))


def _countries(answer: Mapping[str, Any]) -> tuple[str, ...]:
    codes = [
        code for row in read.rows(answer.get("production_countries")) if (code := read.text(row.get("iso_3166_1")))
    ]
    origin = answer.get("origin_country")
    return tuple(codes or [c for value in (origin if isinstance(origin, list) else []) if (c := read.text(value))])


def _date_of(rows: Iterable[Mapping[str, Any]], *kinds: int) -> date | None:
    return min(
        (day for row in rows if row.get("type") in kinds and (day := read.day(row.get("release_date")))), default=None
    )


def _origin(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a film's countries of origin, the main one first."""
    listed = answer.get("origin_country")
    codes = [code for value in (listed if isinstance(listed, list) else []) if (code := read.text(value))]
    return tuple(codes) or _countries(answer)


def _first_of(
    by_region: Mapping[str | None, list[Mapping[str, Any]]], regions: Iterable[str], *kinds: int
) -> date | None:
    """Return the first release of these kinds in the first region that has one."""
    days = (_date_of(by_region.get(region, ()), *kinds) for region in regions)
    return next((day for day in days if day is not None), None)


_SOONEST_AT_HOME = timedelta(days=14)
"""A home release in another country this close to the opening is a data error or a local exception."""


def _elsewhere(by_region: Mapping[str | None, list[Mapping[str, Any]]], opened: date | None, kind: int) -> date | None:
    """Estimate the home release if neither the household's nor the film's country has one.

    It is the median of the other countries' first dates, so that one wrong entry or one early country does not decide.
    """
    days = sorted(day for rows in by_region.values() if (day := _date_of(rows, kind)) is not None)
    plausible = [day for day in days if opened is None or day >= opened + _SOONEST_AT_HOME]
    return plausible[(len(plausible) - 1) // 2] if plausible else None


def _translated(answer: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    for row in read.rows(read.part(answer, "translations", "translations")):
        if row.get("iso_639_1") == language and isinstance(row.get("data"), dict):
            told: Mapping[str, Any] = row["data"]
            return told
    return {}


def _titles(answer: Mapping[str, Any], title: str, original: str | None, full: str) -> tuple[OtherTitle, ...]:
    seen: set[str] = {title}
    found: list[OtherTitle] = []

    def add(text: str | None, kind: str, language: str | None) -> None:
        if text and text not in seen:
            seen.add(text)
            found.append(OtherTitle(text, kind, language))

    add(original, "original", read.text(answer.get("original_language")))
    add(full, "alternative", None)
    listed = read.part(answer, "alternative_titles", "titles") or read.part(answer, "alternative_titles", "results")
    for row in read.rows(listed):
        add(read.name(row.get("title")), "alternative", None)
    for row in read.rows(read.part(answer, "translations", "translations")):
        told = read.name(read.part(row, "data", "title")) or read.name(read.part(row, "data", "name"))
        add(told, "translation", read.text(row.get("iso_639_1")))
    return tuple(found)


def _credits(answer: Mapping[str, Any]) -> tuple[PersonCredit, ...]:
    cast = sorted(read.rows(read.part(answer, "credits", "cast")), key=lambda row: read.whole(row.get("order")) or 0)
    people = [_person(row, read.text(row.get("character")) or "", "cast") for row in cast[:_MAX_CAST]]
    people += [_person(row, "Creator", "Writing") for row in read.rows(answer.get("created_by"))]
    for row in read.rows(read.part(answer, "credits", "crew")):
        job = read.text(row.get("job"))
        if job in _CREW:
            people.append(_person(row, job, read.text(row.get("department")) or "Crew"))
    return tuple(person for person in people if person is not None)


def _person(row: Mapping[str, Any], role: str, department: str) -> PersonCredit | None:
    name = read.text(row.get("name"))
    if name is None:
        return None
    return PersonCredit(
        name=name,
        role=role,
        department=department,
        profile_path=read.text(row.get("profile_path")),
        person_id=read.positive(row.get("id")),
    )


def _logo(answer: Mapping[str, Any]) -> str | None:
    return next(
        (path for row in read.rows(read.part(answer, "images", "logos")) if (path := read.text(row.get("file_path")))),
        None,
    )


def _trailer(answer: Mapping[str, Any]) -> str | None:
    videos = [row for row in read.rows(read.part(answer, "videos", "results")) if row.get("site") == "YouTube"]
    videos.sort(key=lambda row: (row.get("type") != "Trailer", not row.get("official")))
    key = read.text(videos[0].get("key")) if videos and videos[0].get("type") in ("Trailer", "Teaser") else None
    return f"https://www.youtube.com/watch?v={key}" if key else None


_VIDEO_KINDS = {"Trailer": "trailer", "Teaser": "teaser", "Clip": "clip", "Featurette": "featurette"}
_VIDEO_SITES = {"YouTube": "https://www.youtube.com/watch?v={}", "Vimeo": "https://vimeo.com/{}"}
_EXTERNAL = {
    "wikidata_id": "wikidata",
    "facebook_id": "facebook",
    "instagram_id": "instagram",
    "twitter_id": "twitter",
    "tvrage_id": "tvrage",
}


def _artworks(answer: Mapping[str, Any], kind: str) -> tuple[Artwork, ...]:
    rows = read.rows(read.part(answer, "images", kind))
    return tuple(
        Artwork(
            path, read.text(row.get("iso_639_1")), read.positive(row.get("width")), read.positive(row.get("height"))
        )
        for row in rows
        if (path := read.text(row.get("file_path")))
    )


def _videos(answer: Mapping[str, Any]) -> tuple[Video, ...]:
    found = []
    for row in read.rows(read.part(answer, "videos", "results")):
        key, address = read.text(row.get("key")), _VIDEO_SITES.get(str(row.get("site")))
        if key and address:
            kind = _VIDEO_KINDS.get(str(row.get("type")), "other")
            name = read.text(row.get("name")) or kind.capitalize()
            found.append(Video(name, kind, address.format(key), read.text(row.get("iso_639_1"))))
    order = [*_VIDEO_KINDS.values(), "other"]
    return tuple(sorted(found, key=lambda video: order.index(video.kind)))


def _external_ids(answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = read.part(answer, "external_ids")
    told = listed if isinstance(listed, dict) else {}
    found = ((service, told.get(name)) for name, service in _EXTERNAL.items())
    named = ((service, read.text(value) or read.positive(value)) for service, value in found)
    return tuple((service, str(value)) for service, value in named if value)

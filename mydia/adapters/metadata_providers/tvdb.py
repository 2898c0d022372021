"""Translate TheTVDB's responses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

_SERVICE = "TheTVDB"
_IMAGE_HOST = "https://artworks.thetvdb.com"
_IMDB, _TMDB_FILM, _TMDB_SERIES = 2, 10, 12  # types of remote ids
# Types of artworks.
_SERIES_POSTER, _SERIES_BACKGROUND, _FILM_POSTER, _FILM_BACKGROUND, _SERIES_LOGO, _FILM_LOGO = 2, 3, 14, 15, 23, 25
_SERIES_STATUS = {1: "continuing", 2: "ended", 3: "announced"}
_FILM_STATUS = {1: "announced", 2: "announced", 3: "in_production", 4: "in_production", 5: "released"}
_FINALES = {"season": "season", "series": "series", "midseason": "mid_season"}
_CREW = {
    "Director": "Directing",
    "Writer": "Writing",
    "Creator": "Writing",
    "Producer": "Production",
    "Showrunner": "Production",
}
# Three-letter codes, three of which only TheTVDB uses. Its list has no short codes. Source: its /languages.
_LANGUAGES = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
    "et": "est", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "id": "ind",
    "is": "isl", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav", "ms": "msa", "nb": "nor", "nl": "nld",
    "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp", "sv": "swe",
    "th": "tha", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip
_REGIONAL = {"pt-BR": "pt", "zh-TW": "zhtw", "zh-HK": "yue"}
_SHORT = {long: short for short, long in _LANGUAGES.items()} | {"pt": "pt", "zhtw": "zh", "yue": "zh"}
_COUNTRIES = {
    "usa": "US", "gbr": "GB", "deu": "DE", "fra": "FR", "jpn": "JP", "kor": "KR", "can": "CA", "aus": "AU", "esp": "ES",
    "ita": "IT", "nld": "NL", "swe": "SE", "nor": "NO", "dnk": "DK", "pol": "PL", "irl": "IE", "chn": "CN", "bra": "BR",
}  # fmt: skip
_CERTIFIED_IN = {code: long for long, code in _COUNTRIES.items()}


def language_code(language: str) -> str:
    """Return TheTVDB's code for a language.

    >>> language_code("de-DE"), language_code("pt-BR")
    ('deu', 'pt')
    """
    return _REGIONAL.get(language) or _LANGUAGES.get(language.partition("-")[0].lower(), "eng")


def candidates(answer: Any, type: MediaType, language: str) -> list[Candidate]:
    """Parse search results."""
    listed = read.part(answer, "data")
    if not isinstance(listed, list):
        raise Nonsense(_SERVICE, "returned a search response without a list")
    return [found for row in read.rows(listed) if (found := _hit(row, type, language_code(language))) is not None]


def _hit(row: Mapping[str, Any], type: MediaType, told: str) -> Candidate | None:
    number = read.positive(row.get("tvdb_id"))
    original = read.name(row.get("name"))
    title = read.name(read.part(row, "translations", told)) or read.name(row.get("name_translated")) or original
    kind = {"series": MediaType.TV_SHOW, "movie": MediaType.MOVIE}.get(str(row.get("type")))
    if number is None or title is None or kind != type:
        return None
    year = read.year(row.get("year")) or read.year(row.get("first_air_time"))
    full, title = title, read.without_year(title, year)
    aliases = row.get("aliases")
    others = [name for value in (aliases if isinstance(aliases, list) else []) if (name := read.name(value))]
    translations = row.get("translations")
    if isinstance(translations, dict):
        others += [name for value in translations.values() if (name := read.name(value))]
    others.append(full)
    return Candidate(
        type=type,
        title=title,
        original_title=original,
        year=year,
        ids=_remote_ids(row.get("remote_ids"), type, number),
        provider="tvdb",
        overview=read.text(read.part(row, "overviews", told)) or read.text(row.get("overview")),
        poster_path=_image(row.get("image_url")),
        original_language=_SHORT.get(str(row.get("primary_language"))),
        other_titles=tuple(dict.fromkeys(name for name in others if name != title)),
    )


def found(answer: Any, type: MediaType | None) -> list[Candidate]:
    """Parse the response of a lookup by another catalogue's id."""
    hits: list[Candidate] = []
    for row in read.rows(read.part(answer, "data")):
        for kind, name in ((MediaType.TV_SHOW, "series"), (MediaType.MOVIE, "movie")):
            record = row.get(name)
            if isinstance(record, dict) and type in (None, kind):
                number, title = read.positive(record.get("id")), read.name(record.get("name"))
                if number and title:
                    poster = _image(record.get("image"))
                    hits.append(
                        Candidate(
                            type=kind,
                            title=title,
                            original_title=title,
                            year=read.year(record.get("year")),
                            ids=Ids(tvdb_id=number),
                            provider="tvdb",
                            poster_path=poster,
                        )
                    )
    return hits


def as_candidate(known: Details) -> Candidate:
    """Return a title as a search result."""
    return Candidate(
        type=known.type, title=known.title, original_title=known.original_title, year=known.year, ids=known.ids, provider=known.provider, overview=known.overview, poster_path=known.poster_path,
        popularity=known.popularity, original_language=known.original_language, other_titles=tuple(other.title for other in known.titles),
    )  # fmt: skip


def details(answer: Any, type: MediaType, language: str, region: str | None = None) -> Details:
    """Parse an extended record."""
    record = read.part(answer, "data")
    number = read.positive(read.part(record, "id"))
    original = read.name(read.part(record, "name"))
    if not isinstance(record, dict) or number is None:
        raise Nonsense(_SERVICE, "returned a title without an id")
    if "status" not in record:
        # As with TMDB's genres: every record has one.
        raise Nonsense(_SERVICE, "returned an incomplete title")
    told = language_code(language)
    title = (
        _translation(record, "nameTranslations", told, "name")
        or _translation(record, "nameTranslations", "eng", "name")
        or original
    )
    if title is None:
        raise Nonsense(_SERVICE, "returned a title without a name")
    film = type == MediaType.MOVIE
    first = read.day(record.get("firstAired")) or read.day(read.part(record, "first_release", "date"))
    year = first.year if first else read.year(record.get("year"))
    full, title = title, read.without_year(title, year)
    country = _CERTIFIED_IN.get(region or language.partition("-")[2].upper() or "US", "usa")
    return Details(
        type=type,
        title=title,
        original_title=original,
        ids=_remote_ids(record.get("remoteIds"), type, number),
        provider="tvdb",
        year=year,
        overview=_translation(record, "overviewTranslations", told, "overview")
        or read.text(record.get("overview"))
        or _translation(record, "overviewTranslations", "eng", "overview"),
        tagline=_translation(record, "overviewTranslations", told, "tagline"),
        status=(_FILM_STATUS if film else _SERIES_STATUS).get(read.whole(read.part(record, "status", "id")) or 0),
        original_language=_SHORT.get(str(record.get("originalLanguage"))),
        runtime_min=read.positive(record.get("runtime" if film else "averageRuntime")),
        popularity=read.number(record.get("score")),
        certification=_certification(record, country),
        genres=_names(record.get("genres")),
        networks=_networks(record, film=film),
        countries=_country(record.get("originalCountry")),
        keywords=_names(record.get("tagOptions")),
        cinema_on=first if film else None,
        first_air_on=None if film else first,
        last_air_on=None if film else read.day(record.get("lastAired")),
        next_air_on=None if film else read.day(record.get("nextAired")),
        series_type=None if film else _series_type(record),
        poster_path=_image(record.get("image")),
        backdrop_path=_artwork(record, told, _FILM_BACKGROUND if film else _SERIES_BACKGROUND),
        logo_path=_artwork(record, told, _FILM_LOGO if film else _SERIES_LOGO),
        trailer_url=next(
            (url for row in read.rows(record.get("trailers")) if (url := read.text(row.get("url")))), None
        ),
        titles=_titles(record, title, original, full),
        credits=_credits(record),
        posters=_artworks(record, _FILM_POSTER if film else _SERIES_POSTER),
        backdrops=_artworks(record, _FILM_BACKGROUND if film else _SERIES_BACKGROUND),
        videos=tuple(
            Video(read.text(row.get("name")) or "Trailer", "trailer", url, _SHORT.get(str(row.get("language"))))
            for row in read.rows(record.get("trailers"))
            if (url := read.text(row.get("url")))
        ),
        certifications=tuple(
            (_COUNTRIES.get(code, code.upper()), mark)
            for row in read.rows(record.get("contentRatings"))
            if (code := read.text(row.get("country"))) and (mark := read.text(row.get("name")))
        ),
        external_ids=_external_ids(record),
        seasons=() if film else tuple(_season_summary(row) for row in _official(record)),
    )


def season_summary(answer: Any, number: int) -> SeasonDetails | None:
    """Return a season from the series' record."""
    return next(
        (
            _season_summary(row)
            for row in _official(read.part(answer, "data"))
            if read.whole(row.get("number")) == number
        ),
        None,
    )


def season_id(answer: Any, number: int) -> int:
    """Return TheTVDB's id of a season."""
    row = next((row for row in _official(read.part(answer, "data")) if read.whole(row.get("number")) == number), {})
    return read.positive(row.get("id")) or 0


def episode_rows(answer: Any) -> list[Mapping[str, Any]]:
    """Return the episodes of a page in either format."""
    return read.rows(read.part(answer, "data", "episodes"))


def has_next(answer: Any) -> bool:
    """Return whether there is another page."""
    return bool(read.part(answer, "links", "next"))


def season(summary: SeasonDetails, answer: Any, number: int) -> SeasonDetails:
    """Return a season with its episodes, from a list that may contain all seasons."""
    rows = episode_rows(answer)
    episodes = [e for row in rows if (e := _episode(row)) is not None and e.season_number == number]
    episodes.sort(key=lambda e: e.episode_number)
    return SeasonDetails(
        number=number,
        title=summary.title,
        overview=summary.overview,
        air_on=next((e.air_on for e in episodes if e.air_on), summary.air_on),
        poster_path=summary.poster_path,
        episode_count=len(episodes),
        episodes=tuple(episodes),
    )


def _episode(row: Mapping[str, Any]) -> EpisodeDetails | None:
    season_number, number = read.season(row.get("seasonNumber")), read.episode(row.get("number"))
    if season_number is None or number is None:
        return None
    return EpisodeDetails(
        season_number=season_number,
        episode_number=number,
        title=read.name(row.get("name")),
        overview=read.text(row.get("overview")),
        air_on=read.day(row.get("aired")),
        runtime_min=read.positive(row.get("runtime")),
        absolute_number=read.positive(row.get("absoluteNumber")),
        finale=_FINALES.get(str(row.get("finaleType"))),
        still_path=_image(row.get("image")),
        provider_id=read.positive(row.get("id")),
    )


def _official(record: Any) -> list[Mapping[str, Any]]:
    # There is one row per ordering; files and users use the aired order.
    rows = [row for row in read.rows(read.part(record, "seasons")) if read.part(row, "type", "type") == "official"]
    numbered = [(number, row) for row in rows if (number := read.season(row.get("number"))) is not None]
    return [row for _, row in sorted(numbered, key=lambda entry: entry[0])]


def _season_summary(row: Mapping[str, Any]) -> SeasonDetails:
    number = int(row["number"])
    title = read.name(row.get("name")) or ("Specials" if number == 0 else f"Season {number}")
    return SeasonDetails(number=number, title=title, poster_path=_image(row.get("image")))


def _remote_ids(value: Any, type: MediaType, number: int) -> Ids:
    by_type = {read.whole(row.get("type")): read.text(row.get("id")) for row in read.rows(value)}
    tmdb = by_type.get(_TMDB_FILM if type == MediaType.MOVIE else _TMDB_SERIES)
    return Ids(read.positive(tmdb), number, read.imdb_id(by_type.get(_IMDB)))


def _image(value: Any) -> str | None:
    found = read.text(value)
    if found is None:
        return None
    return found if found.startswith("http") else f"{_IMAGE_HOST}/{found.lstrip('/')}"


def _artwork(record: Mapping[str, Any], told: str, kind: int) -> str | None:
    rows = [row for row in read.rows(record.get("artworks")) if row.get("type") == kind]
    rows.sort(key=lambda row: (row.get("language") not in (told, None), -(read.number(row.get("score")) or 0)))
    return _image(rows[0].get("image")) if rows else None


def _translation(record: Mapping[str, Any], kind: str, told: str, field: str) -> str | None:
    rows = read.rows(read.part(record, "translations", kind))
    return next(
        (
            text
            for row in rows
            if row.get("language") == told and (text := (read.name if field == "name" else read.text)(row.get(field)))
        ),
        None,
    )


def _titles(record: Mapping[str, Any], title: str, original: str | None, full: str) -> tuple[OtherTitle, ...]:
    found: dict[str, OtherTitle] = {}
    if full != title:
        found[full] = OtherTitle(full, "alternative")
    if original and original != title:
        found[original] = OtherTitle(original, "original", _SHORT.get(str(record.get("originalLanguage"))))
    for kind, rows in (
        ("alternative", record.get("aliases")),
        ("translation", read.part(record, "translations", "nameTranslations")),
    ):
        for row in read.rows(rows):
            name = read.name(row.get("name"))
            if name and name != title:
                found.setdefault(name, OtherTitle(name, kind, _SHORT.get(str(row.get("language")))))
    return tuple(found.values())


def _credits(record: Mapping[str, Any]) -> tuple[PersonCredit, ...]:
    people: list[PersonCredit] = []
    for row in sorted(read.rows(record.get("characters")), key=lambda row: read.whole(row.get("sort")) or 0):
        name, kind = read.text(row.get("personName")), str(row.get("peopleType"))
        if name is None:
            continue
        photo = _image(row.get("personImgURL"))
        if kind in ("Actor", "Guest Star"):
            people.append(
                PersonCredit(
                    name=name,
                    role=read.text(row.get("name")) or "",
                    department="cast",
                    profile_path=photo,
                    person_id=read.positive(row.get("peopleId")),
                )
            )
        elif kind in _CREW:
            people.append(
                PersonCredit(
                    name=name,
                    role=kind,
                    department=_CREW[kind],
                    profile_path=photo,
                    person_id=read.positive(row.get("peopleId")),
                )
            )
    return tuple(people[:60])


def _certification(record: Mapping[str, Any], region: str) -> str | None:
    marks = {str(row.get("country")): read.text(row.get("name")) for row in read.rows(record.get("contentRatings"))}
    return marks.get(region) or marks.get("usa")


def _networks(record: Mapping[str, Any], *, film: bool) -> tuple[str, ...]:
    if film:
        return _names(record.get("studios")) or _names(read.part(record, "companies", "production"))
    names = (read.text(read.part(record, key, "name")) for key in ("originalNetwork", "latestNetwork"))
    return tuple(dict.fromkeys(name for name in names if name))


def _country(value: Any) -> tuple[str, ...]:
    code = read.text(value)
    return (_COUNTRIES.get(code, code.upper()),) if code else ()


def _series_type(record: Mapping[str, Any]) -> str | None:
    genres = {name.casefold() for name in _names(record.get("genres"))}
    if "anime" in genres:
        return "anime"
    return "daily" if genres & {"talk show", "news"} else None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for row in read.rows(value) if (name := read.text(row.get("name"))))


_EXTERNAL = {4: "website", 18: "wikidata", 19: "tvmaze"}
"""Types of other remote ids. Source: TheTVDB's /sources/types."""


def _artworks(record: Mapping[str, Any], kind: int) -> tuple[Artwork, ...]:
    rows = [row for row in read.rows(record.get("artworks")) if row.get("type") == kind]
    rows.sort(key=lambda row: -(read.number(row.get("score")) or 0))
    return tuple(
        Artwork(
            path,
            _SHORT.get(str(row.get("language"))),
            read.positive(row.get("width")),
            read.positive(row.get("height")),
        )
        for row in rows
        if (path := _image(row.get("image")))
    )


def _external_ids(record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    told = (
        (_EXTERNAL.get(read.whole(row.get("type")) or 0), read.text(row.get("id")))
        for row in read.rows(record.get("remoteIds"))
    )
    return tuple((service, value) for service, value in told if service and value)

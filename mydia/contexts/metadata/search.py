"""Search titles at the metadata provider and fetch their details."""

from __future__ import annotations

from copy import replace

from mydia.adapters.metadata_providers import Candidate, Details, Ids, SeasonDetails
from mydia.adapters.outside import Outside
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, NotFound, Unavailable
from mydia.vocabulary import MediaType

WITHOUT_PROVIDER = (
    "No metadata source is configured, so titles cannot be looked up. "
    "Set a TMDB key or a metadata relay under Settings, General."
)


def available(outside: Outside) -> bool:
    """Return whether any metadata source is configured."""
    return outside.metadata().available


def sources(outside: Outside) -> frozenset[str]:
    """Return the available catalogues: `tmdb`, `tvdb`."""
    return outside.metadata().sources if outside.metadata().available else frozenset()


def search(
    outside: Outside,
    caller: Caller,
    type: MediaType,
    text: str,
    *,
    year: int | None = None,
    language: str = "en-US",
    source: str = "tmdb",
    adult: bool = False,
) -> list[Candidate]:
    """Search titles, best match first.

    A catalogue id works too: `tmdb:19`, `tt0017136`, `tvdb:73739`.

    Args:
        source: `tmdb` or `tvdb`.
        adult: Whether to include adult titles.

    Raises:
        Unavailable: No provider is configured, or it does not answer.
    """
    caller.require(Permission.BROWSE)
    _require(outside)
    words = text.strip()
    if not words:
        raise Invalid("Enter a title to search for.", fields={"q": "Enter a title."})
    if ids := ids_in(words):
        return by_ids(outside, caller, type, ids, language=language)
    return outside.metadata().search(type, words, year=year, language=language, source=source, adult=adult)


def by_ids(
    outside: Outside, caller: Caller, type: MediaType | None, ids: Ids, *, language: str = "en-US"
) -> list[Candidate]:
    """Return the titles with one of these ids: usually one, or none if the catalogue does not have the id."""
    caller.require(Permission.BROWSE)
    _require(outside)
    if ids.tmdb_id is not None and type is not None:
        try:
            found = outside.metadata().details(type, Ids(tmdb_id=ids.tmdb_id), language=language)
        except NotFound:
            return []
        return [as_candidate(found)]
    return outside.metadata().find(type, imdb_id=ids.imdb_id, tvdb_id=ids.tvdb_id)


def details(
    outside: Outside,
    caller: Caller,
    type: MediaType,
    ids: Ids,
    *,
    language: str = "en-US",
    source: str = "tmdb",
    region: str | None = None,
    fresh: bool = False,
) -> Details:
    """Return all details of a title.

    Args:
        source: `tmdb` or `tvdb`. The other one is used if this one is not configured or there is no id for it; the
            result's `provider` is the one that was used.
        region: The country for release dates and age ratings; None uses the country of the language.
        fresh: Bypass all caches, for a refresh that a user requested.

    Raises:
        NotFound: The catalogue does not have this id.
        Unavailable: No provider is configured, or it does not answer.
    """
    caller.require(Permission.BROWSE)
    _require(outside)
    if source == "tvdb" and ids.tvdb_id is None and "tvdb" in sources(outside):
        ids = _with_tvdb_number(outside, type, ids, language)
    found = outside.metadata().details(type, ids, language=language, source=source, region=region, fresh=fresh)
    # The catalogue's own id is certain; ids of other catalogues that are already known are kept.
    known = found.ids
    return replace(
        found,
        ids=replace(
            known,
            tmdb_id=known.tmdb_id or ids.tmdb_id,
            tvdb_id=known.tvdb_id or ids.tvdb_id,
            imdb_id=known.imdb_id or ids.imdb_id,
        ),
    )


def seasons(
    outside: Outside,
    caller: Caller,
    ids: Ids,
    wanted: list[int],
    *,
    language: str = "en-US",
    source: str = "tmdb",
    fresh: bool = False,
) -> tuple[SeasonDetails, ...]:
    """Return seasons with their episodes; a season that the catalogue lists but does not return is left out."""
    caller.require(Permission.BROWSE)
    _require(outside)
    found: list[SeasonDetails] = []
    for number in wanted:
        try:
            found.append(outside.metadata().season(ids, number, language=language, source=source, fresh=fresh))
        except NotFound:
            continue
    return tuple(found)


def trending(outside: Outside, caller: Caller, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
    """Return this week's trending titles."""
    caller.require(Permission.BROWSE)
    _require(outside)
    return outside.metadata().trending(type, language=language)


def as_candidate(found: Details) -> Candidate:
    """Convert details to a search result."""
    return Candidate(
        type=found.type,
        title=found.title,
        original_title=found.original_title,
        year=found.year,
        ids=found.ids,
        provider=found.provider,
        overview=found.overview,
        poster_path=found.poster_path,
        popularity=found.popularity,
        original_language=found.original_language,
        other_titles=tuple(other.title for other in found.titles),
    )


def ids_in(text: str) -> Ids | None:
    """Parse a catalogue id that was entered instead of a title.

    >>> ids_in("tt0017136").imdb_id
    'tt0017136'
    >>> ids_in("Metropolis") is None
    True
    """
    word = text.strip().lower()
    if word.startswith("tt") and word[2:].isdigit() and 7 <= len(word) - 2 <= 9:
        return Ids(imdb_id=word)
    name, _, number = word.partition(":")
    if not number.isdigit() or len(number) > 9:
        return None
    return {"tmdb": Ids(tmdb_id=int(number)), "tvdb": Ids(tvdb_id=int(number))}.get(name)


def _with_tvdb_number(outside: Outside, type: MediaType, ids: Ids, language: str) -> Ids:
    """Add TheTVDB ids from TMDB; titles that TMDB does not have keep their ids."""
    if "tmdb" not in sources(outside):
        return ids
    try:
        found = outside.metadata().details(type, ids, language=language, source="tmdb")
    except NotFound:
        return ids
    return replace(ids, tmdb_id=ids.tmdb_id or found.ids.tmdb_id, tvdb_id=found.ids.tvdb_id)


def _require(outside: Outside) -> None:
    if not outside.metadata().available:
        raise Unavailable(WITHOUT_PROVIDER)

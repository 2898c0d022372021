"""The metadata provider that uses a relay, embedded or by URL; TMDB and TheTVDB are translated in their own modules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mydia.adapters.errors import Nonsense, Refused
from mydia.adapters.metadata_providers import tmdb, tvdb
from mydia.adapters.metadata_providers.base import Candidate, Details, Ids, SeasonDetails
from mydia.adapters.metadata_providers.fetch import Fetch, not_told
from mydia.errors import NotFound
from mydia.vocabulary import MediaType

_SERVICE = "Metadata"
_MAX_TVDB_PAGES = 20  # of 500 episodes each
_OF_ONE = re.compile(r"/(?:tt|nm)?\d+(?:/|$)")
"""An address that names one title, season or person."""


class RelayProvider:
    """Looks titles up through a relay."""

    def __init__(self, fetch: Fetch, *, name: str = "relay") -> None:
        self.name = name
        self._fetch = fetch

    @property
    def available(self) -> bool:
        """Whether any catalogue is available."""
        return bool(self._fetch.sources)

    @property
    def sources(self) -> frozenset[str]:
        """The available catalogues."""
        return self._fetch.sources

    def check(self) -> None:
        """Check whether the relay and its catalogue answer; raises AdapterError if not."""
        if "tmdb" in self._fetch.sources:
            self._ask("/configuration", {}, fresh=True)
        else:
            self._ask("/tvdb/search", {"query": "mydia", "type": "series"}, fresh=True)

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
        """Search titles of one type; a year limits the results."""
        if self._source(source) == "tvdb":
            kind = "movie" if type == MediaType.MOVIE else "series"
            params = {"query": text, "type": kind} | ({"year": str(year)} if year else {})
            return tvdb.candidates(self._ask("/tvdb/search", params), type, language)
        path, year_name = (
            ("/tmdb/movies/search", "year") if type == MediaType.MOVIE else ("/tmdb/tv/search", "first_air_date_year")
        )
        params = {"query": text, "language": language} | ({year_name: str(year)} if year else {})
        params |= {"include_adult": "true"} if adult else {}
        return tmdb.candidates(self._ask(path, params), type)

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Find titles by another catalogue's id; a relay without this route finds none."""
        number, source = (imdb_id, "imdb_id") if imdb_id else (str(tvdb_id), "tvdb_id") if tvdb_id else ("", "")
        if not number:
            return []
        if "tmdb" not in self._fetch.sources:
            if imdb_id:
                answer = self._ask_or_none(f"/tvdb/search/remoteid/{imdb_id}", {})
                return [] if answer is None else tvdb.found(answer, type)
            return [tvdb.as_candidate(self.details(MediaType.TV_SHOW, Ids(tvdb_id=tvdb_id), source="tvdb"))]
        answer = self._ask_or_none(f"/tmdb/find/{number}", {"external_source": source})
        found = [] if answer is None else tmdb.found(answer, type)
        # The result does not contain the id that was searched for.
        return [tmdb.with_ids(c, imdb_id=imdb_id, tvdb_id=None if imdb_id else tvdb_id) for c in found]

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
        """Return all details of a title.

        Args:
            ids: One id is enough; without the source's own id, it is looked up by another one.
            source: The catalogue, `tmdb` or `tvdb`; the other one is used if this one has no id.
            region: Country for release dates and certification; None uses that of the language.
            fresh: Bypass the cache, for a refresh that a user requested.

        Raises:
            NotFound: The catalogue does not have the id.
        """
        if self._source(source) == "tvdb" and ids.tvdb_id:
            kind = "movies" if type == MediaType.MOVIE else "series"
            answer = self._ask(f"/tvdb/{kind}/{ids.tvdb_id}/extended", {"meta": "translations"}, fresh=fresh)
            found = tvdb.details(answer, type, language, region)
            return _same(found, found.ids.tvdb_id, ids.tvdb_id)
        number = ids.tmdb_id or self._tmdb_number(type, ids)
        path = f"/tmdb/movies/{number}" if type == MediaType.MOVIE else f"/tmdb/tv/shows/{number}"
        params = {"language": language, **tmdb.details_params(type, language)}
        found = tmdb.details(self._ask(path, params, fresh=fresh), type, language, region)
        return _same(found, found.ids.tmdb_id, number)

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tmdb", fresh: bool = False
    ) -> SeasonDetails:
        """Return one season with its episodes.

        Raises:
            NotFound: The catalogue does not have the series or season.
        """
        if self._source(source) == "tvdb" and ids.tvdb_id:
            return self._tvdb_season(ids.tvdb_id, number, language, fresh=fresh)
        series = ids.tmdb_id or self._tmdb_number(MediaType.TV_SHOW, ids)
        answer = self._ask(f"/tmdb/tv/shows/{series}/{number}", {"language": language}, fresh=fresh)
        return tmdb.season(answer, number)

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Return this week's trending titles."""
        path = "/tmdb/movies/trending" if type == MediaType.MOVIE else "/tmdb/tv/trending"
        return tmdb.candidates(self._ask(path, {"language": language}), type)

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type) of a picture in a provider size such as `w342` or `original`.

        Args:
            path: A TMDB path, or a TheTVDB URL, for which `size` is ignored.
        """
        return self._fetch.image(path, size)

    def _source(self, wanted: str) -> str:
        if wanted in self._fetch.sources:
            return wanted
        if not self._fetch.sources:
            raise Refused(_SERVICE, "no catalogue is configured; add a TMDB or TheTVDB key in the settings")
        return next(iter(sorted(self._fetch.sources)))

    def _ask(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> Any:
        status, answer = self._fetch(path, params, fresh=fresh)
        if status == 404:
            if not isinstance(answer, dict) or not _OF_ONE.search(path):
                # A catalogue says so in JSON, and only of one title. Anything else is not a catalogue.
                raise Nonsense(_SERVICE, "has nothing at the address of the catalogue (HTTP 404); check the address")
            raise NotFound("The catalogue does not have this title.")
        return _content(status, answer)

    def _ask_or_none(self, path: str, params: Mapping[str, str], *, fresh: bool = False) -> Any | None:
        """Return None on any 404, with which early relays answer to an address that they do not have."""
        status, answer = self._fetch(path, params, fresh=fresh)
        return None if status == 404 else _content(status, answer)

    def _tmdb_number(self, type: MediaType, ids: Ids) -> int:
        if ids.imdb_id or ids.tvdb_id:
            hits = self.find(type, imdb_id=ids.imdb_id, tvdb_id=None if ids.imdb_id else ids.tvdb_id)
            if not hits and ids.imdb_id and ids.tvdb_id:
                hits = self.find(type, tvdb_id=ids.tvdb_id)
            for hit in hits:
                if hit.ids.tmdb_id:
                    return hit.ids.tmdb_id
        raise NotFound("The catalogue does not have a title with these ids.")

    def _tvdb_season(self, series: int, number: int, language: str, *, fresh: bool) -> SeasonDetails:
        # The series record was just fetched with the details, so only the episodes need to be fresh.
        extended = self._ask(f"/tvdb/series/{series}/extended", {"meta": "translations"})
        summary = tvdb.season_summary(extended, number)
        if summary is None:
            raise NotFound(f"TheTVDB does not have season {number} of this show.")
        told = tvdb.language_code(language)
        episodes: list[Mapping[str, Any]] = []
        for page in range(_MAX_TVDB_PAGES):
            path = f"/tvdb/series/{series}/episodes/official/{told}"
            answer = self._ask_or_none(path, {"page": str(page)}, fresh=fresh)
            if answer is None and page == 0:
                # Early relays find seasons only by their own id, in the original language.
                season_id = tvdb.season_id(extended, number)
                return tvdb.season(summary, self._ask(f"/tvdb/seasons/{season_id}/extended", {}, fresh=fresh), number)
            episodes += tvdb.episode_rows(answer)
            if not tvdb.has_next(answer):
                break
        return tvdb.season(summary, {"data": {"episodes": episodes}}, number)


def _content(status: int, answer: Any) -> Any:
    if status >= 300:
        raise not_told(status)
    if answer is None:
        raise Nonsense(_SERVICE, "the relay returned an empty response")
    return answer


def _same(found: Details, answered: int | None, asked: int) -> Details:
    """Return the details of the title that was asked for.

    Raises:
        Nonsense: They are of another one. A title of the library must not turn into another by a refresh.
    """
    if answered != asked:
        raise Nonsense(_SERVICE, f"returned title {answered} instead of {asked}")
    return found

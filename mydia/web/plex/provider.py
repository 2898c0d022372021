"""One of the two providers: answers Plex's requests and caches the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import asdict

from mydia.adapters.outside import Outside
from mydia.contexts import metadata
from mydia.contexts.metadata import Candidate, Details, EpisodeDetails, Ids, SeasonDetails
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.vocabulary import MediaType
from mydia.web.plex import shapes
from mydia.web.plex.cache import Cache, Turns
from mydia.web.plex.keys import RatingKey, read_foreign_guid, read_guid
from mydia.web.plex.matching import Question, ids_of, ranked
from mydia.web.plex.shapes import Item, Wish

_OFFERED = 5
"""Results for manual matching. Source: Plex's example provider."""


class Catalogue(msgspec.Struct, frozen=True):
    """A metadata source with its rate limit."""

    outside: Outside
    turns: Turns


class PlexProvider:
    """Answers for `movie` or `tv`.

    Args:
        main: The metadata of the rest of Mydia.
        third: The optional third source, used only for adult titles.
    """

    def __init__(self, name: str, main: Catalogue, third: Catalogue | None, cache: Cache) -> None:
        self.name = name
        self._main = main
        self._third = third
        self._cache = cache

    def item(self, key: RatingKey, wish: Wish) -> Item:
        """Return a title, season or episode. Raises NotFound."""
        self._own(key)

        def make() -> tuple[Item, str]:
            told = self._details(key, wish)
            if key.kind == "movie":
                return shapes.film(key, told, wish), "movie"
            if key.kind == "show":
                return shapes.show(key, told, wish), "airing" if told.status == "continuing" else "show"
            season = self._season(key, told, wish)
            if key.kind == "season":
                return shapes.season(key, told, season, wish), "season"
            return shapes.episode(key, told, season, _episode(key, season), wish), "episode"

        found: Item = self._cache.get(_key("item", key, wish), make)
        return found

    def children(self, key: RatingKey, wish: Wish, *, order: str | None = None) -> list[Item]:
        """Return the seasons of a show or the episodes of a season; a film has none.

        Args:
            order: An order of episodes other than by air date. We have none of these.
        """
        self._own(key)
        if order or key.kind not in ("show", "season"):
            return []

        def make() -> tuple[list[Item], str]:
            told = self._details(key, wish)
            if key.kind == "season":
                return self._episodes(key, told, [self._season(key, told, wish)], wish), "children"
            return [shapes.season(key.in_season(s.number), told, s, wish) for s in told.seasons], "children"

        found: list[Item] = self._cache.get(_key("children", key, wish), make)
        return found

    def grandchildren(self, key: RatingKey, wish: Wish, *, order: str | None = None) -> list[Item]:
        """Return all episodes of a show."""
        self._own(key)
        if order or key.kind != "show":
            return []

        def make() -> tuple[list[Item], str]:
            told = self._details(key, wish)
            numbers = [season.number for season in told.seasons]
            return self._episodes(key, told, self._seasons(key, told, numbers, wish), wish), "children"

        found: list[Item] = self._cache.get(_key("grandchildren", key, wish), make)
        return found

    def images(self, key: RatingKey, wish: Wish) -> list[Item]:
        """Return all pictures. Raises NotFound."""
        self._own(key)

        def make() -> tuple[list[Item], str]:
            told = self._details(key, wish)
            if key.kind in ("movie", "show"):
                return shapes.images(told, wish), "movie"
            season = self._season(key, told, wish)
            if key.kind == "season":
                return shapes.season_images(season, wish), "season"
            return shapes.episode_images(_episode(key, season), wish), "episode"

        found: list[Item] = self._cache.get(_key("images", key, wish), make)
        return found

    def match(self, question: Question, wish: Wish) -> list[Item]:
        """Return the best match, or several for manual matching, best first."""
        asked = json.dumps(asdict(question), default=str, sort_keys=True)

        def make() -> tuple[list[str], str]:
            return [str(key) for key in self._meant(question, wish)], "match"

        keys = self._cache.get(f"match:{self.name}:{wish.language}:{wish.country}:{asked}", make)
        found: list[Item] = []
        for text in keys:
            key = RatingKey.read(text)
            try:
                item = self.item(key, wish)
            except NotFound:
                # The show has no such season or episode.
                continue
            if question.children and key.kind in ("show", "season"):
                item = shapes.with_children(item, self.children(key, wish, order=question.order))
            found.append(item)
            if not question.manual:
                break
        return found

    def _meant(self, question: Question, wish: Wish) -> list[RatingKey]:
        own = read_guid(question.guid, self.name) if question.guid else None
        if own is not None and own.kind == question.kind and not (question.manual and question.title):
            return [own]
        titles = self._titles(question, wish)[: _OFFERED if question.manual else 1]
        if own is not None and own.kind == question.kind:
            titles = list(dict.fromkeys([own, *titles]))
        if question.kind in ("movie", "show"):
            return titles
        if question.kind == "season":
            return [key.in_season(question.season) for key in titles] if question.season is not None else []
        found = (self._episode_meant(key, question, wish) for key in titles)
        return [key for key in found if key is not None]

    def _titles(self, question: Question, wish: Wish) -> list[RatingKey]:
        """Return the likely films or shows, best first: by id, by title, by file name."""
        parsed = question.parsed()
        # The id of a season or episode is not the id of its show.
        guid = read_foreign_guid(question.guid) if question.guid and question.kind in ("movie", "show") else None
        keys: list[RatingKey] = []
        for ids in (guid, ids_of(parsed)):
            if ids is not None and (question.manual or not keys):
                keys += self._keys(question, self._by_ids(question, ids, wish))
        if keys and not question.manual:
            return keys
        told = (question.title, parsed.title if parsed else None)
        year = question.year or (parsed.year if parsed else None)
        for text in dict.fromkeys(text for text in told if text):
            keys += self._keys(question, self._by_title(self._main, self.source, question, text, year, wish))
            if not keys or question.manual:
                keys += self._keys(question, self._at_third(question, text, year, wish))
            if keys:
                break
        return list(dict.fromkeys(keys))

    @property
    def source(self) -> str:
        """The catalogue that is searched first; its ids make the keys."""
        known = metadata.sources(self._main.outside)
        return "tvdb" if known and "tmdb" not in known else "tmdb"

    def _by_ids(self, question: Question, ids: Ids, wish: Wish) -> list[Candidate]:
        self._main.turns.take()
        found = metadata.by_ids(self._main.outside, SYSTEM, question.type, ids, language=wish.language)
        return [one for one in found if question.adult or not one.adult]

    def _by_title(
        self, catalogue: Catalogue, source: str, question: Question, text: str, year: int | None, wish: Wish
    ) -> list[Candidate]:
        def search(within: int | None) -> list[Candidate]:
            catalogue.turns.take()
            found = metadata.search(
                catalogue.outside,
                SYSTEM,
                question.type,
                text,
                year=within,
                language=wish.language,
                source=source,
                adult=question.adult,
            )
            return [one for one in found if question.adult or not one.adult]

        found = search(year)
        if not found and year is not None:
            # The year in a file's name is often the year of another country's release.
            found = [c for c in search(None) if question.manual or (c.year is None or abs(c.year - year) <= 1)]
        return ranked(found, text, year, manual=question.manual)

    def _at_third(self, question: Question, text: str, year: int | None, wish: Wish) -> list[Candidate]:
        if self._third is None or not question.adult:
            return []
        wanted = year if question.kind == "movie" else None
        return self._by_title(self._third, "tpdb", question, text, wanted, wish)

    def _keys(self, question: Question, found: Iterable[Candidate]) -> list[RatingKey]:
        kind = "movie" if question.kind == "movie" else "show"
        keys = (
            RatingKey.of(kind, candidate.ids, self.source if candidate.provider != "tpdb" else "tpdb")
            for candidate in found
        )
        return [key for key in keys if key is not None]

    def _episode_meant(self, show: RatingKey, question: Question, wish: Wish) -> RatingKey | None:
        if question.season is not None and question.episode is not None and show.source != "tpdb":
            return show.in_episode(question.season, question.episode)
        told = self._details(show, wish)
        day = question.day
        for number in _likely_seasons(told, question):
            for season in self._seasons(show, told, [number], wish):
                for one in season.episodes or ():
                    by_number = (one.season_number, one.episode_number) == (question.season, question.episode)
                    if by_number if day is None else one.air_on == day:
                        return _key_of(show, one)
        return None

    def _own(self, key: RatingKey) -> None:
        if key.provider != self.name:
            raise NotFound("There is no title with this key at this provider.")
        if key.source == "tpdb" and self._third is None:
            raise NotFound("The extra source is not configured.")

    def _catalogue(self, key: RatingKey) -> Catalogue:
        return self._third if key.source == "tpdb" and self._third is not None else self._main

    def _details(self, key: RatingKey, wish: Wish) -> Details:
        catalogue = self._catalogue(key)
        catalogue.turns.take()
        type_ = MediaType.MOVIE if key.kind == "movie" else MediaType.TV_SHOW
        return metadata.details(
            catalogue.outside, SYSTEM, type_, key.ids, language=wish.language, source=key.source, region=wish.country
        )

    def _seasons(self, key: RatingKey, told: Details, numbers: list[int], wish: Wish) -> tuple[SeasonDetails, ...]:
        complete = {season.number: season for season in told.seasons if season.episodes is not None}
        missing = [number for number in numbers if number not in complete]
        outside = self._catalogue(key).outside
        fetched = metadata.seasons(outside, SYSTEM, told.ids, missing, language=wish.language, source=told.provider)
        found = complete | {season.number: season for season in fetched}
        return tuple(found[number] for number in numbers if number in found)

    def _season(self, key: RatingKey, told: Details, wish: Wish) -> SeasonDetails:
        for season in self._seasons(key, told, [key.season or 0], wish):
            return season
        raise NotFound("This show has no such season.")

    def _episodes(self, key: RatingKey, told: Details, seasons: Iterable[SeasonDetails], wish: Wish) -> list[Item]:
        return [
            shapes.episode(own, told, season, one, wish)
            for season in seasons
            for one in season.episodes or ()
            if (own := _key_of(key, one)) is not None
        ]


def providers(main: Catalogue, third: Catalogue | None, cache: Cache) -> Mapping[str, PlexProvider]:
    """Return both providers."""
    return {name: PlexProvider(name, main, third, cache) for name in ("movie", "tv")}


def _key(what: str, key: RatingKey, wish: Wish) -> str:
    return f"{what}:{key}:{wish.language}:{wish.country}"


def _key_of(within: RatingKey, one: EpisodeDetails) -> RatingKey | None:
    number = one.provider_id if within.source == "tpdb" else one.episode_number
    return within.in_episode(one.season_number, number) if number is not None else None


def _episode(key: RatingKey, season: SeasonDetails) -> EpisodeDetails:
    for one in season.episodes or ():
        if _key_of(key, one) == key:
            return one
    raise NotFound("This season has no such episode.")


def _likely_seasons(told: Details, question: Question) -> list[int]:
    """Return the numbers of the seasons that may contain an episode, the likeliest first."""
    if question.season is not None and question.day is None:
        return [question.season]
    day = question.day
    if day is None:
        return []
    # Ordinary seasons that had begun by then, the latest first; then those without a date; the specials last.
    begun = sorted((s for s in told.seasons if s.air_on and s.air_on <= day and s.number), key=lambda s: -s.number)
    rest = [s for s in told.seasons if s.air_on is None and s.number]
    rest.sort(key=lambda s: (s.number != day.year, s.number))
    return [s.number for s in (*begun, *rest)] + [s.number for s in told.seasons if s.number == 0]

"""Plex's keys of titles. They consist of catalogue ids, so they stay valid with a new database."""

from __future__ import annotations

import re
from copy import replace

import msgspec

from mydia.contexts.metadata import Ids
from mydia.errors import NotFound

TYPES = {"movie": 1, "show": 2, "season": 3, "episode": 4}
"""Plex's numbers for the kinds of titles. Source: MediaProvider.md."""
IDENTIFIERS = {"movie": "tv.plex.agents.custom.mydia.movie", "tv": "tv.plex.agents.custom.mydia.tv"}
"""The identifiers of the providers at `/plex/movie` and `/plex/tv`; also the schemes of their GUIDs."""

_NUMBER = r"[0-9]{1,10}"
_NAME = r"[A-Za-z0-9_-]{1,100}"
_SEASON = r"[0-9]{1,5}"
_PATTERNS = tuple(
    re.compile(pattern)
    for name, sources in ((_NUMBER, "tmdb|tvdb"), (_NAME, "tpdb"))
    for pattern in (
        rf"(?P<source>{sources})-(?P<kind>movie|show)-(?P<title>{name})",
        rf"(?P<source>{sources})-(?P<kind>season)-(?P<title>{name})-(?P<season>{_SEASON})",
        rf"(?P<source>{sources})-(?P<kind>episode)-(?P<title>{name})-(?P<season>{_SEASON})-(?P<episode>{_NUMBER})",
    )
)


class RatingKey(msgspec.Struct, frozen=True, kw_only=True):
    """One title, season or episode."""

    source: str
    """`tmdb`, `tvdb`, or `tpdb` for the third source."""
    kind: str
    """`movie`, `show`, `season` or `episode`."""
    title: str
    """The film's or show's number; a short name at the third source."""
    season: int | None = None
    episode: int | None = None
    """Its number in the season; at the third source, the scene's own number, because new scenes shift the others."""

    @classmethod
    def read(cls, text: str) -> RatingKey:
        """Read a key.

        >>> RatingKey.read("tmdb-episode-1396-2-5").season
        2

        Raises:
            NotFound: The key is not one of ours.
        """
        for pattern in _PATTERNS:
            if match := pattern.fullmatch(text):
                told = match.groupdict()
                season, episode = told.get("season"), told.get("episode")
                return cls(
                    source=told["source"],
                    kind=told["kind"],
                    title=told["title"] if told["source"] == "tpdb" else str(int(told["title"])),
                    season=int(season) if season else None,
                    episode=int(episode) if episode else None,
                )
        raise NotFound("There is no title with this key.")

    @classmethod
    def of(cls, kind: str, ids: Ids, source: str) -> RatingKey | None:
        """Return the key of a film or show with this source's id, or with any other."""
        numbers = {"tmdb": ids.tmdb_id, "tvdb": ids.tvdb_id, "tpdb": ids.third_id}
        for wanted in (source, *numbers):
            if number := numbers.get(wanted):
                return cls(source=wanted, kind=kind, title=str(number))
        return None

    def __str__(self) -> str:
        parts = (self.source, self.kind, self.title, self.season, self.episode)
        return "-".join(str(part) for part in parts if part is not None)

    @property
    def provider(self) -> str:
        """The provider that serves the title: `movie` or `tv`."""
        return "movie" if self.kind == "movie" else "tv"

    @property
    def guid(self) -> str:
        """The GUID under which Plex stores the title."""
        return f"{IDENTIFIERS[self.provider]}://{self.kind}/{self}"

    @property
    def path(self) -> str:
        """The path of the title's metadata, relative to the provider's address."""
        return f"/library/metadata/{self}"

    @property
    def ids(self) -> Ids:
        """The id with which the title is requested."""
        if self.source == "tpdb":
            return Ids(third_id=self.title)
        return Ids(tmdb_id=int(self.title)) if self.source == "tmdb" else Ids(tvdb_id=int(self.title))

    def show(self) -> RatingKey:
        """Return the key of the show."""
        return replace(self, kind="show", season=None, episode=None)

    def in_season(self, number: int) -> RatingKey:
        """Return a season of the same show."""
        return replace(self, kind="season", season=number, episode=None)

    def in_episode(self, season: int, number: int) -> RatingKey:
        """Return an episode of the same show."""
        return replace(self, kind="episode", season=season, episode=number)


def read_guid(text: str, provider: str) -> RatingKey | None:
    """Return the key of one of our GUIDs; None for other schemes."""
    scheme, _, rest = text.partition("://")
    if scheme != IDENTIFIERS[provider]:
        return None
    kind, _, key = rest.partition("/")
    try:
        found = RatingKey.read(key)
    except NotFound:
        return None
    return found if found.kind == kind and found.provider == provider else None


def read_foreign_guid(text: str) -> Ids | None:
    """Return the number in `tmdb://19`, `imdb://tt0017136` or `tvdb://73739`; None for anything else."""
    scheme, _, number = text.strip().partition("://")
    if scheme == "imdb":
        return Ids(imdb_id=number) if re.fullmatch(r"tt\d{7,10}", number) else None
    if not re.fullmatch(_NUMBER, number):
        return None
    return {"tmdb": Ids(tmdb_id=int(number)), "tvdb": Ids(tvdb_id=int(number))}.get(scheme)

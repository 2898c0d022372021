"""Plex's match requests, and which search results fit them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from mydia.contexts.metadata import Candidate, Ids
from mydia.errors import Invalid
from mydia.parsing import ParsedRelease, parse_path, similarity
from mydia.vocabulary import MediaType
from mydia.web.plex.keys import TYPES

_KINDS = {number: kind for kind, number in TYPES.items()}
_SERVED = {"movie": frozenset({"movie"}), "tv": frozenset({"show", "season", "episode"})}
_SAME = 0.95
_ALIKE = 0.6
_MAX_TEXT = 1000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request to match a title."""

    kind: str
    """`movie`, `show`, `season` or `episode`."""
    title: str | None = None
    """The title of the film, or of the show of a season or episode."""
    year: int | None = None
    guid: str | None = None
    filename: str | None = None
    season: int | None = None
    episode: int | None = None
    day: date | None = None
    manual: bool = False
    children: bool = False
    adult: bool = False
    order: str | None = None
    """The requested order of episodes, if it is one that we do not have."""

    @classmethod
    def read(cls, body: object, provider: str) -> Question | None:
        """Read Plex's JSON; None means a kind that this provider does not serve.

        Raises:
            Invalid: The request breaks Plex's contract.
        """
        if not isinstance(body, dict):
            raise Invalid("The request must be a JSON object.")
        number = _whole(body, "type")
        if number is None:
            raise Invalid("type is missing: 1 is a movie, 2 a show, 3 a season, 4 an episode.")
        kind = _KINDS.get(number)
        if kind is None or kind not in _SERVED[provider]:
            return None
        title = {"season": "parentTitle", "episode": "grandparentTitle"}.get(kind, "title")
        index, parent = _whole(body, "index"), _whole(body, "parentIndex")
        question = cls(
            kind=kind,
            title=_text(body, title),
            year=_whole(body, "year"),
            guid=_text(body, "guid"),
            filename=_text(body, "filename"),
            season=index if kind == "season" else parent if kind == "episode" else None,
            episode=index if kind == "episode" else None,
            day=_day(body),
            manual=_flag(body, "manual"),
            children=_flag(body, "includeChildren"),
            adult=_flag(body, "includeAdult"),
            order=_text(body, "episodeOrder"),
        )
        if kind == "episode" and None in (question.season, question.episode) and not (question.day or question.guid):
            raise Invalid("An episode needs index and parentIndex, or date.")
        return question

    @property
    def type(self) -> MediaType:
        """The type of the titles to search for."""
        return MediaType.MOVIE if self.kind == "movie" else MediaType.TV_SHOW

    def parsed(self) -> ParsedRelease | None:
        """Return what is parsed from the file's name."""
        return parse_path(self.filename, hint="movie" if self.kind == "movie" else "tv") if self.filename else None


def ids_of(parsed: ParsedRelease | None) -> Ids | None:
    """Return the ids in a file's or folder's name, such as `{tmdb-19}`."""
    if parsed is None or not (parsed.tmdb_id or parsed.tvdb_id or parsed.imdb_id):
        return None
    return Ids(parsed.tmdb_id, parsed.tvdb_id, parsed.imdb_id)


def ranked(found: Iterable[Candidate], title: str, year: int | None, *, manual: bool) -> list[Candidate]:
    """Return the candidates, best first; for automatic matching, only the likely ones."""
    scored = [(_alike(candidate, title), candidate) for candidate in found]
    fitting = [(s, c) for s, c in scored if manual or len(scored) == 1 or s >= _ALIKE or _near(c.year, year)]

    def order(entry: tuple[float, Candidate]) -> tuple[bool, int, float, float]:
        score, candidate = entry
        apart = abs(candidate.year - year) if candidate.year and year else 1
        return score < _SAME, apart if year else 0, -score, -(candidate.popularity or 0.0)

    return [candidate for _, candidate in sorted(fitting, key=order)]


def _alike(candidate: Candidate, title: str) -> float:
    names = (candidate.title, candidate.original_title, *candidate.other_titles)
    return max(similarity(name, title) for name in names if name)


def _near(present: int | None, wanted: int | None) -> bool:
    return present is not None and wanted is not None and abs(present - wanted) <= 1


def _text(body: Mapping[str, object], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise Invalid(f"{name} must be text.")
    return value.strip() or None


def _whole(body: Mapping[str, object], name: str) -> int | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 999_999_999:
        raise Invalid(f"{name} must be an integer.")
    return value


def _flag(body: Mapping[str, object], name: str) -> bool:
    return body.get(name) in (1, "1", True, "true")


def _day(body: Mapping[str, object]) -> date | None:
    text = _text(body, "date")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("date must be a date such as 2026-11-21.") from error

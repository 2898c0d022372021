"""PURE. How well a title fits what is known of some files, with the evidence in sentences, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mydia.contexts.metadata import Ids
from mydia.parsing import similarity
from mydia.vocabulary import MediaType

NO_MATCH_BELOW = 0.5
"""A best candidate below this is no candidate."""
READY_FROM = 0.85
"""From here on an entry of the review may be imported without a look."""
RIVAL_WITHIN = 0.08
"""Two candidates as close as this need a person."""

_TITLE_WEIGHT = 0.75
_YEAR_SAME, _YEAR_NEAR, _YEAR_FAR = 0.20, 0.12, -0.30
_YEAR_UNSAID = {
    MediaType.MOVIE: 0.05,
    MediaType.TV_SHOW: 0.15,
}  # series folders rarely carry a year, films' nearly always
_RUNTIME_FITS, _RUNTIME_FAR = 0.05, -0.12
_EPISODES_FIT, _EPISODES_MISSING = 0.05, -0.12
_LANGUAGE_FITS = 0.02


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against."""

    verdict: str
    """`yes`, `no` or `warn`."""
    text: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What the names, folders and NFO of a group of files say."""

    type: MediaType
    title: str
    year: int | None = None
    other_titles: tuple[str, ...] = ()
    ids: Ids = field(default=Ids())
    ids_from: str = ""
    """Where the ids were found, for people: `the folder's name`."""
    numbers: frozenset[tuple[int, int]] = frozenset()
    """(season, episode) of every file, where known."""
    duration_s: float | None = None
    """Of the longest file."""
    languages: tuple[str, ...] = ()
    confidence: float = 1.0
    """How sure the parser was of the title."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A title that the files may be."""

    type: MediaType
    title: str
    year: int | None
    ids: Ids
    other_titles: tuple[str, ...] = ()
    original_title: str | None = None
    provider: str = "tmdb"
    overview: str | None = None
    poster: str | None = None
    popularity: float = 0.0
    original_language: str | None = None
    runtime_min: int | None = None
    numbers: frozenset[tuple[int, int]] | None = None
    """(season, episode) of every known episode; None when not looked up."""
    media_item_id: str | None = None
    """The title is in the library already."""
    owns_folder: bool = False
    """The library's title lives in the folder that the files are in."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A choice with its score from 0 to 1 and why."""

    choice: Choice
    score: float
    evidence: tuple[Evidence, ...]
    by_id: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the shape that `InboxEntry.candidates` documents."""
        choice = self.choice
        return {
            "type": choice.type,
            "title": choice.title,
            "original_title": choice.original_title,
            "year": choice.year,
            "tmdb_id": choice.ids.tmdb_id,
            "tvdb_id": choice.ids.tvdb_id,
            "imdb_id": choice.ids.imdb_id,
            "provider": choice.provider,
            "poster": choice.poster,
            "overview": choice.overview,
            "score": round(self.score, 4),
            "evidence": [{"verdict": one.verdict, "text": one.text} for one in self.evidence],
            "media_item_id": choice.media_item_id,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from the scores: `sure`, `ready`, `needs_attention` or `no_match`, and why it waits."""

    state: str
    best: Scored | None
    reason: str | None = None


def choice_from_json(stored: Mapping[str, Any]) -> Choice:
    """Read back what `Scored.to_json` wrote."""
    return Choice(
        type=MediaType(stored["type"]),
        title=str(stored["title"]),
        year=stored.get("year"),
        ids=Ids(stored.get("tmdb_id"), stored.get("tvdb_id"), stored.get("imdb_id")),
        original_title=stored.get("original_title"),
        provider=stored.get("provider") or "tmdb",
        overview=stored.get("overview"),
        poster=stored.get("poster"),
        media_item_id=stored.get("media_item_id"),
    )


def score(guess: Guess, choice: Choice) -> Scored:
    """Say how well a title fits.

    >>> score(Guess(MediaType.MOVIE, "Sintel", 2010), Choice(MediaType.MOVIE, "Sintel", 2010, Ids(45745))).score
    0.95
    """
    told = _by_ids(guess, choice)
    if told is True:
        evidence = (
            Evidence("yes", f"{guess.ids_from or 'The files'} carries its number {_number_told(guess, choice)}"),
            *_title(guess, choice)[1],
        )
        return Scored(choice, 1.0, evidence, by_id=True)
    title_score, title_evidence = _title(guess, choice)
    if choice.owns_folder and title_score >= 0.5:
        return Scored(choice, 0.98, (Evidence("yes", "It lives in this folder already"), *title_evidence))
    parts = [_year(guess, choice), _runtime(guess, choice), _episodes(guess, choice), _language(guess, choice)]
    # A title that is not alike is not made alike by its year: what follows weighs only as much as the title does.
    total = title_score * _TITLE_WEIGHT
    total += sum(value if value < 0 else value * min(1.0, title_score / 0.9) for value, _ in parts)
    evidence = (*title_evidence, *(one for _, found in parts for one in found))
    if told is False:
        total = min(total, 0.3)
        evidence = (
            Evidence("no", f"{guess.ids_from or 'The files'} names another number, {_number_told(guess, choice)}"),
            *evidence,
        )
    return Scored(choice, round(max(0.0, min(total, 0.99)), 4), evidence)


def rank(guess: Guess, choices: Iterable[Choice]) -> list[Scored]:
    """Return all choices, best first; ties are broken by what is here already, popularity and number, never by chance."""
    found = [score(guess, choice) for choice in choices]
    return sorted(found, key=_order)


def _order(scored: Scored) -> tuple[object, ...]:
    choice = scored.choice
    return (
        -scored.score,
        choice.media_item_id is None,
        -choice.popularity,
        choice.ids.tmdb_id or choice.ids.tvdb_id or 0,
        choice.title,
        choice.media_item_id or "",
    )


def decide(guess: Guess, ranked: Sequence[Scored], *, confident: float) -> Verdict:
    """Say what to do with the ranked choices.

    Args:
        confident: From which score on (0..1) a match is taken without asking.
    """
    if not ranked or ranked[0].score < NO_MATCH_BELOW:
        close = f" The closest is {_named(ranked[0].choice)}." if ranked else ""
        return Verdict(
            "no_match", ranked[0] if ranked else None, f"Nothing is known by the name {_told(guess)}.{close}"
        )
    best = ranked[0]
    if not best.by_id and (rival := _rival(ranked)) is not None:
        both = f"{_named(best.choice)} and {_named(rival.choice)}"
        if best.choice.title == rival.choice.title and best.choice.year == rival.choice.year:
            both = f"Two titles called {_named(best.choice)}"
        return Verdict("needs_attention", best, f"{both} fit about as well as each other. Choose one.")
    if best.score >= confident:
        return Verdict("sure", best)
    if best.score >= READY_FROM:
        return Verdict("ready", best, f"{_named(best.choice)} is likely, but less sure than the limit that is set.")
    weak = next((one.text for one in best.evidence if one.verdict != "yes"), "the evidence is thin")
    return Verdict("needs_attention", best, f"{_named(best.choice)} may be it, but {weak[:1].lower()}{weak[1:]}.")


def _rival(ranked: Sequence[Scored]) -> Scored | None:
    best = ranked[0]
    for other in ranked[1:]:
        if best.score - other.score >= RIVAL_WITHIN or other.score < NO_MATCH_BELOW:
            return None
        if not _same_work(best.choice, other.choice):
            return other
    return None


def _same_work(one: Choice, other: Choice) -> bool:
    if one.media_item_id is not None and one.media_item_id == other.media_item_id:
        return True
    pairs = (
        (one.ids.tmdb_id, other.ids.tmdb_id),
        (one.ids.tvdb_id, other.ids.tvdb_id),
        (one.ids.imdb_id, other.ids.imdb_id),
    )
    return any(a is not None and a == b for a, b in pairs)


def _by_ids(guess: Guess, choice: Choice) -> bool | None:
    """Whether the ids agree, or contradict one another; None when they do not meet."""
    pairs = (
        (guess.ids.tmdb_id, choice.ids.tmdb_id),
        (guess.ids.tvdb_id, choice.ids.tvdb_id),
        (guess.ids.imdb_id, choice.ids.imdb_id),
    )
    met = [a == b for a, b in pairs if a is not None and b is not None]
    return None if not met else any(met)


def _number_told(guess: Guess, _choice: Choice) -> str:
    ids = guess.ids
    if ids.tmdb_id is not None:
        return f"tmdb-{ids.tmdb_id}"
    return f"tvdb-{ids.tvdb_id}" if ids.tvdb_id is not None else str(ids.imdb_id)


def _title(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    theirs = [choice.title, *([choice.original_title] if choice.original_title else []), *choice.other_titles]
    ours = [guess.title, *guess.other_titles]
    best, with_which = 0.0, choice.title
    for index, mine in enumerate(ours):
        for yours in theirs:
            alike = similarity(mine, yours) - (0.02 if index else 0.0)
            if alike > best:
                best, with_which = alike, yours
    percent = round(best * 100)
    named = "" if with_which == choice.title else f" (as “{with_which}”)"
    if best >= 0.97:
        return best, (Evidence("yes", f"The title is the same{named}"),)
    if best >= 0.8:
        return best, (Evidence("yes", f"The title is {percent} % alike{named}"),)
    verdict = "warn" if best >= 0.6 else "no"
    # Below half alike, letters that happen to agree are no evidence at all.
    return best if best >= 0.6 else best * 0.6, (Evidence(verdict, f"The title is only {percent} % alike{named}"),)


def _year(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.year is None:
        return _YEAR_UNSAID[guess.type], (Evidence("warn", "The name tells no year"),)
    if choice.year is None:
        return 0.0, (Evidence("warn", "The catalogue tells no year"),)
    apart = abs(guess.year - choice.year)
    if apart == 0:
        return _YEAR_SAME, (Evidence("yes", f"The year is the same, {choice.year}"),)
    if apart == 1:
        return _YEAR_NEAR, (Evidence("yes", f"The years are one apart, {guess.year} and {choice.year}"),)
    return _YEAR_FAR, (Evidence("no", f"The name says {guess.year}, the catalogue {choice.year}"),)


def _runtime(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.type != MediaType.MOVIE or guess.duration_s is None or not choice.runtime_min:
        return 0.0, ()
    minutes = guess.duration_s / 60
    apart = abs(minutes - choice.runtime_min)
    told = f"{round(minutes)} of {choice.runtime_min} minutes"
    if apart <= max(5.0, choice.runtime_min * 0.1):
        return _RUNTIME_FITS, (Evidence("yes", f"The file is as long as the film, {told}"),)
    if apart > max(15.0, choice.runtime_min * 0.25):
        return _RUNTIME_FAR, (Evidence("warn", f"The file has another length, {told}"),)
    return 0.0, ()


def _episodes(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.type != MediaType.TV_SHOW or not guess.numbers or choice.numbers is None:
        return 0.0, ()
    regular = {number for number in guess.numbers if number[0] > 0} or set(guess.numbers)
    known = regular & choice.numbers
    if known == regular:
        return _EPISODES_FIT, (Evidence("yes", f"All {len(regular)} episodes exist"),)
    missing = sorted(regular - known)
    season, number = missing[0]
    told = f"{len(missing)} of {len(regular)} episodes do not exist there, such as S{season:02}E{number:02}"
    return _EPISODES_MISSING * len(missing) / len(regular), (Evidence("warn", told),)


def _language(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if not choice.original_language or choice.original_language not in guess.languages:
        return 0.0, ()
    return _LANGUAGE_FITS, (Evidence("yes", f"The file speaks its language, {choice.original_language}"),)


def _named(choice: Choice) -> str:
    return choice.title if choice.year is None else f"{choice.title} ({choice.year})"


def _told(guess: Guess) -> str:
    return f"“{guess.title}”" if guess.year is None else f"“{guess.title}” of {guess.year}"

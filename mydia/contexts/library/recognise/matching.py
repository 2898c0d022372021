"""PURE. Score how well a title matches some files, with the evidence, and derive the outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mydia.contexts.library.reasons import ReviewReason, review_sentence
from mydia.contexts.metadata import Ids
from mydia.events import Reason, reason
from mydia.parsing import normalise_title, similarity
from mydia.vocabulary import MediaType

NO_MATCH_BELOW = 0.5
"""A best candidate with a lower score is ignored."""
READY_FROM = 0.85
"""With this score or above, a review entry is ready to import."""
RIVAL_WITHIN = 0.08
"""If two candidates are this close, a user must choose."""

_TITLE_WEIGHT = 0.75
_YEAR_SAME, _YEAR_NEAR, _YEAR_FAR = 0.20, 0.12, -0.30
_YEAR_UNSAID = {
    MediaType.MOVIE: 0.05,
    MediaType.TV_SHOW: 0.15,
}  # series folders rarely carry a year, films' nearly always
_RUNTIME_FITS, _RUNTIME_FAR = 0.05, -0.12
_EPISODES_FIT, _EPISODES_MISSING = 0.05, -0.12
_LANGUAGE_FITS = 0.02
_COUNTRY_FITS, _COUNTRY_DIFFERS = 0.05, -0.30
_COUNTRY_UNKNOWN = 0.2
"""Deduction for a title without its country (`House of Cards` for `House of Cards UK`) as long as the country is unknown."""
_SHORT_FORM = 0.93
"""Score of a title without its subtitle: `Borat` for `Borat: Cultural Learnings of …`."""
_SHORT_FORM_CAP = 0.76
"""Maximum score of a short form without a year, because many titles have the same beginning. It is no rival of the same title."""
_SPLITS = re.compile(r"(?:,?\s+or)?\s*[:–—]\s+|\s+-\s+|,?\s+or[,:]?\s+(?=[A-Z(])")
_POSSESSIVE = re.compile(r"^\w+['’]s\s+")


class Evidence(msgspec.Struct, frozen=True):
    """One reason for or against."""

    verdict: str
    """`yes`, `no` or `warn`."""
    because: Reason


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """The facts from the names, folders and NFO of a group of files."""

    type: MediaType
    title: str
    year: int | None = None
    other_titles: tuple[str, ...] = ()
    ids: Ids = msgspec.field(default=Ids())
    ids_from: str = ""
    """Where the ids were found, for display: `The folder`."""
    numbers: frozenset[tuple[int, int]] = frozenset()
    """(season, episode) of every file, where known."""
    loose_numbers: frozenset[tuple[int, int]] = frozenset()
    """Those of `numbers` whose episode may be an absolute number: `Season 2/Title - 25`."""
    duration_s: float | None = None
    """Length of the longest file."""
    languages: tuple[str, ...] = ()
    country: str | None = None
    """ISO 3166-1 code of the country behind the title: the `GB` of `House of Cards UK`."""
    confidence: float = 1.0
    """The parser's confidence in the title."""

    @property
    def titles(self) -> tuple[str, ...]:
        """All titles to look for, the main one first."""
        without_country = (split_country(self.title)[0],) if self.country is not None else ()
        return (self.title, *without_country, *self.other_titles)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate title."""

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
    countries: tuple[str, ...] = ()
    """ISO 3166-1 codes; empty if not looked up."""
    runtime_min: int | None = None
    numbers: frozenset[tuple[int, int]] | None = None
    """(season, episode) of every known episode; None if not looked up."""
    media_item_id: str | None = None
    """Whether the title is already in the library."""
    owns_folder: bool = False
    """Whether the files are in the folder of this library title."""


class Scored(msgspec.Struct, frozen=True):
    """A choice with its score from 0 to 1 and the evidence."""

    choice: Choice
    score: float
    evidence: tuple[Evidence, ...]
    by_id: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the format of `InboxEntry.candidates`."""
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
            "evidence": [{"verdict": one.verdict, **one.because.to_json()} for one in self.evidence],
            "media_item_id": choice.media_item_id,
        }


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of the scores: `sure`, `ready`, `needs_attention` or `no_match`, and why it waits."""

    state: str
    best: Scored | None
    code: ReviewReason | None = None
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def reason(self) -> str | None:
        """Why it waits, as a sentence."""
        return None if self.code is None else review_sentence(self.code, self.facts)


def choice_from_json(stored: Mapping[str, Any]) -> Choice:
    """Load the result of `Scored.to_json`."""
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
    """Return how well a title matches.

    >>> score(Guess(MediaType.MOVIE, "Sintel", 2010), Choice(MediaType.MOVIE, "Sintel", 2010, Ids(45745))).score
    0.95
    """
    same_id = _by_ids(guess, choice)
    if same_id is True:
        evidence = (
            Evidence("yes", reason("match.id", source=guess.ids_from or "The name", id=_id_of(guess))),
            *_title(guess, choice)[1],
        )
        return Scored(choice, 1.0, evidence, by_id=True)
    title_score, title_evidence = _title(guess, choice)
    cap = _SHORT_FORM_CAP if title_score == _SHORT_FORM and guess.year is None else 0.99
    if choice.owns_folder and title_score >= 0.5:
        return Scored(choice, 0.98, (Evidence("yes", reason("match.folder")), *title_evidence))
    parts = [part(guess, choice) for part in (_year, _runtime, _episodes, _language, _country)]
    # A matching year must not compensate for a different title, so the rest is weighted by the title's score.
    total = title_score * _TITLE_WEIGHT
    total += sum(value if value < 0 else value * min(1.0, title_score / 0.9) for value, _ in parts)
    evidence = (*title_evidence, *(one for _, found in parts for one in found))
    if same_id is False:
        total = min(total, 0.3)
        evidence = (
            Evidence("no", reason("match.other-id", source=guess.ids_from or "The name", id=_id_of(guess))),
            *evidence,
        )
    return Scored(choice, round(max(0.0, min(total, cap)), 4), evidence)


def rank(guess: Guess, choices: Iterable[Choice]) -> list[Scored]:
    """Return all choices, best first. Ties go to titles of the library, then popularity, then the lower id."""
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
    """Return what to do with the ranked choices.

    Args:
        confident: The score (0..1) from which a match is accepted without asking.
    """
    if not ranked or ranked[0].score < NO_MATCH_BELOW:
        facts = {"name": _guessed(guess)}
        if ranked:
            facts["closest"] = _named(ranked[0].choice)
        return Verdict("no_match", ranked[0] if ranked else None, ReviewReason.NO_CANDIDATE, facts)
    best = ranked[0]
    named = {"best": _named(best.choice)}
    if not best.by_id and (rival := _rival(ranked)) is not None:
        return Verdict("needs_attention", best, ReviewReason.RIVALS, named | {"rival": _named(rival.choice)})
    if best.score >= confident:
        return Verdict("sure", best)
    if best.score >= READY_FROM:
        return Verdict("ready", best, ReviewReason.BELOW_LIMIT, named)
    weak = next((one.because.to_json() for one in best.evidence if one.verdict != "yes"), None)
    return Verdict("needs_attention", best, ReviewReason.WEAK, named | ({"detail": weak} if weak else {}))


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
    """Whether the ids agree or contradict each other; None if they have no catalogue in common."""
    pairs = (
        (guess.ids.tmdb_id, choice.ids.tmdb_id),
        (guess.ids.tvdb_id, choice.ids.tvdb_id),
        (guess.ids.imdb_id, choice.ids.imdb_id),
    )
    met = [a == b for a, b in pairs if a is not None and b is not None]
    return None if not met else any(met)


def _id_of(guess: Guess) -> str:
    ids = guess.ids
    if ids.tmdb_id is not None:
        return f"tmdb-{ids.tmdb_id}"
    return f"tvdb-{ids.tvdb_id}" if ids.tvdb_id is not None else str(ids.imdb_id)


def _title(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    theirs = [choice.title, *([choice.original_title] if choice.original_title else []), *choice.other_titles]
    ours = [(guess.title, 0.0), *((other, _OTHER_TITLE) for other in guess.other_titles)]
    if guess.year is not None and _ends_in_year(choice.title) and guess.title:
        # The year may be part of the title: `Blade Runner 2049`.
        ours.append((f"{guess.title} {guess.year}", 0.0))
    if guess.country is not None:
        is_unknown = not choice.countries
        ours.append((split_country(guess.title)[0], _COUNTRY_UNKNOWN if is_unknown else _OTHER_TITLE))
    best, with_which = 0.0, choice.title
    for mine, less in ours:
        for yours in theirs:
            alike = _alike(mine, yours) - less
            if alike > best:
                best, with_which = alike, yours
    suffix = "" if with_which == choice.title else "-as"
    facts = {"percent": round(best * 100), "alias": with_which}
    if best >= 0.97:
        return best, (Evidence("yes", reason(f"match.title{suffix}", **facts)),)
    if best >= 0.8:
        return best, (Evidence("yes", reason(f"match.similar{suffix}", **facts)),)
    verdict = "warn" if best >= 0.6 else "no"
    # Below this, similar letters are coincidence.
    return best if best >= 0.6 else best * 0.6, (Evidence(verdict, reason(f"match.unlike{suffix}", **facts)),)


_OTHER_TITLE = 0.02
"""Deduction for a title other than the main one of the names."""
_COUNTRY_BEHIND = re.compile(r"[ ._]+(?:\((US|UK|USA|[A-Z]{2})\)|(US|UK|USA|AU|NZ))\Z")
"""A country behind a title. Without brackets only those that are common in names, since others may be words or initials."""
_ISO_COUNTRIES = {"UK": "GB", "USA": "US"}


def split_country(title: str) -> tuple[str, str | None]:
    """Return a title without the country behind it, and the country.

    >>> split_country("House of Cards UK"), split_country("Being Human (US)"), split_country("This Is Us")
    (('House of Cards', 'GB'), ('Being Human', 'US'), ('This Is Us', None))
    """
    found = None if title.isupper() else _COUNTRY_BEHIND.search(title)
    if found is None or found.start() == 0:
        return title, None
    written = found.group(1) or found.group(2)
    return title[: found.start()], _ISO_COUNTRIES.get(written, written)


def _alike(mine: str, yours: str) -> float:
    alike = similarity(mine, yours)
    if alike >= _SHORT_FORM:
        return alike
    ours = normalise_title(mine)
    return _SHORT_FORM if ours and any(normalise_title(short) == ours for short in _short_forms(yours)) else alike


def _short_forms(title: str) -> list[str]:
    """Return common short forms of a title: without its subtitle, series or owner, or with initials.

    >>> _short_forms("Law & Order: Special Victims Unit")
    ['Law & Order', 'Law & Order SVU', 'Special Victims Unit']
    """
    forms: list[str] = []
    for split in _SPLITS.finditer(title):
        head, tail = title[: split.start()], title[split.end() :]
        words = [word for word in re.split(r"[\s-]+", tail) if word[:1].isalpha()]
        forms.append(head)
        if len(words) >= 3:  # two letters would be an abbreviation of too many
            forms.append(f"{head} {''.join(word[0].upper() for word in words)}")
        if len(tail) > 3:
            forms.append(tail)
    if (owner := _POSSESSIVE.match(title)) is not None:
        forms.append(title[owner.end() :])
    return forms


def _ends_in_year(title: str) -> bool:
    return re.search(r"(?:19|20|21)\d\d\W*$", title) is not None


def _year(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.year is None:
        return _YEAR_UNSAID[guess.type], (Evidence("warn", reason("match.no-year")),)
    if choice.year is None:
        return 0.0, (Evidence("warn", reason("match.no-catalogue-year")),)
    apart = abs(guess.year - choice.year)
    if apart == 0:
        return _YEAR_SAME, (Evidence("yes", reason("match.year", year=choice.year)),)
    if apart == 1:
        return _YEAR_NEAR, (Evidence("yes", reason("match.near-year", year=guess.year, catalogue=choice.year)),)
    if normalise_title(choice.title) == normalise_title(f"{guess.title} {guess.year}"):
        return _YEAR_UNSAID[guess.type], (Evidence("warn", reason("match.year-in-title")),)
    if guess.type == MediaType.TV_SHOW and guess.numbers:
        first = guess.year - min(season for season, _ in guess.numbers) + 1
        if abs(first - choice.year) <= 1:
            return _YEAR_NEAR, (Evidence("yes", reason("match.season-year", year=guess.year)),)
    return _YEAR_FAR, (Evidence("no", reason("match.other-year", year=guess.year, catalogue=choice.year)),)


def _runtime(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.type != MediaType.MOVIE or guess.duration_s is None or not choice.runtime_min:
        return 0.0, ()
    minutes = guess.duration_s / 60
    apart = abs(minutes - choice.runtime_min)
    compared = {"minutes": round(minutes), "expected": choice.runtime_min}
    if apart <= max(5.0, choice.runtime_min * 0.1):
        return _RUNTIME_FITS, (Evidence("yes", reason("match.runtime", **compared)),)
    if apart > max(15.0, choice.runtime_min * 0.25):
        return _RUNTIME_FAR, (Evidence("warn", reason("match.other-runtime", **compared)),)
    return 0.0, ()


def _episodes(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.type != MediaType.TV_SHOW or not guess.numbers or choice.numbers is None:
        return 0.0, ()
    regular = {number for number in guess.numbers if number[0] > 0} or set(guess.numbers)
    known = regular & choice.numbers
    if known == regular:
        return _EPISODES_FIT, (Evidence("yes", reason("match.episodes", count=len(regular))),)
    counted, seasons = sum(season > 0 for season, _ in choice.numbers), {season for season, _ in choice.numbers}
    missing = sorted(
        one for one in regular - known if not (one in guess.loose_numbers and one[0] in seasons and one[1] <= counted)
    )
    if not missing:
        return 0.0, ()
    season, number = missing[0]
    because = reason(
        "match.missing-episodes", missing=len(missing), count=len(regular), first=f"S{season:02}E{number:02}"
    )
    return _EPISODES_MISSING * len(missing) / len(regular), (Evidence("warn", because),)


def _language(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if not choice.original_language or choice.original_language not in guess.languages:
        return 0.0, ()
    return _LANGUAGE_FITS, (Evidence("yes", reason("match.language", language=choice.original_language)),)


def _country(guess: Guess, choice: Choice) -> tuple[float, tuple[Evidence, ...]]:
    if guess.country is None or not choice.countries:
        return 0.0, ()
    if guess.country in choice.countries:
        return _COUNTRY_FITS, (Evidence("yes", reason("match.country", country=guess.country)),)
    facts = {"country": guess.country, "catalogue": ", ".join(choice.countries)}
    return _COUNTRY_DIFFERS, (Evidence("no", reason("match.other-country", **facts)),)


def _named(choice: Choice) -> str:
    return choice.title if choice.year is None else f"{choice.title} ({choice.year})"


def _guessed(guess: Guess) -> str:
    return f"“{guess.title}”" if guess.year is None else f"“{guess.title}” of {guess.year}"

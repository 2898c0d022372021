"""PURE. Which episodes of a series a name refers to: one rule for scans, searches and imports.

A name gives a date, a season and numbers, absolute numbers, or both. Its meaning depends on
the series: how long its seasons are, how it numbers its episodes, and which names belong to one season only. Where two
readings are possible, or none is, the answer is a doubt with a reason, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from mydia.errors import Invalid
from mydia.parsing import ParsedRelease, normalise_title

_WRITTEN_OUT = 0.9
"""At this confidence or above, the parser found `S01E02`, `1x02` or a date, which are unambiguous."""
_RUN_TOGETHER = 0.5
"""At this confidence or below, season and episode were one number: `Title 103`."""
_RUN_TOGETHER_FROM = 100
"""The lowest such number."""
_MOST_RUN_TOGETHER = 40
"""A season with more episodes is rarely numbered this way."""
_MARKER_IS_SURE = 0.5
"""Below this the number may be part of the title (`Persona 5 - 03`)."""


class EpisodeRef(msgspec.Struct, frozen=True):
    """The facts of one episode."""

    id: str
    season_number: int
    episode_number: int
    absolute_number: int | None
    title: str | None
    air_on: date | None
    runtime_min: int | None
    monitored: bool
    held: bool
    upgradable: bool = False
    finale: str | None = None

    @property
    def code(self) -> str:
        """`S01E02`."""
        return f"S{self.season_number:02}E{self.episode_number:02}"


class Doubt(StrEnum):
    """Why the episode of a name is unclear."""

    NO_NUMBER = "no_number"
    """The name has no episode number and no date."""
    NO_SUCH_SEASON = "no_such_season"
    """The series has no season of that number."""
    NO_SUCH_EPISODE = "no_such_episode"
    """The number is higher than the last episode of the season or series."""
    NO_SUCH_DATE = "no_such_date"
    """No episode aired on or next to that day."""
    TWO_READINGS = "two_readings"
    """The number can count within the season or from the first episode, and both episodes exist."""
    PART_OF_SEASON = "part_of_season"
    """The number counts within a part of a season, and the start of that part is unknown."""
    BETWEEN_EPISODES = "between_episodes"
    """A number such as 12.5: a recap or special between two episodes."""
    SPECIAL = "special"
    """An OVA or special with a number of its own, which catalogues count differently."""
    LONGER_TITLE = "longer_title"
    """The name has words after the series title, which may be the title of a season with its own numbering."""
    OTHER_YEAR = "other_year"
    """The name has the year of another series or another season."""


class SeriesNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a series' numbering."""

    episodes: Sequence[EpisodeRef]
    """All known episodes, in order."""
    is_anime: bool = False
    year: int | None = None
    titles: Collection[str] = frozenset()
    """Normalised names of the series."""
    main_title: str = ""
    """The normalised title that the catalogue shows."""
    season_titles: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Normalised name -> the only season with that name."""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """The episodes that a name refers to, or why they are unclear."""

    episodes: tuple[EpisodeRef, ...] = ()
    """In order. Empty if there is a doubt."""
    unlisted: tuple[tuple[int, int], ...] = ()
    """(season, number) pairs that the name states in full but no provider lists yet."""
    doubt: Doubt | None = None
    likely: tuple[EpisodeRef, ...] = ()
    """If there is a doubt: the more likely reading, to offer first."""


def meant_episodes(parsed: ParsedRelease, series: SeriesNumbers, *, beside: Collection[int] = ()) -> Meaning:
    """Return the episodes that a name refers to.

    Args:
        beside: Numbers of other files of the same season. If 1 is among them, numbers count within the
            season.
    """
    meaning = _by_numbers(parsed, series, frozenset(beside))
    if meaning.episodes and not _year_fits(parsed, series, meaning.episodes):
        return Meaning(doubt=Doubt.OTHER_YEAR, likely=meaning.episodes)
    return meaning


def _by_numbers(parsed: ParsedRelease, series: SeriesNumbers, beside: frozenset[int]) -> Meaning:
    is_written_out = parsed.confidence.episodes >= _WRITTEN_OUT
    if parsed.air_on is not None and not (parsed.season is not None and parsed.episodes):
        return _by_date(parsed, series)
    if parsed.is_special and parsed.absolute_episodes and not parsed.episodes:
        return Meaning(doubt=Doubt.SPECIAL)
    marked = _marked_season(parsed, series)
    is_listed = any(one.season_number > 0 for one in series.episodes)
    if parsed.absolute_episodes and marked is not None and (is_listed or not parsed.episodes):
        return _in_marked_season(parsed.absolute_episodes, marked, series, beside, part=parsed.part)
    if parsed.absolute_episodes and (series.is_anime or parsed.season is None):
        if _adds_to_title(parsed, series):
            return Meaning(
                doubt=Doubt.LONGER_TITLE, likely=_through_all_seasons(parsed.absolute_episodes, series).episodes
            )
        meaning = _through_all_seasons(parsed.absolute_episodes, series)
        if meaning.episodes or not (parsed.season is not None and parsed.episodes):
            return meaning
    if (long := _in_long_season(parsed, series)) is not None:
        return long
    if parsed.episodes and parsed.season is not None:
        seasons = parsed.seasons or (parsed.season,)
        return _within(seasons, parsed.episodes, series, is_written_out=is_written_out)
    if parsed.is_season_pack:
        seasons = parsed.seasons or ((parsed.season,) if parsed.season is not None else ())
        found = tuple(one for one in series.episodes if one.season_number in seasons)
        return Meaning(episodes=found) if found else Meaning(doubt=Doubt.NO_SUCH_SEASON)
    if parsed.special_absolute_episodes:
        return Meaning(doubt=Doubt.BETWEEN_EPISODES)
    return Meaning(doubt=Doubt.NO_NUMBER)


def _in_long_season(parsed: ParsedRelease, series: SeriesNumbers) -> Meaning | None:
    """Read `Title 103` as episode 103 if a season is that long, and with a doubt if a season has over 40 episodes.

    Everywhere else the name means season 1 episode 3, and the result is None.
    """
    if parsed.season is None or len(parsed.episodes) != 1 or not 0 < parsed.confidence.episodes <= _RUN_TOGETHER:
        return None
    counted = _absolute(series).get(100 * parsed.season + parsed.episodes[0])
    if counted is None:
        return None
    if counted.episode_number >= _RUN_TOGETHER_FROM:
        return Meaning(episodes=(counted,))
    return Meaning(doubt=Doubt.TWO_READINGS, likely=(counted,)) if parsed.episodes[0] > _MOST_RUN_TOGETHER else None


def _by_date(parsed: ParsedRelease, series: SeriesNumbers) -> Meaning:
    day = parsed.air_on
    assert day is not None
    for days_off in (0, 1, -1):  # a broadcast date can differ by a day between time zones
        found = tuple(one for one in series.episodes if one.air_on is not None and (one.air_on - day).days == days_off)
        if found:
            return Meaning(episodes=found)
    return Meaning(doubt=Doubt.NO_SUCH_DATE)


def _marked_season(parsed: ParsedRelease, series: SeriesNumbers) -> int | None:
    """Return the season of a name with an absolute number, from a marker or from a title that only one season has."""
    titles = [normalise_title(title) for title in (parsed.title, *parsed.alternative_titles) if title]
    if parsed.marked_season is None:
        return next((series.season_titles[title] for title in titles if title in series.season_titles), None)
    if parsed.confidence.season >= _MARKER_IS_SURE:
        return parsed.marked_season
    if (whole := normalise_title(parsed.title)) in series.season_titles:
        return series.season_titles[whole]
    unmarked = normalise_title(parsed.unmarked_title or "")
    # `Persona 5 - 03`: the number belongs to the title, unless the series also has the title without it.
    return parsed.marked_season if unmarked in series.titles or whole not in series.titles else None


def _in_marked_season(
    numbers: tuple[int, ...], season: int, series: SeriesNumbers, beside: frozenset[int], *, part: int | None
) -> Meaning:
    listed = {one.episode_number: one for one in series.episodes if one.season_number == season}
    if not listed:
        has_episodes = any(one.season_number > 0 for one in series.episodes)
        if has_episodes:
            return Meaning(doubt=Doubt.NO_SUCH_SEASON)
        return Meaning(unlisted=tuple((season, number) for number in numbers))
    through = _absolute(series)
    within = tuple(listed[number] for number in numbers if number in listed)
    counted = tuple(
        through[number] for number in numbers if number in through and through[number].season_number == season
    )
    is_within, is_counted = len(within) == len(numbers), len(counted) == len(numbers)
    if is_within and is_counted and within != counted:
        # Only numbers that exist in just one of the two readings show how the neighbouring files are counted.
        only_within = {n for n in beside if n in listed and (n not in through or through[n].season_number != season)}
        only_counted = {n for n in beside if n not in listed}
        if bool(only_within) == bool(only_counted):
            return Meaning(doubt=Doubt.TWO_READINGS, likely=within)
        return Meaning(episodes=within if only_within else counted)
    if is_counted:
        return Meaning(episodes=counted)
    if not is_within:
        split = _run_together(season, numbers, listed)
        if split and len(listed) > _MOST_RUN_TOGETHER and any(number in through for number in numbers):
            return Meaning(doubt=Doubt.TWO_READINGS, likely=split)
        return Meaning(episodes=split) if split else Meaning(doubt=Doubt.NO_SUCH_EPISODE)
    if part is not None and part > 1:
        return Meaning(doubt=Doubt.PART_OF_SEASON, likely=within)
    return Meaning(episodes=within)


def _through_all_seasons(numbers: tuple[int, ...], series: SeriesNumbers) -> Meaning:
    through = _absolute(series)
    if not through:
        return Meaning(unlisted=tuple((1, number) for number in numbers))
    found = tuple(through[number] for number in numbers if number in through)
    return Meaning(episodes=found) if len(found) == len(numbers) else Meaning(doubt=Doubt.NO_SUCH_EPISODE)


def _adds_to_title(parsed: ParsedRelease, series: SeriesNumbers) -> bool:
    """Return whether a name has more words after a title of the series: `Blue Exorcist - Kyoto Saga - 02`."""
    title = normalise_title(parsed.title)
    if not title or title == series.main_title or len({one.season_number for one in series.episodes} - {0}) < 2:
        return False
    if title in series.titles:
        # Catalogues list the name of a season among those of the series: `Noragami Aragoto`.
        return bool(series.main_title) and title.startswith(f"{series.main_title} ")
    return any(title.startswith(f"{known} ") for known in series.titles if known)


def _absolute(series: SeriesNumbers) -> dict[int, EpisodeRef]:
    """Return the episodes by absolute number. If the provider has none, they are counted from the first regular episode."""
    numbered = {one.absolute_number: one for one in series.episodes if one.absolute_number is not None}
    return numbered or dict(enumerate((one for one in series.episodes if one.season_number > 0), 1))


def _within(
    seasons: tuple[int, ...], numbers: tuple[int, ...], series: SeriesNumbers, *, is_written_out: bool
) -> Meaning:
    listed = {(one.season_number, one.episode_number): one for one in series.episodes}
    wanted = [(season, number) for season in seasons for number in numbers]
    found = tuple(listed[place] for place in wanted if place in listed)
    missing = tuple(place for place in wanted if place not in listed)
    if not missing:
        return Meaning(episodes=found)
    if len(seasons) > 1:
        return Meaning(episodes=found) if found else Meaning(doubt=Doubt.NO_SUCH_EPISODE)
    season = seasons[0]
    is_listed = any(one.season_number > 0 for one in series.episodes)
    if is_listed and season > 0 and any(number == 0 for _, number in missing):
        # `S04E00` is a special between two seasons; catalogues list it in season 0 under another number.
        return Meaning(doubt=Doubt.SPECIAL, likely=tuple(one for one in series.episodes if one.season_number == 0))
    if not is_listed or (is_written_out and _may_be_new(season, series)):
        return Meaning(episodes=found, unlisted=missing)
    if not is_written_out:
        # 25 in the folder of season 2 may be an absolute number.
        through = _absolute(series)
        counted = tuple(one for number in numbers if (one := through.get(number)) and one.season_number == season)
        of_season = {one.episode_number: one for one in series.episodes if one.season_number == season}
        if split := counted if len(counted) == len(numbers) else _run_together(season, numbers, of_season):
            return Meaning(episodes=split)
    known_season = any(one.season_number == season for one in series.episodes)
    return Meaning(doubt=Doubt.NO_SUCH_EPISODE if known_season else Doubt.NO_SUCH_SEASON, likely=found)


def _run_together(season: int, numbers: tuple[int, ...], listed: Mapping[int, EpisodeRef]) -> tuple[EpisodeRef, ...]:
    """Return the episodes for numbers such as `115` in season 1, which is its episode 15; empty if one does not exist."""
    found = tuple(listed[number % 100] for number in numbers if number // 100 == season and number % 100 in listed)
    return found if len(found) == len(numbers) else ()


def _may_be_new(season: int, series: SeriesNumbers) -> bool:
    """Whether an unlisted episode may exist: lists of specials are never complete, and the last season continues."""
    return season == 0 or season >= max((one.season_number for one in series.episodes), default=0)


def _year_fits(parsed: ParsedRelease, series: SeriesNumbers, episodes: tuple[EpisodeRef, ...]) -> bool:
    if parsed.year is None or series.year is None or abs(parsed.year - series.year) <= 1:
        return True
    if normalise_title(f"{parsed.title} {parsed.year}") in series.titles:
        return True
    aired = [one.air_on.year for one in episodes if one.air_on is not None]
    return any(abs(year - parsed.year) <= 1 for year in aired) if aired else False


_EXAMPLES = "Write episodes such as S01E03, S01E03-E05 or S01E03, S01E07."
_LONGEST_RANGE = 200
_FULL = re.compile(
    r"s(\d{1,4})\s*e(\d{1,4})((?:\s*(?:-\s*)?e?\d{1,4})*)|(\d{1,4})x(\d{1,4})((?:\s*-\s*(?:\d{1,4}x)?\d{1,4})*)"
)
_BETWEEN = re.compile(r"[,;+&]|\band\b|(?<![-\s])\s+(?=s\d{1,4}\s*e\d|\d{1,4}x\d)")
_MORE = re.compile(r"(-\s*)?(?:e|\d{1,4}x)?(\d{1,4})")
_ABSOLUTE = re.compile(r"e?(\d{1,4})(?:\s*-\s*e?(\d{1,4}))?")


def typed_episodes(text: str, known: Sequence[EpisodeRef]) -> tuple[tuple[int, int], ...]:
    """Return (season, episode) of every episode that a text names, in its order, each once.

    A number without a season counts from the first episode on where the series is numbered so, else within the only season.

    Args:
        known: The series' episodes.

    Raises:
        Invalid: The text cannot be read, or its numbers belong to no known episode.

    >>> typed_episodes("s01e03-e05, 2x1 2x3 - 2x4", ())
    ((1, 3), (1, 4), (1, 5), (2, 1), (2, 3), (2, 4))
    """
    found: list[tuple[int, int]] = []
    for part in _BETWEEN.split(text.strip().lower()):
        piece = part.strip()
        if not piece:
            continue
        if (full := _FULL.fullmatch(piece)) is not None:
            season, first, rest = full[1] or full[4], full[2] or full[5], full[3] or full[6] or ""
            found += [(int(season), number) for number in _numbers(int(first), rest)]
        elif (absolute := _ABSOLUTE.fullmatch(piece)) is not None:
            numbers = _range(int(absolute[1]), int(absolute[2] or absolute[1]))
            found += [_place(number, known) for number in numbers]
        else:
            raise Invalid(f"“{part.strip()}” is not an episode. {_EXAMPLES}")
    return tuple(dict.fromkeys(found))


def _numbers(first: int, rest: str) -> list[int]:
    numbers = [first]
    for dash, number in _MORE.findall(rest):
        numbers += _range(numbers[-1], int(number)) if dash else [int(number)]
    return list(dict.fromkeys(numbers))


def _range(first: int, last: int) -> range:
    if not first <= last <= first + _LONGEST_RANGE:
        raise Invalid(f"{first}-{last} is not a range of episodes. {_EXAMPLES}")
    return range(first, last + 1)


def _place(number: int, known: Sequence[EpisodeRef]) -> tuple[int, int]:
    for one in known:
        if one.absolute_number == number:
            return one.season_number, one.episode_number
    seasons = {one.season_number for one in known if one.season_number > 0}
    if any(one.absolute_number is not None for one in known) or len(seasons) != 1:
        raise Invalid(f"Which season is episode {number} of? {_EXAMPLES}")
    return seasons.pop(), number

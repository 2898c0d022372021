"""Which seasons and episodes a name is about: the forms people write numbers in, surest first.

Each form knows one way of writing and gives up when it does not see it. The order is an argument: a form stands
before another when a name that fits both means the first (`Judge 2016.02.25.S20E142` is season 20, not a day).
All patterns run on the lower-case text; where one begins with a letter the look-behind stands *after* that letter,
because the engine then skips to it instead of trying every place. No pattern has a repeat inside a repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from mydia.parsing.tokens import Mark, Words

FIRST_TV_YEAR = 1970
"""Sonarr takes no earlier day for a broadcast; older dates in names are misread numbers."""
_MOST_EPISODES = 1_500
"""A longer range is a misread number, and writing it out would cost time (the longest series has about 1,200)."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """What a form read and the part of the text it took."""

    start: int
    end: int
    form: str
    confidence: float
    seasons: tuple[int, ...] = ()
    episodes: tuple[int, ...] = ()
    absolute: tuple[int, ...] = ()
    fractional: tuple[float, ...] = ()
    air_on: date | None = None
    part: int | None = None
    full_season: bool = False
    is_multi_season: bool = False
    is_season_extra: bool = False
    is_special: bool = False
    is_split: bool = False
    refusal: str | None = None
    title_suffix: str = ""
    """Belongs to the title though it stands in the numbering: the `S2` of `Title S2 - 07`."""
    title_text: str | None = None
    """The title, where it is not simply what stands before."""
    spans: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the forms look at."""

    text: str
    low: str
    words: Words
    marks: tuple[Mark, ...]
    begin: int
    """Where a title may begin, behind a leading `[Group]` or site."""
    first_solid: int
    """Where the first word stands that no title contains, or the end."""
    subgroup: bool
    """Whether a `[Group]` stands in front, as fansub groups sign."""
    hint: str | None
    has_year: bool = False


def _span(first: int, last: int) -> tuple[int, ...]:
    """Write a range out; a misread one is its first number only."""
    return tuple(range(first, last + 1)) if first <= last < first + _MOST_EPISODES else (first,)


_SEASON_EPISODE = re.compile(
    r"s(?:(?<![a-z0-9]s)|(?=\d{2}e\d{2}))(\d{1,4})"
    r"(?:[ ._]?[\])]?[ ._]?[\[(]?|[ ._]?-[ ._]?)(?:ep?(?:isode)?s?[ ._]{0,2}|xe?(?!26[456]))(\d{1,5}|o\d)(?![0-9])"
)
_MORE_EPISODES = re.compile(
    r"(?:[ ._]?(?:-|&|and|\+|,|~)?[ ._]?(?:s\d{1,4}[ ._]?)?(?:ep?[ ._]?|x(?!26[456]))(\d{1,5})(?!\d)"
    r"|[-~](\d{1,4})(?![0-9a-z])|[ ._](?:en|et|und|and|og|och|ve)[ ._](\d{1,3})(?![0-9a-z]))"
)
_VERSION_BEHIND = re.compile(r"v\d(?![a-z0-9])")
_OF_TOTAL = re.compile(r"[ ._]?(?:of|из|iz|de|von)[ ._]?(\d{1,4})(?!\d)")
_ABSOLUTE_BEHIND = re.compile(r"(?:[ ._]-)?[ ._](\d{3})(?:-\d{3}){0,9}?(?:-(\d{3}))?(?:v\d)?(?=[ ._\])]|\Z)")
_ABSOLUTE_BEFORE = re.compile(r"(?:[ ._]-)?[ ._](\d{2,4})(?:\.(\d))?(?:v\d)?[ ._]{0,2}[\[(]?\Z")


def _continue(low: str, position: int, first: int) -> tuple[int, int]:
    """Follow `-E02`, `E03`, `-04` behind an episode; return the last number and where it ends."""
    last = first
    while True:
        more = _MORE_EPISODES.match(low, position)
        if more is None:
            return last, position
        number = int(more.group(1) or more.group(2) or more.group(3))
        if number <= last:
            return last, position
        last, position = number, more.end()


def _season_episode(scene: Scene) -> Numbering | None:
    """`S01E01`, `S01.E01-E03`, `S6.E1E3`, `S07E22 - S07E23`, `[S01][E05]`, `S2 (Ep 6)`."""
    low = scene.low
    found = _SEASON_EPISODE.search(low, scene.begin)
    if found is None:
        return None
    season, first = int(found.group(1)), int(found.group(2).replace("o", "0"))
    last, end = _continue(low, found.end(), first)
    episodes = _span(first, last)
    version = _VERSION_BEHIND.match(low, end)
    if version is not None:
        end = version.end()
    total = _OF_TOTAL.match(low, end)
    full = bool(total) and first == 1 and last > 1 and total is not None and last == int(total.group(1))
    if total:
        end = total.end()
    numbering = Numbering(
        found.start(), end, "season and episode", 0.99, (season,), () if full else episodes, full_season=full,
        spans={"season": ((found.start(), found.end(1)),), "episodes": ((found.start(2), end),)},
    )  # fmt: skip
    return _with_absolute(scene, numbering)


def _with_absolute(scene: Scene, numbering: Numbering) -> Numbering:
    """Add the absolute number that fansub groups write beside the season's: `S01E12 - 027`, `12 (S01E12)`."""
    low = scene.low
    behind = _ABSOLUTE_BEHIND.match(low, numbering.end)
    if behind is not None and (behind.group(1)[0] == "0" or scene.subgroup or behind.group(2)):
        first = int(behind.group(1))
        return replace(
            numbering, end=behind.end(), absolute=_span(first, int(behind.group(2) or first)),
            spans={**numbering.spans, "absolute_episodes": (behind.span(),)},
        )  # fmt: skip
    if low[numbering.start - 1 : numbering.start] in {"(", "["} or scene.subgroup or "x" in low[numbering.start : numbering.end]:
        before = _ABSOLUTE_BEFORE.search(low[scene.begin : numbering.start])
        if before is not None and before.start() > 0:
            start = scene.begin + before.start()
            spans = {**numbering.spans, "absolute_episodes": ((start, numbering.start),)}
            if before.group(2):
                return replace(
                    numbering, start=start, fractional=(float(f"{before.group(1)}.{before.group(2)}"),), spans=spans
                )
            if not _is_year(before.group(1)):
                return replace(numbering, start=start, absolute=(int(before.group(1)),), spans=spans)
    return numbering


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and "1900" <= digits <= "2099"


_CROSS = re.compile(r"(?<![a-z0-9])(\d{1,2})(?:x|[ ]x[ ](?=\d\d))(?!26[456])(\d{1,4})(?![0-9a-wyz])")
_MORE_CROSS = re.compile(r"(?:\]?[ ._]?(?:[-&+]|and)?[ ._]?\[?(?:\d{1,2})?x(\d{1,4})(?![0-9a-wyz])|-(\d{2,3})(?![0-9a-z]))")


def _cross(scene: Scene) -> Numbering | None:
    """`2x09`, `1x01-x03`, `2x9-2x10`, `[05x07]`."""
    low = scene.low
    if "x" not in low:
        return None
    found = _CROSS.search(low, scene.begin)
    if found is None or (found.end() > scene.first_solid and found.start() < scene.first_solid):
        return None
    first = last = int(found.group(2))
    end = found.end()
    while (more := _MORE_CROSS.match(low, end)) is not None:
        number = int(more.group(1) or more.group(2))
        if number <= last:
            break
        last, end = number, more.end()
    numbering = Numbering(
        found.start(), end, "season x episode", 0.95, (int(found.group(1)),), _span(first, last),
        spans={"season": (found.span(1),), "episodes": ((found.start(2), end),)},
    )  # fmt: skip
    return _with_absolute(scene, numbering)


_NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
    "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10,
    "uno": 1, "dos": 2, "due": 2, "tres": 3, "tre": 3, "eins": 1, "zwei": 2, "drei": 3, "vier": 4,
}  # fmt: skip
NUMBER_WORD = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
_SEASON_WORD = (
    r"(?:seasons?|saisons?|seizoen|stagione|stagioni|temporadas?|temp|staffeln?|sezona?|sezonul|sezóna|sæson|säsong|sesong"
    r"|kausi|сезони?|сезон|se)"
)
_EPISODE_WORD = (
    r"(?:episodes?|épisodes?|episodio|episódio|episodul|epizoda|eps?|e|folgen?|cap[ií]tulo|cap|afl(?:evering)?|odcinek|серия|серії|серия"
    r"|эпизод|jakso|avsnitt|afsnit)"
)
_SEASON_WORDS = re.compile(_SEASON_WORD + rf"[ ._-]{{0,3}}(\d{{1,4}}|(?:{NUMBER_WORD})(?![a-z]))(?:of\d+)?(?![a-z0-9])")
_EPISODE_BEHIND = re.compile(r"[ ._,()\[\]-]{0,4}" + _EPISODE_WORD + r"[ ._]{0,2}(\d{1,5})(?![0-9])")
_SERIES_EPISODE = re.compile(r"(?:series|book|volume)[ ._](\d{1,2})[ ._-]{1,3}(?:episode|ep)[ ._]?(\d{1,4})(?!\d)")
_LATER_EPISODE = re.compile(r"[ ._\[(-](?:episode|episodio|episódio|épisode|folge)[ ._]?(\d{1,4})(?![0-9])")
_CAP = re.compile(r"cap\.?[ ]?(\d{1,2})(\d{2})(?:[_-](?:(\d{1,2})(\d{2})))?(?!\d)")


def read_number(word: str) -> int:
    """Return the number of digits or of one of the words of `NUMBER_WORD`."""
    return int(word) if word.isdecimal() else _NUMBER_WORDS[word]


def _find_season_words(scene: Scene) -> re.Match[str] | None:
    """Find `Season 4`; the word may not be the end of another (`Rose 4`)."""
    low = scene.low
    for found in _SEASON_WORDS.finditer(low, scene.begin):
        if found.start() == 0 or not low[found.start() - 1].isalnum():
            return found
    return None


def _season_and_episode_words(scene: Scene) -> Numbering | None:
    """`Season 1 Episode 5`, `Stagione 1 e01-29`, `Se.1 afl.2-3-4`, `Temporada 1 [Cap.101]`."""
    low = scene.low
    found = _find_season_words(scene)
    if found is None:
        british = _SERIES_EPISODE.search(low, scene.begin)
        if british is None:
            return None
        last, end = _continue(low, british.end(), int(british.group(2)))
        return Numbering(
            british.start(), end, "series and episode words", 0.9, (int(british.group(1)),), _span(int(british.group(2)), last),
            spans={"season": (british.span(1),), "episodes": ((british.start(2), end),)},
        )  # fmt: skip
    episode = _EPISODE_BEHIND.match(low, found.end())
    if episode is not None:
        first = int(episode.group(1))
        last, end = _continue(low, episode.end(), first)
        return Numbering(
            found.start(), end, "season and episode words", 0.95, (read_number(found.group(1)),), _span(first, last),
            spans={"season": (found.span(),), "episodes": ((episode.start(1), end),)},
        )  # fmt: skip
    chapter = _CAP.search(low, found.end())
    if chapter is not None:
        return _read_chapter(chapter, found.start())
    later = _LATER_EPISODE.search(low, found.end())
    if later is None:
        return None
    first = int(later.group(1))
    return Numbering(
        found.start(), found.end(), "season word and a later episode word", 0.8, (read_number(found.group(1)),), (first,),
        spans={"season": (found.span(),), "episodes": (later.span(1),)},
    )  # fmt: skip


def _read_chapter(chapter: re.Match[str], start: int) -> Numbering:
    first = int(chapter.group(2))
    last = int(chapter.group(4) or first)
    return Numbering(
        start, chapter.end(), "Spanish chapter", 0.95, (int(chapter.group(1)),), _span(first, last),
        spans={"season": (chapter.span(1),), "episodes": (chapter.span(2),)},
    )  # fmt: skip


def _chapter(scene: Scene) -> Numbering | None:
    """`Title [HDTV 720p][Cap.206]`: season 2, chapter 6."""
    if "cap" not in scene.low:
        return None
    chapter = _CAP.search(scene.low, scene.begin)
    if chapter is None or chapter.start() == 0 or scene.low[chapter.start() - 1] not in "[( ":
        return None
    return _read_chapter(chapter, min(chapter.start() - 1, scene.first_solid))


_YEAR_MONTH_DAY = re.compile(r"(?<![0-9])((?:19|20)\d\d)([ ._-]{1,2})(\d{1,2})[ ._-]{1,2}(\d{1,2})(?![0-9])")
_DAY_MONTH_YEAR = re.compile(r"(?<![0-9])(\d{1,2})([ ._/-])(\d{1,2})\2((?:19|20)\d\d)(?![0-9])")
_EIGHT_DIGITS = re.compile(r"(?<![0-9a-z])((?:19|20)\d\d)(0\d|1[0-2])([0-3]\d)(?![0-9a-z])")
_MONTHS = {m: n for n, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_NAMED_MONTH = re.compile(
    rf"(?<![0-9])(\d{{1,2}})(?:st|nd|rd|th)?[ ._-]{{1,2}}{_MONTH}[ ._,-]{{1,2}}((?:19|20)\d\d)(?![0-9])"
)
_MONTH_NAMED = re.compile(
    rf"(?<![a-z]){_MONTH}[ ._-]{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?[ ._,-]{{1,2}}((?:19|20)\d\d)(?![0-9])"
)
_PART_BEHIND = re.compile(r"[ ._-]{1,3}part[ ._-]?(\d{1,2})(?![0-9])")
_SEVERAL_DIGITS = re.compile(r"\d\d")


def _read_date(scene: Scene) -> tuple[int, int, int, int, int, bool] | None:
    """Return begin, end, year, month, day and whether day and month could be swapped."""
    low, begin = scene.low, scene.begin
    found = _YEAR_MONTH_DAY.search(low, begin)
    if found:
        year, month, day = int(found.group(1)), int(found.group(3)), int(found.group(4))
        if month > 12 >= day:
            month, day = day, month
        if month <= 12 and day <= 31:
            return found.start(), found.end(), year, month, day, False
    found = _DAY_MONTH_YEAR.search(low, begin)
    if found:
        day, month, year = int(found.group(1)), int(found.group(3)), int(found.group(4))
        ambiguous = day <= 12 and month <= 12 and day != month
        if month > 12 >= day:
            month, day = day, month
        if month <= 12 and day <= 31:
            return found.start(), found.end(), year, month, day, ambiguous
    found = _EIGHT_DIGITS.search(low, begin)
    if found:
        return found.start(), found.end(), int(found.group(1)), int(found.group(2)), int(found.group(3)), False
    if any(month in low for month in _MONTHS):
        found = _NAMED_MONTH.search(low, begin)
        if found:
            return found.start(), found.end(), int(found.group(3)), _MONTHS[found.group(2)], int(found.group(1)), False
        found = _MONTH_NAMED.search(low, begin)
        if found:
            return found.start(), found.end(), int(found.group(3)), _MONTHS[found.group(1)], int(found.group(2)), False
    return None


_OLD_YEAR = re.compile(r"\((19[3-6]\d)\)")
_TIME_BEHIND = re.compile(r"[ ._-]\d\d[ ._-]\d\d[ ._-]\d\d(?![0-9])")


def _is_old_series(scene: Scene, start: int, end: int, year: int) -> bool:
    """Whether a day before the usual limit is meant: the series' own year is as old, or a time of day follows."""
    own = _OLD_YEAR.search(scene.low, scene.begin, start)
    return (own is not None and abs(int(own.group(1)) - year) <= 30) or _TIME_BEHIND.match(scene.low, end) is not None


def _daily(scene: Scene) -> Numbering | None:
    """`Show.2018.06.22.Guest`, `Show 23rd Feb 2024`, `20161024 - Title`; a day nobody could mean is refused."""
    if scene.hint == "movie":
        return None
    read = _read_date(scene)
    if read is None:
        return None
    start, end, year, month, day, ambiguous = read
    refused = Numbering(start, end, "day", 0.0, refusal="a day that cannot be a broadcast")
    try:
        air_on = date(year, month, day)
    except ValueError:
        return refused if scene.hint == "tv" else None
    if air_on > today() + timedelta(days=1) or (year < FIRST_TV_YEAR and not _is_old_series(scene, start, end, year)):
        return refused if scene.hint == "tv" else None
    if ambiguous and scene.hint == "tv":
        return replace(refused, refusal="day and month could be swapped")
    part = _PART_BEHIND.match(scene.low, end)
    return Numbering(
        start, part.end() if part else end, "day", 0.6 if ambiguous else 0.95, air_on=air_on,
        part=int(part.group(1)) if part else None, spans={"air_on": ((start, end),)},
    )  # fmt: skip


def _day_in_front(scene: Scene) -> Numbering | None:
    """`20161024- Title.21x41`: a day in eight digits at the very beginning, whatever follows."""
    found = _EIGHT_DIGITS.match(scene.low, scene.begin)
    return _daily(scene) if found is not None else None


_SEASON_MARK_ABSOLUTE = re.compile(
    r"s(?<![a-z0-9]s)(\d{1,2})(?:[ ._]-[ ._]|[ ._]?\[|[ ._](?=\d{3}(?![0-9a-z])))(\d{1,4})(?:-(\d{2,4}))?(?:v\d)?(?=[ ._()\[\]]|\Z)"
)
_SEASON_WORD_ABSOLUTE = re.compile(
    r"[\[(]?(?:season|saison)[ ._]?(\d{1,2})[\])]?[ ._]-[ ._](\d{1,4})(?:v\d)?(?=[ ._()\[\]]|\Z)"
)


def _season_mark_with_absolute(scene: Scene) -> Numbering | None:
    """`Title S2 - 07`: fansub groups count on, and `S2` is part of the name they gave the series."""
    low = scene.low
    found = _SEASON_MARK_ABSOLUTE.search(low, scene.begin)
    if found is not None:
        first = int(found.group(2))
        absolute = _span(first, int(found.group(3) or first))
        return Numbering(
            found.start(), found.end(), "season mark and absolute", 0.85, absolute=absolute,
            title_suffix=f"S{int(found.group(1))}", spans={"absolute_episodes": (found.span(2),)},
        )  # fmt: skip
    if "season" not in low and "saison" not in low:
        return None
    found = _SEASON_WORD_ABSOLUTE.search(low, scene.begin)
    if found is None:
        return None
    return Numbering(
        found.start(), found.end(), "season word and absolute", 0.85, (int(found.group(1)),), absolute=(int(found.group(2)),),
        spans={"season": (found.span(1),), "absolute_episodes": (found.span(2),)},
    )  # fmt: skip


_NUMBER = r"(\d{1,4})(?:\.(\d)(?:\.\d)?)?(?:(?:-|~|[ ]~[ ]|[ ]to[ ])(\d{1,4}))?(?:v\d)?"
_DASH_NUMBER = re.compile(
    r"-[ ._]{0,2}(?:episode[ ._]?|ep?[ ._]?|#)?" + _NUMBER + r"(?=[ ._()\[\]-]|\Z|(?:end|fin|完))"
)
_LONG_RUN = re.compile(r"(?<![0-9a-z.])(\d{1,4})[ ._]-[ ._](\d{2,4})[ ._]{0,2}(?=[\[(]|\Z)")
_BRACKET_NUMBER = re.compile(
    r"\[[ ]?(?:第|ep?\.?|#)?(\d{1,4})(?:\.(\d))?(?:[ ]?(?:-|~)[ ]?(\d{1,4}))?[ ._]?(?:v\d)?[ ._]?(?:end|fin|完|完结|完結|话|話|集|全|合集|全集)?[ ]?\]"
)
_NUMBER_THEN_WORD = re.compile(
    r"(?<![a-z0-9全共])(\d{1,4})(?:-(\d{1,4}))?(?:\.|-[yia]+)?[ ._]?(?:blm|bölüm|bolum|b[oö]l[uü]m|серия|серии|серії|серія|епизод|话|話|集|화|회)(?![a-z])"
)
_PARENTHESISED = re.compile(r"[ ._]\((\d{2,3})\)(?=[ ._]|\Z)")
_RANGE_BEFORE_BRACKET = re.compile(r"[ ._(\[](\d{1,4})(?:-|~)(\d{1,4})[ ._)]{1,3}(?=[\[(]|complete|batch|\Z)")
_EPISODE_SIGN = re.compile(
    r"(?:(?<=[ ._-])|(?<=\A))(?:(?:episodes?|épisodes?|episodio|episódio|folge|capitulo|capítulo|eps?|odc|серия)[ ._]?|(e)|#)"
    r"(\d{1,4})(?:\.(\d))?(?:(?:-|~)(?:ep?)?(\d{1,4}))?(?:v\d)?(?=[ ._()\[\],-]|\Z)"
)


def _whole(first: str, tenth: str | None, last: str | None) -> tuple[tuple[int, ...], tuple[float, ...]]:
    if tenth is not None:
        return (), (float(f"{first}.{tenth}"),)
    return _span(int(first), int(last)) if last and int(last) > int(first) else (int(first),), ()


def _brackets(scene: Scene) -> Numbering | None:
    """`[Group][名字][Title][2019][07][1080p]`: everything in brackets, the number too."""
    for found in _BRACKET_NUMBER.finditer(scene.low, scene.begin):
        if not scene.subgroup and scene.low[found.start() - 1 : found.start()] not in {" ", "_", "]", "."}:
            continue
        if found.group(3) is None and _is_year(found.group(1)) or found.start() == 0:
            continue
        if found.group(1) in {"480", "720", "1080", "2160", "540", "576"} or found.start() <= scene.begin:
            continue
        absolute, fractional = _whole(found.group(1), found.group(2), found.group(3))
        return Numbering(
            found.start(), found.end(), "number in brackets", 0.85, absolute=absolute, fractional=fractional,
            spans={"absolute_episodes": (found.span(),)},
        )  # fmt: skip
    return None


def _number_then_word(scene: Scene) -> Numbering | None:
    """`Show 69. Bölüm`, `Show 12 серия`, `第12話`: the number before the word for episode."""
    found = _NUMBER_THEN_WORD.search(scene.low, scene.begin + 1)
    if found is None or scene.hint == "movie":
        return None
    absolute, _ = _whole(found.group(1), None, found.group(2))
    start = found.start() - (scene.low[found.start() - 1] == "第")
    return Numbering(start, found.end(), "number before the word", 0.8, absolute=absolute, spans={"absolute_episodes": (found.span(1),)})


def _parenthesised(scene: Scene) -> Numbering | None:
    """`Title (2010) {01} Name`: a padded number in a bracket of its own."""
    if scene.hint != "tv":
        return None
    found = _PARENTHESISED.search(scene.low, scene.begin + 1)
    if found is None or found.start() > scene.first_solid:
        return None
    return Numbering(
        found.start(), found.end(), "number in round brackets", 0.6, absolute=(int(found.group(1)),),
        spans={"absolute_episodes": (found.span(1),)},
    )  # fmt: skip


def _dash(scene: Scene) -> Numbering | None:
    """`[Group] Title - 07`, `Title - 01-12 (1080p)`, `Title - 12.5`: the way of fansub groups."""
    low = scene.low
    if "-" not in low:
        return None
    run = _LONG_RUN.search(low, scene.begin)
    if run is not None and (run.group(1).strip("0") == "1" and run.group(1)[0] == "0" or "batch" in low):
        if scene.subgroup or scene.hint == "tv":
            return Numbering(
                run.start(), run.end(), "run of absolute numbers", 0.7, absolute=_span(int(run.group(1)), int(run.group(2))),
                spans={"absolute_episodes": (run.span(),)},
            )  # fmt: skip
    for found in _DASH_NUMBER.finditer(low, scene.begin):
        start = found.start()
        before = low[start - 1 : start]
        if before not in {" ", "_", "."} and not (before in {"]", ")"} and scene.subgroup):
            continue
        digits = found.group(1)
        glued = low[start + 1 : start + 2] not in {" ", "_", "."}
        if _is_year(digits) and (found.group(3) is None or len(found.group(3)) < 4):
            continue
        if not scene.subgroup and (len(digits) < 2 or glued or start > scene.first_solid):
            continue
        if not scene.subgroup and scene.hint is None and len(digits) == 3 and digits[0] != "0" and not found.group(3):
            if low[found.end() : found.end() + 2].strip(" ")[:1] not in {"[", "("}:
                continue
        if start <= scene.begin and scene.begin == 0:
            continue
        absolute, fractional = _whole(digits, found.group(2), found.group(3))
        return Numbering(
            start, found.end(), "absolute behind a dash", 0.9 if scene.subgroup else 0.7, absolute=absolute,
            fractional=fractional, spans={"absolute_episodes": ((found.start(1), found.end()),)},
        )  # fmt: skip
    return None


def _range_in_front_of_bracket(scene: Scene) -> Numbering | None:
    """`Title 1017-1088 (WEB 1080p)`, `Title - Arc (892-916) (BD)`: several absolute numbers without a dash before."""
    if scene.hint == "movie" or (scene.hint is None and not scene.subgroup):
        return None
    if _find_season_words(scene) is not None:
        return None
    for found in _RANGE_BEFORE_BRACKET.finditer(scene.low, scene.begin):
        first, last = int(found.group(1)), int(found.group(2))
        if last <= first or (_is_year(found.group(1)) and _is_year(found.group(2))):
            continue
        return Numbering(
            found.start(), found.end(), "absolute range", 0.8, absolute=_span(first, last),
            spans={"absolute_episodes": (found.span(),)},
        )  # fmt: skip
    return None


_MORE_SEASONS = re.compile(
    r"(?:[ ._]?(-|to|a|à|~|&|\+|and|through|thru|bis|/)[ ._]?|[ ._])(s|seasons?[ ._]?|saison[ ._]?)?(\d{1,2})(?![0-9a-z])(?!\.\d[ ._])"
)
_SEASON_MARK = re.compile(r"s(?<![a-z0-9]s)(\d{1,4})(?:d\d{1,2})?(?![a-z0-9])")
_SEASON_PART = re.compile(r"[ ._-]{1,3}(?:part|pt|vol|cour|p)[ ._]?(\d{1,2})(?![0-9])")
_SEASON_EXTRA = re.compile(r"[ ._+\[(-]{1,3}(?:extras?|subpack|bonus)(?![a-z0-9])")
_SEASON_SPECIAL = re.compile(r"[ ._-]{1,3}(?:special|specials|ova|christmas[ ._]special)(?![a-z0-9])")


def _season_pack(scene: Scene) -> Numbering | None:
    """`S02.720p`, `Saison 3`, `(Season 1)`, `S01-S04`, `Season 01 - Season 07`."""
    low = scene.low
    marked, worded = _SEASON_MARK.search(low, scene.begin), _find_season_words(scene)
    found = marked if marked is not None and (worded is None or marked.start() <= worded.start()) else worded
    if found is None or (scene.hint == "movie" and found is worded and worded is not None and found.group(1).isalpha()):
        return None
    first, end = read_number(found.group(1)), found.end()
    seasons = [first]
    while (more := _MORE_SEASONS.match(low, end)) is not None:
        number = int(more.group(3))
        bare = more.group(2) is None
        if number <= seasons[-1] or (bare and number > seasons[-1] + 40):
            break
        if more.group(1) in {"-", "to", "a", "à", "~", "through", "thru", "bis"} or (
            more.group(2) is not None and more.group(1) is None
        ):
            seasons += range(seasons[-1] + 1, number + 1)
        elif bare and more.group(1) is None:
            if found is marked and len(more.group(3)) == 2 and len(found.group(1)) == 2:
                if low[more.end() : more.end() + 2].strip(" ")[:1] not in {"(", "[", ""}:
                    break
                seasons += range(seasons[-1] + 1, number + 1)
            elif found is worded and low[more.end() : more.end() + 1] in {".", "-", " "}:
                seasons.append(number)
            else:
                break
        else:
            seasons.append(number)
        end = more.end()
    extra, part, special = (pattern.match(low, end) for pattern in (_SEASON_EXTRA, _SEASON_PART, _SEASON_SPECIAL))
    if part:
        end = part.end()
    return Numbering(
        found.start(), end, "season", 0.95 if found is marked else 0.9, tuple(seasons), full_season=part is None,
        is_multi_season=len(seasons) > 1, is_season_extra=extra is not None, part=int(part.group(1)) if part else None,
        is_special=special is not None, spans={"season": ((found.start(), end),)},
    )  # fmt: skip


def _episode_sign(scene: Scene) -> Numbering | None:
    """`Title EP06`, `Title Episode 56 [720p]`, `Title #957`, `Title.E07`."""
    if scene.hint == "movie":
        return None
    low = scene.low
    for found in _EPISODE_SIGN.finditer(low, scene.begin):
        digits = found.group(2)
        plain = found.group(1) is not None
        absolute, fractional = _whole(digits, found.group(3), found.group(4))
        last, end = (absolute[-1], found.end()) if absolute else (0, found.end())
        if absolute:
            last, end = _continue(low, found.end(), absolute[-1])
            absolute = _span(absolute[0], last)
        spans = {"episodes": ((found.start(), end),)}
        if (plain and len(digits) < 3) or _dated_front(scene):
            return Numbering(found.start(), end, "mini-series", 0.7, (1,), absolute, spans=spans)
        return Numbering(
            found.start(), end, "episode sign", 0.8, absolute=absolute, fractional=fractional,
            spans={"absolute_episodes": spans["episodes"]},
        )  # fmt: skip
    return None


def _dated_front(scene: Scene) -> bool:
    """Whether a day in six digits was dropped from the front, as Japanese broadcasts are named."""
    return not scene.subgroup and scene.begin >= 7 and scene.low[:6].isdecimal()


_OF = re.compile(r"(?<![0-9a-z])(\d{1,3})(?:-(\d{1,3}))?[ ._]?(?:of|из|iz|von|de)[ ._]?(\d{1,3})(?![0-9a-z])")
_PART = re.compile(rf"(?<![a-z0-9])(?:part|pt|teil)[ ._-]{{0,2}}(\d{{1,2}}|{NUMBER_WORD})(?![a-z0-9])")


def _mini_series(scene: Scene) -> Numbering | None:
    """`Title.5of9`, `Title.Part.2`: a series of one season."""
    if scene.hint == "movie":
        return None
    low = scene.low
    found = _OF.search(low, scene.begin)
    if found is not None and found.start() > scene.begin and 0 < int(found.group(1)) <= int(found.group(3)):
        first = int(found.group(1))
        episodes = _span(first, int(found.group(2) or first))
        full = first == 1 and bool(found.group(2)) and episodes[-1] == int(found.group(3))
        return Numbering(
            found.start(), found.end(), "n of m", 0.7, (1,), () if full else episodes, full_season=full,
            spans={"episodes": (found.span(),)},
        )  # fmt: skip
    if scene.hint != "tv":
        return None
    found = _PART.search(low, scene.begin)
    if found is None or found.start() <= scene.begin or low[found.start() - 1] == "(":
        return None
    return Numbering(
        found.start(), found.end(), "part", 0.6, (1,), (read_number(found.group(1)),), spans={"episodes": (found.span(),)}
    )


_TV_SOURCES = frozenset({"tv"})


def _is_broadcast(scene: Scene) -> bool:
    return scene.hint == "tv" or any(m.kind == "source" and m.value in _TV_SOURCES and m.solid for m in scene.marks)


def _bare_absolute(scene: Scene) -> Numbering | None:
    """`[Group] Title 07 [720p]`, `Title 04 vostfr`: a number right before the tail, two to four digits."""
    if scene.hint == "movie":
        return None
    words = scene.words
    limit = words.index_at(scene.first_solid)
    for index in range(words.index_at(scene.begin) + 1, len(words.words)):
        word = words.words[index]
        digits = word.partition("v")[0] if "v" in word else word
        if not digits.isdecimal() or not word[0].isdecimal() or len(digits) > 4 or _is_year(digits):
            continue
        if index > limit:
            break
        padded = len(digits) in {2, 3} and digits[0] == "0" and (scene.subgroup or (scene.hint is None and not scene.has_year))
        behind = scene.low[words.ends[index] : words.ends[index] + 3].lstrip(" ._")
        at_end = index + 1 == len(words.words)
        at_tail = index + 1 == limit or behind[:1] in {"[", "("} or any(m.first == index + 1 for m in scene.marks)
        if scene.low[words.starts[index] - 1] not in " ._-]":
            continue
        if len(digits) == 1 and not (scene.hint == "tv" and index + 1 == limit < len(words.words)):
            continue
        subbed = any(m.first == index + 1 and m.kind == "subs" for m in scene.marks)
        if padded or subbed or (scene.subgroup and (at_tail or at_end)) or (at_tail and len(digits) <= 2 and _is_broadcast(scene)):
            start, end = words.starts[index], words.ends[index]
            return Numbering(
                start, end, "bare absolute", 0.6, absolute=(int(digits),), spans={"absolute_episodes": ((start, end),)}
            )
    return None


_DAY_BEHIND = re.compile(r"[ ._]-[ ._]((?:19|20)\d\d)(\d\d)(\d\d)(?=[ ._]-|\Z)")
_RUNNING = re.compile(r"[ ._]-[ ._](\d{1,2})(\d\d)[ ._]\((\d{2,3})\)(?=[ ._]-|\Z)")


def _with_running_number(scene: Scene) -> Numbering | None:
    """`Title - 201 (14) - Name`: season and episode run together, with the number counted through beside it."""
    found = _RUNNING.search(scene.low, scene.begin)
    if found is None or scene.hint == "movie":
        return None
    day = _DAY_BEHIND.match(scene.low, found.end())
    air_on, end = None, found.end()
    if day is not None:
        try:
            air_on, end = date(int(day.group(1)), int(day.group(2)), int(day.group(3))), day.end()
        except ValueError:
            pass
    return Numbering(
        found.start(), end, "run-together with running number", 0.8, (int(found.group(1)),), (int(found.group(2)),),
        absolute=(int(found.group(3)),), air_on=air_on, spans={"season": (found.span(1),), "episodes": (found.span(2),)},
    )  # fmt: skip


_ABBREVIATED = re.compile(r"-(?:[xh]26[45]|xvid|divx)?-?(\d)(\d\d)\Z")
_CODEC_TAIL = re.compile(r"-(?:[xh]26[45]|xvid|divx)\Z")


def _compact(scene: Scene) -> Numbering | None:
    """`Title.103.hdtv`, `Title.1013`, `Title.10708`, `Title.101.102`: season and episode run together."""
    if scene.hint == "movie" or scene.subgroup or not _is_broadcast(scene) and not _lone_number(scene):
        return None
    words = scene.words
    limit = words.index_at(scene.first_solid)
    for index in range(words.index_at(scene.begin) + 1, limit):
        read = _split_compact(words.words[index])
        if read is None or scene.low[words.starts[index] - 1] not in " ._-":
            continue
        season, episodes = read
        last = index
        if index + 1 < limit:
            following = _split_compact(words.words[index + 1])
            if following is not None and following[0] == season and following[1][0] == episodes[-1] + 1:
                episodes, last = (*episodes, *following[1]), index + 1
        start, end = words.starts[index], words.ends[last]
        return Numbering(
            start, end, "run-together number", 0.5, (season,), episodes,
            spans={"season": ((start, end),), "episodes": ((start, end),)},
        )  # fmt: skip
    if scene.hint == "tv" and " " not in scene.low:
        found = _ABBREVIATED.search(scene.low)
        if found is not None and found.group(2) != "00":
            return Numbering(
                found.start(), found.end(), "abbreviated name", 0.4, (int(found.group(1)),), (int(found.group(2)),),
                spans={"season": (found.span(1),), "episodes": (found.span(2),)},
            )  # fmt: skip
    return None


def _lone_number(scene: Scene) -> bool:
    return scene.hint is None and not scene.marks and " - " in scene.low


def _split_compact(word: str) -> tuple[int, tuple[int, ...]] | None:
    if not word.isdecimal() or not word.isascii() or not 3 <= len(word) <= 6 or _is_year(word):
        return None
    if len(word) == 3:
        season, numbers = word[0], [word[1:]]
    elif len(word) == 4:
        season, numbers = word[:2], [word[2:]]
    elif len(word) == 5:
        season, numbers = word[0], [word[1:3], word[3:]]
    else:
        season, numbers = word[:2], [word[2:4], word[4:]]
    episodes = tuple(int(n) for n in numbers)
    if int(season) == 0 or 0 in episodes:
        return None
    if len(episodes) == 2 and episodes[1] != episodes[0] + 1:
        return None
    return int(season), episodes


_SIX_DIGITS = re.compile(r"(?<=[ ._-])(\d\d)(0[1-9]|1[0-2])([0-3]\d)(?=[ ._\[(]|\Z)")


def _day_in_six_digits(scene: Scene) -> Numbering | None:
    """`Show.140722.720p`: the day a broadcast was recorded, year first."""
    if scene.hint != "tv":
        return None
    found = _SIX_DIGITS.search(scene.low, scene.begin + 1)
    if found is None:
        return None
    try:
        air_on = date(2000 + int(found.group(1)), int(found.group(2)), int(found.group(3)))
    except ValueError:
        return None
    if air_on > today():
        return None
    return Numbering(found.start(), found.end(), "day in six digits", 0.5, air_on=air_on, spans={"air_on": (found.span(),)})


_FRONT_NUMBER = re.compile(r"(\d{1,3})(?:\.[ ]|[ ]-[ ]|[ ._-](?=[^\W\d_]))")


def _number_in_front(scene: Scene) -> Numbering | None:
    """`[Group] 06 Title (720p)`, `003. Title - Name`: the number comes first."""
    found = _FRONT_NUMBER.match(scene.low, scene.begin)
    if found is None or scene.hint == "movie":
        return None
    dotted = scene.low[found.end() - 2 : found.end()] == ". " and found.group(1)[0] == "0"
    dashed = scene.hint is None and not scene.marks and scene.low[found.end() - 1] == "-" and found.group(1)[0] == "0"
    if not (scene.subgroup or dotted or dashed):
        return None
    return Numbering(
        scene.begin, found.end(), "number in front", 0.4, absolute=(int(found.group(1)),), title_suffix=">",
        spans={"absolute_episodes": (found.span(1),)},
    )  # fmt: skip


_SPECIAL = re.compile(r"(?<![a-z0-9])(?:ncop|nced|ova|oad|ovd|ona|specials?|sp|menu|pv|cm)\d{0,2}[a-z]?(?:v\d)?(?![a-z0-9])")
_SPECIAL_BEHIND_DASH = re.compile(r"[ ._]-[ ._](?:nc(?:op|ed)|op|ed|ova|oad|ovd|ona|specials?|sp|menu|pv|cm)\d{0,2}[a-z]?(?:v\d)?(?=[ ._\[(]|\Z)")

_SPECIAL_BEFORE_BRACKET = re.compile(r"[ ._](?:ova|oad|ona|specials?)[ ._]?(?=[\[(])")


def _special(scene: Scene) -> Numbering | None:
    """`[Group] Title - NCED [BD]`: an opening, ending or special without a number."""
    if not scene.subgroup and scene.hint != "tv":
        return _broadcast_special(scene) if scene.hint is None else None
    found = _SPECIAL_BEHIND_DASH.search(scene.low, scene.begin)
    if found is None and scene.subgroup:
        found = _SPECIAL_BEFORE_BRACKET.search(scene.low, scene.begin)
    if found is None:
        return None
    return Numbering(found.start(), found.end(), "special", 0.6, is_special=True, spans={"is_special": (found.span(),)})


_CHRISTMAS = re.compile(r"[ ._](?:christmas|halloween|xmas|easter|new[ ._]years?)[ ._]special(?=[ ._])")


def _broadcast_special(scene: Scene) -> Numbering | None:
    """`Show.2013.Christmas.Special.HDTV`: a special of a series that was broadcast."""
    found = _CHRISTMAS.search(scene.low, scene.begin)
    if found is None or not _is_broadcast(scene):
        return None
    return Numbering(found.start(), found.start(), "special", 0.5, is_special=True, spans={"is_special": (found.span(),)})


Form = Callable[[Scene], Numbering | None]
FORMS: tuple[Form, ...] = (
    _season_episode,
    _day_in_front,
    _cross,
    _season_and_episode_words,
    _chapter,
    _number_then_word,
    _with_running_number,
    _daily,
    _season_mark_with_absolute,
    _brackets,
    _dash,
    _parenthesised,
    _range_in_front_of_bracket,
    _season_pack,
    _episode_sign,
    _mini_series,
    _bare_absolute,
    _compact,
    _day_in_six_digits,
    _number_in_front,
    _special,
)
_FILM_FORMS: tuple[Form, ...] = (_season_episode,)
"""A caller who asks for a film is told only what cannot be a film."""
_ANIME_FORMS = frozenset(
    {"number in brackets", "absolute behind a dash", "absolute range", "bare absolute", "episode sign"}
)


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def find_numbering(scene: Scene) -> Numbering | None:
    """Try the forms in order and return what the first that fits has read."""
    if _SEVERAL_DIGITS.search(scene.low) is None and not any(c.isdecimal() for c in scene.low) and not any(
        word in scene.low for word in ("season", "saison", "part")
    ):
        return _special(scene) if scene.hint != "movie" else None
    for form in _FILM_FORMS if scene.hint == "movie" else FORMS:
        numbering = form(scene)
        if numbering is not None:
            if numbering.form in _ANIME_FORMS and _SPECIAL.search(scene.low, numbering.end):
                return replace(numbering, is_special=True)
            return numbering
    return None

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
    year_spans: tuple[tuple[int, int], ...] = ()


def _span(first: int, last: int) -> tuple[int, ...]:
    """Write a range out; a misread one is its first number only."""
    return tuple(range(first, last + 1)) if first <= last < first + _MOST_EPISODES else (first,)


_SEASON_EPISODE = re.compile(
    r"s(?:(?<![a-z0-9]s)|(?=\d{2}e\d{2}))(\d{1,4})"
    r"(?:[ ._]?[\])]?[ ._]?[\[(]?|[ ._]?-[ ._]?)(?:ep?(?:isode)?s?[ ._]?|xe?(?!26[456]))(\d{1,5}|o\d)(?![0-9])"
)
_MORE_EPISODES = re.compile(
    r"(?:[ ._]?(?:-|&|and|\+|,|~)?[ ._]?(?:s\d{1,4}[ ._]?)?(?:ep?[ ._]?|x(?!26[456]))(\d{1,5})(?!\d)"
    r"|[-~](\d{1,4})(?![0-9a-z]))"
)
_OF_TOTAL = re.compile(r"[ ._]?(?:of|из|iz|de|von)[ ._]?(\d{1,4})(?!\d)")
_ABSOLUTE_BEHIND = re.compile(r"(?:[ ._]-)?[ ._](\d{3})(?:-(\d{3}))?(?:v\d)?(?=[ ._\])]|\Z)")
_ABSOLUTE_BEFORE = re.compile(r"(?:[ ._]-)?[ ._](\d{2,4})(?:\.(\d))?(?:v\d)?[ ._]{0,2}[\[(]?\Z")


def _continue(low: str, position: int, first: int) -> tuple[int, int]:
    """Follow `-E02`, `E03`, `-04` behind an episode; return the last number and where it ends."""
    last = first
    while True:
        more = _MORE_EPISODES.match(low, position)
        if more is None:
            return last, position
        number = int(more.group(1) or more.group(2))
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


_CROSS = re.compile(r"(?<![a-z0-9])(\d{1,2})x(\d{1,4})(?![0-9a-wyz])")
_MORE_CROSS = re.compile(r"(?:[ ._]?[-&+]?[ ._]?(?:\d{1,2})?x(\d{1,4})(?![0-9a-wyz])|-(\d{2,3})(?![0-9a-z]))")


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


Form = Callable[[Scene], Numbering | None]
FORMS: tuple[Form, ...] = (_season_episode, _cross)


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def find_numbering(scene: Scene) -> Numbering | None:
    """Try the forms in order and return what the first that fits has read."""
    for form in FORMS:
        numbering = form(scene)
        if numbering is not None:
            return numbering
    return None


_ = timedelta

"""Input and result of the numbering forms."""

from __future__ import annotations

from datetime import date

import msgspec

from mydia import clock
from mydia.parsing.tokens import Mark, Words


class Numbering(msgspec.Struct, frozen=True):
    """The result of a form and the part of the text it covers."""

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
    """Text of the numbering that is appended to the title: the `S2` of `Title S2 - 07`."""
    title_from: int = 0
    """Start of the title, if it is not the start of the name."""
    title_follows: bool = False
    """Whether the number comes first: `06 Title`."""
    spans: dict[str, tuple[tuple[int, int], ...]] = msgspec.field(default_factory=dict)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Input of the numbering forms."""

    text: str
    low: str
    words: Words
    marks: tuple[Mark, ...]
    begin: int
    """Earliest start of a title, after a leading `[Group]` or site."""
    first_solid: int
    """Start of the first solid word, or the end of the name."""
    subgroup: bool
    """Whether the name starts with a `[Group]`."""
    hint: str | None
    has_year: bool = False


def is_year(digits: str) -> bool:
    """Return whether four digits could be a release year."""
    return len(digits) == 4 and "1900" <= digits <= "2099"


def is_broadcast(scene: Scene) -> bool:
    """Return whether the hint or a broadcast source says it is television."""
    return scene.hint == "tv" or any(m.kind == "source" and m.value == "tv" and m.solid for m in scene.marks)


def today() -> date:
    """Return the current date in UTC."""
    return clock.now().date()

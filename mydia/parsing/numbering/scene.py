"""What the forms of numbering look at and what they return."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from mydia import clock
from mydia.parsing.tokens import Mark, Words


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
    title_from: int = 0
    """Where the title begins, if not at the beginning of the name."""
    title_follows: bool = False
    """The number comes first: `06 Title`."""
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


def is_year(digits: str) -> bool:
    """Whether four digits could be a year of film or television."""
    return len(digits) == 4 and "1900" <= digits <= "2099"


def is_broadcast(scene: Scene) -> bool:
    """Whether the caller or a broadcast source says that it is television."""
    return scene.hint == "tv" or any(m.kind == "source" and m.value == "tv" and m.solid for m in scene.marks)


def today() -> date:
    """Return the day it is, in UTC."""
    return clock.now().date()

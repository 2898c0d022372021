"""Whole seasons: `S02.720p`, `Saison 3`, `S01-S04`, `1xAll`."""

from __future__ import annotations

import re

import msgspec

from mydia.parsing.numbering.links import SEASON_LINK, follow
from mydia.parsing.numbering.scene import Numbering, Scene
from mydia.parsing.numbering.worded import find_season_words
from mydia.parsing.numerals import NUMBER_WORD, read_number

_SEASON_MARK = re.compile(
    r"s(?<![a-z0-9]s)(?P<season>\d{1,4})(?:[ ._]?(?:d|dvd|disc|disk|cd|bd)[ ._]?\d{1,2}(?:-\d{1,2})?)?(?:(?=p\d{1,2}(?![a-z0-9]))|(?![a-z0-9]))"
)
_ALL_EPISODES = re.compile(r"(?<![a-z0-9])(?P<season>\d{1,2})x ?all(?![a-z0-9])")
_PLURAL = re.compile(r"seasons|saisons|staffeln|stagioni|temporadas|сезоны|seizoenen|säsonger")
_UNLINKED = re.compile(r"[ ._](?P<number>\d{1,2})(?![0-9a-z])(?!\.\d[ ._])")

_SEASON_PART = re.compile(
    rf"(?:[ ._-]{{1,3}}|(?=p\d))(?:part|pt|vol|volume|cour|p)[ ._]?(\d{{1,2}}|(?<=[ ._])(?:{NUMBER_WORD}))(?![0-9a-z])"
)

_SEASON_EXTRA = re.compile(r"[ ._+\[(-]{1,3}(?:extras?|subpack|bonus)(?![a-z0-9])")

_SEASON_SPECIAL = re.compile(r"[ ._-]{1,3}(?:special|specials|ova|christmas[ ._]special)(?![a-z0-9])")


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    start: int
    end: int
    seasons: tuple[int, ...]
    is_mark: bool
    is_spelt: bool = False


def season_pack(scene: Scene) -> Numbering | None:
    """Read `S02.720p`, `Saison 3`, `(Season 1)`, `S01-S04`, `Season 01 - Season 07`, `Seasons 1, 2 & 3`, `1xAll`."""
    low = scene.low
    found = _find(scene)
    if found is None or (scene.hint == "movie" and found.is_spelt):
        return None
    seasons, end = found.seasons, found.end
    if len(seasons) == 1:
        plural = _PLURAL.match(low, found.start) is not None
        seasons, end = follow(low, end, seasons[0], SEASON_LINK, spaced_dash=plural)
        seasons, end = _follow_unlinked(low, found, seasons, end)
    extra, part, special = (pattern.match(low, end) for pattern in (_SEASON_EXTRA, _SEASON_PART, _SEASON_SPECIAL))
    if part:
        end = part.end()
    return Numbering(
        found.start, end, "season", 0.95 if found.is_mark else 0.9, seasons, full_season=part is None,
        is_multi_season=len(seasons) > 1, is_season_extra=extra is not None, part=read_number(part.group(1)) if part else None,
        is_special=special is not None, spans={"season": ((found.start, end),)},
    )  # fmt: skip


def _find(scene: Scene) -> _Found | None:
    """Find the first season, as `S02` or in words."""
    marked = _SEASON_MARK.search(scene.low, scene.begin) or _ALL_EPISODES.search(scene.low, scene.begin)
    worded = find_season_words(scene)
    # `名字 第四季 Title S04`: `S04` comes after the Latin title.
    if marked is not None and (worded is None or marked.start() <= worded.start or worded.is_eastern):
        return _Found(start=marked.start(), end=marked.end(), seasons=(int(marked["season"]),), is_mark=True)
    if worded is None:
        return None
    return _Found(start=worded.start, end=worded.end, seasons=worded.seasons, is_mark=False, is_spelt=worded.is_spelt)


def _follow_unlinked(low: str, found: _Found, read: tuple[int, ...], end: int) -> tuple[tuple[int, ...], int]:
    """Follow numbers separated by spaces only: a range in `S01 04 (…)`, a list in `Season 1 2 3-5`."""
    seasons = list(read)
    if found.is_mark and len(seasons) > 1:
        return read, end
    while (more := _UNLINKED.match(low, end)) is not None:
        number, behind = int(more["number"]), low[more.end() :]
        if number <= seasons[-1] or number > seasons[-1] + 40:
            break
        if found.is_mark:
            if len(more["number"]) != 2 or behind[:2].strip(" ._")[:1] not in {"(", "[", ""}:
                break
            seasons += range(seasons[-1] + 1, number + 1)
        elif behind[:1] in {".", "-", " ", "&", "+", ","} and behind:
            linked, end = follow(low, more.end(), number, SEASON_LINK)
            seasons += linked
            continue
        else:
            break
        end = more.end()
    return tuple(seasons), end

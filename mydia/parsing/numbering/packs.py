"""Whole seasons: `S02.720p`, `Saison 3`, `S01-S04`."""

from __future__ import annotations

import re

from mydia.parsing.numbering.scene import Numbering, Scene
from mydia.parsing.numbering.worded import find_season_words
from mydia.parsing.numerals import NUMBER_WORD, read_number

_MORE_SEASONS = re.compile(
    r"(?:[ ._]?(-|to|a|à|~|&|\+|and|through|thru|bis|/)[ ._]?|[ ._])(s|seasons?[ ._]?|saison[ ._]?)?(\d{1,2})(?![0-9a-z])(?!\.\d[ ._])"
)

_SEASON_MARK = re.compile(r"s(?<![a-z0-9]s)(\d{1,4})(?:d\d{1,2})?(?![a-z0-9])")

_SEASON_PART = re.compile(
    rf"[ ._-]{{1,3}}(?:part|pt|vol|volume|cour|p)[ ._]?(\d{{1,2}}|(?<=[ ._])(?:{NUMBER_WORD}))(?![0-9a-z])"
)

_SEASON_EXTRA = re.compile(r"[ ._+\[(-]{1,3}(?:extras?|subpack|bonus)(?![a-z0-9])")

_SEASON_SPECIAL = re.compile(r"[ ._-]{1,3}(?:special|specials|ova|christmas[ ._]special)(?![a-z0-9])")


def season_pack(scene: Scene) -> Numbering | None:
    """`S02.720p`, `Saison 3`, `(Season 1)`, `S01-S04`, `Season 01 - Season 07`."""
    low = scene.low
    marked, worded = _SEASON_MARK.search(low, scene.begin), find_season_words(scene)
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
                if low[more.end() : more.end() + 2].strip(" ._")[:1] not in {"(", "[", ""}:
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
        is_multi_season=len(seasons) > 1, is_season_extra=extra is not None, part=read_number(part.group(1)) if part else None,
        is_special=special is not None, spans={"season": ((found.start(), end),)},
    )  # fmt: skip

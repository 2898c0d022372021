"""Season and episode as one number: `103`, `1013`, `10708`."""

from __future__ import annotations

import contextlib
import re
from datetime import date

from mydia.parsing.numbering.scene import Numbering, Scene, is_broadcast, is_year

_DAY_BEHIND = re.compile(r"[ ._]-[ ._]((?:19|20)\d\d)(\d\d)(\d\d)(?=[ ._]-|\Z)")

_RUNNING = re.compile(r"[ ._]-[ ._](\d{1,2})(\d\d)[ ._]\((\d{2,3})\)(?=[ ._]-|\Z)")


def running_number(scene: Scene) -> Numbering | None:
    """Read `Title - 201 (14) - Name`: season and episode as one number, followed by the absolute number."""
    found = _RUNNING.search(scene.low, scene.begin)
    if found is None or scene.hint == "movie":
        return None
    day = _DAY_BEHIND.match(scene.low, found.end())
    air_on, end = None, found.end()
    if day is not None:
        with contextlib.suppress(ValueError):
            air_on, end = date(int(day.group(1)), int(day.group(2)), int(day.group(3))), day.end()
    return Numbering(
        found.start(), end, "run-together with running number", 0.8, (int(found.group(1)),), (int(found.group(2)),),
        absolute=(int(found.group(3)),), air_on=air_on, spans={"season": (found.span(1),), "episodes": (found.span(2),)},
    )  # fmt: skip


_DOTTED = re.compile(r"[ ._]-[ ._](\d{1,2})\.(\d\d)(?=[ ._]-[ ._])")


def dotted(scene: Scene) -> Numbering | None:
    """Read `Title - 1.02 - Name`: season and episode with a dot, between dashes."""
    found = _DOTTED.search(scene.low, scene.begin)
    if found is None or scene.subgroup or scene.hint == "movie" or int(found.group(1)) == 0:
        return None
    return Numbering(
        found.start(), found.end(), "dotted", 0.7, (int(found.group(1)),), (int(found.group(2)),),
        spans={"season": (found.span(1),), "episodes": (found.span(2),)},
    )  # fmt: skip


_ABBREVIATED = re.compile(r"-(?:[xh]26[45]|xvid|divx)?-?(\d)(\d\d)\Z")


def run_together(scene: Scene) -> Numbering | None:
    """Read `Title.103.hdtv`, `Title.1013`, `Title.10708`, `Title.101.102`: season and episode as one number."""
    if scene.hint == "movie" or scene.subgroup or (not is_broadcast(scene) and not _lone_number(scene)):
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
    if not word.isdecimal() or not word.isascii() or not 3 <= len(word) <= 6 or is_year(word):
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

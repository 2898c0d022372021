"""`S01E02` and `1x02` with all their continuations, the unambiguous forms."""

from __future__ import annotations

import re
from copy import replace

from mydia.parsing.numbering.links import follow, write_out
from mydia.parsing.numbering.scene import Numbering, Scene, is_year

_SEASON_EPISODE = re.compile(
    r"(?:s(?:(?<![a-z0-9]s)|(?=\d{2}e\d{2}))|t(?<![a-z0-9]t)(?=\d{1,2}[ ._]?e\d)|s(?<![a-z0-9']s)[ ._](?=\d{1,2}[ ._]e[ ._]?\d))(\d{1,4})"
    r"(?:[ ._]?[\])]?[ ._]?[\[(]?|[ ._]?-[ ._]?)(?:ep?(?:isode)?s?[ ._]{0,2}|xe?(?!26[456]))(\d{1,5}|o\d)(?![0-9])"
)

_VERSION_BEHIND = re.compile(r"[ ._]?v\d(?![a-z0-9])")
_DAY_BEHIND = re.compile(r"[ ._-]{0,2}[ ._(\[-](?:19|20)\d\d([ ._-])\d\d\1\d\d[\])]?(?![0-9])")

_SPLIT_BEHIND = re.compile(r"[a-d](?=[ ._\])]|\Z)")
"""Half of an episode that was released in two parts: `S02E05a`."""

OF_TOTAL = re.compile(r"[ ._]?(?:of|из|iz|de|von)[ ._]?(\d{1,4})(?!\d)")

_ABSOLUTE_BEHIND = re.compile(
    r"(?:[ ._]-)?[ ._](?:\((?=\d\d\))|\(?(?=\d{3}))(\d{2,4}(?![pi0-9]))(?:-\d{3,4}){0,9}?(?:-(\d{3,4}))?(?:v\d)?(?=[ ._\])]|\Z)"
)

_ABSOLUTE_BEFORE = re.compile(r"(?:[ ._]-)?[ ._](\d{2,4})(?:\.(\d))?(?:v\d)?[ ._]{0,2}[\[(]?\Z")

_ABSOLUTE_BETWEEN = re.compile(r"[ ._]-[ ._](\d{2,4})(?:\.(\d))?(?:v\d)?[ ._]-[ ._]{0,2}[\[(]?\Z")


def season_episode(scene: Scene) -> Numbering | None:
    """Read `S01E01`, `S01.E01-E03`, `S6.E1E3`, `S07E22 - S07E23`, `[S01][E05]`, `S2 (Ep 6)`."""
    low = scene.low
    found = _SEASON_EPISODE.search(low, scene.begin)
    if found is None:
        return None
    season, first = int(found.group(1)), int(found.group(2).replace("o", "0"))
    episodes, end = follow(low, found.end(), first)
    last = episodes[-1]
    version = _VERSION_BEHIND.match(low, end)
    if version is not None:
        end = version.end()
    split = _SPLIT_BEHIND.match(low, end) if found.end() == end and len(found.group(2)) > 1 else None
    if split is not None:
        end = split.end()
    total = OF_TOTAL.match(low, end)
    full = bool(total) and first == 1 and last > 1 and total is not None and last == int(total.group(1))
    if total:
        end = total.end()
    day = _DAY_BEHIND.match(low, end)
    end = day.end() if day is not None else end
    numbering = Numbering(
        found.start(), end, "season and episode", 0.99, (season,), () if full else episodes, full_season=full,
        is_split=split is not None, is_special=episodes == (0,),
        spans={"season": ((found.start(), found.end(1)),), "episodes": ((found.start(2), end),)},
    )  # fmt: skip
    return _with_absolute(scene, numbering)


def _with_absolute(scene: Scene, numbering: Numbering) -> Numbering:
    """Add the absolute number that fansub groups write next to the season: `S01E12 - 027`, `12 (S01E12)`."""
    low = scene.low
    behind = _ABSOLUTE_BEHIND.match(low, numbering.end)
    if (
        behind is not None
        and not is_year(behind.group(1))
        and (behind.group(1)[0] == "0" or scene.subgroup or behind.group(2))
    ):
        first = int(behind.group(1))
        absolute = write_out(first, int(behind.group(2) or first))
        if behind.group(2) and len(absolute) != len(numbering.episodes):
            return numbering  # `S11E10 - 418-427`: the numbers are an episode title
        return replace(
            numbering, end=behind.end(), absolute=absolute,
            spans={**numbering.spans, "absolute_episodes": (behind.span(),)},
        )  # fmt: skip
    front = low[scene.begin : numbering.start]
    before = _ABSOLUTE_BETWEEN.search(front)
    if before is not None or (
        front[-1:] in {"(", "["} or scene.subgroup or "x" in low[numbering.start : numbering.end]
    ):
        before = before or _ABSOLUTE_BEFORE.search(front)
        if before is not None and before.start() > 0:
            start = scene.begin + before.start()
            spans = {**numbering.spans, "absolute_episodes": ((start, numbering.start),)}
            if before.group(2):
                return replace(
                    numbering, start=start, fractional=(float(f"{before.group(1)}.{before.group(2)}"),), spans=spans
                )
            if not is_year(before.group(1)) and _may_be_absolute(scene, numbering, int(before.group(1)), start):
                return replace(numbering, start=start, absolute=(int(before.group(1)),), spans=spans)
    return numbering


_ARTICLES = frozenset({"the", "a", "an", "der", "die", "das", "la", "le", "el"})
_FEWEST_A_SEASON, _MOST_A_SEASON = 5, 60


def _may_be_absolute(scene: Scene, numbering: Numbering, number: int, title_end: int) -> bool:
    """Return whether a number before `10x14` is the absolute number rather than part of the title (`Room 104 2x05`, `Area 88 S01E03`)."""
    if scene.low.startswith((" - ", "_-_", ".-."), title_end):
        return True
    if not numbering.episodes:
        return False
    earlier, episode = numbering.seasons[0] - 1, numbering.episodes[0]
    if scene.low[scene.begin : title_end].strip(" ._-") in _ARTICLES:
        return False
    return episode + earlier * _FEWEST_A_SEASON <= number <= episode + earlier * _MOST_A_SEASON


_SPACED = re.compile(r"s(?<![a-z0-9']s)(\d{1,2})[ ._](\d{2})(?=\Z|[ ._]-[ ._]|[ ._]{1,2}(?=[^ ._]))")


def season_then_number(scene: Scene) -> Numbering | None:
    """Read `Title S02 05`: a number between the season and the end, a dash or the first technical word."""
    found = _SPACED.search(scene.low, scene.begin)
    if found is None or scene.subgroup or int(found.group(2)) == 0:
        return None
    behind = scene.low[found.end() : found.end() + 3]
    if behind and not behind.startswith((" - ", ".-.", "_-_")) and len(behind) > 1:
        at_facts = found.end() < scene.first_solid <= found.end() + 2
        if not at_facts or scene.low[scene.first_solid - 1] in "([":
            return None
    return Numbering(
        found.start(), found.end(), "season and number", 0.6, (int(found.group(1)),), (int(found.group(2)),),
        spans={"season": (found.span(1),), "episodes": (found.span(2),)},
    )  # fmt: skip


_CROSS = re.compile(
    r"(?<![a-z0-9])(\d{1,2}|(?!1920|2048)(?:19|20)\d\d)(?:x|[ ]x[ ](?=\d\d))(?!26[456])"
    r"(?:(\d{1,4})(?![0-9a-wyz])|(\d{2,3})[a-d](?=[ ._\])]|\Z))"
)


def season_x_episode(scene: Scene) -> Numbering | None:
    """Read `2x09`, `1x01-x03`, `2x9-2x10`, `[05x07]`."""
    low = scene.low
    if "x" not in low:
        return None
    found = _CROSS.search(low, scene.begin)
    if found is None or (found.end() > scene.first_solid and found.start() < scene.first_solid):
        return None
    episodes, end = follow(low, found.end(), int(found.group(2) or found.group(3)))
    total = OF_TOTAL.match(low, end)
    full = total is not None and episodes[0] == 1 < episodes[-1] == int(total.group(1))
    end = total.end() if total is not None else end
    numbering = Numbering(
        found.start(), end, "season x episode", 0.95, (int(found.group(1)),), () if full else episodes, full_season=full,
        is_split=found.group(3) is not None, spans={"season": (found.span(1),), "episodes": ((found.end(1) + 1, end),)},
    )  # fmt: skip
    return _with_absolute(scene, numbering)

"""Openings, endings and specials that carry no number."""

from __future__ import annotations

import re

from mydia.parsing.numbering.scene import Numbering, Scene, is_broadcast

_SPECIAL_BEHIND_DASH = re.compile(
    r"[ ._]-[ ._](?:nc(?:op|ed)|op|ed|ova|oad|ovd|ona|specials?|sp|menu|pv|cm)\d{0,2}[a-z]?(?:v\d)?(?=[ ._\[(]|\Z)"
)

_SPECIAL_BEFORE_BRACKET = re.compile(r"[ ._](?:ova|oad|ona|specials?)[ ._]?(?=[\[(])")


_NUMBERED_SPECIAL = re.compile(
    r"[ ._](?:-[ ._])?(?:ova|oad|ovd|ona|specials?|sp|nc(?:op|ed))[ ._](\d{1,2})(?:v\d)?(?=[ ._]{0,2}(?:[\[(]|\Z))"
)


def numbered_special(scene: Scene) -> Numbering | None:
    """Read `[Group] Title OVA 2 [BD]`, `[Group] Title - NCED 02 [BD]`: a special with its own number."""
    found = _NUMBERED_SPECIAL.search(scene.low, scene.begin) if scene.subgroup else None
    if found is None:
        return None
    return Numbering(
        found.start(), found.end(), "numbered special", 0.7, absolute=(int(found.group(1)),), is_special=True,
        spans={"absolute_episodes": (found.span(1),), "is_special": (found.span(),)},
    )  # fmt: skip


_SP = re.compile(r"(?<![a-z0-9])(?:s\d{1,2}[ ._]?)?sp(\d{1,2})(?![a-z0-9])")
_ALL_SPECIALS = re.compile(r"[ ._](?:the[ ._])?specials[ ._]{0,3}(?=\Z|[\[(])")


def special_of_series(scene: Scene) -> Numbering | None:
    """Read `Title SP05` and `Title Specials 720p`: season 0 of a series."""
    if scene.hint != "tv" or scene.subgroup:
        return None
    found = _SP.search(scene.low, scene.begin + 1)
    if found is not None:
        return Numbering(
            found.start(), found.end(), "special of a series", 0.6, (0,), (int(found.group(1)),), is_special=True,
            spans={"episodes": (found.span(1),), "is_special": (found.span(),)},
        )  # fmt: skip
    found = _ALL_SPECIALS.search(scene.low[: scene.first_solid], scene.begin)
    if found is None or found.start() <= scene.begin:
        return None
    return Numbering(
        found.start(), found.end(), "specials of a series", 0.6, (0,), full_season=True, is_special=True,
        spans={"season": (found.span(),), "is_special": (found.span(),)},
    )  # fmt: skip


def unnumbered_special(scene: Scene) -> Numbering | None:
    """Read `[Group] Title - NCED [BD]`: an opening, ending or special without a number."""
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
    """Read `Show.2013.Christmas.Special.HDTV`: a special of a broadcast series."""
    found = _CHRISTMAS.search(scene.low, scene.begin)
    if found is None or not is_broadcast(scene):
        return None
    return Numbering(
        found.start(), found.start(), "special", 0.5, is_special=True, spans={"is_special": (found.span(),)}
    )

"""Follow linked numbers: `E05-E08`, `05+06`, `5 to 8`, `1, 2 & 3`, `S01.S02`."""

from __future__ import annotations

import re

_MOST = 1_500
"""A longer range is a misread number, and writing it out would cost time (the longest series has about 1,200)."""
_MOST_UNMARKED = 400
"""The same limit for a range whose end has no `E` or `S`; a larger number belongs to another part of the name."""

_RANGE_WORDS = "to|thru|through|until|till|à|a|al|ao|até|ate|bis|tot|til|до|по"
_LIST_WORDS = "and|und|et|y|e|ed|en|og|och|i|ve|и|та"
_LINK = (
    r"(?P<link>[ ._]{0,2}[-~〜][ ._]{0,2}|[ ._]{0,2}[&+,/、][ ._]{0,2}(?:and[ ._])?"
    rf"|[ ._](?:{_RANGE_WORDS}|{_LIST_WORDS})[ ._]|[\])][ ._-]{{0,3}}[\[(]|[ ._]?)"
)
_RANGE_LINKS = frozenset({"-", "~", "〜", *_RANGE_WORDS.split("|")})
_UNSPACED_DASH = "-"

EPISODE_LINK = re.compile(
    _LINK + r"(?P<marker>(?:s\d{1,4}[ ._]?)?(?:ep?[ ._]?|x(?!26[456]))|(?<![a-z0-9])\d{1,2}x)?(?P<number>\d{1,5})(?!\d)"
)
SEASON_LINK_MARKERS = r"s|(?:seasons?|saisons?|staffeln?|stagion[ei]|temporadas?|сезоны?)[ ._]?"
SEASON_LINK = re.compile(_LINK + rf"(?P<marker>{SEASON_LINK_MARKERS})?(?P<number>\d{{1,2}})(?![0-9a-z])(?!\.\d[ ._])")


def write_out(first: int, last: int) -> tuple[int, ...]:
    """Return every number of a range, or only the first if the range is implausible."""
    return tuple(range(first, last + 1)) if first <= last < first + _MOST else (first,)


def follow(
    low: str, position: int, first: int, pattern: re.Pattern[str] = EPISODE_LINK, *, spaced_dash: bool = False
) -> tuple[tuple[int, ...], int]:
    """Follow the numbers linked to a first one.

    A dash, a word like `to` and a bare `E` span a range (`E01E03`); `&`, `+`, a comma and a word like `and` add one number.

    Args:
        position: End of the first number.
        spaced_dash: Whether ` - ` may lead to a number without a marker; otherwise a title may start there.

    Returns:
        The numbers in ascending order, and the end of the last one.
    """
    numbers = [first]
    while (found := pattern.match(low, position)) is not None:
        number, last = int(found.group("number")), numbers[-1]
        if number <= last or not _leads_on(low, found, last, spaced_dash=spaced_dash):
            break
        is_range = found.group("link").strip(" ._") in _RANGE_LINKS or _is_glued(found)
        numbers += range(last + 1, number + 1) if is_range and number < last + _MOST else [number]
        position = found.end()
    return tuple(numbers), position


def _is_glued(found: re.Match[str]) -> bool:
    return not found.group("link").strip(" ._-[]()") and found.group("marker") is not None


def _leads_on(low: str, found: re.Match[str], last: int, *, spaced_dash: bool) -> bool:
    """Return whether the next number is linked; one without a marker may belong to a title or a picture size."""
    if found.group("marker"):
        return True
    link, digits = found.group("link"), found.group("number")
    sign, number = link.strip(" ._"), int(digits)
    behind = low[found.end() : found.end() + 1]
    if behind.isalnum() or number > last + _MOST_UNMARKED or len(digits) > 4:
        return False
    is_season = found.re is SEASON_LINK
    if len(sign) == 1 and sign.isalpha() and not is_season:
        return False  # `S01E05 A 12 Step Program`
    if not sign:
        return link == "_" and number == last + 1 and len(digits) == 2
    if sign in _RANGE_LINKS:
        return sign != "-" or spaced_dash or link == _UNSPACED_DASH
    return number == last + 1 or (link == sign and (is_season or len(digits) > 1))

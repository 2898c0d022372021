"""Numbering of fansub groups, which count absolutely from the first episode."""

from __future__ import annotations

import re

from mydia.parsing.numbering.links import follow, write_out
from mydia.parsing.numbering.scene import Numbering, Scene, is_broadcast, is_year
from mydia.parsing.numbering.standard import OF_TOTAL
from mydia.parsing.numbering.worded import find_season_words
from mydia.parsing.seasons import SEASON_WORD

_SEASON_MARK_ABSOLUTE = re.compile(
    r"s(?<![a-z0-9]s)(\d{1,2})(?:[ ._]-[ ._]|[ ._]?\[|[ ._](?=\d{3}(?![0-9a-z])))(\d{1,4})(?:v\d)?(?=[ ._()\[\]~-]|\Z)"
)

_SEASON_WORD_ABSOLUTE = re.compile(
    rf"[\[(]?(?:{SEASON_WORD})[ ._]?(\d{{1,2}})[\])]?[ ._]-[ ._](\d{{1,4}})(?:v\d)?(?=[ ._()\[\]~-]|\Z)"
)

_RANGE_END = re.compile(
    r"(?P<link>[ ._]?[~〜][ ._]?|-|[ ._]-[ ._]|[ ._](?:to|bis|до|à)[ ._])(?P<last>\d{1,4})(?:v\d)?(?![0-9a-z])(?!\.\d(?![0-9a-z]))"
)
_CLOSES_RANGE = re.compile(r"[ ._]{0,3}(?:\Z|[\[(]|end(?![a-z])|fin(?![a-z])|complete|batch)")


def _with_range(low: str, first: int, digits: str, end: int) -> tuple[tuple[int, ...], int]:
    """Return a number, or the range it starts (`01-12`, `01 ~ 12`, `01 - 12 [720p]`), and its end."""
    found = _RANGE_END.match(low, end)
    if found is None:
        return (first,), end
    last, link = found["last"], found["link"]
    if int(last) <= first or len(last) < len(digits) or len(last) < 2 or (is_year(last) and not is_year(digits)):
        return (first,), end
    if (
        link.strip("._ ") == "-"
        and len(link) > 1
        and (len(last) != len(digits) or not _CLOSES_RANGE.match(low, found.end()))
    ):
        return (first,), end
    return write_out(first, int(last)), found.end()


_MARK_WITHOUT_DASH = re.compile(r"s(?<![a-z0-9]s)(\d{1,2})[ ._](\d{2})(?:v\d)?(?=[ ._]{0,2}(?:[\[(]|\Z))")


def _season_mark_without_dash(scene: Scene) -> Numbering | None:
    """Read `[Group] Title S2 05 [720p]`."""
    found = _MARK_WITHOUT_DASH.search(scene.low, scene.begin) if scene.subgroup else None
    if found is None:
        return None
    return Numbering(
        found.start(), found.end(), "season mark and absolute", 0.7, absolute=(int(found.group(2)),),
        title_suffix=f"S{int(found.group(1))}", spans={"absolute_episodes": (found.span(2),)},
    )  # fmt: skip


def _in_library_style(found: re.Match[str], numbers: tuple[int, ...], end: int) -> Numbering:
    """Read `Title - S01 - 02 - Name`, a library format that counts within the season."""
    return Numbering(
        found.start(), end, "season and number between dashes", 0.8, (int(found.group(1)),), numbers,
        spans={"season": (found.span(1),), "episodes": ((found.start(2), end),)},
    )  # fmt: skip


def season_mark_with_absolute(scene: Scene) -> Numbering | None:
    """Read `Title S2 - 07`: an absolute number, with `S2` as part of the title."""
    low = scene.low
    found = _SEASON_MARK_ABSOLUTE.search(low, scene.begin)
    if found is not None:
        absolute, end = _with_range(low, int(found.group(2)), found.group(2), found.end())
        if not scene.subgroup and low[: found.start()].endswith((" - ", ".-.", "_-_")) and _DASHED_NAME.match(low, end):
            return _in_library_style(found, absolute, end)
        return Numbering(
            found.start(), end, "season mark and absolute", 0.85, absolute=absolute,
            title_suffix=f"S{int(found.group(1))}", spans={"absolute_episodes": ((found.start(2), end),)},
        )  # fmt: skip
    found = _SEASON_WORD_ABSOLUTE.search(low, scene.begin)
    if found is None:
        return _season_mark_without_dash(scene)
    absolute, end = _with_range(low, int(found.group(2)), found.group(2), found.end())
    if not scene.subgroup and _DASHED_NAME.match(low, end):
        return _in_library_style(found, absolute, end)
    return Numbering(
        found.start(), end, "season word and absolute", 0.85, (int(found.group(1)),), absolute=absolute,
        spans={"season": (found.span(1),), "absolute_episodes": ((found.start(2), end),)},
    )  # fmt: skip


_DASHED_NAME = re.compile(r"[ ._]-[ ._]{1,2}[^\W\d_]")

_NUMBER = r"(\d{1,4})(?:\.(\d)(?:\.\d)?)?(?:v\d)?"

_DASH_NUMBER = re.compile(
    r"-[ ._]{0,2}(?:episode[ ._]?|ep?[ ._]?|#)?" + _NUMBER + r"(?=[ ._()\[\]+&~-]|\Z|(?:end|fin|完))"
)

_SECOND_OF_TWO = re.compile(r"[ ]?[&+][ ]?(\d{1,4})(?![0-9a-z])")

_LONG_RUN = re.compile(r"(?<![0-9a-z])(?<!\d\.)(\d{1,4})[ ._]-[ ._](\d{2,4})[ ._]{0,2}(?=[\[(]|\Z)")

_BRACKET_NUMBER = re.compile(
    r"\[[ ]?(?:第|ep?\.?|#)?(\d{1,4})(?:\.(\d))?(?:[ ]?(?:-|~)[ ]?(\d{1,4}))?[ ._]?(?:v\d)?[ ._]?(?:\((?:oad|ova|ona|sp|special|tv|bd|end|fin)\)|end|fin|(?:tv)?[^\x00-\x7f][^\[\]]{0,20})?[ ]?\]"
)

_NUMBER_THEN_WORD = re.compile(
    r"(?<![a-z0-9全共])(\d{1,4})(?:-(\d{1,4}))?(?:\.|-[yia]+)?[ ._]?(?:blm|bölüm|bolum|b[oö]l[uü]m|серия|серии|серії|серія|епизод|话|話|集|화|회)(?![a-z])"
)

_PARENTHESISED = re.compile(r"[ ._]\((\d{2,3})\)(?=[ ._]|\Z)")

_RANGE_BEFORE_BRACKET = re.compile(
    r"[ ._(\[](\d{1,4})(?:-|~)(\d{1,4})[ ._)]{1,3}(?=[\[(]|complete|batch|\Z)|[ ._]\((\d{2,4})(?:-|~)(\d{2,4})\)"
)

_EPISODE_SIGN = re.compile(
    r"(?:(?<=[ ._-])|(?<=\A))(?:(?:episodes?|épisodes?|episodio|episódio|chapter|chapitre|kapitel|folge|capitulo|capítulo|eps?|odc|серия)[ ._]?|(e)|#)"
    r"(\d{1,4})(?:\.(\d))?(?:(?:-|~)(?:ep?)?(\d{1,4}))?(?:v\d)?(?=[ ._()\[\],-]|\Z|ep?\d)"
)


def _whole(first: str, tenth: str | None, last: str | None) -> tuple[tuple[int, ...], tuple[float, ...]]:
    if tenth is not None:
        return (), (float(f"{first}.{tenth}"),)
    return write_out(int(first), int(last)) if last and int(last) > int(first) else (int(first),), ()


def in_brackets(scene: Scene) -> Numbering | None:
    """Read `[Group][名字][Title][2019][07][1080p]`: every part in brackets."""
    for found in _BRACKET_NUMBER.finditer(scene.low, scene.begin):
        if not scene.subgroup and scene.low[found.start() - 1 : found.start()] not in {" ", "_", "]", "."}:
            continue
        if (found.group(3) is None and is_year(found.group(1))) or found.start() == 0:
            continue
        if found.group(2) is not None and f"{found.group(1)}.{found.group(2)}" in _CHANNELS:
            continue
        if found.group(1) in {"480", "720", "1080", "2160", "540", "576"} or found.start() <= scene.begin:
            continue
        absolute, fractional = _whole(found.group(1), found.group(2), found.group(3))
        return Numbering(
            found.start(), found.end(), "number in brackets", 0.85, absolute=absolute, fractional=fractional,
            spans={"absolute_episodes": (found.span(),)},
        )  # fmt: skip
    return None


_CHANNELS = frozenset({"1.0", "2.0", "2.1", "5.0", "5.1", "6.1", "7.1"})
"""Audio channels in a bracket of their own: `[1080p] [BluRay] [5.1]`."""


def number_then_word(scene: Scene) -> Numbering | None:
    """Read `Show 69. Bölüm`, `Show 12 серия`, `第12話`: a number before the word for episode."""
    found = _NUMBER_THEN_WORD.search(scene.low, scene.begin + 1)
    if found is None or scene.hint == "movie":
        return None
    absolute, _ = _whole(found.group(1), None, found.group(2))
    start = found.start() - (scene.low[found.start() - 1] == "第")
    return Numbering(
        start,
        found.end(),
        "number before the word",
        0.8,
        absolute=absolute,
        spans={"absolute_episodes": (found.span(1),)},
    )


def in_round_brackets(scene: Scene) -> Numbering | None:
    """Read `Title (2010) {01} Name`: a padded number in a bracket of its own."""
    if scene.hint != "tv":
        return None
    found = _PARENTHESISED.search(scene.low, scene.begin + 1)
    if found is None or found.start() > scene.first_solid:
        return None
    return Numbering(
        found.start(), found.end(), "number in round brackets", 0.6, absolute=(int(found.group(1)),),
        spans={"absolute_episodes": (found.span(1),)},
    )  # fmt: skip


def behind_dash(scene: Scene) -> Numbering | None:
    """Read `[Group] Title - 07`, `Title - 01-12 (1080p)`, `Title - 12.5`."""
    low = scene.low
    if "-" not in low:
        return None
    run = _LONG_RUN.search(low, scene.begin)
    from_first = run is not None and run.group(1).lstrip("0") == "1" and run.group(1)[0] == "0"
    if run is not None and (from_first or "batch" in low) and (scene.subgroup or scene.hint == "tv"):
        return Numbering(
            run.start(), run.end(), "run of absolute numbers", 0.7, absolute=write_out(int(run.group(1)), int(run.group(2))),
            spans={"absolute_episodes": (run.span(),)},
        )  # fmt: skip
    for found in _DASH_NUMBER.finditer(low, scene.begin):
        start = found.start()
        before = low[start - 1 : start]
        if before not in {" ", "_", "."} and not (before in {"]", ")"} and scene.subgroup):
            continue
        digits = found.group(1)
        numbers, range_end = _with_range(low, int(digits), digits, found.end())
        is_range = len(numbers) > 1 and found.group(2) is None
        glued = low[start + 1 : start + 2] not in {" ", "_", "."}
        if is_year(digits) and not (is_range and numbers[-1] > int(digits)):
            continue
        if not scene.subgroup and (len(digits) < 2 or glued or start > scene.first_solid):
            continue
        run_together = scene.hint is None and len(digits) == 3 and digits[0] != "0" and not is_range
        in_front_of_bracket = low[found.end() : found.end() + 2].strip(" ._")[:1] in {"[", "("}
        if run_together and not scene.subgroup and not in_front_of_bracket:
            continue
        if start <= scene.begin and scene.begin == 0:
            continue
        if not scene.subgroup and not is_range and not in_front_of_bracket and _DASHED_NAME.match(low, found.end()):
            both = _as_season_too(found)
            if both is not None:
                return both
        absolute, fractional = (numbers, ()) if is_range else _whole(digits, found.group(2), None)
        end = range_end if is_range else found.end()
        second = _SECOND_OF_TWO.match(low, end)
        if second is not None and len(absolute) == 1 and int(second.group(1)) == absolute[0] + 1:
            absolute, end = (*absolute, absolute[0] + 1), second.end()
        return Numbering(
            start, end, "absolute behind a dash", 0.9 if scene.subgroup else 0.7, absolute=absolute,
            fractional=fractional, spans={"absolute_episodes": ((found.start(1), end),)},
        )  # fmt: skip
    return None


_MOST_IN_A_SEASON = 40


def _as_season_too(found: re.Match[str]) -> Numbering | None:
    """Read `Title - 203 - Name` both as season 2 episode 3 and as absolute number 203."""
    digits = found.group(1)
    if len(digits) != 3 or digits[0] == "0" or found.group(2) or not 0 < int(digits[1:]) <= _MOST_IN_A_SEASON:
        return None
    place = (found.span(1),)
    return Numbering(
        found.start(), found.end(), "run-together or counted through", 0.5, (int(digits[0]),), (int(digits[1:]),),
        absolute=(int(digits),), spans={"season": place, "episodes": place, "absolute_episodes": place},
    )  # fmt: skip


def range_in_front_of_bracket(scene: Scene) -> Numbering | None:
    """Read `Title 1017-1088 (WEB 1080p)`, `Title - Arc (892-916) (BD)`: an absolute range without a dash before it."""
    if scene.hint == "movie" or (scene.hint is None and not scene.subgroup):
        return None
    if find_season_words(scene) is not None:
        return None
    for found in _RANGE_BEFORE_BRACKET.finditer(scene.low, scene.begin):
        digits, end_digits = found.group(1) or found.group(3), found.group(2) or found.group(4)
        first, last = int(digits), int(end_digits)
        if last <= first or (is_year(digits) and is_year(end_digits)):
            continue
        return Numbering(
            found.start(), found.end(), "absolute range", 0.8, absolute=write_out(first, last),
            spans={"absolute_episodes": (found.span(),)},
        )  # fmt: skip
    return None


def episode_sign(scene: Scene) -> Numbering | None:
    """Read `Title EP06`, `Title Episode 56 [720p]`, `Title #957`, `Title.E07`."""
    if scene.hint == "movie":
        return None
    low = scene.low
    for found in _EPISODE_SIGN.finditer(low, scene.begin):
        digits = found.group(2)
        # Underscores join the words of fansub names, which count absolutely (`title_e66_name`).
        plain = found.group(1) is not None and low[found.start() - 1 : found.start()] != "_"
        absolute, fractional = _whole(digits, found.group(3), found.group(4))
        end = found.end()
        if absolute:
            more, end = follow(low, end, absolute[-1])
            absolute = (*absolute[:-1], *more)
            total = OF_TOTAL.match(low, end)
            end = total.end() if total is not None else end
        place = ((found.start(), end),)
        if scene.hint != "tv" and found.group().startswith(_CHAPTERS):
            continue
        if (plain and len(digits) < 3) or _dated_front(scene):
            return Numbering(found.start(), end, "mini-series", 0.7, (1,), absolute, spans={"episodes": place})
        return Numbering(
            found.start(), end, "episode sign", 0.8, absolute=absolute, fractional=fractional,
            spans={"absolute_episodes": place},
        )  # fmt: skip
    return None


_CHAPTERS = ("chapter", "chapitre", "kapitel")
"""Words that count only with the `tv` hint, since films have chapters too."""


def _dated_front(scene: Scene) -> bool:
    """Return whether a date in six digits was dropped from the front, as in names of Japanese broadcasts."""
    return not scene.subgroup and scene.begin >= 7 and scene.low[:6].isdecimal()


def bare_absolute(scene: Scene) -> Numbering | None:
    """Read `[Group] Title 07 [720p]`, `Title 04 vostfr`: a number of two to four digits directly before the tail."""
    if scene.hint == "movie":
        return None
    words = scene.words
    limit = words.index_at(scene.first_solid)
    for index in range(words.index_at(scene.begin) + 1, len(words.words)):
        word = words.words[index]
        digits = word.partition("v")[0] if "v" in word else word
        if not digits.isdecimal() or not word[0].isdecimal() or len(digits) > 4 or is_year(digits):
            continue
        if index > limit:
            break
        if words.words[index - 1] in _COUNTS_DISCS:
            continue
        padded = (
            len(digits) > 1 and digits[0] == "0" and (scene.subgroup or (scene.hint is None and not scene.has_year))
        )
        behind = scene.low[words.ends[index] : words.ends[index] + 3].lstrip(" ._")
        at_end = index + 1 == len(words.words)
        at_tail = index + 1 == limit or behind[:1] in {"[", "("} or any(m.first == index + 1 for m in scene.marks)
        if scene.low[words.starts[index] - 1] not in " ._-]":
            continue
        if len(digits) == 1 and not (scene.hint == "tv" and index + 1 == limit < len(words.words)):
            continue
        subbed = any(m.first == index + 1 and m.kind == "subs" for m in scene.marks)
        tenth = _TENTH_BEHIND.match(scene.low, words.ends[index]) if scene.subgroup and len(digits) > 1 else None
        if tenth is not None:
            return Numbering(
                words.starts[index], tenth.end(), "bare absolute", 0.6, fractional=(float(f"{digits}.{tenth.group(1)}"),),
                spans={"absolute_episodes": ((words.starts[index], tenth.end()),)},
            )  # fmt: skip
        if (
            padded
            or subbed
            or (scene.subgroup and (at_tail or at_end))
            or (at_tail and len(digits) <= 2 and is_broadcast(scene))
            or (at_end and len(digits) > 2 and digits[0] == "0" and scene.hint == "tv")
        ):
            start = words.starts[index]
            absolute, end = _with_range(scene.low, int(digits), digits, words.ends[index])
            return Numbering(
                start, end, "bare absolute", 0.6, absolute=absolute, spans={"absolute_episodes": ((start, end),)}
            )
    return None


_COUNTS_DISCS = frozenset({"vol", "volume", "disc", "disk", "dvd", "bd", "cd"})
_TENTH_BEHIND = re.compile(r"\.(\d)(?:v\d)?(?=[ ._]{0,2}(?:[\[(]|\Z))")

_BRACKETED_YEAR = re.compile(r"[\[(](?:19|20)\d\d[\])]")
_FRONT_NUMBER = re.compile(r"(\d{1,3})(?:\.[ ]|[ ]-[ ]|[ ._-](?=[^\W\d_]))")


def number_in_front(scene: Scene) -> Numbering | None:
    """Read `[Group] 06 Title (720p)`, `003. Title - Name`: the number comes first."""
    found = _FRONT_NUMBER.match(scene.low, scene.begin)
    if found is None or scene.hint == "movie":
        return None
    if scene.hint is None and not scene.subgroup and _BRACKETED_YEAR.search(scene.low, found.end()):
        return None  # A film in a list: `01. Title (2019)`.
    dotted = scene.low[found.end() - 2 : found.end()] == ". " and found.group(1)[0] == "0"
    dashed = scene.hint is None and not scene.marks and scene.low[found.end() - 1] == "-" and found.group(1)[0] == "0"
    if not (scene.subgroup or dotted or dashed):
        return None
    return Numbering(
        scene.begin, found.end(), "number in front", 0.4, absolute=(int(found.group(1)),), title_follows=True,
        spans={"absolute_episodes": (found.span(1),)},
    )  # fmt: skip

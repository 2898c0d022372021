"""Find the end of the title, the year and the start of the tail of technical words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mydia.parsing.groups import looks_signed, strip_reposters
from mydia.parsing.numbering import Numbering
from mydia.parsing.opening import Opened
from mydia.parsing.patterns import COMMON_CODES, LANGUAGE_CODES
from mydia.parsing.release import Span
from mydia.parsing.tokens import Mark, Words

_BRACKET = re.compile(r"[\[(][^\[\]()]{2,60}[\])]")

CHECKSUM = re.compile(r"[\[(]([0-9A-Fa-f]{8,9})[\])]")

YEAR = re.compile(r"(?<![a-z0-9])((?:18[89]|19\d|20\d)\d)(?![a-z0-9])|(?<=[a-z])(20\d\d)(?=[.]\d{3,4}p)")

_WALKS_BACK = frozenset({
    "edition", "language", "revision", "hdr", "source", "resolution", "audio_codec", "video_codec",
    "audio_channels", "subs", "hardcoded", "bit_depth", "container",
})  # fmt: skip

_WALKING_MISC = frozenset(
    {"standard", "disc", "internal", "complete", "docu", "widescreen", "hybrid", "audio", "3d", "hd", "limited"}
)


@dataclass(slots=True, kw_only=True)
class Borders:
    """Positions of the parts of a name, in characters; `tail_word` is the tail in words."""

    title_end: int
    tail: int
    tail_word: int
    year: int | None
    year_span: Span | None
    bounded: bool
    """Whether a year, a number or a technical word ends the title, rather than the end of the name."""


def find_borders(
    opened: Opened, words: Words, marks: list[Mark], numbering: Numbering | None, first_solid: int, hint: str | None
) -> Borders:
    """Find the year and the borders of title and tail."""
    low, length = opened.low, len(opened.text)
    years = [(int(y.group(1) or y.group(2)), y.start(), y.end()) for y in YEAR.finditer(low, opened.begin)]
    if years:
        frames = [(words.starts[m.first], words.ends[m.last - 1]) for m in marks if m.kind == "resolution"]
        years = [y for y in years if not any(start <= y[1] < end for start, end in frames)]
    if numbering is not None:
        return _bound_numbered(opened, words, marks, numbering, years, first_solid)
    inside = [y for y in years if opened.begin < y[1] < first_solid]
    bracketed = [y for y in inside if low[y[1] - 1] in "([" and low[y[2] : y[2] + 1] in {")", "]", ""}]
    chosen = bracketed[-1] if bracketed else inside[-1] if inside else None
    remark = _find_remark(opened, words, marks, chosen[1] if chosen else first_solid)
    if chosen is not None:
        first = next((y for y in inside if y[2] + 1 == chosen[1] and low[y[2]] == "-" and y[0] < chosen[0]), None)
        if first is not None and first[1] > opened.begin:
            # `Collection 1990-2005`: the years of the first and the last.
            chosen = (first[0], first[1], chosen[2])
        end = _walk_back(words, marks, chosen[1], opened.begin, frozenset({"edition", "misc"}))
        if end < chosen[1]:
            end = _before_article(words, end, opened.begin)
        if end == chosen[1]:
            end = _walk_over_scene_words(words, marks, end, opened.begin)
        end, tail = _before_same_year(opened, inside, chosen, min(end, remark)), min(chosen[2], remark)
        return Borders(
            title_end=end,
            tail=tail,
            tail_word=words.index_at(tail),
            year=chosen[0],
            year_span=(chosen[1], chosen[1] + 4),
            bounded=True,
        )
    later = next((y for y in years if y[1] > first_solid), None)
    if first_solid < length:
        start = _walk_back(words, marks, first_solid, opened.begin, None)
    else:
        start = _walk_back(words, marks, _before_group(opened, may_be_title=True), opened.begin, None)
    year = (later[0], (later[1], later[2])) if later else (None, None)
    return Borders(
        title_end=start,
        tail=start,
        tail_word=words.index_at(start),
        year=year[0],
        year_span=year[1],
        bounded=first_solid < length,
    )


def _before_article(words: Words, end: int, begin: int) -> int:
    """Exclude the article of an edition from the title: `Title.The.Directors.Cut.2019`."""
    index = words.index_at(end) - 1
    is_article = index > words.index_at(begin) and words.words[index] == "the" and words.ends[index] >= end - 1
    return words.starts[index] if is_article else end


def _before_same_year(opened: Opened, years: list[tuple[int, int, int]], chosen: tuple[int, int, int], end: int) -> int:
    """Exclude a repeated year from the title: `Castle (2009) (2009)`."""
    for value, start, stop in reversed(years):
        is_beside = value == chosen[0] and start < chosen[1] and not opened.text[stop:end].strip(" ._-()[]")
        if is_beside and opened.low[start - 1] in "([" and opened.text[opened.begin : start].strip(" ._-(["):
            end = start
    return end


def _find_remark(opened: Opened, words: Words, marks: list[Mark], stop: int, begin: int | None = None) -> int:
    """Find a bracket before `stop` that holds only known technical words; the title ends there."""
    for found in _BRACKET.finditer(opened.low, opened.begin + 1 if begin is None else begin, stop):
        first, last = words.index_at(found.start()), words.index_at(found.end())
        inside = {i for m in marks for i in range(m.first, m.last) if first <= i < last}
        understood = all(i in inside or _is_spelt_code(words, i) for i in range(first, last))
        if first < last and understood and (inside or last - first > 1):
            return found.start()
    return stop


def _is_spelt_code(words: Words, index: int) -> bool:
    """Return whether a word is a language code in capitals, as in `[FR-EN]`."""
    return words.words[index] in LANGUAGE_CODES and words.text[words.starts[index] : words.ends[index]].isupper()


def _before_group(opened: Opened, *, may_be_title: bool = False) -> int:
    """Return the end of a name without technical words, excluding its `-GROUP`.

    Args:
        may_be_title: Whether nothing else ends the title. A hyphen then joins two words of it (`Spider-Man`,
            `Catch-22`) unless the last word looks like a group (`Movie.Title-GRP`).
    """
    if opened.checksum is not None:
        return opened.checksum.start()
    text = strip_reposters(opened.text.rstrip(" ._-])"))
    hyphen = text.rfind("-")
    if hyphen > opened.begin and text[hyphen + 1 :].isalnum() and text[hyphen - 1] != " ":
        if may_be_title and not looks_signed(text[opened.begin : hyphen], text[hyphen + 1 :]):
            return len(opened.text)
        return hyphen
    return len(opened.text)


def _bound_numbered(
    opened: Opened,
    words: Words,
    marks: list[Mark],
    numbering: Numbering,
    years: list[tuple[int, int, int]],
    first_solid: int,
) -> Borders:
    low = opened.low
    title_end = min(numbering.start, first_solid) if first_solid > opened.begin else numbering.start
    if first_solid < numbering.start and first_solid > opened.begin:
        title_end = _walk_back(words, marks, title_end, opened.begin, None)
    if numbering.form == "abbreviated name":
        title_end = numbering.start
    elif numbering.episodes or numbering.air_on is None:
        title_end = _drop_day(low, opened.begin, title_end)
    border = words.index_at(title_end)
    begun = next((m for m in marks if m.first < border < m.last and m.value == "complete"), None)
    if begun is not None and words.starts[begun.first] > opened.begin:
        # `Title Complete Season 2`: the phrase overlaps the numbers.
        title_end = words.starts[begun.first]
    title_end = _walk_back(words, marks, title_end, opened.begin, frozenset({"complete"}))
    title_end = _walk_over_scene_words(words, marks, title_end, opened.begin, only_loud=True)
    year: int | None = None
    span: Span | None = None
    before = [y for y in years if opened.begin < y[1] < title_end]
    if before and not _COUNTRY.sub("", opened.text[before[-1][2] : title_end]).strip(" ._-()[]/"):
        year, start, end = before[-1]
        if len(before) > 1 and start - before[-2][2] == 1 and low[start - 1] == "-":
            # `Series (2013-2020)`: catalogues list a series by its first year.
            year, start, end = before[-2]
        span, title_end = (start, end), _before_same_year(opened, before, (year, start, end), start)
    solid = next(
        (m for m in marks if words.starts[m.first] >= numbering.end and (m.solid or _is_signed_revision(words, m))),
        None,
    )
    stop = words.starts[solid.first] if solid is not None else _before_group(opened)
    if stop <= numbering.end:
        stop = len(opened.text)
    tail = _walk_back(words, marks, stop, numbering.end, None, may_reach=True)
    if numbering.full_season or (not numbering.episodes and not numbering.air_on and numbering.seasons):
        tail = min(tail, numbering.end)
    tail = min(tail, _find_remark(opened, words, marks, tail, numbering.end))
    if year is None:
        for value, start, end in years:
            if start < numbering.end:
                continue
            if low[start - 1] in "([" or start >= tail or end + 1 >= tail:
                year, span = value, (start, end)
                tail = min(tail, start)
                break
    return Borders(
        title_end=title_end, tail=tail, tail_word=words.index_at(tail), year=year, year_span=span, bounded=True
    )


_COUNTRY = re.compile(r"[(\[](?:[A-Z]{2}|USA)[)\]]")
"""A country between the year and the numbers: `The Bridge (2011) (SE) S03E01`."""


def _is_signed_revision(words: Words, mark: Mark) -> bool:
    """Return whether a group follows a revision in capitals: `Title.REPACK-GRP`."""
    if mark.kind != "revision" or mark.last == len(words.words) or words.gap(mark.last) != "-":
        return False
    return words.text[words.starts[mark.first] : words.ends[mark.last - 1]].isupper() and not words.text.isupper()


_DAY_TAIL = re.compile(r"[ ._-](?:19|20)\d\d[ ._-]\d\d[ ._-]\d\d[ ._-]{0,3}\Z")


def _drop_day(low: str, begin: int, end: int) -> int:
    """Exclude a date before the numbers from the title: `Judge 2016 02 25 S20E142`."""
    found = _DAY_TAIL.search(low, begin, end)
    return found.start() if found is not None else end


def _walk_back(
    words: Words, marks: list[Mark], stop: int, begin: int, kinds: frozenset[str] | None, *, may_reach: bool = False
) -> int:
    """Move a border back over the unbroken row of marks before it, but never over the whole title."""
    border = words.index_at(stop)
    floor = words.index_at(begin) - may_reach
    by_end = {m.last: m for m in marks}
    while True:
        mark = by_end.get(border)
        is_alone = may_reach and border - 2 == floor
        if (
            mark is None
            and kinds is None
            and border - 1 > floor
            and _is_code(words, border - 1, marks, is_alone=is_alone)
        ):
            border -= 1
            stop = words.starts[border]
            continue
        if mark is None and kinds is None and may_reach and _are_codes(words, floor + 1, border, marks):
            return words.starts[floor + 1]
        if mark is None or mark.first <= floor:
            break
        if kinds is None:
            if _is_spoken_of(words, mark):
                break
            walks = (
                mark.kind in _WALKS_BACK
                or (mark.kind == "misc" and mark.value in _WALKING_MISC)
                or (mark.kind == "streaming_service" and (mark.solid or before_web(words, mark, marks)))
            )
        else:
            walks = (mark.kind in kinds and (mark.kind != "misc" or mark.value in {"3d", "complete", "hybrid"})) or (
                "complete" in kinds
                and mark.kind == "misc"
                and mark.value in {"complete", "season"}
                and _is_complete(words, mark, by_end)
            )
        if not walks or (mark.first - 1 == words.index_at(begin) and words.words[mark.first - 1] in _ARTICLES):
            break
        border = mark.first
        stop = words.starts[border]
    return stop


def _walk_over_scene_words(words: Words, marks: list[Mark], stop: int, begin: int, *, only_loud: bool = False) -> int:
    """Move the end of a title back over `UNCUT.German`, `German.DL`, `MULTi` and `PROPER` before the year.

    A single language may belong to the title (`The Good German 2006`). It counts only if it is in capitals, follows an
    edition, or the tail names a second language.

    Args:
        only_loud: Whether only languages in capitals count, as before season and episode (`Title.FRENCH.S01E02`).
    """
    border, floor = words.index_at(stop), words.index_at(begin)
    by_end = {m.last: m for m in marks}
    row: list[Mark] = []
    edge = border
    while (mark := by_end.get(edge)) is not None and mark.first > floor and mark.kind in _SCENE_KINDS:
        row.append(mark)
        edge = mark.first
    if not row:
        return stop
    kinds = {m.kind for m in row}
    if kinds == {"resolution"} and not only_loud:
        return words.starts[edge]
    second = any(m.kind == "language" and "+" in m.value and m.first > border for m in marks)
    before = words.text[words.starts[floor] : words.starts[edge]]
    loud = not before.isupper() and all(
        _is_loud(words.text[words.starts[m.first] : words.ends[m.last - 1]]) for m in row
    )
    if edge - 1 == floor and words.words[floor] in _ARTICLES:
        return stop
    if only_loud:
        return words.starts[edge] if loud and "language" in kinds else stop
    if loud or len(row) > 1 or ("language" in kinds and (second or _is_german(words, edge, begin))):
        return words.starts[edge]
    return stop


def _is_german(words: Words, index: int, begin: int) -> bool:
    """Return whether `German` before the year is the language (`Title.German.2011`), not an adjective (`The Good German 2006`).

    Radarr reads it so too (`ReportMovieTitleRegex`).
    """
    before = words.words[index - 1] if index > words.index_at(begin) else "the"
    return words.words[index] in {"german", "truefrench"} and before not in _BEFORE_ADJECTIVES


_BEFORE_ADJECTIVES = frozenset(
    {"the", "a", "an", "good", "my", "his", "her", "our", "your", "last", "young", "bad", "is", "in"}
)
_SCENE_KINDS = frozenset({"language", "edition", "revision", "resolution"})


def _is_loud(written: str) -> bool:
    """Return whether a word is in scene capitals: `FRENCH`, `MULTi`, `iTALiAN`."""
    return len(written) > 3 and sum(c.isupper() for c in written) * 2 > len(written)


_ARTICLES = frozenset({"the", "a", "an", "der", "die", "das", "le", "la", "les", "el", "los", "il"})
"""A title is never just an article: `The Extended 2018`."""

_COMMON_PAIRS = frozenset(["fr", "de", "es", "nl", "pl", "cz", "ru", "hu", "pt", "dk", "kr", "jp"])


def _are_codes(words: Words, first: int, last: int, marks: list[Mark]) -> bool:
    """Return whether all words between the numbers and a technical word are language codes: `S01E02.eng.rus.720p`."""
    row = words.words[first:last]
    if not 0 < len(row) <= _MOST_CODES or not any(m.first == last and m.kind != "subs" for m in marks):
        return False
    spelt = all(len(word) == _CODE_LENGTH and word in LANGUAGE_CODES for word in row)
    return spelt and any(word in COMMON_CODES for word in row)


_MOST_CODES, _CODE_LENGTH = 4, 3


def _is_spoken_of(words: Words, mark: Mark) -> bool:
    """Return whether a language ends a phrase of a title: `How.to.Be.Danish.720p`, `The.Georgian.720p`."""
    if mark.kind != "language" or mark.first == 0:
        return False
    article = words.words[mark.first - 2] if mark.first > 1 else ""
    described = mark.value in _SELDOM_DUBBED and article in _ENGLISH_ARTICLES
    if not described and words.words[mark.first - 1] not in _BEFORE_LANGUAGES:
        return False
    return words.text[words.starts[mark.first] : words.ends[mark.last - 1]].istitle() and not words.text.istitle()


_BEFORE_LANGUAGES = frozenset({
    "the", "a", "an", "in", "of", "to", "for", "from", "with", "and", "or", "like", "as", "be", "being", "is", "are", "am", "was",
    "were", "not", "so", "too", "very", "my", "your", "his", "her", "our", "their", "speak", "speaks", "speaking", "learn", "learns", "learning",
    "talk", "talking", "half", "part",
})  # fmt: skip
"""Words that need a language or nationality behind them, so it belongs to the title."""
_SELDOM_DUBBED = frozenset({"eu", "ga", "gl"})
"""Languages into which next to nothing is dubbed: behind an article and an adjective (`A.Dangerous.Irish`) they are nationalities.
`The.Return.German` is a release in German."""
_ENGLISH_ARTICLES = frozenset({"a", "an", "the"})


def _is_code(words: Words, index: int, marks: list[Mark], *, is_alone: bool) -> bool:
    """Return whether an unknown word before the tail is a language code.

    Args:
        is_alone: Whether it is the only word between the numbers and the tail. Any code in capitals then counts;
            otherwise only common codes that are rarely words, or a code followed by another.
    """
    written, word = words.text[words.starts[index] : words.ends[index]], words.words[index]
    if word not in LANGUAGE_CODES:
        # `2xUkr` means two dubs in one language.
        return word[:1].isdecimal() and word[1:2] == "x" and word[2:] in COMMON_CODES
    if is_alone and written.isupper() and not words.text.isupper():
        return True
    if len(written) == 2:
        if word in _COMMON_PAIRS and written.istitle() and _counts_discs(marks, index + 1):
            return True
        if word not in _COMMON_PAIRS or not written.isupper() or words.text.isupper():
            return False
        return any(m.first == index + 1 for m in marks) or (index + 1 == len(words.words) and words.gap(index) == ".")
    if not (written.isupper() or written.istitle()):
        return False
    return word in COMMON_CODES or (index + 1 < len(words.words) and words.words[index + 1] in LANGUAGE_CODES)


def _counts_discs(marks: list[Mark], index: int) -> bool:
    """Return whether a disc or a number of discs starts at a word: `2 CD`, `CD1`."""
    return any(m.first == index and m.value == "disc" for m in marks)


def _is_complete(words: Words, mark: Mark, by_end: dict[int, Mark]) -> bool:
    """Return whether a mark is `Complete` or the `Series` of `Complete Series`."""
    previous = by_end.get(mark.first)
    return mark.value == "complete" or (previous is not None and previous.value == "complete")


def before_web(words: Words, mark: Mark, marks: list[Mark]) -> bool:
    """Return whether a web source follows the mark."""
    return any(m.first == mark.last and m.kind == "source" and m.value in {"webdl", "webrip"} for m in marks)

"""Read the audio and subtitle languages of a release."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from mydia.parsing.patterns import COMMON_CODES, LANGUAGE_CODES, SUBTITLE_PREFIXES
from mydia.parsing.tokens import Mark, Words

_TIMES = re.compile(r"(?:\dx)?([a-z]{2,4})\Z")
_LONGEST_CODE = 6
_SHORTEST_LIST = 3
_LIST_GAPS = frozenset({" ", ".", "-", "+", "_", "/", ",", ", ", "&", " - ", " + ", " / ", " & ", "|", " | "})
_SUBS_WORD = re.compile(r"([a-z]{1,10})(?:subs?|subbed)\Z|(?:sub|vost)(?:s)?([a-z]{2,6})\Z")
_CHINESE = re.compile("[简繁簡]|中[日英文字双雙]|[国國]语|國語|粤语|中字")
_WITHIN = re.compile(r"[\[\](){}|]")
_LAST_PAIRS = frozenset({"FR", "DE", "ES", "NL", "PL", "CZ", "RU", "HU", "PT"})
"""Codes accepted alone at the end, in capitals (`….Title.FR.avi`); others (`US`, `IT`, `NO`) are words."""
_SCENE_SUBS = {"vostfr": "fr", "vostf": "fr", "subfrench": "fr", "vostit": "it", "subita": "it"}


class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """Audio and subtitle languages with their spans."""

    audio: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    hardcoded: bool = False
    audio_spans: tuple[tuple[int, int], ...] = ()
    subtitle_spans: tuple[tuple[int, int], ...] = ()


def find_language_codes(words: Words, tail: int, marks: list[Mark], title_end: int) -> list[Mark]:
    """Find short language codes (`ENG`, `Ita`, `2xUkr`, `RU-KA`).

    Codes are also ordinary words, so only those in the tail count. Three in a row, or two that fill a bracket, are
    accepted in any case. Others must be capitalised like codes (`ENG`, `Eng`; two letters in capitals only) and be next
    to another known word.
    """
    taken = {index for mark in marks for index in range(mark.first, mark.last)}
    spoken = {index for mark in marks if mark.kind == "language" for index in range(mark.first, mark.last)}
    sounds = {mark.first for mark in marks if mark.kind in {"audio_codec", "resolution"} or mark.value == "disc"}
    # Chinese remarks are one word without spaces; after the title they always describe the release.
    found = [
        Mark(index, index + 1, "language", "zh", solid=False)
        for index in range(title_end, len(words.words))
        if not words.words[index].isascii() and index not in taken and _CHINESE.search(words.words[index])
    ]
    codes = {
        index: code
        for index in range(tail, len(words.words))
        if index not in taken and (code := _code_of(words.words[index])) is not None
    }
    listed = _find_lists(words, codes, spoken)
    looking = {
        index for index in codes if index in listed or _looks_like_code(words, index, tail, taken, codes, sounds)
    }
    found.extend(
        Mark(index, index + 1, "language", codes[index], solid=False)
        for index in sorted(looking)
        if index in listed or _is_in_company(words, index, tail, looking, taken, spoken)
    )
    return found


@lru_cache(maxsize=4096)
def _code_of(word: str) -> str | None:
    match = _TIMES.match(word) if len(word) <= _LONGEST_CODE else None
    return LANGUAGE_CODES.get(match.group(1)) if match is not None else None


def _find_lists(words: Words, codes: dict[int, str], spoken: set[int]) -> set[int]:
    """Return the codes in a list: three in a row, or two that fill a bracket. Language names count as members."""
    listed: set[int] = set()
    row: list[int] = []
    end = len(words.words)
    for index in sorted({*codes, *spoken, end}):
        if row and (index == end or index != row[-1] + 1 or words.gap(index) not in _LIST_GAPS):
            before, behind = words.gap(row[0])[-1:], words.low[words.ends[row[-1]] : words.ends[row[-1]] + 1]
            if len(row) >= _SHORTEST_LIST or (len(row) > 1 and before in {"[", "("} and behind in {"]", ")"}):
                listed.update(row)
            row = []
        row.append(index)
    return listed & codes.keys()


def _looks_like_code(
    words: Words, index: int, tail: int, taken: set[int], codes: dict[int, str], sounds: set[int]
) -> bool:
    """Return whether a word is capitalised like a code: `ENG`, `Eng`, `ViE`; two letters in capitals."""
    match = _TIMES.match(words.words[index])
    counted = match.start(1) if match is not None else 0
    written = words.text[words.starts[index] + counted : words.ends[index]]
    if counted:
        return True
    loud = written.replace("i", "I").isupper()
    if len(written) == 2:
        joined = written.istitle() and (_joins_codes(words, index) or _between_facts(index, tail, taken, sounds))
        return written.isupper() or joined
    if loud or written.istitle():
        return True
    if len(written) == _LONG_CODE and _fills_gap(words, index, tail, taken, codes):
        return True
    return index - 1 in taken or index - 1 in codes or words.gap(index)[-1:] in {"[", "("}


_LONG_CODE = 3


def _fills_gap(words: Words, index: int, tail: int, taken: set[int], codes: dict[int, str]) -> bool:
    """Return whether a row of codes fills the gap between the year or numbers and a technical word: `2006.spa.1080p`."""
    first = last = index
    while first - 1 in codes:
        first -= 1
    while last + 1 in codes:
        last += 1
    behind_year = first - 1 == tail and words.words[tail].isdecimal()
    is_framed = (first == tail or behind_year or first - 1 in taken) and last + 1 in taken
    return is_framed and any(words.words[place] in COMMON_CODES for place in range(first, last + 1))


def _is_in_company(words: Words, index: int, tail: int, codes: set[int], taken: set[int], spoken: set[int]) -> bool:
    """Return whether a code is next to a known word or in a bracket, and is neither the group nor an anime's `[Fin]`."""
    last = index == len(words.words) - 1
    written = words.text[words.starts[index] : words.ends[index]]
    if last and written in _LAST_PAIRS and not words.text.isupper() and (words.gap(index) == "." or index == tail):
        return True
    if words.words[index] == "fin" and words.gap(index)[-1:] == "[" and index + 1 not in codes:
        return False
    if last and words.gap(index) == "-" and index - 1 not in codes and index - 1 not in spoken:
        return False
    beside = {index - 1, index + 1} & (codes | taken)
    return bool(beside) or words.gap(index)[-1:] in {"[", "("}


def _between_facts(index: int, tail: int, taken: set[int], sounds: set[int]) -> bool:
    """Return whether a code is between two known words, like the `Fr` of `2016.Fr.AAC`."""
    return index + 1 in sounds and (index == tail or index - 1 in taken)


def _joins_codes(words: Words, index: int) -> bool:
    """Return whether a code is joined to another, as in `Fr-Eng` or `Fr+De`."""
    gap, behind = words.gap(index), words.gap(index + 1) if index + 1 < len(words.words) else ""
    after = words.words[index + 1] if behind in {"-", "+"} else ""
    before = words.words[index - 1] if index and gap in {"-", "+"} else ""
    return after in LANGUAGE_CODES or before in LANGUAGE_CODES


def read_languages(words: Words, marks: list[Mark], tail: int) -> Languages:
    """Split the languages of the tail into audio and subtitles."""
    audio: dict[str, tuple[int, int]] = {}
    subs: dict[str, tuple[int, int]] = {}
    hardcoded = False
    relevant = [m for m in marks if m.kind in {"language", "subs", "hardcoded"}]
    has_german = any(m.value == "de" for m in relevant)
    subtitled = _find_subtitled(words, relevant)
    for mark in relevant:
        span = (words.starts[mark.first], words.ends[mark.last - 1])
        if mark.kind == "hardcoded":
            hardcoded = True
            burnt = (
                _language_in_subs_word(word) or LANGUAGE_CODES.get(word) for word in words.words[mark.first : mark.last]
            )
            subs |= {language: span for language in burnt if language}
            continue
        if mark.kind == "subs":
            word = words.words[mark.first]
            language = _SCENE_SUBS.get(word) or _language_in_subs_word(word)
            if language:
                subs[language] = span
            continue
        if mark.value in {"de+dl", "de+ml"}:
            if has_german or words.words[mark.first] == "german":
                audio.setdefault("de", span)
                audio["original"] = span
                if mark.value == "de+ml":
                    audio["en"] = span
            elif mark.value == "de+ml":
                audio["ml"] = span
            continue
        if mark.value == "multi":
            continue
        if mark.first in subtitled:
            subs[mark.value] = span
        else:
            audio[mark.value] = span
    return Languages(
        audio=tuple(audio),
        subtitles=tuple(subs),
        hardcoded=hardcoded,
        audio_spans=tuple(audio.values()),
        subtitle_spans=tuple(subs.values()),
    )


def _language_in_subs_word(word: str) -> str | None:
    found = _SUBS_WORD.match(word)
    if found is None:
        return None
    return SUBTITLE_PREFIXES.get(found.group(1) or found.group(2)) or None


def _find_subtitled(words: Words, marks: list[Mark]) -> set[int]:
    """Return the first word of every language that is a subtitle: the rows directly before and after `Sub`."""
    by_first = {m.first: m for m in marks if m.kind == "language"}
    by_last = {m.last: m for m in by_first.values()}
    found: set[int] = set()
    for sub in marks:
        if sub.kind not in {"subs", "hardcoded"} or _names_itself(words.words[sub.first]):
            continue
        if words.words[sub.first] == "multiple":
            # `[Multiple Subtitle] [ENG][FRE]`: a list in brackets of their own.
            found |= {first for first in by_first if first > sub.first and words.gap(first)[-1:] == "["}
        if not _points_ahead(words, sub, by_first):
            found |= _row_before(words, sub.first, by_last)
        found |= _row_after(words, sub.last, by_first)
    return found


def _names_itself(word: str) -> bool:
    """Return whether a word for subtitles says nothing about its neighbours: `multisub`, `vostfr`, `nlsubs`."""
    return word in {"multisub", "multisubs", "msubs"} or word in _SCENE_SUBS or _language_in_subs_word(word) is not None


def _row_before(words: Words, position: int, by_last: dict[int, Mark]) -> set[int]:
    row: set[int] = set()
    while (mark := by_last.get(position)) is not None:
        gap = words.gap(position)
        if _WITHIN.search(gap) or "+" in gap:
            break
        row.add(mark.first)
        position = mark.first
    return row


def _row_after(words: Words, position: int, by_first: dict[int, Mark]) -> set[int]:
    row: set[int] = set()
    while (mark := by_first.get(position)) is not None:
        gap = words.gap(position).replace("(", "").replace("[", "")
        if _WITHIN.search(gap) or words.words[mark.last : mark.last + 1] in _AUDIO_BEHIND:
            break
        row.add(mark.first)
        position = mark.last
    return row


_AUDIO_BEHIND = frozenset({("audio",), ("dub",), ("dubbed",), ("dubs",)})


def _points_ahead(words: Words, sub: Mark, by_first: dict[int, Mark]) -> bool:
    """Return whether `Sub` applies to the languages after it, so that those before are audio: `ITA.ENG.Sub.ITA`."""
    following = by_first.get(sub.last)
    if following is None or words.gap(sub.last).strip(" ._-:"):
        return False
    return words.words[following.last : following.last + 1] not in _AUDIO_BEHIND

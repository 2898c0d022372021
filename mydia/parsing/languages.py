"""Which languages a release is spoken and subtitled in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mydia.parsing.patterns import LANGUAGE_CODES, SUBTITLE_PREFIXES
from mydia.parsing.tokens import Mark, Words

_TIMES = re.compile(r"(?:\dx)?([a-z]{2,3})\Z")
_SUBS_WORD = re.compile(r"([a-z]{1,6})(?:subs?|subbed)\Z|(?:sub|vost)(?:s)?([a-z]{2,6})\Z")
_CHINESE = re.compile("[简繁簡]|中[日英文字双雙]|[国國]语|國語|粤语|中字")
_WITHIN = re.compile(r"[\[\](){}|]")
_LAST_PAIRS = frozenset({"FR", "DE", "ES", "NL", "PL", "CZ", "RU", "HU", "PT"})
"""Believed alone at the very end, in capitals: `….Title.FR.avi`; others (`US`, `IT`, `NO`) are words."""
_SCENE_SUBS = {"vostfr": "fr", "vostf": "fr", "subfrench": "fr", "vostit": "it", "subita": "it"}


@dataclass(frozen=True, slots=True)
class Languages:
    """What was said about languages."""

    audio: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    hardcoded: bool = False
    audio_spans: tuple[tuple[int, int], ...] = ()
    subtitle_spans: tuple[tuple[int, int], ...] = ()


def find_language_codes(words: Words, tail: int, marks: list[Mark], title_end: int) -> list[Mark]:
    """Add short codes (`ENG`, `Ita`, `2xUkr`, `RU-KA`) as marks.

    They are ordinary words too, so only those in the tail count, written as codes are (`ENG`, `Eng`; two letters in
    capitals only), and two letters only in the company of other marks.
    """
    taken = {index for mark in marks for index in range(mark.first, mark.last)}
    found: list[Mark] = []
    text = words.text
    count = len(words.words)
    codes: dict[int, str] = {}
    sounds = {mark.first for mark in marks if mark.kind in {"audio_codec", "resolution"}}
    # Chinese remarks are written as one word and are none of a title once that has ended.
    found += [
        Mark(index, index + 1, "language", "zh", solid=False)
        for index in range(title_end, tail)
        if not words.words[index].isascii() and index not in taken and _CHINESE.search(words.words[index])
    ]
    for index in range(tail, count):
        if index in taken:
            continue
        word = words.words[index]
        if not word.isascii() and _CHINESE.search(word):
            found.append(Mark(index, index + 1, "language", "zh", False))
            continue
        if len(word) > 5:
            continue
        match = _TIMES.match(word)
        code = LANGUAGE_CODES.get(match.group(1)) if match else None
        if code is None or match is None:
            continue
        written = text[words.starts[index] + match.start(1) : words.ends[index]]
        joined = written.istitle() and (_joins_codes(words, index) or _between_facts(index, tail, taken, sounds))
        if len(written) == 2 and not written.isupper() and match.start(1) == 0 and not joined:
            continue
        if (
            index == count - 1
            and len(written) == 2
            and written in _LAST_PAIRS
            and words.gap(index) == "."
            and not text.isupper()
        ):
            found.append(Mark(index, index + 1, "language", code, False))
            continue
        if not (written.isupper() or written.istitle() or match.start(1)):
            bracketed = words.gap(index)[-1:] in {"[", "("}
            if len(written) == 2 or not (index - 1 in taken or index - 1 in codes or bracketed):
                continue
        codes[index] = code
    for index, code in codes.items():
        beside = index - 1 in codes or index + 1 in codes or index - 1 in taken or index + 1 in taken
        if words.words[index] == "fin" and words.gap(index)[-1:] == "[" and index + 1 not in codes:
            continue  # `[Fin]` is the last episode of an anime.
        if not beside and words.gap(index)[-1:] not in {"[", "("}:
            continue
        if index == count - 1 and words.gap(index) == "-" and index - 1 not in codes:
            continue
        found.append(Mark(index, index + 1, "language", code, False))
    return found


def _between_facts(index: int, tail: int, taken: set[int], sounds: set[int]) -> bool:
    """Whether it stands between two facts, as the `Fr` of `2016.Fr.AAC`."""
    return index + 1 in sounds and (index == tail or index - 1 in taken)


def _joins_codes(words: Words, index: int) -> bool:
    """Whether it stands in a row like `Fr-Eng` or `Fr+De`, in a bracket of its own."""
    gap, behind = words.gap(index), words.gap(index + 1) if index + 1 < len(words.words) else ""
    after = words.words[index + 1] if behind in {"-", "+"} else ""
    before = words.words[index - 1] if index and gap in {"-", "+"} else ""
    return after in LANGUAGE_CODES or before in LANGUAGE_CODES


def read_languages(words: Words, marks: list[Mark], tail: int) -> Languages:
    """Sort the language marks of the tail into spoken ones and subtitles."""
    audio: dict[str, tuple[int, int]] = {}
    subs: dict[str, tuple[int, int]] = {}
    hardcoded = False
    low = words.low
    relevant = [m for m in marks if m.kind in {"language", "subs", "hardcoded"}]
    sub_marks = [m for m in relevant if m.kind != "language"]
    for mark in relevant:
        span = (words.starts[mark.first], words.ends[mark.last - 1])
        if mark.kind == "hardcoded":
            hardcoded = True
            continue
        if mark.kind == "subs":
            word = words.words[mark.first]
            language = _SCENE_SUBS.get(word) or _language_in_subs_word(word)
            if language:
                subs[language] = span
            continue
        if mark.value in {"de+dl", "de+ml"}:
            if "de" in audio or words.words[mark.first] == "german":
                audio.setdefault("de", span)
                audio["original"] = span
                if mark.value == "de+ml":
                    audio["en"] = span
            elif mark.value == "de+ml":
                audio["ml"] = span
            continue
        if mark.value == "multi":
            continue
        if _is_subtitle(words, mark, sub_marks, low, marks):
            subs[mark.value] = span
        else:
            audio[mark.value] = span
    return Languages(tuple(audio), tuple(subs), hardcoded, tuple(audio.values()), tuple(subs.values()))


def _language_in_subs_word(word: str) -> str | None:
    found = _SUBS_WORD.match(word)
    if found is None:
        return None
    return SUBTITLE_PREFIXES.get(found.group(1) or found.group(2)) or None


def _is_subtitle(words: Words, mark: Mark, sub_marks: list[Mark], low: str, marks: list[Mark]) -> bool:
    """Whether `Sub` stands right behind a row of languages, or in front of it without a break."""
    for sub in sub_marks:
        word = words.words[sub.first]
        if word in {"multisub", "multisubs", "msubs"} or word in _SCENE_SUBS or _language_in_subs_word(word):
            continue
        if sub.first >= mark.last:
            between = low[words.ends[mark.last - 1] : words.starts[sub.first]]
            if _WITHIN.search(between) or "+" in between:
                continue
            others = range(mark.last, sub.first)
            is_row = all(any(m.kind == "language" and m.first <= i < m.last for m in marks) for i in others)
            if is_row and not _points_ahead(words, sub, marks):
                return True
        else:
            between = low[words.ends[sub.last - 1] : words.starts[mark.first]]
            if _WITHIN.search(between.replace("(", "").replace("[", "")) or "|" in between:
                continue
            others = range(sub.last, mark.first)
            if all(any(m.kind == "language" and m.first <= i < m.last for m in marks) for i in others):
                return True
    return False


def _points_ahead(words: Words, sub: Mark, marks: list[Mark]) -> bool:
    """Whether `Sub` names the languages behind it, so that those in front are spoken: `ITA.ENG.Sub.ITA`."""
    behind = words.low[words.ends[sub.last - 1] : words.starts[sub.last]] if sub.last < len(words.words) else "]"
    if behind.strip(" ._-:") or not any(m.kind == "language" and m.first == sub.last for m in marks):
        return False
    spoken = sub.last + 1 < len(words.words) and words.words[sub.last + 1] in {"audio", "dub", "dubbed", "dubs"}
    return not spoken

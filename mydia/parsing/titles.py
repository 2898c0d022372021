"""Normalise, compare and sort titles."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

_ARTICLES = frozenset({"the", "a", "an", "der", "die", "das", "le", "la", "les", "el", "los", "las", "il", "lo", "gli"})
_ENGLISH_ARTICLES = frozenset({"the", "a", "an"})
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12",
    "xiii": "13", "xiv": "14", "xv": "15",
}  # fmt: skip
# A single letter may be a name (`V`, `Malcolm X`), so it is a number only at the end, after another word.
_ROMAN_AT_THE_END = {"i": "1", "v": "5", "x": "10"}
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13",
}  # fmt: skip
_SEQUEL_WORDS = frozenset({"part", "chapter", "volume", "vol", "episode", "teil", "partie", "parte"})
# Letters that NFKD does not decompose although people type them without the accent.
_PLAIN_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h"}
)
_APOSTROPHES = re.compile(r"['’‘`´ʼ]")
_WORDS = re.compile(r"[^\W_]+")
_INITIALS = re.compile(r"\b(?:[^\W\d_][.*]){2,}")
_CUT_SCRIPTS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Kana, Han, Hangul and Thai: their words have no reliable spaces between them."""
_GLUED_SEQUEL = re.compile(r"(.*\D)(\d{1,2})\Z")
_SEQUEL_TAIL = re.compile(r"\A\d{1,3}\Z")


def _fold(text: str) -> str:
    """Drop case, accents, full-width forms and ligatures."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN_LETTERS)
    return unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))


def _words(text: str) -> list[str]:
    plain = _INITIALS.sub(lambda found: found.group().replace(".", "").replace("*", ""), _APOSTROPHES.sub("", text))
    return _WORDS.findall(_fold(plain.replace("&", " and ").replace("＆", " and ").replace("+", " and ")))


def _place_article(text: str) -> str:
    """Turn `Matrix, The` into `The Matrix`."""
    head, comma, tail = text.rpartition(",")
    return f"{tail.strip()} {head}" if comma and head and tail.strip().casefold() in _ARTICLES else text


def normalise_title(text: str) -> str:
    """Return a normal form that is equal for two spellings of one title.

    >>> normalise_title("The Lord of the Rings: Part II")
    'lord of rings part 2'
    >>> normalise_title("Amélie & Zoé") == normalise_title("Amelie and Zoe")
    True
    """
    words = _words(_place_article(text))
    kept = [w for w in words if w not in _ENGLISH_ARTICLES] or words
    numbered = [_ROMAN.get(w, w) for w in kept]
    if len(numbered) > 1:
        numbered[-1] = _ROMAN_AT_THE_END.get(numbered[-1], numbered[-1])
        if numbered[-2] in _SEQUEL_WORDS:
            numbered[-1] = _NUMBER_WORDS.get(numbered[-1], numbered[-1])
    joined = " ".join(numbered)
    # `進撃の巨人 2` and `進撃の巨人2` are one title: scripts without word spaces are compared without spaces.
    return joined.replace(" ", "") if _CUT_SCRIPTS.search(joined) else joined


def lacks_word_spaces(text: str) -> bool:
    """Return whether a text is of a script without reliable spaces between words: Kana, Han, Hangul, Thai."""
    return _CUT_SCRIPTS.search(text) is not None


def sort_title(text: str) -> str:
    """Return the sort form: without a leading English article, with padded numbers.

    >>> sort_title("The 100")
    '00100'
    """
    words = _words(_place_article(text))
    if len(words) > 1 and words[0] in _ENGLISH_ARTICLES:
        words = words[1:]
    return " ".join(w.zfill(5) if w.isdigit() else w for w in words)


def _split_sequel(words: list[str]) -> tuple[list[str], str]:
    """Split off a sequel number: `rocky part 2` gives (`rocky`, 2); no number means the first film."""
    if len(words) > 1 and _SEQUEL_TAIL.match(words[-1]):
        stem = words[:-2] if len(words) > 2 and words[-2] in _SEQUEL_WORDS else words[:-1]
        return stem, words[-1].lstrip("0") or "0"
    glued = _GLUED_SEQUEL.match(words[-1]) if words and _CUT_SCRIPTS.search(words[-1]) else None
    if glued is not None:
        return [*words[:-1], glued.group(1)], glued.group(2).lstrip("0") or "0"
    return words, "1"


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def similarity(a: str, b: str) -> float:
    """Return the similarity of two titles, from 0 to 1; 0.8 and above probably means the same title.

    A different sequel number, a plural (`Alien`, `Aliens`) and a title that only starts with the other
    (`It`, `It Follows`) are different titles however many letters they share.
    """
    left, right = normalise_title(a), normalise_title(b)
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    if left.replace(" ", "") == right.replace(" ", ""):
        return 0.98
    if _in_digits(left) == _in_digits(right):
        return 0.96
    ratio = _likeness(left, right)
    left_words, left_number = _split_sequel(left.split())
    right_words, right_number = _split_sequel(right.split())
    if left_number != right_number:
        return min(ratio, 0.6) if left_words != right_words else 0.55
    if left_words == right_words:
        # `John Wick 4` is `John Wick: Chapter 4`; a title without a number is only probably the first.
        both_numbered = left_words != left.split() and right_words != right.split()
        return 1.0 if both_numbered else 0.95
    if left_words != right_words and [_singular(w) for w in left_words] == [_singular(w) for w in right_words]:
        return 0.5
    shorter, longer = sorted((left_words, right_words), key=len)
    if len(shorter) < len(longer) and all(word in longer for word in shorter):
        # A long title may lack its subtitle; a short title contained in a long one is a different title.
        share = sum(map(len, shorter)) / sum(map(len, longer))
        return min(ratio, 0.35 + 0.5 * share)
    if min(len(left), len(right)) <= 4:
        return min(ratio, 0.4)
    return ratio


def _in_digits(title: str) -> list[str]:
    """Return the words of a title with its number words as digits: `Ocean's Eleven` is also called `Ocean's 11`."""
    return [_NUMBER_WORDS.get(word, word) for word in title.split()]


def _likeness(left: str, right: str) -> float:
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    letters = matcher.ratio()
    left_words, right_words = set(left.split()), set(right.split())
    shared = len(left_words & right_words) / max(len(left_words | right_words), 1)
    return 0.7 * letters + 0.3 * shared if len(left_words | right_words) > 2 else letters

"""Read the release group."""

from __future__ import annotations

import re

from mydia.parsing.patterns import LANGUAGE_CODES, REPOSTERS, SIGNING_GROUPS
from mydia.parsing.tokens import Mark, Words, lower

TRACKERS = frozenset({
    "eztv", "eztvx", "ettv", "rartv", "rarbg", "cttv", "publichd", "tgx", "vtv", "torrentgalaxy", "ethd", "glodls", "ion10", "tvu",
})  # fmt: skip
_TRACKER_TAG = re.compile(
    rf"[\[(](?:{'|'.join(sorted(TRACKERS))}|megusta\.to"
    r"|eztvx?\.to|rarbg\.com|rarbg\.to|rartv\.to|ex-torrenty\.org|[a-z0-9-]+\.(?:com|org|net|to|me|cc|io|tv|eu|info))[\])]\Z"
)
_PEERS = re.compile(r"[ ]?\[seeders[ ]?\(\d+\)/leechers[ ]?\(\d+\)\]\Z")
_BEHIND_HYPHEN = re.compile(r"-([^\W_]+(?:[@&'#][^\W_]+)*(?:-[^\W_]+)?)\Z")
_HYPHEN_THEN_REMARK = re.compile(
    r"-([a-z0-9]+(?:@[a-z0-9]+)?)(?:[ ._-]+(?:\([^()]*\)|english|german|french|mkv|avi|mp4)|\[[^\[\]]*\])\Z"
)
_SIGNED_BY = re.compile(r"[ ._]by[ ._]([^\W_]+\[[^\W_]+\])\Z")
"""A releaser with his site: `DivX.by.Artik[SEDG]`."""
_LAST_BRACKET = re.compile(r"[\[({]([^\[\](){}]+)[\])}]\Z")
_NOT_A_GROUP = re.compile(
    r"(?:s?\d{1,2}(?:e\d+)?|\d{3,4}[pi]|e\d+|v\d|\d{1,2}bit|[0-9.]+(?:gb|mb)|dl|hd|ma|es|en|cat|eng|jap|ger|fra|fre|ita|rus|spa|hdrip|rip|ray|x|\d+|fin|end|batch|complete|full|[0-9a-f]{8})\Z"
)
_SIGNERS = tuple(sorted((group.lower() for group in SIGNING_GROUPS), key=len, reverse=True))
_VERSION_TAG = re.compile(r"\[v\d\]")
"""Version tag of fansub groups, whose own name is at the front."""
_NUMBER_GROUP = re.compile(r"-(\d{2})\Z")
_SPACED_GAPS = frozenset({"-", " - ", "_-_", ".-."})
_SAMPLE = re.compile(r"[._-]sample\Z")


def strip_tracker(text: str) -> str:
    """Drop tracker tags at the end: `[rartv]`, `[eztv]-[rarbg.com]`."""
    while text.endswith(("]", ")")):
        low = lower(text)
        found = _TRACKER_TAG.search(low) or _PEERS.search(low)
        if found is None or found.start() == 0:
            break
        text = text[: found.start()].rstrip(" ._-")
    return text


def _is_reposter(word: str) -> bool:
    return word in REPOSTERS or word.startswith("rakuv")


def strip_reposters(text: str) -> str:
    """Drop reposter suffixes: the group of `-EVO-postbot` is EVO."""
    low = lower(text)
    end = len(low)
    sample = _SAMPLE.search(low)
    if sample is not None:
        end = sample.start()
    while (hyphen := low.rfind("-", 0, end)) >= 0 and _is_reposter(low[hyphen + 1 : end]):
        end = hyphen
    return text[:end]


def read_group(
    words: Words, text: str, tail_start: int, numbers_end: int, marks: list[Mark], *, bare_allowed: bool
) -> tuple[str, tuple[int, int]] | None:
    """Return the group and its span.

    Args:
        text: The name without extension, site and tracker tags.
        tail_start: Start of the tail in characters; a group never comes before it.
        numbers_end: End of the season and episode; a bracket after it may be a group even if there is no tail.
        bare_allowed: Whether a last word without hyphen or bracket may be a group.
    """
    text = strip_reposters(text.rstrip(" ._-"))
    low = lower(text)
    signed = _find_signer(low, tail_start)
    if signed is not None:
        return text[signed[0] : signed[1]], signed
    marked = {index for mark in marks for index in range(mark.first, mark.last)}

    def is_free(start: int, end: int) -> bool:
        """Return whether none of the words there has another meaning."""
        first = words.index_at(start)
        last = words.index_at(end)
        return first < last and not any(index in marked for index in range(first, last))

    by = _SIGNED_BY.search(low) if low.endswith("]") else None
    if by is not None and by.start() >= tail_start:
        return text[by.start(1) :], by.span(1)
    remark = _HYPHEN_THEN_REMARK.search(low)
    if remark is not None and remark.start() >= tail_start and _is_group(remark.group(1)) and is_free(*remark.span(1)):
        return text[remark.start(1) : remark.end(1)], remark.span(1)
    numbered = _NUMBER_GROUP.search(low)
    if (
        numbered is not None
        and numbered.start() >= tail_start
        and any(m.kind == "video_codec" and words.ends[m.last - 1] == numbered.start() for m in marks)
    ):
        return text[numbered.start(1) :], numbered.span(1)
    hyphen = _BEHIND_HYPHEN.search(text)
    if hyphen is not None and hyphen.start() >= tail_start:
        written, span = _trim_hyphenated(hyphen, words, marked, _find_repeated(marks))
        if written and _is_group(lower(written)):
            if bare_allowed:
                span = _with_word_before(words, span, marked, tail_start)
            return text[span[0] : span[1]], span
    bracket = _LAST_BRACKET.search(text) if text.endswith(("]", ")")) else None
    if bracket is not None and bracket.start() >= numbers_end:
        inside, (start, end) = bracket.group(1), bracket.span(1)
        if text[bracket.start(1) - 1] == "[" and not any(gap in inside.strip() for gap in " ._"):
            if is_free(start, end) and _is_group(lower(inside)) and words.index_at(end) - words.index_at(start) <= 2:
                return inside, (start, end)
        elif start > tail_start or words.index_at(tail_start) >= words.index_at(start):
            signed_inside = _last_words(words, start, end, marked)
            if signed_inside is not None:
                return signed_inside
    if bare_allowed and not text.endswith(("]", ")")):
        index = words.index_at(len(text)) - 1
        if index >= 0 and index not in marked and index - 1 in marked and words.starts[index] > tail_start:
            start, end = words.starts[index], words.ends[index]
            if (
                words.gap(index) in {" ", ".", "_", ". ", "].", "] "}
                and _is_group(words.words[index])
                and end == len(text)
            ):
                return text[start:end], (start, end)
    return None if _VERSION_TAG.search(low) else _find_before_remarks(words, text, tail_start, marked, marks)


def _find_before_remarks(
    words: Words, text: str, tail_start: int, marked: set[int], marks: list[Mark]
) -> tuple[str, tuple[int, int]] | None:
    """Find the group after the last hyphen that follows a known word, unless a resolution comes later: `x264-GRP.en`."""
    lines = max((m.first for m in marks if m.kind == "resolution"), default=-1)
    for index in range(words.index_at(len(text)) - 1, max(words.index_at(tail_start), lines, 0), -1):
        if (
            words.gap(index) not in _SPACED_GAPS
            or index in marked
            or index - 1 not in marked
            or words.starts[index] <= tail_start
        ):
            continue
        last = index
        if last + 1 < len(words.words) and words.gap(last + 1) == "-" and last + 1 not in marked:
            last += 1
        start, end = words.starts[index], words.ends[last]
        word = words.words[index]
        is_code = word in LANGUAGE_CODES and len(word) < _SHORTEST_WORD
        return None if is_code or not _is_group(word) or end > len(text) else (text[start:end], (start, end))
    return None


_SHORTEST_WORD = 4


def looks_signed(name: str, word: str) -> bool:
    """Return whether the word after the last hyphen looks like a group: in a dotted name, with other capitalisation than the name.

    >>> looks_signed("Movie.Title", "GRP"), looks_signed("The.Amazing.Spider", "Man"), looks_signed("T", "34")
    (True, False, False)
    """
    if " " in name or not any(separator in name for separator in "._") or name.isupper() or word.isdecimal():
        return False
    return len(word) > _SHORTEST_SIGNATURE and sum(c.isupper() for c in word) > 1


_SHORTEST_SIGNATURE = 2


def _with_word_before(words: Words, span: tuple[int, int], marked: set[int], tail_start: int) -> tuple[int, int]:
    """Include an unknown word directly before the hyphen: the group of `XviD.Etc-Group` is `Etc-Group`."""
    index = words.index_at(span[0]) - 1
    if index <= 0 or index in marked or index - 1 not in marked or words.starts[index] <= tail_start:
        return span
    if words.gap(index) not in {".", "_"} or words.gap(index + 1) != "-" or not words.words[index].isalpha():
        return span
    return words.starts[index], span[1]


def _find_signer(low: str, tail_start: int) -> tuple[int, int] | None:
    bare = low.rstrip("])")
    if not bare.endswith(_SIGNERS):
        return None
    name = next(name for name in _SIGNERS if bare.endswith(name))
    start = len(bare) - len(name)
    return (start, len(bare)) if start >= max(tail_start, 1) and low[start - 1] in " ._-[(" else None


def _find_repeated(marks: list[Mark]) -> set[int]:
    """Find known words that are a group when they come last, after a hyphen.

    A second source (`HDTV.x264.CZ-SDTV`), a second codec (`x264-AVCHD`) and a remark directly after the codec (`x264-mSD`)
    are groups.
    """
    seen: set[str] = set()
    repeated: set[int] = set()
    previous: Mark | None = None
    for mark in marks:
        if mark.last - mark.first == 1:
            second_source = mark.kind == "source" and "source" in seen and mark.value != "remux"
            behind_codec = previous is not None and previous.kind == "video_codec" and previous.last == mark.first
            if (
                second_source
                or (behind_codec and mark.kind == "video_codec")
                or (behind_codec and not mark.solid and mark.kind in {"misc", "streaming_service", "resolution"})
            ):
                repeated.add(mark.first)
        seen.add(mark.kind)
        previous = mark
    return repeated


def _is_group(word: str) -> bool:
    return _NOT_A_GROUP.match(word) is None


def _trim_hyphenated(
    hyphen: re.Match[str], words: Words, marked: set[int], repeated: set[int]
) -> tuple[str, tuple[int, int]]:
    """Return `GRP` for `-GRP` and for `DTS-HD-GRP`, and nothing for `WEB-DL`."""
    start, end = hyphen.span(1)
    first, last = words.index_at(start), words.index_at(end)
    free = [index for index in range(first, last) if index not in marked]
    if not free:
        return (hyphen.group(1), (start, end)) if last - first == 1 and first in repeated else ("", (start, end))
    if len(free) == last - first:
        return hyphen.group(1), (start, end)
    if free == list(range(free[0], last)):
        start = words.starts[free[0]]
        return words.text[start:end], (start, end)
    return "", (start, end)


def _last_words(words: Words, start: int, end: int, marked: set[int]) -> tuple[str, tuple[int, int]] | None:
    """Return the group at the end of a bracket that holds the quality: `(1080p BluRay x265 Kappa)`."""
    first, last = words.index_at(start), words.index_at(end)
    index = last
    while index > first and index - 1 not in marked:
        index -= 1
    if index in (last, first):
        return None
    word_start, word_end = words.starts[index], words.ends[last - 1]
    written = words.text[word_start:word_end]
    if last - index > 2 or not _is_group(written.lower()) or written.isdecimal():
        return None
    return written, (word_start, word_end)

"""Runs many patterns over one text: RE2 for all at once, `regex` with a time limit for the few that RE2 can't run.

`re2` and `regex` are imported with the first pattern, because most processes never judge a release.
"""

from __future__ import annotations

import logging
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import msgspec

from mydia.contexts.settings.formats.dialect import translate
from mydia.errors import Invalid

logger = logging.getLogger(__name__)

LONGEST_TEXT = 1_000
"""Characters of a name that are searched. File systems allow 255 bytes, and indexers send little more."""
_LIMIT_S = 0.025
"""CPU time for one pattern on one name. The slowest pattern of the TRaSH guides needs 0.1 ms."""
_CREDIT_S, _EACH_S = 0.1, 0.002
"""A pattern that has used more CPU time than this, once and for each name, is not run again by the same set."""
_SET_BYTES = 32 << 20
"""Memory RE2 may use for a set. All patterns of the TRaSH guides need below 10 MiB."""
_ALONE = 3_000
"""RE2 instructions of a pattern that is kept out of the set, so that it can't exhaust the set's memory."""
_REMEMBERED = 4_096
"""Texts whose result is kept."""
_WORD_STAND_IN = "q"

# Names that make nested quantifiers backtrack; a pattern is tried on them when it is saved.
_PROBES = (
    "a" * 64 + "!",
    "aA1 " * 60 + "!",
    "1" * 120 + "x",
    "." * 120 + "!",
    "The.Example.Of.A.Long.Name.2019.S01E02.German.DL.DTS-HD.MA.5.1.2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC-GROUP " * 3,
    " - " * 80 + "x",
)


@dataclass(slots=True)
class _Slow:
    """A pattern that only `regex` runs, or that needs a second look there."""

    text: str
    compiled: Any = None
    left_s: float = _CREDIT_S
    """CPU time it may still use."""


class Hits(msgspec.Struct, frozen=True):
    """The patterns that match a text, by their index."""

    found: frozenset[int]
    unknown: frozenset[int] = msgspec.field(default=frozenset())
    """Patterns that ran out of time."""


_NONE = Hits(frozenset())


def check(pattern: str) -> str:
    """Return a pattern if it can be used.

    Raises:
        Invalid: It is not a .NET regular expression, or takes too long on ordinary names.
    """
    import regex

    translated = translate(pattern)
    linear = _compiled_re2(translated.linear) if translated.linear is not None else None
    if linear is not None:
        return pattern
    try:
        compiled = _compiled_regex(translated.backtracking)
    except (regex.error, RecursionError, OverflowError) as error:
        raise Invalid(
            f"This is not a regular expression: {error}.", fields={"value": f"Not a regular expression: {error}."}
        ) from error
    for probe in _PROBES:
        try:
            compiled.search(probe, timeout=_LIMIT_S)
        except TimeoutError as error:
            raise Invalid(
                "This pattern takes too long on some names. Avoid repeated groups that contain repetitions, such as (a+)+.",
                fields={"value": "Takes too long on some names."},
            ) from error
    return pattern


class PatternSet:
    """Many patterns, compiled once. Safe to use from several threads."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns. Those that can't be compiled never match and are listed in `broken`."""
        self.broken: dict[int, str] = {}
        self._patterns = patterns
        self._slow: dict[int, _Slow] = {}
        self._members: list[tuple[int, bool]] = []
        """For each pattern of the RE2 set: its index, and whether a hit settles it."""
        self._alone: list[tuple[int, bool, Any]] = []
        self._unfiltered: list[int] = []
        self._recent: OrderedDict[str, Hits] = OrderedDict()
        self._lock = Lock()
        self._set: Any = self._build() if patterns else None

    def hits(self, text: str) -> Hits:
        """Return which patterns are found in a text, ignoring case."""
        if not self._patterns:
            return _NONE
        text = text[:LONGEST_TEXT].replace("\n", " ")
        with self._lock:
            if (known := self._recent.get(text)) is not None:
                self._recent.move_to_end(text)
                return known
        found = self._search(text)
        with self._lock:
            self._recent[text] = found
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return found

    @property
    def too_slow(self) -> frozenset[int]:
        """Patterns that are no longer run because they ran out of time."""
        return frozenset(index for index, slow in self._slow.items() if slow.left_s <= 0)

    def _build(self) -> Any:
        import re2

        options = _options(_SET_BYTES)
        searched = re2.Set.SearchSet(options)
        # Always found, so that a result without it means that RE2 ran out of memory.
        searched.Add("")
        for index, pattern in enumerate(self._patterns):
            try:
                translated = translate(pattern)
            except Invalid as error:
                self.broken[index] = error.message
                continue
            linear = _compiled_re2(translated.linear) if translated.linear is not None else None
            settles = linear is not None
            if linear is None and translated.prefilter is not None:
                linear = _compiled_re2(translated.prefilter)
            if not settles:
                self._slow[index] = _Slow(translated.backtracking)
            if linear is None:
                self._unfiltered.append(index)
            elif linear.programsize > _ALONE:
                self._alone.append((index, settles, linear))
            else:
                searched.Add(linear.pattern)
                self._members.append((index, settles))
        searched.Compile()
        return searched

    def _search(self, text: str) -> Hits:
        if text.isascii():
            settled, open_ = self._candidates(text)
            open_ |= set(self._unfiltered)
        else:
            # RE2's \b and \w know ASCII only. Both readings of the other letters give candidates; `regex` decides.
            settled, open_ = set[int](), set(self._unfiltered)
            for reading in (text, _with_stand_ins(text)):
                sure, doubtful = self._candidates(reading)
                open_ |= sure | doubtful
        unknown = set[int]()
        for index in open_:
            verdict = self._backtrack(index, text)
            if verdict is None:
                unknown.add(index)
            elif verdict:
                settled.add(index)
        return Hits(frozenset(settled), frozenset(unknown))

    def _candidates(self, text: str) -> tuple[set[int], set[int]]:
        places = self._set.Match(text)
        if 0 not in places:
            return set(), {index for index, _ in self._members} | {index for index, _, _ in self._alone}
        found = [self._members[place - 1] for place in places if place]
        found += [(index, settles) for index, settles, pattern in self._alone if pattern.search(text)]
        return {index for index, settles in found if settles}, {index for index, settles in found if not settles}

    def _backtrack(self, index: int, text: str) -> bool | None:
        """Search with `regex`; None if it takes too long."""
        import regex

        slow = self._slow.get(index)
        if slow is None:
            # A linear pattern on a name that is not ASCII.
            slow = self._slow[index] = _Slow(translate(self._patterns[index]).backtracking)
        if slow.left_s <= 0:
            return None
        started_s = time.thread_time()
        try:
            if slow.compiled is None:
                slow.compiled = _compiled_regex(slow.text)
            return slow.compiled.search(text, timeout=_LIMIT_S) is not None
        except TimeoutError:
            return None
        except (regex.error, RecursionError, OverflowError) as error:
            self.broken[index] = str(error)
            slow.left_s = -_CREDIT_S
            return None
        finally:
            slow.left_s = min(_CREDIT_S, slow.left_s + _EACH_S - (time.thread_time() - started_s))
            if slow.left_s <= 0:
                logger.warning("custom format pattern stopped", extra={"pattern": self._patterns[index], "text": text})


def _with_stand_ins(text: str) -> str:
    """Replace letters and digits outside of ASCII, so that RE2 sees a word where .NET does."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        character
        if character.isascii()
        else (_WORD_STAND_IN if character.isalnum() or unicodedata.category(character) == "Mn" else " ")
        for character in plain
    )


def _options(memory_bytes: int) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory_bytes
    return options


def _compiled_re2(pattern: str) -> Any:
    """Compile a pattern for RE2; None if it has something that RE2 lacks or is too large."""
    import re2

    try:
        return re2.compile(pattern, _options(1 << 20))
    except re2.error:
        return None


def _compiled_regex(pattern: str) -> Any:
    import regex

    return regex.compile(pattern, regex.IGNORECASE | regex.VERSION1)

"""Which custom formats match a release, by which conditions, and what that scores. PURE, and compiled once per set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from mydia import units
from mydia.contexts.settings.formats.patterns import Hits, PatternSet
from mydia.contexts.settings.formats.values import (
    ORIGINAL,
    PATTERNS,
    Condition,
    Format,
    FormatSource,
    Kind,
    Subject,
)
from mydia.parsing import Modifier, Source

type _Found = Mapping[Kind, tuple[Hits, ...]]
"""Kind -> hits in each of its texts."""


class ConditionResult(msgspec.Struct, frozen=True):
    """Whether one condition is met."""

    condition: Condition
    met: bool
    """After negation."""
    timed_out: bool = False


class Explained(msgspec.Struct, frozen=True):
    """A format with the result of each of its conditions."""

    format: Format
    matches: bool
    results: tuple[ConditionResult, ...]

    @property
    def because(self) -> tuple[Condition, ...]:
        """The conditions that are met."""
        return tuple(result.condition for result in self.results if result.met)


class _Compiled(msgspec.Struct, frozen=True):
    """A format with its conditions by kind; patterns as their index in the set of their kind."""

    format: Format
    groups: tuple[tuple[tuple[Condition, int | None], ...], ...]


class FormatSet:
    """Custom formats, compiled. `matching` needs about 0.1 ms for a name and all formats of the TRaSH guides."""

    def __init__(self, formats: Iterable[Format]) -> None:
        """Compile formats; the result does not depend on their order."""
        self.formats = tuple(sorted(formats, key=lambda one: (one.name.casefold(), one.id)))
        places: dict[Kind, dict[str, int]] = {kind: {} for kind in PATTERNS}
        for format in self.formats:
            for condition in format.conditions:
                if condition.kind in PATTERNS:
                    places[condition.kind].setdefault(condition.value, len(places[condition.kind]))
        self._sets = {kind: PatternSet(list(texts)) for kind, texts in places.items()}
        self._texts = {kind: list(texts) for kind, texts in places.items()}
        self._compiled = tuple(_compile(format, places) for format in self.formats)
        self._gated: dict[tuple[Kind, int], list[int]] = {}
        self._open: list[int] = []
        """Formats that can match without a hit of a pattern."""
        for place, compiled in enumerate(self._compiled):
            gate = _gate(compiled)
            for key in gate or ():
                self._gated.setdefault(key, []).append(place)
            if gate is None:
                self._open.append(place)

    def matching(self, subject: Subject) -> tuple[Format, ...]:
        """Return the formats that match, sorted by name."""
        found = self._find(subject)
        places = set(self._open)
        for kind, texts in found.items():
            for hits in texts:
                for index in hits.found:
                    places.update(self._gated.get((kind, index), ()))
        return tuple(
            self._compiled[place].format
            for place in sorted(places)
            if _matches(self._compiled[place].groups, subject, found)
        )

    def explain(self, subject: Subject) -> tuple[Explained, ...]:
        """Return every format with the result of each condition, sorted by name."""
        found = self._find(subject)
        explained: list[Explained] = []
        for compiled in self._compiled:
            index_of = {id(condition): index for group in compiled.groups for condition, index in group}
            results = tuple(
                ConditionResult(
                    condition,
                    _holds(condition, index_of[id(condition)], subject, found),
                    _is_unknown(condition, index_of[id(condition)], found),
                )
                for condition in compiled.format.conditions
            )
            explained.append(Explained(compiled.format, _matches(compiled.groups, subject, found), results))
        return tuple(explained)

    @property
    def troubled(self) -> dict[str, str]:
        """Format id -> the pattern that was stopped because it takes too long or can't be compiled."""
        found: dict[str, str] = {}
        for kind, patterns in self._sets.items():
            texts = {self._texts[kind][index] for index in (*patterns.too_slow, *patterns.broken)}
            for format in self.formats:
                for condition in format.conditions:
                    if condition.kind is kind and condition.value in texts:
                        found.setdefault(format.id, condition.value)
        return found

    def _find(self, subject: Subject) -> _Found:
        texts = {
            Kind.TITLE: subject.titles,
            Kind.GROUP: (subject.group,) if subject.group else (),
            Kind.EDITION: (subject.edition,) if subject.edition else (),
        }
        return {kind: tuple(self._sets[kind].hits(text) for text in found) for kind, found in texts.items()}


def score_of(matched: Iterable[Format], scores: Mapping[str, int]) -> int:
    """Return the sum of a profile's scores for the formats that match."""
    return sum(scores.get(format.id, 0) for format in matched)


def _compile(format: Format, places: Mapping[Kind, Mapping[str, int]]) -> _Compiled:
    by_kind = sorted(format.conditions, key=lambda condition: condition.kind)
    return _Compiled(
        format,
        tuple(
            tuple(
                (condition, places[condition.kind][condition.value] if condition.kind in PATTERNS else None)
                for condition in conditions
            )
            for _, conditions in groupby(by_kind, key=lambda condition: condition.kind)
        ),
    )


def _gate(compiled: _Compiled) -> list[tuple[Kind, int]] | None:
    """Return patterns of which one must be found for the format to match; None if there are no such patterns."""
    gates: list[list[tuple[Kind, int]]] = []
    for group in compiled.groups:
        required = [(c.kind, i) for c, i in group if i is not None and c.required and not c.negate]
        if required:
            gates.append(required[:1])
        elif all(index is not None and not condition.negate for condition, index in group):
            gates.append([(condition.kind, index) for condition, index in group if index is not None])
    return min(gates, key=len) if gates else None


def _matches(groups: Sequence[Sequence[tuple[Condition, int | None]]], subject: Subject, found: _Found) -> bool:
    """For each kind, every required condition and at least one condition must be met. Source: arr-stack §2.4."""
    for group in groups:
        any_met = False
        for condition, index in group:
            met = _holds(condition, index, subject, found)
            if condition.required and not met:
                return False
            any_met = any_met or met
        if not any_met:
            return False
    return True


def _holds(condition: Condition, index: int | None, subject: Subject, found: _Found) -> bool:
    if index is not None:
        if _is_unknown(condition, index, found):
            return False
        return any(index in hits.found for hits in found[condition.kind]) is not condition.negate
    if condition.kind is Kind.LANGUAGE and subject.languages is None:
        return False
    return _TESTS[condition.kind](condition, subject) is not condition.negate


def _is_unknown(condition: Condition, index: int | None, found: _Found) -> bool:
    """Return whether the pattern ran out of time; the condition then counts as not met, also if it is negated."""
    return index is not None and any(index in hits.unknown for hits in found[condition.kind])


def _language(condition: Condition, subject: Subject) -> bool:
    wanted = condition.value
    if wanted == ORIGINAL and subject.original_language:
        wanted = subject.original_language
    spoken = subject.languages or frozenset()
    return bool(spoken - {wanted}) if condition.excepted else wanted in spoken


def _source(condition: Condition, subject: Subject) -> bool:
    source, modifier = subject.quality.source, subject.quality.modifier
    wanted = condition.value
    if wanted in _SPLIT:
        base, remux = _SPLIT[FormatSource(wanted)]
        return source is base and (modifier in (Modifier.REMUX, Modifier.RAWHD)) is remux
    return source == wanted


# Sources that only Sonarr has: (source, whether it is a remux or raw TV).
_SPLIT: Mapping[FormatSource, tuple[Source, bool]] = {
    FormatSource.TV_ENCODE: (Source.TV, False),
    FormatSource.TV_RAW: (Source.TV, True),
    FormatSource.BLURAY_ENCODE: (Source.BLURAY, False),
    FormatSource.BLURAY_REMUX: (Source.BLURAY, True),
}


def _size(condition: Condition, subject: Subject) -> bool:
    if subject.size_bytes is None or condition.minimum is None or condition.maximum is None:
        return False
    return condition.minimum * units.GIB < subject.size_bytes <= condition.maximum * units.GIB


def _year(condition: Condition, subject: Subject) -> bool:
    if subject.year is None or condition.minimum is None or condition.maximum is None:
        return False
    return condition.minimum <= subject.year <= condition.maximum


_TESTS: Mapping[Kind, Callable[[Condition, Subject], bool]] = {
    Kind.LANGUAGE: _language,
    Kind.SOURCE: _source,
    Kind.RESOLUTION: lambda condition, subject: str(subject.resolution or 0) == condition.value,
    Kind.MODIFIER: lambda condition, subject: subject.quality.modifier == condition.value,
    Kind.RELEASE_TYPE: lambda condition, subject: subject.release_type == condition.value,
    Kind.FLAG: lambda condition, subject: condition.value in subject.flags,
    Kind.SIZE: _size,
    Kind.YEAR: _year,
}

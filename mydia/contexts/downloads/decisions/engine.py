"""PURE. Judges releases: asks every spec of a stage, keeps what the first objecting stage says, and puts them in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.ranking import Preference, prefer, rank_key
from mydia.contexts.downloads.decisions.spec import Objection, Spec
from mydia.contexts.downloads.decisions.specs import SPECS

_STAGES = tuple(
    tuple(specs) for _, specs in groupby(sorted(SPECS, key=lambda spec: spec.stage), key=lambda spec: spec.stage)
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one release, with every reason."""

    candidate: Candidate
    objections: tuple[Objection, ...]
    preference: Preference

    @property
    def verdict(self) -> str:
        """`approved`, `waiting` (nothing but time speaks against it) or `refused`."""
        if not self.objections:
            return "approved"
        return "refused" if any(objection.permanent for objection in self.objections) else "waiting"


def decide(candidates: Iterable[Candidate], facts: Facts) -> list[Decision]:
    """Judge releases and return them best first: approved, waiting, refused."""
    return ranked(judge(candidate, facts) for candidate in candidates)


def judge(candidate: Candidate, facts: Facts) -> Decision:
    """Judge one release."""
    for specs in _STAGES:
        if objections := tuple(_objections(specs, candidate, facts)):
            break
    else:
        objections = ()
    return Decision(candidate, objections, prefer(candidate, facts))


def ranked(decisions: Iterable[Decision]) -> list[Decision]:
    """Put decisions in order, best first."""
    return sorted(decisions, key=_rank_key, reverse=True)


def _rank_key(decision: Decision) -> tuple[int, tuple[int, ...], str, str]:
    candidate = decision.candidate
    return rank_key(decision.verdict, decision.preference, candidate.release.title, candidate.identity)


def first_approved(decisions: Sequence[Decision]) -> Decision | None:
    """Return the release to take, or None."""
    return next((decision for decision in decisions if decision.verdict == "approved"), None)


def _objections(specs: Iterable[Spec], candidate: Candidate, facts: Facts) -> Iterable[Objection]:
    for spec in specs:
        if (text := spec.objection(candidate, facts)) is not None:
            yield Objection(spec.reason, text, spec.permanent)


_GROUPS = {
    "unparsable": "another title",
    "wrong-title": "another title",
    "wrong-year": "another year",
    "wrong-season": "other episodes",
    "wrong-episode": "other episodes",
    "multi-season": "other episodes",
    "extras-only": "other episodes",
    "not-monitored": "not monitored",
    "quality-not-wanted": "quality",
    "already-have-better": "not better than what is here",
    "upgrade-not-allowed": "not better than what is here",
    "goal-reached": "not better than what is here",
    "score-below-minimum": "score",
    "raw-disc": "whole disc",
    "hardcoded-subs": "burned-in subtitles",
    "size-min": "size",
    "size-max": "size",
    "sample": "sample",
    "free-space": "free space",
    "blocklisted": "blocklist",
    "already-imported": "imported before",
    "in-queue-better": "already downloading",
    "seeders-min": "seeders",
    "protocol-disabled": "no client",
    "availability": "not out yet",
    "full-season-not-aired": "season not over",
}


def summarise(
    verdicts: Sequence[tuple[str, Sequence[str]]], *, failures: int = 0, asked: int = 1
) -> tuple[dict[str, int], str]:
    """Return reason -> count (each release by its first reason) and the sentence that answers "why nothing?".

    Args:
        verdicts: Of each release its verdict and the reasons of its objections.
        failures: Indexers that did not answer, of the `asked`.

    >>> summarise([("approved", []), ("refused", ["size-max", "seeders-min"])])[1]
    '2 found, 1 fits: 1 size.'
    """
    counts = Counter(reasons[0] for _, reasons in verdicts if reasons)
    fitting = sum(1 for verdict, _ in verdicts if verdict in ("approved", "grabbed"))
    failed = f" {failures} of {asked} indexers did not answer." if failures else ""
    if not asked:
        return dict(counts), "No indexer could be asked."
    if not verdicts:
        return dict(counts), f"Nothing was found.{failed}"
    words: Counter[str] = Counter()
    for reason, count in counts.items():
        words[_GROUPS.get(reason, reason)] += count
    why = ", ".join(f"{count} {word}" for word, count in words.most_common())
    sentence = f"{len(verdicts)} found, {fitting} fit{'s' if fitting == 1 else ''}"
    return dict(counts), f"{sentence}{': ' + why if why else ''}.{failed}"

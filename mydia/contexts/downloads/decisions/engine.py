"""PURE. Judges releases: runs the specs stage by stage, keeps the objections of the first stage that has any, and ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.ranking import Preference, Verdict, prefer, rank_key
from mydia.contexts.downloads.decisions.spec import Objection, Spec
from mydia.contexts.downloads.decisions.specs import SPECS

_STAGES = tuple(
    tuple(specs) for _, specs in groupby(sorted(SPECS, key=lambda spec: spec.stage), key=lambda spec: spec.stage)
)


class Decision(msgspec.Struct, frozen=True):
    """The verdict on one release, with every reason."""

    candidate: Candidate
    objections: tuple[Objection, ...]
    preference: Preference

    @property
    def verdict(self) -> Verdict:
        """What follows from the objections."""
        if not self.objections:
            return Verdict.APPROVED
        return Verdict.REFUSED if any(objection.permanent for objection in self.objections) else Verdict.WAITING


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
    """Return the release to grab, or None."""
    return next((decision for decision in decisions if decision.verdict is Verdict.APPROVED), None)


def _objections(specs: Iterable[Spec], candidate: Candidate, facts: Facts) -> Iterable[Objection]:
    for spec in specs:
        if (reason := spec.objection(candidate, facts)) is not None:
            yield Objection(spec.name, reason, spec.permanent)

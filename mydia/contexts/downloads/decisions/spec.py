"""What a reason to refuse a release is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts


class Stage(IntEnum):
    """Specs of one stage are all asked; those of the next only when none of this one objected."""

    IDENTITY = 0
    """Whether it is the work at all: of another film nothing else is worth saying."""
    RULES = 1
    DISK = 2


@dataclass(frozen=True, slots=True)
class Spec:
    """One reason to refuse a release."""

    reason: str
    """Stored and never renamed; the vocabulary of reference/ui.md, 8c."""
    stage: Stage
    permanent: bool
    """False: the objection passes with time, and the release waits."""
    objection: Callable[[Candidate, Facts], str | None]
    """The sentence for people, with its values; None when there is nothing against it."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What a spec said about a release."""

    reason: str
    text: str
    permanent: bool

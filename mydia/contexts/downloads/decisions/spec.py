"""A spec: one reason to reject a release."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.events import Reason


class Stage(IntEnum):
    """All specs of a stage run; those of the next stage only if none of them objected."""

    IDENTITY = 0
    """Whether it is the right work. If it is another film, no other reason matters."""
    RULES = 1
    DISK = 2


class Spec(msgspec.Struct, frozen=True):
    """One reason to reject a release."""

    name: str
    """Stored and never renamed; the vocabulary of reference/ui.md, 8c."""
    word: str
    """The word for it in counts of rejected releases: `3 rejected for size`."""
    stage: Stage
    permanent: bool
    """False: the objection passes with time, and the release waits."""
    objection: Callable[[Candidate, Facts], Reason | None]
    """Returns the reason with its facts, or None if nothing is wrong."""
    known_as: str
    """The name of the reason in Sonarr and Radarr; the specs' table may give another one for some codes."""


class Objection(msgspec.Struct, frozen=True):
    """The objection of a spec to a release."""

    spec: str
    """The spec's name."""
    reason: Reason
    permanent: bool

    @property
    def text(self) -> str:
        """Return the objection as a sentence."""
        return str(self.reason)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form: the reason's code and facts, the spec's name as `reason`."""
        return {"reason": self.spec, "permanent": self.permanent, **self.reason.to_json()}

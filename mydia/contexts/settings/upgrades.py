"""PURE. Whether a new release is an upgrade over the existing file, and why. Decisions, imports and lists all use it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from mydia.events import Reason, reason
from mydia.parsing import Quality

if TYPE_CHECKING:
    from mydia.contexts.settings.profiles import Profile


class Propers(StrEnum):
    """How to treat PROPER and REPACK releases of the same quality."""

    PREFER = "prefer"
    NO_UPGRADE = "no_upgrade"
    IGNORE = "ignore"


class Verdict(StrEnum):
    """Why it is an upgrade, or why not. The first three are upgrades."""

    BETTER_QUALITY = "better_quality"
    BETTER_REVISION = "better_revision"
    BETTER_SCORE = "better_score"
    PRESENT_IS_BETTER = "present_is_better"
    UPGRADES_OFF = "upgrades_off"
    PRESENT_REVISION_IS_NEWER = "present_revision_is_newer"
    GOAL_REACHED = "goal_reached"
    SAME = "same"
    PROPERS_OFF = "propers_off"
    SCORE_GOAL_REACHED = "score_goal_reached"
    SCORE_TOO_CLOSE = "score_too_close"


_UPGRADES = frozenset({Verdict.BETTER_QUALITY, Verdict.BETTER_REVISION, Verdict.BETTER_SCORE})


class UpgradeVerdict(msgspec.Struct, frozen=True):
    """The verdict with its reason."""

    reason: Verdict
    because: Reason

    @property
    def text(self) -> str:
        """Return the verdict as a sentence."""
        return str(self.because)

    @property
    def upgrade(self) -> bool:
        """Whether the new release should replace the existing file."""
        return self.reason in _UPGRADES


def compare(
    profile: Profile,
    current: Quality,
    new: Quality,
    *,
    current_score: int = 0,
    new_score: int = 0,
    propers: Propers = Propers.PREFER,
) -> UpgradeVerdict:
    """Return whether `new` is an upgrade over `current`. The rules are in the order of arr-stack §1.3."""
    have, get = profile.rank(current), profile.rank(new)
    reached = profile.at_cutoff(current)
    newer, older = is_newer(new, current), is_newer(current, new)
    qualities = {"current": current.name, "new": new.name, "profile": profile.name}
    if get > have and not reached and profile.upgrades_allowed:
        return _verdict(Verdict.BETTER_QUALITY, **qualities)
    if get < have:
        return _verdict(Verdict.PRESENT_IS_BETTER, **qualities)
    if get == have and newer and propers is Propers.PREFER:
        return _verdict(Verdict.BETTER_REVISION, **qualities, revision=_revised(new))
    if not profile.upgrades_allowed:
        return _verdict(Verdict.UPGRADES_OFF, **qualities)
    if get == have and propers is not Propers.IGNORE and older:
        return _verdict(Verdict.PRESENT_REVISION_IS_NEWER, **qualities, revision=_revised(current))
    if get > have:
        return _verdict(Verdict.GOAL_REACHED, **qualities)
    if new_score <= current_score:
        off = newer and propers is Propers.NO_UPGRADE
        return _verdict(Verdict.PROPERS_OFF if off else Verdict.SAME, **qualities, revision=_revised(new))
    if current_score >= profile.cutoff_format_score:
        return _verdict(Verdict.SCORE_GOAL_REACHED, **qualities, score=current_score)
    scores = {"score": new_score, "held": current_score, "step": profile.minimum_format_increment}
    if new_score < current_score + profile.minimum_format_increment:
        return _verdict(Verdict.SCORE_TOO_CLOSE, **qualities, **scores)
    return _verdict(Verdict.BETTER_SCORE, **qualities, **scores)


def upgradable(profile: Profile, current: Quality, *, score: int = 0) -> bool:
    """Return whether any release could still be an upgrade over the existing file; such titles are listed as upgradable."""
    if not profile.upgrades_allowed:
        return False
    return not profile.at_cutoff(current) or score < profile.cutoff_format_score


def is_newer(new: Quality, current: Quality) -> bool:
    """Return whether the first quality is a newer revision than the second."""
    return _revision(new) > _revision(current)


def _revision(quality: Quality) -> tuple[int, int]:
    """Return the parts of a revision that are compared; `is_repack` is only a flag. Source: arr-stack §1.3."""
    return quality.revision.real, quality.revision.version


def _revised(quality: Quality) -> str:
    return f"v{quality.revision.version}" + (" REAL" if quality.revision.real else "")


def _verdict(verdict: Verdict, **facts: object) -> UpgradeVerdict:
    return UpgradeVerdict(verdict, reason(f"upgrade.{verdict}", **facts))

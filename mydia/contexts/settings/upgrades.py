"""PURE. Whether a new release is worth replacing what is held, and why. One function for decisions, import and lists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mydia.parsing import Quality

if TYPE_CHECKING:
    from mydia.contexts.settings.profiles import Profile


class Propers(StrEnum):
    """What is done about PROPER and REPACK releases of the same quality."""

    PREFER = "prefer"
    NO_UPGRADE = "no_upgrade"
    IGNORE = "ignore"


class Verdict(StrEnum):
    """Why it is an upgrade, or why it is none. The first three are upgrades."""

    BETTER_QUALITY = "better_quality"
    BETTER_REVISION = "better_revision"
    BETTER_SCORE = "better_score"
    PRESENT_IS_BETTER = "present_is_better"
    UPGRADES_OFF = "upgrades_off"
    PRESENT_REVISION_IS_NEWER = "present_revision_is_newer"
    GOAL_REACHED = "goal_reached"
    SAME = "same"
    SCORE_GOAL_REACHED = "score_goal_reached"
    SCORE_TOO_CLOSE = "score_too_close"


_UPGRADES = frozenset({Verdict.BETTER_QUALITY, Verdict.BETTER_REVISION, Verdict.BETTER_SCORE})


@dataclass(frozen=True, slots=True)
class UpgradeVerdict:
    """The answer with its reason."""

    reason: Verdict
    text: str

    @property
    def upgrade(self) -> bool:
        """Whether the new one should replace the present one."""
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
    """Say whether `new` is an upgrade over `current`. The order of the rules is that of arr-stack §1.3."""
    have, get = profile.rank(current), profile.rank(new)
    reached = profile.at_cutoff(current)
    newer = _revision(new) > _revision(current)
    if get > have and not reached and profile.upgrades_allowed:
        return _say(Verdict.BETTER_QUALITY, f"{new.name} is better than the {current.name} you have")
    if get < have:
        return _say(Verdict.PRESENT_IS_BETTER, f"You already have {current.name}, which is better than {new.name}")
    if get == have and newer and propers is Propers.PREFER:
        return _say(Verdict.BETTER_REVISION, f"It is a newer revision ({_revised(new)}) of the {current.name} you have")
    if not profile.upgrades_allowed:
        return _say(Verdict.UPGRADES_OFF, f"You have {current.name}, and {profile.name} does not upgrade")
    if get == have and propers is not Propers.IGNORE and _revision(new) < _revision(current):
        return _say(
            Verdict.PRESENT_REVISION_IS_NEWER,
            f"You already have a newer revision ({_revised(current)}) of {current.name}",
        )
    if get > have:
        return _say(Verdict.GOAL_REACHED, f"You have {current.name}, which is good enough for {profile.name}")
    if new_score <= current_score:
        return _say(Verdict.SAME, f"You already have {current.name}, and this is no better")
    if current_score >= profile.cutoff_format_score:
        return _say(
            Verdict.SCORE_GOAL_REACHED,
            f"Your {current.name} scores {current_score}, which is good enough for {profile.name}",
        )
    if new_score < current_score + profile.minimum_format_increment:
        return _say(
            Verdict.SCORE_TOO_CLOSE,
            f"It scores {new_score} against {current_score}; {profile.name} asks for {profile.minimum_format_increment} more",
        )
    return _say(Verdict.BETTER_SCORE, f"It scores {new_score} against {current_score}")


def upgradable(profile: Profile, current: Quality, *, score: int = 0) -> bool:
    """Say whether anything could still be an upgrade over what is held: it is then on the list of upgrades."""
    if not profile.upgrades_allowed:
        return False
    return not profile.at_cutoff(current) or score < profile.cutoff_format_score


def _revision(quality: Quality) -> tuple[int, int]:
    """Return what counts of a revision; `is_repack` is only a flag. Source: arr-stack §1.3."""
    return quality.revision.real, quality.revision.version


def _revised(quality: Quality) -> str:
    return f"v{quality.revision.version}" + (" REAL" if quality.revision.real else "")


def _say(reason: Verdict, text: str) -> UpgradeVerdict:
    return UpgradeVerdict(reason, f"{text}.")

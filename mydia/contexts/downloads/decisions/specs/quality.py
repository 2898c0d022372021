"""Is the quality wanted, and better than what is here?"""

from __future__ import annotations

import re

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.contexts.settings import Verdict
from mydia.parsing import Modifier

# Whole discs as they are named. Source: arr-stack §1.2, row 19.
_DISC = re.compile(
    r"(?i)(?<![a-z0-9])(?:bdmv|video_?ts|dvd[ ._-]?(?:5|9)|bd(?:25|50|66|100)|iso|complete[ ._-]+(?:uhd[ ._-]+)?blu-?ray"
    r"|full[ ._-]+blu-?ray|(?:dis[ck][ ._-]?\d+.*blu-?ray|blu-?ray.*dis[ck][ ._-]?\d+))(?![a-z0-9])"
)

_ALREADY = frozenset(
    {Verdict.PRESENT_IS_BETTER, Verdict.SAME, Verdict.PRESENT_REVISION_IS_NEWER, Verdict.SCORE_TOO_CLOSE}
)
_GOAL = frozenset({Verdict.GOAL_REACHED, Verdict.SCORE_GOAL_REACHED})


def not_wanted(candidate: Candidate, facts: Facts) -> str | None:
    """The profile must allow the quality."""
    quality = candidate.quality
    return None if facts.profile.allows(quality) else f"{quality.name} is not wanted in {facts.profile.name}."


def already_have_better(candidate: Candidate, facts: Facts) -> str | None:
    """What is here must be worse."""
    verdict = candidate.held_verdict
    if verdict is not None and verdict.reason in _ALREADY:
        return verdict.text
    if candidate.loses and candidate.held_verdict is not None:
        return f"The file it would replace also holds {', '.join(candidate.loses)}."
    return None


def upgrade_not_allowed(candidate: Candidate, facts: Facts) -> str | None:
    """Some profiles keep what they have."""
    verdict = candidate.held_verdict
    return verdict.text if verdict is not None and verdict.reason is Verdict.UPGRADES_OFF else None


def goal_reached(candidate: Candidate, facts: Facts) -> str | None:
    """At the cutoff upgrading ends."""
    verdict = candidate.held_verdict
    return verdict.text if verdict is not None and verdict.reason in _GOAL else None


def score_below_minimum(candidate: Candidate, facts: Facts) -> str | None:
    """A profile may ask for a score."""
    wanted = facts.profile.minimum_format_score
    if candidate.format_score >= wanted:
        return None
    return f"It scores {candidate.format_score}; {facts.profile.name} asks for at least {wanted}."


def raw_disc(candidate: Candidate, facts: Facts) -> str | None:
    """Discs cannot be imported as one file."""
    if facts.profile.allows(candidate.quality) and candidate.quality.modifier is Modifier.BRDISK:
        return None
    if candidate.quality.modifier is Modifier.BRDISK or _DISC.search(candidate.release.title):
        return "It is a whole disc, not a video file."
    return None


def hardcoded_subs(candidate: Candidate, facts: Facts) -> str | None:
    """Burned-in subtitles cannot be switched off."""
    burned_in = candidate.parsed is not None and candidate.parsed.hardcoded_subs
    return "Its subtitles are burned into the picture." if burned_in else None


SPECS = (
    Spec("quality-not-wanted", Stage.RULES, True, not_wanted),
    Spec("already-have-better", Stage.RULES, True, already_have_better),
    Spec("upgrade-not-allowed", Stage.RULES, True, upgrade_not_allowed),
    Spec("goal-reached", Stage.RULES, True, goal_reached),
    Spec("score-below-minimum", Stage.RULES, True, score_below_minimum),
    Spec("raw-disc", Stage.RULES, True, raw_disc),
    Spec("hardcoded-subs", Stage.RULES, True, hardcoded_subs),
)

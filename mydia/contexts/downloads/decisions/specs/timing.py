"""Is it time for it?"""

from __future__ import annotations

from datetime import timedelta

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage

# Time zones and early broadcasts. Source: arr-stack §1.2, row 9.
_SOON = timedelta(hours=24)


def availability(candidate: Candidate, facts: Facts) -> str | None:
    """Before its release date a film is a cam copy or a fake."""
    return None if facts.interactive else facts.not_out


def full_season_not_aired(candidate: Candidate, facts: Facts) -> str | None:
    """A pack of a season that still runs is a fake."""
    if not candidate.is_pack:
        return None
    latest = (facts.now + _SOON).date()
    for episode in candidate.episodes:
        if episode.air_on is None:
            return f"It is a whole season, but nobody knows when {episode.code} airs."
        if episode.air_on > latest:
            return f"It is a whole season, but {episode.code} airs on {episode.air_on:%-d %B %Y}."
    return None


SPECS = (
    Spec("availability", Stage.RULES, False, availability),
    Spec("full-season-not-aired", Stage.RULES, True, full_season_not_aired),
)

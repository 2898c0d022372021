"""Is it released yet?"""

from __future__ import annotations

from datetime import timedelta

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason

# Time zones and early broadcasts. Source: arr-stack §1.2, row 9.
_SOON = timedelta(hours=24)


def availability(candidate: Candidate, facts: Facts) -> Reason | None:
    """Before its release date a film is a cam copy or a fake."""
    return None if facts.interactive else facts.not_out


def full_season_not_aired(candidate: Candidate, facts: Facts) -> Reason | None:
    """A pack of a season that is still running is a fake."""
    if not candidate.is_pack:
        return None
    latest = (facts.now + _SOON).date()
    for episode in candidate.episodes:
        if episode.air_on is None:
            return reason("full-season-not-aired.unknown", episode=episode.code)
        if episode.air_on > latest:
            return reason("full-season-not-aired", episode=episode.code, on=episode.air_on.isoformat())
    return None


SPECS = (
    Spec("availability", "not out yet", Stage.RULES, False, availability),
    Spec("full-season-not-aired", "season not over", Stage.RULES, True, full_season_not_aired),
)

"""Decisions: releases and facts in, verdicts with reasons out. Pure."""

from mydia.contexts.downloads.decisions.candidate import Candidate, make_candidate, normalised_name
from mydia.contexts.downloads.decisions.engine import Decision, decide, first_approved, judge, ranked
from mydia.contexts.downloads.decisions.facts import (
    Blocked,
    Facts,
    Held,
    Imported,
    IndexerRules,
    Pending,
    Queued,
    Recent,
)
from mydia.contexts.downloads.decisions.ranking import Preference, Verdict, rank_key
from mydia.contexts.downloads.decisions.spec import Objection, Spec, Stage
from mydia.contexts.downloads.decisions.specs import SPECS, known_as

__all__ = [
    "SPECS",
    "Blocked",
    "Candidate",
    "Decision",
    "Facts",
    "Held",
    "Imported",
    "IndexerRules",
    "Objection",
    "Pending",
    "Preference",
    "Queued",
    "Recent",
    "Spec",
    "Stage",
    "Verdict",
    "decide",
    "first_approved",
    "judge",
    "known_as",
    "make_candidate",
    "normalised_name",
    "rank_key",
    "ranked",
]

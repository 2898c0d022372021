"""Is the size believable and bearable, and is there room for it?"""

from __future__ import annotations

import re

from mydia import units
from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.contexts.settings import SizeLimits, size_bounds

# Below this a release that calls itself a sample is one. Source: arr-stack §1.2, row 15.
_SAMPLE_BYTES = 70 * units.MIB
_SAMPLE = re.compile(r"(?i)(?<![a-z])sample(?![a-z])")


def size_min(candidate: Candidate, facts: Facts) -> str | None:
    """Too small for its length and quality is a fake or a poor copy."""
    size = candidate.release.size_bytes
    if not size or _only_specials(candidate):
        return None
    (low, owner), _ = _bounds(candidate, facts)
    if size >= low:
        return None
    return f"{units.size(size)} is under your {units.size(low)} minimum for {candidate.quality.name} ({owner})."


def size_max(candidate: Candidate, facts: Facts) -> str | None:
    """Too large for its length and quality is not worth the room."""
    size = candidate.release.size_bytes
    if not size or _only_specials(candidate):
        return None
    _, (high, owner) = _bounds(candidate, facts)
    if high is None or size <= high:
        return None
    return f"{units.size(size)} is over your {units.size(high)} limit for {candidate.quality.name} ({owner})."


def sample(candidate: Candidate, facts: Facts) -> str | None:
    """Samples are not the work."""
    size = candidate.release.size_bytes
    is_small = size is not None and size < _SAMPLE_BYTES
    if is_small and _SAMPLE.search(candidate.release.title):
        return f"It is a sample ({units.size(size)})."
    return None


def free_space(candidate: Candidate, facts: Facts) -> str | None:
    """What cannot be stored is not fetched."""
    size = candidate.release.size_bytes
    if not size or facts.free_bytes is None or facts.free_bytes - size >= facts.minimum_free_bytes:
        return None
    return (
        f"It needs {units.size(size)}, but only {units.size(facts.free_bytes)} is free in the library folder"
        f" and {units.size(facts.minimum_free_bytes)} of that must stay free."
    )


def _bounds(candidate: Candidate, facts: Facts) -> tuple[tuple[int, str], tuple[int | None, str]]:
    limits = facts.limits.get(candidate.quality.name, SizeLimits())
    return size_bounds(facts.profile, limits, facts.type, candidate.runtime_min)


def _only_specials(candidate: Candidate) -> bool:
    return bool(candidate.episodes) and all(episode.season_number == 0 for episode in candidate.episodes)


SPECS = (
    Spec("size-min", Stage.RULES, True, size_min),
    Spec("size-max", Stage.RULES, True, size_max),
    Spec("sample", Stage.RULES, True, sample),
    Spec("free-space", Stage.DISK, True, free_space),
)

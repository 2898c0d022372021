"""Is the size plausible and acceptable, and does the disk have room for it?"""

from __future__ import annotations

import re

from mydia import units
from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason

# Below this size, a release with “sample” in its name is one. Source: arr-stack §1.2, row 15.
_SAMPLE_BYTES = 70 * units.MIB
_SAMPLE = re.compile(r"(?i)(?<![a-z])sample(?![a-z])")


def size_min(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release too small for its runtime and quality is a fake or a poor copy."""
    size = candidate.release.size_bytes
    if not size or _only_specials(candidate):
        return None
    (low, owner), _ = _bounds(candidate, facts)
    if size >= low:
        return None
    return reason("size-min", size=size, limit=low, quality=candidate.quality.name, owner=owner)


def size_max(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release too large for its runtime and quality is not worth the space."""
    size = candidate.release.size_bytes
    if not size or _only_specials(candidate):
        return None
    _, (high, owner) = _bounds(candidate, facts)
    if high is None or size <= high:
        return None
    return reason("size-max", size=size, limit=high, quality=candidate.quality.name, owner=owner)


def sample(candidate: Candidate, facts: Facts) -> Reason | None:
    """A sample is not the film or episode."""
    size = candidate.release.size_bytes
    is_small = size is not None and size < _SAMPLE_BYTES
    if is_small and _SAMPLE.search(candidate.release.title):
        return reason("sample", size=size)
    return None


def free_space(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release that would fill the disk is not grabbed."""
    size = candidate.release.size_bytes
    if not size or facts.free_bytes is None or facts.free_bytes - size >= facts.minimum_free_bytes:
        return None
    return reason("free-space", size=size, free=facts.free_bytes, kept=facts.minimum_free_bytes)


def _bounds(candidate: Candidate, facts: Facts) -> tuple[tuple[int, str], tuple[int | None, str]]:
    limits = facts.profile.limits(candidate.quality.name, facts.limits)
    return settings.profiles.size_bounds(facts.profile, limits, facts.type, candidate.runtime_min)


def _only_specials(candidate: Candidate) -> bool:
    return bool(candidate.episodes) and all(episode.season_number == 0 for episode in candidate.episodes)


def size_limit(candidate: Candidate, facts: Facts) -> Reason | None:
    """The general limit of the settings."""
    size, limit = candidate.release.size_bytes, facts.maximum_size_bytes
    return reason("size-limit", size=size, limit=limit) if size and limit and size > limit else None


SPECS = (
    Spec("size-min", "size", Stage.RULES, True, size_min, "BelowMinimumSize"),
    Spec("size-max", "size", Stage.RULES, True, size_max, "AboveMaximumSize"),
    Spec("size-limit", "size", Stage.RULES, True, size_limit, "MaximumSizeExceeded"),
    Spec("sample", "sample", Stage.RULES, True, sample, "Sample"),
    Spec("free-space", "free space", Stage.DISK, True, free_space, "MinimumFreeSpace"),
)

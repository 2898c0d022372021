"""PURE. Which of two releases is better: a total order in which the first difference decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mydia import units
from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.vocabulary import MediaType

# Sizes closer than this are the same size. Source: arr-stack §1.7, step 9.
_SIZE_STEP = 200 * units.MIB
# Source: arr-stack §1.7, step 5 of Radarr.
_FLAG_POINTS = {"freeleech": 2, "double_upload": 2, "internal": 2, "golden": 2, "approved": 2, "halfleech": 1}


class Preference(NamedTuple):
    """The criteria, most important first; higher is always better. Order: arr-stack §1.7."""

    quality: int
    revision: int
    format_score: int
    words: int
    """Sum of the scores of preferred words."""
    protocol: int
    """1 if no other protocol is preferred to it."""
    fit: int
    """Number of searched episodes it contains; for a single episode, how few others."""
    indexer: int
    flags: int
    seeders: int
    peers: int
    age: int
    size: int


def prefer(candidate: Candidate, facts: Facts) -> Preference:
    """Return the values by which releases are compared."""
    release, quality = candidate.release, candidate.quality
    return Preference(
        quality=facts.profile.rank(quality),
        revision=0
        if facts.propers is settings.upgrades.Propers.IGNORE
        else quality.revision.real * 100 + quality.revision.version,
        format_score=candidate.format_score,
        words=_words(candidate, facts),
        protocol=int(facts.delay.prefers(release.protocol)),
        fit=_fit(candidate, facts),
        indexer=-candidate.indexer_priority,
        flags=sum(_FLAG_POINTS.get(flag, 0) for flag in release.flags) if facts.prefer_flags else 0,
        seeders=_magnitude(release.seeders),
        peers=_magnitude(release.peers),
        age=_age(release.published_at, facts.now) if release.protocol == "usenet" else 0,
        size=_size(candidate, facts),
    )


class Verdict(StrEnum):
    """What becomes of a release, worst first."""

    REFUSED = "refused"
    WAITING = "waiting"
    """All objections pass with time."""
    APPROVED = "approved"
    GRABBED = "grabbed"


_WORST_FIRST = {verdict: place for place, verdict in enumerate(Verdict)}


def rank_key(
    verdict: Verdict, preference: Sequence[int], title: str, identity: str
) -> tuple[int, tuple[int, ...], str, str]:
    """Return the key of the total order of releases: the greatest is the best.

    The verdict counts first, then the preference. If both are equal, title and identity decide, so that the order of
    two releases never depends on which of them arrived first.

    Args:
        preference: The values of a `Preference`, also as stored.
        identity: Distinguishes two releases with the same name.
    """
    return _WORST_FIRST[verdict], tuple(preference), title, identity


def _words(candidate: Candidate, facts: Facts) -> int:
    if not candidate.terms or not facts.words:
        return 0
    profiles = facts.words.applying(facts.tags, candidate.indexer_id)
    return sum(score for profile in profiles for term, score in profile.preferred if term in candidate.terms)


def _fit(candidate: Candidate, facts: Facts) -> int:
    if facts.type == MediaType.MOVIE:
        return 0
    if len(facts.episode_ids) == 1:
        return -len(candidate.episodes)
    return len(candidate.episode_ids & facts.episode_ids) if facts.episode_ids else candidate.useful


def _magnitude(count: int | None) -> int:
    return round(math.log10(count)) if count else -1


def _age(published_at: datetime | None, now: datetime) -> int:
    if published_at is None:
        return -10
    hours = max(0.0, (now - published_at).total_seconds() / 3600)
    if hours < 1:
        return 1000
    if hours <= 24:
        return 100
    return 10 if hours <= 24 * 7 else -round(math.log10(hours / 24))


def _size(candidate: Candidate, facts: Facts) -> int:
    size = candidate.release.size_bytes
    if size is None:
        return -1_000_000
    preferred = facts.profile.limits(candidate.quality.name, facts.limits).preferred
    if preferred is None:
        return round(size / _SIZE_STEP)
    wanted = preferred * units.MIB * candidate.runtime_min
    return -round(abs(size - wanted) / _SIZE_STEP)

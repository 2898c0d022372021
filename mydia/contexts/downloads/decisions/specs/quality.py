"""Is the quality allowed, and better than that of the existing file?"""

from __future__ import annotations

import re

from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason
from mydia.parsing import Modifier
from mydia.vocabulary import MediaType

Verdict = settings.upgrades.Verdict

# Names of whole discs. Source: arr-stack §1.2, row 19.
_DISC = re.compile(
    r"(?i)(?<![a-z0-9])(?:bdmv|video_?ts|dvd[ ._-]?(?:5|9)|bd(?:25|50|66|100)|iso|complete[ ._-]+(?:uhd[ ._-]+)?blu-?ray"
    r"|full[ ._-]+blu-?ray|(?:dis[ck][ ._-]?\d+.*blu-?ray|blu-?ray.*dis[ck][ ._-]?\d+))(?![a-z0-9])"
)

_ALREADY = frozenset(
    {
        Verdict.PRESENT_IS_BETTER,
        Verdict.SAME,
        Verdict.PROPERS_OFF,
        Verdict.PRESENT_REVISION_IS_NEWER,
        Verdict.SCORE_TOO_CLOSE,
    }
)
_GOAL = frozenset({Verdict.GOAL_REACHED, Verdict.SCORE_GOAL_REACHED})


def not_wanted(candidate: Candidate, facts: Facts) -> Reason | None:
    """The profile must allow the quality."""
    quality = candidate.quality
    if facts.profile.allows(quality):
        return None
    return reason("quality-not-wanted", quality=quality.name, profile=facts.profile.name)


def already_have_better(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release must be better than the file it replaces."""
    verdict = candidate.held_verdict
    if verdict is not None and verdict.reason in _ALREADY:
        return verdict.because
    if candidate.loses and candidate.held_verdict is not None:
        return reason("replaces-more", episodes=list(candidate.loses))
    return None


def upgrade_not_allowed(candidate: Candidate, facts: Facts) -> Reason | None:
    """Some profiles do not upgrade."""
    verdict = candidate.held_verdict
    return verdict.because if verdict is not None and verdict.reason is Verdict.UPGRADES_OFF else None


def goal_reached(candidate: Candidate, facts: Facts) -> Reason | None:
    """Upgrading ends at the cutoff."""
    verdict = candidate.held_verdict
    return verdict.because if verdict is not None and verdict.reason in _GOAL else None


def score_below_minimum(candidate: Candidate, facts: Facts) -> Reason | None:
    """A profile may require a minimum score."""
    wanted = facts.profile.minimum_format_score
    if candidate.format_score >= wanted:
        return None
    return reason("score-below-minimum", score=candidate.format_score, profile=facts.profile.name, minimum=wanted)


def language_not_wanted(candidate: Candidate, facts: Facts) -> Reason | None:
    """The profile may require a language. Releases whose language can't be known pass."""
    missing = settings.profiles.missing_languages(facts.profile, candidate.languages, facts.original_language)
    if not missing or candidate.parsed is None:
        return None
    return reason(
        "language-not-wanted",
        languages=sorted(map(settings.formats.language_name, candidate.languages)),
        profile=facts.profile.name,
        wanted=sorted(map(settings.formats.language_name, missing)),
    )


def raw_disc(candidate: Candidate, facts: Facts) -> Reason | None:
    """Discs cannot be imported as one file."""
    if facts.profile.allows(candidate.quality) and candidate.quality.modifier is Modifier.BRDISK:
        return None
    if candidate.quality.modifier is Modifier.BRDISK or _DISC.search(candidate.release.title):
        return reason("raw-disc")
    return None


def hardcoded_subs(candidate: Candidate, facts: Facts) -> Reason | None:
    """Reject burned-in subtitles, which cannot be turned off."""
    burned_in = candidate.parsed is not None and candidate.parsed.hardcoded_subs
    return reason("hardcoded-subs") if burned_in and not facts.allow_hardcoded_subs else None


def repack(candidate: Candidate, facts: Facts) -> Reason | None:
    """A repack only replaces a file of the same group. Source: arr-stack §1.2, row 21."""
    revision = candidate.quality.revision
    if facts.propers is settings.upgrades.Propers.IGNORE or not revision.is_repack:
        return None
    return _of_same_group(candidate, facts, "repack", {})


def anime_version(candidate: Candidate, facts: Facts) -> Reason | None:
    """Groups number the versions of their own anime releases. Source: arr-stack §1.2, row 4."""
    revision = candidate.quality.revision
    if facts.series_type != "anime" or facts.propers is settings.upgrades.Propers.IGNORE or revision.is_repack:
        return None
    return _of_same_group(candidate, facts, "anime-version", {"version": revision.version})


def _of_same_group(candidate: Candidate, facts: Facts, code: str, named: dict[str, object]) -> Reason | None:
    """Object if it is a newer revision of a file with the same quality, unless both are known to be of one group."""
    group = candidate.parsed.release_group if candidate.parsed else None
    for held in facts.held:
        overlaps = facts.type == MediaType.MOVIE or held.episode_ids & candidate.episode_ids
        if not overlaps or held.quality.name != candidate.quality.name:
            continue
        if not settings.upgrades.is_newer(candidate.quality, held.quality):
            continue
        if not group or not held.release_group:
            return reason(f"{code}.no-group", **named)
        if group.casefold() != held.release_group.casefold():
            return reason(f"{code}.other-group", group=group, held=held.release_group, **named)
    return None


def must_contain(candidate: Candidate, facts: Facts) -> Reason | None:
    """Every release profile with required terms must find one of them."""
    for profile in _release_profiles(candidate, facts):
        if profile.required and candidate.terms.isdisjoint(profile.required):
            return reason("must-contain", profile=profile.name, terms=list(profile.required))
    return None


def must_not_contain(candidate: Candidate, facts: Facts) -> Reason | None:
    """No release profile may find one of its excluded terms."""
    for profile in _release_profiles(candidate, facts):
        if found := [term for term in profile.ignored if term in candidate.terms]:
            return reason("must-not-contain", profile=profile.name, terms=found)
    return None


def _release_profiles(candidate: Candidate, facts: Facts) -> list[settings.rules.TermProfile]:
    return facts.words.applying(facts.tags, candidate.indexer_id) if facts.words else []


_HAVE = "not better than the existing file"

SPECS = (
    Spec("quality-not-wanted", "quality", Stage.RULES, True, not_wanted, "QualityNotWanted"),
    Spec("already-have-better", _HAVE, Stage.RULES, True, already_have_better, "DiskHigherPreference"),
    Spec("upgrade-not-allowed", _HAVE, Stage.RULES, True, upgrade_not_allowed, "QualityUpgradesDisabled"),
    Spec("goal-reached", _HAVE, Stage.RULES, True, goal_reached, "DiskCutoffMet"),
    Spec("repack", _HAVE, Stage.RULES, True, repack, "RepackReleaseGroupDoesNotMatch"),
    Spec("anime-version", _HAVE, Stage.RULES, True, anime_version, "ReleaseGroupDoesNotMatch"),
    Spec("score-below-minimum", "score", Stage.RULES, True, score_below_minimum, "CustomFormatMinimumScore"),
    Spec("language-not-wanted", "language", Stage.RULES, True, language_not_wanted, "WantedLanguage"),
    Spec("must-contain", "missing terms", Stage.RULES, True, must_contain, "MustContainMissing"),
    Spec("must-not-contain", "excluded terms", Stage.RULES, True, must_not_contain, "MustNotContainPresent"),
    Spec("raw-disc", "whole disc", Stage.RULES, True, raw_disc, "Raw"),
    Spec("hardcoded-subs", "burned-in subtitles", Stage.RULES, True, hardcoded_subs, "HardcodeSubtitles"),
)

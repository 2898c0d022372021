"""Is it released yet?"""

from __future__ import annotations

from datetime import timedelta

from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts, Pending
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.contexts.downloads.decisions.specs.swarm import WORDS
from mydia.events import Reason, reason
from mydia.vocabulary import MediaType

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


def before_air_date(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release profile may refuse what appears before an episode has aired, because it is often a fake."""
    if facts.type != MediaType.TV_SHOW or not candidate.episodes or not facts.words:
        return None
    strict = [
        (profile.air_date_grace_days, profile.name)
        for profile in facts.words.applying(facts.tags, candidate.indexer_id)
        if profile.air_date_grace_days is not None
    ]
    if not strict:
        return None
    days, profile = max(strict)
    published = (candidate.release.published_at or facts.now).date()
    for episode in candidate.episodes:
        if episode.air_on is None:
            return reason("before-air-date.unknown", episode=episode.code, profile=profile)
        until = episode.air_on + timedelta(days=days)
        if published < until:
            facts_ = {"on": episode.air_on.isoformat(), "until": until.isoformat()}
            return reason("before-air-date", episode=episode.code, profile=profile, **facts_)
    return None


def too_new(candidate: Candidate, facts: Facts) -> Reason | None:
    """A Usenet post needs time to reach all servers."""
    release, minimum = candidate.release, facts.usenet_minimum_age_min
    if release.protocol != "usenet" or not minimum or release.published_at is None:
        return None
    age = max(0, int((facts.now - release.published_at).total_seconds() // 60))
    return reason("too-new", age=age, minimum=minimum) if age < minimum else None


def too_old(candidate: Candidate, facts: Facts) -> Reason | None:
    """A Usenet post older than the provider's retention can't be downloaded."""
    release, retention = candidate.release, facts.usenet_retention_days
    if release.protocol != "usenet" or not retention or release.published_at is None:
        return None
    age = (facts.now - release.published_at).days
    return reason("too-old", age=age, retention=retention) if age > retention else None


def delay(candidate: Candidate, facts: Facts) -> Reason | None:
    """Wait for a better release, as long as the delay profile says. Source: arr-stack §1.4."""
    profile, release = facts.delay, candidate.release
    minutes = profile.delay_min(release.protocol)
    if facts.interactive or facts.user_invoked or not minutes:
        return None
    if profile.prefers(release.protocol) and _passes_at_once(candidate, facts):
        return None
    wait = timedelta(minutes=minutes)
    waiting = [one for one in facts.pending if one.protocol == release.protocol and _overlaps(one, candidate)]
    seen_at = next((one.published_at for one in waiting if one.title == release.title), facts.now)
    due_at = (release.published_at or seen_at) + wait
    if due_at <= facts.now or any(one.published_at + wait <= facts.now for one in waiting):
        return None
    return reason(
        "delay", until=due_at.isoformat(), profile=profile.name, minutes=minutes, protocol=WORDS[release.protocol]
    )


def _passes_at_once(candidate: Candidate, facts: Facts) -> bool:
    """Return whether nothing better is worth waiting for; only asked for the preferred protocol."""
    profile, verdict = facts.delay, candidate.held_verdict
    if verdict is not None and verdict.reason is settings.upgrades.Verdict.BETTER_REVISION:
        return True
    if profile.bypass_if_highest_quality and facts.profile.rank(candidate.quality) >= facts.profile.best:
        return True
    return profile.bypass_above_score is not None and candidate.format_score >= profile.bypass_above_score


def pending_overlaps(candidate: Candidate, facts: Facts) -> Reason | None:
    """While a release waits, an automatic search takes nothing else of the same; both are compared when the wait is over."""
    if (
        facts.interactive
        or facts.user_invoked
        or facts.from_feed
        or not facts.delay.delay_min(candidate.release.protocol)
    ):
        return None
    if facts.delay.prefers(candidate.release.protocol) and _passes_at_once(candidate, facts):
        return None
    name = candidate.release.title
    found = next(
        (o for o in facts.pending if o.title != name and o.until_at > facts.now and _overlaps(o, candidate)), None
    )
    return None if found is None else reason("pending-overlaps", title=found.title, until=found.until_at.isoformat())


def _overlaps(pending: Pending, candidate: Candidate) -> bool:
    return not pending.episode_ids or bool(pending.episode_ids & candidate.episode_ids)


def proper_too_late(candidate: Candidate, facts: Facts) -> Reason | None:
    """A new revision in a feed is only taken for a file that is a few days old, because later ones are often mislabelled."""
    verdict = candidate.held_verdict
    if not facts.from_feed or verdict is None or verdict.reason is not settings.upgrades.Verdict.BETTER_REVISION:
        return None
    for held in facts.held:
        same = facts.type == MediaType.MOVIE or held.episode_ids & candidate.episode_ids
        if same and held.added_at is not None and facts.now - held.added_at > _PROPER_DAYS:
            return reason("proper-too-late", days=_PROPER_DAYS.days)
    return None


# Source: arr-stack §1.2, row 37.
_PROPER_DAYS = timedelta(days=7)

SPECS = (
    Spec("availability", "not out yet", Stage.RULES, False, availability, "Availability"),
    Spec("full-season-not-aired", "season not over", Stage.RULES, True, full_season_not_aired, "FullSeasonNotAired"),
    Spec("before-air-date", "before its air date", Stage.RULES, True, before_air_date, "BeforeAirDate"),
    Spec("too-new", "too new", Stage.RULES, False, too_new, "MinimumAge"),
    Spec("too-old", "too old", Stage.RULES, True, too_old, "MaximumAge"),
    Spec("proper-too-late", "late revision", Stage.RULES, True, proper_too_late, "ProperForOldFile"),
    Spec("delay", "delay", Stage.RULES, False, delay, "MinimumAgeDelay"),
    Spec("pending-overlaps", "delay", Stage.RULES, False, pending_overlaps, "MinimumAgeDelayPushed"),
)

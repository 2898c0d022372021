"""Was it tried before, or is a download already running?"""

from __future__ import annotations

from datetime import datetime, timedelta

from mydia import units
from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import Candidate, normalised_name
from mydia.contexts.downloads.decisions.facts import Blocked, Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason
from mydia.vocabulary import MediaType


def blocklisted(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release that failed or was blocked is not grabbed again."""
    entry = next((entry for entry in facts.blocked if _same(entry, candidate)), None)
    if entry is None:
        return None
    return reason("blocklisted", since=entry.added_at.isoformat(), because=entry.because)


def _same(entry: Blocked, candidate: Candidate) -> bool:
    """Torrents match by hash if both have one, otherwise by name on the same indexer; Usenet posts by name and post."""
    release = candidate.release
    if entry.info_hash and release.info_hash:
        return entry.info_hash == release.info_hash
    if entry.normalised != normalised_name(release.title) or entry.protocol != release.protocol:
        return False
    if release.protocol == "usenet" and entry.published_at is not None and release.published_at is not None:
        return _same_post(entry, candidate, release.published_at)
    return entry.indexer_id is None or entry.indexer_id == candidate.indexer_id


def _same_post(entry: Blocked, candidate: Candidate, published_at: datetime) -> bool:
    """Return whether two indexers list the same post: their clocks and sizes differ a little. Source: arr-stack §1.6."""
    if entry.published_at is None or entry.published_at == published_at:
        return True
    sizes = entry.size_bytes, candidate.release.size_bytes
    near = abs(entry.published_at - published_at) <= _POST_APART
    alike = None in sizes or abs((sizes[0] or 0) - (sizes[1] or 0)) <= _SIZE_APART
    return entry.indexer_id != candidate.indexer_id and near and alike


# Source: arr-stack §1.6.
_POST_APART, _SIZE_APART = timedelta(minutes=2), 2 * units.MIB


def already_imported(candidate: Candidate, facts: Facts) -> Reason | None:
    """Prevent a loop: a file that is worse than its release name would make Mydia grab the same release forever."""
    if not facts.held:
        return None
    name = normalised_name(candidate.release.title)
    for before in facts.imported:
        same_hash = before.info_hash is not None and before.info_hash == candidate.release.info_hash
        if same_hash or normalised_name(before.title) == name:
            return reason("already-imported", on=before.imported_at.isoformat())
    return None


def in_queue(candidate: Candidate, facts: Facts) -> Reason | None:
    """One download at a time, unless this is an upgrade over it."""
    hash_ = candidate.release.info_hash
    for queued in facts.queued:
        if (hash_ and queued.info_hash == hash_) or normalised_name(queued.title) == normalised_name(
            candidate.release.title
        ):
            return reason("in-queue")
    if candidate.queue_verdict is not None:
        queued, verdict = candidate.queue_verdict
        if not verdict.upgrade:
            facts_ = {"quality": queued.quality.name, "title": queued.title}
            return reason("in-queue.better", **facts_, because=verdict.because.to_json())
    return None


def grabbed_recently(candidate: Candidate, facts: Facts) -> Reason | None:
    """A feed does not take again what was grabbed a few hours ago and then removed. Source: arr-stack §1.2, row 33."""
    if not facts.from_feed:
        return None
    name = normalised_name(candidate.release.title)
    for recent in facts.recent:
        if facts.type == MediaType.TV_SHOW and not recent.episode_ids & candidate.episode_ids:
            continue
        at = recent.grabbed_at.isoformat()
        if normalised_name(recent.title) == name:
            return reason("grabbed-recently.same", on=at)
        verdict = settings.upgrades.compare(
            facts.profile,
            recent.quality,
            candidate.quality,
            current_score=recent.format_score,
            new_score=candidate.format_score,
            propers=facts.propers,
        )
        if not verdict.upgrade:
            return reason("grabbed-recently", title=recent.title, on=at)
    return None


SPECS = (
    Spec("blocklisted", "blocklist", Stage.RULES, True, blocklisted, "Blocklisted"),
    Spec("already-imported", "imported before", Stage.RULES, True, already_imported, "AlreadyImportedSameName"),
    Spec("in-queue-better", "already downloading", Stage.RULES, True, in_queue, "QueueHigherPreference"),
    Spec("grabbed-recently", "grabbed before", Stage.RULES, True, grabbed_recently, "HistoryHigherPreference"),
)

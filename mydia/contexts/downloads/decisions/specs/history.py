"""Was it tried before, or is a download already running?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import Candidate, normalised_name
from mydia.contexts.downloads.decisions.facts import Blocked, Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason


def blocklisted(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release that failed or was blocked is not grabbed again."""
    entry = next((entry for entry in facts.blocked if _same(entry, candidate)), None)
    if entry is None:
        return None
    return reason("blocklisted", since=entry.added_at.isoformat(), because=entry.because)


def _same(entry: Blocked, candidate: Candidate) -> bool:
    """Match by hash if both have one, otherwise by name on the same indexer. Source: arr-stack §1.6."""
    if entry.info_hash and candidate.release.info_hash:
        return entry.info_hash == candidate.release.info_hash
    if entry.normalised != normalised_name(candidate.release.title) or entry.protocol != candidate.release.protocol:
        return False
    return entry.indexer_id is None or entry.indexer_id == candidate.indexer_id


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
            return reason("in-queue.better", quality=queued.quality.name, title=queued.title)
    return None


SPECS = (
    Spec("blocklisted", "blocklist", Stage.RULES, True, blocklisted),
    Spec("already-imported", "imported before", Stage.RULES, True, already_imported),
    Spec("in-queue-better", "already downloading", Stage.RULES, True, in_queue),
)

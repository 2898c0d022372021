"""Was it tried before, or is something under way?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import Candidate, normalised_name
from mydia.contexts.downloads.decisions.facts import Blocked, Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage


def blocklisted(candidate: Candidate, facts: Facts) -> str | None:
    """What failed or was thrown out is not taken again."""
    entry = next((entry for entry in facts.blocked if _same(entry, candidate)), None)
    return None if entry is None else f"It is on the blocklist since {entry.added_at:%-d %B %Y}: {entry.reason}"


def _same(entry: Blocked, candidate: Candidate) -> bool:
    """Match by hash where both have one, else by name on the same indexer. Source: arr-stack §1.6."""
    if entry.info_hash and candidate.release.info_hash:
        return entry.info_hash == candidate.release.info_hash
    if entry.normalised != normalised_name(candidate.release.title) or entry.protocol != candidate.release.protocol:
        return False
    return entry.indexer_id is None or entry.indexer_id == candidate.indexer_id


def already_imported(candidate: Candidate, facts: Facts) -> str | None:
    """A loop guard: the same release would be fetched for ever when its file turns out worse than its name."""
    if not facts.held:
        return None
    name = normalised_name(candidate.release.title)
    for before in facts.imported:
        same_hash = before.info_hash is not None and before.info_hash == candidate.release.info_hash
        if same_hash or normalised_name(before.title) == name:
            return f"This release was imported on {before.imported_at:%-d %B %Y}."
    return None


def in_queue(candidate: Candidate, facts: Facts) -> str | None:
    """One download at a time, unless this is an upgrade over it."""
    hash_ = candidate.release.info_hash
    for queued in facts.queued:
        if (hash_ and queued.info_hash == hash_) or normalised_name(queued.title) == normalised_name(
            candidate.release.title
        ):
            return "This release is being downloaded already."
    if candidate.queue_verdict is not None:
        queued, verdict = candidate.queue_verdict
        if not verdict.upgrade:
            return f"{queued.quality.name} is being downloaded already: “{queued.title}”."
    return None


SPECS = (
    Spec("blocklisted", Stage.RULES, True, blocklisted),
    Spec("already-imported", Stage.RULES, True, already_imported),
    Spec("in-queue-better", Stage.RULES, True, in_queue),
)

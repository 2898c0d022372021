"""Sentences about searches and downloads, rendered from stored codes and facts. Shared by pages and API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mydia import units
from mydia.contexts.downloads.decisions import SPECS
from mydia.contexts.downloads.models import BlocklistEntry, Release, Search, SearchPhase
from mydia.events import say
from mydia.units import plural

_WORDS = {spec.name: spec.word for spec in SPECS}


def reason_word(spec: str) -> str:
    """Return the word for a spec in counts of rejected releases: `size` for `size-max`."""
    return _WORDS.get(spec, spec.replace("-", " "))


def objections(release: Release) -> tuple[str, ...]:
    """Return why a release was rejected, as sentences."""
    return tuple(say(objection) for objection in release.objections)


def preference(release: Release) -> tuple[tuple[str, int, str], ...]:
    """Return the criteria of a release's rank: (name, value, words), in the order of comparison."""
    values = {str(entry["name"]): int(entry["value"]) for entry in release.preference}
    count, pack = len(release.episode_ids), " (season pack)" if release.parsed.get("season_pack") else ""
    revision = (release.quality.get("revision") or {}) if isinstance(release.quality.get("revision"), Mapping) else {}
    words = {
        "quality": release.quality_name,
        "revision": f"version {revision.get('version', 1)}",
        "format_score": f"score {release.format_score}",
        "words": f"preferred words {values.get('words', 0):+d}" if values.get("words") else "",
        "protocol": "torrent" if release.protocol == "torrent" else "Usenet",
        "fit": f"{count} episode{'' if count == 1 else 's'}{pack}" if count else "the whole movie",
        "indexer": f"{release.indexer_name}, priority {-values.get('indexer', 0)}",
        "flags": ", ".join(map(str, release.flags)) or "no flags",
        "seeders": "unknown seeders" if release.seeders is None else plural(release.seeders, "seeder"),
        "peers": "unknown peers" if release.peers is None else plural(release.peers, "peer"),
        "age": "" if release.published_at is None else f"posted {release.published_at:%-d %B %Y}",
        "size": units.size(release.size_bytes),
    }
    return tuple((name, value, words.get(name, "")) for name, value in values.items())


def search_sentence(search: Search) -> str:
    """Return the answer to "why was nothing grabbed?": what was found and why the rest was rejected."""
    if search.state is SearchPhase.RUNNING:
        return "Searching …"
    return summary_sentence(search.found, search.approved, search.summary)


def summary_sentence(found: int, accepted: int, summary: Mapping[str, Any]) -> str:
    """Return the sentence of a finished search.

    Args:
        summary: `Search.summary`; in rows of older versions it contains the sentence itself.

    >>> summary_sentence(3, 1, {"rejected": {"size-max": 1, "size-min": 1}, "asked": 2, "failures": 1})
    '3 found, 1 accepted; 2 rejected for size. 1 of 2 indexers did not answer.'
    """
    if "rejected" not in summary:
        return str(summary.get("sentence") or "The search was interrupted.")
    asked, failures = int(summary["asked"]), int(summary["failures"])
    if not asked:
        return "No indexer was available."
    failed = f" {failures} of {asked} indexers did not answer." if failures else ""
    if not found:
        return f"Nothing found.{failed}"
    counts: Counter[str] = Counter()
    for spec, count in summary["rejected"].items():
        counts[reason_word(spec)] += count
    why = ", ".join(f"{count} rejected for {word}" for word, count in counts.most_common())
    return f"{found} found, {accepted} accepted{f'; {why}' if why else ''}.{failed}"


def blocked_because(entry: BlocklistEntry) -> str:
    """Return why a release is on the blocklist."""
    return entry.reason or say(entry.because)


def indexer_error(entry: Mapping[str, Any]) -> str | None:
    """Return why an indexer of a search returned nothing, or None if it answered.

    Args:
        entry: One of `Search.indexers`.
    """
    error = entry.get("error")
    if not error:
        return None
    sentence = str(error) if str(error).endswith((".", "?")) else f"{error}."
    if until := entry.get("until"):
        return f"Skipped until {datetime.fromisoformat(str(until)):%H:%M} UTC after a failure: {sentence}"
    return sentence

"""Sentences about searches and downloads, rendered from stored codes and facts. Shared by pages and API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mydia import units
from mydia.contexts.downloads.decisions import SPECS, known_as
from mydia.contexts.downloads.models import BlocklistEntry, Release, Search, SearchPhase
from mydia.events import say
from mydia.units import plural

__all__ = [
    "Gap",
    "blocked_because",
    "gap",
    "indexer_error",
    "known_as",
    "objections",
    "preference",
    "reason_word",
    "search_sentence",
    "summary_sentence",
]

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


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Why one release ranks above another."""

    criterion: str
    """The first criterion in which they differ; empty if they are equal in all of them."""
    label: str
    better: str
    """What the better one has."""
    worse: str
    by: int
    """The difference of the compared values."""
    equal: tuple[str, ...]
    """Labels of the more important criteria, in which they are equal."""

    @property
    def sentence(self) -> str:
        """Return the gap as a sentence."""
        if not self.criterion:
            return "Both are equal in every criterion; the name decides."
        same = f" They are equal in {', '.join(self.equal)}." if self.equal else ""
        return f"Better {self.label}: {self.better} against {self.worse}.{same}"


_LABELS = {
    "quality": "quality",
    "revision": "revision",
    "format_score": "custom format score",
    "words": "preferred words",
    "protocol": "protocol",
    "fit": "choice of episodes",
    "indexer": "indexer priority",
    "flags": "indexer flags",
    "seeders": "number of seeders",
    "peers": "number of peers",
    "age": "age",
    "size": "size",
}


def gap(better: Release, worse: Release) -> Gap:
    """Return in what a release is better than another one, and by how much."""
    ours = preference(better)
    theirs = {name: (value, words) for name, value, words in preference(worse)}
    equal: list[str] = []
    for name, value, words in ours:
        other, other_words = theirs.get(name, (value, words))
        if value == other:
            equal.append(_LABELS.get(name, name))
            continue
        return Gap(
            criterion=name,
            label=_LABELS.get(name, name),
            better=words or str(value),
            worse=other_words or str(other),
            by=value - other,
            equal=tuple(equal),
        )
    return Gap(criterion="", label="", better="", worse="", by=0, equal=tuple(equal))


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

"""Can it be downloaded: does it have seeders, and is there a client for its protocol?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason


def seeders_min(candidate: Candidate, facts: Facts) -> Reason | None:
    """A torrent without seeders never completes."""
    seeders = candidate.release.seeders
    wanted = facts.indexer_seeders.get(candidate.indexer_id, facts.minimum_seeders)
    if candidate.release.protocol != "torrent" or seeders is None or seeders >= wanted:
        return None
    code = "seeders-min" if seeders else "seeders-min.none"
    return reason(code, seeders=seeders, minimum=wanted)


def protocol_disabled(candidate: Candidate, facts: Facts) -> Reason | None:
    """Without a client it can't be downloaded."""
    protocol = candidate.release.protocol
    if protocol in facts.protocols:
        return None
    return reason(f"no-client.{protocol}")


def password_protected(candidate: Candidate, facts: Facts) -> Reason | None:
    """A release with a password can't be unpacked."""
    return reason("password-protected") if "password" in candidate.release.flags else None


def required_flags(candidate: Candidate, facts: Facts) -> Reason | None:
    """Some trackers are only used for marked releases, such as freeleech ones."""
    indexer = facts.indexers.get(candidate.indexer_id)
    if indexer is None or not indexer.required_flags or indexer.required_flags & set(candidate.release.flags):
        return None
    return reason("required-flags", indexer=indexer.name, flags=sorted(indexer.required_flags))


def indexer_tag(candidate: Candidate, facts: Facts) -> Reason | None:
    """An indexer with tags is only used for titles that share one."""
    indexer = facts.indexers.get(candidate.indexer_id)
    if indexer is None or not indexer.tags or not facts.tags.isdisjoint(indexer.tags):
        return None
    return reason("indexer-tag", indexer=indexer.name, tags=sorted(indexer.tags.values()))


def indexer_disabled(candidate: Candidate, facts: Facts) -> Reason | None:
    """An indexer that does not answer would not serve what was pushed. In a search, it has just answered."""
    indexer = facts.indexers.get(candidate.indexer_id) if facts.from_feed else None
    if indexer is None or indexer.disabled_until is None or indexer.disabled_until <= facts.now:
        return None
    return reason("indexer-disabled", indexer=indexer.name, until=indexer.disabled_until.isoformat())


def delay_protocol(candidate: Candidate, facts: Facts) -> Reason | None:
    """A delay profile may allow only one protocol."""
    protocol = candidate.release.protocol
    if facts.delay.enables(protocol):
        return None
    return reason("delay-protocol", profile=facts.delay.name, protocol=WORDS[protocol])


WORDS = {"torrent": "torrents", "usenet": "Usenet"}

SPECS = (
    Spec("seeders-min", "seeders", Stage.RULES, True, seeders_min, "MinimumSeeders"),
    Spec("password-protected", "password", Stage.RULES, True, password_protected, "PasswordProtected"),
    Spec("protocol-disabled", "no client", Stage.RULES, False, protocol_disabled, "DownloadClientUnavailable"),
    Spec("delay-protocol", "protocol", Stage.RULES, True, delay_protocol, "ProtocolDisabled"),
    Spec("required-flags", "indexer flags", Stage.RULES, True, required_flags, "RequiredFlags"),
    Spec("indexer-tag", "tags", Stage.RULES, True, indexer_tag, "NoMatchingTag"),
    Spec("indexer-disabled", "indexer not available", Stage.RULES, False, indexer_disabled, "IndexerDisabled"),
)

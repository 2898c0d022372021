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


SPECS = (
    Spec("seeders-min", "seeders", Stage.RULES, True, seeders_min),
    Spec("password-protected", "password", Stage.RULES, True, password_protected),
    Spec("protocol-disabled", "no client", Stage.RULES, False, protocol_disabled),
)

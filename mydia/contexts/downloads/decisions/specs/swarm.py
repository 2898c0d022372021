"""Can it be fetched: is there anybody who has it, and a client that speaks its protocol?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage


def seeders_min(candidate: Candidate, facts: Facts) -> str | None:
    """A torrent that nobody shares never ends."""
    seeders = candidate.release.seeders
    wanted = facts.indexer_seeders.get(candidate.indexer_id, facts.minimum_seeders)
    if candidate.release.protocol != "torrent" or seeders is None or seeders >= wanted:
        return None
    has = "Nobody shares it" if seeders == 0 else f"It has {seeders} seeder{'s' if seeders > 1 else ''}"
    return f"{has}; at least {wanted} {'is' if wanted == 1 else 'are'} asked for."


def protocol_disabled(candidate: Candidate, facts: Facts) -> str | None:
    """Without a client nothing can be handed over."""
    protocol = candidate.release.protocol
    if protocol in facts.protocols:
        return None
    return f"No {'torrent' if protocol == 'torrent' else 'Usenet'} client is set up. Add one in the settings."


SPECS = (
    Spec("seeders-min", Stage.RULES, True, seeders_min),
    Spec("protocol-disabled", Stage.RULES, False, protocol_disabled),
)

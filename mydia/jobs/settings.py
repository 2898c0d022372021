"""The job that asks a configured Prowlarr for its indexers."""

from __future__ import annotations

from mydia import clock
from mydia.contexts import settings
from mydia.jobs.broker import Deps, job


@job("settings.discover_indexers", title="Ask Prowlarr for its indexers", max_retries=10)
def discover_indexers(deps: Deps) -> str:
    """Store the indexers of each Prowlarr that is configured by address and key alone."""
    return settings.discover_indexers(deps.database, deps.outside, clock.now())

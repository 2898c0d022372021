"""The job that fetches the indexers of a configured Prowlarr."""

from __future__ import annotations

from mydia import clock
from mydia.contexts import settings
from mydia.jobs.broker import Deps, job


@job("settings.discover_indexers", title="Fetch indexers from Prowlarr", max_retries=10)
def discover_indexers(deps: Deps) -> str:
    """Store the indexers of each Prowlarr that is configured only by address and key."""
    return settings.managed.discover_indexers(deps.database, deps.outside, clock.now())

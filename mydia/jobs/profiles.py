"""Jobs that follow a changed quality profile: what is good enough is asked anew of every file."""

from __future__ import annotations

from mydia import clock
from mydia.contexts import library, settings
from mydia.errors import NotFound
from mydia.jobs.broker import Deps, job


@job("profiles.recount_item", title="Compare a title with its profile")
def recount_item(deps: Deps, *, media_item_id: str) -> str:
    """Say anew whether a title's files are good enough."""
    try:
        with deps.database.writes() as session:
            library.refresh_holdings(session, clock.now(), media_item_id)
    except NotFound:
        return "removed meanwhile"
    return "done"


@job("profiles.recount", title="Compare titles with their profiles", time_limit_s=3600)
def recount(deps: Deps) -> str:
    """Say anew of every title whether its files are good enough; one profile at a time."""
    with deps.database.reads() as session:
        profiles = settings.list_profiles(session)
    titles = 0
    for done, profile in enumerate(profiles):
        if deps.run.cancelled():
            break
        deps.run.progress(done, len(profiles), profile.name)
        with deps.database.writes() as session:
            titles += library.refresh_all_of_profile(session, clock.now(), profile.id)
    return f"{titles} titles"

"""Jobs that follow a changed quality profile: what is good enough is asked anew of every file."""

from __future__ import annotations

from contextlib import suppress
from itertools import batched

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.jobs.broker import Deps, job

_SLICE = 25
"""Titles of one write: the database has one writer, and whoever waits longer than 5 s for it fails."""
_EVERY = 1_000_000


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
    """Say anew of every title whether its files are good enough, a slice at a time."""
    with deps.database.reads() as session:
        titles = media.lists.all_ids(session, SYSTEM, media.ItemQuery(), limit=_EVERY)
    for done, part in enumerate(batched(titles, _SLICE, strict=False)):
        if deps.run.cancelled():
            break
        deps.run.progress(done * _SLICE, len(titles))
        with deps.database.writes() as session:
            for title in part:
                with suppress(NotFound):  # removed meanwhile
                    library.refresh_holdings(session, clock.now(), title)
    return f"{len(titles)} titles"

"""Jobs that follow a changed quality profile: what is good enough is asked anew of every file."""

from __future__ import annotations

from contextlib import suppress
from itertools import batched

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.jobs.broker import Deps, job

_LOOKED_AT = 20
"""Titles of one read."""
_SLICE = 5
"""Titles of one write: the database has one writer, and nobody shall wait long for it."""
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
    """Say anew of every title whether its files are good enough; only those are written where it changed."""
    with deps.database.reads() as session:
        titles = media.lists.all_ids(session, SYSTEM, media.ItemQuery(), limit=_EVERY)
    changed = 0
    for done, part in enumerate(batched(titles, _LOOKED_AT, strict=False)):
        if deps.run.cancelled():
            break
        deps.run.progress(done * _LOOKED_AT, len(titles))
        with deps.database.reads() as session:
            outdated = library.outdated_holdings(session, part)
        for few in batched(outdated, _SLICE, strict=False):
            with deps.database.writes() as session:
                for title in few:
                    with suppress(NotFound):  # removed meanwhile
                        library.refresh_holdings(session, clock.now(), title)
            changed += len(few)
    return f"{changed} of {len(titles)} titles changed"

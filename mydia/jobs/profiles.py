"""Jobs after a change to a quality profile or custom format, which compare files with it again."""

from __future__ import annotations

from itertools import batched

from mydia import clock
from mydia.contexts import downloads, library, media
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.jobs.broker import INTERACTIVE, Deps, job

_LOOKED_AT = 200
"""Titles per read."""
_SLICE = 20
"""Titles per write, so that other writers do not wait long."""


@job("profiles.try_out", queue=INTERACTIVE, title="Dry run of a quality profile", max_retries=0, time_limit_s=300)
def try_out(deps: Deps, *, trial_id: str) -> str:
    """Compare a changed quality profile with the stored one over the library and the last searches."""
    outcome = downloads.whatif.run_trial(
        deps.database, trial_id, on_progress=deps.run.progress, cancelled=deps.run.cancelled
    )
    return "stopped" if outcome is None else f"{outcome.titles} titles compared"


@job("profiles.recount_item", title="Compare a title with its profile")
def recount_item(deps: Deps, *, media_item_id: str) -> str:
    """Compare a title's files with its quality profile again."""
    try:
        with deps.database.writes() as session:
            library.holdings.refresh_holdings(session, clock.now(), media_item_id)
    except NotFound:
        return "removed in the meantime"
    return "done"


@job("profiles.recount", title="Compare titles with their profiles", time_limit_s=3600)
def recount(deps: Deps) -> str:
    """Score the files of all titles and compare them with their quality profiles; only changes are written."""
    _rescore(deps)
    with deps.database.reads() as session:
        titles = library.holdings.suspects(session)
        total = sum(one.total for one in media.lists.counts(session, SYSTEM).values())
    changed = 0
    for done, part in enumerate(batched(titles, _LOOKED_AT, strict=False)):
        if deps.run.cancelled():
            break
        deps.run.progress(done * _LOOKED_AT, len(titles))
        with deps.database.reads() as session:
            outdated = library.holdings.outdated_holdings(session, part)
        for few in batched(outdated, _SLICE, strict=False):
            with deps.database.writes() as session:
                library.holdings.refresh_many(session, clock.now(), few)
            changed += len(few)
    return f"{changed} of {total} titles changed"


def _rescore(deps: Deps) -> None:
    """Judge all files with the custom formats again; only changed scores are written."""
    with deps.database.reads() as session:
        titles = library.scoring.scored_items(session)
    for done, part in enumerate(batched(titles, _LOOKED_AT, strict=False)):
        if deps.run.cancelled():
            return
        deps.run.progress(done * _LOOKED_AT, len(titles), "custom formats")
        with deps.database.reads() as session:
            outdated = library.scoring.outdated_scores(session, part)
        for few in batched(outdated.items(), _LOOKED_AT, strict=False):
            with deps.database.writes() as session:
                library.scoring.store_scores(session, dict(few))

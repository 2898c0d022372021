"""Jobs of titles and their artwork."""

from __future__ import annotations

from itertools import batched
from typing import Any

from mydia import clock
from mydia.contexts import media, metadata, users
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound, Unavailable
from mydia.jobs.broker import INTERACTIVE, Deps, job
from mydia.units import plural

_SLICE = 50
"""Titles per write, so that other writers do not wait long."""
_PICTURES = 50
"""Pictures per batch; the order of the rest is then computed again."""


@job("metadata.refresh_item", queue="media", title="Refresh a title", max_retries=4, min_backoff_s=30)
def refresh_item(deps: Deps, media_item_id: str, *, force: bool = False, search_now: bool = False) -> str:
    """Fetch one title's details, then its artwork."""
    try:
        said = media.refresh.refresh_item(
            deps.database,
            deps.outside,
            SYSTEM,
            clock.now(),
            media_item_id,
            force=force,
            search_now=search_now,
        )
    except NotFound:
        return "removed in the meantime"
    deps.enqueue("metadata.fetch_images", {}, dedup="metadata.fetch_images")
    return said


@job("metadata.request_refreshes", queue=INTERACTIVE, title="Request refreshes of many titles", max_retries=4)
def request_refreshes(deps: Deps, *, media_item_ids: list[str], actor: dict[str, Any] | None = None) -> str:
    """Request a refresh for each title of a large selection."""
    with deps.database.writes() as session:
        caller = users.history.acting_for(session, actor)
        requested = media.catalogue.request_refreshes(session, caller, media_item_ids)
    return f"{plural(requested, 'refresh', 'refreshes')} requested"


@job("metadata.refresh_due", queue="media", title="Refresh metadata", max_retries=0, time_limit_s=3600)
def refresh_due(deps: Deps) -> str:
    """Refresh titles whose details are outdated; stops early when the provider does not answer."""
    with deps.database.reads() as session:
        due = media.refresh.due_for_refresh(session, clock.now())
    for done, item_id in enumerate(due):
        if deps.run.cancelled():
            return f"{done} of {len(due)} refreshed, then stopped"
        deps.run.progress(done, len(due))
        try:
            media.refresh.refresh_item(deps.database, deps.outside, SYSTEM, clock.now(), item_id)
        except NotFound:
            continue
        except Unavailable as error:
            return f"{done} of {len(due)} refreshed, then: {error}"
    if due:
        deps.enqueue("metadata.fetch_images", {}, dedup="metadata.fetch_images")
    return f"{len(due)} refreshed"


@job("metadata.fetch_images", queue="media", title="Fetch artwork", max_retries=2, time_limit_s=1800)
def fetch_images(deps: Deps) -> str:
    """Fetch missing artwork in batches, so that a new title's poster does not wait for all others."""
    tried = 0
    while not deps.run.cancelled():
        batch = metadata.fetch_wanted(
            deps.database, deps.outside, SYSTEM, clock.now(), deps.config.images_directory, limit=_PICTURES
        )
        tried += batch
        deps.run.progress(tried, None, f"{tried} pictures")
        if batch < _PICTURES:
            break
    return plural(tried, "picture")


@job("metadata.check_source", queue="media", title="Check the metadata source", max_retries=0)
def check_source(deps: Deps, *, asked: bool = False) -> str:
    """Query a source again that did not answer; once it does, match the waiting files.

    Args:
        asked: A user requested it, so a source that answered last is queried too.
    """
    with deps.database.reads() as session:
        before = metadata.source_state(session, deps.outside, SYSTEM)
    if before is None:
        return "no metadata source is configured"
    if before.answers is not False and not asked:
        return "nothing to check"
    now = metadata.check_source(deps.database, deps.outside, SYSTEM, clock.now())
    if now is None or not now.answers:
        return f"{before.name} does not answer: {now.error if now else 'no source is configured any more'}"
    deps.enqueue("library.match_files", {}, dedup="library.match_files")
    deps.enqueue("metadata.refresh_due", {}, dedup="metadata.refresh_due")
    return f"{now.name} answers"


@job("metadata.roll_over", queue="default", title="Update release states", max_retries=3)
def roll_over(deps: Deps) -> str:
    """Update the state of titles that were released since yesterday, in slices."""
    now = clock.now()
    with deps.database.reads() as session:
        due = media.holdings.due_to_roll(session, now)
    for part in batched(due, _SLICE, strict=False):
        with deps.database.writes() as session:
            media.holdings.roll_over(session, now, part)
    return f"{plural(len(due), 'title')} checked"


@job("metadata.prune_previews", queue="default", title="Prune previews")
def prune_previews(deps: Deps) -> str:
    """Delete pictures of search previews that are no longer needed."""
    return f"{metadata.prune_previews(deps.config.images_directory, clock.now())} previews deleted"

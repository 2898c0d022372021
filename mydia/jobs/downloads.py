"""Jobs of downloads: search, monitor, import, clean up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mydia import clock
from mydia.contexts import downloads, settings, users
from mydia.contexts.downloads import SearchTarget
from mydia.contexts.users import SYSTEM
from mydia.errors import NotFound
from mydia.jobs.broker import INTERACTIVE, Deps, job
from mydia.units import plural


@job("downloads.run_search", queue=INTERACTIVE, title="Manual search", max_retries=0, time_limit_s=120)
def run_search(deps: Deps, *, search_id: str, actor: dict[str, Any] | None = None) -> str:
    """Run a manual search."""
    with deps.database.reads() as session:
        caller = users.history.acting_for(session, actor)
    try:
        downloads.run_search(
            deps.database,
            deps.outside,
            caller,
            clock.now(),
            search_id=search_id,
            on_progress=deps.run.progress,
            cancelled=deps.run.cancelled,
        )
    except NotFound:
        return "the title was removed"
    return "done"


@job("downloads.request_searches", queue=INTERACTIVE, title="Request searches for many titles", max_retries=4)
def request_searches(deps: Deps, *, media_item_ids: list[str], actor: dict[str, Any] | None = None) -> str:
    """Request a search for each title of a large selection."""
    with deps.database.writes() as session:
        caller = users.history.acting_for(session, actor)
        requested = downloads.request_searches(session, caller, media_item_ids)
    return f"{plural(requested, 'search', 'searches')} requested"


@job("downloads.search_item", queue="search", title="Search and grab", max_retries=2, min_backoff_s=60)
def search_item(
    deps: Deps,
    *,
    media_item_id: str,
    season_number: int | None = None,
    episode_ids: list[str] | None = None,
    version_id: str | None = None,
    cause: str = "automatic",
    actor: dict[str, Any] | None = None,
) -> str:
    """Search for the missing files of a title and grab the best releases."""
    target = SearchTarget(media_item_id, version_id, season_number, tuple(episode_ids or ()))
    with deps.database.reads() as session:
        caller = users.history.acting_for(session, actor)
    try:
        taken = downloads.search_and_grab(
            deps.database,
            deps.outside,
            caller,
            clock.now(),
            target,
            cause=downloads.SearchCause(cause),
            on_progress=deps.run.progress,
            cancelled=deps.run.cancelled,
        )
    except NotFound:
        return "the title was removed"
    if taken:
        _look_soon(deps)
    return f"{len(taken)} grabbed" if taken else "nothing to grab"


@job(
    "downloads.search_wanted", queue="search", title="Search for wanted releases", max_retries=0, time_limit_s=3 * 3600
)
def search_wanted(deps: Deps) -> str:
    """Search for missing and upgradable titles in a batch, those not searched for longest first."""
    now = clock.now()
    with deps.database.reads() as session:
        due = downloads.targets.due_searches(session, now, limit=settings.of(session).downloads.search_batch)
    return _search_each(deps, due)


@job("downloads.search_new", queue="search", title="Search for what just came out", max_retries=0, time_limit_s=3600)
def search_new(deps: Deps) -> str:
    """Search for episodes that aired and films that came out in the last day, unless they were searched since."""
    with deps.database.reads() as session:
        found = downloads.targets.just_out(session, clock.now(), limit=settings.of(session).downloads.search_batch)
    return _search_each(deps, found)


def _search_each(deps: Deps, due: Sequence[SearchTarget]) -> str:
    taken = 0
    for done, target in enumerate(due):
        with deps.database.reads() as session:
            available = settings.indexers.indexer_connections(session, usage="backlog", now=clock.now())
        stopped = "" if available else ", then no indexer was available"
        if stopped or deps.run.cancelled():
            return f"{done} of {len(due)} searched, {taken} grabbed{stopped or ', then stopped'}"
        deps.run.progress(done, len(due))
        try:
            taken += len(
                downloads.search_and_grab(
                    deps.database,
                    deps.outside,
                    SYSTEM,
                    clock.now(),
                    target,
                    cause=downloads.SearchCause.BACKLOG,
                    only_due=not target.episode_ids,
                    cancelled=deps.run.cancelled,
                )
            )
        except NotFound:
            continue
    if taken:
        _look_soon(deps)
    return f"{len(due)} searched, {taken} grabbed"


@job("downloads.make_due", queue="default", title="Search again soon", max_retries=1)
def make_due(deps: Deps, *, media_item_id: str) -> str:
    """Let the next automatic run search a title that is monitored again."""
    with deps.database.writes() as session:
        downloads.targets.make_due(session, clock.now(), media_item_id)
    return "done"


@job("downloads.sync_feeds", queue="search", title="RSS sync", max_retries=0, time_limit_s=1800)
def sync_feeds(deps: Deps) -> str:
    """Read the newest releases of all indexers and grab what is wanted."""
    report = downloads.feeds.sync(
        deps.database, deps.outside, clock.now(), on_progress=deps.run.progress, cancelled=deps.run.cancelled
    )
    if report.grabbed:
        _look_soon(deps)
    return str(report)


@job("downloads.monitor", queue="critical", title="Check download clients", max_retries=0, time_limit_s=120)
def monitor_downloads(deps: Deps) -> str:
    """Check the clients; while downloads are running, check again in a few seconds."""
    report = downloads.monitor(deps.database, deps.outside, clock.now())
    if report.active:
        _look_soon(deps)
    return str(report)


@job(
    "downloads.import", queue="media", title="Import a download", max_retries=5, min_backoff_s=30, time_limit_s=6 * 3600
)
def import_download(deps: Deps, *, download_id: str) -> str:
    """Import a finished download into the library."""
    try:
        return downloads.importing.import_download(
            deps.database, deps.outside, SYSTEM, clock.now(), download_id, run=deps.run
        )
    except NotFound:
        return "the title was removed"


@job("downloads.end_imported", queue="default", title="End downloads imported manually", max_retries=1)
def end_imported(deps: Deps) -> str:
    """End the blocked downloads whose files were imported manually."""
    with deps.database.writes() as session:
        return f"{downloads.importing.end_imported_by_hand(session, SYSTEM, clock.now())} ended"


@job("downloads.sweep", queue="default", title="Find lost imports and searches", max_retries=0)
def sweep(deps: Deps) -> str:
    """Find leftovers of an interruption: finished downloads without an import, and searches that did not end."""
    now = clock.now()
    with deps.database.writes() as session:
        searches = downloads.history.finish_interrupted(session, now)
        downloads.whatif.end_lost(session, now)
        downloads.importing.end_imported_by_hand(session, SYSTEM, now)
        due = downloads.importing.due_imports(session, now)
    for download_id in due:
        deps.enqueue(
            "downloads.import", {"download_id": download_id}, dedup=f"downloads.import:{download_id}", cause="sweep"
        )
    return f"{len(due)} imports due, {searches} searches ended"


@job("downloads.recover", queue="critical", title="Recover interrupted downloads", max_retries=8, min_backoff_s=5)
def recover(deps: Deps) -> str:
    """At the worker's start: settle interrupted grabs, continue imports, and check the clients."""
    settings.services.note_start(clock.now())
    said = downloads.recover(deps.database, deps.outside, clock.now())
    deps.enqueue("downloads.sweep", {}, dedup=sweep.key(), cause="start")
    deps.enqueue("downloads.monitor", {}, dedup=monitor_downloads.key(), cause="start")
    return said


@job("downloads.take_due", queue="search", title="Grab delayed releases", max_retries=0, time_limit_s=600)
def take_due(deps: Deps) -> str:
    """Grab the best of the releases whose delay is over."""
    taken = downloads.pending.take_due(deps.database, deps.outside, clock.now())
    if taken:
        _look_soon(deps)
    return f"{len(taken)} grabbed" if taken else "nothing is due"


@job("downloads.prune", queue="default", title="Delete old searches", max_retries=0)
def prune(deps: Deps) -> str:
    """Delete old searches, except the last one of each version."""
    with deps.database.writes() as session:
        downloads.whatif.prune_trials(session, clock.now())
        return f"{downloads.history.prune_releases(session, clock.now())} searches deleted"


def _look_soon(deps: Deps) -> None:
    """Queue a check of the clients in a few seconds, unless one is already queued."""
    with deps.database.reads() as session:
        seconds = settings.of(session).downloads.active_interval_seconds
    deps.enqueue(
        "downloads.monitor", {}, dedup=monitor_downloads.key(), delay_s=seconds, cause="something is downloading"
    )

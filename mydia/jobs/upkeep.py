"""Maintenance of Mydia's own files: backups, statistics, compaction, pruning."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from mydia import clock, events
from mydia.adapters import pg_dump
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM
from mydia.db import maintenance
from mydia.errors import MydiaError
from mydia.jobs.broker import Deps, job
from mydia.private import private
from mydia.taskboard import KEEP_DONE_PER_JOB
from mydia.units import size

_KEEP_WEEKLY = 4
_PUT_OFF_S = 1800.0
_BRIEF = frozenset({"downloads.monitor", "library.scan_due"})
"""Jobs that run every few seconds or minutes and can wait."""


@job("upkeep.analyze", title="Refresh database statistics", max_retries=1)
def analyze(deps: Deps) -> str:
    """Refresh the query planner's statistics."""
    return maintenance.analyze(deps.database)


@job("upkeep.vacuum", title="Compact databases", max_retries=0, time_limit_s=3600)
def vacuum(deps: Deps, *, when_idle: bool = False) -> str:
    """Free the disk space of deleted rows. Writes are blocked meanwhile.

    Args:
        when_idle: Wait until no other job runs; otherwise start immediately, because a user requested it.
    """
    if when_idle and any(run.id != deps.run.id and run.job not in _BRIEF for run in deps.board.running(SYSTEM)):
        params = {"when_idle": True}
        deps.enqueue("upkeep.vacuum", params, dedup=vacuum.key(**params), delay_s=_PUT_OFF_S, cause="postponed")
        return "postponed: other jobs are running"
    said = [maintenance.vacuum(deps.database)]
    said += [maintenance.vacuum_file(path) for path in (deps.board.path, deps.config.cache_path) if path.exists()]
    return "; ".join(dict.fromkeys(said))


@job("upkeep.checkpoint", title="Truncate write-ahead logs", max_retries=0)
def checkpoint(deps: Deps) -> str:
    """Truncate the write-ahead logs, which keeps reads and recovery fast."""
    paths = [path for path in (deps.database.path, deps.board.path, deps.config.cache_path) if path is not None]
    whole = [maintenance.checkpoint(path) for path in paths]
    return f"{sum(whole)} of {len(whole)} files"


@job("upkeep.check_integrity", title="Check the database", max_retries=0, time_limit_s=3600)
def check_integrity(deps: Deps) -> str:
    """Check for damage while a good backup still exists.

    Raises:
        MydiaError: There is damage.
    """
    path = deps.database.path
    if path is None:
        return "left to the database server"
    if wrong := maintenance.check_integrity(path):
        raise MydiaError(
            f"The database is damaged: {wrong[0]} (and {len(wrong) - 1} more). Stop Mydia, keep the file, and restore "
            "the newest backup with `mydia backup restore`."
        )
    return "no damage found"


@job("upkeep.back_up", title="Back up database", max_retries=2, min_backoff_s=300, time_limit_s=3600)
def back_up(deps: Deps) -> str:
    """Make a verified backup and delete those that are no longer kept."""
    if deps.config["database.skip_backups"]:
        return "disabled"
    now, directory = clock.now(), deps.config.backups_directory
    made = maintenance.back_up(deps.database, directory, now) or _dump(deps, directory, now)
    if made is None:
        return "pg_dump is not installed; back up on the database server"
    settings.backups.record_made(deps.database, now, made)
    if deps.database.path is not None:
        maintenance.take_in_former(deps.database.path, directory)
    maintenance.rotate(directory, keep_daily=settings.of(deps.database).backups.keep, keep_weekly=_KEEP_WEEKLY, now=now)
    return f"{made.path.name}, {size(made.size_bytes)}"


def _dump(deps: Deps, directory: Path, now: datetime) -> maintenance.Backup | None:
    if deps.outside.programs.find(pg_dump.PROGRAM) is None:
        return None
    path = maintenance.new_path(directory, now, ".dump")
    part = private(maintenance.part_of(path))
    try:
        pg_dump.dump(deps.outside.programs, deps.config.database_url, part)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return maintenance.read_backup(path)


@job("upkeep.prune_events", title="Prune activity", max_retries=1, time_limit_s=1800)
def prune_events(deps: Deps) -> str:
    """Delete events older than the retention period (those of the audit have their own) and old answers of the API."""
    kept = settings.of(deps.database).events
    removed = 0
    # The audit is never kept for a shorter time than other events.
    for audit, days in ((False, kept.retention_days), (True, max(kept.retention_days, kept.audit_retention_days))):
        before = clock.now() - timedelta(days=days)
        # Delete in slices, so that other writers do not wait long.
        while not deps.run.cancelled():
            with deps.database.writes() as session:
                pruned = events.prune(session, before, audit=audit)
            if not pruned:
                break
            removed += pruned
            deps.run.progress(removed, None, f"{removed} events")
    with deps.database.writes() as session:
        users.kept_answers.prune(session, clock.now())
    return f"{removed} events"


@job("upkeep.prune_runs", title="Prune finished jobs", max_retries=1)
def prune_runs(deps: Deps) -> str:
    """Delete old finished runs."""
    keep = timedelta(days=settings.of(deps.database).jobs.max_age_days)
    return f"{deps.board.prune(clock.now(), keep=keep, keep_done_per_job=KEEP_DONE_PER_JOB)} runs"

"""Jobs of the library: scanning, matching, analysing, recovery after a crash, renaming, emptying the recycle bin."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mydia import clock
from mydia.contexts import library, settings, users
from mydia.contexts.users import SYSTEM
from mydia.errors import Conflict, MydiaError, NotFound
from mydia.jobs.broker import INTERACTIVE, Deps, job
from mydia.jobs.scheduler import cron_trigger, time_zone
from mydia.units import plural

_busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Allows one scan or matching of a folder, and one run of a bulk edit, at a time."""
_TRY_AGAIN_S = 20.0
_LONGEST_GAP = timedelta(days=3)


@job("library.scan_all", queue="media", title="Scan all libraries", max_retries=0)
def scan_all(deps: Deps) -> str:
    """Start a scan of every monitored library folder without its own schedule."""
    with deps.database.reads() as session:
        paths = [
            path.id
            for path in settings.library_paths.list_library_paths(session, SYSTEM)
            if path.monitored and not path.scan_cron
        ]
    for path_id in paths:
        _start(deps, path_id)
    return plural(len(paths), "folder")


@job("library.import_ready", queue=INTERACTIVE, title="Import confident matches", max_retries=0, time_limit_s=3600)
def import_ready(deps: Deps, *, inbox_ids: list[str] | None = None, requested_by: str | None = None) -> str:
    """Import review entries with their best candidates, on behalf of the account that requested it."""
    with deps.database.reads() as session:
        caller = users.caller_of(users.get_user(session, SYSTEM, requested_by)) if requested_by else SYSTEM
    made = library.inbox.import_ready(
        deps.database,
        deps.outside,
        caller,
        clock.now(),
        inbox_ids=inbox_ids,
        on_progress=deps.run.progress,
        cancelled=deps.run.cancelled,
    )
    failed = f", {len(made.failures)} failed: {made.failures[0]}" if made.failures else ""
    return f"{made.decided} imported{failed}"


@job("library.manual_import", queue=INTERACTIVE, title="Import manually", max_retries=0, time_limit_s=6 * 3600)
def manual_import(
    deps: Deps, *, choices: list[dict[str, Any]], mode: str | None = None, requested_by: str | None = None
) -> str:
    """Import files as the account that asked for it decided; see `library.manual.import_params`."""
    with deps.database.reads() as session:
        caller = users.caller_of(users.get_user(session, SYSTEM, requested_by)) if requested_by else SYSTEM
    # After a crash, put back first what the killed attempt was moving.
    library.journal.recover_journal(deps.database, deps.outside, clock.now())
    made = library.manual.manual_import(
        deps.database,
        deps.outside,
        caller,
        clock.now(),
        library.manual.choices_from_json(choices),
        mode=mode,
        run_id=deps.run.id,
        on_progress=deps.run.progress,
        cancelled=deps.run.cancelled,
    )
    failed = _told(made.failures)
    if made.failures and not made.file_ids:
        raise Conflict(f"Nothing was imported. {failed}")
    return f"{len(made.file_ids)} imported" + (f", {len(made.failures)} not: {failed}" if failed else "")


def _told(failures: Sequence[tuple[str, str]]) -> str:
    """Return the failures of files, the same sentence once: `a.mkv and 2 more: …`."""
    names: dict[str, list[str]] = {}
    for name, sentence in failures:
        names.setdefault(sentence, []).append(name)
    return "; ".join(
        f"{some[0]}{f' and {len(some) - 1} more' if len(some) > 1 else ''}: {sentence}"
        for sentence, some in names.items()
    )


@job("library.scan_due", title="Start due scans", max_retries=0)
def scan_due(deps: Deps) -> str:
    """Start scans of library folders with their own schedule that are due."""
    zone = time_zone(str(deps.config["jobs.time_zone"]))
    now = clock.now()
    with deps.database.reads() as session:
        paths = [
            path
            for path in settings.library_paths.list_library_paths(session, SYSTEM)
            if path.monitored and path.scan_cron
        ]
    due = [path for path in paths if _is_due(path, now, zone)]
    for path in due:
        _start(deps, path.id)
    return f"{len(due)} of {len(paths)} folders with their own schedule"


def _is_due(path: settings.LibraryPath, now: datetime, zone: ZoneInfo) -> bool:
    since = path.last_scan_at or path.created_at
    following = cron_trigger(str(path.scan_cron), zone).get_next_fire_time(None, since.astimezone(zone))
    return following is not None and following <= now


@job("library.scan", queue="media", title="Scan a library", max_retries=2, min_backoff_s=60, time_limit_s=12 * 3600)
def scan(
    deps: Deps,
    *,
    library_path_id: str | None = None,
    subfolder: str | None = None,
    accept_missing: bool = False,
) -> str:
    """Scan a folder, and match and analyse new files. An interrupted scan resumes."""
    with deps.database.reads() as session:
        known = [path.id for path in settings.library_paths.list_library_paths(session, SYSTEM)]
    if library_path_id is None:
        for path_id in known:
            _start(deps, path_id)
        return plural(len(known), "folder")
    if library_path_id not in known:
        return "removed in the meantime"
    lock = _busy[library_path_id]
    if not lock.acquire(blocking=False):
        params = {"library_path_id": library_path_id, "subfolder": subfolder, "accept_missing": accept_missing}
        deps.enqueue(
            "library.scan",
            params,
            dedup=_key(library_path_id, subfolder, accept_missing=accept_missing),
            delay_s=_TRY_AGAIN_S,
        )
        return "postponed: another scan of this folder is running"
    try:
        return _scan(deps, library_path_id, subfolder, accept_missing=accept_missing)
    finally:
        lock.release()


def _scan(deps: Deps, path_id: str, subfolder: str | None, *, accept_missing: bool) -> str:
    database, outside, run = deps.database, deps.outside, deps.run
    scan_id = library.scanning.run_scan(
        database, outside, clock.now, path_id, run, subfolder=subfolder, accept_missing=accept_missing
    )
    with database.reads() as session:
        row = library.scanning.get_scan(session, SYSTEM, scan_id)
    if row.state != "running":
        return row.reason or row.state
    counts: dict[str, int] = {}
    try:
        report = library.match_new_files(database, outside, clock.now, path_id, run, scan_id=scan_id)
        counts |= report.counts()
        counts["analysed"] = library.analyse_files(database, outside, clock.now, path_id, run, scan_id=scan_id)
    except MydiaError as error:
        library.scanning.fail_scan(database, SYSTEM, clock.now(), scan_id, str(error))
        raise
    if run.cancelled():
        library.scanning.cancel_scan(database, SYSTEM, clock.now(), scan_id, counts)
        return "stopped; files found so far are kept"
    library.scanning.finish_scan(
        database, SYSTEM, clock.now(), scan_id, counts, code=report.reason_code, facts=report.reason_facts
    )
    if report.titles_added:
        deps.enqueue("metadata.fetch_images", {}, dedup="metadata.fetch_images")
    told = {**row.counts, **counts}
    words = [
        f"{told.get(name, 0):,} {name}" for name in ("seen", "new", "changed", "moved", "missing", "matched", "waiting")
    ]
    return ", ".join(words) + (f". {report.reason}" if report.reason else "")


@job("library.match_files", queue="media", title="Match new files", max_retries=0, time_limit_s=12 * 3600)
def match_files(deps: Deps, *, library_path_id: str | None = None) -> str:
    """Match files that are still new because a scan was stopped or a metadata source did not answer."""
    with deps.database.reads() as session:
        counts = library.files.new_files(session, SYSTEM)
    paths = [library_path_id] if library_path_id else list(counts)
    said: list[str] = []
    matched = waiting = 0
    for path_id in paths:
        lock = _busy[path_id]
        if not lock.acquire(blocking=False):
            continue
        try:
            report = library.match_new_files(deps.database, deps.outside, clock.now, path_id, deps.run)
        except NotFound:
            continue
        finally:
            lock.release()
        matched, waiting = matched + report.matched, waiting + report.waiting
        said += [report.reason] if report.reason else []
    if matched:
        deps.enqueue("metadata.fetch_images", {}, dedup="metadata.fetch_images")
    return " ".join([f"{matched} matched, {waiting} to review.", *dict.fromkeys(said)])


@job("library.analyse_files", queue="media", title="Analyse files", max_retries=1, time_limit_s=12 * 3600)
def analyse_files(deps: Deps) -> str:
    """Analyse files that have not been analysed."""
    return f"{library.analyse_files(deps.database, deps.outside, clock.now, None, deps.run)} analysed"


@job("library.recover_journal", queue="critical", title="Finish interrupted file operations", max_retries=2)
def recover_journal(deps: Deps) -> str:
    """Finish or undo file operations that a crash interrupted."""
    mended = library.journal.recover_journal(deps.database, deps.outside, clock.now())
    said = f"{mended.completed} completed, {mended.taken_back} undone"
    return " ".join([f"{said}.", *mended.failed])


@job("library.empty_recycle_bin", title="Empty the recycle bin", max_retries=1, time_limit_s=3600)
def empty_recycle_bin(deps: Deps, *, cautious: bool = False) -> str:
    """Delete expired files of the recycle bin and old journal steps.

    Args:
        cautious: Wait for the next run if the last one was days ago: Mydia was off, or the clock has jumped ahead, and then
            everything in the bin would seem to have expired.
    """
    if cautious and _is_after_a_gap(deps):
        return "postponed: the last run was days ago, so the clock may be wrong. The next run deletes."
    gone = 0
    while not deps.run.cancelled():
        part = library.recycle.empty_recycle_bin(deps.database, deps.outside, clock.now())
        if not part:
            break
        gone += part
        deps.run.progress(gone, None)
    with deps.database.writes() as session:
        library.journal.prune_journal(session, clock.now())
        library.removed.prune_removed(session, clock.now())
        library.scanning.prune_scans(session)
    return f"{plural(gone, 'file')} deleted"


def _is_after_a_gap(deps: Deps) -> bool:
    last = deps.board.recent(SYSTEM, 1, job="library.empty_recycle_bin")
    ended_at = last[0].finished_at if last else None
    return ended_at is None or clock.now() - ended_at > _LONGEST_GAP


@job("library.edit_titles", queue="media", title="Edit titles", max_retries=1, time_limit_s=12 * 3600)
def edit_titles(deps: Deps, *, edit_id: str) -> str:
    """Apply a bulk edit, or undo it. An interrupted run continues."""
    lock = _busy[edit_id]
    if not lock.acquire(blocking=False):
        return "already running"
    try:
        return library.edits.carry_on(deps.database, deps.outside, clock.now, edit_id, deps.run)
    finally:
        lock.release()


@job("library.sweep_edits", title="Find lost bulk edits", max_retries=0)
def sweep_edits(deps: Deps) -> str:
    """Start the bulk edits whose job was lost, and delete those that can no longer be undone."""
    with deps.database.reads() as session:
        found = library.edits.find_unfinished(session, clock.now())
    waiting = [edit_id for edit_id in found if not _busy[edit_id].locked()]
    for edit_id in waiting:
        deps.enqueue("library.edit_titles", {"edit_id": edit_id}, dedup=f"library.edit_titles:{edit_id}")
    with deps.database.writes() as session:
        library.edits.prune_edits(session, clock.now())
    return f"{len(waiting)} started"


def _start(deps: Deps, path_id: str) -> None:
    deps.enqueue("library.scan", {"library_path_id": path_id}, dedup=_key(path_id, None, accept_missing=False))


def _key(path_id: str, subfolder: str | None, *, accept_missing: bool) -> str:
    return f"library.scan:{path_id}:{subfolder}:{accept_missing}"

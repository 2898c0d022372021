"""Read what the shell shows: counts in the navigation, the transfer summary, and the most serious problem."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from mydia import units
from mydia.contexts import downloads, library, media, requests, settings
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.taskboard import Glance
from mydia.vocabulary import MediaType
from mydia.web.deps import WebDeps
from mydia.web.remembered import UntilCommit
from mydia.web.shell import Banner, NavCount, ShellView, Transfers


class _Stored(msgspec.Struct, frozen=True):
    """What is read from the database, for all callers with the same permissions."""

    counts: tuple[tuple[str, NavCount], ...]
    transfers: Transfers | None
    trouble: Banner | None


_stored: UntilCommit[frozenset[Permission], _Stored] = UntilCommit()


def shell_view(deps: WebDeps, caller: Caller) -> ShellView:
    """Return what the shell shows to a caller."""
    stored = _stored.get(deps.database, deps.database.version(), caller.permissions, lambda: _read(deps, caller))
    counts = dict(stored.counts)
    jobs = deps.taskboard.glance()
    if caller.can(Permission.MANAGE_SETTINGS):
        failed = jobs.failed if jobs else 0
        counts["system"] = NavCount(f"{failed:,}" if failed else "", "alert" if failed else "")
    return ShellView(counts, stored.transfers, _banner(caller, jobs, stored.trouble))


def _read(deps: WebDeps, caller: Caller) -> _Stored:
    counts: dict[str, NavCount] = {}
    transfers: Transfers | None = None
    with deps.database.reads() as session:
        by_type = media.lists.counts(session, SYSTEM)
        counts["movies"] = _count(by_type[MediaType.MOVIE].total)
        counts["shows"] = _count(by_type[MediaType.TV_SHOW].total)
        if caller.can(Permission.VIEW_ACTIVITY):
            wanted = media.wanted.wanted_counts(session, caller)
            counts["wanted"] = _count(wanted["missing_movies"] + wanted["missing_episodes"])
            rows = downloads.queue.list_queue(session, caller)
            needs = sum(1 for row in rows if row.group == "needs you")
            counts["activity"] = NavCount(
                f"{len(rows):,}" if rows else "", "alert" if needs else "live" if rows else ""
            )
            transfers = _transfers(rows)
        if caller.can(Permission.MANAGE_REQUESTS):
            pending = requests.listing.pending_count(session, caller)
            counts["requests"] = NavCount(f"{pending:,}" if pending else "", "alert" if pending else "")
        if caller.can(Permission.MANAGE_MEDIA):
            waiting = library.inbox.inbox_counts(session, caller).waiting
            counts["imports"] = NavCount(f"{waiting:,}" if waiting else "", "alert" if waiting else "")
        trouble = _trouble(session, caller) if caller.can(Permission.MANAGE_MEDIA) else None
    return _Stored(tuple(counts.items()), transfers, trouble)


def _count(number: int) -> NavCount:
    return NavCount(f"{number:,}" if number else "")


def _transfers(rows: list[downloads.queue.QueueRow]) -> Transfers | None:
    moving = [row for row in rows if row.group == "downloading"]
    if not moving:
        return None
    whole = sum(row.size_bytes or 0 for row in moving)
    done = sum((row.size_bytes or 0) * row.progress for row in moving)
    speed = sum(row.speed_bytes_per_s or 0 for row in moving if row.unreachable_since is None)
    return Transfers(f"{len(moving)} downloading", units.speed(speed), 100 * done / whole if whole else 0.0)


def _banner(caller: Caller, jobs: Glance | None, trouble: Banner | None) -> Banner | None:
    """Return the most serious problem, for callers who can do something about it."""
    if not caller.can(Permission.MANAGE_MEDIA):
        return None
    fix = ("/system", "Open status") if caller.can(Permission.MANAGE_SETTINGS) else ("", "")
    if jobs is None:
        return Banner("The job queue does not answer: another program has locked jobs.db, or its disk is full.", *fix)
    if not jobs.workers:
        return Banner("No worker is running, so nothing is scanned, searched or imported.", *fix)
    if trouble is None and jobs.paused:
        return Banner("The workers are paused: nothing new is started.", "/system/tasks", "Open tasks")
    return trouble


def _trouble(session: Session, caller: Caller) -> Banner | None:
    names = {path.id: path.name for path in settings.library_paths.list_library_paths(session, caller)}
    for path_id, scan in library.scanning.latest_scans(session, caller).items():
        if scan.state == "refused" and path_id in names:
            return Banner(f"The last scan of {names[path_id]} was rejected and changed nothing.", "/imports", "See why")
    for client in settings.services.list_services(session, caller, "download_client"):
        if client.enabled and client.status is not None and client.status.state != "ok":
            return Banner(
                f"{client.name} has not answered since {client.status.since_at:%-d %B, %H:%M} UTC. Its downloads are shown as last known.",
                "/activity",
                "Open downloads",
            )
    return None

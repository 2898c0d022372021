"""Health checks. `/health` says that the process answers; `/ready` checks everything that it depends on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta

import msgspec
from litestar import Response, get
from sqlalchemy import text

from mydia import __version__, clock, units
from mydia.contexts import downloads, library, settings
from mydia.contexts.users import SYSTEM, Permission
from mydia.errors import MydiaError
from mydia.web.deps import WebDeps, WebRequest, caller_of, deps_of
from mydia.web.locality import is_this_machine

_DEADLINE_S = 5.0
_LOW_DISK_BYTES = 256 * units.MIB  # below this SQLite soon cannot write its log

_LATE_READS = 4  # intervals after which a feed that was not read is reported; a run can take longer than one


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    state: str
    """`ok`, `unknown` (not checked yet), `warning` (works, but needs attention) or `failed`."""
    sentence: str
    _: KW_ONLY
    retry: str | None = None
    """The address whose POST checks again."""
    is_elsewhere: bool = False
    """Whether it is about another service: Mydia works while that is offline, so `/ready` still answers 200."""


type Look = Callable[[WebDeps], Iterable[Check]]


class Finding(msgspec.Struct):
    """A check as it is sent. Callers who are not signed in get no sentence, because it may name paths."""

    name: str
    state: str
    sentence: str | None = None


class Readiness(msgspec.Struct):
    """The whole answer."""

    status: str
    version: str
    checks: list[Finding]


def look_at_database(deps: WebDeps) -> Iterable[Check]:
    """Check that the database answers and its file can be written."""
    with deps.database.reads() as session:
        session.execute(text("SELECT 1"))
    path = deps.database.path
    if path is not None and not os.access(path, os.W_OK):
        yield Check("database", "failed", f"{path} cannot be written. Give it to the user Mydia runs as.")
    else:
        yield Check("database", "ok", "The database answers.")


def look_at_data_folder(deps: WebDeps) -> Iterable[Check]:
    """Check that the data folder exists, is writable and is not full."""
    folder = deps.config.data_dir
    if not os.access(folder, os.W_OK):
        yield Check(
            "data folder", "failed", f"{folder} is missing or cannot be written. Check the volume and its owner."
        )
        return
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        yield Check("data folder", "failed", f"Only {units.size(free)} free in {folder}. Free up space.")
    else:
        yield Check("data folder", "ok", f"{units.size(free)} free.")


def look_at_replaced_files(deps: WebDeps) -> Iterable[Check]:
    """Report files that were damaged and replaced. The damaged file is kept until an administrator deletes it."""
    for path in sorted(deps.config.data_dir.glob("*.db.damaged-*")):
        name = path.name.partition(".damaged-")[0]
        yield Check(
            name,
            "warning",
            f"{name} was damaged and has been replaced by an empty file. Check the disk, then delete {path.name}.",
        )


def look_at_worker(deps: WebDeps) -> Iterable[Check]:
    """Check that at least one worker process is running."""
    jobs = deps.taskboard.glance()
    if jobs is None:
        yield Check(
            "worker",
            "failed",
            "The job queue cannot be read: another program has locked jobs.db, or the disk is full.",
        )
    elif not jobs.workers:
        yield Check(
            "worker", "failed", "No worker is running, so nothing is scanned, searched or imported. Start mydia worker."
        )
    else:
        yield Check("worker", "ok", f"{units_of(jobs.workers, 'worker')} running.")


def look_at_library_folders(deps: WebDeps) -> Iterable[Check]:
    """Check that every library folder is there and mounted: an unmounted disk leaves an empty folder that can be written."""
    with deps.database.reads() as session:
        folders = [
            (folder.id, folder.name, folder.path)
            for folder in settings.library_paths.list_library_paths(session, SYSTEM)
        ]
    for path_id, name, path in folders:
        if not os.access(path, os.R_OK | os.X_OK):
            yield Check(f"library folder {name}", "failed", f"{path} is missing or cannot be read. Check the mount.")
        elif (problem := library.mounts.problem(deps.database, deps.outside.files, SYSTEM, path_id)) is not None:
            yield Check(f"library folder {name}", "failed", problem)
        elif not os.access(path, os.W_OK):
            yield Check(f"library folder {name}", "warning", f"{path} is read-only, so nothing is imported.")
        else:
            yield Check(f"library folder {name}", "ok", f"{units.size(shutil.disk_usage(path).free)} free.")


def look_at_services(deps: WebDeps) -> Iterable[Check]:
    """Report the last answers of the download clients and indexers. Mydia works while one is offline."""
    with deps.database.reads() as session:
        found = [
            (family, service)
            for family in ("download_client", "indexer")
            for service in settings.services.list_services(session, SYSTEM, family)
            if service.enabled
        ]
    for family, service in found:
        name = f"{'client' if family == 'download_client' else family} {service.name}"
        status, retry = service.status, f"/system/services/{family}/{service.id}/retry"
        if status is None:
            yield Check(name, "unknown", "Not checked yet.", retry=retry, is_elsewhere=True)
        elif status.state == "ok":
            yield Check(name, "ok", "It answers.", is_elsewhere=True)
        else:
            error = (status.last_error or "No answer").rstrip(".")
            yield Check(
                name, "failed", f"{error}. No answer since {since(status.since_at)}.", retry=retry, is_elsewhere=True
            )


def look_at_feeds(deps: WebDeps) -> Iterable[Check]:
    """Report whether the indexers' feeds are read in time, and releases that were missed."""
    now = clock.now()
    with deps.database.reads() as session:
        feeds = [feed for feed in downloads.feeds.list_feeds(session, SYSTEM) if feed.on]
        interval = timedelta(minutes=settings.of(session).downloads.rss_interval_minutes)
        resting = {
            one.id
            for one in settings.services.list_services(session, SYSTEM, "indexer")
            if settings.services.is_resting(one.status, now)
        }
    for feed in feeds:
        name = f"feed of {feed.name}"
        if gap := downloads.feeds.gap_sentence(feed, now):
            yield Check(name, "warning", gap, is_elsewhere=True)
        elif feed.read_at is None:
            yield Check(name, "unknown", "Not read yet.")
        elif feed.read_at < now - _LATE_READS * interval and feed.indexer_id not in resting:
            yield Check(name, "warning", f"Not read since {since(feed.read_at)}. Check RSS sync under Tasks.")
        else:
            yield Check(name, "ok", f"Read {since(feed.read_at)}.", is_elsewhere=True)


def since(moment: datetime) -> str:
    """Return an instant for the sentence of a check: `3 Nov 08:05 UTC`."""
    return f"{moment:%-d %b %H:%M} UTC"


def units_of(number: int, noun: str) -> str:
    """Return a small count with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


CHECKS: tuple[tuple[str, Look], ...] = (
    ("database", look_at_database),
    ("data folder", look_at_data_folder),
    ("replaced files", look_at_replaced_files),
    ("worker", look_at_worker),
    ("library folders", look_at_library_folders),
    ("services", look_at_services),
    ("feeds", look_at_feeds),
)
"""The checks of `/ready`, in addition to `routes.CHECKS`."""


def examine(deps: WebDeps, looks: Iterable[tuple[str, Look]]) -> list[Check]:
    """Run all checks in parallel. A check that hangs or raises is reported as failed."""
    looks = list(looks)
    pool = ThreadPoolExecutor(max_workers=max(1, len(looks)), thread_name_prefix="ready")
    try:
        futures = [(name, pool.submit(_all, look, deps)) for name, look in looks]
        return [check for name, future in futures for check in _outcome(name, future)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _all(look: Look, deps: WebDeps) -> list[Check]:
    return list(look(deps))


def _outcome(name: str, future: Future[list[Check]]) -> list[Check]:
    try:
        return future.result(timeout=_DEADLINE_S)
    except TooLate:
        return [Check(name, "failed", f"No answer within {_DEADLINE_S:.0f} seconds.")]
    except MydiaError as error:
        return [Check(name, "failed", error.message)]
    except Exception as error:  # noqa: BLE001  a check that raises is a result too
        return [Check(name, "failed", f"The check itself failed: {error}")]


@get("/health", sync_to_thread=False, include_in_schema=False, opt={"public": True})
def health() -> dict[str, str]:
    """Answer that the process is running."""
    return {"status": "ok", "version": __version__}


@get("/ready", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def ready(request: WebRequest) -> Response[Readiness]:
    """Answer whether Mydia can work: 503 if a part of this installation failed."""
    deps = deps_of(request)
    checks = examine(deps, (*CHECKS, *request.app.state.checks))
    failed = any(check.state == "failed" and not check.is_elsewhere for check in checks)
    detailed = _may_see_details(request)
    answer = Readiness(
        status="failed" if failed else "ok",
        version=__version__,
        checks=[Finding(check.name, check.state, check.sentence if detailed else None) for check in checks],
    )
    return Response(answer, status_code=503 if failed else 200, headers={"Cache-Control": "no-store"})


def _may_see_details(request: WebRequest) -> bool:
    if is_this_machine(request):
        return True
    try:
        caller = caller_of(request)
    except Exception:  # noqa: BLE001  with a broken database no caller can be found, and the check must still answer
        return False
    return caller is not None and caller.can(Permission.MANAGE_SETTINGS)

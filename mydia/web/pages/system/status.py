"""System status: what works, what does not, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from mydia import __version__, clock, units
from mydia.adapters.errors import AdapterError
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.db import sqlite_version
from mydia.errors import NotFound
from mydia.web import health
from mydia.web.deps import CallerDep, DepsDep, WebDeps, WebRequest
from mydia.web.render import Toast, is_htmx, nothing, page, redirect

_FIXES = {
    "worker": ("/system/tasks", "Open tasks"),
    "library folder": ("/settings/folders", "Open folders"),
    "client": ("/settings/clients", "Open clients"),
    "indexer": ("/settings/indexers", "Open indexers"),
    "feed": ("/settings/indexers", "Open indexers"),
    "scan": ("/imports", "See why"),
    "jobs": ("/system/tasks?show=failed", "See them"),
    "metadata": ("/settings/metadata", "Open metadata"),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check."""

    state: str
    name: str
    sentence: str
    href: str
    action: str
    retry: str | None
    """The address whose POST checks again."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A client or indexer and its state."""

    kind: str
    name: str
    tone: str
    word: str
    detail: str
    since: datetime | None
    retry: str | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A disk."""

    name: str
    path: str
    free: str
    total: str
    percent: float


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The status page."""

    findings: tuple[Finding, ...]
    services: tuple[Service, ...]
    rooms: tuple[Room, ...]
    about: tuple[tuple[str, str], ...]
    report: str
    running: int

    @property
    def wrong(self) -> int:
        """How many findings are warnings or failures."""
        return sum(1 for one in self.findings if one.state in ("failed", "warning"))


@get(["/system", "/system/status"], sync_to_thread=True, include_in_schema=False)
def show_status(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show what works and what does not, with what to do about it."""
    running = deps.taskboard.running(caller)
    checks = health.examine(deps, (*health.CHECKS, *request.app.state.checks))
    order = {"failed": 0, "warning": 1, "unknown": 2, "ok": 3}
    findings = tuple(_finding(check) for check in sorted(checks, key=lambda check: order[check.state]))
    with deps.database.reads() as session:
        services = tuple(_services(session, caller))
        folders = [(path.name, path.path) for path in settings.library_paths.list_library_paths(session, caller)]
    rooms = tuple(_rooms([("Data", str(deps.config.data_dir)), *folders]))
    about = _about(deps)
    report = "\n".join(
        [
            *(f"{label}: {value}" for label, value in about),
            *(f"{one.state}: {one.name}: {one.sentence}" for one in findings),
        ]
    )
    view = StatusView(
        findings=findings,
        services=services,
        rooms=rooms,
        about=about,
        report=report,
        running=len(running),
    )
    return page(request, "system/status.html", view, active="system")


@post(
    "/system/services/{family:str}/{service_id:str}/retry",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def retry_service(
    request: WebRequest, deps: DepsDep, caller: CallerDep, family: FromPath[str], service_id: FromPath[str]
) -> Response[str]:
    """Check a download client or indexer now, and record how it answered."""
    test = {"download_client": settings.clients.test_client, "indexer": settings.indexers.test_indexer}.get(family)
    if test is None:
        raise NotFound("There is no such kind of service.")
    try:
        test(deps.database, deps.outside, caller, clock.now(), service_id)
        toast = Toast("It answers", "")
    except AdapterError as error:
        toast = Toast("It does not answer", error.cause, tone="fail")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"home-changed": {}, "system-changed": {}})
    return redirect(request, "/system", toast=toast)


def _finding(check: health.Check) -> Finding:
    href, action = next(
        (fix for name, fix in _FIXES.items() if check.state != "ok" and check.name.startswith(name)), ("", "")
    )
    return Finding(
        state=check.state,
        name=check.name[:1].upper() + check.name[1:],
        sentence=check.sentence,
        href=href,
        action=action,
        retry=check.retry if check.state != "ok" else None,
    )


def _services(session: Any, caller: Caller) -> Iterator[Service]:
    for family, kind in (("download_client", "Download client"), ("indexer", "Indexer")):
        for row in settings.services.list_services(session, caller, family):
            status, retry = row.status, f"/system/services/{family}/{row.id}/retry"
            if not row.enabled:
                yield Service(kind=kind, name=row.name, tone="off", word="Disabled", detail="", since=None)
            elif status is None:
                yield Service(
                    kind=kind, name=row.name, tone="off", word="Not checked yet", detail="", since=None, retry=retry
                )
            elif status.state == "ok":
                yield Service(
                    kind=kind,
                    name=row.name,
                    tone="ok",
                    word="Answers",
                    detail=status.version or "",
                    since=status.last_ok_at,
                )
            else:
                word = "Paused after errors" if status.disabled_until else "Does not answer"
                yield Service(
                    kind=kind,
                    name=row.name,
                    tone="fail",
                    word=word,
                    detail=status.last_error or "",
                    since=status.since_at,
                    retry=retry,
                )


def _rooms(places: Iterable[tuple[str, str]]) -> Iterator[Room]:
    for name, path in places:
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            continue
        used = 100 * (1 - usage.free / usage.total) if usage.total else 0.0
        yield Room(name=name, path=path, free=units.size(usage.free), total=units.size(usage.total), percent=used)


def _about(deps: WebDeps) -> tuple[tuple[str, str], ...]:
    database = deps.database.path
    return (
        ("Version", __version__),
        ("Python", platform.python_version()),
        ("SQLite", ".".join(map(str, sqlite_version()))),
        ("Data folder", str(deps.config.data_dir)),
        ("Database", f"{database} ({units.size(database.stat().st_size)})" if database else "PostgreSQL"),
        ("Configuration", str(deps.config.file) if deps.config.file else "Environment and defaults"),
        ("Metadata", deps.outside.metadata().name if deps.outside.metadata().available else "No source"),
        ("Runs as", f"user {os.getuid()}, group {os.getgid()}"),
        ("Time zone", str(deps.config["jobs.time_zone"])),
    )


ROUTES: tuple[Any, ...] = (show_status, retry_service)

"""Library scans: their progress and outcome, and starting one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, post
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia.contexts import library, settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.render import Toast, is_htmx, local_path, nothing, redirect

_PHASES = {
    "walking": "Listing files",
    "matching": "Matching files",
    "analysing": "Analysing files",
    "finished": "Finished",
}


class ScanState(msgspec.Struct, frozen=True, kw_only=True):
    """A library folder and its last scan."""

    path_id: str
    name: str
    path: str
    state: str
    phase: str
    percent: float | None
    said: str
    current: str | None
    reason: str | None
    can_accept: bool
    problems: tuple[str, ...]
    at: datetime | None


def scan_states(session: Session, caller: Caller) -> tuple[ScanState, ...]:
    """Return the last scan of each library folder, those that need attention first."""
    latest = library.scanning.latest_scans(session, caller)
    found = []
    for path in settings.library_paths.list_library_paths(session, caller):
        scan = latest.get(path.id)
        if scan is None:
            found.append(
                ScanState(
                    path_id=path.id,
                    name=path.name,
                    path=path.path,
                    state="never",
                    phase="",
                    percent=None,
                    said="Never scanned",
                    current=None,
                    reason=None,
                    can_accept=False,
                    problems=(),
                    at=None,
                )
            )
            continue
        counts = scan.counts
        said = ", ".join(
            f"{counts[name]:,} {word}"
            for name, word in (
                ("seen", "files"),
                ("new", "new"),
                ("changed", "changed"),
                ("missing", "missing"),
                ("matched", "matched"),
                ("waiting", "waiting"),
            )
            if counts.get(name)
        )
        percent = 100 * scan.progress_done / scan.progress_total if scan.progress_total else None
        if scan.state == "running" and scan.progress_total:
            said = f"{scan.progress_done:,} of {scan.progress_total:,} files"
        found.append(
            ScanState(
                path_id=path.id,
                name=path.name,
                path=path.path,
                state=scan.state,
                phase=_PHASES[scan.phase],
                percent=percent,
                said=said or "No changes",
                current=scan.current,
                reason=scan.reason,
                can_accept=scan.state == "refused" and scan.reason_code in library.reasons.ACCEPTABLE,
                problems=tuple(str(sentence) for sentence in scan.problems),
                at=scan.finished_at or scan.started_at,
            )
        )
    order = {"refused": 0, "failed": 1, "running": 2}
    return tuple(sorted(found, key=lambda one: order.get(one.state, 3)))


class ScanFields(Struct, kw_only=True):
    """Which folder to scan, and how."""

    library_path_id: str | None = None
    """None: all of them."""
    accept_missing: bool = False
    next: str = ""


@post("/library/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def scan_library(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ScanFields]
) -> Response[str]:
    """Start a scan of one library folder, or of all."""
    wanted = form.read()
    path_id = wanted.library_path_id
    with database.writes() as session:
        paths = settings.library_paths.list_library_paths(session, caller)
        if not paths:
            raise Invalid("There is no library folder yet. Add one under Settings, Folders.")
        library.scanning.request_scan(session, caller, path_id, accept_missing=wanted.accept_missing)
        name = settings.library_paths.get_library_path(session, caller, path_id).name if path_id else "the library"
    toast = Toast(
        f"Scanning {name}",
        "Its progress is shown under Imports.",
        tone="live",
        action_label="Open",
        action_href="/imports",
    )
    if is_htmx(request):
        return nothing(toast=toast, trigger={"imports-changed": {}})
    return redirect(request, local_path(wanted.next, "/imports"), toast=toast)


ROUTES: tuple[Any, ...] = (scan_library,)

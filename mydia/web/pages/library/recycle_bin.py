"""The recycle bin: files that were removed or replaced, until they expire. Restore them or delete them permanently."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct, field

from mydia import clock
from mydia.contexts import downloads, library
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Forbidden, Invalid, MydiaError
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.render import Toast, fragment, is_htmx, nothing, page, plural, query, redirect


class RecycledLine(msgspec.Struct, frozen=True, kw_only=True):
    """One file in the bin."""

    id: str
    name: str
    folder: str
    size_bytes: int
    item_id: str | None
    title: str
    reason: str
    recycled_at: datetime
    expires_at: datetime


class RecycleBinView(msgspec.Struct, frozen=True, kw_only=True):
    """The page."""

    lines: tuple[RecycledLine, ...]
    more: str | None
    total: int
    size_bytes: int
    queued: int
    """Downloads in the queue."""


@get("/recycle-bin", sync_to_thread=True, include_in_schema=False)
def show_bin(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, cursor: FromQuery[str] = ""
) -> Response[str]:
    """Show what is in the bin, newest first."""
    with database.reads() as session:
        found = library.recycle.list_recycled(session, caller, cursor=cursor or None)
        totals = library.recycle.recycled_totals(session, caller)
        queued = len(downloads.queue.list_queue(session, caller)) if not cursor else 0
    more = f"/recycle-bin{query({'cursor': found.next_cursor})}" if found.next_cursor else None
    view = RecycleBinView(
        lines=_lines(found), more=more, total=totals.files, size_bytes=totals.size_bytes, queued=queued
    )
    if cursor and is_htmx(request):
        return fragment(request, "recycle_bin/_rows.html", view)
    return page(request, "recycle_bin/page.html", view, active="activity")


class RecycledSelection(Struct, kw_only=True):
    """The selected files: listed, or with the scope `filter` all but some."""

    scope: str = ""
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = field(default=(), name="except")


_REASONS = {"import": "Replaced by a better file", "remove": "Removed", "undo": "Import undone"}


def _lines(found: library.recycle.RecyclePage) -> tuple[RecycledLine, ...]:
    return tuple(
        RecycledLine(
            id=row.id,
            name=row.name,
            folder=row.original_path.rpartition("/")[0],
            size_bytes=row.size_bytes,
            item_id=row.media_item_id,
            title=row.media_title or "",
            reason=_REASONS.get(row.cause, "Removed"),
            recycled_at=row.recycled_at,
            expires_at=row.expires_at,
        )
        for row in found.files
    )


@post("/recycle-bin/restore", sync_to_thread=True, status_code=200, include_in_schema=False)
def restore(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[RecycledSelection]
) -> Response[str]:
    """Restore files to where they were."""
    done, problems = 0, []
    for recycled_id in _chosen(database, caller, form.read()):
        try:
            library.recycle.restore_file(database, outside, caller, clock.now(), recycled_id)
            done += 1
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    title = f"{plural(done, 'file')} restored" if done or not problems else "Nothing restored"
    more = f" {len(problems) - 1} more could not be restored." if len(problems) > 1 else ""
    return _changed(
        request, Toast(title, f"{problems[0]}{more}" if problems else "", tone="miss" if problems else "ok")
    )


@post("/recycle-bin/empty", sync_to_thread=True, status_code=200, include_in_schema=False)
def empty(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[RecycledSelection]
) -> Response[str]:
    """Delete files in the bin permanently."""
    number = library.recycle.empty_recycle_bin(
        database, outside, clock.now(), caller=caller, recycled_ids=_chosen(database, caller, form.read())
    )
    return _changed(request, Toast(f"{plural(number, 'file')} deleted permanently"))


def _chosen(database: Database, caller: Caller, selected: RecycledSelection) -> list[str]:
    with database.reads() as session:
        known = library.recycle.recycled_ids(session, caller)
    left_out = set(selected.left_out)
    found = [one for one in known if one not in left_out] if selected.scope == "filter" else list(selected.ids)
    if not found:
        raise Invalid("Nothing is selected.")
    return found


def _changed(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"recycle-changed": {}, "selection-clear": {}})
    return redirect(request, "/recycle-bin", toast=toast)


ROUTES: tuple[Any, ...] = (show_bin, restore, empty)

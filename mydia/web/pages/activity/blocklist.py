"""The blocklist: releases that are never grabbed again."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, media
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import Selection
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, page, query, redirect
from mydia.web.views import specs


class BlocklistView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the blocklist."""

    entries: tuple[downloads.BlocklistEntry, ...]
    more: str | None
    q: str
    total: int
    can_manage: bool


@get("/activity/blocklist", sync_to_thread=True, include_in_schema=False)
def show_blocklist(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, q: FromQuery[str] = "", cursor: FromQuery[str] = ""
) -> Response[str]:
    """Show the blocked releases and the reasons."""
    with database.reads() as session:
        entries, following = downloads.blocklist.list_blocklist(session, caller, text=q, cursor=cursor or None)
        total = len(downloads.queue.list_queue(session, caller))
    more = f"/activity/blocklist{query({'q': q, 'cursor': following})}" if following else None
    view = BlocklistView(
        entries=tuple(entries), more=more, q=q, total=total, can_manage=caller.can(Permission.MANAGE_MEDIA)
    )
    if cursor and is_htmx(request):
        return fragment(request, "activity/_blocked.html", view)
    return page(request, "activity/blocklist.html", view, active="activity")


@post("/activity/blocklist/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def unblock(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[Selection]) -> Response[str]:
    """Remove releases from the blocklist."""
    ids = form.read().ids
    with database.writes() as session:
        number = downloads.blocklist.unblock(session, caller, ids)
    toast = Toast(
        f"{number} {'release' if number == 1 else 'releases'} off the blocklist", "They can be grabbed again."
    )
    return _unblocked(request, toast)


@post("/activity/blocklist/clear", sync_to_thread=True, status_code=200, include_in_schema=False)
def clear_blocklist(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Clear the blocklist."""
    with database.writes() as session:
        number = downloads.blocklist.clear_blocklist(session, caller)
    return _unblocked(request, Toast("Blocklist cleared", f"{number:,} releases can be grabbed again."))


class BlockFields(Struct, kw_only=True):
    """The form in which a release is blocked by its name."""

    release: str = ""
    protocol: str = "torrent"
    reason: str = ""
    item_id: str = ""


class BlockView(msgspec.Struct, frozen=True):
    """The dialog in which a release is blocked by its name."""

    fields: BlockFields
    found: tuple[tuple[str, str, int | None, str], ...]
    """(id, title, year, kind)."""


def _block_view(session: Session, caller: Caller, fields: BlockFields) -> BlockView:
    found = media.lists.search_library(session, caller, specs.title_in(fields.release)) if fields.release else []
    return BlockView(
        fields,
        tuple((one.id, one.title, one.year, "show" if one.type == MediaType.TV_SHOW else "movie") for one in found),
    )


@get("/activity/blocklist/new", sync_to_thread=True, include_in_schema=False)
def ask_block(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[BlockFields]
) -> Response[str]:
    """Ask which release to block; while its name is typed, show the titles it may belong to."""
    with database.reads() as session:
        view = _block_view(session, caller, form.read())
    alone = is_htmx(request) and "release" in request.query_params
    template = "activity/_block_found.html" if alone else "activity/_block.html"
    return dialog(request, template, view, title="Block a release", active="activity", back="/activity/blocklist")


@post("/activity/blocklist/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def block_by_name(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[BlockFields]
) -> Response[str]:
    """Block a release by its name, even if no search has found it."""
    wanted = form.read()
    try:
        with database.writes() as session:
            downloads.blocklist.block_name(
                session,
                caller,
                clock.now(),
                wanted.item_id,
                wanted.release,
                protocol=wanted.protocol,
                words=wanted.reason,
            )
    except Invalid as error:
        with database.reads() as session:
            view = _block_view(session, caller, wanted)
        back = "/activity/blocklist"
        return invalid_form(request, "activity/_block.html", view, error, title="Block a release", back=back)
    return _unblocked(request, Toast("Blocked", f"{wanted.release} will not be grabbed again."))


def _unblocked(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"blocklist-changed": {}, "selection-clear": {}, "dialog-close": {}})
    return redirect(request, "/activity/blocklist", toast=toast)


ROUTES: tuple[Any, ...] = (show_blocklist, unblock, clear_blocklist, ask_block, block_by_name)

"""Titles that cannot be requested: the list, and the dialog that blocks one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import metadata, requests, settings
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.requests.shown import topics
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, page, query, redirect
from mydia.web.views import Artwork
from mydia.web.views.cards import preview


class BlockedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A blocked title."""

    id: str
    title: str
    year: int | None
    show: bool
    art: Artwork
    reason: str | None
    by: str | None
    created_at: datetime


class BlockedView(msgspec.Struct, frozen=True, kw_only=True):
    """The list."""

    rows: tuple[BlockedRow, ...]
    more: str | None
    problems: int
    """How many problems are open."""
    blocked: int
    """How many titles are blocked."""


class BlockView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a title is blocked."""

    title: str
    action: str
    values: Mapping[str, str]


class BlockFields(Struct, kw_only=True):
    """Why a title is blocked."""

    reason: str | None = None


@get("/requests/blocked", sync_to_thread=True, include_in_schema=False)
def show_blocked(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, cursor: FromQuery[str] = ""
) -> Response[str]:
    """Show the blocked titles."""
    with database.reads() as session:
        found, following = requests.blocking.list_blocked(session, caller, cursor=cursor or None)
        view = BlockedView(
            rows=tuple(_row(one) for one in found),
            more=f"/requests/blocked{query({'cursor': following})}" if following else None,
            problems=requests.problems.open_count(session, caller),
            blocked=requests.blocking.count(session, caller),
        )
    if cursor and is_htmx(request):
        return fragment(request, "requests/_blocked_rows.html", view)
    return page(request, "requests/blocked.html", view, active="requests", topics=topics(caller))


def _row(one: requests.blocking.Blocked) -> BlockedRow:
    row = one.row
    return BlockedRow(
        id=row.id,
        title=row.title,
        year=row.year,
        show=row.type == MediaType.TV_SHOW,
        art=preview("poster", row.poster_path),
        reason=row.reason,
        by=one.by.name if one.by else None,
        created_at=row.created_at,
    )


def _new(
    database: Database, outside: Outside, caller: Caller, type: MediaType, number: str
) -> requests.blocking.NewBlock:
    ids = metadata.ids_in(number) or metadata.Ids()
    return requests.blocking.look_up(outside, caller, type, ids, language=settings.of(database).metadata.language)


@get("/requests/new/{type_:str}/{number:str}/block", sync_to_thread=True, include_in_schema=False)
def block_form(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    type_: FromPath[MediaType],
    number: FromPath[str],
) -> Response[str]:
    """Ask for the reason."""
    new = _new(database, outside, caller, type_, number)
    return dialog(
        request,
        "requests/_block.html",
        BlockView(title=new.title, action=f"/requests/new/{type_}/{number}/block", values={}),
        title=f"Block {new.title}",
        active="requests",
        back="/requests/new",
    )


@post("/requests/new/{type_:str}/{number:str}/block", sync_to_thread=True, status_code=200, include_in_schema=False)
def block(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    form: FormOf[BlockFields],
    type_: FromPath[MediaType],
    number: FromPath[str],
) -> Response[str]:
    """Block a title."""
    new = _new(database, outside, caller, type_, number)
    try:
        with database.writes() as session:
            row = requests.blocking.block(session, caller, clock.now(), new, form.read().reason)
    except Invalid as error:
        action = f"/requests/new/{type_}/{number}/block"
        view = BlockView(title=new.title, action=action, values=form.sent)
        title = f"Block {new.title}"
        return invalid_form(request, "requests/_block.html", view, error, title=title, back="/requests/new")
    return _done(request, Toast(f"{row.title} blocked", "It cannot be requested any more."))


@post("/requests/blocked/{blocked_id:str}/unblock", sync_to_thread=True, status_code=200, include_in_schema=False)
def unblock(request: WebRequest, database: DatabaseDep, caller: CallerDep, blocked_id: FromPath[str]) -> Response[str]:
    """Allow requests for a title again."""
    with database.writes() as session:
        row = requests.blocking.unblock(session, caller, clock.now(), blocked_id)
    return _done(request, Toast(f"{row.title} can be requested again"))


def _done(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"requests-changed": {}, "dialog-close": {}})
    return redirect(request, "/requests/blocked", toast=toast)


ROUTES: tuple[Any, ...] = (show_blocked, block_form, block, unblock)

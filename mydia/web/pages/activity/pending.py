"""Releases that wait for their delay or for a client: the list, with grabbing at once and removing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from mydia import clock, units
from mydia.contexts import downloads
from mydia.contexts.users import Permission
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep, WebRequest
from mydia.web.render import Toast, page, redirect


class WaitingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A release that waits, in words."""

    id: str
    href: str
    title: str
    episodes: str
    release: str
    facts: str
    """`WEBDL-1080p · 4.1 GB · Public`."""
    why: str
    left: str
    """The time left; empty if it is not known."""
    until_at: datetime | None
    score: int


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """The list of what waits."""

    lines: tuple[WaitingLine, ...]
    can_manage: bool


@get("/activity/pending", sync_to_thread=True, include_in_schema=False)
def show_pending(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """List the releases that wait, those whose time comes first at the top."""
    now = clock.now()
    with database.reads() as session:
        found = downloads.pending.list_pending(session, caller)
    view = WaitingView(lines=tuple(_line(one, now) for one in found), can_manage=caller.can(Permission.MANAGE_MEDIA))
    return page(request, "activity/pending.html", view, active="activity", topics=("queue",))


def _line(one: downloads.pending.Waiting, now: datetime) -> WaitingLine:
    left = ""
    if one.until_at is not None:
        seconds = (one.until_at - now).total_seconds()
        left = units.left(seconds) if seconds > 0 else "due now"
    size = units.size(one.size_bytes) if one.size_bytes else ""
    return WaitingLine(
        id=one.id,
        href=f"/items/{one.media_item_id}",
        title=one.media_title,
        episodes=one.episodes,
        release=one.release_title,
        facts=" · ".join(filter(None, (one.quality_name, size, one.indexer_name))),
        why=one.why,
        left=left,
        until_at=one.until_at,
        score=one.format_score,
    )


@post("/activity/pending/{pending_id:str}/take", sync_to_thread=True, status_code=200, include_in_schema=False)
def take_pending(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, pending_id: FromPath[str]
) -> Response[str]:
    """Grab a waiting release at once."""
    downloads.pending.take_now(database, outside, caller, clock.now(), pending_id)
    return redirect(request, "/activity/pending", toast=Toast("Grabbed", tone="live"))


@post("/activity/pending/{pending_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_pending(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, pending_id: FromPath[str]
) -> Response[str]:
    """Stop waiting for a release."""
    with database.writes() as session:
        downloads.pending.remove_pending(session, caller, clock.now(), pending_id)
    return redirect(request, "/activity/pending", toast=Toast("Removed"))


ROUTES: tuple[Any, ...] = (show_pending, take_pending, remove_pending)

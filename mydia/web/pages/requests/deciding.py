"""Approve, decline, retry and withdraw requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import requests, settings
from mydia.contexts.requests import Choices
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Invalid
from mydia.units import plural
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import Count, Ids
from mydia.web.pages.requests.shown import Shown, shown
from mydia.web.render import Toast, dialog, invalid_form, is_htmx, nothing, redirect


class ApproveView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a request is approved with choices."""

    one: Shown
    profiles: tuple[tuple[str, str], ...]
    folders: tuple[tuple[str, str], ...]
    values: Mapping[str, str]
    chosen: frozenset[int]
    in_library: bool
    """The title is there, so its profile and folder stay."""


class ApproveFields(Struct, kw_only=True):
    """What is chosen when a request is approved."""

    seasons: tuple[Count, ...] = ()
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: str | None = None
    search_now: bool = False
    chosen: bool = False
    """Whether the form with the choices was sent; a plain button approves the request as it is."""


class DeclineFields(Struct, kw_only=True):
    """Why a request is declined."""

    reason: str | None = None
    block: bool = False
    """Whether the title is blocked too."""


class BulkFields(Struct, kw_only=True):
    """The selected requests."""

    ids: Ids
    reason: str | None = None


@get("/requests/{request_id:str}/approve", sync_to_thread=True, include_in_schema=False)
def approve_form(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]
) -> Response[str]:
    """Show the choices of an approval."""
    view = _approve_view(database, caller, request_id, {}, None)
    back = f"/requests/{request_id}"
    return dialog(
        request, "requests/_approve.html", view, title=f"Approve {view.one.title}", active="requests", back=back
    )


@post("/requests/{request_id:str}/approve", sync_to_thread=True, status_code=200, include_in_schema=False)
def approve(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    form: FormOf[ApproveFields],
    request_id: FromPath[str],
) -> Response[str]:
    """Approve a request."""
    asked = form.read()
    choices = requests.deciding.AS_REQUESTED
    if asked.chosen:
        choices = Choices(
            seasons=frozenset(asked.seasons) if asked.seasons or "with_seasons" in form.sent else None,
            profile_id=asked.profile_id,
            library_path_id=asked.library_path_id,
            tags=settings.tags.split_names(asked.tags or ""),
            search_now=asked.search_now,
        )
    try:
        with database.writes() as session:
            row = requests.approve(session, caller, clock.now(), request_id, choices)
    except Invalid as error:
        view = _approve_view(database, caller, request_id, form.sent, frozenset(asked.seasons))
        title = f"Approve {view.one.title}"
        return invalid_form(request, "requests/_approve.html", view, error, title=title, back=f"/requests/{request_id}")
    return _done(request, Toast(f"{row.title} approved", "It is added to the library now."), f"/requests/{request_id}")


def _approve_view(
    database: Database, caller: Caller, request_id: str, values: Mapping[str, str], chosen: frozenset[int] | None
) -> ApproveView:
    with database.reads() as session:
        line = requests.get_request(session, caller, request_id)
        profiles = tuple((one.id, one.name) for one in settings.profiles.list_profiles(session, caller))
        folders = [
            path
            for path in settings.library_paths.list_library_paths(session, caller)
            if settings.library_paths.suits(path, line.row.type)
        ]
        default_profile = settings.profiles.default_profile_id(session, caller)
        search_now = settings.of(session).media.auto_search_on_add
    stored = line.row.choices
    first = folders[0] if folders else None
    folder = next((path for path in folders if path.id == stored.get("library_path_id")), first)
    own = folder.default_profile_id if folder else None
    given = {
        "profile_id": stored.get("profile_id") or own or default_profile,
        "library_path_id": folder.id if folder else "",
        "tags": ", ".join(stored.get("tags") or ()),
        "search_now": "true" if search_now else "",
    }
    return ApproveView(
        one=shown(line, caller),
        profiles=profiles,
        folders=tuple((path.id, path.path) for path in folders),
        values=given | dict(values),
        chosen=frozenset(one.number for one in line.seasons if one.state != "declined") if chosen is None else chosen,
        in_library=line.row.media_item_id is not None,
    )


@get("/requests/{request_id:str}/decline", sync_to_thread=True, include_in_schema=False)
def decline_form(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]
) -> Response[str]:
    """Ask for the reason."""
    with database.reads() as session:
        one = shown(requests.get_request(session, caller, request_id), caller)
    back = f"/requests/{request_id}"
    return dialog(request, "requests/_decline.html", one, title=f"Decline {one.title}", active="requests", back=back)


@post("/requests/{request_id:str}/decline", sync_to_thread=True, status_code=200, include_in_schema=False)
def decline(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    form: FormOf[DeclineFields],
    request_id: FromPath[str],
) -> Response[str]:
    """Decline a request."""
    try:
        with database.writes() as session:
            told = form.read()
            row = requests.blocking.decline(
                session, caller, clock.now(), request_id, reason=told.reason, block=told.block
            )
    except Invalid as error:
        with database.reads() as session:
            one = shown(requests.get_request(session, caller, request_id), caller)
        back = f"/requests/{request_id}"
        return invalid_form(request, "requests/_decline.html", one, error, title=f"Decline {one.title}", back=back)
    return _done(request, Toast(f"{row.title} declined"), f"/requests/{request_id}")


@post("/requests/{request_id:str}/retry", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry(request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]) -> Response[str]:
    """Carry out a failed request again."""
    with database.writes() as session:
        row = requests.retry(session, caller, clock.now(), request_id)
    return _done(request, Toast(f"Trying {row.title} again", tone="live"), f"/requests/{request_id}")


@post("/requests/{request_id:str}/withdraw", sync_to_thread=True, status_code=200, include_in_schema=False)
def withdraw(request: WebRequest, database: DatabaseDep, caller: CallerDep, request_id: FromPath[str]) -> Response[str]:
    """Withdraw a request, or stop following it."""
    with database.writes() as session:
        requests.withdraw(session, caller, clock.now(), request_id)
    return redirect(request, "/requests", toast=Toast("Request withdrawn"))


@post("/requests/bulk/approve", sync_to_thread=True, status_code=200, include_in_schema=False)
def approve_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[BulkFields]
) -> Response[str]:
    """Approve the selected requests that wait."""
    ids = form.read().ids
    with database.writes() as session:
        number = requests.deciding.approve_many(session, caller, clock.now(), ids)
    return _done(request, _outcome(number, len(ids), "approved"), "/requests")


@post("/requests/bulk/decline", sync_to_thread=True, status_code=200, include_in_schema=False)
def decline_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[BulkFields]
) -> Response[str]:
    """Decline the selected requests that wait."""
    fields = form.read()
    with database.writes() as session:
        number = requests.deciding.decline_many(session, caller, clock.now(), fields.ids, reason=fields.reason)
    return _done(request, _outcome(number, len(fields.ids), "declined"), "/requests")


def _outcome(decided: int, selected: int, verb: str) -> Toast:
    """Return what happened to the selected requests; those that do not wait are left as they are."""
    rest = f"{plural(selected - decided, 'request')} did not wait for a decision." if decided < selected else ""
    title = f"{plural(decided, 'request')} {verb}" if decided else f"No request {verb}"
    return Toast(title, rest, tone="ok" if decided else "miss")


def _done(request: WebRequest, toast: Toast, path: str) -> Response[str]:
    if is_htmx(request):
        trigger: dict[str, object] = {"requests-changed": {}, "selection-clear": {}, "dialog-close": {}}
        return nothing(toast=toast, trigger=trigger)
    return redirect(request, path, toast=toast)


ROUTES: tuple[Any, ...] = (
    approve_many,
    decline_many,
    approve_form,
    approve,
    decline_form,
    decline,
    retry,
    withdraw,
)

"""Decisions in the import review: confirm a match, search for another, ignore, reopen, import the confident ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, post
from litestar.params import FromPath

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import Permission
from mydia.errors import Invalid, Unavailable
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormDep, OutsideDep, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.activity.review import candidate_view
from mydia.web.pages.library.lists import undoable
from mydia.web.render import Toast, fragment, is_htmx, local_path, nothing, redirect

_AT_ONCE = 12
"""So many entries are imported while the browser waits; more are imported by a job."""


def _back(form: Mapping[str, str]) -> str:
    return local_path(form.get("next"), "/imports")


@post("/imports/{inbox_id:str}/decide", sync_to_thread=True, status_code=200, include_in_schema=False)
def decide(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    inbox_id: FromPath[str],
    form: FormDep,
) -> Response[str]:
    """Settle an entry with one of its candidates and go on to the next."""
    number = whole_number(form.get("candidate"))
    if number is None:
        raise Invalid("Choose a title first, or search for the right one.")
    made = library.inbox.decide(
        database,
        outside,
        caller,
        clock.now(),
        inbox_id,
        candidate=number - 1,
        whole_folder=form.get("whole_folder") == "true",
    )
    with database.reads() as session:
        item = media.get_item(session, caller, made.media_item_id)
    unclear = f" {made.unclear} files still need their episode." if made.unclear else ""
    files = f"{made.files} {'file' if made.files == 1 else 'files'}"
    toast = Toast(
        f"{item.title} {'added' if made.added else 'matched'}", f"{files}.{unclear}", "ok", "Open", f"/items/{item.id}"
    )
    return redirect(request, _back(form), toast=toast)


@post("/imports/{inbox_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_candidates(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    inbox_id: FromPath[str],
    form: FormDep,
) -> Response[str]:
    """Look for another title; what is found replaces the candidates."""
    text = form.get("q", "").strip()
    if not text:
        raise Invalid("Enter a title, or an id such as tmdb:19.")
    notice, found = None, []
    try:
        found = library.inbox.search_candidates(
            database, outside, caller, inbox_id, text, type=find_member(MediaType, form.get("type"))
        )
    except Unavailable as error:
        notice = error.message
    if not is_htmx(request):
        toast = Toast("Nothing found", notice or "Try the original title or an id.", "miss") if not found else None
        return redirect(request, f"/imports?entry={inbox_id}&bucket={form.get('bucket', 'check')}", toast=toast)
    candidates = tuple(candidate_view(place, told) for place, told in enumerate(found[:9], 1))
    return fragment(request, "imports/_candidates.html", candidates=candidates, notice=notice, searched=text)


@post("/imports/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_entries(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Put entries aside: their files stay and are not asked about again."""
    ids = _ids(form)
    with database.writes() as session:
        number = library.inbox.ignore(session, caller, clock.now(), ids)
    toast = Toast(_entries(number, "put aside"), "The files stay where they are.")
    return _changed(request, form, undoable(toast, "/imports/reopen", ids))


@post("/imports/reopen", sync_to_thread=True, status_code=200, include_in_schema=False)
def reopen_entries(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Take decisions back."""
    with database.writes() as session:
        number = library.inbox.reopen(session, caller, clock.now(), _ids(form))
    return _changed(request, form, Toast(_entries(number, "reopened"), "Titles that were added stay."))


@post("/imports/ready", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_ready(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Settle the sure ones, or those that are selected, with their best candidate."""
    caller.require(Permission.MANAGE_MEDIA)
    chosen = [part for part in form.get("ids", "").split(",") if part] if form.get("scope") != "filter" else []
    with deps.database.reads() as session:
        number = len(chosen) or library.inbox.inbox_counts(session, caller).ready
    if not number:
        return _changed(request, form, Toast("No confident matches", "Review the rest one by one.", "miss"))
    if number > _AT_ONCE:
        with deps.database.writes() as session:
            library.inbox.request_import_ready(session, caller, chosen or None)
        text = "You can leave this page; the import continues."
        return _changed(request, form, Toast(f"Importing {number:,}", text, "live", "Open", "/system/tasks"))
    made = library.inbox.import_ready(deps.database, deps.outside, caller, clock.now(), inbox_ids=chosen or None)
    problem = made.failures[0] if made.failures else ""
    return _changed(
        request, form, Toast(_entries(made.decided, "imported"), problem, "miss" if made.failures else "ok")
    )


def _ids(form: Mapping[str, str]) -> list[str]:
    ids = [part for part in form.get("ids", "").split(",") if part]
    if not ids:
        raise Invalid("Nothing is selected.")
    return ids


def _entries(number: int, word: str) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'} {word}"


def _changed(request: WebRequest, form: Mapping[str, str], toast: Toast) -> Response[str]:
    if is_htmx(request) and "next" not in form:
        return nothing(toast=toast, trigger={"imports-changed": {}, "selection-clear": {}})
    return redirect(request, _back(form), toast=toast)


ROUTES: tuple[Any, ...] = (decide, search_candidates, ignore_entries, reopen_entries, import_ready)

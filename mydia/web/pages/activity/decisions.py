"""Decisions in the import review: confirm a match, search for another, ignore, reopen, import the confident ones."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import Permission
from mydia.errors import Unavailable
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import Count, Selection, message
from mydia.web.pages.activity.review import candidate_view
from mydia.web.pages.library.lists import undoable
from mydia.web.render import Toast, fragment, is_htmx, local_path, nothing, redirect

_AT_ONCE = 12
"""So many entries are imported while the browser waits; more are imported by a job."""


class DecisionFields(Struct, kw_only=True):
    """The candidate that was chosen for an entry, counted from 1."""

    candidate: Annotated[Count, message("Choose a title first, or search for the right one.")]
    whole_folder: bool = False
    """Decide all entries of the folder."""
    next: str | None = None


class CandidateFields(Struct, kw_only=True):
    """What is searched for instead of the candidates."""

    q: Annotated[str, message("Enter a title, or an id such as tmdb:19.")]
    type: MediaType | None = None
    bucket: str = "check"


class EntryFields(Selection, kw_only=True):
    """The selected entries."""

    next: str | None = None


class ReadyFields(Struct, kw_only=True):
    """The entries to import; without ids, or with the whole filter selected, all that are sure."""

    ids: tuple[str, ...] = ()
    scope: str = "ids"
    next: str | None = None


@post("/imports/{inbox_id:str}/decide", sync_to_thread=True, status_code=200, include_in_schema=False)
def decide(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    inbox_id: FromPath[str],
    form: FormOf[DecisionFields],
) -> Response[str]:
    """Match an entry with one of its candidates and open the next entry."""
    chosen = form.read()
    made = library.inbox.decide(
        database,
        outside,
        caller,
        clock.now(),
        inbox_id,
        candidate=chosen.candidate - 1,
        whole_folder=chosen.whole_folder,
    )
    with database.reads() as session:
        item = media.get_item(session, caller, made.media_item_id)
    unclear = f" {made.unclear} files still need their episode." if made.unclear else ""
    files = f"{made.files} {'file' if made.files == 1 else 'files'}"
    toast = Toast(
        f"{item.title} {'added' if made.added else 'matched'}", f"{files}.{unclear}", "ok", "Open", f"/items/{item.id}"
    )
    return redirect(request, local_path(chosen.next, "/imports"), toast=toast)


@post("/imports/{inbox_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_candidates(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    inbox_id: FromPath[str],
    form: FormOf[CandidateFields],
) -> Response[str]:
    """Look for another title; what is found replaces the candidates."""
    wanted = form.read()
    notice, found = None, []
    try:
        found = library.inbox.search_candidates(database, outside, caller, inbox_id, wanted.q, type=wanted.type)
    except Unavailable as error:
        notice = error.message
    if not is_htmx(request):
        toast = Toast("Nothing found", notice or "Try the original title or an id.", "miss") if not found else None
        return redirect(request, f"/imports?entry={inbox_id}&bucket={wanted.bucket}", toast=toast)
    candidates = tuple(candidate_view(place, told) for place, told in enumerate(found[:9], 1))
    return fragment(request, "imports/_candidates.html", candidates=candidates, notice=notice, searched=wanted.q)


@post("/imports/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_entries(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[EntryFields]
) -> Response[str]:
    """Put entries aside: their files stay and are not asked about again."""
    chosen = form.read()
    with database.writes() as session:
        number = library.inbox.ignore(session, caller, clock.now(), chosen.ids)
    toast = Toast(_entries(number, "put aside"), "The files stay where they are.")
    return _changed(request, chosen.next, undoable(toast, "/imports/reopen", chosen.ids))


@post("/imports/reopen", sync_to_thread=True, status_code=200, include_in_schema=False)
def reopen_entries(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[EntryFields]
) -> Response[str]:
    """Undo decisions: the entries wait for one again."""
    chosen = form.read()
    with database.writes() as session:
        number = library.inbox.reopen(session, caller, clock.now(), chosen.ids)
    return _changed(request, chosen.next, Toast(_entries(number, "reopened"), "Titles that were added stay."))


@post("/imports/ready", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_ready(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ReadyFields]) -> Response[str]:
    """Settle the sure ones, or those that are selected, with their best candidate."""
    caller.require(Permission.MANAGE_MEDIA)
    wanted = form.read()
    chosen = () if wanted.scope == "filter" else wanted.ids
    with deps.database.reads() as session:
        number = len(chosen) or library.inbox.inbox_counts(session, caller).ready
    if not number:
        return _changed(request, wanted.next, Toast("No confident matches", "Review the rest one by one.", "miss"))
    if number > _AT_ONCE:
        with deps.database.writes() as session:
            library.inbox.request_import_ready(session, caller, chosen or None)
        text = "You can leave this page; the import continues."
        return _changed(request, wanted.next, Toast(f"Importing {number:,}", text, "live", "Open", "/system/tasks"))
    made = library.inbox.import_ready(deps.database, deps.outside, caller, clock.now(), inbox_ids=chosen or None)
    problem = made.failures[0] if made.failures else ""
    return _changed(
        request, wanted.next, Toast(_entries(made.decided, "imported"), problem, "miss" if made.failures else "ok")
    )


def _entries(number: int, word: str) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'} {word}"


def _changed(request: WebRequest, onward: str | None, toast: Toast) -> Response[str]:
    if is_htmx(request) and onward is None:
        return nothing(toast=toast, trigger={"imports-changed": {}, "selection-clear": {}})
    return redirect(request, local_path(onward, "/imports"), toast=toast)


ROUTES: tuple[Any, ...] = (decide, search_candidates, ignore_entries, reopen_entries, import_ready)

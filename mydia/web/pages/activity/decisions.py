"""Decisions in the import review, for one entry or a selection: confirm, match, ignore, ignore a folder, reopen."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import UNSET, Struct, UnsetType, field
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.filesystem import shown
from mydia.contexts import library, media, metadata, settings
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid, Unavailable
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import Count, message
from mydia.web.pages.activity.review import BUCKETS, Candidate, candidate_view
from mydia.web.pages.library.bulk import undoable
from mydia.web.render import Toast, dialog, fragment, is_htmx, local_path, nothing, redirect

_AT_ONCE = 12
"""So many entries are imported while the browser waits; more are imported by a job."""
_MATCHED_AT_ONCE = 500
_NAMED = 5
"""Entries that the dialog names."""


class EpisodeFields(Struct, kw_only=True):
    """The episodes of one file, as they were typed."""

    episodes: str = ""


class DecisionFields(Struct, kw_only=True):
    """The candidate that was chosen for an entry, counted from 1."""

    candidate: Annotated[Count, message("Choose a title first, or search for the right one.")]
    whole_folder: bool = False
    """Decide all entries of the folder."""
    episodes: dict[str, EpisodeFields] = {}
    """By file id."""
    next: str | None = None


class CandidateFields(Struct, kw_only=True):
    """What is searched for instead of the candidates."""

    q: Annotated[str, message("Enter a title, or an id such as tmdb:19.")]
    type: MediaType | None = None
    bucket: str = "check"


class SelectedFields(Struct, kw_only=True):
    """The selected entries: listed, or with the scope `filter` all that the filter matches except some."""

    scope: str = ""
    ids: tuple[str, ...] = ()
    bucket: str = ""
    q: str | None = None
    left_out: tuple[str, ...] = field(default=(), name="except")
    next: str | None = None


class MatchSearchFields(SelectedFields, kw_only=True):
    """What is searched for as the title of the selected entries."""

    title: str | UnsetType = UNSET
    """Unset: the title of the first entry."""
    type: MediaType | None = None


class MatchFields(SelectedFields, kw_only=True):
    """The title that the selected entries are."""

    key: Annotated[str, message("Choose a title.")]
    """As in `Candidate.key`."""


class FolderFields(Struct, kw_only=True):
    """The folder to ignore, relative to its library folder."""

    folder: Annotated[str, message("Choose a folder.")]
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
        episodes={file_id: row.episodes for file_id, row in chosen.episodes.items()},
    )
    with database.reads() as session:
        item = media.get_item(session, caller, made.media_item_id)
    unclear = f" Files without an episode: {made.unclear}." if made.unclear else ""
    files = f"{made.files} {'file' if made.files == 1 else 'files'}"
    toast = Toast(
        f"{item.title} {'added' if made.added else 'matched'}",
        f"{files}.{unclear}",
        tone="ok",
        action_label="Open",
        action_href=f"/items/{item.id}",
    )
    return redirect(request, local_path(chosen.next, "/imports"), toast=toast)


@get("/imports/{inbox_id:str}/episodes", sync_to_thread=True, include_in_schema=False)
def list_episodes(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    inbox_id: FromPath[str],
    candidate: FromQuery[int] = 1,
) -> Response[str]:
    """Show the episodes of a candidate, to choose those of a file from."""
    notice, found = None, []
    try:
        found = library.inbox.episodes_of_candidate(database, outside, caller, inbox_id, candidate - 1)
    except Unavailable as error:
        notice = error.message
    return fragment(request, "imports/_known_episodes.html", episodes=found, notice=notice)


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
        toast = Toast("Nothing found", notice or "Try the original title or an id.", tone="miss") if not found else None
        return redirect(request, f"/imports?entry={inbox_id}&bucket={wanted.bucket}", toast=toast)
    candidates = tuple(candidate_view(place, told) for place, told in enumerate(found[:9], 1))
    return fragment(
        request, "imports/_candidates.html", candidates=candidates, notice=notice, searched=wanted.q, keyed=False
    )


@post("/imports/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_entries(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[SelectedFields]
) -> Response[str]:
    """Ignore entries: their files stay where they are and no longer wait for a decision."""
    chosen = form.read()
    with database.writes() as session:
        ids = _ids(session, caller, chosen)
        number = library.inbox.ignore(session, caller, clock.now(), ids)
    toast = Toast(_entries(number, "ignored"), "The files stay where they are.")
    return _changed(request, chosen.next, undoable(toast, "/imports/reopen", ids))


@post("/imports/reopen", sync_to_thread=True, status_code=200, include_in_schema=False)
def reopen_entries(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[SelectedFields]
) -> Response[str]:
    """Undo decisions: the entries wait for one again."""
    chosen = form.read()
    with database.writes() as session:
        number = library.inbox.reopen(session, caller, clock.now(), _ids(session, caller, chosen))
    return _changed(request, chosen.next, Toast(_entries(number, "reopened"), "Titles that were added stay."))


@post("/imports/ready", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_ready(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SelectedFields]) -> Response[str]:
    """Import the confident matches, or what is selected, each entry as its best candidate."""
    wanted = form.read()
    with deps.database.reads() as session:
        chosen = _ids(session, caller, wanted) if wanted.scope or wanted.ids else []
        number = len(chosen) or library.inbox.inbox_counts(session, caller).ready
    if not number:
        return _changed(request, wanted.next, Toast("No confident matches", "Review the rest one by one.", tone="miss"))
    if number > _AT_ONCE:
        with deps.database.writes() as session:
            library.inbox.request_import_ready(session, caller, chosen or None)
        text = "You can leave this page; the import continues."
        return _changed(
            request,
            wanted.next,
            Toast(f"Importing {number:,}", text, tone="live", action_label="Open", action_href="/system/tasks"),
        )
    made = library.inbox.import_ready(deps.database, deps.outside, caller, clock.now(), inbox_ids=chosen or None)
    problem = made.failures[0] if made.failures else ""
    return _changed(
        request, wanted.next, Toast(_entries(made.decided, "imported"), problem, tone="miss" if made.failures else "ok")
    )


class MatchView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which several entries get the same title."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    """Titles of the first entries."""
    bucket: str
    q: str
    type: MediaType
    candidates: tuple[Candidate, ...]
    notice: str | None


@post("/imports/match", sync_to_thread=True, status_code=200, include_in_schema=False)
def ask_match(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[MatchSearchFields]
) -> Response[str]:
    """Ask which title the selected entries belong to, with the results of a search."""
    wanted = form.read()
    with database.reads() as session:
        ids = _ids(session, caller, wanted)
        if len(ids) > _MATCHED_AT_ONCE:
            raise Invalid(f"Match at most {_MATCHED_AT_ONCE} entries at once.")
        entries = [row for one in ids[:_NAMED] if (row := library.inbox.find_entry(session, caller, one))]
    if not entries:
        raise Conflict("These entries are no longer in the review.")
    q = entries[0].title if wanted.title is UNSET else wanted.title
    type_ = wanted.type or entries[0].type
    notice, found = None, []
    try:
        if q:
            found = library.inbox.search_candidates(database, outside, caller, entries[0].id, q, type=type_, keep=False)
    except Unavailable as error:
        notice = error.message
    view = MatchView(
        ids=tuple(ids),
        names=tuple(row.title for row in entries),
        bucket=wanted.bucket,
        q=q,
        type=type_,
        candidates=tuple(candidate_view(place, told) for place, told in enumerate(found[:9], 1)),
        notice=notice,
    )
    alone = is_htmx(request) and wanted.title is not UNSET
    template = "imports/_match_found.html" if alone else "imports/_match.html"
    return dialog(
        request, template, view, title="Match to a title", active="imports", back=local_path(wanted.next, "/imports")
    )


@post("/imports/match/confirm", sync_to_thread=True, status_code=200, include_in_schema=False)
def match_entries(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[MatchFields]
) -> Response[str]:
    """Match the selected entries to one title."""
    wanted = form.read()
    kind, _, number = wanted.key.partition(" ")
    with database.reads() as session:
        ids = _ids(session, caller, wanted)[:_MATCHED_AT_ONCE]
    made = library.inbox.decide_many(
        database,
        outside,
        caller,
        clock.now(),
        ids,
        type=find_member(MediaType, kind),
        ids=metadata.ids_in(number),
        media_item_id=number if kind == "item" else None,
    )
    text = f"{len(made.failures)} not matched: {made.failures[0]}" if made.failures else ""
    toast = Toast(_entries(made.decided, "matched"), text, tone="miss" if made.failures else "ok")
    return _changed(request, wanted.next, toast)


class IgnoreFolderView(msgspec.Struct, frozen=True):
    """The dialog that asks which folder to ignore."""

    inbox_id: str
    root: str
    folders: tuple[tuple[str, str, int], ...]
    """(relative, for display, files waiting in it), the closest first."""


@get("/imports/{inbox_id:str}/ignore-folder", sync_to_thread=True, include_in_schema=False)
def ask_ignore_folder(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, inbox_id: FromPath[str]
) -> Response[str]:
    """Ask which of the folders around an entry is ignored."""
    with database.reads() as session:
        entry = library.inbox.get_entry(session, caller, inbox_id)
        root = settings.library_paths.get_library_path(session, caller, entry.library_path_id).path
        folders = library.ignored_folders.folders_above(session, caller, inbox_id)
    if not folders:
        raise Conflict("These files are not in a folder of their own.")
    view = IgnoreFolderView(inbox_id, root, tuple((folder, shown(folder), number) for folder, number in folders))
    return dialog(
        request, "imports/_ignore_folder.html", view, title="Ignore a folder", active="imports", back="/imports"
    )


@post("/imports/{inbox_id:str}/ignore-folder", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_folder(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, inbox_id: FromPath[str], form: FormOf[FolderFields]
) -> Response[str]:
    """Ignore everything in a folder, now and at later scans."""
    wanted = form.read()
    with database.writes() as session:
        entry = library.inbox.get_entry(session, caller, inbox_id)
        made = library.ignored_folders.ignore_folder(session, caller, clock.now(), entry.library_path_id, wanted.folder)
    files = f"{made.files:,} {'file' if made.files == 1 else 'files'}"
    toast = Toast(
        "Folder ignored", f"{files} in {made.path}.", action_label="Undo",
        action_href=f"/imports/folders/{made.id}/stop", action_posts=True,
    )  # fmt: skip
    return _changed(request, wanted.next, toast)


@post("/imports/folders/{ignored_id:str}/stop", sync_to_thread=True, status_code=200, include_in_schema=False)
def stop_ignoring(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, ignored_id: FromPath[str]
) -> Response[str]:
    """Let the files of an ignored folder be recognised again."""
    with database.writes() as session:
        library.ignored_folders.stop_ignoring(session, caller, clock.now(), ignored_id)
    toast = Toast("No longer ignored", "The folder is being scanned.", tone="live")
    return _changed(request, None, toast)


def _ids(session: Session, caller: Caller, chosen: SelectedFields) -> list[str]:
    """Return the ids that a selection means: listed ones, or all of a filter but some.

    Raises:
        Invalid: Nothing is selected.
    """
    if chosen.scope != "filter":
        found = list(chosen.ids)
    else:
        state = next((state for slug, state, _, _ in BUCKETS if slug == chosen.bucket), None)
        matched = library.inbox.inbox_ids(session, caller, state=state, text=chosen.q) if state else []
        left_out = set(chosen.left_out)
        found = [one for one in matched if one not in left_out]
    if not found:
        raise Invalid("Nothing is selected.")
    return found


def _entries(number: int, word: str) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'} {word}"


def _changed(request: WebRequest, onward: str | None, toast: Toast) -> Response[str]:
    if is_htmx(request) and onward is None:
        return nothing(toast=toast, trigger={"imports-changed": {}, "selection-clear": {}, "dialog-close": {}})
    return redirect(request, local_path(onward, "/imports"), toast=toast)


ROUTES: tuple[Any, ...] = (
    decide,
    list_episodes,
    search_candidates,
    ignore_entries,
    reopen_entries,
    import_ready,
    ask_match,
    match_entries,
    ask_ignore_folder,
    ignore_folder,
    stop_ignoring,
)

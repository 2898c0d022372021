"""The import review: what the scans found and nobody is sure of, scans that were not believed, and names put right."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import library, media, settings
from mydia.contexts.library import InboxEntry
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, MydiaError, Unavailable
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.library.files import undo_of
from mydia.web.pages.library.lists import undoable
from mydia.web.render import Toast, dialog, fragment, is_htmx, local_path, nothing, page, query, redirect
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import preview

logger = logging.getLogger(__name__)

BUCKETS: tuple[tuple[str, str, str, str], ...] = (
    ("ready", "ready", "Confident", "ok"),
    ("check", "needs_attention", "To check", "miss"),
    ("none", "no_match", "No match", "fail"),
    ("ignored", "ignored", "Ignored", "ink-3"),
    ("done", "done", "Settled", "ink-3"),
)
"""(in the address, state of the inbox, label, tone)."""
_PAGE = 50
_AT_ONCE = 12
"""As many decisions are waited for; more go on in the background."""
_PHASES = {
    "walking": "Looking through the folders",
    "matching": "Recognising what was found",
    "analysing": "Looking into the files",
    "finished": "Finished",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A title that files may be."""

    number: int
    title: str
    year: int | None
    kind: str
    overview: str | None
    art: Artwork
    percent: int
    evidence: tuple[tuple[str, str], ...]
    """(`yes`, `no` or `warn`; sentence)."""
    here: bool
    catalogue: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry in the list at the left."""

    id: str
    title: str
    file: str
    percent: int | None
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class EntryView:
    """The entry that is being decided."""

    id: str
    title: str
    year: int | None
    type: str
    state: str
    reason: str | None
    folder: str
    name: str
    more_files: tuple[str, ...]
    spec: specs.Strip | None
    duration_s: float | None
    size_bytes: int
    candidates: tuple[Candidate, ...]
    siblings: bool
    skip: str
    """Address of the next entry."""
    chosen_title: str | None


@dataclass(frozen=True, slots=True)
class ScanState:
    """A library folder and how its last scan went."""

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


@dataclass(frozen=True, slots=True)
class ImportsView:
    """The review."""

    bucket: str
    label: str
    buckets: tuple[tuple[str, str, str, int, bool], ...]
    """(in the address, label, tone, count, chosen)."""
    rail: tuple[tuple[str, float], ...]
    ready: int
    waiting: int
    lines: tuple[EntryLine, ...]
    rows: tuple[tuple[EntryLine, Candidate | None], ...]
    """The confident ones as a table."""
    entry: EntryView | None
    more: str | None
    q: str
    scans: tuple[ScanState, ...]
    providers: bool
    has_paths: bool
    can_settings: bool
    total: int


@get("/imports", sync_to_thread=True, include_in_schema=False)
def show_imports(
    request: WebRequest,
    database: Database,
    deps: WebDeps,
    caller: Caller,
    bucket: FromQuery[str] = "",
    entry: FromQuery[str] = "",
    q: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show what waits for a decision."""
    caller.require(Permission.MANAGE_MEDIA)
    states = {slug: state for slug, state, _, _ in BUCKETS}
    if bucket and bucket not in states:
        raise Invalid(f"Show one of {', '.join(states)}.")
    with database.reads() as session:
        counts = library.inbox_counts(session)
        chosen = bucket or next((slug for slug in ("check", "none", "ready") if getattr(counts, states[slug])), "check")
        found = library.list_inbox(
            session, caller, state=states[chosen], text=q or None, cursor=cursor or None, limit=_PAGE
        )
        rows = found.entries
        picked = next((row for row in rows if row.id == entry), None)
        if picked is None and entry:
            picked = library.get_entry(session, caller, entry)
            picked = picked if picked.state == states[chosen] else None
        picked = picked or (rows[0] if rows and chosen != "ready" else None)
        view_entry = _entry(session, picked, rows, chosen, q) if picked is not None else None
        scans = scan_states(session)
        paths = settings.list_library_paths(session)
    whole = counts.ready + counts.needs_attention + counts.no_match
    view = ImportsView(
        bucket=chosen,
        label=next(label for slug, _, label, _ in BUCKETS if slug == chosen),
        buckets=tuple(
            (slug, label, tone, getattr(counts, state), slug == chosen)
            for slug, state, label, tone in BUCKETS
            if slug in ("ready", "check", "none") or getattr(counts, state) or slug == chosen
        ),
        rail=tuple(
            (kind, 100 * number / whole)
            for kind, number in (("ok", counts.ready), ("miss", counts.needs_attention), ("fail", counts.no_match))
            if whole and number
        ),
        ready=counts.ready,
        waiting=counts.waiting,
        lines=tuple(_line(row, chosen, q, chosen_id=picked.id if picked else "") for row in rows),
        rows=tuple(
            (_line(row, chosen, q, chosen_id=""), _candidate(1, row.candidates[0]) if row.candidates else None)
            for row in rows
        )
        if chosen == "ready" and picked is None
        else (),
        entry=view_entry,
        more=f"/imports{query({'bucket': chosen, 'q': q, 'cursor': found.next_cursor})}" if found.next_cursor else None,
        q=q,
        scans=scans,
        providers=deps.outside.metadata.available,
        has_paths=bool(paths),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        total=getattr(counts, states[chosen]),
    )
    return page(request, "imports/page.html", view, active="imports", topics=["imports"])


def _line(row: InboxEntry, bucket: str, q: str, *, chosen_id: str) -> EntryLine:
    files = row.parsed.get("files") or ()
    name = str(files[0].get("path", "")).rpartition("/")[2] if files else ""
    best = row.candidates[0] if row.candidates else None
    return EntryLine(
        row.id,
        str(best["title"]) if best and row.state != "no_match" else row.title,
        name or row.folder,
        round(100 * float(best["score"])) if best else None,
        f"/imports{query({'bucket': bucket, 'q': q, 'entry': row.id})}",
        row.id == chosen_id,
    )


def _entry(session: Session, row: InboxEntry, rows: Sequence[InboxEntry], bucket: str, q: str) -> EntryView:
    files = library.files_of_entry(session, row.id)
    first = library.get_file(session, files[0].id) if files else None
    ids = [one.id for one in rows]
    following = ids[ids.index(row.id) + 1] if row.id in ids and ids.index(row.id) + 1 < len(ids) else None
    names = [one.relative_path.rpartition("/")[2] for one in files]
    path = settings.get_library_path(session, row.library_path_id)
    shown = first.shown_path if first else row.folder
    return EntryView(
        id=row.id,
        title=row.title,
        year=row.year,
        type=row.type,
        state=row.state,
        reason=row.reason,
        folder=f"{path.path}/{shown.rpartition('/')[0]}".rstrip("/") + "/",
        name=shown.rpartition("/")[2],
        more_files=tuple(names[1:13]) + ((f"and {len(names) - 13} more",) if len(names) > 13 else ()),
        spec=specs.strip_of(first.spec) if first else None,
        duration_s=first.duration_s if first else None,
        size_bytes=row.size_bytes,
        candidates=tuple(_candidate(place, told) for place, told in enumerate(row.candidates[:9], 1)),
        siblings=any(other.id != row.id and other.folder == row.folder and row.folder for other in rows),
        skip=f"/imports{query({'bucket': bucket, 'q': q, 'entry': following})}",
        chosen_title=str(row.chosen["title"]) if row.chosen else None,
    )


def _candidate(number: int, told: Mapping[str, Any]) -> Candidate:
    numbers = [f"{name}:{told[f'{name}_id']}" for name in ("tmdb", "tvdb", "imdb") if told.get(f"{name}_id")]
    return Candidate(
        number,
        str(told["title"]),
        told.get("year"),
        "Series" if told.get("type") == "tv_show" else "Film",
        told.get("overview"),
        preview("poster", told.get("poster")),
        round(100 * float(told.get("score") or 0)),
        tuple((str(one["verdict"]), str(one["text"])) for one in told.get("evidence") or ()),
        bool(told.get("media_item_id")),
        numbers[0] if numbers else "",
    )


def scan_states(session: Session) -> tuple[ScanState, ...]:
    """Return how the last scan of each library folder went, those that need somebody first."""
    latest = library.latest_scans(session)
    found = []
    for path in settings.list_library_paths(session):
        scan = latest.get(path.id)
        if scan is None:
            found.append(
                ScanState(
                    path.id, path.name, path.path, "never", "", None, "Never scanned", None, None, False, (), None
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
                ("missing", "gone"),
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
                said=said or "Nothing had changed",
                current=scan.current,
                reason=scan.reason,
                can_accept=scan.state == "refused" and "confirm it" in (scan.reason or ""),
                problems=tuple(str(sentence) for sentence in scan.problems),
                at=scan.finished_at or scan.started_at,
            )
        )
    order = {"refused": 0, "failed": 1, "running": 2}
    return tuple(sorted(found, key=lambda one: order.get(one.state, 3)))


# --- deciding --------------------------------------------------------------------------------------------------------


def _back(form: Mapping[str, str]) -> str:
    return local_path(form.get("next"), "/imports")


@post("/imports/{inbox_id:str}/decide", sync_to_thread=True, status_code=200, include_in_schema=False)
def decide(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    inbox_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Settle an entry with one of its candidates and go on to the next."""
    number = whole_number(form.get("candidate"))
    if number is None:
        raise Invalid("Choose a title first, or search for the right one.")
    made = library.decide(
        database,
        outside,
        config,
        caller,
        clock.now(),
        inbox_id,
        candidate=number - 1,
        whole_folder=form.get("whole_folder") == "true",
    )
    with database.reads() as session:
        item = media.get_item(session, made.media_item_id)
    unclear = f" {made.unclear} files still need their episode." if made.unclear else ""
    files = f"{made.files} {'file' if made.files == 1 else 'files'}"
    toast = Toast(
        f"{item.title} {'added' if made.added else 'matched'}", f"{files}.{unclear}", "ok", "Open", f"/items/{item.id}"
    )
    return redirect(request, _back(form), toast=toast)


@post("/imports/{inbox_id:str}/search", sync_to_thread=True, status_code=200, include_in_schema=False)
def search_candidates(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    inbox_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Look for another title; what is found replaces the candidates."""
    text = form.get("q", "").strip()
    if not text:
        raise Invalid("Write a title, or a number such as tmdb:19.")
    notice, found = None, []
    try:
        found = library.search_candidates(
            database, outside, config, caller, inbox_id, text, type=form.get("type") or None
        )
    except Unavailable as error:
        notice = error.message
    if not is_htmx(request):
        toast = Toast("Nothing found", notice or "Try the original title or a number.", "miss") if not found else None
        return redirect(request, f"/imports?entry={inbox_id}&bucket={form.get('bucket', 'check')}", toast=toast)
    candidates = tuple(_candidate(place, told) for place, told in enumerate(found[:9], 1))
    return fragment(request, "imports/_candidates.html", candidates=candidates, notice=notice, searched=text)


@post("/imports/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_entries(request: WebRequest, database: Database, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Put entries aside: their files stay and are not asked about again."""
    ids = _ids(form)
    with database.writes() as session:
        number = library.ignore(session, caller, clock.now(), ids)
    toast = Toast(_entries(number, "put aside"), "The files stay where they are.")
    return _changed(request, form, undoable(toast, "/imports/reopen", ids))


@post("/imports/reopen", sync_to_thread=True, status_code=200, include_in_schema=False)
def reopen_entries(request: WebRequest, database: Database, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Take decisions back."""
    with database.writes() as session:
        number = library.reopen(session, caller, clock.now(), _ids(form))
    return _changed(request, form, Toast(_entries(number, "reopened"), "Titles that were added stay."))


@post("/imports/ready", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_ready(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Settle the sure ones, or those that are selected, with their best candidate."""
    caller.require(Permission.MANAGE_MEDIA)
    chosen = [part for part in form.get("ids", "").split(",") if part] if form.get("scope") != "filter" else []
    with deps.database.reads() as session:
        number = len(chosen) or library.inbox_counts(session).ready
    if not number:
        return _changed(request, form, Toast("Nothing is sure enough", "Look at the rest one by one.", "miss"))
    if number > _AT_ONCE:
        threading.Thread(
            target=_import_ready, args=(deps, caller, chosen or None), name="import-ready", daemon=True
        ).start()
        return _changed(request, form, Toast(f"Importing {number:,}", "You can leave. Progress is kept.", "live"))
    made = _import_ready(deps, caller, chosen or None)
    problems = made.failures if made else ("It broke off; the log says why.",)
    done = made.decided if made else 0
    return _changed(
        request, form, Toast(_entries(done, "imported"), problems[0] if problems else "", "miss" if problems else "ok")
    )


def _import_ready(deps: WebDeps, caller: Caller, ids: list[str] | None) -> library.ImportedReady | None:
    try:
        return library.import_ready(deps.database, deps.outside, deps.config, caller, clock.now(), inbox_ids=ids)
    except MydiaError:
        raise
    except Exception:
        # In its own thread nobody else would tell. What was settled stays; the rest is still there to be pressed again.
        logger.exception("importing the sure ones broke off")
        return None


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


# --- scanning --------------------------------------------------------------------------------------------------------


@post("/library/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def scan_library(request: WebRequest, database: Database, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Ask for one library folder, or all, to be looked through."""
    path_id = form.get("library_path_id") or None
    accept = form.get("accept_missing") == "true"
    with database.writes() as session:
        paths = settings.list_library_paths(session)
        if not paths:
            raise Invalid("No library folder is set up yet. Add one under Settings, Folders.")
        library.request_scan(session, caller, path_id, accept_missing=accept)
        name = settings.get_library_path(session, path_id).name if path_id else "the library"
    toast = Toast(f"Scanning {name}", "Its progress is shown under Imports.", "live", "Open", "/imports")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"imports-changed": {}})
    return redirect(request, local_path(form.get("next"), "/imports"), toast=toast)


# --- names -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RenameView:
    """What would be called how."""

    item: media.MediaItem
    lines: tuple[library.RenameLine, ...]
    unchanged: int
    folders: bool

    @property
    def changing(self) -> int:
        """How many files would change."""
        return sum(1 for line in self.lines if line.objection is None)


def _rename_view(session: Session, outside: Outside, caller: Caller, item_id: str, *, folders: bool) -> RenameView:
    lines = library.rename_preview(session, outside, caller, [item_id], folders=folders)
    changing = tuple(line for line in lines if line.changes)
    return RenameView(media.get_item(session, item_id), changing, len(lines) - len(changing), folders)


@get("/items/{item_id:str}/rename", sync_to_thread=True, include_in_schema=False)
def ask_rename(
    request: WebRequest,
    database: Database,
    outside: Outside,
    caller: Caller,
    item_id: FromPath[str],
    folders: FromQuery[bool] = False,
) -> Response[str]:
    """Show every name before and after; nothing is changed."""
    with database.reads() as session:
        view = _rename_view(session, outside, caller, item_id, folders=folders)
    active = "shows" if view.item.type == "tv_show" else "movies"
    return dialog(
        request,
        "imports/_rename.html",
        view,
        title=f"Rename {view.item.title}",
        active=active,
        back=f"/items/{item_id}",
    )


@post("/items/{item_id:str}/rename", sync_to_thread=True, status_code=200, include_in_schema=False)
def rename_item(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    item_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Give a title's files the names that were shown."""
    made = library.rename(
        database, outside, config, caller, clock.now(), [item_id], folders=form.get("folders") == "true"
    )
    files = f"{made.files} {'file' if made.files == 1 else 'files'} renamed"
    tone = "miss" if made.failures else "ok"
    text = made.failures[0] if made.failures else "The journal knows how to take it back."
    toast = Toast(files, text, tone)
    if made.batch_id and made.files:
        toast = Toast(
            files, text if made.failures else "", tone, "Undo", undo_of(item_id, made.batch_id, rename=True), True
        )
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}?tab=files", toast=toast)


ROUTES: tuple[Any, ...] = (
    show_imports,
    decide,
    search_candidates,
    ignore_entries,
    reopen_entries,
    import_ready,
    scan_library,
    ask_rename,
    rename_item,
)

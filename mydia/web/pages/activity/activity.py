"""Downloads: the queue as it moves, what happened before, and what is never taken again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.orm import Session

from mydia import clock, events, units
from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts import downloads, media, settings
from mydia.contexts.downloads import QueueRow
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict, Invalid, MydiaError, Unavailable
from mydia.events import stories
from mydia.web.deps import WebRequest
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, page, query, redirect, renderer_of
from mydia.web.views import Artwork, specs
from mydia.web.views.cards import artwork

_HISTORY = 60
_SAMPLES = 60
_TITLES = 50
"""How many titles a filter of the history may mean."""

GROUPS: tuple[tuple[str, str, str, str], ...] = (
    ("needs-you", "needs you", "Needs you", "triangle-alert"),
    ("importing", "importing", "Importing", "folder-input"),
    ("downloading", "downloading", "Downloading", "arrow-down-to-line"),
    ("queued", "queued", "Queued", "clock"),
    ("paused", "paused", "Paused", "pause"),
    ("seeding", "seeding", "Sharing", "arrow-up"),
)
"""(in the address, group of the queue, label, icon)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One download in words."""

    id: str
    href: str | None
    title: str
    release: str
    art: Artwork
    spec: specs.Strip | None
    quality: str
    origin: str
    """`Silver Index · qBittorrent`."""
    group: str
    state: str
    """A key of `views.STATES`."""
    lead: str
    right: str
    under: str
    percent: float
    rail: str
    moving: bool
    """Whether the rail is a progress bar."""
    sentence: str | None
    """Why it needs a person."""
    stale: bool
    """What is shown is what was last known."""
    can_pause: bool
    can_resume: bool
    can_import: bool

    @property
    def grave(self) -> bool:
        """Whether the sentence is a failure and not a mere remark."""
        return self.state == "blocked"


_RAILS = {
    "blocked": "fail",
    "stalled": "hold",
    "paused": "hold",
    "queued": "wait",
    "downloading": "live",
    "importing": "live",
    "seeding": "ok",
}


def line(row: QueueRow) -> Line:
    """Return a download in words."""
    now = clock.now()
    state = row.shown_state
    percent = 100 * row.progress
    lead, right, under = _words(row, state, now)
    if row.unreachable_since is not None and state != "seeding":
        right, under = "last known", f"{row.client_name} has not answered since {row.unreachable_since:%H:%M} UTC"
    whole = state in ("blocked", "queued", "importing", "seeding")
    return Line(
        id=row.id,
        href=f"/items/{row.media_item_id}" if row.media_item_id else None,
        title=row.media_title,
        release=row.release_title,
        art=artwork(row.poster),
        spec=specs.strip_of_name(row.release_title, film=not row.episode_ids),
        quality=row.quality_name,
        origin=" · ".join(part for part in (row.indexer_name or "by hand", row.client_name) if part),
        group=row.group,
        state=state,
        lead=lead,
        right=right,
        under=under,
        percent=100.0 if whole else percent,
        rail=_RAILS.get(state, "live"),
        moving=state == "downloading",
        sentence=row.sentence if state in ("blocked", "stalled") else None,
        stale=row.unreachable_since is not None,
        can_pause=row.state in ("downloading", "stalled", "queued"),
        can_resume=row.state == "paused",
        can_import=row.state in ("blocked", "completed"),
    )


def _words(row: QueueRow, state: str, now: datetime) -> tuple[str, str, str]:
    size = units.size(row.size_bytes) if row.size_bytes else ""
    so_far = f"{units.size(round((row.size_bytes or 0) * row.progress))} of {size}" if size else ""
    since = units.left(max(60, (now - row.state_since).total_seconds()))
    match state:
        case "downloading":
            speed = units.speed(row.speed_bytes_per_s)
            left = units.left(row.eta_s) if row.eta_s else ""
            return f"{100 * row.progress:.0f} %", left, " · ".join(part for part in (speed, so_far) if part)
        case "stalled":
            return f"{100 * row.progress:.0f} %", "stalled", f"Stands still for {since}"
        case "paused":
            return f"{100 * row.progress:.0f} %", "paused", so_far
        case "importing":
            under = "Is being linked and named" if row.state == "importing" else "The import starts in a moment"
            return "Importing", size, under
        case "blocked":
            return "Downloaded", size, f"Finished {since} ago"
        case "seeding":
            ratio = f"ratio {row.ratio:.1f}" if row.ratio is not None else ""
            return "Imported", ratio, "Shared until its goal is met"
        case _:
            under = "Is being handed over" if row.state == "grabbing" else "Starts when a slot is free"
            return "Queued", size, under


@dataclass(frozen=True, slots=True)
class ClientState:
    """How a download client is."""

    id: str
    name: str
    tone: str
    """`ok`, `miss` or `ink-3`."""
    said: str
    detail: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The panel above the queue."""

    speed: tuple[str, str]
    """(number, unit)."""
    remaining: tuple[str, str]
    left: str
    points: str
    """Of the curve of the last minute, as SVG wants them; empty without samples."""
    clients: tuple[ClientState, ...]


@dataclass(frozen=True, slots=True)
class QueueView:
    """The queue."""

    lines: tuple[Line, ...]
    filters: tuple[tuple[str, str, str, int, bool], ...]
    """(in the address, label, icon, count, chosen)."""
    chosen: str
    total: int
    totals: Totals
    unknown: tuple[downloads.UnknownDownload, ...]
    has_clients: bool
    blocked_count: int
    can_manage: bool
    can_settings: bool
    any_running: bool
    any_paused: bool

    @property
    def shown(self) -> tuple[Line, ...]:
        """Return the lines that the filter leaves."""
        groups = {slug: group for slug, group, _, _ in GROUPS}
        return tuple(one for one in self.lines if not self.chosen or one.group == groups.get(self.chosen))


class _Speeds:
    """The last minute's speed, sampled while somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, deque[int]] = {}

    def add(self, key: str, speed: int) -> None:
        """Note one sample."""
        with self._lock:
            self._seen.setdefault(key, deque(maxlen=_SAMPLES)).append(speed)

    def points(self, key: str) -> str:
        """Return the curve in a field of 100 by 30."""
        with self._lock:
            seen = list(self._seen.get(key, ()))
        if len(seen) < 2 or not max(seen):
            return ""
        step, top = 100 / (len(seen) - 1), max(seen)
        return " ".join(f"{place * step:.1f},{28 - 25 * speed / top:.1f}" for place, speed in enumerate(seen))


_speeds = _Speeds()


def totals_of(session: Session, database: Database, rows: Sequence[QueueRow]) -> Totals:
    """Return the panel above the queue."""
    moving = [row for row in rows if row.group == "downloading" and row.unreachable_since is None]
    speed = sum(row.speed_bytes_per_s or 0 for row in moving)
    remaining = sum(row.remaining_bytes for row in rows)
    left = units.left(remaining / speed) if speed and remaining else ""
    return Totals(
        _split(units.size(speed) + "/s"),
        _split(units.size(remaining)),
        left,
        _speeds.points(database.url),
        tuple(_clients(session, rows)),
    )


def _split(said: str) -> tuple[str, str]:
    number, _, unit = said.partition(" ")
    return number, unit


def _clients(session: Session, rows: Sequence[QueueRow]) -> Iterable[ClientState]:
    known = settings.statuses(session, "download_client")
    for client in settings.list_clients(session):
        if not client.enabled:
            continue
        active = sum(1 for row in rows if row.client_id == client.id and row.group != "seeding")
        status = known.get(client.id)
        if status is None:
            yield ClientState(client.id, client.name, "ink-3", "Not asked yet", f"{active} active", None)
        elif status.state == "ok":
            yield ClientState(
                client.id, client.name, "ok", "Connected", f"{active} active · {status.version or ''}".strip(" ·"), None
            )
        else:
            yield ClientState(
                client.id,
                client.name,
                "miss",
                "Unreachable",
                status.last_error or "It does not answer.",
                status.since_at,
            )


@get(["/activity", "/activity/queue"], sync_to_thread=True, include_in_schema=False)
def show_queue(request: WebRequest, database: Database, caller: Caller) -> Response[str]:
    """Show what is under way."""
    view = _queue(database, caller, request.query_params.get("state", ""))
    return page(request, "activity/queue.html", view, active="activity", topics=["queue"])


def _queue(database: Database, caller: Caller, chosen: str) -> QueueView:
    known = {slug for slug, _, _, _ in GROUPS}
    if chosen and chosen not in known:
        raise Invalid(f"Show one of {', '.join(sorted(known))}.")
    with database.reads() as session:
        rows = downloads.list_queue(session, caller, seeding=chosen == "seeding")
        totals = totals_of(session, database, rows)
        unknown = downloads.list_unknown(session, caller)
        has_clients = any(client.enabled for client in settings.list_clients(session))
        blocked, more = downloads.list_blocklist(session, caller, limit=99)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.group] = counts.get(row.group, 0) + 1
    return QueueView(
        lines=tuple(line(row) for row in rows),
        filters=tuple(
            (slug, label, icon, counts.get(group, 0), slug == chosen)
            for slug, group, label, icon in GROUPS
            if counts.get(group) or slug in (chosen, "seeding")
        ),
        chosen=chosen,
        total=sum(count for group, count in counts.items() if group != "seeding"),
        totals=totals,
        unknown=tuple(unknown),
        has_clients=has_clients,
        blocked_count=len(blocked) + bool(more),
        can_manage=caller.can(Permission.MANAGE_MEDIA),
        can_settings=caller.can(Permission.MANAGE_SETTINGS),
        any_running=any(row.state in ("downloading", "queued", "stalled") for row in rows),
        any_paused=any(row.state == "paused" for row in rows),
    )


def live_queue(database: Database, caller: Caller) -> tuple[tuple[Line, ...], Totals]:
    """Return what moves on the page of the queue; called once a second while somebody looks."""
    with database.reads() as session:
        rows = downloads.list_queue(session, caller)
        _speeds.add(database.url, sum(row.speed_bytes_per_s or 0 for row in rows if row.unreachable_since is None))
        return tuple(line(row) for row in rows), totals_of(session, database, rows)


# --- what people do --------------------------------------------------------------------------------------------------


def _done(request: WebRequest, toast: Toast, back: str = "/activity") -> Response[str]:
    if is_htmx(request):
        happened = ("queue-changed", "media-changed", "dialog-close", "selection-clear")
        return nothing(toast=toast, trigger={name: {} for name in happened})
    return redirect(request, back, toast=toast)


@post("/activity/queue/{download_id:str}/pause", sync_to_thread=True, status_code=200, include_in_schema=False)
def pause_download(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
) -> Response[str]:
    """Stop one download in its client."""
    downloads.pause(database, outside, config, caller, clock.now(), download_id)
    return _done(request, Toast("Paused", "It waits in its client until you let it go on."))


@post("/activity/queue/{download_id:str}/resume", sync_to_thread=True, status_code=200, include_in_schema=False)
def resume_download(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
) -> Response[str]:
    """Let one download go on."""
    downloads.resume(database, outside, config, caller, clock.now(), download_id)
    return _done(request, Toast("Going on", tone="live"))


@post(["/activity/pause-all", "/activity/resume-all"], sync_to_thread=True, status_code=200, include_in_schema=False)
def steer_all(
    request: WebRequest, database: Database, outside: Outside, config: Config, caller: Caller
) -> Response[str]:
    """Stop all downloads, or let all go on; one client that does not answer does not keep the others."""
    caller.require(Permission.MANAGE_MEDIA)
    pausing = request.url.path.endswith("pause-all")
    states = ("downloading", "queued", "stalled") if pausing else ("paused",)
    act = downloads.pause if pausing else downloads.resume
    with database.reads() as session:
        rows = [row for row in downloads.list_queue(session, caller) if row.state in states]
    toast = _each(
        [row.id for row in rows],
        lambda one: act(database, outside, config, caller, clock.now(), one),
        "paused" if pausing else "going on",
    )
    return _done(request, toast if rows else Toast("There is nothing to do"))


def _each(ids: Iterable[str], act: Callable[[str], None], word: str) -> Toast:
    """Do one thing to each download and say what came of it; one that fails does not keep the others."""
    done, problems = 0, []
    for one in ids:
        try:
            act(one)
            done += 1
        except MydiaError as error:
            problems.append(error.message)
    title = f"{done} {'download' if done == 1 else 'downloads'} {word}"
    return Toast(title, problems[0] if problems else "", "miss" if problems else "ok")


def _chosen(form: Mapping[str, str]) -> list[str]:
    ids = [part for part in form.get("ids", "").split(",") if part]
    if form.get("scope") == "filter" or not ids:
        raise Invalid("Nothing is selected.")
    return ids


@post("/activity/bulk/{action:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_many(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    action: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Do one thing to every download that is selected."""
    caller.require(Permission.MANAGE_MEDIA)
    ids, now = _chosen(form), clock.now()

    def take_in(one: str) -> None:
        with database.writes() as session:
            downloads.request_import(session, caller, one)

    def take_out(one: str) -> None:
        downloads.remove(database, outside, config, caller, now, one, **_removal(form))

    match action:
        case "ask-remove":
            return _remove_many_dialog(request, database, caller, ids)
        case "pause":
            toast = _each(ids, lambda one: downloads.pause(database, outside, config, caller, now, one), "paused")
        case "resume":
            toast = _each(ids, lambda one: downloads.resume(database, outside, config, caller, now, one), "going on")
        case "import":
            toast = _each(ids, take_in, "being imported")
        case "remove":
            toast = _each(ids, take_out, "removed")
        case _:
            raise Invalid("That cannot be done to many downloads at once.")
    return _done(request, toast)


@dataclass(frozen=True, slots=True)
class RemoveManyView:
    """The dialog that takes several downloads out."""

    rows: tuple[QueueRow, ...]

    @property
    def ids(self) -> str:
        """Return what the form sends."""
        return ",".join(row.id for row in self.rows)


def _remove_many_dialog(request: WebRequest, database: Database, caller: Caller, ids: Sequence[str]) -> Response[str]:
    with database.reads() as session:
        rows = [row for row in downloads.list_queue(session, caller, seeding=True) if row.id in set(ids)]
    if not rows:
        raise Conflict("These downloads are over already.")
    view = RemoveManyView(tuple(rows))
    return dialog(
        request, "activity/_remove_many.html", view, title="Remove downloads", active="activity", back="/activity"
    )


def _removal(form: Mapping[str, str]) -> dict[str, bool]:
    """Return what a dialog says of the files and the release of a download that is removed."""
    where = form.get("where", "client")
    return {
        "from_client": where != "queue",
        "delete_files": where == "files",
        "blocklist": form.get("block") == "true",
        "search_again": form.get("again") == "true",
    }


@dataclass(frozen=True, slots=True)
class RemoveView:
    """The dialog that takes a download out."""

    row: QueueRow
    values: Mapping[str, str]


@get("/activity/queue/{download_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def ask_remove(request: WebRequest, database: Database, caller: Caller, download_id: FromPath[str]) -> Response[str]:
    """Ask what is to become of a download's files and release."""
    caller.require(Permission.MANAGE_MEDIA)
    values = {"block": request.query_params.get("block", ""), "again": request.query_params.get("again", "")}
    return _remove_dialog(request, database, caller, download_id, values)


def _remove_dialog(
    request: WebRequest,
    database: Database,
    caller: Caller,
    download_id: str,
    values: Mapping[str, str],
    error: MydiaError | None = None,
) -> Response[str]:
    with database.reads() as session:
        row = downloads.find_queue_row(session, caller, download_id)
    if row is None:
        raise Conflict("This download is over already.")
    errors = {} if error is None else {"": error.message}
    return dialog(
        request,
        "activity/_remove.html",
        RemoveView(row, values),
        title="Remove a download",
        active="activity",
        back="/activity",
        status=200 if error is None else 422,
        errors=errors,
    )


@post("/activity/queue/{download_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_download(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Take a download out of the queue."""
    how = _removal(form)
    try:
        downloads.remove(database, outside, config, caller, clock.now(), download_id, **how)
    except Unavailable as error:
        return _remove_dialog(request, database, caller, download_id, form, error)
    said = [
        "Its release is not taken again." if how["blocklist"] else "",
        "Another one is being searched." if how["search_again"] else "",
    ]
    return _done(request, Toast("Removed", " ".join(part for part in said if part)))


@post("/activity/queue/{download_id:str}/undo", sync_to_thread=True, status_code=200, include_in_schema=False)
def undo_grab(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
) -> Response[str]:
    """Take back that a release was sent: out of its client with what was fetched, and free to be taken again."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        state = downloads.story_of(session, caller, download_id).download.state
    if state in ("importing", "imported"):
        raise Conflict("It is in the library already. Remove its file on the title's page.")
    downloads.remove(database, outside, config, caller, clock.now(), download_id)
    toast = Toast("Taken back", "It is out of its client and may be taken again.")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"queue-changed": {}, "media-changed": {}, "releases-changed": {}})
    return redirect(request, "/activity", toast=toast)


@post("/activity/queue/{download_id:str}/import", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry_import(request: WebRequest, database: Database, caller: Caller, download_id: FromPath[str]) -> Response[str]:
    """Ask for a finished download to be imported again."""
    with database.writes() as session:
        downloads.request_import(session, caller, download_id)
    return _done(request, Toast("The import is tried again", "What stands in its way is told here.", "live"))


@dataclass(frozen=True, slots=True)
class FileChoice:
    """A file of a download in the dialog."""

    path: str
    shown: str
    size: str
    quality: str
    episode_ids: tuple[str, ...]
    chosen: bool
    skipped: str | None
    objections: tuple[str, ...]
    already: bool


@dataclass(frozen=True, slots=True)
class FilesView:
    """The dialog in which a person says what each file of a download is."""

    download: downloads.Download
    files: tuple[FileChoice, ...]
    problems: tuple[str, ...]
    show: bool
    episodes: tuple[tuple[str, str], ...]
    """(id, `S01E02 Title`)."""


@get("/activity/queue/{download_id:str}/files", sync_to_thread=True, include_in_schema=False)
def ask_import(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
) -> Response[str]:
    """Ask what each file of a finished download is."""
    return _files_dialog(request, database, outside, config, caller, download_id)


def _files_dialog(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: str,
    error: MydiaError | None = None,
) -> Response[str]:
    preview = downloads.preview_import(database, outside, config, caller, download_id)
    item_id = preview.download.media_item_id
    with database.reads() as session:
        known = media.episodes_of(session, item_id) if item_id else []
        show = item_id is not None and media.get_item(session, item_id).type == "tv_show"
    view = FilesView(
        preview.download,
        tuple(
            FileChoice(
                file.shown_path,
                file.shown_path,
                units.size(file.size_bytes),
                file.quality.name,
                tuple(episode.id for episode in file.episodes),
                file.skipped is None and not file.already,
                file.skipped,
                file.objections,
                file.already,
            )
            for file in preview.files
        ),
        preview.problems,
        show,
        tuple((episode.id, f"{episode.code} {episode.title or ''}".strip()) for episode in known),
    )
    errors = {} if error is None else {"": error.message}
    status = 200 if error is None else 422
    return dialog(
        request,
        "activity/_files.html",
        view,
        title="Import by hand",
        active="activity",
        back="/activity",
        status=status,
        errors=errors,
    )


@post("/activity/queue/{download_id:str}/files", sync_to_thread=True, status_code=200, include_in_schema=False)
def import_by_hand(
    request: WebRequest,
    database: Database,
    outside: Outside,
    config: Config,
    caller: Caller,
    download_id: FromPath[str],
    form: dict[str, str],
) -> Response[str]:
    """Import what a person chose, against any objection."""
    chosen = [
        downloads.ChosenFile(path, tuple(part for part in form.get(f"episodes-{place}", "").split(",") if part))
        for place in sorted(name.removeprefix("path-") for name in form if name.startswith("path-"))
        if form.get(f"take-{place}") == "true" and (path := form[f"path-{place}"])
    ]
    try:
        said = downloads.manual_import(database, outside, config, caller, clock.now(), download_id, chosen)
    except (Invalid, Conflict, Unavailable) as error:
        return _files_dialog(request, database, outside, config, caller, download_id, error)
    return _done(request, Toast("Imported by hand", said))


@post("/activity/unknown/{unknown_id:str}/ignore", sync_to_thread=True, status_code=200, include_in_schema=False)
def ignore_unknown(request: WebRequest, database: Database, caller: Caller, unknown_id: FromPath[str]) -> Response[str]:
    """Leave a download that Mydia did not start alone for good."""
    with database.writes() as session:
        downloads.ignore_unknown(session, caller, unknown_id)
    return _done(request, Toast("Left alone", "It is not shown again."))


@dataclass(frozen=True, slots=True)
class AdoptView:
    """The dialog in which a download that Mydia did not start gets its title."""

    unknown: downloads.UnknownDownload
    q: str
    found: tuple[tuple[str, str, int | None, str, Artwork], ...]
    """(id, title, year, kind, picture)."""


@get("/activity/unknown/{unknown_id:str}/adopt", sync_to_thread=True, include_in_schema=False)
def ask_adopt(
    request: WebRequest, database: Database, caller: Caller, unknown_id: FromPath[str], q: FromQuery[str | None] = None
) -> Response[str]:
    """Ask which title a download is for."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        unknown = next((one for one in downloads.list_unknown(session, caller) if one.id == unknown_id), None)
        if unknown is None:
            raise Conflict("This download is gone from its client, or it was adopted already.")
        guessed = specs.title_in(unknown.name) if q is None else q
        found = media.search_library(session, caller, guessed, limit=12)
    view = AdoptView(
        unknown,
        guessed,
        tuple(
            (one.id, one.title, one.year, "Series" if one.type == "tv_show" else "Film", artwork(one.poster))
            for one in found
        ),
    )
    template = "activity/_adopt.html" if q is None else "activity/_adopt_found.html"
    return dialog(request, template, view, title="Adopt a download", active="activity", back="/activity")


@post("/activity/unknown/{unknown_id:str}/adopt", sync_to_thread=True, status_code=200, include_in_schema=False)
def adopt_download(
    request: WebRequest, database: Database, caller: Caller, unknown_id: FromPath[str], form: dict[str, str]
) -> Response[str]:
    """Follow and import a download that Mydia did not start."""
    if not form.get("item_id"):
        raise Invalid("Choose a title.")
    with database.writes() as session:
        downloads.adopt(session, caller, clock.now(), unknown_id, form["item_id"])
    return _done(request, Toast("Adopted", "It is followed and imported when it is complete.", "live"))


@dataclass(frozen=True, slots=True)
class StoryView:
    """Everything about one download."""

    download: downloads.Download
    spec: specs.Strip | None
    stories: tuple[stories.Story, ...]
    reasons: tuple[tuple[str, str], ...]
    """(kind of reason, sentence)."""
    files: tuple[str, ...]


@get("/activity/downloads/{download_id:str}", sync_to_thread=True, include_in_schema=False)
def show_story(request: WebRequest, database: Database, caller: Caller, download_id: FromPath[str]) -> Response[str]:
    """Tell a download's story: why it was taken, what became of it, where its files are."""
    with database.reads() as session:
        told = downloads.story_of(session, caller, download_id)
    tones = {"block": "no", "fail": "no", "grab": "yes"}
    view = StoryView(
        told.download,
        specs.strip_of_name(told.download.release_title, film="S0" not in told.download.media_title),
        tuple(stories.story(event) for event in told.events),
        tuple((tones.get(str(reason["kind"]), "warn"), str(reason["text"])) for reason in told.download.reasons),
        told.files,
    )
    return dialog(
        request, "activity/_story.html", view, title=told.download.media_title, active="activity", back="/activity"
    )


# --- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the history with its title."""

    story: stories.Story
    title: str
    art: Artwork | None


@dataclass(frozen=True, slots=True)
class Day:
    """The lines of one day."""

    on: date
    label: str
    """Empty when the page before began this day."""
    lines: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What happened, by day."""

    days: tuple[Day, ...]
    filters: tuple[tuple[str, str, bool], ...]
    chosen: str
    q: str
    more: str | None
    total: int
    blocked_count: int


@get("/activity/history", sync_to_thread=True, include_in_schema=False)
def show_history(
    request: WebRequest,
    database: Database,
    caller: Caller,
    kind: FromQuery[str] = "",
    q: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    day: FromQuery[str] = "",
) -> Response[str]:
    """Show what happened, newest first."""
    caller.require(Permission.VIEW_ACTIVITY)
    allowed = {name: known for name, known in stories.KINDS.items() if name != "audit" or _may_audit(caller)}
    if kind and kind not in allowed:
        raise Invalid(f"Show one of {', '.join(allowed)}.")
    hidden = set() if _may_audit(caller) else set(stories.KINDS["audit"][1])
    types = list(allowed[kind][1]) if kind else [name for name in stories.all_but_quiet() if name not in hidden]
    with database.reads() as session:
        about = [card.id for card in media.search_library(session, caller, q, limit=_TITLES)] if q.strip() else None
        told = events.feed(session, before_id=before, types=types, about=about, limit=_HISTORY)
        ids = {str(id) for event in told if (id := _item_of(event)) is not None}
        cards = {card.id: card for card in media.lists.cards_of(session, caller, sorted(ids))}
        queue_total = len(downloads.list_queue(session, caller)) if before is None else 0
        blocked, more_blocked = downloads.list_blocklist(session, caller, limit=99) if before is None else ([], None)
    days = _by_day(request, told, cards, day)
    last = f"{days[-1].on:%Y-%m-%d}" if days else ""
    more = query({"kind": kind, "q": q, "before": told[-1].id, "day": last}) if len(told) == _HISTORY else None
    view = HistoryView(
        days,
        tuple((name, label, name == kind) for name, (label, _) in allowed.items()),
        kind,
        q,
        f"/activity/history{more}" if more else None,
        queue_total,
        len(blocked) + bool(more_blocked),
    )
    if before is not None and is_htmx(request):
        return fragment(request, "activity/_days.html", view)
    return page(request, "activity/history.html", view, active="activity", topics=["queue"])


def _may_audit(caller: Caller) -> bool:
    return caller.can(Permission.MANAGE_SETTINGS)


def _item_of(event: events.Happened) -> str | None:
    found = event.resource_id if event.resource_kind == "media_item" else event.payload.get("media_item_id")
    return None if found is None else str(found)


def _by_day(
    request: WebRequest, told: Iterable[events.Happened], cards: Mapping[str, media.Card], begun: str
) -> tuple[Day, ...]:
    zone = renderer_of(request).zone
    today = clock.now().astimezone(zone).date()
    days: dict[date, list[Told]] = {}
    for event in told:
        card = cards.get(_item_of(event) or "")
        title = f"{card.title} ({card.year})" if card and card.year else card.title if card else ""
        days.setdefault(event.at.astimezone(zone).date(), []).append(
            Told(stories.story(event), title, artwork(card.poster) if card else None)
        )
    return tuple(
        Day(on, "" if f"{on:%Y-%m-%d}" == begun else day_label(on, today), tuple(lines)) for on, lines in days.items()
    )


def day_label(on: date, today: date, *, short: bool = False) -> str:
    """Return `Today`, `Yesterday`, or the day."""
    distance = (today - on).days
    if distance < 2:
        return ("Today", "Yesterday")[distance] if distance >= 0 else "Today"
    if short:
        return f"{on:%a}" if distance < 7 else f"{on:%-d %b}"
    return f"{on:%A, %-d %B}" if on.year == today.year else f"{on:%-d %B %Y}"


# --- blocklist -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlocklistView:
    """Releases that are not taken again."""

    entries: tuple[downloads.BlocklistEntry, ...]
    more: str | None
    q: str
    total: int
    can_manage: bool


@get("/activity/blocklist", sync_to_thread=True, include_in_schema=False)
def show_blocklist(
    request: WebRequest, database: Database, caller: Caller, q: FromQuery[str] = "", cursor: FromQuery[str] = ""
) -> Response[str]:
    """Show what is never taken again, and why."""
    with database.reads() as session:
        entries, following = downloads.list_blocklist(session, caller, text=q, cursor=cursor or None)
        total = len(downloads.list_queue(session, caller))
    more = f"/activity/blocklist{query({'q': q, 'cursor': following})}" if following else None
    view = BlocklistView(tuple(entries), more, q, total, caller.can(Permission.MANAGE_MEDIA))
    if cursor and is_htmx(request):
        return fragment(request, "activity/_blocked.html", view)
    return page(request, "activity/blocklist.html", view, active="activity")


@post("/activity/blocklist/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def unblock(request: WebRequest, database: Database, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Take releases off the list."""
    ids = [part for part in form.get("ids", "").split(",") if part]
    if not ids:
        raise Invalid("Nothing is selected.")
    with database.writes() as session:
        number = downloads.unblock(session, caller, ids)
    toast = Toast(f"{number} {'release' if number == 1 else 'releases'} off the blocklist", "They may be taken again.")
    return _unblocked(request, toast)


@post("/activity/blocklist/clear", sync_to_thread=True, status_code=200, include_in_schema=False)
def clear_blocklist(request: WebRequest, database: Database, caller: Caller) -> Response[str]:
    """Empty the list."""
    with database.writes() as session:
        number = downloads.clear_blocklist(session, caller)
    return _unblocked(request, Toast("Blocklist cleared", f"{number:,} releases may be taken again."))


@dataclass(frozen=True, slots=True)
class BlockForm:
    """The dialog in which somebody blocks a release by its name."""

    release: str
    protocol: str
    reason: str
    item_id: str
    found: tuple[tuple[str, str, int | None, str], ...]
    """(id, title, year, kind)."""


def _block_form(session: Session, caller: Caller, form: Mapping[str, str]) -> BlockForm:
    release = form.get("release", "").strip()
    found = media.search_library(session, caller, specs.title_in(release)) if release else []
    return BlockForm(
        release,
        form.get("protocol", "torrent"),
        form.get("reason", ""),
        form.get("item_id", ""),
        tuple((one.id, one.title, one.year, "series" if one.type == "tv_show" else "film") for one in found),
    )


@get("/activity/blocklist/new", sync_to_thread=True, include_in_schema=False)
def ask_block(request: WebRequest, database: Database, caller: Caller) -> Response[str]:
    """Ask which release is not to be taken; while its name is written, which title it is of."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        view = _block_form(session, caller, {name: str(value) for name, value in request.query_params.items()})
    alone = is_htmx(request) and "release" in request.query_params
    template = "activity/_block_found.html" if alone else "activity/_block.html"
    return dialog(request, template, view, title="Block a release", active="activity", back="/activity/blocklist")


@post("/activity/blocklist/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def block_by_name(request: WebRequest, database: Database, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Put a release on the list that no search has to have found."""
    try:
        with database.writes() as session:
            downloads.block_name(
                session,
                caller,
                clock.now(),
                form.get("item_id", ""),
                form.get("release", ""),
                protocol=form.get("protocol", "torrent"),
                reason=form.get("reason", ""),
            )
    except Invalid as error:
        with database.reads() as session:
            view = _block_form(session, caller, form)
        back = "/activity/blocklist"
        return invalid_form(request, "activity/_block.html", view, error, title="Block a release", back=back)
    return _unblocked(request, Toast("Blocked", f"{form['release'].strip()} is not taken again."))


def _unblocked(request: WebRequest, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"blocklist-changed": {}, "selection-clear": {}, "dialog-close": {}})
    return redirect(request, "/activity/blocklist", toast=toast)


ROUTES: tuple[Any, ...] = (
    show_queue,
    pause_download,
    resume_download,
    steer_all,
    change_many,
    ask_remove,
    remove_download,
    undo_grab,
    retry_import,
    ask_import,
    import_by_hand,
    ignore_unknown,
    ask_adopt,
    adopt_download,
    show_story,
    show_history,
    show_blocklist,
    ask_block,
    block_by_name,
    unblock,
    clear_blocklist,
)

"""Actions on downloads in the queue: pause, resume, remove, undo a grab, retry an import; one or many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import downloads
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid, MydiaError, Unavailable
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import Ids
from mydia.web.render import Toast, dialog, is_htmx, nothing, redirect


class RemovalFields(Struct, kw_only=True):
    """What happens to the files and the release of a download that is removed."""

    where: Literal["client", "files", "queue"] | None = None
    """Remove it from the client, delete its files too, or only from the queue; None: not chosen yet."""
    block: bool = False
    again: bool = False
    """Search for another release."""

    def options(self) -> dict[str, bool]:
        """Return the options of `downloads.queue.remove`."""
        return {
            "from_client": self.where != "queue",
            "delete_files": self.where == "files",
            "blocklist": self.block,
            "search_again": self.again,
        }


class BulkFields(RemovalFields, kw_only=True):
    """The selected downloads and, for a removal, how."""

    ids: Ids


def queue_changed(request: WebRequest, toast: Toast, back: str = "/activity") -> Response[str]:
    """Answer an action: the queue fetches itself again, or is loaded again without a script."""
    if is_htmx(request):
        happened = ("queue-changed", "media-changed", "dialog-close", "selection-clear")
        return nothing(toast=toast, trigger={name: {} for name in happened})
    return redirect(request, back, toast=toast)


@post("/activity/queue/{download_id:str}/pause", sync_to_thread=True, status_code=200, include_in_schema=False)
def pause_download(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
) -> Response[str]:
    """Pause one download in its client."""
    downloads.queue.pause(database, outside, caller, clock.now(), download_id)
    return queue_changed(request, Toast("Paused", "Paused in the client until you resume it."))


@post("/activity/queue/{download_id:str}/resume", sync_to_thread=True, status_code=200, include_in_schema=False)
def resume_download(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
) -> Response[str]:
    """Resume one download."""
    downloads.queue.resume(database, outside, caller, clock.now(), download_id)
    return queue_changed(request, Toast("Resumed", tone="live"))


@post(["/activity/pause-all", "/activity/resume-all"], sync_to_thread=True, status_code=200, include_in_schema=False)
def steer_all(request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep) -> Response[str]:
    """Pause or resume all downloads. A client that does not answer does not stop the others."""
    pausing = request.url.path.endswith("pause-all")
    act = downloads.queue.pause_all if pausing else downloads.queue.resume_all
    made = act(database, outside, caller, clock.now())
    toast = _outcome(made.done, made.problems, "paused" if pausing else "resumed")
    return queue_changed(request, toast if made.done or made.problems else Toast("Nothing to do"))


def _each(ids: Iterable[str], act: Callable[[str], None], word: str) -> Toast:
    """Do one thing to each download and report the result. One that fails does not stop the others."""
    done, problems = 0, []
    for one in ids:
        try:
            act(one)
            done += 1
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    return _outcome(done, problems, word)


def _outcome(done: int, problems: Sequence[str], word: str) -> Toast:
    title = f"{done} {'download' if done == 1 else 'downloads'} {word}"
    return Toast(title, problems[0] if problems else "", tone="miss" if problems else "ok")


@post("/activity/bulk/{action:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_many(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    action: FromPath[str],
    form: FormOf[BulkFields],
) -> Response[str]:
    """Do one thing to every selected download."""
    chosen = form.read()
    if action == "ask-remove":
        return _remove_many_dialog(request, database, caller, chosen.ids)
    if action not in _BULK:
        raise Invalid("This action is not available for several downloads.")
    act, word = _BULK[action]
    toast = _each(chosen.ids, lambda one: act(database, outside, caller, one, chosen), word)
    return queue_changed(request, toast)


def _pause(database: Database, outside: Outside, caller: Caller, download_id: str, _chosen: BulkFields) -> None:
    downloads.queue.pause(database, outside, caller, clock.now(), download_id)


def _resume(database: Database, outside: Outside, caller: Caller, download_id: str, _chosen: BulkFields) -> None:
    downloads.queue.resume(database, outside, caller, clock.now(), download_id)


def _import(database: Database, _outside: Outside, caller: Caller, download_id: str, _chosen: BulkFields) -> None:
    with database.writes() as session:
        downloads.importing.request_import(session, caller, download_id)


def _remove(database: Database, outside: Outside, caller: Caller, download_id: str, chosen: BulkFields) -> None:
    downloads.queue.remove(database, outside, caller, clock.now(), download_id, **chosen.options())


_BULK: dict[str, tuple[Callable[[Database, Outside, Caller, str, BulkFields], None], str]] = {
    "pause": (_pause, "paused"),
    "resume": (_resume, "resumed"),
    "import": (_import, "being imported"),
    "remove": (_remove, "removed"),
}
"""Action -> (what it does to a download, the words of its message)."""


class RemoveManyView(msgspec.Struct, frozen=True):
    """The dialog that removes several downloads."""

    rows: tuple[downloads.queue.QueueRow, ...]

    @property
    def ids(self) -> str:
        """Return the ids that the form sends."""
        return ",".join(row.id for row in self.rows)


def _remove_many_dialog(request: WebRequest, database: Database, caller: Caller, ids: Sequence[str]) -> Response[str]:
    with database.reads() as session:
        rows = [row for row in downloads.queue.list_queue(session, caller, seeding=True) if row.id in set(ids)]
    if not rows:
        raise Conflict("These downloads have already ended.")
    view = RemoveManyView(tuple(rows))
    return dialog(
        request, "activity/_remove_many.html", view, title="Remove downloads", active="activity", back="/activity"
    )


class RemoveView(msgspec.Struct, frozen=True):
    """The dialog that removes a download."""

    row: downloads.queue.QueueRow
    values: RemovalFields


@get("/activity/queue/{download_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def ask_remove(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    download_id: FromPath[str],
    form: FormOf[RemovalFields],
) -> Response[str]:
    """Ask what happens to a download's files and its release."""
    return _remove_dialog(request, database, caller, download_id, form.read())


def _remove_dialog(
    request: WebRequest,
    database: Database,
    caller: Caller,
    download_id: str,
    values: RemovalFields,
    error: MydiaError | None = None,
) -> Response[str]:
    with database.reads() as session:
        row = downloads.queue.find_queue_row(session, caller, download_id)
    if row is None:
        raise Conflict("This download has already ended.")
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
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
    form: FormOf[RemovalFields],
) -> Response[str]:
    """Remove a download from the queue."""
    wanted = form.read()
    try:
        downloads.queue.remove(database, outside, caller, clock.now(), download_id, **wanted.options())
    except Unavailable as error:
        return _remove_dialog(request, database, caller, download_id, wanted, error)
    said = [
        "Its release will not be grabbed again." if wanted.block else "",
        "Searching for another release." if wanted.again else "",
    ]
    return queue_changed(request, Toast("Removed", " ".join(part for part in said if part)))


@post("/activity/queue/{download_id:str}/undo", sync_to_thread=True, status_code=200, include_in_schema=False)
def undo_grab(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    download_id: FromPath[str],
) -> Response[str]:
    """Undo a grab: remove the download and its data from the client. The release can be grabbed again."""
    with database.reads() as session:
        state = downloads.history.story_of(session, caller, download_id).download.state
    if state in ("importing", "imported"):
        raise Conflict("It is already in the library. Remove its file on the title's page.")
    downloads.queue.remove(database, outside, caller, clock.now(), download_id)
    toast = Toast("Grab undone", "The download is removed from its client. The release can be grabbed again.")
    if is_htmx(request):
        return nothing(toast=toast, trigger={"queue-changed": {}, "media-changed": {}, "releases-changed": {}})
    return redirect(request, "/activity", toast=toast)


@post("/activity/queue/{download_id:str}/import", sync_to_thread=True, status_code=200, include_in_schema=False)
def retry_import(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, download_id: FromPath[str]
) -> Response[str]:
    """Import a finished download again."""
    with database.writes() as session:
        downloads.importing.request_import(session, caller, download_id)
    return queue_changed(request, Toast("Importing again", "Any remaining problem is shown here.", tone="live"))


ROUTES: tuple[Any, ...] = (
    pause_download,
    resume_download,
    steer_all,
    change_many,
    ask_remove,
    remove_download,
    undo_grab,
    retry_import,
)

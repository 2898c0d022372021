"""What can be done with one file of a title, and taking back what was done to files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import Permission
from mydia.errors import NotFound
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import message
from mydia.web.render import Toast, dialog, is_htmx, nothing, query, redirect


@dataclass(frozen=True, slots=True)
class RemoveFileView:
    """The dialog that takes a file out of the library."""

    item: media.MediaItem
    file: library.files.FileView


def undo_of(item_id: str, batch_id: str, *, rename: bool = False) -> str:
    """Return the address that takes back what was done to a title's files."""
    return f"/items/{item_id}/undo{query({'batch': batch_id, 'rename': 'true' if rename else ''})}"


@get("/items/{item_id:str}/files/{file_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def ask_remove(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], file_id: FromPath[str]
) -> Response[str]:
    """Ask what is to become of a file."""
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        file = next((one for one in library.files.files_of_item(session, caller, item_id) if one.id == file_id), None)
    if file is None:
        raise NotFound("This file is not in the library.")
    active = "shows" if item.type == MediaType.TV_SHOW else "movies"
    back = f"/items/{item_id}?tab=files"
    return dialog(
        request, "item/_remove_file.html", RemoveFileView(item, file), title="Remove a file", active=active, back=back
    )


class RemoveFileFields(Struct, kw_only=True):
    """What happens to a file that is removed from the library."""

    how: Literal["recycle", "delete"] = "recycle"


@post("/items/{item_id:str}/files/{file_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_file(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    file_id: FromPath[str],
    form: FormOf[RemoveFileFields],
) -> Response[str]:
    """Take a file out of the library."""
    for_good = form.read().how == "delete"
    made = library.recycle.remove_file(database, outside, caller, clock.now(), file_id, for_good=for_good)
    toast = Toast("File deleted" if for_good else "File moved to the recycle bin")
    if made.batch_id and not for_good:
        toast = Toast(toast.title, "", "ok", "Undo", undo_of(item_id, made.batch_id), True)
    return _done(request, item_id, toast)


@post("/items/{item_id:str}/files/{file_id:str}/analyse", sync_to_thread=True, status_code=200, include_in_schema=False)
def analyse_file(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    file_id: FromPath[str],
) -> Response[str]:
    """Look into a file again."""
    library.analyse_file(database, outside, caller, clock.now(), file_id)
    return _done(request, item_id, Toast("File re-analysed", "The results are shown with the file."))


class UndoFields(Struct, kw_only=True):
    """The batch of file operations to undo."""

    batch: Annotated[str, message("Nothing to undo.")]
    rename: bool = False


@post("/items/{item_id:str}/undo", sync_to_thread=True, status_code=200, include_in_schema=False)
def undo(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[UndoFields],
) -> Response[str]:
    """Undo a removal or a rename; what cannot be undone is reported."""
    wanted = form.read()
    act = library.renaming.undo_rename if wanted.rename else library.journal.undo_batch
    problems = act(database, outside, caller, clock.now(), wanted.batch)
    return _done(request, item_id, Toast("Undone", problems[0] if problems else "", "miss" if problems else "ok"))


def _done(request: WebRequest, item_id: str, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}?tab=files", toast=toast)


ROUTES: tuple[Any, ...] = (ask_remove, remove_file, analyse_file, undo)

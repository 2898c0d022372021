"""Rename the files of a title: preview and apply."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import library, media
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.library.files import FileSelection, chosen_files, undo_of
from mydia.web.render import Toast, dialog, is_htmx, nothing, redirect


class RenameView(msgspec.Struct, frozen=True, kw_only=True):
    """The preview of a rename."""

    item: media.MediaItem
    lines: tuple[library.renaming.RenameLine, ...]
    unchanged: int
    folders: bool
    chosen: frozenset[str] | None
    """The files that are ticked; None for all."""

    @property
    def changing(self) -> int:
        """How many files would change."""
        return sum(1 for line in self.lines if line.objection is None)

    def ticked(self, line: library.renaming.RenameLine) -> bool:
        """Whether a file is renamed unless the user unticks it."""
        return self.chosen is None or line.id in self.chosen


def _rename_dialog(
    request: WebRequest,
    session: Session,
    outside: Outside,
    caller: Caller,
    item_id: str,
    *,
    folders: bool = False,
    chosen: frozenset[str] | None = None,
    error: Invalid | None = None,
) -> Response[str]:
    lines = library.renaming.rename_preview(session, outside, caller, [item_id], folders=folders)
    changing = tuple(line for line in lines if line.changes)
    item = media.get_item(session, caller, item_id)
    view = RenameView(item=item, lines=changing, unchanged=len(lines) - len(changing), folders=folders, chosen=chosen)
    return dialog(
        request,
        "imports/_rename.html",
        view,
        title=f"Rename {item.title}",
        active="shows" if item.type == MediaType.TV_SHOW else "movies",
        back=f"/items/{item_id}?tab=files",
        status=200 if error is None else 422,
        errors={} if error is None else {"": error.message},
    )


@get("/items/{item_id:str}/rename", sync_to_thread=True, include_in_schema=False)
def ask_rename(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    folders: FromQuery[bool] = False,
) -> Response[str]:
    """Show every name before and after. Nothing is changed."""
    with database.reads() as session:
        return _rename_dialog(request, session, outside, caller, item_id, folders=folders)


@post("/items/{item_id:str}/files/ask-rename", sync_to_thread=True, status_code=200, include_in_schema=False)
def ask_rename_many(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[FileSelection],
) -> Response[str]:
    """Show the new names with only the selected files ticked."""
    with database.reads() as session:
        chosen = frozenset(file.id for file in chosen_files(session, caller, item_id, form.read()))
        return _rename_dialog(request, session, outside, caller, item_id, chosen=chosen)


class RenameFields(Struct, kw_only=True):
    """The files to rename, or the whole folder."""

    folders: bool = False
    files: tuple[str, ...] = ()
    """Ids of videos; their subtitles and artwork follow. Not read if the folder is renamed."""


@post("/items/{item_id:str}/rename", sync_to_thread=True, status_code=200, include_in_schema=False)
def rename_item(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[RenameFields],
) -> Response[str]:
    """Rename the ticked files of a title as the preview showed, or its folder with everything in it."""
    wanted = form.read()
    if not wanted.folders and not wanted.files:
        error = Invalid("Select at least one file.")
        with database.reads() as session:
            return _rename_dialog(request, session, outside, caller, item_id, chosen=frozenset(), error=error)
    made = library.renaming.rename(
        database,
        outside,
        caller,
        clock.now(),
        [item_id],
        file_ids=None if wanted.folders else wanted.files,
        folders=wanted.folders,
    )
    files = f"{made.files} {'file' if made.files == 1 else 'files'} renamed"
    tone = "miss" if made.failures else "ok"
    text = made.failures[0] if made.failures else "You can undo it from the history."
    toast = Toast(files, text, tone=tone)
    if made.batch_id and made.files:
        toast = Toast(
            files,
            text if made.failures else "",
            tone=tone,
            action_label="Undo",
            action_href=undo_of(item_id, made.batch_id, rename=True),
            action_posts=True,
        )
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}})
    return redirect(request, f"/items/{item_id}?tab=files", toast=toast)


ROUTES: tuple[Any, ...] = (ask_rename, ask_rename_many, rename_item)

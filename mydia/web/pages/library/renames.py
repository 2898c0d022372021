"""Rename the files of a title: preview and apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import library, media
from mydia.contexts.users import Caller
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.library.files import undo_of
from mydia.web.render import Toast, dialog, is_htmx, nothing, redirect


@dataclass(frozen=True, slots=True)
class RenameView:
    """The preview of a rename."""

    item: media.MediaItem
    lines: tuple[library.renaming.RenameLine, ...]
    unchanged: int
    folders: bool

    @property
    def changing(self) -> int:
        """How many files would change."""
        return sum(1 for line in self.lines if line.objection is None)


def _rename_view(session: Session, outside: Outside, caller: Caller, item_id: str, *, folders: bool) -> RenameView:
    lines = library.renaming.rename_preview(session, outside, caller, [item_id], folders=folders)
    changing = tuple(line for line in lines if line.changes)
    return RenameView(media.get_item(session, caller, item_id), changing, len(lines) - len(changing), folders)


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
        view = _rename_view(session, outside, caller, item_id, folders=folders)
    active = "shows" if view.item.type == MediaType.TV_SHOW else "movies"
    return dialog(
        request,
        "imports/_rename.html",
        view,
        title=f"Rename {view.item.title}",
        active=active,
        back=f"/items/{item_id}",
    )


class RenameFields(Struct, kw_only=True):
    """Whether folders are renamed too."""

    folders: bool = False


@post("/items/{item_id:str}/rename", sync_to_thread=True, status_code=200, include_in_schema=False)
def rename_item(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[RenameFields],
) -> Response[str]:
    """Rename a title's files as the preview showed."""
    folders = form.read().folders
    made = library.renaming.rename(database, outside, caller, clock.now(), [item_id], folders=folders)
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


ROUTES: tuple[Any, ...] = (ask_rename, rename_item)

"""Actions on one title: refresh, edit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import library, media, settings
from mydia.contexts.media import MonitorPattern
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import Count, message
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, redirect


def media_changed(request: WebRequest, item_id: str, toast: Toast) -> Response[str]:
    """Answer an action: the page fetches itself again, or is loaded again without a script."""
    if is_htmx(request):
        done: dict[str, object] = {
            "media-changed": {},
            f"changed-{item_id}": {},
            "dialog-close": {},
            "selection-clear": {},
        }
        return nothing(toast=toast, trigger=done)
    return redirect(request, f"/items/{item_id}", toast=toast)


def surroundings(item: media.MediaItem) -> dict[str, Any]:
    """Return the navigation entry and the link back of a title's dialog that is shown as a page."""
    return {"active": "shows" if item.type == MediaType.TV_SHOW else "movies", "back": f"/items/{item.id}"}


@post("/items/{item_id:str}/refresh", sync_to_thread=True, status_code=200, include_in_schema=False)
def refresh_item(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]
) -> Response[str]:
    """Refresh the details."""
    with database.writes() as session:
        media.request_refresh(session, caller, item_id)
    return media_changed(request, item_id, Toast("Refreshing", "The details are being fetched.", tone="live"))


class EditFields(Struct, kw_only=True):
    """The form in which a title is changed. Fields that are missing or None leave a value unchanged."""

    title: str | None = None
    year: Annotated[Count, message("Write a year such as 1927.")] | None = None
    overview: str | UnsetType = UNSET
    profile_id: str | None = None
    library_path_id: str | None = None
    minimum_availability: str | None = None
    monitor_new_seasons: str | None = None
    series_type: str | None = None
    provider: str | None = None
    monitor: MonitorPattern | None = None
    tags: str | UnsetType = UNSET
    files: Literal["move", "leave"] = "move"
    """What happens to the files if the library folder changes."""

    def changes(self) -> dict[str, Any]:
        """Return what `media.change_item` changes."""
        given = asdict(self)
        for name in ("monitor", "tags", "files"):
            del given[name]
        changed = {name: value for name, value in given.items() if value not in (None, UNSET)}
        return changed | {"overview": self.overview or None} if "overview" in changed else changed


class EditView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a title is changed."""

    item: media.MediaItem
    folders: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    monitors: tuple[tuple[str, str], ...]
    catalogues: tuple[tuple[str, str], ...]
    values: dict[str, str]


def _edit_view(session: Session, caller: Caller, item_id: str, values: dict[str, str]) -> EditView:
    item = media.get_item(session, caller, item_id)
    suits = ("mixed", "movies" if item.type == MediaType.MOVIE else "series")
    given = {
        "title": item.title,
        "year": str(item.year or ""),
        "overview": item.overview or "",
        "profile_id": item.versions[0].profile_id if item.versions else "",
        "library_path_id": item.library_path_id or "",
        "minimum_availability": item.minimum_availability,
        "series_type": item.series_type or "",
        "provider": item.provider,
        "monitor_new_seasons": item.monitor_new_seasons,
        "monitor": "",
        "tags": ", ".join(media.tags.tags_of(session, caller, [item_id])[item_id]),
        "files": "move",
    }
    return EditView(
        item=item,
        folders=tuple(
            (path.id, path.path)
            for path in settings.library_paths.list_library_paths(session, caller)
            if path.type in suits
        ),
        profiles=tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session, caller)),
        monitors=(("", "Leave as it is"), *media.monitoring.PATTERNS.items()),
        catalogues=(("tmdb", "TMDB"), ("tvdb", "TheTVDB"), ("none", "None: file names and NFO files")),
        values=given | values,
    )


@get("/items/{item_id:str}/edit", sync_to_thread=True, include_in_schema=False)
def show_edit(request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str]) -> Response[str]:
    """Show the dialog."""
    with database.reads() as session:
        view = _edit_view(session, caller, item_id, {})
    return dialog(request, "item/_edit.html", view, title=f"Edit {view.item.title}", **surroundings(view.item))


@post("/items/{item_id:str}/edit", sync_to_thread=True, status_code=200, include_in_schema=False)
def edit_item(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[EditFields]
) -> Response[str]:
    """Store what was changed in the dialog. Files move to another library folder as a bulk edit of one title."""
    saved = Toast("Saved")
    try:
        wanted = form.read()
        with database.writes() as session:
            now, changes = clock.now(), wanted.changes()
            item = media.get_item(session, caller, item_id)
            folder = changes.get("library_path_id")
            moves = folder not in (None, item.library_path_id) and wanted.files == "move"
            if moves:
                del changes["library_path_id"]
            media.change_item(session, caller, now, item_id, changes)
            if wanted.monitor is not None:
                media.monitoring.change_pattern(session, caller, now, item_id, wanted.monitor)
            if wanted.tags is not UNSET:
                _set_tags(session, caller, now, item_id, settings.tags.split_names(wanted.tags))
            if moves:
                move = library.edits.TitleChanges(library_path_id=folder, move_files=True)
                edit = library.edits.request_edit(session, caller, now, item.type, [item_id], move)
                saved = Toast(
                    "Saved",
                    "The files are moving.",
                    tone="live",
                    action_label="Show progress",
                    action_href=f"/edits/{edit.id}",
                )
    except Invalid as error:
        with database.reads() as session:
            view = _edit_view(session, caller, item_id, form.sent)
        return invalid_form(
            request, "item/_edit.html", view, error, title=f"Edit {view.item.title}", **surroundings(view.item)
        )
    return media_changed(request, item_id, saved)


def _set_tags(session: Session, caller: Caller, now: datetime, item_id: str, names: Sequence[str]) -> None:
    wanted = {name.casefold() for name in names}
    gone = [name for name in media.tags.tags_of(session, caller, [item_id])[item_id] if name.casefold() not in wanted]
    media.tags.change_tags(session, caller, now, item_id, add=names, remove=gone)


class MoveView(msgspec.Struct, frozen=True, kw_only=True):
    """What choosing another library folder for a title would move."""

    preview: library.moving.MovePreview
    folder: str
    conflicts: tuple[library.moving.MoveLine, ...]


@get("/items/{item_id:str}/move", sync_to_thread=True, include_in_schema=False)
def preview_move(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    library_path_id: FromQuery[str] = "",
) -> Response[str]:
    """Show which files of a title would move to another library folder; nothing if the folder stays."""
    with database.reads() as session:
        present = media.get_item(session, caller, item_id).library_path_id
    wanted = library_path_id or present or ""
    told = library.moving.move_preview(database, outside, caller, [item_id], wanted)
    if wanted == present:
        return fragment(request, "item/_move.html", None)
    with database.reads() as session:
        folder = settings.library_paths.get_library_path(session, caller, wanted).path
    view = MoveView(preview=told, folder=folder, conflicts=tuple(line for line in told.lines if line.objection))
    return fragment(request, "item/_move.html", view)


ROUTES: tuple[Any, ...] = (refresh_item, show_edit, edit_item, preview_move)

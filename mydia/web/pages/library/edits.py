"""Bulk edits: choose changes for the selected titles, preview them, watch the job and undo it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import field as form_field
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import downloads, library, media, settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid, MydiaError
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.pages.library.bulk import SelectedTitles, chosen_ids
from mydia.web.pages.library.sections import SECTIONS, Section, section_of
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, page, plural, query, redirect

EditState = library.edits.EditState
LineState = library.edits.LineState
TitleChanges = library.edits.TitleChanges

_SAVED_WITH = {
    True: "Monitor",
    False: "Stop monitoring",
}
AVAILABILITY = {
    media.Availability.RELEASED: "On home release",
    media.Availability.IN_CINEMAS: "On cinema release",
    media.Availability.ANNOUNCED: "Immediately",
}
NUMBERING = {
    media.SeriesType.STANDARD: "Season and episode",
    media.SeriesType.DAILY: "By date",
    media.SeriesType.ANIME: "Absolute (anime)",
}
NEW_SEASONS = {media.NewSeasons.ALL: "Monitor", media.NewSeasons.NONE: "Don't monitor"}
_LABELS = {
    "profile_id": "Quality profile",
    "monitored": "Monitoring",
    "monitor_new_seasons": "New seasons",
    "series_type": "Numbering",
    "minimum_availability": "Start searching",
    "library_path_id": "Library folder",
    "add_tags": "Add tags",
    "remove_tags": "Remove tags",
}


class ChangeFields(SelectedTitles, kw_only=True):
    """The selected titles and what to change. The names begin with `to_`: a list's filter has fields of the same names."""

    profile_id: str | None = form_field(default=None, name="to_profile")
    monitored: bool | None = form_field(default=None, name="to_monitored")
    monitor_new_seasons: media.NewSeasons | None = form_field(default=None, name="to_new_seasons")
    series_type: media.SeriesType | None = form_field(default=None, name="to_series_type")
    minimum_availability: media.Availability | None = form_field(default=None, name="to_availability")
    add_tags: str = form_field(default="", name="to_add_tags")
    remove_tags: str = form_field(default="", name="to_remove_tags")
    library_path_id: str | None = form_field(default=None, name="to_folder")
    files: Literal["move", "leave"] = form_field(default="move", name="to_files")
    rename: bool = form_field(default=False, name="to_rename")
    rename_folders: bool = form_field(default=False, name="to_rename_folders")

    def changes(self) -> TitleChanges:
        """Return what to change."""
        return TitleChanges(
            profile_id=self.profile_id,
            monitored=self.monitored,
            monitor_new_seasons=self.monitor_new_seasons,
            series_type=self.series_type,
            minimum_availability=self.minimum_availability,
            add_tags=settings.tags.split_names(self.add_tags),
            remove_tags=settings.tags.split_names(self.remove_tags),
            library_path_id=self.library_path_id,
            move_files=self.library_path_id is not None and self.files == "move",
            rename=self.rename,
            rename_folders=self.rename and self.rename_folders,
        )

    def hidden(self) -> dict[str, str]:
        """Return the fields that send the selection and the changes again."""
        return self.fields() | {name: value for name, value in self.values.items() if name.startswith("to_") and value}


class EditTitlesView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which changes are chosen."""

    section: Section
    titles: int
    selection: Mapping[str, str]
    values: Mapping[str, str]
    profiles: tuple[tuple[str, str], ...]
    folders: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]


class PreviewView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog that shows what would change."""

    section: Section
    preview: library.edits.Preview
    fields: Mapping[str, str]
    lines: tuple[tuple[str, str, int], ...]
    """(field, new value, titles that get it)."""
    folder: str
    conflicts: tuple[library.moving.MoveLine, ...]

    @property
    def changing(self) -> bool:
        """Whether anything would change."""
        moving = self.preview.move.files if self.preview.move else 0
        return bool(any(number for _, _, number in self.lines) or moving or self.preview.renames)


_PATHS = ("/movies/bulk", "/shows/bulk")


@post([f"{path}/edit" for path in _PATHS], sync_to_thread=True, status_code=200, include_in_schema=False)
def ask_edit(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ChangeFields]
) -> Response[str]:
    """Ask what to change in the selected titles."""
    section, chosen = section_of(request), form.draft()
    with database.reads() as session:
        view = _edit_view(session, caller, section, chosen)
    return dialog(request, "library/_edit_many.html", view, **_surroundings(section))


def _surroundings(section: Section) -> dict[str, Any]:
    return {"title": f"Edit {section.title.lower()}", "active": section.id, "back": section.path}


def _edit_view(session: Session, caller: Caller, section: Section, chosen: ChangeFields) -> EditTitlesView:
    suits = ("mixed", "movies" if section.type == MediaType.MOVIE else "series")
    paths = settings.library_paths.list_library_paths(session, caller)
    return EditTitlesView(
        section=section,
        titles=library.edits.count_titles(session, caller, chosen_ids(session, caller, chosen, section.type)),
        selection=chosen.fields(),
        values=chosen.values,
        profiles=tuple((one.id, one.name) for one in settings.profiles.list_profiles(session, caller)),
        folders=tuple((path.id, path.path) for path in paths if path.type in suits),
        tags=tuple(tag.name for tag in media.tags.list_tags(session, caller)),
    )


@post([f"{path}/preview" for path in _PATHS], sync_to_thread=True, status_code=200, include_in_schema=False)
def preview_edit(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[ChangeFields]
) -> Response[str]:
    """Show what the changes would do; nothing is changed."""
    section = section_of(request)
    try:
        wanted = form.read()
        changes = wanted.changes()
        with database.reads() as session:
            ids = chosen_ids(session, caller, wanted, section.type)
        told = library.edits.preview(database, outside, caller, section.type, ids, changes)
    except Invalid as error:
        with database.reads() as session:
            view = _edit_view(session, caller, section, form.draft())
        return invalid_form(request, "library/_edit_many.html", view, error, **_surroundings(section))
    with database.reads() as session:
        names = _names(session, caller, changes)
    preview = PreviewView(
        section=section,
        preview=told,
        fields=wanted.hidden(),
        lines=tuple((_LABELS[one.name], names[one.name], one.titles) for one in told.fields),
        folder=names.get("library_path_id", ""),
        conflicts=tuple(line for line in told.move.lines if line.objection) if told.move else (),
    )
    return dialog(request, "library/_edit_preview.html", preview, **_surroundings(section))


def _names(session: Session, caller: Caller, changes: TitleChanges) -> dict[str, str]:
    """Return the new values as people read them."""
    told: dict[str, str] = {}
    if changes.profile_id:
        told["profile_id"] = settings.profiles.get_profile(session, caller, changes.profile_id).name
    if changes.library_path_id:
        told["library_path_id"] = settings.library_paths.get_library_path(session, caller, changes.library_path_id).path
    if changes.monitored is not None:
        told["monitored"] = _SAVED_WITH[changes.monitored]
    if changes.monitor_new_seasons:
        told["monitor_new_seasons"] = NEW_SEASONS[changes.monitor_new_seasons]
    if changes.series_type:
        told["series_type"] = NUMBERING[changes.series_type]
    if changes.minimum_availability:
        told["minimum_availability"] = AVAILABILITY[changes.minimum_availability]
    return told | {"add_tags": ", ".join(changes.add_tags), "remove_tags": ", ".join(changes.remove_tags)}


@post([f"{path}/apply" for path in _PATHS], sync_to_thread=True, status_code=200, include_in_schema=False)
def apply_edit(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[ChangeFields]
) -> Response[str]:
    """Start the job that makes the changes, and show its progress."""
    section, wanted = section_of(request), form.read()
    with database.writes() as session:
        ids = chosen_ids(session, caller, wanted, section.type)
        edit = library.edits.request_edit(session, caller, clock.now(), section.type, ids, wanted.changes())
    return redirect(request, f"/edits/{edit.id}")


_WORDS = {
    EditState.WAITING: ("Waiting", "off", "clock"),
    EditState.RUNNING: ("Running", "live", "refresh-cw"),
    EditState.DONE: ("Done", "ok", "check"),
    EditState.STOPPED: ("Stopped", "miss", "circle-pause"),
    EditState.UNDOING: ("Undoing", "live", "rotate-ccw"),
    EditState.UNDONE: ("Undone", "off", "rotate-ccw"),
}
_LINE_WORDS = {
    LineState.WAITING: ("Waiting", "off", "clock"),
    LineState.CHANGED: ("Running", "live", "refresh-cw"),
    LineState.DONE: ("Changed", "ok", "check"),
    LineState.FAILED: ("Incomplete", "fail", "triangle-alert"),
    LineState.UNDONE: ("Restored", "off", "rotate-ccw"),
    LineState.KEPT: ("Not restored", "fail", "triangle-alert"),
}


class EditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One title of an edit."""

    href: str
    title: str
    word: str
    tone: str
    icon: str
    problem: str


class EditPage(msgspec.Struct, frozen=True, kw_only=True):
    """An edit: what it changes, how far it is, and its titles."""

    id: str
    section: Section
    heading: str
    changes: tuple[tuple[str, str], ...]
    word: str
    tone: str
    icon: str
    at: datetime
    titles: int
    done: int
    failed: int
    running: bool
    can_stop: bool
    can_undo: bool

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return 100 * self.done // max(self.titles, 1)


def edit_page(session: Session, caller: Caller, edit_id: str) -> EditPage:
    """Return an edit without its titles."""
    edit = library.edits.get_edit(session, caller, edit_id)
    changes = TitleChanges.from_json(edit.changes)
    progress = library.edits.progress_of(session, caller, edit_id)
    undoing = edit.state in (EditState.UNDOING, EditState.UNDONE)
    ends = (LineState.UNDONE, LineState.KEPT) if undoing else (LineState.DONE, LineState.FAILED)
    section = next(one for one in SECTIONS.values() if one.type == edit.media_type)
    word, tone, icon = _WORDS[edit.state]
    return EditPage(
        id=edit.id,
        section=section,
        heading=f"Edit of {plural(edit.titles, section.noun)}",
        changes=_told(session, caller, changes),
        word=word,
        tone=tone,
        icon=icon,
        at=edit.created_at,
        titles=edit.titles,
        done=progress.of(*ends),
        failed=progress.of(LineState.FAILED, LineState.KEPT),
        running=edit.state in (EditState.WAITING, EditState.RUNNING, EditState.UNDOING),
        can_stop=edit.state in (EditState.WAITING, EditState.RUNNING),
        can_undo=edit.state in (EditState.DONE, EditState.STOPPED),
    )


def _told(session: Session, caller: Caller, changes: TitleChanges) -> tuple[tuple[str, str], ...]:
    try:
        names = _names(session, caller, changes)
    except MydiaError:
        # The profile or the folder was deleted since.
        names = {"add_tags": ", ".join(changes.add_tags), "remove_tags": ", ".join(changes.remove_tags)}
    told = [(_LABELS[name], value) for name, value in names.items() if value]
    if changes.library_path_id:
        told.append(("Files", "Move to the new folder" if changes.move_files else "Stay where they are"))
    if changes.rename:
        told.append(("Names", "Files and folders" if changes.rename_folders else "Files"))
    return tuple(told)


class EditsView(msgspec.Struct, frozen=True):
    """The list of bulk edits."""

    edits: tuple[EditPage, ...]
    queued: int
    """Downloads in the queue."""

    @property
    def running(self) -> bool:
        """Whether an edit is under way."""
        return any(edit.running for edit in self.edits)


@get("/edits", sync_to_thread=True, include_in_schema=False)
def show_edits(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """List the bulk edits of the last weeks, newest first."""
    with database.reads() as session:
        edits = tuple(edit_page(session, caller, edit.id) for edit in library.edits.list_edits(session, caller))
        queued = len(downloads.queue.list_queue(session, caller))
    return page(request, "library/edits.html", EditsView(edits, queued), active="activity")


@get("/edits/{edit_id:str}", sync_to_thread=True, include_in_schema=False)
def show_edit_page(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, edit_id: FromPath[str], after: FromQuery[int] = -1
) -> Response[str]:
    """Show how far an edit is, and what came of each title."""
    with database.reads() as session:
        view = edit_page(session, caller, edit_id)
        lines = library.edits.lines_of(session, caller, edit_id, after=after)
    shown = tuple(
        EditLine(
            href=f"{view.section.path}/{line.media_item_id}",
            title=title,
            word=(told := _LINE_WORDS[line.state])[0],
            tone=told[1],
            icon=told[2],
            problem=line.problem or "",
        )
        for line, title in lines
    )
    full = len(lines) == library.edits.LINES_AT_ONCE
    more = f"/edits/{edit_id}{query({'after': lines[-1][0].position})}" if full else None
    names: dict[str, Any] = {"lines": shown, "more": more}
    if after >= 0 and is_htmx(request):
        return fragment(request, "library/_edit_lines.html", view, **names)
    return page(request, "library/edit_page.html", view, active=view.section.id, topics=[f"edit:{edit_id}"], more=names)


@post("/edits/{edit_id:str}/{action:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_edit(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, edit_id: FromPath[str], action: FromPath[str]
) -> Response[str]:
    """Stop an edit, or undo it."""
    with database.writes() as session:
        library.edits.get_edit(session, caller, edit_id)
        match action:
            case "stop":
                library.edits.stop(session, caller, clock.now(), edit_id)
                toast = Toast("Stopped", "What was changed so far stays until you undo it.")
            case "undo":
                library.edits.request_undo(session, caller, edit_id)
                toast = Toast("Undoing", "Titles get their earlier values and files move back.", tone="live")
            case _:
                raise Invalid("An edit can be stopped or undone.")
    return redirect(request, f"/edits/{edit_id}", toast=toast)


ROUTES: tuple[Any, ...] = (ask_edit, preview_edit, apply_edit, show_edits, show_edit_page, change_edit)

"""`/api/v1/title-edits`: one change to many titles, as a job with preview and undo."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import library, media
from mydia.contexts.users import Caller
from mydia.vocabulary import MediaType
from mydia.web.api.schemas import AtLeastOne, Struct, Tag, contradictions
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep

EditState = library.edits.EditState
LineState = library.edits.LineState
TitleChanges = library.edits.TitleChanges

type _Ids = Annotated[list[str], Meta(min_length=1, max_length=20_000)]


class NewEdit(AtLeastOne):
    """The titles to change and what to change in them; null leaves a value as it is."""

    groups = (
        ("profile_id",),
        ("monitored",),
        ("monitor_new_seasons",),
        ("series_type",),
        ("minimum_availability",),
        ("add_tags",),
        ("remove_tags",),
        ("library_path_id",),
        ("rename",),
    )

    type: MediaType
    media_ids: _Ids
    profile_id: str | None = None
    monitored: bool | None = None
    monitor_new_seasons: media.NewSeasons | None = None
    series_type: media.SeriesType | None = None
    minimum_availability: media.Availability | None = None
    add_tags: list[Tag] = []
    remove_tags: list[Tag] = []
    library_path_id: str | None = None
    move_files: bool = False
    """Whether the files move to the new library folder."""
    rename: bool = False
    """Whether files are renamed by the naming templates."""
    rename_folders: bool = False

    def changes(self) -> TitleChanges:
        """Return what to change."""
        return TitleChanges(
            profile_id=self.profile_id,
            monitored=self.monitored,
            monitor_new_seasons=self.monitor_new_seasons,
            series_type=self.series_type,
            minimum_availability=self.minimum_availability,
            add_tags=tuple(self.add_tags),
            remove_tags=tuple(self.remove_tags),
            library_path_id=self.library_path_id,
            move_files=self.move_files,
            rename=self.rename,
            rename_folders=self.rename_folders,
        )


class MoveShape(Struct):
    """The files that would move."""

    files: int
    size_bytes: int
    copied_bytes: int
    """To another disk."""
    free_bytes: int | None
    conflicts: list[str]
    """Sentences about files that cannot move, among the first 200."""


class EditPreview(Struct):
    """What an edit would do."""

    titles: int
    fields: dict[str, int]
    """Field -> titles that get another value."""
    move: MoveShape | None
    renames: int
    """New names among the first 25 titles."""


class EditShape(Struct):
    """An edit and how far it is."""

    id: str
    type: MediaType
    state: EditState
    titles: int
    by_state: dict[LineState, int]
    changes: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None


class EditLineShape(Struct):
    """What an edit did to a title."""

    media_id: str
    title: str
    position: int
    state: LineState
    problem: str | None


@post("/title-edits/preview", sync_to_thread=True, status_code=200, summary="Preview a bulk edit")
def preview_edit(database: DatabaseDep, outside: OutsideDep, caller: CallerDep, data: JSONBody[NewEdit]) -> EditPreview:
    """Say what an edit would do; nothing is changed. 409 if a change does not suit the titles."""
    with contradictions():
        told = library.edits.preview(database, outside, caller, data.type, data.media_ids, data.changes())
    return EditPreview(
        titles=told.titles,
        fields={one.name: one.titles for one in told.fields},
        move=_move(told.move) if told.move else None,
        renames=len(told.renames),
    )


@post("/title-edits", sync_to_thread=True, status_code=202, summary="Edit many titles")
def request_edit(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewEdit]) -> EditShape:
    """Have titles changed by a job. 409 if a change does not suit them."""
    with contradictions(), database.writes() as session:
        edit = library.edits.request_edit(session, caller, clock.now(), data.type, data.media_ids, data.changes())
        return _shape(session, caller, edit)


@get("/title-edits", sync_to_thread=True, summary="List bulk edits")
def list_edits(database: DatabaseDep, caller: CallerDep) -> list[EditShape]:
    """Return the newest twenty edits."""
    with database.reads() as session:
        return [_shape(session, caller, edit) for edit in library.edits.list_edits(session, caller)]


@get("/title-edits/{edit_id:str}", sync_to_thread=True, summary="Get a bulk edit")
def get_edit(database: DatabaseDep, caller: CallerDep, edit_id: FromPath[str]) -> EditShape:
    """Return an edit and how far it is."""
    with database.reads() as session:
        return _shape(session, caller, library.edits.get_edit(session, caller, edit_id))


@get("/title-edits/{edit_id:str}/titles", sync_to_thread=True, summary="List the titles of a bulk edit")
def list_titles(
    database: DatabaseDep,
    caller: CallerDep,
    edit_id: FromPath[str],
    after: Annotated[int, QueryParameter(ge=-1, le=2**31 - 1)] = -1,
) -> list[EditLineShape]:
    """Return up to 100 titles after a position, and what was done to each."""
    with database.reads() as session:
        library.edits.get_edit(session, caller, edit_id)
        found = library.edits.lines_of(session, caller, edit_id, after=after)
    return [
        EditLineShape(
            media_id=line.media_item_id, title=title, position=line.position, state=line.state, problem=line.problem
        )
        for line, title in found
    ]


@post("/title-edits/{edit_id:str}/undo", sync_to_thread=True, status_code=202, summary="Undo a bulk edit")
def undo_edit(database: DatabaseDep, caller: CallerDep, edit_id: FromPath[str]) -> EditShape:
    """Have a finished or stopped edit undone by a job. 409 while it runs."""
    with database.writes() as session:
        return _shape(session, caller, library.edits.request_undo(session, caller, edit_id))


@post("/title-edits/{edit_id:str}/stop", sync_to_thread=True, status_code=200, summary="Stop a bulk edit")
def stop_edit(database: DatabaseDep, caller: CallerDep, edit_id: FromPath[str]) -> EditShape:
    """Stop an edit before its next title."""
    with database.writes() as session:
        return _shape(session, caller, library.edits.stop(session, caller, clock.now(), edit_id))


def _shape(session: Session, caller: Caller, edit: library.edits.TitleEdit) -> EditShape:
    return EditShape(
        id=edit.id,
        type=edit.media_type,
        state=edit.state,
        titles=edit.titles,
        by_state=library.edits.progress_of(session, caller, edit.id).by_state,
        changes=dict(edit.changes),
        created_at=edit.created_at,
        finished_at=edit.finished_at,
    )


def _move(told: library.moving.MovePreview) -> MoveShape:
    return MoveShape(
        files=told.files,
        size_bytes=told.moving_bytes,
        copied_bytes=told.size_bytes,
        free_bytes=told.free_bytes,
        conflicts=[line.objection for line in told.lines if line.objection],
    )


ROUTES: tuple[Any, ...] = (preview_edit, request_edit, list_edits, get_edit, list_titles, undo_edit, stop_edit)

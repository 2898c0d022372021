"""Bulk edits: one change to many titles, previewed, carried out by a job title by title, and undone the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings, users
from mydia.contexts.library import moving, renaming
from mydia.contexts.library.models import EditState, LineState, TitleEdit, TitleEditLine
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, NotFound
from mydia.events import TitleEditRequested, emit
from mydia.runs import Run
from mydia.vocabulary import MediaType

__all__ = [
    "LINES_AT_ONCE",
    "EditState",
    "FieldPreview",
    "LineState",
    "Preview",
    "Progress",
    "TitleChanges",
    "TitleEdit",
    "carry_on",
    "count_titles",
    "find_unfinished",
    "get_edit",
    "lines_of",
    "list_edits",
    "preview",
    "progress_of",
    "prune_edits",
    "request_edit",
    "request_undo",
    "stop",
]

MOST_TITLES = 20_000
PREVIEWED_RENAMES = 25
"""Titles whose new file names a preview shows: each costs several reads."""
_READ_AT_ONCE = 500
LINES_AT_ONCE = 100
_KEPT_FOR = timedelta(days=30)
"""As long as the journal keeps the steps that an undo needs."""
_WAITED_FOR = timedelta(minutes=5)


class TitleChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change in every selected title; None, empty or False leaves it as it is."""

    profile_id: str | None = None
    monitored: bool | None = None
    monitor_new_seasons: media.NewSeasons | None = None
    series_type: media.SeriesType | None = None
    minimum_availability: media.Availability | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    library_path_id: str | None = None
    move_files: bool = False
    """Whether the files move to the new library folder. Otherwise they stay where they are."""
    rename: bool = False
    """Whether files get the names that the naming templates give."""
    rename_folders: bool = False
    """Whether the titles' folders are renamed too."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set."""
        return {
            name: value for name, value in asdict(self).items() if value or (name == "monitored" and value is not None)
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> TitleChanges:
        """Read what `to_json` wrote."""
        lists = {name: tuple(stored.get(name, ())) for name in ("add_tags", "remove_tags")}
        enums = {name: kind(stored[name]) for name, kind in _ENUMS.items() if stored.get(name)}
        return cls(**{**stored, **lists, **enums})

    @property
    def values(self) -> dict[str, Any]:
        """The values of columns that change, by the names of `media.change_item`."""
        return {name: value for name in _COLUMNS if (value := getattr(self, name)) is not None}


_ENUMS: dict[str, Callable[[str], Any]] = {
    "monitor_new_seasons": media.NewSeasons,
    "series_type": media.SeriesType,
    "minimum_availability": media.Availability,
}
_COLUMNS = (
    "profile_id",
    "monitored",
    "monitor_new_seasons",
    "series_type",
    "minimum_availability",
    "library_path_id",
)
_ONLY_FOR = {
    "monitor_new_seasons": MediaType.TV_SHOW,
    "series_type": MediaType.TV_SHOW,
    "minimum_availability": MediaType.MOVIE,
}


class FieldPreview(msgspec.Struct, frozen=True):
    """One field and how many titles get another value."""

    name: str
    """Of `TitleChanges`."""
    titles: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit would do; nothing is changed yet."""

    titles: int
    fields: tuple[FieldPreview, ...]
    move: moving.MovePreview | None
    """None if no files move."""
    renames: tuple[renaming.RenameLine, ...]
    """Of the first titles, with the present library folder."""
    renames_of: int
    """How many titles `renames` covers."""


def preview(
    database: Database, outside: Outside, caller: Caller, type_: MediaType, ids: Sequence[str], changes: TitleChanges
) -> Preview:
    """Say what an edit would do.

    Raises:
        Invalid: Nothing is selected or nothing would change, or a value does not suit the titles.
        NotFound: The profile or library folder does not exist.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        _check(session, caller, type_, ids, changes)
        present = _present(session, ids)
        differing = {
            name: [id_ for id_, row in present.items() if row[name] != value] for name, value in changes.values.items()
        }
        tagged = media.tags.tags_of(session, caller, list(present)) if changes.add_tags or changes.remove_tags else {}
        some = list(present)[:PREVIEWED_RENAMES] if changes.rename else []
        renames = renaming.rename_preview(session, outside, caller, some, folders=changes.rename_folders)
    fields = [FieldPreview(name, len(found)) for name, found in differing.items()]
    for name, names, missing in (("add_tags", changes.add_tags, True), ("remove_tags", changes.remove_tags, False)):
        if names:
            fields.append(
                FieldPreview(name, sum(1 for held in tagged.values() if _tags_differ(held, names, missing=missing)))
            )
    moves = None
    if changes.library_path_id and changes.move_files:
        moves = moving.move_preview(database, outside, caller, list(present), changes.library_path_id)
    return Preview(
        titles=len(present),
        fields=tuple(fields),
        move=moves,
        renames=tuple(line for line in renames if line.changes),
        renames_of=len(some),
    )


def count_titles(session: Session, caller: Caller, ids: Sequence[str]) -> int:
    """Return how many of these titles exist and can be edited."""
    caller.require(Permission.MANAGE_MEDIA)
    return len(_present(session, ids))


def _tags_differ(held: Sequence[str], names: Sequence[str], *, missing: bool) -> bool:
    known = {name.casefold() for name in held}
    return any((name.casefold() in known) is not missing for name in names)


def _present(session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the present values of titles by id, in the order of the ids, without those that were removed."""
    found: dict[str, dict[str, Any]] = {}
    columns = [getattr(media.MediaItem, name) for name in _COLUMNS if name != "profile_id"]
    for part in batched(ids, _READ_AT_ONCE, strict=False):
        rows = session.execute(
            select(media.MediaItem.id, media.Version.profile_id, *columns)
            .join(media.Version, (media.Version.media_item_id == media.MediaItem.id) & (media.Version.position == 0))
            .where(media.MediaItem.id.in_(part))
        )
        found |= {row.id: dict(row._mapping) for row in rows}  # noqa: SLF001  SQLAlchemy's public name for it
    return {id_: found[id_] for id_ in ids if id_ in found}


def _check(session: Session, caller: Caller, type_: MediaType, ids: Sequence[str], changes: TitleChanges) -> None:
    if not ids:
        raise Invalid("Nothing is selected.")
    if len(ids) > MOST_TITLES:
        raise Invalid(f"Edit at most {MOST_TITLES:,} titles at once.")
    if not changes.values and not (changes.add_tags or changes.remove_tags or changes.rename):
        raise Invalid("Choose at least one change.")
    for name, suits in _ONLY_FOR.items():
        if getattr(changes, name) is not None and suits != type_:
            raise Invalid("This change does not suit the selected titles.", fields={name: "Not for these titles."})
    if changes.profile_id is not None:
        settings.profiles.get_profile(session, caller, changes.profile_id)
    if changes.library_path_id is not None:
        path = settings.library_paths.get_library_path(session, caller, changes.library_path_id)
        if path.type not in ("mixed", "movies" if type_ == MediaType.MOVIE else "series"):
            raise Invalid(
                f"{path.path} is for {path.type}. Choose another folder.",
                fields={"library_path_id": "This folder is for other titles."},
            )


def request_edit(
    session: Session, caller: Caller, now: datetime, type_: MediaType, ids: Sequence[str], changes: TitleChanges
) -> TitleEdit:
    """Have titles changed by a job, on behalf of the caller.

    Raises:
        Invalid, NotFound: As for `preview`.

    Emits: TitleEditRequested.
    """
    caller.require(Permission.MANAGE_MEDIA)
    _check(session, caller, type_, ids, changes)
    if changes.add_tags:
        settings.tags.ensure_tags(session, caller, changes.add_tags)
    present = list(_present(session, ids))
    if not present:
        raise NotFound("These titles are no longer in the library.")
    edit = TitleEdit(
        media_type=type_,
        changes=changes.to_json(),
        titles=len(present),
        requested_by=caller.id,
        created_at=now,
    )
    session.add(edit)
    session.flush()
    session.add_all(
        TitleEditLine(edit_id=edit.id, media_item_id=id_, position=place) for place, id_ in enumerate(present)
    )
    emit(session, caller, TitleEditRequested(edit.id), at=now)
    return edit


def request_undo(session: Session, caller: Caller, edit_id: str) -> TitleEdit:
    """Have a finished or stopped edit undone by a job.

    Raises:
        Conflict: It is still running, or was undone already.

    Emits: TitleEditRequested.
    """
    edit = get_edit(session, caller, edit_id)
    if edit.state not in (EditState.DONE, EditState.STOPPED):
        raise Conflict("Only a finished edit can be undone.")
    edit.state, edit.finished_at = EditState.UNDOING, None
    emit(session, caller, TitleEditRequested(edit.id))
    return edit


def stop(session: Session, caller: Caller, now: datetime, edit_id: str) -> TitleEdit:
    """Stop an edit before its next title; what was changed stays until it is undone. Raises: Conflict."""
    edit = get_edit(session, caller, edit_id)
    if edit.state not in (EditState.WAITING, EditState.RUNNING):
        raise Conflict("This edit is not running.")
    edit.state, edit.finished_at = EditState.STOPPED, now
    return edit


def get_edit(session: Session, caller: Caller, edit_id: str) -> TitleEdit:
    """Return an edit. Raises: NotFound."""
    caller.require(Permission.MANAGE_MEDIA)
    return get(session, TitleEdit, edit_id, what="This edit")


def list_edits(session: Session, caller: Caller, *, limit: int = 20) -> list[TitleEdit]:
    """Return the newest edits first."""
    caller.require(Permission.MANAGE_MEDIA)
    return list(session.scalars(select(TitleEdit).order_by(TitleEdit.id.desc()).limit(limit)))


class Progress(msgspec.Struct, frozen=True):
    """How many titles of an edit are in which state."""

    by_state: dict[LineState, int]

    @property
    def open(self) -> int:
        """Titles that are still to be changed."""
        return self.by_state.get(LineState.WAITING, 0) + self.by_state.get(LineState.CHANGED, 0)

    def of(self, *states: LineState) -> int:
        """Return how many are in one of these states."""
        return sum(self.by_state.get(state, 0) for state in states)


def progress_of(session: Session, caller: Caller, edit_id: str) -> Progress:
    """Return how far an edit is."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.execute(
        select(TitleEditLine.state, func.count()).where(TitleEditLine.edit_id == edit_id).group_by(TitleEditLine.state)
    )
    return Progress({state: number for state, number in rows})  # noqa: C416  rows are not pairs to dict()


def lines_of(
    session: Session, caller: Caller, edit_id: str, *, after: int = -1, limit: int = LINES_AT_ONCE
) -> list[tuple[TitleEditLine, str]]:
    """Return the titles of an edit with their names, by position; those that still wait come without detail too."""
    caller.require(Permission.MANAGE_MEDIA)
    rows = session.execute(
        select(TitleEditLine, media.MediaItem.title)
        .join(media.MediaItem, media.MediaItem.id == TitleEditLine.media_item_id)
        .where(TitleEditLine.edit_id == edit_id, TitleEditLine.position > after)
        .order_by(TitleEditLine.position)
        .limit(limit)
    )
    return [(line, title) for line, title in rows]


def find_unfinished(session: Session, now: datetime) -> list[str]:
    """Return the edits that should be running: their job may have been lost, or have died with its worker too often."""
    old = now - _WAITED_FOR
    states = (EditState.WAITING, EditState.RUNNING, EditState.UNDOING)
    return list(session.scalars(select(TitleEdit.id).where(TitleEdit.state.in_(states), TitleEdit.created_at < old)))


def prune_edits(session: Session, now: datetime) -> None:
    """Delete edits that can no longer be undone."""
    for edit in session.scalars(select(TitleEdit).where(TitleEdit.finished_at < now - _KEPT_FOR)):
        session.delete(edit)


def carry_on(database: Database, outside: Outside, now: Callable[[], datetime], edit_id: str, run: Run) -> str:
    """Apply or undo what is left of an edit, a title at a time; an interrupted run continues.

    Returns:
        A sentence for the task board.
    """
    with database.reads() as session:
        edit = session.get(TitleEdit, edit_id)
        if edit is None or edit.state not in (EditState.WAITING, EditState.RUNNING, EditState.UNDOING):
            return "nothing to do"
        caller = users.caller_of(users.get_user(session, SYSTEM, edit.requested_by)) if edit.requested_by else SYSTEM
    undoing = edit.state == EditState.UNDOING
    work = _Work(
        database=database, outside=outside, caller=caller, now=now, changes=TitleChanges.from_json(edit.changes)
    )
    if not undoing:
        _set_state(database, edit_id, EditState.RUNNING)
    pending = _TO_UNDO if undoing else _TO_DO
    done = 0
    while lines := _next(database, edit_id, pending):
        for line in lines:
            if run.cancelled() or not _goes_on(database, edit_id):
                return f"stopped after {done} titles"
            run.progress(done, edit.titles)
            (work.undo if undoing else work.apply)(line)
            done += 1
    _set_state(database, edit_id, EditState.UNDONE if undoing else EditState.DONE, at=now())
    return f"{done} titles {'restored' if undoing else 'changed'}"


_TO_DO = (LineState.WAITING, LineState.CHANGED)
_TO_UNDO = (LineState.CHANGED, LineState.DONE, LineState.FAILED)


def _next(database: Database, edit_id: str, states: Sequence[LineState]) -> list[TitleEditLine]:
    with database.reads() as session:
        return list(
            session.scalars(
                select(TitleEditLine)
                .where(TitleEditLine.edit_id == edit_id, TitleEditLine.state.in_(states))
                .order_by(TitleEditLine.position)
                .limit(LINES_AT_ONCE)
            )
        )


def _goes_on(database: Database, edit_id: str) -> bool:
    with database.reads() as session:
        state = session.scalar(select(TitleEdit.state).where(TitleEdit.id == edit_id))
    return state in (EditState.RUNNING, EditState.UNDOING)


def _set_state(database: Database, edit_id: str, state: EditState, *, at: datetime | None = None) -> None:
    with database.writes() as session:
        session.execute(update(TitleEdit).where(TitleEdit.id == edit_id).values(state=state, finished_at=at))


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """Applies an edit to one title, or undoes it."""

    database: Database
    outside: Outside
    caller: Caller
    now: Callable[[], datetime]
    changes: TitleChanges

    def apply(self, line: TitleEditLine) -> None:
        """Change the values, then move and rename the files; the line says what failed."""
        try:
            if line.state == LineState.WAITING:
                self._change(line)
            problems = [*self._move(line), *self._rename(line)]
        except MydiaError as error:
            problems = [error.message]
        self._write(line, LineState.FAILED if problems else LineState.DONE, problems)

    def _change(self, line: TitleEditLine) -> None:
        with self.database.writes() as session:
            before = _present(session, [line.media_item_id]).get(line.media_item_id)
            if before is None:
                raise NotFound("This title is no longer in the library.")
            old = {name: before[name] for name, value in self.changes.values.items() if before[name] != value}
            self._set(session, line.media_item_id, {name: self.changes.values[name] for name in old})
            if self.changes.add_tags or self.changes.remove_tags:
                held = media.tags.tags_of(session, self.caller, [line.media_item_id])[line.media_item_id]
                media.tags.change_tags(
                    session, self.caller, self.now(), line.media_item_id,
                    add=self.changes.add_tags, remove=self.changes.remove_tags,
                )  # fmt: skip
                old["tags"] = list(held)
            _store(session, line, state=LineState.CHANGED, before=old)

    def _set(self, session: Session, item_id: str, values: dict[str, Any]) -> None:
        if "monitored" in values:
            media.monitoring.change_monitoring(session, self.caller, self.now(), item_id, values["monitored"])
        if others := {name: value for name, value in values.items() if name != "monitored"}:
            media.change_item(session, self.caller, self.now(), item_id, others)

    def _move(self, line: TitleEditLine) -> tuple[str, ...]:
        if not (self.changes.library_path_id and self.changes.move_files):
            return ()
        batch_id = self._announce(line, "move")
        moved = moving.move_files(
            self.database, self.outside, self.caller, self.now(), line.media_item_id, batch_id=batch_id
        )
        return moved.failures

    def _rename(self, line: TitleEditLine) -> tuple[str, ...]:
        if not self.changes.rename:
            return ()
        batch_id = self._announce(line, "rename")
        renamed = renaming.rename(
            self.database, self.outside, self.caller, self.now(), [line.media_item_id],
            folders=self.changes.rename_folders, batch_id=batch_id,
        )  # fmt: skip
        return renamed.failures

    def _announce(self, line: TitleEditLine, kind: str) -> str:
        """Note a batch of file operations before it begins, so that an undo finds it after a crash."""
        batch_id = clock.new_id()
        with self.database.writes() as session:
            _store(session, line, batches=[*line.batches, [kind, batch_id]])
        return batch_id

    def undo(self, line: TitleEditLine) -> None:
        """Undo the file operations, last first, then restore the values that nobody has changed since."""
        problems: list[str] = []
        for kind, batch_id in reversed(line.batches):
            undone = moving.undo_move if kind == "move" else renaming.undo_rename
            try:
                problems += undone(self.database, self.outside, self.caller, self.now(), batch_id)
            except NotFound:
                continue  # nothing was moved or renamed
            except MydiaError as error:
                problems.append(error.message)
        try:
            self._restore(line)
        except MydiaError as error:
            problems.append(error.message)
        self._write(line, LineState.KEPT if problems else LineState.UNDONE, problems)

    def _restore(self, line: TitleEditLine) -> None:
        old = dict(line.before)
        tags = old.pop("tags", None)
        with self.database.writes() as session:
            present = _present(session, [line.media_item_id]).get(line.media_item_id)
            if present is None:
                return
            given = self.changes.values
            self._set(
                session,
                line.media_item_id,
                {name: value for name, value in old.items() if present[name] == given[name]},
            )
            if tags is not None:
                had = {name.casefold() for name in tags}
                media.tags.change_tags(
                    session,
                    self.caller,
                    self.now(),
                    line.media_item_id,
                    add=[
                        name for name in tags if name.casefold() in {one.casefold() for one in self.changes.remove_tags}
                    ],
                    remove=[name for name in self.changes.add_tags if name.casefold() not in had],
                )

    def _write(self, line: TitleEditLine, state: LineState, problems: Sequence[str]) -> None:
        with self.database.writes() as session:
            _store(session, line, state=state, problem=" ".join(problems[:3]) or None)


def _store(session: Session, line: TitleEditLine, **values: Any) -> None:
    """Write to a line, and to the value in memory, which belongs to an earlier session."""
    session.execute(
        update(TitleEditLine)
        .where(TitleEditLine.edit_id == line.edit_id, TitleEditLine.media_item_id == line.media_item_id)
        .values(**values)
    )
    for name, value in values.items():
        setattr(line, name, value)

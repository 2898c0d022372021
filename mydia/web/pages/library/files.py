"""The files of a title: details, corrections, removal, analysis and undo."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import library, media, settings
from mydia.contexts.users import Caller, Permission
from mydia.errors import Forbidden, Invalid, MydiaError, NotFound
from mydia.languages import language_code, language_names
from mydia.parsing import Quality
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import message
from mydia.web.pages.library.episodes import EpisodeSelection, chosen_episodes
from mydia.web.render import Toast, dialog, fragment, invalid_form, is_htmx, nothing, plural, query, redirect

_NAMED = 5
"""Files that a dialog names; the rest is counted."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
"""A language code: `en`, `pt-BR`, `yue`."""


class FileSelection(EpisodeSelection, kw_only=True):
    """Selected files, all files of a title but some, or the files of selected episodes."""

    of: Literal["files", "episodes"] = "files"


class RemoveFields(FileSelection, kw_only=True):
    """The files to remove, and what happens then."""

    how: Literal["recycle", "delete"] = "recycle"
    afterwards: Literal["unmonitor", "search"] | None = None
    """None takes the setting."""


class EditFields(FileSelection, kw_only=True):
    """What to correct of files. Of several files an empty field leaves every one as it is."""

    quality: str = ""
    languages: str = ""
    release_group: str | UnsetType = UNSET
    edition: str | UnsetType = UNSET
    episodes: str | UnsetType = UNSET


class UndoFields(Struct, kw_only=True):
    """The batch of file operations to undo."""

    batch: Annotated[str, message("Nothing to undo.")]
    rename: bool = False


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the table of files."""

    file: library.files.FileView
    name: str
    folder: str
    episodes: str
    """`S01E02, S01E03`; empty for a film."""
    languages: str


class Rows(msgspec.Struct, frozen=True):
    """A part of the table of files, and the address of the next one."""

    files: tuple[FileRow, ...]
    more: str | None


class FileDialog(msgspec.Struct, frozen=True, kw_only=True):
    """One file in full."""

    item: media.MediaItem
    row: FileRow
    formats: Mapping[str, tuple[tuple[str, int], ...]]
    """File -> (custom format, score)."""
    can_manage: bool


class RemoveFilesView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog that removes files."""

    item: media.MediaItem
    ids: str
    files: int
    size_bytes: int
    named: tuple[str, ...]
    searches_again: bool
    """What the setting says about titles and episodes that lose their file."""


class EditFilesView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog that corrects the facts of files."""

    item: media.MediaItem
    ids: str
    files: int
    name: str
    """Of a single file."""
    asks_episodes: bool
    qualities: tuple[tuple[str, str], ...]
    values: Mapping[str, str]


def file_rows(
    files: Sequence[library.files.FileView], episodes: Sequence[media.EpisodeRef] = ()
) -> tuple[FileRow, ...]:
    """Return files as the table shows them.

    Args:
        episodes: Of the series they belong to.
    """
    codes = {ref.id: ref.code for ref in episodes}
    return tuple(
        FileRow(
            file=file,
            name=file.shown_path.rpartition("/")[2],
            folder=file.shown_path.rpartition("/")[0],
            episodes=", ".join(codes[id_] for id_ in file.episode_ids if id_ in codes),
            languages=language_names(languages_of(file)),
        )
        for file in files
    )


def languages_of(file: library.files.FileView) -> list[str]:
    """Return a file's languages: those that are known of it, else those of its audio tracks."""
    if file.languages:
        return list(file.languages)
    return [language for language in dict.fromkeys(track.get("language") for track in file.audio_tracks) if language]


def undo_of(item_id: str, batch_id: str, *, rename: bool = False) -> str:
    """Return the address that undoes what was done to a title's files."""
    return f"/items/{item_id}/undo{query({'batch': batch_id, 'rename': 'true' if rename else ''})}"


def _around(item: media.MediaItem) -> dict[str, Any]:
    """Return the navigation entry and the link back of a dialog that is shown as a page."""
    active = "shows" if item.type == MediaType.TV_SHOW else "movies"
    return {"active": active, "back": f"/items/{item.id}?tab=files"}


def _episodes(session: Session, caller: Caller, item: media.MediaItem) -> list[media.EpisodeRef]:
    return media.episodes.episodes_of(session, caller, item.id) if item.type == MediaType.TV_SHOW else []


def rows_of(session: Session, caller: Caller, item: media.MediaItem, cursor: str | None = None) -> Rows:
    """Return a title's files for the table, a page at a time."""
    found = library.files.videos_of_item(session, caller, item.id, cursor=cursor)
    more = f"/items/{item.id}/files{query({'cursor': found.next_cursor})}" if found.next_cursor else None
    return Rows(file_rows(found.files, _episodes(session, caller, item)), more)


@get("/items/{item_id:str}/files", sync_to_thread=True, include_in_schema=False)
def show_rows(
    request: WebRequest,
    database: DatabaseDep,
    caller: CallerDep,
    item_id: FromPath[str],
    cursor: FromQuery[str] = "",
) -> Response[str]:
    """Show further rows of the table of files; without script the page begins with them."""
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        rows = rows_of(session, caller, item, cursor or None)
    names: dict[str, Any] = {
        "rows": rows,
        "item": item,
        "show": item.type == MediaType.TV_SHOW,
        "can_manage": caller.can(Permission.MANAGE_MEDIA),
    }
    if is_htmx(request):
        return fragment(request, "item/_file_rows.html", **names)
    return dialog(request, "item/_more_files.html", rows, title=f"Files of {item.title}", **_around(item), **names)


@get("/items/{item_id:str}/files/{file_id:str}", sync_to_thread=True, include_in_schema=False)
def show_file(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], file_id: FromPath[str]
) -> Response[str]:
    """Show one file with its streams, and why it belongs to this title."""
    with database.reads() as session:
        (file,) = _files(session, caller, item_id, [file_id])
        item = media.get_item(session, caller, item_id)
        (row,) = file_rows([file], _episodes(session, caller, item))
        formats = {file_id: library.scoring.scored_formats(session, caller, file_id)}
    view = FileDialog(item=item, row=row, formats=formats, can_manage=caller.can(Permission.MANAGE_MEDIA))
    return dialog(request, "item/_file.html", view, title=row.name, **_around(item))


def _files(session: Session, caller: Caller, item_id: str, ids: Sequence[str]) -> list[library.files.FileView]:
    files = library.files.files_by_id(session, caller, item_id, ids)
    if not files:
        raise NotFound("This file is not in the library.")
    return files


def chosen_files(session: Session, caller: Caller, item_id: str, chosen: FileSelection) -> list[library.files.FileView]:
    """Return the files of a selection. Raises Invalid if there are none."""
    if chosen.of == "episodes":
        episodes = chosen_episodes(session, caller, item_id, chosen) or []
        found = library.files.files_of_episodes(session, caller, episodes)
        if not found:
            raise Invalid("The selected episodes have no files.")
        return [file for file in found if file.media_item_id == item_id]
    if chosen.scope == "filter":
        every = library.files.files_of_item(session, caller, item_id, videos_only=True)
        return [file for file in every if file.id not in chosen.left_out]
    if not chosen.ids:
        raise Invalid("Nothing is selected.")
    return _files(session, caller, item_id, chosen.ids)


@get("/items/{item_id:str}/files/{file_id:str}/remove", sync_to_thread=True, include_in_schema=False)
def ask_remove(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], file_id: FromPath[str]
) -> Response[str]:
    """Ask what should happen to a file."""
    return _remove_dialog(request, database, caller, item_id, FileSelection(ids=(file_id,)))


@post("/items/{item_id:str}/files/ask-remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def ask_remove_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[FileSelection]
) -> Response[str]:
    """Ask what should happen to the selected files, or to the files of the selected episodes."""
    return _remove_dialog(request, database, caller, item_id, form.read())


def _remove_dialog(
    request: WebRequest, database: DatabaseDep, caller: Caller, item_id: str, chosen: FileSelection
) -> Response[str]:
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        files = chosen_files(session, caller, item_id, chosen)
        searches_again = settings.of(session).library.after_file_removal == "search"
    view = RemoveFilesView(
        item=item,
        ids=",".join(file.id for file in files),
        files=len(files),
        size_bytes=sum(file.size_bytes for file in files),
        named=tuple(file.shown_path for file in files[:_NAMED]),
        searches_again=searches_again,
    )
    return dialog(request, "item/_remove_files.html", view, title="Remove files", **_around(item))


@post("/items/{item_id:str}/files/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_files(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[RemoveFields],
) -> Response[str]:
    """Remove files from the library."""
    wanted = form.read()
    with database.reads() as session:
        ids = [file.id for file in chosen_files(session, caller, item_id, wanted)]
    for_good = wanted.how == "delete"
    made = library.recycle.remove_files(
        database,
        outside,
        caller,
        clock.now(),
        ids,
        for_good=for_good,
        afterwards=wanted.afterwards,
    )
    gone = len(ids) - len(made.failures)
    title = f"{plural(gone, 'file')} deleted" if for_good else f"{plural(gone, 'file')} moved to the recycle bin"
    text = made.failures[0] if made.failures else ""
    toast = Toast(title, text, tone="miss" if made.failures else "ok")
    if made.batch_id and made.recycled:
        toast = Toast(
            title,
            text,
            tone=toast.tone,
            action_label="Undo",
            action_href=undo_of(item_id, made.batch_id),
            action_posts=True,
        )
    return _done(request, item_id, toast)


@get("/items/{item_id:str}/files/{file_id:str}/edit", sync_to_thread=True, include_in_schema=False)
def ask_edit(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], file_id: FromPath[str]
) -> Response[str]:
    """Show the dialog that corrects one file."""
    return _edit_dialog(request, database, caller, item_id, FileSelection(ids=(file_id,)))


@post("/items/{item_id:str}/files/ask-edit", sync_to_thread=True, status_code=200, include_in_schema=False)
def ask_edit_many(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[FileSelection]
) -> Response[str]:
    """Show the dialog that corrects the selected files."""
    return _edit_dialog(request, database, caller, item_id, form.read())


def _edit_dialog(
    request: WebRequest,
    database: DatabaseDep,
    caller: Caller,
    item_id: str,
    chosen: FileSelection,
    *,
    sent: Mapping[str, str] | None = None,
    error: Invalid | None = None,
) -> Response[str]:
    with database.reads() as session:
        item = media.get_item(session, caller, item_id)
        files = chosen_files(session, caller, item_id, chosen)
        one = files[0] if len(files) == 1 else None
        refs = _episodes(session, caller, item) if one else []
    values = dict.fromkeys(("quality", "languages", "release_group", "edition", "episodes"), "")
    if one is not None:
        (row,) = file_rows([one], refs)
        values = {
            "quality": one.quality.name,
            "languages": language_names(one.languages),
            "release_group": one.release_group or "",
            "edition": one.edition or "",
            "episodes": row.episodes,
        }
    view = EditFilesView(
        item=item,
        ids=",".join(file.id for file in files),
        files=len(files),
        name=one.shown_path if one else "",
        asks_episodes=one is not None and item.type == MediaType.TV_SHOW,
        qualities=(
            *(() if one else (("", "Leave as it is"),)),
            *((name, name) for name in reversed(settings.qualities.QUALITY_NAMES)),
        ),
        values=values | {name: text for name, text in (sent or {}).items() if name in values},
    )
    if error is not None:
        return invalid_form(request, "item/_edit_files.html", view, error, title="Edit files", **_around(item))
    return dialog(request, "item/_edit_files.html", view, title="Edit files", **_around(item))


@post("/items/{item_id:str}/files/edit", sync_to_thread=True, status_code=200, include_in_schema=False)
def edit_files(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, item_id: FromPath[str], form: FormOf[EditFields]
) -> Response[str]:
    """Correct the facts of files: quality, languages, release group, edition, and the episodes in a file."""
    wanted = form.read()
    try:
        with database.writes() as session:
            files = chosen_files(session, caller, item_id, wanted)
            many = len(files) > 1
            library.manual.change_files(
                session,
                caller,
                clock.now(),
                [file.id for file in files],
                quality=typed_quality(wanted.quality),
                languages=typed_languages(wanted.languages, many=many),
                release_group=_text(wanted.release_group, many=many),
                edition=_text(wanted.edition, many=many),
                episode_ids=None if many else _episode_ids(session, caller, item_id, wanted.episodes),
            )
    except Invalid as error:
        return _edit_dialog(request, database, caller, item_id, wanted, sent=form.sent, error=error)
    return _done(request, item_id, Toast("Saved", f"{plural(len(files), 'file')} changed." if many else ""))


def typed_quality(name: str) -> Quality | None:
    """Return the quality with a name, None for an empty text. Raises Invalid."""
    if not name:
        return None
    try:
        return Quality.from_name(name)
    except KeyError as error:
        sentence = "Choose one of the qualities."
        raise Invalid(sentence, fields={"quality": sentence}) from error


def typed_languages(text: str, *, many: bool) -> list[str] | None:
    """Return the codes of languages that are typed by name or code, None where several files keep theirs. Raises Invalid."""
    codes: list[str] = []
    for part in filter(None, map(str.strip, text.split(","))):
        known = language_code(part)
        codes += [known] if known is not None else part.split()
    if any(not _LANGUAGE.fullmatch(code) for code in codes):
        sentence = "Enter languages such as English, German or pt-BR, separated by commas."
        raise Invalid(sentence, fields={"languages": sentence})
    return None if many and not codes else codes


def _text(text: str | UnsetType, *, many: bool) -> str | None:
    """Return the value of a field. In the dialog for several files, an empty field leaves the fact unchanged."""
    return None if text is UNSET or (many and not text) else text


def _episode_ids(session: Session, caller: Caller, item_id: str, text: str | UnsetType) -> list[str] | None:
    """Return the episodes that a text names; None if there is no such field.

    Raises:
        Invalid: It names none, or one that the series does not have.
    """
    if text is UNSET:
        return None
    known = media.episodes.episodes_by_number(session, caller, item_id)
    try:
        named = media.numbering.typed_episodes(text, list(known.values()))
    except Invalid as error:
        raise Invalid(error.message, fields={"episodes": error.message}) from error
    unknown = next((code for code in named if code not in known), None)
    if not named or unknown is not None:
        sentence = "Enter at least one episode, such as S01E02."
        if unknown is not None:
            sentence = "The series has no episode S{:02}E{:02}.".format(*unknown)
        raise Invalid(sentence, fields={"episodes": sentence})
    return [known[code].id for code in named]


@post("/items/{item_id:str}/files/analyse", sync_to_thread=True, status_code=200, include_in_schema=False)
def analyse_files(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    form: FormOf[FileSelection],
) -> Response[str]:
    """Analyse the selected files again; one that can't be read does not stop the others."""
    with database.reads() as session:
        files = chosen_files(session, caller, item_id, form.read())
    problems = []
    for file in files:
        try:
            library.analyse_file(database, outside, caller, clock.now(), file.id)
        except Forbidden:
            raise
        except MydiaError as error:
            problems.append(error.message)
    title = f"{plural(len(files) - len(problems), 'file')} re-analysed"
    return _done(request, item_id, Toast(title, problems[0] if problems else "", tone="miss" if problems else "ok"))


@post("/items/{item_id:str}/files/{file_id:str}/analyse", sync_to_thread=True, status_code=200, include_in_schema=False)
def analyse_file(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    item_id: FromPath[str],
    file_id: FromPath[str],
) -> Response[str]:
    """Analyse one file again."""
    library.analyse_file(database, outside, caller, clock.now(), file_id)
    return _done(request, item_id, Toast("File re-analysed", "The results are shown with the file."))


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
    return _done(request, item_id, Toast("Undone", problems[0] if problems else "", tone="miss" if problems else "ok"))


def _done(request: WebRequest, item_id: str, toast: Toast) -> Response[str]:
    if is_htmx(request):
        return nothing(toast=toast, trigger={"media-changed": {}, "dialog-close": {}, "selection-clear": {}})
    return redirect(request, f"/items/{item_id}?tab=files", toast=toast)


ROUTES: tuple[Any, ...] = (
    show_rows,
    show_file,
    ask_remove,
    ask_remove_many,
    remove_files,
    ask_edit,
    ask_edit_many,
    edit_files,
    analyse_files,
    analyse_file,
    undo,
)

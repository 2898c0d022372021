"""Import a folder manually: each file with its title, episodes, quality and language, editable one by one or together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia.adapters.outside import Outside
from mydia.contexts import library, media, settings
from mydia.contexts.media import MediaItem
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import Invalid, MydiaError
from mydia.languages import language_names
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, OutsideDep, WebRequest
from mydia.web.forms import message
from mydia.web.pages.library.files import typed_languages, typed_quality, undo_of
from mydia.web.render import Toast, dialog, fragment, page, query, redirect

_ROWS = 150
"""Files on the page; each has ten fields, and a form has at most 2,000."""
_EPISODES = 3_000
"""Episodes that are offered for all titles of the page together."""
MODES = (
    ("", "As the library folder is set"),
    ("hardlink", "Hard link"),
    ("reflink", "Reflink"),
    ("copy", "Copy"),
    ("move", "Move"),
)


class RowFields(Struct, kw_only=True):
    """One file with what it is imported as."""

    path: str
    file: str = ""
    """The id of a file that is in a library folder already."""
    take: bool = False
    title: str = ""
    episodes: str = ""
    version: str = ""
    quality: str = ""
    languages: str = ""
    group: str = ""
    edition: str = ""


class ManualFields(Struct, kw_only=True):
    """The files of a folder, and values for all that are selected."""

    folder: Annotated[str, message("Enter the folder to import.")]
    mode: str = ""
    rows: dict[str, RowFields] = {}
    all_title: str = ""
    all_season: str = ""
    all_quality: str = ""
    all_languages: str = ""
    all_group: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A file on the page."""

    key: str
    file: library.manual.ManualFile
    take: bool
    title: str
    episodes: str
    version: str
    quality: str
    languages: str
    group: str
    edition: str
    versions: tuple[tuple[str, str], ...]
    listed: str
    """Id of the list of episodes to choose from; empty for a movie or without a title."""
    objections: tuple[str, ...]


class ManualView(msgspec.Struct, frozen=True, kw_only=True):
    """The page."""

    folder: str
    folders: tuple[tuple[str, str], ...]
    """(name, path) of the library folders."""
    rows: tuple[Row, ...]
    truncated: bool
    mode: str
    modes: tuple[tuple[str, str], ...]
    qualities: tuple[tuple[str, str], ...]
    episodes: Mapping[str, tuple[tuple[str, str], ...]]
    """Id of a list -> (code, label)."""
    past: tuple[tuple[library.manual.PastImport, str], ...]
    """(import, address that undoes it)."""
    notice: str
    values: Mapping[str, str]


@get("/imports/manual", sync_to_thread=True, include_in_schema=False)
def show_manual(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, folder: FromQuery[str] = ""
) -> Response[str]:
    """Show the files of a folder with what each is proposed to be."""
    notice, found = "", library.manual.ManualFiles(files=())
    if folder.strip():
        try:
            found = library.manual.manual_files(database, outside, caller, folder=folder.strip())
        except MydiaError as error:
            notice = error.message
    with database.reads() as session:
        rows = [_proposed(session, caller, str(place), file) for place, file in enumerate(found.files[:_ROWS])]
        truncated = found.is_truncated or len(found.files) > _ROWS
        view = _view(session, caller, folder.strip(), rows, truncated=truncated, notice=notice)
    return page(request, "imports/manual.html", view, active="imports", topics=["imports"])


class FoldersView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which the folder to import is chosen."""

    path: str
    up: str | None
    folders: tuple[str, ...]
    problem: str


@get("/imports/manual/folders", sync_to_thread=True, include_in_schema=False)
def browse_folders(
    request: WebRequest,
    database: DatabaseDep,
    outside: OutsideDep,
    caller: CallerDep,
    folder: FromQuery[str] = "",
    at: FromQuery[str] = "",
) -> Response[str]:
    """List the folders of the server, to choose one to import from.

    Args:
        folder: What the field of the page says; the dialog opens there.
        at: Where the dialog goes.
    """
    try:
        found = library.manual.list_folders(database, outside, caller, at or folder.strip())
    except Invalid:
        found = library.manual.list_folders(database, outside, caller, "")
    parent = found.path.parent
    has_parent = parent != found.path and library.manual.may_open(database, caller, parent)
    view = FoldersView(
        path=str(found.path),
        up=str(parent) if has_parent else None,
        folders=tuple(str(found.path / name) for name in found.names),
        problem=found.problem,
    )
    return dialog(
        request,
        "imports/_folders.html",
        view,
        title="Choose a folder",
        active="imports",
        back=f"/imports/manual{query({'folder': folder})}",
    )


@get("/imports/manual/titles", sync_to_thread=True, include_in_schema=False)
def suggest_titles(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Suggest titles of the library for what was typed in any title field."""
    typed = next(
        (value for name, value in request.query_params.items() if name.startswith(("title-", "all_title"))), ""
    )
    with database.reads() as session:
        titles = library.manual.suggest_titles(session, caller, typed.partition(" (")[0])
    return fragment(request, "imports/_titles.html", titles=[named(title, year) for title, year in titles])


@post("/imports/manual/apply", sync_to_thread=True, status_code=200, include_in_schema=False)
def apply_to_selected(
    request: WebRequest, database: DatabaseDep, outside: OutsideDep, caller: CallerDep, form: FormOf[ManualFields]
) -> Response[str]:
    """Set the common values on every selected file; nothing is imported yet."""
    sent = form.read()
    changed = {key: _with_common(row, sent) if row.take else row for key, row in sent.rows.items()}
    return _again(request, database, outside, caller, sent, changed, form.sent)


@post("/imports/manual", sync_to_thread=True, status_code=200, include_in_schema=False)
def start_import(
    request: WebRequest, deps: DepsDep, outside: OutsideDep, caller: CallerDep, form: FormOf[ManualFields]
) -> Response[str]:
    """Import the selected files in one job."""
    sent = form.read()
    errors: dict[str, str] = {}
    choices: list[library.manual.ManualChoice] = []
    with deps.database.reads() as session:
        for key, row in sent.rows.items():
            if not row.take:
                continue
            try:
                choices.append(_choice(session, caller, row))
            except MydiaError as error:
                errors[key] = error.message
    if not choices and not errors:
        errors[""] = "Select at least one file."
    if sent.mode not in dict(MODES):
        errors[""] = "Choose how the files are imported."
    if errors:
        answer = _again(request, deps.database, outside, caller, sent, sent.rows, form.sent, errors, status=422)
        answer.headers["HX-Retarget"] = "#main"
        return answer
    params = library.manual.import_params(caller, choices, mode=sent.mode or None)
    deps.taskboard.run_now(caller, "library.manual_import", params)
    files = f"{len(choices)} {'file' if len(choices) == 1 else 'files'}"
    toast = Toast(
        f"Importing {files}",
        "You can leave this page; the import continues.",
        tone="live",
        action_label="Open",
        action_href="/system/tasks",
    )
    return redirect(request, f"/imports/manual{query({'folder': sent.folder})}", toast=toast)


def named(title: str, year: int | None) -> str:
    """Return how a title is written in a field: `Metropolis (1927)`."""
    return f"{title} ({year})" if year else title


def _choice(session: Session, caller: Caller, row: RowFields) -> library.manual.ManualChoice:
    item = library.manual.find_named(session, caller, row.title)
    episode_ids: tuple[str, ...] = ()
    if item.type == MediaType.TV_SHOW:
        known = media.episodes.episodes_of(session, caller, item.id)
        places = media.numbering.typed_episodes(row.episodes, known)
        ids = {(one.season_number, one.episode_number): one.id for one in known}
        if not places:
            raise Invalid("Choose the episode.")
        if (missing := next((place for place in places if place not in ids), None)) is not None:
            raise Invalid(f"{item.title} has no episode S{missing[0]:02}E{missing[1]:02}.")
        episode_ids = tuple(ids[place] for place in places)
    languages = typed_languages(row.languages, many=True)
    return library.manual.ManualChoice(
        media_item_id=item.id,
        path=None if row.file else row.path,
        file_id=row.file or None,
        episode_ids=episode_ids,
        version_id=row.version or None,
        quality=typed_quality(row.quality),
        languages=None if languages is None else tuple(languages),
        release_group=row.group or None,
        edition=row.edition or None,
    )


def _with_common(row: RowFields, sent: ManualFields) -> RowFields:
    season = sent.all_season.strip().lower().lstrip("s")
    episodes = row.episodes
    if season.isdigit():
        # Keep the number within the season: S01E03 becomes S02E03.
        number = episodes.upper().rpartition("E")[2].strip()
        episodes = f"S{int(season):02}E{number:0>2}" if number.isdigit() else episodes
    return RowFields(
        path=row.path,
        file=row.file,
        take=row.take,
        title=sent.all_title or row.title,
        episodes=episodes,
        version=row.version if not sent.all_title else "",
        quality=sent.all_quality or row.quality,
        languages=sent.all_languages or row.languages,
        group=sent.all_group or row.group,
        edition=row.edition,
    )


def _again(
    request: WebRequest,
    database: Database,
    outside: Outside,
    caller: Caller,
    sent: ManualFields,
    rows: Mapping[str, RowFields],
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response[str]:
    """Show the page with what was entered. The folder is read again, so that only its files can be imported."""
    found = library.manual.manual_files(database, outside, caller, folder=sent.folder)
    by_path = {file.path: file for file in found.files}
    errors = errors or {}
    with database.reads() as session:
        shown = [
            _entered(session, caller, key, by_path[row.path], row, errors.get(key, ""))
            for key, row in rows.items()
            if row.path in by_path
        ]
        view = _view(
            session, caller, sent.folder, shown, truncated=found.is_truncated, notice=errors.get("", ""),
            mode=sent.mode, values={name: value for name, value in values.items() if status != 200 or name == "folder"},
        )  # fmt: skip
    return page(request, "imports/manual.html", view, active="imports", topics=["imports"], status=status)


def _proposed(session: Session, caller: Caller, key: str, file: library.manual.ManualFile) -> Row:
    item = None if file.media_item_id is None else media.get_item(session, caller, file.media_item_id)
    codes = {} if item is None else library.inbox.episode_codes(session, caller, item.id)
    wanted = RowFields(
        path=file.path,
        take=file.left_out is None and file.doubt is None and item is not None and file.file_id is None,
        title=named(item.title, item.year) if item else "",
        episodes=", ".join(codes[one] for one in file.episode_ids if one in codes),
        quality=file.quality.name if file.quality.name in settings.qualities.QUALITY_NAMES else "",
        languages=language_names(file.languages),
        group=file.release_group or "",
        edition=file.edition or "",
    )
    return _entered(session, caller, key, file, wanted, "")


def _entered(
    session: Session, caller: Caller, key: str, file: library.manual.ManualFile, row: RowFields, error: str
) -> Row:
    objections = [error] if error else []
    try:
        item: MediaItem | None = library.manual.find_named(session, caller, row.title)
    except Invalid:
        item = None
    if not error:
        if item is None:
            guess = named(file.guessed_title, file.guessed_year)
            objections.append(f"No title of the library is called “{guess}”." if guess else "The name has no title.")
        if file.left_out:
            objections.append(file.left_out)
        if file.doubt_sentence and not row.episodes:
            objections.append(file.doubt_sentence)
        if file.file_id and item is not None and file.media_item_id == item.id:
            objections.append("It is in the library folder already. Importing changes what it belongs to.")
    versions = library.manual.versions_of(session, caller, item.id) if item else []
    return Row(
        key=key,
        file=file,
        take=row.take,
        title=row.title,
        episodes=row.episodes,
        version=row.version,
        quality=row.quality,
        languages=row.languages,
        group=row.group,
        edition=row.edition,
        versions=tuple((one.id, one.name) for one in versions) if len(versions) > 1 else (),
        listed=f"ep-{item.id}" if item is not None and item.type == MediaType.TV_SHOW else "",
        objections=tuple(objections),
    )


def _view(
    session: Session,
    caller: Caller,
    folder: str,
    rows: Sequence[Row],
    *,
    truncated: bool,
    notice: str,
    mode: str = "",
    values: Mapping[str, str] | None = None,
) -> ManualView:
    listed: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in dict.fromkeys(row.listed for row in rows if row.listed):
        if sum(map(len, listed.values())) > _EPISODES:
            break
        listed[name] = tuple(
            (one.code, " · ".join(filter(None, (str(one.absolute_number or ""), one.title or ""))))
            for one in media.episodes.episodes_of(session, caller, name.removeprefix("ep-"))
        )
    past = library.manual.past_imports(session, caller)
    return ManualView(
        folder=folder,
        folders=tuple((path.name, path.path) for path in settings.library_paths.list_library_paths(session, caller)),
        rows=tuple(rows),
        truncated=truncated,
        mode=mode,
        modes=MODES,
        qualities=(("", "From the name"), *((name, name) for name in reversed(settings.qualities.QUALITY_NAMES))),
        episodes=listed,
        past=tuple((one, undo_of(one.media_item_id, one.batch_id)) for one in past),
        notice=notice,
        values=dict(values or {}),
    )


ROUTES: tuple[Any, ...] = (show_manual, browse_folders, suggest_titles, apply_to_selected, start_import)

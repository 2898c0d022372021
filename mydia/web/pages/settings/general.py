"""Settings: general values, the metadata source, choosing folders; the other pages stand beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Stream

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.config import KEYS, Key, Sourced
from mydia.contexts import settings
from mydia.contexts.settings import FolderLook
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid, MydiaError
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.pages.settings import finder as settings_finder
from mydia.web.pages.settings import library_settings as settings_library
from mydia.web.pages.settings import metadata_source
from mydia.web.pages.settings import people as settings_users
from mydia.web.pages.settings import services as settings_services
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.labels import ELSEWHERE, LABELS, TITLES
from mydia.web.render import Toast, fragment, redirect, unfolding


@dataclass(frozen=True, slots=True)
class Setting:
    """One value on the general page."""

    key: Key
    label: str
    value: str
    on: bool
    source: str
    locked: bool


@dataclass(frozen=True, slots=True)
class GeneralView:
    """The general page."""

    frame: SettingsFrame
    groups: tuple[tuple[str, tuple[Setting, ...]], ...]
    fixed: tuple[Setting, ...]
    """What is read at start only."""
    file: str
    unknown: tuple[str, ...]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetadataView:
    """The page of the metadata source."""

    frame: SettingsFrame
    source: str
    relay_url: str
    has_tmdb: bool
    has_tvdb: bool
    locked: str
    present: str
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrowseView:
    """The dialog in which a folder is chosen."""

    field: str
    path: str
    up: str | None
    folders: tuple[str, ...]
    problem: str


# --- general ---------------------------------------------------------------------------------------------------------


@get("/settings/general", sync_to_thread=True, include_in_schema=False)
def general(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show every value with its source."""
    return show(request, "general.html", _general(deps, caller, {}, {}))


@post("/settings/general", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_general(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Store the values that differ from what counts now."""
    try:
        with deps.database.writes() as session:
            found = settings.all_sourced(session, deps.config)
            changes = {
                key.name: form[key.name].strip()
                for key in KEYS
                if key.editable
                and key.name in form
                and found[key.name].layer != "environment"
                and form[key.name].strip() != _written(found[key.name])
            }
            settings.change_values(session, caller, clock.now(), deps.config, changes, sealer=deps.sealer)
    except Invalid as error:
        return show(request, "general.html", _general(deps, caller, form, errors_of(error)), status=422)
    said = "1 setting" if len(changes) == 1 else f"{len(changes)} settings"
    return redirect(
        request, "/settings/general", toast=Toast("Saved", f"{said} changed." if changes else "Nothing changed.")
    )


def _general(deps: WebDeps, caller: Caller, form: Mapping[str, str], errors: Mapping[str, str]) -> GeneralView:
    around = frame(caller, "general")
    with deps.database.reads() as session:
        found = settings.all_sourced(session, deps.config)
    groups: dict[str, list[Setting]] = {}
    for key in KEYS:
        if key.editable and key.name not in ELSEWHERE:
            groups.setdefault(key.name.partition(".")[0], []).append(_setting(key, found[key.name], form))
    order = [part for part in TITLES if part in groups]
    return GeneralView(
        around,
        tuple((TITLES[part], tuple(groups[part])) for part in order),
        tuple(_setting(key, found[key.name], {}) for key in KEYS if not key.editable),
        str(deps.config.file or ""),
        deps.config.unknown_keys,
        errors,
    )


def _setting(key: Key, found: Sourced, form: Mapping[str, str]) -> Setting:
    text = form.get(key.name, _written(found))
    if key.secret:
        text = "set" if found.value else "not set"
    on = text == "true"
    return Setting(key, LABELS.get(key.name, key.name), text, on, found.source, found.layer == "environment")


def _written(found: Sourced) -> str:
    if found.value is None:
        return ""
    if isinstance(found.value, bool):
        return str(found.value).lower()
    return ", ".join(found.value) if isinstance(found.value, tuple) else str(found.value)


# --- metadata --------------------------------------------------------------------------------------------------------


@get("/settings/metadata", sync_to_thread=True, include_in_schema=False)
def metadata(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show where titles come from."""
    return show(request, "metadata.html", _metadata(deps, caller, {}, {}))


@post("/settings/metadata", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_metadata(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Store where titles come from."""
    try:
        with deps.database.writes() as session:
            metadata_source.write_source(session, deps, caller, clock.now(), form)
    except Invalid as error:
        return show(request, "metadata.html", _metadata(deps, caller, form, errors_of(error)), status=422)
    return redirect(request, "/settings/metadata", toast=Toast("Saved", "It counts from the next question on."))


@post("/settings/metadata/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_metadata(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str] | Stream:
    """Look a film up at the source that the form describes."""
    caller.require(Permission.MANAGE_SETTINGS)
    steps = metadata_source.try_source(deps, form)
    return unfolding(
        request, "settings/_test_result.html", steps, title="Test", active="settings", back="/settings/metadata"
    )


def _metadata(deps: WebDeps, caller: Caller, form: Mapping[str, str], errors: Mapping[str, str]) -> MetadataView:
    around = frame(caller, "metadata")
    with deps.database.reads() as session:
        now = metadata_source.read_source(session, deps)
    return MetadataView(
        around,
        form.get("source", now.source),
        form.get("relay_url", now.relay_url),
        now.has_tmdb,
        now.has_tvdb,
        now.locked,
        now.present,
        errors,
    )


# --- choosing a folder -----------------------------------------------------------------------------------------------


@post("/settings/folders/check", sync_to_thread=True, status_code=200, include_in_schema=False)
def check_folder(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    form: dict[str, str],
    field: FromQuery[str],
    other: FromQuery[str] = "",
) -> Response[str]:
    """Say under a folder's field what the disk says, as soon as the field is left."""
    caller.require(Permission.MANAGE_SETTINGS)
    look = _look(deps, form.get(field, ""), form, other)
    return fragment(request, "settings/_folder_check.html", look, field=_name(field))


@get("/settings/browse", sync_to_thread=True, include_in_schema=False)
def browse(request: WebRequest, deps: WebDeps, caller: Caller, field: FromQuery[str]) -> Response[str]:
    """List folders, and only folders, for the dialog in which one is chosen."""
    caller.require(Permission.MANAGE_SETTINGS)
    wanted = request.query_params.get("at") or request.query_params.get(field) or "/"
    folder = Path(wanted) if wanted.startswith("/") and "\0" not in wanted else Path("/")
    problem, names = "", []
    while True:
        try:
            names = deps.outside.files.list_folders(folder)
            break
        except AdapterError as error:
            # A path half typed opens the nearest folder there is; one that may not be read says so.
            problem = error.cause if _is_there(folder) else ""
            if problem or folder == folder.parent:
                break
            folder = folder.parent
    up = None if folder == folder.parent else str(folder.parent)
    paths = tuple(str(folder / name) for name in names)
    return fragment(request, "settings/_browse.html", BrowseView(_name(field), str(folder), up, paths, problem))


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:
        return False  # longer than a name may be, or below a folder that may not be entered


@post("/settings/browse", sync_to_thread=True, status_code=200, include_in_schema=False)
def choose_folder(
    request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str], field: FromQuery[str]
) -> Response[str]:
    """Put the chosen folder into the field that asked, with what the disk says about it."""
    caller.require(Permission.MANAGE_SETTINGS)
    chosen = form.get("chosen", "")
    look = _look(deps, chosen, form, "")
    return fragment(
        request, "settings/_chosen.html", look, field=_name(field), chosen=chosen, trigger={"dialog-close": {}}
    )


def _look(deps: WebDeps, path: str, form: Mapping[str, str], other: str) -> FolderLook | None:
    if not path.strip():
        return None
    with deps.database.reads() as session:
        others = [row for row in settings.list_library_paths(session) if row.id != form.get("library_path_id")]
    try:
        return settings.look_at_folder(deps.outside, path, others, downloads=form.get(other) or None)
    except MydiaError as error:
        return FolderLook(path, (), error.message)


def _name(field: str) -> str:
    """Return a field's name as it may stand in a selector."""
    if not field.replace("_", "").isalnum():
        raise Invalid("There is no such field.")
    return field


ROUTES = (
    *settings_finder.ROUTES,
    general,
    save_general,
    metadata,
    save_metadata,
    test_metadata,
    check_folder,
    browse,
    choose_folder,
    *settings_library.ROUTES,
    *settings_services.ROUTES,
    *settings_users.ROUTES,
)

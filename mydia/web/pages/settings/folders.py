"""Settings: library folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct
from msgspec.structs import asdict, fields

from mydia import clock
from mydia.contexts import library, settings
from mydia.contexts.settings import (
    LibraryPath,
    NewLibraryPath,
)
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, fragment, redirect

TYPES = (("movies", "Movies"), ("series", "Shows"), ("mixed", "Movies and shows"))


IMPORT_MODES = (
    ("hardlink", "Hard link, else copy"),
    ("reflink", "Reflink, else copy"),
    ("copy", "Copy"),
    ("move", "Move (ends seeding)"),
)


PROVIDERS = (("tmdb", "The Movie Database"), ("tvdb", "TheTVDB"))


class FolderFields(Struct, kw_only=True):
    """The form of a library folder."""

    path: str = ""
    type: str = ""
    name: str | None = None
    monitored: bool = False
    scan_cron: str | None = None
    default_profile_id: str | None = None
    provider: str = "tmdb"
    language: str | None = None
    import_mode: str = "hardlink"

    def folder(self, row: LibraryPath | None) -> NewLibraryPath:
        """Return the folder that the form describes; `row` is the stored one."""
        return NewLibraryPath(**asdict(self), naming_set_id=row.naming_set_id if row else None)


class FolderCard(msgspec.Struct, frozen=True, kw_only=True):
    """One library folder in the list."""

    id: str
    name: str
    path: str
    type: str
    monitored: bool
    import_mode: str
    profile: str
    source: str
    last_scan_at: Any
    last_scan_state: str
    last_scan_reason: str


class FoldersView(msgspec.Struct, frozen=True):
    """The list of library folders."""

    frame: SettingsFrame
    cards: tuple[FolderCard, ...]


class FolderView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one library folder."""

    frame: SettingsFrame
    id: str
    action: str
    values: Mapping[str, Any]
    look: settings.library_paths.FolderLook | None
    profiles: tuple[tuple[str, str], ...]
    source: str = ""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    types: tuple[tuple[str, str], ...] = TYPES
    import_modes: tuple[tuple[str, str], ...] = IMPORT_MODES
    providers: tuple[tuple[str, str], ...] = PROVIDERS


@get("/settings/folders", sync_to_thread=True, include_in_schema=False)
def folders(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """List the library folders."""
    around = frame(caller, "folders")
    with deps.database.reads() as session:
        rows = settings.library_paths.list_library_paths(session, caller)
        names = {profile.id: profile.name for profile in settings.profiles.list_profiles(session, caller)}
    cards = tuple(
        FolderCard(
            id=row.id,
            name=row.name,
            path=row.path,
            type=dict(TYPES)[row.type],
            monitored=row.monitored,
            import_mode=dict(IMPORT_MODES)[row.import_mode],
            profile=names.get(row.default_profile_id or "", ""),
            source=row.managed_source or "",
            last_scan_at=row.last_scan_at,
            last_scan_state=row.last_scan_state or "",
            last_scan_reason=row.last_scan_reason or "",
        )
        for row in rows
    )
    return show(request, "folders.html", FoldersView(around, cards))


@get("/settings/folders/new", sync_to_thread=True, include_in_schema=False)
def new_folder(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show an empty form."""
    values = {"type": "movies", "import_mode": "hardlink", "provider": "tmdb", "monitored": True}
    return show(request, "folder.html", _folder(deps, caller, None, values))


@post("/settings/folders/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_folder(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FolderFields]) -> Response[str]:
    """Add a library folder."""
    wanted = form.read()
    try:
        _refuse_unusable(deps, caller, wanted.path, None)
        with deps.database.writes() as session:
            row = settings.library_paths.add_library_path(session, caller, clock.now(), wanted.folder(None))
    except (Invalid, Conflict) as error:
        view = _folder(deps, caller, None, asdict(wanted), errors_of(error))
        return show(request, "folder.html", view, status=422)
    return redirect(request, "/settings/folders", toast=Toast(f"{row.name} added", "Scan it to find its files."))


@get("/settings/folders/{library_path_id:str}", sync_to_thread=True, include_in_schema=False)
def folder(request: WebRequest, deps: DepsDep, caller: CallerDep, library_path_id: FromPath[str]) -> Response[str]:
    """Show the form of a library folder. One from the environment or a file is read-only."""
    with deps.database.reads() as session:
        row = settings.library_paths.get_library_path(session, caller, library_path_id)
    values = {spec.name: getattr(row, spec.name) for spec in fields(NewLibraryPath)}
    return show(request, "folder.html", _folder(deps, caller, row, values))


@post("/settings/folders/{library_path_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_folder(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FolderFields], library_path_id: FromPath[str]
) -> Response[str]:
    """Store a changed library folder."""
    wanted = form.read()
    with deps.database.reads() as session:
        row = settings.library_paths.get_library_path(session, caller, library_path_id)
    try:
        _refuse_unusable(deps, caller, wanted.path, row)
        with deps.database.writes() as session:
            settings.library_paths.change_library_path(session, caller, clock.now(), row.id, wanted.folder(row))
    except (Invalid, Conflict) as error:
        view = _folder(deps, caller, row, asdict(wanted), errors_of(error))
        return show(request, "folder.html", view, status=422)
    return redirect(request, "/settings/folders", toast=Toast("Saved"))


@post("/settings/folders/{library_path_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_folder(
    request: WebRequest, deps: DepsDep, caller: CallerDep, library_path_id: FromPath[str]
) -> Response[str]:
    """Remove a folder from the library. Nothing changes on the disk."""
    with deps.database.writes() as session:
        settings.library_paths.remove_library_path(session, caller, clock.now(), library_path_id)
    return redirect(request, "/settings/folders", toast=Toast("Removed", "The files were not touched."))


@post("/settings/folders/{library_path_id:str}/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def scan_folder(request: WebRequest, deps: DepsDep, caller: CallerDep, library_path_id: FromPath[str]) -> Response[str]:
    """Scan one folder now."""
    with deps.database.writes() as session:
        name = settings.library_paths.get_library_path(session, caller, library_path_id).name
        library.scanning.request_scan(session, caller, library_path_id)
    return redirect(request, "/settings/folders", toast=Toast(f"Scanning {name}", tone="live"))


@get("/settings/folders/{library_path_id:str}/look", sync_to_thread=True, include_in_schema=False)
def look_at_folder(
    request: WebRequest, deps: DepsDep, caller: CallerDep, library_path_id: FromPath[str]
) -> Response[str]:
    """Show the state of the folder on disk. A separate request, because a sleeping disk answers slowly."""
    with deps.database.reads() as session:
        row = settings.library_paths.get_library_path(session, caller, library_path_id)
    look = settings.library_paths.look_at_folder(deps.outside, caller, row.path, [])
    return fragment(request, "settings/_folder_check.html", look, field=f"of-{row.id}")


def _folder(
    deps: WebDeps,
    caller: Caller,
    row: LibraryPath | None,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> FolderView:
    around = frame(caller, "folders", row.name if row else "Add folder")
    with deps.database.reads() as session:
        profiles = tuple((profile.id, profile.name) for profile in settings.profiles.list_profiles(session, caller))
        others = [
            other
            for other in settings.library_paths.list_library_paths(session, caller)
            if row is None or other.id != row.id
        ]
    path = str(values.get("path") or "")
    look = settings.library_paths.look_at_folder(deps.outside, caller, path, others) if path and not errors else None
    action = f"/settings/folders/{row.id if row else 'new'}"
    source = (row.managed_source or "") if row else ""
    return FolderView(
        frame=around,
        id=row.id if row else "",
        action=action,
        values=values,
        look=look,
        profiles=profiles,
        source=source,
        errors=errors or {},
    )


def _refuse_unusable(deps: WebDeps, caller: Caller, path: str, row: LibraryPath | None) -> None:
    if row is not None and path.rstrip("/") == row.path:
        # The other settings can be changed while the disk is not mounted.
        return
    with deps.database.reads() as session:
        others = [
            other
            for other in settings.library_paths.list_library_paths(session, caller)
            if row is None or other.id != row.id
        ]
    look = settings.library_paths.look_at_folder(deps.outside, caller, path, others)
    if look.problem:
        raise Invalid(look.problem, fields={"path": look.problem})


ROUTES: tuple[Any, ...] = (
    folders,
    new_folder,
    add_folder,
    folder,
    change_folder,
    remove_folder,
    scan_folder,
    look_at_folder,
)

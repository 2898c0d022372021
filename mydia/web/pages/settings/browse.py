"""The dialog in which a folder is chosen, and the check under a folder field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct

from mydia.adapters.errors import AdapterError
from mydia.contexts import settings
from mydia.contexts.settings import FolderLook
from mydia.contexts.users import Permission
from mydia.errors import Invalid, MydiaError
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.render import fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseView:
    """The dialog in which a folder is chosen."""

    field: str
    path: str
    up: str | None
    folders: tuple[str, ...]
    problem: str


class CheckFields(Struct, kw_only=True):
    """A form that has fields for folders."""

    library_path_id: str | None = None
    """The library folder that is being changed."""
    chosen: str = ""
    values: dict[str, str] = {}


@post("/settings/folders/check", sync_to_thread=True, status_code=200, include_in_schema=False)
def check_folder(
    request: WebRequest,
    deps: DepsDep,
    caller: CallerDep,
    form: FormOf[CheckFields],
    field: FromQuery[str],
    other: FromQuery[str] = "",
) -> Response[str]:
    """Check the folder that was typed, for the note under its field."""
    caller.require(Permission.MANAGE_SETTINGS)
    sent = form.read()
    look = _look(deps, sent.values.get(field, ""), sent, other)
    return fragment(request, "settings/_folder_check.html", look, field=_name(field))


@get("/settings/browse", sync_to_thread=True, include_in_schema=False)
def browse(request: WebRequest, deps: DepsDep, caller: CallerDep, field: FromQuery[str]) -> Response[str]:
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
            # An incomplete path opens the nearest existing folder; an unreadable one shows the problem.
            problem = error.cause if _is_there(folder) else ""
            if problem or folder == folder.parent:
                break
            folder = folder.parent
    up = None if folder == folder.parent else str(folder.parent)
    paths = tuple(str(folder / name) for name in names)
    return fragment(
        request,
        "settings/_browse.html",
        BrowseView(field=_name(field), path=str(folder), up=up, folders=paths, problem=problem),
    )


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:
        return False  # the name is too long, or a parent folder is not accessible


@post("/settings/browse", sync_to_thread=True, status_code=200, include_in_schema=False)
def choose_folder(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[CheckFields], field: FromQuery[str]
) -> Response[str]:
    """Put the chosen folder into the field that opened the dialog, with its check."""
    caller.require(Permission.MANAGE_SETTINGS)
    sent = form.read()
    look = _look(deps, sent.chosen, sent, "")
    return fragment(
        request, "settings/_chosen.html", look, field=_name(field), chosen=sent.chosen, trigger={"dialog-close": {}}
    )


def _look(deps: WebDeps, path: str, sent: CheckFields, other: str) -> FolderLook | None:
    if not path.strip():
        return None
    with deps.database.reads() as session:
        others = [row for row in settings.library_paths.list_library_paths(session) if row.id != sent.library_path_id]
    try:
        return settings.library_paths.look_at_folder(
            deps.outside, path, others, downloads=sent.values.get(other) or None
        )
    except MydiaError as error:
        return FolderLook(path, (), error.message)


def _name(field: str) -> str:
    """Return a field's name if it can be used in a selector."""
    if not field.replace("_", "").isalnum():
        raise Invalid("There is no such field.")
    return field


ROUTES = (check_folder, browse, choose_folder)

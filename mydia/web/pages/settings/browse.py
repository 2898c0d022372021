"""The dialog in which a folder is chosen, and the check under a folder field."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct

from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid, Unavailable
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.render import fragment


class BrowseView(msgspec.Struct, frozen=True, kw_only=True):
    """The dialog in which a folder is chosen."""

    field: str
    path: str
    up: str | None
    folders: tuple[str, ...]
    problem: str


_DOWNLOADS = "downloads"
"""The wizard's field for the client's download folder."""


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
    sent = form.read()
    look = _look(deps, caller, sent.values.get(field, ""), sent, other, may_be_empty=field == _DOWNLOADS)
    return fragment(request, "settings/_folder_check.html", look, field=_name(field))


@get("/settings/browse", sync_to_thread=True, include_in_schema=False)
def browse(request: WebRequest, deps: DepsDep, caller: CallerDep, field: FromQuery[str]) -> Response[str]:
    """List folders, and only folders, for the dialog in which one is chosen."""
    wanted = request.query_params.get("at") or request.query_params.get(field) or "/"
    found = settings.library_paths.list_folders(deps.outside, caller, wanted)
    folder = found.path
    up = None if folder == folder.parent else str(folder.parent)
    paths = tuple(str(folder / name) for name in found.names)
    return fragment(
        request,
        "settings/_browse.html",
        BrowseView(field=_name(field), path=str(folder), up=up, folders=paths, problem=found.problem),
    )


@post("/settings/browse", sync_to_thread=True, status_code=200, include_in_schema=False)
def choose_folder(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[CheckFields], field: FromQuery[str]
) -> Response[str]:
    """Put the chosen folder into the field that opened the dialog, with its check."""
    sent = form.read()
    look = _look(deps, caller, sent.chosen, sent, "", may_be_empty=field == _DOWNLOADS)
    return fragment(
        request, "settings/_chosen.html", look, field=_name(field), chosen=sent.chosen, trigger={"dialog-close": {}}
    )


def _look(
    deps: WebDeps, caller: Caller, path: str, sent: CheckFields, other: str, *, may_be_empty: bool
) -> settings.library_paths.FolderLook | None:
    if not path.strip():
        return None
    with deps.database.reads() as session:
        others = [
            row for row in settings.library_paths.list_library_paths(session, caller) if row.id != sent.library_path_id
        ]
    try:
        return settings.library_paths.look_at_folder(
            deps.outside, caller, path, others, downloads=sent.values.get(other) or None, may_be_empty=may_be_empty
        )
    except (Invalid, Unavailable) as error:
        return settings.library_paths.FolderLook(path, (), error.message)


def _name(field: str) -> str:
    """Return a field's name if it can be used in a selector."""
    if not field.replace("_", "").isalnum():
        raise Invalid("There is no such field.")
    return field


ROUTES = (check_folder, browse, choose_folder)

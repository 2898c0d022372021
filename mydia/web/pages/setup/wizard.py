"""The first run: account, folders, metadata source, download client, indexer, first scan. Each step has its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import Response, get, post
from litestar.params import FromQuery
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.settings import FolderLook, LibraryPath, NewLibraryPath
from mydia.contexts.users import Caller, NewUser, Permission, Role
from mydia.errors import Conflict, Invalid, MydiaError
from mydia.secret import Secret
from mydia.web.auth.session import open_browser_session
from mydia.web.auth.setup_token import SetupToken
from mydia.web.deps import (
    PUBLIC_BODY_BYTES,
    CallerDep,
    DatabaseDep,
    DepsDep,
    FormDep,
    MaybeCallerDep,
    NotSignedIn,
    WebDeps,
    WebRequest,
)
from mydia.web.fields import whole_number
from mydia.web.locality import is_local
from mydia.web.pages.settings import metadata_source
from mydia.web.pages.settings import service_forms as services
from mydia.web.pages.settings.service_forms import ServiceForm, TestResult
from mydia.web.render import Toast, page, redirect

_LABELS = {
    "account": ("Your account", ""),
    "folders": ("Folders", "Where your movies and shows are"),
    "metadata": ("Metadata", "Titles, posters, episodes"),
    "client": ("Download client", ""),
    "indexer": ("Indexer", ""),
    "scan": ("Existing library", "Scan and match, nothing moves"),
}
_WHAT = {"movies": "movies", "series": "shows", "mixed": "movies and shows"}
_MOST_EXTRA = 8

_token = SetupToken()


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every step."""

    steps: tuple[tuple[str, str, str], ...]
    current: int
    back: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """The first step."""

    frame: Frame
    needs_token: bool
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PresentPath:
    """A library folder that is there already."""

    name: str
    path: str
    what: str
    source: str
    look: FolderLook | None


@dataclass(frozen=True, slots=True)
class FolderInput:
    """A folder to be named."""

    name: str
    label: str
    value: str
    note: str
    look: FolderLook | None


@dataclass(frozen=True, slots=True)
class FoldersView:
    """The second step."""

    frame: Frame
    present: tuple[PresentPath, ...]
    fields: tuple[FolderInput, ...]
    more: int
    downloads: str
    downloads_look: FolderLook | None
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MetadataView:
    """The third step."""

    frame: Frame
    source: str
    relay_url: str
    has_tmdb: bool
    has_tvdb: bool
    locked: str
    present: str
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """The fourth and the fifth step."""

    frame: Frame
    question: str
    explanation: str
    action: str
    present: tuple[tuple[str, str, str], ...]
    form: ServiceForm
    result: TestResult | None = None


@dataclass(frozen=True, slots=True)
class ScanView:
    """The last step."""

    frame: Frame
    present: tuple[PresentPath, ...]


def _frame(session: Session, step: str, caller: Caller | None) -> Frame:
    state = settings.setup.setup_state(session)
    steps: list[tuple[str, str, str]] = []
    for name, (label, note) in _LABELS.items():
        said = note
        if name == "account" and caller is not None:
            said = f"{caller.name}, administrator"
        elif state.steps.get(name) == "skipped":
            said = "Skipped"
        steps.append((label, said, "" if name == "account" else f"/setup/{name}"))
    names = list(_LABELS)
    at = names.index(step)
    return Frame(tuple(steps), at + 1, f"/setup/{names[at - 1]}" if at > 1 else "")


def _require(caller: Caller | None, session: Session) -> Caller:
    """Admit users who may change settings; a fresh installation begins with the account."""
    if caller is None:
        if not users.has_users(session):
            raise Conflict("Make the account first: open /setup.")
        raise NotSignedIn("Sign in to continue the setup.")
    caller.require(Permission.MANAGE_SETTINGS)
    return caller


def _after(request: WebRequest, deps: WebDeps, step: str, outcome: str) -> Response[str]:
    names = list(_LABELS)
    with deps.database.writes() as session:
        settings.setup.mark_step(session, clock.now(), step, "done" if outcome == "done" else "skipped")
    return redirect(request, f"/setup/{names[names.index(step) + 1]}")


# --- the way in ------------------------------------------------------------------------------------------------------


@get("/setup", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def begin(request: WebRequest, database: DatabaseDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Go on where setup was left."""
    with database.reads() as session:
        if not users.has_users(session):
            return redirect(request, "/setup/account")
        _require(maybe_caller, session)
        step = settings.setup.setup_state(session).next_step
    return redirect(request, f"/setup/{step if step and step != 'account' else 'folders'}")


# --- account ---------------------------------------------------------------------------------------------------------


@get("/setup/account", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def account(request: WebRequest, database: DatabaseDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask for the administrator's name and password."""
    near = is_local(request)
    with database.reads() as session:
        if users.has_users(session):
            return redirect(request, "/setup/folders" if maybe_caller else "/login")
        frame = _frame(session, "account", None)
    if not near:
        _token.announce()
    return page(request, "setup/account.html", AccountView(frame, not near), shell=False)


@post(
    "/setup/account",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def make_account(request: WebRequest, deps: DepsDep, form: FormDep) -> Response[str]:
    """Make the administrator and sign them in."""
    near = is_local(request)
    password = form.get("password", "")
    try:
        if not near and not _token.fits(form.get("token", "")):
            sentence = "This is not the token in Mydia's log."
            raise Invalid(sentence, fields={"token": sentence})
        if password != form.get("again", ""):
            sentence = "The two passwords are not the same."
            raise Invalid(sentence, fields={"again": sentence})
        name = form.get("username", "")
        shown = name.strip() if name.strip() != name.strip().casefold() else None
        with deps.database.writes() as session:
            now = clock.now()
            new = NewUser(name, Role.ADMIN, Secret(password), display_name=shown)
            user = users.add_first_admin(session, now, new)
            settings.setup.mark_step(session, now, "account", "done")
    except (Invalid, Conflict) as error:
        with deps.database.reads() as session:
            frame = _frame(session, "account", None)
        kept = {name: form.get(name, "") for name in ("username", "token")}
        view = AccountView(frame, not near, kept, error.fields or {"": error.message})
        return page(request, "setup/account.html", view, status=422, shell=False)
    return open_browser_session(request, deps, user, "/setup/folders")


# --- folders ---------------------------------------------------------------------------------------------------------


@get("/setup/folders", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def folders(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask where films and shows live."""
    return page(request, "setup/folders.html", _folders_view(deps, maybe_caller, {}, {}, 0), shell=False)


@post("/setup/folders", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_folders(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Set up the folders that were named, all or none."""
    caller.require(Permission.MANAGE_SETTINGS)
    if "skip" in form:
        return _after(request, deps, "folders", "skipped")
    if "more" in form:
        more = min(_number(form["more"]), _MOST_EXTRA)
        return page(request, "setup/folders.html", _folders_view(deps, caller, form, {}, more), shell=False)
    more = min(_number(form.get("shown", "")), _MOST_EXTRA)
    wanted = [(name, form.get(name, "").strip(), type_, label) for name, type_, label, _ in _inputs(more)]
    wanted = [entry for entry in wanted if entry[1]]
    with deps.database.reads() as session:
        present = settings.library_paths.list_library_paths(session)
    errors: dict[str, str] = {}
    if not wanted and not present:
        errors[""] = "Name at least one folder, or skip this step."
    for name, path, _, _ in wanted:
        look = settings.library_paths.look_at_folder(deps.outside, path, present)
        if look.problem:
            errors[name] = look.problem
    if not errors:
        errors = _add_folders(deps, caller, wanted)
    if errors:
        view = _folders_view(deps, caller, form, errors, more)
        return page(request, "setup/folders.html", view, status=422, shell=False)
    return _after(request, deps, "folders", "done")


def _add_folders(deps: WebDeps, caller: Caller, wanted: list[tuple[str, str, str, str]]) -> dict[str, str]:
    at = ""
    try:
        with deps.database.writes() as session:
            for name, path, type_, label in wanted:
                at = name
                new = NewLibraryPath(path, type_, name=label or None)
                settings.library_paths.add_library_path(session, caller, clock.now(), new)
    except (Invalid, Conflict) as error:
        return {at: error.message}
    return {}


def _inputs(more: int) -> list[tuple[str, str, str, str]]:
    """Return (field, type, name of the folder, note) of the inputs."""
    inputs = [("movies", "movies", "Movies", ""), ("series", "series", "Shows", "")]
    return inputs + [(f"extra_{n}", "mixed", "", "movies and shows") for n in range(1, more + 1)]


def _folders_view(
    deps: WebDeps, caller: Caller | None, form: Mapping[str, str], errors: Mapping[str, str], more: int
) -> FoldersView:
    with deps.database.reads() as session:
        caller = _require(caller, session)
        frame = _frame(session, "folders", caller)
        paths = settings.library_paths.list_library_paths(session)
    downloads = form.get("downloads", "").strip()
    taken = {path.type for path in paths}
    labels = {"movies": "Movies", "series": "Shows"}
    fields = tuple(
        FolderInput(
            name,
            labels.get(name, "Another folder"),
            (value := form.get(name, "").strip()),
            note,
            settings.library_paths.look_at_folder(deps.outside, value, paths, downloads=downloads) if value else None,
        )
        for name, type_, _, note in _inputs(more)
        if name not in taken or name in form
    )
    present = tuple(_present(deps, path, paths, downloads) for path in paths)
    look = settings.library_paths.look_at_folder(deps.outside, downloads, []) if downloads else None
    return FoldersView(frame, present, fields, more, downloads, look, errors)


def _present(deps: WebDeps, path: LibraryPath, paths: list[LibraryPath], downloads: str) -> PresentPath:
    others = [other for other in paths if other.id != path.id]
    look = settings.library_paths.look_at_folder(deps.outside, path.path, others, downloads=downloads or None)
    return PresentPath(path.name, path.path, _WHAT[path.type], path.managed_source or "", look)


def _number(text: str) -> int:
    return whole_number(text) or 0


# --- metadata --------------------------------------------------------------------------------------------------------


@get("/setup/metadata", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def metadata(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask where titles and posters come from."""
    return page(request, "setup/metadata.html", _metadata_view(deps, maybe_caller, {}, {}), shell=False)


@post("/setup/metadata", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_metadata(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Store the source that was chosen."""
    caller.require(Permission.MANAGE_SETTINGS)
    if "skip" in form:
        return _after(request, deps, "metadata", "skipped")
    try:
        with deps.database.writes() as session:
            if not metadata_source.read_source(session, deps).locked:
                metadata_source.write_source(session, deps, caller, clock.now(), form)
    except Invalid as error:
        view = _metadata_view(deps, caller, form, error.fields or {"": error.message})
        return page(request, "setup/metadata.html", view, status=422, shell=False)
    return _after(request, deps, "metadata", "done")


def _metadata_view(
    deps: WebDeps, caller: Caller | None, form: Mapping[str, str], errors: Mapping[str, str]
) -> MetadataView:
    with deps.database.reads() as session:
        caller = _require(caller, session)
        frame = _frame(session, "metadata", caller)
        now = metadata_source.read_source(session, deps)
    return MetadataView(
        frame,
        form.get("source", now.source),
        form.get("relay_url", now.relay_url),
        now.has_tmdb,
        now.has_tvdb,
        now.locked,
        now.present,
        errors,
    )


# --- download client and indexer -------------------------------------------------------------------------------------

_SAID: dict[str, tuple[str, str]] = {
    "client": (
        "What downloads for you?",
        "Mydia hands releases to a download client, follows them, and puts finished files into the library. Seeding goes on.",
    ),
    "indexer": (
        "Where are releases searched?",
        "An indexer answers searches. Prowlarr and Jackett serve each of theirs as a Torznab feed.",
    ),
}


@get("/setup/client", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def client(
    request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, kind: FromQuery[str] = ""
) -> Response[str]:
    """Ask for a download client."""
    return page(request, "setup/service.html", _service_view(deps, maybe_caller, "client", kind), shell=False)


@post("/setup/client", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_client(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Set up the download client."""
    if "skip" in form:
        return _after(request, deps, "client", "skipped")
    try:
        with deps.database.writes() as session:
            settings.clients.add_client(session, caller, clock.now(), services.read_client(form))
    except (Invalid, Conflict) as error:
        return _service_again(request, deps, caller, "client", form, error)
    return _after(request, deps, "client", "done")


@get("/setup/indexer", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def indexer(
    request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, kind: FromQuery[str] = ""
) -> Response[str]:
    """Ask for an indexer."""
    return page(request, "setup/service.html", _service_view(deps, maybe_caller, "indexer", kind), shell=False)


@post("/setup/indexer", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_indexer(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Set up the indexer."""
    if "skip" in form:
        return _after(request, deps, "indexer", "skipped")
    try:
        with deps.database.writes() as session:
            settings.indexers.add_indexer(session, caller, clock.now(), services.read_indexer(form))
    except (Invalid, Conflict) as error:
        return _service_again(request, deps, caller, "indexer", form, error)
    return _after(request, deps, "indexer", "done")


def _service_view(
    deps: WebDeps, caller: Caller | None, family: services.Family, kind: str, form: ServiceForm | None = None
) -> ServiceView:
    with deps.database.reads() as session:
        caller = _require(caller, session)
        frame = _frame(session, family, caller)
        rows: list[Any] = (
            settings.clients.list_clients(session, caller)
            if family == "client"
            else settings.indexers.list_indexers(session, caller)
        )
    question, explanation = _SAID[family]
    present = tuple((row.name, row.url, row.managed_source or "") for row in rows)
    shown = form or services.blank_form(family, kind, {row.name for row in rows})
    return ServiceView(frame, question, explanation, f"/setup/{family}", present, shown)


def _service_again(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    family: services.Family,
    form: Mapping[str, str],
    error: MydiaError,
) -> Response[str]:
    sent = services.sent_form(family, form, error.fields or {"": error.message})
    view = _service_view(deps, caller, family, "", sent)
    return page(request, "setup/service.html", view, status=422, shell=False)


# --- first scan ------------------------------------------------------------------------------------------------------


@get("/setup/scan", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def scan(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Offer the first scan."""
    with deps.database.reads() as session:
        caller = _require(maybe_caller, session)
        frame = _frame(session, "scan", caller)
        paths = settings.library_paths.list_library_paths(session)
    present = tuple(PresentPath(path.name, path.path, _WHAT[path.type], "", None) for path in paths)
    return page(request, "setup/scan.html", ScanView(frame, present), shell=False)


@post("/setup/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def start_scan(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Start the first scan, or not, and end the setup."""
    from mydia.contexts import library

    caller.require(Permission.MANAGE_SETTINGS)
    now = clock.now()
    with deps.database.writes() as session:
        scanning = "skip" not in form and bool(settings.library_paths.list_library_paths(session))
        if scanning:
            library.scanning.request_scan(session, caller, None)
        settings.setup.mark_step(session, now, "scan", "done" if scanning else "skipped")
        settings.setup.finish_setup(session, now)
    toast = (
        Toast("The first scan has begun", "Titles appear as they are recognised.", tone="live")
        if scanning
        else Toast("Mydia is set up", "Everything else is in Settings.")
    )
    return redirect(request, "/", toast=toast, whole=True)


ROUTES = (
    begin,
    account,
    make_account,
    folders,
    save_folders,
    metadata,
    save_metadata,
    client,
    save_client,
    indexer,
    save_indexer,
    scan,
    start_scan,
)

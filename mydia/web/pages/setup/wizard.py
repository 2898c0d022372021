"""The setup: account, folders, metadata source, download client, indexer, first scan. Each step has its own address."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.contexts import settings, users
from mydia.contexts.settings import LibraryPath, NewLibraryPath
from mydia.contexts.users import Caller, NewUser, Role
from mydia.errors import Conflict, Invalid, Unavailable
from mydia.secret import Secret
from mydia.web.auth import oidc
from mydia.web.auth.session import open_browser_session
from mydia.web.auth.setup_token import SetupToken
from mydia.web.deps import (
    PUBLIC_BODY_BYTES,
    CallerDep,
    DatabaseDep,
    DepsDep,
    FormOf,
    MaybeCallerDep,
    NotSignedIn,
    WebDeps,
    WebRequest,
)
from mydia.web.forms import Count, require_same
from mydia.web.locality import is_local
from mydia.web.pages.settings import metadata_source
from mydia.web.pages.settings import service_forms as services
from mydia.web.pages.settings.metadata_source import SourceFields
from mydia.web.pages.settings.service_forms import ServiceFields, ServiceForm, TestResult
from mydia.web.render import Toast, page, redirect

_LABELS = {
    "account": ("Your account", ""),
    "folders": ("Folders", "Where your movies and shows are"),
    "metadata": ("Metadata", "Titles, posters, episodes"),
    "client": ("Download client", ""),
    "indexer": ("Indexer", ""),
    "scan": ("Existing library", "Scan and match, nothing moves"),
}
_OUTCOMES = {"skipped": "Skipped", "failed": "Saved, but its test failed"}
_WHAT = {"movies": "movies", "series": "shows", "mixed": "movies and shows"}
_MOST_EXTRA = 8

_token = SetupToken()


class AccountFields(Struct, kw_only=True):
    """The form of the first account."""

    username: str = ""
    password: Secret = Secret("")
    again: Secret = Secret("")
    token: str = ""


class ProviderFields(Struct, kw_only=True):
    """The form that begins signing in at a provider."""

    key: str = ""
    token: str = ""


class FoldersFields(Struct, kw_only=True):
    """The form of the folders; its fields come from `_inputs`."""

    skip: bool = False
    more: Count | None = None
    """Show the form again with this many further folders."""
    shown: Count = 0
    values: dict[str, str] = {}


class SetupSourceFields(SourceFields, kw_only=True):
    """The form of the metadata source."""

    skip: bool = False
    anyway: bool = False
    """Continue although the test failed."""


class SetupServiceFields(ServiceFields, kw_only=True):
    """The form of a download client or an indexer."""

    skip: bool = False
    anyway: bool = False
    """Save it although its test failed."""


class ScanFields(Struct, kw_only=True):
    """The form of the first scan."""

    skip: bool = False


class Frame(msgspec.Struct, frozen=True):
    """The frame of every step."""

    steps: tuple[tuple[str, str, str, str], ...]
    """(label, note, address, outcome); the outcome is that of `settings.setup`, empty before the step."""
    current: int
    back: str


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The first step."""

    frame: Frame
    needs_token: bool
    enabled: bool
    """Whether people can sign in with a password."""
    providers: tuple[tuple[str, str], ...] = ()
    """Key and name of each sign-in provider."""
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


class PresentPath(msgspec.Struct, frozen=True, kw_only=True):
    """A library folder that exists already."""

    name: str
    path: str
    what: str
    source: str
    look: settings.library_paths.FolderLook | None


class FolderInput(msgspec.Struct, frozen=True, kw_only=True):
    """An input for a folder."""

    name: str
    label: str
    value: str
    note: str
    look: settings.library_paths.FolderLook | None


class FoldersView(msgspec.Struct, frozen=True, kw_only=True):
    """The second step."""

    frame: Frame
    present: tuple[PresentPath, ...]
    fields: tuple[FolderInput, ...]
    more: int
    downloads: str
    downloads_look: settings.library_paths.FolderLook | None
    errors: Mapping[str, str]


class MetadataView(msgspec.Struct, frozen=True, kw_only=True):
    """The third step."""

    frame: Frame
    source: str
    relay_url: str
    has_tmdb: bool
    has_tvdb: bool
    locked: str
    present: str
    errors: Mapping[str, str]
    result: TestResult | None = None
    """A failed test of the source that is stored."""


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """The fourth and the fifth step."""

    frame: Frame
    question: str
    explanation: str
    action: str
    present: tuple[tuple[str, str, str], ...]
    form: ServiceForm
    service_id: str = ""
    """The service that the form changes; empty for a new one."""
    result: TestResult | None = None
    """A failed test: it can be saved all the same."""


class ScanView(msgspec.Struct, frozen=True):
    """The last step."""

    frame: Frame
    present: tuple[PresentPath, ...]


def _frame(session: Session, caller: Caller | None, step: str) -> Frame:
    """Return what is around a step; without a caller it is the first one, and nothing has been done."""
    state = settings.setup.setup_state(session, caller) if caller else settings.setup.SetupState({}, None)
    steps: list[tuple[str, str, str, str]] = []
    for name, (label, note) in _LABELS.items():
        said = note
        if name == "account" and caller is not None:
            said = f"{caller.name}, administrator"
        else:
            said = _OUTCOMES.get(state.steps.get(name, ""), note)
        steps.append((label, said, "" if name == "account" else f"/setup/{name}", state.steps.get(name, "")))
    names = list(_LABELS)
    at = names.index(step)
    return Frame(tuple(steps), at + 1, f"/setup/{names[at - 1]}" if at > 1 else "")


def _signed_in(session: Session, caller: Caller | None) -> Caller:
    """Return the caller.

    Raises:
        Conflict: There is no account yet; setup begins with one.
        NotSignedIn: Nobody is signed in.
    """
    if caller is None:
        if not users.has_users(session):
            raise Conflict("Create the administrator account first: open /setup.")
        raise NotSignedIn("Sign in to continue the setup.")
    return caller


def _after(
    request: WebRequest, deps: WebDeps, caller: Caller, step: str, outcome: settings.setup.Outcome
) -> Response[str]:
    names = list(_LABELS)
    with deps.database.writes() as session:
        settings.setup.mark_step(session, caller, clock.now(), step, outcome)
    return redirect(request, f"/setup/{names[names.index(step) + 1]}")


@get("/setup", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def begin(request: WebRequest, database: DatabaseDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Continue the setup where it was left."""
    with database.reads() as session:
        if not users.has_users(session):
            return redirect(request, "/setup/account")
        caller = _signed_in(session, maybe_caller)
        step = settings.setup.setup_state(session, caller).next_step
    return redirect(request, f"/setup/{step if step and step != 'account' else 'folders'}")


@get("/setup/account", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def account(request: WebRequest, database: DatabaseDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask for the administrator's name and password."""
    near = is_local(request)
    with database.reads() as session:
        if users.has_users(session):
            return redirect(request, "/setup/folders" if maybe_caller else "/login")
        view = _account_view(session, near)
    if not near:
        _token.announce()
    return page(request, "setup/account.html", view, shell=False)


def _account_view(
    session: Session, near: bool, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> AccountView:
    known = settings.providers.enabled_providers(session)
    return AccountView(
        frame=_frame(session, None, "account"),
        needs_token=not near,
        enabled=settings.of(session).auth.local_enabled,
        providers=tuple((one.key, one.name) for one in known),
        values=values or {},
        errors=errors or {},
    )


def _check_token(near: bool, token: str) -> None:
    """Refuse a request from outside the local network without the token.

    Raises:
        Invalid: The token is wrong.
    """
    if not near and not _token.fits(token):
        sentence = "This token does not match the one in Mydia's log."
        raise Invalid(sentence, fields={"token": sentence})


@post(
    "/setup/account/provider",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def found_at_provider(request: WebRequest, deps: DepsDep, form: FormOf[ProviderFields]) -> Response[str]:
    """Send the browser to a provider; who comes back becomes the administrator."""
    near = is_local(request)
    wanted = form.read()
    with deps.database.reads() as session:
        if users.has_users(session):
            return redirect(request, "/login")
        provider = settings.providers.find_provider(session, wanted.key)
    try:
        _check_token(near, wanted.token)
        if provider is None:
            raise Invalid("There is no such sign-in provider.")
        address, cookies = oidc.begin_attempt(request, deps, provider, next="/setup", may_found=True)
    except (Invalid, Unavailable) as error:
        with deps.database.reads() as session:
            view = _account_view(session, near, {"token": wanted.token}, error.fields or {"": error.message})
        return page(request, "setup/account.html", view, status=422, shell=False)
    answer = oidc.onward(request, address, f"Going to {provider.name}")
    answer.cookies.extend(cookies)
    return answer


@post(
    "/setup/account",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def make_account(request: WebRequest, deps: DepsDep, form: FormOf[AccountFields]) -> Response[str]:
    """Add the administrator and sign them in."""
    near = is_local(request)
    wanted = form.read()
    try:
        if not settings.of(deps.database).auth.local_enabled:
            raise Invalid("Password sign-in is turned off. Sign in with a provider instead.")
        _check_token(near, wanted.token)
        require_same(wanted.password, wanted.again)
        shown = wanted.username if wanted.username != wanted.username.casefold() else None
        with deps.database.writes() as session:
            now = clock.now()
            new = NewUser(username=wanted.username, role=Role.ADMIN, password=wanted.password, display_name=shown)
            user = users.add_first_admin(session, now, new)
            settings.setup.mark_step(session, users.caller_of(user), now, "account", "done")
    except (Invalid, Conflict) as error:
        kept = {"username": wanted.username, "token": wanted.token}
        with deps.database.reads() as session:
            view = _account_view(session, near, kept, error.fields or {"": error.message})
        return page(request, "setup/account.html", view, status=422, shell=False)
    return open_browser_session(request, deps, user, "/setup/folders")


@get("/setup/folders", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def folders(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask where films and shows live."""
    return page(request, "setup/folders.html", _folders_view(deps, maybe_caller, {}, {}, 0), shell=False)


@post("/setup/folders", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_folders(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[FoldersFields]) -> Response[str]:
    """Add the folders that were entered, all or none."""
    sent = form.read()
    if sent.skip:
        return _after(request, deps, caller, "folders", "skipped")
    if sent.more is not None:
        more = min(sent.more, _MOST_EXTRA)
        return page(request, "setup/folders.html", _folders_view(deps, caller, sent.values, {}, more), shell=False)
    more = min(sent.shown, _MOST_EXTRA)
    wanted = [(name, path, type_, label) for name, type_, label, _ in _inputs(more) if (path := sent.values.get(name))]
    with deps.database.reads() as session:
        present = settings.library_paths.list_library_paths(session, caller)
    errors: dict[str, str] = {}
    if not wanted and not present:
        errors[""] = "Enter at least one folder, or skip this step."
    for name, path, _, _ in wanted:
        look = settings.library_paths.look_at_folder(deps.outside, caller, path, present)
        if look.problem:
            errors[name] = look.problem
    if not errors:
        errors = _add_folders(deps, caller, wanted)
    if errors:
        view = _folders_view(deps, caller, sent.values, errors, more)
        return page(request, "setup/folders.html", view, status=422, shell=False)
    return _after(request, deps, caller, "folders", "done")


def _add_folders(deps: WebDeps, caller: Caller, wanted: list[tuple[str, str, str, str]]) -> dict[str, str]:
    at = ""
    try:
        with deps.database.writes() as session:
            for name, path, type_, label in wanted:
                at = name
                new = NewLibraryPath(path=path, type=type_, name=label or None)
                settings.library_paths.add_library_path(session, caller, clock.now(), new)
    except (Invalid, Conflict) as error:
        return {at: error.message}
    return {}


def _inputs(more: int) -> list[tuple[str, str, str, str]]:
    """Return (field, type, name of the folder, note) of the inputs."""
    inputs = [("movies", "movies", "Movies", ""), ("series", "series", "Shows", "")]
    return inputs + [(f"extra_{n}", "mixed", "", "movies and shows") for n in range(1, more + 1)]


def _folders_view(
    deps: WebDeps, caller: Caller | None, values: Mapping[str, str], errors: Mapping[str, str], more: int
) -> FoldersView:
    with deps.database.reads() as session:
        caller = _signed_in(session, caller)
        frame = _frame(session, caller, "folders")
        paths = settings.library_paths.list_library_paths(session, caller)
    downloads = values.get("downloads", "")
    taken = {path.type for path in paths}
    labels = {"movies": "Movies", "series": "Shows"}
    fields = tuple(
        FolderInput(
            name=name,
            label=labels.get(name, "Another folder"),
            value=(value := values.get(name, "")),
            note=note,
            look=settings.library_paths.look_at_folder(deps.outside, caller, value, paths, downloads=downloads)
            if value
            else None,
        )
        for name, type_, _, note in _inputs(more)
        if name not in taken or name in values
    )
    present = tuple(_present(deps, caller, path, paths, downloads) for path in paths)
    look = (
        settings.library_paths.look_at_folder(deps.outside, caller, downloads, [], may_be_empty=True)
        if downloads
        else None
    )
    return FoldersView(
        frame=frame, present=present, fields=fields, more=more, downloads=downloads, downloads_look=look, errors=errors
    )


def _present(deps: WebDeps, caller: Caller, path: LibraryPath, paths: list[LibraryPath], downloads: str) -> PresentPath:
    others = [other for other in paths if other.id != path.id]
    look = settings.library_paths.look_at_folder(deps.outside, caller, path.path, others, downloads=downloads or None)
    return PresentPath(
        name=path.name, path=path.path, what=_WHAT[path.type], source=path.managed_source or "", look=look
    )


@get("/setup/metadata", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def metadata(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Ask where titles and posters come from."""
    return page(request, "setup/metadata.html", _metadata_view(deps, maybe_caller, {}, {}), shell=False)


@post("/setup/metadata", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_metadata(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SetupSourceFields]
) -> Response[str]:
    """Store the source that was chosen, and go on if it answers or if the user wants to."""
    if form.draft().skip:
        return _after(request, deps, caller, "metadata", "skipped")
    try:
        wanted = form.read()
        with deps.database.writes() as session:
            if not metadata_source.read_source(session, caller).locked:
                metadata_source.write_source(session, caller, clock.now(), wanted)
    except Invalid as error:
        view = _metadata_view(deps, caller, form.sent, error.fields or {"": error.message})
        return page(request, "setup/metadata.html", view, status=422, shell=False)
    if wanted.anyway:
        return _after(request, deps, caller, "metadata", "failed")
    *_, result = metadata_source.try_source(deps, caller, wanted)
    if result.tone == "fail":
        view = _metadata_view(deps, caller, {}, {}, result)
        return page(request, "setup/metadata.html", view, status=422, shell=False)
    return _after(request, deps, caller, "metadata", "done")


def _metadata_view(
    deps: WebDeps,
    caller: Caller | None,
    sent: Mapping[str, str],
    errors: Mapping[str, str],
    result: TestResult | None = None,
) -> MetadataView:
    with deps.database.reads() as session:
        caller = _signed_in(session, caller)
        frame = _frame(session, caller, "metadata")
        now = metadata_source.read_source(session, caller)
    return MetadataView(
        frame=frame,
        source=sent.get("source", now.source),
        relay_url=sent.get("relay_url", now.relay_url),
        has_tmdb=now.has_tmdb,
        has_tvdb=now.has_tvdb,
        locked=now.locked,
        present=now.present,
        errors=errors,
        result=result,
    )


_SAID: dict[str, tuple[str, str]] = {
    "client": (
        "What downloads for you?",
        "Mydia sends releases to a download client, tracks them, and imports finished files. Seeding continues.",
    ),
    "indexer": (
        "Where are releases searched?",
        "Mydia searches for releases at indexers. Prowlarr and Jackett offer each indexer as a Torznab feed.",
    ),
}


@get(["/setup/client", "/setup/indexer"], sync_to_thread=True, include_in_schema=False, opt={"public": True})
def service(
    request: WebRequest,
    deps: DepsDep,
    maybe_caller: MaybeCallerDep,
    kind: FromQuery[str] = "",
    another: FromQuery[bool] = False,
) -> Response[str]:
    """Ask for a download client or an indexer."""
    view = _service_view(deps, maybe_caller, _family(request), kind, another=another)
    return page(request, "setup/service.html", view, shell=False)


@post(["/setup/client", "/setup/indexer"], sync_to_thread=True, status_code=200, include_in_schema=False)
def save_service(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SetupServiceFields]
) -> Response[str]:
    """Save the service if its test succeeds, or if the user wants to keep it anyway.

    The service that an earlier visit of the step added is changed; a second one is not added.
    """
    family, draft = _family(request), form.draft()
    if draft.skip:
        return _after(request, deps, caller, family, "skipped")
    steps = services.try_client(deps, caller, form) if family == "client" else services.try_indexer(deps, caller, form)
    result: TestResult | None
    *_, result = steps
    failed, stored = result is None or result.tone == "fail", draft.service_id or ""
    errors: Mapping[str, str] = {}
    try:
        wanted = form.read()
        if failed and not wanted.anyway:
            raise _NotSaved
        with deps.database.writes() as session:
            saved = _write_service(session, caller, family, wanted)
        _record_test(deps, caller, family, saved)
    except _NotSaved:
        pass
    except (Invalid, Conflict) as error:
        errors, result = error.fields or {"": error.message}, None
    else:
        return _after(request, deps, caller, family, "failed" if failed else "done")
    sent = services.sent_form(family, form, errors, has_secret=bool(stored))
    view = _service_view(deps, caller, family, "", sent, service_id=stored, result=result)
    return page(request, "setup/service.html", view, status=422, shell=False)


def _record_test(deps: WebDeps, caller: Caller, family: services.Family, service_id: str) -> None:
    """Test the service as it is stored now, so that its state is known from the start."""
    test = settings.clients.test_client if family == "client" else settings.indexers.test_indexer
    with suppress(AdapterError):
        test(deps.database, deps.outside, caller, clock.now(), service_id)


class _NotSaved(Exception):
    """The test failed, and the user has not asked to save it anyway."""


def _write_service(session: Session, caller: Caller, family: services.Family, wanted: SetupServiceFields) -> str:
    """Add or change the service and return its id."""
    now = clock.now()
    if wanted.service_id:
        services.change_service(session, caller, now, family, wanted.service_id, wanted)
        return wanted.service_id
    name = services.add_service(session, caller, now, family, wanted)
    rows: list[Any] = (
        settings.clients.list_clients(session, caller)
        if family == "client"
        else settings.indexers.list_indexers(session, caller)
    )
    return str(next(row.id for row in rows if row.name == name))


def _family(request: WebRequest) -> services.Family:
    return "client" if request.url.path.endswith("client") else "indexer"


def _service_view(
    deps: WebDeps,
    caller: Caller | None,
    family: services.Family,
    kind: str,
    form: ServiceForm | None = None,
    *,
    service_id: str = "",
    result: TestResult | None = None,
    another: bool = False,
) -> ServiceView:
    """Show the form of the first service that can be changed here; going back to the step changes it and adds none."""
    with deps.database.reads() as session:
        caller = _signed_in(session, caller)
        frame = _frame(session, caller, family)
        rows: list[Any] = (
            settings.clients.list_clients(session, caller)
            if family == "client"
            else settings.indexers.list_indexers(session, caller)
        )
        own = next((row for row in rows if not row.managed), None)
        if form is None and own is not None and not another and kind in ("", own.kind):
            mappings = settings.clients.mappings_of(session, caller, own.id) if family == "client" else ()
            form, service_id = services.form_of(family, own, mappings), own.id
    if form is None and own is not None and not another:
        service_id = own.id
    question, explanation = _SAID[family]
    present = tuple((row.name, row.url, row.managed_source or "") for row in rows if row.id != service_id)
    shown = form or services.blank_form(family, kind, {row.name for row in rows if row.id != service_id})
    return ServiceView(
        frame=frame,
        question=question,
        explanation=explanation,
        action=f"/setup/{family}",
        present=present,
        form=shown,
        service_id=service_id,
        result=result,
    )


@get("/setup/scan", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def scan(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Offer the first scan."""
    with deps.database.reads() as session:
        caller = _signed_in(session, maybe_caller)
        frame = _frame(session, caller, "scan")
        paths = settings.library_paths.list_library_paths(session, caller)
    present = tuple(
        PresentPath(name=path.name, path=path.path, what=_WHAT[path.type], source="", look=None) for path in paths
    )
    return page(request, "setup/scan.html", ScanView(frame, present), shell=False)


@post("/setup/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def start_scan(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ScanFields]) -> Response[str]:
    """Start the first scan, or skip it, and finish the setup."""
    from mydia.contexts import library

    now, skip = clock.now(), form.read().skip
    with deps.database.writes() as session:
        scanning = not skip and bool(settings.library_paths.list_library_paths(session, caller))
        if scanning:
            library.scanning.request_scan(session, caller, None)
        settings.setup.mark_step(session, caller, now, "scan", "done" if scanning else "skipped")
        settings.setup.finish_setup(session, caller, now)
    toast = (
        Toast("First scan started", "Titles appear as files are matched.", tone="live")
        if scanning
        else Toast("Mydia is set up", "Everything else is in Settings.")
    )
    return redirect(request, "/", toast=toast, whole=True)


@post("/setup/dismiss", sync_to_thread=True, status_code=200, include_in_schema=False)
def dismiss(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Close the checklist on Home."""
    with deps.database.writes() as session:
        settings.setup.dismiss_checklist(session, caller, clock.now())
    return redirect(request, "/")


ROUTES = (
    dismiss,
    begin,
    account,
    make_account,
    found_at_provider,
    folders,
    save_folders,
    metadata,
    save_metadata,
    service,
    save_service,
    scan,
    start_scan,
)

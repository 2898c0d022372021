"""The second factors of the signed-in person: authenticator apps, passkeys and recovery codes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid, Misconfigured, NotFound
from mydia.secret import Secret
from mydia.web.auth import passkeys
from mydia.web.auth.passkeys import Asked, PasskeyFields
from mydia.web.auth.requests import address_of
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import errors_of
from mydia.web.render import Toast, page, redirect


class NewAppFields(Struct, kw_only=True):
    """The form that adds an app."""

    sealed: str = ""
    """The secret in the QR code, sealed."""
    name: str = ""
    code: str = ""
    current: Secret = Secret("")


class NewPasskeyFields(PasskeyFields, kw_only=True):
    """The form that adds a passkey."""

    name: str = ""
    current: Secret = Secret("")


class CurrentFields(Struct, kw_only=True):
    """The password that confirms a change."""

    current: Secret = Secret("")


class NewApp(msgspec.Struct, frozen=True):
    """An app that is being added."""

    sealed: str
    picture: str
    """The address of the QR code."""
    secret: str


class SecurityView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the second factor."""

    found: users.factors.FactorList
    new: NewApp | None = None
    asked: Asked
    """What the script asks the authenticator for a new passkey."""
    codes: Sequence[str] = ()
    """New recovery codes, shown once."""
    has_password: bool
    local_enabled: bool
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    failed: str = ""
    """The form that has errors: `new`, `codes`, or the id of an app."""


@get("/account/security", sync_to_thread=True, include_in_schema=False)
def security(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the second factors."""
    return _show(request, _view(request, deps, caller))


@get("/account/security/apps/new", sync_to_thread=True, include_in_schema=False)
def new_app(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the QR code of a new app."""
    return _show(request, _view(request, deps, caller, new=_new_app(deps, caller, users.factors.new_secret())))


@post("/account/security/apps/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_app(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[NewAppFields]) -> Response[str]:
    """Add the app if its code is right, and show the recovery codes."""
    sent = form.read()
    with deps.database.reads() as session:
        users.get_own(session, caller)
        sealer = settings.sealer(session)
    try:
        secret = sealer.open(sent.sealed)
    except Misconfigured:
        return redirect(request, "/account/security/apps/new")
    try:
        confirmed = _confirm(request, deps, caller, sent.current)
        with deps.database.writes() as session:
            codes = users.factors.add_app(
                session, sealer, caller, clock.now(), secret, sent.code, confirmed, name=sent.name
            )
    except Invalid as error:
        new = _new_app(deps, caller, secret)
        return _show(request, _view(request, deps, caller, new=new, errors=errors_of(error), failed="new"), status=422)
    return _show(request, _view(request, deps, caller, codes=codes), toast=Toast("App added"))


@post("/account/security/passkeys/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_passkey(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[NewPasskeyFields]) -> Response[str]:
    """Add the passkey that the authenticator made."""
    sent = form.read()
    try:
        _confirm(request, deps, caller, sent.current)
        with deps.database.reads() as session:
            sealer = settings.sealer(session)
        new = passkeys.created(request, deps, sent)
        with deps.database.writes() as session:
            codes = users.factors.add_passkey(session, sealer, caller, clock.now(), new, name=sent.name)
    except (Invalid, Conflict) as error:
        view = _view(request, deps, caller, errors=errors_of(error), failed="passkey")
        return _show(request, view, status=422)
    return _show(request, _view(request, deps, caller, codes=codes), toast=Toast("Passkey added"))


@post(
    "/account/security/apps/{credential_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False
)
def remove_app(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[CurrentFields], credential_id: FromPath[str]
) -> Response[str]:
    """Remove an app."""
    try:
        confirmed = _confirm(request, deps, caller, form.read().current)
        with deps.database.writes() as session:
            users.factors.remove_factor(session, caller, clock.now(), credential_id, confirmed)
    except Invalid as error:
        return _show(request, _view(request, deps, caller, errors=errors_of(error), failed=credential_id), status=422)
    return redirect(request, "/account/security", toast=Toast("Removed"))


@post("/account/security/recovery-codes", sync_to_thread=True, status_code=200, include_in_schema=False)
def renew_codes(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[CurrentFields]) -> Response[str]:
    """Replace the recovery codes and show the new ones."""
    try:
        confirmed = _confirm(request, deps, caller, form.read().current)
        with deps.database.writes() as session:
            sealer = settings.sealer(session)
            codes = users.factors.renew_recovery_codes(session, sealer, caller, clock.now(), confirmed)
    except (Invalid, Conflict) as error:
        return _show(request, _view(request, deps, caller, errors=errors_of(error), failed="codes"), status=422)
    return _show(request, _view(request, deps, caller, codes=codes))


@get("/account/security/picture", sync_to_thread=True, include_in_schema=False)
def picture(request: WebRequest, deps: DepsDep, caller: CallerDep, sealed: FromQuery[str] = "") -> Response[bytes]:
    """Draw the QR code of an app that is being added."""
    import segno

    with deps.database.reads() as session:
        user = users.get_own(session, caller)
        sealer = settings.sealer(session)
    try:
        secret = sealer.open(sealed)
        address = users.factors.app_address(secret, user.username)
    except (Misconfigured, ValueError) as error:
        raise NotFound("There is no such picture.") from error
    drawn = io.BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", scale=5, border=3, dark="#000", light="#fff")
    return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _confirm(request: WebRequest, deps: WebDeps, caller: Caller, current: Secret) -> users.passwords.Confirmed:
    return users.sign_in.confirm(deps.database, clock.now(), caller, current, address_of(request))


def _new_app(deps: WebDeps, caller: Caller, secret: Secret) -> NewApp:
    with deps.database.reads() as session:
        users.get_own(session, caller)
        sealed = settings.sealer(session).seal(secret.reveal())
    picture = f"/account/security/picture?{urlencode({'sealed': sealed})}"
    text = secret.reveal()
    return NewApp(sealed, picture, " ".join(text[at : at + 4] for at in range(0, len(text), 4)))


def _view(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    *,
    new: NewApp | None = None,
    codes: Sequence[str] = (),
    errors: Mapping[str, str] | None = None,
    failed: str = "",
) -> SecurityView:
    with deps.database.reads() as session:
        user = users.get_own(session, caller)
        found = users.factors.list_factors(session, settings.sealer(session), caller)
        local_enabled = settings.of(session).auth.local_enabled
    ids = [one.lookup for one in found.passkeys if one.lookup]
    return SecurityView(
        found=found,
        new=new,
        asked=passkeys.ask_to_create(
            request, deps, handle=user.id, username=user.username, display_name=user.display_name, known=ids
        ),
        codes=codes,
        has_password=user.password_hash is not None,
        local_enabled=local_enabled,
        errors=errors or {},
        failed=failed,
    )


def _show(request: WebRequest, view: SecurityView, *, status: int = 200, toast: Toast | None = None) -> Response[str]:
    # The page may show a secret, so no browser keeps it.
    headers = {"Cache-Control": "no-store"}
    return page(request, "account/security.html", view, active="account", status=status, toast=toast, headers=headers)


ROUTES = (
    security,
    new_app,
    picture,
    add_app,
    add_passkey,
    get("/account/security/passkeys/new", sync_to_thread=True, include_in_schema=False)(security.fn),
    get("/account/security/recovery-codes", sync_to_thread=True, include_in_schema=False)(security.fn),
    remove_app,
    renew_codes,
)

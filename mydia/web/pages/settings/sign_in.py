"""Settings: password sign-in and OIDC providers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.settings import FolderFinding
from mydia.contexts.users import AccountRules, Caller, Role
from mydia.errors import Conflict, Invalid, MydiaError, Unavailable
from mydia.secret import Secret
from mydia.web import security
from mydia.web.auth import oidc
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.labels import ROLES
from mydia.web.pages.settings.service_forms import TestResult
from mydia.web.render import Toast, redirect, unfolding


class SignInFields(Struct, kw_only=True):
    """The form of the ways to sign in."""

    local_enabled: bool = False
    auto_redirect: bool = False


class ProviderFields(Struct, kw_only=True):
    """The form of a provider."""

    provider_id: str = ""
    """Empty for a new one."""
    name: str = ""
    issuer: str = ""
    discovery_url: str = ""
    client_id: str = ""
    client_secret: Secret = Secret("")
    """Empty: the stored one."""
    scopes: str = ""
    redirect_url: str = ""
    role_claim: str = ""
    admin_groups: str = ""
    user_groups: str = ""
    readonly_groups: str = ""
    guest_groups: str = ""
    default_role: Annotated[
        Literal["admin", "user", "readonly", "guest", "none"], message("Choose what people in none of the groups get.")
    ] = "guest"
    allow_sign_up: bool = False
    enabled: bool = False

    @property
    def role_groups(self) -> dict[Role, tuple[str, ...]]:
        """Return role -> groups."""
        typed = {
            Role.ADMIN: self.admin_groups,
            Role.USER: self.user_groups,
            Role.READONLY: self.readonly_groups,
            Role.GUEST: self.guest_groups,
        }
        return {role: tuple(part.strip() for part in text.split(",") if part.strip()) for role, text in typed.items()}


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider in the list."""

    id: str
    name: str
    address: str
    enabled: bool


class SignInView(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to sign in."""

    frame: SettingsFrame
    providers: tuple[ProviderRow, ...]
    local_enabled: bool
    auto_redirect: bool
    locked: Mapping[str, str]
    """Field -> the source that fixes it."""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_DEFAULT_ROLES = (*((role, label) for role, label, _ in ROLES), ("none", "May not sign in"))


class ProviderView(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a provider."""

    frame: SettingsFrame
    id: str
    name: str
    action: str
    source: str
    """The source that manages it, or empty."""
    has_secret: bool
    callback: str
    """The address to register at the provider; empty until the provider is added."""
    signed_out: str
    values: Mapping[str, str]
    roles: tuple[tuple[str, str], ...] = _DEFAULT_ROLES
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_KEYS = {"local_enabled": "auth.local_enabled", "auto_redirect": "auth.oidc_auto_redirect"}


@get("/settings/sign-in", sync_to_thread=True, include_in_schema=False)
def sign_in(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the ways to sign in."""
    return show(request, "sign_in.html", _ways(deps, caller, None, {}))


@post("/settings/sign-in", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_sign_in(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SignInFields]) -> Response[str]:
    """Turn ways to sign in on and off."""
    wanted = form.read()
    try:
        with deps.database.writes() as session:
            settings.providers.list_providers(session, caller)
            found = {name: settings.sourced(session, caller, key) for name, key in _KEYS.items()}
            changes: dict[str, object] = {
                key: getattr(wanted, name)
                for name, key in _KEYS.items()
                if found[name].layer != "environment" and getattr(wanted, name) != found[name].value
            }
            settings.change_values(session, caller, clock.now(), changes)
    except Invalid as error:
        errors = {name: error.fields[key] for name, key in _KEYS.items() if key in error.fields}
        return show(request, "sign_in.html", _ways(deps, caller, wanted, errors or errors_of(error)), status=422)
    return redirect(request, "/settings/sign-in", toast=Toast("Saved"))


@get("/settings/sign-in/providers/new", sync_to_thread=True, include_in_schema=False)
def new_provider(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show an empty form."""
    return show(request, "provider.html", _form(request, deps, caller, "", None, {}))


@post("/settings/sign-in/providers/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_provider(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProviderFields]) -> Response[str]:
    """Add a provider, and show the address to register there."""
    try:
        new = _new(form.read())
        with deps.database.writes() as session:
            made = settings.providers.add_provider(session, caller, clock.now(), new)
    except (Invalid, Conflict) as error:
        view = _form(request, deps, caller, "", form.sent, errors_of(error))
        return show(request, "provider.html", view, status=422)
    return redirect(
        request, f"/settings/sign-in/providers/{made.id}", toast=Toast("Added", "Register its address at the provider.")
    )


@get("/settings/sign-in/providers/{provider_id:str}", sync_to_thread=True, include_in_schema=False)
def provider(request: WebRequest, deps: DepsDep, caller: CallerDep, provider_id: FromPath[str]) -> Response[str]:
    """Show a provider."""
    return show(request, "provider.html", _form(request, deps, caller, provider_id, None, {}))


@post("/settings/sign-in/providers/{provider_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_provider(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProviderFields], provider_id: FromPath[str]
) -> Response[str]:
    """Change a provider."""
    try:
        new = _new(form.read())
        with deps.database.writes() as session:
            settings.providers.change_provider(session, caller, clock.now(), provider_id, new)
    except (Invalid, Conflict) as error:
        view = _form(request, deps, caller, provider_id, form.sent, errors_of(error))
        return show(request, "provider.html", view, status=422)
    return redirect(request, "/settings/sign-in", toast=Toast("Saved"))


@post(
    "/settings/sign-in/providers/{provider_id:str}/remove",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def remove_provider(request: WebRequest, deps: DepsDep, caller: CallerDep, provider_id: FromPath[str]) -> Response[str]:
    """Remove a provider."""
    try:
        with deps.database.writes() as session:
            settings.providers.remove_provider(session, caller, clock.now(), provider_id)
    except Conflict as error:
        view = _form(request, deps, caller, provider_id, None, errors_of(error))
        return show(request, "provider.html", view, status=409)
    return redirect(request, "/settings/sign-in", toast=Toast("Removed"))


@post("/settings/sign-in/providers/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_provider(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProviderFields]
) -> Response[str] | Stream:
    """Fetch the discovery document and the keys of the provider that the form describes."""
    settings.providers.require_change(caller)
    steps = _steps(deps, form.draft())
    return unfolding(
        request, "settings/_test_result.html", steps, title="Test", active="settings", back="/settings/sign-in"
    )


def _steps(deps: WebDeps, wanted: ProviderFields) -> Iterator[TestResult]:
    yield TestResult("live", "Testing", findings=(FolderFinding("run", "Fetching the discovery document"),))
    if not wanted.issuer and not wanted.discovery_url:
        yield TestResult("fail", "Enter the issuer", "Or the address of the discovery document.")
        return
    tried = settings.providers.Provider(
        id="",
        key="",
        name=wanted.name or "The provider",
        issuer=wanted.issuer or None,
        discovery_url=wanted.discovery_url or None,
        client_id=wanted.client_id,
        secret=wanted.client_secret,
        scopes=wanted.scopes,
        redirect_url=None,
        role_claim=wanted.role_claim,
        rules=AccountRules(provider=wanted.name, role_groups={}),
    )
    try:
        found, keys = oidc.look(deps.outside.http, tried)
    except (Unavailable, Invalid) as error:
        yield TestResult("fail", "Test failed", _sentence(error))
        return
    findings = tuple(FolderFinding("yes", f"{label}: {address}") for label, address in found.endpoints)
    if not keys:
        yield TestResult("fail", "The provider publishes no usable key", "", findings)
        return
    yield TestResult("ok", "The provider can be used", "Sign in once to test client id and secret too.", findings)


def _sentence(error: MydiaError) -> str:
    return error.message if error.message.endswith(".") else f"{error.message}."


def _new(wanted: ProviderFields) -> settings.providers.NewProvider:
    return settings.providers.NewProvider(
        name=wanted.name,
        issuer=wanted.issuer or None,
        discovery_url=wanted.discovery_url or None,
        client_id=wanted.client_id,
        secret=wanted.client_secret,
        scopes=wanted.scopes or settings.providers.DEFAULT_SCOPES,
        redirect_url=wanted.redirect_url or None,
        role_claim=wanted.role_claim or settings.providers.DEFAULT_CLAIM,
        role_groups=wanted.role_groups,
        default_role=None if wanted.default_role == "none" else Role(wanted.default_role),
        allow_sign_up=wanted.allow_sign_up,
        enabled=wanted.enabled,
    )


def _ways(deps: WebDeps, caller: Caller, sent: SignInFields | None, errors: Mapping[str, str]) -> SignInView:
    around = frame(caller, "sign-in")
    with deps.database.reads() as session:
        rows = settings.providers.list_providers(session, caller)
        found = {name: settings.sourced(session, caller, key) for name, key in _KEYS.items()}
    return SignInView(
        frame=around,
        providers=tuple(
            ProviderRow(id=row.id, name=row.name, address=row.issuer or row.discovery_url or "", enabled=row.enabled)
            for row in rows
        ),
        local_enabled=sent.local_enabled if sent else bool(found["local_enabled"].value),
        auto_redirect=sent.auto_redirect if sent else bool(found["auto_redirect"].value),
        locked={name: one.source for name, one in found.items() if one.layer == "environment"},
        errors=errors,
    )


def _form(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    provider_id: str,
    sent: Mapping[str, str] | None,
    errors: Mapping[str, str],
) -> ProviderView:
    with deps.database.reads() as session:
        # For a new one, too: the list is what the caller must be allowed to see.
        rows = {row.id: row for row in settings.providers.list_providers(session, caller)}
        row = settings.providers.get_provider(session, caller, provider_id) if provider_id else None
    first = not any(one.key == settings.providers.FIRST_KEY for one in rows.values())
    origin = deps.config.external_url if deps.config["server.url"] else security.own_origin(request)
    key = row.key if row else settings.providers.FIRST_KEY if first else ""
    stored = (
        {
            "name": row.name,
            "issuer": row.issuer or "",
            "discovery_url": row.discovery_url or "",
            "client_id": row.client_id,
            "scopes": row.scopes,
            "redirect_url": row.redirect_url or "",
            "role_claim": row.role_claim,
            **{f"{role}_groups": ", ".join(map(str, row.role_groups.get(role, ()))) for role in Role},
            "default_role": row.default_role or "none",
            "allow_sign_up": str(row.allow_sign_up).lower(),
            "enabled": str(row.enabled).lower(),
        }
        if row
        else {
            "scopes": settings.providers.DEFAULT_SCOPES,
            "role_claim": settings.providers.DEFAULT_CLAIM,
            "default_role": "guest",
            "allow_sign_up": "true",
            "enabled": "true",
        }
    )
    path = f"/settings/sign-in/providers/{row.id if row else 'new'}"
    return ProviderView(
        frame=frame(caller, "sign-in", row.name if row else "Add provider"),
        id=row.id if row else "",
        name=row.name if row else "",
        action=path,
        source=(row.managed_source or "configuration") if row and row.managed else "",
        has_secret=row is not None and row.sealed_secret is not None,
        callback=f"{origin}{settings.providers.callback_of(key)}" if key else "",
        signed_out=f"{origin}{oidc.SIGNED_OUT}",
        values=sent or stored,
        errors=errors,
    )


ROUTES = (
    sign_in,
    save_sign_in,
    new_provider,
    add_provider,
    test_provider,
    provider,
    change_provider,
    remove_provider,
)

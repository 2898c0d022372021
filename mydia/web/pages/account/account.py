"""The account page: name, theme, password, API keys and signed-in browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import ApiKey, Caller, Permission
from mydia.errors import Conflict, Invalid, NotFound, Unavailable
from mydia.secret import Secret
from mydia.web.auth import oidc, proxy
from mydia.web.auth.requests import is_secure, session_id_of
from mydia.web.auth.session import session_cookie
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import message, require_same
from mydia.web.pages.settings.frame import errors_of
from mydia.web.render import ThemeName, Toast, page, redirect
from mydia.web.views import people


class ProfileFields(Struct, kw_only=True):
    """The form of name and e-mail address."""

    display_name: str | None = None
    email: str | None = None


class ThemeFields(Struct, kw_only=True):
    """The form of the theme."""

    theme: Annotated[ThemeName, message("Choose System, Dark or Light.")]


class PasswordFields(Struct, kw_only=True):
    """The form in which a password is changed."""

    current: Secret = Secret("")
    new: Secret = Secret("")
    again: Secret = Secret("")


class KeyFields(Struct, kw_only=True):
    """The form that creates an API key."""

    name: str = ""
    scope: Literal["", "manage", "read"] = ""
    days: Literal["", "30", "365"] = ""


_FORMS = ("profile", "theme", "password", "keys")
_TEN_YEARS_S = 10 * 365 * 86_400
_LIFETIMES = (("", "Never"), ("30", "In 30 days"), ("365", "In a year"))


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity at a provider."""

    id: str
    provider: str
    name: str
    """The name there; empty if the provider did not send one."""


@dataclass(frozen=True, slots=True)
class LinkButton:
    """A provider that the account is not linked to."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account page."""

    username: str
    values: Mapping[str, str]
    managed: bool
    role: str
    keys: tuple[ApiKey, ...]
    sessions: tuple[people.SessionRow, ...]
    identities: tuple[LinkedIdentity, ...]
    providers: tuple[LinkButton, ...]
    has_password: bool
    local_enabled: bool
    scopes: tuple[tuple[str, str], ...]
    lifetimes: tuple[tuple[str, str], ...] = _LIFETIMES
    new_key: str = ""
    """A new key, which is shown only once."""
    new_key_name: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    failed: str = ""
    """The form that has errors."""


_SCOPES = (
    ("", "All my permissions"),
    ("manage", "Library and downloads, no settings"),
    ("read", "Read-only"),
)
_PERMISSIONS: dict[str, list[str] | None] = {
    "": None,
    "manage": [
        Permission.BROWSE,
        Permission.REQUEST,
        Permission.MANAGE_REQUESTS,
        Permission.MANAGE_MEDIA,
        Permission.VIEW_ACTIVITY,
    ],
    "read": [Permission.BROWSE, Permission.VIEW_ACTIVITY],
}


@get("/account", sync_to_thread=True, include_in_schema=False)
def account(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the account page."""
    return _show(request, _view(request, deps, caller))


def again(request: WebRequest) -> Response[str]:
    """Redirect to the page when the answer to a form is reloaded."""
    return redirect(request, "/account")


@post("/account/profile", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_profile(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields]) -> Response[str]:
    """Change the caller's name and e-mail address."""
    try:
        wanted = form.read()
        with deps.database.writes() as session:
            users.change_own_profile(session, caller, clock.now(), display_name=wanted.display_name, email=wanted.email)
    except (Invalid, Conflict) as error:
        return _show(request, _view(request, deps, caller, form.sent, errors_of(error), "profile"), status=422)
    return redirect(request, "/account", toast=Toast("Saved"), whole=True)


@post("/account/theme", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_theme(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ThemeFields]) -> Response[str]:
    """Store the theme for this browser and, as the default of other browsers, for the account."""
    theme = form.read().theme
    with deps.database.writes() as session:
        users.change_preferences(session, caller, {"theme": theme})
    response = redirect(request, "/account", toast=Toast("Saved"), whole=True)
    response.set_cookie(Cookie(key="theme", value=theme, max_age=_TEN_YEARS_S, samesite="lax", path="/"))
    return response


@post("/account/password", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_password(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[PasswordFields]) -> Response[str]:
    """Change the caller's password and sign out all other browsers."""
    wanted = form.read()
    try:
        require_same(wanted.new, wanted.again)
        with deps.database.writes() as session:
            users.change_own_password(
                session,
                caller,
                clock.now(),
                wanted.current,
                wanted.new,
                keep_session_id=session_id_of(request),
            )
    except Invalid as error:
        return _show(request, _view(request, deps, caller, {}, errors_of(error), "password"), status=422)
    return redirect(request, "/account", toast=Toast("Password changed", "All other browsers are signed out."))


@post("/account/keys", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_key(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[KeyFields]) -> Response[str]:
    """Create a key and show it. It cannot be shown again."""
    now = clock.now()
    try:
        wanted = form.read()
        with deps.database.writes() as session:
            users.get_own(session, caller)
            row, text = users.api_keys.add_api_key(
                session,
                caller,
                now,
                wanted.name,
                scopes=_scopes(caller, wanted.scope),
                expires_at=now + timedelta(days=int(wanted.days)) if wanted.days else None,
            )
    except Invalid as error:
        return _show(request, _view(request, deps, caller, {}, errors_of(error), "keys"), status=422)
    # Answered without a redirect: the key must not appear in an address, a cookie or a log.
    view = _view(request, deps, caller, new_key=text, new_key_name=row.name)
    return _show(request, view, headers={"Cache-Control": "no-store"})


@post("/account/keys/{api_key_id:str}/revoke", sync_to_thread=True, status_code=200, include_in_schema=False)
def revoke_key(request: WebRequest, deps: DepsDep, caller: CallerDep, api_key_id: FromPath[str]) -> Response[str]:
    """Revoke a key."""
    with deps.database.writes() as session:
        users.get_own(session, caller)
        users.api_keys.revoke_api_key(session, caller, clock.now(), api_key_id)
    return redirect(request, "/account", toast=Toast("Key revoked"))


@post("/account/identities/{key:str}/link", sync_to_thread=True, status_code=200, include_in_schema=False)
def link_identity(request: WebRequest, deps: DepsDep, caller: CallerDep, key: FromPath[str]) -> Response[str]:
    """Send the browser to a provider; the account there is linked when it comes back."""
    if key == proxy.ISSUER and (asserted := proxy.asserted_by_proxy(request, deps)) is not None:
        with deps.database.writes() as session:
            users.identities.link(session, caller, clock.now(), asserted, provider=proxy.NAME)
        return redirect(request, "/account#sign-in", toast=Toast(f"Linked to {asserted.username}"))
    with deps.database.reads() as session:
        users.get_own(session, caller)
        provider = settings.providers.find_provider(session, key)
    if provider is None:
        raise NotFound("There is no such sign-in provider.")
    try:
        address, cookies = oidc.begin_attempt(
            request, deps, provider, next="/account", link_session_id=session_id_of(request)
        )
    except (Unavailable, Invalid) as error:
        return _show(request, _view(request, deps, caller, {}, {"": error.message}, "identities"), status=503)
    answer = oidc.onward(request, address, f"Going to {provider.name}")
    answer.cookies.extend(cookies)
    return answer


@post("/account/identities/{identity_id:str}/unlink", sync_to_thread=True, status_code=200, include_in_schema=False)
def unlink_identity(request: WebRequest, deps: DepsDep, caller: CallerDep, identity_id: FromPath[str]) -> Response[str]:
    """Remove an identity from the account."""
    try:
        with deps.database.writes() as session:
            names = settings.providers.provider_names(session)
            known = {
                one.id: people.provider_name(names, one.issuer)
                for one in users.identities.list_identities(session, caller)
            }
            users.identities.unlink(
                session,
                caller,
                clock.now(),
                identity_id,
                provider=known.get(identity_id, ""),
                has_password_sign_in=settings.of(session).auth.local_enabled,
            )
    except Conflict as error:
        return _show(request, _view(request, deps, caller, {}, errors_of(error), "identities"), status=409)
    return redirect(request, "/account#sign-in", toast=Toast("Link removed"))


@post("/account/sessions/{session_id:str}/revoke", sync_to_thread=True, status_code=200, include_in_schema=False)
def revoke_session(request: WebRequest, deps: DepsDep, caller: CallerDep, session_id: FromPath[str]) -> Response[str]:
    """Sign another browser out."""
    with deps.database.writes() as session:
        users.sessions.revoke_session(session, caller, clock.now(), session_id)
    return redirect(request, "/account", toast=Toast("Browser signed out"))


@post("/account/sessions/end", sync_to_thread=True, status_code=200, include_in_schema=False)
def end_sessions(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Sign the caller out in all browsers, including this one."""
    with deps.database.writes() as session:
        users.sessions.end_sessions(session, caller, clock.now())
    response = redirect(request, "/login?local", whole=True)
    response.set_cookie(session_cookie("", is_secure(request, deps), max_age=0))
    return response


def _scopes(caller: Caller, scope: str) -> list[str] | None:
    """Return those permissions of a choice that the caller has. None means all of the caller's, now and later."""
    chosen = _PERMISSIONS[scope]
    return None if chosen is None else [permission for permission in chosen if caller.can(Permission(permission))]


def _show(
    request: WebRequest, view: AccountView, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[str]:
    return page(request, "account/page.html", view, active="account", status=status, headers=headers)


def _view(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    sent: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    failed: str = "",
    *,
    new_key: str = "",
    new_key_name: str = "",
) -> AccountView:
    with deps.database.reads() as session:
        row = users.get_own(session, caller)
        keys = tuple(users.api_keys.list_keys(session, caller))
        found = users.sessions.list_sessions(session, caller, clock.now())
        own = users.identities.list_identities(session, caller)
        known = settings.providers.enabled_providers(session)
        names = settings.providers.provider_names(session)
        local_enabled = settings.of(session).auth.local_enabled
    linked = {one.issuer.rstrip("/") for one in own}
    named = proxy.asserted_by_proxy(request, deps)
    buttons = [LinkButton(one.key, one.name) for one in known if (one.issuer or "").rstrip("/") not in linked]
    if named is not None and proxy.ISSUER not in linked:
        buttons.append(LinkButton(proxy.ISSUER, f"{named.username} at {proxy.NAME}"))
    values = {"display_name": row.display_name or "", "email": row.email or "", **(sent or {})}
    return AccountView(
        username=row.username,
        values=values,
        managed=row.managed,
        role=row.role,
        keys=keys,
        sessions=people.session_rows(found, session_id_of(request)),
        identities=tuple(
            LinkedIdentity(one.id, people.provider_name(names, one.issuer), str(one.claims.get("username", "")))
            for one in own
        ),
        providers=tuple(buttons),
        has_password=row.password_hash is not None,
        local_enabled=local_enabled,
        scopes=_SCOPES,
        new_key=new_key,
        new_key_name=new_key_name,
        errors=errors or {},
        failed=failed,
    )


ROUTES = (
    account,
    *(get(f"/account/{part}", sync_to_thread=False, include_in_schema=False)(again) for part in _FORMS),
    save_profile,
    save_theme,
    save_password,
    add_key,
    revoke_key,
    link_identity,
    unlink_identity,
    revoke_session,
    end_sessions,
)

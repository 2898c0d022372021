"""The account page: name, theme, password, API keys and signed-in browsers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import replace
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import media, settings, users
from mydia.contexts.media import MonitorPattern
from mydia.contexts.users import Caller, Permission
from mydia.errors import Conflict, Invalid, NotFound, Unavailable
from mydia.secret import Secret
from mydia.vocabulary import MediaType
from mydia.web.auth import oidc, proxy
from mydia.web.auth.requests import address_of, is_secure, session_id_of
from mydia.web.auth.session import session_cookie
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import message, require_same
from mydia.web.looks import DateStyle, Density, Hours, find_zone, looks_from, zone_names
from mydia.web.pages.settings.frame import errors_of
from mydia.web.render import ThemeName, Toast, page, redirect, renderer_of
from mydia.web.views import people


class ProfileFields(Struct, kw_only=True):
    """The form of name and e-mail address."""

    display_name: str | None = None
    email: str | None = None


class PreferenceFields(Struct, kw_only=True):
    """The form of the preferences."""

    theme: Annotated[ThemeName, message("Choose System, Dark or Light.")]
    density: Density = Density.COMFORTABLE
    dates: DateStyle = DateStyle.DAY_FIRST
    hours: Hours = Hours.H24
    time_zone: str | None = None
    """None: the household's."""


class DefaultFields(Struct, kw_only=True):
    """The form of what the caller's titles get."""

    movie_folder: str | None = None
    movie_profile: str | None = None
    movie_monitor: Literal["", "all", "none"] = ""
    tv_show_folder: str | None = None
    tv_show_profile: str | None = None
    tv_show_monitor: MonitorPattern | None = None


class PasswordFields(Struct, kw_only=True):
    """The form in which a password is changed."""

    current: Secret = Secret("")
    new: Secret = Secret("")
    again: Secret = Secret("")


class KeyFields(Struct, kw_only=True):
    """The form that creates an API key."""

    name: str = ""
    scope: Literal["", "manage", "read", "chosen"] = ""
    permissions: tuple[Permission, ...] = ()
    """With the scope `chosen`."""
    days: Literal["", "7", "30", "90", "365"] = ""


_FORMS = ("avatar", "profile", "preferences", "defaults", "password", "keys")
_TEN_YEARS_S = 10 * 365 * 86_400
_LIFETIMES = (
    ("", "Never"),
    ("7", "In a week"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
)


class LinkedIdentity(msgspec.Struct, frozen=True):
    """An identity at a provider."""

    id: str
    provider: str
    name: str
    """The name there; empty if the provider did not send one."""


class LinkButton(msgspec.Struct, frozen=True):
    """A provider that the account is not linked to."""

    key: str
    name: str


class AddDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """The fields for titles of a type."""

    type: MediaType
    label: str
    folders: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    monitors: tuple[tuple[str, str], ...]
    chosen: settings.person_defaults.Defaults


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The account page."""

    username: str
    values: Mapping[str, str]
    name: str
    avatar_url: str | None
    managed: bool
    adds: tuple[AddDefaults, ...]
    """What the caller's titles get, by type; empty if the caller adds none."""
    household_zone: str
    zones: tuple[str, ...]
    date_styles: tuple[tuple[str, str], ...]
    """(style, today in that style)."""
    hour_styles: tuple[tuple[str, str], ...]
    role: str
    keys: tuple[people.KeyRow, ...]
    sessions: tuple[people.SessionRow, ...]
    identities: tuple[LinkedIdentity, ...]
    providers: tuple[LinkButton, ...]
    has_password: bool
    local_enabled: bool
    scopes: tuple[tuple[str, str], ...]
    permissions: tuple[tuple[Permission, str, str], ...]
    """Those that the caller has: (permission, what it allows, what that includes)."""
    chosen: frozenset[str] = frozenset()
    """Permissions that were ticked in a form with errors."""
    lifetimes: tuple[tuple[str, str], ...] = _LIFETIMES
    new_key: str = ""
    """A new key, which is shown only once."""
    new_key_name: str = ""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    failed: str = ""
    """The form that has errors."""


_SCOPES = (
    ("", "All my permissions"),
    ("manage", "Library and downloads, no settings"),
    ("read", "Read-only"),
    ("chosen", "Chosen one by one"),
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


def show_errors(
    request: WebRequest, deps: WebDeps, caller: Caller, errors: Mapping[str, str], failed: str
) -> Response[str]:
    """Show the account page with what is wrong in one of its forms."""
    return _show(request, _view(request, deps, caller, {}, errors, failed), status=422)


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


@post("/account/preferences", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_preferences(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[PreferenceFields]
) -> Response[str]:
    """Store the preferences. The theme also applies to this browser; it is the default of other browsers."""
    try:
        wanted = form.read()
        if wanted.time_zone and find_zone(wanted.time_zone) is None:
            sentence = "Enter a time zone such as Europe/Vienna."
            raise Invalid(sentence, fields={"time_zone": sentence})
    except Invalid as error:
        view = _view(request, deps, caller, form.sent, errors_of(error), "preferences")
        return _show(request, view, status=422)
    theme = wanted.theme
    chosen = {"theme": theme, "time_zone": wanted.time_zone}
    chosen |= {name: str(getattr(wanted, name)) for name in ("density", "dates", "hours")}
    with deps.database.writes() as session:
        users.change_preferences(session, caller, chosen)
    response = redirect(request, "/account", toast=Toast("Saved"), whole=True)
    response.set_cookie(Cookie(key="theme", value=theme, max_age=_TEN_YEARS_S, samesite="lax", path="/"))
    return response


@post("/account/defaults", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_defaults(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[DefaultFields]) -> Response[str]:
    """Store what the titles get that the caller adds or requests."""
    wanted = form.read()
    with deps.database.writes() as session:
        for kind in MediaType:
            monitor = getattr(wanted, f"{kind}_monitor")
            defaults = settings.person_defaults.Defaults(
                getattr(wanted, f"{kind}_folder"), getattr(wanted, f"{kind}_profile"), str(monitor) if monitor else None
            )
            settings.person_defaults.change_own(session, caller, kind, defaults)
    return redirect(request, "/account#defaults", toast=Toast("Saved"))


@post("/account/password", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_password(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[PasswordFields]) -> Response[str]:
    """Change the caller's password and sign out all other browsers."""
    wanted = form.read()
    try:
        require_same(wanted.new, wanted.again)
        now = clock.now()
        confirmed = users.sign_in.confirm(deps.database, now, caller, wanted.current, address_of(request))
        with deps.database.writes() as session:
            users.change_own_password(
                session, caller, now, wanted.new, confirmed, keep_session_id=session_id_of(request)
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
                scopes=_scopes(caller, wanted),
                expires_at=now + timedelta(days=int(wanted.days)) if wanted.days else None,
            )
    except Invalid as error:
        ticked = form.draft().permissions
        errors = {"permissions" if name == "scopes" else name: said for name, said in errors_of(error).items()}
        view = _view(request, deps, caller, form.sent, errors, "keys", chosen=ticked)
        return _show(request, view, status=422)
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


def _adds(session: Session, caller: Caller) -> tuple[AddDefaults, ...]:
    if not caller.can(Permission.MANAGE_MEDIA):
        return ()
    paths = settings.library_paths.list_library_paths(session, caller)
    profiles = tuple((one.id, one.name) for one in settings.profiles.list_profiles(session, caller))
    own = settings.person_defaults.own(session, caller)
    return tuple(
        AddDefaults(
            type=kind,
            label=label,
            folders=tuple((path.id, path.name) for path in paths if settings.library_paths.suits(path, kind)),
            profiles=profiles,
            monitors=monitors,
            chosen=own[kind],
        )
        for kind, label, monitors in (
            (MediaType.MOVIE, "Movies", (("all", "Yes, search for it"), ("none", "No, only list it"))),
            (MediaType.TV_SHOW, "Shows", tuple(media.monitoring.PATTERNS.items())),
        )
    )


def _scopes(caller: Caller, wanted: KeyFields) -> list[str] | None:
    """Return the permissions of a key. None means all of the caller's, now and later.

    Raises:
        Invalid: None was chosen.
    """
    if wanted.scope == "chosen":
        if not wanted.permissions:
            sentence = "Choose at least one permission."
            raise Invalid(sentence, fields={"permissions": sentence})
        return [str(one) for one in dict.fromkeys(wanted.permissions)]
    chosen = _PERMISSIONS[wanted.scope]
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
    chosen: Iterable[str] = (),
) -> AccountView:
    now = clock.now()
    with deps.database.reads() as session:
        row = users.get_own(session, caller)
        keys = users.api_keys.list_keys(session, caller)
        found = users.sessions.list_sessions(session, caller, now)
        own = users.identities.list_identities(session, caller)
        known = settings.providers.enabled_providers(session)
        names = settings.providers.provider_names(session)
        local_enabled = settings.of(session).auth.local_enabled
        adds = _adds(session, caller)
    linked = {one.issuer.rstrip("/") for one in own}
    named = proxy.asserted_by_proxy(request, deps)
    buttons = [LinkButton(one.key, one.name) for one in known if (one.issuer or "").rstrip("/") not in linked]
    if named is not None and proxy.ISSUER not in linked:
        buttons.append(LinkButton(proxy.ISSUER, f"{named.username} at {proxy.NAME}"))
    household = renderer_of(request).zone
    seen = looks_from(row.preferences, household)
    values = {
        "display_name": row.display_name or "",
        "email": row.email or "",
        "density": seen.density,
        "dates": seen.dates,
        "hours": seen.hours,
        "time_zone": str(row.preferences.get("time_zone") or ""),
        **(sent or {}),
    }
    samples = [(style, f"{replace(seen, dates=style).day(now)}") for style in DateStyle]
    return AccountView(
        username=row.username,
        values=values,
        name=row.display_name or row.username,
        avatar_url=row.avatar_url,
        managed=row.managed,
        adds=adds,
        household_zone=str(household),
        zones=zone_names(),
        date_styles=tuple(samples),
        hour_styles=tuple((style, replace(seen, hours=style).time(now)) for style in Hours),
        role=row.role,
        keys=people.key_rows(keys, now),
        sessions=people.session_rows(found, session_id_of(request)),
        identities=tuple(
            LinkedIdentity(one.id, people.provider_name(names, one.issuer), str(one.claims.get("username", "")))
            for one in own
        ),
        providers=tuple(buttons),
        has_password=row.password_hash is not None,
        local_enabled=local_enabled,
        scopes=_SCOPES,
        permissions=tuple(one for one in people.PERMISSIONS if caller.can(one[0])),
        chosen=frozenset(chosen),
        new_key=new_key,
        new_key_name=new_key_name,
        errors=errors or {},
        failed=failed,
    )


ROUTES = (
    account,
    *(get(f"/account/{part}", sync_to_thread=False, include_in_schema=False)(again) for part in _FORMS),
    save_profile,
    save_preferences,
    save_defaults,
    save_password,
    add_key,
    revoke_key,
    link_identity,
    unlink_identity,
    revoke_session,
    end_sessions,
)

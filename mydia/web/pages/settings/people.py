"""Settings: accounts."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import Caller, NewUser, Role
from mydia.errors import Conflict, Invalid
from mydia.secret import Secret
from mydia.web import security
from mydia.web.auth.requests import session_id_of
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.invitations import InvitationRow, invitation_rows
from mydia.web.pages.settings.labels import ROLES
from mydia.web.render import Toast, redirect
from mydia.web.views import people as views

_CHOOSE_A_ROLE = message("Choose a role.")


class UserFields(Struct, kw_only=True):
    """The form of an account."""

    role: Annotated[Role, _CHOOSE_A_ROLE] | None = None
    email: str | None = None
    display_name: str | None = None
    disabled: bool = False
    password: Secret | None = None
    """None keeps the present one."""


class NewUserFields(Struct, kw_only=True):
    """The form of a new account."""

    username: str = ""
    role: Annotated[Role, _CHOOSE_A_ROLE]
    email: str | None = None
    display_name: str | None = None
    password: Secret = Secret("")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One account in the list."""

    id: str
    name: str
    username: str
    email: str
    role: str
    managed: bool
    disabled: bool
    last_login_at: datetime | None
    mine: bool
    avatar_url: str | None
    methods: tuple[str, ...]
    """The ways to sign in."""
    session_count: int
    is_linked: bool
    """Whether it belongs to an identity at a provider or a proxy."""
    follows_groups: bool


class UsersView(msgspec.Struct, frozen=True):
    """The list of accounts."""

    frame: SettingsFrame
    people: tuple[Person, ...]
    invitations: tuple[InvitationRow, ...]


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one account."""

    frame: SettingsFrame
    person: Person | None
    action: str
    values: Mapping[str, str]
    keys: tuple[views.KeyRow, ...] = ()
    sessions: tuple[views.SessionRow, ...] = ()
    has_factors: bool = False
    reset_link: str = ""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    roles: tuple[tuple[str, str, str], ...] = ROLES


@get("/settings/users", sync_to_thread=True, include_in_schema=False)
def people(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """List the accounts and the invitations."""
    around, now = frame(caller, "users"), clock.now()
    with deps.database.reads() as session:
        rows = users.people.list_people(session, caller, now)
        names = settings.providers.provider_names(session)
        invited = users.invitations.list_invitations(session, caller)
    shown = tuple(_person(row, caller, names) for row in rows)
    invitations = invitation_rows(
        invited, {one.id: one.name for one in shown}, {role: label for role, label, _ in ROLES}, now
    )
    return show(request, "users.html", UsersView(around, shown, invitations))


@get("/settings/users/new", sync_to_thread=True, include_in_schema=False)
def new_person(request: WebRequest, caller: CallerDep) -> Response[str]:
    """Show an empty form."""
    around = frame(caller, "users", "Add user")
    return show(
        request, "user.html", UserView(frame=around, person=None, action="/settings/users/new", values={"role": "user"})
    )


@post("/settings/users/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_person(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[NewUserFields]) -> Response[str]:
    """Add an account."""
    try:
        wanted = form.read()
        new = NewUser(
            username=wanted.username,
            role=wanted.role,
            password=wanted.password,
            email=wanted.email,
            display_name=wanted.display_name,
        )
        with deps.database.writes() as session:
            made = users.add_user(session, caller, clock.now(), new)
    except (Invalid, Conflict) as error:
        around = frame(caller, "users", "Add user")
        view = UserView(
            frame=around, person=None, action="/settings/users/new", values=form.sent, errors=errors_of(error)
        )
        return show(request, "user.html", view, status=422)
    return redirect(request, "/settings/users", toast=Toast(f"{made.display_name or made.username} can sign in"))


@get("/settings/users/{user_id:str}", sync_to_thread=True, include_in_schema=False)
def person(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Show one account."""
    return show(request, "user.html", _view(request, deps, caller, user_id, None, {}))


@post("/settings/users/{user_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_person(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[UserFields], user_id: FromPath[str]
) -> Response[str]:
    """Store a changed account; an empty password keeps the present one."""
    try:
        wanted = form.read()
        with deps.database.writes() as session:
            managed = users.get_user(session, caller, user_id).managed
            users.change_user(
                session,
                caller,
                user_id,
                now=clock.now(),
                role=None if managed else wanted.role,
                email=wanted.email,
                display_name=wanted.display_name,
                disabled=None if managed else wanted.disabled,
                password=None if managed else wanted.password,
            )
    except (Invalid, Conflict) as error:
        return show(
            request, "user.html", _view(request, deps, caller, user_id, form.sent, errors_of(error)), status=422
        )
    return redirect(request, "/settings/users", toast=Toast("Saved"))


@post("/settings/users/{user_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_person(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Remove an account with its sessions and keys."""
    with deps.database.writes() as session:
        users.remove_user(session, caller, clock.now(), user_id)
    return redirect(request, "/settings/users", toast=Toast("Account removed"))


@post(
    "/settings/users/{user_id:str}/keys/{api_key_id:str}/revoke",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def revoke_key(
    request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str], api_key_id: FromPath[str]
) -> Response[str]:
    """Revoke a user's key."""
    with deps.database.writes() as session:
        users.get_user(session, caller, user_id)
        users.api_keys.revoke_api_key(session, caller, clock.now(), api_key_id)
    return redirect(request, f"/settings/users/{user_id}", toast=Toast("Key revoked"))


def _view(
    request: WebRequest,
    deps: WebDeps,
    caller: Caller,
    user_id: str,
    sent: Mapping[str, str] | None,
    errors: Mapping[str, str],
) -> UserView:
    now = clock.now()
    with deps.database.reads() as session:
        found = users.people.get_person(session, caller, now, user_id)
        names = settings.providers.provider_names(session)
        sessions = users.sessions.list_sessions(session, caller, now, user_id)
        keys = users.api_keys.list_keys(session, caller, user_id)
        has_factors = users.factors.has_factors(session, caller, user_id)
    row, shown = found.user, _person(found, caller, names)
    values = sent or {
        "role": row.role,
        "email": row.email or "",
        "display_name": row.display_name or "",
        "disabled": "true" if row.disabled_at else "false",
    }
    around = frame(caller, "users", shown.name)
    return UserView(
        frame=around,
        person=shown,
        action=f"/settings/users/{user_id}",
        values=values,
        keys=views.key_rows(keys, now),
        sessions=views.session_rows(sessions, session_id_of(request)),
        has_factors=has_factors,
        errors=errors,
    )


def _person(found: users.people.Person, caller: Caller, names: Mapping[str, str]) -> Person:
    row = found.user
    label = next(label for role, label, _ in ROLES if role == row.role)
    return Person(
        id=row.id,
        name=row.display_name or row.username,
        username=row.username,
        email=row.email or "",
        role=label,
        managed=row.managed,
        disabled=row.disabled_at is not None,
        last_login_at=row.last_login_at,
        mine=row.id == caller.id,
        avatar_url=row.avatar_url,
        methods=views.sign_in_methods(found, names),
        session_count=found.session_count,
        is_linked=bool(found.issuers),
        follows_groups=not row.role_pinned,
    )


@post("/settings/users/{user_id:str}/reset-link", sync_to_thread=True, status_code=200, include_in_schema=False)
def make_reset_link(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Show a link with which the person sets a new password. It cannot be shown again."""
    with deps.database.writes() as session:
        token = users.resets.new_reset_token(session, deps.config.secret_key(), caller, clock.now(), user_id)
    origin = deps.config.external_url if deps.config["server.url"] else security.own_origin(request)
    view = replace(_view(request, deps, caller, user_id, None, {}), reset_link=f"{origin}/login/reset/{token}")
    return show(request, "user.html", view)


@get("/settings/users/{user_id:str}/reset-link", sync_to_thread=False, include_in_schema=False)
def after_reset_link(request: WebRequest, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Redirect to the person when the answer to the form is reloaded."""
    return redirect(request, f"/settings/users/{user_id}")


@post("/settings/users/{user_id:str}/follow-groups", sync_to_thread=True, status_code=200, include_in_schema=False)
def follow_groups(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Let the groups at the provider decide the role again."""
    with deps.database.writes() as session:
        users.identities.follow_groups(session, caller, clock.now(), user_id)
    toast = Toast("The role follows the groups", "It changes with the next sign-in at the provider.")
    return redirect(request, f"/settings/users/{user_id}", toast=toast)


@post("/settings/users/{user_id:str}/factors/reset", sync_to_thread=True, status_code=200, include_in_schema=False)
def reset_factors(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Remove the second factors of somebody who lost them."""
    with deps.database.writes() as session:
        users.factors.reset_factors(session, caller, clock.now(), user_id)
    return redirect(request, f"/settings/users/{user_id}", toast=Toast("Second factor removed"))


@post(
    "/settings/users/{user_id:str}/sessions/{session_id:str}/revoke",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def revoke_session(
    request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str], session_id: FromPath[str]
) -> Response[str]:
    """Sign a user out in one browser."""
    with deps.database.writes() as session:
        users.sessions.revoke_session(session, caller, clock.now(), session_id, user_id=user_id)
    return redirect(request, f"/settings/users/{user_id}", toast=Toast("Browser signed out"))


@post("/settings/users/{user_id:str}/sessions/end", sync_to_thread=True, status_code=200, include_in_schema=False)
def end_sessions(request: WebRequest, deps: DepsDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Sign a user out everywhere."""
    with deps.database.writes() as session:
        users.sessions.end_sessions(session, caller, clock.now(), user_id=user_id)
    return redirect(request, f"/settings/users/{user_id}", toast=Toast("Signed out everywhere"))


ROUTES = (
    follow_groups,
    revoke_session,
    end_sessions,
    people,
    new_person,
    add_person,
    person,
    change_person,
    remove_person,
    revoke_key,
    reset_factors,
    make_reset_link,
    after_reset_link,
)

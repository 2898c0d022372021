"""`/api/v1/me`, `/api/v1/users` and `/api/v1/api-keys`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from mydia import clock
from mydia.contexts import requests, users
from mydia.contexts.users import NewUser, Permission, Role
from mydia.secret import Secret
from mydia.vocabulary import MediaType
from mydia.web import patterns
from mydia.web.api.schemas import Id, Name, Struct, contradictions
from mydia.web.deps import CallerDep, DatabaseDep

Roles = Literal["admin", "user", "readonly", "guest"]
Password = Annotated[
    str, Meta(min_length=users.passwords.MINIMUM_LENGTH, max_length=500, pattern=patterns.DIVERSE_TEXT)
]
UserName = Annotated[str, Meta(pattern=patterns.USERNAME)]
Address = Annotated[str, Meta(max_length=254, pattern=patterns.EMAIL)]


class Me(Struct):
    """The current caller."""

    id: str | None
    name: str
    kind: str
    """user | api_key | system"""
    role: str | None
    permissions: list[str]


class UserShape(Struct):
    """An account."""

    id: str
    username: str
    display_name: str | None
    email: str | None
    role: str
    disabled: bool
    managed: bool
    """Defined in the environment or the file, so it is read-only here."""
    last_login_at: datetime | None
    created_at: datetime


class PersonShape(UserShape):
    """An account in the list, with its ways to sign in."""

    has_password: bool
    has_passkey: bool
    has_authenticator: bool
    issuers: list[str]
    """Issuers of the OIDC providers that it is linked to; `proxy` for a reverse proxy."""
    session_count: int
    """Signed-in browsers."""


class SessionShape(Struct):
    """A signed-in browser."""

    id: str
    agent: str | None
    """The browser's User-Agent header."""
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class StartShape(Struct):
    """What an invited person starts with for titles of a type."""

    type: MediaType
    request_limit: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    """Own limit of requests; null for the household's."""
    library_path_id: str | None = None
    profile_id: str | None = None


class InvitationShape(Struct):
    """An invitation."""

    id: str
    role: str
    email: str | None
    note: str
    state: str
    """open | used | expired | revoked"""
    mail_state: str
    """none | due | sent | failed"""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: str | None
    starts_with: list[StartShape]


class MadeInvitation(InvitationShape):
    """An invitation with its link, which is not shown again."""

    path: str
    """The link, below the address of Mydia."""


class InvitationToAdd(Struct):
    """A new invitation."""

    role: Roles = "guest"
    email: Address | None = None
    note: Annotated[str, Meta(max_length=80)] = ""
    days: Annotated[int, Meta(ge=1, le=users.invitations.LONGEST_DAYS)] = 7
    by_mail: bool = False
    """Send the link to the address. 409 without one."""
    starts_with: Annotated[list[StartShape], Meta(max_length=2)] = []


class Ended(Struct):
    """How many browsers were signed out."""

    ended: int


class UserToAdd(Struct):
    """A new account; without a password it cannot sign in locally."""

    username: UserName
    role: Roles = "user"
    password: Password | None = None
    email: Address | None = None
    display_name: str | None = None


class UserChange(Struct):
    """Changes to an account. Fields that are left out stay unchanged."""

    role: Roles | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    email: Address | None | UnsetType = UNSET
    display_name: str | None | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class KeyShape(Struct):
    """An API key. The key itself is only returned when it is created."""

    id: str
    name: str
    prefix: str
    scopes: list[str] | None
    """The permissions it is limited to; null for all permissions of its owner."""
    managed: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class NewKey(Struct):
    """A new API key."""

    name: Name
    user_id: str | None = None
    """The owner; by default the caller."""
    scopes: list[Permission] | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class MadeKey(KeyShape):
    """A new API key with the key itself, which is not shown again."""

    key: str


def _facts(row: users.User) -> dict[str, Any]:
    return {
        "id": row.id,
        "username": row.username,
        "display_name": row.display_name,
        "email": row.email,
        "role": row.role,
        "disabled": row.disabled_at is not None,
        "managed": row.managed,
        "last_login_at": row.last_login_at,
        "created_at": row.created_at,
    }


def _user(row: users.User) -> UserShape:
    return UserShape(**_facts(row))


def _person(found: users.people.Person) -> PersonShape:
    return PersonShape(
        **_facts(found.user),
        has_password=found.has_password,
        has_passkey=found.has_passkey,
        has_authenticator=found.has_app,
        issuers=list(found.issuers),
        session_count=found.session_count,
    )


def _invitation(row: users.invitations.Invitation) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": row.role,
        "email": row.email,
        "note": row.note,
        "state": str(users.invitations.state_of(row, clock.now())),
        "mail_state": str(row.mail_state),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "used_at": row.used_at,
        "used_by": row.used_by,
        "starts_with": [
            StartShape(
                type=one.type,
                request_limit=one.most,
                library_path_id=one.library_path_id,
                profile_id=one.profile_id,
            )
            for one in requests.invited.starts_of(row)
        ],
    }


def _key(row: users.ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "managed": row.managed,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
    }


@get("/me", sync_to_thread=True, summary="Get the current caller")
def me(caller: CallerDep) -> Me:
    """Return the account of the session or key and its permissions."""
    return Me(
        id=caller.id,
        name=caller.name,
        kind=caller.kind,
        role=str(caller.role) if caller.role else None,
        permissions=sorted(caller.permissions),
    )


@post(
    "/users/{user_id:str}/follow-groups", sync_to_thread=True, status_code=204, summary="Let a role follow the groups"
)
def follow_groups(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> None:
    """Let the groups at the provider decide a person's role again. 409 if the account is not linked to a provider."""
    with database.writes() as session:
        users.identities.follow_groups(session, caller, clock.now(), user_id)


@get("/users", sync_to_thread=True, summary="List accounts")
def list_users(database: DatabaseDep, caller: CallerDep) -> list[PersonShape]:
    """Return all accounts, sorted by name, with their ways to sign in."""
    with database.reads() as session:
        return [_person(row) for row in users.people.list_people(session, caller, clock.now())]


@get("/users/{user_id:str}", sync_to_thread=True, summary="Get an account")
def get_user(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> PersonShape:
    """Return an account with its ways to sign in."""
    with database.reads() as session:
        return _person(users.people.get_person(session, caller, clock.now(), user_id))


@post("/users", sync_to_thread=True, summary="Add an account")
def add_user(database: DatabaseDep, caller: CallerDep, data: JSONBody[UserToAdd]) -> UserShape:
    """Add an account. 409 if the user name or e-mail address is taken."""
    new = NewUser(
        username=data.username,
        role=Role(data.role),
        password=Secret(data.password) if data.password else None,
        email=data.email,
        display_name=data.display_name,
    )
    with database.writes() as session:
        return _user(users.add_user(session, caller, clock.now(), new))


@put("/users/{user_id:str}", sync_to_thread=True, summary="Change an account")
def change_user(
    database: DatabaseDep, caller: CallerDep, user_id: FromPath[str], data: JSONBody[UserChange]
) -> UserShape:
    """Change an account. Disabling it, lowering its role or changing its password ends its sessions."""
    given: dict[str, Any] = {
        name: value for name in ("email", "display_name", "disabled") if (value := getattr(data, name)) is not UNSET
    }
    if data.role is not UNSET:
        given["role"] = Role(data.role)
    if data.password is not UNSET:
        given["password"] = Secret(data.password)
    with database.writes() as session:
        return _user(users.change_user(session, caller, user_id, now=clock.now(), **given))


@delete("/users/{user_id:str}", sync_to_thread=True, status_code=204, summary="Remove an account")
def remove_user(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> None:
    """Remove an account with its sessions and keys."""
    with database.writes() as session:
        users.remove_user(session, caller, clock.now(), user_id)


@get("/users/{user_id:str}/sessions", sync_to_thread=True, summary="List the signed-in browsers of an account")
def list_sessions(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> list[SessionShape]:
    """Return the sessions of an account, most recently used first."""
    with database.reads() as session:
        return [
            SessionShape(
                id=row.id,
                agent=row.agent,
                address=row.address,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                expires_at=row.expires_at,
            )
            for row in users.sessions.list_sessions(session, caller, clock.now(), user_id)
        ]


@delete("/users/{user_id:str}/sessions", sync_to_thread=True, status_code=200, summary="Sign an account out everywhere")
def end_sessions(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> Ended:
    """End all sessions of an account and their live streams. API keys keep working."""
    with database.writes() as session:
        return Ended(ended=users.sessions.end_sessions(session, caller, clock.now(), user_id=user_id))


@delete(
    "/users/{user_id:str}/sessions/{session_id:str}",
    sync_to_thread=True,
    status_code=204,
    summary="Sign an account out in one browser",
)
def revoke_session(database: DatabaseDep, caller: CallerDep, user_id: FromPath[str], session_id: FromPath[str]) -> None:
    """End one session of an account and its live streams."""
    with database.writes() as session:
        users.sessions.revoke_session(session, caller, clock.now(), session_id, user_id=user_id)


@get("/invitations", sync_to_thread=True, summary="List invitations")
def list_invitations(database: DatabaseDep, caller: CallerDep) -> list[InvitationShape]:
    """Return all invitations, newest first, without their links."""
    with database.reads() as session:
        return [InvitationShape(**_invitation(row)) for row in users.invitations.list_invitations(session, caller)]


@get("/invitations/{invitation_id:str}", sync_to_thread=True, summary="Get an invitation")
def get_invitation(database: DatabaseDep, caller: CallerDep, invitation_id: FromPath[str]) -> InvitationShape:
    """Return an invitation without its link."""
    with database.reads() as session:
        return InvitationShape(**_invitation(users.invitations.get_invitation(session, caller, invitation_id)))


@post("/invitations", sync_to_thread=True, summary="Invite somebody")
def add_invitation(database: DatabaseDep, caller: CallerDep, data: JSONBody[InvitationToAdd]) -> MadeInvitation:
    """Create an invitation. Its link works once and is only returned in this response. 409 if the address has an account."""
    new = users.invitations.NewInvitation(
        role=Role(data.role), email=data.email, note=data.note, days=data.days, by_mail=data.by_mail
    )
    starts = [
        requests.invited.Start(
            type=one.type,
            most=one.request_limit,
            library_path_id=one.library_path_id,
            profile_id=one.profile_id,
        )
        for one in data.starts_with
    ]
    with contradictions(), database.writes() as session:
        row, token = requests.invited.invite(session, caller, clock.now(), new, starts)
        return MadeInvitation(**_invitation(row), path=f"/invite/{token}")


@post("/invitations/{invitation_id:str}/link", sync_to_thread=True, summary="Create a new link for an invitation")
def renew_invitation(database: DatabaseDep, caller: CallerDep, invitation_id: FromPath[str]) -> MadeInvitation:
    """Replace the link of an open invitation. The one before stops working. 409 if the invitation is not open."""
    with database.writes() as session:
        token = users.invitations.new_link(session, caller, clock.now(), invitation_id)
        row = users.invitations.get_invitation(session, caller, invitation_id)
        return MadeInvitation(**_invitation(row), path=f"/invite/{token}")


@delete("/invitations/{invitation_id:str}", sync_to_thread=True, status_code=204, summary="Withdraw an invitation")
def revoke_invitation(database: DatabaseDep, caller: CallerDep, invitation_id: FromPath[str]) -> None:
    """Withdraw an open invitation. 409 if it is not open any more."""
    with database.writes() as session:
        users.invitations.revoke_invitation(session, caller, clock.now(), invitation_id)


@get("/api-keys", sync_to_thread=True, summary="List API keys")
def list_keys(database: DatabaseDep, caller: CallerDep, user_id: Id = None) -> list[KeyShape]:
    """Return the caller's API keys, or with `user_id` those of another account."""
    with database.reads() as session:
        return [KeyShape(**_key(row)) for row in users.api_keys.list_keys(session, caller, user_id)]


@post("/api-keys", sync_to_thread=True, summary="Create an API key")
def add_key(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewKey]) -> MadeKey:
    """Create an API key. The key is only returned in this response."""
    with database.writes() as session:
        row, text = users.api_keys.add_api_key(
            session,
            caller,
            clock.now(),
            data.name,
            user_id=data.user_id,
            scopes=None if data.scopes is None else [str(one) for one in data.scopes],
            expires_at=data.expires_at,
        )
        return MadeKey(**_key(row), key=text)


@delete("/api-keys/{key_id:str}", sync_to_thread=True, status_code=204, summary="Revoke an API key")
def revoke_key(database: DatabaseDep, caller: CallerDep, key_id: FromPath[str]) -> None:
    """Revoke an API key. It stops working immediately."""
    with database.writes() as session:
        users.api_keys.revoke_api_key(session, caller, clock.now(), key_id)


ROUTES: tuple[Any, ...] = (
    me,
    follow_groups,
    list_users,
    get_user,
    add_user,
    change_user,
    remove_user,
    list_sessions,
    end_sessions,
    revoke_session,
    list_invitations,
    get_invitation,
    add_invitation,
    renew_invitation,
    revoke_invitation,
    list_keys,
    add_key,
    revoke_key,
)

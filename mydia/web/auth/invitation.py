"""The page of an invitation: the invited person makes an account, or signs in at a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import requests, settings, users
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Forbidden, Invalid
from mydia.secret import Secret
from mydia.web.auth import passkeys
from mydia.web.auth.passkeys import Asked, PasskeyFields
from mydia.web.auth.session import ProviderButton, open_browser_session
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, MaybeCallerDep, WebDeps, WebRequest
from mydia.web.forms import require_same
from mydia.web.render import page


class AcceptFields(Struct, kw_only=True):
    """The form of the new account."""

    username: str = ""
    display_name: str | None = None
    password: Secret = Secret("")
    again: Secret = Secret("")


class AcceptPasskeyFields(PasskeyFields, kw_only=True):
    """The form of the new account with a passkey instead of a password."""

    username: str = ""
    display_name: str | None = None


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of an open invitation."""

    token: str
    inviter: str
    expires_at: datetime
    viewer_name: str
    """Who is signed in; empty for nobody."""
    enabled: bool
    """Whether people can sign in with a password or a passkey."""
    providers: tuple[ProviderButton, ...]
    passkey: Asked | None
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


class CodesView(msgspec.Struct, frozen=True):
    """The recovery codes of an account that was made with a passkey, shown once."""

    codes: Sequence[str]


_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@get("/invite/{token:str}", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def invitation_page(
    request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, token: FromPath[str]
) -> Response[str]:
    """Show who invites, and the ways to make an account. A link that does not work any more says why."""
    return _show(request, deps, token, maybe_caller)


@post(
    "/invite/{token:str}",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def accept_invitation(
    request: WebRequest,
    deps: DepsDep,
    maybe_caller: MaybeCallerDep,
    form: FormOf[AcceptFields],
    token: FromPath[str],
) -> Response[str]:
    """Make the account and sign its owner in."""
    sent, now = form.read(), clock.now()
    _require_open(deps, token, now)
    try:
        users.passwords.check_password(sent.password.reveal(), username=sent.username)
        require_same(sent.password, sent.again)
        with deps.database.writes() as session:
            user = requests.invited.accept(
                session, now, token, sent.username, display_name=sent.display_name, password=sent.password
            )
    except users.invitations.NotInvited:
        raise
    except (Invalid, Conflict) as error:
        return _refused(request, deps, token, maybe_caller, form.sent, error)
    return open_browser_session(request, deps, user, "/", stay=False)


@post(
    "/invite/{token:str}/passkey",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def accept_with_passkey(
    request: WebRequest,
    deps: DepsDep,
    maybe_caller: MaybeCallerDep,
    form: FormOf[AcceptPasskeyFields],
    token: FromPath[str],
) -> Response[str]:
    """Make the account with a passkey, sign its owner in, and show the recovery codes."""
    sent, now = form.read(), clock.now()
    _require_open(deps, token, now)
    try:
        new = passkeys.created(request, deps, sent)
        with deps.database.writes() as session:
            user = requests.invited.accept(session, now, token, sent.username, display_name=sent.display_name)
            sealer = settings.sealer(session)
            codes = users.factors.add_passkey(session, sealer, users.caller_of(user), now, new)
    except users.invitations.NotInvited:
        raise
    except (Invalid, Conflict) as error:
        return _refused(request, deps, token, maybe_caller, form.sent, error)
    by = users.sign_in.SignedInBy(method="passkey")
    signed_in = open_browser_session(request, deps, user, "/", by=by)
    answer = page(request, "login/codes.html", CodesView(codes), shell=False, headers=_NO_STORE)
    answer.cookies.extend(signed_in.cookies)
    return answer


def _require_open(deps: WebDeps, token: str, now: datetime) -> None:
    with deps.database.reads() as session:
        users.invitations.find_open(session, now, token)
        if not settings.of(session).auth.local_enabled:
            raise Forbidden("Signing in with a password is turned off. Accept the invitation with a provider instead.")


def _refused(
    request: WebRequest,
    deps: WebDeps,
    token: str,
    caller: Caller | None,
    sent: Mapping[str, str],
    error: Invalid | Conflict,
) -> Response[str]:
    errors = error.fields or {"": error.message}
    return _show(request, deps, token, caller, values=sent, errors=errors, status=422)


def _show(
    request: WebRequest,
    deps: WebDeps,
    token: str,
    caller: Caller | None,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    with deps.database.reads() as session:
        row, inviter = users.invitations.find_open(session, clock.now(), token)
        enabled = settings.of(session).auth.local_enabled
        known = settings.providers.enabled_providers(session)
    query = urlencode({"invitation": token})
    # The script puts the chosen name into the options; the handle only has to be the account's own.
    asked = passkeys.ask_to_create(request, deps, handle=row.id, username="new", display_name=None)
    view = InvitationView(
        token=token,
        inviter=inviter,
        expires_at=row.expires_at,
        viewer_name=caller.name if caller else "",
        enabled=enabled,
        providers=tuple(ProviderButton(one.name, f"{one.path}?{query}") for one in known),
        passkey=asked if enabled else None,
        values=values or {},
        errors=errors or {},
    )
    return page(request, "login/invitation.html", view, status=status, shell=False, headers=_NO_STORE)


ROUTES = (invitation_page, accept_invitation, accept_with_passkey)

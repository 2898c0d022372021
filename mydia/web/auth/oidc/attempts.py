"""A sign-in that was sent to a provider, remembered in a sealed cookie of the browser that began it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Literal

import msgspec
from litestar.datastructures import Cookie
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.errors import Conflict, Misconfigured
from mydia.web.auth.oidc.protocol import Fault, SignInFault
from mydia.web.auth.requests import is_secure
from mydia.web.deps import WebDeps, WebRequest

LIFETIME = timedelta(minutes=10)
_PREFIX = "oidc-"
_PATH = "/auth/oidc"
_NAME_CHARACTERS = 12
_MOST_AT_ONCE = 5
"""Sign-ins of one browser that can be open at once, for example in several tabs."""


class Attempt(Struct, kw_only=True, frozen=True):
    """What the browser that began a sign-in knows about it, and nobody else."""

    purpose: Literal["oidc"] = "oidc"
    id: str
    provider_id: str
    state: str
    nonce: str
    verifier: str
    redirect_url: str
    next: str
    begun_at_s: float
    link_session_id: str | None = None
    """The session whose account is linked; None for a sign-in."""
    may_found: bool = False
    """Whether this person may become the first administrator."""
    invitation: str | None = None
    """The token of the invitation that the person accepts."""

    @property
    def cookie_name(self) -> str:
        """Each attempt has a cookie of its own, so that tabs do not disturb each other."""
        return f"{_PREFIX}{self.state[:_NAME_CHARACTERS]}"


def new_attempt(
    provider: settings.providers.Provider,
    *,
    redirect_url: str,
    next: str,
    link_session_id: str | None = None,
    may_found: bool = False,
    invitation: str | None = None,
) -> Attempt:
    """Return a new attempt with its own state, nonce and PKCE verifier."""
    return Attempt(
        id=clock.new_id(),
        provider_id=provider.id,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_url=redirect_url,
        next=next,
        begun_at_s=clock.now().timestamp(),
        link_session_id=link_session_id,
        may_found=may_found,
        invitation=invitation,
    )


def cookies_of(request: WebRequest, deps: WebDeps, attempt: Attempt) -> list[Cookie]:
    """Return the cookie of an attempt, and removals of old ones if there are too many."""
    with deps.database.reads() as session:
        sealed = settings.sealer(session).seal(msgspec.json.encode(attempt).decode())
    open_ones = [name for name in request.cookies if name.startswith(_PREFIX)]
    removed = [_removal(name) for name in open_ones] if len(open_ones) >= _MOST_AT_ONCE else []
    kept = Cookie(
        key=attempt.cookie_name,
        value=sealed,
        path=_PATH,
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        # Lax: the provider sends the browser back with a link from its own site.
        samesite="lax",
        secure=is_secure(request, deps),
    )
    return [*removed, kept]


def removals_of(request: WebRequest, state: str) -> list[Cookie]:
    """Return the cookie that removes the one of an attempt, if the browser has it: a state can be any text."""
    name = f"{_PREFIX}{state[:_NAME_CHARACTERS]}"
    return [_removal(name)] if name in request.cookies else []


def _removal(name: str) -> Cookie:
    return Cookie(key=name, value="", path=_PATH, max_age=0, httponly=True, samesite="lax")


def take(request: WebRequest, deps: WebDeps, provider: settings.providers.Provider, state: str) -> Attempt:
    """Return the attempt that an answer belongs to, and use it up.

    Raises:
        SignInFault: This browser began no such attempt, it is too old, or it was used before.
    """
    fault = SignInFault(Fault.ATTEMPT, provider.name)
    sealed = request.cookies.get(f"{_PREFIX}{state[:_NAME_CHARACTERS]}", "")
    if not state or not sealed:
        raise fault
    now = clock.now()
    try:
        with deps.database.reads() as session:
            text = settings.sealer(session).open(sealed).reveal()
        attempt = msgspec.json.decode(text, type=Attempt)
    except (Misconfigured, msgspec.DecodeError) as error:
        raise fault from error
    age_s = now.timestamp() - attempt.begun_at_s
    fits = secrets.compare_digest(attempt.state.encode(), state.encode()) and attempt.provider_id == provider.id
    if not fits or not 0 <= age_s <= LIFETIME.total_seconds():
        raise fault
    try:
        with deps.database.writes() as session:
            users.identities.spend(session, now, attempt.id, keep=LIFETIME)
    except Conflict as error:
        raise fault from error
    return attempt

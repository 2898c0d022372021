"""Who sends a request: the owner of its API key or its session cookie."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from urllib.parse import urlsplit

from mydia import clock
from mydia.contexts import users
from mydia.contexts.users import Caller
from mydia.errors import Unavailable
from mydia.web.auth.proxy import is_stale
from mydia.web.deps import NotSignedIn, WebDeps, WebRequest
from mydia.web.remembered import UntilCommit
from mydia.web.security import key_of

COOKIE = "session"


def authenticate(request: WebRequest, deps: WebDeps) -> Caller | None:
    """Return the caller of a request, None when nobody is signed in.

    A key takes precedence over a cookie. A wrong key is never ignored: software that sends one must get an error.

    Raises:
        NotSignedIn: The request has a key that is not valid.
    """
    key = key_of(request)
    return _by_key(request, deps, key) if key is not None else _by_session(request, deps)


_MOST_REMEMBERED = 1_000
# Owners of keys and cookies, by a hash: someone who can read our memory learns no key. A revoked key stops working with the next
# request, because revoking it commits.
_keys: UntilCommit[bytes, users.api_keys.KeyCaller] = UntilCommit(_MOST_REMEMBERED)
_sessions: UntilCommit[bytes, users.sign_in.FoundSession] = UntilCommit(_MOST_REMEMBERED)


def recall(request: WebRequest, deps: WebDeps) -> Caller | None:
    """Return the caller of a request if that needs no database access. None means that it has to be looked up."""
    version = deps.database.version()
    if version is None:
        return None
    key = key_of(request)
    if key is not None:
        known = _keys.peek(deps.database, version, _digest(key))
        return known.caller if known is not None and not known.needs_touch else None
    session = _sessions.peek(deps.database, version, _digest(request.cookies.get(COOKIE, "")))
    if session is None or session.needs_touch or is_stale(request, deps, session.provider_id):
        return None
    _remember(request, session)
    return session.caller


def _remember(request: WebRequest, found: users.sign_in.FoundSession) -> None:
    state = request.scope["state"]
    state["session_id"], state["preferences"] = found.id, found.preferences
    state["avatar_url"] = found.avatar_url


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _by_key(request: WebRequest, deps: WebDeps, key: str) -> Caller:
    now, version = clock.now(), deps.database.version()
    found = _keys.peek(deps.database, version, _digest(key))
    if found is None:
        with deps.database.reads() as session:
            found = users.api_keys.caller_for_key(session, now, key)
        if found is None:
            raise NotSignedIn("This API key is unknown, was revoked, or has expired.")
        _keys.keep(deps.database, version, _digest(key), found)
    if found.needs_touch:
        with suppress(Unavailable), deps.database.writes() as session:
            users.api_keys.touch_api_key(session, now, found, address_of(request), agent_of(request))
    return found.caller


def _by_session(request: WebRequest, deps: WebDeps) -> Caller | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    now, version = clock.now(), deps.database.version()
    found = _sessions.peek(deps.database, version, _digest(token))
    if found is None:
        with deps.database.reads() as session:
            found = users.sign_in.find_session(session, now, token)
        if found is None:
            return None
        _sessions.keep(deps.database, version, _digest(token), found)
    if is_stale(request, deps, found.provider_id):
        return None
    _remember(request, found)
    if found.needs_touch:
        # Readers do not wait for a long write; a later request records that the session is in use.
        with suppress(Unavailable), deps.database.writes() as session:
            users.sign_in.touch_session(session, now, found.id)
    return found.caller


def session_id_of(request: WebRequest) -> str | None:
    """Return the id of the request's session, once its caller is known."""
    found: str | None = request.scope["state"].get("session_id")
    return found


def address_of(request: WebRequest) -> str:
    """Return the sender's address; behind a trusted proxy, the address of the proxy's client."""
    return request.client.host if request.client is not None else ""


def agent_of(request: WebRequest) -> str:
    """Return the sender's User-Agent."""
    return request.headers.get("user-agent", "")


def is_secure(request: WebRequest, deps: WebDeps) -> bool:
    """Return whether the sender uses HTTPS, even through a proxy that does not report it."""
    if request.scope["scheme"] == "https":
        return True
    external = urlsplit(deps.config.external_url)
    return external.scheme == "https" and external.netloc == request.headers.get("host")

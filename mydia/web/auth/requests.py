"""Who sends a request: whoever its API key or its session cookie belongs to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from mydia import clock
from mydia.contexts import users
from mydia.contexts.users import Caller, FoundSession, KeyCaller
from mydia.errors import Unavailable
from mydia.web.deps import NotSignedIn, WebDeps, WebRequest
from mydia.web.security import key_of

COOKIE = "session"


def authenticate(request: WebRequest, deps: WebDeps) -> Caller | None:
    """Return the caller of a request, None when nobody is signed in.

    A key counts more than a cookie, and a wrong key is never passed over: software that sends one must hear of it.

    Raises:
        NotSignedIn: The request carries a key that opens nothing.
    """
    key = key_of(request)
    return _by_key(deps, key) if key is not None else _by_session(request, deps)


class _Known[Found]:
    """Remembers who is behind keys and cookies until anything is committed by anybody, and for a few seconds at most.

    So a key that is revoked is useless with the next request, and one that expires a few seconds later.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, bytes], tuple[int, float, Found]] = {}

    def get(self, deps: WebDeps, secret: str, look: Callable[[], Found | None]) -> Found | None:
        """Return what is remembered, else what `look` finds; that nobody was found is not remembered."""
        version = deps.database.version()
        if version is None:
            return look()
        key = (deps.database.url, hashlib.sha256(secret.encode()).digest())
        now_s = clock.monotonic_s()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] == version and now_s - known[1] < _REMEMBERED_S:
            return known[2]
        found = look()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            if found is None:
                self._known.pop(key, None)
            else:
                self._known[key] = (version, now_s, found)
        return found


_REMEMBERED_S = 5.0
_MOST_REMEMBERED = 1_000
_keys: _Known[KeyCaller] = _Known()
_sessions: _Known[FoundSession] = _Known()


def _by_key(deps: WebDeps, key: str) -> Caller:
    now = clock.now()

    def look() -> KeyCaller | None:
        with deps.database.reads() as session:
            return users.caller_for_key(session, now, key)

    found = _keys.get(deps, key, look)
    if found is None:
        raise NotSignedIn("This API key is not known, was revoked, or has expired.")
    if found.needs_touch:
        with suppress(Unavailable), deps.database.writes() as session:
            users.touch_api_key(session, now, found.api_key_id)
    return found.caller


def _by_session(request: WebRequest, deps: WebDeps) -> Caller | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    now = clock.now()

    def look() -> FoundSession | None:
        with deps.database.reads() as session:
            return users.find_session(session, now, token)

    found = _sessions.get(deps, token, look)
    if found is None:
        return None
    request.scope["state"]["session_id"] = found.id
    if found.needs_touch:
        # Who only looks is served while somebody writes for long; it is noted with a later request.
        with suppress(Unavailable), deps.database.writes() as session:
            users.touch_session(session, now, found.id)
    return found.caller


def session_id_of(request: WebRequest) -> str | None:
    """Return the session a request came with, once its caller is known."""
    found: str | None = request.scope["state"].get("session_id")
    return found


def address_of(request: WebRequest) -> str:
    """Return the sender's address; behind a trusted proxy that of the proxy's client."""
    return request.client.host if request.client is not None else ""


def is_secure(request: WebRequest, deps: WebDeps) -> bool:
    """Say whether the sender reaches us over HTTPS, also through a proxy that does not tell."""
    if request.scope["scheme"] == "https":
        return True
    external = urlsplit(deps.config.external_url)
    return external.scheme == "https" and external.netloc == request.headers.get("host")

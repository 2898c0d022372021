"""Who may knock at which door. Asked before the address, the form or the body are read: whoever may not do a thing hears
that first, and nothing of what is there. Contexts ask again, so that a line that is wrong here opens nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from mydia.contexts.users import Caller, Permission
from mydia.errors import Forbidden
from mydia.web import security
from mydia.web.deps import NO_NUL, Unreadable, WebRequest, recalled_caller, require_caller

_LOOK, _MANAGE, _ACTIVITY = Permission.BROWSE, Permission.MANAGE_MEDIA, Permission.VIEW_ACTIVITY
_SETTINGS, _USERS = Permission.MANAGE_SETTINGS, Permission.MANAGE_USERS
_ELSEWHERE = (_LOOK, _MANAGE)

DOORS: dict[str, tuple[Permission | None, Permission | None]] = {
    "/account": (None, None),
    "/activity": (_ACTIVITY, _MANAGE),
    "/add": (_MANAGE, _MANAGE),
    "/imports": (_MANAGE, _MANAGE),
    "/releases": (_ACTIVITY, _MANAGE),
    "/searches": (_ACTIVITY, _MANAGE),
    "/settings": (_SETTINGS, _SETTINGS),
    "/settings/users": (_USERS, _USERS),
    "/setup": (_SETTINGS, _SETTINGS),
    "/system": (_SETTINGS, _SETTINGS),
    "/wanted": (_ACTIVITY, _MANAGE),
    "/api/v1/api-keys": (None, None),
    "/api/v1/blocklist": (_ACTIVITY, _MANAGE),
    "/api/v1/config": (_SETTINGS, _SETTINGS),
    "/api/v1/download-clients": (_SETTINGS, _SETTINGS),
    "/api/v1/downloads": (_ACTIVITY, _MANAGE),
    "/api/v1/files": (_ACTIVITY, _MANAGE),
    "/api/v1/history": (_ACTIVITY, _MANAGE),
    "/api/v1/inbox": (_MANAGE, _MANAGE),
    "/api/v1/indexers": (_SETTINGS, _SETTINGS),
    "/api/v1/library": (_ACTIVITY, _MANAGE),
    "/api/v1/library/paths": (_ACTIVITY, _SETTINGS),
    "/api/v1/me": (None, None),
    "/api/v1/searches": (_ACTIVITY, _MANAGE),
    "/api/v1/system": (_SETTINGS, _SETTINGS),
    "/api/v1/tasks": (_SETTINGS, _SETTINGS),
    "/api/v1/unknown-downloads": (_ACTIVITY, _MANAGE),
    "/api/v1/users": (_USERS, _USERS),
    "/api/v1/wanted": (_ACTIVITY, _MANAGE),
}
"""Front of an address -> what looking needs, what changing needs (None: being signed in is enough). The longest counts;
elsewhere looking needs `browse` and changing `manage_media`."""

_OWN = "/account"


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request in, or say why not: nobody is signed in, another site sent it, or the caller may not.

    Only handlers that take a `caller` ask for one; the others are for everybody or look by themselves.

    Raises:
        Unreadable: The address holds what no text can hold.
        NotSignedIn: The handler wants to know who asks, and nobody is signed in.
        Forbidden: It was another site's doing, or the caller lacks the permission.
    """
    if not isinstance(connection, Request):
        return  # a plain ASGI application: the relay's, which is for everybody and changes nothing
    request: WebRequest = connection
    asks = "caller" in handler.parsed_fn_signature.parameters
    caller = (recalled_caller(request) or await sync_to_thread(require_caller, request)) if asks else None
    await security.refuse_forgery(request)
    if caller is not None:
        _let_in(caller, str(request.scope["path_template"]), changing=request.method != "GET")
    if b"%00" in request.scope["query_string"] or "\0" in request.scope["path"]:
        raise Unreadable(NO_NUL)


def _let_in(caller: Caller, address: str, *, changing: bool) -> None:
    if caller.kind == "api_key" and _below(address, _OWN):
        raise Forbidden("An API key cannot see or change an account. Sign in with a browser to do that.")
    needed = needs(address, changing=changing)
    if needed is not None:
        caller.require(needed)


@lru_cache(maxsize=1024)
def needs(address: str, *, changing: bool) -> Permission | None:
    """Return what an address asks of whoever is signed in.

    >>> needs("/settings/users/{user_id}", changing=False)
    <Permission.MANAGE_USERS: 'manage_users'>
    """
    fitting = (front for front in DOORS if _below(address, front))
    front = max(fitting, key=len, default="")
    return DOORS.get(front, _ELSEWHERE)[changing]


def _below(address: str, front: str) -> bool:
    return address == front or address.startswith(f"{front}/")

"""The early answer to a request that will be refused: permissions are checked before the form or the body is read.

The contexts are the authority (decision 0016). This table only spares a caller without permission from learning anything
from validation errors. A test switches the guard off and compares: the contexts must refuse exactly the same requests.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from mydia.contexts import users
from mydia.contexts.users import Caller, Permission
from mydia.errors import Forbidden
from mydia.web import security
from mydia.web.deps import NO_NUL, Unreadable, WebRequest, recalled_caller, require_caller

_LOOK, _MANAGE, _ACTIVITY = Permission.BROWSE, Permission.MANAGE_MEDIA, Permission.VIEW_ACTIVITY
_ASK, _DECIDE = Permission.REQUEST, Permission.MANAGE_REQUESTS
_SETTINGS, _USERS = Permission.MANAGE_SETTINGS, Permission.MANAGE_USERS
_WHOLE = tuple(Permission)
_ELSEWHERE = (_LOOK, _MANAGE)

type Needed = Permission | tuple[Permission, ...] | None

DOORS: dict[str, tuple[Needed, Needed]] = {
    "/account": (None, None),
    "/account/defaults": (None, _MANAGE),
    "/activity": (_ACTIVITY, _MANAGE),
    "/activity/blocklist/new": (_MANAGE, _MANAGE),
    "/activity/queue/{download_id}": (_MANAGE, _MANAGE),
    "/activity/unknown/{unknown_id}": (_MANAGE, _MANAGE),
    "/add": (_MANAGE, _MANAGE),
    "/edits": (_MANAGE, _MANAGE),
    "/problems": (_ASK, _ASK),
    "/problems/{problem_id}/replace": (_DECIDE, _DECIDE),
    "/recycle-bin": (_MANAGE, _MANAGE),
    "/imports": (_MANAGE, _MANAGE),
    "/items/{item_id}/artwork": (_MANAGE, _MANAGE),
    "/items/{item_id}/edit": (_MANAGE, _MANAGE),
    "/items/{item_id}/files": (_ACTIVITY, _MANAGE),
    "/items/{item_id}/files/{file_id}/edit": (_MANAGE, _MANAGE),
    "/items/{item_id}/files/{file_id}/remove": (_MANAGE, _MANAGE),
    "/items/{item_id}/history": (_ACTIVITY, _MANAGE),
    "/items/{item_id}/match": (_MANAGE, _MANAGE),
    "/items/{item_id}/move": (_MANAGE, _MANAGE),
    "/items/{item_id}/releases": (_ACTIVITY, _MANAGE),
    "/items/{item_id}/why": (_ACTIVITY, _MANAGE),
    "/items/{item_id}/remove": (_MANAGE, _MANAGE),
    "/items/{item_id}/rename": (_MANAGE, _MANAGE),
    "/movies/columns": (_LOOK, _LOOK),
    "/movies/filters": (_LOOK, _LOOK),
    "/palette": (None, None),
    "/releases": (_ACTIVITY, _MANAGE),
    "/requests": (_ASK, _ASK),
    "/requests/blocked": (_DECIDE, _DECIDE),
    "/requests/bulk": (_DECIDE, _DECIDE),
    "/requests/new/{type_}/{number}/block": (_DECIDE, _DECIDE),
    "/requests/{request_id}/approve": (_DECIDE, _DECIDE),
    "/requests/{request_id}/decline": (_DECIDE, _DECIDE),
    "/requests/{request_id}/retry": (_DECIDE, _DECIDE),
    "/searches": (_ACTIVITY, _MANAGE),
    "/settings": (_SETTINGS, _SETTINGS),
    "/settings/folders/{library_path_id}/scan": (_SETTINGS, _MANAGE),
    "/settings/mail": (_WHOLE, _WHOLE),
    "/settings/sign-in": ((_SETTINGS, _USERS), (_SETTINGS, _USERS)),
    "/settings/sign-in/providers": (_WHOLE, _WHOLE),
    "/settings/users": (_USERS, _USERS),
    "/settings/users/{user_id}/follow-groups": (_USERS, _WHOLE),
    "/setup": (_SETTINGS, _SETTINGS),
    "/setup/scan": (_SETTINGS, (_SETTINGS, _MANAGE)),
    "/shows/columns": (_LOOK, _LOOK),
    "/shows/filters": (_LOOK, _LOOK),
    "/system": (_SETTINGS, _SETTINGS),
    "/system/audit": ((_SETTINGS, _USERS), (_SETTINGS, _USERS)),
    "/system/backups/upload": (_WHOLE, _WHOLE),
    "/system/backups/{name}": (_WHOLE, _WHOLE),
    "/wanted": (_ACTIVITY, _MANAGE),
    "/graphql": (None, None),
    "/api/v1/api-keys": (None, None),
    "/api/v1/audit": ((_SETTINGS, _USERS), (_SETTINGS, _USERS)),
    "/api/v1/blocked-titles": (_DECIDE, _DECIDE),
    "/api/v1/blocklist": (_ACTIVITY, _MANAGE),
    "/api/v1/config": (_SETTINGS, _SETTINGS),
    "/api/v1/download-clients": (_SETTINGS, _SETTINGS),
    "/api/v1/downloads": (_ACTIVITY, _MANAGE),
    "/api/v1/feeds": (_ACTIVITY, _MANAGE),
    "/api/v1/files": (_ACTIVITY, _MANAGE),
    "/api/v1/history": (_ACTIVITY, _MANAGE),
    "/api/v1/ignored-folders": (_MANAGE, _MANAGE),
    "/api/v1/inbox": (_MANAGE, _MANAGE),
    "/api/v1/indexers": (_SETTINGS, _SETTINGS),
    "/api/v1/invitations": (_USERS, _USERS),
    "/api/v1/library": (_ACTIVITY, _MANAGE),
    "/api/v1/library/paths": (_ACTIVITY, _SETTINGS),
    "/api/v1/mail": (_WHOLE, _WHOLE),
    "/api/v1/me": (None, None),
    "/api/v1/manual-import": (_MANAGE, _MANAGE),
    "/api/v1/media/{media_id}/files": (_ACTIVITY, _MANAGE),
    "/api/v1/media/{media_id}/releases": (_ACTIVITY, _MANAGE),
    "/api/v1/media/{media_id}/searches": (_ACTIVITY, _MANAGE),
    "/api/v1/media/{media_id}/why": (_ACTIVITY, _MANAGE),
    "/api/v1/backups": (_SETTINGS, _SETTINGS),
    "/api/v1/backups/uploads": (_WHOLE, _WHOLE),
    "/api/v1/backups/{name}": (_WHOLE, _WHOLE),
    "/api/v1/logs": (_SETTINGS, _SETTINGS),
    "/api/v1/media/{media_id}/artwork": (_MANAGE, _MANAGE),
    "/api/v1/media/{media_id}/match": (_MANAGE, _MANAGE),
    "/api/v1/media/{media_id}/rename": (_MANAGE, _MANAGE),
    "/api/v1/naming": (_ACTIVITY, _SETTINGS),
    "/api/v1/problems": (_ASK, _ASK),
    "/api/v1/problems/{problem_id}/replace": (_DECIDE, _DECIDE),
    "/api/v1/quality-profiles": (_LOOK, _SETTINGS),
    "/api/v1/profile-trials": (_SETTINGS, _SETTINGS),
    "/api/v1/custom-formats": (_LOOK, _SETTINGS),
    "/api/v1/delay-profiles": (_LOOK, _SETTINGS),
    "/api/v1/release-profiles": (_LOOK, _SETTINGS),
    "/api/v1/pending-releases": (_ACTIVITY, _MANAGE),
    "/api/v1/guide-imports": (_SETTINGS, _SETTINGS),
    "/api/v1/quality-sizes": (_LOOK, _SETTINGS),
    "/api/v1/recycle-bin": (_MANAGE, _MANAGE),
    "/api/v1/removed-titles": (_ACTIVITY, _MANAGE),
    "/api/v1/request-allowances": (_SETTINGS, _SETTINGS),
    "/api/v1/request-rules": (_SETTINGS, _SETTINGS),
    "/api/v1/requests": (_ASK, _ASK),
    "/api/v1/requests/decisions": (_DECIDE, _DECIDE),
    "/api/v1/requests/{request_id}/approve": (_DECIDE, _DECIDE),
    "/api/v1/requests/{request_id}/decline": (_DECIDE, _DECIDE),
    "/api/v1/requests/{request_id}/retry": (_DECIDE, _DECIDE),
    "/api/v1/saved-filters": (_LOOK, _LOOK),
    "/api/v1/searches": (_ACTIVITY, _MANAGE),
    "/api/v1/sign-in-providers": ((_SETTINGS, _USERS), _WHOLE),
    "/api/v1/sign-in-providers/{provider_id}": (_WHOLE, _WHOLE),
    "/api/v1/system": (_SETTINGS, _SETTINGS),
    "/api/v1/tasks": (_SETTINGS, _SETTINGS),
    "/api/v1/title-edits": (_MANAGE, _MANAGE),
    "/api/v1/unknown-downloads": (_ACTIVITY, _MANAGE),
    "/api/v1/users": (_USERS, _USERS),
    "/api/v1/users/{user_id}/follow-groups": (_USERS, _WHOLE),
    "/api/v1/wanted": (_ACTIVITY, _MANAGE),
}
"""Prefix of an address -> the permissions that reading and changing need (None: signing in is enough). The longest prefix
wins. All other addresses need `browse` to read and `manage_media` to change."""

_OWN = "/account"


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request in, or refuse it before its form or body is read.

    Only handlers that take a `caller` need one. The others are public or check the caller themselves.

    Raises:
        Unreadable: The address contains a NUL.
        NotSignedIn: The handler needs a caller, and the request is not signed in.
        Forbidden: The request comes from another site, or the caller lacks a permission.
    """
    if not isinstance(connection, Request):
        return  # a plain ASGI application: the relay, which is public and changes nothing
    request: WebRequest = connection
    asks = "caller" in handler.parsed_fn_signature.parameters
    caller = (recalled_caller(request) or await sync_to_thread(require_caller, request)) if asks else None
    await security.refuse_forgery(request)
    if caller is not None:
        refuse(caller, str(request.scope["path_template"]), changing=request.method != "GET")
    if b"%00" in request.scope["query_string"] or "\0" in request.scope["path"]:
        raise Unreadable(NO_NUL)


def refuse(caller: Caller, address: str, *, changing: bool) -> None:
    """Raise what `refusal` returns."""
    if (refused := refusal(caller, address, changing=changing)) is not None:
        raise refused


def refusal(caller: Caller, address: str, *, changing: bool) -> Forbidden | None:
    """Return why a caller may not use an address, or None."""
    if caller.kind == "api_key" and _below(address, _OWN):
        return Forbidden(users.NO_KEYS)
    return next((refused for one in needs(address, changing=changing) if (refused := caller.refusal(one))), None)


@lru_cache(maxsize=1024)
def needs(address: str, *, changing: bool) -> tuple[Permission, ...]:
    """Return the permissions that an address needs. Empty: signing in is enough.

    >>> needs("/settings/users/{user_id}", changing=False)
    (<Permission.MANAGE_USERS: 'manage_users'>,)
    """
    fitting = (front for front in DOORS if _below(address, front))
    front = max(fitting, key=len, default="")
    needed = DOORS.get(front, _ELSEWHERE)[changing]
    return needed if isinstance(needed, tuple) else () if needed is None else (needed,)


def _below(address: str, front: str) -> bool:
    return address == front or address.startswith(f"{front}/")

"""Setting a new password with a link from an administrator."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import users
from mydia.errors import Invalid
from mydia.secret import Secret
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, WebRequest
from mydia.web.forms import require_same
from mydia.web.render import Toast, page, redirect


class NewPasswordFields(Struct, kw_only=True):
    """The form of the new password."""

    password: Secret = Secret("")
    again: Secret = Secret("")


class ResetView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a link."""

    token: str
    username: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_NO_STORE = {"Cache-Control": "no-store"}


@get("/login/reset/{token:str}", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def reset_page(request: WebRequest, deps: DepsDep, token: FromPath[str]) -> Response[str]:
    """Ask for the new password."""
    with deps.database.reads() as session:
        user = users.resets.find_user_of_token(session, deps.config.secret_key(), clock.now(), token)
    view = ResetView(token=token, username=user.username)
    return page(request, "login/reset.html", view, shell=False, headers=_NO_STORE)


@post(
    "/login/reset/{token:str}",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def set_password(
    request: WebRequest, deps: DepsDep, form: FormOf[NewPasswordFields], token: FromPath[str]
) -> Response[str]:
    """Set the new password; the person signs in with it next, with the second factor if there is one."""
    sent, key, now = form.read(), deps.config.secret_key(), clock.now()
    with deps.database.reads() as session:
        user = users.resets.find_user_of_token(session, key, now, token)
    try:
        require_same(sent.password, sent.again)
        with deps.database.writes() as session:
            users.resets.set_password_by_token(session, key, now, token, sent.password)
    except Invalid as error:
        view = ResetView(token=token, username=user.username, errors=error.fields or {"": error.message})
        return page(request, "login/reset.html", view, status=422, shell=False, headers=_NO_STORE)
    return redirect(request, "/login?local", toast=Toast("Password changed", "Sign in with the new one."), whole=True)


ROUTES = (reset_page, set_password)

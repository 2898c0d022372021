"""The second step of signing in: a code of an authenticator app, or a recovery code."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import TooManyAttempts
from mydia.errors import Invalid
from mydia.web.auth import passkeys
from mydia.web.auth.passkeys import Asked
from mydia.web.auth.requests import COOKIE, address_of, agent_of
from mydia.web.auth.session import open_browser_session, path_after_sign_in
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.render import local_path, page, redirect


class CodeFields(Struct, kw_only=True):
    """The form of the second step."""

    code: str = ""
    next: str = ""
    stay: bool = False


class CodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the second step."""

    next: str
    stay: bool
    passkey: Asked | None = None
    """None if the account has no passkey."""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


@get("/login/code", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def code_page(
    request: WebRequest, deps: DepsDep, next: FromQuery[str] = "", stay: FromQuery[bool] = False
) -> Response[str]:
    """Ask for the code."""
    wanted = local_path(next)
    with deps.database.reads() as session:
        user_id = users.sign_in.find_waiting(session, clock.now(), request.cookies.get(COOKIE, ""))
    if user_id is None:
        return redirect(request, "/login", whole=True)
    return page(request, "login/code.html", _view(request, deps, wanted, user_id, stay=stay), shell=False)


@post(
    "/login/code",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def enter_code(request: WebRequest, deps: DepsDep, form: FormOf[CodeFields]) -> Response[str]:
    """Check the code and sign the browser in."""
    sent, now = form.read(), clock.now()
    wanted = local_path(sent.next)
    with deps.database.reads() as session:
        user_id = users.sign_in.find_waiting(session, now, request.cookies.get(COOKIE, ""))
        sealer = settings.sealer(session)
    if user_id is None:
        return redirect(request, "/login", whole=True)
    try:
        user = users.factors.verify_code(
            deps.database, sealer, now, user_id, sent.code, address_of(request), agent=agent_of(request)
        )
    except (Invalid, TooManyAttempts) as error:
        view = _view(request, deps, wanted, user_id, stay=sent.stay, errors=error.fields or {"": error.message})
        limited = isinstance(error, TooManyAttempts)
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
        return page(request, "login/code.html", view, status=429 if limited else 422, shell=False, headers=headers)
    by = users.sign_in.SignedInBy(method="password and code")
    return open_browser_session(request, deps, user, path_after_sign_in(deps, user, wanted), stay=sent.stay, by=by)


def _view(
    request: WebRequest,
    deps: WebDeps,
    wanted: str,
    user_id: str,
    *,
    stay: bool,
    errors: Mapping[str, str] | None = None,
) -> CodeView:
    with deps.database.reads() as session:
        asks = users.factors.has_passkeys(session, user_id)
    asked = passkeys.ask_to_sign_in(request, deps) if asks else None
    return CodeView(next=wanted, stay=stay, passkey=asked, errors=errors or {})


ROUTES = (code_page, enter_code)

"""Signing in and out. Works without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import Permission, TooManyAttempts, User
from mydia.errors import Forbidden, Invalid
from mydia.secret import Secret
from mydia.web.auth.requests import COOKIE, address_of, is_secure
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, MaybeCallerDep, WebDeps, WebRequest
from mydia.web.render import local_path, page, redirect

_YEAR_S = 365 * 86_400
_SHORT_DAYS = 1
"""How long an unused session lasts if the user did not choose to stay signed in."""


class LoginFields(Struct, kw_only=True):
    """The form of the login page."""

    username: str = ""
    password: Secret = Secret("")
    stay: bool = False
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """The login page."""

    next: str
    host: str
    enabled: bool
    username: str = ""
    error: str = ""
    stay: bool = True


@get("/login", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def login_page(
    request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, next: FromQuery[str] = ""
) -> Response[str]:
    """Ask for name and password. A new installation goes to the setup; a signed-in user is sent on."""
    wanted = local_path(next)
    if maybe_caller is not None:
        return redirect(request, wanted, whole=True)
    with deps.database.reads() as session:
        if not users.has_users(session):
            return redirect(request, "/setup", whole=True)
    return page(request, "login/page.html", _view(request, deps, wanted), shell=False)


@post(
    "/login",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def sign_in(request: WebRequest, deps: DepsDep, form: FormOf[LoginFields]) -> Response[str]:
    """Sign in, or show the form again; the message never says whether the name or the password was wrong."""
    login = form.read()
    wanted = local_path(login.next)
    if not deps.config["auth.local_enabled"]:
        raise Forbidden("Signing in with a password is turned off (LOCAL_AUTH_ENABLED).")
    now, address = clock.now(), address_of(request)
    try:
        user = users.sign_in.authenticate(deps.database, now, login.username, login.password, address)
    except (Invalid, TooManyAttempts) as error:
        view = _view(request, deps, wanted, username=login.username, error=error.message, stay=login.stay)
        limited = isinstance(error, TooManyAttempts)
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
        return page(request, "login/page.html", view, status=429 if limited else 422, shell=False, headers=headers)
    return open_browser_session(request, deps, user, _onward(deps, user, wanted), stay=login.stay)


def open_browser_session(
    request: WebRequest, deps: WebDeps, user: User, path: str, *, stay: bool = True
) -> Response[str]:
    """Sign a browser in and send it on. Its previous session ends, which prevents session fixation.

    Args:
        stay: Whether the session outlives the browser window.
    """
    now = clock.now()
    with deps.database.writes() as session:
        if old := request.cookies.get(COOKIE):
            users.sign_in.close_session(session, old)
        kept = settings.of(session).auth.session_days
        days = int(str(kept)) if stay else _SHORT_DAYS
        agent = request.headers.get("user-agent", "")
        _, token = users.sign_in.open_session(session, now, user, days=days, address=address_of(request), agent=agent)
    response = redirect(request, path, whole=True)
    response.set_cookie(_cookie(token, is_secure(request, deps), max_age=_YEAR_S if stay else None))
    theme = str(user.preferences.get("theme", ""))
    if theme and "theme" not in request.cookies:
        response.set_cookie(Cookie(key="theme", value=theme, max_age=10 * _YEAR_S, samesite="lax", path="/"))
    return response


@post(
    "/logout",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def logout(request: WebRequest, deps: DepsDep) -> Response[str]:
    """Sign this browser out."""
    if token := request.cookies.get(COOKIE):
        with deps.database.writes() as session:
            users.sign_in.close_session(session, token)
    response = redirect(request, "/login", whole=True)
    response.set_cookie(_cookie("", is_secure(request, deps), max_age=0))
    return response


def _onward(deps: WebDeps, user: User, wanted: str) -> str:
    """Return where to go after signing in: to the setup if it is not finished and the user may change settings."""
    caller = users.caller_of(user)
    if wanted != "/" or not caller.can(Permission.MANAGE_SETTINGS):
        return wanted
    with deps.database.reads() as session:
        step = settings.setup.setup_state(session, caller).next_step
    return f"/setup/{step}" if step else wanted


def _cookie(token: str, secure: bool, *, max_age: int | None) -> Cookie:
    # Lax: someone who follows a link from a message must be signed in. The form token refuses changes from other sites.
    return Cookie(key=COOKIE, value=token, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)


def _view(
    request: WebRequest, deps: WebDeps, wanted: str, *, username: str = "", error: str = "", stay: bool = True
) -> LoginView:
    host = request.headers.get("host", "")
    enabled = bool(deps.config["auth.local_enabled"])
    return LoginView(next=wanted, host=host, enabled=enabled, username=username, error=error, stay=stay)

"""The sign-in page and the session cookie. Works without JavaScript."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from msgspec import Struct

from mydia import clock
from mydia.contexts import notifications, settings, users
from mydia.contexts.users import Asserted, Permission, Role, TooManyAttempts, User
from mydia.errors import Forbidden, Invalid
from mydia.secret import Secret
from mydia.web.auth import passkeys, proxy
from mydia.web.auth.passkeys import Asked
from mydia.web.auth.requests import COOKIE, address_of, agent_of, is_secure
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


class ProviderButton(msgspec.Struct, frozen=True):
    """A provider to sign in with."""

    name: str
    href: str


class LoginView(msgspec.Struct, frozen=True, kw_only=True):
    """The login page."""

    next: str
    host: str
    enabled: bool
    """Whether people can sign in with a password."""
    providers: tuple[ProviderButton, ...] = ()
    username: str = ""
    error: str = ""
    passkey: Asked | None = None
    """None if nobody has a passkey."""
    request_id: str = ""
    """Id of the request that failed at a provider; the log has it too."""
    stay: bool = True
    offers_reset: bool = False
    """Whether people who forgot their password can get a link by mail."""


@get("/login", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def login_page(
    request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, next: FromQuery[str] = ""
) -> Response[str]:
    """Ask for name and password, or for a provider. A new installation goes to the setup; a signed-in user is sent on.

    If so configured, the browser goes straight to the only provider. `/login?local` shows the page all the same.
    """
    wanted = local_path(next)
    if maybe_caller is not None:
        return redirect(request, wanted, whole=True)
    with deps.database.reads() as session:
        found = settings.of(session)
        is_new = not users.has_users(session)
    goes_on = "local" not in request.query_params
    if goes_on and (asserted := proxy.asserted_by_proxy(request, deps)) is not None:
        return _sign_in_by_proxy(request, deps, asserted, wanted)
    if is_new:
        return redirect(request, "/setup", whole=True)
    view = login_view(request, deps, wanted)
    if goes_on and found.auth.oidc_auto_redirect and len(view.providers) == 1:
        return redirect(request, view.providers[0].href, whole=True)
    return page(request, "login/page.html", view, shell=False)


def _sign_in_by_proxy(request: WebRequest, deps: WebDeps, asserted: Asserted, wanted: str) -> Response[str]:
    rules = proxy.rules_of(settings.of(deps.database))
    try:
        # The owner of the proxy decides who may pass it, so the first person is the administrator.
        user = users.identities.admit(
            deps.database,
            clock.now(),
            asserted,
            rules,
            address_of(request),
            may_found=True,
            agent=agent_of(request),
        )
    except users.NotAdmitted as error:
        view = login_view(request, deps, wanted, error=error.message)
        return page(request, "login/page.html", view, status=403, shell=False)
    by = users.sign_in.SignedInBy(method="proxy", provider_id=proxy.mark_of(asserted))
    return open_browser_session(request, deps, user, path_after_sign_in(deps, user, wanted), stay=False, by=by)


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
    if not settings.of(deps.database).auth.local_enabled:
        raise Forbidden("Signing in with a password is turned off. Sign in with a provider instead.")
    now, address = clock.now(), address_of(request)
    try:
        user = users.sign_in.authenticate(
            deps.database, now, login.username, login.password, address, agent=agent_of(request)
        )
    except (Invalid, TooManyAttempts) as error:
        view = login_view(request, deps, wanted, username=login.username, error=error.message, stay=login.stay)
        limited = isinstance(error, TooManyAttempts)
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
        return page(request, "login/page.html", view, status=429 if limited else 422, shell=False, headers=headers)
    with deps.database.reads() as session:
        asks = users.factors.needs_second_factor(session, user.id)
    if asks:
        return _ask_for_code(request, deps, user, wanted, stay=login.stay)
    return open_browser_session(request, deps, user, path_after_sign_in(deps, user, wanted), stay=login.stay)


def _ask_for_code(request: WebRequest, deps: WebDeps, user: User, wanted: str, *, stay: bool) -> Response[str]:
    """Give the browser a session that only waits for the second factor."""
    with deps.database.writes() as session:
        if old := request.cookies.get(COOKIE):
            users.sign_in.close_session(session, old)
        token = users.sign_in.open_waiting(
            session, clock.now(), user, address=address_of(request), agent=agent_of(request)
        )
    query = urlencode({"next": wanted, "stay": str(stay).lower()})
    response = redirect(request, f"/login/code?{query}", whole=True)
    response.set_cookie(session_cookie(token, is_secure(request, deps), max_age=None))
    return response


def open_browser_session(
    request: WebRequest,
    deps: WebDeps,
    user: User,
    path: str,
    *,
    stay: bool = True,
    by: users.sign_in.SignedInBy = users.sign_in.PASSWORD,
) -> Response[str]:
    """Sign a browser in and send it on. Its previous session ends, which prevents session fixation.

    Args:
        stay: Whether the session outlives the browser window.
        by: How it was signed in.
    """
    now = clock.now()
    with deps.database.writes() as session:
        if old := request.cookies.get(COOKIE):
            users.sign_in.close_session(session, old)
        kept = settings.of(session).auth.session_days
        days = int(str(kept)) if stay else _SHORT_DAYS
        _, token = users.sign_in.open_session(
            session, now, user, days=days, address=address_of(request), agent=agent_of(request), by=by
        )
    response = redirect(request, path, whole=True)
    response.set_cookie(session_cookie(token, is_secure(request, deps), max_age=_YEAR_S if stay else None))
    theme = str(user.preferences.get("theme", ""))
    if theme and "theme" not in request.cookies:
        response.set_cookie(Cookie(key="theme", value=theme, max_age=10 * _YEAR_S, samesite="lax", path="/"))
    return response


def path_after_sign_in(deps: WebDeps, user: User, wanted: str) -> str:
    """Return where to go after signing in: to the setup if it is not finished and the user may change settings."""
    caller = users.caller_of(user)
    if caller.role == Role.ADMIN:
        with deps.database.writes() as session:
            if "account" not in settings.setup.setup_state(session, caller).steps:
                settings.setup.mark_step(session, caller, clock.now(), "account", "done")
    if wanted != "/" or not caller.can(Permission.MANAGE_SETTINGS):
        return wanted
    with deps.database.reads() as session:
        step = settings.setup.setup_state(session, caller).next_step
    return f"/setup/{step}" if step else wanted


def session_cookie(token: str, secure: bool, *, max_age: int | None) -> Cookie:
    """Return the cookie of a session."""
    # Lax: someone who follows a link from a message must be signed in. The form token refuses changes from other sites.
    return Cookie(key=COOKIE, value=token, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)


def login_view(
    request: WebRequest,
    deps: WebDeps,
    wanted: str,
    *,
    username: str = "",
    error: str = "",
    stay: bool = True,
    request_id: str = "",
) -> LoginView:
    """Return the login page with what is enabled."""
    with deps.database.reads() as session:
        enabled = settings.of(session).auth.local_enabled
        known = settings.providers.enabled_providers(session)
        asks = enabled and users.factors.has_passkeys(session)
        offers_reset = notifications.mail.can_send_resets(session)
    query = f"?{urlencode({'next': wanted})}" if wanted != "/" else ""
    return LoginView(
        next=wanted,
        host=request.headers.get("host", ""),
        enabled=enabled,
        providers=tuple(ProviderButton(one.name, one.path + query) for one in known),
        passkey=passkeys.ask_to_sign_in(request, deps) if asks else None,
        username=username,
        error=error,
        stay=stay,
        offers_reset=offers_reset,
        request_id=request_id,
    )

"""The page for people who forgot their password: they get a link by mail."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from msgspec import Struct

from mydia import clock
from mydia.contexts import notifications, users
from mydia.contexts.users import TooManyAttempts
from mydia.errors import NotFound
from mydia.web.auth.requests import address_of
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.render import page, redirect


class ForgottenFields(Struct, kw_only=True):
    """The form: who it is."""

    name: str = ""


class ForgottenView(msgspec.Struct, frozen=True, kw_only=True):
    """The form, or what happens next."""

    name: str = ""
    sent: bool = False
    error: str = ""


@get("/login/forgotten", sync_to_thread=True, include_in_schema=False, opt={"public": True})
def forgotten_page(request: WebRequest, deps: DepsDep) -> Response[str]:
    """Ask for the user name or the e-mail address."""
    if not _is_offered(deps):
        return redirect(request, "/login?local", whole=True)
    return page(request, "login/forgotten.html", ForgottenView(), shell=False)


@post(
    "/login/forgotten",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def ask_for_link(request: WebRequest, deps: DepsDep, form: FormOf[ForgottenFields]) -> Response[str]:
    """Let the link be mailed. The answer is the same whether or not there is such an account."""
    if not _is_offered(deps):
        raise NotFound("Mydia cannot send mail here. Ask an administrator for a link.")
    name = form.read().name.strip()[:254]
    if not name:
        view = ForgottenView(error="Enter your user name or e-mail address.")
        return page(request, "login/forgotten.html", view, status=422, shell=False)
    try:
        with deps.database.writes() as session:
            users.resets.request_by_mail(session, clock.now(), name, address_of(request))
    except TooManyAttempts as error:
        view = ForgottenView(name=name, error=error.message)
        headers = {"Retry-After": str(error.retry_after_s)}
        return page(request, "login/forgotten.html", view, status=429, shell=False, headers=headers)
    return page(request, "login/forgotten.html", ForgottenView(name=name, sent=True), shell=False)


def _is_offered(deps: WebDeps) -> bool:
    with deps.database.reads() as session:
        return notifications.mail.can_send_resets(session)


ROUTES = (forgotten_page, ask_for_link)

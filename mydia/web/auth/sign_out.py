"""Signing out, here and at the provider."""

from __future__ import annotations

from litestar import Response, post

from mydia import clock
from mydia.contexts import users
from mydia.web.auth import oidc
from mydia.web.auth.requests import COOKIE, is_secure
from mydia.web.auth.session import session_cookie
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, WebRequest
from mydia.web.render import redirect


@post(
    "/logout",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def logout(request: WebRequest, deps: DepsDep) -> Response[str]:
    """Sign this browser out, also at the provider that it signed in with."""
    closed = None
    if token := request.cookies.get(COOKIE):
        with deps.database.writes() as session:
            closed = users.sign_in.sign_out(session, clock.now(), token)
    address = None
    if closed is not None and closed.provider_id is not None:
        address = oidc.sign_out_address(request, deps, closed.provider_id, closed.sealed_id_token)
    response = (
        oidc.onward(request, address, "Signing out") if address else redirect(request, "/login?local", whole=True)
    )
    response.set_cookie(session_cookie("", is_secure(request, deps), max_age=0))
    return response

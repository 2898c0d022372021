"""Signing in with a passkey."""

from __future__ import annotations

from litestar import Response, post

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import NOBODY
from mydia.errors import Forbidden, Invalid
from mydia.web.auth import passkeys
from mydia.web.auth.passkeys import PasskeyFields
from mydia.web.auth.requests import address_of, agent_of
from mydia.web.auth.session import login_view, open_browser_session, path_after_sign_in
from mydia.web.deps import PUBLIC_BODY_BYTES, DepsDep, FormOf, WebRequest
from mydia.web.render import local_path, page


@post(
    "/login/passkey",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=PUBLIC_BODY_BYTES,
)
def sign_in_with_passkey(request: WebRequest, deps: DepsDep, form: FormOf[PasskeyFields]) -> Response[str]:
    """Sign in with a passkey: it proves possession and, by fingerprint or PIN, the person, so no code is asked for."""
    sent = form.read()
    wanted = local_path(sent.next)
    if not settings.of(deps.database).auth.local_enabled:
        raise Forbidden("Signing in without a provider is turned off.")
    try:
        user = passkeys.signed_in(request, deps, sent)
    except Invalid as error:
        users.sign_in.record_failure(
            deps.database,
            clock.now(),
            NOBODY,
            "a passkey",
            address_of(request),
            "wrong passkey",
            agent=agent_of(request),
        )
        view = login_view(request, deps, wanted, error=error.message)
        return page(request, "login/page.html", view, status=422, shell=False)
    by = users.sign_in.SignedInBy(method="passkey")
    return open_browser_session(request, deps, user, path_after_sign_in(deps, user, wanted), by=by)


ROUTES = (sign_in_with_passkey,)

"""The addresses of sign-in with a provider: begin, come back, sign out."""

from __future__ import annotations

import logging

import msgspec
from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.params import FromPath

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.http import Http
from mydia.contexts import requests, settings, users
from mydia.contexts.users import NOBODY, Caller, NotAdmitted
from mydia.errors import Conflict, MydiaError, NotFound, Unavailable
from mydia.web import security
from mydia.web.auth import session as browser
from mydia.web.auth.oidc import attempts, protocol
from mydia.web.auth.oidc.attempts import Attempt
from mydia.web.auth.oidc.protocol import Fault, Known, Metadata, SignInFault
from mydia.web.auth.requests import address_of, agent_of, session_id_of
from mydia.web.deps import DepsDep, MaybeCallerDep, WebDeps, WebRequest
from mydia.web.locality import is_local
from mydia.web.render import Toast, is_htmx, local_path, page, redirect

logger = logging.getLogger(__name__)

KNOWN = Known()
SIGNED_OUT = "/auth/oidc/signed-out"
_NO_STORE = {"Cache-Control": "no-store"}


class OnwardView(msgspec.Struct, frozen=True):
    """A page that leads to a provider."""

    title: str
    address: str


def onward(request: WebRequest, address: str, title: str) -> Response[str]:
    """Send the browser to another site after a form.

    A redirect would be refused, because our forms may be sent to this site only (`form-action 'self'`). The answer is a
    page with a link and a Refresh header.
    """
    if is_htmx(request):
        return Response("", status_code=200, headers={"HX-Redirect": address, **_NO_STORE})
    headers = {"Refresh": f"0; url={address}", **_NO_STORE}
    return page(request, "login/onward.html", OnwardView(title, address), shell=False, headers=headers)


def begin_attempt(
    request: WebRequest,
    deps: WebDeps,
    provider: settings.providers.Provider,
    *,
    next: str = "/",
    link_session_id: str | None = None,
    may_found: bool = False,
    invitation: str | None = None,
) -> tuple[str, list[Cookie]]:
    """Return the provider's address for a new attempt, and the cookies that remember it.

    Raises:
        AdapterError: The provider does not answer.
        SignInFault: Its discovery document cannot be used.
    """
    metadata = KNOWN.metadata(deps.outside.http, provider)
    redirect_url = provider.redirect_url or f"{_origin(request, deps)}{settings.providers.callback_of(provider.key)}"
    attempt = attempts.new_attempt(
        provider,
        redirect_url=redirect_url,
        next=next,
        link_session_id=link_session_id,
        may_found=may_found,
        invitation=invitation,
    )
    address = protocol.authorization_address(
        provider, metadata, redirect_url, state=attempt.state, nonce=attempt.nonce, verifier=attempt.verifier
    )
    return address, attempts.cookies_of(request, deps, attempt)


def sign_out_address(request: WebRequest, deps: WebDeps, provider_id: str, sealed_id_token: str | None) -> str | None:
    """Return where to sign out at the provider of a session, or None if there is nothing to do there."""
    with deps.database.reads() as session:
        provider = settings.providers.find_provider_by_id(session, provider_id)
        token = settings.sealer(session).open(sealed_id_token).reveal()
    if provider is None:
        return None
    try:
        metadata = KNOWN.metadata(deps.outside.http, provider)
    except (AdapterError, SignInFault):
        return None  # signed out of Mydia in any case
    return protocol.sign_out_address(provider, metadata, id_token=token, back=f"{_origin(request, deps)}{SIGNED_OUT}")


def look(http: Http, provider: settings.providers.Provider) -> tuple[Metadata, int]:
    """Return the discovery document of a provider and the number of its usable keys, for a test.

    Raises:
        AdapterError: It does not answer.
        SignInFault: The document cannot be used.
    """
    metadata = KNOWN.metadata(http, provider, fresh=True)
    return metadata, len(KNOWN.keys(http, provider, metadata, newer=True))


def _begin(request: WebRequest, deps: WebDeps, caller: Caller | None, key: str) -> Response[str]:
    wanted = local_path(request.query_params.get("next"))
    if caller is not None:
        return redirect(request, wanted, whole=True)
    provider = _provider(deps, key)
    invitation = request.query_params.get("invitation") or None
    if invitation is not None:
        with deps.database.reads() as session:
            users.invitations.find_open(session, clock.now(), invitation)
    try:
        address, cookies = begin_attempt(
            request, deps, provider, next=wanted, may_found=is_local(request), invitation=invitation
        )
    except (AdapterError, SignInFault) as error:
        logger.warning("a sign-in provider cannot be used", extra={"provider": provider.name, "reason": error.message})
        return _refused(request, deps, error, wanted)
    return Response("", status_code=303, headers={"Location": address, **_NO_STORE}, cookies=cookies)


def _come_back(request: WebRequest, deps: WebDeps, key: str) -> Response[str]:
    provider = _provider(deps, key)
    state = request.query_params.get("state", "")
    wanted = "/"
    try:
        attempt = attempts.take(request, deps, provider, state)
        wanted = attempt.next
        person = _person(request, deps, provider, attempt)
        answer = _enter(request, deps, provider, attempt, person)
    except (SignInFault, AdapterError) as error:
        _record(request, deps, provider, error)
        answer = _refused(request, deps, error, wanted)
    except (NotAdmitted, Conflict, users.invitations.NotInvited) as error:
        answer = _refused(request, deps, error, wanted)
    answer.cookies.extend(attempts.removals_of(request, state))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _person(
    request: WebRequest, deps: WebDeps, provider: settings.providers.Provider, attempt: Attempt
) -> protocol.Person:
    http, sent = deps.outside.http, request.query_params
    metadata = KNOWN.metadata(http, provider)
    issuer = sent.get("iss")
    if issuer != metadata.issuer and (issuer is not None or metadata.sends_issuer):
        raise SignInFault(Fault.ISSUER, provider.name)
    if error := sent.get("error"):
        said = protocol.plain(sent.get("error_description") or error)
        raise SignInFault(Fault.PROVIDER, provider.name, said)
    return protocol.exchange(
        http,
        KNOWN,
        provider,
        metadata,
        clock.now(),
        code=sent.get("code", ""),
        redirect_url=attempt.redirect_url,
        nonce=attempt.nonce,
        verifier=attempt.verifier,
    )


def _enter(
    request: WebRequest,
    deps: WebDeps,
    provider: settings.providers.Provider,
    attempt: Attempt,
    person: protocol.Person,
) -> Response[str]:
    """Link the person to an account, or sign them in."""
    now = clock.now()
    if attempt.link_session_id is not None:
        caller = deps.authenticate(request, deps)
        if caller is None or session_id_of(request) != attempt.link_session_id:
            raise SignInFault(Fault.ATTEMPT, provider.name)
        with deps.database.writes() as session:
            users.identities.link(session, caller, now, person.asserted, provider=provider.name)
        return redirect(request, "/account#sign-in", toast=Toast(f"{provider.name} linked"), whole=True)
    if attempt.invitation is not None:
        with deps.database.writes() as session:
            user = requests.invited.accept_asserted(
                session, now, attempt.invitation, person.asserted, provider=provider.name
            )
    else:
        user = users.identities.admit(
            deps.database,
            now,
            person.asserted,
            provider.rules,
            address_of(request),
            may_found=attempt.may_found,
            agent=agent_of(request),
        )
    with deps.database.reads() as session:
        sealed = settings.sealer(session).seal(person.id_token)
    by = users.sign_in.SignedInBy(method="oidc", provider_id=provider.id, sealed_id_token=sealed)
    return browser.open_browser_session(
        request, deps, user, browser.path_after_sign_in(deps, user, attempt.next), by=by
    )


def _record(
    request: WebRequest, deps: WebDeps, provider: settings.providers.Provider, error: SignInFault | AdapterError
) -> None:
    """Record a failure for administrators."""
    reason = f"oidc_{error.code.value}" if isinstance(error, SignInFault) else f"oidc_{error.code}"
    logger.info("sign-in at a provider failed", extra={"provider": provider.name, "reason": error.message})
    users.sign_in.record_failure(
        deps.database, clock.now(), NOBODY, provider.name, address_of(request), reason, agent=agent_of(request)
    )


def _refused(request: WebRequest, deps: WebDeps, error: MydiaError, wanted: str) -> Response[str]:
    """Show the login page with the reason and the id of the request, which the log has too."""
    status = 503 if isinstance(error, Unavailable) else 403
    view = browser.login_view(
        request, deps, wanted, error=error.message, request_id=request.scope["state"].get("request_id", "")
    )
    return page(request, "login/page.html", view, status=status, shell=False)


def _provider(deps: WebDeps, key: str) -> settings.providers.Provider:
    with deps.database.reads() as session:
        found = settings.providers.find_provider(session, key)
    if found is None:
        raise NotFound("There is no such sign-in provider. Choose one on the sign-in page.")
    return found


def _origin(request: WebRequest, deps: WebDeps) -> str:
    """Return the public origin; without EXTERNAL_URL, the one that the browser uses."""
    return deps.config.external_url if deps.config["server.url"] else security.own_origin(request)


_PUBLIC = {"public": True}


@get("/auth/oidc", sync_to_thread=True, include_in_schema=False, opt=_PUBLIC)
def begin_first(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep) -> Response[str]:
    """Send the browser to the first provider."""
    return _begin(request, deps, maybe_caller, settings.providers.FIRST_KEY)


@get("/auth/oidc/{key:str}", sync_to_thread=True, include_in_schema=False, opt=_PUBLIC)
def begin(request: WebRequest, deps: DepsDep, maybe_caller: MaybeCallerDep, key: FromPath[str]) -> Response[str]:
    """Send the browser to a provider."""
    return _begin(request, deps, maybe_caller, key)


@get("/auth/oidc/callback", sync_to_thread=True, include_in_schema=False, opt=_PUBLIC)
def come_back_first(request: WebRequest, deps: DepsDep) -> Response[str]:
    """Receive the browser from the first provider."""
    return _come_back(request, deps, settings.providers.FIRST_KEY)


@get("/auth/oidc/{key:str}/callback", sync_to_thread=True, include_in_schema=False, opt=_PUBLIC)
def come_back(request: WebRequest, deps: DepsDep, key: FromPath[str]) -> Response[str]:
    """Receive the browser from a provider."""
    return _come_back(request, deps, key)


@get(SIGNED_OUT, sync_to_thread=True, include_in_schema=False, opt=_PUBLIC)
def signed_out(request: WebRequest) -> Response[str]:
    """Receive the browser from a provider that it was signed out of."""
    return redirect(request, "/login?local", toast=Toast("Signed out"), whole=True)


ROUTES = (begin_first, begin, come_back_first, come_back, signed_out)

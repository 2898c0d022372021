"""Turn errors into answers: one table from kind to status, one handler for pages, fragments and problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
from litestar import Response, get
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.params import FromPath

from mydia.errors import MydiaError, NotFound
from mydia.web import render, security, wording
from mydia.web.deps import MaybeCallerDep, Unreadable, WebRequest, known_caller

logger = logging.getLogger(__name__)

STATUS: dict[str, int] = {
    "not_found": 404,
    "conflict": 409,
    "changed": 412,
    "invalid": 422,
    "forbidden": 403,
    "unavailable": 503,
    "misconfigured": 500,
    "not_signed_in": 401,
    "limited": 429,
    "error": 500,
}
"""Kind of a MydiaError -> HTTP status."""

_API = ("/api/", "/graphql", "/sonarr/", "/radarr/", "/plex/", "/relay/", "/ready", "/metrics")


class _Told(msgspec.Struct, frozen=True):
    title: str
    sentence: str


_TOLD: dict[int, _Told] = {
    400: _Told("Bad request", "The address or the form is incomplete. Go back and try again."),
    401: _Told("Sign in first", "Sign in to see this."),
    403: _Told("Not allowed", "You do not have permission to do this. Ask an administrator."),
    404: _Told("Nothing here", "The page or title does not exist, or it was removed."),
    405: _Told("Method not allowed", "This address does not support this kind of request."),
    409: _Told("Conflict", "It conflicts with something that already exists."),
    412: _Told("Changed meanwhile", "It has changed since you read it."),
    413: _Told("Too large", "The request is larger than Mydia accepts."),
    415: _Told("Unsupported type", "This address does not accept this type of content."),
    422: _Told("Something is missing or wrong", "Check the fields and try again."),
    429: _Told("Too many attempts", "Wait a little before you try again."),
    500: _Told("Something went wrong", "The error is in the log under the number below. Trying again may help."),
    503: _Told("Temporarily unavailable", "A service that Mydia needs does not answer. Try again in a moment."),
}
_PAGES_OF_THEIR_OWN = frozenset({401, 403, 404, 405})
"""Errors that are about the address: the page it names cannot be shown. Others are about what was entered."""
_ICONS = {401: "lock", 403: "lock", 404: "search-x", 429: "timer", 503: "unplug"}


class ErrorView(msgspec.Struct, frozen=True, kw_only=True):
    """What an error page shows."""

    status: int
    title: str
    sentence: str
    icon: str
    request_id: str
    path: str
    can_retry: bool
    target: str
    """Selector of the element that a failed fragment belongs to, or `""`."""


def answer(request: WebRequest, error: Exception) -> Response[Any]:
    """Turn an exception into an answer of the requested kind."""
    if isinstance(error, MethodNotAllowedException) and request.method == "OPTIONS":
        return Response(None, status_code=204, headers=_headers(error))
    status, sentence, kind = _read(error)
    told = {"method": request.method, "path": request.url.path}
    if isinstance(error, MydiaError) and status >= 500:
        logger.warning("request could not be served", extra={**told, "reason": error.message})
    elif status >= 500:
        logger.error("request failed", exc_info=error, extra=told)
    headers = _headers(error)
    if _wants_problem(request, status):
        return _problem(request, error, status, sentence, kind, headers)
    if status == 401:
        return _to_login(request)
    view = _view(request, status, sentence)
    navigation = render.is_navigation(request)
    if not render.is_htmx(request) or (navigation and request.method == "GET" and _replaces_page(status)):
        return render.page(request, "errors/page.html", view, status=status, headers=headers)
    if request.method == "GET" and not navigation:
        return render.fragment(request, "errors/_notice.html", view, status=status, headers=headers)
    # A failed action changes nothing on the page: neither the row it was pressed in nor, from a form that is answered
    # by a whole page, that page. The address stays as well.
    toast = render.Toast(view.title, sentence, tone="fail")
    kept = {"HX-Reswap": "none", "HX-Push-Url": "false"}
    return render.fragment(
        request, "errors/_notice.html", view, status=status, headers={**headers, **kept}, toast=toast
    )


def _replaces_page(status: int) -> bool:
    """Say whether a followed link that fails with this status shows an error page; otherwise the page stays."""
    return status in _PAGES_OF_THEIR_OWN or status >= 500


@get("/{rest:path}", sync_to_thread=True, include_in_schema=False)
def nowhere(rest: FromPath[str], maybe_caller: MaybeCallerDep) -> None:
    """Answer 404 for an unknown address. It knows the caller, so that the error is shown within the shell."""
    raise NotFound(_TOLD[404].sentence)


def _read(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, MydiaError):
        status = STATUS.get(error.kind, 500)
        return status, error.message, error.kind
    if isinstance(error, HTTPException):
        status = error.status_code
        told = _told(status)
        sentence = error.detail if isinstance(error, Unreadable) else told.sentence
        return status, sentence, told.title.lower().replace(" ", "_")
    return 500, _TOLD[500].sentence, "error"


def _told(status: int) -> _Told:
    return _TOLD.get(status) or _TOLD[500 if status >= 500 else 400]


def _headers(error: Exception) -> dict[str, str]:
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if isinstance(error, MethodNotAllowedException):
        taken = {method.strip() for method in headers.pop("allow", "").split(",")}
        # Both are answered for every address, before any handler: see `security.Edge` and `answer`.
        headers["Allow"] = ", ".join(sorted(taken | {"OPTIONS"} | ({"HEAD"} if "GET" in taken else set())))
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        headers["Retry-After"] = str(max(1, round(wait_s)))
    return headers


def _view(request: WebRequest, status: int, sentence: str) -> ErrorView:
    # An opened link has no fields to check: it is old, used up or incomplete.
    opened = status == 422 and request.method == "GET" and not render.is_htmx(request)
    told = _Told("This link does not work", sentence) if opened else _told(status)
    target = request.headers.get("hx-target", "")
    return ErrorView(
        status=status,
        title=told.title,
        sentence=sentence,
        icon=_ICONS.get(status, "triangle-alert"),
        request_id=request_id(request),
        path=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        can_retry=status in {429, 500, 503} and request.method == "GET",
        target=f"#{target.partition('#')[2]}" if "#" in target else "",
    )


def request_id(request: WebRequest) -> str:
    """Return the id of this request in the log."""
    return str(request.scope["state"].get("request_id", ""))


def _wants_problem(request: WebRequest, status: int) -> bool:
    if request.url.path.startswith(_API):
        return True
    by_software = security.key_of(request) is not None
    if by_software and status == 401:
        return True  # the login page is for people; software with a wrong key would be redirected forever
    accept = request.headers.get("accept", "*/*")
    if status == 401 and "text/event-stream" in accept:
        return True  # a live stream cannot follow a redirect; the page's script goes to the login page
    return "text/html" not in accept and (by_software or ("*/*" not in accept and "json" in accept))


def _problem(
    request: WebRequest, error: Exception, status: int, sentence: str, kind: str, headers: dict[str, str]
) -> Response[bytes]:
    problem: dict[str, Any] = {
        "type": f"about:blank#{kind}",
        "title": _told(status).title,
        "status": status,
        "detail": sentence,
        "instance": request.url.path,
        "request_id": request_id(request),
    }
    if isinstance(error, MydiaError) and error.fields:
        problem["errors"] = error.fields
    elif isinstance(error, ValidationException) and (
        fields := wording.by_field(error.detail, error.extra, _names(request), _kinds(request))
    ):
        problem |= {"detail": wording.summary(fields), "errors": fields}
    if status == 401:
        headers = {**headers, "WWW-Authenticate": 'Bearer realm="Mydia"'}
    return Response(
        json.dumps(problem, default=str).encode(),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def _names(request: WebRequest) -> dict[str, str]:
    """Return the names that a handler's parameters have in an address, where they differ."""
    parameters = request.route_handler.parsed_fn_signature.parameters
    given = ((key, getattr(field.kwarg_definition, "name", None)) for key, field in parameters.items())
    return {key: name for key, name in given if name}


def _kinds(request: WebRequest) -> dict[str, Any]:
    parameters = request.route_handler.parsed_fn_signature.parameters
    return {key: field.annotation for key, field in parameters.items()}


def _to_login(request: WebRequest) -> Response[str]:
    if known_caller(request) is not None:
        return render.page(request, "errors/page.html", _view(request, 401, _TOLD[401].sentence), status=401)
    came_from = request.headers.get("hx-current-url", "") if render.is_htmx(request) else str(request.url)
    path = "/" + came_from.split("://", 1)[-1].partition("/")[2]
    return render.redirect(
        request, f"/login{render.query({'next': '' if path == '/' else path})}".rstrip("?"), whole=True
    )

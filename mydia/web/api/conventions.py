"""What every route of the API has in common: `Link`, `fields`, `ETag` with its preconditions, and `Idempotency-Key`.

It works on requests and responses, so a handler needs nothing for it (decision 0061).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args, get_origin
from urllib.parse import unquote_plus
from weakref import WeakValueDictionary

import msgspec
from litestar import Request, Response
from litestar.concurrency import sync_to_thread
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec.structs import fields as fields_of

from mydia import clock
from mydia.contexts.users import kept_answers
from mydia.secret import Sealer
from mydia.web.api.answers import Changed
from mydia.web.api.schemas import Page
from mydia.web.auth import guards
from mydia.web.deps import Unreadable, WebDeps, WebRequest
from mydia.web.security import BODY_LIMIT_BYTES, key_of

PREFIX = "/api/v1"
IDEMPOTENCY_KEY = "idempotency-key"
KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
REPLAYED = "Idempotency-Replayed"
_CURSOR = b'"next_cursor":'
_TAIL_BYTES = 1024
"""Where the cursor of a page is, which has at most 500 characters."""
_JSON = b"application/json"
_PROCESS = clock.new_id()
_OWN_HEADERS = frozenset({"if-match", "if-none-match", IDEMPOTENCY_KEY, "content-length", "content-type"})
_KEPT_HEADERS = frozenset({"content-type", "etag", "location"})


class Listing(msgspec.Struct, frozen=True):
    """What a handler returns: one object, or a list of them."""

    kind: type[msgspec.Struct]
    is_list: bool
    is_page: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Return the fields of an object."""
        return tuple(one.encode_name for one in fields_of(self.kind))


@lru_cache(maxsize=1024)
def listing_of(handler: HTTPRouteHandler) -> Listing | None:
    """Return what a handler returns; None if it has no fields, such as a file or a list of names."""
    kind = handler.parsed_fn_signature.return_type.annotation
    if get_origin(kind) is Response:
        kind = get_args(kind)[0]
    of = get_origin(kind)
    if of is Page or of is list:
        inner = get_args(kind)[0]
        return Listing(inner, True, of is Page) if _is_struct(inner) else None
    return Listing(kind, False, False) if _is_struct(kind) else None


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


class Conventions:
    """Wraps each handler of the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif scope["method"] == "GET":
            await self._read(scope, receive, send)
        else:
            await self._change(scope, receive, send)

    async def _read(self, scope: Any, receive: Receive, send: Send) -> None:
        query: bytes = scope["query_string"]
        only = _only(scope["route_handler"], query) if b"fields=" in query else None
        if only is not None:
            # The caller's permissions come before what is wrong with the request.
            await guards.guard(Request(scope, receive, send), scope["route_handler"])
            only.check()
        collected = _Collected(send)
        await self._app(scope, receive, collected)
        if collected.start is None:
            return
        body = collected.body
        headers = MutableScopeHeaders(collected.start)
        if _CURSOR in body[-_TAIL_BYTES:] and (cursor := _cursor_in(body)) is not False:
            headers["link"] = _links(scope["path"], query, cursor)
        if only is not None:
            body = only.of(body)
            headers["content-length"] = str(len(body))
        tag = headers.get("etag")
        if tag is None:
            tag = headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if (known := _header(scope, b"if-none-match")) is not None and _names(known, tag):
            kept = [(name, value) for name, value in collected.start["headers"] if name not in _OF_A_BODY]
            await send({"type": "http.response.start", "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send(collected.start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _change(self, scope: Any, receive: Receive, send: Send) -> None:
        wanted = _header(scope, b"if-match")
        if wanted is None or wanted.strip() == "*":
            await self._once(scope, receive, send)
            return
        place = resource_of(scope["litestar_app"], scope["path_template"], scope["method"])
        if place is None:
            raise Changed("Nothing that this request changes has an ETag. Send it without If-Match.")
        path = "/".join(scope["path"].split("/")[: place.count("/") + 1])
        lock = self._locks.setdefault(path, asyncio.Lock())
        async with lock:
            # Changes with a precondition wait for one another, so that two of them cannot both find the same state.
            status, headers, body = await _state(scope, path)
            if status != 200:
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body, "more_body": False})
                return
            tag = next((value.decode("latin-1") for name, value in headers if name.lower() == b"etag"), "")
            if tag not in [one.strip() for one in wanted.split(",")]:
                # Strong comparison (RFC 9110 §13.1.1): a weak tag never matches.
                raise Changed
            await self._once(scope, receive, send)

    async def _once(self, scope: Any, receive: Receive, send: Send) -> None:
        key = _header(scope, IDEMPOTENCY_KEY.encode())
        if key is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request: WebRequest = Request(scope, receive, send)
        await guards.guard(request, scope["route_handler"])
        if not (0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key)):
            sentence = "Must have 1 to 255 visible ASCII characters."
            raise ValidationException("", extra=[{"key": "Idempotency-Key", "message": sentence}])
        if (kind := _header(scope, b"content-type")) and _JSON.decode() not in kind:
            raise Unreadable("A file takes no Idempotency-Key. Send it without one.")
        body = await _body(receive)
        deps: WebDeps = scope["litestar_app"].state.deps
        await _Once(deps, request, key, body).run(self._app, scope, send)


class _Once:
    """One request with an `Idempotency-Key`."""

    def __init__(self, deps: WebDeps, request: WebRequest, key: str, body: bytes) -> None:
        secret = deps.config.secret_key()
        sender = key_of(request) or request.cookies.get("session", "")
        self._deps = deps
        self._sealer = Sealer(secret)
        self._body = body
        # With our own key, because a chosen API key or a password in the body could be guessed from a plain hash.
        self._key_hash = _keyed(secret, sender.encode(), key.encode())
        self._request_hash = _keyed(
            secret, request.method.encode(), request.scope["path"].encode(), request.scope["query_string"], body
        )

    async def run(self, app: ASGIApp, scope: Scope, send: Send) -> None:
        """Send the kept answer, or run the request and keep its answer if it succeeds."""
        kept = await sync_to_thread(self._begin)
        if kept is not None:
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
            text = kept.body.encode()
            extra = [(b"content-length", str(len(text)).encode()), (REPLAYED.lower().encode(), b"true")]
            await send({"type": "http.response.start", "status": kept.status, "headers": [*headers, *extra]})
            await send({"type": "http.response.body", "body": text, "more_body": False})
            return
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await app(scope, _sent_again(self._body), collect)
        except Exception:
            await sync_to_thread(self._forget)
            raise
        # Kept before it is sent: a client that has the answer may end the connection and repeat the request at once.
        await sync_to_thread(self._end, messages)
        for message in messages:
            await send(message)

    def _begin(self) -> kept_answers.Answer | None:
        with self._deps.database.writes() as session:
            return kept_answers.begin(
                session,
                self._sealer,
                clock.now(),
                key_hash=self._key_hash,
                request_hash=self._request_hash,
                process=_PROCESS,
            )

    def _forget(self) -> None:
        with self._deps.database.writes() as session:
            kept_answers.forget(session, self._key_hash)

    def _end(self, messages: list[Message]) -> None:
        start: Any = messages[0]
        if not 200 <= start["status"] < 300:
            self._forget()
            return
        body = b"".join(one.get("body", b"") for one in messages if one["type"] == "http.response.body")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start["headers"]
            if name.decode("latin-1").lower() in _KEPT_HEADERS
        ]
        with self._deps.database.writes() as session:
            answer = kept_answers.Answer(start["status"], headers, body.decode())
            kept_answers.keep(session, self._sealer, self._key_hash, answer)


class _Collected:
    """Holds a JSON response of status 200 back until it is complete, and sends all others on."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.start: Any = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            if message["status"] == 200 and kind.startswith(_JSON):
                self.start = message
                return
        elif self.start is not None and message["type"] == "http.response.body":
            if not message.get("more_body"):
                self.body = message.get("body", b"")
                return
            # A long response that is sent in parts.
            start, self.start = self.start, None
            await self._send(start)
        await self._send(message)


_OF_A_BODY = frozenset({b"content-length", b"content-type", b"link"})


def resource_of(app: Any, template: str, method: str) -> str | None:
    """Return the path whose GET shows the state that a change is about; None if there is none.

    That is the changed resource itself, or for an action such as `/requests/{request_id}/approve` the resource above it.
    A new entry of a list is about no state.
    """
    readable = _readable(app)
    if template in readable and (method == "PUT" or not readable[template]):
        return template
    above = template.rpartition("/")[0]
    while above.startswith(f"{PREFIX}/"):
        if "{" in above and above in readable and not readable[above]:
            return above
        above = above.rpartition("/")[0]
    return None


def _readable(app: Any) -> Mapping[str, bool]:
    """Return path -> whether it returns a list, for all that can be read."""
    known: dict[str, bool] | None = app.state.get("readable")
    if known is None:
        known = {}
        for route in app.routes:
            if route.path_format.startswith(f"{PREFIX}/") and "GET" in getattr(route, "methods", ()):
                handler = next(one for one in route.route_handlers if "GET" in one.http_methods)
                listing = listing_of(handler)
                known[route.path_format] = listing is not None and listing.is_list
        app.state["readable"] = known
    return known


async def _state(scope: Any, path: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of the GET of a path by the same caller."""
    state = {name: value for name, value in scope["state"].items() if not name.startswith("_ls_")}
    headers = [one for one in scope["headers"] if one[0].decode("latin-1").lower() not in _OWN_HEADERS]
    asked = {**scope, "method": "GET", "path": path, "raw_path": path.encode(), "headers": headers, "state": state}
    for left_over in ("path_params", "path_template", "route_handler"):
        asked.pop(left_over, None)
    messages: list[Any] = []

    async def collect(message: Message) -> None:
        messages.append(message)

    await scope["litestar_app"].answer(asked, _sent_again(b""), collect)
    body = b"".join(one.get("body", b"") for one in messages[1:])
    return messages[0]["status"], list(messages[0]["headers"]), body


async def _body(receive: Receive) -> bytes:
    """Return the body of a request.

    Raises:
        Unreadable: It is too large (413).
    """
    parts, size, more = [], 0, True
    while more:
        message: Any = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > BODY_LIMIT_BYTES:
            raise Unreadable("The body is too large.", status_code=413)
    return b"".join(parts)


def _sent_again(body: bytes) -> Receive:
    waiting: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        return {"type": "http.disconnect"}

    return receive


def _header(scope: Any, name: bytes) -> str | None:
    found = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(found) if found else None


def _names(tags: str, tag: str) -> bool:
    """Return whether a list of tags names this one; weak comparison (RFC 9110 §13.1.2)."""
    return tags.strip() == "*" or tag.removeprefix("W/") in [one.strip().removeprefix("W/") for one in tags.split(",")]


def _keyed(secret: bytes, *parts: bytes) -> str:
    return hmac.new(secret, b"\0".join(hashlib.sha256(part).digest() for part in parts), hashlib.sha256).hexdigest()


def _cursor_in(body: bytes) -> str | None | bool:
    """Return the cursor at the end of a page; False if the text there is not one."""
    rest = body[body.rfind(_CURSOR) + len(_CURSOR) :]
    if rest.startswith(b"null"):
        return None
    return rest[1:].split(b'"', 1)[0].decode("ascii", "replace") if rest.startswith(b'"') else False


def _links(path: str, query: bytes, cursor: str | None | bool) -> str:
    """Return the value of `Link` (RFC 8288): the next page if there is one, and the first."""
    kept = "&".join(one for one in query.decode("latin-1").split("&") if one and not one.startswith("cursor="))
    first = f'<{path}{"?" if kept else ""}{kept}>; rel="first"'
    if cursor is None:
        return first
    return f'<{path}?{kept}{"&" if kept else ""}cursor={cursor}>; rel="next", {first}'


class _Only(msgspec.Struct, frozen=True):
    """The fields that a request asks for."""

    listing: Listing
    names: tuple[str, ...]

    def check(self) -> None:
        """Raise ValidationException if one of them does not exist; the message lists those that do."""
        if unknown := [name for name in self.names if name not in self.listing.names]:
            sentence = f"Unknown field “{unknown[0][:80]}”. Choose from: {', '.join(self.listing.names)}."
            raise ValidationException("", extra=[{"key": "fields", "message": sentence}])

    def of(self, body: bytes) -> bytes:
        """Return a response with only these fields."""
        whole: Any = msgspec.json.decode(body)
        if self.listing.is_page:
            whole["items"] = [self._narrowed(one) for one in whole["items"]]
        elif self.listing.is_list:
            whole = [self._narrowed(one) for one in whole]
        else:
            whole = self._narrowed(whole)
        return msgspec.json.encode(whole)

    def _narrowed(self, one: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name in self.names}


def _only(handler: HTTPRouteHandler, query: bytes) -> _Only | None:
    given = [one[7:] for one in query.decode("latin-1").split("&") if one.startswith("fields=")]
    if not given or (listing := listing_of(handler)) is None:
        return None
    return _Only(listing, tuple(name.strip() for one in given for name in unquote_plus(one).split(",")))

"""The dependencies of handlers, and the caller of a request. A handler names what it needs as a parameter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict, State
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException, SerializationException
from litestar.types import Empty

from mydia.adapters.outside import Outside
from mydia.config import Config
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.errors import MydiaError
from mydia.taskboard import TaskBoard
from mydia.web import bodies
from mydia.web.forms import Form, sent_values


class Unreadable(HTTPException):
    """The request cannot be read; the detail is a sentence for the sender."""

    status_code = 400


NO_NUL = "Text must not contain the character NUL."
"""PostgreSQL cannot store NUL, and no input field produces it."""

WebRequest = Request[Any, Any, State]


PUBLIC_BODY_BYTES = 16 * 2**10
"""The limit for handlers that need no sign-in. The largest such form is the first account's, below 2 KiB."""
FORM_BYTES = 2 * 2**20
"""The limit for forms: 20,000 selected ids are 740 KB."""
FORM_FIELDS = 2_000
"""The limit for the fields of a form. The largest form, the table of quality sizes, has about a hundred."""
_PARSED_AT_ONCE_BYTES = 32 * 2**10
"""Larger forms are parsed in a thread, so that they do not hold up other requests."""


class IncomingRequest(Request[Any, Any, State]):
    """A request with a limited body. If the body cannot be read, the sender gets the reason."""

    async def form(self) -> FormMultiDict:
        """Return the form that was sent; empty if the body is not a form.

        Raises:
            Unreadable: It is too large or has too many fields (413).
        """
        if self._form is Empty and self.content_type[0] == RequestEncodingType.URL_ENCODED:
            self._form = FormMultiDict(await self._read_fields())
        return await super().form()

    async def _read_fields(self) -> list[tuple[str, str]]:
        if (self.content_length or 0) > FORM_BYTES:
            raise Unreadable("The form is too large.", status_code=413)
        # Litestar's own parser has no limit on fields and keeps the last thousand bodies in memory.
        body = await self.body()
        if len(body) > FORM_BYTES or body.count(b"&") >= FORM_FIELDS:
            raise Unreadable("The form is too large.", status_code=413)
        if len(body) <= _PARSED_AT_ONCE_BYTES:
            return _fields(body)
        return await asyncio.to_thread(_fields, body)

    async def json(self) -> Any:
        """Return the JSON that was sent.

        Raises:
            Unreadable: It is marked as something else (415), or is not valid JSON.
        """
        kind, _ = self.content_type
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise Unreadable("Send the body as JSON, with Content-Type: application/json.", status_code=415)
        try:
            sent = await super().json()
        except SerializationException as error:
            reason = str(error).removeprefix("JSON is malformed: ").rstrip(".")
            raise Unreadable(f"The body is not valid JSON: {reason}.") from error
        except UnicodeDecodeError as error:
            raise Unreadable("The body is not valid JSON: its text is not encoded as UTF-8.") from error
        except RecursionError as error:
            raise Unreadable("The body is nested too deeply.") from error
        wanted = self.route_handler.parsed_data_field
        return sent if wanted is None else bodies.read(wanted.annotation, sent)


def _fields(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS)


type Authenticate = Callable[[WebRequest, "WebDeps"], Caller | None]


class NotSignedIn(MydiaError):
    """Nobody is signed in: a page redirects to the login, an API answers 401."""

    kind = "not_signed_in"


class WebDeps(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the web process consists of. Created once in `mydia.app`; tests create their own."""

    config: Config
    database: Database
    outside: Outside
    taskboard: TaskBoard
    authenticate: Authenticate
    """Finds the caller of a request by its session or API key. Runs in a worker thread, once per request."""
    recall: Authenticate = lambda _request, _deps: None
    """Returns the caller of a request if it is in memory, else None. Runs on the event loop."""
    restart: Callable[[], None] | None = None
    """Restarts all processes of `mydia serve`; None if this process is not one of them."""


def deps_of(request: WebRequest) -> WebDeps:
    """Return what the application was made with."""
    deps: WebDeps = request.app.state.deps
    return deps


def caller_of(request: WebRequest) -> Caller | None:
    """Return the caller, or None; looked up once per request. Reads the database, so call it in a thread."""
    state = request.scope["state"]
    if "caller" not in state:
        deps = deps_of(request)
        # Before anything is read for the page: its live stream sends everything that happens from here on.
        state["position"] = request.app.state.live.position()
        state["caller"] = deps.authenticate(request, deps)
    found: Caller | None = state["caller"]
    return found


def recalled_caller(request: WebRequest) -> Caller | None:
    """Return the caller if it is in memory. Does not wait for the database, so it needs no thread."""
    deps, state = deps_of(request), request.scope["state"]
    position = request.app.state.live.known_position()
    caller = None if position is None else deps.recall(request, deps)
    if caller is not None:
        state["position"], state["caller"] = position, caller
    return caller


def position_of(request: WebRequest) -> str:
    """Return the position at which the live updates of the requested page begin."""
    found: str = request.scope["state"].get("position", "")
    return found


def known_caller(request: WebRequest) -> Caller | None:
    """Return the caller if it was looked up already; never touches the database."""
    return request.scope["state"].get("caller")


def require_caller(request: WebRequest) -> Caller:
    """Return the caller.

    Raises:
        NotSignedIn: Nobody is signed in.
    """
    caller = caller_of(request)
    if caller is None:
        raise NotSignedIn("Sign in to see this.")
    return caller


def _deps(request: WebRequest) -> WebDeps:
    return deps_of(request)


def _config(request: WebRequest) -> Config:
    return deps_of(request).config


def _database(request: WebRequest) -> Database:
    return deps_of(request).database


def _outside(request: WebRequest) -> Outside:
    return deps_of(request).outside


def _taskboard(request: WebRequest) -> TaskBoard:
    return deps_of(request).taskboard


async def _form(request: WebRequest) -> Form[Any]:
    """Return the form that the handler asks for, with what its address says: a button can carry its fields there."""
    body = [(name, value) for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    values = sent_values(request.query_params.multi_items(), body, left_out=_GUARDS)
    if any("\0" in value for sent in values.values() for value in sent):
        raise Unreadable(NO_NUL)
    (kind,) = get_args(request.route_handler.parsed_fn_signature.parameters["form"].annotation)
    return Form(kind, values)


_GUARDS = frozenset({"_csrf", "_key"})
"""Fields that protect a form."""

PROVIDERS = {
    "form": Provide(_form),
    "deps": Provide(_deps, sync_to_thread=False),
    "config": Provide(_config, sync_to_thread=False),
    "database": Provide(_database, sync_to_thread=False),
    "outside": Provide(_outside, sync_to_thread=False),
    "taskboard": Provide(_taskboard, sync_to_thread=False),
    # Needs no thread: if a handler takes a caller, `auth.guards` has looked it up in one before.
    "caller": Provide(require_caller, sync_to_thread=False),
    "maybe_caller": Provide(caller_of, sync_to_thread=True),
}
"""Parameter names that every handler can use."""

DepsDep = NamedDependency[WebDeps]
ConfigDep = NamedDependency[Config]
DatabaseDep = NamedDependency[Database]
OutsideDep = NamedDependency[Outside]
TaskBoardDep = NamedDependency[TaskBoard]
CallerDep = NamedDependency[Caller]
MaybeCallerDep = NamedDependency[Caller | None]
_Fields = TypeVar("_Fields", bound=msgspec.Struct)
FormOf = NamedDependency[Form[_Fields]]
"""`form: FormOf[Edit]` is the form whose fields the struct `Edit` lists."""

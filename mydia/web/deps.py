"""What handlers are given, and who is asking. Handlers name what they need as a parameter; nothing is global."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
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
from mydia.web.forms import Form, sent_values


class Unreadable(HTTPException):
    """The request cannot be read; the detail is a sentence for the sender."""

    status_code = 400


NO_NUL = "Text must not contain the character NUL."
"""PostgreSQL cannot store it, and no input field produces it."""

WebRequest = Request[Any, Any, State]


PUBLIC_BODY_BYTES = 16 * 2**10
"""The limit of handlers that need no sign-in: the longest such form is the first account's, below 2 KiB."""
FORM_BYTES = 2 * 2**20
"""The limit of forms: 20,000 selected ids are 740 KB."""
FORM_FIELDS = 2_000
"""The limit of fields in a form: the largest is the table of quality sizes, with about a hundred."""
_PARSED_AT_ONCE_BYTES = 32 * 2**10
"""Larger forms are parsed in a thread, so that they do not hold up other requests."""


class IncomingRequest(Request[Any, Any, State]):
    """A request whose body is limited, and whose sender gets the reason when it cannot be read."""

    async def form(self) -> FormMultiDict:
        """Return the form that was sent, empty if the body is no form.

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
            Unreadable: It is marked as something else (415), or is no JSON.
        """
        kind, _ = self.content_type
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise Unreadable("Send the body as JSON, with Content-Type: application/json.", status_code=415)
        if b"\\u0000" in await self.body():
            raise Unreadable(NO_NUL)
        try:
            return await super().json()
        except SerializationException as error:
            reason = str(error).removeprefix("JSON is malformed: ").rstrip(".")
            raise Unreadable(f"The body is not valid JSON: {reason}.") from error
        except UnicodeDecodeError as error:
            raise Unreadable("The body is not valid JSON: its text is not encoded as UTF-8.") from error
        except RecursionError as error:
            raise Unreadable("The body is nested too deeply.") from error


def _fields(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS)


type Authenticate = Callable[[WebRequest, "WebDeps"], Caller | None]


class NotSignedIn(MydiaError):
    """Nobody is signed in: a page goes to the login, an API answers 401."""

    kind = "not_signed_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDeps:
    """Everything the web process was composed of. Made once in `mydia.app`; tests make their own."""

    config: Config
    database: Database
    outside: Outside
    taskboard: TaskBoard
    authenticate: Authenticate
    """Finds out who sends a request, from its session or API key. Runs in a worker thread, once a request."""
    recall: Authenticate = lambda _request, _deps: None
    """Tells who sends a request where that is in memory, else None. Runs on the event loop."""


def deps_of(request: WebRequest) -> WebDeps:
    """Return what the application was made with."""
    deps: WebDeps = request.app.state.deps
    return deps


def caller_of(request: WebRequest) -> Caller | None:
    """Return who is asking, or None; looked up once a request. Reads the database: call it in a thread."""
    state = request.scope["state"]
    if "caller" not in state:
        deps = deps_of(request)
        # Before anything is read for the page: what happens from here on reaches it by its stream.
        state["position"] = request.app.state.live.position()
        state["caller"] = deps.authenticate(request, deps)
    found: Caller | None = state["caller"]
    return found


def recalled_caller(request: WebRequest) -> Caller | None:
    """Return who is asking where memory tells; nothing waits for the database, so no thread is needed."""
    deps, state = deps_of(request), request.scope["state"]
    position = request.app.state.live.known_position()
    caller = None if position is None else deps.recall(request, deps)
    if caller is not None:
        state["position"], state["caller"] = position, caller
    return caller


def position_of(request: WebRequest) -> str:
    """Return where the live updates of the page begin that this request asks for."""
    found: str = request.scope["state"].get("position", "")
    return found


def known_caller(request: WebRequest) -> Caller | None:
    """Return who is asking if that was found out already; never touches the database."""
    return request.scope["state"].get("caller")


def require_caller(request: WebRequest) -> Caller:
    """Return who is asking.

    Raises:
        NotSignedIn: Nobody is.
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
    # In no thread of its own: `auth.guards` has asked before, in one, wherever a handler takes a caller.
    "caller": Provide(require_caller, sync_to_thread=False),
    "maybe_caller": Provide(caller_of, sync_to_thread=True),
}
"""Parameter names that every handler may use."""

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

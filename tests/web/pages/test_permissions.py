"""The contexts are the authority on permissions: with the guard turned off, they refuse exactly what it refuses."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from litestar.testing import TestClient

from mydia.contexts.users import Caller, Permission, Role, permissions_of
from mydia.db import Database
from mydia.web import routes
from mydia.web.app import WebApp, create_app
from mydia.web.auth import guards
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Made

_REFUSED = "does not have permission to"
_NOTHING_STORED = frozenset(
    {
        "/settings",
        "/settings/find",
        "/settings/users/new",
        "/movies/rows",
        "/shows/rows",
    }
)
"""Pages of labels, empty forms and redirects. They show nothing that a context stores, so no context can refuse them."""

_NOT_YET = frozenset(
    {
        "/items/{item_id}/match",
        "/items/{item_id}/remove",
        "/settings/clients/{service_id}",
        "/settings/clients/{service_id}/remove",
        "/settings/folders/{library_path_id}",
        "/settings/folders/{library_path_id}/scan",
        "/settings/indexers/{service_id}",
        "/settings/indexers/{service_id}/remove",
        "/settings/profiles/{profile_id}",
        "/settings/profiles/{profile_id}/duplicate",
        "/settings/sizes",
    }
)
"""Routes whose context does not check yet. May only become fewer."""

_ACTIONS = {"/activity/bulk": "pause", "/movies/bulk": "monitor", "/shows/bulk": "monitor", "/wanted/bulk": "search"}

_FORM = {
    "action": "monitor", "again": "correct horse battery", "batch": "none", "candidate": "1", "chosen": "/", "current": "x",
    "default_profile_id": "none", "display_name": "x", "email": "", "enabled": "true", "episode_id": "none", "field": "path",
    "files": "keep", "folder": "x", "folders": "true", "how": "recycle", "ids": "none", "item_id": "none", "key": "movie tmdb:19", "kind": "qbittorrent",
    "minimum_availability": "released", "monitor": "all", "monitored": "true", "name": "x", "new": "correct horse battery",
    "number": "tmdb:19", "password": "correct horse battery", "path": "/nowhere", "path-1": "x", "q": "x", "release": "x",
    "role": "guest", "scope": "", "search_now": "", "source": "none", "take-1": "true", "theme": "system", "title": "x",
    "type": "movie", "url": "http://localhost:8080", "username": "newcomer",
}  # fmt: skip
"""Every field that some form needs, so that each form is read and reaches its context."""


@dataclass
class Desk:
    """An application whose caller the test chooses, and which has no guard."""

    app: WebApp
    client: TestClient[WebApp]
    caller: Caller | None = None


@pytest.fixture
def desk(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    shutil.copytree(made.folder, tmp_path / "server")
    database = Database(f"sqlite:///{tmp_path / 'server' / 'mydia.db'}")
    deps, _, _, indexers = scenes.compose(tmp_path / "server", database)
    scenes.stock(deps, indexers)
    monkeypatch.setattr(guards, "refuse", lambda *_args, **_named: None)
    found: list[Desk] = []
    deps = replace(deps, authenticate=lambda *_: found[0].caller, recall=lambda *_: None)
    app = create_app(deps, routes=routes.ROUTES, live=routes.LIVE, shell=routes.SHELL, checks=routes.CHECKS)
    with TestClient(app) as client:
        found.append(Desk(app, client))
        yield found[0]
    deps.taskboard.close()
    database.close()


@dataclass(frozen=True)
class Door:
    """A method and a route that ask for the caller."""

    method: str
    template: str
    address: str
    handler: Any


def _doors(app: WebApp) -> list[Door]:
    """Return every route that asks for a caller; ids in its address belong to nothing."""
    found = []
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if "caller" in handler.parsed_fn_signature.parameters:
                address = re.sub(r"\{(\w+):(\w+)\}", lambda found: _segment(handler, *found.groups()), route.path)
                front, _, last = address.rpartition("/")
                address = f"{front}/{_ACTIONS.get(front, last)}"
                found.append(Door(method, route.path_format, address, handler))
    return found


def _segment(handler: Any, name: str, kind: str) -> str:
    """Return a part of an address that its handler can read, and that belongs to nothing."""
    given = handler.parsed_fn_signature.parameters[name].annotation
    if isinstance(given, type) and issubclass(given, Enum):
        return str(next(iter(given)).value)
    return "1" if kind == "int" else "none"


def _sample(kind: Any) -> Any:
    """Return the smallest value that a type of msgspec accepts."""
    info = msgspec.inspect.type_info(kind) if not isinstance(kind, msgspec.inspect.Type) else kind
    match info:
        case msgspec.inspect.StructType(fields=fields):
            return {field.encode_name: _sample(field.type) for field in fields if field.required}
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case msgspec.inspect.IntType(ge=ge):
            return ge or 1
        case msgspec.inspect.FloatType(ge=ge):
            return ge or 1.0
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.ListType(item_type=item, min_length=least):
            return [_sample(item)] * (least or 0)
        case msgspec.inspect.UnionType(types=types):
            return _sample(types[0])
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.NoneType():
            return None
        case msgspec.inspect.Metadata(type=inner):
            return _sample(inner)
    return _TEXT


_TEXT = "xxxxxxxx"


def _body(door: Door) -> dict[str, Any]:
    field = door.handler.parsed_fn_signature.parameters.get("data")
    if field is not None:
        body = _sample(field.annotation)
        if "tmdb_id" in getattr(field.annotation, "__struct_fields__", ()):
            body |= {"tmdb_id": 19}
        return {"json": body}
    return {} if door.method in {"GET", "DELETE"} else {"data": _FORM | _choices(door)}


def _choices(door: Door) -> dict[str, Any]:
    """Return accepted values for the fields of a form that do not accept any text."""
    form = door.handler.parsed_fn_signature.parameters.get("form")
    if form is None:
        return {}
    described = msgspec.inspect.type_info(*get_args(form.annotation))
    assert isinstance(described, msgspec.inspect.StructType)
    samples = {one.encode_name: _sample(one.type) for one in described.fields}
    chosen = {name: value for name, value in samples.items() if isinstance(value, int | float | str)}
    return {name: str(value).lower() for name, value in chosen.items() if value != _TEXT}


def _callers(owner: str) -> list[Caller]:
    """Return callers with no permission, each one alone, all but each one, every role's, and an API key with all."""
    scopes = [
        [],
        *([one] for one in Permission),
        *([two for two in Permission if two is not one] for one in Permission),
    ]
    sets = {*(permissions_of(Role.ADMIN, scopes=some) for some in scopes), *(permissions_of(role) for role in Role)}
    return [
        *(Caller("user", owner, "Kim", allowed, Role.USER) for allowed in sorted(sets, key=sorted)),
        Caller("api_key", owner, "Kim", frozenset(Permission), Role.ADMIN),
    ]


def test_without_the_guard_the_contexts_refuse_exactly_the_same_requests(desk: Desk, made: Made) -> None:
    doors = _doors(desk.app)
    assert len(doors) > 200
    wrong = []
    for caller in _callers(made.admin_id):
        desk.caller = caller
        for door in doors:
            refused = guards.refusal(caller, door.template, changing=door.method != "GET") is not None
            if refused and door.template in _NOTHING_STORED:
                continue
            address = f"{door.address}?q=x" if door.template.startswith("/api/v1/search") else door.address
            if not door.template.startswith("/api/"):
                address = f"{address}?q=x&field=path"
            headers = {"x-api-key": "none", "accept": "application/json"}
            answer = desk.client.request(door.method, address, headers=headers, follow_redirects=False, **_body(door))
            said = answer.status_code == 403 and (_REFUSED in answer.text or "An API key cannot" in answer.text)
            if said is not refused and door.template not in _NOT_YET:
                having = ",".join(sorted(caller.permissions)) or "nothing"
                wrong.append(
                    f"{door.method} {door.template} with {having}: {answer.status_code}, guard {'refuses' if refused else 'allows'}"
                )
    assert not wrong, "\n".join(wrong)

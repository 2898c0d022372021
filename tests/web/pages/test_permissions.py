"""The contexts are the authority on permissions: with the guard turned off, they refuse exactly what it refuses."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from copy import replace
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from litestar.testing import TestClient

from mydia.contexts import downloads, library, settings
from mydia.contexts.users import SYSTEM, Caller, Permission, Role, permissions_of
from mydia.db import Database
from mydia.web import routes
from mydia.web.api.schemas import AtLeastOne
from mydia.web.app import WebApp, create_app
from mydia.web.auth import guards
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Made

_REFUSED = "does not have permission to"
_FORM_OF = {
    "/add/results": "/add",
    "/add/{type_}/{number}": "/add",
    "/items/{item_id}/files/ask-edit": "/items/{item_id}/files/edit",
    "/items/{item_id}/files/ask-remove": "/items/{item_id}/files/remove",
    "/items/{item_id}/files/{file_id}/edit": "/items/{item_id}/files/edit",
    "/items/{item_id}/files/{file_id}/remove": "/items/{item_id}/files/remove",
    "/movies/bulk/ask-remove": "/movies/bulk/remove",
    "/shows/bulk/ask-remove": "/shows/bulk/remove",
    "/settings": "/settings/general",
    "/settings/find": "/settings/general",
    "/settings/folders": "/settings/folders/new",
    "/settings/naming/preview": "/settings/naming",
    "/api/v1/naming/preview": "/api/v1/naming",
    "/requests/new/results": "/requests/new",
    "/requests/new/{type_}/{number}": "/requests/new",
    "/settings/formats/step": "/settings/formats/new",
    "/settings/profiles/step": "/settings/profiles/new",
    "/settings/profiles/try": "/settings/profiles/new",
}
"""Part of a form -> where the form is sent. Elsewhere a form has the address that it is sent to."""

_ACTIONS = {"/activity/bulk": "pause", "/movies/bulk": "monitor", "/shows/bulk": "monitor", "/wanted/bulk": "search"}

_FORM = {
    "action": "monitor", "again": "correct horse battery", "batch": "none", "candidate": "1", "chosen": "/", "current": "x",
    "default_profile_id": "none", "display_name": "x", "email": "", "enabled": "true", "episode_id": "none", "field": "path",
    "files": "keep", "folder": "x", "folders": "true", "how": "recycle", "ids": "none", "item_id": "none",
    "key": "movie tmdb:19", "kind": "qbittorrent",
    "minimum_availability": "released", "monitor": "all", "monitored": "true", "name": "x", "new": "correct horse battery",
    "number": "tmdb:19", "password": "correct horse battery", "path": "/nowhere", "path-1": "x", "q": "x", "release": "x",
    "role": "guest", "scope": "", "search_now": "", "source": "none", "take-1": "true", "theme": "system", "title": "x",
    "type": "movie", "url": "http://localhost:8080", "username": "newcomer", "maximum-SDTV": "100",
}  # fmt: skip
"""Every field that some form needs, so that each form is read and reaches its context."""

_NAMED = {"tmdb_id": 19, "release_id": "none"}
"""Optional fields of bodies that a handler asks for all the same."""
_BODIES = {"/api/v1/quality-sizes": [{"quality": "SDTV", "maximum": 100}]}
"""Bodies of changes that would change nothing if they were as small as they may be."""


@dataclass
class Desk:
    """An application whose caller the test chooses, and which has no guard."""

    app: WebApp
    deps: Any
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
        found.append(Desk(app, deps, client))
        yield found[0]
    deps.taskboard.close()
    database.close()


@dataclass(frozen=True)
class Door:
    """A method and a route that ask for the caller."""

    method: str
    template: str
    address: str
    """With ids that belong to nothing."""
    real: str
    """With ids of what is in the scene, as far as it has such things."""
    selected: str
    """The id of something in the scene that the door's form may select."""
    handler: Any

    @property
    def changes(self) -> bool:
        """Whether the guard takes it for a change."""
        return self.method != "GET"


def _existing(desk: Desk, made: Made) -> dict[str, str]:
    """Return ids of what is in the scene, by the name of the parameter; `service_id` by the page."""
    with desk.deps.database.reads() as session:
        client = settings.clients.list_clients(session, SYSTEM)[0].id
        indexer = settings.indexers.list_indexers(session, SYSTEM)[0].id
        folder = settings.library_paths.list_library_paths(session, SYSTEM)[0].id
        film, show = made.ids["Battleship Potemkin"], made.ids["The Cartographers"]
        file = library.files.files_of_item(session, SYSTEM, film)[0].id
        found = {
            "client_id": client,
            "download_id": downloads.queue.list_queue(session, SYSTEM)[0].id,
            "file_id": file,
            "indexer_id": indexer,
            "item_id": film,
            "library_path_id": folder,
            "media_id": film,
            "path_id": folder,
            "profile_id": settings.profiles.list_profiles(session, SYSTEM)[0].id,
            "user_id": made.admin_id,
        }
    return found | {"/settings/clients": client, "/settings/indexers": indexer, "/shows": show}


def _doors(app: WebApp, existing: dict[str, str]) -> list[Door]:
    """Return every route that asks for a caller."""
    found = []
    for route in app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if "caller" in handler.parsed_fn_signature.parameters:
                address, real = (
                    re.sub(
                        r"\{(\w+):(\w+)\}", lambda found, ids=ids: _segment(handler, ids, *found.groups()), route.path
                    )
                    for ids in ({}, existing | _of_front(existing, route.path))
                )
                selected = existing["file_id" if "/files" in route.path else "item_id"]
                found.append(
                    Door(method, route.path_format, _with_action(address), _with_action(real), selected, handler)
                )
    return found


def _of_front(existing: dict[str, str], path: str) -> dict[str, str]:
    fitting = {id_ for front, id_ in existing.items() if path.startswith(f"{front}/")}
    return {name: id_ for id_ in fitting for name in ("service_id", "item_id")}


def _with_action(address: str) -> str:
    front, _, last = address.rpartition("/")
    return f"{front}/{_ACTIONS.get(front, last)}"


def _segment(handler: Any, existing: dict[str, str], name: str, kind: str) -> str:
    """Return a part of an address that its handler can read, and that belongs to nothing unless it is given."""
    if name in existing:
        return existing[name]
    parameter = handler.parsed_fn_signature.parameters.get(name)
    given = parameter.annotation if parameter else None
    if isinstance(given, type) and issubclass(given, Enum):
        return str(next(iter(given)).value)
    if name == "family":
        return "download_client"
    return {"int": "1", "date": "2026-07-12"}.get(kind, "none")


def _sample(kind: Any) -> Any:
    """Return the smallest value that a type of msgspec accepts."""
    info = msgspec.inspect.type_info(kind) if not isinstance(kind, msgspec.inspect.Type) else kind
    match info:
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            group = cls.groups[0] if issubclass(cls, AtLeastOne) else ()
            return {field.encode_name: _sample(field.type) for field in fields if field.required or field.name in group}
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.StrType(pattern=str() as pattern):
            return next((text for text in _TEXTS if re.search(pattern, text)), _TEXT)
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
            return _sample(next(one for one in types if not isinstance(one, msgspec.inspect.NoneType)))
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.NoneType():
            return None
        case msgspec.inspect.Metadata(type=inner):
            return _sample(inner)
    return _TEXT


_TEXT = "xxxxxxxx"
_TEXTS = (_TEXT, "abcdefgh", "/none", "http://none.test", "tt0017136", "en", "AT", "1", "a@none.test")
"""Texts of which one fits the pattern of a field."""


def _body(door: Door, *, existing: bool) -> dict[str, Any]:
    field = door.handler.parsed_fn_signature.parameters.get("data")
    if field is not None:
        body = _sample(field.annotation)
        fields = getattr(field.annotation, "__struct_fields__", ())
        body = body | {name: value for name, value in _NAMED.items() if name in fields} if fields else body
        return {"json": _BODIES.get(door.template, body)}
    if door.method in {"GET", "DELETE"}:
        return {}
    selected = {"ids": door.selected, "of": "files"} if existing else {}
    return {"data": _FORM | _choices(door) | {"skip": ""} | selected}


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


def _callers(door: Door, owner: str) -> list[Caller]:
    """Return the callers that show what a door's contexts require.

    More permissions never lead to a refusal. So a caller with no more than the guard requires shows that the contexts
    require no more, and callers that each lack one of these permissions show that they require no less. Pages show more
    to some roles, so they are opened with every role as well. Keys differ from people only where they are refused.
    """
    needed = guards.needs(door.template, changing=door.changes)
    sets = {permissions_of(Role.ADMIN, scopes=needed)}
    sets |= {frozenset(one for one in Permission if lacking not in _including(one)) for lacking in needed}
    if not door.changes and not door.template.startswith("/api/"):
        sets |= {permissions_of(role) for role in Role}
    return [
        *(
            Caller(kind="user", id=owner, name="Kim", permissions=allowed, role=Role.USER)
            for allowed in sorted(sets, key=sorted)
        ),
        Caller(kind="api_key", id=owner, name="Kim", permissions=frozenset(Permission), role=Role.ADMIN),
    ]


def _including(permission: Permission) -> frozenset[Permission]:
    return permissions_of(Role.ADMIN, scopes=[permission])


def _is_shown_for(door: Door, doors: list[Door]) -> bool:
    """Return whether a door shows a form, or a part of it, and the guard asks for what sending the form needs."""
    if door.changes and door.template not in _FORM_OF:
        return False
    sent_to = _FORM_OF.get(door.template, door.template)
    if not any(other.changes and other.template == sent_to for other in doors):
        return False
    needs = guards.needs(door.template, changing=door.changes)
    return needs == guards.needs(sent_to, changing=True)


def _request(desk: Desk, door: Door, *, existing: bool) -> tuple[bool, str]:
    """Send a request and return whether it was refused for a missing permission, and the answer."""
    address = door.real if existing else door.address
    if door.template.startswith("/api/v1/search"):
        address = f"{address}?q=x"
    elif door.template == "/api/v1/requests/offer":
        address = f"{address}?tmdb_id=19"
    elif not door.template.startswith("/api/"):
        address = f"{address}?q=x&field=path"
    headers = {"x-api-key": "none", "accept": "application/json"}
    answer = desk.client.request(
        door.method, address, headers=headers, follow_redirects=False, **_body(door, existing=existing)
    )
    refused = answer.status_code == 403 and (_REFUSED in answer.text or "An API key cannot" in answer.text)
    return refused, f"{answer.status_code} {answer.text[:300]}"


def test_without_the_guard_the_contexts_refuse_exactly_the_same_requests(desk: Desk, made: Made) -> None:
    doors = _doors(desk.app, _existing(desk, made))
    assert len(doors) > 200
    wrong = []
    for door in doors:
        for caller in _callers(door, made.admin_id):
            desk.caller = caller
            expected = guards.refusal(caller, door.template, changing=door.changes) is not None
            # What may be done is done to nothing; what is refused is refused for things that exist.
            refused, answer = _request(desk, door, existing=expected or not door.changes)
            if refused is not expected and not (expected and _is_shown_for(door, doors)):
                having = ",".join(sorted(caller.permissions)) or "nothing"
                wrong.append(
                    f"{door.method} {door.template} by {caller.kind} with {having}: "
                    f"the guard {'refuses' if expected else 'allows'}, the contexts answer {answer}"
                )
    assert not wrong, "\n".join(wrong)


def test_every_form_that_the_guard_keeps_from_some_is_sent_somewhere(desk: Desk, made: Made) -> None:
    templates = {door.template for door in _doors(desk.app, _existing(desk, made))}
    assert set(_FORM_OF) | set(_FORM_OF.values()) <= templates

"""REST v1 over a household with a film, a series, a client and an indexer; one API key for each role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from litestar.testing import TestClient
from litestar.types import ControllerRouterHandler

from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.taskboard import TaskBoard
from mydia.web import api, auth
from mydia.web.app import WebApp, create_app
from mydia.web.deps import WebDeps
from mydia.web.shell import empty_shell
from tests.contexts.downloads.conftest import House, config, house  # noqa: F401  the same household


@dataclass
class Asker:
    """Software with a key."""

    client: TestClient[WebApp]
    key: str | None

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-API-Key": self.key} if self.key else {}
        return self.client.request(method, f"/api/v1{path}", headers={**headers, **more.pop("headers", {})}, **more)

    def get(self, path: str, **params: Any) -> Any:
        return self("GET", path, params=params)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self("POST", path, json=body, **more) if body is not None else self("POST", path, **more)

    def put(self, path: str, body: Any) -> Any:
        return self("PUT", path, json=body)

    def delete(self, path: str, **params: Any) -> Any:
        return self("DELETE", path, params=params)


@pytest.fixture
def deps(house: House) -> Iterator[WebDeps]:  # noqa: F811
    board = TaskBoard(house.config.jobs_path)
    board.path.parent.mkdir(parents=True, exist_ok=True)
    yield WebDeps(
        config=house.config,
        database=house.database,
        outside=house.outside,
        taskboard=board,
        authenticate=auth.authenticate,
        recall=auth.recall,
    )
    board.close()


@pytest.fixture
def app(deps: WebDeps) -> WebApp:
    routes: list[ControllerRouterHandler] = [*auth.ROUTES, api.ROUTER]
    return create_app(deps, routes=routes, live=(), shell=empty_shell, finders=(), checks=(), metrics=())


@pytest.fixture
def http(app: WebApp) -> Iterator[TestClient[WebApp]]:
    with TestClient(app, base_url="http://mydia.test", raise_server_exceptions=False) as client:
        yield client


class Keys(dict[str, str]):
    """An API key for each role, and a read-only key of an administrator; created on first use."""

    def __init__(self, house: House) -> None:  # noqa: F811
        super().__init__()
        self._house = house

    def __missing__(self, role: str) -> str:
        now = self._house.now
        narrowed = role == "narrowed"
        with self._house.database.writes() as session:
            kind = Role.ADMIN if narrowed else Role(role)
            owner = users.caller_of(users.add_user(session, SYSTEM, now, NewUser(username=f"the-{role}", role=kind)))
            scopes = ["browse"] if narrowed else None
            _, self[role] = users.api_keys.add_api_key(session, owner, now, f"{role}'s script", scopes=scopes)
        return self[role]


@pytest.fixture
def keys(house: House) -> Keys:  # noqa: F811
    with house.database.writes() as session:
        settings.setup.finish_setup(session, SYSTEM, house.now)
    return Keys(house)


@pytest.fixture
def admin(http: TestClient[WebApp], keys: Keys) -> Asker:
    return Asker(http, keys["admin"])


@pytest.fixture
def ask(http: TestClient[WebApp], keys: Keys) -> Any:
    """Return an API client by role: `ask("guest")`; `ask(None)` has no key."""
    return lambda role: Asker(http, keys[role] if role else None)

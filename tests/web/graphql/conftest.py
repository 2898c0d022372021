"""GraphQL over the same household and keys as the tests of REST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from litestar.testing import TestClient
from litestar.types import ControllerRouterHandler

from mydia.web import api, auth, graphql
from mydia.web.app import WebApp, create_app
from mydia.web.deps import WebDeps
from mydia.web.shell import empty_shell
from tests.web.api.conftest import (  # noqa: F401  the same household
    Asker,
    Keys,
    ask,
    config,
    deps,
    house,
    http,
    keys,
)


@dataclass
class Graph:
    """Software that speaks GraphQL, with a key."""

    client: TestClient[WebApp]
    key: str | None

    def send(self, query: str, variables: dict[str, Any] | None = None, **more: Any) -> Any:
        """Return the response."""
        headers = {"X-API-Key": self.key} if self.key else {}
        body = {"query": query, "variables": variables, **more.pop("body", {})}
        return self.client.post("/graphql", json=body, headers={**headers, **more.pop("headers", {})}, **more)

    def __call__(self, query: str, **variables: Any) -> Any:
        """Return the data. Fails if there are errors."""
        told = self.send(query, variables).json()
        assert "errors" not in told, told
        return told["data"]

    def errors(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        """Return the errors. Fails if there are none."""
        told = self.send(query, variables).json()
        found: list[dict[str, Any]] = told.get("errors") or []
        assert found, told
        return found


@pytest.fixture
def app(deps: WebDeps) -> WebApp:  # noqa: F811
    routes: list[ControllerRouterHandler] = [*auth.ROUTES, api.ROUTER, *graphql.ROUTES]
    return create_app(deps, routes=routes, live=(), shell=empty_shell, finders=(), checks=(), metrics=())


@pytest.fixture
def admin(http: TestClient[WebApp], keys: Keys) -> Graph:  # noqa: F811
    return Graph(http, keys["admin"])


@pytest.fixture
def graph(http: TestClient[WebApp], keys: Keys) -> Any:  # noqa: F811
    """Return a client by role: `graph("guest")`; `graph(None)` has no key."""
    return lambda role: Graph(http, keys[role] if role else None)

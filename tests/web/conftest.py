"""The example application on a real database, and a client that is signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia import config as configuration
from mydia.contexts import settings
from mydia.db import Base, Database
from mydia.taskboard import TaskBoard
from mydia.web.app import WebApp
from mydia.web.deps import WebDeps
from tests.web.example import app as example


def make_deps(folder: Path, **environ: str) -> WebDeps:
    """Return the parts of an application without access to the outside."""
    config = configuration.load({"DATA_DIR": str(folder), **environ})
    database = Database(config.database_url)
    settings.bind(database, config)
    Base.metadata.create_all(database.engine)
    board = TaskBoard(config.jobs_path)
    return WebDeps(config=config, database=database, outside=None, taskboard=board, authenticate=example.authenticate)  # type: ignore[arg-type]  # nothing here leaves the process


@pytest.fixture
def deps(tmp_path: Path) -> Iterator[WebDeps]:
    """The parts of the example application."""
    made = make_deps(tmp_path)
    yield made
    made.database.close()
    made.taskboard.close()


@pytest.fixture
def web(deps: WebDeps) -> WebApp:
    """The example application."""
    example.SCENE = example.Scene()
    return example.make_app(deps)


@pytest.fixture
def stranger(web: WebApp) -> Iterator[TestClient[WebApp]]:
    """A browser that is not signed in."""
    with TestClient(web, base_url="http://mydia.test", raise_server_exceptions=False) as client:
        client.headers["accept"] = "text/html"
        yield client


@pytest.fixture
def client(stranger: TestClient[WebApp]) -> TestClient[WebApp]:
    """Robin's browser."""
    stranger.cookies.set("who", "robin")
    return stranger


def from_address(app: WebApp, address: str) -> Any:
    """Return a client whose requests come from the given address."""

    async def reached(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            scope["client"] = (address, 1)
        await app(scope, receive, send)

    return reached


def token_of(client: TestClient[WebApp], path: str = "/gallery") -> str:
    """Return the form token of a page."""
    found = re.search(r'"X-CSRF-Token":"([^"]+)"', client.get(path).text)
    assert found
    return found[1]

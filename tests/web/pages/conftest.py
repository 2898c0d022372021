"""A server with sample data for each test, created once and copied, and browsers of an administrator and a guest."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia.contexts.users import Role
from mydia.db import Database, upgrade
from mydia.web import routes
from mydia.web.app import WebApp, create_app
from tests.fakes.outside import FakeDownloadClient, FakeIndexer, FakeMetadataProvider
from tests.web.pages import scene as scenes

type Browser = TestClient[WebApp]


@dataclass
class Server:
    """A running server with sample data."""

    app: WebApp
    deps: Any
    ids: dict[str, str]
    token: str
    client: FakeDownloadClient
    provider: FakeMetadataProvider
    indexers: dict[str, FakeIndexer]


@dataclass
class Made:
    """The sample data on disk."""

    folder: Path
    ids: dict[str, str]
    token: str
    admin_id: str


@pytest.fixture(scope="session")
def made(furnished: Made) -> Made:
    """The same data, for tests that start the server themselves."""
    return furnished


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The sample data on disk, created once."""
    folder = tmp_path_factory.mktemp("furnished")
    database = Database(f"sqlite:///{folder / 'mydia.db'}")
    upgrade(database.engine)
    made = scenes.furnish(folder, database)
    scenes.furnish_board(made.deps)
    made.deps.taskboard.close()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return Made(folder, made.ids, made.token, str(made.admin.id))


@pytest.fixture(scope="session")
def still(furnished: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests only read from, because starting one takes longer than a request."""
    yield from _run(furnished, tmp_path_factory.mktemp("still") / "server")


@pytest.fixture
def server(furnished: Made, tmp_path: Path) -> Iterator[Server]:
    """A copy of the sample data for one test."""
    yield from _run(furnished, tmp_path / "server")


def _run(furnished: Made, folder: Path) -> Iterator[Server]:
    shutil.copytree(furnished.folder, folder)
    database = Database(f"sqlite:///{folder / 'mydia.db'}")
    deps, client, provider, indexers = scenes.compose(folder, database)
    scenes.stock(deps, indexers)
    app = create_app(
        deps,
        routes=routes.ROUTES,
        live=routes.LIVE,
        shell=routes.SHELL,
        finders=routes.FINDERS,
        checks=routes.CHECKS,
        metrics=routes.METRICS,
    )
    yield Server(app, deps, furnished.ids, furnished.token, client, provider, indexers)
    deps.taskboard.close()
    database.close()


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server right after the first account was created."""
    folder = tmp_path_factory.mktemp("empty")
    database = Database(f"sqlite:///{folder / 'mydia.db'}")
    upgrade(database.engine)
    deps, client, provider, indexers = scenes.compose(folder, database)
    _, token = scenes.sign_in(database)
    app = create_app(deps, routes=routes.ROUTES, live=routes.LIVE, shell=routes.SHELL, finders=routes.FINDERS)
    yield Server(app, deps, {}, token, client, provider, indexers)
    deps.taskboard.close()
    database.close()


def browse(server: Server, token: str) -> Iterator[Browser]:
    """Open a browser that is signed in."""
    with TestClient(server.app, base_url="http://mydia.test", raise_server_exceptions=False) as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        client.cookies.set("session", token)
        yield client


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    """The browser of Robin, an administrator."""
    yield from browse(server, server.token)


@pytest.fixture(scope="session")
def new_browser(empty_server: Server) -> Iterator[Browser]:
    """Robin's browser on an empty server."""
    yield from browse(empty_server, empty_server.token)


@pytest.fixture(scope="session")
def reader(still: Server) -> Iterator[Browser]:
    """Robin's browser, for tests that only read."""
    yield from browse(still, still.token)


@pytest.fixture(scope="session")
def guest(still: Server) -> Iterator[Browser]:
    """The browser of a guest, for tests that only read."""
    _, token = scenes.sign_in(still.deps.database, "Gwen Guest", Role.GUEST)
    yield from browse(still, token)


@pytest.fixture(scope="session")
def user(still: Server) -> Iterator[Browser]:
    """The browser of a user who manages titles but not the server."""
    _, token = scenes.sign_in(still.deps.database, "Uma User", Role.USER)
    yield from browse(still, token)


@pytest.fixture(scope="session")
def stranger(still: Server) -> Iterator[Browser]:
    """A browser that is not signed in."""
    yield from browse(still, "")


@pytest.fixture
def guest_browser(server: Server) -> Iterator[Browser]:
    """The browser of a guest, on the test's own server."""
    _, token = scenes.sign_in(server.deps.database, "Gwen Guest", Role.GUEST)
    yield from browse(server, token)


def csrf(client: Browser, path: str = "/") -> str:
    """Return the form token of a page."""
    found = re.search(r'"X-CSRF-Token":"([^"]+)"', client.get(path).text)
    assert found, path
    return found[1]


@pytest.fixture
def press() -> Callable[..., Any]:
    """Click a button: `press(browser, "/activity/pause-all", htmx=True, field="value")`."""

    def send(client: Browser, path: str, *, htmx: bool = True, target: str = "", **form: str) -> Any:
        headers = {"x-csrf-token": csrf(client)}
        if htmx:
            headers |= {"hx-request": "true", "hx-target": target}
        return client.post(path, data={"_key": path, **form}, headers=headers)

    return send


def words(response: Any) -> str:
    """Return a page's text without tags, as a user reads it."""
    text = re.sub(r"<(script|style|template)\b.*?</\1>", " ", response.text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text)
    for entity, letter in (("&amp;", "&"), ("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, letter)
    return re.sub(r"\s+", " ", text)


__all__ = ["Browser", "Server", "words"]

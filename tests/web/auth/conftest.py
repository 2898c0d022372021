"""The real sign-in on a real database, with one page behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Response, get, post
from litestar.testing import TestClient

from mydia import clock
from mydia import config as configuration
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from mydia.db import Database
from mydia.secret import Secret
from mydia.taskboard import TaskBoard
from mydia.web import assets, auth, live
from mydia.web.app import WebApp, create_app
from mydia.web.deps import CallerDep, WebDeps, WebRequest
from mydia.web.pages import account, setup
from mydia.web.render import page
from mydia.web.shell import empty_shell
from tests.fakes.outside import fake_outside

PASSWORD = "correct horse battery"


@get("/", sync_to_thread=True)
def home(request: WebRequest, caller: CallerDep) -> Response[str]:
    return page(request, "errors/page.html", None) if caller is None else Response(f"hello {caller.name}")


@post("/api/v1/wish", sync_to_thread=True)
def wish(caller: CallerDep) -> dict[str, Any]:
    return {"by": caller.name, "kind": caller.kind}


@pytest.fixture
def web_deps(database: Database, tmp_path: Path) -> Iterator[WebDeps]:
    config = configuration.load({"DATA_DIR": str(tmp_path / "data")})
    settings.bind(database, config)
    with database.writes() as session:
        settings.ensure_defaults(session, clock.now())
    board = TaskBoard(config.jobs_path)
    yield WebDeps(
        config=config,
        database=database,
        outside=fake_outside(),
        taskboard=board,
        authenticate=auth.authenticate,
        recall=auth.recall,
    )
    board.close()


@pytest.fixture
def app(web_deps: WebDeps) -> WebApp:
    routes = [*auth.ROUTES, *setup.ROUTES, *account.ROUTES, home, wish, assets.static, live.events_stream]
    return create_app(web_deps, routes=routes, live=(), shell=empty_shell, finders=(), checks=(), metrics=())


@pytest.fixture
def browser(app: WebApp) -> Iterator[TestClient[WebApp]]:
    with TestClient(app, base_url="http://mydia.test", raise_server_exceptions=False) as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        yield client


@pytest.fixture
def robin(database: Database) -> Caller:
    with database.writes() as session:
        made = users.add_first_admin(
            session, clock.now(), NewUser(username="robin", role=Role.ADMIN, password=Secret(PASSWORD))
        )
        settings.setup.finish_setup(session, SYSTEM, clock.now())
        return users.caller_of(made)


def token(client: TestClient[WebApp], path: str = "/login") -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def sign_in(client: TestClient[WebApp], password: str = PASSWORD, username: str = "robin", **more: str) -> Any:
    form = {"_csrf": token(client), "username": username, "password": password, **more}
    return client.post("/login", data=form)

"""A browser and a new server, for the setup and settings pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from mydia import clock
from mydia import config as configuration
from mydia.adapters.outside import Outside
from mydia.contexts import settings, users
from mydia.contexts.users import SYSTEM, NewUser, Role
from mydia.db import Database
from mydia.secret import Secret
from mydia.taskboard import TaskBoard
from mydia.web import auth
from mydia.web.app import WebApp, create_app
from mydia.web.deps import WebDeps
from mydia.web.pages import account, setup
from mydia.web.pages import settings as settings_pages
from mydia.web.shell import empty_shell

PASSWORD = "correct horse battery"
ROUTES = (*auth.ROUTES, *setup.ROUTES, *settings_pages.ROUTES, *account.ROUTES)


class Line:
    """Sets the address from which a browser's requests come."""

    def __init__(self, app: WebApp) -> None:
        self.app = app
        self.address = "192.168.1.20"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            scope["client"] = (self.address, 50_000)
        await self.app(scope, receive, send)


class Browser:
    """A browser without script: it follows links, and sends forms with the token of their page."""

    def __init__(self, client: TestClient[Any], deps: WebDeps, line: Line) -> None:
        self.client = client
        self.deps = deps
        self.line = line

    def see(self, path: str, status: int = 200) -> str:
        """Open a page and return its text."""
        answer = self.client.get(path)
        assert answer.status_code == status, (answer.status_code, answer.headers.get("location"), answer.text[:500])
        return answer.text

    def send(self, path: str, form: dict[str, Any], *, on: str = "", **headers: str) -> Any:
        """Send a form from a page, by default the page of its own address."""
        page = self.client.get(on or path).text
        found = re.search(r'name="_csrf" value="([^"]+)"', page) or re.search(r'"X-CSRF-Token":"([^"]+)"', page)
        assert found, page[:300]
        return self.client.post(path, data={"_csrf": found[1], **form}, headers=headers)

    def sign_in(self, username: str = "robin") -> None:
        """Sign in as one of the accounts."""
        answer = self.send("/login", {"username": username, "password": PASSWORD})
        assert answer.status_code == 303


@contextmanager
def browser_at(database: Database, folder: Path, outside: Outside, **environ: str) -> Iterator[Browser]:
    """Open a browser at a server with a new database."""
    config = configuration.load({"DATA_DIR": str(folder / "data"), **environ})
    config.data_dir.mkdir(parents=True, exist_ok=True)
    settings.bind(database, config)
    with database.writes() as session:
        settings.ensure_defaults(session, clock.now())
    board = TaskBoard(config.jobs_path)
    deps = WebDeps(
        config=config,
        database=database,
        outside=outside,
        taskboard=board,
        authenticate=auth.authenticate,
        recall=auth.recall,
    )
    app = create_app(deps, routes=ROUTES, live=(), shell=empty_shell, finders=(), checks=(), metrics=())
    line = Line(app)
    with TestClient(line, base_url="http://mydia.test", raise_server_exceptions=True) as client:
        client.headers["accept"] = "text/html"
        client.follow_redirects = False
        yield Browser(client, deps, line)
    board.close()


def household(database: Database) -> None:
    """Add Robin, an administrator, and Kim, a guest, and finish the setup."""
    with database.writes() as session:
        now = clock.now()
        robin = users.add_first_admin(
            session, now, NewUser(username="robin", role=Role.ADMIN, password=Secret(PASSWORD))
        )
        users.add_user(
            session, users.caller_of(robin), now, NewUser(username="kim", role=Role.GUEST, password=Secret(PASSWORD))
        )
        settings.ensure_defaults(session, now)
        settings.setup.finish_setup(session, SYSTEM, now)

"""Roles and scopes of keys against every page, address of the API and live topic, generated from the route table.

`test_permissions.py` shows that the contexts refuse what the guard refuses. Here real sessions and real keys are sent to a
real server, so the test also covers how a cookie or key becomes a caller. A new route or topic is included by itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from litestar.testing import TestClient

from mydia import clock
from mydia.contexts import users
from mydia.contexts.users import Caller, Permission, Role, permissions_of
from mydia.errors import Forbidden
from mydia.web import routes
from mydia.web.auth import guards
from mydia.web.live import LiveContext, LiveTopic
from tests.web.pages import scene as scenes
from tests.web.pages.conftest import Browser, Server

_PARTS = {"int": "1", "date": "2026-07-12"}
_REFUSED = re.compile("does not have permission to|An API key cannot")


@dataclass(frozen=True)
class Visitor:
    """Somebody with a role, in a browser or with a key of some scopes."""

    name: str
    permissions: frozenset[Permission]
    caller: Caller
    headers: dict[str, str]
    cookie: str | None


@pytest.fixture(scope="module")
def visitors(still: Server) -> list[Visitor]:
    """A browser and a whole key for each role, a key for each single scope of an administrator, and some of a user."""
    found = []
    for role in Role:
        caller, cookie = scenes.sign_in(still.deps.database, f"Matrix-{role} Person", role)
        found.append(Visitor(f"browser of {role}", permissions_of(role), caller, {}, cookie))
        narrow = list(Permission) if role is Role.ADMIN else [Permission.BROWSE, Permission.MANAGE_SETTINGS]
        for scopes in (None, *([str(one)] for one in narrow if one in permissions_of(role))):
            with still.deps.database.writes() as session:
                _, text = users.api_keys.add_api_key(session, caller, clock.now(), f"{scopes}", scopes=scopes)
            allowed = permissions_of(role, scopes=scopes)
            found.append(Visitor(f"key of {role} for {scopes}", allowed, caller, {"x-api-key": text}, None))
    return found


@pytest.fixture(scope="module")
def anybody(still: Server) -> Iterator[Browser]:
    """A client that sends what each visitor has."""
    with TestClient(still.app, base_url="http://mydia.test", raise_server_exceptions=False) as client:
        client.follow_redirects = False
        yield client


def _ask(client: Browser, visitor: Visitor, method: str, address: str) -> Any:
    client.cookies.clear()
    if visitor.cookie:
        client.cookies.set("session", visitor.cookie)
    return client.request(method, address, headers={"accept": "application/json"} | visitor.headers)


def _doors(server: Server) -> Iterator[tuple[str, str, str]]:
    for route in server.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if "caller" in handler.parsed_fn_signature.parameters:
                address = re.sub(r"\{\w+:(\w+)\}", lambda found: _PARTS.get(found[1], "none"), route.path)
                yield method, route.path_format, address


def test_every_visitor_is_refused_exactly_what_the_table_says(
    still: Server, anybody: Browser, visitors: list[Visitor]
) -> None:
    doors = list(_doors(still))
    assert len(doors) > 300
    wrong = []
    for visitor, (method, template, address) in itertools.product(visitors, doors):
        changing = method != "GET"
        of_a_key = bool(visitor.headers)
        refused = not visitor.permissions.issuperset(guards.needs(template, changing=changing))
        refused = refused or (of_a_key and (template == "/account" or template.startswith("/account/")))
        if changing and not (refused and of_a_key):
            # What is allowed would be done, and without a form token a browser is refused in any case.
            continue
        if not changing and not refused and not template.startswith("/api/"):
            continue  # opening every page with every role is the work of `test_permissions.py`
        answer = _ask(anybody, visitor, method, address)
        got = answer.status_code == 403 and bool(_REFUSED.search(answer.text))
        if got is not refused:
            wrong.append(f"{method} {template} by {visitor.name}: {answer.status_code} {answer.text[:150]}")
    assert not wrong, "\n".join(wrong[:40])


def _names_of(topic: LiveTopic, visitor: Visitor) -> str:
    if topic.personal:
        return f"{topic.name}{visitor.caller.id}"
    return f"{topic.name}none" if topic.name.endswith(":") else topic.name


def _topics() -> tuple[LiveTopic, ...]:
    return routes.LIVE


@pytest.mark.parametrize("topic", _topics(), ids=lambda topic: topic.name)
def test_every_live_topic_is_joined_only_with_its_permission(
    still: Server, anybody: Browser, visitors: list[Visitor], topic: LiveTopic
) -> None:
    for visitor in visitors:
        name = _names_of(topic, visitor)
        assert topic.allows(_caller(visitor), name) is (topic.permission in visitor.permissions), visitor.name
        if topic.permission not in visitor.permissions:
            answer = anybody_asks(anybody, visitor, name)
            assert answer.status_code == 403, (visitor.name, name)
            assert _REFUSED.search(answer.text)


def anybody_asks(client: Browser, visitor: Visitor, name: str) -> Any:
    """Ask for a topic that must be refused; an answer that is a stream would never end."""
    client.cookies.clear()
    if visitor.cookie:
        client.cookies.set("session", visitor.cookie)
    with client.stream("GET", "/events", params={"topics": name}, headers=visitor.headers) as answer:
        if answer.status_code != 200:
            answer.read()
        return answer


def _caller(visitor: Visitor) -> Caller:
    return Caller(
        kind="api_key" if visitor.headers else "user",
        id=visitor.caller.id,
        name=visitor.name,
        permissions=visitor.permissions,
        role=visitor.caller.role,
    )


def test_nobody_listens_to_what_is_somebody_elses(still: Server, visitors: list[Visitor]) -> None:
    personal = [topic for topic in _topics() if topic.personal]
    assert personal
    for topic, one, other in itertools.product(personal, visitors, visitors):
        if one.caller.id != other.caller.id:
            assert not topic.allows(_caller(one), _names_of(topic, other))


@pytest.mark.parametrize("topic", [topic for topic in _topics() if topic.poll], ids=lambda topic: topic.name)
def test_what_a_topic_pushes_is_refused_by_the_contexts_to_a_caller_without_permissions(
    still: Server, topic: LiveTopic
) -> None:
    renderer = still.app.state.renderer
    context = LiveContext(still.deps, renderer.render, renderer.environment.globals["ui"])
    caller = Caller(kind="user", id=None, name="Kim", permissions=frozenset(), role=Role.USER)
    assert topic.poll
    name = f"{topic.name}none" if topic.name.endswith(":") else topic.name
    try:
        pushed = topic.poll(context, name, caller)
    except Forbidden:
        return
    assert not pushed

"""Every field of the root types refuses exactly the callers that REST refuses for the same handler."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)

from mydia.contexts.users import Permission, Role, permissions_of
from mydia.web.auth import guards
from mydia.web.graphql import tables
from mydia.web.graphql.engine import engine
from mydia.web.graphql.fields import address_of
from mydia.web.graphql.shapes import camel
from tests.web.graphql.conftest import Graph

_ROLES = {
    "admin": frozenset(Permission),
    "user": permissions_of(Role.USER),
    "readonly": permissions_of(Role.READONLY),
    "guest": permissions_of(Role.GUEST),
    "narrowed": permissions_of(Role.ADMIN, scopes=["browse"]),
}
_SUBSCRIPTIONS = {"libraryUpdates": Permission.VIEW_ACTIVITY, "downloadProgress": Permission.VIEW_ACTIVITY}


def _literal(kind: Any) -> str:
    """Return the smallest value of an input type."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLList):
        return f"[{_literal(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        needed = (
            f"{name}: {_literal(field.type)}"
            for name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        )
        return f"{{{', '.join(needed)}}}"
    return {"Boolean": "true", "Int": "1", "Float": "1", "BigInt": "1"}.get(kind.name, '"/none"')


def _document(operation: str, name: str, field: GraphQLField) -> str:
    needed = [
        f"{key}: {_literal(one.type)}"
        for key, one in field.args.items()
        if isinstance(one.type, GraphQLNonNull) and one.default_value is not None
    ]
    kind: Any = field.type
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    selected = "" if is_leaf_type(kind) else " { __typename }"
    return f"{operation} {{ {name}{'(' + ', '.join(needed) + ')' if needed else ''}{selected} }}"


def _fields() -> list[tuple[str, str, GraphQLField]]:
    schema = engine().schema
    roots: list[tuple[str, GraphQLObjectType | None]] = [
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
    ]
    return [(operation, name, field) for operation, root in roots if root for name, field in root.fields.items()]


def _needs() -> dict[str, tuple[Permission, ...]]:
    found = {}
    for operation, table in (("query", tables.QUERIES), ("mutation", tables.MUTATIONS), ("", tables.BY_HAND)):
        for name, handler in table.items():
            address = address_of(handler)
            changing = handler.http_methods != {"GET"}
            kind = operation or ("mutation" if changing else "query")
            found[f"{kind} {camel(name)}"] = guards.needs(address, changing=changing)
    return found


@pytest.mark.parametrize("role", _ROLES)
def test_a_role_gets_what_its_permissions_allow(graph: Any, role: str) -> None:
    client: Graph = graph(role)
    needs = _needs()
    held = _ROLES[role]
    checked = 0
    for operation, name, field in _fields():
        document = _document(operation, name, field)
        told = client.send(document).json()
        errors = told.get("errors") or []
        assert not any(one["extensions"]["code"] in {"GRAPHQL_VALIDATION_FAILED", "INTERNAL"} for one in errors), (
            document,
            told,
        )
        refused = any("does not have permission to" in one["message"] for one in errors)
        wanted = not held.issuperset(needs[f"{operation} {name}"])
        assert refused == wanted or (refused and not wanted and name in _MORE), (role, document, told)
        if refused:
            assert errors[0]["extensions"]["code"] == "FORBIDDEN"
        checked += 1
    assert checked > 140


_MORE: frozenset[str] = frozenset()
"""Fields whose context asks for more than the early check, depending on the values."""


@pytest.mark.parametrize("role", _ROLES)
def test_subscriptions_need_their_permission(graph: Any, role: str) -> None:
    root = engine().schema.subscription_type
    assert root is not None
    assert root.fields.keys() == _SUBSCRIPTIONS.keys()
    client: Graph = graph(role)
    for name, permission in _SUBSCRIPTIONS.items():
        if permission in _ROLES[role] and name == "libraryUpdates":
            continue  # it would not end
        document = _document("subscription", name, root.fields[name])
        text = client.send(document, headers={"accept": "text/event-stream"}).text
        assert ("does not have permission to" in text) == (permission not in _ROLES[role]), (role, text)


def test_the_contexts_refuse_by_themselves(graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries without the early refusal; `tests/web/pages/test_permissions.py` does the same for every handler of REST."""
    monkeypatch.setattr(guards, "refuse", lambda *_, **__: None)
    client: Graph = graph("guest")
    needs = _needs()
    for operation, name, field in _fields():
        if operation == "query" and not _ROLES["guest"].issuperset(needs[f"query {name}"]):
            told = client.send(_document(operation, name, field)).json()
            assert told["errors"][0]["extensions"]["code"] in {"FORBIDDEN", "INVALID"}, (name, told)

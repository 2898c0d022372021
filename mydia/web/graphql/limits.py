"""Limits of documents, checked before anything is validated or executed.

One walk over a document counts its depth, its aliases and its cost. A fragment is counted once and remembered, so fragments
that include each other cannot make the walk long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from mydia.web.graphql.errors import Refused

DEPTH = 12
"""Levels of fields. The deepest useful query follows an event to its title, its files and their sidecars: 6."""
ALIASES = 30
TOKENS = 4_000
"""Of the lexer. The introspection query of GraphiQL has about 500; one of all fields of a title about 150."""
COST = 20_000
"""Fields that a result may have. A page of 100 titles with 10 fields, and 10 files of 9 fields each, costs 11,200."""
WIDTH = 250
"""Fields of one object, those of fragments included: validation compares each with each."""
_LISTS = 10
"""Entries that a list counts as if nothing says how many it has."""
_PAGE = 50
_INTROSPECTION = frozenset({"__schema", "__type"})
_ROOT_FIELDS = 20
"""Fields of `Query` or `Mutation` in one operation, because each opens a unit of work."""


class _Weight(msgspec.Struct, frozen=True):
    depth: int
    aliases: int
    cost: int
    width: int


class _Walk:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, _Weight | None] = {}

    def of(self, kind: GraphQLNamedType | None, selected: SelectionSetNode) -> _Weight:
        depth = aliases = cost = width = 0
        for one in self._weights(kind, selected):
            depth, aliases, cost = max(depth, one.depth), aliases + one.aliases, cost + one.cost
            width += one.width
        if width > WIDTH:
            raise Refused(f"An object has more than {WIDTH} fields.", "TOO_COMPLEX")
        return _Weight(depth, aliases, cost, width)

    def _weights(self, kind: GraphQLNamedType | None, selected: SelectionSetNode) -> Iterator[_Weight]:
        for node in selected.selections:
            if isinstance(node, FieldNode):
                yield self._field(kind, node)
            elif isinstance(node, FragmentSpreadNode):
                yield self._fragment(node.name.value)
            else:
                condition = node.type_condition  # type: ignore[attr-defined]  # an inline fragment is what is left
                inner = self._schema.get_type(condition.name.value) if condition else kind
                yield self.of(inner, node.selection_set)  # type: ignore[attr-defined]

    def _field(self, kind: GraphQLNamedType | None, node: FieldNode) -> _Weight:
        field = getattr(kind, "fields", {}).get(node.name.value)
        aliases = int(node.alias is not None)
        if node.selection_set is None:
            return _Weight(1, aliases, 1, 1)
        if node.name.value in _INTROSPECTION:
            return self._introspection(node)
        inner = self.of(get_named_type(field.type) if field else None, node.selection_set)
        times = self._times(node, field.type) if field else 1
        return _Weight(inner.depth + 1, inner.aliases + aliases, 1 + times * inner.cost, 1)

    def _introspection(self, node: FieldNode) -> _Weight:
        """Weigh a question about the schema, which has a size of its own.

        graphql-core limits its depth. Without aliases it cannot ask for the same thing twice.
        """
        assert node.selection_set is not None
        inner = self.of(None, node.selection_set)
        if inner.aliases or node.alias is not None:
            raise Refused("Questions about the schema must not use aliases.", "TOO_COMPLEX")
        return _Weight(1, 0, 1 + inner.cost, 1)

    def _times(self, node: FieldNode, kind: Any) -> int:
        name = getattr(get_named_type(kind), "name", "")
        if name.endswith("Connection"):
            return self._asked(node) or _PAGE
        while isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        # The entries of a connection are counted where the connection is.
        paged = node.name.value in ("nodes", "edges")
        return (self._asked(node) or _LISTS) if isinstance(kind, GraphQLList) and not paged else 1

    def _asked(self, node: FieldNode) -> int | None:
        for argument in node.arguments:
            if argument.name.value == "first":
                value = argument.value
                given = (
                    self._variables.get(value.name.value)
                    if isinstance(value, VariableNode)
                    else int(value.value)
                    if isinstance(value, IntValueNode)
                    else None
                )
                return max(1, given) if isinstance(given, int) else None
        return None

    def _fragment(self, name: str) -> _Weight:
        if name in self._known:
            found = self._known[name]
            if found is None:
                raise Refused(f"The fragment {name} includes itself.", "GRAPHQL_VALIDATION_FAILED")
            return found
        node = self._fragments.get(name)
        if node is None:
            return _Weight(0, 0, 0, 0)
        self._known[name] = None
        found = self.of(self._schema.get_type(node.type_condition.name.value), node.selection_set)
        self._known[name] = found
        return found


def check(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
    """Refuse a document that asks for too much.

    Raises:
        Refused: It exceeds a limit; the message names it.
    """
    walk = _Walk(schema, document, variables)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        if len(node.selection_set.selections) > _ROOT_FIELDS:
            raise Refused(f"The operation has more than {_ROOT_FIELDS} root fields.", "TOO_COMPLEX")
        weight = walk.of(schema.get_root_type(node.operation), node.selection_set)
        for name, found, most in (
            ("depth", weight.depth, DEPTH),
            ("number of aliases", weight.aliases, ALIASES),
            ("cost", weight.cost, COST),
        ):
            if found > most:
                raise Refused(f"The {name} of the operation is above {most:,}.", "TOO_COMPLEX")

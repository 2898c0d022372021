"""The schema and its execution. Importing this module takes a second and 20 MB, so it is imported with the first request."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from types import CoroutineType
from typing import Any

import msgspec
import strawberry
from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.pyutils import AwaitableOrValue, Path, Undefined
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from mydia.web.graphql import limits
from mydia.web.graphql.context import Context
from mydia.web.graphql.errors import Refused
from mydia.web.graphql.fields import DIRECT
from mydia.web.graphql.incoming import Operation
from mydia.web.graphql.roots import make_roots
from mydia.web.graphql.shapes import SCALARS
from mydia.web.graphql.subscriptions import subscription_type

_MOST_ERRORS = 10
_PLAIN = "plain"
"""Extension of a field whose value is an attribute: (how to read it, how to serialize it)."""


class Prepared(msgspec.Struct, frozen=True):
    """A document that may be executed."""

    document: DocumentNode
    kind: OperationType


class Engine:
    """Checks and executes documents against the schema."""

    def __init__(self) -> None:
        roots = make_roots()
        self._strawberry = strawberry.Schema(
            roots.query, roots.mutation, subscription_type(roots.shapes), config=StrawberryConfig(scalar_map=SCALARS)
        )
        # Strawberry's own executor knows neither our limits nor documents that were validated before.
        self.schema: GraphQLSchema = self._strawberry._schema  # noqa: SLF001
        _read_directly(self.schema)
        self._documents = _Documents()

    def sdl(self) -> str:
        """Return the schema in GraphQL's own language."""
        lines = (line.rstrip() for line in print_schema(self._strawberry).splitlines())
        return "\n".join(lines) + "\n"

    def prepare(self, operation: Operation, *, introspection: bool) -> Prepared:
        """Parse and check a document.

        Raises:
            GraphQLError: It is malformed, does not fit the schema or exceeds a limit.
        """
        known = self._documents.get(operation.query, introspection)
        if known is None:
            document = parse(operation.query, no_location=False, max_tokens=limits.TOKENS)
            limits.check(self.schema, document, operation.variables)
            rules = specified_rules if introspection else [*specified_rules, NoSchemaIntrospectionCustomRule]
            if errors := validate(self.schema, document, rules, max_errors=_MOST_ERRORS):
                raise Rejected(errors)
            self._documents.keep(operation.query, introspection, document)
        else:
            document = known
            # Variables say how long pages are.
            limits.check(self.schema, document, operation.variables)
        found = get_operation_ast(document, operation.name)
        if not isinstance(found, OperationDefinitionNode):
            raise Refused("Name one of the document's operations in operationName.", "GRAPHQL_VALIDATION_FAILED")
        return Prepared(document, found.operation)

    def execute(self, prepared: Prepared, operation: Operation, context: Context, root: Any = None) -> ExecutionResult:
        """Execute a query, a mutation, or the fields of one event of a subscription, in the calling thread.

        Loaders need an event loop; this one has nothing else to do, so resolvers may wait for the database.
        """

        async def run() -> ExecutionResult:
            result = execute(
                self.schema,
                prepared.document,
                root_value=root,
                context_value=context,
                variable_values=dict(operation.variables),
                operation_name=operation.name,
                is_awaitable=_is_awaitable,
                execution_context_class=_Execution,
            )
            return result if isinstance(result, ExecutionResult) else await result

        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(run())


def _is_awaitable(value: Any) -> bool:
    """Return whether a resolver returned something to wait for: a loader's future, or a coroutine of our own."""
    return isinstance(value, asyncio.Future | CoroutineType)


class _Execution(ExecutionContext):
    """Reads plain fields without the steps that only resolvers and errors need: three quarters of a list are such fields."""

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> AwaitableOrValue[Any]:
        """Return a field's value."""
        field = parent_type.fields.get(field_nodes[0].name.value)
        if field is not None and (plain := field.extensions.get(_PLAIN)) is not None:
            read, serialize = plain
            try:
                value = read(source)
                if value is not None and (sent := serialize(value)) is not None and sent is not Undefined:
                    return sent
            except Exception:  # noqa: BLE001, S110  # the ordinary way, below, meets it again and reports it
                pass
        # Knows how errors and null are passed on.
        return super().execute_field(parent_type, source, field_nodes, path)


def _read_directly(schema: GraphQLSchema) -> None:
    """Read fields straight from their value, or with the function in `DIRECT`. Strawberry's way takes a quarter of the time of a list."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                told = field.extensions.get("strawberry-definition")
                if told is None:
                    continue
                if told.base_resolver is None:
                    field.resolve = _attribute(told.python_name)
                    kind_of_value = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
                    if isinstance(kind_of_value, GraphQLScalarType | GraphQLEnumType):
                        field.extensions[_PLAIN] = attrgetter(told.python_name), kind_of_value.serialize
                elif (resolve := getattr(told.base_resolver.wrapped_func, DIRECT, None)) is not None:
                    field.resolve = resolve


def _attribute(name: str) -> Callable[[Any, Any], Any]:
    read = attrgetter(name)
    return lambda root, _info: read(root)


class Rejected(GraphQLError):
    """A document that does not fit the schema; holds every error found."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class _Documents:
    """Keeps checked documents, because dashboards send the same ones again and again; the oldest are dropped."""

    _LIMIT_BYTES = 500_000
    """Of text; the parsed form is about twenty times as large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, bool], DocumentNode] = OrderedDict()
        self._size = 0

    def get(self, text: str, introspection: bool) -> DocumentNode | None:
        with self._lock:
            found = self._known.get((text, introspection))
            if found is not None:
                self._known.move_to_end((text, introspection))
            return found

    def keep(self, text: str, introspection: bool, document: DocumentNode) -> None:
        with self._lock:
            if (text, introspection) not in self._known:
                self._size += len(text)
            self._known[text, introspection] = document
            while self._size > self._LIMIT_BYTES:
                (dropped, _), _ = self._known.popitem(last=False)
                self._size -= len(dropped)


_building = threading.Lock()


@cache
def _engine() -> Engine:
    return Engine()


def engine() -> Engine:
    """Return the engine of this process; the first call builds it."""
    with _building:
        return _engine()

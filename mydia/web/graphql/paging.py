"""Connections in Relay's style over the cursors of the contexts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import strawberry

from mydia.db import decode_cursor, encode_cursor
from mydia.errors import Invalid, NotFound
from mydia.web.api.schemas import Page

MOST = 100
"""Nodes of one page."""


@strawberry.type(description="Where a page begins and ends.")
@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page begins and ends."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


class Edge(msgspec.Struct, frozen=True):
    """A node with its cursor."""

    node: Any
    cursor: str


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of nodes."""

    nodes: list[Any]
    total_count: int | None
    start: tuple[str, int]
    """The context's cursor and how many of its rows come before the first node."""
    following: str | None
    """The context's cursor after the last node."""

    @property
    def edges(self) -> list[Edge]:
        """The nodes with their cursors."""
        return [Edge(node, self._cursor(place)) for place, node in enumerate(self.nodes, 1)]

    @property
    def page_info(self) -> PageInfo:
        """Where the page begins and ends."""
        last = len(self.nodes)
        return PageInfo(
            has_next_page=self.following is not None,
            has_previous_page=self.start != ("", 0),
            start_cursor=self._cursor(1) if last else None,
            end_cursor=self._cursor(last) if last else None,
        )

    def _cursor(self, place: int) -> str:
        if place == len(self.nodes) and self.following is not None:
            return encode_cursor(self.following, 0)
        cursor, before = self.start
        return encode_cursor(cursor, before + place)


def checked_first(first: int) -> int:
    """Return how many entries are asked for. Raises: Invalid."""
    if not 1 <= first <= MOST:
        sentence = f"Must be between 1 and {MOST}."
        raise Invalid(sentence, fields={"first": sentence})
    return first


def read_page(read: Callable[[str | None, int], Page[Any]], first: int, after: str | None) -> Slice:
    """Return the nodes after a cursor.

    The contexts give one cursor for each page. The cursor of a node within a page is that of its page and the node's place.

    Args:
        read: Returns the rows after a context's cursor, at most as many as asked for.

    Raises:
        Invalid: `first` is not between 1 and 100.
        NotFound: There is no such page.
    """
    checked_first(first)
    cursor, before = "", 0
    if (key := decode_cursor(after, 2)) is not None:
        if not isinstance(key[0], str) or not isinstance(key[1], int) or not 0 <= key[1] <= MOST:
            raise NotFound("There is no such page of this list. Start again from the first page.")
        cursor, before = key
    page = read(cursor or None, before + first)
    return Slice(nodes=page.items[before:], total_count=page.total, start=(cursor, before), following=page.next_cursor)


class Connections:
    """Makes and keeps the connection types of one schema."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def of(self, node: Any) -> Any:
        """Return the connection type of a node type."""
        if node not in self._made:
            name = node.__strawberry_definition__.name
            edge = _type(f"{name}Edge", "A node with its cursor.", node=node, cursor=str)
            self._made[node] = _type(
                f"{name}Connection",
                "A page of a list.",
                nodes=list[node],
                edges=list[edge],  # type: ignore[valid-type]
                page_info=PageInfo,
                total_count=int | None,
            )
        return self._made[node]

    @staticmethod
    def arguments() -> list[inspect.Parameter]:
        """Return the arguments of every connection."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return [
            inspect.Parameter("first", kind, annotation=int, default=50),
            inspect.Parameter("after", kind, annotation=str | None, default=None),
        ]


def _type(name: str, said: str, **fields: Any) -> Any:
    made = type(name, (), {"__module__": __name__, "__annotations__": fields})
    return strawberry.type(made, name=name, description=said)

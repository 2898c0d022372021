"""Reading GraphQL requests. This module needs no schema, so it is loaded from the start."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from mydia.errors import MydiaError
from mydia.web.deps import Unreadable


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for."""

    query: str
    """The document."""
    variables: Mapping[str, Any]
    name: str | None
    """Which of the document's operations; None if it has one."""


LONGEST_DOCUMENT = 100_000
"""Characters. The largest documents of tools are introspection queries of about 2,000."""


class UnknownQuery(MydiaError):
    """A query was sent as a hash that cannot be looked up. Clients recognise the message and send the query itself."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class PersistedQueries:
    """Queries by their hash, as clients with automatic persisted queries send them; the least used are dropped.

    Args:
        limit_bytes: Of text, in UTF-8.
    """

    def __init__(self, limit_bytes: int = 1_000_000) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[str, str] = OrderedDict()
        self._size = 0

    def find(self, digest: str) -> str:
        """Return a query. Raises: UnknownQuery."""
        with self._lock:
            if (found := self._known.get(digest)) is None:
                # This exact message makes clients send the query. Source: Apollo's protocol for persisted queries.
                raise UnknownQuery("PersistedQueryNotFound", "persisted_query_not_found")
            self._known.move_to_end(digest)
            return found

    def keep(self, digest: str, query: str) -> None:
        """Keep a query. Raises: Unreadable if the hash is not its own."""
        raw = query.encode("utf-8", "replace")
        if hashlib.sha256(raw).hexdigest() != digest:
            raise Unreadable("sha256Hash is not the SHA-256 of the query.")
        with self._lock:
            if digest not in self._known:
                self._known[digest] = query
                self._size += len(raw)
            while self._size > self._limit:
                _, dropped = self._known.popitem(last=False)
                self._size -= len(dropped.encode("utf-8", "replace"))


def read_operation(sent: Any, persisted: PersistedQueries | None = None) -> Operation:
    """Return the operation of a parsed body.

    Args:
        persisted: Where to find and keep queries by their hash; None accepts no hashes.

    Raises:
        Unreadable: It is not an operation, or a batch of several.
        UnknownQuery: It has only the hash of a query, which is not known.
    """
    if isinstance(sent, list):
        raise Unreadable("Send one operation at a time; batches are not supported.")
    if not isinstance(sent, dict):
        raise Unreadable("Send an object with a query.")
    query, variables, name = sent.get("query"), sent.get("variables"), sent.get("operationName")
    if digest := _hash_of(sent.get("extensions")):
        query = _persisted(digest, query, persisted)
    if not isinstance(query, str) or not query.strip():
        raise Unreadable("Send a GraphQL document as query.")
    if len(query) > LONGEST_DOCUMENT:
        raise Unreadable("The document is too long.", status_code=413)
    if not isinstance(variables, dict | None):
        raise Unreadable("variables must be an object.")
    if not isinstance(name, str | None):
        raise Unreadable("operationName must be text.")
    return Operation(query=query, variables=variables or {}, name=name or None)


def _hash_of(extensions: Any) -> str | None:
    told = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    digest = told.get("sha256Hash") if isinstance(told, dict) else None
    return digest if isinstance(digest, str) else None


def _persisted(digest: str, query: Any, persisted: PersistedQueries | None) -> str:
    if persisted is None:
        if isinstance(query, str):
            return query
        # This exact message makes clients stop sending hashes.
        raise UnknownQuery("PersistedQueryNotSupported", "persisted_query_not_supported")
    if query is None:
        return persisted.find(digest)
    if not isinstance(query, str) or len(query) > LONGEST_DOCUMENT:
        raise Unreadable("The document is too long, or not text.", status_code=413)
    persisted.keep(digest, query)
    return query

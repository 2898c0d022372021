"""The page that explains and tries GraphQL."""

from __future__ import annotations

import msgspec


class ExplorerView(msgspec.Struct, frozen=True, kw_only=True):
    """The explorer; its script reads the schema itself."""

    query: str = """# Operations are sent to /graphql with your session. Run: Ctrl+Enter
query Library {
  mediaItems(first: 10, sort: ADDED, descending: true) {
    nodes { id title year state files { path size resolution codec } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

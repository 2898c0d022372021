"""The page that explains and tries GraphQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorerView:
    """The explorer; its script reads the schema itself."""

    query: str = """# Operations are sent to /graphql with your session. Run: Ctrl+Enter
query Library {
  mediaItems(first: 10, sort: ADDED, descending: true) {
    nodes { id title year state files { path size resolution codec } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

"""Connections to configured services, which settings pass to adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from mydia.secret import Secret

__all__ = ["Connection", "Secret"]
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mydia.adapters.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One configured download client or indexer."""

    id: str
    name: str
    kind: str
    """`qbittorrent`, `torznab`, …: a key of the family's KINDS table."""
    url: str
    """Base address with scheme, without a trailing slash."""
    username: str | None = None
    secret: Secret = field(default_factory=lambda: Secret(""))
    """Password or API key, by kind."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Kind-specific: category, categories, minimum_seeders, …; documented by the product module."""
    timeout_s: float = 15.0
    rejected_until: datetime | None = field(default=None, compare=False)
    """Set if the service has rejected these credentials: until when they must not be sent again without a user asking."""
    accepted_at: datetime | None = field(default=None, compare=False)
    """When the service last accepted them in any process, if it does now."""


class Need(msgspec.Struct, frozen=True):
    """One value needed to connect a service: a field of the settings form."""

    key: str
    """`url`, `username`, `secret`, or the name of an option in `Connection.options`."""
    label: str
    type: str = "text"
    """`text`, `url`, `password`, `number`, `checkbox`, `list` (of texts) or `numbers` (list of whole numbers)."""
    required: bool = False
    default: object = None
    help: str = ""
    low: float = 0
    high: float = 1_000_000
    """The limits of a number."""


class Kind[Adapter](msgspec.Struct, frozen=True, kw_only=True):
    """One product of a family: its name, the values it needs, and its constructor."""

    key: str
    label: str
    protocol: str
    """`torrent` or `usenet`."""
    make: Callable[[Connection, Http], Adapter]
    needs: tuple[Need, ...]
    default_url: str
    """The default value in the form."""
    help: str = ""

    @property
    def option_keys(self) -> tuple[str, ...]:
        """Return the names of the needs that are stored in `Connection.options`."""
        return tuple(need.key for need in self.needs if need.key not in {"url", "username", "secret"})

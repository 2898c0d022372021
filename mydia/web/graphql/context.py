"""What resolvers work with: the parts of the application, the caller, and loaders that read many values at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from litestar.connection import ASGIConnection

from mydia.contexts.users import Caller
from mydia.web.deps import WebDeps
from mydia.web.graphql.loaders import Loaders
from mydia.web.live import Listener

type Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(slots=True, kw_only=True)
class Context:
    """The context of one execution; a new one for each event of a subscription."""

    deps: WebDeps
    caller: Caller
    request: Connection
    listener: Listener | None = None
    """Set while a subscription is open."""
    resume_after: str | None = None
    """`Last-Event-ID` of a stream that continues an earlier one."""
    notices: list[str] = field(default_factory=list)
    """Sentences for `extensions.notices` of the response."""
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.deps.database, self.caller)

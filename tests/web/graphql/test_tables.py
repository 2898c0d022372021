"""Everything that REST serves can be reached over GraphQL."""

from __future__ import annotations

import importlib
import pkgutil

from mydia.web import api
from mydia.web.api import description
from mydia.web.graphql import tables


def test_every_handler_of_rest_is_a_field_or_named_as_an_exception() -> None:
    listed = {*tables.QUERIES.values(), *tables.MUTATIONS.values(), *tables.BY_HAND.values(), *tables.ELSEWHERE}
    missing = [
        f"{module.name}.{handler.fn.__name__}"
        for module in pkgutil.iter_modules(api.__path__)
        for handler in getattr(importlib.import_module(f"{api.__name__}.{module.name}"), "ROUTES", ())
        if handler not in listed
    ]
    assert missing == []
    assert description.openapi not in listed


def test_queries_read_and_mutations_change() -> None:
    previews = {"naming_preview", "title_edit_preview"}
    for name, handler in tables.QUERIES.items():
        assert handler.http_methods == {"GET"} or name in previews, name
    for name, handler in tables.MUTATIONS.items():
        assert "GET" not in handler.http_methods, name

"""Values that have an enum are written as its members, so that the type checker finds a rename or a new member."""

from __future__ import annotations

import ast
import re

from mydia.vocabulary import MediaType

from .test_rules import PACKAGE, SOURCES, module

_HOME = "mydia/vocabulary.py"
_TYPE_NAMES = {"type", "type_", "media_type", "item_type"}
_PARSED = {"parsed", "release", "scene"}
"""Parsed names have their own type: `movie` or `episode`."""


def _named(node: ast.expr) -> tuple[str, str]:
    """Return (name, owner) of `owner.name` or `name`."""
    if isinstance(node, ast.Attribute):
        return node.attr, ast.unparse(node.value).rpartition(".")[2]
    return (node.id, "") if isinstance(node, ast.Name) else ("", "")


def test_media_types_are_members_and_not_literals():
    found = []
    for path in SOURCES:
        if module(path) == _HOME:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value == str(MediaType.TV_SHOW):
                found.append(f"{module(path)}:{node.lineno}")
            if isinstance(node, ast.Compare):
                literals = [side for side in node.comparators if isinstance(side, ast.Constant)]
                name, owner = _named(node.left)
                if name in _TYPE_NAMES and owner not in _PARSED and any(one.value == "movie" for one in literals):
                    found.append(f"{module(path)}:{node.lineno}")
    assert found == []


def test_templates_compare_types_with_members():
    literal = re.compile(r"""type\s*[=!]=\s*['"]movie|['"]tv_show['"]""")
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted((PACKAGE / "web" / "templates").rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if literal.search(line)
    ]
    assert found == []

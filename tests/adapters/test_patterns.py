"""Every pattern of the adapters runs in linear time on any text, because files and responses come from the internet."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mydia.adapters
import mydia.contexts.metadata

_PACKAGES = (mydia.adapters, mydia.contexts.metadata)
_USES = {"compile", "match", "search", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
_CHARACTERS = 100_000
_LIMIT_S = 1.0
"""Of processor time. A linear pattern takes milliseconds for this much text, a quadratic one minutes."""


def _sources() -> Iterator[tuple[str, Path]]:
    for package in _PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            spec = found.module_finder.find_spec(found.name, None)  # type: ignore[call-arg]
            assert spec is not None and spec.origin is not None
            yield found.name, Path(spec.origin)


def _written(path: Path) -> Iterator[re.Pattern[Any]]:
    """Return the patterns in a module's calls of `re`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _USES
            and ast.unparse(node.func.value) == "re"
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str | bytes)
        ):
            yield re.compile(node.args[0].value)


def _patterns() -> dict[str, re.Pattern[Any]]:
    found: dict[str, re.Pattern[Any]] = {}
    for name, path in _sources():
        named = (value for value in vars(importlib.import_module(name)).values() if isinstance(value, re.Pattern))
        for pattern in (*named, *_written(path)):
            found.setdefault(f"{name}: {pattern.pattern!r}"[:120], pattern)
    return found


_PATTERNS = _patterns()


def _fragments(pattern: re.Pattern[Any]) -> set[str]:
    """Return texts that make the pattern restart often: its literals, alone and joined, and common characters."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    plain = re.sub(r"\\([^\w])", r"\1", re.sub(r"\\[wsdbWSDB]|[\[\](){}?*+|^$]|\{\d*,?\d*\}", " ", text))
    literals = [part for part in plain.split() if len(part) > 1]
    starts = {literal[:length] for literal in literals for length in (1, len(literal))}
    return {
        "a",
        "0",
        " ",
        "\n",
        "<",
        "a ",
        "0,",
        "a.",
        "=",
        "?",
        "&id=",
        *starts,
        "".join(literals),
        " ".join(literals),
    } - {""}


@pytest.mark.parametrize("name", _PATTERNS, ids=lambda name: re.sub(r"\W+", "-", name)[:80])
def test_no_text_makes_a_pattern_slow(name: str) -> None:
    pattern = _PATTERNS[name]
    for fragment in sorted(_fragments(pattern)):
        text = (fragment * (_CHARACTERS // len(fragment) + 1))[:_CHARACTERS] + "!"
        given = text if isinstance(pattern.pattern, str) else text.encode("utf-8", "replace")
        for use in (
            pattern.match,
            pattern.search,
            pattern.fullmatch,
            lambda given: pattern.sub(lambda found: found[0], given),
        ):
            began_s = time.process_time()
            use(given)
            assert time.process_time() - began_s < _LIMIT_S, f"{fragment!r} repeated"


def test_the_patterns_are_found() -> None:
    assert len(_PATTERNS) > 20
    assert any("nfo" in name for name in _PATTERNS)

"""Packages are imported through their front door, and no front door exports too many names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mydia"
MOST_NAMES = 40
DOORS = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in [
        *(PACKAGE / "contexts").iterdir(),
        *(PACKAGE / "adapters").iterdir(),
        *(PACKAGE / "events", PACKAGE / "relay", PACKAGE / "taskboard"),
    ]
    if (path / "__init__.py").exists()
)


def test_every_front_door_is_found() -> None:
    assert {"contexts/media", "contexts/users", "adapters/indexers", "relay"} <= set(DOORS)


def names_of(door: str) -> list[str]:
    for node in ast.parse((PACKAGE / door / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            assert isinstance(node.value, ast.List)
            return [ast.unparse(name) for name in node.value.elts if not isinstance(name, ast.Starred)]
    return []


@pytest.mark.parametrize("door", DOORS)
def test_a_front_door_has_at_most_forty_names(door: str) -> None:
    assert len(names_of(door)) <= MOST_NAMES


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name


def test_imports_go_through_the_front_door() -> None:
    guarded = [door for door in DOORS if door.startswith(("contexts/", "adapters/"))]
    past = []
    for path in sorted(PACKAGE.rglob("*.py")):
        here = path.relative_to(PACKAGE).as_posix()
        for line, module in imported(path):
            for door in guarded:
                inside = f"mydia.{door.replace('/', '.')}."
                if module.startswith(inside) and not here.startswith(f"{door}/"):
                    past.append(f"mydia/{here}:{line} imports {module}")
    assert past == []

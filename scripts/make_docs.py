"""Generates documents from the source: events, the table of settings, and the schemas of both APIs. Run: make docs."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mydia.config import KEYS
from mydia.events import EVENTS

BEGIN, END = "<!-- made by scripts/make_docs.py -->", "<!-- end -->"


def events() -> str:
    """Return the table of events."""
    from mydia.jobs import triggers

    lines = [
        "# Events",
        "",
        "Everything that can happen, from `mydia/events/catalog.py`; made by `scripts/make_docs.py`. An event is recorded in the",
        "same transaction as its change, shown in the history, pushed to open pages, and starts the jobs named here.",
        "",
        "| event | what happened | fields | starts | found again by |",
        "|---|---|---|---|---|",
    ]
    for name, kind in EVENTS.items():
        fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__)
        jobs = ", ".join(f"`{line.job}`" for line in triggers.ON_EVENT.get(kind, ()))
        said = re.sub(r"\s+", " ", (kind.__doc__ or "").strip()).replace("|", "\\|")
        lines.append(f"| `{name}` | {said} | {fields} | {jobs} | {triggers.SWEEPS.get(kind, '')} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Return the table of settings."""
    lines = ["| key | variable | default | what it does |", "|---|---|---|---|"]
    for key in KEYS:
        default = (
            ""
            if key.default in (None, ())
            else f"`{', '.join(key.default) if isinstance(key.default, tuple) else key.default}`"
        )
        variables = ", ".join(f"`{name}`" for name in (key.env, *key.also_env))
        marks = "".join(
            (" *Can be changed while Mydia runs.*" if key.editable else "", " *Secret.*" if key.secret else "")
        )
        lines.append(f"| `{key.name}` | {variables} | {default} | {key.doc}{marks} |")
    return "\n".join(lines)


def openapi() -> str:
    """Return the description of REST, as `/api/v1/openapi.json` serves it."""
    from mydia import config
    from mydia.web import api
    from mydia.web.api.description import describe
    from mydia.web.app import create_app
    from mydia.web.deps import WebDeps
    from mydia.web.shell import empty_shell

    with tempfile.TemporaryDirectory() as folder:
        loaded = config.load({"DATA_DIR": folder})
    # Describing an application opens neither its database nor anything outside.
    parts: dict[str, Any] = {"database": None, "outside": None, "taskboard": None}
    deps = WebDeps(config=loaded, authenticate=lambda _request, _deps: None, **parts)
    app = create_app(deps, routes=[api.ROUTER], live=(), shell=empty_shell, finders=(), checks=(), metrics=())
    return json.dumps(describe(app), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def graphql() -> str:
    """Return the schema of GraphQL."""
    from mydia.web.graphql.engine import engine

    return engine().sdl()


def main() -> int:
    """Write, or with --check say whether anything would change."""
    guide = ROOT / "docs" / "guide" / "configuration.md"
    head, _, rest = guide.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    described = ROOT / "docs" / "api"
    wanted = {
        ROOT / "docs" / "events.md": events(),
        guide: f"{head}{BEGIN}\n{settings()}\n{END}{tail}",
        described / "openapi.json": openapi(),
        described / "schema.graphql": graphql(),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run make docs")
        return bool(stale)
    described.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # msgspec 0.22 sometimes crashes while the interpreter frees the types that describe bodies, so they are not freed.
    os._exit(code)

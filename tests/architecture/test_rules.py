"""Project rules that no linter checks; they are checked in the source, so that a violation names its line."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mydia"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(tree: ast.AST):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_only_the_unit_of_work_commits():
    allowed = {"mydia/db/session.py", "mydia/db/migrate.py"}
    found = []
    for path in SOURCES:
        if module(path) in allowed or module(path).startswith("mydia/relay/") or "sqlite" in path.name:
            continue
        for call in calls(ast.parse(path.read_text())):
            if (
                isinstance(call.func, ast.Attribute)
                and call.func.attr == "commit"
                and "session" in ast.unparse(call.func.value)
            ):
                found.append(f"{module(path)}:{call.lineno}")
    assert found == []


def test_pages_and_jobs_hold_no_queries():
    found = []
    for folder in ("web", "jobs"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy"
                    else []
                )
                if {"select", "insert", "update", "delete"} & set(names):
                    found.append(f"{module(path)}:{node.lineno}")
    assert found == []


def test_every_form_is_a_struct():
    found, forms = [], 0
    for path in (PACKAGE / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for parameter in (*node.args.args, *node.args.kwonlyargs):
                    annotation = ast.unparse(parameter.annotation) if parameter.annotation else ""
                    forms += annotation.startswith("FormOf[")
                    if parameter.arg == "form" and ("dict[" in annotation or "Mapping[" in annotation):
                        found.append(f"{module(path)}:{node.lineno}")
    assert found == []
    assert forms > 50


READ_AS_ROWS = {
    # Tables in the source, whose rows read better without the names.
    "Need", "Spec", "_Preset", "Trigger", "_Line", "Schedule", "Term", "QualityDefinition", "LiveTopic",
    # Values of the parser, made for every form of numbering.
    "Numbering", "Words", "Confidence",
    # Made from the rows of a select, or from an answer as it came.
    "_Wanted", "EpisodeRef", "Happened", "RelayAnswer", "Response",
}  # fmt: skip


def test_values_of_five_fields_and_more_are_built_by_name():
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef):
                continue
            fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
            kinds = [ast.unparse(one) for one in node.decorator_list if ast.unparse(one).startswith("dataclass")]
            kinds += [
                "struct " + " ".join(map(ast.unparse, node.keywords)) for word in node.keywords if word.arg == "frozen"
            ]
            by_name = any("kw_only=True" in kind for kind in kinds) or any(
                ast.unparse(line.annotation) == "KW_ONLY" for line in fields
            )
            fields = [line for line in fields if "ClassVar" not in ast.unparse(line.annotation)]
            if kinds and len(fields) >= 5 and not by_name and node.name not in READ_AS_ROWS:
                found.append(f"{module(path)}:{node.lineno} {node.name}")
    assert found == []


def test_the_web_never_imports_jobs():
    found = [
        module(path)
        for path in (PACKAGE / "web").rglob("*.py")
        if re.search(r"^(from|import) mydia\.jobs", path.read_text(), re.MULTILINE)
    ]
    assert found == []


def tables():
    """Table class -> context that owns it."""
    owners = {}
    for path in PACKAGE.glob("contexts/*/models.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and any(
                isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__tablename__" for n in node.body
            ):
                owners[node.name] = path.parent.name
    return owners


def test_pages_and_the_api_start_no_threads():
    allowed = {"mydia/web/live.py"}
    found = [
        f"{module(path)}:{call.lineno}"
        for path in (PACKAGE / "web").rglob("*.py")
        if module(path) not in allowed
        for call in calls(ast.parse(path.read_text()))
        if ast.unparse(call.func) in {"Thread", "threading.Thread", "threading.Timer"}
    ]
    assert found == []


def test_a_table_is_written_only_by_its_context():
    owners = tables()
    assert len(owners) > 30
    found = []
    for path in SOURCES:
        parts = path.relative_to(PACKAGE).parts
        if parts[0] == "parsing":
            continue
        context = parts[1] if parts[0] == "contexts" and len(parts) > 2 else None
        for call in calls(ast.parse(path.read_text())):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in owners and owners[name] != context and call.keywords:
                found.append(f"{module(path)}:{call.lineno} makes a {name}")
            if name in ("insert", "update", "delete") and call.args:
                target = ast.unparse(call.args[0]).rpartition(".")[2]
                if target in owners and owners[target] != context:
                    found.append(f"{module(path)}:{call.lineno} writes {target}")
    assert found == []


def test_every_triggered_event_has_a_sweep_and_every_job_exists():
    from mydia.jobs import triggers

    assert set(triggers.ON_EVENT) == set(triggers.SWEEPS)
    scheduled = {line.job for line in triggers.SCHEDULE}
    for kind, lines in triggers.ON_EVENT.items():
        for line in lines:
            assert line.job in triggers.JOBS, f"{kind.__name__} starts {line.job}"
    for name in scheduled | set(triggers.SWEEPS.values()):
        assert name in triggers.JOBS, name
    assert set(triggers.SWEEPS.values()) <= scheduled


def test_every_event_is_emitted_and_shown_on_the_history_page():
    from mydia.events import EVENTS
    from mydia.events.stories import _LINES

    source = "\n".join(path.read_text() for path in SOURCES if path.name != "catalog.py")
    unread = [name for name in EVENTS if not re.search(rf"\b{name}\(", source)]
    assert unread == []
    assert set(EVENTS) <= set(_LINES)


def test_every_event_has_its_line_in_the_documentation():
    from mydia.events import EVENTS

    told = (ROOT / "docs" / "events.md").read_text()
    assert [name for name in EVENTS if f"`{name}`" not in told] == []


def test_documents_made_from_the_source_are_fresh():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "scripts/make_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_every_setting_has_a_reader_and_its_lines():
    from mydia.config import KEYS

    source = "\n".join(path.read_text() for path in SOURCES if path != PACKAGE / "config" / "keys.py")
    example = (ROOT / "config.yml.example").read_text()
    guide = (ROOT / "docs" / "guide" / "configuration.md").read_text()
    for key in KEYS:
        read = f'"{key.name}"' in source or re.search(rf"\.{key.name.replace('.', r'\.')}\b", source)
        assert read, f"nothing reads {key.name}"
        assert key.env in guide, f"{key.env} is not in the guide"
        assert key.name.rpartition(".")[2] in example, f"{key.name} is not in config.yml.example"


def test_every_path_in_the_documentation_exists():
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for named in re.findall(
            r"`((?:mydia|tests|docs|deploy|benchmarks|migrations|scripts|frontend)/[\w./-]+)`", path.read_text()
        ):
            if not (ROOT / named).exists():
                found.append(f"{path.relative_to(ROOT)}: {named}")
    assert found == []


def test_templates_are_formatted():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "format_templates.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + "run scripts/format_templates.py"
    long = [
        str(path)
        for path in (PACKAGE / "web" / "templates").rglob("*.html")
        if max(map(len, path.read_text().splitlines())) > 140
    ]
    assert long == []


def test_templates_have_no_inline_scripts():
    found = []
    for path in (PACKAGE / "web" / "templates").rglob("*.html"):
        text = path.read_text()
        if (
            re.search(r"<script(?![^>]*\bsrc=)", text)
            or re.search(r"\son(click|load|change|submit|input)=", text)
            or "|safe" in text
        ):
            found.append(module(path))
    assert found == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "coming soon"])
def test_no_todo_is_left(word):
    assert [module(path) for path in SOURCES if word in path.read_text()] == []


# SQLite's reflection leaves out indexes over expressions; `tests/contexts/media/test_list_counts.py` compares those.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_migrations_upgrade_match_the_models_and_downgrade(tmp_path):
    import sys

    from alembic import command
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext

    from mydia.db import Database, upgrade
    from mydia.db.base import Base
    from mydia.db.migrate import migrations_directory

    sys.path.insert(0, str(migrations_directory()))
    from all_models import has_model

    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    assert upgrade(database.engine) is True
    assert upgrade(database.engine) is False
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": has_model})
        assert compare_metadata(context, Base.metadata) == []
        connection.rollback()
        config = Config()
        config.set_main_option("script_location", str(migrations_directory()))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        left = (
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'")
            .scalars()
            .all()
        )
    assert set(left) <= {"alembic_version"}
    database.close()

"""Print all figures in one table: `python -m benchmarks`, or `make bench`.

python -m benchmarks [--markdown] [start memory lists graphql scan writing formats broker relay]

Budgets assume an otherwise idle machine. The first line describes this machine and its load.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import formats, graphql, library, lists, memory, start, writing
from benchmarks.measure import Figure, machine, print_table

ROOT = Path(__file__).resolve().parents[1]


def _output_of(module: str, *arguments: str) -> str:
    """Run a benchmark script and return its output."""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{module}.py"), *arguments]
    if module == "broker":
        command = [sys.executable, "-m", "benchmarks.broker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


def scan() -> list[Figure]:
    """Scan 50,000 files, new and unchanged."""
    seconds = dict(re.findall(r"files, ([\w ]+): ([\d.]+) s", _output_of("scan")))
    return [
        Figure("scan of 50,000 new files", float(seconds["new"]), "s"),
        Figure("scan of 50,000 unchanged files", float(seconds["unchanged again"]), "s", 5),
    ]


def judging() -> list[Figure]:
    """Judge a feed with all custom formats of the TRaSH guides."""
    figures = formats.measured(ROOT.parent / "shared" / "corpora")
    name = f"1,000 releases, 5,000 wanted titles, {figures['formats']:.0f} custom formats: CPU time"
    return [Figure(name, figures["judged"], "s", 2)]


def broker() -> list[Figure]:
    """Enqueue and run jobs."""
    output = _output_of("broker")
    rates = {name.strip(): rate for name, rate in re.findall(r"^(\w[\w ]+?)\s+([\d,]+) jobs/s", output, re.MULTILINE)}
    return [Figure(f"broker: {name}", float(rate.replace(",", "")), "jobs/s") for name, rate in rates.items()]


def relay() -> list[Figure]:
    """Answer from the relay's memory, over HTTP."""
    parsed = json.loads(_output_of("relay", "--quick").partition("\n")[2])
    found = parsed["hits from memory, over HTTP"]
    rates = [
        float(value)
        for one in found.values()
        for name, value in (one.items() if isinstance(one, dict) else ())
        if name.endswith("per_s")
    ]
    return [Figure("relay: hits from memory, over HTTP", max(rates), "/s", 3000, more_is_better=True)] if rates else []


def main() -> None:
    """Run the chosen benchmarks and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure Mydia and print one table.")
    parser.add_argument(
        "which", nargs="*", help="start, memory, lists, graphql, scan, writing, formats, broker, relay; default: all"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key: list[str] = []

        def whole() -> str:
            if not key:
                key.append(library.make(folder))
            return key[0]

        def starting() -> list[Figure]:
            whole()
            return start.measure(folder)

        known: dict[str, Callable[[], list[Figure]]] = {
            "start": starting,
            "memory": lambda: memory.measure(folder, whole()),
            "lists": lambda: lists.measure(folder, whole()),
            "graphql": lambda: graphql.measure(folder, whole()),
            "scan": scan,
            "writing": lambda: writing.measure(folder),
            "formats": judging,
            "broker": broker,
            "relay": relay,
        }
        print(machine())
        figures = [figure for one in options.which or known for figure in known[one]()]
    rows = [("measured", "value", "budget", ""), *(figure.row() for figure in figures)]
    print_table(rows, markdown=options.markdown)
    if any(figure.kept is False for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()

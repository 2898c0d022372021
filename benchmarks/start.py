"""Measure the time from the command to the first answered page. Budget: 2 s, goal 1.2 s, on an otherwise idle machine.

python -m benchmarks.start
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks import library
from benchmarks.measure import Figure, machine
from benchmarks.serving import Serving

_TIMES = 5


def measure(folder: Path) -> list[Figure]:
    """Start Mydia several times on a generated library, and once on an empty folder."""
    waits, used = [], []
    for _ in range(_TIMES):
        with Serving(folder) as serving:
            waits.append(serving.first_answer("/login"))
            used.append(serving.cpu_s())
            serving.wait_until_ready()
    with tempfile.TemporaryDirectory() as empty, Serving(Path(empty)) as serving:
        first = serving.first_answer("/login")
        serving.wait_until_ready()
    return [
        Figure("start to first page, best of five", min(waits), "s", 2.0),
        Figure("start to first page, median", statistics.median(waits), "s"),
        Figure("processor time until then, all processes", statistics.median(used), "s"),
        Figure("very first start, with migration", first, "s"),
    ]


def main() -> None:
    """Generate a small library, measure and print."""
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        library.make(Path(name), films=200, shows=20)
        for figure in measure(Path(name)):
            print("  ".join(figure.row()))


if __name__ == "__main__":
    main()

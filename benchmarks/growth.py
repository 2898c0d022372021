"""Measure what grows with the library: the same pages at 10,000 movies and 50,000 episodes, and at ten times as many.

python -m benchmarks.growth [--films 10000] [--factor 10] [--rounds 30] [--markdown]

Both libraries are served at the same time and asked in turn, so that the load of the machine meets both alike. Each page has
two columns per library: the median time to the answer, and the processor time of the web process, which a busy machine does
not change. The last column is the factor by which the processor time grows; the budget is 1.5.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchmarks import library
from benchmarks.lists import busy
from benchmarks.measure import machine, print_table
from benchmarks.serving import Serving

_BUDGET = 1.5
_HTML = {"Accept": "text/html", "Accept-Encoding": "gzip"}
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to measure.

    Args:
        paths: Asked for in turn, so that remembered answers do not count.
        changing: Commit a small change before each request, as a running download does.
    """

    name: str
    paths: tuple[str, ...]
    headers: dict[str, str]
    changing: bool = False


WORK = (
    Work(name="movies page", paths=("/movies",), headers=_HTML),
    Work(name="movies page after a change", paths=("/movies",), headers=_HTML, changing=True),
    Work(
        name="movies page, another filter each time",
        paths=tuple(f"/movies?genre={quote(genre)}&year_from={year}" for genre in ("Drama", "Crime", "Horror") for year in range(1950, 2000)),
        headers=_HTML,
        changing=True,
    ),
    Work(name="movies page by rating", paths=("/movies?sort=rating",), headers=_HTML, changing=True),
    Work(name="movies page by size", paths=("/movies?sort=size&descending=1",), headers=_HTML, changing=True),
    Work(name="home", paths=("/",), headers=_HTML, changing=True),
    Work(name="wanted page", paths=("/wanted",), headers=_HTML, changing=True),
    Work(name="calendar page", paths=("/calendar",), headers=_HTML, changing=True),
    Work(name="shows page", paths=("/shows",), headers=_HTML, changing=True),
    Work(name="list of 50 over REST", paths=("/api/v1/media?type=movie&limit=50",), headers=_JSON, changing=True),
    Work(name="calendar over REST", paths=("/api/v1/calendar",), headers=_JSON, changing=True),
    Work(name="wanted over REST", paths=("/api/v1/wanted",), headers=_JSON, changing=True),
    Work(name="files over REST", paths=("/api/v1/files",), headers=_JSON, changing=True),
    Work(name="system status over REST", paths=("/api/v1/system/status",), headers=_JSON, changing=True),
    Work(
        name="search as you type",
        paths=tuple(f"/palette?q={text}" for text in ("s", "si", "sil", "silent", "silent+r", "night+4", "gold", "harb", "clock+1")),
        headers=_HTML,
        changing=True,
    ),
)  # fmt: skip


@dataclass(slots=True)
class Size:
    """One library while it is measured."""

    serving: Serving
    key: str
    change: Callable[[], None]
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    used_ms: dict[str, float] = field(default_factory=dict)

    def measure(self, work: Work, path: str) -> None:
        """Ask once."""
        if work.changing:
            self.change()
        before_ns, began_s = self.serving.web_cpu_ns(), time.perf_counter()
        status, _ = self.serving.get(path, {**work.headers, "X-API-Key": self.key})
        took_ms = (time.perf_counter() - began_s) * 1000
        used_ms = (self.serving.web_cpu_ns() - before_ns) / 1e6
        if status != 200:
            msg = f"{path} was answered with {status}"
            raise RuntimeError(msg)
        self.took_ms.setdefault(work.name, []).append(took_ms)
        self.used_ms[work.name] = self.used_ms.get(work.name, 0.0) + used_ms


def measure(sizes: list[Size], rounds: int) -> list[tuple[str, ...]]:
    """Ask both libraries in turn; return the rows of the table."""
    rows: list[tuple[str, ...]] = []
    for work in WORK:
        for size in sizes:
            size.serving.get(work.paths[-1], {**work.headers, "X-API-Key": size.key})
        for path in itertools.islice(itertools.cycle(work.paths), rounds):
            for size in sizes:
                size.measure(work, path)
        times = [statistics.median(size.took_ms[work.name]) for size in sizes]
        used = [size.used_ms[work.name] / rounds for size in sizes]
        factor = used[-1] / used[0] if used[0] else 0.0
        cells = [f"{number:.1f} ms" for pair in zip(times, used, strict=True) for number in pair]
        rows.append((work.name, *cells, f"{factor:.1f}", "kept" if factor <= _BUDGET else "MISSED"))
    return rows


def main() -> None:
    """Make both libraries, measure and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description="Measure what grows with the library.")
    parser.add_argument("--films", type=int, default=library.FILMS)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    options = parser.parse_args()
    print(machine())
    counts = [options.films, options.films * options.factor]
    with ExitStack() as stack:
        sizes: list[Size] = []
        for films in counts:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            key = library.make(folder, films=films, shows=films // 10)
            serving = stack.enter_context(Serving(folder))
            serving.first_answer("/health")
            serving.wait_until_ready()
            sizes.append(Size(serving, key, stack.enter_context(busy(folder))))
        rows = measure(sizes, options.rounds)
        memory = [size.serving.memory_mib() for size in sizes]
    head = ("work", *(f"{films:,} movies{unit}" for films in counts for unit in ("", ", processor")), "factor", "")
    print_table([head, *rows], markdown=options.markdown)
    print(json.dumps({f"{films:,}": memory_of for films, memory_of in zip(counts, memory, strict=True)}))
    if any(row[-1] == "MISSED" for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()

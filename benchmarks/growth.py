"""Measure what grows with the library: the same pages at 10,000 movies and 50,000 episodes, and at ten times as many.

python -m benchmarks.growth [--films 10000] [--factor 10] [--rounds 30] [--kept FOLDER] [--only TEXT] [--markdown]
                            [--postgresql ADDRESS]

Both libraries are served at the same time and asked in turn, so that the load of the machine meets both alike. Each page has
two columns per library: the median time to the answer, and the processor time of the web process, which a busy machine does
not change. The last column is the factor by which the processor time grows; the budget is 1.5, and 2 on PostgreSQL.

With `--postgresql postgresql://user@host:port` the libraries are the databases `mydia_10000` and so on of that server, which have to
exist; they are filled if they are empty. The processor time then includes that of the server's processes for the database, which
must run on this machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select, update

from benchmarks import library
from benchmarks.measure import machine, print_table
from benchmarks.serving import Serving
from mydia import clock
from mydia.contexts.media import MediaItem
from mydia.db import Database

_BUDGET, _BUDGET_POSTGRESQL = 1.5, 2.0
_IDLE_NS = 100_000_000
_HTML = {"Accept": "text/html", "Accept-Encoding": "gzip"}
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to measure.

    Args:
        paths: Asked for in turn, so that remembered answers do not count.
        changing: Change another title before each request, as a running import does.
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
    Work(name="movies page by year", paths=("/movies?sort=year",), headers=_HTML, changing=True),
    Work(name="movies page by runtime", paths=("/movies?sort=runtime",), headers=_HTML, changing=True),
    Work(name="movies page by date", paths=("/movies?sort=added",), headers=_HTML, changing=True),
    Work(name="movies page, missing", paths=("/movies?state=missing",), headers=_HTML, changing=True),
    Work(name="movies page, text", paths=tuple(f"/movies?q={text}" for text in ("silent", "night+house", "gold")), headers=_HTML, changing=True),
    Work(name="movies table, monitored", paths=("/movies?view=table&monitored=true&sort=rating",), headers=_HTML, changing=True),
    Work(name="last chunk of posters", paths=("/movies/grid?chunk=LAST-CHUNK",), headers=_HTML, changing=True),
    Work(name="middle chunk of posters", paths=("/movies/grid?chunk=MIDDLE-CHUNK",), headers=_HTML, changing=True),
    Work(name="middle chunk by rating", paths=("/movies/grid?sort=rating&chunk=MIDDLE-CHUNK",), headers=_HTML, changing=True),
    Work(name="movies page by size", paths=("/movies?sort=size&descending=1",), headers=_HTML, changing=True),
    Work(name="home", paths=("/",), headers=_HTML, changing=True),
    Work(name="wanted page", paths=("/wanted",), headers=_HTML, changing=True),
    Work(name="calendar page", paths=("/calendar",), headers=_HTML, changing=True),
    Work(name="upgrades page", paths=("/wanted/upgrades",), headers=_HTML, changing=True),
    Work(name="wanted episodes page", paths=("/wanted?kind=episodes",), headers=_HTML, changing=True),
    Work(name="show with 2,000 episodes", paths=("/shows/LONG-SHOW",), headers=_HTML, changing=True),
    Work(name="a season of it", paths=tuple(f"/shows/LONG-SHOW/season/{number}" for number in range(1, 41)), headers=_HTML),
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

    films: int
    serving: Serving
    key: str
    change: Callable[[], None]
    long_show: str
    """Id of the show with 40 seasons of 50 episodes."""
    server_name: str = ""
    """Of the database on a PostgreSQL server."""
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    used_ms: dict[str, float] = field(default_factory=dict)

    def filled(self, path: str) -> str:
        """Return a path with what differs between the libraries filled in."""
        last_chunk = str((self.films - 1) // 120)
        path = path.replace("MIDDLE-CHUNK", str((self.films - 1) // 240))
        return path.replace("LONG-SHOW", self.long_show).replace("LAST-CHUNK", last_chunk)

    def _cpu_ns(self) -> int:
        return self.serving.web_cpu_ns() + (_server_cpu_ns(self.server_name) if self.server_name else 0)

    def wait_for_server(self) -> None:
        """Wait until PostgreSQL has done what Mydia's jobs at the start have asked for."""
        before_ns = 0
        while self.server_name and (now_ns := _server_cpu_ns(self.server_name)) - before_ns > _IDLE_NS:
            before_ns = now_ns
            time.sleep(3)

    def measure(self, work: Work, path: str) -> None:
        """Ask once."""
        if work.changing:
            self.change()
        before_ns, began_s = self._cpu_ns(), time.perf_counter()
        path = self.filled(path)
        status, _ = self.serving.get(path, {**work.headers, "X-API-Key": self.key})
        took_ms = (time.perf_counter() - began_s) * 1000
        used_ms = (self._cpu_ns() - before_ns) / 1e6
        if status != 200:
            msg = f"{path} was answered with {status}"
            raise RuntimeError(msg)
        self.took_ms.setdefault(work.name, []).append(took_ms)
        self.used_ms[work.name] = self.used_ms.get(work.name, 0.0) + used_ms


def _server_cpu_ns(name: str) -> int:
    """Return the processor time of the server's processes that work for a database."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
            if words[:1] == ["postgres:"] and name in words and "autovacuum" not in words:
                total += int((process / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it has ended meanwhile
    return total


def made(folder: Path, films: int, **more: str) -> str:
    """Generate a library unless it is there, and return its API key."""
    kept = folder / "key"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(library.make(folder, films=films, shows=films // 10, **more))
    return kept.read_text()


@contextmanager
def changing(folder: Path, address: str = "") -> Iterator[Callable[[], None]]:
    """Yield a function that changes one movie after another."""
    if address:
        database = Database(address.replace("postgresql://", "postgresql+psycopg://"), pool_size=1)
        with database.reads() as session:
            found = itertools.cycle(session.scalars(select(MediaItem.id).limit(1000)).all())

        def change() -> None:
            with database.writes() as session:
                values = {"rating": 9.9 - MediaItem.rating, "updated_at": clock.now()}
                session.execute(update(MediaItem).where(MediaItem.id == next(found)).values(values))

        try:
            yield change
        finally:
            database.close()
        return
    connection = sqlite3.connect(folder / "mydia.db", isolation_level=None, timeout=30)
    ids = itertools.cycle([id_ for (id_,) in connection.execute("SELECT id FROM media_items LIMIT 1000")])
    statement = "UPDATE media_items SET rating = 9.9 - rating, updated_at = strftime('%Y-%m-%d %H:%M:%f000', 'now') WHERE id = ?"
    try:
        yield lambda: connection.execute(statement, (next(ids),)).close()
    finally:
        connection.close()


def long_show_of(serving: Serving, key: str) -> str:
    """Return the id of the show with 2,000 episodes."""
    _, body = serving.get(f"/api/v1/media?type=tv_show&q={quote(library.LONG_SHOW)}", {**_JSON, "X-API-Key": key})
    return str(json.loads(body)["items"][0]["id"])


def measure(sizes: list[Size], rounds: int, chosen: Sequence[Work], budget: float) -> list[tuple[str, ...]]:
    """Ask both libraries in turn; return the rows of the table."""
    rows: list[tuple[str, ...]] = []
    for work in chosen:
        for size in sizes:
            size.serving.get(size.filled(work.paths[-1]), {**work.headers, "X-API-Key": size.key})
        for path in itertools.islice(itertools.cycle(work.paths), rounds):
            for size in sizes:
                size.measure(work, path)
        times = [statistics.median(size.took_ms[work.name]) for size in sizes]
        used = [size.used_ms[work.name] / rounds for size in sizes]
        factor = used[-1] / used[0] if used[0] else 0.0
        cells = [f"{number:.1f} ms" for pair in zip(times, used, strict=True) for number in pair]
        rows.append((work.name, *cells, f"{factor:.1f}", "kept" if factor <= budget else "MISSED"))
    return rows


def main() -> None:
    """Make both libraries, measure and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description="Measure what grows with the library.")
    parser.add_argument("--films", type=int, default=library.FILMS)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--kept", type=Path, help="keep the libraries in this folder, and use those that are there")
    parser.add_argument("--only", default="", help="measure only what has this text in its name")
    parser.add_argument("--postgresql", default="", help="address of a server with the databases mydia_NUMBER")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/benchmarks.md")
    options = parser.parse_args()
    print(machine())
    counts = [options.films, options.films * options.factor]
    with ExitStack() as stack:
        sizes: list[Size] = []
        for films in counts:
            folder = (
                options.kept / str(films) if options.kept else Path(stack.enter_context(tempfile.TemporaryDirectory()))
            )
            name = f"mydia_{films}" if options.postgresql else ""
            more = {"DATABASE_URL": f"{options.postgresql}/{name}"} if name else {}
            key = made(folder, films, **more)
            serving = stack.enter_context(Serving(folder, **more))
            serving.first_answer("/health")
            serving.wait_until_ready()
            change = stack.enter_context(changing(folder, more.get("DATABASE_URL", "")))
            sizes.append(Size(films, serving, key, change, long_show_of(serving, key), name))
        for size in sizes:
            size.serving.wait_until_idle(600)
            size.wait_for_server()
        budget = _BUDGET_POSTGRESQL if options.postgresql else _BUDGET
        rows = measure(sizes, options.rounds, [work for work in WORK if options.only in work.name], budget)
        memory = [size.serving.memory_mib() for size in sizes]
    head = ("work", *(f"{films:,} movies{unit}" for films in counts for unit in ("", ", processor")), "factor", "")
    print_table([head, *rows], markdown=options.markdown)
    print(json.dumps({f"{films:,}": memory_of for films, memory_of in zip(counts, memory, strict=True)}))
    if any(row[-1] == "MISSED" for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Measure the memory of all processes with 10,000 movies and 50,000 episodes: idle, and after 50,000 mixed requests.

python -m benchmarks.memory [--rounds 10]

Without `--rounds`, only idle. A round is 5,000 requests.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from pathlib import Path

from benchmarks import library
from benchmarks.measure import Figure
from benchmarks.serving import Serving

_SETTLE_S = 8.0
_PAGES = ("/login", "/api/v1/media?type=movie", "/api/v1/media?type=tv_show", "/api/v1/files", "/api/v1/calendar")
_ORDERS = ("title", "added", "year", "size", "rating", "runtime")
_LISTS = tuple(
    f"/api/v1/media?type={kind}&sort={order}{more}"
    for kind, order, more in itertools.product(
        ("movie", "tv_show"), _ORDERS, ("", "&genre=Drama", "&year_from=1990&descending=true", "&monitored=true")
    )
)
_SEARCHES = tuple(f"/api/v1/media?q={text}" for text in ("a", "si", "sil", "night", "the%20last", "xyzzy"))
_PAGES_OF_PEOPLE = (
    "/",
    "/movies",
    "/movies?sort=rating",
    "/shows",
    "/wanted",
    "/calendar",
    "/activity/history",
    "/system",
    "/imports",
)
_MIXED = (*_LISTS, *_SEARCHES, *_PAGES, *_PAGES_OF_PEOPLE, "/api/v1/wanted", "/api/v1/history", "/api/v1/system/status")
_A_ROUND = 5_000
_BUDGET_IDLE_MIB = 190
_BUDGET_USED_MIB = 240


def under_load(folder: Path, key: str, *, rounds: int) -> list[Figure]:
    """Send rounds of mixed requests and add up the memory after each."""
    after = []
    with Serving(folder) as serving:
        serving.first_answer("/health")
        serving.wait_until_ready()
        serving.wait_until_idle()
        for _ in range(rounds):
            for path in itertools.islice(itertools.cycle(_MIXED), _A_ROUND):
                status, _ = serving.get(path, {"X-API-Key": key})
                if status >= 400:
                    msg = f"{path} was answered with {status}"
                    raise RuntimeError(msg)
            time.sleep(_SETTLE_S)
            after.append(sum(serving.memory_mib().values()))
    return [
        *(Figure(f"memory after {count * _A_ROUND:,} requests", mib, "MiB") for count, mib in enumerate(after[:-1], 1)),
        Figure(f"memory after {rounds * _A_ROUND:,} requests", after[-1], "MiB", _BUDGET_USED_MIB),
    ]


def measure(folder: Path, key: str) -> list[Figure]:
    """Start Mydia, request a few pages, wait until it is idle, and add up the memory."""
    with Serving(folder) as serving:
        serving.first_answer("/health")
        serving.wait_until_ready()
        time.sleep(_SETTLE_S)
        fresh = serving.memory_mib()
        for path in _PAGES * 10:
            serving.get(path, {"X-API-Key": key})
        time.sleep(_SETTLE_S)
        used = serving.memory_mib()
    parts = [Figure(f"memory of {name}", value, "MiB") for name, value in used.items()]
    return [
        Figure("memory, idle after its start", sum(fresh.values()), "MiB", _BUDGET_IDLE_MIB),
        Figure("memory, idle after some use", sum(used.values()), "MiB", _BUDGET_IDLE_MIB),
        *parts,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=0)
    rounds = parser.parse_args().rounds
    library.report(functools.partial(under_load, rounds=rounds) if rounds else measure)

"""Measure the memory of an idle Mydia with 10,000 movies and 50,000 episodes. Budget: 220 MiB for all processes together.

python -m benchmarks.memory
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import library
from benchmarks.measure import Figure
from benchmarks.serving import Serving

_SETTLE_S = 8.0
_PAGES = ("/login", "/api/v1/media?type=movie", "/api/v1/media?type=tv_show", "/api/v1/files", "/api/v1/calendar")


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
        Figure("memory, idle after its start", sum(fresh.values()), "MiB", 220),
        Figure("memory, idle after some use", sum(used.values()), "MiB", 220),
        *parts,
    ]


if __name__ == "__main__":
    library.report(measure)

"""Measure GraphQL: a list of 50 titles with their files, the memory after the first use, and what the first request costs.

python -m benchmarks.graphql
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from pathlib import Path

from benchmarks import library
from benchmarks.measure import Figure
from benchmarks.serving import Serving

_TIMES = 200
_LIST = (
    "{ mediaItems(first: 50, type: MOVIE) { nodes { id title year state files { id path size resolution codec } } } }"
)


def measure(folder: Path, key: str) -> list[Figure]:
    """Start Mydia on the library and measure GraphQL."""
    with Serving(folder) as serving:
        serving.first_answer("/health")
        serving.wait_until_ready()
        serving.wait_until_idle()
        serving.get("/api/v1/media", {"X-API-Key": key})
        before = serving.memory_mib()["web"]
        connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=60)
        first = _timed(connection, key)
        times = sorted(_timed(connection, key) for _ in range(_TIMES))
        connection.close()
        after = serving.memory_mib()["web"]
    return [
        Figure("GraphQL: list of 50 with files, p50", statistics.median(times), "ms", 12),
        Figure("GraphQL: list of 50 with files, p99", times[int(len(times) * 0.99)], "ms"),
        Figure("GraphQL: first request, which builds the schema", first, "ms"),
        Figure("GraphQL: memory that the first use adds", after - before, "MiB", 40),
    ]


def _timed(connection: http.client.HTTPConnection, key: str) -> float:
    """Return how long the list takes, in milliseconds."""
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    began_s = time.perf_counter()
    connection.request("POST", "/graphql", json.dumps({"query": _LIST}), headers)
    told = json.loads(connection.getresponse().read())
    took_ms = (time.perf_counter() - began_s) * 1000
    if "errors" in told or len(told["data"]["mediaItems"]["nodes"]) != 50:
        msg = f"the list was answered with {str(told)[:200]}"
        raise RuntimeError(msg)
    return took_ms


if __name__ == "__main__":
    library.report(measure)

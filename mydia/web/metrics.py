"""Metrics for Prometheus. Counting costs one dictionary entry; the library that formats them is loaded by the first scrape."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from litestar import Response, get

from mydia.contexts.users import SYSTEM, Caller
from mydia.errors import Forbidden
from mydia.web.deps import WebDeps, WebRequest, caller_of, deps_of
from mydia.web.locality import is_this_machine

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

type Source = Callable[[WebDeps, Caller], Iterator[Metric]]


class Traffic:
    """Requests by method, route template and status, with their durations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], list[float]] = {}

    def note(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one answered request."""
        with self._lock:
            numbers = self._seen.setdefault((method, route, str(status)), [0.0] * (len(_BUCKETS_S) + 2))
            numbers[bisect_left(_BUCKETS_S, took_s)] += 1
            numbers[-1] += took_s

    def collect(self) -> Iterator[Metric]:
        """Yield the counts in the form that Prometheus reads."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(
            "mydia_http_request_duration_seconds", "Time to answer requests.", labels=["method", "route", "status"]
        )
        with self._lock:
            seen = {key: list(numbers) for key, numbers in self._seen.items()}
        for key, numbers in seen.items():
            total, cumulated = 0.0, []
            for limit, number in zip((*map(str, _BUCKETS_S), "+Inf"), numbers[:-1], strict=True):
                total += number
                cumulated.append((limit, total))
            family.add_metric(list(key), cumulated, sum_value=numbers[-1])
        yield family


def _jobs(deps: WebDeps, caller: Caller) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    depth = GaugeMetricFamily("mydia_queue_jobs", "Jobs on a queue.", labels=["queue", "state"])
    for queue in deps.taskboard.queue_depth(caller):
        for state in ("queued", "delayed", "running", "failed"):
            depth.add_metric([queue.queue, state], getattr(queue, state))
    yield depth
    runs = CounterMetricFamily("mydia_job_runs", "Runs of jobs that ended.", labels=["job", "state"])
    took = CounterMetricFamily("mydia_job_seconds", "Time that jobs ran.", labels=["job", "state"])
    for total in deps.taskboard.totals(caller):
        runs.add_metric([total.job, str(total.state)], total.runs)
        took.add_metric([total.job, str(total.state)], total.seconds)
    yield runs
    yield took
    workers = GaugeMetricFamily("mydia_workers", "Worker processes alive.")
    workers.add_metric([], len(deps.taskboard.workers()))
    yield workers


def _pool(deps: WebDeps, _caller: Caller) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    used = GaugeMetricFamily("mydia_database_connections_in_use", "Database connections in use by the web process.")
    used.add_metric([], getattr(deps.database.engine.pool, "checkedout", int)())
    yield used


SOURCES: tuple[Source, ...] = (_jobs, _pool)
"""The sources that each scrape reads, in addition to the traffic."""


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def metrics(request: WebRequest) -> Response[bytes]:
    """Send all metrics to requests from this machine, and to callers who may see the settings."""
    caller = _reader(request)
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    deps, traffic = deps_of(request), request.app.state.traffic
    sources: tuple[Source, ...] = (*SOURCES, *request.app.state.metrics)

    class _All:
        def collect(self) -> Iterator[Metric]:
            yield from traffic.collect()
            for source in sources:
                yield from source(deps, caller)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_All())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _reader(request: WebRequest) -> Caller:
    if is_this_machine(request):
        return SYSTEM
    caller = caller_of(request)
    if caller is None:
        raise Forbidden("Metrics are available only from this machine or with an administrator's API key.")
    return caller
